/* Payloads into the decoders: {1 byte codec of the list, 1 byte channels and
 * iLBC's mode}, then {2 bytes length, payload}. No more samples than there is
 * room for, a length that agrees with what was decoded, and an end.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/codec.h"
#include "media/codec_list.h"

#define PACKETS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Just as long as it says: reading on is seen. */
static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *own = mem_calloc(len ? len : 1, 1);

	if (own && len)
		memcpy(own, p, len);
	return own;
}

static void one_packet(const struct codec_spec *spec, struct codec *c,
		       const uint8_t *p, size_t len, int16_t *pcm)
{
	unsigned ticks = codec_duration_48k(spec, p, len);
	int r;

	if (codec_noise(spec, p, len))
		ASSERT(len <= 4 && ticks == 0);
	r = codec_decode(c, p, len, pcm, CODEC_SAMPLES_MAX);
	ASSERT(r <= CODEC_SAMPLES_MAX);
	ASSERT(r > 0 || r == -EBADMSG || r == -ENOMEM);
	if (r > 0 && r < CODEC_SAMPLES_MAX && ticks)
		ASSERT(llabs((long long)r * 48000 / c->rate_hz - ticks) <= 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int16_t pcm[CODEC_SAMPLES_MAX];
	const struct codec_listed *rows;
	struct codec_spec spec = { .fmtp = "" };
	struct codec *codec = NULL;
	const uint8_t *p;
	uint8_t which, how, *own;
	struct cursor c;
	uint16_t n;

	cur_init(&c, data, len);
	if (!cur_u8(&c, &which) || !cur_u8(&c, &how))
		return 0;
	which %= codec_list_get(&rows);
	spec.name = rows[which].name;
	spec.clock_hz = rows[which].clock_hz;
	spec.channels = 1 + (str_eq(spec.name, "L16") && how & 1);
	if (how & 2)
		spec.fmtp = "mode=20";
	if (codec_open(&spec, 0, true, &codec) < 0)
		return 0;
	for (int k = 0; k < PACKETS_MAX && cur_be16(&c, &n); k++) {
		n &= 0xfff; /* no packet is longer */
		if (n > cur_left(&c))
			n = (uint16_t)cur_left(&c);
		if (!cur_take(&c, n, &p))
			break;
		own = copy_of(p, n);
		if (own)
			one_packet(&spec, codec, own, n, pcm);
		mem_free(own);
	}
	codec_close(&codec);
	return 0;
}
