/* srs/cli/spool.c - `srs spool show FILE` and `srs spool dump FILE`.
 *
 * show tells what a spool file holds: session, streams, events, counts and
 * damage. dump writes its packets as pcapng (raw IP, with headers made from
 * the negotiated addresses) for Wireshark. Both work on running recordings and
 * on damaged files, and change nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/rtp.h"
#include "media/spool.h"
#include "srs/cli/cli.h"
#include "srs/spool_pcap.h"

#define OUT_MAX (64u * 1024u * 1024u)
#define STREAM_NUMBERS 256

/* What is counted of one stream. */
struct tally {
	uint64_t rtp, rtcp, bytes;
	int64_t first_us, last_us;
	bool any;
	uint16_t last_seq;
	uint64_t gaps; /* sequence numbers that were skipped */
};

struct show {
	bool json;
	struct buf events; /* finished lines or array elements */
	struct spool_streams streams;
	struct tally tally[STREAM_NUMBERS];
	struct id session;
	int64_t start_wall_us, end_us;
	uint64_t lost;
	char local[64];
	char reason[64];
	struct buf meta;
};

static const char *event_name(unsigned kind)
{
	static const char *const names[] = {
		[CAP_EV_HOLD] = "hold",		[CAP_EV_RESUME] = "resume",
		[CAP_EV_PAUSE] = "pause",	[CAP_EV_UNPAUSE] = "unpause",
		[CAP_EV_JOIN] = "join",		[CAP_EV_LEAVE] = "leave",
		[CAP_EV_METADATA] = "metadata", [CAP_EV_NOTE] = "note",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "other";
}

static void add_event(struct show *w, int64_t t_us, const char *name, int index,
		      const char *text, size_t len)
{
	struct buf *b = &w->events;

	/* all appends: the error sticks and is looked at in the end */
	if (!w->json) {
		(void)buf_printf(b, "  %9.3f s  %-9s", (double)t_us / 1e6,
				 name);
		if (index >= 0)
			(void)buf_printf(b, " stream %d", index);
		if (len)
			(void)buf_printf(b, " %.*s", (int)len, text);
		(void)buf_putc(b, '\n');
		return;
	}
	(void)buf_printf(b, "%s{\"t_s\":%.3f,\"kind\":\"%s\",\"stream\":%d",
			 b->len ? "," : "", (double)t_us / 1e6, name, index);
	(void)buf_puts(b, ",\"text\":\"");
	(void)buf_json(b, text, len);
	(void)buf_puts(b, "\"}");
}

static void take_open(struct show *w, const struct spool_item *it)
{
	w->session = it->open.session;
	w->start_wall_us = it->open.start_wall_us;
	(void)str_copy(w->local, sizeof(w->local), it->open.local_address);
	buf_reset(&w->meta);
	(void)buf_put(&w->meta, it->open.meta, it->open.meta_len);
}

static void take_packet(struct show *w, const struct spool_item *it)
{
	struct tally *t = &w->tally[it->packet.stream % STREAM_NUMBERS];
	struct rtp_packet p;
	int step;

	if (it->packet.proto != SPOOL_RTP) {
		t->rtcp++;
		return;
	}
	if (!t->rtp)
		t->first_us = it->t_us;
	t->last_us = it->t_us;
	t->rtp++;
	t->bytes += it->packet.len;
	if (rtp_parse_header(it->packet.data, it->packet.len, &p) < 0)
		return;
	step = rtp_seq_diff(t->last_seq, p.seq);
	if (t->any && step > 1 && step < 3000)
		t->gaps += (unsigned)step - 1;
	if (!t->any || step > 0)
		t->last_seq = p.seq;
	t->any = true;
}

static void take_item(struct show *w, const struct spool_item *it)
{
	w->end_us = it->t_us > w->end_us ? it->t_us : w->end_us;
	switch (it->type) {
	case SPOOL_OPEN:
		take_open(w, it);
		break;
	case SPOOL_STREAMS:
		w->streams = *it->streams;
		add_event(w, it->t_us, "streams", -1, "", 0);
		break;
	case SPOOL_PACKETS:
		take_packet(w, it);
		break;
	case SPOOL_EVENT:
		add_event(w, it->t_us, event_name(it->event.kind),
			  it->event.index, it->event.text, it->event.text_len);
		break;
	case SPOOL_RESTART:
		add_event(w, it->t_us, "restart", -1, "", 0);
		break;
	case SPOOL_LOST:
		w->lost += it->lost.packets;
		add_event(w, it->t_us, "lost", -1, "", 0);
		break;
	case SPOOL_CLOSE:
		(void)str_copy(w->reason, sizeof(w->reason), it->close->reason);
		add_event(w, it->t_us, "close", -1, w->reason,
			  strlen(w->reason));
		break;
	}
}

static const char *codec_of(const struct cap_stream *s)
{
	return s->n_pts ? s->pts[0].codec : "-";
}

static void address_text(const struct sockaddr_storage *a, char *dst,
			 size_t len)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	char ip[INET6_ADDRSTRLEN] = "";

	if (a->ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
		(void)snprintf(dst, len, "%s:%u", ip, ntohs(v4->sin_port));
	} else if (a->ss_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
		(void)snprintf(dst, len, "[%s]:%u", ip, ntohs(v6->sin6_port));
	} else {
		(void)str_copy(dst, len, "-");
	}
}

