#include "media/plan.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/str.h"

static void copy_text(char *dst, json_t *v)
{
	const char *s = json_string_value(v);

	(void)str_copy(dst, PLAN_TEXT_MAX, s ? s : ""); /* cut is fine */
}

static void read_party(struct plan *p, json_t *o, const char *owner_aor)
{
	struct plan_party *party;
	json_int_t line;
	json_t *list, *ord;
	size_t i;

	if (!json_is_object(o) || p->n_parties == PLAN_PARTIES_MAX)
		return;
	party = &p->parties[p->n_parties];
	*party = (struct plan_party){ .ord = p->n_parties };
	ord = json_object_get(o, "ord");
	if (json_is_integer(ord) && json_integer_value(ord) >= 0 &&
	    json_integer_value(ord) < 1000000)
		party->ord = (unsigned)json_integer_value(ord);
	copy_text(party->aor, json_object_get(o, "aor"));
	copy_text(party->name, json_object_get(o, "name"));
	party->owner = json_is_true(json_object_get(o, "owner")) ||
		       (owner_aor && str_ieq(owner_aor, party->aor));
	list = json_object_get(o, "streams");
	for (i = 0; i < json_array_size(list); i++) {
		line = json_integer_value(json_array_get(list, i));
		if (line >= 0 && line < CAP_STREAMS_MAX)
			party->streams |= 1u << line;
	}
	p->n_parties++;
}

int plan_read_meta(struct plan *p, const char *json)
{
	json_t *root, *list;
	const char *owner;
	size_t i;

	p->n_parties = 0;
	if (!*json)
		return 0;
	root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		return -EBADMSG;
	owner = json_string_value(json_object_get(root, "owner_aor"));
	list = json_object_get(root, "participants");
	for (i = 0; i < json_array_size(list); i++)
		read_party(p, json_array_get(list, i), owner);
	json_decref(root);
	return 0;
}

static unsigned senders_of(const struct plan *p, unsigned line, int *ret_first)
{
	unsigned i, n = 0;

	*ret_first = -1;
	for (i = 0; i < p->n_parties; i++) {
		if (!(p->parties[i].streams & 1u << line))
			continue;
		if (n++ == 0)
			*ret_first = (int)i;
	}
	return n;
}

static void add_track(struct plan *p, unsigned line, int party)
{
	p->tracks[p->n_tracks++] = (struct plan_track){
		.stream = (uint16_t)line, .party = party, .channel = 0
	};
}

/* Streams of one sender each by participant, then everything else by m-line.
 */
static void order_tracks(struct plan *p, uint32_t streams)
{
	unsigned i, line;
	int first;

	p->n_tracks = 0;
	for (i = 0; i < p->n_parties; i++)
		for (line = 0; line < CAP_STREAMS_MAX; line++)
			if ((streams & 1u << line) &&
			    senders_of(p, line, &first) == 1 && first == (int)i)
				add_track(p, line, (int)i);
	for (line = 0; line < CAP_STREAMS_MAX; line++)
		if ((streams & 1u << line) && senders_of(p, line, &first) != 1)
			add_track(p, line, -1);
}

static bool has_own(const struct plan *p, unsigned party)
{
	unsigned i;

	for (i = 0; i < p->n_tracks; i++)
		if (p->tracks[i].party == (int)party)
			return true;
	return false;
}

/* Does everybody who is in this stream have one of their own? */
static bool repeats_others(const struct plan *p, unsigned line)
{
	unsigned i, n = 0;

	for (i = 0; i < p->n_parties; i++) {
		if (!(p->parties[i].streams & 1u << line))
			continue;
		if (!has_own(p, i))
			return false;
		n++;
	}
	return n >= 2;
}

/* A side is a participant, or a stream that belongs to none. */
static unsigned number_sides(const struct plan *p, int *side)
{
	unsigned i, k, n = 0;

	for (i = 0; i < p->n_tracks; i++) {
		side[i] = -1;
		if (p->tracks[i].party < 0 &&
		    repeats_others(p, p->tracks[i].stream))
			continue;
		for (k = 0; k < i; k++)
			if (side[k] >= 0 && p->tracks[i].party >= 0 &&
			    p->tracks[k].party == p->tracks[i].party)
				side[i] = side[k];
		if (side[i] < 0)
			side[i] = (int)n++;
	}
	return n;
}

void plan_make(struct plan *p, uint32_t streams)
{
	int side[CAP_STREAMS_MAX], left = 0;
	unsigned i, n;

	order_tracks(p, streams);
	n = number_sides(p, side);
	p->channels = n > 2 ? 2 : n;
	for (i = 0; n > 2 && i < p->n_tracks; i++) {
		if (p->tracks[i].party >= 0 && side[i] >= 0 &&
		    p->parties[p->tracks[i].party].owner) {
			left = side[i];
			break;
		}
	}
	for (i = 0; i < p->n_tracks; i++) {
		if (side[i] < 0)
			p->tracks[i].channel = -1;
		else
			p->tracks[i].channel = n > 1 && side[i] != left;
	}
}
