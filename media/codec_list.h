/* media/codec_list.h - which audio codecs are recorded.
 *
 * The list by which an offer is answered, without a decoder behind it: the sip
 * role asks it, and must not touch libavcodec. What it names, codec_open() of
 * media/codec.h decodes (tests/unit/test_codec_av.c holds the two together).
 * Comfort noise and telephone-event are companions of a codec, never in here.
 *
 * Pure. Role: sip (any). Source: RFC 3551, 3952, 4856,
 * 7587.
 */
#ifndef MEDIA_CODEC_LIST_H
#define MEDIA_CODEC_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_listed {
	const char *name;      /* as in the registry of RTP payload formats */
	uint32_t clock_hz;     /* RTP clock, not always that of the samples */
	unsigned channels_max; /* 0 = whatever the rtpmap says */
};

/** Is this rtpmap one of a codec that is recorded?
 *
 * @param name     ASCII case ignored
 * @param clock_hz as the rtpmap says
 * @param channels as the rtpmap says; 0 = it says none
 */
bool codec_list_has(const char *name, uint32_t clock_hz, unsigned channels);

/**
 * One parameter of an fmtp ("mode=20; x = 1"), names without case, blanks
 * around names and values left out.
 *
 * @param fmtp may be NULL
 * @return false: not there, or its value is too long for dst
 */
bool codec_fmtp_get(const char *fmtp, const char *name, char *dst, size_t len);

/** The whole list, for tests and messages. @return rows */
size_t codec_list_get(const struct codec_listed **ret_rows);

#endif
