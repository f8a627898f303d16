/* A trunk's values as text. One table: what can be set on the command line, in
 * the file and over HTTP is what the catalog keeps. */
#include "auth/trunks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

const char *const trunk_keys[] = {
	"name",		 "grant",	"tls_name",
	"tls_sha256",	 "addresses",	"uri_user",
	"strictness",	 "token_forms", "media_source",
	"channel_order", "srtp",	"vendor",
	"enabled",	 NULL,
};

/* ---- networks ---------------------------------------------------------- */

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct trunk_net *n)
{
	return n->bits >= 96 && memcmp(n->ip, mapped, sizeof(mapped)) == 0;
}

bool trunk_net_host(const char *address, struct trunk_net *ret_net)
{
	struct trunk_net n = { .bits = 128 };
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1) {
		memcpy(n.ip, mapped, sizeof(mapped));
		memcpy(n.ip + 12, &v4, 4);
	} else if (inet_pton(AF_INET6, address, n.ip) != 1) {
		return false;
	}
	*ret_net = n;
	return true;
}

static void net_mask(struct trunk_net *n, unsigned bits)
{
	unsigned i;

	n->bits = (uint8_t)bits;
	for (i = 0; i < 16; i++) {
		if (bits >= 8 * (i + 1))
			continue;
		if (bits <= 8 * i)
			n->ip[i] = 0;
		else
			n->ip[i] &= (uint8_t)(0xff00u >> (bits - 8 * i));
	}
}

bool trunk_net_contains(const struct trunk_net *net,
			const struct trunk_net *host)
{
	struct trunk_net h = *host;

	net_mask(&h, net->bits);
	return memcmp(h.ip, net->ip, sizeof(h.ip)) == 0;
}

/* "192.0.2.0/24"; bits that are no part of the prefix must be zero: whoever
 * wrote them may have meant something else. */
static const char *parse_net(struct span text, struct trunk_net *ret_net)
{
	struct span rest = text, host = span_cut(&rest, '/');
	struct trunk_net n, whole;
	uint64_t bits = 128;
	char word[64];

	if (!span_copy(word, sizeof(word), host) || !trunk_net_host(word, &n))
		return "not an IP address";
	if (host.len < text.len) {
		bool v4 = strchr(word, ':') == NULL;

		if (span_u64(rest, v4 ? 32 : 128, &bits) < 0)
			return v4 ? "the prefix length is not 0 to 32"
				  : "the prefix length is not 0 to 128";
		if (v4)
			bits += 96;
	}
	whole = n;
	net_mask(&n, (unsigned)bits);
	if (memcmp(n.ip, whole.ip, sizeof(n.ip)) != 0)
		return "has bits behind the prefix";
	*ret_net = n;
	return NULL;
}

static void print_net(const struct trunk_net *n, char *dst, size_t len)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool v4 = is_v4(n);

	if (v4)
		inet_ntop(AF_INET, n->ip + 12, host, sizeof(host));
	else
		inet_ntop(AF_INET6, n->ip, host, sizeof(host));
	if (n->bits == 128)
		(void)snprintf(dst, len, "%s", host);
	else
		(void)snprintf(dst, len, "%s/%d", host,
			       v4 ? n->bits - 96 : n->bits);
}

static bool has_net(const struct trunk *t, const struct trunk_net *n)
{
	unsigned i;

	for (i = 0; i < t->n_nets; i++)
		if (memcmp(&t->nets[i], n, sizeof(*n)) == 0)
			return true;
	return false;
}

static const char *set_nets(struct trunk *t, const char *value)
{
	struct span rest = span_of(value), one;
	struct trunk_net n;
	const char *why;

	t->n_nets = 0;
	while (rest.len) {
		one = span_trim(span_cut(&rest, ','));
		if (!one.len)
			continue;
		why = parse_net(one, &n);
		if (why)
			return why;
		if (has_net(t, &n))
			continue;
		if (t->n_nets == TRUNK_NETS_MAX)
			return "more than 16 networks";
		t->nets[t->n_nets++] = n;
	}
	return NULL;
}

