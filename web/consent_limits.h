/* web/consent_limits.h - "Allow less than this": the fields of the consent page
 * by which an owner narrows what a provider asked for.
 *
 * A field that is empty, or as the page showed it, changes nothing. Gigabytes
 * are 10^9 bytes and shown with as many decimals as it takes, so any number of
 * bytes that can be asked for can be shown and sent back. The fields have no
 * limits of their own that a browser would hold against them: what is wrong is
 * said here, and the page shows the form again. Any thread.
 */
#ifndef WEB_CONSENT_LIMITS_H
#define WEB_CONSENT_LIMITS_H

#include <stdint.h>

struct buf;
struct conditions;
struct form;

/* What is wrong with a field. */
struct consent_fault {
	const char *field; /* its name; "" none in particular */
	char words[400];   /* for the owner; "" = nothing is wrong */
};

/**
 * What a plain owner can agree to of it: calls in which one of owner.aor takes
 * part. The calls of other people are an administrator's to allow.
 *
 * @param ret_c new; conditions_free()
 * @return 0, -ENOMEM
 */
int consent_own_calls(const struct conditions *asked,
		      struct conditions **ret_c);

/**
 * Append the fields.
 *
 * @param f     as they were sent, NULL: as they were asked for
 * @param fault opens the fields when it is one of theirs; may be NULL
 */
void consent_limits_put(struct buf *b, const struct conditions *asked,
			const struct form *f,
			const struct consent_fault *fault);

/**
 * What was asked for, with what the owner filled in.
 *
 * @param ret_text authorization_details as JSON; mem_free()
 * @return 0; -EINVAL not valid, over already or not less: ret_fault says;
 *         -ENOMEM
 */
int consent_limits_read(const struct conditions *asked, const struct form *f,
			int64_t now_us, char **ret_text,
			struct consent_fault *ret_fault);

#endif
