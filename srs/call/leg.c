#include "srs/call/leg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "srs/call/dialect.h"
#include "srs/call/voice.h"
#include "srs/siprec/body.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

#define BODY_MAX 65000

static const struct call_spec *spec_of(const struct call_leg *l)
{
	return l->batch->spec;
}

static void tell(struct call_leg *l, enum call_event ev)
{
	if (l->batch->on_event)
		l->batch->on_event(l->batch->arg, l->index, ev, l->result);
}

/* ---- media ---- */

static void activate(struct call_leg *l, bool active)
{
	int64_t now = clock_mono_us(clock_real());

	for (unsigned i = 0; i < l->n_lines; i++) {
		if (l->granted[i])
			call_rtp_activate(&l->rtp[i],
					  active && !l->muted[i] &&
						  call_line_used(l, i),
					  now);
	}
}

static uint8_t pt_of(const char *codec)
{
	if (!strcmp(codec, "PCMU"))
		return 0;
	if (!strcmp(codec, "G722"))
		return 9;
	return !strcmp(codec, "PCMA") ? 8 : 96;
}

/* A key of its own for each stream. */
static int make_key(struct call_leg *l, unsigned i)
{
	struct srtp_params *p = &l->keys[i];

	if (spec_of(l)->srtp == SRTP_CLEAR)
		return 0;
	p->suite = (uint8_t)spec_of(l)->srtp;
	p->n_keys = 1;
	id_random(p->keys[0].bytes, srtp_suite_key_len(spec_of(l)->srtp));
	l->lines[i].srtp = p;
	return srtp_out_create(p, &l->rtp[i].srtp);
}

static int open_stream(struct call_leg *l, unsigned i)
{
	const struct call_spec *s = spec_of(l);
	struct call_rtp *rtp = &l->rtp[i];
	int r = call_rtp_open(rtp, &l->batch->local);

	if (r < 0)
		return r;
	rtp->voice = l->batch->mixed ? l->batch->mixed
				     : l->batch->voices[l->first + i];
	rtp->loss_percent = s->loss_percent;
	rtp->reorder = s->reorder;
	rtp->pt = pt_of(s->codec);
	rtp->count = &l->result->streams[i];
	rtp->dtmf = i ? NULL : s->dtmf;
	rtp->dtmf_at_us = s->dtmf_at_us;
	l->lines[i] = (struct offer_line){ .codec = s->codec,
					   .pt = rtp->pt,
					   .rtp_port = rtp->rtp_port,
					   .rtcp_port = rtp->rtcp_port,
					   .dtmf = rtp->dtmf != NULL };
	dialect_label(l->batch->dialect, i, l->lines[i].label,
		      sizeof(l->lines[i].label));
	return make_key(l, i);
}

/* A UUID as RFC 7865 section 6.10 writes it: its bytes in base64. */
static void make_id(char dst[CALL_ID_MAX])
{
	uint8_t uuid[16];

	id_random(uuid, sizeof(uuid));
	uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
	metadata_base64(dst, uuid, sizeof(uuid));
}

static void make_ids(struct call_leg *l)
{
	uint8_t random[16];

	for (unsigned i = 0; i < CALL_PARTIES_MAX; i++) {
		make_id(l->ids[i][0]);
		make_id(l->ids[i][1]);
	}
	for (unsigned i = 0; i < CALL_CHANGES_MAX; i++)
		make_id(l->joined_ids[i]);
	make_id(l->session_id);
	make_id(l->group_id);
	id_random(random, sizeof(random));
	str_hex(l->correlation, random, sizeof(random));
}

/* ---- the end ---- */

static void finish(struct call_leg *l)
{
	if (l->state == LEG_DONE)
		return;
	for (unsigned i = 0; i < l->n_lines; i++) {
		call_rtp_bye(&l->rtp[i]);
		call_rtp_close(&l->rtp[i]);
	}
	if (l->answered_mono_us && l->result->seconds == 0)
		l->result->seconds = (double)(clock_mono_us(clock_real()) -
					      l->answered_mono_us) /
				     1e6;
	call_dialog_destroy(&l->dialog);
	l->state = LEG_DONE;
	tell(l, l->answered_mono_us ? CALL_ENDED : CALL_REFUSED);
}

