/* Packets: a message becomes one UDP datagram, or one TCP segment when it came
 * over a stream. A message whose body got shorter than its Content-Length
 * (SRTP keys were taken out) would make Wireshark wait for more of the stream
 * and swallow the next message: it is written as a datagram. */
#include "storage/signalling.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/pcapng.h"
#include "storage/signalling_hide.h"
#include "storage/signalling_label.h"

#define SIP_PORT 5060

struct writer {
	const struct recording *rec;
	struct buf *out;
	unsigned n;
	/* pcapng */
	char local[SIGNALLING_LOCAL_MAX];
	struct pcapng_end us;
	uint32_t seq_in, seq_out; /* of all streams together */
};

static struct span text_of(const struct recording_message *m)
{
	return (struct span){ m->body, m->len };
}

static bool is_in(const struct recording_message *m)
{
	return str_eq(m->dir, "in");
}

/* ---- text ---- */

static int put_text(void *arg, const struct recording_message *m)
{
	char at[CLOCK_RFC3339_MAX];
	struct writer *w = arg;

	clock_format(m->at_us, at, sizeof(at));
	/* errors stick */
	(void)buf_printf(w->out, "--- %s %s %s %s, %zu bytes\n", at, m->dir,
			 m->transport, m->peer, m->len);
	(void)buf_put(w->out, m->body, m->len);
	return buf_putc(w->out, '\n');
}

/* ---- JSON ---- */

static void put_member(struct buf *b, const char *name, struct span value)
{
	(void)buf_printf(b, ", \"%s\": ", name); /* errors stick */
	if (value.len == 0 || !str_utf8_ok(value.p, value.len)) {
		(void)buf_puts(b, "null");
		return;
	}
	(void)buf_putc(b, '"');
	(void)buf_json(b, value.p, value.len);
	(void)buf_putc(b, '"');
}

static int put_body(struct buf *b, struct span body)
{
	char *text CLEANUP(mem_freep) = NULL;

	if (body.len == 0 || str_utf8_ok(body.p, body.len)) {
		put_member(b, "body", body);
		return buf_error(b);
	}
	text = mem_alloc((body.len * 4 + 2) / 3 + 1);
	if (!text)
		return -ENOMEM;
	str_b64url(text, body.p, body.len);
	put_member(b, "body_base64url", span_of(text));
	return buf_error(b);
}

static int put_json(void *arg, const struct recording_message *m)
{
	char at[CLOCK_RFC3339_MAX];
	struct signalling_label l;
	struct writer *w = arg;
	struct buf *b = w->out;
	int64_t us = m->at_us - w->rec->started_us;
	int r;

	signalling_label_read(text_of(m), &l);
	clock_format(m->at_us, at, sizeof(at));
	(void)buf_printf(b, "%s{\"at\": \"%s\", \"offset_s\": %.6f",
			 w->n++ ? ",\n" : "\n", at, (double)us / 1e6);
	put_member(b, "dir", span_of(m->dir));
	put_member(b, "transport", span_of(m->transport));
	put_member(b, "peer", span_of(m->peer));
	put_member(b, "method", l.method);
	if (l.status)
		(void)buf_printf(b, ", \"status\": %u", l.status);
	else
		(void)buf_puts(b, ", \"status\": null");
	(void)buf_printf(b, ", \"bytes\": %zu", m->len);
	r = put_body(b, text_of(m));
	(void)buf_puts(b, "}");
	return r < 0 ? r : buf_error(b);
}

/* ---- pcapng ---- */

static void find_ends(const struct writer *w, const struct recording_message *m,
		      struct pcapng_packet *p)
{
	struct pcapng_end peer = { 0 }, us = w->us;

	if (pcapng_end_parse(span_of(m->peer), &peer) < 0)
		peer.v6 = us.v6; /* kept without an address */
	if (us.v6 != peer.v6)
		us = (struct pcapng_end){ .v6 = peer.v6, .port = us.port };
	if (us.port == 0 || str_eq(m->transport, "tls"))
		us.port = SIP_PORT;
	p->src = is_in(m) ? peer : us;
	p->dst = is_in(m) ? us : peer;
}

static void number_segment(struct writer *w, const struct recording_message *m,
			   struct pcapng_packet *p)
{
	uint32_t *mine = is_in(m) ? &w->seq_in : &w->seq_out;

