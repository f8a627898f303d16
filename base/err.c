#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->code)
		return code;
	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap); /* may truncate */
	va_end(ap);
	return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	size_t n;
	int w;

	if (!e)
		return 0;
	memcpy(old, e->text, sizeof(old));
	old[sizeof(old) - 1] = '\0';
	va_start(ap, fmt);
	w = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = w < 0 ? 0 : (size_t)w;
	if (n < sizeof(e->text))
		(void)snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	return e->code;
}

const char *err_name(int code)
{
	const char *s;

	s = strerrorname_np(code < 0 ? -code : code);
	return s ? s : "EUNKNOWN";
}

const char *err_words(int code)
{
	const char *s;

	s = strerrordesc_np(code < 0 ? -code : code);
	return s ? s : "Unknown error";
}

void err_assert_failed(const char *cond, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line,
		      cond);
	abort();
}
