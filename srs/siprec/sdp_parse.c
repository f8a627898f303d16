/* Line by line; what stands before the first m= belongs to the session. A
 * line that cannot be read is passed over, except m= lines: they keep their
 * place (with port 0), because an answer must have as many.
 *
 * Session level c= and direction are copied into the lines at the end, so
 * that users look at one place only.
 */
#include "srs/siprec/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "srs/siprec/warn.h"

struct parser {
	struct sdp *s;
	struct sdp_line *line; /* the current m-line, NULL = session level */
	struct warn_list *wl;
	bool session_crypto;
	bool seen_version;
};

/* RFC 3551 tables 4 and 5 */
static const struct sdp_pt static_pts[] = {
	{ .pt = 0, .channels = 1, .rate_hz = 8000, .codec = "PCMU" },
	{ .pt = 2, .channels = 1, .rate_hz = 8000, .codec = "G726-32" },
	{ .pt = 3, .channels = 1, .rate_hz = 8000, .codec = "GSM" },
	{ .pt = 4, .channels = 1, .rate_hz = 8000, .codec = "G723" },
	{ .pt = 5, .channels = 1, .rate_hz = 8000, .codec = "DVI4" },
	{ .pt = 6, .channels = 1, .rate_hz = 16000, .codec = "DVI4" },
	{ .pt = 7, .channels = 1, .rate_hz = 8000, .codec = "LPC" },
	{ .pt = 8, .channels = 1, .rate_hz = 8000, .codec = "PCMA" },
	{ .pt = 9, .channels = 1, .rate_hz = 8000, .codec = "G722" },
	{ .pt = 10, .channels = 2, .rate_hz = 44100, .codec = "L16" },
	{ .pt = 11, .channels = 1, .rate_hz = 44100, .codec = "L16" },
	{ .pt = 12, .channels = 1, .rate_hz = 8000, .codec = "QCELP" },
	{ .pt = 13, .channels = 1, .rate_hz = 8000, .codec = "CN" },
	{ .pt = 14, .channels = 1, .rate_hz = 90000, .codec = "MPA" },
	{ .pt = 15, .channels = 1, .rate_hz = 8000, .codec = "G728" },
	{ .pt = 16, .channels = 1, .rate_hz = 11025, .codec = "DVI4" },
	{ .pt = 17, .channels = 1, .rate_hz = 22050, .codec = "DVI4" },
	{ .pt = 18, .channels = 1, .rate_hz = 8000, .codec = "G729" },
	/* 19 was comfort noise in drafts and still is in products */
	{ .pt = 19, .channels = 1, .rate_hz = 8000, .codec = "CN" },
	{ .pt = 26, .channels = 1, .rate_hz = 90000, .codec = "JPEG" },
	{ .pt = 31, .channels = 1, .rate_hz = 90000, .codec = "H261" },
	{ .pt = 32, .channels = 1, .rate_hz = 90000, .codec = "MPV" },
	{ .pt = 34, .channels = 1, .rate_hz = 90000, .codec = "H263" },
};

static const char *const codec_names[] = {
	"PCMU", "PCMA",	   "opus",    "G722",	 "telephone-event",
	"CN",	"G729",	   "G726-16", "G726-24", "G726-32",
	"GSM",	"G726-40", "G723",    "iLBC",	 "AMR",
	"L16",	"AMR-WB",  "speex",   "EVS",	 "G7221",
	"H264", "H265",	   "VP8",     "VP9",	 "AV1",
	"H263", "rtx",	   "red",     "ulpfec",	 "t140",
	"H261", "MPV",	   "JPEG",    "MPA",	 "H263-1998",
};

/* Annexes that change nothing in how a payload is read. */
static const char *const g729_names[] = { "G729A", "G729B", "G729AB" };

/* ---- small words ---- */

static struct span next_word(struct span *s)
{
	struct span w;

