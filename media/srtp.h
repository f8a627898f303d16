/* media/srtp.h - opens what comes as SRTP and SRTCP, seals what we send.
 *
 * Keys are negotiated elsewhere (srs/siprec/sdes.h); here they are used. The
 * only place that names libsrtp2. Contexts keep no packet. A packet that does
 * not authenticate is left as it came.
 *
 * The rollover counter. A packet carries 16 bits of its index only, so who
 * comes late (a process that was started again, a recording that begins in the
 * middle of a call, a pause of many minutes) does not know the upper 32. They
 * are found by trying: with a wrong counter the tag does not match. Nothing
 * has to be kept for that. The first packet of an SSRC is tried with counters
 * 0 to SRTP_ROC_TRIES, a later one with as many that follow (never with an
 * earlier one: that would be a replay). While nothing authenticates only few
 * packets are worth so much work.
 *
 * Memory. libsrtp2 keeps a stream for each SSRC that ever authenticated, and
 * who has the keys may invent SSRCs without end. Of each key the last
 * SRTP_SSRC_MAX that were new are kept; an older one that comes again begins
 * anew.
 *
 * MKI. libsrtp2 2.5 looks for it in the wrong place of SRTCP with _SHA1_32, so
 * it is taken off here and each master key has a context of its own.
 *
 * Role: capture; the recording client. One thread at a time per object.
 * Source: RFC 3711, 7714 (GCM), 4568 section 6.
 */
#ifndef MEDIA_SRTP_H
#define MEDIA_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SRTP_KEY_MAX 44	  /* master key and salt, bytes */
#define SRTP_KEYS_MAX 4	  /* of one direction */
#define SRTP_MKI_MAX 128  /* bytes on the wire */
#define SRTP_TAIL_MAX 160 /* what a packet may grow by */
#define SRTP_PACKET_MAX 9216
#define SRTP_ROC_TRIES 255
#define SRTP_SSRC_MAX 16

enum srtp_suite {
	SRTP_CLEAR, /* no SRTP at all */
	SRTP_AES128_SHA1_80,
	SRTP_AES128_SHA1_32,
	SRTP_AES128_GCM,
	SRTP_AES256_GCM,
	SRTP_SUITES
};

/* Session parameters of RFC 4568; bits. */
enum srtp_flag {
	SRTP_UNENCRYPTED_RTP = 1,
	SRTP_UNENCRYPTED_RTCP = 2,
	SRTP_UNAUTHENTICATED = 4,
};

struct srtp_key {
	uint8_t bytes[SRTP_KEY_MAX]; /* those that the suite has */
	uint64_t mki;		     /* 0 without */
};

/* One direction of a stream. Zeroed = in clear; may be compared by memcmp()
 * when it was zeroed before it was filled. */
struct srtp_params {
	uint8_t suite; /* enum srtp_suite */
	uint8_t flags; /* enum srtp_flag */
	uint8_t n_keys;
	uint8_t mki_len; /* of all keys, bytes; 0 = none */
	struct srtp_key keys[SRTP_KEYS_MAX];
};

/** "AES_CM_128_HMAC_SHA1_80" ... as in RFC 4568 and 7714; "" for CLEAR. */
const char *srtp_suite_name(enum srtp_suite s);
/** SRTP_CLEAR for a suite that we do not have. ASCII case ignored. */
enum srtp_suite srtp_suite_find(struct span name);
/** Bytes of master key and salt. */
size_t srtp_suite_key_len(enum srtp_suite s);

/** Once per process, before its sandbox (loads modules of the cipher library);
 *  again does nothing. @return 0 or -ENOTSUP: libsrtp2 does not start */
int srtp_start(void);

struct srtp_in;
struct srtp_out;

/** @param p copied; not CLEAR. @return 0, -EINVAL, -ENOMEM */
int srtp_in_create(const struct srtp_params *p, struct srtp_in **ret_in);
/** Takes NULL, leaves NULL; the keys are wiped. */
void srtp_in_destroy(struct srtp_in **ip);

/**
 * Authenticate and decrypt one packet in place.
 *
 * @param data    changed on success only; no alignment needed
 * @param ret_len length in clear
 *
 * @return 0, or
 *         -EBADMSG  not authentic: forged, another key, or no SRTP
 *         -EALREADY seen before, or too old to tell
 */
int srtp_in_rtp(struct srtp_in *in, uint8_t *data, size_t len, size_t *ret_len);
/** The same for a compound RTCP packet. */
int srtp_in_rtcp(struct srtp_in *in, uint8_t *data, size_t len,
		 size_t *ret_len);

/** @param p its first key is used. Errors as srtp_in_create() */
int srtp_out_create(const struct srtp_params *p, struct srtp_out **ret_out);
void srtp_out_destroy(struct srtp_out **op);

/** Encrypt and sign in place. @param size room in data: len + SRTP_TAIL_MAX
 *  at least. @return 0, -EMSGSIZE, -EINVAL not a packet */
int srtp_out_rtp(struct srtp_out *out, uint8_t *data, size_t size, size_t len,
		 size_t *ret_len);
int srtp_out_rtcp(struct srtp_out *out, uint8_t *data, size_t size, size_t len,
		  size_t *ret_len);

#endif
