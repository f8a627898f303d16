/* `srs call`: see srs/call/call.h for what a call is. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/dtmf.h"
#include "media/srtp.h"
#include "srs/call/call.h"
#include "srs/call/dialect.h"
#include "srs/cli/cli.h"

#define WORD "call"
#define TOKEN_FILE_MAX 8192

struct options {
	struct call_spec spec;
	unsigned n_wavs;
	char token[TOKEN_FILE_MAX + 1];
	char aors[CALL_CHANGES_MAX][256];
	char dtmf[65];
};

struct run {
	bool json;
	bool many;
};

static volatile int stop;

static void on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

/* ---- values of options ---- */

static bool seconds(const char *s, int64_t *ret_us)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0) || v > 86400)
		return false;
	*ret_us = (int64_t)(v * 1e6);
	return true;
}

static bool number(const char *s, double max, double *ret)
{
	char *end;

	*ret = strtod(s, &end);
	return end != s && !*end && *ret >= 0 && *ret <= max;
}

static int set_token(struct options *o, const char *v)
{
	struct span s;
	FILE *f;

	o->spec.token = v;
	if (*v != '@')
		return 0;
	f = fopen(v + 1, "re");
	if (!f)
		return cli_usage(WORD, "--token: %s: %s", v + 1,
				 err_words(errno));
	s = (struct span){ o->token, fread(o->token, 1, TOKEN_FILE_MAX, f) };
	fclose(f);
	s = span_trim(s);
	memmove(o->token, s.p, s.len);
	o->token[s.len] = '\0';
	o->spec.token = o->token;
	return 0;
}

static int set_to(struct options *o, const char *v)
{
	o->spec.to = v;
	return 0;
}

static int set_participant(struct options *o, const char *v)
{
	if (o->spec.n_parties == CALL_PARTIES_MAX)
		return cli_usage(WORD, "more than %d --participant",
				 CALL_PARTIES_MAX);
	o->spec.parties[o->spec.n_parties++].aor = v;
	return 0;
}

static int set_name(struct options *o, const char *v)
{
	if (!o->spec.n_parties)
		return cli_usage(WORD, "--name before --participant");
	o->spec.parties[o->spec.n_parties - 1].name = v;
	return 0;
}

static int set_wav(struct options *o, const char *v)
{
	if (o->n_wavs == CALL_PARTIES_MAX)
		return cli_usage(WORD, "more than %d --wav", CALL_PARTIES_MAX);
	o->spec.parties[o->n_wavs++].wav = v;
	return 0;
}

static int set_codec(struct options *o, const char *v)
{
	static const char *const names[] = { "PCMU", "PCMA", "G722", "opus" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_ieq(v, names[i])) {
			o->spec.codec = names[i];
			return 0;
		}
	}
	return cli_usage(WORD, "--codec %s: PCMU, PCMA, G722 or opus", v);
}

static int set_duration(struct options *o, const char *v)
{
	if (!seconds(v, &o->spec.duration_us))
		return cli_usage(WORD, "--duration %s: seconds, 0 to 86400", v);
	return 0;
}

static int set_transport(struct options *o, const char *v)
{
	static const char *const names[] = { "udp", "tcp", "tls" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_ieq(v, names[i])) {
			o->spec.transport = (enum call_transport)i;
			return 0;
		}
	}
	return cli_usage(WORD, "--transport %s: udp, tcp or tls", v);
}

static int set_tls_dir(struct options *o, const char *v)
{
	o->spec.tls_dir = v;
	return 0;
}

static int set_hold(struct options *o, const char *v)
{
	struct span rest = span_of(v);
	char from[32], to[32];

	span_copy(from, sizeof(from), span_cut(&rest, '-'));
	span_copy(to, sizeof(to), rest);
	if (!seconds(from, &o->spec.hold_from_us) ||
	    !seconds(to, &o->spec.hold_to_us) ||
	    o->spec.hold_to_us <= o->spec.hold_from_us)
		return cli_usage(WORD, "--hold %s: seconds, as in 5-8", v);
	return 0;
}

static int set_dtmf(struct options *o, const char *v)
{
	struct span rest = span_of(v);
	struct span keys = span_cut(&rest, '@');
	bool ok = keys.len && span_copy(o->dtmf, sizeof(o->dtmf), keys) &&
		  seconds(rest.p, &o->spec.dtmf_at_us);

	for (const char *p = o->dtmf; ok && *p; p++)
		ok = dtmf_event(*p) >= 0;
	if (!ok)
		return cli_usage(WORD,
				 "--dtmf %s: up to 64 of 0-9 * # A-D and "
				 "a second, as in 42#@3",
				 v);
	o->spec.dtmf = o->dtmf;
	return 0;
}