	while (s->len && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->len--;
	}
	w = (struct span){ s->p, 0 };
	while (w.len < s->len && s->p[w.len] != ' ' && s->p[w.len] != '\t')
		w.len++;
	s->p += w.len;
	s->len -= w.len;
	return w;
}

/* Leading digits of s, moved behind them. @return false: none, or > max */
static bool take_number(struct span *s, uint64_t max, uint64_t *ret)
{
	struct span d = { s->p, 0 };

	while (d.len < s->len && d.p[d.len] >= '0' && d.p[d.len] <= '9')
		d.len++;
	if (span_u64(d, max, ret) < 0)
		return false;
	s->p += d.len;
	s->len -= d.len;
	return true;
}

static bool copy_clean(char *dst, size_t dst_len, struct span src)
{
	const char *nul = src.len ? memchr(src.p, 0, src.len) : NULL;
	bool whole;

	if (nul)
		src.len = (size_t)(nul - src.p);
	src = span_trim(src);
	whole = src.len < dst_len;
	if (!whole)
		src.len = dst_len - 1;
	span_copy(dst, dst_len, span_trim(src)); /* no blank at the cut */
	str_clean(dst);
	return whole;
}

void sdp_codec_name(char *dst, size_t dst_len, struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codec_names); i++) {
		if (span_ieq(name, codec_names[i])) {
			str_copy(dst, dst_len, codec_names[i]);
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(g729_names); i++) {
		if (span_ieq(name, g729_names[i])) {
			str_copy(dst, dst_len, "G729");
			return;
		}
	}
	copy_clean(dst, dst_len, name);
}

static const char *const dir_names[] = {
	[SDP_DIR_UNSET] = "sendrecv", [SDP_SENDRECV] = "sendrecv",
	[SDP_SENDONLY] = "sendonly",  [SDP_RECVONLY] = "recvonly",
	[SDP_INACTIVE] = "inactive",
};

const char *sdp_dir_name(enum sdp_dir dir)
{
	return dir_names[dir];
}

bool sdp_dir_sends(enum sdp_dir dir)
{
	return dir == SDP_DIR_UNSET || dir == SDP_SENDRECV ||
	       dir == SDP_SENDONLY;
}

static bool dir_by_name(struct span word, enum sdp_dir *ret)
{
	for (enum sdp_dir d = SDP_SENDRECV; d <= SDP_INACTIVE; d++) {
		if (span_ieq(word, dir_names[d])) {
			*ret = d;
			return true;
		}
	}
	return false;
}

/* ---- o= s= c= ---- */

static void parse_origin(struct sdp *s, struct span v)
{
	uint64_t n;

	copy_clean(s->origin_user, sizeof(s->origin_user), next_word(&v));
	if (!span_u64(next_word(&v), UINT64_MAX, &n))
		s->origin_id = n;
	if (!span_u64(next_word(&v), UINT64_MAX, &n))
		s->origin_version = n;
	(void)next_word(&v); /* IN */
	(void)next_word(&v); /* IP4 */
	copy_clean(s->origin_addr, sizeof(s->origin_addr), next_word(&v));
}

static void parse_time(struct sdp *s, struct span v)
{
	uint64_t starts, ends;

	if (span_u64(next_word(&v), UINT64_MAX, &starts) ||
	    span_u64(next_word(&v), UINT64_MAX, &ends))
		return; /* as if it were not there */
	s->starts = starts;
	s->ends = ends;
}

/* "IN IP4 192.0.2.1/127", also with "IN" or the family left out. */
static void parse_connection(struct parser *ps, struct span v)
{
	char *dst = ps->line ? ps->line->addr : ps->s->addr;
	struct span last = { 0 }, w;

	for (w = next_word(&v); w.len; w = next_word(&v))
		last = w;
	last = span_cut(&last, '/');
	if (!last.len || span_ieq(last, "IN") || span_istarts(last, "IP4") ||
	    span_istarts(last, "IP6")) {
		warn_add(ps->wl, "sdp.bad_connection", WARN_WARNING,
			 "a c= line has no address");
		return;
	}
	if (!*dst)
		copy_clean(dst, SDP_ADDR_MAX, last);
}

