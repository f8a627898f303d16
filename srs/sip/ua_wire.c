/* What really went over the wire, byte for byte, and what the stack did by
 * itself.
 *
 * Sofia's own print of a message leaves out what it could not parse and spells
 * the rest anew, and nta answers a good deal without telling anybody: broken
 * requests (400), merged ones (482), CANCEL, requests out of order (500). Two
 * public functions of its transport layer are therefore ours, like those in
 * tls_hooks.c: tport_tcreate(), which gets the function that takes messages
 * from the wire, and tport_tsend(), through which every message leaves.
 *
 * A received message keeps its text in the buffer it was read into; where it
 * lies is noted when its head is complete (ua_mclass.c), before nta adds to
 * it. One that is sent is what tport is given to send.
 *
 * An answer that cannot be sent counts as sent.
 *
 * What our callbacks have seen is noted by whoever got it. Of the rest a
 * dialog hears by ua_events.wire(): a request together with the answer that
 * the stack gave it, an ACK or provisional answer by itself. Repetitions are
 * no news: they are known by the message that is sent again.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "srs/sip/ua_int.h"

static struct ua_head sent_once; /* sip_user of what was sent */

/* ---- the text of a message ---- */

static size_t separator_len(const char *b, size_t len)
{
	if (len > 1 && b[0] == '\r' && b[1] == '\n')
		return 2;
	return 1;
}

/* Are the lines one behind the other in one buffer, up to the empty one? */
static bool in_one_piece(const msg_header_t *first, const char *b)
{
	const char *p = first->sh_data;

	for (const msg_header_t *h = first; h; h = h->sh_succ) {
		if (!h->sh_data)
			continue;
		if (h->sh_data != p)
			return false;
		p += h->sh_len;
		if (p == b)
			return true;
	}
	return false;
}

/* The lines from the buffers of several reads. */
static void gather(msg_t *msg, const msg_header_t *first, const char *b,
		   size_t separator, struct ua_head *ret)
{
	size_t len = separator, at = 0;
	char *copy;

	for (const msg_header_t *h = first; h && h->sh_data != b;
	     h = h->sh_succ)
		len += h->sh_data ? h->sh_len : 0;
	copy = su_alloc(msg_home(msg), (isize_t)len);
	if (!copy)
		return;
	for (const msg_header_t *h = first; h && h->sh_data != b;
	     h = h->sh_succ) {
		if (!h->sh_data)
			continue;
		memcpy(copy + at, h->sh_data, h->sh_len);
		at += h->sh_len;
	}
	memcpy(copy + at, b, separator);
	ret->p = copy;
	ret->len = len;
}

void ua_wire_keep_head(msg_t *msg, sip_t *sip, char *b, size_t len)
{
	msg_header_t *first = sip->sip_request
				      ? (msg_header_t *)sip->sip_request
				      : (msg_header_t *)sip->sip_status;
	size_t separator = separator_len(b, len);
	struct ua_head *head;

	if (!first || !first->sh_data)
		return;
	head = su_zalloc(msg_home(msg), sizeof(*head));
	if (!head)
		return;
	if (in_one_piece(first, b)) {
		head->p = (char *)(uintptr_t)first->sh_data;
		head->len = (size_t)(b - head->p) + separator;
	} else {
		gather(msg, first, b, separator, head);
	}
	/* RFC 3261 7.5: what stands before the start line is none of it */
	while (head->len > separator && strchr("\r\n\t ", *head->p)) {
		head->p++;
		head->len--;
	}
	if (head->p)
		sip->sip_user = head;
}

static int join(su_home_t *home, struct span a, struct span b,
		struct span *ret_text)
{
	char *s;

	if (b.len == 0 || a.p + a.len == b.p) {
		*ret_text = (struct span){ a.p, a.len + b.len };
		return 0;
	}
	s = su_alloc(home, (isize_t)(a.len + b.len));
	if (!s)
		return -ENOMEM;
	memcpy(s, a.p, a.len);
	memcpy(s + a.len, b.p, b.len);
	*ret_text = (struct span){ s, a.len + b.len };
	return 0;
}

static int received_text(const sip_t *sip, su_home_t *home,
			 struct span *ret_text)
{
	const struct ua_head *head = sip->sip_user;
	struct span body = { "", 0 };

	if (sip->sip_payload && sip->sip_payload->pl_data)
		body = (struct span){ sip->sip_payload->pl_data,
				      sip->sip_payload->pl_len };
	return join(home, (struct span){ head->p, head->len }, body, ret_text);
}

