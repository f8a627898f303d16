/* Two documents, split at a NUL byte: both parsed, the second merged into the
 * first, attributed to an offer of three lines; what is printed must be
 * readable without repair. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/sdp.h"
#include "srs/siprec/warn.h"

static const char offer_text[] = "v=0\r\nc=IN IP4 192.0.2.1\r\n"
				 "m=audio 4000 RTP/AVP 0\r\na=label:1\r\n"
				 "m=audio 4002 RTP/AVP 0\r\na=label:2\r\n"
				 "m=audio 4004 RTP/AVP 0\r\na=label:3\r\n";

static unsigned n_streams(const struct metadata *md)
{
	unsigned n = 0;

	for (unsigned i = 0; i < md->n_streams; i++)
		n += !md->streams[i].gone;
	return n;
}

/* What was printed, read and printed once more: the same bytes. */
static void again_the_same(const struct metadata *again, const struct buf *one)
{
	struct buf two CLEANUP(buf_fini) = { 0 };

	buf_init(&two, 2 * METADATA_BYTES_MAX);
	ASSERT(!metadata_print(again, &two));
	ASSERT(two.len == one->len && !memcmp(two.data, one->data, two.len));
}

static void check_print(const struct metadata *md)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	struct metadata *again CLEANUP(metadata_destroy) = NULL;
	struct warn_list wl = { 0 };

	buf_init(&text, METADATA_BYTES_MAX);
	if (metadata_print(md, &text) < 0)
		return;
	ASSERT(!metadata_parse((struct span){ buf_str(&text), text.len }, &wl,
			       &again));
	ASSERT(!again->repaired);
	ASSERT(again->n_streams == n_streams(md));
	again->mode = md->mode; /* one that names nobody counts as partial */
	again_the_same(again, &text);
	buf_reset(&text);
	metadata_destroy(&again);
	if (metadata_print_valid(md, &text) < 0)
		return;
	ASSERT(!metadata_parse((struct span){ buf_str(&text), text.len }, &wl,
			       &again));
	ASSERT(!again->repaired);
}

static void attribute(const struct metadata *md)
{
	struct md_owner owners[SDP_LINES_MAX];
	struct sdp *s CLEANUP(sdp_destroy) = NULL;

	ASSERT(!sdp_read(span_of(offer_text), NULL, &s));
	metadata_attribute(md, s, NULL, owners);
	for (unsigned i = 0; i < s->n_lines; i++) {
		for (unsigned k = 0; k < owners[i].n; k++)
			ASSERT(owners[i].participants[k] < md->n_participants);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	struct span first = span_cut(&rest, '\0');
	struct metadata *a CLEANUP(metadata_destroy) = NULL;
	struct metadata *b CLEANUP(metadata_destroy) = NULL;
	struct warn_list wl = { 0 };
	struct md_changes changes;

	if (metadata_parse(first, &wl, &a) < 0)
		return 0;
	check_print(a);
	attribute(a);
	if (metadata_parse(rest, &wl, &b) < 0)
		return 0;
	(void)metadata_merge(a, b, &wl, &changes);
	attribute(a);
	check_print(a);
	return 0;
}
