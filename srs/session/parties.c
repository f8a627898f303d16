/* People that header fields name: CUBE's X-Cisco-Recording-Participant, the
 * parameters of CUCM's From, and of a plain call From, To, P-Asserted-Identity
 * and Remote-Party-ID. They are read in every request of the dialog; a request
 * that says what is known says nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/name_addr.h"
#include "storage/calls.h"

/* ---- CUBE ---- */

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

/* ---- CUCM ---- */

static int add_party(struct metadata *md, const char *id, const char *uri,
		     const char *name)
{
	char aor[256];
	int r;

	(void)str_copy(aor, sizeof(aor), uri);
	str_clean(aor);
	r = metadata_add_participant(md, id, aor, name);
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
	const char *name = "";
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
	if (name_is_persons(req->from_display, names_agent(req)))
		name = req->from_display;
	ret_e->near_name = says_far ? "" : name;
	ret_e->far_name = says_far ? name : "";
	ret_e->far[0] = '\0';
	if (far.len)
		put_addr(ret_e->far, sizeof(ret_e->far), far, host);
}

#define WITHHELD "sip:anonymous@anonymous.invalid" /* RFC 3323 section 4.1 */

/* CUCM's phones record by a dialog for each end of the call, in which only
 * that end is heard. Both dialogs say in the parameters of From who the ends
 * are: the near end is the phone itself, and stays; the far end is somebody
 * else after a transfer. Both take part in the call.
 * @param known who took part until now, NULL = nobody yet */
static int cucm_people(struct ua_request *req, const struct metadata *known,
		       struct metadata *md)
{
	struct span from = ua_request_field(req, "From", 0);
	struct cucm_ends e;
	char id[sizeof(CALL_FAR_END) + sizeof(e.far)];
	int r, near;

	if (!sip_param_get(from, "x-refci", NULL))
		return 0;
	find_ends(req, from, &e);
	near = known ? metadata_find_participant(known, CALL_NEAR_END) : -1;
	if (near >= 0 && known->participants[near].n_aors) {
		/* From is that of the first INVITE, though all else changed */
		(void)str_copy(e.near, sizeof(e.near),
			       known->participants[near].aors[0]);
		e.near_name = known->participants[near].name;
	}
	r = add_end(md, CALL_NEAR_END, e.near, e.near_name, !e.is_far);
	if (r < 0 || (!e.far[0] && !e.is_far))
		return r;
	(void)snprintf(id, sizeof(id), CALL_FAR_END "%s%s", e.far[0] ? ":" : "",
		       e.far);
	str_clean(id);
	return add_end(md, id, e.far[0] ? e.far : WITHHELD, e.far_name,
		       e.is_far);
}

/* ---- a plain call ---- */

/* From and To are the two sides of it. Whoever takes the place of one gets the
 * address into the id: "from:sip:carol@example.com". */
#define FROM_SIDE "from"
#define TO_SIDE "to"
#define CLAIMS_MAX 8

/* An address that the fields of a request give a side. */
struct claim {
	char aor[256];
	struct identity id;
	bool own;      /* From or To itself, which every request repeats */
	bool asserted; /* another field says it */
};

struct side {
	const char *name;
	unsigned n;
	struct claim claims[CLAIMS_MAX];
};

static bool is_withheld(const char *aor)
{
	struct span user = span_of(aor);

	if (span_find(user, ':') >= 0)
		(void)span_cut(&user, ':');
	user = span_cut(&user, '@');
	return name_is_withheld(span_cut(&user, ';'));
}

static void add_claim(struct side *sd, struct span uri, bool own)
{
	struct claim *c = &sd->claims[sd->n];

	if (sd->n == CLAIMS_MAX)
		return;
	*c = (struct claim){ .own = own, .asserted = !own };
	(void)span_copy(c->aor, sizeof(c->aor), uri);
	str_clean(c->aor);
	if (is_withheld(c->aor) || identity_parse(c->aor, &c->id) < 0)
		return;
	for (unsigned i = 0; i < sd->n; i++) {
		if (identity_equal(&sd->claims[i].id, &c->id)) {
			sd->claims[i].asserted = true;
			return;
		}
	}
	sd->n++;
}

static void read_claims(struct ua_request *req, struct side *sd)
{
	bool from = str_eq(sd->name, FROM_SIDE);
	struct name_addr a;
	struct span v, party;

	/* RFC 4916 changes them in these; some have others in ACK and BYE */
	if (req->method == UA_INVITE || req->method == UA_UPDATE)
		add_claim(sd, span_of(from ? req->from_uri : req->to_uri),
			  true);
	for (unsigned n = 0; from; n++) {
		v = ua_request_field(req, "P-Asserted-Identity", n);
		if (v.len == 0)
			break;
		while (name_addr_take(&v, &a))
			add_claim(sd, a.uri, false);
	}
	for (unsigned n = 0;; n++) {
		v = ua_request_field(req, "Remote-Party-ID", n);
		if (v.len == 0)
			break;
		while (name_addr_take(&v, &a)) {
			bool called = sip_param_get(a.whole, "party", &party) &&
				      span_ieq(party, "called");

			if (called != from)
				add_claim(sd, a.uri, false);
		}
	}
}