/* What tport is given to send. */
static int sent_text(msg_t *msg, su_home_t *home, struct span *ret_text)
{
	msg_iovec_t iov[128];
	isize_t n = msg_iovec(msg, iov, ARRAY_SIZE(iov));
	size_t len = 0, at = 0;
	char *s;

	if (n <= 0 || n > (isize_t)ARRAY_SIZE(iov))
		return -ENOENT;
	for (isize_t i = 0; i < n; i++)
		len += iov[i].mv_len;
	s = su_alloc(home, (isize_t)len);
	if (!s)
		return -ENOMEM;
	for (isize_t i = 0; i < n; i++) {
		memcpy(s + at, iov[i].mv_base, iov[i].mv_len);
		at += iov[i].mv_len;
	}
	*ret_text = (struct span){ s, len };
	return 0;
}

int ua_msg_text(msg_t *msg, su_home_t *home, struct span *ret_text)
{
	const sip_t *sip = sip_object(msg);
	const struct ua_head *head = sip ? sip->sip_user : NULL;
	size_t len = 0;
	char *s;

	if (sip && sip->sip_user == &sent_once &&
	    sent_text(msg, home, ret_text) == 0)
		return 0;
	if (head && head != &sent_once && head->p)
		return received_text(sip, home, ret_text);
	/* its head never ended */
	s = msg_as_string(home, msg, NULL, 0, &len);
	if (!s)
		return -ENOMEM;
	*ret_text = (struct span){ s, len };
	return 0;
}

/* ---- what the stack does by itself ---- */

static enum ua_transport transport_of(tport_t *tp)
{
	if (tport_has_tls(tp))
		return UA_TLS;
	return tport_is_tcp(tp) ? UA_TCP : UA_UDP;
}

/* Without the tag of the side that did not send it yet. */
static bool is_half(const nta_leg_t *leg, const char *from, const char *to)
{
	const char *ours = nta_leg_get_tag(leg);
	const char *theirs = nta_leg_get_rtag(leg);

	if (theirs && str_ieq(from, theirs))
		return !to;
	return ours && str_ieq(from, ours) && (!to || !theirs);
}

/* Call-IDs are no secret, and somebody else may use one again: the tags have
 * to be those of the dialog, as far as the message has any. */
static struct ua_dialog *dialog_of(struct ua *ua, const sip_t *sip)
{
	const char *from = sip->sip_from ? sip->sip_from->a_tag : NULL;
	const char *to = sip->sip_to ? sip->sip_to->a_tag : NULL;
	sip_call_id_t const *id = sip->sip_call_id;
	struct ua_leg_magic *m;
	nta_leg_t *leg = NULL;

	if (!id || !from)
		return NULL;
	if (to)
		leg = nta_leg_by_dialog(ua->agent, NULL, id, from, NULL, to,
					NULL);
	if (!leg && to)
		leg = nta_leg_by_dialog(ua->agent, NULL, id, to, NULL, from,
					NULL);
	if (!leg) {
		leg = nta_leg_by_call_id(ua->agent, id->i_id);
		if (leg && !is_half(leg, from, to))
			leg = NULL;
	}
	m = leg ? nta_leg_magic(leg, ua_leg_callback()) : NULL;
	return m ? m->dialog : NULL;
}

/* An answer may have got a tag that is nobody's: then by its request. */
static struct ua_dialog *dialog_of_either(struct ua *ua, const sip_t *sip,
					  const sip_t *request)
{
	struct ua_dialog *d = dialog_of(ua, sip);

	if (d || !request || request == sip || !request->sip_call_id ||
	    !sip->sip_call_id ||
	    !str_eq(request->sip_call_id->i_id, sip->sip_call_id->i_id))
		return d;
	return dialog_of(ua, request);
}

static void peer_text(struct ua_dialog *d, msg_t *msg, char *dst, size_t len)
{
	const su_sockaddr_t *su = msg ? msg_addr(msg) : NULL;
	char host[INET6_ADDRSTRLEN];
	bool v6 = su && su->su_family == AF_INET6;

	if (!su || (!v6 && su->su_family != AF_INET) ||
	    !inet_ntop(su->su_family,
		       v6 ? (const void *)&su->su_sin6.sin6_addr
			  : (const void *)&su->su_sin.sin_addr,
		       host, sizeof(host))) {
		(void)str_copy(dst, len, d->peer);
		return;
	}
	(void)snprintf(dst, len, v6 ? "[%s]:%u" : "%s:%u", host,
		       ntohs(su->su_port));
}

