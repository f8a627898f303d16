/* srs/gate/answer.h - turns a cause into status, headers and body.
 *
 * For srs/gate/gate.c only. Text from outside is cleaned and cut; nothing here
 * ever sees a token.
 */
#ifndef SRS_GATE_ANSWER_H
#define SRS_GATE_ANSWER_H

#include "srs/gate/gate.h"

/** Set cause, status, reason, Retry-After; challenge for 401. */
void gate_answer(const struct settings *s, enum gate_cause cause,
		 struct gate_verdict *v);

/** Warning: 399 NAME "text" (code 305 for codecs). */
void gate_answer_warning(const struct settings *s, int code, const char *text,
			 struct gate_verdict *v);

/** Warning and problem+json from the judgement's violations.
 *  @param type last part of the problem's type, "outside-conditions" */
void gate_answer_violations(const struct settings *s, const char *type,
			    struct gate_verdict *v);

/** Our issuer: http.public_url, or from http.listen. */
void gate_issuer(const struct settings *s, char *dst, size_t dst_len);

#endif
