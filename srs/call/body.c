#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "srs/call/dialect.h"
#include "srs/call/leg.h"
#include "srs/siprec/metadata.h"

int call_body_sdp(struct call_leg *l, struct buf *out)
{
	bool zero =
		l->holding && l->batch->dialect->hold == DIALECT_ZERO_ADDRESS;
	char addr[SDP_ADDR_MAX];
	int r;

	for (unsigned i = 0; i < l->n_lines; i++)
		l->lines[i].dir = (l->holding && !zero) || !call_line_used(l, i)
					  ? SDP_INACTIVE
					  : SDP_SENDONLY;
	str_copy(addr, sizeof(addr), l->origin.addr);
	if (zero)
		str_copy(l->origin.addr, sizeof(l->origin.addr),
			 strchr(addr, ':') ? "::" : "0.0.0.0");
	r = offer_print(l->lines, l->n_lines, &l->origin, out);
	str_copy(l->origin.addr, sizeof(l->origin.addr), addr);
	return r;
}

int call_body_answer(struct call_leg *l, const struct offer_result *res,
		     struct buf *out)
{
	struct offer_line lines[CALL_PARTIES_MAX];

	for (unsigned i = 0; i < l->n_lines; i++) {
		lines[i] = l->lines[i];
		lines[i].refused = !l->granted[i];
		lines[i].dtmf = res[i].dtmf_pt != 0;
		lines[i].dir = l->holding || l->muted[i] || lines[i].refused ||
					       !call_line_used(l, i)
				       ? SDP_INACTIVE
				       : SDP_SENDONLY;
	}
	return offer_print(lines, l->n_lines, &l->origin, out);
}

/* ---- people ---- */

static void apply_change(const struct call_leg *l, unsigned n,
			 struct call_person *people, unsigned *n_people,
			 bool *used)
{
	const struct call_change *c = &l->batch->spec->changes[n];
	struct call_person *p = &people[*n_people];
	unsigned k = 0;

	if (!c->leave) {
		*p = (struct call_person){ c->aor, NULL, l->joined_ids[n], -1 };
		for (unsigned i = 0; i < l->n_lines && p->line < 0; i++) {
			if (!used[i])
				p->line = (int)i;
		}
		if (p->line >= 0)
			used[p->line] = true;
		(*n_people)++;
		return;
	}
	while (k < *n_people && !str_eq(people[k].aor, c->aor))
		k++;
	if (k == *n_people)
		return;
	if (people[k].line >= 0 && !l->batch->dialect->mixed)
		used[people[k].line] = false;
	memmove(&people[k], &people[k + 1],
		(*n_people - k - 1) * sizeof(*people));
	(*n_people)--;
}

unsigned call_people(const struct call_leg *l,
		     struct call_person people[CALL_PEOPLE_MAX])
{
	const struct call_spec *s = l->batch->spec;
	bool used[CALL_PARTIES_MAX] = { false };
	unsigned n;

	for (n = 0; n < s->n_parties; n++) {
		people[n] = (struct call_person){ s->parties[n].aor,
						  s->parties[n].name,
						  l->ids[n][0], (int)n };
		used[n] = true;
	}
	for (unsigned i = 0; l->batch->dialect->restarts && i < l->n_done; i++)
		apply_change(l, i, people, &n, used);
	return n;
}

bool call_line_used(const struct call_leg *l, unsigned line)
{
	struct call_person people[CALL_PEOPLE_MAX];
	unsigned n;

	if (!l->batch->dialect->restarts)
		return true;
	n = call_people(l, people);
	for (unsigned i = 0; i < n; i++) {
		if (people[i].line == (int)line)
			return true;
	}
	return false;
}

/* ---- metadata ---- */

/* The stream that whoever is on line i sends, in the dialect's mind. */
static unsigned stream_of(const struct call_leg *l, unsigned i)
{
	const struct call_dialect *d = l->batch->dialect;

	return d->model == DIALECT_INVERTED && i < 2 && l->n_lines > 1 ? 1 - i
								       : i;
}

static int add_directions(struct metadata *md, const struct call_leg *l,
			  const struct call_person *p, unsigned n_streams,
			  const char *start)
{
	int r = 0;

	/* CUBE associates nobody before the media begins */
	if (l->batch->dialect->inactive_first && l->holding)
		return 0;
	if (p->line >= 0)
		r = metadata_add_link(
			md, MD_SEND, p->id,
			l->ids[stream_of(l, (unsigned)p->line)][1], start);
	/* everybody hears everybody else */
	for (unsigned k = 0; r >= 0 && k < n_streams; k++) {
		if ((p->line < 0 || k != stream_of(l, (unsigned)p->line)) &&
		    call_line_used(l, k))
			r = metadata_add_link(md, MD_RECV, p->id, l->ids[k][1],
					      start);
	}
	return r;
}

