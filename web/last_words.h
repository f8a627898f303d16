/* web/last_words.h - one answer on a connection that then ends.
 *
 * libmicrohttpd answers some broken requests by itself, and where it does so
 * after the head was read (a bad Content-Length) its header goes out twice.
 * httpd.c learns of such an answer before it is written and sends ours in its
 * place, past the library: what the peer sent and nobody will read is taken
 * off the socket, so that closing does not destroy the answer under way, and
 * the socket is shut, so that nothing can follow it.
 *
 * The only file that knows GnuTLS, which is the library's.
 */
#ifndef WEB_LAST_WORDS_H
#define WEB_LAST_WORDS_H

#include <stdbool.h>

struct http_response;

/** @param tls the connection's GnuTLS session, NULL = in clear
 *  @param body false: only the head, with Content-Length 0 */
void last_words(int fd, void *tls, const struct http_response *res, bool body);

#endif