bool trunk_list_has(const char *list, const char *address)
{
	struct span rest = span_of(list), one;
	struct trunk_net host, n;

	if (!rest.len || !trunk_net_host(address, &host))
		return false;
	while (rest.len) {
		one = span_trim(span_cut(&rest, ','));
		if (one.len && !parse_net(one, &n) &&
		    trunk_net_contains(&n, &host))
			return true;
	}
	return false;
}

static void print_nets(const struct trunk *t, char *dst, size_t len)
{
	char one[64];
	size_t at = 0;
	unsigned i;
	int n;

	for (i = 0; i < t->n_nets && at < len; i++) {
		print_net(&t->nets[i], one, sizeof(one));
		n = snprintf(dst + at, len - at, "%s%s", i ? ", " : "", one);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* ---- words ------------------------------------------------------------- */

static const char *const strict_words[] = { "tolerant", "strict", NULL };
static const char *const source_words[] = { "strict", "learn", NULL };
static const char *const order_words[] = { "metadata", "mline", "label", NULL };
static const char *const srtp_words[] = { "default", "preferred", "required",
					  "off", NULL };
static const char *const yes_words[] = { "no", "yes", NULL };
static const char *const form_words[] = { "none", "token", "access_token",
					  "token, access_token", NULL };

static int word_index(const char *const *words, const char *value)
{
	int i;

	for (i = 0; words[i]; i++)
		if (str_ieq(words[i], value))
			return i;
	return -1;
}

static const char *set_forms(struct trunk *t, const char *value)
{
	struct span rest = span_of(value), one;

	t->token_forms = 0;
	while (rest.len) {
		one = span_trim(span_cut(&rest, ','));
		if (span_ieq(one, "token"))
			t->token_forms |= TRUNK_FORM_TOKEN;
		else if (span_ieq(one, "access_token"))
			t->token_forms |= TRUNK_FORM_ACCESS_TOKEN;
		else if (!span_ieq(one, "none"))
			return "token, access_token or none";
	}
	return NULL;
}

/* Printable ASCII without what would end it in headers and lists. */
static const char *set_name(char *dst, size_t len, const char *value,
			    const char *more)
{
	const char *p;

	for (p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(more, *p))
			return "has a character that is not allowed";
	return str_copy(dst, len, value) ? NULL : "is too long";
}

static const char *set_free(char *dst, size_t len, const char *value)
{
	if (!str_copy(dst, len, value))
		return "is too long";
	str_clean(dst);
	return NULL;
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static const char *set_tls_name(struct trunk *t, const char *value)
{
	const char *p;

	for (p = value; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
			return "has a character that is not allowed";
	if (!str_copy(t->tls_name, sizeof(t->tls_name), value))
		return "is too long";
	lower(t->tls_name);
	return NULL;
}

/* "AB:CD:..." as openssl prints it, or without colons. */
static const char *set_sha256(struct trunk *t, const char *value)
{
	char hex[65];
	size_t n = 0;

	for (; *value; value++) {
		if (*value == ':')
			continue;
		if (!isxdigit((unsigned char)*value) || n == 64)
			return "64 hexadecimal digits are wanted";
		hex[n++] = *value;
	}
	if (n != 0 && n != 64)
		return "64 hexadecimal digits are wanted";
	hex[n] = '\0';
	lower(hex);
	(void)str_copy(t->tls_sha256, sizeof(t->tls_sha256), hex);
	return NULL;
}

/* ---- the table --------------------------------------------------------- */

void trunk_defaults(struct trunk *t)
{
	memset(t, 0, sizeof(*t));
	t->enabled = true;
}

static const char *set_text(struct trunk *t, const char *key, const char *v)
{
	if (str_eq(key, "name"))
		return v[0] ? set_name(t->name, sizeof(t->name), v, "-_.")
			    : "is empty";
	if (str_eq(key, "grant"))
		return set_name(t->grant_id, sizeof(t->grant_id), v, "-");
	if (str_eq(key, "tls_name"))
		return set_tls_name(t, v);
	if (str_eq(key, "tls_sha256"))
		return set_sha256(t, v);
	if (str_eq(key, "addresses"))
		return set_nets(t, v);
	if (str_eq(key, "uri_user"))
		return set_name(t->uri_user, sizeof(t->uri_user), v,
				"-_.!~*'()&=+$,;?/%");
	if (str_eq(key, "token_forms"))
		return set_forms(t, v);
	return set_free(t->vendor, sizeof(t->vendor), v);
}

static const char *set_word(struct trunk *t, const char *key, const char *v)
{
	int i;

	if (str_eq(key, "strictness")) {
		i = word_index(strict_words, v);
		t->strict = i == 1;
		return i < 0 ? "tolerant or strict" : NULL;
	}
	if (str_eq(key, "media_source")) {
		i = word_index(source_words, v);
		t->source = i < 0 ? TRUNK_SOURCE_STRICT : (enum trunk_source)i;
		return i < 0 ? "strict or learn" : NULL;
	}
	if (str_eq(key, "channel_order")) {
		i = word_index(order_words, v);
		t->order = i < 0 ? TRUNK_ORDER_METADATA : (enum trunk_order)i;
		return i < 0 ? "metadata, mline or label" : NULL;
	}
	if (str_eq(key, "srtp")) {
		i = word_index(srtp_words, v);
		t->srtp = i < 0 ? TRUNK_SRTP_DEFAULT : (enum trunk_srtp)i;
		return i < 0 ? "default, preferred, required or off" : NULL;
	}
	i = word_index(yes_words, v);
	t->enabled = i == 1;
	return i < 0 ? "yes or no" : NULL;
}

static bool is_word(const char *key)
{
	return str_eq(key, "strictness") || str_eq(key, "media_source") ||
	       str_eq(key, "channel_order") || str_eq(key, "srtp") ||
	       str_eq(key, "enabled");
}

int trunk_set(struct trunk *t, const char *key, const char *value,
	      struct err *e)
{
	const char *why;

	if (word_index(trunk_keys, key) < 0)
		return err_set(e, -ENOENT, "there is no key \"%s\"", key);
	why = is_word(key) ? set_word(t, key, value) : set_text(t, key, value);
	return why ? err_set(e, -EINVAL, "%s: %s", key, why) : 0;
}

void trunk_text(const struct trunk *t, const char *key, char *dst, size_t len)
{
	const char *s = "";

	dst[0] = '\0';
	if (str_eq(key, "addresses")) {
		print_nets(t, dst, len);
		return;
	}
	if (str_eq(key, "name"))
		s = t->name;
	else if (str_eq(key, "grant"))
		s = t->grant_id;
	else if (str_eq(key, "tls_name"))
		s = t->tls_name;
	else if (str_eq(key, "tls_sha256"))
		s = t->tls_sha256;
	else if (str_eq(key, "uri_user"))
		s = t->uri_user;
	else if (str_eq(key, "strictness"))
		s = strict_words[t->strict];
	else if (str_eq(key, "token_forms"))
		s = form_words[t->token_forms & 3];
	else if (str_eq(key, "media_source"))
		s = source_words[t->source];
	else if (str_eq(key, "channel_order"))
		s = order_words[t->order];
	else if (str_eq(key, "srtp"))
		s = srtp_words[t->srtp];
	else if (str_eq(key, "vendor"))
		s = t->vendor;
	else if (str_eq(key, "enabled"))
		s = yes_words[t->enabled];
	(void)str_copy(dst, len, s);
}

int trunk_check(const struct trunk *t, struct err *e)
{
	if (!t->name[0])
		return err_set(e, -EINVAL, "name: is missing");
	if (!t->grant_id[0])
		return err_set(e, -EINVAL, "grant: is missing");
	if (!t->tls_name[0] && !t->tls_sha256[0] && !t->n_nets)
		return err_set(e, -EINVAL,
			       "tls_name, tls_sha256 or addresses: one is "
			       "needed to know it by");
	return 0;
}
