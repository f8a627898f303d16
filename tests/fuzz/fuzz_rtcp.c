/* RTCP: one datagram. What rtcp_check() accepts is read to its end or refused
 * inside a packet; lengths and texts are within their limits. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_packet(const struct rtcp_packet *p)
{
	uint8_t raw[RTCP_BUILD_MAX];
	struct rtcp_packet again;
	struct cursor c;
	int n;

	ASSERT(p->n_reports <= RTCP_REPORTS_MAX);
	ASSERT(p->n_ssrcs <= RTCP_REPORTS_MAX);
	ASSERT(str_utf8_ok(p->cname, strlen(p->cname)));
	ASSERT(str_utf8_ok(p->reason, strlen(p->reason)));
	(void)rtcp_ntp_to_wall_us(p->ntp);
	if (p->type != RTCP_RR || strlen(p->cname) > 255)
		return;
	n = rtcp_build_rr(p->ssrc, p->reports, p->n_reports, p->cname, raw,
			  sizeof(raw));
	ASSERT(n > 0);
	cur_init(&c, raw, (size_t)n);
	ASSERT(rtcp_next(&c, &again) == 1);
	ASSERT(again.ssrc == p->ssrc && again.n_reports == p->n_reports);
	for (unsigned i = 0; i < p->n_reports; i++)
		ASSERT(again.reports[i].lost == p->reports[i].lost &&
		       again.reports[i].dlsr == p->reports[i].dlsr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int ok = rtcp_check(data, len), r;
	struct rtcp_packet p;
	struct cursor c;

	cur_init(&c, data, len);
	while ((r = rtcp_next(&c, &p)) > 0)
		check_packet(&p);
	ASSERT(r == 0 || r == -EBADMSG || r == -EPROTO);
	ASSERT(ok < 0 || r != -EPROTO);
	return 0;
}
