#include "srs/sip/json_text.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

void json_text_put(struct buf *out, const char *s)
{
	size_t len = s ? strlen(s) : 0;
	size_t from = 0;

	(void)buf_putc(out, '"');
	if (len == 0 || str_utf8_ok(s, len)) {
		(void)buf_json(out, s ? s : "", len);
		(void)buf_putc(out, '"');
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x80)
			continue;
		(void)buf_json(out, s + from, i - from);
		(void)buf_putc(out, '?');
		from = i + 1;
	}
	(void)buf_json(out, s + from, len - from);
	(void)buf_putc(out, '"');
}

void json_text_pair(struct buf *out, const char *key, const char *s)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		(void)buf_putc(out, ',');
	(void)buf_printf(out, "\"%s\":", key);
	json_text_put(out, s);
}
