/* Reads what a request carries into plain structs: body, credentials, people,
 * and the facts that the gate judges. Nothing in here says no.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/codec_list.h"
#include "srs/session/session.h"
#include "srs/sip/json_text.h"
#include "srs/siprec/sdp.h"
#include "storage/calls.h"

static void read_credentials(struct intake *in, struct ua_request *req)
{
	unsigned n = 0;

	while (n < ARRAY_SIZE(in->credentials)) {
		struct span v = ua_request_field(req, "Authorization", n);

		if (v.len == 0)
			break;
		in->credentials[n++] = v;
	}
	in->bearer_result =
		bearer_parse(in->credentials, n, BEARER_FORMS_ALL, &in->bearer);
	if (req->bad_credentials && in->bearer_result == BEARER_NONE) {
		in->bearer_result = BEARER_MALFORMED;
		in->bearer.why = "Authorization can't be read";
	}
}

#define AWARE "record-aware"

void intake_read(struct sip_server *sv, struct ua_request *req)
{
	struct intake *in = sv->in;

	memset(&in->body, 0, sizeof(in->body));
	memset(&in->warnings, 0, sizeof(in->warnings));
	in->wish = NULL;
	in->aware = sip_fields_lists(&req->fields, "Supported", AWARE) ||
		    sip_fields_lists(&req->fields, "Require", AWARE);
	in->sdp_error = in->md_error = 0;
	read_credentials(in, req);
	body_read(req->content_type, req->body, &in->warnings, &in->body);
	if (in->body.has_sdp)
		in->sdp_error = sdp_read(in->body.sdp, &in->warnings, &in->sdp);
	if (in->body.has_metadata)
		in->md_error = metadata_parse(in->body.metadata, &in->warnings,
					      &in->md);
	trunk_find_strict_error(sv, in);
}

void intake_fini(struct sip_server *sv)
{
	sdp_destroy(&sv->in->sdp);
	metadata_destroy(&sv->in->md);
	mem_free(sv->in->wish);
	sv->in->wish = NULL;
	sv->in->aware = false;
}

bool intake_is_siprec(struct ua_request *req, const struct body *b)
{
	struct span contact;

	if (b->has_metadata ||
	    sip_fields_lists(&req->fields, "Require", "siprec") ||
	    sip_fields_lists(&req->fields, "Supported", "siprec"))
		return true;
	for (unsigned i = 0;
	     sip_fields_get(&req->fields, "Contact", i, &contact); i++) {
		if (sip_param_get(contact, "+sip.src", NULL) ||
		    sip_param_get(contact, "src", NULL))
			return true;
	}
	return false;
}

#define CISCO_PARTIES_MAX 16

/* @param line the m-line that this one sends, from 0; -1 = not said */
static void put_cisco(struct metadata *md, unsigned n, struct span uri,
		      int line)
{
	char aor[256], id[288], stream[24], label[METADATA_LINE_LABEL_MAX];

	uri = span_trim(uri);
	if (uri.len > 2 && uri.p[0] == '<') {
		uri.p++;
		uri.len -= uri.p[uri.len - 2] == '>' ? 2 : 1;
	}
	(void)span_copy(aor, sizeof(aor), uri);
	str_clean(aor);
	/* the same person in every request, wherever the header stands */
	(void)snprintf(id, sizeof(id), "cisco:%s", aor);
	if (metadata_find_participant(md, id) >= 0)
		(void)snprintf(id, sizeof(id), "cisco-%u", n);
	if (metadata_add_participant(md, id, aor, NULL) < 0 || line < 0)
		return;
	(void)snprintf(stream, sizeof(stream), "cisco-m%d", line);
	metadata_line_label((unsigned)line, label);
	if (metadata_add_stream(md, stream, label, NULL) >= 0)
		(void)metadata_add_link(md, MD_SEND, id, stream, NULL);
}

/* CUBE's network-based form: sip:...;media-index="0", one for each party. The
 * index is the m-line; people are listed in its order. */
static unsigned cisco_people(struct ua_request *req, struct metadata *md)
{
	struct span uris[CISCO_PARTIES_MAX], v;
	uint32_t index[CISCO_PARTIES_MAX];
	bool said[CISCO_PARTIES_MAX];
	unsigned n = 0;

	while (n < CISCO_PARTIES_MAX &&
	       (v = ua_request_field(req, "X-Cisco-Recording-Participant", n))
			       .len > 0) {
		struct span number;

		index[n] = n;
		said[n] = sip_param_get(v, "media-index", &number) &&
			  sip_leading_u32(number, &index[n]) == 0;
		uris[n++] = span_cut(&v, ';');
	}
	for (uint32_t at = 0; at < CISCO_PARTIES_MAX; at++) {
		for (unsigned i = 0; i < n; i++) {
			if (index[i] == at)
				put_cisco(md, i, uris[i],
					  said[i] ? (int)at : -1);
		}
	}
	return md->n_participants;
}

