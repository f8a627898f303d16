/* Our texts: the answer, our offer to a client that sent none, and the offer
 * of the recording client. All three share the session part; o= stands apart
 * because its version depends on the rest of the text. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "media/codec_list.h"
#include "srs/siprec/answer.h"

#define DTMF_PT 101

void sdp_print_pt(struct buf *out, const struct sdp_pt *pt,
		  enum sdp_media media)
{
	buf_printf(out, "a=rtpmap:%u %s/%u", pt->pt, pt->codec, pt->rate_hz);
	if (media == SDP_AUDIO && pt->channels > 1)
		buf_printf(out, "/%u", pt->channels);
	buf_puts(out, "\r\n");
	if (pt->fmtp[0])
		buf_printf(out, "a=fmtp:%u %s\r\n", pt->pt, pt->fmtp);
}

void answer_origin_init(struct answer_origin *o, uint64_t seed,
			const char *addr)
{
	*o = (struct answer_origin){ .id = seed & (UINT64_MAX >> 2) };
	if (!o->id)
		o->id = 1;
	str_copy(o->addr, sizeof(o->addr), addr);
}

/* FNV-1a */
static uint64_t text_hash(const struct buf *b)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < b->len; i++)
		h = (h ^ b->data[i]) * 0x100000001b3u;
	return h ? h : 1;
}

/* "IP4" or "IP6", NULL when addr is no literal */
static const char *family_word(const char *addr)
{
	uint8_t bin[16];

	if (inet_pton(AF_INET, addr, bin) == 1)
		return "IP4";
	return inet_pton(AF_INET6, addr, bin) == 1 ? "IP6" : NULL;
}

/* The session part with the right version, then t= and the m-lines. */
static int print_whole(struct answer_origin *o, const struct buf *lines,
		       struct buf *out)
{
	const char *family = family_word(o->addr);
	uint64_t hash;
	int r = buf_error(lines);

	if (r < 0)
		return r;
	if (!family)
		return -EINVAL;
	hash = text_hash(lines);
	if (hash != o->hash) {
		o->version++;
		o->hash = hash;
	}
	buf_printf(out,
		   "v=0\r\no=%s %llu %llu IN %s %s\r\ns=-\r\n"
		   "c=IN %s %s\r\n",
		   o->user ? o->user : "srs", (unsigned long long)o->id,
		   (unsigned long long)o->version, family, o->addr, family,
		   o->addr);
	return buf_put(out, lines->data, lines->len);
}

static void print_rtcp(struct buf *b, uint16_t rtp, uint16_t rtcp, bool mux)
{
	if (mux)
		buf_puts(b, "a=rtcp-mux\r\n");
	else if (rtcp && rtcp != rtp + 1)
		buf_printf(b, "a=rtcp:%u\r\n", rtcp);
}

static void print_refused(struct buf *b, const struct sdp_line *l)
{
	buf_printf(b, "m=%s 0 %s %s\r\n", l->media_word, l->proto_word,
		   l->formats);
	if (l->label[0])
		buf_printf(b, "a=label:%s\r\n", l->label);
	buf_puts(b, "a=inactive\r\n");
}

/* Parameters that say how the payload looks, and so hold for both sides: what
 * an answer leaves out means the default, whatever was offered. */
static const struct {
	const char *codec, *param;
	const char *only; /* the value that is not the default */
} mirrored[] = {
	{ "G729", "annexb", "no" }, /* RFC 4856: yes */
	{ "G723", "annexa", "no" },
	{ "iLBC", "mode", "20" }, /* RFC 3952: 30 */
};

