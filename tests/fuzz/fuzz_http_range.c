/* A Range header and a file size: every range lies within the file, and what
 * is sent never has more pieces than there is room for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "web/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range r[RANGE_MAX];
	uint64_t file;
	char *text;
	int n;

	if (size < sizeof(file))
		return 0;
	memcpy(&file, data, sizeof(file));
	if (data[0] & 1)
		file &= 0xffff;
	text = mem_strndup((const char *)data + sizeof(file),
			   size - sizeof(file));
	ASSERT(text);
	n = range_parse(text, file, r);
	ASSERT(n <= RANGE_MAX);
	for (int i = 0; i < n; i++)
		ASSERT(r[i].first <= r[i].last && r[i].last < file);
	(void)etag_list_has(text, "\"0123\"", true);
	(void)etag_if_range(text, "\"0123\"");
	mem_free(text);
	return 0;
}