static int add_party(struct metadata *md, const char *id, const char *uri,
		     const char *name)
{
	char aor[256], display[256];
	int r;

	(void)str_copy(aor, sizeof(aor), uri);
	(void)str_copy(display, sizeof(display), name);
	str_clean(aor);
	str_clean(display);
	r = metadata_add_participant(md, id, aor, display[0] ? display : NULL);
	return r < 0 ? r : 0;
}

/* @return 0 or -ENOMEM; sends: this one is heard in the dialog's only line */
static int add_end(struct metadata *md, const char *id, const char *uri,
		   const char *name, bool sends)
{
	char label[METADATA_LINE_LABEL_MAX];
	int r = add_party(md, id, uri, name);

	if (r < 0 || !sends)
		return r;
	metadata_line_label(0, label);
	r = metadata_add_stream(md, "cucm-m0", label, NULL);
	if (r >= 0)
		r = metadata_add_link(md, MD_SEND, id, "cucm-m0", NULL);
	return r < 0 ? r : 0;
}

/* "1001" is the end of "+442079461001" and the same number as it. */
#define SUFFIX_MIN 4u

static bool is_end_of(struct span number, struct span tail)
{
	return tail.len >= SUFFIX_MIN && number.len > tail.len &&
	       memcmp(number.p + number.len - tail.len, tail.p, tail.len) == 0;
}

static bool is_same_number(struct span a, struct span b)
{
	bool same = a.len == b.len && memcmp(a.p, b.p, a.len) == 0;

	return a.len && b.len && (same || is_end_of(a, b) || is_end_of(b, a));
}

/* "sip:addr@host", of the host that From has; a whole URI as it is. */
static void put_addr(char *dst, size_t dst_len, struct span addr,
		     struct span host)
{
	if (span_find(addr, ':') >= 0)
		(void)span_copy(dst, dst_len, addr);
	else if (span_find(addr, '@') >= 0)
		(void)snprintf(dst, dst_len, "sip:%.*s", SPAN_ARG(addr));
	else
		(void)snprintf(dst, dst_len, "sip:%.*s@%.*s", SPAN_ARG(addr),
			       SPAN_ARG(host));
}

/* What From and its parameters say of the two ends. */
struct cucm_ends {
	char near[256], far[256]; /* URIs; far "": not told */
	const char *near_name, *far_name;
	bool is_far; /* the far end is heard in this dialog */
};

/* From has the phone in both dialogs, with some the far end in the far end's:
 * then only x-nearendaddr says who the phone is. */
static void find_ends(struct ua_request *req, struct span from,
		      struct cucm_ends *ret_e)
{
	struct span near = { "", 0 }, far = { "", 0 };
	struct span user = span_of(req->from_uri), host, uri;
	bool says_far;

	uri = host = span_cut(&user, ';');
	user = span_cut(&host, '@');
	if (span_find(user, ':') >= 0)
		(void)span_cut(&user, ':');
	if (host.len == 0)
		host = user;
	(void)sip_param_get(from, "x-nearendaddr", &near);
	(void)sip_param_get(from, "x-farendaddr", &far);
	ret_e->is_far = sip_param_get(from, "x-farend", NULL);
	says_far = ret_e->is_far && near.len && is_same_number(user, far) &&
		   !is_same_number(user, near);
	if (says_far)
		put_addr(ret_e->near, sizeof(ret_e->near), near, host);
	else
		(void)span_copy(ret_e->near, sizeof(ret_e->near), uri);
	ret_e->near_name = says_far ? "" : req->from_display;
	ret_e->far_name = says_far ? req->from_display : "";
	ret_e->far[0] = '\0';
	if (far.len)
		put_addr(ret_e->far, sizeof(ret_e->far), far, host);
}

#define WITHHELD "sip:anonymous@anonymous.invalid" /* RFC 3323 section 4.1 */

/* CUCM's phones record by a dialog for each end of the call, in which only
 * that end is heard. Both dialogs say in the parameters of From who the ends
 * are: the near end is the phone itself, and stays; the far end is somebody
 * else after a transfer. Both take part in the call. */
