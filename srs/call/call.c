/* The batch: who is called from which address, when each call starts, and one
 * loop that waits for SIP and wakes for the next packet. */
#include "srs/call/call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/call/dialect.h"
#include "srs/call/leg.h"
#include "srs/call/voice.h"

#define TONE_HZ 440u
#define IDLE_MS 50
#define LINGER_US 50000 /* for the last answers to leave */

struct target {
	char host[256];
	char port[8];
	char route[160]; /* "sip:192.0.2.1:5060;transport=udp" */
};

/* ---- where to ---- */

/* "sip:user@host:port;params" -> host and port. */
static int split_uri(const struct call_spec *s, struct target *t, struct err *e)
{
	struct span u = span_of(s->to);
	bool secure = span_istarts(u, "sips:");
	ptrdiff_t at;

	if (!secure && !span_istarts(u, "sip:"))
		return err_set(e, -EINVAL, "%s: not a SIP URI", s->to);
	(void)span_cut(&u, ':');
	at = span_find(u, '@');
	if (at >= 0)
		(void)span_cut(&u, '@');
	u = span_cut(&u, ';');
	u = span_cut(&u, '?');
	str_copy(t->port, sizeof(t->port),
		 s->transport == CALL_TLS ? "5061" : "5060");
	if (u.len && *u.p == '[') {
		u.p++;
		u.len--;
		span_copy(t->host, sizeof(t->host), span_cut(&u, ']'));
		if (u.len && *u.p == ':')
			(void)span_cut(&u, ':');
	} else {
		span_copy(t->host, sizeof(t->host), span_cut(&u, ':'));
	}
	if (u.len)
		span_copy(t->port, sizeof(t->port), u);
	if (!t->host[0])
		return err_set(e, -EINVAL, "%s: no host in it", s->to);
	return 0;
}

/* The local address that packets to the server leave from. */
static int find_local(const struct addrinfo *ai, struct call_batch *b)
{
	socklen_t len = sizeof(b->local);
	int fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    getsockname(fd, (struct sockaddr *)&b->local, &len) < 0)
		r = -errno;
	close(fd);
	if (!r && getnameinfo((struct sockaddr *)&b->local, len, b->local_ip,
			      sizeof(b->local_ip), NULL, 0, NI_NUMERICHOST))
		r = -EAFNOSUPPORT;
	return r;
}

static int resolve(const struct call_spec *s, struct call_batch *b,
		   struct target *t, struct err *e)
{
	static const char *const words[] = {
		[CALL_UDP] = "udp", [CALL_TCP] = "tcp", [CALL_TLS] = "tls"
	};
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *ai = NULL;
	char ip[SDP_ADDR_MAX];
	int r = getaddrinfo(t->host, t->port, &hints, &ai);

	if (r)
		return err_set(e, -ENOENT, "%s port %s: %s", t->host, t->port,
			       gai_strerror(r));
	r = getnameinfo(ai->ai_addr, ai->ai_addrlen, ip, sizeof(ip), NULL, 0,
			NI_NUMERICHOST)
		    ? -EAFNOSUPPORT
		    : find_local(ai, b);
	snprintf(t->route, sizeof(t->route), "%s:%s%s%s:%s;transport=%s",
		 s->transport == CALL_TLS ? "sips" : "sip",
		 ai->ai_family == AF_INET6 ? "[" : "", ip,
		 ai->ai_family == AF_INET6 ? "]" : "", t->port,
		 words[s->transport]);
	freeaddrinfo(ai);
	return r < 0 ? err_set(e, r, "%s: %s", t->host, err_words(r)) : 0;
}

/* ---- what is said ---- */