static void our_fmtp(const struct sdp_pt *offered, char *dst, size_t len)
{
	char value[8];

	dst[0] = '\0';
	if (!strcmp(offered->codec, "opus"))
		str_copy(dst, len, "useinbandfec=1");
	if (!strcmp(offered->codec, "telephone-event") ||
	    !strcmp(offered->codec, "red"))
		str_copy(dst, len, offered->fmtp);
	for (size_t i = 0; i < ARRAY_SIZE(mirrored); i++) {
		if (str_ieq(offered->codec, mirrored[i].codec) &&
		    codec_fmtp_get(offered->fmtp, mirrored[i].param, value,
				   sizeof(value)) &&
		    str_ieq(value, mirrored[i].only))
			snprintf(dst, len, "%s=%s", mirrored[i].param,
				 mirrored[i].only);
	}
}

/* What we want to get; their fmtp says what they want, so little of it is
 * said again. */
static void print_codec(struct buf *b, const struct sdp_pt *offered)
{
	struct sdp_pt pt = *offered;

	our_fmtp(offered, pt.fmtp, sizeof(pt.fmtp));
	sdp_print_pt(b, &pt, SDP_AUDIO);
}

static int print_accepted(struct buf *b, const struct sdp_line *l,
			  const struct answer_line *a)
{
	if (!a->rtp_port || a->audio < 0 || (sdp_line_is_srtp(l) && !a->srtp))
		return -EINVAL;
	buf_printf(b, "m=%s %u %s", l->media_word, a->rtp_port, l->proto_word);
	if (a->red >= 0) /* first: what we would rather have */
		buf_printf(b, " %u", l->pts[a->red].pt);
	buf_printf(b, " %u", l->pts[a->audio].pt);
	if (a->dtmf >= 0)
		buf_printf(b, " %u", l->pts[a->dtmf].pt);
	buf_puts(b, "\r\n");
	if (a->red >= 0)
		print_codec(b, &l->pts[a->red]);
	print_codec(b, &l->pts[a->audio]);
	if (a->dtmf >= 0)
		print_codec(b, &l->pts[a->dtmf]);
	if (l->label[0])
		buf_printf(b, "a=label:%s\r\n", l->label);
	print_rtcp(b, a->rtp_port, a->rtcp_port, a->rtcp_mux);
	if (sdp_line_is_srtp(l)) /* errors stick */
		(void)sdes_print(b, l->sdes.tag, a->srtp);
	if (a->record)
		buf_printf(b, "a=record:%s\r\n", sdp_record_name(a->record));
	buf_printf(b, "a=%s\r\n", sdp_dir_name(a->dir));
	return 0;
}

int answer_print(const struct sdp *offer, const struct answer *a,
		 struct answer_origin *o, struct buf *out)
{
	struct buf lines CLEANUP(buf_fini) = { 0 };
	int r;

	buf_init(&lines, SDP_TEXT_MAX);
	/* RFC 3264 section 6: that of the offer */
	buf_printf(&lines, "t=%llu %llu\r\n", (unsigned long long)offer->starts,
		   (unsigned long long)offer->ends);
	for (unsigned i = 0; i < offer->n_lines; i++) {
		if (a->lines[i].why != ANSWER_ACCEPTED) {
			print_refused(&lines, offer->lines[i]);
			continue;
		}
		r = print_accepted(&lines, offer->lines[i], &a->lines[i]);
		if (r < 0)
			return r;
	}
	return print_whole(o, &lines, out);
}

int answer_reprint(const char *text, bool inactive, struct answer_origin *o,
		   struct buf *out)
{
	static const char active[] = "a=recvonly\r\n";
	static const char on[] = "a=record:on\r\n";
	struct buf lines CLEANUP(buf_fini) = { 0 };
	const char *p = strstr(text, "\r\nt="), *end;

	if (!p || !strstr(p, "\r\nm="))
		return -EINVAL;
	buf_init(&lines, SDP_TEXT_MAX);
	for (p += 2; *p; p = end) {
		end = strstr(p, "\r\n");
		if (!end)
			return -EINVAL;
		end += 2;
		if (inactive && strncmp(p, active, sizeof(active) - 1) == 0)
			buf_puts(&lines, "a=inactive\r\n");
		else if (inactive && strncmp(p, on, sizeof(on) - 1) == 0)
			buf_puts(&lines, "a=record:paused\r\n");
		else
			buf_put(&lines, p, (size_t)(end - p));
	}
	return print_whole(o, &lines, out);
}