/* ---- m= ---- */

static enum sdp_media media_by_word(struct span w)
{
	if (span_ieq(w, "audio"))
		return SDP_AUDIO;
	if (span_ieq(w, "video"))
		return SDP_VIDEO;
	if (span_ieq(w, "text"))
		return SDP_TEXT;
	return SDP_OTHER;
}

static enum sdp_proto proto_by_word(struct span w)
{
	static const struct {
		const char *word;
		enum sdp_proto proto;
	} words[] = {
		{ "RTP/AVP", SDP_AVP },
		{ "RTP/AVPF", SDP_AVPF },
		{ "RTP/SAVP", SDP_SAVP },
		{ "RTP/SAVPF", SDP_SAVPF },
		{ "UDP/TLS/RTP/SAVP", SDP_DTLS },
		{ "UDP/TLS/RTP/SAVPF", SDP_DTLS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_ieq(w, words[i].word))
			return words[i].proto;
	}
	return SDP_PROTO_OTHER;
}

static struct sdp_pt *find_pt(struct sdp_line *l, uint8_t pt)
{
	for (unsigned i = 0; i < l->n_pts; i++) {
		if (l->pts[i].pt == pt)
			return &l->pts[i];
	}
	return NULL;
}

static void add_pt(struct parser *ps, uint8_t number)
{
	struct sdp_line *l = ps->line;
	struct sdp_pt *pt;

	if (find_pt(l, number))
		return;
	if (l->n_pts == SDP_PTS_MAX) {
		warn_add(ps->wl, "sdp.too_many_payload_types", WARN_WARNING,
			 "m-line %u: only the first %d are read",
			 ps->s->n_lines, SDP_PTS_MAX);
		return;
	}
	pt = &l->pts[l->n_pts++];
	pt->pt = number;
	pt->channels = 1;
	for (size_t i = 0; i < ARRAY_SIZE(static_pts); i++) {
		if (static_pts[i].pt == number)
			*pt = static_pts[i];
	}
}

static void parse_formats(struct parser *ps, struct span v)
{
	struct sdp_line *l = ps->line;
	size_t used = 0;
	struct span w;
	uint64_t n;

	for (w = next_word(&v); w.len; w = next_word(&v)) {
		if (used + w.len + 2 <= sizeof(l->formats)) {
			if (used)
				l->formats[used++] = ' ';
			memcpy(l->formats + used, w.p, w.len);
			used += w.len;
			l->formats[used] = '\0';
		}
		if (l->proto != SDP_PROTO_OTHER && !span_u64(w, 127, &n))
			add_pt(ps, (uint8_t)n);
	}
	str_clean(l->formats);
}

static void parse_port(struct parser *ps, struct span w)
{
	uint64_t port;

	w = span_cut(&w, '/'); /* "5004/2": a range of ports */
	if (span_u64(w, 65535, &port) < 0) {
		warn_add(ps->wl, "sdp.bad_port", WARN_ERROR,
			 "m-line %u has no usable port", ps->s->n_lines);
		port = 0;
	}
	ps->line->port = (uint16_t)port;
}

static int parse_media(struct parser *ps, struct span v)
{
	struct sdp *s = ps->s;
	struct sdp_line *l;
	struct span word, proto;

	if (s->n_lines == SDP_LINES_MAX)
		return -E2BIG;
	l = mem_zalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	s->lines[s->n_lines++] = l;
	ps->line = l;
	word = next_word(&v);
	l->media = media_by_word(word);
	copy_clean(l->media_word, sizeof(l->media_word), word);
	parse_port(ps, next_word(&v));
	proto = next_word(&v);
	l->proto = proto_by_word(proto);
	copy_clean(l->proto_word, sizeof(l->proto_word), proto);
	parse_formats(ps, v);
	/* something must stand in the answer's m-line */
	if (!l->media_word[0])
		str_copy(l->media_word, sizeof(l->media_word), "audio");
	if (!l->proto_word[0])
		str_copy(l->proto_word, sizeof(l->proto_word), "RTP/AVP");
	if (!l->formats[0])
		str_copy(l->formats, sizeof(l->formats), "0");
	return 0;
}

