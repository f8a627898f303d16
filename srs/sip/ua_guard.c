/* What keeps the library itself from being turned against us: its own log
 * lines, its appetite for connections. */
#include <stdarg.h>
#include <stdio.h>
#include <sofia-sip/su_log.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/str.h"
#include "srs/sip/conn_limit.h"
#include "srs/sip/ua_int.h"

#define CONNECTIONS_MAX 8192u

/* Lines may quote the peer, and a peer may cause as many as it likes: debug
 * only. */
__attribute__((format(printf, 2, 0))) static void
on_library_line(void *stream, char const *fmt, va_list ap)
{
	char text[256];

	(void)stream;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	str_clean(text);
	log_debug(NULL, "sip.library", LOG_S("text", text));
}

void ua_guard_log(void)
{
	su_log_redirect(NULL, on_library_line, NULL);
}

/* A quarter of the descriptors stays for files, spools and database. */
int ua_guard_connections(void)
{
	unsigned max = CONNECTIONS_MAX;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / 4 * 3 < max)
		max = (unsigned)(rl.rlim_cur / 4 * 3);
	return conn_limit_set(max, max / 2);
}
