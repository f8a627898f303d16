/* Values of a trunk, "key value" a line, and the same bytes as JSON. What is
 * taken prints as text that is taken again and prints the same. */
#include <stdint.h>
#include <string.h>

#include "auth/trunk_json.h"
#include "auth/trunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct trunk *t)
{
	char text[TRUNK_TEXT_MAX], again[TRUNK_TEXT_MAX];
	struct trunk copy;
	unsigned i;

	trunk_defaults(&copy);
	for (i = 0; trunk_keys[i]; i++) {
		trunk_text(t, trunk_keys[i], text, sizeof(text));
		if (!text[0] && strcmp(trunk_keys[i], "name") == 0)
			continue;
		ASSERT(trunk_set(&copy, trunk_keys[i], text, NULL) == 0);
		trunk_text(&copy, trunk_keys[i], again, sizeof(again));
		ASSERT(strcmp(text, again) == 0);
	}
}

static void as_json(struct trunk *t, const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES,
			       NULL);

	if (json_is_object(j) && trunk_json_apply(t, j, NULL) == 0)
		check(t);
	json_decref(j);
	j = trunk_json(t);
	ASSERT(j);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	char key[32], value[1024];
	struct trunk t;

	trunk_defaults(&t);
	while (rest.len) {
		struct span line = span_cut(&rest, '\n');
		struct span word = span_cut(&line, ' ');

		if (!span_copy(key, sizeof(key), word) ||
		    !span_copy(value, sizeof(value), line) ||
		    trunk_set(&t, key, value, NULL) < 0)
			trunk_defaults(&t);
		else
			check(&t);
	}
	trunk_defaults(&t);
	as_json(&t, data, size);
	return 0;
}