/* ---- a= ---- */

static void attr_rtpmap(struct parser *ps, struct span v)
{
	struct sdp_pt *pt;
	struct span name;
	uint64_t n;

	v = span_trim(v);
	if (!ps->line || !take_number(&v, 127, &n))
		return;
	pt = find_pt(ps->line, (uint8_t)n);
	if (!pt)
		return;
	name = span_trim(span_cut(&v, '/'));
	if (!name.len)
		return;
	sdp_codec_name(pt->codec, sizeof(pt->codec), name);
	v = span_trim(v);
	if (take_number(&v, 1000000, &n))
		pt->rate_hz = (uint32_t)n;
	v = span_trim(v);
	pt->channels = 1;
	if (v.len && *v.p == '/') {
		v.p++;
		v.len--;
		v = span_trim(v);
		if (take_number(&v, 255, &n) && n)
			pt->channels = (uint8_t)n;
	}
}

static void attr_fmtp(struct parser *ps, struct span v)
{
	struct sdp_pt *pt;
	uint64_t n;

	v = span_trim(v);
	if (!ps->line || !take_number(&v, 127, &n))
		return;
	pt = find_pt(ps->line, (uint8_t)n);
	if (pt && !pt->fmtp[0])
		copy_clean(pt->fmtp, sizeof(pt->fmtp), span_trim(v));
}

static void attr_label(struct parser *ps, struct span v)
{
	if (!ps->line || ps->line->label[0])
		return;
	if (!copy_clean(ps->line->label, sizeof(ps->line->label), span_trim(v)))
		warn_add(ps->wl, "sdp.label_too_long", WARN_WARNING,
			 "m-line %u: the label is cut", ps->s->n_lines);
}

/* "53020 IN IP4 126.16.64.4" (RFC 3605) */
static void attr_rtcp(struct parser *ps, struct span v)
{
	uint64_t port;
	struct span last = { 0 }, w;

	if (!ps->line || span_u64(next_word(&v), 65535, &port) < 0)
		return;
	ps->line->rtcp_port = (uint16_t)port;
	for (w = next_word(&v); w.len; w = next_word(&v))
		last = w;
	if (last.len)
		copy_clean(ps->line->rtcp_addr, sizeof(ps->line->rtcp_addr),
			   last);
}

static void attr_rtcp_mux(struct parser *ps, struct span v)
{
	(void)v;
	if (ps->line)
		ps->line->rtcp_mux = true;
}

static void attr_keys(struct parser *ps, struct span v)
{
	(void)v;
	if (ps->line)
		ps->line->has_crypto = true;
	else
		ps->session_crypto = true;
}

/* The first line that can be used is the one that counts: the offerer's most
 * preferred (RFC 4568 section 5.1.2). */
static void attr_crypto(struct parser *ps, struct span v)
{
	struct sdp_line *l = ps->line;

	attr_keys(ps, v);
	if (!l)
		return; /* media level only */
	l->n_crypto += l->n_crypto < UINT8_MAX;
	if (l->sdes.params.suite == SRTP_CLEAR)
		(void)sdes_read(v, &l->sdes); /* the answer tells */
}

static void attr_ptime(struct parser *ps, struct span v)
{
	uint64_t n;

	v = span_trim(v);
	if (ps->line && take_number(&v, 1000, &n))
		ps->line->ptime_ms = (uint16_t)n;
}

static void attr_mid(struct parser *ps, struct span v)
{
	if (ps->line)
		copy_clean(ps->line->mid, sizeof(ps->line->mid), span_trim(v));
}

