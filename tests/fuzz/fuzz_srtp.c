/* Packets of any bytes as SRTP and SRTCP: two bytes say suite, MKI and
 * parameters, then packets one behind the other with a byte of length and kind
 * in front. What is refused stays as it was; what we seal opens. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "media/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_raw(struct srtp_in *in, bool rtcp, const uint8_t *p, size_t n)
{
	uint8_t work[256], was[256];
	size_t len = n;
	int r;

	memcpy(work, p, n);
	memcpy(was, p, n);
	r = rtcp ? srtp_in_rtcp(in, work, n, &len)
		 : srtp_in_rtp(in, work, n, &len);
	ASSERT(r < 0 ? !memcmp(work, was, n) : len <= n);
}

static void try_sealed(struct srtp_in *in, struct srtp_out *out, bool rtcp,
		       const uint8_t *p, size_t n)
{
	uint8_t work[512];
	size_t len;

	memcpy(work, p, n);
	if ((rtcp ? srtp_out_rtcp(out, work, sizeof(work), n, &len)
		  : srtp_out_rtp(out, work, sizeof(work), n, &len)) < 0)
		return;
	ASSERT(len <= n + SRTP_TAIL_MAX);
	if ((rtcp ? srtp_in_rtcp(in, work, len, &len)
		  : srtp_in_rtp(in, work, len, &len)) == 0)
		ASSERT(len == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srtp_params p = { .n_keys = 2 };
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	bool rtcp;
	size_t n;

	if (size < 2)
		return 0;
	p.suite = data[0] & 7;
	p.flags = data[0] >> 3 & 7;
	p.mki_len = data[1];
	p.keys[0].mki = 1;
	p.keys[1].mki = 2;
	p.n_keys = p.mki_len ? 2 : 1;
	if (srtp_in_create(&p, &in) < 0 || srtp_out_create(&p, &out) < 0)
		return 0;
	for (data += 2, size -= 2; size > 1; data += n, size -= n) {
		n = data[0] >> 1;
		rtcp = data[0] & 1;
		data++;
		size--;
		if (n > size)
			n = size;
		try_raw(in, rtcp, data, n);
		try_sealed(in, out, rtcp, data, n);
	}
	return 0;
}
