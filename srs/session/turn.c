/* One database transaction for everything that one turn of the loop brought:
 * with synchronous=FULL a commit is a disk flush, and a burst of calls shares
 * it. What a client is told waits here until that commit is through. Notes
 * (signalling, warnings, events) are never worth a flush of their own: they
 * ride along with the next commit or go after NOTES_WAIT_US.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "srs/sip/redact.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"

/* A transaction without an answer waiting stays open this long, in the hope
 * that capture's answer to a new call arrives and shares it. */
#define OPEN_WAIT_US 10000
#define NOTES_WAIT_US 250000
/* A commit right behind another waits this long, so that a busy moment shares
 * it. */
#define COMMIT_GAP_US 4000
/* Two calls in one commit cost hardly more than one: where the last commit was
 * less than BUSY_US ago another call will come, and the first answer that waits
 * gives it GROUP_US. A quiet server answers at once. */
#define BUSY_US 25000
#define GROUP_US 10000

int turn_begin(struct sip_server *sv)
{
	int r;

	if (sv->turn.open)
		return 0;
	r = db_begin(sv->db);
	if (r < 0) {
		log_error(NULL, "sip.catalog_busy", LOG_E(r));
		return r;
	}
	sv->turn.open = true;
	sv->turn.failed = false;
	sv->turn.opened_us = session_mono_us(sv);
	return 0;
}

void turn_touch(struct session *s)
{
	if (s->in_turn)
		return;
	s->in_turn = true;
	s->turn_next = s->sv->turn.touched;
	s->sv->turn.touched = s;
}

int turn_check(struct sip_server *sv, int r)
{
	/* anything else is about one row, and that row is given up */
	if (r != -ENOSPC && r != -EIO && r != -EBUSY && r != -ENOMEM)
		return r;
	if (sv->turn.failed)
		return r;
	sv->turn.failed = true;
	log_error(NULL, "sip.catalog_failed", LOG_E(r));
	return r;
}

void turn_answer(struct sip_server *sv, struct session *s,
		 struct ua_request *req, const struct ua_answer *a)
{
	struct turn_answer *t = mem_zalloc(sizeof(*t));
	struct ua_answer sorry = { .status = 500 };

	if (t) {
		t->headers = mem_strdup(a->headers);
		t->body = a->body.len ? mem_dup(a->body.p, a->body.len) : NULL;
	}
	if (!t || (a->headers && !t->headers) || (a->body.len && !t->body)) {
		if (t)
			mem_free(t->headers);
		mem_free(t);
		(void)ua_answer(req, &sorry, NULL); /* out of memory */
		return;
	}
	if (req->method != UA_BYE && sv->turn.urgent_us == 0)
		sv->turn.urgent_us = session_mono_us(sv);
	t->req = req;
	t->s = s;
	t->status = a->status;
	t->phrase = a->phrase;
	t->content_type = a->content_type;
	t->body_len = a->body.len;
	if (!sv->turn.answers)
		sv->turn.answers_end = &sv->turn.answers;
	*sv->turn.answers_end = t;
	sv->turn.answers_end = &t->next;
}

static void answer_free(struct turn_answer *t)
{
	mem_free(t->headers);
	mem_free(t->body);
	mem_free(t);
}

void turn_forget(struct sip_server *sv, const struct ua_request *req)
{
	struct turn_answer **at = &sv->turn.answers;

	while (*at) {
		struct turn_answer *t = *at;

		if (t->req == req) {
			*at = t->next;
			answer_free(t);
		} else {
			at = &t->next;
		}
	}
	sv->turn.answers_end = at;
}

void turn_forget_session(struct session *s)
{
	struct session **at = &s->sv->turn.touched;

	for (struct turn_answer *t = s->sv->turn.answers; t; t = t->next) {
		if (t->s == s)
			t->s = NULL;
	}
	if (!s->in_turn)
		return;
	while (*at && *at != s)
		at = &(*at)->turn_next;
	if (*at)
		*at = s->turn_next;
	s->in_turn = false;
}

/* ---- notes ---- */

