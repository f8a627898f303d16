/* base/log.h - structured log lines on stderr.
 *
 * A line is an event name ("sip.invite_refused") and fields. Formats: text
 * (for people; with journald's <n> priority prefix when stderr is the
 * journal) and json (one object a line). Values are escaped, bidi and control
 * characters removed. Nothing that a caller said, dialled or typed may be
 * logged above debug level, tokens never: any value that contains "srs_at_",
 * "srs_rt_" or "srs_cs_" is replaced by "[secret]" here as the last defence.
 *
 *	log_warn(&s->log, "srtp.auth_failed", LOG_I("count", n),
 *		 LOG_S("reason", why));
 *
 * Any role, any thread (one write(2) a line).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Says where a line comes from; filled once, passed by its owner. */
struct log {
	char session[40]; /* recording id or "" */
	int stream;	  /* index + 1, 0 = none */
};

struct log_field {
	char type; /* 's', 'i', 'u', 'f', 0 = unused */
	const char *key;
	const char *s;
	int64_t i;
	double f;
};

#define LOG_S(k, v) ((struct log_field){ 's', (k), (v), 0, 0 })
#define LOG_I(k, v) ((struct log_field){ 'i', (k), 0, (int64_t)(v), 0 })
#define LOG_F(k, v) ((struct log_field){ 'f', (k), 0, 0, (v) })
/* errno of either sign, as symbol */
#define LOG_E(r) ((struct log_field){ 'e', "error", 0, (r), 0 })

/** @param role "supervisor", "sip", ...; kept by reference */
void log_setup(enum log_level min, enum log_format format, const char *role);
void log_set_level(enum log_level min);

void log_write(enum log_level level, const struct log *lg, const char *event,
	       const struct log_field *fields, unsigned n);

#define LOG_AT_(level, lg, ev, ...)                                            \
	log_write(level, lg, ev,                                               \
		  (const struct log_field[]){ { 0 }, ##__VA_ARGS__ },          \
		  sizeof((const struct log_field[]){ { 0 }, ##__VA_ARGS__ }) / \
			  sizeof(struct log_field))
/* lg may be NULL */
#define log_debug(lg, ev, ...) LOG_AT_(LOG_DEBUG, lg, ev, ##__VA_ARGS__)
#define log_info(lg, ev, ...) LOG_AT_(LOG_INFO, lg, ev, ##__VA_ARGS__)
#define log_warn(lg, ev, ...) LOG_AT_(LOG_WARN, lg, ev, ##__VA_ARGS__)
#define log_error(lg, ev, ...) LOG_AT_(LOG_ERROR, lg, ev, ##__VA_ARGS__)

#endif
