#include "auth/grant_words.h"

#include <errno.h>
#include <string.h>

#include "auth/grants.h"
#include "auth/scope.h"
#include "base/mem.h"

int grant_sentences(const struct conditions *c, const char *scope,
		    cond_sentence_fn *fn, void *arg)
{
	int r = conditions_sentences(c, fn, arg);

	if (r < 0)
		return r;
	if (scope_has(scope, SCOPE_API))
		fn(arg,
		   "The provider may list and play the recordings it makes.");
	if (!scope_has(scope, SCOPE_SIP))
		fn(arg, "The provider may not send calls.");
	return 0;
}

int grant_words(const struct grant *g, cond_sentence_fn *fn, void *arg)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;

	if (conditions_parse(g->conditions, strlen(g->conditions), &c, NULL) <
	    0)
		return 0;
	return grant_sentences(c, g->scope, fn, arg);
}