static bool has_identity(const struct md_participant *p,
			 const struct identity *who)
{
	struct identity id;

	for (unsigned i = 0; i < p->n_aors; i++) {
		if (identity_parse(p->aors[i], &id) == 0 &&
		    identity_equal(&id, who))
			return true;
	}
	return false;
}

/* @return 0 or -ENOMEM; of what is claimed, the addresses of which[] */
static int add_claimed(struct metadata *md, const char *id,
		       const struct side *sd, const bool *which)
{
	int r, at = metadata_add_participant(md, id, NULL, NULL);
	struct md_participant *p;

	if (at < 0)
		return at;
	p = &md->participants[at];
	for (unsigned i = 0; i < sd->n; i++) {
		r = !which || which[i] ? md_add_aor(p, sd->claims[i].aor) : 0;
		if (r == -ENOMEM)
			return r;
	}
	p->placeholder = md_is_placeholder(p);
	return 0;
}

/* As in the first request: everything that is said of a side is one person. */
static int add_side(struct ua_request *req, struct metadata *md,
		    const char *name)
{
	struct side sd = { .name = name };
	bool from = str_eq(name, FROM_SIDE);

	read_claims(req, &sd);
	if (sd.n > 0)
		return add_claimed(md, name, &sd, NULL);
	return add_party(md, name, from ? req->from_uri : req->to_uri, NULL);
}

static bool is_of_side(const struct md_participant *p, const char *side)
{
	size_t n = strlen(side);

	return p->id && !strncmp(p->id, side, n) &&
	       (p->id[n] == '\0' || p->id[n] == ':');
}

/* Who is on that side now; -1 = it is no plain call. */
static int now_on_side(const struct metadata *md, const char *side)
{
	for (unsigned i = 0; md->n_sessions == 0 && i < md->n_participants;
	     i++) {
		if (!md->participants[i].left &&
		    is_of_side(&md->participants[i], side))
			return (int)i;
	}
	return -1;
}

/* Who was ever known by this address on that side; -1 = nobody. */
static int ever_on_side(const struct metadata *md, const char *side,
			const struct identity *who)
{
	for (unsigned i = 0; i < md->n_participants; i++) {
		if (is_of_side(&md->participants[i], side) &&
		    has_identity(&md->participants[i], who))
			return (int)i;
	}
	return -1;
}

/* From and To stay what they were in most clients, also when another field
 * names somebody else: only a new one says something. */
static bool says_something(const struct metadata *md, const struct side *sd,
			   const struct claim *c, int now)
{
	const char *id = md->participants[now].id;
	int was = ever_on_side(md, sd->name, &c->id);

	return c->asserted || was < 0 || was == now || strstr(id, ":own:");
}

/* Who takes the place of the one who is there now?
 * @param other who is on the other side: a field that names that one is about
 * the other side
 * @return 1, 0 nobody, or -ENOMEM */
static int successor(const struct metadata *md, const struct side *sd, int now,
		     int other, struct metadata *ret, char ret_id[300])
{
	bool fresh[CLAIMS_MAX] = { false };
	int known = -1, first = -1, r;

	for (unsigned i = 0; i < sd->n; i++) {
		const struct claim *c = &sd->claims[i];
		int who = ever_on_side(md, sd->name, &c->id);

		if (!says_something(md, sd, c, now) ||
		    has_identity(&md->participants[other], &c->id))
			continue;
		if (who == now)
			known = now;
		else if (who >= 0 && known < 0)
			known = who;
		fresh[i] = who < 0;
		if (who < 0 && first < 0)
			first = (int)i;
	}
	if (first >= 0) {
		(void)snprintf(ret_id, 300, "%s:%s%s", sd->name,
			       sd->claims[first].own ? "own:" : "",
			       sd->claims[first].aor);
		r = add_claimed(ret, ret_id, sd, fresh);
		return r < 0 ? r : 1;
	}
	if (known < 0 || known == now)
		return 0;
	(void)str_copy(ret_id, 300, md->participants[known].id);
	r = metadata_add_participant(ret, ret_id, NULL, NULL);
	return r < 0 ? r : 1;
}

