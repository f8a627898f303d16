/* srs/sip/fields.h - finds header fields in the text of a SIP message.
 *
 * Works on the bytes as they came, beside the SIP stack's own parser: what a
 * stack rejects or normalizes (an empty Supported, a Contact without brackets,
 * a broken Authorization) is still found here as it was sent. Names are
 * compared without case and with their compact forms (RFC 3261 section 7.3.3).
 * Values are trimmed; folded lines keep their line ends. Borrows the text.
 */
#ifndef SRS_SIP_FIELDS_H
#define SRS_SIP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* More header lines than this are not looked at. */
#define SIP_FIELDS_MAX 96

struct sip_field {
	struct span name;
	struct span value;
};

struct sip_fields {
	const struct sip_field *f; /* owner: the caller of the parser */
	unsigned n;
};

/**
 * Split a message into its header lines; the start line is skipped.
 *
 * @param text whole message
 * @param dst  room for SIP_FIELDS_MAX
 *
 * @return number of lines found (0: no header at all)
 */
unsigned sip_fields_parse(struct span text, struct sip_field *dst);

/**
 * Take the next line with its break. CR, LF and CR LF are breaks, as to the
 * stack, and so is NUL.
 *
 * @param fold with the lines that continue it; the start line has none
 * @param rest not empty; what is left
 */
struct span sip_line_take(struct span *rest, bool fold);

/** @param nth from 0, counted in header lines. @return true when found */
bool sip_fields_get(const struct sip_fields *s, const char *name, unsigned nth,
		    struct span *ret_value);

/** @return true when one line of the header lists the word (comma separated,
 *  parameters ignored, no case): Supported, Require, Allow, Accept */
bool sip_fields_lists(const struct sip_fields *s, const char *name,
		      const char *word);

/**
 * Find a parameter after the first ';' that stands outside quotes.
 *
 * Inside <...> too when the name was not found behind it: "+sip.src" is sent in
 * both places (and with a blank after the semicolon).
 *
 * @param ret_value empty for a parameter without value; may be NULL
 */
bool sip_param_get(struct span value, const char *name, struct span *ret_value);

/** The digits at the start of value. @return 0, -EINVAL or -ERANGE */
int sip_leading_u32(struct span value, uint32_t *ret_number);

#endif
