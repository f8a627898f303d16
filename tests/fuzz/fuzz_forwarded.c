/* Lists of networks and what proxies say, a line each: "F" Forwarded, "P"
 * X-Forwarded-Proto, "L" the list of trusted ones, else X-Forwarded-For. The
 * client is always an address, and never one that only a stranger named. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "web/forwarded.h"
#include "web/http.h"

#define LINES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request req = { .peer = "127.0.0.1" };
	struct net_list trusted = { .n = 0 }, nobody = { .n = 0 };
	struct forwarded f;
	char *texts[LINES];
	struct net_addr a;
	struct cursor c;
	struct span s;
	unsigned n = 0;

	cur_init(&c, data, size);
	while (n < LINES && cur_line(&c, &s)) {
		texts[n] = span_dup(s);
		ASSERT(texts[n]);
		if (texts[n][0] == 'L')
			(void)net_list_parse(span_of(texts[n] + 1), &trusted);
		else if (texts[n][0] == 'F')
			req.headers[req.n_headers++] =
				(struct http_header){ "Forwarded",
						      texts[n] + 1 };
		else if (texts[n][0] == 'P')
			req.headers[req.n_headers++] =
				(struct http_header){ "X-Forwarded-Proto",
						      texts[n] + 1 };
		else
			req.headers[req.n_headers++] =
				(struct http_header){ "X-Forwarded-For",
						      texts[n] };
		n++;
	}
	forwarded_find(&req, &trusted, &f);
	ASSERT(net_addr_parse(span_of(f.client), &a));
	forwarded_find(&req, &nobody, &f);
	ASSERT(strcmp(f.client, "127.0.0.1") == 0);
	ASSERT(f.proto == PROTO_UNKNOWN);
	while (n > 0)
		mem_free(texts[--n]);
	return 0;
}
