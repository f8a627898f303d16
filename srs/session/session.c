#include "srs/session/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/siprec/sdp.h"
#include "storage/catalog_recording.h"

/* Capture must have closed a session within this. */
#define CLOSE_WAIT_US 5000000
/* A client's BYE is answered after the commit, but not later than this. */
#define BYE_WAIT_US 400000
#define RETRY_WAIT_US 1000000

int64_t session_mono_us(const struct sip_server *sv)
{
	return clock_mono_us(sv->clock);
}

int64_t session_wall_us(const struct sip_server *sv)
{
	return clock_wall_us(sv->clock);
}

static struct session **bucket_of(struct sip_server *sv, const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return &sv->buckets[h % SESSION_BUCKETS];
}

int session_create(struct sip_server *sv, const struct id *id,
		   struct session **ret_s)
{
	struct session *s = mem_zalloc(sizeof(*s));
	struct session **b;

	if (!s)
		return -ENOMEM;
	s->sv = sv;
	s->started_wall_us = session_wall_us(sv);
	if (id)
		s->id = *id;
	else
		id_new(&s->id, s->started_wall_us);
	(void)str_copy(s->log.session, sizeof(s->log.session), s->id.s);
	s->expires_us = s->refresh_us = s->max_end_us = INT64_MAX;
	s->metadata_due_us = s->ack_due_us = s->answer_due_us = INT64_MAX;
	s->prack_due_us = INT64_MAX;
	s->close_due_us = s->bye_due_us = INT64_MAX;
	s->ends_wall_us = s->invite_again_us = INT64_MAX;
	s->started_us = s->active_us = session_mono_us(sv);
	b = bucket_of(sv, s->id.s);
	s->next = *b;
	*b = s;
	sv->n_sessions++;
	*ret_s = s;
	return 0;
}

void session_destroy(struct session **sp)
{
	struct session *s = *sp;
	struct session **at;

	if (!s)
		return;
	*sp = NULL;
	at = bucket_of(s->sv, s->id.s);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->sv->n_sessions--;
	turn_drop_dialog(s);
	turn_forget_session(s);
	session_change_drop(s);
	session_notes_drop(s);
	gate_snapshot_fini(&s->snap);
	metadata_destroy(&s->people);
	mem_free(s->ords);
	if (s->streams)
		streams_wipe_keys(s->streams, s->n_streams);
	mem_free(s->streams);
	mem_free(s->offer);
	mem_free(s->answer);
	mem_free(s->late_answer);
	mem_free(s->extra);
	refer_end(&s->refer, 503);
	mem_free(s->replaces);
	mem_free(s);
}

struct session *session_find(struct sip_server *sv, const char *id)
{
	struct session *s = *bucket_of(sv, id);

	while (s && !str_eq(s->id.s, id))
		s = s->next;
	return s;
}

void session_each(struct sip_server *sv, session_fn *fn, void *arg)
{
	for (unsigned i = 0; i < SESSION_BUCKETS; i++) {
		struct session *s = sv->buckets[i];

		while (s) {
			struct session *next = s->next;

			fn(s, arg);
			s = next;
		}
	}
}

static void count_live(struct session *s, void *arg)
{
	unsigned *n = arg;

	if (s->state <= SESSION_RESUMING)
		(*n)++;
}

unsigned session_count_live(const struct sip_server *sv)
{
	unsigned n = 0;

	/* count_live() changes nothing */
	session_each((struct sip_server *)(uintptr_t)sv, count_live, &n);
	return n;
}

void session_touch_activity(struct session *s)
{
	s->active_us = session_mono_us(s->sv);
	s->asked_us = 0;
}

static void refuse_pending(struct session *s)
{
	struct ua_answer a = { .status = 487 };
	char peer[UA_PEER_MAX];
	enum ua_transport t;
	struct buf sent;

	if (!s->change)
		return;
	turn_forget(s->sv, s->change);
	t = s->change->transport;
	(void)str_copy(peer, sizeof(peer), s->change->peer);
	buf_init(&sent, 64 * 1024);
	(void)ua_answer(s->change, &a, &sent); /* the call is over anyway */
	session_note_message(s, false,
			     (struct span){ buf_str(&sent), sent.len }, t,
			     peer);
	buf_fini(&sent);
	session_change_drop(s);
}

