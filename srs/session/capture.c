/* The channel to the capture role.
 *
 * After either side was started again every session is opened anew with
 * resume set, RESUME_WINDOW at a time (a message is large), then CAP_SYNC lets
 * capture close what nobody named. New calls wait for that.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"

#define QUEUE_MAX 2048u
#define RESUME_WINDOW 32u

static int send_msg(struct sip_server *sv, enum cap_msg_type type, uint64_t id,
		    const void *data, size_t len)
{
	int r;

	if (!sv->capture)
		return -EPIPE;
	r = ipc_send(sv->capture, (uint16_t)type, id, data, len, NULL, 0);
	if (r < 0)
		log_error(NULL, "sip.capture_send", LOG_I("type", type),
			  LOG_E(r));
	return r;
}

int capture_open(struct session *s, const struct session_stream *st, unsigned n,
		 bool update, bool resume)
{
	struct sip_server *sv = s->sv;
	struct cap_open *o = sv->open_msg;
	struct buf meta;

	memset(o, 0, offsetof(struct cap_open, streams));
	o->meta[0] = '\0';
	o->session = s->id;
	o->resume = resume;
	o->start_wall_us = s->started_wall_us;
	o->n_streams = n;
	for (unsigned i = 0; i < n; i++) {
		o->streams[i] = st[i].cap;
		o->streams[i].active |= s->ahead && st[i].cap.enabled;
	}
	if (!update) {
		buf_init(&meta, CAP_META_MAX - 1);
		if (session_meta_json(s, &meta) == 0) {
			memcpy(o->meta, buf_str(&meta), meta.len + 1);
			o->meta_len = (uint32_t)meta.len;
		}
		buf_fini(&meta);
	}
	s->open_seq = ++sv->capture_seq;
	return send_msg(sv, update ? CAP_UPDATE : CAP_OPEN, s->open_seq, o,
			cap_open_pack(o));
}

void capture_mute(struct session *s)
{
	bool planned = s->plan && s->plan->sent;
	uint64_t seq = s->open_seq;

	(void)capture_open(s, planned ? s->plan->streams : s->streams,
			   planned ? s->plan->n_streams : s->n_streams, true,
			   false); /* no channel: resumed like this */
	s->mute_seq = s->open_seq;
	s->open_seq = seq; /* what else is asked is answered by itself */
}

void capture_close(struct session *s, bool discard)
{
	struct cap_close c = { .session = s->id, .discard = discard };

	(void)str_copy(c.reason, sizeof(c.reason), s->end_reason);
	/* without a channel: said again when there is one, or given up at
	 * close_due_us */
	(void)send_msg(s->sv, CAP_CLOSE, 0, &c, sizeof(c));
}

void capture_event(struct session *s, enum cap_event_kind kind, int stream,
		   const char *text, size_t len)
{
	struct cap_event e;

	if (len >= sizeof(e.text))
		return;
	memset(&e, 0, sizeof(e));
	e.session = s->id;
	e.kind = (uint16_t)kind;
	e.index = (int16_t)stream;
	e.text_len = (uint32_t)len;
	memcpy(e.text, text, len);
	(void)send_msg(s->sv, CAP_EVENT, 0, &e, sizeof(e));
}

/* ---- resuming ---- */

static void ask_resume(struct session *s, void *arg)
{
	struct sip_server *sv = s->sv;

	(void)arg;
	if (s->state != SESSION_RESUMING || s->resume_asked ||
	    sv->n_asked >= RESUME_WINDOW)
		return;
	if (capture_open(s, s->streams, s->n_streams, false, true) < 0)
		return;
	s->resume_asked = true;
	sv->n_asked++;
}

static void count_waiting(struct session *s, void *arg)
{
	unsigned *n = arg;

	if (s->state == SESSION_RESUMING)
		(*n)++;
}

static void resume_more(struct sip_server *sv)
{
	unsigned waiting = 0;

	if (!sv->capture || sv->capture_ready)
		return;
	session_each(sv, ask_resume, NULL);
	session_each(sv, count_waiting, &waiting);
	if (waiting == 0 && send_msg(sv, CAP_SYNC, 0, NULL, 0) == 0) {
		sv->capture_ready = true;
		log_info(NULL, "sip.capture_ready");
	}
}

void capture_want_resume(struct session *s, const char *warning_code)
{
	s->state = SESSION_RESUMING;
	s->resume_asked = false;
	s->resume_code = warning_code;
}

static bool same_ports(const struct session *s, const struct cap_opened *o)
{
	for (unsigned i = 0; i < s->n_streams; i++) {
		bool found = !s->streams[i].cap.enabled;

		for (uint32_t k = 0; k < o->n_streams && k < CAP_STREAMS_MAX;
		     k++)
			found |= o->streams[k].index ==
					 s->streams[i].cap.index &&
				 o->streams[k].rtp_port ==
					 s->streams[i].cap.local_port;
		if (!found)
			return false;
	}
	return true;
}

static void on_resumed(struct session *s, const struct cap_opened *o)
{
	struct sip_server *sv = s->sv;

	if (s->resume_asked)
		sv->n_asked--;
	s->resume_asked = false;
	s->state = SESSION_LIVE;
	if (o->spool_file[0])
		(void)str_copy(s->spool_file, sizeof(s->spool_file),
			       o->spool_file);
	if (o->error == 0 && same_ports(s, o)) {
		session_note_warning(s, s->resume_code, WARN_WARNING,
				     "a process of the recorder was started "
				     "again during the call");
		log_info(&s->log, "sip.call_resumed");
	} else {
		log_warn(&s->log, "sip.call_not_resumed", LOG_E(o->error));
		session_note_warning(s, "recording.recovered_after_crash",
				     WARN_WARNING,
				     "the call could not be recorded any "
				     "further after a restart");
		session_end(s, "lost", 500, "Recording cannot go on");
	}
	if (s->mute_seq)
		session_muted(s, 0);
	session_on_resumed(s);
	resume_more(sv);
}