static void attr_content(struct parser *ps, struct span v)
{
	if (ps->line)
		copy_clean(ps->line->content, sizeof(ps->line->content),
			   span_trim(v));
}

/* The comedia drafts' a=direction:both|active|passive says who opens a
 * connection; some products write a media direction there. */
static void attr_direction(struct parser *ps, struct span v)
{
	enum sdp_dir *dst = ps->line ? &ps->line->dir : &ps->s->dir;

	(void)dir_by_name(span_trim(v), dst);
}

static const char *const record_names[] = {
	[SDP_RECORD_UNSET] = "",
	[SDP_RECORD_ON] = "on",
	[SDP_RECORD_OFF] = "off",
	[SDP_RECORD_PAUSED] = "paused",
};
static const char *const pref_names[] = {
	[SDP_PREF_UNSET] = "",
	[SDP_PREF_ON] = "on",
	[SDP_PREF_OFF] = "off",
	[SDP_PREF_PAUSE] = "pause",
	[SDP_PREF_NONE] = "nopreference",
};

const char *sdp_record_name(enum sdp_record v)
{
	return record_names[v];
}

const char *sdp_pref_name(enum sdp_pref v)
{
	return pref_names[v];
}

/* What cannot be read is as if it had not been said. */
static void attr_record(struct parser *ps, struct span v)
{
	enum sdp_record *dst = ps->line ? &ps->line->record : &ps->s->record;

	v = span_trim(v);
	for (size_t i = 1; i < ARRAY_SIZE(record_names); i++)
		if (span_ieq(v, record_names[i]))
			*dst = (enum sdp_record)i;
}

static void attr_pref(struct parser *ps, struct span v)
{
	enum sdp_pref *dst = ps->line ? &ps->line->pref : &ps->s->pref;

	v = span_trim(v);
	for (size_t i = 1; i < ARRAY_SIZE(pref_names); i++)
		if (span_ieq(v, pref_names[i]))
			*dst = (enum sdp_pref)i;
}

static const struct {
	const char *name;
	void (*parse)(struct parser *ps, struct span value);
} attributes[] = {
	{ "record", attr_record },
	{ "recordpref", attr_pref },
	{ "rtpmap", attr_rtpmap },
	{ "fmtp", attr_fmtp },
	{ "label", attr_label },
	{ "rtcp", attr_rtcp },
	{ "rtcp-mux", attr_rtcp_mux },
	{ "crypto", attr_crypto },
	{ "fingerprint", attr_keys },
	{ "ptime", attr_ptime },
	{ "mid", attr_mid },
	{ "content", attr_content },
	{ "direction", attr_direction },
};

static void parse_attribute(struct parser *ps, struct span v)
{
	struct span name = span_trim(span_cut(&v, ':'));

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (span_ieq(name, attributes[i].name)) {
			attributes[i].parse(ps, v);
			return;
		}
	}
	(void)dir_by_name(name, ps->line ? &ps->line->dir : &ps->s->dir);
}

/* ---- the whole ---- */

static int parse_line(struct parser *ps, struct span line)
{
	struct span v;

	line = span_trim(line);
	if (line.len < 2 || line.p[1] != '=')
		return 0;
	v = (struct span){ line.p + 2, line.len - 2 };
	switch (line.p[0]) {
	case 'v':
	case 'V':
		ps->seen_version = true;
		return 0;
	case 'o':
		parse_origin(ps->s, v);
		return 0;
	case 's':
		copy_clean(ps->s->name, sizeof(ps->s->name), v);
		return 0;
	case 'c':
		parse_connection(ps, v);
		return 0;
	case 't':
		parse_time(ps->s, v);
		return 0;
	case 'm':
		return parse_media(ps, v);
	case 'a':
		parse_attribute(ps, v);
		return 0;
	default:
		return 0; /* i= u= e= p= b= t= r= z= k=: nothing for us */
	}
}