static int set_loss(struct options *o, const char *v)
{
	if (!number(v, 100, &o->spec.loss_percent))
		return cli_usage(WORD, "--loss %s: per cent, 0 to 100", v);
	return 0;
}

static int set_srtp(struct options *o, const char *v)
{
	o->spec.srtp = srtp_suite_find(span_of(v));
	if (o->spec.srtp != SRTP_CLEAR)
		return 0;
	return cli_usage(WORD, "--srtp-suite %s: %s, %s, %s or %s", v,
			 srtp_suite_name(SRTP_AES128_SHA1_80),
			 srtp_suite_name(SRTP_AES128_SHA1_32),
			 srtp_suite_name(SRTP_AES128_GCM),
			 srtp_suite_name(SRTP_AES256_GCM));
}

static int set_calls(struct options *o, const char *v)
{
	uint64_t n;

	if (str_u64(v, CALL_COUNT_MAX, &n) < 0 || !n)
		return cli_usage(WORD, "--calls %s: 1 to %d", v,
				 CALL_COUNT_MAX);
	o->spec.n_calls = (unsigned)n;
	return 0;
}

static int set_rate(struct options *o, const char *v)
{
	if (!number(v, 10000, &o->spec.rate))
		return cli_usage(WORD, "--rate %s: calls a second", v);
	return 0;
}

/* AOR@SECONDS: the last "@" counts. */
static int add_change(struct options *o, const char *v, bool leave)
{
	const char *at = strrchr(v, '@');
	unsigned n = o->spec.n_changes;
	struct call_change *c = &o->spec.changes[n];

	if (n == CALL_CHANGES_MAX)
		return cli_usage(WORD, "more than %d --join and --leave",
				 CALL_CHANGES_MAX);
	if (!at || !seconds(at + 1, &c->at_us) ||
	    !span_copy(o->aors[n], sizeof(o->aors[n]),
		       (struct span){ v, (size_t)(at - v) }))
		return cli_usage(WORD,
				 "%s: AOR@SECONDS, as in "
				 "sip:carol@example.com@5",
				 v);
	c->aor = o->aors[n];
	c->leave = leave;
	o->spec.n_changes++;
	return 0;
}

static int set_join(struct options *o, const char *v)
{
	return add_change(o, v, false);
}

static int set_leave(struct options *o, const char *v)
{
	return add_change(o, v, true);
}

static int set_like(struct options *o, const char *v)
{
	char names[256];

	o->spec.dialect = dialect_find(v);
	if (o->spec.dialect)
		return 0;
	dialect_names(names, sizeof(names));
	return cli_usage(WORD, "--like %s: %s", v, names);
}

static const struct {
	const char *name;
	int (*set)(struct options *o, const char *value);
} table[] = {
	{ "--to", set_to },
	{ "--token", set_token },
	{ "--participant", set_participant },
	{ "--name", set_name },
	{ "--wav", set_wav },
	{ "--codec", set_codec },
	{ "--like", set_like },
	{ "--duration", set_duration },
	{ "--transport", set_transport },
	{ "--tls-dir", set_tls_dir },
	{ "--hold", set_hold },
	{ "--dtmf", set_dtmf },
	{ "--loss", set_loss },
	{ "--srtp-suite", set_srtp },
	{ "--calls", set_calls },
	{ "--rate", set_rate },
	{ "--join", set_join },
	{ "--leave", set_leave },
};

static int parse_one(struct options *o, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(name, table[i].name) != 0)
			continue;
		if (!value)
			return cli_usage(WORD, "%s needs a value", name);
		return table[i].set(o, value);
	}
	return cli_usage(WORD, "unknown option %s", name);
}

static int parse(struct options *o, int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc && !r; i++) {
		if (!strcmp(argv[i], "--reorder")) {
			o->spec.reorder = true;
			continue;
		}
		if (!strcmp(argv[i], "--srtp")) {
			if (o->spec.srtp == SRTP_CLEAR)
				o->spec.srtp = SRTP_AES128_SHA1_80;
			continue;
		}
		r = parse_one(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
		i++;
	}
	if (r)
		return r;
	if (!o->spec.to)
		return cli_usage(WORD, "--to is missing");
	if (!o->spec.n_parties)
		return cli_usage(WORD, "--participant is missing");
	if (o->spec.dialect && o->spec.dialect->two_ends)
		o->spec.n_calls *= 2;
	if (o->n_wavs > o->spec.n_parties)
		return cli_usage(WORD, "more --wav than --participant");
	return 0;
}

/* ---- what is printed ---- */

static uint64_t total(const struct call_result *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->n_streams; i++)
		sum += r->streams[i].packets;
	return sum;
}

