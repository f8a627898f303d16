/* auth/codec_name.h - codec names of conditions and of SDP, made comparable.
 *
 * "G.711u", "g711-ulaw", "PCMU" and "PCMU/8000/1" are one codec. What is not
 * in the alias table keeps its name; names compare without case, a clock rate
 * or channel count of 0 matches any. Pure; any role, any thread.
 *
 * Source: RFC 3551 section 6 (static payload types), the IANA registry of RTP
 * media types (clock rates; G722 says 8000 although it samples at 16000).
 */
#ifndef AUTH_CODEC_NAME_H
#define AUTH_CODEC_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODEC_NAME_MAX 33

struct codec_name {
	char name[CODEC_NAME_MAX]; /* canonical spelling where known */
	uint32_t rate_hz;	   /* RTP clock, 0 = not said */
	uint16_t channels;	   /* 0 = not said */
};

/** Read "name", "name/rate" or "name/rate/channels" and apply the aliases.
 *  @return 0 or -EINVAL (not the schema's pattern) */
int codec_name_parse(const char *text, struct codec_name *ret_codec);

/** From an rtpmap's parts; name is cut at CODEC_NAME_MAX - 1. */
void codec_name_set(struct codec_name *c, const char *name, uint32_t rate_hz,
		    uint16_t channels);

/** Payload type without rtpmap. @return 0 or -ENOENT (not static) */
int codec_name_static(unsigned payload_type, struct codec_name *ret_codec);

/** @return true when an offered codec is what a condition names */
bool codec_name_match(const struct codec_name *allowed,
		      const struct codec_name *offered);

/** True for telephone-event and comfort noise: never a reason to refuse, never
 *  enough to record alone. */
bool codec_name_auxiliary(const struct codec_name *c);

/** Words for a person: "G.711u", "H.264", else the name. Never NULL. */
const char *codec_name_people(const struct codec_name *c);

/** Usual rate of constant bit rate codecs in kbit/s; 0 = varies, unknown. */
unsigned codec_name_kbps(const struct codec_name *c);

#endif
