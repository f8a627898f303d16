#include "media/codec.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/codec_opus.h"

static bool is_opus(const struct codec_spec *spec)
{
	return str_ieq(spec->name, "opus");
}

bool codec_known(const struct codec_spec *spec, bool use_av)
{
	return is_opus(spec) || codec_pcm_known(spec) ||
	       (use_av && codec_av_known(spec));
}

int codec_open(const struct codec_spec *spec, unsigned rate_hint_hz,
	       bool use_av, struct codec **ret_codec)
{
	if (is_opus(spec))
		return codec_opus_open(rate_hint_hz ? rate_hint_hz : 48000,
				       ret_codec);
	if (codec_pcm_known(spec))
		return codec_pcm_open(spec, ret_codec);
	if (use_av && codec_av_known(spec))
		return codec_av_open(spec, ret_codec);
	return -ENOENT;
}

void codec_close(struct codec **cp)
{
	struct codec *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	c->ops->close(c);
}

unsigned codec_duration_48k(const struct codec_spec *spec, const uint8_t *data,
			    size_t len)
{
	unsigned bytes;

	if (is_opus(spec))
		return opus_file_packet_48k(data, len);
	if (codec_pcm_known(spec)) {
		bytes = str_ieq(spec->name, "L16") ? 2 : 1;
		bytes *= spec->channels ? spec->channels : 1;
		if (!spec->clock_hz || len > 65535)
			return 0;
		return (unsigned)(len / bytes * 48000 / spec->clock_hz);
	}
	return codec_av_duration_48k(spec, data, len);
}

bool codec_noise(const struct codec_spec *spec, const uint8_t *data, size_t len)
{
	return codec_av_noise(spec, data, len);
}

int codec_decode(struct codec *c, const uint8_t *data, size_t len, int16_t *dst,
		 size_t max)
{
	if (len == 0)
		return -EBADMSG;
	return c->ops->decode(c, data, len, dst, max);
}
