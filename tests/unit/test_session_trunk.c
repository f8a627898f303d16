#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/siprec/sdp.h"

static struct sdp *offer(const char *const *labels, unsigned n,
			 struct warn_list *wl, const char *pt)
{
	struct sdp *sdp = NULL;
	char text[4096];
	size_t at;

	at = (size_t)snprintf(text, sizeof(text),
			      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
			      "c=IN IP4 192.0.2.1\r\nt=0 0\r\n");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "m=audio %u RTP/AVP %s\r\na=sendonly\r\n"
				       "a=label:%s\r\n",
				       4000 + 2 * i, i ? pt : "0", labels[i]);
	assert_int_equal(sdp_read(span_of(text), wl, &sdp), 0);
	return sdp;
}

/* owners: participant of each line, -1 = nobody or several; want: ord of each
 * participant. */
struct row {
	enum trunk_order order;
	const char *labels[4];
	int owners[4];
	unsigned want[4];
};

static void people_stand_as_the_trunk_says(void **state)
{
	static const struct row rows[] = {
		{ TRUNK_ORDER_METADATA,
		  { "2", "1", "3", "4" },
		  { 1, 0, 2, 3 },
		  { 0, 1, 2, 3 } },
		{ TRUNK_ORDER_MLINE,
		  { "1", "2", "3", "4" },
		  { 1, 0, 3, 2 },
		  { 1, 0, 3, 2 } },
		{ TRUNK_ORDER_LABEL,
		  { "20", "3", "1", "100" },
		  { 0, 1, 2, 3 },
		  { 2, 1, 0, 3 } },
		{ TRUNK_ORDER_LABEL,
		  { "inbound", "a_leg", "outbound", "b_leg" },
		  { 0, 1, 2, 3 },
		  { 2, 0, 3, 1 } },
		/* without a stream of their own: last, as the metadata has them
		 */
		{ TRUNK_ORDER_MLINE,
		  { "1", "2", "3", "4" },
		  { 3, -1, -1, -1 },
		  { 1, 2, 3, 0 } },
		/* several streams: the first counts; equal labels: as they come
		 */
		{ TRUNK_ORDER_LABEL,
		  { "5", "5", "9", "1" },
		  { 2, 1, 0, 2 },
		  { 2, 1, 0, 3 } },
	};
	struct md_owner owners[SDP_LINES_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gate_trunk t = { .order = rows[i].order };
		struct sdp *sdp = offer(rows[i].labels, 4, NULL, "0");
		unsigned ords[4] = { 0, 1, 2, 3 };

		memset(owners, 0, sizeof(owners));
		for (unsigned k = 0; k < 4; k++) {
			owners[k].n = rows[i].owners[k] >= 0;
			if (owners[k].n)
				owners[k].participants[0] =
					(unsigned)rows[i].owners[k];
		}
		trunk_order_people(&t, sdp, owners, ords, 4);
		for (unsigned k = 0; k < 4; k++)
			if (ords[k] != rows[i].want[k])
				fail_msg("row %zu participant %u: %u", i, k,
					 ords[k]);
		trunk_order_people(&t, sdp, owners, ords, 0); /* nobody */
		sdp_destroy(&sdp);
	}
}

static void errors_are_found_before_the_gate(void **state)
{
	static const char *const labels[] = { "1", "2" };
	struct intake *in = mem_zalloc(sizeof(*in));
	struct settings *set = mem_zalloc(sizeof(*set));
	struct sip_server sv = { .set = set };

	(void)state;
	in->sdp = offer(labels, 2, &in->warnings, "0");
	trunk_find_strict_error(&sv, in);
	assert_string_equal(in->strict_error, "");
	sdp_destroy(&in->sdp);
	in->sdp = offer(labels, 2, &in->warnings, "15"); /* G728 */
	trunk_find_strict_error(&sv, in);
	assert_memory_equal(in->strict_error, "answer.no_codec: ", 17);
	assert_false(warn_has(&in->warnings, "answer.no_codec"));
	sdp_destroy(&in->sdp);
	trunk_find_strict_error(&sv, in); /* no body */
	assert_string_equal(in->strict_error, "");
	warn_add(&in->warnings, "sdp.bad_port", WARN_ERROR, "line %d", 3);
	trunk_find_strict_error(&sv, in);
	assert_string_equal(in->strict_error, "sdp.bad_port: line 3");
	mem_free(set);
	mem_free(in);
}

static void source_policy_reaches_every_stream(void **state)
{
	struct session_stream *st = mem_calloc(2, sizeof(*st));
	struct gate_trunk t = { .source = TRUNK_SOURCE_LEARN };

	(void)state;
	trunk_set_source(&t, st, 2);
	assert_true(st[0].cap.learn_source && st[1].cap.learn_source);
	t.source = TRUNK_SOURCE_STRICT;
	trunk_set_source(&t, st, 2);
	assert_false(st[0].cap.learn_source || st[1].cap.learn_source);
	mem_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_stand_as_the_trunk_says),
		cmocka_unit_test(errors_are_found_before_the_gate),
		cmocka_unit_test(source_policy_reaches_every_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
