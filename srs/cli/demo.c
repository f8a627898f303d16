/* `srs demo`: the main job on a throw-away server, by the same doors that
 * everybody uses: the command line of this binary (as child processes), HTTP
 * and SIP. Nothing reaches into the server. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/demo_oauth.h"
#include "srs/cli/http_client.h"
#include "srs/proc.h"

#define LOGIN "alice@demo.example"
#define ALICE "sip:alice@voip.example"
#define BOB "sip:bob@voip.example"
#define REDIRECT "http://127.0.0.1:9/portal/callback"
#define CALL_S "12"
#define CALL_SECONDS 12.0
#define HOLD "5-8"
#define HOLD_FROM_S 5.0
#define HOLD_TO_S 8.0
#define READY_MS 30000
#define RENDER_MS 60000

static const char details[] =
	"[{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	"\"owner\":{\"aor\":[\"" ALICE "\"],\"must_participate\":true},"
	"\"conditions\":{\"participants\":{\"min\":2,\"match\":\"any\"},"
	"\"media\":[{\"kind\":\"audio\",\"codecs\":[\"PCMU/8000\","
	"\"opus/48000/2\"]}]}}]";

static const char alice_text[] =
	"Good morning Bob. I would like to order forty two blue boxes. <break "
	"time=\"4500ms\"/> Thank you. Please confirm the order by mail. "
	"Goodbye.";
static const char bob_text[] =
	"<break time=\"4200ms\"/> Of course. <break time=\"3500ms\"/> I am "
	"back. That is forty two boxes, delivered on Monday.";

struct demo {
	struct cli *cli;
	bool once;
	const char *data;
	FILE *say; /* progress: stdout, or stderr with --json */
	char dir[512], conf[640], log[640];
	struct proc server;
	char url[256], sip_uri[128];
	char password[128], client_id[128], client_secret[256];
	struct demo_tokens tokens;
	struct http_client *http;
	char recording_id[64];
	double duration_s;
	json_t *participants; /* as the API gives them */
	char mix_path[1024];
	struct err e;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

static void step(void *arg, const char *text)
{
	struct demo *d = arg;

	fprintf(d->say, "  - %s\n", text);
	fflush(d->say);
}

