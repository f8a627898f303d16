#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/grants.h"
#include "auth/trunk_claim.h"
#include "auth/trunk_file.h"
#include "auth/trunk_json.h"
#include "auth/trunks.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

static const char *const sbc[] = { "client", "SBC.voip.example" };

static struct trunk_peer peer(const char *address, bool tls)
{
	return (struct trunk_peer){
		.tls_names = sbc,
		.n_tls_names = tls ? 2 : 0,
		.address = address,
		.address_is_proof = true,
	};
}

static void set(struct trunk *t, const char *key, const char *value)
{
	struct err e = { 0 };

	if (trunk_set(t, key, value, &e) < 0)
		fail_msg("%s", e.text);
}

/* key, value, key, value, ..., NULL */
static int add(struct auth_rig *rig, struct trunk *t, struct err *e, ...)
{
	const char *key;
	va_list ap;

	memset(e, 0, sizeof(*e));
	trunk_defaults(t);
	set(t, "grant", rig->grant.s);
	va_start(ap, e);
	while ((key = va_arg(ap, const char *)))
		set(t, key, va_arg(ap, const char *));
	va_end(ap);
	return trunk_add(&rig->auth, t, "operator", e);
}

/* ---- values ------------------------------------------------------------ */

static void values_come_back_as_written(void **state)
{
	static const char *const cases[][3] = {
		{ "name", "sbc-1.london", NULL },
		{ "tls_name", "SBC.voip.example", "sbc.voip.example" },
		{ "addresses", "192.0.2.0/24,2001:db8::1",
		  "192.0.2.0/24, 2001:db8::1" },
		{ "addresses", "::ffff:192.0.2.1, 192.0.2.1", "192.0.2.1" },
		{ "addresses", "0.0.0.0/0, ::/0", NULL },
		{ "addresses", "", NULL },
		{ "uri_user", "+442079460000", NULL },
		{ "strictness", "strict", NULL },
		{ "token_forms", "access_token , TOKEN",
		  "token, access_token" },
		{ "token_forms", "none", NULL },
		{ "media_source", "learn", NULL },
		{ "channel_order", "mline", NULL },
		{ "channel_order", "label", NULL },
		{ "srtp", "required", NULL },
		{ "srtp", "default", NULL },
		{ "vendor", "Oracle SBC", NULL },
		{ "enabled", "no", NULL },
	};
	char text[TRUNK_TEXT_MAX];
	struct trunk t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		trunk_defaults(&t);
		set(&t, cases[i][0], cases[i][1]);
		trunk_text(&t, cases[i][0], text, sizeof(text));
		assert_string_equal(text,
				    cases[i][2] ? cases[i][2] : cases[i][1]);
	}
}

static void bad_values_are_named(void **state)
{
	static const char *const cases[][3] = {
		{ "name", "", "name: is empty" },
		{ "name", "a b", "name: has a character" },
		{ "tls_name", "a b", "tls_name: has a character" },
		{ "tls_sha256", "12", "tls_sha256: 64 hex" },
		{ "tls_sha256", "zz", "tls_sha256: 64 hex" },
		{ "addresses", "localhost", "addresses: not an IP address" },
		{ "addresses", "192.0.2.1/33", "is not 0 to 32" },
		{ "addresses", "2001:db8::/129", "is not 0 to 128" },
		{ "addresses", "192.0.2.1/24", "has bits behind the prefix" },
		{ "addresses", "192.0.2.1/", "is not 0 to 32" },
		{ "uri_user", "a@b", "uri_user: has a character" },
		{ "strictness", "very", "tolerant or strict" },
		{ "token_forms", "quoted", "token, access_token or none" },
		{ "media_source", "any", "strict or learn" },
		{ "channel_order", "random", "metadata, mline or label" },
		{ "srtp", "on", "default, preferred, required or off" },
		{ "enabled", "perhaps", "yes or no" },
		{ "colour", "red", "there is no key \"colour\"" },
	};
	struct trunk t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = { 0 };

		trunk_defaults(&t);
		assert_true(trunk_set(&t, cases[i][0], cases[i][1], &e) < 0);
		if (!strstr(e.text, cases[i][2]))
			fail_msg("%s: %s", cases[i][1], e.text);
	}
}

