#include "srs/cli/metadata.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/sip/fields.h"
#include "srs/siprec/body.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"
#include "storage/catalog_search.h"

#define REFUSED_MAX 256u /* of one recording; more are not looked for */

/* A request that got a final answer other than 2xx: nothing of it was taken. */
struct refused {
	char branch[96];
	char cseq[48];
};

struct replay {
	struct refused refused[REFUSED_MAX];
	unsigned n_refused;
	struct metadata *state;
	struct warn_list warnings; /* told when the call was there */
	struct sip_field found[SIP_FIELDS_MAX];
	unsigned n; /* descriptions seen */
};

static int take(struct replay *rp, struct span xml)
{
	struct metadata *md = NULL;
	int r = metadata_parse(xml, &rp->warnings, &md);

	if (r < 0)
		return r == -ENOMEM ? r : 0; /* unreadable then, too */
	r = metadata_merge(rp->state, md, &rp->warnings, NULL);
	metadata_destroy(&md);
	rp->n++;
	return r == -ENOMEM ? r : 0;
}

/* Behind the first empty line, whatever ends the lines; NULL: no body. */
static const char *body_of(struct span text)
{
	const char *end = text.p + text.len, *p = text.p;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		if (p < end && *p == '\r')
			p++;
		if (p < end && *p == '\n')
			return p + 1;
	}
	return NULL;
}

/* Answers repeat the top Via's branch and the CSeq of their request. */
static void transaction_of(const struct sip_fields *f, struct refused *ret_t)
{
	struct span value, branch = { NULL, 0 };

	memset(ret_t, 0, sizeof(*ret_t));
	if (sip_fields_get(f, "Via", 0, &value)) {
		value = span_cut(&value, ',');
		(void)sip_param_get(value, "branch", &branch);
	}
	(void)span_copy(ret_t->branch, sizeof(ret_t->branch),
			span_trim(branch));
	if (sip_fields_get(f, "CSeq", 0, &value))
		(void)span_copy(ret_t->cseq, sizeof(ret_t->cseq), value);
}

static int on_answer(void *arg, const struct recording_message *m)
{
	struct replay *rp = arg;
	struct span text = { m->body, m->len };
	struct sip_fields f = { .f = rp->found };

	if (!str_eq(m->dir, "out") || rp->n_refused == REFUSED_MAX ||
	    text.len < 9 || !span_istarts(text, "SIP/2.0 ") ||
	    text.p[8] < '3' || text.p[8] > '6')
		return 0;
	f.n = sip_fields_parse(text, rp->found);
	transaction_of(&f, &rp->refused[rp->n_refused++]);
	return 0;
}

static bool was_refused(const struct replay *rp, const struct sip_fields *f)
{
	struct refused t;

	transaction_of(f, &t);
	for (unsigned i = 0; i < rp->n_refused; i++)
		if (str_eq(t.branch, rp->refused[i].branch) &&
		    str_eq(t.cseq, rp->refused[i].cseq))
			return true;
	return false;
}

static int on_message(void *arg, const struct recording_message *m)
{
	struct replay *rp = arg;
	struct span text = { m->body, m->len }, type = { NULL, 0 };
	struct sip_fields f = { .f = rp->found };
	const char *body;
	struct body b = { 0 };

	if (!str_eq(m->dir, "in"))
		return 0;
	f.n = sip_fields_parse(text, rp->found);
	body = body_of(text);
	if (!body || was_refused(rp, &f) ||
	    !sip_fields_get(&f, "Content-Type", 0, &type))
		return 0;
	memset(&rp->warnings, 0, sizeof(rp->warnings));
	body_read(type,
		  (struct span){ body, text.len - (size_t)(body - text.p) },
		  &rp->warnings, &b);
	return b.has_metadata ? take(rp, b.metadata) : 0;
}

int cli_metadata_print(struct db *db, const char *recording_id, struct buf *out)
{
	struct replay *rp = mem_zalloc(sizeof(*rp));
	int64_t n;
	int r;

	if (!rp)
		return -ENOMEM;
	r = metadata_create(&rp->state);
	n = r < 0 ? r : recording_each_message(db, recording_id, on_answer, rp);
	if (n >= 0)
		n = recording_each_message(db, recording_id, on_message, rp);
	if (n < 0)
		r = (int)n;
	else if (rp->n == 0)
		r = -ENODATA;
	if (r == 0)
		r = metadata_print_valid(rp->state, out);
	metadata_destroy(&rp->state);
	mem_free(rp);
	return r;
}