static const char *stream_state(const struct cap_stream *s)
{
	if (!s->enabled)
		return "off";
	if (s->muted)
		return "muted";
	return s->active ? "active" : "hold";
}

static void show_stream(const struct show *w, const struct cap_stream *s)
{
	const struct tally *t = &w->tally[s->index % STREAM_NUMBERS];
	char from[64];

	address_text(&s->remote_rtp, from, sizeof(from));
	printf("stream %u  label \"%s\"  %s  %s\n"
	       "  from %s to port %u\n"
	       "  %" PRIu64 " RTP packets (%" PRIu64 " bytes, %" PRIu64
	       " sequence numbers missing), %" PRIu64 " RTCP, "
	       "%.3f s to %.3f s\n",
	       s->index, s->label, codec_of(s), stream_state(s), from,
	       s->local_port, t->rtp, t->bytes, t->gaps, t->rtcp,
	       (double)t->first_us / 1e6, (double)t->last_us / 1e6);
}

static void show_damage(const struct show *w, const struct spool_stats *st)
{
	if (st->header_bad)
		printf("damage: the file header\n");
	if (st->bad_blocks)
		printf("damage: %" PRIu64 " blocks, %" PRIu64 " bytes, %" PRIu64
		       " packets missing\n",
		       st->bad_blocks, st->skipped_bytes, st->missing_packets);
	if (st->torn_bytes)
		printf("torn or still being written: %" PRIu64 " bytes\n",
		       st->torn_bytes);
	if (w->lost)
		printf("not written because of the disk: %" PRIu64 " packets\n",
		       w->lost);
}

static void show_text(struct show *w, const struct spool_stats *st)
{
	char start[CLOCK_RFC3339_MAX];

	clock_format(w->start_wall_us, start, sizeof(start));
	printf("session %s\nstart %s, %.3f s so far, %s\n"
	       "received at %s; capture restarted %u times, machine %u times\n"
	       "meta %s\n",
	       w->session.s, start, (double)w->end_us / 1e6,
	       st->closed ? "closed" : "not closed", w->local, st->restarts,
	       st->reboots, buf_str(&w->meta));
	for (unsigned i = 0; i < w->streams.n; i++)
		show_stream(w, &w->streams.s[i]);
	printf("events\n%s", buf_str(&w->events));
	show_damage(w, st);
}

static void json_text(struct buf *b, const char *key, const char *s)
{
	(void)buf_printf(b, ",\"%s\":\"", key); /* the error sticks */
	(void)buf_json(b, s, strlen(s));
	(void)buf_putc(b, '"');
}

static void json_stream(const struct show *w, const struct cap_stream *s,
			struct buf *b)
{
	const struct tally *t = &w->tally[s->index % STREAM_NUMBERS];
	char from[64];

	address_text(&s->remote_rtp, from, sizeof(from));
	(void)buf_printf(b, "{\"index\":%u,\"port\":%u", s->index,
			 s->local_port); /* the error sticks */
	json_text(b, "label", s->label);
	json_text(b, "codec", codec_of(s));
	json_text(b, "state", stream_state(s));
	json_text(b, "remote", from);
	(void)buf_printf(b,
			 ",\"rtp_packets\":%" PRIu64
			 ",\"rtcp_packets\":%" PRIu64 ",\"rtp_bytes\":%" PRIu64
			 ",\"missing\":%" PRIu64
			 ",\"first_s\":%.3f,\"last_s\":%.3f}",
			 t->rtp, t->rtcp, t->bytes, t->gaps,
			 (double)t->first_us / 1e6, (double)t->last_us / 1e6);
}

