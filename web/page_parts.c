#include "web/page_parts.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "web/html.h"

void page_time(struct buf *b, int64_t wall_us)
{
	char exact[CLOCK_RFC3339_MAX], words[HTML_TIME_MAX];

	if (wall_us == 0)
		return;
	clock_format(wall_us, exact, sizeof(exact));
	html_time(wall_us, words);
	HTML(b, "<time datetime=\"{}\">{} UTC</time>", exact, words);
}

void page_state(struct buf *b, const struct recording *rec)
{
	static const struct {
		const char *css, *words;
	} table[] = {
		[RECORDING_LIVE] = { "live", "Recording" },
		[RECORDING_RENDERING] = { "busy", "Preparing" },
		[RECORDING_READY] = { "good", "Ready" },
		[RECORDING_FAILED] = { "bad", "Failed" },
	};

	if (rec->paused)
		buf_puts(b, "<span class=\"tag warn\">Paused</span>");
	else
		HTML(b, "<span class=\"tag {}\">{}</span>",
		     table[rec->state].css, table[rec->state].words);
}

const char *page_party(const struct recording_participant *p)
{
	struct span aor = span_of(p->aor);

	if (p->name[0])
		return p->name;
	if (span_istarts(aor, "sip:") || span_istarts(aor, "tel:"))
		return p->aor + strlen("sip:");
	return span_istarts(aor, "sips:") ? p->aor + strlen("sips:") : p->aor;
}

static bool is_owner(const json_t *meta, const struct recording_participant *p)
{
	const char *aor;
	json_t *one;
	size_t i;

	aor = json_string_value(json_object_get(meta, "owner_aor"));
	if (aor && str_ieq(aor, p->aor))
		return true;
	json_array_foreach(
		json_object_get(meta, "participants"), i,
		one) if (json_is_true(json_object_get(one, "owner")) &&
			 str_eq(json_string_value(json_object_get(one, "aor")),
				p->aor)) return true;
	return false;
}

int page_left_party(const struct recording *rec)
{
	int left = rec->n_participants ? (int)rec->participants[0].ord : -1;
	json_t *meta;

	if (rec->n_participants < 3 || !rec->meta)
		return left;
	meta = json_loads(rec->meta, 0, NULL);
	for (unsigned i = 0; meta && i < rec->n_participants; i++) {
		if (!is_owner(meta, &rec->participants[i]))
			continue;
		left = (int)rec->participants[i].ord;
		break;
	}
	json_decref(meta);
	return left;
}
