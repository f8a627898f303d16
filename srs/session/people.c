/* Who takes part: a description is tried before it counts.
 *
 * The gate judges the people as they would be. What was refused has never been
 * there: no name of it is in the catalog, in the spool or in what a restart
 * restores.
 */
#include <string.h>

#include "base/str.h"
#include "srs/session/session.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"

/* ---- what changed, told to catalog and spool ---- */

static void tell_person(struct session *s, unsigned index, bool joined)
{
	const struct md_participant *p = &s->people->participants[index];
	const char *aor = p->n_aors ? p->aors[0] : "";
	struct buf b;

	buf_init(&b, 8192);
	buf_puts(&b, "{\"aor\":\"");
	buf_json(&b, aor, strlen(aor));
	buf_puts(&b, "\",\"name\":\"");
	buf_json(&b, p->name ? p->name : "", p->name ? strlen(p->name) : 0);
	buf_puts(&b, "\"}");
	if (buf_error(&b) == 0)
		capture_event(s, joined ? CAP_EV_JOIN : CAP_EV_LEAVE, -1,
			      buf_str(&b), b.len);
	buf_fini(&b);
	session_note_event(s, joined ? "join" : "leave", (int)s->ords[index],
			   -1, p->name ? p->name : aor);
}

static void write_change(struct session *s, const struct md_change *c)
{
	struct sip_server *sv = s->sv;
	int64_t now = session_wall_us(sv);

	if (c->kind == MD_NEW_SESSION) {
		session_note_event(s, "session", -1, -1,
				   "another communication session began");
		return;
	}
	if (c->index >= s->n_ords)
		return;
	if (c->kind == MD_LEFT) {
		(void)turn_check(sv, recording_leave(sv->db, s->id.s,
						     s->ords[c->index], now));
	} else {
		(void)turn_check(sv, session_put_person(s, c->index, now));
	}
	if (c->kind != MD_RENAMED)
		tell_person(s, c->index, c->kind == MD_JOINED);
}

static void write_changes(struct session *s, const struct md_changes *ch)
{
	struct buf meta;

	for (unsigned i = 0; i < ch->n; i++)
		write_change(s, &ch->items[i]);
	session_note_event(s, "metadata", -1, -1, "");
	buf_init(&meta, CAP_META_MAX);
	if (session_meta_json(s, &meta) == 0)
		capture_event(s, CAP_EV_METADATA, -1, buf_str(&meta), meta.len);
	buf_fini(&meta);
}

/* ---- trying ---- */

int people_try(struct session *s, struct people_trial *t)
{
	struct intake *in = s->sv->in;
	struct metadata *mine = NULL;
	int r = metadata_clone(s->people, &mine);

	if (r < 0)
		return r;
	memset(t, 0, sizeof(*t));
	t->incomplete =
		metadata_merge(mine, in->md, &in->warnings, &t->changes) < 0;
	t->before = s->people;
	t->direction = s->direction;
	s->people = mine;
	return 0;
}

void people_drop(struct session *s, struct people_trial *t)
{
	metadata_destroy(&s->people);
	s->people = t->before;
	s->direction = t->direction; /* judged with those */
}

void people_keep(struct session *s, struct people_trial *t)
{
	metadata_destroy(&t->before);
	s->snapshot_why = NULL; /* unless this one is no better */
	if (t->incomplete)
		session_note_warning(s, "metadata.not_taken", WARN_WARNING,
				     "the description could not be applied "
				     "completely");
	session_extra_take(s, NULL);
	if (session_take_people(s) == 0 && turn_begin(s->sv) == 0)
		write_changes(s, &t->changes);
}