static int make_voices(const struct call_spec *s, struct call_batch *b,
		       struct err *e)
{
	for (unsigned i = 0; i < s->n_parties; i++) {
		int r = call_voice_create(s->codec, s->parties[i].wav,
					  TONE_HZ * (i + 1), &b->voices[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int mix_voices(const struct call_spec *s, struct call_batch *b,
		      struct err *e)
{
	int r = call_voice_mix(b->voices, s->n_parties, &b->mixed);

	return r == -EINVAL ? err_set(e, r,
				      "%s sends mixed audio: PCMU or PCMA only",
				      b->dialect->name)
			    : r;
}

static int check_dialect(const struct call_spec *s, struct err *e)
{
	const struct call_dialect *d = s->dialect;

	if (d && d->two_ends && s->srtp != SRTP_CLEAR)
		return err_set(
			e, -EINVAL,
			"%s leaves the offer to the server, which offers "
			"no SRTP",
			d->name);
	if (d && d->two_ends && (s->n_parties != 2 || s->n_changes))
		return err_set(e, -EINVAL,
			       "%s: two participants, who stay to the end",
			       d->name);
	return 0;
}

static int check_spec(const struct call_spec *s, struct err *e)
{
	if (!s->to || !s->n_parties || s->n_parties > CALL_PARTIES_MAX)
		return err_set(e, -EINVAL, "one to %d participants are needed",
			       CALL_PARTIES_MAX);
	if (!s->n_calls || s->n_calls > CALL_COUNT_MAX)
		return err_set(e, -EINVAL, "one to %d calls", CALL_COUNT_MAX);
	if (s->hold_from_us >= 0 && s->hold_to_us <= s->hold_from_us)
		return err_set(e, -EINVAL, "the hold ends before it begins");
	return check_dialect(s, e);
}

/* Two sockets per stream: take what the kernel lets us have. */
static void raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl); /* then fewer calls succeed */
}

/* ---- the loop ---- */

static int64_t start_time(const struct call_spec *s, int64_t t0, unsigned i)
{
	return s->rate > 0 ? t0 + (int64_t)(i / s->rate * 1e6) : t0;
}

static int wait_ms(int64_t due, int64_t now)
{
	int64_t ms = (due - now + 999) / 1000;

	if (ms < 0)
		return 0;
	return ms > IDLE_MS ? IDLE_MS : (int)ms;
}

/* One turn. @return false when every call is over */
static bool turn(struct call_batch *b, struct call_leg *legs, int64_t t0,
		 bool stop)
{
	struct clock *clk = clock_real();
	int64_t now = clock_mono_us(clk), due = INT64_MAX;
	unsigned live = 0;

	for (unsigned i = 0; i < b->spec->n_calls; i++) {
		struct call_leg *l = &legs[i];
		int64_t at;

		if (l->state == LEG_NEW && !stop) {
			at = start_time(b->spec, t0, i);
			if (at <= now)
				call_leg_start(l, now, clock_wall_us(clk));
			else if (at < due)
				due = at;
		}
		if (l->state == LEG_DONE || (stop && l->state == LEG_NEW))
			continue;
		live++;
		call_leg_tick(l, now, clock_wall_us(clk), stop);
		at = call_leg_due(l);
		if (at < due)
			due = at;
	}
	if (live)
		call_ua_step(b->ua, wait_ms(due, clock_mono_us(clk)));
	return live > 0;
}

static int run_legs(struct call_batch *b, volatile int *stop,
		    struct call_result *results)
{
	unsigned n = b->spec->n_calls;
	struct call_leg *legs = mem_calloc(n, sizeof(*legs));
	int64_t t0 = clock_mono_us(clock_real());

	b->refci = (uint32_t)clock_wall_us(clock_real());
	if (!legs)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		results[i] = (struct call_result){ 0 };
		legs[i].batch = b;
		legs[i].index = i;
		legs[i].result = &results[i];
	}
	while (turn(b, legs, t0, stop && *stop))
		;
	t0 = clock_mono_us(clock_real());
	while (clock_mono_us(clock_real()) - t0 < LINGER_US)
		call_ua_step(b->ua, 10);
	for (unsigned i = 0; i < n; i++)
		call_leg_fini(&legs[i]);
	mem_free(legs);
	return 0;
}

int call_run(const struct call_spec *spec, call_event_fn *on_event, void *arg,
	     volatile int *stop, struct call_result *ret_results, struct err *e)
{
	struct call_batch b = { .spec = spec,
				.dialect = spec->dialect ? spec->dialect
							 : dialect_find(NULL),
				.on_event = on_event,
				.arg = arg };
	struct target t = { 0 };
	int r = check_spec(spec, e);

	if (!r)
		r = split_uri(spec, &t, e);
	if (!r)
		r = resolve(spec, &b, &t, e);
	if (!r)
		r = make_voices(spec, &b, e);
	if (!r && b.dialect->mixed)
		r = mix_voices(spec, &b, e);
	if (!r) {
		raise_limit();
		r = call_ua_create(b.local_ip, spec->transport, t.route,
				   spec->tls_dir, b.dialect, &call_leg_events,
				   &b.ua);
		if (r < 0)
			err_set(e, r, "no SIP transport on %s", b.local_ip);
	}
	if (!r)
		r = run_legs(&b, stop, ret_results);
	call_ua_destroy(&b.ua);
	call_voice_destroy(&b.mixed);
	for (unsigned i = 0; i < CALL_PARTIES_MAX; i++)
		call_voice_destroy(&b.voices[i]);
	return r;
}

bool call_result_ok(const struct call_result *r)
{
	return r->status >= 200 && r->status < 300 && !r->failed &&
	       !r->ended[0] && r->change_status < 300;
}
