/* Nothing of a call is kept for a while: card numbers, a private word.
 *
 * First capture is told to drop what comes (that alone makes it true), then
 * the client is asked to stop sending: a re-INVITE whose lines are inactive,
 * where it allows requests. What the client says to that changes nothing for
 * the recording; it may go on sending, and it may be asked too early (491).
 *
 * Source: RFC 7866 section 7.2 (a=inactive while the SRS is not ready).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "storage/commands.h"

/* RFC 3261 14.1 for who did not choose the Call-ID: 0 to 2 s. */
#define GLARE_WAIT_US 700000
/* The client's own change goes first. */
#define BUSY_WAIT_US 100000

bool session_may_pause(const struct session *s)
{
	const struct conditions *c = s->snap.conditions;

	return c && (c->actions & COND_ACT_PAUSE);
}

int session_our_sdp(struct session *s, struct buf *out)
{
	return answer_reprint(s->answer, s->paused, &s->origin, out);
}

void session_mute_streams(const struct session *s, struct session_stream *st,
			  unsigned n)
{
	bool all = s->paused || await_is_between(s);

	for (unsigned i = 0; i < n; i++)
		st[i].cap.muted = all || prefs_mute(s->sv, &st[i]);
}

/* ---- the client ---- */

static void put_headers(const struct session *s, struct buf *out)
{
	buf_puts(out, "Allow: " UA_ALLOW "\r\nSupported: siprec, timer\r\n");
	/* in a request of ours the client is the "uas" */
	if (s->timer.expires_s)
		buf_printf(out, "Session-Expires: %u;refresher=%s\r\n",
			   s->timer.expires_s,
			   s->timer.we_refresh ? "uac" : "uas");
}

static int send_invite(struct session *s)
{
	struct buf headers, sdp;
	struct ua_send m = { .method = UA_INVITE,
			     .content_type = "application/sdp" };
	int r;

	buf_init(&headers, 1024);
	buf_init(&sdp, 64 * 1024);
	put_headers(s, &headers);
	r = session_our_sdp(s, &sdp);
	if (r == 0) {
		m.headers = buf_str(&headers);
		m.body = (struct span){ buf_str(&sdp), sdp.len };
		r = session_send_body(s, &m);
	}
	buf_fini(&headers);
	buf_fini(&sdp);
	return r;
}

static void ask_client(struct session *s)
{
	s->invite_again_us = INT64_MAX;
	if (s->paused == s->told_paused || s->inviting || !s->dialog)
		return;
	if (!ua_dialog_allows(s->dialog, UA_INVITE))
		return;
	if (s->change || s->plan || s->held || s->state != SESSION_LIVE) {
		s->invite_again_us = session_mono_us(s->sv) + BUSY_WAIT_US;
		return;
	}
	s->told_paused = s->paused;
	if (send_invite(s) == 0)
		s->inviting = true;
	else
		log_warn(&s->log, "sip.pause_not_sent");
}

void session_invite_answered(struct session *s, const struct ua_response *res)
{
	char detail[80];

	s->inviting = false;
	if (s->state != SESSION_LIVE)
		return;
	if (res->status / 100 == 2) {
		session_take_timer(s, &s->timer);
	} else if (res->status == 491) {
		s->told_paused = !s->told_paused;
		s->invite_again_us = session_mono_us(s->sv) + GLARE_WAIT_US;
		return;
	} else {
		(void)snprintf(detail, sizeof(detail),
			       "the client answered %d to our %s", res->status,
			       s->told_paused ? "pause" : "resume");
		session_note_warning(s, "sip.pause_not_taken", WARN_INFO,
				     detail);
	}
	ask_client(s); /* again when it has changed meanwhile */
}

void session_pause_watch(struct session *s, int64_t now)
{
	if (s->invite_again_us <= now)
		ask_client(s);
}

/* ---- capture ---- */

void session_muted(struct session *s, int error)
{
	struct sip_server *sv = s->sv;
	const char *kind = s->paused ? "pause" : "resume";
	int64_t command = s->command;

	s->mute_seq = 0;
	s->command = 0;
	if (turn_begin(sv) < 0) {
		sv->commands_left = true; /* told with the next look */
		return;
	}
	turn_touch(s);
	sv->turn.poke = true;
	if (error == 0) {
		capture_event(s, s->paused ? CAP_EV_PAUSE : CAP_EV_UNPAUSE, -1,
			      "", 0);
		session_note_event(s, s->paused ? "pause" : "unpause", -1, -1,
				   s->command_actor);
		log_info(&s->log, "sip.call_paused",
			 LOG_I("paused", s->paused));
	}
	session_save_dialog(s);
	if (command)
		command_over(sv, command, kind, s->snap.tenant_id, s->id.s,
			     s->command_actor,
			     error ? COMMAND_FAILED : COMMAND_DONE,
			     error ? "the media process refused" : "");
}

void session_pause(struct session *s, bool pause, int64_t command,
		   const char *actor)
{
	s->paused = pause;
	s->command = command;
	(void)str_copy(s->command_actor, sizeof(s->command_actor), actor);
	session_mute_streams(s, s->streams, s->n_streams);
	if (s->plan)
		session_mute_streams(s, s->plan->streams, s->plan->n_streams);
	capture_mute(s);
	ask_client(s);
	turn_touch(s);
	s->sv->turn.poke = true;
}
