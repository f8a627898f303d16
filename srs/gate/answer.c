#include "srs/gate/answer.h"

#include <stdio.h>
#include <string.h>

#include "auth/oauth_text.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/settings.h"

struct answer {
	int status;
	const char *reason;
	int retry_after_s;
	const char *error; /* of the challenge */
	const char *description;
};

static const struct answer answers[] = {
	[GATE_OK] = { 200, "OK", 0, NULL, NULL },
	[GATE_NO_TOKEN] = { 401, "Unauthorized", 0, NULL, NULL },
	[GATE_BAD_TOKEN] = { 401, "Unauthorized", 0, "invalid_token",
			     "The access token is not valid" },
	[GATE_NO_SCOPE] = { 401, "Unauthorized", 0, "invalid_scope",
			    "The access token may not start recordings" },
	[GATE_MALFORMED] = { 400, "Bad Request", 0, NULL, NULL },
	[GATE_CLEARTEXT] = { 403, "Forbidden", 0, NULL, NULL },
	[GATE_PEER] = { 403, "Forbidden", 0, NULL, NULL },
	[GATE_TOO_LARGE] = { 513, "Message Too Large", 0, NULL, NULL },
	[GATE_RATE] = { 503, "Service Unavailable", 10, NULL, NULL },
	[GATE_BODY] = { 400, "Bad Request", 0, NULL, NULL },
	[GATE_BODY_TYPE] = { 415, "Unsupported Media Type", 0, NULL, NULL },
	[GATE_CONDITIONS] = { 403, "Forbidden", 0, NULL, NULL },
	[GATE_CONCURRENT] = { 486, "Busy Here", 30, NULL, NULL },
	[GATE_QUOTA] = { 403, "Forbidden", 0, NULL, NULL },
	[GATE_CODECS] = { 488, "Not Acceptable Here", 0, NULL, NULL },
	[GATE_NODE] = { 503, "Service Unavailable", 30, NULL, NULL },
	[GATE_INTERNAL] = { 500, "Server Internal Error", 0, NULL, NULL },
};

/* For quoted-string: no control characters, quotes and backslashes escaped. */
static void put_quoted(struct buf *b, const char *text)
{
	(void)buf_putc(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_putc(b, '\\');
		if ((unsigned char)*text >= ' ' && *text != 127)
			(void)buf_putc(b, *text);
	}
	(void)buf_putc(b, '"');
}

void gate_issuer(const struct settings *s, char *dst, size_t dst_len)
{
	size_t len;

	if (s->http.public_url[0])
		(void)snprintf(dst, dst_len, "%s", s->http.public_url);
	else
		(void)snprintf(dst, dst_len, "http%s://%s",
			       s->http.tls_certificate[0] ? "s" : "",
			       s->http.listen);
	len = strlen(dst);
	while (len && dst[len - 1] == '/')
		dst[--len] = '\0';
}

/* Always with realm: Sofia and Linphone clients ignore one without. */
static void put_challenge(const struct settings *s, const struct answer *a,
			  struct gate_verdict *v)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	char issuer[300], words[200];

	gate_issuer(s, issuer, sizeof(issuer));
	buf_init(&b, sizeof(v->challenge) - 1);
	(void)buf_puts(&b, "Bearer realm=");
	put_quoted(&b, s->server.name);
	(void)buf_puts(&b, ", scope=\"" SCOPE_SIP "\", authz_server=");
	put_quoted(&b, issuer);
	if (a->error) {
		(void)buf_printf(&b, ", error=\"%s\", error_description=",
				 a->error);
		(void)str_copy(words, sizeof(words), a->description);
		oauth_text_clean(words);
		put_quoted(&b, words);
	}
	(void)str_copy(v->challenge, sizeof(v->challenge), buf_str(&b));
}

void gate_answer(const struct settings *s, enum gate_cause cause,
		 struct gate_verdict *v)
{
	const struct answer *a = &answers[cause];

	v->cause = cause;
	v->status = a->status;
	v->reason = a->reason;
	v->retry_after_s = a->retry_after_s;
	v->challenge[0] = '\0';
	if (a->status == 401)
		put_challenge(s, a, v);
}

void gate_answer_warning(const struct settings *s, int code, const char *text,
			 struct gate_verdict *v)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	char clean[300];

	(void)str_copy(clean, sizeof(clean), text);
	str_clean(clean);
	buf_init(&b, 2 * sizeof(clean) + sizeof(s->server.name));
	(void)buf_printf(&b, "%03d %s ", code,
			 s->server.name[0] ? s->server.name : "srs");
	put_quoted(&b, clean);
	/* a cut quoted-string would be malformed: then without details */
	if (b.len < sizeof(v->warning))
		(void)str_copy(v->warning, sizeof(v->warning), buf_str(&b));
	else
		(void)snprintf(v->warning, sizeof(v->warning),
			       "%03d srs \"see the body\"", code);
}

void gate_answer_violations(const struct settings *s, const char *type,
			    struct gate_verdict *v)
{
	const struct judgement *j = &v->judgement;
	struct buf b CLEANUP(buf_fini) = { 0 };
	char text[512];

	if (!j->n_violations)
		return;
	violation_text(&j->violations[0], text, sizeof(text));
	gate_answer_warning(s, 399, text, v);
	buf_init(&b, 65536);
	(void)buf_printf(&b,
			 "{\"type\":\"/problems/%s\",\"title\":\"The call is "
			 "outside what its owner authorized\",\"status\":%d,"
			 "\"detail\":\"",
			 type, v->status);
	(void)buf_json(&b, text, strlen(text));
	(void)buf_puts(&b, "\",\"violations\":");
	(void)violations_json(&b, j->violations, j->n_violations);
	(void)buf_putc(&b, '}');
	mem_free(v->problem);
	v->problem = buf_steal(&b); /* NULL without memory: no body then */
}

const char *gate_cause_name(enum gate_cause cause)
{
	static const char *const names[] = {
		[GATE_OK] = "ok",
		[GATE_NO_TOKEN] = "no_token",
		[GATE_BAD_TOKEN] = "bad_token",
		[GATE_NO_SCOPE] = "no_scope",
		[GATE_MALFORMED] = "malformed",
		[GATE_CLEARTEXT] = "cleartext",
		[GATE_PEER] = "peer",
		[GATE_TOO_LARGE] = "too_large",
		[GATE_RATE] = "rate",
		[GATE_BODY] = "body",
		[GATE_BODY_TYPE] = "body_type",
		[GATE_CONDITIONS] = "conditions",
		[GATE_CONCURRENT] = "concurrent",
		[GATE_QUOTA] = "quota",
		[GATE_CODECS] = "codecs",
		[GATE_NODE] = "node",
		[GATE_INTERNAL] = "internal",
	};

	return (size_t)cause < ARRAY_SIZE(names) ? names[cause] : "unknown";
}
