/* The agent: owns Sofia's root and nta agent, and sorts what comes in.
 *
 * nta keeps the transactions and matches requests to dialogs ("legs"); what
 * fits no dialog arrives at the default leg. The role's loop is watched as one
 * descriptor of Sofia's root, so that ua_step() waits for both.
 */
#include "srs/sip/ua.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "srs/sip/ua_int.h"

/* Messages handled in one ua_step(), so that commits are shared but timers
 * stay punctual. */
#define STEP_BATCH 64
#define MESSAGE_MAX 65536u
/* The library's own limit counts what has arrived behind a message, too: a
 * connection with many dialogs on it would get 413 when we are busy. */
#define READ_MAX (16 * MESSAGE_MAX)
#define MEMORY_MAX ((size_t)512 << 20)
#define NTP_EPOCH 2208988800UL

/* Sofia reads the wall clock for its timers and aborts when that is set while
 * a 200 waits for its ACK. Its test hooks give it a clock that only moves
 * forward: monotonic time, put on top of the wall time of the start. */
extern void (*_su_time)(su_time_t *tv);
extern su_nanotime_t (*_su_nanotime)(su_nanotime_t *ret);

static uint64_t clock_base_ns;

static uint64_t forward_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_base_ns + (uint64_t)ts.tv_sec * 1000000000u +
	       (uint64_t)ts.tv_nsec;
}

/* Whole milliseconds: the library cuts the time until its next timer down to
 * them, and with finer ones it would poll without sleep, up to a millisecond
 * before each timer (measured: a sixth of this role's CPU). */
static void hook_time(su_time_t *tv)
{
	uint64_t ms = forward_ns() / 1000000u;

	if (!tv)
		return;
	tv->tv_sec = (unsigned long)(ms / 1000u);
	tv->tv_usec = (unsigned long)(ms % 1000u * 1000u);
}

static su_nanotime_t hook_nanotime(su_nanotime_t *ret)
{
	su_nanotime_t ns = forward_ns();

	if (ret)
		*ret = ns;
	return ns;
}

static void start_clock(void)
{
	struct timespec wall, mono;

	if (clock_base_ns)
		return;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_base_ns =
		((uint64_t)wall.tv_sec + NTP_EPOCH - (uint64_t)mono.tv_sec) *
		1000000000u;
	_su_time = hook_time;
	_su_nanotime = hook_nanotime;
}

static int refuse_tracing(struct err *e)
{
	static const char *const bad[] = { "TPORT_LOG", "TPORT_DUMP",
					   "TPORT_CAPT", "MSG_STREAM_LOG",
					   "MSG_DUMP" };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		if (getenv(bad[i]))
			return err_set(e, -EINVAL,
				       "%s is set in the environment: it would "
				       "write tokens to a file; unset it",
				       bad[i]);
	}
	return 0;
}

static int on_loop(struct ua *ua, su_wait_t *w, su_wakeup_arg_t *arg)
{
	(void)w;
	(void)arg;
	ua->handled++;
	(void)loop_step(ua->loop, 0); /* an error shows up in the next wait */
	return 0;
}

/* ---- requests ---- */

static void answer_simply(struct ua_request *req, int status)
{
	struct ua_answer a = { .status = status };

	(void)ua_answer(req, &a, NULL);
}

/* What makes no sense outside of every dialog; in the order of RFC 3261 8.2.
 * An INVITE is not refused for its URI: it is here, that is enough. */
static int refusal(struct ua_request *req)
{
	bool none = req->method == UA_OTHER || req->method == UA_UNKNOWN;

	if (none && strstr(req->uri, UA_UNREADABLE))
		return 400;
	if (none)
		return req->method == UA_UNKNOWN ? 501 : 405;
	if (req->to_tag[0] || req->method == UA_BYE ||
	    req->method == UA_UPDATE || req->method == UA_CANCEL ||
	    req->method == UA_NOTIFY)
		return 481;
	if (req->method != UA_INVITE &&
	    !ua_uri_is_ours((struct ua_irq_magic *)(void *)req))
		return 416;
	return 0;
}

