#include "media/srtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "base/mem.h"

/* libsrtp2 reads the headers as words. */
#define ALIGNED __attribute__((aligned(8)))
#define HEAD_MIN 12
#define RTCP_HEAD_MIN 8
/* RFC 3711 wants at least 64; some senders deliver late by much more. */
#define REPLAY_WINDOW 1024
/* While nothing authenticates: the first few packets are tried with every
 * rollover counter, then one of so many. */
#define SEARCH_FIRST 8u
#define SEARCH_EVERY 256u

static const struct {
	const char *name;
	size_t key_len;
	void (*set)(srtp_crypto_policy_t *p);
	/* what stands behind the MKI */
	size_t rtp_tail, rtcp_tail;
	bool aead;
} suites[SRTP_SUITES] = {
	[SRTP_CLEAR] = { .name = "" },
	[SRTP_AES128_SHA1_80] = {
		.name = "AES_CM_128_HMAC_SHA1_80",
		.key_len = 30,
		.set = srtp_crypto_policy_set_rtp_default,
		.rtp_tail = 10,
		.rtcp_tail = 10,
	},
	[SRTP_AES128_SHA1_32] = {
		.name = "AES_CM_128_HMAC_SHA1_32",
		.key_len = 30,
		.set = srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
		.rtp_tail = 4,
		.rtcp_tail = 10,
	},
	[SRTP_AES128_GCM] = {
		.name = "AEAD_AES_128_GCM",
		.key_len = 28,
		.set = srtp_crypto_policy_set_aes_gcm_128_16_auth,
		.aead = true,
	},
	[SRTP_AES256_GCM] = {
		.name = "AEAD_AES_256_GCM",
		.key_len = 44,
		.set = srtp_crypto_policy_set_aes_gcm_256_16_auth,
		.aead = true,
	},
};

const char *srtp_suite_name(enum srtp_suite s)
{
	return (unsigned)s < SRTP_SUITES ? suites[s].name : "";
}

size_t srtp_suite_key_len(enum srtp_suite s)
{
	return (unsigned)s < SRTP_SUITES ? suites[s].key_len : 0;
}

enum srtp_suite srtp_suite_find(struct span name)
{
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		if (span_ieq(name, suites[s].name))
			return (enum srtp_suite)s;
	}
	return SRTP_CLEAR;
}

int srtp_start(void)
{
	static bool started;

	if (!started && srtp_init() != srtp_err_status_ok)
		return -ENOTSUP;
	started = true;
	return 0;
}

/* ---- contexts ---- */

static srtp_sec_serv_t services(bool clear, bool unsigned_)
{
	if (clear)
		return unsigned_ ? sec_serv_none : sec_serv_auth;
	return unsigned_ ? sec_serv_conf : sec_serv_conf_and_auth;
}

static void fill_policy(const struct srtp_params *p, unsigned key,
			srtp_ssrc_type_t type, srtp_policy_t *ret)
{
	bool bare = p->flags & SRTP_UNAUTHENTICATED;

	memset(ret, 0, sizeof(*ret));
	ret->ssrc.type = type;
	suites[p->suite].set(&ret->rtp);
	if (suites[p->suite].aead)
		suites[p->suite].set(&ret->rtcp);
	else
		srtp_crypto_policy_set_rtcp_default(&ret->rtcp);
	/* libsrtp2 copies the key; the type has no const */
	ret->key = (unsigned char *)(uintptr_t)p->keys[key].bytes;
	ret->window_size = REPLAY_WINDOW;
	if (suites[p->suite].aead)
		return;
	ret->rtp.sec_serv = services(p->flags & SRTP_UNENCRYPTED_RTP, bare);
	ret->rtcp.sec_serv = services(p->flags & SRTP_UNENCRYPTED_RTCP, false);
	if (bare) {
		ret->rtp.auth_type = 0; /* SRTP_NULL_AUTH */
		ret->rtp.auth_key_len = ret->rtp.auth_tag_len = 0;
	}
}

