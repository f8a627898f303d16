#include "base/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/number.h"
#include "base/str.h"

#define DAY_US (86400 * INT64_C(1000000))
#define SEC_US INT64_C(1000000)
#define MSEC_US INT64_C(1000)

static const char *const level_words[] = { "debug", "info", "warn", "error",
					   NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const duplicates_words[] = { "once", "link", NULL };
static const char *const pref_words[] = { "note", "honour", NULL };
static const char *const srtp_words[] = { "preferred", "required", "off",
					  NULL };
static const char *const dtmf_words[] = { "record", "mute", NULL };
static const char *const verify_words[] = { "none", "optional", "required",
					    NULL };
static const char *const auto_words[] = { "auto", "yes", "no", NULL };
static const char *const metadata_words[] = { "wait", "refuse", NULL };

/* host:port, [v6]:port; host may not be empty. */
static bool host_port_ok(struct span s)
{
	struct span host = s, port = s;
	ptrdiff_t at;
	uint64_t n;

	for (at = (ptrdiff_t)s.len - 1; at > 0 && s.p[at] != ':'; at--)
		;
	if (at <= 0)
		return false;
	host.len = (size_t)at;
	port.p += at + 1;
	port.len -= (size_t)at + 1;
	if (host.p[0] == '[')
		return host.len > 2 && host.p[host.len - 1] == ']' &&
		       span_u64(port, 65535, &n) == 0;
	return span_find(host, ':') < 0 && span_u64(port, 65535, &n) == 0;
}

static const char *check_sip_listen(const char *value)
{
	struct span rest = span_of(value), one, proto;

	do {
		one = span_trim(span_cut(&rest, ','));
		proto = span_cut(&one, ':');
		if ((!span_eq(proto, "udp") && !span_eq(proto, "tcp") &&
		     !span_eq(proto, "tls")) ||
		    !host_port_ok(one))
			return "not a list like udp:127.0.0.1:5060, "
			       "tls:[::1]:5061";
	} while (rest.len);
	return NULL;
}

static const char *check_http_listen(const char *value)
{
	return host_port_ok(span_of(value))
		       ? NULL
		       : "not an address like 127.0.0.1:8080 or [::1]:8080";
}

static const char *check_url(const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return NULL;
	if (!span_starts(span_of(value), "https://") &&
	    !span_starts(span_of(value), "http://"))
		return "not a URL like https://crs.example";
	if (value[len - 1] == '/' || strpbrk(value, " ?#\""))
		return "a URL without final slash, query and fragment is "
		       "wanted";
	return NULL;
}

static const char *check_ip(const char *value)
{
	struct in6_addr a;

	if (inet_pton(AF_INET, value, &a) == 1 ||
	    inet_pton(AF_INET6, value, &a) == 1)
		return NULL;
	return "not an IPv4 or IPv6 address";
}

static const char *check_nets(const char *value)
{
	struct net_list list;

	switch (net_list_parse(span_of(value), &list)) {
	case 0:
		return NULL;
	case -E2BIG:
		return "too many addresses";
	default:
		return "not a list like 192.0.2.7, 10.0.0.0/8, 2001:db8::/32 "
		       "(no names; bits below the prefix are zero)";
	}
}

static bool parse_ports(const char *value, int64_t *ret_min, int64_t *ret_max)
{
	struct span hi = span_of(value);
	struct span lo = span_trim(span_cut(&hi, '-'));
	uint64_t a, b;

	if (span_u64(lo, 65535, &a) < 0 ||
	    span_u64(span_trim(hi), 65535, &b) < 0)
		return false;
	if (a < 1024 || b <= a)
		return false;
	*ret_min = (int64_t)a;
	*ret_max = (int64_t)b;
	return true;
}

static const char *check_ports(const char *value)
{
	int64_t lo, hi;

	return parse_ports(value, &lo, &hi) ? NULL
					    : "not a range like 20000-21999";
}

static const char *check_nodes(const char *value)
{
	struct span rest = span_of(value);
	char one[128];

	while (rest.len) {
		struct span s = span_trim(span_cut(&rest, ',')), host = s;

		if (host_port_ok(s))
			while (host.len && host.p[--host.len] != ':')
				;
		if (host.len > 2 && host.p[0] == '[')
			host = (struct span){ host.p + 1, host.len - 2 };
		if (!span_copy(one, sizeof(one), host) || check_ip(one))
			return "not a list like 192.0.2.9:5061, [2001:db8::9]";
	}
	return NULL;
}

static const char *check_dial_to(const char *value)
{
	struct span rest = span_of(value);
	char one[128];

	while (rest.len) {
		struct span s = span_trim(span_cut(&rest, ','));

		if (!span_eq(s, "*") &&
		    (!span_copy(one, sizeof(one), s) || check_ip(one)))
			return "not * and no list like 192.0.2.7, 2001:db8::7";
	}
	return NULL;
}

static const char *check_name(const char *value)
{
	if (!value[0] || strpbrk(value, " \t\"\\<>,;"))
		return "not a host name";
	return NULL;
}

/* As limits.region of the conditions: ^[a-z0-9-]{2,32}$, or empty. */
static const char *check_region(const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return NULL;
	if (len < 2 || len > 32 ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return "not a region like eu-west";
	return NULL;
}

static const char *check_country(const char *value)
{
	return !value[0] || number_country_ok(value)
		       ? NULL
		       : "not " NUMBER_COUNTRY_RULE;
}

static const char *check_prefix(const char *value)
{
	return number_prefix_ok(value) ? NULL : "not " NUMBER_PREFIX_RULE;
}

#define FIELD(f) .offset = offsetof(struct settings, f)
#define TEXT(f) FIELD(f), .size = sizeof(((struct settings *)0)->f)

static const struct conf_key keys[] = {
	{ "server", "data_dir", CONF_PATH, TEXT(server.data_dir), .def = NULL,
	  .example = "/var/lib/srs",
	  .doc = "Folder for everything that is stored; required." },
	{ "server", "name", CONF_STRING, TEXT(server.name), .def = "localhost",
	  .check = check_name,
	  .doc = "Host name of the service, and realm in SIP challenges." },
	{ "server", "region", CONF_STRING, TEXT(server.region), .def = "",
	  .check = check_region,
	  .doc = "Where recordings are stored; owners may ask for a "
		 "region." },
	{ "server", "drain", CONF_DURATION, FIELD(server.drain_us),
	  .def = "30s", .min = 0, .max = DAY_US, .reload = true,
	  .doc = "After SIGTERM running calls may go on for this long." },
	{ "server", "disk_low", CONF_SIZE, FIELD(server.disk_low_bytes),
	  .def = "512M", .reload = true,
	  .doc = "With less free space in data_dir new calls get 503." },

	{ "log", "level", CONF_ENUM, FIELD(log.level), .def = "info",
	  .words = level_words, .reload = true,
	  .doc = "Least important lines that are written." },
	{ "log", "format", CONF_ENUM, FIELD(log.format), .def = "text",
	  .words = format_words,
	  .doc = "Lines for people, or one JSON object a line." },

	{ "sip", "listen", CONF_STRING, TEXT(sip.listen),
	  .def = "udp:127.0.0.1:5060, tcp:127.0.0.1:5060",
	  .check = check_sip_listen,
	  .doc = "Where SIP is served: udp:, tcp: or tls: and address:port, "
		 "separated by commas; port 0 takes a free one." },
	{ "sip", "tls_certificate", CONF_PATH, TEXT(sip.tls_certificate),
	  .def = "", .doc = "PEM file with our certificate chain." },
	{ "sip", "tls_key", CONF_PATH, TEXT(sip.tls_key), .def = "",
	  .doc = "PEM file with its private key." },
	{ "sip", "tls_ca", CONF_PATH, TEXT(sip.tls_ca), .def = "",
	  .doc = "PEM file with the authorities of client certificates." },
	{ "sip", "tls_verify", CONF_ENUM, FIELD(sip.tls_verify), .def = "none",
	  .words = verify_words,
	  .doc = "Client certificates: not asked for, or checked when sent, "
		 "or demanded." },
	{ "sip", "allow_cleartext_tokens", CONF_ENUM,
	  FIELD(sip.allow_cleartext_tokens), .def = "auto", .words = auto_words,
	  .doc = "Bearer tokens over UDP and TCP; auto: from loopback "
		 "addresses only." },
	{ "sip", "max_calls", CONF_INT, FIELD(sip.max_calls), .def = "2000",
	  .min = 1, .max = 100000, .reload = true,
	  .doc = "Calls at a time; the next one gets 503." },
	{ "sip", "session_expires", CONF_INT, FIELD(sip.session_expires_s),
	  .def = "1800", .min = 90, .max = 86400,
	  .doc = "Session timer that we ask for, in seconds (RFC 4028)." },
	{ "sip", "min_se", CONF_INT, FIELD(sip.min_se_s), .def = "90",
	  .min = 90, .max = 86400,
	  .doc = "Shortest session timer that we accept, in seconds." },
	{ "sip", "t1", CONF_DURATION, FIELD(sip.t1_us), .def = "500ms",
	  .min = 20 * MSEC_US, .max = 4 * SEC_US,
	  .doc = "Round trip that SIP's timers begin with (RFC 3261, T1); a "
		 "client that never confirms a call loses it after 64 of "
		 "these." },
	{ "sip", "media_timeout", CONF_DURATION, FIELD(sip.media_timeout_us),
	  .def = "120s", .min = SEC_US, .max = DAY_US, .reload = true,
	  .doc = "A call without RTP and signalling for this long is "
		 "ended." },
	{ "sip", "on_missing_metadata", CONF_ENUM,
	  FIELD(sip.on_missing_metadata), .def = "wait",
	  .words = metadata_words, .reload = true,
	  .doc = "A call whose conditions need participants that it does not "
		 "name yet." },
	{ "sip", "missing_metadata_wait", CONF_DURATION,
	  FIELD(sip.missing_metadata_wait_us), .def = "5s",
	  .min = 100 * MSEC_US, .max = 60 * SEC_US, .reload = true,
	  .doc = "How long media of such a call is captured before it is "
		 "refused." },

	{ "sip", "dial_to", CONF_STRING, TEXT(sip.dial_to), .def = "",
	  .check = check_dial_to, .reload = true,
	  .doc = "IP addresses of recording clients that the API and REFER may "
		 "make the server call, separated by commas; * is any. `srs "
		 "record` may call any." },
	{ "sip", "nodes", CONF_STRING, TEXT(sip.nodes), .def = "",
	  .check = check_nodes, .reload = true,
	  .doc = "IP addresses (with :port, or every port) of other recorders "
		 "that a running session may be handed to, separated by "
		 "commas." },
	{ "sip", "dial_timeout", CONF_DURATION, FIELD(sip.dial_timeout_us),
	  .def = "60s", .min = SEC_US, .max = 300 * SEC_US, .reload = true,
	  .doc = "A call of ours that nobody answers is cancelled after this "
		 "time." },
	{ "sip", "allow_address_trunks", CONF_BOOL,
	  FIELD(sip.allow_address_trunks), .def = "no", .reload = true,
	  .doc = "Trunks may be known by their source address alone; only "
		 "where nobody else can send from it." },
	{ "sip", "trunks_file", CONF_PATH, TEXT(sip.trunks_file), .def = "",
	  .reload = true,
	  .doc = "INI file with a [NAME] section for each trunk, besides those "
		 "of `srs trunk`." },

	{ "sip", "recordpref", CONF_ENUM, FIELD(sip.recordpref), .def = "note",
	  .words = pref_words,
	  .doc = "a=recordpref:off or pause of a client (RFC 7866): told with "
		 "the recording, or nothing of that stream is kept until it "
		 "says on." },

	{ "stitch", "group_id", CONF_BOOL, FIELD(stitch.group_id), .def = "yes",
	  .reload = true,
	  .doc = "Recordings with the same RFC 7865 group are one call." },
	{ "stitch", "session_id", CONF_BOOL, FIELD(stitch.session_id),
	  .def = "yes", .reload = true,
	  .doc = "So are those of the same communication session (duplicate "
		 "legs)." },
	{ "stitch", "sip_session_id", CONF_BOOL, FIELD(stitch.sip_session_id),
	  .def = "yes", .reload = true,
	  .doc = "So are those whose metadata has the same SIP Session-ID." },
	{ "stitch", "refci", CONF_BOOL, FIELD(stitch.refci), .def = "yes",
	  .reload = true,
	  .doc = "So are CUCM's two dialogs (x-refci in From)." },
	{ "stitch", "correlation", CONF_BOOL, FIELD(stitch.correlation),
	  .def = "yes", .reload = true,
	  .doc = "So are those with the same vendor correlation header." },
	{ "stitch", "replaces", CONF_BOOL, FIELD(stitch.replaces), .def = "yes",
	  .reload = true,
	  .doc = "Recordings of a session that was handed over are one call." },
	{ "stitch", "window", CONF_DURATION, FIELD(stitch.window_us),
	  .def = "2m", .max = DAY_US, .reload = true,
	  .doc = "How long after its end a call may be continued." },
	{ "stitch", "duplicates", CONF_ENUM, FIELD(stitch.duplicates),
	  .def = "once", .words = duplicates_words, .reload = true,
	  .doc = "A call sent twice: kept once (the better recording is listed "
		 "and counted; media that it has as well is removed from the "
		 "other), or both only linked." },

	{ "media", "address", CONF_STRING, TEXT(media.address),
	  .def = "127.0.0.1", .check = check_ip,
	  .doc = "Address where RTP is received, as written in the SDP." },
	{ "media", "ports", CONF_STRING, TEXT(media.ports),
	  .def = "20000-21999", .check = check_ports,
	  .doc = "UDP ports for RTP and RTCP, two for each stream." },
	{ "media", "tick", CONF_DURATION, FIELD(media.tick_us), .def = "100ms",
	  .min = 10 * MSEC_US, .max = SEC_US,
	  .doc = "How often the sockets are drained." },
	{ "media", "dtmf", CONF_ENUM, FIELD(media.dtmf), .def = "record",
	  .words = dtmf_words,
	  .doc = "Digits that are sent as telephone-event: listed with the "
		 "recording, or dropped before anything is written." },

	{ "media", "srtp", CONF_ENUM, FIELD(media.srtp), .def = "preferred",
	  .words = srtp_words,
	  .doc = "SRTP with keys in the SDP (RFC 4568): taken, and instead of "
		 "a twin in clear; required: RTP in clear is refused; or "
		 "off." },

	{ "spool", "commit_interval", CONF_DURATION,
	  FIELD(spool.commit_interval_us), .def = "1s", .min = 100 * MSEC_US,
	  .max = 60 * SEC_US,
	  .doc = "How often captured packets are made safe against a power "
		 "cut." },

	{ "render", "workers", CONF_INT, FIELD(render.workers), .def = "1",
	  .min = 1, .max = 64, .doc = "Recordings finished in parallel." },
	{ "render", "complexity", CONF_INT, FIELD(render.complexity),
	  .def = "1", .min = 0, .max = 10,
	  .doc = "Effort of the Opus encoder; figures in docs/media.md." },

	{ "http", "listen", CONF_STRING, TEXT(http.listen),
	  .def = "127.0.0.1:8080", .check = check_http_listen,
	  .doc = "Where pages, API and OAuth are served; port 0 takes a free "
		 "one." },
	{ "http", "public_url", CONF_STRING, TEXT(http.public_url), .def = "",
	  .check = check_url,
	  .doc = "What browsers and providers call this server, also the "
		 "OAuth issuer; empty: made from listen." },
	{ "http", "tls_certificate", CONF_PATH, TEXT(http.tls_certificate),
	  .def = "", .doc = "PEM file; empty: plain HTTP." },
	{ "http", "tls_key", CONF_PATH, TEXT(http.tls_key), .def = "",
	  .doc = "PEM file with its private key." },
	{ "http", "threads", CONF_INT, FIELD(http.threads), .def = "4",
	  .min = 1, .max = 64, .doc = "Requests worked on in parallel." },
	{ "http", "trusted_proxies", CONF_STRING, TEXT(http.trusted_proxies),
	  .def = "", .check = check_nets,
	  .doc = "Addresses and networks of proxies in front, as 127.0.0.1, "
		 "10.0.0.0/8: what they say in X-Forwarded-For, Forwarded and "
		 "X-Forwarded-Proto counts." },
	{ "http", "metrics_from", CONF_STRING, TEXT(http.metrics_from),
	  .def = "", .check = check_nets,
	  .doc = "Addresses and networks that may read /metrics besides this "
		 "machine." },

	{ "numbers", "country", CONF_STRING, TEXT(numbers.country), .def = "",
	  .check = check_country, .reload = true,
	  .doc = "Country code of telephone numbers that come without one, "
		 "such as 44; empty: the country of the owner's numbers. "
		 "`srs tenant` changes it for one customer." },
	{ "numbers", "national_prefix", CONF_STRING,
	  TEXT(numbers.national_prefix), .def = "auto", .check = check_prefix,
	  .reload = true,
	  .doc = "Digits before a national number, or none; auto: as is usual "
		 "in that country (0, in North America 1)." },
	{ "numbers", "international_prefix", CONF_STRING,
	  TEXT(numbers.international_prefix), .def = "auto",
	  .check = check_prefix, .reload = true,
	  .doc = "Digits before an international number; auto: as is usual in "
		 "that country (00, in North America 011)." },

	{ "oauth", "access_token", CONF_DURATION, FIELD(oauth.access_token_us),
	  .def = "10m", .min = SEC_US, .max = DAY_US, .reload = true,
	  .doc = "Life of an access token." },
	{ "oauth", "refresh_idle", CONF_DURATION, FIELD(oauth.refresh_idle_us),
	  .def = "90d", .min = 60 * SEC_US, .max = 3650 * DAY_US,
	  .reload = true,
	  .doc = "A refresh token that is not used for this long ends." },
	{ "oauth", "code", CONF_DURATION, FIELD(oauth.code_us), .def = "60s",
	  .min = SEC_US, .max = 600 * SEC_US, .reload = true,
	  .doc = "Life of an authorization code." },
	{ "oauth", "refresh_grace", CONF_DURATION,
	  FIELD(oauth.refresh_grace_us), .def = "30s", .min = 0,
	  .max = 600 * SEC_US, .reload = true,
	  .doc = "A refresh repeated within this time gets the same "
		 "answer." },

	{ "sandbox", "enabled", CONF_BOOL, FIELD(sandbox.enabled), .def = "yes",
	  .doc = "Roles give up system calls and files that they do not "
		 "need." },
};

/* ---- keys that only make sense together ---------------------------------- */

static bool tls_without_certificate(const struct settings *s)
{
	return strstr(s->sip.listen, "tls:") &&
	       (!s->sip.tls_certificate[0] || !s->sip.tls_key[0]);
}

static bool verify_without_ca(const struct settings *s)
{
	return strstr(s->sip.listen, "tls:") &&
	       s->sip.tls_verify != TLS_VERIFY_NONE && !s->sip.tls_ca[0];
}

static bool half_of_http_tls(const struct settings *s)
{
	return !s->http.tls_certificate[0] != !s->http.tls_key[0];
}

static bool min_se_above(const struct settings *s)
{
	return s->sip.min_se_s > s->sip.session_expires_s;
}

/* The mistake is placed where the first of the keys stands that is given. */
static const struct {
	const char *section;
	const char *keys[4];
	bool (*broken)(const struct settings *s);
	const char *why;
} rules[] = {
	{ "sip",
	  { "listen", "tls_certificate", "tls_key" },
	  tls_without_certificate,
	  "[sip] listen has tls:, so tls_certificate and tls_key must be set" },
	{ "sip",
	  { "tls_verify", "listen", "tls_ca" },
	  verify_without_ca,
	  "[sip] tls_verify needs tls_ca to be set" },
	{ "http",
	  { "tls_certificate", "tls_key" },
	  half_of_http_tls,
	  "[http] tls_certificate and tls_key go together" },
	{ "sip",
	  { "min_se", "session_expires" },
	  min_se_above,
	  "[sip] min_se must not be above session_expires" },
};

static size_t find_key(const char *section, const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eq(keys[i].section, section) &&
		    str_eq(keys[i].key, key))
			return i;
	ASSERT(!"a rule names a key that is not there");
}

/* @return 0, or a negative errno unless it was told */
static int check_rule(unsigned rule, const struct settings *s,
		      const struct conf_seen *seen, const char *path,
		      struct conf_report *rep, struct err *e)
{
	char place[SETTINGS_PATH_MAX + 64];
	size_t at = ARRAY_SIZE(keys), i;
	unsigned k;

	for (k = 0; rules[rule].keys[k]; k++) {
		i = find_key(rules[rule].section, rules[rule].keys[k]);
		if (seen[i].bad)
			return 0; /* that was told, and s has the default */
		if (at == ARRAY_SIZE(keys) && (seen[i].line || seen[i].env))
			at = i;
	}
	if (!rules[rule].broken(s))
		return 0;
	ASSERT(at < ARRAY_SIZE(keys)); /* the defaults go together */
	conf_place(&keys[at], &seen[at], path, place, sizeof(place));
	return conf_tell(rep, e,
			 err_set(e, -EINVAL, "%s: %s", place, rules[rule].why));
}

int settings_check(const char *path, struct conf_report *rep,
		   struct settings *ret_s, struct err *e)
{
	struct conf_seen seen[ARRAY_SIZE(keys)] = { 0 };
	struct settings s = { 0 };
	unsigned i;
	int r;

	r = conf_load_all(keys, ARRAY_SIZE(keys), path, &s, seen, rep, e);
	if (r < 0)
		return r;
	ASSERT(parse_ports(s.media.ports, &s.media.port_min,
			   &s.media.port_max)); /* checked on load */
	for (i = 0; i < ARRAY_SIZE(rules) && r == 0; i++)
		r = check_rule(i, &s, seen, path, rep, e);
	if (r < 0)
		return r;
	*ret_s = s;
	return rep && rep->n ? -EINVAL : 0;
}

int settings_load(const char *path, struct settings *ret_s, struct err *e)
{
	return settings_check(path, NULL, ret_s, e);
}

void settings_apply_reload(struct settings *s, const struct settings *fresh)
{
	conf_copy_reload(keys, ARRAY_SIZE(keys), fresh, s);
}

int settings_example(struct buf *out)
{
	(void)buf_puts(out, /* errors stick in out */
		       "# Settings of the call recording server.\n"
		       "#\n"
		       "# Every key with its default. A line \"key = value\" "
		       "without # changes it; so\n"
		       "# does the environment variable SRS_SECTION_KEY. "
		       "Durations: 250ms 10s 5m 2h\n"
		       "# 30d, sizes: 64K 10M 2G. Keys marked [reload] are "
		       "read again at SIGHUP.\n"
		       "# `srs check-config` says what is wrong with a "
		       "file.\n");
	return conf_example(keys, ARRAY_SIZE(keys), out);
}

int settings_path(const struct settings *s, const char *rel, char *dst,
		  size_t dst_len)
{
	int n;

	n = snprintf(dst, dst_len, "%s/%s", s->server.data_dir, rel);
	return n < 0 || (size_t)n >= dst_len ? -ENAMETOOLONG : 0;
}

static int make_dir(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set(e, -errno, "%s: cannot make this folder: %s",
			       path, err_words(errno));
	if (stat(path, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s: not a folder", path);
	return 0;
}

/* The folder and those above it that are missing. */
static int make_parents(const char *path, struct err *e)
{
	char part[SETTINGS_PATH_MAX];
	size_t i;
	int r;

	(void)str_copy(part, sizeof(part), path); /* same size */
	for (i = 1; part[i]; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		r = make_dir(part, 0755, e);
		if (r < 0)
			return r;
		part[i] = '/';
	}
	return make_dir(path, 0750, e);
}

int settings_make_dirs(const struct settings *s, struct err *e)
{
	static const struct {
		const char *rel;
		mode_t mode;
	} dirs[] = { { "spool", 0750 }, { "media", 0750 }, { "keys", 0700 } };
	char path[SETTINGS_PATH_MAX + 16];
	size_t i;
	int r;

	r = make_parents(s->server.data_dir, e);
	for (i = 0; i < ARRAY_SIZE(dirs) && r == 0; i++) {
		r = settings_path(s, dirs[i].rel, path, sizeof(path));
		if (r == 0)
			r = make_dir(path, dirs[i].mode, e);
	}
	return r;
}
