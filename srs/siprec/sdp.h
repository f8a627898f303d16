/* srs/siprec/sdp.h - session descriptions of recording clients, as plain data.
 *
 * sdp_read() (not sdp_parse: Sofia has one of that name, and would call ours)
 * understands what is sent in the field rather than what RFC 8866
 * allows: any line end, blanks at line ends, missing o= s= t= c=, static
 * payload types without rtpmap, attributes nobody knows. What it cannot
 * understand it leaves out, with a warning. It answers nothing and chooses
 * nothing: see srs/siprec/answer.h. Pure; fuzzed by fuzz_sdp.
 *
 * Source: RFC 8866, 4566, 3264, 3551 (static types), 3605 (rtcp), 4574
 * (label), 5761 (rtcp-mux), 4568 (crypto), 5245 is ignored.
 */
#ifndef SRS_SIPREC_SDP_H
#define SRS_SIPREC_SDP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"
#include "srs/siprec/sdes.h"

#define SDP_LINES_MAX 64    /* m-lines */
#define SDP_PTS_MAX 32	    /* payload types of one m-line */
#define SDP_TEXT_MAX 65536  /* bytes of a whole description */
#define SDP_LABEL_MAX 128   /* with the NUL */
#define SDP_ADDR_MAX 64	    /* with the NUL */
#define SDP_PORT_INVALID 0u /* a refused or unreadable m-line */

struct warn_list;
struct buf;

enum sdp_media {
	SDP_AUDIO,
	SDP_VIDEO,
	SDP_TEXT,
	SDP_OTHER, /* application, image, message ... */
};

enum sdp_dir {
	SDP_DIR_UNSET, /* no direction: means sendrecv */
	SDP_SENDRECV,
	SDP_SENDONLY,
	SDP_RECVONLY,
	SDP_INACTIVE,
};

enum sdp_proto {
	SDP_AVP,
	SDP_AVPF,
	SDP_SAVP,  /* keys in a=crypto */
	SDP_SAVPF, /* the same with feedback */
	SDP_DTLS,  /* UDP/TLS/RTP/SAVP(F) */
	SDP_PROTO_OTHER,
};

/* a=record: whether the sender records, a=recordpref: whether it would like to
 * be recorded (RFC 7866 sections 7.1.2 and 7.3.2). */
enum sdp_record {
	SDP_RECORD_UNSET,
	SDP_RECORD_ON,
	SDP_RECORD_OFF,
	SDP_RECORD_PAUSED,
};

enum sdp_pref {
	SDP_PREF_UNSET,
	SDP_PREF_ON,
	SDP_PREF_OFF,
	SDP_PREF_PAUSE,
	SDP_PREF_NONE, /* nopreference */
};

/* One format of an m-line, in the order of the line. */
struct sdp_pt {
	uint8_t pt;
	uint8_t channels;
	uint32_t rate_hz; /* RTP clock; 0 = unknown dynamic type */
	/* as in the registry for the ones we know (PCMU PCMA opus G722
	 * telephone-event CN H264 VP8 ...), otherwise as sent; "" = unknown */
	char codec[24];
	char fmtp[200]; /* "" = none */
};

struct sdp_line {
	enum sdp_media media;
	enum sdp_proto proto;
	enum sdp_dir dir;	/* the line's own, or the session's */
	enum sdp_record record; /* the line's own, or the session's */
	enum sdp_pref pref;	/* the same */
	uint16_t port;		/* 0 = refused */
	uint16_t rtcp_port;	/* 0 = port + 1 (or port with rtcp_mux) */
	uint16_t ptime_ms;	/* 0 = not said */
	bool rtcp_mux;
	bool has_crypto;	      /* a=crypto or a=fingerprint seen */
	uint8_t n_crypto;	      /* a=crypto lines; 255 = that or more */
	struct sdes sdes;	      /* the first that can be used */
	bool on_hold;		      /* c= is 0.0.0.0 or :: */
	char label[SDP_LABEL_MAX];    /* as sent; "" = none */
	char media_word[24];	      /* as sent, "audio" */
	char proto_word[32];	      /* as sent, "RTP/AVP" */
	char formats[128];	      /* as sent, "0 8 101"; cut at a blank */
	char addr[SDP_ADDR_MAX];      /* of c= of the line or the session */
	char rtcp_addr[SDP_ADDR_MAX]; /* of a=rtcp, "" = addr */
	char mid[32];		      /* a=mid, "" = none */
	char content[32];	      /* a=content, "" = none */
	unsigned n_pts;
	struct sdp_pt pts[SDP_PTS_MAX];
};

struct sdp {
	char origin_user[64];
	uint64_t origin_id;	 /* 0 when not a number */
	uint64_t origin_version; /* never compared: clients restart it */
	char origin_addr[SDP_ADDR_MAX];
	char name[128];		 /* s= */
	uint64_t starts, ends;	 /* t=, as sent; 0 0 without */
	char addr[SDP_ADDR_MAX]; /* session level c=, "" = none */
	enum sdp_dir dir;	 /* session level */
	enum sdp_record record;	 /* session level */
	enum sdp_pref pref;	 /* session level */
	unsigned n_lines;
	struct sdp_line *lines[SDP_LINES_MAX]; /* heap, owned */
};

/**
 * Read a description.
 *
 * @param wl warnings are added; may be NULL
 *
 * @return 0 (perhaps with no m-line at all), or
 *         -EBADMSG  nothing in it looks like SDP
 *         -E2BIG    longer than SDP_TEXT_MAX
 *         -ENOMEM
 */
int sdp_read(struct span text, struct warn_list *wl, struct sdp **ret_sdp);

/** Takes NULL, leaves NULL; keys are wiped. */
void sdp_destroy(struct sdp **sp);

/** Where the peer of a line sends from and wants RTCP.
 *  @param ret_rtp,ret_rtcp family 0 when the address is missing, a name, or
 *         on hold, or the port is 0; ports are filled in network order */
void sdp_line_remote(const struct sdp_line *l, struct sockaddr_storage *ret_rtp,
		     struct sockaddr_storage *ret_rtcp);

/** Is it RTP/SAVP or RTP/SAVPF? */
bool sdp_line_is_srtp(const struct sdp_line *l);

/** @return the line with this label, or NULL; "" never matches */
const struct sdp_line *sdp_find_label(const struct sdp *s, const char *label);

/** @return "sendrecv" ...; UNSET gives "sendrecv" */
const char *sdp_dir_name(enum sdp_dir dir);

/** @return "on" "off" "paused", "" when unset */
const char *sdp_record_name(enum sdp_record v);
/** @return "on" "off" "pause" "nopreference", "" when unset */
const char *sdp_pref_name(enum sdp_pref v);

/** @return whether the direction lets the offerer send media to us */
bool sdp_dir_sends(enum sdp_dir dir);

/** Canonical spelling of a codec name ("pcmu" -> "PCMU", "OPUS" -> "opus");
 *  names that we do not know are copied. */
void sdp_codec_name(char *dst, size_t dst_len, struct span name);

/** Append one m-line's a=rtpmap and a=fmtp of a payload type. */
void sdp_print_pt(struct buf *out, const struct sdp_pt *pt,
		  enum sdp_media media);

#endif
