/* web/html.h - writes HTML in which nothing from outside can become markup.
 *
 * A template is our own literal text; each "{}" in it is replaced by the next
 * argument, escaped for text and for double-quoted attributes. There is no way
 * to put an argument in unescaped.
 */
#ifndef WEB_HTML_H
#define WEB_HTML_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/** Asserts that there are as many {} as arguments; NULL reads as "". */
void html_put_list(struct buf *b, const char *tmpl, const char *const *args,
		   size_t n);

/** HTML(b, "<a href=\"{}\">{}</a>", href, text); */
#define HTML(b, tmpl, ...)                                                     \
	html_put_list(b, tmpl, (const char *const[]){ __VA_ARGS__ },           \
		      sizeof((const char *const[]){ __VA_ARGS__ }) /           \
			      sizeof(const char *))

/* "2026-01-31 09:30" in UTC; "" for 0. */
#define HTML_TIME_MAX 24
void html_time(int64_t wall_us, char dst[HTML_TIME_MAX]);
/* "1:02:03" or "2:03". */
void html_duration(int64_t us, char dst[HTML_TIME_MAX]);
/* "12.3 MB" */
void html_bytes(int64_t bytes, char dst[HTML_TIME_MAX]);

#endif
