/* Characters that are not seen, or turn the order of others around: no page
 * shows them, also where an earlier version stored them, and what names people
 * or accounts does not have them. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/clients.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"
#include "tests/support/web_rig.h"

static const char *const hidden[] = {
	"\xe2\x80\xae",	    /* U+202E right-to-left override */
	"\xe2\x80\xaa",	    /* U+202A */
	"\xe2\x80\xad",	    /* U+202D */
	"\xe2\x81\xa6",	    /* U+2066 isolate */
	"\xe2\x81\xa9",	    /* U+2069 */
	"\xe2\x80\x8f",	    /* U+200F mark */
	"\xd8\x9c",	    /* U+061C */
	"\xe2\x80\x8b",	    /* U+200B no width */
	"\xef\xbb\xbf",	    /* U+FEFF */
	"\xe2\x80\xa8",	    /* U+2028 line separator */
	"\xc2\x85",	    /* U+0085 */
	"\xf3\xa0\x80\x81", /* U+E0001 */
	"\x1b[31m",	    /* a terminal's */
};

static void assert_none(const char *where, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (strstr(text, hidden[i]))
			fail_msg("%s shows number %zu:\n%s", where, i, text);
}

/* "Al", one of them, "ice". static buffer */
static const char *with(const char *before, const char *in, const char *after)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s%s%s", before, in, after);
	return text;
}

static void see(struct web_rig *w, const char *path)
{
	web_rig_begin(w, HTTP_GET, path);
	if (web_rig_go(w) != 200)
		fail_msg("%s: %u", path, w->res.status);
	assert_none(path, web_rig_text(w));
}

static void set(struct web_rig *w, const char *sql, const char *value,
		const char *id)
{
	assert_true(db_exec(w->rig->db, sql,
			    DB_ARGS(db_text(value), db_text(id))) >= 1);
}

/* As a client's SIP display names, and as everything else that has a name. */
static void put_names(struct web_rig *w, const struct id *rec, const char *bad)
{
	char name[128], aor[128];
	const struct recording_participant p = { .aor = aor, .name = name };
	const struct recording_event ev = {
		.kind = "hold", .participant = 0, .stream = -1, .text = name
	};
	const struct recording_warning warning = { .code = "metadata.missing",
						   .severity = "info",
						   .detail = name };

	(void)str_copy(name, sizeof(name), with("Al", bad, "ice"));
	(void)str_copy(aor, sizeof(aor), with("sip:al", bad, "ice@a.example"));
	assert_int_equal(recording_put_participant(w->rig->db, rec->s, &p), 0);
	assert_int_equal(recording_add_event(w->rig->db, rec->s, &ev), 0);
	assert_int_equal(recording_add_warning(w->rig->db, rec->s, &warning),
			 0);
	set(w, "UPDATE recordings SET title = $1, notes = $1 WHERE id = $2",
	    name, rec->s);
	set(w, "UPDATE clients SET name = $1 WHERE id = $2", name,
	    w->rig->client.s);
	set(w, "UPDATE tenants SET name = $1 WHERE id = $2", name,
	    w->rig->tenant.s);
	set(w, "UPDATE audit SET detail = $1 WHERE tenant_id = $2", name,
	    w->rig->tenant.s);
}

static void no_page_shows_them(void **state)
{
	static const char *const pages[] = { "/recordings", "/grants",
					     "/clients", "/audit" };
	struct web_rig *w = *state;
	struct user_new u = { .tenant_id = w->rig->tenant.s,
			      .email = "root@one.example",
			      .role = USER_ADMIN };
	struct id root, rec = web_rig_recording(w, w->rig->grant.s);
	struct err e = { 0 };
	char path[128];

	assert_int_equal(user_create(&w->ctx.auth, &u, "x", &root, &e), 0);
	web_rig_sign_in(w, root.s);
	(void)snprintf(path, sizeof(path), "/recordings/%s", rec.s);
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		put_names(w, &rec, hidden[i]);
		see(w, path);
		/* it is there, without what cannot be seen */
		assert_non_null(strstr(web_rig_text(w),
				       strcmp(hidden[i], "\x1b[31m") == 0
					       ? "Al[31mice"
					       : "Alice"));
		for (size_t k = 0; k < ARRAY_SIZE(pages); k++)
			see(w, pages[k]);
	}
}

static void names_are_made_without_them(void **state)
{
	const char *uris[] = { "https://portal.example/done" };
	struct web_rig *w = *state;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(hidden) - 1; i++) {
		struct client_new cn = { .tenant_id = w->rig->tenant.s,
					 .name = with("Voip", hidden[i], ""),
					 .redirect_uris = uris,
					 .n_redirect_uris = 1 };
		char secret[TOKEN_MAX], want[64];
		struct id id, tenant;
		struct client c;

		assert_int_equal(client_create(&w->ctx.auth, &cn, "x", &id,
					       secret, &e),
				 0);
		assert_int_equal(client_get(&w->ctx.auth, id.s, &c), 0);
		assert_string_equal(c.name, "Voip");
		(void)snprintf(want, sizeof(want), "T%zu", i);
		assert_int_equal(tenant_create(w->rig->db,
					       with(want, hidden[i], ""),
					       RIG_START_US, &tenant),
				 0);
		assert_int_equal(tenant_find(w->rig->db, want, &id), 0);
		assert_string_equal(id.s, tenant.s);
		/* and not of nothing else */
		cn.name = with(" ", hidden[i], "");
		assert_int_equal(client_create(&w->ctx.auth, &cn, "x", &id,
					       secret, &e),
				 -EINVAL);
		assert_int_equal(tenant_create(w->rig->db, cn.name,
					       RIG_START_US, &tenant),
				 -EINVAL);
		cn.name = "Voip";
		cn.tls_identity = with("sbc", hidden[i], ".example");
		assert_int_equal(client_create(&w->ctx.auth, &cn, "x", &id,
					       secret, &e),
				 -EINVAL);
	}
}

static void addresses_with_them_are_refused(void **state)
{
	struct web_rig *w = *state;
	struct auth *a = &w->ctx.auth;
	struct user_new u = { .tenant_id = w->rig->tenant.s,
			      .role = USER_OWNER };
	struct id id;

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		static const char *const aors[][2] = {
			{ "sip:bo", "b@one.example" },
			{ "sip:bob@one", ".example" },
			{ "tel:+44207946", "0001" },
			{ "sip:*@", "one.example" },
			{ "", "sip:bob@one.example" },
		};
		struct err e = { 0 };

		u.email = with("bo", hidden[i], "b@one.example");
		assert_int_equal(user_create(a, &u, "x", &id, &e), -EINVAL);
		u.email = with("bob@one", hidden[i], ".example");
		assert_int_equal(user_create(a, &u, "x", &id, &e), -EINVAL);
		for (size_t k = 0; k < ARRAY_SIZE(aors); k++) {
			const char *aor =
				with(aors[k][0], hidden[i], aors[k][1]);

			assert_int_equal(user_aor_add(a, w->rig->user.s, aor,
						      AOR_BY_OPERATOR, "x", &e),
					 -EINVAL);
			assert_int_equal(tenant_aor_add(a, w->rig->tenant.s,
							aor, "x", &e),
					 -EINVAL);
		}
	}
}

#define WEB(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, web_rig_setup, web_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WEB(no_page_shows_them),
		WEB(names_are_made_without_them),
		WEB(addresses_with_them_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