static bool refuse_extension(struct ua_request *req)
{
	char words[200], line[240];
	struct ua_answer a = { .status = 420, .headers = line };

	if (!ua_request_unsupported(req, words, sizeof(words)))
		return false;
	(void)snprintf(line, sizeof(line), "Unsupported: %s\r\n", words);
	(void)ua_answer(req, &a, NULL);
	return true;
}

/* Outside of every dialog. */
static void sort_request(struct ua *ua, struct ua_request *req)
{
	int status = refusal(req);

	if (status)
		answer_simply(req, status);
	else if (req->method == UA_INVITE || !refuse_extension(req))
		ua->events->request(ua->arg, req);
}

static int on_cancel_or_ack(struct ua_irq_magic *q, nta_incoming_t *irq,
			    sip_t const *sip)
{
	struct ua *ua = q->ua;
	struct ua_dialog *d = q->pub.dialog;
	struct ua_irq_magic *second = NULL;
	bool is_cancel;

	ua->handled++;
	is_cancel = sip && sip->sip_request->rq_method == sip_method_cancel;
	if (sip) {
		second = ua_request_make(ua, irq,
					 nta_incoming_getrequest_ackcancel(irq),
					 sip);
		if (second)
			ua_request_join(second, d);
	}
	if (is_cancel) {
		/* nta answers it: the dialog, if there is one, must not */
		if (d && d->invite == q)
			d->invite = NULL;
		ua_request_leave(q);
		if (second)
			ua->events->cancelled(ua->arg, &q->pub, &second->pub);
	} else if (d) {
		d->accepted = NULL;
		d->acked_cseq = q->pub.cseq;
		d->events->ack(d->darg, second ? &second->pub : NULL);
	}
	if (second)
		ua_request_drop(second);
	d = q->pub.dialog; /* the callback may have ended it */
	if (sip && d && ua_rel_keep(d, q))
		return 0;
	if (d)
		ua_rel_leave(d, q);
	nta_incoming_destroy(irq); /* nta sends the 487 */
	ua_request_drop(q);
	return 0;
}

/* The answer sent last, in the request's memory; empty when there is none. */
static struct span sent_text(struct ua_irq_magic *q)
{
	msg_t *msg = nta_incoming_getresponse(q->irq);
	struct span text = { 0 };

	if (!msg)
		return text;
	(void)ua_msg_text(msg, msg_home(q->msg), &text); /* or none */
	msg_destroy(msg);
	return text;
}

static void deliver(struct ua *ua, struct ua_irq_magic *q)
{
	struct ua_dialog *d = q->pub.dialog;

	if (q->pub.method == UA_INVITE) {
		ua->sending++;
		nta_incoming_treply(q->irq, SIP_100_TRYING, TAG_END());
		ua->sending--;
		q->pub.trying = sent_text(q);
		nta_incoming_bind(q->irq, on_cancel_or_ack, q);
		if (d)
			d->invite = q;
	}
	if (!d)
		sort_request(ua, &q->pub);
	else
		d->events->in_dialog(d->darg, &q->pub);
}

int ua_take_request(struct ua_leg_magic *magic, nta_incoming_t *irq,
		    sip_t const *sip)
{
	struct ua *ua = magic->ua;
	struct ua_irq_magic *q;

	ua->handled++;
	q = ua_request_make(ua, irq, nta_incoming_getrequest(irq), sip);
	if (!q)
		return 500;
	if (q->pub.text.len > MESSAGE_MAX) {
		ua_request_drop(q);
		return 413;
	}
	ua_request_join(q, magic->dialog);
	if (q->pub.method != UA_ACK) {
		deliver(ua, q);
		return 0;
	}
	/* An ACK that nta could not pair: of a dialog that was restored after
	 * the 200, or a repetition. A stray one is dropped. */
	if (magic->dialog && !magic->dialog->accepted)
		magic->dialog->events->ack(magic->dialog->darg, &q->pub);
	ua_request_drop(q);
	return 200;
}

