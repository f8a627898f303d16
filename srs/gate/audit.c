/* One audit entry a decision of the gate; never a token in it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/gate/priv.h"
#include "storage/audit.h"

#define NAMELESS_WINDOW_US (60 * INT64_C(1000000))
#define NAMELESS_MAX 60

static void put_json(struct buf *b, const char *name, const char *value)
{
	(void)buf_printf(b, "\"%s\":\"", name);
	(void)buf_json(b, value, strlen(value));
	(void)buf_puts(b, "\",");
}

/* Anybody can send requests without a good token as fast as the line allows:
 * those fill neither the audit log nor the disk. */
static bool worth_an_entry(struct step *st)
{
	struct gate *g = st->g;
	int64_t now = clock_mono_us(g->auth->clock);

	if (st->token.tenant_id[0] && !st->stranger)
		return true;
	if (!g->nameless || now - g->nameless_since_us >= NAMELESS_WINDOW_US) {
		g->nameless_since_us = now;
		g->nameless = 0;
	}
	if (g->nameless++ < NAMELESS_MAX)
		return true;
	g->nameless = NAMELESS_MAX; /* does not wrap */
	g->unwritten++;
	st->v->unwritten = true;
	return false;
}

/* One entry a decision. It fails only with the database; then nothing of this
 * request will be committed and the answer is 500. */
void gate_audit(struct step *st, const char *action)
{
	const struct gate_verdict *v = st->v;
	struct buf b CLEANUP(buf_fini) = { 0 };
	char actor[64] = "anonymous", object[96];
	char text[512], call_id[256];
	struct audit_entry e = {
		.at_us = auth_now_us(st->g->auth),
		.tenant_id = st->token.tenant_id,
		.actor = actor,
		.action = action,
		.object = object,
		.result = v->status == 200 ? "ok" : "refused",
	};
	unsigned i;

	if (!worth_an_entry(st))
		return;
	if (st->stranger)
		(void)str_copy(actor, sizeof(actor), "anonymous");
	else if (st->by_trunk)
		(void)snprintf(actor, sizeof(actor), "trunk:%s", st->trunk.id);
	else if (st->token.client_id[0])
		(void)snprintf(actor, sizeof(actor), "client:%s",
			       st->token.client_id);
	if (st->token.grant_id[0])
		(void)snprintf(object, sizeof(object), "grant:%s",
			       st->token.grant_id);
	else
		(void)snprintf(object, sizeof(object), "peer:%s",
			       st->req->peer.address);
	(void)str_copy(call_id, sizeof(call_id),
		       st->req->call_id ? st->req->call_id : "");
	str_clean(call_id);
	buf_init(&b, 65536);
	(void)buf_putc(&b, '{');
	put_json(&b, "call_id", call_id);
	put_json(&b, "method", st->req->method ? st->req->method : "");
	put_json(&b, "peer", st->req->peer.address);
	put_json(&b, "why", st->why ? st->why : "");
	if (st->g->unwritten)
		(void)buf_printf(&b, "\"unwritten_before\":%u,",
				 st->g->unwritten);
	st->g->unwritten = 0;
	(void)buf_printf(&b, "\"status\":%d,\"violations\":[", v->status);
	for (i = 0; i < v->judgement.n_violations; i++) {
		violation_text(&v->judgement.violations[i], text, sizeof(text));
		(void)buf_puts(&b, i ? ",\"" : "\"");
		(void)buf_json(&b, text, strlen(text));
		(void)buf_putc(&b, '"');
	}
	(void)buf_puts(&b, "]}");
	e.detail = buf_error(&b) ? NULL : buf_str(&b);
	if (audit_add(st->g->auth->db, &e) < 0 && v->status == 200)
		(void)gate_failed(st, -EIO);
}

void gate_audit_call(struct step *st, const char *action)
{
	gate_audit(st, st->v->status == 200 ? action : "call.refuse");
	if (st->v->status == 200 &&
	    grant_note_call(st->g->auth, st->token.grant_id) < 0)
		(void)gate_failed(st, -EIO);
}
