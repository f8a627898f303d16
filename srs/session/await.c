/* Who takes part may be said later.
 *
 * A call whose conditions need participants is captured for a while without
 * them. The time runs only while something is recorded: a session that stands
 * before there is a call (RFC 7866 section 10, CUBE's first INVITE), or after
 * one has ended, may wait for the next as long as it likes.
 */
#include "base/settings.h"
#include "srs/session/session.h"

static bool somebody_is_there(const struct session *s)
{
	for (unsigned i = 0; i < s->people->n_participants; i++) {
		if (!s->people->participants[i].left)
			return true;
	}
	return false;
}

bool await_is_idle(const struct sdp *offer)
{
	for (unsigned i = 0; offer && i < offer->n_lines; i++) {
		const struct sdp_line *l = offer->lines[i];

		if (l->port && !l->on_hold && sdp_dir_sends(l->dir))
			return false;
	}
	return offer != NULL;
}

bool await_is_between(const struct session *s)
{
	return s->metadata_due_us != INT64_MAX && s->described &&
	       !somebody_is_there(s);
}

bool await_are_known(const struct session *s)
{
	return somebody_is_there(s);
}

bool await_is_allowed(const struct session *s)
{
	struct sip_server *sv = s->sv;

	if (await_is_idle(sv->in->sdp) || (s->described && s->next_ord > 0))
		return true;
	return sv->set->sip.on_missing_metadata == 0 &&
	       s->metadata_due_us != INT64_MAX;
}

void await_set(struct session *s, const struct gate_verdict *v)
{
	if (!v->wait_metadata) {
		s->metadata_due_us = INT64_MAX;
		s->described = true;
	} else if (s->metadata_due_us == INT64_MAX) {
		s->metadata_due_us = session_mono_us(s->sv) +
				     s->sv->set->sip.missing_metadata_wait_us;
	}
}

static bool is_recorded(const struct session *s)
{
	if (s->paused || s->packets == 0 || await_is_between(s))
		return false;
	for (unsigned i = 0; i < s->n_streams; i++) {
		if (s->streams[i].cap.enabled && s->streams[i].cap.active)
			return true;
	}
	return false;
}

bool await_is_over(struct session *s, int64_t now_us)
{
	if (s->metadata_due_us == INT64_MAX)
		return false;
	if (!is_recorded(s))
		s->metadata_due_us =
			now_us + s->sv->set->sip.missing_metadata_wait_us;
	return s->metadata_due_us <= now_us;
}
