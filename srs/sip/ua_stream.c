/* TCP and TLS connections: what is between the messages, and what may follow a
 * bad one.
 *
 * CRLF CRLF between messages asks for a CRLF (RFC 5626 section 4.4.1). The
 * library answers that over TCP, but only when nothing else came with it; so
 * the bytes are counted here, where the parser begins with a message: whatever
 * stands before its first line.
 *
 * After a request that it refuses for a broken header the library closes the
 * connection, and what the client sent behind is lost. Where the message ended
 * is known all the same, so the connection stays.
 *
 * The functions of the library's transport and parser are replaced by name, as
 * in ua_wire.c.
 */
#include <dlfcn.h>
#include <string.h>

#include "srs/sip/tls_hooks.h"
#include "srs/sip/ua_int.h"

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Not in the library's headers. */
issize_t tport_recv_iovec(tport_t const *self, msg_t **in_out_msg,
			  msg_iovec_t iovec[], size_t n, int exact);
int tport_tcp_pong(tport_t *self);

static tport_t const *reading; /* what came last is its */
static bool counted;	       /* the library has looked at it */

issize_t tport_recv_iovec(tport_t const *self, msg_t **in_out_msg,
			  msg_iovec_t iovec[], size_t n, int exact)
{
	static __typeof__(&tport_recv_iovec) real;
	bool first = !*in_out_msg;

	if (!real)
		real = REAL(tport_recv_iovec);
	reading = self;
	counted = first && tport_is_tcp(self) && !tport_has_tls(self);
	return real(self, in_out_msg, iovec, n, exact);
}

/* Found in the data: "\r\n\r\n", perhaps begun in an earlier read. */
static unsigned count_pings(struct ua_head *h, const char *p, size_t n)
{
	unsigned found = 0;

	for (size_t i = h->seen; i < n; i++) {
		h->matched = p[i] == "\r\n\r\n"[h->matched] ? h->matched + 1
			     : p[i] == '\r'		    ? 1
							    : 0;
		if (h->matched == 4) {
			h->matched = 0;
			found++;
		}
	}
	return found;
}

static void pong(tport_t *tp)
{
	if (tport_has_tls(tp))
		tls_hook_pong();
	else
		(void)tport_tcp_pong(tp);
}

/* What stands before a message's first line, as far as it is news. */
static void look(msg_t *msg, sip_t *sip)
{
	const char *p = msg_buf_committed_data(msg);
	size_t n = msg_buf_committed(msg), blanks = 0;
	struct ua_head *h = sip->sip_user;

	while (blanks < n && strchr("\r\n\t ", p[blanks]) && p[blanks])
		blanks++;
	if (!h && blanks)
		h = sip->sip_user = su_zalloc(msg_home(msg), sizeof(*h));
	if (!h || h->p)
		return;
	if (blanks > h->seen) {
		unsigned found = counted ? 0 : count_pings(h, p, blanks);

		h->seen = blanks;
		while (found--)
			pong((tport_t *)(uintptr_t)reading);
	}
	if (blanks == n)
		h->seen = 0; /* the parser takes them out of the buffer */
}

int msg_extract(msg_t *msg)
{
	static __typeof__(&msg_extract) real;
	sip_t *sip = msg ? sip_object(msg) : NULL;

	if (!real)
		real = REAL(msg_extract);
	if (ua_mclass_watched() && reading && sip && !sip->sip_request &&
	    !sip->sip_status && tport_is_stream(reading))
		look(msg, sip);
	counted = false;
	return real(msg);
}

/* ---- after a bad message ---- */

static bool is_length(const msg_error_t *e)
{
	if (e->er_common->h_class == sip_content_length_class)
		return true; /* a second one */
	return e->er_common->h_class == sip_error_class && e->er_name &&
	       (str_ieq(e->er_name, "Content-Length") ||
		str_ieq(e->er_name, "l"));
}

/* Is it known where it ended? */
static bool is_framed(const sip_t *sip)
{
	if (sip->sip_flags & (MSG_FLG_TOOLARGE | MSG_FLG_ERROR))
		return false;
	for (const msg_error_t *e = sip->sip_error; e; e = e->er_next)
		if (is_length(e))
			return false;
	if (!sip->sip_request ||
	    !str_eq(sip->sip_request->rq_url->url_host, UA_UNREADABLE))
		return true;
	/* the rest of a body, if it does not look like a message */
	return sip->sip_via && sip->sip_call_id && sip->sip_content_length;
}

static tport_t *keeping; /* handles a message that it may go on after */

void ua_stream_keep(tport_t *tp, const sip_t *sip)
{
	keeping = tp && tport_is_stream(tp) && is_framed(sip) ? tp : NULL;
}

bool ua_stream_keeps(const tport_t *tp)
{
	return tp && keeping == tp;
}

int tport_shutdown(tport_t *self, int how)
{
	if (ua_stream_keeps(self))
		return 0;
	return REAL(tport_shutdown)(self, how);
}