static void hash_is_taken_with_colons(void **state)
{
	struct trunk t;
	char text[200] = "";
	int i;

	(void)state;
	for (i = 0; i < 32; i++)
		(void)snprintf(text + 3 * i, 4, "AB%s", i < 31 ? ":" : "");
	trunk_defaults(&t);
	set(&t, "tls_sha256", text);
	assert_int_equal(strlen(t.tls_sha256), 64);
	assert_int_equal(strspn(t.tls_sha256, "ab"), 64);
}

static void networks_contain_their_hosts(void **state)
{
	static const struct {
		const char *net, *host;
		bool in;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.4/30", "192.0.2.7", true },
		{ "192.0.2.4/30", "192.0.2.8", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "0.0.0.0/0", "198.51.100.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "198.51.100.9", true },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
	};
	struct trunk_net host;
	struct trunk t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		trunk_defaults(&t);
		set(&t, "addresses", cases[i].net);
		assert_true(trunk_net_host(cases[i].host, &host));
		if (trunk_net_contains(&t.nets[0], &host) != cases[i].in)
			fail_msg("%s %s", cases[i].net, cases[i].host);
	}
	assert_false(trunk_net_host("sbc", &host));
}

static void json_round_trip(void **state)
{
	json_t *in =
		json_pack("{s:s, s:s, s:s, s:[s,s], s:[s], s:s, s:b}", "name",
			  "a", "grant_id", "g", "tls_name", "x.y", "addresses",
			  "192.0.2.1", "2001:db8::/32", "token_forms", "token",
			  "vendor", "Avaya", "enabled", 0);
	struct err e = { 0 };
	struct trunk t;
	json_t *out;

	(void)state;
	trunk_defaults(&t);
	if (trunk_json_apply(&t, in, &e) < 0)
		fail_msg("%s", e.text);
	out = trunk_json(&t);
	assert_int_equal(json_array_size(json_object_get(out, "addresses")), 2);
	assert_true(json_is_false(json_object_get(out, "enabled")));
	assert_string_equal(json_string_value(
				    json_object_get(out, "managed_by")),
			    "catalog");
	assert_int_equal(t.token_forms, TRUNK_FORM_TOKEN);
	json_decref(in);
	json_decref(out);
}

static void json_errors_name_the_key(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"grant\":\"x\"}", "there is no key \"grant\"" },
		{ "{\"trunk_id\":\"x\"}", "there is no key \"trunk_id\"" },
		{ "{\"vendor\":1}", "vendor: must be a string" },
		{ "{\"enabled\":\"yes\"}", "enabled: must be true or false" },
		{ "{\"addresses\":\"::1\"}", "must be a list of strings" },
		{ "{\"addresses\":[1]}", "is too long or no text" },
		{ "{\"addresses\":[\"::1,::2\"]}", "is too long or no text" },
		{ "{\"token_forms\":[\"plain\"]}", "token_forms: token, " },
	};
	struct trunk t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *in = json_loads(cases[i][0], 0, NULL);
		struct err e = { 0 };

		trunk_defaults(&t);
		assert_int_equal(trunk_json_apply(&t, in, &e), -EINVAL);
		if (!strstr(e.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], e.text);
		json_decref(in);
	}
}

/* ---- the catalog ------------------------------------------------------- */

static void trunk_belongs_to_its_grants_parties(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t, got;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name", "x.example",
			     NULL),
			 0);
	assert_int_equal(trunk_get(&rig->auth, t.id, &got), 0);
	assert_string_equal(got.tenant_id, rig->tenant.s);
	assert_string_equal(got.client_id, rig->client.s);
	assert_true(got.enabled);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM audit WHERE "
					     "action = 'trunk.add'"),
			 1);
}

static void trunk_needs_name_grant_and_identity(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "tls_name", "x", NULL), -EINVAL);
	assert_int_equal(add(rig, &t, &e, "name", "x", NULL), -EINVAL);
	assert_int_equal(add(rig, &t, &e, "name", "x", "tls_name", "x", "grant",
			     "0", NULL),
			 -ENOENT);
	assert_non_null(strstr(e.text, "no such grant"));
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "", "x"), 0);
	assert_int_equal(add(rig, &t, &e, "name", "x", "tls_name", "x", NULL),
			 -EKEYREVOKED);
}