/* from: the message whose sender it is about, NULL: the dialog's client */
static void tell(struct ua *ua, msg_t *msg, bool in, tport_t *tp, msg_t *from)
{
	const sip_t *sip = sip_object(msg);
	struct ua_dialog *d =
		dialog_of_either(ua, sip, from ? sip_object(from) : NULL);
	struct ua_wire w = { .in = in, .transport = transport_of(tp) };
	su_home_t *home;

	if (!d || !d->events->wire)
		return;
	home = su_home_new(sizeof(*home));
	if (!home)
		return;
	peer_text(d, from, w.peer, sizeof(w.peer));
	if (ua_msg_text(msg, home, &w.text) == 0)
		d->events->wire(d->darg, &w);
	su_home_unref(home);
}

bool ua_wire_taken(struct ua *ua, const msg_t *msg)
{
	if (ua->coming == msg)
		ua->coming = NULL;
	return !msg || ua->told != msg;
}

/* What nobody was told of, and nothing was sent for. */
static bool is_news(const sip_t *sip)
{
	if (sip->sip_request)
		return sip->sip_request->rq_method == sip_method_ack;
	return sip->sip_status && sip->sip_status->st_status < 200;
}

static void (*take_message)(tp_stack_t *, tport_t *, msg_t *, tp_magic_t *,
			    su_time_t);

static void on_message(tp_stack_t *stack, tport_t *tp, msg_t *msg,
		       tp_magic_t *magic, su_time_t when)
{
	struct ua *ua = ua_mclass_watched();
	const sip_t *sip = sip_object(msg);

	if (!ua || !sip || (void *)ua->agent != (void *)stack) {
		take_message(stack, tp, msg, magic, when);
		return;
	}
	if (ua_guard_refuses(ua, sip)) {
		ua_guard_answer(ua, tp, msg);
		return;
	}
	ua->coming = msg_ref(msg);
	ua_stream_keep(tp, sip);
	if (!ua_within_take(ua, tp, msg) && !ua_again_take(ua, tp, msg))
		take_message(stack, tp, msg, magic, when);
	ua_stream_keep(NULL, NULL);
	if (ua->coming == msg && is_news(sip))
		tell(ua, msg, true, tp, msg);
	ua->coming = ua->told = NULL;
	msg_destroy(msg);
}

/* The library's function of the same name. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

tport_t *tport_tcreate(tp_stack_t *stack, tport_stack_class_t const *tpac,
		       su_root_t *root, tag_type_t tag, tag_value_t value, ...)
{
	static tport_stack_class_t mine;
	tport_t *tp;
	ta_list ta;

	if (ua_mclass_watched() && tpac) {
		mine = *tpac;
		take_message = tpac->tpac_recv;
		mine.tpac_recv = on_message;
		tpac = &mine;
	}
	ta_start(ta, tag, value);
	tp = REAL(tport_tcreate)(stack, tpac, root, ta_tags(ta));
	(void)(ta_end(ta));
	return tp;
}

/* A client whose connection broke before its answer comes back and repeats the
 * request, or never does: either way nta knows what to do with an answer that
 * was sent. One that could not be is turned into a 500, which the repeated
 * request would get. nta tries again by itself after these two errors. */
static bool is_sent_enough(struct ua *ua, msg_t *msg, const sip_t *sip)
{
	int error = msg_errno(msg);

	if (!sip || !sip->sip_status)
		return false;
	if (ua->unsent != msg)
		ua->n_unsent = 0;
	ua->unsent = msg;
	return (error != EPIPE && error != ECONNREFUSED) || ++ua->n_unsent > 2;
}

tport_t *tport_tsend(tport_t *self, msg_t *msg, tp_name_t const *tpn,
		     tag_type_t tag, tag_value_t value, ...)
{
	static __typeof__(&tport_tsend) real;
	struct ua *ua = ua_mclass_watched();
	sip_t *sip = msg ? sip_object(msg) : NULL;
	bool again = !sip || sip->sip_user == &sent_once;
	tagi_t *close;
	tport_t *tp;
	ta_list ta;

	if (!real)
		real = REAL(tport_tsend);
	if (sip)
		sip->sip_user = &sent_once;
	ta_start(ta, tag, value);
	close = (tagi_t *)(uintptr_t)tl_find(ta_args(ta), tptag_sdwn_after);
	if (close && ua_stream_keeps(self))
		close->t_value = 0;
	tp = real(self, msg, tpn, ta_tags(ta));
	(void)(ta_end(ta));
	if (ua && !tp && is_sent_enough(ua, msg, sip))
		return self;
	if (!ua || !tp || again || ua->sending)
		return tp;
	if (ua->coming)
		tell(ua, ua->coming, true, tp, ua->coming);
	tell(ua, msg, false, tp, ua->coming);
	if (ua->coming)
		ua->told = ua->coming;
	ua->coming = NULL;
	return tp;
}
