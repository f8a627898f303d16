/* srs/cli/html_form.h - reads the first form of one of our own pages.
 *
 * For the demo, which walks through login and consent as a browser does. Not
 * an HTML parser: attributes must be quoted, as our pages write them.
 */
#ifndef SRS_CLI_HTML_FORM_H
#define SRS_CLI_HTML_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct html_form {
	char action[1024];
	bool has_password;
};

/** What to type: into password fields, into those for an e-mail address, and
 *  the value of the submit button to press. */
struct html_input {
	const char *login, *password, *button;
};

/**
 * Fill the first form with method="post" of a page.
 *
 * @param ret_body its fields, form-encoded: hidden ones and other text as they
 *                 are, typed ones from input, the button
 *
 * @return 0, -ENOENT no such form, -EBADMSG an attribute can't be read
 */
int html_form_fill(const char *page, const struct html_input *input,
		   struct html_form *ret_form, struct buf *ret_body);

#endif
