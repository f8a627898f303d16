/* Indications in SDP: what the client says about recording (a=record), what it
 * would like (a=recordpref), and what we say to one that reads it.
 *
 * A wish stays until another one comes: a re-INVITE without the attribute is
 * no permission. (Section 7.3.2 reads its absence as "no preference"; but a
 * mere session refresh must not undo what somebody asked for.)
 *
 * Source: RFC 7866 sections 7.1.2 (a=record), 7.1.3 and 7.3.2 (a=recordpref),
 * 6.3 (record-aware). They speak of the recorded call; clients put the
 * attributes into the recording session as well.
 */
#include <stdio.h>

#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"

static bool against(unsigned pref)
{
	return pref == SDP_PREF_OFF || pref == SDP_PREF_PAUSE;
}

bool prefs_mute(const struct sip_server *sv, const struct session_stream *st)
{
	return sv->set->sip.recordpref == RECORDPREF_HONOUR &&
	       against(st->pref);
}

void prefs_plan(const struct sip_server *sv, const struct session *old,
		struct session_change *p)
{
	for (unsigned i = 0; i < p->n_streams; i++) {
		struct session_stream *st = &p->streams[i];
		const struct sdp_line *l = p->sdp->lines[i];

		st->record = (uint8_t)l->record;
		st->pref = (uint8_t)l->pref;
		if (st->pref == SDP_PREF_UNSET && old && i < old->n_streams)
			st->pref = old->streams[i].pref;
		st->cap.muted = prefs_mute(sv, st);
		if (p->aware)
			p->answer.lines[i].record = st->cap.muted
							    ? SDP_RECORD_PAUSED
							    : SDP_RECORD_ON;
	}
}

static void tell_wish(struct session *s, const struct session_stream *st,
		      unsigned before)
{
	bool muted = prefs_mute(s->sv, st);
	int index = st->cap.index;
	char detail[96];

	session_note_event(s, "recordpref", st->participant, index,
			   sdp_pref_name((enum sdp_pref)st->pref));
	if (against(st->pref) && !against(before)) {
		(void)snprintf(detail, sizeof(detail),
			       "m-line %d: the client would not like it to be "
			       "recorded (%s); %s",
			       index + 1,
			       sdp_pref_name((enum sdp_pref)st->pref),
			       muted ? "nothing of it is kept"
				     : "recorded all the same");
		session_note_warning(s, "sip.recordpref", WARN_WARNING, detail);
	}
	if (s->sv->set->sip.recordpref != RECORDPREF_HONOUR ||
	    against(st->pref) == against(before))
		return;
	session_note_event(s, muted ? "pause" : "unpause", st->participant,
			   index, "recordpref");
	capture_event(s, muted ? CAP_EV_PAUSE : CAP_EV_UNPAUSE, index, "", 0);
}

void prefs_tell(struct session *s, const struct session_stream *old,
		unsigned n_old)
{
	for (unsigned i = 0; i < s->n_streams; i++) {
		const struct session_stream *st = &s->streams[i];
		unsigned pref = i < n_old ? old[i].pref : SDP_PREF_UNSET;
		unsigned record = i < n_old ? old[i].record : SDP_RECORD_UNSET;

		if (!st->cap.enabled)
			continue;
		if (st->record != record && st->record)
			session_note_event(
				s, "record", st->participant, st->cap.index,
				sdp_record_name((enum sdp_record)st->record));
		if (st->pref != pref)
			tell_wish(s, st, pref);
	}
}