/* ---- from capture ---- */

static void on_opened(struct sip_server *sv, uint64_t seq,
		      const struct cap_opened *o)
{
	struct session *s = session_find(sv, o->session.s);

	if (s && seq == s->mute_seq && s->state == SESSION_LIVE) {
		session_muted(s, o->error);
		return;
	}
	if (!s || seq != s->open_seq)
		return; /* gone, or the answer to an older question */
	if (s->state == SESSION_OPENING)
		session_on_opened(s, o);
	else if (s->state == SESSION_RESUMING)
		on_resumed(s, o);
	else if (s->state == SESSION_LIVE)
		session_on_changed(s, o);
}

static void on_trouble(struct sip_server *sv, const struct cap_trouble *t)
{
	struct session *s = session_find(sv, t->session.s);
	char code[sizeof(t->code)], detail[sizeof(t->detail) + 24];
	char stream[20] = "";

	if (!s)
		return;
	(void)str_copy(code, sizeof(code), t->code);
	if (t->index >= 0)
		(void)snprintf(stream, sizeof(stream), "stream %d: ", t->index);
	(void)snprintf(detail, sizeof(detail), "%s%.*s", stream,
		       (int)sizeof(t->detail) - 1, t->detail);
	session_note_warning(s, code, WARN_WARNING, detail);
}

static void on_activity(struct sip_server *sv, const struct cap_activity *a)
{
	struct session *s = session_find(sv, a->session.s);

	if (!s)
		return;
	s->packets = a->packets;
	s->media_us = session_mono_us(sv);
	session_touch_activity(s);
}

static void on_closed_msg(struct sip_server *sv, const struct cap_closed *c)
{
	struct session *s = session_find(sv, c->session.s);

	if (s)
		session_closed(s, c);
	else
		recover_stray(sv, c);
}

static void on_disk(struct sip_server *sv, const struct cap_disk *d)
{
	bool low = d->low || d->failed;

	if (low && !sv->disk_low)
		log_warn(NULL, "sip.disk_low",
			 LOG_I("free_bytes", d->free_bytes),
			 LOG_I("failed", d->failed));
	else if (!low && sv->disk_low)
		log_info(NULL, "sip.disk_fine",
			 LOG_I("free_bytes", d->free_bytes));
	sv->disk_low = low;
}

static void on_msg(void *arg, struct ipc_msg *m)
{
	struct sip_server *sv = arg;

	if (m->type == CAP_OPENED && m->len == sizeof(struct cap_opened))
		on_opened(sv, m->id, m->data);
	else if (m->type == CAP_CLOSED && m->len == sizeof(struct cap_closed))
		on_closed_msg(sv, m->data);
	else if (m->type == CAP_TROUBLE && m->len == sizeof(struct cap_trouble))
		on_trouble(sv, m->data);
	else if (m->type == CAP_ACTIVITY &&
		 m->len == sizeof(struct cap_activity))
		on_activity(sv, m->data);
	else if (m->type == CAP_DISK && m->len == sizeof(struct cap_disk))
		on_disk(sv, m->data);
	else
		log_error(NULL, "sip.bad_capture_message",
			  LOG_I("type", m->type), LOG_I("length", m->len));
}

static void lose_one(struct session *s, void *arg)
{
	struct ua_answer a = { .status = 500 };

	(void)arg;
	if (s->state == SESSION_OPENING && s->invite) {
		turn_touch(s);
		session_refuse_busy(s->sv, s, s->invite);
	}
	if (s->state == SESSION_OPENING)
		dialout_failed(s, "the media process was restarted");
	if (s->plan && s->plan->sent && s->change)
		turn_answer(s->sv, s, s->change, &a);
	else if (s->plan && s->plan->sent && s->state == SESSION_LIVE)
		session_change_drop(s);
	if (s->state == SESSION_RESUMING)
		s->resume_asked = false;
}

void capture_detach(struct sip_server *sv)
{
	if (!sv->capture)
		return;
	ipc_destroy(&sv->capture);
	sv->capture_ready = false;
	sv->n_asked = 0;
	session_each(sv, lose_one, NULL);
}

static void on_channel_gone(void *arg)
{
	struct sip_server *sv = arg;

	log_warn(NULL, "sip.capture_gone",
		 LOG_I("calls", session_count_live(sv)));
	capture_detach(sv);
}

static void take_up_one(struct session *s, void *arg)
{
	(void)arg;
	if (s->state == SESSION_LIVE || s->state == SESSION_ACCEPTING)
		capture_want_resume(s, "capture.restarted");
	else if (s->state == SESSION_CLOSING && !s->finishing)
		capture_close(s, s->unwanted);
	else if (s->state == SESSION_DISCARDING)
		capture_close(s, true);
}

void capture_attach(struct sip_server *sv, int fd)
{
	int r;

	capture_detach(sv);
	r = ipc_create(sv->loop, fd, QUEUE_MAX, on_msg, on_channel_gone, sv,
		       &sv->capture);
	if (r < 0) {
		log_error(NULL, "sip.capture_channel", LOG_E(r));
		return;
	}
	session_each(sv, take_up_one, NULL);
	resume_more(sv);
}
