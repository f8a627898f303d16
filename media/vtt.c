#include "media/vtt.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/buf.h"
#include "media/t140.h"

#define PAUSE_US 3000000
#define SEEN_US 2000000
#define LONG 80	     /* characters: then a blank ends the cue */
#define TOO_LONG 160 /* then anything does */

static void put_time(struct buf *out, int64_t us)
{
	int64_t ms = us > 0 ? us / 1000 : 0;

	buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64,
		   ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

static void put_code(struct buf *out, uint32_t c)
{
	if (c == '&') {
		buf_puts(out, "&amp;");
	} else if (c == '<') {
		buf_puts(out, "&lt;");
	} else if (c == '>') {
		buf_puts(out, "&gt;");
	} else if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_u8(out, (uint8_t)(0xc0 | c >> 6));
		buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_u8(out, (uint8_t)(0xe0 | c >> 12));
		buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_u8(out, (uint8_t)(0xf0 | c >> 18));
		buf_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* An annotation has no line end and no ">". */
static void put_voice(struct buf *out, const char *name)
{
	if (!*name)
		return;
	buf_puts(out, "<v ");
	for (; *name; name++) {
		if ((unsigned char)*name < 0x20)
			buf_putc(out, ' ');
		else if ((unsigned char)*name >= 0x80)
			buf_putc(out, *name); /* UTF-8 as it is */
		else
			put_code(out, (unsigned char)*name);
	}
	buf_putc(out, '>');
}

/* @return index behind the cue that begins at i */
static size_t cue_end(const struct t140_char *c, size_t n, size_t i)
{
	size_t start = i;

	for (i++; i < n && c[i].code != '\n'; i++) {
		if (c[i].t_us - c[i - 1].t_us > PAUSE_US ||
		    i - start >= TOO_LONG)
			break;
		if (i - start >= LONG && c[i - 1].code == ' ')
			break;
	}
	return i;
}

static size_t skip_blank(const struct t140_char *c, size_t n, size_t i)
{
	while (i < n && (c[i].code == '\n' || c[i].code == ' '))
		i++;
	return i;
}

int vtt_write(const struct t140_char *chars, size_t n, int64_t zero_us,
	      const char *name, struct buf *out)
{
	size_t i, end, next, k;
	int64_t until;
	int cues = 0;

	buf_puts(out, "WEBVTT\n");
	for (i = skip_blank(chars, n, 0); i < n; i = next) {
		end = cue_end(chars, n, i);
		next = skip_blank(chars, n, end);
		until = chars[end - 1].t_us + SEEN_US;
		if (next < n && chars[next].t_us < until &&
		    chars[next].t_us > chars[end - 1].t_us)
			until = chars[next].t_us;
		buf_printf(out, "\n%d\n", ++cues);
		put_time(out, chars[i].t_us - zero_us);
		buf_puts(out, " --> ");
		/* typed before the first sound: still some time to be seen */
		put_time(out, until > zero_us ? until - zero_us : SEEN_US);
		buf_putc(out, '\n');
		put_voice(out, name);
		for (k = i; k < end; k++)
			put_code(out, chars[k].code);
		buf_putc(out, '\n');
	}
	return buf_error(out) < 0 ? buf_error(out) : cues;
}