static struct note *note_new(struct session *s, enum note_kind kind,
			     const char *text, size_t len)
{
	struct note *n;

	if (s->notes_bytes + len > SESSION_NOTES_BYTES)
		return NULL;
	n = mem_zalloc(sizeof(*n) + len + 1);
	if (!n)
		return NULL;
	n->kind = kind;
	n->at_us = session_wall_us(s->sv);
	n->len = len;
	memcpy(n->text, text, len);
	if (!s->notes)
		s->notes_end = &s->notes;
	*s->notes_end = n;
	s->notes_end = &n->next;
	s->notes_bytes += sizeof(*n) + len;
	if (s->sv->turn.notes_since_us == 0)
		s->sv->turn.notes_since_us = session_mono_us(s->sv);
	turn_touch(s);
	return n;
}

void session_note_message(struct session *s, bool in, struct span text,
			  enum ua_transport t, const char *peer)
{
	struct buf clean;
	struct note *n = NULL;

	if (text.len == 0 || s->n_messages >= SESSION_MESSAGES_MAX)
		return;
	s->n_messages++;
	buf_init(&clean, 2 * text.len + 4096);
	if (sip_redact(text, &clean) == 0)
		n = note_new(s, in ? NOTE_MESSAGE_IN : NOTE_MESSAGE_OUT,
			     buf_str(&clean), clean.len);
	if (n) {
		n->transport = t;
		(void)str_copy(n->peer, sizeof(n->peer), peer);
	}
	buf_fini(&clean);
}

void session_note_request(struct session *s, const struct ua_request *req)
{
	session_note_message(s, true, req->text, req->transport, req->peer);
	session_note_message(s, false, req->trying, req->transport, req->peer);
}

void session_note_warning(struct session *s, const char *code,
			  enum warn_severity sev, const char *detail)
{
	struct note *n = note_new(s, NOTE_WARNING, detail, strlen(detail));

	session_snapshot_consider(s, code);
	if (!n)
		return;
	n->severity = sev;
	(void)str_copy(n->word, sizeof(n->word), code);
}

void session_note_event(struct session *s, const char *kind, int participant,
			int stream, const char *text)
{
	struct note *n = note_new(s, NOTE_EVENT, text, strlen(text));

	if (!n)
		return;
	n->participant = (int16_t)participant;
	n->stream = (int16_t)stream;
	(void)str_copy(n->word, sizeof(n->word), kind);
}

void session_note_warnings(struct session *s, const struct warn_list *wl)
{
	for (unsigned i = 0; i < wl->n; i++)
		session_note_warning(s, wl->items[i].code,
				     wl->items[i].severity,
				     wl->items[i].detail);
	if (wl->dropped)
		session_note_warning(s, "warnings.dropped", WARN_INFO,
				     "more oddities than are kept");
}

void session_notes_drop(struct session *s)
{
	while (s->notes) {
		struct note *n = s->notes;

		s->notes = n->next;
		mem_free(n);
	}
	s->notes_bytes = 0;
}

static int write_note(struct session *s, const struct note *n)
{
	struct recording_message m = {
		.at_us = n->at_us,
		.dir = n->kind == NOTE_MESSAGE_IN ? "in" : "out",
		.transport = ua_transport_name(n->transport),
		.peer = n->peer,
		.body = n->text,
		.len = n->len,
	};
	struct recording_warning w = {
		.code = n->word,
		.severity = warn_severity_name(n->severity),
		.detail = n->text,
		.at_us = n->at_us,
	};
	struct recording_event ev = {
		.at_us = n->at_us,
		.kind = n->word,
		.participant = n->participant,
		.stream = n->stream,
		.text = n->text,
	};

	switch (n->kind) {
	case NOTE_WARNING:
		return recording_add_warning(s->sv->db, s->id.s, &w);
	case NOTE_EVENT:
		return recording_add_event(s->sv->db, s->id.s, &ev);
	default:
		return recording_add_message(s->sv->db, s->id.s, &m);
	}
}

static void write_notes(struct session *s)
{
	int r;

	if (!s->row || !s->notes || turn_begin(s->sv) < 0)
		return;
	for (struct note *n = s->notes; n; n = n->next) {
		r = write_note(s, n);
		if (r == -ENOENT) /* the recording was deleted meanwhile */
			return;
		if (turn_check(s->sv, r) < 0)
			return;
	}
}

/* ---- the end of a turn ---- */