static void fail(struct call_leg *l, const char *why)
{
	l->result->failed = true;
	str_copy(l->result->reason, sizeof(l->result->reason), why);
	finish(l);
}

static void hang_up(struct call_leg *l)
{
	activate(l, false);
	l->result->seconds =
		(double)(clock_mono_us(clock_real()) - l->answered_mono_us) /
		1e6;
	l->state = LEG_ENDING;
	if (call_dialog_request(l->dialog, CALL_BYE, NULL, NULL) < 0)
		fail(l, "BYE could not be sent");
}

/* ---- the answer ---- */

/* Set where the streams go. @return 0; -errno: it can't be used (reason says
 * why) */
static int take_sdp(struct call_leg *l, struct span type, struct span text,
		    struct offer_result res[CALL_PARTIES_MAX])
{
	unsigned n = l->n_lines;
	struct sdp *s CLEANUP(sdp_destroy) = NULL;
	struct warn_list wl = { 0 };
	struct body b;
	int r = -EBADMSG;

	body_read(type, text, &wl, &b);
	if (b.has_sdp)
		r = sdp_read(b.sdp, &wl, &s);
	if (r == 0)
		r = offer_read_answer(l->lines, n, s, &wl, res);
	if (r < 0) {
		str_copy(l->result->reason, sizeof(l->result->reason),
			 wl.n ? wl.items[wl.n - 1].detail : "there is no SDP");
		return r;
	}
	for (unsigned i = 0; i < n; i++) {
		l->granted[i] = res[i].accepted && res[i].rtp.ss_family;
		l->muted[i] = res[i].inactive;
		l->rtp[i].to_rtp = res[i].rtp;
		l->rtp[i].to_rtcp = res[i].rtcp;
		l->rtp[i].dtmf_pt = res[i].dtmf_pt;
	}
	return 0;
}

static bool use_sdp(struct call_leg *l, const struct call_answer *a)
{
	struct offer_result res[CALL_PARTIES_MAX];

	return take_sdp(l, a->content_type, a->body, res) == 0;
}

static bool all_muted(const struct call_leg *l)
{
	for (unsigned i = 0; i < l->n_lines; i++)
		if (l->granted[i] && !l->muted[i])
			return false;
	return true;
}

/* The server pauses the recording, goes on, or moves its ports. */
static int on_offer(void *darg, struct span type, struct span body,
		    struct buf *ret_sdp)
{
	struct offer_result res[CALL_PARTIES_MAX];
	struct call_leg *l = darg;
	bool before = all_muted(l);

	if (l->state != LEG_UP)
		return 481; /* our BYE is on its way */
	if (l->busy)
		return 491;
	if (!body.len) /* the answer comes with ACK and says nothing new */
		return call_body_sdp(l, ret_sdp) < 0 ? 500 : 200;
	if (take_sdp(l, type, body, res) < 0)
		return 488;
	if (call_body_answer(l, res, ret_sdp) < 0)
		return 500;
	activate(l, !l->holding);
	if (all_muted(l) != before) {
		l->result->pauses += !before;
		tell(l, before ? CALL_UNPAUSED : CALL_PAUSED);
	}
	return 200;
}

static void set_refresh(struct call_leg *l, const struct call_answer *a)
{
	l->refresh_us = (int64_t)a->expires_s * 500000;
	l->refresh_mono_us = clock_mono_us(clock_real()) + l->refresh_us;
}

/* The offer was in the 200: our answer goes into the ACK. */
static void answer_offer(struct call_leg *l)
{
	struct buf body CLEANUP(buf_fini) = { 0 };

	buf_init(&body, BODY_MAX);
	if (call_body_sdp(l, &body) < 0 ||
	    call_dialog_answer(l->dialog, "application/sdp", buf_str(&body)) <
		    0)
		l->result->failed = true;
}

