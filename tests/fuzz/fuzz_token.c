/* Any bytes as token, scope, identity, pattern and codec name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/codec_name.h"
#include "auth/identity.h"
#include "auth/scope.h"
#include "auth/token_form.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

static void try_token(const uint8_t *data, size_t len)
{
	struct span text = { (const char *)data, len };
	struct token_form f, g;
	char back[TOKEN_MAX];

	(void)token_looks_ours(text);
	(void)token_looks_refresh(text);
	if (token_form_parse(text, &f) == 0) {
		token_form_text(&f, back);
		ASSERT(span_eq(text, back));
	}
	if (len < 44)
		return;
	/* with the right checksum around these bytes */
	memset(&f, 0, sizeof(f));
	memcpy(f.kind, "ac", 3);
	str_b64url(f.id, data, 12);
	str_b64url(f.secret, data + 12, 32);
	token_form_text(&f, back);
	ASSERT(token_form_parse(span_of(back), &g) == 0);
	ASSERT(memcmp(&f, &g, sizeof(f)) == 0);
	back[data[0] % TOKEN_LEN] ^= 1 + data[1] % 255;
	ASSERT(token_form_parse((struct span){ back, TOKEN_LEN }, &g) < 0);
}

static void try_scope(const char *text)
{
	char read[TOKEN_SCOPE_MAX], cut[TOKEN_SCOPE_MAX];

	if (scope_read(text, SCOPE_API, read) == 0)
		ASSERT(str_eq(read, SCOPE_API));
	if (scope_read(text, SCOPE_GRANT, read) == 0) {
		ASSERT(scope_cut(text, SCOPE_GRANT, cut));
		ASSERT(str_eq(read, cut));
	}
}

static void try_identity(const char *text)
{
	struct identity a, b;
	struct id_pattern p;
	struct codec_name c;

	(void)codec_name_parse(text, &c);
	if (identity_parse(text, &a) == 0) {
		char domain[IDENTITY_SIP_MAX];

		ASSERT(a.sip[0] || a.tel[0]);
		ASSERT(!a.tel[0] || !a.digits[0]);
		ASSERT(identity_equal(&a, &a));
		identity_domain(&a, domain, sizeof(domain));
		/* canonical forms stay what they are */
		if (strncmp(a.sip, "sip:", 4) == 0 &&
		    !strpbrk(a.sip, "<>\" \t\r\n")) {
			ASSERT(identity_parse(a.sip, &b) == 0);
			ASSERT(str_eq(a.sip, b.sip));
		}
	}
	if (id_pattern_init(&p, text) == 0) {
		ASSERT(id_pattern_covers(&p, &p));
		if (p.kind == ID_PATTERN_EXACT) {
			ASSERT(identity_parse(text, &a) == 0);
			ASSERT(id_pattern_match(&p, NULL, &a, false));
			ASSERT(id_pattern_match(&p, NULL, &a, true));
		}
		id_pattern_fini(&p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text CLEANUP(mem_freep) = NULL;

	if (len > 4096)
		return 0;
	text = mem_strndup((const char *)data, len);
	try_token(data, len);
	try_scope(text);
	try_identity(text);
	return 0;
}
