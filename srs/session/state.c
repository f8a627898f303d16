/* What a session needs to go on in another process, as one JSON object in its
 * catalog row. Times are wall times in there: the monotonic clock of the next
 * boot knows nothing of ours. With keys of SRTP in it the whole is sealed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/conditions.h"
#include "auth/identity.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/session/state_people.h"
#include "srs/sip/json_text.h"
#include "srs/siprec/sdp.h"
#include "storage/crypt.h"

#define STATE_VERSION 1

/* "192.0.2.1 5004", "" for none. */
static void put_address(struct buf *out, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;
	char host[INET6_ADDRSTRLEN] = "";

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		buf_printf(out, ",\"%s %u\"", host, ntohs(in->sin_port));
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		buf_printf(out, ",\"%s %u\"", host, ntohs(in6->sin6_port));
	} else {
		buf_puts(out, ",\"\"");
	}
}

static void read_address(const char *s, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct span rest = span_of(s), host = span_cut(&rest, ' ');
	char text[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!span_copy(text, sizeof(text), host) ||
	    span_u64(rest, 65535, &port) < 0)
		return;
	in.sin_port = in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(ret, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(ret, &in6, sizeof(in6));
}

static void put_stream(struct buf *out, const struct session_stream *st)
{
	const struct cap_stream *c = &st->cap;
	unsigned flags = (c->enabled ? 1u : 0u) | (c->active ? 2u : 0u) |
			 (c->muted ? 4u : 0u) | (c->rtcp_mux ? 8u : 0u) |
			 (c->learn_source ? 16u : 0u) |
			 (unsigned)st->record << 8 | (unsigned)st->pref << 12;

	buf_printf(out, "[%u,%u,%u,%u,%u,%d,", c->index, c->media, flags,
		   c->local_port, st->rtcp_port, st->participant);
	json_text_put(out, c->label);
	put_address(out, &c->remote_rtp);
	put_address(out, &c->remote_rtcp);
	for (unsigned i = 0; i < c->n_pts; i++) {
		buf_printf(out, ",[%u,%u,%u,", c->pts[i].pt, c->pts[i].channels,
			   c->pts[i].rate_hz);
		json_text_put(out, c->pts[i].codec);
		buf_putc(out, ',');
		json_text_put(out, c->pts[i].fmtp);
		buf_putc(out, ']');
	}
	buf_puts(out, ",{\"senders\":[");
	for (unsigned i = 0; i < st->n_senders; i++)
		buf_printf(out, "%s%u", i ? "," : "", st->senders[i]);
	buf_puts(out, "]}]");
}

static void put_time(const struct session *s, struct buf *out, const char *key,
		     int64_t mono_us)
{
	int64_t wall = 0;

	if (mono_us != INT64_MAX)
		wall = session_wall_us(s->sv) + mono_us -
		       session_mono_us(s->sv);
	buf_printf(out, ",\"%s\":%lld", key, (long long)wall);
}

static int put_all(const struct session *s, struct buf *out)
{
	int r;

	buf_printf(out, "{\"v\":%d,\"ua\":", STATE_VERSION);
	r = ua_dialog_save(s->dialog, out);
	if (r < 0)
		return r;
	buf_puts(out, ",\"snap\":");
	r = gate_snapshot_json(&s->snap, out);
	if (r < 0)
		return r;
	buf_printf(out, ",\"origin\":[%llu,%llu,%lld,\"%s\"]",
		   (unsigned long long)s->origin.id,
		   (unsigned long long)s->origin.version,
		   (long long)(int64_t)s->origin.hash, s->origin.addr);
	buf_printf(out, ",\"timer\":[%u,%d]", s->timer.expires_s,
		   s->timer.we_refresh);
	json_text_pair(out, "offer", s->offer);
	json_text_pair(out, "answer", s->answer);
	buf_puts(out, ",\"streams\":[");
	for (unsigned i = 0; i < s->n_streams; i++) {
		if (i)
			buf_putc(out, ',');
		put_stream(out, &s->streams[i]);
	}
	buf_putc(out, ']');
	state_put_people(s, out);
	put_time(s, out, "expires", s->expires_us);
	put_time(s, out, "refresh", s->refresh_us);
	put_time(s, out, "max_end", s->max_end_us);
	put_time(s, out, "metadata_due", s->metadata_due_us);
	buf_printf(out, ",\"described\":%s", s->described ? "true" : "false");
	buf_printf(out, ",\"ends\":%lld",
		   (long long)(s->ends_wall_us == INT64_MAX ? 0
							    : s->ends_wall_us));
	json_text_pair(out, "ends_why", s->ends_why);
	buf_printf(out, ",\"paused\":%d,\"aware\":%d,\"snapshot_ok\":%d",
		   s->paused, s->aware, s->snapshot_ok);
	buf_printf(out,
		   ",\"snapshot_draft\":%d,\"wished\":%d,\"replaces_ok\":%d",
		   s->snapshot_draft, s->wished, s->replaces_ok);
	buf_printf(out, ",\"offered\":%d,\"ahead\":%d,\"direction\":%d",
		   s->offered, s->ahead, (int)s->direction);
	if (s->extra)
		buf_printf(out, ",\"extra\":%s", s->extra);
	buf_putc(out, '}');
	return buf_error(out);
}

static void seal_key(const struct session *s, uint8_t key[CRYPT_KEY_LEN])
{
	auth_mac(&s->sv->auth, "state of a call", s->id.s, strlen(s->id.s),
		 key);
}

/* The offer and the answer in there have keys: nobody who reads the catalog
 * may decrypt the call. What recovery must know stays in clear. */
static int put_sealed(const struct session *s, struct buf *all, struct buf *out)
{
	size_t len = all->len + CRYPT_SEAL_MORE;
	uint8_t key[CRYPT_KEY_LEN], *sealed;
	char *text;
	int r;

	sealed = mem_alloc(len);
	text = mem_alloc((len * 4 + 2) / 3 + 1);
	seal_key(s, key);
	r = sealed && text ? crypt_seal(key, all->data, all->len, sealed)
			   : -ENOMEM;
	explicit_bzero(key, sizeof(key));
	if (r == 0) {
		str_b64url(text, sealed, len);
		buf_printf(out, "{\"v\":%d,\"sealed\":\"", STATE_VERSION);
		buf_puts(out, text);
		buf_putc(out, '"');
		put_time(s, out, "metadata_due", s->metadata_due_us);
		buf_printf(out, ",\"described\":%s}",
			   s->described ? "true" : "false");
		r = buf_error(out);
	}
	mem_free(text);
	mem_free(sealed);
	return r;
}

int session_save(const struct session *s, struct buf *out)
{
	struct buf all;
	int r;

	if (!streams_have_keys(s->streams, s->n_streams))
		return put_all(s, out);
	buf_init(&all, 512 * 1024);
	r = put_all(s, &all);
	if (r == 0)
		r = put_sealed(s, &all, out);
	if (all.data)
		explicit_bzero(all.data, all.len);
	buf_fini(&all);
	return r;
}

/* ---- back ---- */

static int put_text(const char *text, size_t len, void *out)
{
	return buf_put(out, text, len) < 0 ? -1 : 0;
}

/* A part of the object as text again, for those who read their own. */
static int part_text(const json_t *root, const char *key, struct buf *out)
{
	const json_t *o = json_object_get(root, key);

	buf_reset(out);
	if (!o || json_dump_callback(o, put_text, out, JSON_COMPACT) < 0)
		return -EBADMSG;
	return buf_error(out);
}

static json_int_t int_at(const json_t *array, size_t i)
{
	return json_integer_value(json_array_get(array, i));
}

static int dup_at(const json_t *root, const char *key, char **dst)
{
	const char *text = json_string_value(json_object_get(root, key));

	if (!text)
		return -EBADMSG;
	*dst = mem_strdup(text);
	return *dst ? 0 : -ENOMEM;
}

static void copy_at(const json_t *array, size_t i, char *dst, size_t len)
{
	const char *text = json_string_value(json_array_get(array, i));

	(void)str_copy(dst, len, text ? text : "");
}

/* The last element; without it (an older version wrote) the one participant. */
static void load_senders(const json_t *a, struct session_stream *st)
{
	const json_t *last = json_array_get(a, json_array_size(a) - 1);
	const json_t *list = json_object_get(last, "senders");

	for (size_t i = 0;
	     i < json_array_size(list) && st->n_senders < METADATA_SENDERS_MAX;
	     i++)
		st->senders[st->n_senders++] = (unsigned)int_at(list, i);
	if (!list && st->participant >= 0)
		st->senders[st->n_senders++] = (unsigned)st->participant;
}

static void load_stream(const json_t *a, struct session_stream *st)
{
	struct cap_stream *c = &st->cap;
	unsigned flags = (unsigned)int_at(a, 2);
	const char *rtp = json_string_value(json_array_get(a, 7));
	const char *rtcp = json_string_value(json_array_get(a, 8));

	c->index = (uint16_t)int_at(a, 0);
	c->media = (uint8_t)int_at(a, 1);
	c->enabled = flags & 1;
	c->active = flags & 2;
	c->muted = flags & 4;
	c->rtcp_mux = flags & 8;
	c->learn_source = flags & 16;
	st->record = flags >> 8 & 3;
	st->pref = (flags >> 12 & 7) <= SDP_PREF_NONE ? flags >> 12 & 7 : 0;
	c->local_port = (uint16_t)int_at(a, 3);
	st->rtcp_port = (uint16_t)int_at(a, 4);
	st->participant = (int)int_at(a, 5);
	copy_at(a, 6, c->label, sizeof(c->label));
	read_address(rtp ? rtp : "", &c->remote_rtp);
	read_address(rtcp ? rtcp : "", &c->remote_rtcp);
	load_senders(a, st);
	for (size_t i = 9; i < json_array_size(a) && c->n_pts < CAP_PTS_MAX;
	     i++) {
		const json_t *p = json_array_get(a, i);
		struct cap_pt *pt;

		if (!json_is_array(p))
			continue;
		pt = &c->pts[c->n_pts++];
		pt->pt = (uint8_t)int_at(p, 0);
		pt->channels = (uint8_t)int_at(p, 1);
		pt->rate_hz = (uint32_t)int_at(p, 2);
		copy_at(p, 3, pt->codec, sizeof(pt->codec));
		copy_at(p, 4, pt->fmtp, sizeof(pt->fmtp));
	}
}

static int load_streams(struct session *s, const json_t *root)
{
	const json_t *a = json_object_get(root, "streams");
	size_t n = json_array_size(a);

	if (n == 0 || n > CAP_STREAMS_MAX)
		return -EBADMSG;
	s->streams = mem_calloc(n, sizeof(*s->streams));
	if (!s->streams)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		load_stream(json_array_get(a, i), &s->streams[i]);
	s->n_streams = (unsigned)n;
	return 0;
}

static int64_t load_time(const struct session *s, const json_t *root,
			 const char *key)
{
	int64_t wall = json_integer_value(json_object_get(root, key));

	if (wall == 0)
		return INT64_MAX;
	return session_mono_us(s->sv) + wall - session_wall_us(s->sv);
}

static void load_direction(struct session *s, const json_t *root)
{
	json_int_t d = json_integer_value(json_object_get(root, "direction"));

	if (d > COND_DIR_ANY && d <= COND_DIR_INT)
		s->direction = (enum cond_direction)d;
}

static void load_rest(struct session *s, const json_t *root)
{
	const json_t *a = json_object_get(root, "origin");
	const char *why = json_string_value(json_object_get(root, "ends_why"));
	int64_t ends = json_integer_value(json_object_get(root, "ends"));

	s->origin.id = (uint64_t)int_at(a, 0);
	s->origin.version = (uint64_t)int_at(a, 1);
	s->origin.hash = (uint64_t)int_at(a, 2);
	copy_at(a, 3, s->origin.addr, sizeof(s->origin.addr));
	a = json_object_get(root, "timer");
	s->timer.expires_s = (uint32_t)int_at(a, 0);
	s->timer.we_refresh = int_at(a, 1) != 0;
	s->expires_us = load_time(s, root, "expires");
	s->refresh_us = load_time(s, root, "refresh");
	s->max_end_us = load_time(s, root, "max_end");
	s->metadata_due_us = load_time(s, root, "metadata_due");
	s->described = s->metadata_due_us == INT64_MAX ||
		       json_is_true(json_object_get(root, "described"));
	s->ends_wall_us = ends ? ends : INT64_MAX;
	(void)str_copy(s->ends_why, sizeof(s->ends_why), why ? why : "");
	s->wished = json_integer_value(json_object_get(root, "wished")) != 0;
	s->replaces_ok =
		json_integer_value(json_object_get(root, "replaces_ok")) != 0;
	s->offered = json_integer_value(json_object_get(root, "offered")) != 0;
	s->ahead = json_integer_value(json_object_get(root, "ahead")) != 0;
	load_direction(s, root);
	if (s->offered) /* the ACK comes soon, or was lost with us */
		s->answer_due_us =
			session_mono_us(s->sv) + 64 * s->sv->set->sip.t1_us;
	s->paused = json_integer_value(json_object_get(root, "paused")) != 0;
	s->told_paused = s->paused;
	s->aware = json_integer_value(json_object_get(root, "aware")) != 0;
	s->snapshot_ok =
		json_integer_value(json_object_get(root, "snapshot_ok")) != 0;
	s->snapshot_draft =
		json_integer_value(json_object_get(root, "snapshot_draft")) !=
		0;
}

static int load_keys(struct session *s)
{
	struct sdp *offer CLEANUP(sdp_destroy) = NULL;
	struct sdp *answer CLEANUP(sdp_destroy) = NULL;
	int r = sdp_read(span_of(s->offer), NULL, &offer);

	if (r == 0)
		r = sdp_read(span_of(s->answer), NULL, &answer);
	return r < 0 ? r
		     : streams_restore_keys(s->streams, s->n_streams, offer,
					    answer);
}

static int load_parts(struct session *s, const json_t *root, struct buf *part)
{
	int r;

	r = part_text(root, "snap", part);
	if (r == 0)
		r = gate_snapshot_parse(buf_str(part), part->len, &s->snap);
	if (r == 0)
		r = dup_at(root, "offer", &s->offer);
	if (r == 0)
		r = dup_at(root, "answer", &s->answer);
	if (r == 0)
		r = load_streams(s, root);
	if (r == 0)
		r = load_keys(s);
	if (r == 0)
		r = state_load_people(s, root);
	if (r < 0)
		return r;
	load_rest(s, root);
	if (part_text(root, "extra", part) == 0)
		s->extra = mem_strdup(buf_str(part));
	r = part_text(root, "ua", part);
	if (r < 0)
		return r;
	return ua_dialog_restore(s->sv->ua, buf_str(part), part->len, s,
				 &s->dialog);
}

/* @return the object behind a sealed one, NULL: not ours, or changed */
static json_t *unseal(const struct session *s, const char *text)
{
	size_t len = strlen(text), room = len / 4 * 3 + 3;
	uint8_t key[CRYPT_KEY_LEN], *sealed = mem_alloc(room);
	json_t *root = NULL;
	int n;

	if (!sealed)
		return NULL;
	n = str_unb64(sealed, room, (struct span){ text, len });
	seal_key(s, key);
	if (n >= CRYPT_SEAL_MORE && crypt_open(key, sealed, (size_t)n) == 0)
		root = json_loadb((char *)sealed + CRYPT_SEAL_HEAD,
				  (size_t)n - CRYPT_SEAL_MORE,
				  JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(sealed, room);
	mem_free(sealed);
	return root;
}

int session_load(struct session *s, const char *json, size_t len)
{
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const char *sealed = json_string_value(json_object_get(root, "sealed"));
	struct buf part;
	int r = -EBADMSG;

	buf_init(&part, 512 * 1024);
	if (sealed) {
		json_t *inner = unseal(s, sealed);

		json_decref(root);
		root = inner;
	}
	if (json_integer_value(json_object_get(root, "v")) == STATE_VERSION)
		r = load_parts(s, root, &part);
	buf_fini(&part);
	json_decref(root);
	return r;
}

/* ---- for capture's spool ---- */

/* The grant's owner: the left side of a mix of three and more. */
bool session_is_owner(const struct session *s, const struct md_participant *p)
{
	const struct conditions *c = s->snap.conditions;
	struct identity id;

	for (unsigned i = 0; c && i < p->n_aors; i++) {
		if (identity_parse(p->aors[i], &id) < 0)
			continue;
		for (unsigned k = 0; k < c->n_owner; k++)
			if (id_pattern_match(&c->owner[k],
					     conditions_plan(c,
							     &s->snap.numbers),
					     &id, false))
				return true;
	}
	return false;
}

static void put_person(const struct session *s, unsigned i, struct buf *out)
{
	const struct md_participant *p = &s->people->participants[i];
	unsigned ord = s->ords[i], n = 0;

	buf_printf(out, "{\"ord\":%u", ord);
	json_text_pair(out, "ext_id", p->id);
	json_text_pair(out, "aor", p->n_aors ? p->aors[0] : "");
	json_text_pair(out, "name", p->name);
	if (session_is_owner(s, p))
		buf_puts(out, ",\"owner\":true");
	buf_puts(out, ",\"streams\":[");
	for (unsigned k = 0; k < s->n_streams; k++) {
		if (s->streams[k].participant == (int)ord)
			buf_printf(out, "%s%u", n++ ? "," : "",
				   s->streams[k].cap.index);
	}
	buf_puts(out, "]}");
}

int session_meta_json(const struct session *s, struct buf *out)
{
	unsigned n = 0;

	buf_printf(out, "{\"started_us\":%lld", (long long)s->started_wall_us);
	json_text_pair(out, "node", s->sv->node);
	json_text_pair(out, "tenant_id", s->snap.tenant_id);
	json_text_pair(out, "owner_id", s->snap.owner_id);
	json_text_pair(out, "client_id", s->snap.client_id);
	json_text_pair(out, "grant_id", s->snap.grant_id);
	json_text_pair(out, "call_id", ua_dialog_call_id(s->dialog));
	buf_puts(out, ",\"participants\":[");
	for (unsigned i = 0; i < s->people->n_participants && i < s->n_ords;
	     i++) {
		struct buf one;

		if (s->people->participants[i].left)
			continue;
		buf_init(&one, 8192);
		put_person(s, i, &one);
		/* what does not fit is in the catalog all the same */
		if (buf_error(&one) == 0 &&
		    out->len + one.len + 4 < CAP_META_MAX) {
			if (n++)
				buf_putc(out, ',');
			buf_put(out, one.data, one.len);
		}
		buf_fini(&one);
	}
	buf_puts(out, "]}");
	return buf_error(out);
}