static void identities_are_unique(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name", "x.example",
			     NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "b", "tls_name", "X.example",
			     NULL),
			 -EEXIST);
	assert_non_null(strstr(e.text, "certificate or network"));
	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name", "y.example",
			     NULL),
			 -EEXIST);
	assert_string_equal(e.text, "name: there is a trunk \"a\" already");
	assert_int_equal(add(rig, &t, &e, "name", "b", "tls_name", "X.example",
			     "uri_user", "one", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "c", "addresses",
			     "192.0.2.0/24", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "d", "addresses",
			     "192.0.3.0/24, 192.0.2.0/24", NULL),
			 -EEXIST);
	/* nothing of the refused one stays */
	assert_int_equal(add(rig, &t, &e, "name", "d", "addresses",
			     "192.0.3.0/24", NULL),
			 0);
}

static void change_and_remove(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t, got;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "addresses", "192.0.2.1",
			     NULL),
			 0);
	set(&t, "media_source", "learn");
	set(&t, "addresses", "192.0.2.2");
	assert_int_equal(trunk_change(&rig->auth, &t, "operator", &e), 0);
	assert_int_equal(trunk_lookup(&rig->auth, NULL, "a", &got), 0);
	assert_int_equal(got.source, TRUNK_SOURCE_LEARN);
	assert_int_equal(trunk_lookup(&rig->auth, rig->other_tenant.s, "a",
				      &got),
			 -ENOENT);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunk_nets"),
			 1);
	assert_int_equal(trunk_remove(&rig->auth, t.id, "operator", &e), 0);
	assert_int_equal(trunk_get(&rig->auth, t.id, &got), -ENOENT);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunk_nets"),
			 0);
	assert_int_equal(trunk_remove(&rig->auth, t.id, "operator", &e),
			 -ENOENT);
}

static void ended_grant_keeps_trunk_changeable(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name", "x", NULL),
			 0);
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "", "x"), 0);
	set(&t, "enabled", "no");
	assert_int_equal(trunk_change(&rig->auth, &t, "operator", &e), 0);
}

/* ---- requests ---------------------------------------------------------- */

static void found(struct auth_rig *rig, struct trunk_peer p, const char *user,
		  const char *name)
{
	struct trunk t;
	int r = trunk_find(&rig->auth, &p, user, &t);

	if (!name) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(t.name, name);
	assert_true(trunk_is(&t, &p));
}

static void certificate_finds_its_trunk(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name",
			     "sbc.voip.example", NULL),
			 0);
	found(rig, peer("192.0.2.1", true), "", "a");
	found(rig, peer("192.0.2.1", true), "anyone", "a");
	found(rig, peer("192.0.2.1", false), "", NULL);
	assert_int_equal(add(rig, &t, &e, "name", "b", "tls_name",
			     "sbc.voip.example", "uri_user", "one", NULL),
			 0);
	found(rig, peer("192.0.2.1", true), "one", "b");
	found(rig, peer("192.0.2.1", true), "two", "a");
	set(&t, "enabled", "no");
	assert_int_equal(trunk_change(&rig->auth, &t, "operator", &e), 0);
	found(rig, peer("192.0.2.1", true), "one", "a");
}

static void hash_comes_before_name(void **state)
{
	static const char hash[] = "00112233445566778899aabbccddeeff"
				   "00112233445566778899aabbccddeeff";
	struct auth_rig *rig = *state;
	struct trunk_peer p = peer("192.0.2.1", true);
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name",
			     "sbc.voip.example", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "h", "tls_sha256", hash,
			     "tls_name", "sbc.voip.example", NULL),
			 0);
	found(rig, p, "", "a");
	p.tls_sha256 = hash;
	found(rig, p, "", "h");
	p.n_tls_names = 1; /* the hash alone is not all that was said */
	found(rig, p, "", NULL);
}