int session_send_body(struct session *s, const struct ua_send *m)
{
	struct buf sent;
	int r;

	buf_init(&sent, 128 * 1024);
	r = ua_dialog_send(s->dialog, m, &sent);
	session_note_message(s, false,
			     (struct span){ buf_str(&sent), sent.len },
			     ua_dialog_transport(s->dialog),
			     ua_dialog_peer(s->dialog));
	buf_fini(&sent);
	return r;
}

int session_send(struct session *s, enum ua_method m, const char *headers)
{
	const struct ua_send send = { .method = m, .headers = headers };

	return session_send_body(s, &send);
}

/* Reason text is ours, never a client's. */
static void send_bye(struct session *s, int cause, const char *text)
{
	char header[200];

	if (!s->dialog)
		return;
	(void)snprintf(header, sizeof(header),
		       "Reason: SIP;cause=%d;text=\"%s\"\r\n", cause, text);
	if (session_send(s, UA_BYE, header) == 0)
		s->bye_sent = true;
}

void session_end(struct session *s, const char *reason, int cause,
		 const char *text)
{
	int64_t now = session_mono_us(s->sv);

	if (s->state != SESSION_LIVE && s->state != SESSION_RESUMING)
		return;
	/* what was kept on the condition that a description comes, goes when
	 * none has come */
	if (s->metadata_due_us != INT64_MAX && !s->described)
		s->unwanted = true;
	session_check_prack(s);
	s->state = SESSION_CLOSING;
	s->ended_wall_us = session_wall_us(s->sv);
	(void)str_copy(s->end_reason, sizeof(s->end_reason), reason);
	log_info(&s->log, "sip.call_ended", LOG_S("reason", reason));
	refuse_pending(s);
	session_on_resumed(s); /* 481 to what was held */
	if (s->bye)
		s->bye_due_us = now + BYE_WAIT_US;
	else
		send_bye(s, cause, text);
	s->close_due_us = now + CLOSE_WAIT_US;
	capture_close(s, s->unwanted);
}

struct end_args {
	const char *reason, *text;
	int cause;
};

static void end_one(struct session *s, void *arg)
{
	const struct end_args *a = arg;

	if (s->state == SESSION_RESUMING)
		s->state = SESSION_LIVE;
	dialout_failed(s, a->text);
	session_end(s, a->reason, a->cause, a->text);
}

void session_end_all(struct sip_server *sv, const char *reason, int cause,
		     const char *text)
{
	struct end_args a = { reason, text, cause };

	session_each(sv, end_one, &a);
}

static int forget_row(struct session *s)
{
	return recording_discard(s->sv->db, s->id.s, s->sv->node,
				 session_wall_us(s->sv));
}

void session_discard(struct session *s)
{
	if (s->invite)
		turn_forget(s->sv, s->invite);
	/* without a row, too: capture may have a spool with stray packets */
	if ((s->row || s->open_seq) && turn_begin(s->sv) == 0)
		(void)turn_check(s->sv, forget_row(s));
	s->row = false;
	turn_drop_dialog(s); /* answers a waiting INVITE */
	s->invite = NULL;
	session_notes_drop(s);
	s->state = SESSION_DISCARDING;
	s->close_due_us = session_mono_us(s->sv) + CLOSE_WAIT_US;
	capture_close(s, true);
}

static void answer_bye(struct session *s)
{
	struct ua_answer ok = { .status = 200 };

	if (!s->bye)
		return;
	turn_answer(s->sv, s, s->bye, &ok);
	s->bye_due_us = INT64_MAX;
}