static bool params_ok(const struct srtp_params *p)
{
	return p->suite > SRTP_CLEAR && p->suite < SRTP_SUITES && p->n_keys &&
	       p->n_keys <= SRTP_KEYS_MAX && p->mki_len <= SRTP_MKI_MAX &&
	       (p->n_keys == 1 || p->mki_len) &&
	       !(p->flags && suites[p->suite].aead);
}

static int make_context(const struct srtp_params *p, unsigned key,
			srtp_ssrc_type_t type, srtp_t *ret)
{
	srtp_policy_t policy;
	srtp_err_status_t st;

	fill_policy(p, key, type, &policy);
	st = srtp_create(ret, &policy);
	if (st == srtp_err_status_ok)
		return 0;
	*ret = NULL;
	return st == srtp_err_status_alloc_fail ? -ENOMEM : -EINVAL;
}

/* ---- in ---- */

/* The SSRCs that a context has streams for. */
struct known {
	uint32_t ssrc[SRTP_SSRC_MAX];
	unsigned n, oldest;
};

struct srtp_in {
	struct srtp_params p;
	srtp_t ctx[SRTP_KEYS_MAX];
	struct known known[SRTP_KEYS_MAX];
	unsigned failures; /* since the last good packet */
};

int srtp_in_create(const struct srtp_params *p, struct srtp_in **ret_in)
{
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	int r;

	if (!params_ok(p) || srtp_start() < 0)
		return -EINVAL;
	in = mem_zalloc(sizeof(*in));
	if (!in)
		return -ENOMEM;
	in->p = *p;
	for (unsigned i = 0; i < p->n_keys; i++) {
		r = make_context(p, i, ssrc_any_inbound, &in->ctx[i]);
		if (r < 0)
			return r;
	}
	*ret_in = STEAL(in);
	return 0;
}

void srtp_in_destroy(struct srtp_in **ip)
{
	struct srtp_in *in = *ip;

	if (!in)
		return;
	*ip = NULL;
	for (unsigned i = 0; i < SRTP_KEYS_MAX; i++) {
		if (in->ctx[i])
			(void)srtp_dealloc(in->ctx[i]); /* nothing to be done */
	}
	explicit_bzero(in, sizeof(*in));
	mem_free(in);
}

static bool mki_is(const uint8_t *at, unsigned len, uint64_t mki)
{
	for (unsigned i = 0; i < len; i++) {
		unsigned shift = (len - 1 - i) * 8;
		uint8_t want = shift < 64 ? (uint8_t)(mki >> shift) : 0;

		if (at[i] != want)
			return false;
	}
	return true;
}

/* Take the MKI off, which stands before the last tail bytes.
 * @return the key that it names, or -ENOENT with the packet as it was */
static int take_mki(const struct srtp_in *in, uint8_t *data, size_t *len,
		    size_t tail)
{
	size_t n = in->p.mki_len;
	uint8_t *at;

	if (!n)
		return 0;
	if (*len < RTCP_HEAD_MIN + n + tail)
		return -ENOENT;
	at = data + *len - tail - n;
	for (unsigned i = 0; i < in->p.n_keys; i++) {
		if (!mki_is(at, (unsigned)n, in->p.keys[i].mki))
			continue;
		memmove(at, at + n, tail);
		*len -= n;
		return (int)i;
	}
	return -ENOENT;
}

static uint32_t word_at(const uint8_t *data, size_t at)
{
	uint32_t v;

	memcpy(&v, data + at, sizeof(v));
	return ntohl(v);
}

static uint32_t ssrc_of(const uint8_t *data)
{
	return word_at(data, 8);
}

/* A packet of that SSRC was authentic: the context has a stream for it. */
static void keep_few(struct srtp_in *in, unsigned key, uint32_t ssrc)
{
	struct known *k = &in->known[key];

	for (unsigned i = 0; i < k->n; i++) {
		if (k->ssrc[i] == ssrc)
			return;
	}
	if (k->n < SRTP_SSRC_MAX) {
		k->ssrc[k->n++] = ssrc;
		return;
	}
	(void)srtp_remove_stream(in->ctx[key], htonl(k->ssrc[k->oldest]));
	k->ssrc[k->oldest] = ssrc;
	k->oldest = (k->oldest + 1) % SRTP_SSRC_MAX;
}

