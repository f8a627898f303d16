/* Authorization values, one a line; the first byte chooses the forms. A token
 * that is let through has the b64token alphabet only. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "srs/sip/bearer.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	struct span values[8];
	struct bearer b;
	unsigned forms;
	size_t n = 0;

	if (!size)
		return 0;
	forms = data[0];
	rest.p++;
	rest.len--;
	while (rest.len && n < 8)
		values[n++] = span_cut(&rest, '\n');
	if (bearer_parse(values, n, forms, &b) != BEARER_OK) {
		ASSERT(!b.token.len);
		return 0;
	}
	ASSERT(b.token.len && b.token.len <= BEARER_TOKEN_MAX);
	for (size_t i = 0; i < b.token.len; i++)
		ASSERT(b.token.p[i] && strchr(alphabet, b.token.p[i]));
	return 0;
}