/* The line of a stream is whose it was, or his who took that one's place. */
static int keep_line(struct metadata *md, unsigned line, const char *who)
{
	char label[METADATA_LINE_LABEL_MAX], stream[24];
	int r;

	(void)snprintf(stream, sizeof(stream), "plain-m%u", line);
	metadata_line_label(line, label);
	r = metadata_add_stream(md, stream, label, NULL);
	if (r >= 0)
		r = metadata_add_link(md, MD_SEND, who, stream, NULL);
	return r == -ENOMEM ? r : 0;
}

static int keep_lines(const struct session *s, const char *const *now_id,
		      struct metadata *md)
{
	int r = 0;

	for (unsigned i = 0; i < s->n_streams && r == 0; i++) {
		for (unsigned k = 0; k < s->n_ords && r == 0; k++) {
			if (s->streams[i].participant == (int)s->ords[k] &&
			    now_id[k])
				r = keep_line(md, i, now_id[k]);
		}
	}
	return r;
}

/* Fields of a plain call that name somebody else become a description of who
 * is there now. */
static int plain_people(struct session *s, struct ua_request *req,
			struct metadata *md)
{
	static const char *const sides[] = { FROM_SIDE, TO_SIDE };
	const char *now_id[METADATA_PARTICIPANTS_MAX] = { NULL };
	const struct metadata *st = s->people;
	int now[] = { now_on_side(st, FROM_SIDE), now_on_side(st, TO_SIDE) };
	char ids[ARRAY_SIZE(sides)][300];
	bool news = false;

	if (now[0] < 0 || now[1] < 0)
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(sides); k++) {
		struct side sd = { .name = sides[k] };
		int r, at = now[k];

		read_claims(req, &sd);
		r = successor(st, &sd, at, now[!k], md, ids[k]);
		news |= r > 0;
		now_id[at] = r > 0 ? ids[k] : st->participants[at].id;
		if (r == 0)
			r = metadata_add_participant(md, now_id[at], NULL,
						     NULL);
		if (r < 0)
			return r;
	}
	return news ? keep_lines(s, now_id, md) : -ENOENT;
}

/* ---- what a request says ---- */

int intake_people(struct sip_server *sv, struct ua_request *req,
		  struct metadata *md, bool *ret_known)
{
	int r;

	if (cisco_people(req, md) == 0) {
		r = cucm_people(req, NULL, md);
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
	r = add_side(req, md, FROM_SIDE);
	if (r == 0)
		r = add_side(req, md, TO_SIDE);
	*ret_known = r == 0;
	return r;
}

static unsigned n_sends(const struct metadata *md)
{
	unsigned n = 0;

	for (unsigned i = 0; i < md->n_links; i++)
		n += md->links[i].kind == MD_SEND;
	return n;
}

static bool has_link(const struct metadata *md, const struct md_link *l)
{
	for (unsigned i = 0; i < md->n_links; i++) {
		if (md->links[i].kind == l->kind &&
		    str_eq(md->links[i].a, l->a) &&
		    str_eq(md->links[i].b, l->b))
			return true;
	}
	return false;
}

/* Would this description change anything? @return 1, 0 or -ENOMEM */
static int is_news(const struct metadata *known, const struct metadata *md)
{
	struct metadata *mine CLEANUP(metadata_destroy) = NULL;
	struct md_changes changes;
	int r = metadata_clone(known, &mine);

	if (r == 0)
		r = metadata_merge(mine, md, NULL, &changes);
	if (r == -ENOMEM)
		return r;
	if (changes.n > 0 || changes.dropped > 0 ||
	    n_sends(known) != n_sends(mine))
		return 1;
	for (unsigned i = 0; i < mine->n_links; i++) {
		if (mine->links[i].kind == MD_SEND &&
		    !has_link(known, &mine->links[i]))
			return 1;
	}
	return 0;
}

int parties_named_anew(struct session *s, struct ua_request *req)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct intake *in = s->sv->in;
	int r;

	if (in->md) /* the description says more */
		return names_fill(s, req, in->md);
	r = metadata_create(&md);
	if (r == 0 && cisco_people(req, md) == 0) {
		r = cucm_people(req, s->people, md);
		if (md->n_participants == 1)
			md->mode = MD_PARTIAL; /* it names the phone alone */
		if (r == 0 && md->n_participants == 0)
			r = plain_people(s, req, md);
	}
	if (r == -ENOENT || (r == 0 && md->n_participants == 0)) {
		metadata_destroy(&md);
		r = metadata_create(&md);
		if (r == 0)
			md->mode = MD_PARTIAL; /* names alone */
	}
	if (r == 0)
		r = names_fill(s, req, md);
	if (r == 0)
		r = is_news(s->people, md);
	if (r > 0)
		in->md = STEAL(md);
	return r < 0 ? r : 0;
}
