/* media/capture_srtp.c - SRTP of one stream.
 *
 * A client begins to use new keys when it has our answer; until then it sends
 * with the old ones (RFC 4568 section 7.1.4). So these are kept until enough
 * packets came with the new ones.
 */
#include <errno.h>
#include <string.h>

#include "media/capture_impl.h"
#include "media/srtp.h"

/* Of the new keys, before the last ones are thrown away. */
#define SETTLED 100

static bool same_keys(const struct srtp_params *a, const struct srtp_params *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* @return 0 with a context, or none when there are no keys */
static int make_in(const struct srtp_params *p, struct srtp_in **ret)
{
	*ret = NULL;
	return p->suite == SRTP_CLEAR ? 0 : srtp_in_create(p, ret);
}

static int make_out(const struct srtp_params *p, struct srtp_out **ret)
{
	*ret = NULL;
	return p->suite == SRTP_CLEAR ? 0 : srtp_out_create(p, ret);
}

/* Is there a context for what was negotiated last? A new stream has none. */
static bool has_in(const struct capture_stream *st)
{
	return st->srtp || st->cfg.srtp_in.suite == SRTP_CLEAR;
}

static bool has_out(const struct capture_stream *st)
{
	return st->srtp_out || st->cfg.srtp_out.suite == SRTP_CLEAR;
}

int capture_srtp_offer(struct capture_stream *st, const struct cap_stream *cfg)
{
	bool in_new =
		!has_in(st) || !same_keys(&st->cfg.srtp_in, &cfg->srtp_in);
	bool out_new =
		!has_out(st) || !same_keys(&st->cfg.srtp_out, &cfg->srtp_out);
	struct srtp_out *out = NULL;
	struct srtp_in *in = NULL;
	int r = 0;

	if (in_new)
		r = make_in(&cfg->srtp_in, &in);
	if (r == 0 && out_new)
		r = make_out(&cfg->srtp_out, &out);
	if (r < 0) {
		srtp_in_destroy(&in);
		return r;
	}
	if (in_new) {
		srtp_in_destroy(&st->srtp_last);
		st->srtp_last = st->srtp;
		st->srtp = in;
		st->srtp_good = 0;
		if (!in) /* in clear from now on */
			srtp_in_destroy(&st->srtp_last);
	}
	if (out_new) {
		srtp_out_destroy(&st->srtp_out);
		st->srtp_out = out;
	}
	return 0;
}

void capture_srtp_fini(struct capture_stream *st)
{
	srtp_in_destroy(&st->srtp);
	srtp_in_destroy(&st->srtp_last);
	srtp_out_destroy(&st->srtp_out);
	explicit_bzero(&st->cfg.srtp_in, sizeof(st->cfg.srtp_in));
	explicit_bzero(&st->cfg.srtp_out, sizeof(st->cfg.srtp_out));
}

typedef int open_fn(struct srtp_in *in, uint8_t *data, size_t len,
		    size_t *ret_len);

static enum spool_drop open_packet(struct capture_stream *st, open_fn *open,
				   uint8_t *data, size_t *len)
{
	int r = open(st->srtp, data, *len, len);

	if (r == 0 && st->srtp_last && ++st->srtp_good >= SETTLED)
		srtp_in_destroy(&st->srtp_last);
	if (r == -EBADMSG && st->srtp_last)
		r = open(st->srtp_last, data, *len, len);
	if (r == 0)
		return CAPTURE_KEEP;
	return r == -EALREADY ? SPOOL_DROP_REPLAY : SPOOL_DROP_AUTH;
}

enum spool_drop capture_srtp_rtp(struct capture_stream *st, uint8_t *data,
				 size_t *len)
{
	return open_packet(st, srtp_in_rtp, data, len);
}

enum spool_drop capture_srtp_rtcp(struct capture_stream *st, uint8_t *data,
				  size_t *len)
{
	return open_packet(st, srtp_in_rtcp, data, len);
}

int capture_srtp_seal(struct capture_stream *st, uint8_t *data, size_t size,
		      size_t *len)
{
	if (!st->srtp)
		return 0;
	if (!st->srtp_out)
		return -ENOKEY;
	return srtp_out_rtcp(st->srtp_out, data, size, *len, len);
}