static void send_answer(struct turn_answer *t, bool ok)
{
	struct ua_answer a = {
		.status = t->status,
		.phrase = t->phrase,
		.headers = t->headers,
		.content_type = t->content_type,
		.body = { t->body, t->body_len },
	};
	struct session *s = t->s;
	enum ua_transport transport = t->req->transport;
	char peer[UA_PEER_MAX];
	struct buf text;
	int r;

	if (!ok && t->status / 100 == 2 && t->req->method != UA_BYE)
		a = (struct ua_answer){ .status = 503,
					.headers = "Retry-After: 5\r\n" };
	(void)str_copy(peer, sizeof(peer), t->req->peer);
	if (s && s->invite == t->req)
		s->invite = NULL;
	if (s && s->change == t->req)
		session_change_drop(s);
	if (s && s->bye == t->req)
		s->bye = NULL;
	buf_init(&text, 256 * 1024);
	r = ua_answer(t->req, &a, s ? &text : NULL);
	if (r < 0)
		log_error(s ? &s->log : NULL, "sip.answer_failed",
			  LOG_I("status", a.status), LOG_E(r));
	if (s)
		session_note_message(s, false,
				     (struct span){ buf_str(&text), text.len },
				     transport, peer);
	buf_fini(&text);
}

void turn_drop_dialog(struct session *s)
{
	struct turn_answer **at = &s->sv->turn.answers;

	while (s->dialog && *at) {
		struct turn_answer *t = *at;

		if (t->req->dialog != s->dialog) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		if (!*at)
			s->sv->turn.answers_end = at;
		send_answer(t, false);
		answer_free(t);
	}
	refer_keep_dialog(s);
	ua_dialog_destroy(&s->dialog);
}

static int commit(struct sip_server *sv)
{
	int r;

	if (!sv->turn.open)
		return 0;
	sv->turn.committed_us = session_mono_us(sv);
	sv->turn.open = false;
	if (sv->turn.failed) {
		db_rollback(sv->db);
		return -EIO;
	}
	r = db_commit(sv->db);
	if (r < 0) {
		db_rollback(sv->db);
		log_error(NULL, "sip.commit_failed", LOG_E(r));
	}
	return r;
}

static void finish_turn(struct sip_server *sv)
{
	struct session *touched;
	struct turn_answer *answers, *t;
	bool ok;

	sv->turn.poke = false;
	sv->turn.urgent_us = 0;
	for (struct session *s = sv->turn.touched; s; s = s->turn_next)
		write_notes(s);
	ok = commit(sv) == 0;
	touched = sv->turn.touched;
	sv->turn.touched = NULL;
	sv->turn.notes_since_us = 0;
	answers = sv->turn.answers;
	sv->turn.answers = NULL;
	for (struct session *s = touched; s; s = s->turn_next) {
		s->in_turn = false;
		if (ok && s->row)
			session_notes_drop(s);
	}
	while (touched) {
		struct session *s = touched;

		touched = s->turn_next;
		s->turn_next = NULL;
		s->settle_next = sv->turn.settle;
		sv->turn.settle = s;
	}
	while (answers) {
		t = answers;
		answers = t->next;
		send_answer(t, ok);
		answer_free(t);
	}
	while (sv->turn.settle) {
		struct session *s = sv->turn.settle;

		sv->turn.settle = s->settle_next;
		session_committed(s, ok);
	}
}

static int until_ms(int64_t now_us, int64_t due_us)
{
	if (due_us <= now_us)
		return 0;
	return (int)((due_us - now_us + 999) / 1000);
}

/* When what is open now has to be committed. */
static int64_t commit_due(const struct turn *t)
{
	int64_t soon = t->committed_us + COMMIT_GAP_US, due = INT64_MAX;
	int64_t group;

	if (t->notes_since_us)
		due = t->notes_since_us + NOTES_WAIT_US;
	if (t->urgent_us) {
		group = t->urgent_us - t->committed_us < BUSY_US ? GROUP_US : 0;
		if (group == 0)
			due = soon;
		else if (t->urgent_us + group < due)
			due = t->urgent_us + group;
	} else if (t->open && t->opened_us + OPEN_WAIT_US < due) {
		/* a BYE's answer has time for the next call's commit */
		due = t->opened_us + OPEN_WAIT_US;
	}
	if ((t->poke || (t->answers && !t->open)) && soon < due)
		due = soon;
	return due;
}

int turn_end(struct sip_server *sv, bool force)
{
	int64_t now = session_mono_us(sv), due = commit_due(&sv->turn);

	if (force || due <= now) {
		if (sv->turn.answers || sv->turn.open || sv->turn.touched)
			finish_turn(sv);
		return sv->turn.touched ? NOTES_WAIT_US / 1000 : -1;
	}
	return due == INT64_MAX ? -1 : until_ms(now, due);
}
