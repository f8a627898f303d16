/* srs/call/voice.h - what one party of a call says, as payloads of 20 ms.
 *
 * Encoded once, before the first call, and shared by all calls of a batch. A
 * file is said once, then there is silence; a tone goes on for ever.
 */
#ifndef SRS_CALL_VOICE_H
#define SRS_CALL_VOICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct call_voice;
struct err;

/** @param codec   "PCMU", "PCMA", "G722" or "opus"
 *  @param wav     path, or NULL for a tone
 *  @param tone_hz of the tone
 *  @return 0, -EINVAL (not PCM of 16 bit, no known codec), -ENOENT, -EIO,
 *  -EFBIG (longer than an hour), -ENOMEM */
int call_voice_create(const char *codec, const char *wav, unsigned tone_hz,
		      struct call_voice **ret_voice, struct err *e);
/** What n voices of one codec sound like on one line.
 *  @return 0, -EINVAL (only G.711 can be mixed here), -ENOMEM */
int call_voice_mix(struct call_voice *const *voices, unsigned n,
		   struct call_voice **ret_voice);
void call_voice_destroy(struct call_voice **vp);

/** Payload number i (any). Valid for the voice's life. */
struct span call_voice_frame(const struct call_voice *v, uint64_t i);

/** @return ticks of the RTP clock per frame: 160 or 960 */
unsigned call_voice_ticks(const struct call_voice *v);

/* Mono samples of a WAV file. Owner: the caller; mem_free() the samples. */
struct wav {
	unsigned rate_hz;
	size_t n;
	int16_t *samples;
};

/** Read 16-bit PCM; several channels become their mean. Errors as above. */
int wav_read(const char *path, struct wav *ret_wav, struct err *e);

#endif
