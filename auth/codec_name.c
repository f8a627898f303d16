#include "auth/codec_name.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* One row a codec; also[] are other spellings, all compared without case and
 * without '-', '_', '.' and blanks. */
struct codec_row {
	const char *name;
	uint32_t rate_hz; /* RTP clock; 0 = several */
	const char *people;
	unsigned kbps;
	const char *also[8];
};

static const struct codec_row rows[] = {
	{ "PCMU",
	  8000,
	  "G.711u",
	  64,
	  { "g711u", "g711mu", "g711ulaw", "g711mulaw", "ulaw", "mulaw" } },
	{ "PCMA", 8000, "G.711a", 64, { "g711a", "g711alaw", "alaw" } },
	{ "G722", 8000, "G.722", 64, { "g722" } },
	{ "G723", 8000, "G.723.1", 6, { "g7231" } },
	{ "G728", 8000, "G.728", 16, { NULL } },
	{ "G729", 8000, "G.729", 8, { "g729a", "g729ab", "g729b" } },
	{ "G726-16", 8000, "G.726 (16 kb/s)", 16, { NULL } },
	{ "G726-24", 8000, "G.726 (24 kb/s)", 24, { NULL } },
	{ "G726-32", 8000, "G.726 (32 kb/s)", 32, { NULL } },
	{ "G726-40", 8000, "G.726 (40 kb/s)", 40, { NULL } },
	{ "GSM", 8000, "GSM", 13, { "gsmfr" } },
	{ "iLBC", 8000, "iLBC", 0, { NULL } },
	{ "AMR", 8000, "AMR", 0, { "amrnb" } },
	{ "AMR-WB", 16000, "AMR-WB", 0, { "g7222" } },
	{ "EVS", 16000, "EVS", 0, { NULL } },
	{ "speex", 0, "Speex", 0, { NULL } },
	{ "opus", 48000, "Opus", 0, { NULL } },
	{ "L16", 0, "linear PCM", 0, { "pcm", "lpcm" } },
	{ "H264", 90000, "H.264", 0, { "avc", "h264avc" } },
	{ "H265", 90000, "H.265", 0, { "hevc" } },
	{ "H263", 90000, "H.263", 0, { NULL } },
	{ "H263-1998", 90000, "H.263+", 0, { NULL } },
	{ "H261", 90000, "H.261", 0, { NULL } },
	{ "VP8", 90000, "VP8", 0, { NULL } },
	{ "VP9", 90000, "VP9", 0, { NULL } },
	{ "AV1", 90000, "AV1", 0, { NULL } },
	{ "t140", 1000, "real-time text", 0, { "t140text" } },
	{ "red", 0, "redundant text", 0, { NULL } },
	{ "telephone-event", 0, "DTMF", 0, { "dtmf", "rfc2833", "rfc4733" } },
	{ "CN", 0, "comfort noise", 0, { "comfortnoise" } },
};

struct static_row {
	unsigned pt;
	const char *name;
	uint32_t rate_hz;
	uint16_t channels;
};

/* RFC 3551 tables 4 and 5; 2 and 19 are reserved there but seen. */
static const struct static_row static_rows[] = {
	{ 0, "PCMU", 8000, 1 },	  { 2, "G726-32", 8000, 1 },
	{ 3, "GSM", 8000, 1 },	  { 4, "G723", 8000, 1 },
	{ 5, "DVI4", 8000, 1 },	  { 6, "DVI4", 16000, 1 },
	{ 7, "LPC", 8000, 1 },	  { 8, "PCMA", 8000, 1 },
	{ 9, "G722", 8000, 1 },	  { 10, "L16", 44100, 2 },
	{ 11, "L16", 44100, 1 },  { 12, "QCELP", 8000, 1 },
	{ 13, "CN", 8000, 1 },	  { 14, "MPA", 90000, 0 },
	{ 15, "G728", 8000, 1 },  { 16, "DVI4", 11025, 1 },
	{ 17, "DVI4", 22050, 1 }, { 18, "G729", 8000, 1 },
	{ 19, "CN", 8000, 1 },	  { 25, "CelB", 90000, 0 },
	{ 26, "JPEG", 90000, 0 }, { 28, "nv", 90000, 0 },
	{ 31, "H261", 90000, 0 }, { 32, "MPV", 90000, 0 },
	{ 33, "MP2T", 90000, 0 }, { 34, "H263", 90000, 0 },
};

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_spelling(const char *a, const char *b)
{
	for (;;) {
		while (*a && strchr("-_. ", *a))
			a++;
		while (*b && strchr("-_. ", *b))
			b++;
		if (!*a || !*b)
			return *a == *b;
		if (fold(*a++) != fold(*b++))
			return false;
	}
}