static int cucm_people(struct ua_request *req, struct metadata *md)
{
	struct span from = ua_request_field(req, "From", 0);
	struct cucm_ends e;
	char id[sizeof(CALL_FAR_END) + sizeof(e.far)];
	int r;

	if (!sip_param_get(from, "x-refci", NULL))
		return 0;
	find_ends(req, from, &e);
	r = add_end(md, CALL_NEAR_END, e.near, e.near_name, !e.is_far);
	if (r < 0 || (!e.far[0] && !e.is_far))
		return r;
	(void)snprintf(id, sizeof(id), CALL_FAR_END "%s%s", e.far[0] ? ":" : "",
		       e.far);
	str_clean(id);
	return add_end(md, id, e.far[0] ? e.far : WITHHELD, e.far_name,
		       e.is_far);
}

int intake_named_anew(struct sip_server *sv, struct ua_request *req)
{
	struct metadata *md = NULL;
	int r;

	if (sv->in->md)
		return 0; /* the description says more */
	r = metadata_create(&md);
	if (r == 0 && cisco_people(req, md) == 0)
		r = cucm_people(req, md);
	if (r == 0 && md->n_participants > 0)
		sv->in->md = STEAL(md);
	metadata_destroy(&md);
	return r;
}

int intake_people(struct sip_server *sv, struct ua_request *req,
		  struct metadata *md, bool *ret_known)
{
	int r;

	if (cisco_people(req, md) == 0) {
		r = cucm_people(req, md);
		if (r < 0)
			return r;
	}
	*ret_known = md->n_participants > 0;
	if (*ret_known)
		return 0;
	/* From and To of a recording session name the recorders, not the
	 * people; of a plain call they are all there is. */
	if (intake_is_siprec(req, &sv->in->body))
		return 0;
	r = add_party(md, "from", req->from_uri, req->from_display);
	if (r == 0)
		r = add_party(md, "to", req->to_uri, req->to_display);
	*ret_known = r == 0;
	return r;
}

/* ---- facts ---- */

static bool is_recordable(const struct sdp_line *l, const struct sdp_pt *pt)
{
	if (l->media == SDP_TEXT)
		return str_ieq(pt->codec, "t140") || str_ieq(pt->codec, "red");
	return l->media == SDP_AUDIO &&
	       codec_list_has(pt->codec, pt->rate_hz, pt->channels);
}

static void fill_stream(struct call_stream *st, const struct sdp_line *l)
{
	memset(st, 0, sizeof(*st));
	st->kind = l->media == SDP_AUDIO   ? COND_AUDIO
		   : l->media == SDP_VIDEO ? COND_VIDEO
		   : l->media == SDP_TEXT  ? COND_TEXT
					   : COND_OTHER;
	st->offered = l->port != 0;
	st->srtp = l->proto == SDP_SAVP || l->proto == SDP_SAVPF ||
		   l->proto == SDP_DTLS;
	st->n_codecs = l->n_pts < CALL_CODECS_MAX ? l->n_pts : CALL_CODECS_MAX;
	for (unsigned i = 0; i < st->n_codecs; i++) {
		const struct sdp_pt *pt = &l->pts[i];

		codec_name_set(&st->codecs[i], pt->codec, pt->rate_hz,
			       pt->channels);
		if (is_recordable(l, pt))
			st->recordable |= 1u << i;
	}
}

/* The newest description's words; the judge finds the participant. */
static void fill_who(struct call_who *w, const struct metadata *md)
{
	*w = (struct call_who){ .user = md->user };
	w->side = md->user_side == MD_SIDE_CALLED	? CALL_SIDE_CALLED
		  : md->user_side == MD_SIDE_WAS_CALLED ? CALL_SIDE_WAS_CALLED
							: CALL_SIDE_UNKNOWN;
	for (unsigned i = 0; i < md->n_extras; i++) {
		const struct md_extra *e = &md->extras[i];

		if (str_eq(e->name, "caller") &&
		    w->n_callers < CALL_PARTIES_MAX)
			w->callers[w->n_callers++] = e->value;
		else if (str_eq(e->name, "callee") &&
			 w->n_callees < CALL_PARTIES_MAX)
			w->callees[w->n_callees++] = e->value;
	}
}

static void fill_people(struct intake *in, const struct metadata *md)
{
	struct call_facts *f = &in->facts;

	f->people = in->people;
	f->n_people = 0;
	f->caller = -1;
	for (unsigned i = 0; i < md->n_participants; i++) {
		const struct md_participant *p = &md->participants[i];
		struct identity *id = &in->people[f->n_people];

		if (p->left)
			continue;
		memset(id, 0, sizeof(*id)); /* counts without an identity */
		for (unsigned k = 0; k < p->n_aors; k++) {
			if (identity_parse(p->aors[k], id) == 0)
				break;
		}
		f->n_people++;
	}
	fill_who(&f->who, md);
}