/* @return 0, -EBADMSG, -EALREADY; work is changed in any case */
static int open_rtp(srtp_t ctx, uint8_t *work, size_t len, size_t *ret_len)
{
	int n = (int)len;

	switch (srtp_unprotect(ctx, work, &n)) {
	case srtp_err_status_ok:
		*ret_len = (size_t)n;
		return 0;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
	case srtp_err_status_pkt_idx_old:
		return -EALREADY;
	default:
		return -EBADMSG;
	}
}

static bool may_search(struct srtp_in *in)
{
	unsigned n = in->failures++;

	/* without a tag any counter would do */
	return !(in->p.flags & SRTP_UNAUTHENTICATED) &&
	       (n < SEARCH_FIRST || n % SEARCH_EVERY == 0);
}

/* Try counters from..to on the stream of that SSRC, which exists. */
static int try_counters(srtp_t ctx, uint32_t ssrc, uint32_t from, uint32_t to,
			const uint8_t *data, size_t len, uint8_t *work,
			size_t *ret_len)
{
	for (uint32_t roc = from; roc <= to; roc++) {
		if (srtp_set_stream_roc(ctx, ssrc, roc) != srtp_err_status_ok)
			return -EBADMSG;
		memcpy(work, data, len);
		if (open_rtp(ctx, work, len, ret_len) == 0)
			return 0;
	}
	return -EBADMSG;
}

/* The rollover counter is not what it seemed to be: see the header. */
static int search(struct srtp_in *in, unsigned key, const uint8_t *data,
		  size_t len, uint8_t *work, size_t *ret_len)
{
	srtp_t ctx = in->ctx[key];
	uint32_t ssrc = ssrc_of(data), roc;
	srtp_policy_t policy;
	int r;

	if (!may_search(in))
		return -EBADMSG;
	if (srtp_get_stream_roc(ctx, ssrc, &roc) == srtp_err_status_ok) {
		if (roc > UINT32_MAX - SRTP_ROC_TRIES - 1)
			return -EBADMSG;
		r = try_counters(ctx, ssrc, roc + 1, roc + SRTP_ROC_TRIES, data,
				 len, work, ret_len);
		if (r < 0) /* 0: nothing to be tried is left behind */
			(void)srtp_set_stream_roc(ctx, ssrc, 0);
		return r;
	}
	fill_policy(&in->p, key, ssrc_specific, &policy);
	policy.ssrc.value = ssrc;
	if (srtp_add_stream(ctx, &policy) != srtp_err_status_ok)
		return -EBADMSG;
	r = try_counters(ctx, ssrc, 1, SRTP_ROC_TRIES, data, len, work,
			 ret_len);
	if (r < 0)
		(void)srtp_remove_stream(ctx, htonl(ssrc));
	return r;
}

int srtp_in_rtp(struct srtp_in *in, uint8_t *data, size_t len, size_t *ret_len)
{
	bool bare = in->p.flags & SRTP_UNAUTHENTICATED;
	uint8_t work[SRTP_PACKET_MAX] ALIGNED, raw[SRTP_PACKET_MAX];
	size_t n = len;
	int key, r;

	if (len < HEAD_MIN || len > sizeof(raw))
		return -EBADMSG;
	memcpy(raw, data, len);
	key = take_mki(in, raw, &n, bare ? 0 : suites[in->p.suite].rtp_tail);
	if (key < 0)
		return -EBADMSG;
	memcpy(work, raw, n);
	r = open_rtp(in->ctx[key], work, n, ret_len);
	if (r == -EBADMSG)
		r = search(in, (unsigned)key, raw, n, work, ret_len);
	if (r < 0)
		return r;
	in->failures = 0;
	keep_few(in, (unsigned)key, ssrc_of(work));
	memcpy(data, work, *ret_len);
	return 0;
}