	p->proto = PCAPNG_TCP;
	p->seq = *mine;
	p->ack = is_in(m) ? w->seq_out : w->seq_in;
	*mine += (uint32_t)m->len;
}

static int put_packet(void *arg, const struct recording_message *m)
{
	struct pcapng_packet p = { .wall_us = m->at_us,
				   .data = m->body,
				   .len = m->len };
	struct writer *w = arg;
	struct signalling_label l;
	char comment[256];

	signalling_label_read(text_of(m), &l);
	find_ends(w, m, &p);
	if (!str_eq(m->transport, "udp") && !l.cut_body &&
	    m->len <= PCAPNG_PAYLOAD_MAX)
		number_segment(w, m, &p);
	(void)snprintf(comment, sizeof(comment), "%s %s over %s, we are %s",
		       is_in(m) ? "from" : "to", m->peer, m->transport,
		       w->local[0] ? w->local : "unknown");
	p.comment = comment;
	return pcapng_packet(w->out, &p);
}

static int begin_packets(struct db *db, struct writer *w)
{
	char comment[256];
	int r = signalling_local(db, w->rec->id, w->local);

	if (r < 0)
		return r;
	if (pcapng_end_parse(span_of(w->local), &w->us) < 0)
		w->us = (struct pcapng_end){ .port = SIP_PORT }; /* a name */
	w->seq_in = w->seq_out = 1;
	(void)snprintf(comment, sizeof(comment),
		       "SIP messages of recording %s as the server kept them: "
		       "tokens and keys removed, TLS in clear, IP, UDP and TCP "
		       "headers made afterwards",
		       w->rec->id);
	return pcapng_begin(w->out, comment);
}

/* ---- all ---- */

/* A name of one byte becomes a longer one. */
#define HIDDEN_MAX (1024u * 1024u)

struct hider {
	recording_message_fn *fn;
	void *arg;
	struct buf text;
};

static int hide(void *arg, const struct recording_message *m)
{
	struct hider *h = arg;
	struct recording_message shown = *m;
	int r;

	buf_reset(&h->text);
	r = signalling_hide(text_of(m), &h->text);
	if (r < 0)
		return r;
	shown.body = h->text.data;
	shown.len = h->text.len;
	return h->fn(h->arg, &shown);
}

int64_t signalling_each(struct db *db, const struct recording *rec,
			recording_message_fn *fn, void *arg)
{
	struct hider h = { .fn = fn, .arg = arg };
	int64_t r;

	if (!rec->hide_dialog)
		return recording_each_message(db, rec->id, fn, arg);
	buf_init(&h.text, HIDDEN_MAX);
	r = recording_each_message(db, rec->id, hide, &h);
	buf_fini(&h.text);
	return r;
}

static int see_local(void *arg, const struct recording_message *m)
{
	struct span host;
	char *dst = arg;

	if (is_in(m))
		return 0;
	host = signalling_contact(text_of(m));
	if (host.len == 0 || !span_copy(dst, SIGNALLING_LOCAL_MAX, host))
		return 0;
	str_clean(dst);
	return 1;
}

int signalling_local(struct db *db, const char *id,
		     char dst[SIGNALLING_LOCAL_MAX])
{
	int64_t r;

	dst[0] = '\0';
	r = recording_each_message(db, id, see_local, dst);
	return r < 0 ? (int)r : 0;
}

int signalling_write(struct db *db, const struct recording *rec,
		     enum signalling_format format, struct buf *out)
{
	static recording_message_fn *const fns[] = {
		[SIGNALLING_TEXT] = put_text,
		[SIGNALLING_PCAPNG] = put_packet,
		[SIGNALLING_JSON] = put_json,
	};
	struct writer w = { .rec = rec, .out = out };
	int64_t r = 0;

	if (format == SIGNALLING_PCAPNG)
		r = begin_packets(db, &w);
	else if (format == SIGNALLING_JSON)
		r = buf_puts(out, "{\"items\": [");
	if (r == 0)
		r = signalling_each(db, rec, fns[format], &w);
	if (r >= 0 && format == SIGNALLING_JSON)
		r = buf_puts(out, "\n], \"next_cursor\": null}\n");
	return r < 0 ? (int)r : 0;
}
