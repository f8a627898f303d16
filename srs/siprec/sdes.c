#include "srs/siprec/sdes.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/metadata.h"

#define TAG_DIGITS 9
#define LIFETIME_MAX (UINT64_C(1) << 48)
#define LIFETIME_POWER_MAX 48
#define WSH_MIN 64

static struct span next_word(struct span *s)
{
	struct span w;

	*s = span_trim(*s);
	w = (struct span){ s->p, 0 };
	while (w.len < s->len && s->p[w.len] != ' ' && s->p[w.len] != '\t')
		w.len++;
	s->p += w.len;
	s->len -= w.len;
	return w;
}

static bool has_leading_zero(struct span s)
{
	return s.len > 1 && s.p[0] == '0';
}

/* ["2^"] 1*DIGIT */
static int read_lifetime(struct span s)
{
	bool power = span_starts(s, "2^");
	uint64_t n, max = power ? LIFETIME_POWER_MAX : LIFETIME_MAX;

	if (power)
		s = (struct span){ s.p + 2, s.len - 2 };
	if (has_leading_zero(s) || span_u64(s, max, &n) < 0 || (!power && !n))
		return -EBADMSG;
	return 0;
}

/* value ":" length */
static int read_mki(struct span s, struct srtp_params *p, unsigned index)
{
	struct span value = span_cut(&s, ':');
	uint64_t mki, len;
	int r;

	if (has_leading_zero(s) || span_u64(s, SRTP_MKI_MAX, &len) < 0 || !len)
		return -EBADMSG;
	r = span_u64(value, UINT64_MAX, &mki);
	if (r < 0) /* a number of more than 64 bits is one all the same */
		return r == -ERANGE ? -ENOTSUP : -EBADMSG;
	if (len < sizeof(mki) && mki >> (8 * len))
		return -EBADMSG;
	if (index && len != p->mki_len)
		return -EBADMSG;
	for (unsigned i = 0; i < index; i++) {
		if (p->keys[i].mki == mki)
			return -EBADMSG;
	}
	p->mki_len = (uint8_t)len;
	p->keys[index].mki = mki;
	return 0;
}

static int read_key(struct span s, struct srtp_params *p, unsigned index)
{
	uint8_t raw[SRTP_KEY_MAX + 1];
	struct span key = span_cut(&s, '|'), field;
	bool seen_mki = false;
	int n = str_unb64(raw, sizeof(raw), key), r = 0;

	if (n < 0 || (size_t)n != srtp_suite_key_len(p->suite))
		r = -EBADMSG;
	else
		memcpy(p->keys[index].bytes, raw, (size_t)n);
	explicit_bzero(raw, sizeof(raw));
	for (unsigned i = 0; s.len && r == 0; i++) {
		field = span_cut(&s, '|');
		if (seen_mki || i > 1)
			return -EBADMSG;
		seen_mki = span_find(field, ':') >= 0;
		if (seen_mki)
			r = read_mki(field, p, index);
		else
			r = i ? -EBADMSG : read_lifetime(field);
	}
	if (r == 0 && index && !seen_mki)
		r = -EBADMSG;
	return r;
}

/* inline:... *(";" inline:...) */
static int read_keys(struct span s, struct srtp_params *p)
{
	struct span one;
	int r;

	while (s.len) {
		one = span_cut(&s, ';');
		if (!span_istarts(one, "inline:"))
			return span_find(one, ':') > 0 ? -ENOTSUP : -EBADMSG;
		if (p->n_keys == SRTP_KEYS_MAX)
			return -ENOTSUP;
		if (p->n_keys && !p->mki_len)
			return -EBADMSG;
		one = (struct span){ one.p + 7, one.len - 7 };
		r = read_key(one, p, p->n_keys);
		if (r < 0)
			return r;
		p->n_keys++;
	}
	return p->n_keys ? 0 : -EBADMSG;
}

static const struct {
	const char *word;
	enum srtp_flag flag;
} flags[] = {
	{ "UNENCRYPTED_SRTP", SRTP_UNENCRYPTED_RTP },
	{ "UNENCRYPTED_SRTCP", SRTP_UNENCRYPTED_RTCP },
	{ "UNAUTHENTICATED_SRTP", SRTP_UNAUTHENTICATED },
};

/* KDR and FEC_KEY are mandatory and beyond libsrtp2; WSH is a hint, and its
 * window is large anyway. */
static int read_parameter(struct span w, struct srtp_params *p)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (span_ieq(w, flags[i].word)) {
			p->flags |= flags[i].flag;
			return 0;
		}
	}
	if (span_istarts(w, "WSH="))
		return span_u64((struct span){ w.p + 4, w.len - 4 }, UINT32_MAX,
				&n) < 0 ||
				       n < WSH_MIN
			       ? -EBADMSG
			       : 0;
	/* the default, and we take no FEC */
	if (span_ieq(w, "FEC_ORDER=FEC_SRTP") || w.p[0] == '-')
		return 0;
	return -ENOTSUP;
}

static bool is_aead(const struct srtp_params *p)
{
	return p->suite == SRTP_AES128_GCM || p->suite == SRTP_AES256_GCM;
}

static int read_line(struct span v, struct sdes *s)
{
	struct span tag = next_word(&v), suite = next_word(&v), w;
	uint64_t n;
	int r;

	if (tag.len > TAG_DIGITS || span_u64(tag, UINT32_MAX, &n) < 0 ||
	    !suite.len)
		return -EBADMSG;
	s->tag = (uint32_t)n;
	s->params.suite = (uint8_t)srtp_suite_find(suite);
	if (s->params.suite == SRTP_CLEAR)
		return -ENOTSUP;
	r = read_keys(next_word(&v), &s->params);
	for (w = next_word(&v); r == 0 && w.len; w = next_word(&v))
		r = read_parameter(w, &s->params);
	if (r == 0 && s->params.flags && is_aead(&s->params))
		r = -ENOTSUP; /* one tag for both */
	return r;
}

int sdes_read(struct span value, struct sdes *ret_sdes)
{
	struct sdes s;
	int r;

	memset(&s, 0, sizeof(s));
	memset(ret_sdes, 0, sizeof(*ret_sdes));
	r = read_line(value, &s);
	if (r == 0)
		memcpy(ret_sdes, &s, sizeof(s)); /* padding, too */
	explicit_bzero(&s, sizeof(s));
	return r;
}

int sdes_print(struct buf *out, uint32_t tag, const struct srtp_params *p)
{
	char key[SRTP_KEY_MAX * 2];

	metadata_base64(key, p->keys[0].bytes, srtp_suite_key_len(p->suite));
	buf_printf(out, "a=crypto:%u %s inline:%s", tag,
		   srtp_suite_name(p->suite), key);
	explicit_bzero(key, sizeof(key));
	if (p->mki_len) /* errors stick */
		buf_printf(out, "|%llu:%u", (unsigned long long)p->keys[0].mki,
			   p->mki_len);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (p->flags & flags[i].flag)
			buf_printf(out, " %s", flags[i].word);
	}
	return buf_puts(out, "\r\n");
}
