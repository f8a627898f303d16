/* srs/sip/bearer.h - finds the bearer token in Authorization header values.
 *
 * Syntax only: whether the token is worth anything is for the gate. Exactly
 * one Bearer credential may be there; credentials of other schemes (Digest)
 * are passed over. Pure, no allocation; fuzzed by fuzz_bearer.
 *
 * Accepted: "Bearer <b64token>" (RFC 8898), with auth-params behind it
 * ("Bearer <b64token>, realm="x"": belle-sip). Only where the client's
 * registration says so: "Bearer token="..."" (PJSIP) and
 * "Bearer access_token="..."" (3GPP TS 24.371).
 *
 * Source: RFC 6750 section 2.1 (b64token), RFC 8898, RFC 3261 section 25.
 */
#ifndef SRS_SIP_BEARER_H
#define SRS_SIP_BEARER_H

#include <stddef.h>

#include "base/str.h"

#define BEARER_TOKEN_MAX 8192

/* How a token was written; also the set of forms a caller accepts beside
 * the plain one. */
enum bearer_form {
	BEARER_FORM_PLAIN = 0,
	BEARER_FORM_TOKEN_PARAM = 1,	    /* token="..." */
	BEARER_FORM_ACCESS_TOKEN_PARAM = 2, /* access_token="..." */
};

#define BEARER_FORMS_ALL 3u

enum bearer_result {
	BEARER_OK,
	BEARER_NONE,	  /* no Bearer credential: challenge without error */
	BEARER_MALFORMED, /* 400 */
	BEARER_SEVERAL,	  /* 400 */
};

struct bearer {
	struct span token; /* points into the caller's value */
	enum bearer_form form;
	const char *why; /* literal for the Warning text; NULL when OK */
};

/**
 * Look through all Authorization values of a request.
 *
 * @param values one span per header line, its value only ("Bearer abc")
 * @param forms  bits of enum bearer_form accepted beside the plain form
 */
enum bearer_result bearer_parse(const struct span *values, size_t n_values,
				unsigned forms, struct bearer *ret_bearer);

#endif