static void longest_prefix_finds_its_trunk(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk_peer p;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "wide", "addresses",
			     "192.0.0.0/16, 2001:db8::/32", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "host", "addresses",
			     "192.0.2.7", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "one", "addresses",
			     "192.0.2.7", "uri_user", "one", NULL),
			 0);
	found(rig, peer("192.0.2.1", false), "", "wide");
	found(rig, peer("2001:db8:5::1", false), "", "wide");
	found(rig, peer("192.0.2.7", false), "", "host");
	found(rig, peer("192.0.2.7", false), "one", "one");
	found(rig, peer("198.51.100.1", false), "", NULL);
	p = peer("192.0.2.7", false);
	p.address_is_proof = false;
	found(rig, p, "", NULL);
}

static void certificate_and_address_must_both_hold(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk_peer p = peer("192.0.2.1", true);
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name",
			     "sbc.voip.example", "addresses", "192.0.2.0/24",
			     NULL),
			 0);
	p.address_is_proof = false; /* not needed beside a certificate */
	found(rig, p, "", "a");
	found(rig, peer("198.51.100.1", true), "", NULL);
	found(rig, peer("192.0.2.1", false), "", NULL);
}

/* ---- the file ---------------------------------------------------------- */

struct file {
	char path[64];
};

static void write_file(struct file *f, const char *fmt, const char *grant)
{
	FILE *out;
	int fd;

	if (!f->path[0]) {
		(void)str_copy(f->path, sizeof(f->path),
			       "/tmp/srs-trunks-XXXXXX");
		fd = mkstemp(f->path);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	out = fopen(f->path, "we");
	assert_non_null(out);
	for (; *fmt; fmt++) {
		if (*fmt == '@')
			(void)fputs(grant, out);
		else
			(void)fputc(*fmt, out);
	}
	assert_int_equal(fclose(out), 0);
}

static void file_is_the_truth_about_its_trunks(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t, got;
	struct file f = { "" };
	struct err e = { 0 };

	assert_int_equal(add(rig, &t, &e, "name", "own", "tls_name", "o", NULL),
			 0);
	write_file(&f,
		   "# trunks\n[a]\ngrant = @\ntls_name = x\n"
		   "[b]\ngrant = @\naddresses = 192.0.2.0/24 ; here\n"
		   "media_source = learn\n",
		   rig->grant.s);
	if (trunk_file_apply(&rig->auth, f.path, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(trunk_lookup(&rig->auth, NULL, "b", &t), 0);
	assert_int_equal(t.source, TRUNK_SOURCE_LEARN);
	assert_true(t.from_file);
	assert_int_equal(trunk_remove(&rig->auth, t.id, "operator", &e),
			 -EPERM);
	/* again: the ids stay; the identity of one moves to the other */
	write_file(&f, "[b]\ngrant = @\ntls_name = x\n", rig->grant.s);
	memset(&e, 0, sizeof(e));
	assert_int_equal(trunk_file_apply(&rig->auth, f.path, &e), 0);
	assert_int_equal(trunk_lookup(&rig->auth, NULL, "b", &got), 0);
	assert_string_equal(got.id, t.id);
	assert_int_equal(trunk_lookup(&rig->auth, NULL, "a", &got), -ENOENT);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunks"), 2);
	/* an owner's revocation does not break the operator's file */
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "", "x"), 0);
	write_file(&f, "[c]\ngrant = @\ntls_name = x\n", rig->grant.s);
	assert_int_equal(trunk_file_apply(&rig->auth, f.path, &e), 0);
	assert_int_equal(trunk_file_apply(&rig->auth, "", &e), 0);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunks"), 1);
	(void)unlink(f.path);
}

static void file_errors_name_the_line(void **state)
{
	static const char *const cases[][2] = {
		{ "[a]\ngrant = @\n", ":2: [a]: tls_name, tls_sha256 or" },
		{ "grant = @\n", ":1: []: a key stands before any [name]" },
		{ "[a b]\ngrant = @\n", ":2: [a b]: name: has a character" },
		{ "[a]\ngrant = @\ncolour = x\n", ":3: [a]: there is no key" },
		{ "[a]\ngrant = @\nname = x\n",
		  ":3: [a]: the name is the sec" },
		{ "[a]\ngrant = @\ngrant = @\n",
		  ":3: [a]: grant: is given tw" },
		{ "[a]\nnonsense\n", ":2: neither" },
		{ "[a]\ntls_name = x\n", ":2: [a]: grant: is missing" },
		{ "[a]\ngrant = 0\ntls_name = x\n",
		  ":2: [a]: grant: there is no such grant" },
		{ "[a]\ngrant = @\ntls_name = x\n[b]\ngrant = @\n"
		  "tls_name = x\n",
		  ":5: [b]: another trunk has this cert" },
	};
	struct auth_rig *rig = *state;
	struct file f = { "" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = { 0 };

		write_file(&f, cases[i][0], rig->grant.s);
		assert_true(trunk_file_apply(&rig->auth, f.path, &e) < 0);
		if (!strstr(e.text, cases[i][1]))
			fail_msg("%s", e.text);
	}
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunks"), 0);
	assert_true(trunk_file_check("/nowhere/trunks.ini", NULL, NULL) < 0);
	(void)unlink(f.path);
}

static void collect(void *arg, const char *text)
{
	(void)buf_printf(arg, "%s\n", strchr(text, ':'));
}

static void a_check_of_the_file_tells_every_mistake(void **state)
{
	struct conf_report report = { collect, NULL, 0 };
	struct auth_rig *rig = *state;
	struct err e = { 0 };
	struct file f = { "" };
	struct buf told;

	buf_init(&told, 4096);
	report.arg = &told;
	write_file(&f,
		   "[a]\ncolour = red\ngrant = @\ngrant = @\nrubbish\n"
		   "[b]\ngrant = @\n[c]\nsrtp = maybe\n",
		   rig->grant.s);
	assert_int_equal(trunk_file_check(f.path, &report, &e), -EINVAL);
	assert_int_equal(e.code, 0);
	assert_int_equal(report.n, 5);
	assert_non_null(strstr(buf_str(&told), ":2: [a]: there is no key"));
	assert_non_null(strstr(buf_str(&told), ":4: [a]: grant: is given twi"));
	assert_non_null(strstr(buf_str(&told), ":5: neither [section] nor"));
	assert_non_null(strstr(buf_str(&told), ":9: [c]: srtp"));
	assert_non_null(strstr(buf_str(&told), ":7: [b]: "));
	buf_fini(&told);
	(void)unlink(f.path);
}

/* ---- who may bind what -------------------------------------------------- */

/* As add(), by somebody of the account. */
static int add_own(struct auth_rig *rig, const char *name, const char *key,
		   const char *value, const char *user, struct err *e)
{
	struct trunk t;

	memset(e, 0, sizeof(*e));
	trunk_defaults(&t);
	t.by_tenant = true;
	set(&t, "grant", rig->grant.s);
	set(&t, "name", name);
	set(&t, key, value);
	set(&t, "uri_user", user);
	return trunk_add(&rig->auth, &t, "user:u", e);
}

static void other_grant(struct auth_rig *rig, struct id *ret_id)
{
	struct err e = { 0 };

	assert_int_equal(
		grant_create(&rig->auth,
			     &(struct grant_new){
				     .client_id = rig->other_client.s,
				     .owner_id = rig->other_user.s,
				     .details = auth_rig_details("", "") },
			     "operator", ret_id, &e),
		0);
}

static void overlap_is_seen_in_every_form(void **state)
{
	static const struct {
		const char *key, *a, *a_user, *b, *b_user;
		bool meet;
	} cases[] = {
		{ "tls_name", "sbc.x", "", "SBC.x", "", true },
		{ "tls_name", "sbc.x", "", "sbc.x.", "one", true },
		{ "tls_name", "sbc.x", "two", "sbc.x", "", true },
		{ "tls_name", "sbc.x", "two", "sbc.x", "one", false },
		{ "tls_name", "*.x", "", "sbc.x", "one", true },
		{ "tls_name", "sbc.x", "", "*.x", "", true },
		{ "tls_name", "*.x", "", "sbc.y", "", false },
		{ "tls_name", "*.x", "", "x", "", false },
		{ "tls_name", "sbc.x", "", "sbc.x.y", "", false },
		{ "addresses", "192.0.2.0/24", "", "192.0.2.9", "one", true },
		{ "addresses", "192.0.2.9", "", "192.0.0.0/16", "", true },
		{ "addresses", "192.0.2.9", "", "::ffff:192.0.2.9", "", true },
		{ "addresses", "192.0.2.9", "", "::/0", "", true },
		{ "addresses", "192.0.2.9", "", "0.0.0.0/0", "", true },
		{ "addresses", "192.0.2.0/25", "", "192.0.2.128/25", "",
		  false },
		{ "addresses", "192.0.2.9, 2001:db8::/32", "",
		  "198.51.100.1, 2001:db8:1::7", "", true },
		{ "addresses", "2001:db8::1", "a", "2001:db8::/32", "b",
		  false },
	};
	struct trunk a, b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		trunk_defaults(&a);
		trunk_defaults(&b);
		set(&a, cases[i].key, cases[i].a);
		set(&a, "uri_user", cases[i].a_user);
		set(&b, cases[i].key, cases[i].b);
		set(&b, "uri_user", cases[i].b_user);
		if (trunk_overlaps(&a, &b) != cases[i].meet ||
		    trunk_overlaps(&b, &a) != cases[i].meet)
			fail_msg("%s %s", cases[i].a, cases[i].b);
	}
}

