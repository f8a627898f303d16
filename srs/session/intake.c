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