static void stepf(struct demo *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void stepf(struct demo *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	step(d, text);
}

/* --- the folder and the server ------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int r = 0;

	if (!f)
		return -errno;
	if (fputs(text, f) < 0)
		r = -EIO;
	if (fclose(f) != 0)
		r = -errno;
	return r;
}

static int make_folder(struct demo *d)
{
	const char *tmp = getenv("TMPDIR");
	char text[2048];

	if (d->data)
		snprintf(d->dir, sizeof(d->dir), "%s", d->data);
	else
		snprintf(d->dir, sizeof(d->dir), "%s/srs-demo-XXXXXX",
			 tmp && *tmp == '/' ? tmp : "/tmp");
	if (d->data ? mkdir(d->dir, 0700) < 0 && errno != EEXIST
		    : !mkdtemp(d->dir))
		return err_set(&d->e, -errno, "%s: %s", d->dir,
			       err_words(errno));
	if (!d->data)
		chmod(d->dir, 0700);
	snprintf(d->conf, sizeof(d->conf), "%s/srs.conf", d->dir);
	snprintf(d->log, sizeof(d->log), "%s/server.log", d->dir);
	snprintf(text, sizeof(text),
		 "[server]\n"
		 "data_dir = %s/data\n"
		 "[sip]\n"
		 "listen = udp:127.0.0.1:0, tcp:127.0.0.1:0\n"
		 "[http]\n"
		 "listen = 127.0.0.1:0\n"
		 "[media]\n"
		 "address = 127.0.0.1\n"
		 "ports = 20000-21999\n",
		 d->dir);
	return write_file(d->conf, text) < 0
		       ? err_set(&d->e, -EIO, "%s: can't be written", d->conf)
		       : 0;
}

static int read_ready(struct demo *d)
{
	char line[4096];
	const char *url, *sip = NULL;
	json_t *ready, *item;
	size_t i;
	int r = proc_read_line(&d->server, line, sizeof(line), READY_MS);

	if (r < 0)
		return err_set(&d->e, r, "the server did not start; see %s",
			       d->log);
	ready = json_loads(line, 0, NULL);
	url = json_string_value(json_object_get(ready, "url"));
	json_array_foreach(json_object_get(ready, "sip"), i,
			   item) if (strncmp(json_string_value(item),
					     "udp:", 4) == 0) sip =
		json_string_value(item) + 4;
	if (url && sip) {
		snprintf(d->url, sizeof(d->url), "%s", url);
		snprintf(d->sip_uri, sizeof(d->sip_uri), "sip:%s", sip);
	} else {
		r = err_set(&d->e, -EPROTO, "unexpected ready line: %s", line);
	}
	json_decref(ready);
	return r < 0 ? r : 0;
}

static int start_server(struct demo *d)
{
	const char *const argv[] = { "self", "-c", d->conf, "run", NULL };
	int r = proc_start(argv, NULL, d->log, &d->server);

	if (r < 0)
		return err_set(&d->e, r, "the server can't be started: %s",
			       err_words(r));
	r = read_ready(d);
	if (r == 0)
		stepf(d, "server started: %s and %s (log: %s)", d->url,
		      d->sip_uri, d->log);
	return r;
}

/* --- commands of this binary ---------------------------------------------- */

#define ARGS_MAX 32

/* Run `srs -c CONF --json ARGS...` and parse what it prints. */
static json_t *command(struct demo *d, const char *stdin_text,
		       const char *const *args)
{
	const char *argv[ARGS_MAX] = { "self", "-c", d->conf, "--json" };
	struct buf out;
	struct proc p;
	json_t *j = NULL;
	int n = 4, r;

	while (*args && n < ARGS_MAX - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	r = proc_start(argv, stdin_text, d->log, &p);
	if (r < 0) {
		err_set(&d->e, r, "srs %s: %s", argv[4], err_words(r));
		return NULL;
	}
	buf_init(&out, 1024 * 1024);
	r = proc_wait(&p, &out, NULL, NULL);
	if (r == 0)
		j = json_loads(buf_str(&out), 0, NULL);
	if (!j)
		err_set(&d->e, -EIO, "srs %s failed (exit code %d); see %s",
			argv[4], r, d->log);
	buf_fini(&out);
	return j;
}

#define COMMAND(d, in, ...)                                                    \
	command(d, in, (const char *const[]){ __VA_ARGS__, NULL })

static int take(struct demo *d, json_t *j, const char *key, char *dst,
		size_t len)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || !str_copy(dst, len, s))
		return err_set(&d->e, -EPROTO, "no \"%s\" in the answer", key);
	return 0;
}

static int make_accounts(struct demo *d)
{
	json_t *user, *client;
	int r = -EIO;

	user = COMMAND(d, NULL, "user", "add", "--tenant", "demo", "--email",
		       LOGIN, "--role", "owner", "--aor", ALICE);
	if (!user)
		return -EIO;
	client = COMMAND(d, NULL, "client", "add", "--tenant", "demo", "--name",
			 "Example VoIP", "--redirect-uri", REDIRECT);
	if (client)
		r = take(d, user, "password", d->password, sizeof(d->password));
	if (r == 0)
		r = take(d, client, "client_id", d->client_id,
			 sizeof(d->client_id));
	if (r == 0)
		r = take(d, client, "client_secret", d->client_secret,
			 sizeof(d->client_secret));
	json_decref(user);
	json_decref(client);
	if (r == 0)
		step(d, "made the owner " LOGIN
			" and the VoIP provider \"Example VoIP\"");
	return r;
}

static int authorize(struct demo *d)
{
	struct demo_oauth o = { .issuer = d->url,
				.client_id = d->client_id,
				.client_secret = d->client_secret,
				.redirect_uri = REDIRECT,
				.details = details,
				.login = LOGIN,
				.password = d->password };

	return demo_oauth_walk(&o, step, d, &d->tokens, &d->e);
}

/* --- the call ------------------------------------------------------------- */

static bool speak(struct demo *d, const char *voice, const char *text,
		  const char *name, char *path, size_t len)
{
	struct proc p;

	snprintf(path, len, "%s/%s.wav", d->dir, name);
	return proc_start((const char *const[]){ "espeak-ng", "-m", "-v", voice,
						 "-w", path, text, NULL },
			  NULL, d->log, &p) == 0 &&
	       proc_wait(&p, NULL, NULL, NULL) == 0 && access(path, R_OK) == 0;
}