static void hashes_and_names_overlap_each_with_its_like(void **state)
{
	char one[65], two[65];
	struct trunk a, b;

	(void)state;
	memset(one, '1', 64);
	memset(two, '2', 64);
	one[64] = two[64] = '\0';
	trunk_defaults(&a);
	b = a;
	set(&a, "tls_sha256", one);
	set(&b, "tls_sha256", two);
	assert_false(trunk_overlaps(&a, &b));
	set(&b, "tls_sha256", one);
	set(&b, "uri_user", "one");
	assert_true(trunk_overlaps(&a, &b));
	/* both must hold: another network is another trunk */
	set(&a, "addresses", "192.0.2.1");
	set(&b, "addresses", "192.0.2.2");
	assert_false(trunk_overlaps(&a, &b));
	/* by address alone nobody is found who shows a certificate */
	trunk_defaults(&b);
	set(&b, "addresses", "192.0.2.1");
	assert_false(trunk_overlaps(&a, &b));
}

static void an_account_takes_nothing_that_is_bound(void **state)
{
	static const char *const cases[][2] = {
		{ "tls_name", "SBC.voip.example" },
		{ "tls_name", "*.voip.example" },
		{ "addresses", "192.0.2.7" },
		{ "addresses", "::ffff:192.0.2.0/120" },
		{ "addresses", "0.0.0.0/0" },
	};
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "a", "tls_name",
			     "sbc.voip.example", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "b", "addresses",
			     "192.0.2.0/24", NULL),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(add_own(rig, "x", cases[i][0], cases[i][1],
					 "one", &e),
				 -EEXIST);
		assert_null(strstr(e.text, "\"a\""));
	}
	assert_int_equal(
		add_own(rig, "x", "addresses", "192.0.3.0/24", "one", &e), 0);
	/* nor by a change */
	assert_int_equal(trunk_lookup(&rig->auth, NULL, "x", &t), 0);
	assert_true(t.by_tenant);
	set(&t, "vendor", "Avaya");
	assert_int_equal(trunk_change(&rig->auth, &t, "user:u", &e), 0);
	set(&t, "addresses", "192.0.2.7");
	assert_int_equal(trunk_change(&rig->auth, &t, "user:u", &e), -EEXIST);
}

