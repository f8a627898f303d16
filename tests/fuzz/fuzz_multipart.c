/* First line: Content-Type; the rest: the body. Every part must lie inside
 * of the body. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "srs/siprec/body.h"
#include "srs/siprec/warn.h"

static void inside(struct span part, struct span all)
{
	ASSERT(!part.len ||
	       (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = { (const char *)data, size };
	struct span type = span_cut(&body, '\n');
	struct warn_list wl = { 0 };
	struct body b;

	body_read(span_trim(type), body, &wl, &b);
	inside(b.sdp, body);
	inside(b.metadata, body);
	for (unsigned i = 0; i < b.all.n; i++) {
		struct span v;

		inside(b.all.parts[i].headers, body);
		inside(b.all.parts[i].body, body);
		(void)multipart_param(b.all.parts[i].disposition, "handling",
				      &v);
	}
	return 0;
}