static void on_second(void *arg, int seconds)
{
	struct demo *d = arg;
	const char *what = seconds > HOLD_FROM_S && seconds <= HOLD_TO_S
				   ? "on hold"
				   : "talking";

	fprintf(d->say,
		isatty(fileno(d->say)) ? "\r    %2d s  %-8s"
				       : "    %2d s  %s\n",
		seconds, what);
	fflush(d->say);
}

static int place_call(struct demo *d)
{
	char a[640], b[640];
	bool voices = speak(d, "en-gb", alice_text, "alice", a, sizeof(a)) &&
		      speak(d, "en-us+f3", bob_text, "bob", b, sizeof(b));
	const char *argv[ARGS_MAX] = {
		"self",		 "call",
		"--to",		 d->sip_uri,
		"--token",	 d->tokens.access_token,
		"--participant", ALICE,
		"--name",	 "Alice",
		"--participant", BOB,
		"--name",	 "Bob",
		"--codec",	 "PCMU",
		"--duration",	 CALL_S,
		"--hold",	 HOLD,
	};
	struct proc p;
	int n = 18, r;

	while (argv[n])
		n++;
	if (voices) {
		argv[n++] = "--wav";
		argv[n++] = a;
		argv[n++] = "--wav";
		argv[n++] = b;
	}
	stepf(d,
	      "calling %s for " CALL_S " s, on hold from second " HOLD " (%s)",
	      d->sip_uri, voices ? "two voices" : "two tones");
	r = proc_start(argv, NULL, d->log, &p);
	if (r == 0)
		r = proc_wait(&p, NULL, on_second, d);
	if (isatty(fileno(d->say)))
		fputc('\r', d->say);
	if (r != 0)
		return err_set(&d->e, -EIO,
			       "the call failed (exit code %d); see %s", r,
			       d->log);
	step(d, "the call ended");
	return 0;
}

/* --- the recording, over HTTP --------------------------------------------- */

static int get(struct demo *d, const char *path, const char *range, long want,
	       struct http_reply *ret_r)
{
	char url[1024];
	struct http_call call = { .url = url,
				  .bearer = d->tokens.access_token,
				  .range = range };
	int r;

	snprintf(url, sizeof(url), "%s%s", d->url, path);
	r = http_client_do(d->http, &call, ret_r, &d->e);
	if (r == 0 && ret_r->status != want) {
		r = err_set(&d->e, -EPROTO,
			    "GET %s: status %ld instead of %ld: %.200s", path,
			    ret_r->status, want, ret_r->body);
		http_reply_fini(ret_r);
	}
	return r;
}

static json_t *get_json(struct demo *d, const char *path)
{
	struct http_reply r = { 0 };
	json_t *j;

	if (get(d, path, NULL, 200, &r) < 0)
		return NULL;
	j = json_loads(r.body, 0, NULL);
	if (!j)
		err_set(&d->e, -EPROTO, "GET %s: not JSON", path);
	http_reply_fini(&r);
	return j;
}

/* 1 ready, 0 not yet, -errno. */
static int look_once(struct demo *d)
{
	json_t *list = get_json(d, "/api/v1/recordings"), *item;
	const char *state;
	int r = 0;

	if (!list)
		return -EPROTO;
	item = json_array_get(json_object_get(list, "items"), 0);
	state = json_string_value(json_object_get(item, "state"));
	if (str_eq(state, "failed")) {
		r = err_set(&d->e, -EIO, "the recording failed");
	} else if (str_eq(state, "ready")) {
		r = take(d, item, "id", d->recording_id,
			 sizeof(d->recording_id));
		d->duration_s =
			json_number_value(json_object_get(item, "duration_s"));
		d->participants =
			json_incref(json_object_get(item, "participants"));
		r = r < 0 ? r : 1;
	}
	json_decref(list);
	return r;
}