/* Where all voices are on one line the metadata still names a stream each. */
static int add_streams(struct metadata *md, const struct call_leg *l,
		       unsigned n_streams)
{
	char label[SDP_LABEL_MAX];
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < n_streams; i++) {
		dialect_label(l->batch->dialect, i, label, sizeof(label));
		if (call_line_used(l, i))
			r = metadata_add_stream(md, l->ids[i][1], label,
						l->session_id);
	}
	return r < 0 ? r : 0;
}

static int add_people(struct metadata *md, const struct call_leg *l,
		      const char *start)
{
	struct call_person people[CALL_PEOPLE_MAX];
	unsigned n = call_people(l, people);
	unsigned n_streams = l->batch->spec->n_parties;
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < n; i++)
		r = metadata_add_participant(md, people[i].id, people[i].aor,
					     people[i].name);
	if (r >= 0)
		r = add_streams(md, l, n_streams);
	if (r < 0 || l->batch->dialect->model == DIALECT_NO_LINKS)
		return r < 0 ? r : 0;
	for (unsigned i = 0; r >= 0 && i < n; i++) {
		r = metadata_add_link(md, MD_PARTICIPANT_SESSION, people[i].id,
				      l->session_id, start);
		if (r >= 0)
			r = add_directions(md, l, &people[i], n_streams, start);
	}
	return r < 0 ? r : 0;
}

static int describe(struct call_leg *l, struct buf *out)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	char start[CLOCK_RFC3339_MAX];
	int r = metadata_create(&md);

	if (r < 0)
		return r;
	clock_format(l->start_wall_us, start, sizeof(start));
	if (metadata_add_group(md, l->group_id) < 0 ||
	    md_set(&md->groups[0].start, start) < 0 ||
	    metadata_add_session(md, l->session_id, start) < 0 ||
	    md_set(&md->sessions[0].group_id, l->group_id) < 0)
		return -ENOMEM;
	r = metadata_add_link(md, MD_SESSION_RECORDING, l->session_id, NULL,
			      start);
	if (!r)
		r = add_people(md, l, start);
	return r ? r : dialect_print(l->batch->dialect, md, out);
}

static int sdp_part(struct call_leg *l, struct buf *out)
{
	buf_printf(out, "--%s\r\nContent-Type: application/sdp\r\n\r\n",
		   l->batch->dialect->boundary);
	return call_body_sdp(l, out);
}

static int metadata_part(struct call_leg *l, struct buf *out)
{
	const struct call_dialect *d = l->batch->dialect;

	buf_printf(out, "--%s\r\nContent-Type: %s\r\n%s\r\n", d->boundary,
		   d->metadata_type, d->part_headers);
	return describe(l, out);
}

int call_body_invite(struct call_leg *l, struct buf *out)
{
	const struct call_dialect *d = l->batch->dialect;
	int r = d->metadata_first ? metadata_part(l, out) : sdp_part(l, out);

	buf_puts(out, "\r\n");
	if (r == 0)
		r = d->metadata_first ? sdp_part(l, out)
				      : metadata_part(l, out);
	if (r < 0)
		return r;
	if (d->closed)
		buf_printf(out, "\r\n--%s--\r\n", d->boundary);
	return buf_error(out);
}

/* The participant id behind an AoR: one of the first, or one who joined. */
static const char *id_of(const struct call_leg *l, const char *aor)
{
	const struct call_spec *s = l->batch->spec;

	for (unsigned i = 0; i < s->n_parties; i++) {
		if (str_eq(s->parties[i].aor, aor))
			return l->ids[i][0];
	}
	for (unsigned i = 0; i < s->n_changes; i++) {
		if (!s->changes[i].leave && str_eq(s->changes[i].aor, aor))
			return l->joined_ids[i];
	}
	return "";
}

int call_body_change(struct call_leg *l, unsigned n, int64_t now_wall_us,
		     struct buf *out)
{
	const struct call_change *c = &l->batch->spec->changes[n];
	const char *id = id_of(l, c->aor);
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	char now[CLOCK_RFC3339_MAX];
	int r = metadata_create(&md);

	if (r < 0)
		return r;
	clock_format(now_wall_us, now, sizeof(now));
	md->mode = MD_PARTIAL;
	r = metadata_add_participant(md, id, c->aor, NULL);
	if (r >= 0)
		r = metadata_add_link(md, MD_PARTICIPANT_SESSION, id,
				      l->session_id, c->leave ? NULL : now);
	if (r >= 0 && c->leave)
		r = md_set(&md->links[0].stop, now);
	return r < 0 ? r : dialect_print(l->batch->dialect, md, out);
}