static int show_json(struct show *w, const struct spool_stats *st)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	char start[CLOCK_RFC3339_MAX];

	buf_init(&b, OUT_MAX);
	clock_format(w->start_wall_us, start, sizeof(start));
	(void)buf_printf(&b, "{\"session\":\"%s\",\"start\":\"%s\"",
			 w->session.s, start); /* the error sticks */
	(void)buf_printf(&b,
			 ",\"duration_s\":%.3f,\"closed\":%s,\"restarts\":%u"
			 ",\"reboots\":%u,\"packets\":%" PRIu64
			 ",\"bad_blocks\":%" PRIu64
			 ",\"skipped_bytes\":%" PRIu64
			 ",\"missing_packets\":%" PRIu64
			 ",\"torn_bytes\":%" PRIu64 ",\"header_bad\":%s"
			 ",\"lost_packets\":%" PRIu64,
			 (double)w->end_us / 1e6, st->closed ? "true" : "false",
			 st->restarts, st->reboots, st->packets, st->bad_blocks,
			 st->skipped_bytes, st->missing_packets, st->torn_bytes,
			 st->header_bad ? "true" : "false", w->lost);
	json_text(&b, "reason", w->reason);
	json_text(&b, "local", w->local);
	json_text(&b, "meta", buf_str(&w->meta));
	(void)buf_puts(&b, ",\"streams\":[");
	for (unsigned i = 0; i < w->streams.n; i++) {
		if (i)
			(void)buf_putc(&b, ',');
		json_stream(w, &w->streams.s[i], &b);
	}
	(void)buf_puts(&b, "],\"events\":[");
	(void)buf_put(&b, buf_str(&w->events), w->events.len);
	(void)buf_puts(&b, "]}");
	if (buf_error(&b))
		return buf_error(&b);
	printf("%s\n", buf_str(&b));
	return 0;
}

/* Opens with a message for people. */
static int open_file(const char *path, struct spool_reader **ret_reader)
{
	int r = spool_reader_open(path, ret_reader);

	if (r == 0)
		return CLI_OK;
	fprintf(stderr, "srs spool: %s: %s\n", path,
		r == -EBADMSG ? "not a spool file, or nothing in it is left"
			      : err_words(r));
	return r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
}

static int show_file(struct show *w, const char *path)
{
	struct spool_reader *rd CLEANUP(spool_reader_close) = NULL;
	struct spool_stats st;
	struct spool_item it;
	int r;

	r = open_file(path, &rd);
	if (r)
		return r;
	(void)str_copy(w->session.s, sizeof(w->session.s),
		       spool_reader_session(rd));
	while ((r = spool_reader_next(rd, &it)) > 0)
		take_item(w, &it);
	spool_reader_stats(rd, &st);
	if (!r)
		r = buf_error(&w->events);
	if (!r && w->json)
		r = show_json(w, &st);
	else if (!r)
		show_text(w, &st);
	if (r < 0)
		fprintf(stderr, "srs spool: %s: %s\n", path, err_words(r));
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static int do_show(struct cli *c, int argc, char **argv)
{
	struct show *w;
	int r;

	if (argc != 2)
		return cli_usage("spool", "show wants one FILE");
	w = mem_zalloc(sizeof(*w));
	if (!w)
		return CLI_FAILED;
	w->json = c->json;
	buf_init(&w->events, OUT_MAX / 2);
	buf_init(&w->meta, SPOOL_PAYLOAD_MAX);
	r = show_file(w, argv[1]);
	buf_fini(&w->events);
	buf_fini(&w->meta);
	mem_free(w);
	return r;
}

static int dump_to(const char *path, FILE *out)
{
	struct spool_reader *rd CLEANUP(spool_reader_close) = NULL;
	int r;

	r = open_file(path, &rd);
	if (r)
		return r;
	r = spool_pcap_write(rd, out);
	if (!r && fflush(out) != 0)
		r = -errno;
	if (r < 0)
		fprintf(stderr, "srs spool: %s: %s\n", path, err_words(r));
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static int do_dump(int argc, char **argv)
{
	const char *out_path = NULL, *path = NULL;
	FILE *out;
	int r;

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "-o") && i + 1 < argc)
			out_path = argv[++i];
		else if (!path && argv[i][0] != '-')
			path = argv[i];
		else
			return cli_usage("spool", "what is \"%s\"?", argv[i]);
	}
	if (!path)
		return cli_usage("spool", "dump wants one FILE");
	if (!out_path) {
		if (isatty(STDOUT_FILENO))
			return cli_usage("spool", "pcapng is binary: use -o "
						  "FILE or a pipe");
		return dump_to(path, stdout);
	}
	out = fopen(out_path, "wbe");
	if (!out) {
		fprintf(stderr, "srs spool: %s: %s\n", out_path,
			err_words(errno));
		return CLI_FAILED;
	}
	r = dump_to(path, out);
	if (fclose(out) != 0 && r == CLI_OK) {
		fprintf(stderr, "srs spool: %s: %s\n", out_path,
			err_words(errno));
		r = CLI_FAILED;
	}
	return r;
}

int cli_spool(struct cli *c, int argc, char **argv)
{
	if (argc >= 2 && str_eq(argv[1], "show"))
		return do_show(c, argc - 1, argv + 1);
	if (argc >= 2 && str_eq(argv[1], "dump"))
		return do_dump(argc - 1, argv + 1);
	return cli_usage("spool", "say show FILE or dump FILE [-o OUT]");
}
