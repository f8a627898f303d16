/* base/buf.h - a byte buffer that grows up to a limit given at creation.
 *
 * Errors stick: after one failed append all later ones fail too, so a writer
 * may append many times and look once, at the end, at buf_error(). The content
 * is always followed by a NUL byte that is not counted in len.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Fields may be read by anyone, written only in buf.c. */
struct buf {
	uint8_t *data; /* NULL until the first append */
	size_t len;
	size_t cap;
	size_t max;
	int error; /* 0, -ENOBUFS (limit) or -ENOMEM */
};

/** @param max most bytes it will ever hold */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);  /* takes a zeroed struct too */
void buf_reset(struct buf *b); /* empty, error cleared, memory kept */

/* All appends: 0, -ENOBUFS or -ENOMEM (nothing appended, error sticks). */
int buf_put(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_u8(struct buf *b, uint8_t v);
int buf_be16(struct buf *b, uint16_t v);
int buf_be32(struct buf *b, uint32_t v);
int buf_be64(struct buf *b, uint64_t v);
int buf_le16(struct buf *b, uint16_t v);
int buf_le32(struct buf *b, uint32_t v);
int buf_le64(struct buf *b, uint64_t v);
int buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/** Append s escaped as the inside of a JSON string (no quotes added). */
int buf_json(struct buf *b, const char *s, size_t len);
/** Append s escaped for HTML/XML text and double-quoted attributes; characters
 *  that hide or turn others (str_clean()) are left out, breaks and tabs not. */
int buf_html(struct buf *b, const char *s);

/** Drop the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

/** @return the content as a string; "" when empty; valid until the next call */
const char *buf_str(const struct buf *b);

/** @return 0 or the error that stuck */
int buf_error(const struct buf *b);

/** @return the content (caller frees; NUL-terminated), or NULL after an error;
 *  the buffer is empty afterwards. */
char *buf_steal(struct buf *b);

#endif