static void the_operator_forces_what_other_accounts_have(void **state)
{
	struct auth_rig *rig = *state;
	struct id grant;
	struct trunk t;
	struct err e;

	other_grant(rig, &grant);
	assert_int_equal(add(rig, &t, &e, "name", "a", "addresses",
			     "192.0.2.0/24", NULL),
			 0);
	assert_int_equal(add(rig, &t, &e, "name", "b", "addresses", "192.0.2.7",
			     "grant", grant.s, NULL),
			 -EEXIST);
	assert_non_null(strstr(e.text, "trunk \"a\""));
	t.forced = true;
	t.id[0] = '\0';
	assert_int_equal(trunk_add(&rig->auth, &t, "operator", &e), 0);
	found(rig, peer("192.0.2.7", false), "", "b");
	/* what it was is no new claim */
	t.forced = false;
	set(&t, "vendor", "Avaya");
	assert_int_equal(trunk_change(&rig->auth, &t, "operator", &e), 0);
}

static void the_file_takes_nothing_of_other_accounts(void **state)
{
	struct auth_rig *rig = *state;
	struct file f = { "" };
	struct err e = { 0 };
	struct id grant;
	struct trunk t;

	other_grant(rig, &grant);
	assert_int_equal(
		add(rig, &t, &e, "name", "a", "tls_name", "sbc.x", NULL), 0);
	write_file(&f, "[b]\ngrant = @\ntls_name = SBC.x\nuri_user = two\n",
		   grant.s);
	assert_int_equal(trunk_file_apply(&rig->auth, f.path, &e), -EEXIST);
	assert_non_null(strstr(e.text, ":2: [b]: trunk \"a\""));
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM trunks"), 1);
	(void)unlink(f.path);
}

