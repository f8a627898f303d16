#include "tests/support/web_rig.h"

#include "tests/support/unit.h"

#include <string.h>

#include "base/str.h"
#include "storage/blob.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"
#include "web/embed.h"
#include "web/serve.h"
#include "web/session.h"

int web_rig_setup(void **state)
{
	struct web_rig *w = test_calloc(1, sizeof(*w));
	void *rig = NULL;

	assert_int_equal(auth_rig_setup(&rig), 0);
	w->rig = rig;
	(void)str_copy(w->settings.http.public_url,
		       sizeof(w->settings.http.public_url),
		       "https://crs.example");
	assert_int_equal(
		web_init(&w->web, &w->settings, &w->rig->clock.clock, NULL), 0);
	assert_int_equal(embed_setup(), 0);
	w->ctx.web = &w->web;
	w->ctx.db = w->rig->db;
	w->ctx.auth = w->rig->auth;
	assert_int_equal(blob_mem_create(&w->ctx.blobs), 0);
	http_response_init(&w->res);
	*state = w;
	return 0;
}

int web_rig_teardown(void **state)
{
	struct web_rig *w = *state;
	void *rig = w->rig;

	form_fini(&w->req.query);
	http_response_fini(&w->res);
	blob_store_destroy(&w->ctx.blobs);
	(void)auth_rig_teardown(&rig);
	test_free(w);
	return 0;
}

void web_rig_begin(struct web_rig *w, enum http_method method, const char *path)
{
	struct span query = span_of(path);

	form_fini(&w->req.query);
	memset(&w->req, 0, sizeof(w->req));
	assert_true(span_copy(w->path, sizeof(w->path), span_cut(&query, '?')));
	assert_int_equal(form_parse(&w->req.query, query, NULL, 0), 0);
	w->req.method = method;
	w->req.path = w->path;
	w->req.raw = path;
	w->req.body = "";
	w->req.ctx = &w->ctx;
	w->req.wall_us = w->rig->clock.now_wall_us;
	(void)str_copy(w->req.peer, sizeof(w->req.peer), "192.0.2.7");
	if (w->cookie[0])
		web_rig_header(w, "Cookie", w->cookie);
	http_response_reset(&w->res);
}

void web_rig_header(struct web_rig *w, const char *name, const char *value)
{
	w->req.headers[w->req.n_headers++] =
		(struct http_header){ name, value };
}

void web_rig_bearer(struct web_rig *w, const char *token)
{
	(void)snprintf(w->bearer, sizeof(w->bearer), "Bearer %s", token);
	web_rig_header(w, "Authorization", w->bearer);
}

void web_rig_body(struct web_rig *w, const char *type, const char *body)
{
	web_rig_header(w, "Content-Type", type);
	w->req.body = body;
	w->req.body_len = strlen(body);
}

unsigned web_rig_go(struct web_rig *w)
{
	serve_request(&w->req, &w->res);
	return w->res.status;
}

unsigned web_rig_ask(struct web_rig *w, enum http_method method,
		     const char *path, const char *token)
{
	web_rig_begin(w, method, path);
	if (token)
		web_rig_bearer(w, token);
	return web_rig_go(w);
}

const char *web_rig_answer(struct web_rig *w, const char *name)
{
	for (unsigned i = 0; i < w->res.n_headers; i++)
		if (str_ieq(w->res.headers[i].name, name))
			return w->res.headers[i].value;
	return NULL;
}

const char *web_rig_text(struct web_rig *w)
{
	return buf_str(&w->res.body);
}

void web_rig_sign_in(struct web_rig *w, const char *user_id)
{
	struct span s;

	web_rig_begin(w, HTTP_GET, "/");
	assert_int_equal(web_session_begin(&w->req, &w->res, user_id), 0);
	s = span_of(web_rig_answer(w, "Set-Cookie"));
	assert_true(span_copy(w->cookie, sizeof(w->cookie), span_cut(&s, ';')));
}

struct id web_rig_recording(struct web_rig *w, const char *grant_id)
{
	struct grant g = { 0 };
	struct recording_new rn = { .node = "n", .spool_file = "x" };
	struct id id;

	assert_int_equal(grant_get(&w->ctx.auth, grant_id, &g), 0);
	id_new(&id, w->rig->clock.now_wall_us);
	rn.id = id.s;
	rn.tenant_id = g.tenant_id;
	rn.owner_id = g.owner_id;
	rn.client_id = g.client_id;
	rn.grant_id = g.id;
	rn.started_us = w->rig->clock.now_wall_us;
	assert_int_equal(recording_create(w->rig->db, &rn), 0);
	assert_true(db_exec(w->rig->db,
			    "UPDATE recordings SET state = 'ready' WHERE id = "
			    "$1",
			    DB_ARGS(db_text(id.s))) == 1);
	grant_fini(&g);
	return id;
}