static int wait_ready(struct demo *d)
{
	struct timespec pause = { 0, 200000000 };

	step(d, "waiting until the recording is ready");
	for (int waited = 0; waited < RENDER_MS && !interrupted;
	     waited += 200) {
		int r = look_once(d);

		if (r < 0)
			return r;
		if (r > 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return err_set(&d->e, -ETIMEDOUT,
		       interrupted ? "interrupted"
				   : "the recording did not become ready");
}

static int check_list(struct demo *d)
{
	if (json_array_size(d->participants) != 2)
		return err_set(&d->e, -EPROTO, "not two participants");
	if (d->duration_s < CALL_SECONDS - 1 ||
	    d->duration_s > CALL_SECONDS + 1)
		return err_set(&d->e, -EPROTO,
			       "duration %.2f s instead of about " CALL_S " s",
			       d->duration_s);
	return 0;
}

static int check_audio(struct demo *d)
{
	struct http_reply r = { 0 };
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "/api/v1/recordings/%s/audio?format=ogg",
		 d->recording_id);
	rc = get(d, path, "0-1023", 206, &r);
	if (rc < 0)
		return rc;
	if (r.body_len != 1024 || memcmp(r.body, "OggS", 4) != 0 ||
	    strncmp(r.content_range, "bytes 0-1023/", 13) != 0)
		rc = err_set(&d->e, -EPROTO,
			     "audio: %zu bytes, Content-Range \"%s\"",
			     r.body_len, r.content_range);
	http_reply_fini(&r);
	return rc;
}

/* Loudest of the peaks between two seconds, 0..1. */
static double loudest(json_t *peaks, double from_s, double to_s)
{
	double rate = json_number_value(json_object_get(peaks, "sample_rate"));
	double spp =
		json_number_value(json_object_get(peaks, "samples_per_pixel"));
	json_t *data = json_object_get(peaks, "data");
	size_t channels =
		(size_t)json_integer_value(json_object_get(peaks, "channels"));
	double bits = json_number_value(json_object_get(peaks, "bits"));
	double max = 0;

	for (size_t px = (size_t)(from_s * rate / spp);
	     px < (size_t)(to_s * rate / spp); px++) {
		for (size_t k = 0; k < channels * 2; k++) {
			double v = json_number_value(
				json_array_get(data, px * channels * 2 + k));

			v = v < 0 ? -v : v;
			max = v > max ? v : max;
		}
	}
	return max / (bits == 16 ? 32768.0 : 128.0);
}

static int check_peaks(struct demo *d)
{
	char path[256];
	json_t *peaks;
	double talk, hold;
	int r = 0;

	snprintf(path, sizeof(path), "/api/v1/recordings/%s/peaks",
		 d->recording_id);
	peaks = get_json(d, path);
	if (!peaks)
		return -EPROTO;
	if (json_integer_value(json_object_get(peaks, "version")) != 2 ||
	    json_number_value(json_object_get(peaks, "samples_per_pixel")) <= 0)
		r = err_set(&d->e, -EPROTO, "peaks: not version 2");
	if (r == 0) {
		talk = loudest(peaks, 0.5, HOLD_FROM_S - 0.5);
		hold = loudest(peaks, HOLD_FROM_S + 0.5, HOLD_TO_S - 0.5);
		if (talk < 0.05 || hold > 0.02)
			r = err_set(&d->e, -EPROTO,
				    "peaks: %.3f while talking, %.3f on hold",
				    talk, hold);
	}
	json_decref(peaks);
	return r;
}

/* Where the file lies: the catalog's key below the media folder. */
static int find_mix(struct demo *d)
{
	json_t *rec = COMMAND(d, NULL, "recordings", "show", d->recording_id);
	json_t *track;
	size_t i;

	if (!rec)
		return -EIO;
	json_array_foreach(json_object_get(rec, "tracks"), i, track)
	{
		const char *key =
			json_string_value(json_object_get(track, "blob_key"));
		struct span k = span_of(key);

		if (k.len > 8 && strcmp(key + k.len - 8, "/mix.ogg") == 0)
			snprintf(d->mix_path, sizeof(d->mix_path),
				 "%s/data/media/%s", d->dir, key);
	}
	json_decref(rec);
	if (!d->mix_path[0] || access(d->mix_path, R_OK) != 0)
		return err_set(&d->e, -ENOENT, "mix: no file \"%s\"",
			       d->mix_path);
	return 0;
}

static int check_recording(struct demo *d)
{
	int r = http_client_create(&d->http);

	if (r == 0)
		r = wait_ready(d);
	if (r == 0)
		r = check_list(d);
	if (r == 0)
		r = check_audio(d);
	if (r == 0)
		r = check_peaks(d);
	if (r == 0)
		r = find_mix(d);
	if (r == 0)
		stepf(d,
		      "checked over HTTP: list, audio (a range), waveform; "
		      "%.1f s, the hold is silent",
		      d->duration_s);
	return r;
}

/* --- the end ---------------------------------------------------------------
 */

static void print_json(struct demo *d)
{
	char audio[512], ui[512];
	json_t *j;
	char *text;

	snprintf(audio, sizeof(audio), "%s/api/v1/recordings/%s/audio", d->url,
		 d->recording_id);
	snprintf(ui, sizeof(ui), "%s/recordings/%s", d->url, d->recording_id);
	j = json_pack("{s:s, s:f, s:O, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		      "recording_id", d->recording_id, "duration_s",
		      d->duration_s, "participants", d->participants,
		      "mix_path", d->mix_path, "audio_url", audio, "ui_url", ui,
		      "login", LOGIN, "password", d->password, "access_token",
		      d->tokens.access_token, "sip_uri", d->sip_uri);
	text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	if (text)
		puts(text);
	fflush(stdout);
	mem_free(text);
	json_decref(j);
}

static void print_people(struct demo *d, bool serves)
{
	printf("\nRecorded: Alice and Bob, %.1f s, the hold included.\n\n"
	       "  file      %s\n",
	       d->duration_s, d->mix_path);
	if (serves)
		printf("  page      %s/recordings/%s\n", d->url,
		       d->recording_id);
	printf("  login     %s   password  %s\n", LOGIN, d->password);
	if (serves)
		printf("  audio     curl -H 'Authorization: Bearer %s' \\\n"
		       "              -o mix.ogg "
		       "'%s/api/v1/recordings/%s/audio?"
		       "format=ogg'\n"
		       "  SBC       send recording legs to %s\n"
		       "            with the same token in Authorization: "
		       "Bearer\n",
		       d->tokens.access_token, d->url, d->recording_id,
		       d->sip_uri);
	else
		printf("  server    has ended; to look at it: srs -c %s run\n",
		       d->conf);
	printf("  data      %s (delete it when you are done)\n", d->dir);
	fflush(stdout);
}

static void serve(struct demo *d)
{
	sigset_t none, both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, NULL);
	fprintf(d->say, "\nServing until Ctrl-C.\n");
	fflush(d->say);
	sigemptyset(&none);
	while (!interrupted)
		sigsuspend(&none);
}

