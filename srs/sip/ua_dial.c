/* Dialogs that we open: whom to call, from which listener, and what the 2xx
 * makes of the dialog. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "srs/sip/ua_int.h"

struct callee {
	struct ua_address a;
	bool v6;
};

static int read_transport(url_t const *url, enum ua_transport *ret_t)
{
	char word[16];

	*ret_t = url->url_type == url_sips ? UA_TLS : UA_UDP;
	if (url_param(url->url_params, "transport", word, sizeof(word)) <= 0)
		return 0;
	for (enum ua_transport t = UA_UDP; t <= UA_TLS; t++) {
		if (str_ieq(word, ua_transport_name(t))) {
			*ret_t = t;
			return 0;
		}
	}
	return -EINVAL;
}

static bool read_host(const char *host, struct callee *c)
{
	unsigned char addr[16];
	struct span s = span_of(host);

	if (s.len > 2 && s.p[0] == '[') {
		s.p++;
		s.len -= 2;
	}
	if (!span_copy(c->a.host, sizeof(c->a.host), s))
		return false;
	c->v6 = inet_pton(AF_INET6, c->a.host, addr) == 1;
	return c->v6 || inet_pton(AF_INET, c->a.host, addr) == 1;
}

static int read_uri(su_home_t *home, const char *uri, struct callee *c)
{
	url_t *url = strpbrk(uri, " \t\r\n<>\"") ? NULL : url_make(home, uri);

	if (!url || (url->url_type != url_sip && url->url_type != url_sips) ||
	    !url->url_host || read_transport(url, &c->a.transport) < 0 ||
	    !read_host(url->url_host, c))
		return -EINVAL;
	if (!str_copy(c->a.port, sizeof(c->a.port),
		      url->url_port && url->url_port[0] ? url->url_port
		      : c->a.transport == UA_TLS	? "5061"
							: "5060"))
		return -EINVAL;
	return 0;
}

int ua_dial_parse(const char *uri, struct ua_address *ret_address)
{
	su_home_t *home = su_home_new(sizeof(su_home_t));
	struct callee c = { 0 };
	int r;

	if (!home)
		return -ENOMEM;
	r = read_uri(home, uri, &c);
	su_home_unref(home);
	if (r < 0)
		return r;
	*ret_address = c.a;
	return 0;
}

/* "host:port" of our listener of that transport and family. */
static bool find_listener(struct ua *ua, const struct callee *c, char *dst,
			  size_t dst_len)
{
	for (tport_t *t = tport_primaries(nta_agent_tports(ua->agent)); t;
	     t = tport_next(t)) {
		su_addrinfo_t const *ai = tport_get_address(t);
		sip_via_t const *via = (sip_via_t const *)tport_magic(t);
		enum ua_transport has = tport_has_tls(t)  ? UA_TLS
					: tport_is_tcp(t) ? UA_TCP
							  : UA_UDP;

		if (!ai || !via || has != c->a.transport ||
		    (ai->ai_family == AF_INET6) != c->v6)
			continue;
		(void)snprintf(dst, dst_len, "%s%s%s", via->v_host,
			       via->v_port ? ":" : "",
			       via->v_port ? via->v_port : "");
		return true;
	}
	return false;
}

static int join_dup(char **dst, const char *a, const char *b, const char *c)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s%s%s", a, b, c);

	if (n < 0 || (size_t)n >= sizeof(text))
		return -EINVAL;
	return ua_dup_span(span_of(text), dst);
}

static int fill(struct ua_dialog *d, const char *uri, const struct callee *c)
{
	static const char *const params[] = { "", ";transport=tcp",
					      ";transport=tls" };
	char host[128], contact[200];
	struct id id;
	int r;

	if (!find_listener(d->ua, c, host, sizeof(host)))
		return -EPROTONOSUPPORT;
	(void)snprintf(contact, sizeof(contact), "<sip:srs@%s%s>;+sip.srs",
		       host, params[c->a.transport]);
	(void)snprintf(d->peer, sizeof(d->peer), c->v6 ? "[%s]:%s" : "%s:%s",
		       c->a.host, c->a.port);
	d->transport = c->a.transport;
	id_new(&id, clock_wall_us(clock_real()));
	r = ua_dup_span(span_of(id.s), &d->call_id);
	id_new(&id, clock_wall_us(clock_real()));
	if (r == 0)
		r = ua_dup_span(span_of(id.s), &d->local_tag);
	if (r == 0)
		r = ua_dup_span(span_of(contact), &d->contact);
	if (r == 0)
		r = join_dup(&d->local, "<sip:srs@", host, ">");
	if (r == 0)
		r = join_dup(&d->remote, "<", uri, ">");
	return r;
}

int ua_dialog_dial(struct ua *ua, const struct ua_dial *dial, void *darg,
		   struct ua_dialog **ret_dialog)
{
	struct ua_dialog *d CLEANUP(ua_dialog_destroy) = NULL;
	su_home_t *home = su_home_new(sizeof(su_home_t));
	struct callee c = { 0 };
	int r;

	if (!home)
		return -ENOMEM;
	r = read_uri(home, dial->uri, &c);
	su_home_unref(home);
	if (r == 0)
		r = ua_dialog_new(ua, darg, &d);
	if (r == 0)
		r = fill(d, dial->uri, &c);
	if (r < 0)
		return r;
	d->dialed = true;
	d->leg = nta_leg_tcreate(ua->agent, ua_leg_callback(), &d->magic,
				 SIPTAG_CALL_ID_STR(d->call_id),
				 SIPTAG_FROM_STR(d->local),
				 SIPTAG_TO_STR(d->remote), TAG_END());
	if (!d->leg)
		return -EINVAL;
	nta_leg_tag(d->leg, d->local_tag);
	*ret_dialog = STEAL(d);
	return 0;
}

/* For a restart the route set is kept as a server has it: the other way
 * round. */
static void keep_route(struct ua_dialog *d, const struct sip_fields *f)
{
	struct span line;
	struct buf b;
	unsigned n = 0;

	while (sip_fields_get(f, "Record-Route", n, &line))
		n++;
	if (n == 0)
		return;
	buf_init(&b, 16 * 1024);
	while (n-- > 0) {
		(void)sip_fields_get(f, "Record-Route", n, &line);
		(void)buf_printf(&b, "%s%.*s", b.len ? ", " : "",
				 SPAN_ARG(line));
	}
	(void)ua_dup_span((struct span){ buf_str(&b), b.len },
			  &d->record_route);
	buf_fini(&b);
}

void ua_dial_answered(struct ua_dialog *d, sip_t const *sip,
		      const struct sip_fields *f)
{
	su_home_t *home = su_home_new(sizeof(su_home_t));
	struct span to;
	char *target;

	if (sip->sip_to->a_tag)
		nta_leg_rtag(d->leg, sip->sip_to->a_tag);
	nta_leg_client_route(d->leg, sip->sip_record_route, sip->sip_contact);
	d->allow = ua_allow_bits(f);
	if (sip_fields_get(f, "To", 0, &to))
		(void)ua_dup_span(to, &d->remote); /* or the one without tag */
	if (home && sip->sip_contact) {
		target = url_as_string(home, sip->sip_contact->m_url);
		if (target)
			(void)ua_dup_span(span_of(target), &d->target);
	}
	keep_route(d, f);
	if (home)
		su_home_unref(home);
}
