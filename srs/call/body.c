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
		l->lines[i].dir =
			l->holding && !zero ? SDP_INACTIVE : SDP_SENDONLY;
	str_copy(addr, sizeof(addr), l->origin.addr);
	if (zero)
		str_copy(l->origin.addr, sizeof(l->origin.addr),
			 strchr(addr, ':') ? "::" : "0.0.0.0");
	r = offer_print(l->lines, l->n_lines, &l->origin, out);
	str_copy(l->origin.addr, sizeof(l->origin.addr), addr);
	return r;
}

/* The stream that party i sends, in the dialect's mind. */
static unsigned stream_of(const struct call_leg *l, unsigned i)
{
	const struct call_dialect *d = l->batch->dialect;

	if (d->mixed)
		return 0;
	return d->model == DIALECT_INVERTED && i < 2 && l->n_lines > 1 ? 1 - i
								       : i;
}

static int add_directions(struct metadata *md, const struct call_leg *l,
			  unsigned i, const char *start)
{
	const char *person = l->ids[i][0];
	unsigned mine = stream_of(l, i);
	int r;

	/* CUBE associates nobody before the media begins */
	if (l->batch->dialect->inactive_first && l->holding)
		return 0;
	r = metadata_add_link(md, MD_SEND, person, l->ids[mine][1], start);
	/* everybody hears everybody else */
	for (unsigned k = 0; r >= 0 && k < l->n_lines; k++) {
		if (k != mine || l->batch->dialect->mixed)
			r = metadata_add_link(md, MD_RECV, person, l->ids[k][1],
					      start);
	}
	return r;
}

static int add_party(struct metadata *md, const struct call_leg *l, unsigned i,
		     const char *start)
{
	const struct call_party *p = &l->batch->spec->parties[i];
	int r = metadata_add_participant(md, l->ids[i][0], p->aor, p->name);

	if (r >= 0 && i < l->n_lines)
		r = metadata_add_stream(md, l->ids[i][1], l->lines[i].label,
					l->session_id);
	if (r < 0 || l->batch->dialect->model == DIALECT_NO_LINKS)
		return r < 0 ? r : 0;
	r = metadata_add_link(md, MD_PARTICIPANT_SESSION, l->ids[i][0],
			      l->session_id, start);
	if (r >= 0)
		r = add_directions(md, l, i, start);
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
	for (unsigned i = 0; !r && i < l->batch->spec->n_parties; i++)
		r = add_party(md, l, i, start);
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