static int run_demo(struct demo *d)
{
	bool serves = !d->once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int r;

	fprintf(d->say, "A call recording server, from consent to playback:\n");
	r = make_folder(d);
	if (r == 0)
		r = start_server(d);
	if (r == 0)
		r = make_accounts(d);
	if (r == 0)
		r = authorize(d);
	if (r == 0)
		r = place_call(d);
	if (r == 0)
		r = check_recording(d);
	if (r < 0)
		return r;
	if (d->cli->json)
		print_json(d);
	else
		print_people(d, serves);
	if (serves)
		serve(d);
	return 0;
}

int cli_demo(struct cli *c, int argc, char **argv)
{
	struct demo *d CLEANUP(mem_freep) = mem_zalloc(sizeof(*d));
	struct sigaction sa = { .sa_handler = on_interrupt };
	int r;

	if (!d)
		return CLI_FAILED;
	d->cli = c;
	d->say = c->json ? stderr : stdout;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--once") == 0)
			d->once = true;
		else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
			d->data = argv[++i];
		else
			return cli_usage("demo", "what is \"%s\"?", argv[i]);
	}
	if (d->data && d->data[0] != '/')
		return cli_usage("demo", "--data wants an absolute path");
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	r = run_demo(d);
	if (r < 0)
		fprintf(stderr, "srs demo: %s\n",
			d->e.text[0] ? d->e.text : err_words(r));
	(void)proc_stop(&d->server, 10000);
	http_client_destroy(&d->http);
	json_decref(d->participants);
	return r < 0 ? CLI_FAILED : CLI_OK;
}
