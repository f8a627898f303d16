#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = 0;
}

/* Make room for len more bytes and the NUL behind them. */
static int buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap;
	uint8_t *p;

	if (b->error)
		return b->error;
	if (len > b->max - b->len || b->len + len == SIZE_MAX)
		return b->error = -ENOBUFS;
	need = b->len + len + 1;
	if (need <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (b->max < SIZE_MAX && cap > b->max + 1)
		cap = b->max + 1;
	p = mem_realloc(b->data, cap);
	if (!p)
		return b->error = -ENOMEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

int buf_put(struct buf *b, const void *data, size_t len)
{
	int r;

	r = buf_reserve(b, len);
	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

int buf_u8(struct buf *b, uint8_t v)
{
	return buf_put(b, &v, 1);
}

static int buf_be(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t d[8];
	unsigned i;

	for (i = 0; i < n; i++)
		d[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return buf_put(b, d, n);
}

static int buf_le(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t d[8];
	unsigned i;

	for (i = 0; i < n; i++)
		d[i] = (uint8_t)(v >> (8 * i));
	return buf_put(b, d, n);
}

int buf_be16(struct buf *b, uint16_t v)
{
	return buf_be(b, v, 2);
}

int buf_be32(struct buf *b, uint32_t v)
{
	return buf_be(b, v, 4);
}

int buf_be64(struct buf *b, uint64_t v)
{
	return buf_be(b, v, 8);
}

int buf_le16(struct buf *b, uint16_t v)
{
	return buf_le(b, v, 2);
}

int buf_le32(struct buf *b, uint32_t v)
{
	return buf_le(b, v, 4);
}

int buf_le64(struct buf *b, uint64_t v)
{
	return buf_le(b, v, 8);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len; /* none without data */
	va_list again;
	int n, r;

	if (b->error)
		return b->error;
	va_copy(again, ap);
	n = vsnprintf(room ? (char *)b->data + b->len : NULL, room, fmt, again);
	va_end(again);
	if (n >= 0 && (size_t)n < room) {
		b->len += (size_t)n;
		return 0;
	}
	if (room)
		b->data[b->len] = 0; /* what did not fit */
	if (n < 0)
		return b->error = -ENOBUFS;
	r = buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;
	(void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

/* Write what one character needs inside a JSON string; NULL: as it is. */
static const char *json_escape(unsigned char c, char tmp[8])
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		break;
	}
	if (c >= 0x20 && c != 0x7f)
		return NULL;
	(void)snprintf(tmp, 8, "\\u%04x", c);
	return tmp;
}

static const char *html_escape(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* All or nothing: forget what was appended since len. */
static int buf_undo(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = 0;
	return b->error;
}

int buf_json(struct buf *b, const char *s, size_t len)
{
	size_t i, start = 0, before = b->len;
	const char *esc;
	char tmp[8];

	for (i = 0; i < len; i++) {
		esc = json_escape((unsigned char)s[i], tmp);
		if (!esc)
			continue;
		(void)buf_put(b, s + start, i - start); /* errors stick */
		(void)buf_puts(b, esc);
		start = i + 1;
	}
	(void)buf_put(b, s + start, len - start);
	return b->error ? buf_undo(b, before) : 0;
}

/* Length of a character here that must not be in a page, whoever let it in. */
static size_t hidden_at(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;

	if (c == '\t' || c == '\n' || c == '\r' || (c & 0xc0) == 0x80)
		return 0;
	if (c >= ' ' && c < 0x7f)
		return 0;
	return str_harmful(s, len);
}

int buf_html(struct buf *b, const char *s)
{
	size_t i, start = 0, before = b->len, len = strlen(s), bad;
	const char *esc;

	for (i = 0; i < len; i++) {
		esc = html_escape((unsigned char)s[i]);
		bad = esc ? 0 : hidden_at(s + i, len - i);
		if (!esc && !bad)
			continue;
		(void)buf_put(b, s + start, i - start); /* errors stick */
		(void)buf_puts(b, esc ? esc : "");
		i += bad ? bad - 1 : 0;
		start = i + 1;
	}
	(void)buf_put(b, s + start, i - start);
	return b->error ? buf_undo(b, before) : 0;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
	b->data[b->len] = 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

int buf_error(const struct buf *b)
{
	return b->error;
}

char *buf_steal(struct buf *b)
{
	char *s = NULL;

	if (!b->error) {
		s = (char *)b->data;
		if (!s)
			s = mem_strdup("");
		b->data = NULL;
	}
	mem_free(b->data);
	*b = (struct buf){ .max = b->max };
	return s;
}
