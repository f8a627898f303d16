#include "media/codec_list.h"

#include "base/mem.h"
#include "base/str.h"

static const struct codec_listed rows[] = {
	{ "PCMU", 8000, 8 },	     { "PCMA", 8000, 8 },
	{ "opus", 48000, 0 },	     { "G722", 8000, 0 },
	{ "G729", 8000, 0 },	     { "G726-16", 8000, 0 },
	{ "G726-24", 8000, 0 },	     { "G726-32", 8000, 0 },
	{ "G726-40", 8000, 0 },	     { "AAL2-G726-16", 8000, 0 },
	{ "AAL2-G726-24", 8000, 0 }, { "AAL2-G726-32", 8000, 0 },
	{ "AAL2-G726-40", 8000, 0 }, { "GSM", 8000, 0 },
	{ "iLBC", 8000, 0 },	     { "G723", 8000, 0 },
	{ "L16", 8000, 2 },	     { "L16", 16000, 2 },
	{ "L16", 32000, 2 },	     { "L16", 44100, 2 },
	{ "L16", 48000, 2 },
};

bool codec_list_has(const char *name, uint32_t clock_hz, unsigned channels)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_ieq(rows[i].name, name) &&
		    rows[i].clock_hz == clock_hz &&
		    (!rows[i].channels_max || channels <= rows[i].channels_max))
			return true;
	return false;
}

bool codec_fmtp_get(const char *fmtp, const char *name, char *dst, size_t len)
{
	struct span rest = span_of(fmtp ? fmtp : ""), value, key;

	while (rest.len) {
		value = span_cut(&rest, ';');
		key = span_trim(span_cut(&value, '='));
		if (span_ieq(key, name))
			return span_copy(dst, len, span_trim(value));
	}
	return false;
}

size_t codec_list_get(const struct codec_listed **ret_rows)
{
	*ret_rows = rows;
	return ARRAY_SIZE(rows);
}