static int print_own_line(struct buf *b, const struct sdp_line *l,
			  const struct answer_line *a)
{
	if (!a->rtp_port || !l->n_pts)
		return -EINVAL;
	buf_printf(b, "m=audio %u RTP/AVP", a->rtp_port);
	for (unsigned i = 0; i < l->n_pts; i++)
		buf_printf(b, " %u", l->pts[i].pt);
	buf_puts(b, "\r\n");
	for (unsigned i = 0; i < l->n_pts; i++)
		print_codec(b, &l->pts[i]);
	if (l->label[0])
		buf_printf(b, "a=label:%s\r\n", l->label);
	print_rtcp(b, a->rtp_port, a->rtcp_port, false);
	buf_puts(b, "a=recvonly\r\n");
	return 0;
}

int answer_print_offer(const struct sdp *wish, const struct answer *a,
		       struct answer_origin *o, struct buf *out)
{
	struct buf lines CLEANUP(buf_fini) = { 0 };
	int r;

	buf_init(&lines, SDP_TEXT_MAX);
	buf_puts(&lines, "t=0 0\r\n");
	for (unsigned i = 0; i < wish->n_lines; i++) {
		if (a->lines[i].why != ANSWER_ACCEPTED) {
			print_refused(&lines, wish->lines[i]);
			continue;
		}
		r = print_own_line(&lines, wish->lines[i], &a->lines[i]);
		if (r < 0)
			return r;
	}
	return print_whole(o, &lines, out);
}

int answer_print_wish(const char *const *labels, unsigned n, struct buf *out)
{
	buf_puts(out, "v=0\r\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(out,
			   "m=audio 9 RTP/AVP 0 8 96 9 18 %u\r\n"
			   "a=rtpmap:96 opus/48000/2\r\n"
			   "a=rtpmap:%u telephone-event/8000\r\n"
			   "a=fmtp:%u 0-15\r\na=label:%s\r\na=sendonly\r\n",
			   DTMF_PT, DTMF_PT, DTMF_PT, labels[i]);
	return buf_error(out);
}

static int print_offer_line(struct buf *b, const struct offer_line *l)
{
	bool opus = !strcmp(l->codec, "opus");

	if (!l->rtp_port)
		return -EINVAL;
	buf_printf(b, "m=audio %u RTP/%s %u", l->refused ? 0u : l->rtp_port,
		   l->srtp ? "SAVP" : "AVP", l->pt);
	if (l->dtmf)
		buf_printf(b, " %u", DTMF_PT);
	buf_printf(b, "\r\na=rtpmap:%u %s/%s\r\n", l->pt, l->codec,
		   opus ? "48000/2" : "8000");
	if (l->dtmf)
		buf_printf(b,
			   "a=rtpmap:%u telephone-event/%s\r\n"
			   "a=fmtp:%u 0-15\r\n",
			   DTMF_PT, opus ? "48000" : "8000", DTMF_PT);
	buf_puts(b, "a=ptime:20\r\n");
	if (l->label[0])
		buf_printf(b, "a=label:%s\r\n", l->label);
	print_rtcp(b, l->rtp_port, l->rtcp_port, false);
	if (l->srtp) /* errors stick */
		(void)sdes_print(b, OFFER_SRTP_TAG, l->srtp);
	buf_printf(b, "a=%s\r\n", sdp_dir_name(l->dir));
	return 0;
}

int offer_print(const struct offer_line *lines, unsigned n,
		struct answer_origin *o, struct buf *out)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	int r;

	buf_init(&text, SDP_TEXT_MAX);
	buf_puts(&text, "t=0 0\r\n");
	for (unsigned i = 0; i < n; i++) {
		r = print_offer_line(&text, &lines[i]);
		if (r < 0)
			return r;
	}
	return print_whole(o, &text, out);
}