static const struct codec_row *row_of(const char *name)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (str_ieq(rows[i].name, name))
			return &rows[i];
		for (k = 0; k < ARRAY_SIZE(rows[i].also); k++)
			if (rows[i].also[k] &&
			    same_spelling(rows[i].also[k], name))
				return &rows[i];
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (same_spelling(rows[i].name, name))
			return &rows[i];
	return NULL;
}

void codec_name_set(struct codec_name *c, const char *name, uint32_t rate_hz,
		    uint16_t channels)
{
	const struct codec_row *row = row_of(name);

	memset(c, 0, sizeof(*c));
	(void)str_copy(c->name, sizeof(c->name), row ? row->name : name);
	c->rate_hz = rate_hz;
	c->channels = channels;
	if (!row || !row->rate_hz)
		return;
	/* Only one clock exists for these; "G.722/16000" means it too. */
	if (!rate_hz || str_eq(row->name, "G722") || str_eq(row->name, "opus"))
		c->rate_hz = row->rate_hz;
}

static bool name_char_ok(char c)
{
	return (c >= '0' && c <= '9') || (fold(c) >= 'a' && fold(c) <= 'z') ||
	       (c && strchr(".+_-", c));
}

static int parse_number(struct span s, size_t max_digits, uint64_t max,
			uint64_t *ret_value)
{
	if (!s.len || s.len > max_digits)
		return -EINVAL;
	return span_u64(s, max, ret_value);
}

int codec_name_parse(const char *text, struct codec_name *ret_codec)
{
	struct span s = span_of(text), name = span_cut(&s, '/'), rate;
	const char *end = name.p + name.len;
	uint64_t rate_hz = 0, channels = 0;
	char word[CODEC_NAME_MAX];
	size_t i;

	if (!name.len || name.len > 32 || strchr("._+-", name.p[0]))
		return -EINVAL;
	for (i = 0; i < name.len; i++)
		if (!name_char_ok(name.p[i]))
			return -EINVAL;
	if (*end == '/') {
		rate = span_cut(&s, '/');
		if (parse_number(rate, 6, 999999, &rate_hz) < 0)
			return -EINVAL;
		if (rate.p[rate.len] == '/' &&
		    parse_number(s, 2, 99, &channels) < 0)
			return -EINVAL;
	}
	(void)span_copy(word, sizeof(word), name);
	codec_name_set(ret_codec, word, (uint32_t)rate_hz, (uint16_t)channels);
	return 0;
}

int codec_name_static(unsigned payload_type, struct codec_name *ret_codec)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(static_rows); i++) {
		if (static_rows[i].pt != payload_type)
			continue;
		codec_name_set(ret_codec, static_rows[i].name,
			       static_rows[i].rate_hz, static_rows[i].channels);
		return 0;
	}
	return -ENOENT;
}

bool codec_name_match(const struct codec_name *allowed,
		      const struct codec_name *offered)
{
	uint16_t a = allowed->channels, o = offered->channels;

	if (!str_ieq(allowed->name, offered->name))
		return false;
	if (allowed->rate_hz && offered->rate_hz &&
	    allowed->rate_hz != offered->rate_hz)
		return false;
	/* RFC 7587: opus always says 2, whatever it carries */
	if (str_eq(allowed->name, "opus"))
		return true;
	return !a || a == (o ? o : 1);
}

bool codec_name_auxiliary(const struct codec_name *c)
{
	return str_ieq(c->name, "telephone-event") || str_ieq(c->name, "CN");
}

const char *codec_name_people(const struct codec_name *c)
{
	const struct codec_row *row = row_of(c->name);

	return row ? row->people : c->name;
}

unsigned codec_name_kbps(const struct codec_name *c)
{
	const struct codec_row *row = row_of(c->name);

	return row ? row->kbps : 0;
}