static int on_request(struct ua_leg_magic *magic, nta_leg_t *leg,
		      nta_incoming_t *irq, sip_t const *sip)
{
	(void)leg;
	return ua_take_request(magic, irq, sip);
}

/* ---- answers ---- */

const char *ua_status_phrase(int status)
{
	const char *phrase = sip_status_phrase(status);

	return phrase ? phrase : "Unknown";
}

static int reply(struct ua_irq_magic *q, const struct ua_answer *a,
		 const char *contact)
{
	su_home_t *home = msg_home(q->msg);
	sip_payload_t *pl = NULL;
	const char *phrase =
		a->phrase ? a->phrase : ua_status_phrase(a->status);
	int r;

	if (a->body.len > 0)
		pl = sip_payload_create(home, a->body.p, (isize_t)a->body.len);
	q->ua->sending++;
	r = nta_incoming_treply(
		q->irq, a->status, phrase, SIPTAG_SERVER_STR(q->ua->software),
		TAG_IF(contact, SIPTAG_CONTACT_STR(contact)),
		TAG_IF(a->status == 405 || a->status == 501,
		       SIPTAG_ALLOW_STR(UA_ALLOW)),
		TAG_IF(a->headers, SIPTAG_HEADER_STR(a->headers)),
		TAG_IF(pl && a->content_type,
		       SIPTAG_CONTENT_TYPE_STR(a->content_type)),
		TAG_IF(pl, SIPTAG_PAYLOAD(pl)), TAG_END());
	q->ua->sending--;
	return r;
}

static void note_sent(struct ua_irq_magic *q, struct buf *out)
{
	struct span text = sent_text(q);

	(void)buf_put(out, text.p, text.len); /* the error sticks */
}

static const char *answer_contact(struct ua_irq_magic *q, int status)
{
	struct ua_dialog *d = q->pub.dialog;
	char *contact = NULL;

	if (status < 200 || status > 299 || q->pub.method == UA_BYE)
		return NULL;
	if (d)
		return d->contact;
	if (ua_contact_for(q->ua, q->irq, msg_home(q->msg), &contact) < 0)
		return NULL;
	return contact;
}

int ua_answer(struct ua_request *req, const struct ua_answer *a,
	      struct buf *ret_text)
{
	struct ua_irq_magic *q = (struct ua_irq_magic *)(void *)req;
	struct ua_dialog *d = req->dialog;
	bool accepts = req->method == UA_INVITE && a->status / 100 == 2;
	struct ua_answer bad = { .status = 500 };
	int r = 0;

	if (accepts && !d) { /* its dialog went meanwhile */
		accepts = false;
		r = -ENOENT;
		bad.status = 481;
	} else if (a->headers && !ua_field_safe(a->headers)) {
		r = -EINVAL;
	} else {
		if (accepts)
			ua_rel_send(q, d->contact);
		if (reply(q, a, answer_contact(q, a->status)) < 0)
			r = -EINVAL;
	}
	if (r < 0) {
		accepts = false;
		(void)reply(q, &bad, NULL); /* the transaction must end */
	}
	if (ret_text)
		note_sent(q, ret_text);
	if (a->status < 200)
		return r;
	if (d && d->invite == q)
		d->invite = NULL;
	if (d && req->method == UA_INVITE && !accepts)
		d->refused_cseq = req->cseq;
	if (a->status >= 300)
		ua_again_refused(q);
	if (accepts) {
		if (d->accepted) { /* the ACK of the one before is lost */
			ua_rel_leave(d, d->accepted);
			nta_incoming_destroy(d->accepted->irq);
			ua_request_drop(d->accepted);
		}
		d->accepted = q;
		return r;
	}
	if (d)
		ua_rel_leave(d, q);
	nta_incoming_destroy(q->irq);
	ua_request_drop(q);
	return r;
}

/* ---- life ---- */

static int create_agent(struct ua *ua, const struct ua_config *cfg,
			struct err *e)
{
	unsigned t1 = cfg->t1_ms ? cfg->t1_ms : NTA_SIP_T1;

