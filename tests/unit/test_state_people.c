/* People and who called, saved and loaded by another process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/session/session.h"
#include "srs/session/state_people.h"
#include "srs/siprec/metadata.h"

static const char call[] =
	"<recording><participant id='1'><nameID aor='sip:a@h'/></participant>"
	"<participant id='2'><nameID aor='sip:b@h'/></participant>"
	"<extensiondata><userID>a@h</userID><callType><termCall>"
	"<callingPartyNumber>+44 20 \"7\"</callingPartyNumber>"
	"<calledPartyNumber>2</calledPartyNumber></termCall></callType>"
	"</extensiondata></recording>";

static void fini(struct session *s)
{
	metadata_destroy(&s->people);
	mem_free(s->ords);
	mem_free(s);
}

static struct session *load(const char *text)
{
	struct session *s = mem_zalloc(sizeof(*s));
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	assert_int_equal(state_load_people(s, root), 0);
	json_decref(root);
	return s;
}

static char *save(const struct session *s)
{
	struct buf out CLEANUP(buf_fini) = { 0 };

	buf_init(&out, 65536);
	buf_puts(&out, "{\"v\":1");
	state_put_people(s, &out);
	buf_putc(&out, '}');
	assert_int_equal(buf_error(&out), 0);
	return mem_strdup(buf_str(&out));
}

static void who_called_is_kept(void **state)
{
	unsigned ords[] = { 4, 7 };
	struct session first = { .ords = ords, .n_ords = 2, .next_ord = 8 };
	struct session *s;
	char *text;

	(void)state;
	assert_int_equal(metadata_parse(span_of(call), NULL, &first.people), 0);
	text = save(&first);
	s = load(text);
	mem_free(text);
	text = save(s); /* and once more */
	fini(s);
	s = load(text);
	mem_free(text);
	assert_int_equal(s->n_ords, 2);
	assert_int_equal(s->ords[1], 7);
	assert_int_equal(s->next_ord, 8);
	assert_int_equal(s->people->user_side, MD_SIDE_WAS_CALLED);
	assert_string_equal(s->people->user, "a@h");
	assert_string_equal(metadata_extra(s->people, "caller"),
			    "+44 20 \"7\"");
	assert_string_equal(metadata_extra(s->people, "callee"), "2");
	fini(s);
	metadata_destroy(&first.people);
}

static void older_and_odd_states_load(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"people\":\"<recording><participant id='1'/></recording>\","
		"\"ords\":[3],\"next_ord\":4}",
		"{\"people\":\"x\",\"ords\":[3],\"who\":[]}",
		"{\"who\":{\"side\":9,\"user\":5,\"caller\":[7,null],"
		"\"callee\":{}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct session *s = load(texts[i]);

		assert_int_equal(s->n_ords, i == 1);
		assert_int_equal(s->people->user_side, MD_SIDE_UNKNOWN);
		assert_null(s->people->user);
		assert_null(metadata_extra(s->people, "caller"));
		fini(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_called_is_kept),
		cmocka_unit_test(older_and_odd_states_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
