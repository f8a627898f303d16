#include "tests/support/gate_rig.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"

void gate_rig_stream(struct call_stream *s, const char *codec)
{
	memset(s, 0, sizeof(*s));
	s->kind = COND_AUDIO;
	s->offered = true;
	s->n_codecs = 1;
	s->recordable = 1;
	assert_int_equal(codec_name_parse(codec, &s->codecs[0]), 0);
}

void gate_rig_token(struct gate_rig *t, const char *token)
{
	t->req.bearer_result = token ? BEARER_OK : BEARER_NONE;
	t->req.bearer.token = span_of(token);
	t->req.bearer.form = BEARER_FORM_PLAIN;
}

int gate_rig_setup(void **state)
{
	struct gate_rig *t = mem_zalloc(sizeof(*t));

	*state = t;
	log_setup(LOG_ERROR + 1, LOG_TEXT, "test");
	assert_int_equal(auth_rig_open(&t->r, ":memory:"), 0);
	(void)str_copy(t->settings.server.name, sizeof(t->settings.server.name),
		       "crs.example");
	(void)str_copy(t->settings.http.public_url,
		       sizeof(t->settings.http.public_url),
		       "https://crs.example/");
	assert_int_equal(gate_create(&t->r.auth, &t->settings, &t->gate), 0);
	auth_rig_issue(&t->r, &t->pair);
	assert_int_equal(
		identity_parse("sip:alice@voip.example", &t->people[0]), 0);
	assert_int_equal(identity_parse("sip:bob@voip.example", &t->people[1]),
			 0);
	t->facts.people = t->people;
	t->facts.n_people = 2;
	t->facts.people_known = true;
	t->facts.caller = -1;
	t->facts.wall_us = RIG_START_US;
	t->facts.n_streams = 2;
	gate_rig_stream(&t->facts.streams[0], "PCMU/8000");
	gate_rig_stream(&t->facts.streams[1], "PCMU/8000");
	t->req.method = "INVITE";
	t->req.call_id = "call-1";
	t->req.peer.transport = GATE_UDP;
	t->req.peer.address = "127.0.0.1";
	t->req.peer.loopback = true;
	t->req.facts = &t->facts;
	gate_rig_token(t, t->pair.access);
	return 0;
}

int gate_rig_teardown(void **state)
{
	struct gate_rig *t = *state;

	gate_verdict_fini(&t->v);
	gate_destroy(&t->gate);
	auth_rig_close(&t->r);
	mem_free(t);
	return 0;
}

int64_t gate_rig_audited(struct gate_rig *t, const char *action)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(t->r.db,
				      "SELECT count(*) FROM audit WHERE action "
				      "= $1",
				      DB_ARGS(db_text(action)), &n),
			 0);
	return n;
}

void gate_rig_no_secret(struct gate_rig *t)
{
	assert_null(strstr(t->v.challenge, "srs_"));
	assert_null(strstr(t->v.warning, "srs_"));
	assert_true(!t->v.problem || !strstr(t->v.problem, "srs_"));
	assert_int_equal(
		auth_rig_count(&t->r,
			       "SELECT count(*) FROM audit WHERE detail LIKE "
			       "'%srs\\__t\\_%' ESCAPE '\\'"),
		0);
}

const struct gate_verdict *gate_rig_judge(struct gate_rig *t)
{
	gate_verdict_fini(&t->v);
	gate_judge(t->gate, &t->req, &t->v);
	gate_rig_no_secret(t);
	return &t->v;
}

void gate_rig_expect(struct gate_rig *t, int status, enum gate_cause cause)
{
	(void)gate_rig_judge(t);
	if (t->v.status != status || t->v.cause != cause)
		fail_msg("status %d cause %d, %s", t->v.status, t->v.cause,
			 t->v.warning);
}

void gate_rig_record(struct gate_rig *t, const char *grant, int64_t started_us)
{
	struct id id;

	id_new(&id, started_us);
	assert_int_equal(recording_create(t->r.db,
					  &(struct recording_new){
						  .id = id.s,
						  .tenant_id = t->r.tenant.s,
						  .grant_id = grant,
						  .node = "n",
						  .started_us = started_us }),
			 0);
}

void gate_rig_grant(struct gate_rig *t, const char *conditions,
		    const char *more, struct id *ret_id)
{
	auth_rig_grant(&t->r, auth_rig_details(conditions, more), ret_id);
	assert_int_equal(
		token_issue(&t->r.auth, ret_id->s, NULL, "x", &t->pair), 0);
	gate_rig_token(t, t->pair.access);
}

void gate_rig_trunk(struct gate_rig *t, struct trunk *tr, const char *key,
		    const char *value)
{
	struct err e = { 0 };

	trunk_defaults(tr);
	(void)trunk_set(tr, "name", "sbc", NULL);
	(void)trunk_set(tr, "grant", t->r.grant.s, NULL);
	assert_int_equal(trunk_set(tr, key, value, &e), 0);
	if (trunk_add(&t->r.auth, tr, "operator", &e) < 0)
		fail_msg("%s", e.text);
	gate_rig_token(t, NULL);
}

void gate_rig_change_trunk(struct gate_rig *t, struct trunk *tr,
			   const char *key, const char *value)
{
	struct err e = { 0 };

	assert_int_equal(trunk_set(tr, key, value, &e), 0);
	if (trunk_change(&t->r.auth, tr, "operator", &e) < 0)
		fail_msg("%s", e.text);
}

void gate_rig_from_tls(struct gate_rig *t, const char *name)
{
	t->req.peer.transport = GATE_TLS;
	t->req.peer.tls_names[0] = name;
	t->req.peer.n_tls_names = 1;
}

void gate_rig_rejudge(struct gate_rig *t, const struct gate_snapshot *snap)
{
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, snap, &t->req, &t->v);
	gate_rig_no_secret(t);
}