	ua->mclass = ua_mclass_create();
	ua_mclass_watch(ua);
	ua->root = su_root_create(ua);
	if (!ua->mclass || !ua->root)
		return -ENOMEM;
	ua->agent = nta_agent_create(
		ua->root, (url_string_t *)-1, NULL, NULL, NTATAG_UA(1),
		NTATAG_MCLASS(ua->mclass), NTATAG_SIPFLAGS(MSG_DO_EXTRACT_COPY),
		NTATAG_BAD_REQ_MASK(sip_mask_request), NTATAG_MERGE_482(1),
		NTATAG_MAXSIZE(READ_MAX),
		NTATAG_MAX_PROCEEDING(cfg->max_pending), NTATAG_USE_NAPTR(0),
		NTATAG_USE_SRV(0), NTATAG_SIP_T1(t1), NTATAG_SIP_T1X64(64 * t1),
		TAG_END());
	if (!ua->agent)
		return err_set(e, -ENOMEM, "sip: no SIP agent");
	ua->default_magic.ua = ua;
	ua->default_leg =
		nta_leg_tcreate(ua->agent, on_request, &ua->default_magic,
				NTATAG_NO_DIALOG(1), TAG_END());
	if (!ua->default_leg)
		return -ENOMEM;
	return ua_listen(ua, cfg, e);
}

static int nest_loop(struct ua *ua)
{
	if (su_wait_create(&ua->wait, loop_fd(ua->loop), SU_WAIT_IN) < 0)
		return -errno;
	ua->wait_index =
		su_root_register(ua->root, &ua->wait, on_loop, NULL, 0);
	return ua->wait_index < 0 ? -EIO : 0;
}

int ua_create(struct loop *loop, const struct ua_config *cfg,
	      struct ua **ret_ua, struct err *e)
{
	struct ua *ua CLEANUP(ua_destroy) = NULL;
	int r;

	r = refuse_tracing(e);
	if (r < 0)
		return r;
	ua = mem_zalloc(sizeof(*ua));
	if (!ua)
		return -ENOMEM;
	start_clock();
	if (su_init() < 0)
		return -ENOMEM;
	ua_guard_log();
	r = ua_guard_connections();
	if (r < 0)
		return r;
	ua->loop = loop;
	ua->events = cfg->events;
	ua->arg = cfg->arg;
	ua->max_memory = MEMORY_MAX;
	(void)str_copy(ua->software, sizeof(ua->software), cfg->software);
	r = create_agent(ua, cfg, e);
	if (r < 0)
		return r;
	r = nest_loop(ua);
	if (r < 0)
		return r;
	*ret_ua = STEAL(ua);
	return 0;
}

void ua_destroy(struct ua **uap)
{
	struct ua *ua = *uap;

	if (!ua)
		return;
	*uap = NULL;
	if (ua->wait_index > 0)
		su_root_deregister(ua->root, ua->wait_index);
	if (ua->default_leg)
		nta_leg_destroy(ua->default_leg);
	if (ua->agent)
		nta_agent_destroy(ua->agent);
	if (ua->root)
		su_root_destroy(ua->root);
	if (ua_mclass_watched() == ua)
		ua_mclass_watch(NULL);
	while (ua->sent) {
		struct ua_orq_magic *o = ua->sent;

		ua->sent = o->next;
		mem_free(o);
	}
	mem_free(ua);
}

const char *ua_bound(const struct ua *ua)
{
	return ua->bound;
}

void ua_step(struct ua *ua, int timeout_ms)
{
	unsigned before = ua->handled;

	su_root_step(ua->root, timeout_ms);
	for (unsigned i = 0; i < STEP_BATCH && ua->handled != before; i++) {
		before = ua->handled;
		su_root_step(ua->root, 0);
	}
	ua_guard_memory(ua);
}

/* For ua_dialog.c: the same way in for legs of dialogs. */
nta_request_f *ua_leg_callback(void)
{
	return on_request;
}

struct ua_dialog *ua_invite_dialog(nta_incoming_t *irq)
{
	struct ua_irq_magic *q = nta_incoming_magic(irq, on_cancel_or_ack);

	return q ? q->pub.dialog : NULL;
}
