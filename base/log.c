/* A line is put together in a fixed buffer on the stack: logging never
 * allocates, so it also works when memory is out, and one write(2) per line
 * keeps the lines of several processes apart. A field that does not fit is
 * left out as a whole, so that a JSON line stays valid. */
#include "base/log.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define LINE_MAX_BYTES 4096
#define LINE_TAIL_BYTES 32 /* kept free for the end of the line */
#define VALUE_MAX_BYTES 1024

static struct {
	enum log_level min;
	enum log_format format;
	const char *role;
	bool journal;
} log_state = { LOG_INFO, LOG_TEXT, "", false };

static const char *const level_words[] = { "debug", "info", "warn", "error" };
static const char *const journal_prefix[] = { "<7>", "<6>", "<4>", "<3>" };

struct line {
	char s[LINE_MAX_BYTES];
	size_t len;
	bool full;
};

static void line_put(struct line *l, const char *s, size_t n)
{
	if (l->full || n > sizeof(l->s) - LINE_TAIL_BYTES - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->s + l->len, s, n);
	l->len += n;
}

static void line_puts(struct line *l, const char *s)
{
	line_put(l, s, strlen(s));
}

/* In quotes; only '"' and '\\' are left to escape after str_clean(). */
static void line_quoted(struct line *l, const char *s)
{
	line_puts(l, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			line_puts(l, "\\");
		line_put(l, s, 1);
	}
	line_puts(l, "\"");
}

static bool is_secret(const char *s)
{
	return strstr(s, "srs_at_") || strstr(s, "srs_rt_") ||
	       strstr(s, "srs_cs_");
}

static void line_string(struct line *l, const char *s)
{
	char v[VALUE_MAX_BYTES];

	if (!s)
		s = "";
	if (is_secret(s))
		s = "[secret]";
	if (!str_copy(v, sizeof(v), s))
		memcpy(v + sizeof(v) - 4, "...", 4);
	str_clean(v);
	if (log_state.format == LOG_TEXT && v[0] && !strpbrk(v, " \"\\="))
		line_puts(l, v);
	else
		line_quoted(l, v);
}

static void line_key(struct line *l, const char *key)
{
	if (log_state.format == LOG_JSON) {
		line_puts(l, ",\"");
		line_puts(l, key);
		line_puts(l, "\":");
	} else {
		line_puts(l, " ");
		line_puts(l, key);
		line_puts(l, "=");
	}
}

static void line_value(struct line *l, const struct log_field *f)
{
	char num[48];

	switch (f->type) {
	case 's':
		line_string(l, f->s);
		return;
	case 'e':
		line_string(l, f->i ? err_name((int)f->i) : "none");
		return;
	case 'f':
		if (!isfinite(f->f))
			line_puts(l, "null");
		else if (snprintf(num, sizeof(num), "%.6g", f->f) > 0)
			line_puts(l, num);
		return;
	case 'u':
		(void)snprintf(num, sizeof(num), "%llu",
			       (unsigned long long)f->i);
		line_puts(l, num);
		return;
	default:
		(void)snprintf(num, sizeof(num), "%lld", (long long)f->i);
		line_puts(l, num);
		return;
	}
}

static void line_field(struct line *l, const struct log_field *f)
{
	size_t before = l->len;

	line_key(l, f->key);
	line_value(l, f);
	if (l->full)
		l->len = before;
}

static void line_head(struct line *l, enum log_level level, const char *event)
{
	char when[CLOCK_RFC3339_MAX];

	clock_format(clock_wall_us(clock_real()), when, sizeof(when));
	if (log_state.format == LOG_JSON) {
		line_puts(l, "{\"time\":\"");
		line_puts(l, when);
		line_puts(l, "\",\"level\":\"");
		line_puts(l, level_words[level]);
		line_puts(l, "\",\"role\":");
		line_string(l, log_state.role);
		line_puts(l, ",\"event\":");
		line_string(l, event);
		return;
	}
	if (log_state.journal) {
		line_puts(l, journal_prefix[level]);
	} else {
		line_puts(l, when);
		line_puts(l, " ");
		line_puts(l, level_words[level]);
		line_puts(l, " ");
	}
	line_puts(l, log_state.role);
	line_puts(l, " ");
	line_puts(l, event);
}

static void line_tail(struct line *l)
{
	const char *cut = "";

	if (l->full)
		cut = log_state.format == LOG_JSON ? ",\"cut\":true" : " cut=1";
	l->len +=
		(size_t)snprintf(l->s + l->len, LINE_TAIL_BYTES, "%s%s\n", cut,
				 log_state.format == LOG_JSON ? "}" : "");
}

/* systemd sets JOURNAL_STREAM to device:inode of the pipe it reads. */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!env || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(mine, sizeof(mine), "%llu:%llu",
		       (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return strcmp(mine, env) == 0;
}

void log_setup(enum log_level min, enum log_format format, const char *role)
{
	log_state.min = min;
	log_state.format = format;
	log_state.role = role;
	log_state.journal = stderr_is_journal();
}

void log_set_level(enum log_level min)
{
	log_state.min = min;
}

void log_write(enum log_level level, const struct log *lg, const char *event,
	       const struct log_field *fields, unsigned n)
{
	struct line l;
	unsigned i;

	if (level < log_state.min)
		return;
	l.len = 0;
	l.full = false;
	line_head(&l, level, event);
	if (lg && lg->session[0])
		line_field(&l, &LOG_S("session", lg->session));
	if (lg && lg->stream)
		line_field(&l, &LOG_I("stream", lg->stream));
	for (i = 0; i < n; i++) {
		if (fields[i].type)
			line_field(&l, &fields[i]);
	}
	line_tail(&l);
	/* Nobody is left to tell when stderr fails. */
	if (write(STDERR_FILENO, l.s, l.len) < 0)
		return;
}
