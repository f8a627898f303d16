/* auth/scope.h - the words of a scope, read in one place.
 *
 * Wherever a scope enters (authorization request, pushed request, token
 * request, command line) it goes through scope_read(): the syntax of RFC 6749
 * section 3.3, at most SCOPE_ASKED_MAX bytes, and nothing but what was granted
 * before. What a row of the database says goes through scope_cut(): what is no
 * word of ours never leaves it.
 *
 * "call-recording" lets a token start recordings over SIP, "recordings" lets
 * it use the API.
 *
 * Pure; any role, any thread.
 *
 * Source: RFC 6749 sections 3.3, 5.2 (invalid_scope) and 6; RFC 9700.
 */
#ifndef AUTH_SCOPE_H
#define AUTH_SCOPE_H

#include <stdbool.h>

#define SCOPE_SIP "call-recording"
#define SCOPE_API "recordings"
#define SCOPE_GRANT SCOPE_SIP " " SCOPE_API /* all there is, in order */

#define TOKEN_SCOPE_MAX 64   /* of a result, with its NUL */
#define SCOPE_ASKED_MAX 1024 /* bytes of a request's; longer is refused */

/**
 * Is what is asked for a part of what may be had?
 *
 * @param asked   scope-token *( SP scope-token ), or NULL: all of granted
 * @param granted a scope of ours
 * @param dst     TOKEN_SCOPE_MAX bytes: words in our order, none twice
 *
 * @return 0; -EINVAL malformed, too long, or a word outside granted
 */
int scope_read(const char *asked, const char *granted, char *dst);

/** The words of text (any text, NULL too) that are in granted. @return false
 *  when none is */
bool scope_cut(const char *text, const char *granted, char *dst);

/** @return true when word is one of scope's */
bool scope_has(const char *scope, const char *word);

#endif
