#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/grants.h"
#include "base/buf.h"
#include "base/mem.h"
#include "srs/gate/priv.h"
#include "storage/catalog.h"

void gate_snapshot_fini(struct gate_snapshot *snap)
{
	conditions_free(&snap->conditions);
}

void gate_snapshot_take(struct gate_verdict *v, struct gate_snapshot *ret_snap)
{
	*ret_snap = v->snapshot;
	memset(&v->snapshot, 0, sizeof(v->snapshot));
}

static void put_text(struct buf *out, const char *name, const char *value)
{
	(void)buf_printf(out, "\"%s\":\"", name);
	(void)buf_json(out, value, strlen(value));
	(void)buf_puts(out, "\",");
}

static void put_trunk(struct buf *out, const struct gate_trunk *t)
{
	if (!t->id[0])
		return;
	put_text(out, "trunk", t->id);
	put_text(out, "trunk_vendor", t->vendor);
	(void)buf_printf(out, "\"trunk_ways\":[%d,%d,%d,%d],", t->strict,
			 (int)t->source, (int)t->order, (int)t->srtp);
}

int gate_snapshot_json(const struct gate_snapshot *snap, struct buf *out)
{
	(void)buf_putc(out, '{');
	put_text(out, "tenant_id", snap->tenant_id);
	put_text(out, "client_id", snap->client_id);
	put_text(out, "grant_id", snap->grant_id);
	put_text(out, "owner_id", snap->owner_id);
	put_text(out, "family_id", snap->family_id);
	put_text(out, "token_id", snap->token_id);
	put_text(out, "peer", snap->peer_address);
	put_text(out, "tls_name", snap->tls_name);
	put_text(out, "tls_sha256", snap->tls_sha256);
	put_trunk(out, &snap->trunk);
	(void)buf_printf(out, "\"numbers\":[\"%s\",\"%s\",\"%s\"],",
			 snap->numbers.country, snap->numbers.national,
			 snap->numbers.international); /* digits */
	(void)buf_printf(out,
			 "\"version\":%lld,\"transport\":%d,\"conditions\":%s}",
			 (long long)snap->version, (int)snap->transport,
			 snap->conditions->text);
	return buf_error(out);
}

static bool get_text(json_t *o, const char *name, char *dst, size_t dst_len)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s && str_copy(dst, dst_len, s);
}

static void free_json(json_t **j)
{
	json_decref(*j);
}

static int get_conditions(json_t *o, struct gate_snapshot *s)
{
	json_t *c = json_object_get(o, "conditions");
	char *text CLEANUP(mem_freep) = NULL;
	size_t len;

	if (!json_is_object(c))
		return -EINVAL;
	len = json_dumpb(c, NULL, 0, JSON_COMPACT);
	text = mem_zalloc(len + 1);
	if (!text)
		return -ENOMEM;
	(void)json_dumpb(c, text, len, JSON_COMPACT); /* fits */
	return conditions_parse(text, len, &s->conditions, NULL);
}

/* Not there: the call came from no trunk. */
static bool get_trunk(json_t *o, struct gate_trunk *t)
{
	json_t *ways = json_object_get(o, "trunk_ways");
	json_int_t source = json_integer_value(json_array_get(ways, 1));
	json_int_t order = json_integer_value(json_array_get(ways, 2));
	/* calls of before have none: the default */
	json_int_t srtp = json_integer_value(json_array_get(ways, 3));

	if (!json_object_get(o, "trunk"))
		return true;
	if (source < 0 || source > TRUNK_SOURCE_LEARN || order < 0 ||
	    order > TRUNK_ORDER_LABEL || srtp < 0 || srtp > TRUNK_SRTP_OFF)
		return false;
	t->strict = json_integer_value(json_array_get(ways, 0)) != 0;
	t->source = (enum trunk_source)source;
	t->order = (enum trunk_order)order;
	t->srtp = (enum trunk_srtp)srtp;
	return get_text(o, "trunk", t->id, sizeof(t->id)) &&
	       get_text(o, "trunk_vendor", t->vendor, sizeof(t->vendor));
}

/* Not there: a call of before. */
static bool get_numbers(json_t *o, struct number_plan *n)
{
	json_t *a = json_object_get(o, "numbers");
	const char *country = json_string_value(json_array_get(a, 0));
	const char *national = json_string_value(json_array_get(a, 1));
	const char *international = json_string_value(json_array_get(a, 2));

	if (!a)
		return true;
	return country && national && international &&
	       number_plan_set(n, country, national[0] ? national : "none",
			       international[0] ? international : "none") == 0;
}

int gate_snapshot_parse(const char *json, size_t len,
			struct gate_snapshot *ret_snap)
{
	struct gate_snapshot s CLEANUP(gate_snapshot_fini) = { 0 };
	json_t *o CLEANUP(free_json) = NULL;
	int64_t transport;
	int r;

	o = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	if (!o || !get_text(o, "tenant_id", s.tenant_id, sizeof(s.tenant_id)) ||
	    !get_text(o, "client_id", s.client_id, sizeof(s.client_id)) ||
	    !get_text(o, "grant_id", s.grant_id, sizeof(s.grant_id)) ||
	    !get_text(o, "owner_id", s.owner_id, sizeof(s.owner_id)) ||
	    !get_text(o, "family_id", s.family_id, sizeof(s.family_id)) ||
	    !get_text(o, "token_id", s.token_id, sizeof(s.token_id)) ||
	    !get_text(o, "peer", s.peer_address, sizeof(s.peer_address)) ||
	    !get_text(o, "tls_name", s.tls_name, sizeof(s.tls_name)) ||
	    !get_trunk(o, &s.trunk) || !get_numbers(o, &s.numbers))
		return -EINVAL;
	/* calls of before have none: their certificate's name has to do */
	(void)get_text(o, "tls_sha256", s.tls_sha256, sizeof(s.tls_sha256));
	s.version = json_integer_value(json_object_get(o, "version"));
	transport = json_integer_value(json_object_get(o, "transport"));
	if (transport < GATE_UDP || transport > GATE_TLS)
		return -EINVAL;
	s.transport = (enum gate_transport)transport;
	r = get_conditions(o, &s);
	if (r < 0)
		return r;
	*ret_snap = s;
	s.conditions = NULL; /* given away */
	return 0;
}

int gate_snapshot_reload(struct gate *g, struct gate_snapshot *snap)
{
	struct grant grant CLEANUP(grant_fini) = { 0 };
	struct conditions *c = NULL;
	struct number_plan numbers;
	int r;

	r = grant_get(gate_auth(g), snap->grant_id, &grant);
	if (r < 0)
		return r;
	if (grant.revoked)
		return -EKEYREVOKED;
	r = tenant_plan(gate_auth(g)->db, snap->tenant_id, g->settings,
			&numbers);
	if (r == 0)
		r = gate_conditions(g, grant.conditions, &c);
	if (r < 0)
		return r;
	snap->numbers = numbers;
	conditions_free(&snap->conditions);
	snap->conditions = c;
	snap->version = grant.version;
	return 0;
}
