#include "web/last_words.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/http.h"

#define WORDS_MAX (16 * 1024)
#define UNREAD_MAX (1024 * 1024)

static void take_unread(int fd)
{
	char waste[16 * 1024];
	size_t n = 0;
	ssize_t r;

	do {
		r = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);
		n += r > 0 ? (size_t)r : 0;
	} while (r > 0 && n < UNREAD_MAX);
}

void last_words(int fd, void *tls, const struct http_response *res, bool body)
{
	struct buf b CLEANUP(buf_fini);
	int r;

	buf_init(&b, WORDS_MAX);
	r = buf_printf(&b, "HTTP/1.1 %u %s\r\n", res->status,
		       http_status_words(res->status));
	for (unsigned i = 0; r == 0 && i < res->n_headers; i++)
		if (body || !str_ieq(res->headers[i].name, "Content-Type"))
			r = buf_printf(&b, "%s: %s\r\n", res->headers[i].name,
				       res->headers[i].value);
	if (r == 0)
		r = buf_printf(&b,
			       "Connection: close\r\n"
			       "Content-Length: %zu\r\n\r\n",
			       body ? res->body.len : 0);
	if (r == 0 && body)
		r = buf_put(&b, res->body.data, res->body.len);
	/* What cannot be sent at once to an empty socket isn't waited for. */
	if (r == 0 && tls) {
		(void)gnutls_record_send(tls, b.data, b.len);
		(void)gnutls_bye(tls, GNUTLS_SHUT_WR);
	} else if (r == 0) {
		(void)send(fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	take_unread(fd);
	(void)shutdown(fd, SHUT_RDWR);
}