static void on_invited(struct call_leg *l, const struct call_answer *a)
{
	struct call_result *r = l->result;

	r->status = a->status;
	r->local = a->local;
	str_copy(r->reason, sizeof(r->reason), a->reason);
	str_copy(r->warning, sizeof(r->warning), a->warning);
	str_copy(r->challenge, sizeof(r->challenge), a->challenge);
	str_clean(r->reason);
	str_clean(r->warning);
	str_clean(r->challenge);
	if (a->status >= 300) {
		span_copy(r->body, sizeof(r->body), a->body);
		str_clean(r->body);
		finish(l);
		return;
	}
	if (!l->answered_mono_us)
		l->answered_mono_us = clock_mono_us(clock_real());
	l->state = LEG_UP;
	set_refresh(l, a);
	if (!use_sdp(l, a)) {
		r->failed = true;
		hang_up(l);
		return;
	}
	tell(l, CALL_ANSWERED);
	activate(l, !l->holding);
	if (l->batch->dialect->two_ends)
		answer_offer(l);
}

static void on_changed(struct call_leg *l, const struct call_answer *a)
{
	bool ok = a->status < 300;

	if (a->status > l->result->change_status)
		l->result->change_status = a->status;
	if (ok)
		set_refresh(l, a);
	if (a->method == CALL_REINVITE && l->state == LEG_UP && ok) {
		if (!use_sdp(l, a)) {
			l->result->failed = true;
			hang_up(l);
			return;
		}
		activate(l, !l->holding);
		tell(l, l->holding ? CALL_HELD : CALL_RESUMED);
	} else if (a->method == CALL_UPDATE) {
		tell(l, CALL_CHANGED);
	}
}

static int invite(struct call_leg *l);

/* The next dialog of the same call: another session of the same group. */
static void begin_again(struct call_leg *l)
{
	l->restarting = false;
	l->result->restarts++;
	call_dialog_destroy(&l->dialog);
	make_id(l->session_id);
	l->start_wall_us = clock_wall_us(clock_real());
	l->state = LEG_INVITING;
	tell(l, CALL_CHANGED);
	if (invite(l) < 0)
		fail(l, "the next INVITE could not be sent");
}

static void on_answer(void *darg, const struct call_answer *a)
{
	struct call_leg *l = darg;

	l->busy = false;
	switch (a->method) {
	case CALL_INVITE:
		on_invited(l, a);
		return;
	case CALL_REINVITE:
	case CALL_UPDATE:
		on_changed(l, a);
		return;
	case CALL_BYE:
		l->result->bye_status = a->status;
		if (l->restarting)
			begin_again(l);
		else
			finish(l);
		return;
	}
}

static void on_ended(void *darg, const char *reason)
{
	struct call_leg *l = darg;

	/* our own BYE may cross theirs: then it was planned */
	if (l->state == LEG_UP)
		str_copy(l->result->ended, sizeof(l->result->ended), reason);
	str_clean(l->result->ended);
	finish(l);
}

const struct call_ua_events call_leg_events = { .answer = on_answer,
						.offer = on_offer,
						.ended = on_ended };

/* ---- requests ---- */

/* CUCM: both dialogs of a call come from the phone, which is the near end. */
static void cucm_from(const struct call_leg *l, char *dst, size_t dst_len)
{
	const struct call_party *near = &spec_of(l)->parties[0];
	struct span far = span_of(spec_of(l)->parties[1].aor);
	ptrdiff_t colon = span_find(far, ':');

	if (colon >= 0) {
		far.p += colon + 1;
		far.len -= (size_t)colon + 1;
	}
	far = span_cut(&far, '@');
	snprintf(dst, dst_len,
		 "\"%s\" <%s;x-%s;x-refci=%u;x-nearenddevice=SEP0011223344AA;"
		 "x-farendrefci=%u;x-farendaddr=%.*s>",
		 near->name ? near->name : "", near->aor,
		 l->first ? "farend" : "nearend",
		 l->batch->refci + l->index / 2 * 2,
		 l->batch->refci + l->index / 2 * 2 + 1, SPAN_ARG(far));
}

