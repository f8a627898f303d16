#include "srs/siprec/warn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void warn_add(struct warn_list *wl, const char *code, enum warn_severity sev,
	      const char *fmt, ...)
{
	char detail[WARN_DETAIL_MAX];
	struct warn *w;
	va_list ap;

	if (!wl)
		return;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	str_clean(detail);
	for (unsigned i = 0; i < wl->n; i++) {
		w = &wl->items[i];
		if (!strcmp(w->code, code) && !strcmp(w->detail, detail))
			return;
	}
	if (wl->n == WARN_MAX) {
		wl->dropped++;
		return;
	}
	w = &wl->items[wl->n++];
	w->code = code;
	w->severity = sev;
	str_copy(w->detail, sizeof(w->detail), detail);
}

bool warn_has(const struct warn_list *wl, const char *code)
{
	for (unsigned i = 0; i < wl->n; i++) {
		if (!strcmp(wl->items[i].code, code))
			return true;
	}
	return false;
}

const char *warn_severity_name(enum warn_severity sev)
{
	switch (sev) {
	case WARN_INFO:
		return "info";
	case WARN_WARNING:
		return "warning";
	case WARN_ERROR:
		break;
	}
	return "error";
}
