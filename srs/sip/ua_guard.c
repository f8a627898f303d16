/* What keeps the library itself from being turned against us: its own log
 * lines, its appetite for connections. */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <sofia-sip/su_log.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "srs/sip/conn_limit.h"
#include "srs/sip/ua_int.h"

#define CONNECTIONS_MAX 8192u

/* Lines may quote the peer, and a peer may cause as many as it likes: debug
 * only. */
__attribute__((format(printf, 2, 0))) static void
on_library_line(void *stream, char const *fmt, va_list ap)
{
	char text[256];

	(void)stream;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	str_clean(text);
	log_debug(NULL, "sip.library", LOG_S("text", text));
}

void ua_guard_log(void)
{
	su_log_redirect(NULL, on_library_line, NULL);
}

/* A quarter of the descriptors stays for files, spools and database. */
int ua_guard_connections(void)
{
	unsigned max = CONNECTIONS_MAX;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / 4 * 3 < max)
		max = (unsigned)(rl.rlim_cur / 4 * 3);
	return conn_limit_set(max, max / 2);
}

/* ---- memory ---- */

/* Every answered request is kept for half a minute, so that it can be answered
 * the same way again. Junk that comes faster than that would take all memory:
 * above the limit only requests of known dialogs get a transaction, and of one
 * dialog no more than a client may need; far above it nothing but the end of
 * one. */
#define MEMORY_LOOK_US 50000
#define MEMORY_REST_US 1000000
#define MEMORY_LOOK_AFTER 2048u /* messages and events */
#define DIALOG_SPAN_US 32000000
#define DIALOG_REQUESTS 32u

void ua_set_max_memory(struct ua *ua, size_t bytes)
{
	ua->max_memory = bytes;
	ua->memory_look_us = 0; /* look at once */
}

void ua_guard_memory(struct ua *ua)
{
	int64_t now = clock_mono_us(clock_real());
	size_t used;
	bool full;

	if (now < ua->memory_look_us + MEMORY_LOOK_US ||
	    (now < ua->memory_look_us + MEMORY_REST_US &&
	     ua->handled - ua->memory_look_at < MEMORY_LOOK_AFTER))
		return;
	ua->memory_look_us = now;
	ua->memory_look_at = ua->handled;
	/* mallinfo2() walks over all free pieces: not for every call */
	used = mallinfo2().uordblks;
	ua->too_full = used / 2 >= ua->max_memory;
	full = used >= (ua->full ? ua->max_memory / 4 * 3 : ua->max_memory);
	if (full == ua->full)
		return;
	ua->full = full;
	log_warn(NULL, full ? "sip.overload" : "sip.overload_over");
}

static struct ua_dialog *dialog_of(struct ua *ua, sip_t const *sip)
{
	struct ua_leg_magic *m;
	nta_leg_t *leg;

	if (!sip->sip_to || !sip->sip_to->a_tag || !sip->sip_from ||
	    !sip->sip_call_id)
		return NULL;
	leg = nta_leg_by_dialog(ua->agent, NULL, sip->sip_call_id,
				sip->sip_from->a_tag, sip->sip_from->a_url,
				sip->sip_to->a_tag, sip->sip_to->a_url);
	m = leg ? nta_leg_magic(leg, ua_leg_callback()) : NULL;
	return m ? m->dialog : NULL;
}

/* Counted while there is too much junk only. */
static bool has_had_enough(struct ua_dialog *d)
{
	int64_t now = clock_mono_us(clock_real());

	if (now >= d->busy_until_us) {
		d->busy_until_us = now + DIALOG_SPAN_US;
		d->n_busy = 0;
	}
	return d->n_busy++ >= DIALOG_REQUESTS;
}

/* Too much junk: is this request refused in a way that leaves nothing behind?
 */
bool ua_guard_refuses(struct ua *ua, sip_t const *sip)
{
	struct ua_dialog *d;
	sip_method_t m;

	if (!ua || !ua->full || !sip->sip_request)
		return false;
	m = sip->sip_request->rq_method;
	if (m == sip_method_ack || m == sip_method_cancel)
		return false;
	d = dialog_of(ua, sip);
	if (!d || m == sip_method_bye)
		return !d;
	return ua->too_full || has_had_enough(d);
}

/* nta does this to a Via only when it takes the request itself (RFC 3261
 * 18.2.1, RFC 3581). */
void ua_complete_via(msg_t *msg, tport_t *tp, sip_via_t *via)
{
	su_sockaddr_t const *su = msg_addr(msg);
	su_home_t *home = msg_home(msg);
	char host[INET6_ADDRSTRLEN] = "";

	if (su->su_family == AF_INET)
		inet_ntop(AF_INET, &su->su_sin.sin_addr, host, sizeof(host));
	else if (su->su_family == AF_INET6)
		inet_ntop(AF_INET6, &su->su_sin6.sin6_addr, host, sizeof(host));
	msg_header_replace_param(home, via->v_common,
				 su_sprintf(home, "received=%s", host));
	if (via->v_rport || tport_is_tcp(tp))
		msg_header_replace_param(home, via->v_common,
					 su_sprintf(home, "rport=%u",
						    ntohs(su->su_port)));
}

void ua_guard_answer(struct ua *ua, tport_t *tp, msg_t *msg)
{
	sip_t *sip = sip_object(msg);

	if (!sip->sip_via) {
		msg_destroy(msg);
		return;
	}
	ua_complete_via(msg, tp, sip->sip_via);
	ua->sending++; /* nor is it kept with a recording */
	(void)nta_msg_treply(ua->agent, msg, SIP_503_SERVICE_UNAVAILABLE,
			     NTATAG_TPORT(tp), SIPTAG_RETRY_AFTER_STR("5"),
			     SIPTAG_SERVER_STR(ua->software), TAG_END());
	ua->sending--;
}