/* Correlation headers are of the call: both dialogs of CUCM have the same. */
static void headers_of(const struct call_leg *l, char *dst, size_t dst_len)
{
	char id[40];

	snprintf(id, sizeof(id), "%032x", l->batch->refci + l->index / 2 * 2);
	dialect_headers(l->batch->dialect,
			l->batch->dialect->two_ends ? id : l->correlation, dst,
			dst_len);
}

static int invite(struct call_leg *l)
{
	const struct call_dialect *d = l->batch->dialect;
	struct buf body CLEANUP(buf_fini) = { 0 };
	char from[1024], headers[1024];
	bool v6 = strchr(l->batch->local_ip, ':') != NULL;
	struct call_invite inv = { .to = spec_of(l)->to,
				   .from = from,
				   .token = spec_of(l)->token,
				   .headers = headers };
	int r;

	snprintf(from, sizeof(from), "<sip:src@%s%s%s>", v6 ? "[" : "",
		 l->batch->local_ip, v6 ? "]" : "");
	headers_of(l, headers, sizeof(headers));
	if (!headers[0])
		inv.headers = NULL;
	buf_init(&body, BODY_MAX);
	if (d->two_ends) {
		cucm_from(l, from, sizeof(from));
	} else {
		r = call_body_invite(l, &body);
		if (r < 0)
			return r;
		inv.content_type = d->type;
		inv.body = buf_str(&body);
	}
	r = call_dialog_invite(l->batch->ua, &inv, l, &l->dialog);
	if (!r && !l->result->call_id[0])
		str_copy(l->result->call_id, sizeof(l->result->call_id),
			 call_dialog_id(l->dialog));
	return r;
}

void call_leg_start(struct call_leg *l, int64_t now_mono_us,
		    int64_t now_wall_us)
{
	const struct call_dialect *d = l->batch->dialect;
	unsigned n;
	int r = 0;

	l->n_lines = n = d->mixed || d->two_ends ? 1 : spec_of(l)->n_parties;
	l->first = d->two_ends ? l->index % 2 : 0;
	l->holding = d->inactive_first;
	l->started_mono_us = now_mono_us;
	l->start_wall_us = now_wall_us;
	l->result->n_streams = n;
	for (unsigned i = 0; i < n; i++)
		l->rtp[i].fd = l->rtp[i].rtcp_fd = -1;
	make_ids(l);
	answer_origin_init(&l->origin, (uint64_t)now_wall_us + l->index,
			   l->batch->local_ip);
	l->origin.user = d->origin;
	for (unsigned i = 0; i < n && !r; i++)
		r = open_stream(l, i);
	l->state = LEG_INVITING;
	tell(l, CALL_STARTED);
	if (!r)
		r = invite(l);
	if (r < 0) {
		l->result->local = true;
		fail(l, r == -EINVAL ? "the URI cannot be called"
				     : "no sockets or memory left");
	}
}

/* with metadata, or SDP alone */
static void reinvite(struct call_leg *l, bool whole)
{
	struct buf body CLEANUP(buf_fini) = { 0 };
	int r;

	buf_init(&body, BODY_MAX);
	l->busy = true;
	r = whole ? call_body_invite(l, &body) : call_body_sdp(l, &body);
	if (r == 0)
		r = call_dialog_request(l->dialog, CALL_REINVITE,
					whole ? l->batch->dialect->type
					      : "application/sdp",
					buf_str(&body));
	if (r < 0)
		fail(l, "re-INVITE could not be sent");
}