static bool addr_is_any(const char *addr)
{
	return !strcmp(addr, "0.0.0.0") || !strcmp(addr, "::");
}

/* Session values into lines that have none of their own. */
static void inherit(struct parser *ps)
{
	struct sdp *s = ps->s;

	for (unsigned i = 0; i < s->n_lines; i++) {
		struct sdp_line *l = s->lines[i];

		if (l->dir == SDP_DIR_UNSET)
			l->dir = s->dir;
		if (l->record == SDP_RECORD_UNSET)
			l->record = s->record;
		if (l->pref == SDP_PREF_UNSET)
			l->pref = s->pref;
		if (!l->addr[0])
			str_copy(l->addr, sizeof(l->addr), s->addr);
		l->has_crypto |= ps->session_crypto;
		l->on_hold = addr_is_any(l->addr);
		if (!l->addr[0] && l->port)
			warn_add(ps->wl, "sdp.no_connection", WARN_WARNING,
				 "m-line %u has no c= line; media is taken "
				 "from wherever it comes",
				 i + 1);
	}
}

int sdp_read(struct span text, struct warn_list *wl, struct sdp **ret_sdp)
{
	struct sdp *s CLEANUP(sdp_destroy) = NULL;
	struct parser ps = { .wl = wl };
	struct cursor c;
	struct span line;
	int r;

	if (text.len > SDP_TEXT_MAX)
		return -E2BIG;
	s = mem_zalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	ps.s = s;
	cur_init(&c, text.p, text.len);
	while (cur_line(&c, &line)) {
		r = parse_line(&ps, line);
		if (r == -E2BIG) {
			warn_add(wl, "sdp.too_many_lines", WARN_ERROR,
				 "only the first %d m-lines are read",
				 SDP_LINES_MAX);
			break;
		}
		if (r < 0)
			return r;
	}
	if (!ps.seen_version && !s->n_lines)
		return -EBADMSG;
	if (!ps.seen_version)
		warn_add(wl, "sdp.no_version", WARN_INFO, "no v= line");
	inherit(&ps);
	*ret_sdp = STEAL(s);
	return 0;
}

void sdp_destroy(struct sdp **sp)
{
	struct sdp *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	for (unsigned i = 0; i < s->n_lines; i++) {
		explicit_bzero(&s->lines[i]->sdes, sizeof(s->lines[i]->sdes));
		mem_free(s->lines[i]);
	}
	mem_free(s);
}

/* ---- questions ---- */

/* A literal address and a port. @return false: not a literal */
static bool make_addr(const char *addr, uint16_t port,
		      struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return true;
	}
	memset(ret, 0, sizeof(*ret));
	return false;
}

void sdp_line_remote(const struct sdp_line *l, struct sockaddr_storage *ret_rtp,
		     struct sockaddr_storage *ret_rtcp)
{
	const char *addr = l->rtcp_addr[0] ? l->rtcp_addr : l->addr;
	uint16_t port = l->rtcp_port;

	memset(ret_rtp, 0, sizeof(*ret_rtp));
	memset(ret_rtcp, 0, sizeof(*ret_rtcp));
	if (!l->port || l->on_hold || !make_addr(l->addr, l->port, ret_rtp))
		return;
	if (!port)
		port = l->rtcp_mux ? l->port : (uint16_t)(l->port + 1);
	if (!port || !make_addr(addr, port, ret_rtcp) || addr_is_any(addr))
		memset(ret_rtcp, 0, sizeof(*ret_rtcp));
}

bool sdp_line_is_srtp(const struct sdp_line *l)
{
	return l->proto == SDP_SAVP || l->proto == SDP_SAVPF;
}

const struct sdp_line *sdp_find_label(const struct sdp *s, const char *label)
{
	if (!label || !*label)
		return NULL;
	for (unsigned i = 0; i < s->n_lines; i++) {
		if (!strcmp(s->lines[i]->label, label))
			return s->lines[i];
	}
	return NULL;
}
