/* media/capture.h - the capture role: sockets, packets, spool, nothing else.
 *
 * Speaks media/capture_msg.h with the role "sip". No XML, no SQL, no codec.
 *
 * What is stored: packets that pass all checks, on streams that are enabled,
 * active and not muted. The checks, in order:
 *
 *  source     the IP address of the sender equals the negotiated one (c= line;
 *	       IPv4-mapped IPv6 counts as IPv4). The address in SDP says where
 *	       the client *receives*; nearly all send from the same address,
 *	       but not always from the same port (NAT, media proxies). So the
 *	       address is strict, and the port is locked by the first 5
 *	       consecutive valid packets of one port; these packets are stored
 *	       as they come, since dropping the first 100 ms of a call is worse
 *	       than storing what came from the right host. A packet from the
 *	       very port that was negotiated locks at once, and takes the lock
 *	       from any other: what a client forgot to end may be first. After
 *	       the lock, other ports are refused until the next offer that
 *changes the stream's remote address or port, or until the locked port has been
 *silent for 2 s (media moved inside the client without a re-INVITE: losing the
 *rest of the call would be worse than following a port of the negotiated host).
 *	       An offer with no address or 0.0.0.0 (hold as RFC 2543 has it)
 *	       leaves the lock as it is; when there never was an address, the
 *	       first 5 consecutive valid packets lock address and port.
 *	       Where the sender is not the address in SDP (NAT in front of the
 *	       client, media that another host sends), learn_source lets the
 *	       first 5 consecutive valid packets lock address and port
 *	       whatever the offer says; afterwards only that address, or the
 *	       negotiated one, may follow a locked port that fell silent.
 *	       A stream of an earlier call on our port is refused as long as it
 *	       goes on (media/capture_ghost.h).
 *  version    RTP or RTCP version 2 and lengths that add up
 *  payload    payload type is in the answer, or was in one that a new offer
 *	       replaced less than 5 s ago: packets under way
 *  SSRC       at most 4 SSRCs at a time per stream (RFC 3550 A.1). A new one
 *	       takes the place of one that was silent for 10 s, else of the
 *	       one that has shown least (on probation, few packets) and is
 *	       silent longest, 250 ms at least. Packets on probation are
 *	       stored as well (see above).
 *
 * Everything else is counted by reason in srs_capture_dropped_total.
 *
 * Descriptors. A stream takes two sockets, one where the client shares a port
 * for RTP and RTCP (rtcp-mux). Sockets of a call that its client ended with BYE
 * rest (media/port_pool.h), an eighth of the descriptors at most, and are used
 * again. A spool takes one while something is written to it; after 3 s without
 * that it is given back. The supervisor holds a duplicate of every socket.
 */
#ifndef MEDIA_CAPTURE_H
#define MEDIA_CAPTURE_H

struct role_ops;

extern const struct role_ops capture_role;

#endif