static void update(struct call_leg *l, unsigned n, int64_t now_wall_us)
{
	struct buf body CLEANUP(buf_fini) = { 0 };

	buf_init(&body, BODY_MAX);
	l->busy = true;
	if (call_body_change(l, n, now_wall_us, &body) < 0 ||
	    call_dialog_request(l->dialog, CALL_UPDATE,
				l->batch->dialect->metadata_type,
				buf_str(&body)) < 0)
		fail(l, "UPDATE could not be sent");
}

/* NetSapiens: the dialog ends with whoever comes or goes. */
static void restart(struct call_leg *l)
{
	activate(l, false);
	l->busy = true;
	l->restarting = true;
	l->state = LEG_ENDING;
	if (call_dialog_request(l->dialog, CALL_BYE, NULL, NULL) < 0)
		fail(l, "BYE could not be sent");
}

/* ---- the timeline ---- */

/* What the INVITE only announced (all lines inactive) is to begin now. */
static bool must_begin(const struct call_leg *l)
{
	return l->batch->dialect->inactive_first && !l->begun;
}

/* The first request that is due, if any. */
static void next_request(struct call_leg *l, int64_t now_mono_us,
			 int64_t now_wall_us)
{
	const struct call_spec *s = spec_of(l);
	int64_t at = now_mono_us - l->answered_mono_us;

	if (must_begin(l)) {
		l->begun = true;
		l->holding = false;
		reinvite(l, true);
	} else if (s->hold_from_us >= 0 && !l->hold_done && !l->holding &&
		   at >= s->hold_from_us) {
		l->holding = true;
		activate(l, false); /* nobody speaks, then the offer says so */
		reinvite(l, false);
	} else if (l->holding && at >= s->hold_to_us) {
		l->holding = false;
		l->hold_done = true;
		reinvite(l, false);
	} else if (l->n_done < s->n_changes &&
		   at >= s->changes[l->n_done].at_us) {
		l->n_done++;
		if (l->batch->dialect->restarts)
			restart(l);
		else
			update(l, l->n_done - 1, now_wall_us);
	} else if (l->refresh_us && now_mono_us >= l->refresh_mono_us) {
		l->refresh_mono_us = now_mono_us + l->refresh_us;
		reinvite(l, false);
	}
}

void call_leg_tick(struct call_leg *l, int64_t now_mono_us, int64_t now_wall_us,
		   bool stop)
{
	const struct call_spec *s = spec_of(l);

	if (l->state != LEG_UP) {
		if (stop && l->state == LEG_INVITING)
			fail(l, "interrupted");
		return;
	}
	for (unsigned i = 0; i < l->n_lines; i++) {
		if (l->granted[i])
			call_rtp_tick(&l->rtp[i], now_mono_us, now_wall_us);
	}
	if (l->busy)
		return;
	if (stop || now_mono_us - l->answered_mono_us >= s->duration_us)
		hang_up(l);
	else
		next_request(l, now_mono_us, now_wall_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t call_leg_due(const struct call_leg *l)
{
	const struct call_spec *s = spec_of(l);
	int64_t due = INT64_MAX;

	if (l->state != LEG_UP)
		return due;
	for (unsigned i = 0; i < l->n_lines; i++) {
		if (l->granted[i])
			due = earlier(due, l->rtp[i].due_mono_us);
	}
	if (l->busy)
		return due;
	if (must_begin(l))
		return l->answered_mono_us;
	due = earlier(due, l->answered_mono_us + s->duration_us);
	if (s->hold_from_us >= 0 && !l->hold_done)
		due = earlier(due, l->answered_mono_us +
					   (l->holding ? s->hold_to_us
						       : s->hold_from_us));
	if (l->n_done < s->n_changes)
		due = earlier(due, l->answered_mono_us +
					   s->changes[l->n_done].at_us);
	if (l->refresh_us)
		due = earlier(due, l->refresh_mono_us);
	return due;
}

void call_leg_fini(struct call_leg *l)
{
	for (unsigned i = 0; l->state != LEG_NEW && i < CALL_PARTIES_MAX; i++)
		if (i < l->n_lines)
			call_rtp_close(&l->rtp[i]);
	call_dialog_destroy(&l->dialog);
}