static void print_json(unsigned index, const struct call_result *r)
{
	json_t *streams = json_array();
	json_t *o;

	for (unsigned i = 0; i < r->n_streams; i++)
		json_array_append_new(
			streams,
			json_pack("{sI sI sI}", "packets",
				  (json_int_t)r->streams[i].packets, "dropped",
				  (json_int_t)r->streams[i].dropped, "late",
				  (json_int_t)r->streams[i].late));
	o = json_pack("{si sb si ss sb ss ss ss ss si ss si si si sf so}",
		      "call", (int)index + 1, "ok", call_result_ok(r), "status",
		      r->status, "reason", r->reason, "local", r->local,
		      "warning", r->warning, "www_authenticate", r->challenge,
		      "body", r->body, "call_id", r->call_id, "restarts",
		      (int)r->restarts, "ended_by_server", r->ended, "pauses",
		      (int)r->pauses, "change_status", r->change_status,
		      "bye_status", r->bye_status, "seconds", r->seconds,
		      "streams", streams);
	if (!o)
		return;
	json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
	putchar('\n');
	fflush(stdout);
}

static void print_refusal(const struct call_result *r)
{
	printf("%s %d %s%s\n", r->local || r->failed ? "failed" : "refused",
	       r->status, r->reason,
	       r->local ? " (nobody answered; is --to right?)" : "");
	if (r->challenge[0])
		printf("  WWW-Authenticate: %s\n", r->challenge);
	if (r->warning[0])
		printf("  %s\n", r->warning);
	if (r->body[0])
		printf("  %s\n", r->body);
}

static void print_end(const struct call_result *r)
{
	printf("ended after %.1f s, %llu packets sent", r->seconds,
	       (unsigned long long)total(r));
	if (r->ended[0])
		printf(", by the server: %s", r->ended);
	if (r->change_status >= 300)
		printf(", a change was answered %d", r->change_status);
	if (r->failed)
		printf(", failed: %s", r->reason);
	putchar('\n');
}

static void print_text(unsigned index, enum call_event ev,
		       const struct call_result *r)
{
	printf("call %u: ", index + 1);
	switch (ev) {
	case CALL_STARTED:
		puts("inviting");
		break;
	case CALL_ANSWERED:
		printf("answered %d %s\n", r->status, r->reason);
		break;
	case CALL_REFUSED:
		print_refusal(r);
		break;
	case CALL_HELD:
		puts("on hold");
		break;
	case CALL_RESUMED:
		puts("resumed");
		break;
	case CALL_PAUSED:
		puts("paused by the server");
		break;
	case CALL_UNPAUSED:
		puts("resumed by the server");
		break;
	case CALL_CHANGED:
		if (r->restarts)
			printf("dialog %u of the same call\n", r->restarts + 1);
		else
			printf("metadata changed (%d)\n", r->change_status);
		break;
	case CALL_ENDED:
		print_end(r);
		break;
	}
	fflush(stdout);
}

static void on_event(void *arg, unsigned index, enum call_event ev,
		     const struct call_result *r)
{
	const struct run *run = arg;
	bool last = ev == CALL_REFUSED || ev == CALL_ENDED;

	if (run->json) {
		if (last)
			print_json(index, r);
	} else if (!run->many || last) {
		print_text(index, ev, r);
	}
}

/* Refused by the server: "no"; anything else that went wrong: failed. */
static int exit_code(const struct call_result *results, unsigned n)
{
	int code = CLI_OK;

	for (unsigned i = 0; i < n; i++) {
		const struct call_result *r = &results[i];

		if (call_result_ok(r))
			continue;
		if (!r->local && !r->failed && r->status)
			return CLI_NO;
		code = CLI_FAILED;
	}
	return code;
}

static void summarize(const struct call_result *results, unsigned n)
{
	unsigned ok = 0;

	for (unsigned i = 0; i < n; i++)
		ok += call_result_ok(&results[i]);
	printf("%u of %u calls were recorded\n", ok, n);
}

int cli_call(struct cli *c, int argc, char **argv)
{
	struct options o = { .spec = { .codec = "PCMU",
				       .duration_us = 10000000,
				       .hold_from_us = -1,
				       .n_calls = 1 } };
	struct call_result *results CLEANUP(mem_freep) = NULL;
	struct err e = { 0 };
	struct run run;
	int r = parse(&o, argc, argv);

	if (r)
		return r;
	results = mem_calloc(o.spec.n_calls, sizeof(*results));
	if (!results)
		return CLI_FAILED;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	run = (struct run){ c->json, o.spec.n_calls > 1 };
	r = call_run(&o.spec, on_event, &run, &stop, results, &e);
	if (r < 0) {
		fprintf(stderr, "srs " WORD ": %s\n",
			e.code ? e.text : err_words(r));
		return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	}
	if (run.many && !c->json)
		summarize(results, o.spec.n_calls);
	return exit_code(results, o.spec.n_calls);
}
