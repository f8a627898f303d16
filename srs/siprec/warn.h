/* srs/siprec/warn.h - the oddities of one request, on their way to the catalog.
 *
 * What a recording client sends is accepted whenever it can be understood;
 * everything that had to be assumed, repaired or left out becomes an entry
 * here. Codes are stable words with dots ("sdp.no_connection"); each is
 * explained in docs/warnings.md. The list is bounded: what does not fit is
 * counted. No allocation, no I/O; any role.
 */
#ifndef SRS_SIPREC_WARN_H
#define SRS_SIPREC_WARN_H

#include <stdbool.h>

#define WARN_MAX 48
#define WARN_DETAIL_MAX 160

enum warn_severity {
	WARN_INFO,    /* nothing was lost or guessed */
	WARN_WARNING, /* something was assumed or repaired */
	WARN_ERROR,   /* something of the call is not recorded */
};

struct warn {
	const char *code; /* static storage: literals only */
	enum warn_severity severity;
	char detail[WARN_DETAIL_MAX]; /* UTF-8, harmless to show */
};

/* Owner: the caller, zeroed before use; fields may be read by anyone. */
struct warn_list {
	unsigned n;
	unsigned dropped; /* did not fit */
	struct warn items[WARN_MAX];
};

/**
 * Add one warning; an equal one (code and detail) is kept once.
 *
 * @param wl   NULL: nothing happens
 * @param code literal
 * @param fmt  detail; bytes from outside may go in, they are made harmless
 */
void warn_add(struct warn_list *wl, const char *code, enum warn_severity sev,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** @return whether code is in the list */
bool warn_has(const struct warn_list *wl, const char *code);

/** @return "info", "warning" or "error" (words of the catalog) */
const char *warn_severity_name(enum warn_severity sev);

#endif
