#include "srs/session/state_people.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/json_text.h"

/* Extras are not in the printed description. */
static const char *const parties[] = { "caller", "callee" };

static void put_who(const struct metadata *md, struct buf *out)
{
	buf_printf(out, ",\"who\":{\"side\":%d", (int)md->user_side);
	if (md->user)
		json_text_pair(out, "user", md->user);
	for (size_t k = 0; k < ARRAY_SIZE(parties); k++) {
		unsigned n = 0;

		buf_printf(out, ",\"%s\":[", parties[k]);
		for (unsigned i = 0; i < md->n_extras; i++) {
			if (!str_eq(md->extras[i].name, parties[k]))
				continue;
			buf_puts(out, n++ ? "," : "");
			json_text_put(out, md->extras[i].value);
		}
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
}

void state_put_people(const struct session *s, struct buf *out)
{
	struct buf xml;

	buf_init(&xml, 256 * 1024);
	if (metadata_print(s->people, &xml) < 0)
		buf_reset(&xml);
	json_text_pair(out, "people", buf_str(&xml));
	buf_fini(&xml);
	/* printed are the ones that are still there, in order */
	buf_puts(out, ",\"ords\":[");
	for (unsigned i = 0, n = 0; i < s->people->n_participants; i++) {
		if (s->people->participants[i].left || i >= s->n_ords)
			continue;
		buf_printf(out, "%s%u", n++ ? "," : "", s->ords[i]);
	}
	buf_printf(out, "],\"next_ord\":%u", s->next_ord);
	put_who(s->people, out);
}

static int load_who(struct metadata *md, const json_t *who)
{
	json_int_t side = json_integer_value(json_object_get(who, "side"));
	int r = md_set(&md->user,
		       json_string_value(json_object_get(who, "user")));

	if (side > MD_SIDE_UNKNOWN && side <= MD_SIDE_WAS_CALLED)
		md->user_side = (enum md_side)side;
	for (size_t k = 0; k < ARRAY_SIZE(parties); k++) {
		const json_t *list = json_object_get(who, parties[k]);

		for (size_t i = 0; r != -ENOMEM && i < json_array_size(list);
		     i++)
			r = metadata_add_extra(
				md, parties[k],
				json_string_value(json_array_get(list, i)));
	}
	return r == -ENOMEM ? r : 0;
}

int state_load_people(struct session *s, const json_t *root)
{
	const char *xml = json_string_value(json_object_get(root, "people"));
	const json_t *ords = json_object_get(root, "ords");
	size_t n = json_array_size(ords);
	int r;

	if (!xml || metadata_parse(span_of(xml), NULL, &s->people) < 0) {
		r = metadata_create(&s->people);
		if (r < 0)
			return r;
	}
	s->next_ord =
		(unsigned)json_integer_value(json_object_get(root, "next_ord"));
	if (n > s->people->n_participants)
		n = s->people->n_participants;
	s->ords = mem_calloc(n + 1, sizeof(*s->ords));
	if (!s->ords)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->ords[i] =
			(unsigned)json_integer_value(json_array_get(ords, i));
	s->n_ords = (unsigned)n;
	return load_who(s->people, json_object_get(root, "who"));
}
