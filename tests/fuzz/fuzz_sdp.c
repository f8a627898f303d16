/* An offer of any bytes: parsed, planned, answered; the answer must be SDP
 * with as many lines and nothing to warn about but what was refused. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "srs/siprec/answer.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/sdp.h"
#include "srs/siprec/warn.h"

static void answer_it(const struct sdp *offer, enum answer_srtp srtp,
		      struct warn_list *wl)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	struct sdp *back CLEANUP(sdp_destroy) = NULL;
	struct answer_origin o;
	struct answer a;

	buf_init(&text, 4 * SDP_TEXT_MAX);
	answer_origin_init(&o, 7, "127.0.0.1");
	answer_plan(offer, NULL, 16, srtp, wl, &a);
	ASSERT(a.n_lines == offer->n_lines);
	for (unsigned i = 0; i < a.n_lines; i++) {
		struct sockaddr_storage rtp, rtcp;

		sdp_line_remote(offer->lines[i], &rtp, &rtcp);
		a.lines[i].rtp_port = 20000;
		a.lines[i].srtp = &offer->lines[i]->sdes.params;
	}
	if (answer_print(offer, &a, &o, &text) < 0)
		return;
	ASSERT(!sdp_read((struct span){ buf_str(&text), text.len }, NULL,
			 &back));
	ASSERT(back->n_lines == offer->n_lines);
	for (unsigned i = 0; i < a.n_lines; i++) {
		ASSERT(str_eq(back->lines[i]->label, offer->lines[i]->label));
		ASSERT(!back->lines[i]->port ==
		       (a.lines[i].why != ANSWER_ACCEPTED));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp *s CLEANUP(sdp_destroy) = NULL;
	struct warn_list wl = { 0 };

	if (sdp_read((struct span){ (const char *)data, size }, &wl, &s) < 0)
		return 0;
	answer_it(s, ANSWER_SRTP_PREFERRED, &wl);
	answer_it(s, ANSWER_SRTP_REQUIRED, NULL);
	return 0;
}
