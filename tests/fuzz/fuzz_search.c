/* Any bytes as an AoR, a name and a search: what is written for the index and
 * asked of it stays within its limits, and a number finds itself. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/number.h"
#include "base/str.h"
#include "storage/search_text.h"

static void check_number(struct span s, const struct number_plan *plan)
{
	char back[SEARCH_NUMBER_MAX];
	size_t digits = search_digits(s);
	struct buf b;

	ASSERT(digits < SEARCH_NUMBER_MAX);
	if (search_number(s, back))
		ASSERT(back[0] && strspn(back, "0123456789") == strlen(back));
	buf_init(&b, 4096);
	if (search_put_number(&b, plan, s)) {
		ASSERT(digits >= SEARCH_DIGITS_MIN);
		ASSERT(buf_error(&b) == 0);
		ASSERT(strspn(buf_str(&b),
			      "0123456789 \"*()|:ORnumberspeople") == b.len);
	} else {
		ASSERT(b.len == 0);
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const countries[] = { "", "1", "44", "39" };
	struct span s = { (const char *)data, len };
	struct number_plan plan;
	struct buf b;

	if (len > 4096)
		return 0;
	ASSERT(number_plan_set(&plan, countries[len & 3], "auto", "auto") == 0);
	check_number(s, &plan);
	check_number(s, NULL);
	buf_init(&b, 4 * 4096 + 1);
	search_put_words(&b, s);
	ASSERT(buf_error(&b) == 0 && b.len >= len);
	buf_fini(&b);
	return 0;
}
