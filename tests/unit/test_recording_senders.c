/* Who sent a stream, in order: the track's label and side rest on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/recording_senders.h"

#define SEND(p, s) "{\"kind\":\"send\",\"participant\":" p ",\"stream\":" s "}"

static struct recording_participant people[] = {
	{ .ord = 0, .aor = "sip:alice@voip.example", .name = "Alice" },
	{ .ord = 1, .aor = "sip:bob@voip.example", .name = "Bob" },
	{ .ord = 2, .aor = "sip:carol@voip.example", .name = "Carol" },
};
static struct recording_stream lines[] = {
	{ .idx = 0, .participant = 2 },
	{ .idx = 1, .participant = 1 },
	{ .idx = 2, .participant = -1 },
};

static struct recording recording_of(const char *model)
{
	return (struct recording){ .participants = people,
				   .n_participants = 3,
				   .streams = lines,
				   .n_streams = 3,
				   .model = (char *)(uintptr_t)model };
}

static void senders_come_in_order_each_once(void **state)
{
	struct recording rec =
		recording_of("{\"associations\":[" SEND("0", "0") "," SEND(
			"1", "1") ","
				  "{\"kind\":\"recv\",\"participant\":1,"
				  "\"stream\":0}," SEND("2", "0") "," SEND(
					  "0", "0") "," SEND("9", "0") "]}");
	int ords[RECORDING_SENDERS_MAX];

	(void)state;
	assert_int_equal(recording_senders(&rec, 0, ords), 2);
	assert_int_equal(ords[0], 0);
	assert_int_equal(ords[1], 2);
	assert_int_equal(recording_senders(&rec, 1, ords), 1);
	assert_int_equal(ords[0], 1);
	assert_int_equal(recording_senders(&rec, 2, ords), 0);
	assert_int_equal(recording_senders(&rec, -1, ords), 0);
}

static void senders_without_a_model_are_the_streams(void **state)
{
	static const char *const models[] = { NULL, "", "{", "[]",
					      "{\"associations\":[7,{}]}" };
	int ords[RECORDING_SENDERS_MAX];
	struct recording rec;

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
		rec = recording_of(models[i]);
		assert_int_equal(recording_senders(&rec, 0, ords), 1);
		assert_int_equal(ords[0], 2);
		assert_int_equal(recording_senders(&rec, 2, ords), 0);
	}
}

static void a_taken_over_line_has_its_sender_of_the_moment(void **state)
{
	struct recording rec = recording_of(
		"{\"associations\":["
		"{\"kind\":\"send\",\"participant\":0,\"stream\":0,"
		"\"from\":\"1970-01-01T00:00:01Z\","
		"\"to\":\"1970-01-01T00:00:05Z\"},"
		"{\"kind\":\"send\",\"participant\":2,\"stream\":0,"
		"\"from\":\"1970-01-01T00:00:05Z\",\"to\":null},"
		"{\"kind\":\"send\",\"participant\":1,\"stream\":1,"
		"\"from\":\"never\"},"
		"{\"kind\":\"send\",\"participant\":1,\"stream\":3},"
		"{\"kind\":\"send\",\"participant\":2,\"stream\":3}]}");

	(void)state;
	assert_int_equal(recording_sender_at(&rec, 0, 500000), -1);
	assert_int_equal(recording_sender_at(&rec, 0, 1000000), 0);
	assert_int_equal(recording_sender_at(&rec, 0, 4999999), 0);
	assert_int_equal(recording_sender_at(&rec, 0, 5000000), 2);
	assert_int_equal(recording_sender_at(&rec, 1, 0), 1);
	assert_int_equal(recording_sender_at(&rec, 2, 0), -1);
	assert_int_equal(recording_sender_at(&rec, 3, 0), -1); /* both */
	rec.model = NULL;
	assert_int_equal(recording_sender_at(&rec, 0, 5000000), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders_come_in_order_each_once),
		cmocka_unit_test(senders_without_a_model_are_the_streams),
		cmocka_unit_test(
			a_taken_over_line_has_its_sender_of_the_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
