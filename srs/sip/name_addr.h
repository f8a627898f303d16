/* srs/sip/name_addr.h - reads the fields that name people: From, To,
 * P-Asserted-Identity, Remote-Party-ID.
 *
 * Tolerant like the rest: a name glued to "<", quotes that nobody closed or
 * escaped, a comma in a name without quotes, no brackets at all. Borrows the
 * text. Pure; fuzzed by fuzz_sip_fields.
 *
 * Source: RFC 3261 sections 20.10 and 25.1, RFC 3325 section 9.1,
 * draft-ietf-sip-privacy-04 section 4.3 (Remote-Party-ID).
 */
#ifndef SRS_SIP_NAME_ADDR_H
#define SRS_SIP_NAME_ADDR_H

#include <stdbool.h>

#include "base/str.h"

#define NAME_ADDR_TEXT_MAX 256

struct name_addr {
	struct span display; /* as sent, with its quotes; may be empty */
	struct span uri;     /* without brackets; never empty */
	struct span whole;   /* with what follows, for sip_param_get() */
};

/** Take the next of the values that commas separate.
 *  @return false: none is left */
bool name_addr_take(struct span *rest, struct name_addr *ret);

/** The display name as people read it: without quotes and escapes; "" when it
 *  has none. Cut at NAME_ADDR_TEXT_MAX - 1 bytes, always UTF-8. */
void name_addr_display(const struct name_addr *a, char dst[NAME_ADDR_TEXT_MAX]);

/**
 * Does a display name say who somebody is? Not when it is a number or an
 * address, says that the name is withheld, or is that of a product or a job
 * of one ("BroadWorks", "SIP Recorder").
 *
 * @param name   from name_addr_display()
 * @param agent  value of User-Agent, whose product is no person; may be empty
 */
bool name_is_persons(const char *name, struct span agent);

/** Is this user part or name one of those that stand for nobody? */
bool name_is_withheld(struct span text);

#endif
