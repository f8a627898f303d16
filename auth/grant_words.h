/* auth/grant_words.h - an authorization in plain sentences.
 *
 * The same sentences everywhere: on the consent page, on the Authorizations
 * page, in the API and on the command line. First the conditions, then what the
 * scope adds: whether the provider may list and play what it records. Pure. Any
 * role.
 */
#ifndef AUTH_GRANT_WORDS_H
#define AUTH_GRANT_WORDS_H

#include "auth/conditions.h"

struct grant;

/** As conditions_sentences(). @param scope of the request or the grant */
int grant_sentences(const struct conditions *c, const char *scope,
		    cond_sentence_fn *fn, void *arg);
/** Of a grant that is kept; nothing when its conditions can't be read any more
 *  (a time zone that has gone). @return 0 or -ENOMEM */
int grant_words(const struct grant *g, cond_sentence_fn *fn, void *arg);

#endif