int srtp_in_rtcp(struct srtp_in *in, uint8_t *data, size_t len, size_t *ret_len)
{
	uint8_t work[SRTP_PACKET_MAX] ALIGNED;
	size_t n = len;
	int key, out;

	if (len < RTCP_HEAD_MIN || len > sizeof(work))
		return -EBADMSG;
	memcpy(work, data, len);
	key = take_mki(in, work, &n, suites[in->p.suite].rtcp_tail);
	if (key < 0)
		return -EBADMSG;
	out = (int)n;
	switch (srtp_unprotect_rtcp(in->ctx[key], work, &out)) {
	case srtp_err_status_ok:
		break;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return -EALREADY;
	default:
		return -EBADMSG;
	}
	keep_few(in, (unsigned)key, word_at(work, 4));
	memcpy(data, work, (size_t)out);
	*ret_len = (size_t)out;
	return 0;
}

/* ---- out ---- */

struct srtp_out {
	struct srtp_params p;
	srtp_t ctx;
};

int srtp_out_create(const struct srtp_params *p, struct srtp_out **ret_out)
{
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	int r;

	if (!params_ok(p) || srtp_start() < 0)
		return -EINVAL;
	out = mem_zalloc(sizeof(*out));
	if (!out)
		return -ENOMEM;
	out->p = *p;
	r = make_context(p, 0, ssrc_any_outbound, &out->ctx);
	if (r < 0)
		return r;
	*ret_out = STEAL(out);
	return 0;
}

void srtp_out_destroy(struct srtp_out **op)
{
	struct srtp_out *out = *op;

	if (!out)
		return;
	*op = NULL;
	if (out->ctx)
		(void)srtp_dealloc(out->ctx); /* nothing to be done */
	explicit_bzero(out, sizeof(*out));
	mem_free(out);
}

/* Put the MKI of the first key before the last tail bytes. */
static void put_mki(const struct srtp_out *out, uint8_t *data, size_t *len,
		    size_t tail)
{
	size_t n = out->p.mki_len;
	uint8_t *at = data + *len - tail;

	memmove(at + n, at, tail);
	for (size_t i = 0; i < n; i++) {
		size_t shift = (n - 1 - i) * 8;

		at[i] = shift < 64 ? (uint8_t)(out->p.keys[0].mki >> shift) : 0;
	}
	*len += n;
}

typedef srtp_err_status_t protect_fn(srtp_t ctx, void *data, int *len);

static int seal(struct srtp_out *out, protect_fn *protect, size_t tail,
		uint8_t *data, size_t size, size_t len, size_t *ret_len)
{
	uint8_t work[SRTP_PACKET_MAX] ALIGNED;
	int n = (int)len;

	if (len + SRTP_TAIL_MAX > size || len + SRTP_TAIL_MAX > sizeof(work))
		return -EMSGSIZE;
	memcpy(work, data, len);
	if (protect(out->ctx, work, &n) != srtp_err_status_ok)
		return -EINVAL;
	*ret_len = (size_t)n;
	put_mki(out, work, ret_len, tail);
	memcpy(data, work, *ret_len);
	return 0;
}

int srtp_out_rtp(struct srtp_out *out, uint8_t *data, size_t size, size_t len,
		 size_t *ret_len)
{
	bool bare = out->p.flags & SRTP_UNAUTHENTICATED;

	if (len < HEAD_MIN)
		return -EINVAL;
	return seal(out, srtp_protect, bare ? 0 : suites[out->p.suite].rtp_tail,
		    data, size, len, ret_len);
}

int srtp_out_rtcp(struct srtp_out *out, uint8_t *data, size_t size, size_t len,
		  size_t *ret_len)
{
	if (len < RTCP_HEAD_MIN)
		return -EINVAL;
	return seal(out, srtp_protect_rtcp, suites[out->p.suite].rtcp_tail,
		    data, size, len, ret_len);
}
