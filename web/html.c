#include "web/html.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"

void html_put_list(struct buf *b, const char *tmpl, const char *const *args,
		   size_t n)
{
	size_t used = 0;
	const char *hole;

	while ((hole = strstr(tmpl, "{}")) != NULL) {
		buf_put(b, tmpl, (size_t)(hole - tmpl));
		ASSERT(used < n);
		buf_html(b, args[used] ? args[used] : "");
		used++;
		tmpl = hole + 2;
	}
	ASSERT(used == n);
	buf_puts(b, tmpl);
}

void html_time(int64_t wall_us, char dst[HTML_TIME_MAX])
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;

	dst[0] = '\0';
	if (wall_us > 0 && gmtime_r(&t, &tm))
		(void)strftime(dst, HTML_TIME_MAX, "%Y-%m-%d %H:%M", &tm);
}

void html_duration(int64_t us, char dst[HTML_TIME_MAX])
{
	int64_t s = (us + 500000) / 1000000;

	if (s >= 3600)
		(void)snprintf(dst, HTML_TIME_MAX, "%" PRId64 ":%02d:%02d",
			       s / 3600, (int)(s / 60 % 60), (int)(s % 60));
	else
		(void)snprintf(dst, HTML_TIME_MAX, "%d:%02d", (int)(s / 60),
			       (int)(s % 60));
}

void html_bytes(int64_t bytes, char dst[HTML_TIME_MAX])
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB" };
	double v = (double)bytes;
	unsigned u = 0;

	while (v >= 1000 && u < 4) {
		v /= 1000;
		u++;
	}
	(void)snprintf(dst, HTML_TIME_MAX, u ? "%.1f %s" : "%.0f %s", v,
		       units[u]);
}