/* Write the end into this turn's transaction. */
static void finish(struct session *s)
{
	struct sip_server *sv = s->sv;
	const char *spool = s->spool_file;
	int r;

	if (turn_begin(sv) < 0) {
		s->close_due_us = session_mono_us(sv) + RETRY_WAIT_US;
		return;
	}
	turn_touch(s);
	s->finishing = true;
	s->close_due_us = INT64_MAX;
	if (s->unwanted) {
		session_notes_drop(s);
		s->row = false;
		(void)turn_check(sv, forget_row(s));
		answer_bye(s);
		return;
	}
	if (s->packets_known && s->packets == 0) {
		session_note_warning(s, "media.none", WARN_ERROR,
				     "no media packet arrived");
		s->drop_spool = spool[0] != '\0';
		spool = RECORDING_NO_SPOOL;
	}
	r = recording_finish(sv->db, s->id.s, s->ended_wall_us, s->end_reason,
			     spool, session_wall_us(sv));
	if (r != -ENOENT)
		(void)turn_check(sv, r);
	answer_bye(s);
}

static void media_trouble(struct session *s, int error)
{
	const char *what = error == -ENOSPC   ? "the disk is full"
			   : error == -ENOENT ? "the media process lost it"
					      : "the disk failed";

	session_note_warning(s, "media.stopped", WARN_ERROR, what);
	session_end(s, "media_error", 500, "Recording stopped");
}

void session_closed(struct session *s, const struct cap_closed *c)
{
	if (s->state == SESSION_DISCARDING) {
		session_destroy(&s);
		return;
	}
	if (c) {
		if (c->spool_file[0])
			(void)str_copy(s->spool_file, sizeof(s->spool_file),
				       c->spool_file);
		if (c->error != -ENOENT) {
			s->packets = c->packets;
			s->packets_known = true;
		}
		if (s->state == SESSION_LIVE || s->state == SESSION_RESUMING)
			media_trouble(s, c->error ? c->error : -EIO);
	}
	if (s->state == SESSION_OPENING && s->dialing) {
		s->dial_status = 408;
		dialout_failed(s, "no answer");
		return;
	}
	if (s->state == SESSION_OPENING || s->state == SESSION_ACCEPTING) {
		if (s->invite) {
			turn_forget(s->sv, s->invite);
			turn_touch(s);
			session_refuse_busy(s->sv, s, s->invite);
		}
		return; /* the refusal's commit discards it */
	}
	if (s->state == SESSION_CLOSING && !s->finishing)
		finish(s);
}

static void remove_spool(struct session *s)
{
	char path[800];

	(void)snprintf(path, sizeof(path), "%s/%s", s->sv->spool_dir,
		       s->spool_file);
	if (unlink(path) < 0 && errno != ENOENT)
		log_warn(&s->log, "sip.spool_not_removed", LOG_E(errno));
	s->drop_spool = false;
}

static void accepted(struct session *s)
{
	s->state = SESSION_LIVE;
	s->row_committed = true;
	metric_add(s->sv->m_calls_ok, 1);
	log_info(&s->log, "sip.call_accepted", LOG_I("streams", s->n_streams));
	if (s->dialing)
		dialout_accepted(s);
}

void session_committed(struct session *s, bool ok)
{
	if (s->state == SESSION_ACCEPTING) {
		if (ok && s->dialog && !s->invite)
			accepted(s);
		else if (s->dialing)
			dialout_lost(s);
		else
			session_discard(s);
		return;
	}
	if (s->state == SESSION_OPENING && !s->invite && !s->dialing) {
		session_discard(s); /* refused */
		return;
	}
	if (s->finishing) {
		s->finishing = false;
		if (!ok) {
			s->close_due_us =
				session_mono_us(s->sv) + RETRY_WAIT_US;
			return;
		}
		s->state = SESSION_FINISHED;
		if (s->drop_spool)
			remove_spool(s);
	}
	if (s->state == SESSION_FINISHED && !s->notes && !s->bye_sent &&
	    !s->bye)
		session_destroy(&s);
}