/* Also of rows from before anybody looked at overlaps. */
static void what_the_operator_bound_comes_first(void **state)
{
	struct auth_rig *rig = *state;
	struct id grant;
	struct trunk t;
	struct err e;

	assert_int_equal(add_own(rig, "one", "tls_name", "sbc.voip.example",
				 "one", &e),
			 0);
	found(rig, peer("192.0.2.1", true), "one", "one");
	assert_int_equal(add(rig, &t, &e, "name", "operators", "tls_name",
			     "sbc.voip.example", NULL),
			 0);
	found(rig, peer("192.0.2.1", true), "one", "operators");
	/* of the same account only: two's calls are two's */
	assert_int_equal(trunk_remove(&rig->auth, t.id, "operator", &e), 0);
	other_grant(rig, &grant);
	trunk_defaults(&t);
	t.forced = true;
	set(&t, "name", "twos");
	set(&t, "grant", grant.s);
	set(&t, "tls_name", "sbc.voip.example");
	assert_int_equal(trunk_add(&rig->auth, &t, "operator", &e), 0);
	found(rig, peer("192.0.2.1", true), "one", "one");
	found(rig, peer("192.0.2.1", true), "two", "twos");
}

static void of_several_names_the_older_trunk_counts(void **state)
{
	struct auth_rig *rig = *state;
	struct trunk t;
	struct err e;

	assert_int_equal(add(rig, &t, &e, "name", "first", "tls_name",
			     "sbc.voip.example", NULL),
			 0);
	clock_fake_advance(&rig->clock, 1000000);
	assert_int_equal(add(rig, &t, &e, "name", "second", "tls_name",
			     "client", NULL),
			 0);
	found(rig, peer("192.0.2.1", true), "", "first");
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_written),
		cmocka_unit_test(bad_values_are_named),
		cmocka_unit_test(hash_is_taken_with_colons),
		cmocka_unit_test(networks_contain_their_hosts),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(json_errors_name_the_key),
		RIG(trunk_belongs_to_its_grants_parties),
		RIG(trunk_needs_name_grant_and_identity),
		RIG(identities_are_unique),
		RIG(change_and_remove),
		RIG(ended_grant_keeps_trunk_changeable),
		RIG(certificate_finds_its_trunk),
		RIG(hash_comes_before_name),
		RIG(longest_prefix_finds_its_trunk),
		RIG(certificate_and_address_must_both_hold),
		RIG(file_is_the_truth_about_its_trunks),
		RIG(file_errors_name_the_line),
		cmocka_unit_test(overlap_is_seen_in_every_form),
		cmocka_unit_test(hashes_and_names_overlap_each_with_its_like),
		RIG(an_account_takes_nothing_that_is_bound),
		RIG(the_operator_forces_what_other_accounts_have),
		RIG(the_file_takes_nothing_of_other_accounts),
		RIG(what_the_operator_bound_comes_first),
		RIG(of_several_names_the_older_trunk_counts),
		RIG(a_check_of_the_file_tells_every_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
