/* How the settings of a call's trunk change what is done with the call. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/siprec/sdp.h"

/* Nothing is broken where little is said. */
static bool is_only_short(const char *code)
{
	return str_eq(code, "metadata.no_participants") ||
	       str_eq(code, "metadata.no_streams");
}

/* What was assumed, repaired or left out when the body was read, for those who
 * want to hear of it by a 400, and lines that can't be recorded whoever asks.
 * Who sends what is looked at later, and is no matter of form. */
void trunk_find_strict_error(const struct sip_server *sv, struct intake *in)
{
	const struct warn_list *wl = &in->scratch;

	in->scratch = in->warnings;
	in->strict_error[0] = '\0';
	if (in->sdp)
		answer_plan(in->sdp, NULL, SESSION_AUDIO_MAX,
			    streams_policy(sv, NULL), &in->scratch,
			    &in->answer);
	for (unsigned i = 0; i < wl->n; i++) {
		const struct warn *w = &wl->items[i];
		bool reading = i < in->warnings.n;

		if (w->severity < (reading ? WARN_WARNING : WARN_ERROR) ||
		    is_only_short(w->code))
			continue;
		(void)snprintf(in->strict_error, sizeof(in->strict_error),
			       "%s: %s", w->code, w->detail);
		return;
	}
}

/* Is the word in there, whatever its case? */
static bool mentions(struct span text, const char *word)
{
	while (text.len && !span_istarts(text, word)) {
		text.p++;
		text.len--;
	}
	return text.len > 0;
}

void trunk_check_vendor(struct sip_server *sv, struct ua_request *req,
			const struct gate_trunk *t)
{
	struct span agent = ua_request_field(req, "User-Agent", 0);
	char shown[100];

	if (!t->vendor[0] || mentions(agent, t->vendor))
		return;
	(void)span_copy(shown, sizeof(shown), agent);
	warn_add(&sv->in->warnings, "trunk.other_vendor", WARN_INFO,
		 "the trunk is set up for %s, this is \"%s\"", t->vendor,
		 shown);
}

void trunk_set_source(const struct gate_trunk *t, struct session_stream *st,
		      unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		st[i].cap.learn_source = t->source == TRUNK_SOURCE_LEARN;
}

/* Numbers by value, anything else byte by byte. */
static bool label_before(const char *a, const char *b)
{
	uint64_t x, y;

	if (str_u64(a, UINT64_MAX, &x) == 0 && str_u64(b, UINT64_MAX, &y) == 0)
		return x < y;
	return strcmp(a, b) < 0;
}

/* @return the participant's first line in this order, n_lines = none */
static unsigned first_line(const struct sdp *sdp, const struct md_owner *owners,
			   unsigned person, bool by_label)
{
	unsigned first = sdp->n_lines;

	for (unsigned i = 0; i < sdp->n_lines; i++) {
		if (owners[i].n != 1 || owners[i].participants[0] != person)
			continue;
		if (first == sdp->n_lines ||
		    (by_label && label_before(sdp->lines[i]->label,
					      sdp->lines[first]->label)))
			first = i;
	}
	return first;
}

static bool stands_before(const struct sdp *sdp, unsigned a, unsigned b,
			  bool by_label)
{
	if (a == b || a == sdp->n_lines || b == sdp->n_lines)
		return a < b;
	if (!by_label)
		return a < b;
	return label_before(sdp->lines[a]->label, sdp->lines[b]->label);
}

void trunk_order_people(const struct gate_trunk *t, const struct sdp *sdp,
			const struct md_owner *owners, unsigned *ords,
			unsigned n_ords)
{
	unsigned lines[METADATA_PARTICIPANTS_MAX], base = n_ords ? ords[0] : 0;
	bool by_label = t->order == TRUNK_ORDER_LABEL;

	if (t->order == TRUNK_ORDER_METADATA || n_ords > ARRAY_SIZE(lines))
		return;
	for (unsigned i = 0; i < n_ords; i++)
		lines[i] = first_line(sdp, owners, i, by_label);
	for (unsigned i = 0; i < n_ords; i++) {
		unsigned before = 0;

		for (unsigned k = 0; k < n_ords; k++) {
			bool less = stands_before(sdp, lines[k], lines[i],
						  by_label);
			bool more = stands_before(sdp, lines[i], lines[k],
						  by_label);

			before += less || (!more && k < i);
		}
		ords[i] = base + before;
	}
}
