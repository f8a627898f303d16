/* base/err.h - errors with context, and assertions.
 *
 * Functions return 0 or a negative errno. Where a caller needs words as well
 * (configuration, parsers, commands) it passes a struct err, which the failing
 * function fills; whoever handles the error prints it. NULL is always allowed.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define ERR_TEXT_MAX 512

/* What went wrong, for people. Owner: the caller; zero it before use. */
struct err {
	int code; /* negative errno, 0 = none */
	char text[ERR_TEXT_MAX];
};

/** Fill e (may be NULL) unless it is filled already. @return code */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Put "prefix: " in front of the text. @return e's code, 0 for NULL */
int err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** @return the symbol of an errno ("ENOENT") for either sign, never NULL. */
const char *err_name(int code);

/** @return words for an errno of either sign, never NULL; thread-safe. */
const char *err_words(int code);

/* Our own mistake, also in release builds: say where, then abort. */
#define ASSERT(cond)                                                           \
	((cond) ? (void)0 : err_assert_failed(#cond, __FILE__, __LINE__))

_Noreturn void err_assert_failed(const char *cond, const char *file, int line);

#endif