static bool is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	return ss->ss_family == AF_INET6
		       ? IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)
		       : ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

static void fill_peer(struct intake *in, const struct ua_request *req)
{
	struct gate_peer *p = &in->gate.peer;
	const struct sockaddr_in *a4 = (const void *)&req->source;
	const struct sockaddr_in6 *a6 = (const void *)&req->source;

	p->transport = req->transport == UA_TLS	  ? GATE_TLS
		       : req->transport == UA_TCP ? GATE_TCP
						  : GATE_UDP;
	in->address[0] = '\0';
	if (req->source.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &a6->sin6_addr, in->address,
			  sizeof(in->address));
	else
		inet_ntop(AF_INET, &a4->sin_addr, in->address,
			  sizeof(in->address));
	p->address = in->address;
	p->loopback = is_loopback(&req->source);
	p->n_tls_names = 0;
	for (unsigned i = 0;
	     req->tls_verified && i < req->n_subjects && i < GATE_TLS_NAMES_MAX;
	     i++)
		p->tls_names[p->n_tls_names++] = req->subjects[i];
	p->tls_sha256 = req->cert_sha256;
}

void intake_sender(struct sip_server *sv, struct ua_request *req)
{
	struct intake *in = sv->in;

	memset(&in->gate, 0, sizeof(in->gate));
	read_credentials(in, req);
	in->gate.method = req->method_name;
	in->gate.call_id = req->call_id;
	in->gate.bearer_result = in->bearer_result;
	in->gate.bearer = in->bearer;
	fill_peer(in, req);
}

/* Are the parties told that they are recorded? Said by a=record:on-aware
 * clients nowhere yet; the header is what deployed clients send. */
static enum call_told told(struct ua_request *req)
{
	struct span v;

	if (!req)
		return CALL_TOLD_UNKNOWN;
	v = ua_request_field(req, "X-Recording-Announced", 0);
	if (span_ieq(v, "yes") || span_ieq(v, "true"))
		return CALL_TOLD_YES;
	if (span_ieq(v, "no") || span_ieq(v, "false"))
		return CALL_TOLD_NO;
	return CALL_TOLD_UNKNOWN;
}

void intake_facts(struct sip_server *sv, struct ua_request *req,
		  const struct sdp *sdp, const struct metadata *people,
		  bool people_known)
{
	struct intake *in = sv->in;
	struct call_facts *f = &in->facts;

	memset(&in->gate, 0, sizeof(in->gate));
	f->location = req ? req->uri : NULL;
	f->people_known = people_known;
	f->numbers = NULL; /* the tenant is not known yet */
	f->direction = f->known_direction = COND_DIR_ANY;
	f->crypt = CALL_CRYPT_UNKNOWN;
	f->told = told(req);
	f->region = sv->set->server.region;
	f->wall_us = session_wall_us(sv);
	f->concurrent = f->sessions_today = f->stored_bytes = 0;
	fill_people(in, people);
	f->n_streams = 0;
	for (unsigned i = 0; sdp && i < sdp->n_lines && i < CALL_STREAMS_MAX;
	     i++)
		fill_stream(&f->streams[f->n_streams++], sdp->lines[i]);
	in->gate.facts = f;
	in->gate.node.draining = sv->draining;
	in->gate.node.disk_low = sv->disk_low;
	in->gate.node.full =
		!sv->capture_ready ||
		(sv->n_sessions >= (unsigned)sv->set->sip.max_calls &&
		 session_count_live(sv) >= (unsigned)sv->set->sip.max_calls);
	if (!req)
		return;
	in->gate.method = req->method_name;
	in->gate.call_id = req->call_id;
	in->gate.bearer_result = in->bearer_result;
	in->gate.bearer = in->bearer;
	if (in->strict_error[0])
		in->gate.strict_error = in->strict_error;
	fill_peer(in, req);
}

void intake_permits(struct sip_server *sv, const struct gate_verdict *v,
		    unsigned n_lines)
{
	struct intake *in = sv->in;

	for (unsigned i = 0; i < n_lines && i < SDP_LINES_MAX; i++) {
		in->permits[i].permit = true;
		in->permits[i].pts = ANSWER_PTS_ALL;
		if (!v->judged)
			continue;
		in->permits[i].permit = i < v->judgement.n_streams &&
					v->judgement.streams[i].permitted;
		in->permits[i].pts = i < v->judgement.n_streams
					     ? v->judgement.streams[i].codecs
					     : 0;
	}
}
