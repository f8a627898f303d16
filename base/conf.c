#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

extern char **environ;

#define CONF_NAME_MAX 96
#define ENV_PREFIX "SRS_"

/* Where a value comes from, for the error text. */
struct origin {
	const char *path; /* NULL: the environment or the table */
	int line;
	const char *env; /* name of the variable, or NULL */
};

struct load {
	const struct conf_key *keys;
	size_t n;
	const char *path;
	void *target;
	struct conf_seen *seen; /* of each key */
	struct conf_report *rep;
	struct err *e;
};

int conf_tell(struct conf_report *rep, struct err *e, int r)
{
	if (r == 0 || r == -ENOMEM || !rep)
		return r;
	rep->fn(rep->arg, e->text);
	rep->n++;
	*e = (struct err){ 0 };
	return 0;
}

static void *field_of(const struct conf_key *k, void *target)
{
	return (char *)target + k->offset;
}

/* "10m" for whole minutes, as an operator would write it. */
static void format_us(int64_t us, char *dst, size_t len)
{
	static const struct {
		int64_t us;
		const char *word;
	} units[] = {
		{ 86400 * 1000000ll, "d" },
		{ 3600 * 1000000ll, "h" },
		{ 60 * 1000000ll, "m" },
		{ 1000000, "s" },
		{ 1000, "ms" },
		{ 1, "us" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (us % units[i].us == 0 && (us || i == 3)) {
			(void)snprintf(dst, len, "%" PRId64 "%s",
				       us / units[i].us, units[i].word);
			return;
		}
	}
}

static void format_bytes(uint64_t bytes, char *dst, size_t len)
{
	static const char units[] = "TGMK";
	unsigned i;

	for (i = 0; i < 4; i++) {
		uint64_t one = 1ull << (10 * (4 - i));

		if (bytes && bytes % one == 0) {
			(void)snprintf(dst, len, "%" PRIu64 "%c", bytes / one,
				       units[i]);
			return;
		}
	}
	(void)snprintf(dst, len, "%" PRIu64, bytes);
}

static void allowed_words(const struct conf_key *k, char *dst, size_t len)
{
	size_t i, at = 0;
	int n;

	dst[0] = '\0';
	for (i = 0; k->words[i] && at < len; i++) {
		n = snprintf(dst + at, len - at, "%s%s", i ? ", " : "",
			     k->words[i]);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* What the key accepts, for people. */
static void allowed(const struct conf_key *k, char *dst, size_t len)
{
	bool limits = k->min || k->max;
	char lo[32], hi[32];

	switch (k->type) {
	case CONF_BOOL:
		(void)str_copy(dst, len, "yes or no");
		return;
	case CONF_ENUM:
		allowed_words(k, dst, len);
		return;
	case CONF_INT:
		(void)snprintf(lo, sizeof(lo), "%" PRId64, k->min);
		(void)snprintf(hi, sizeof(hi), "%" PRId64, k->max);
		break;
	case CONF_DURATION:
		format_us(k->min, lo, sizeof(lo));
		format_us(k->max, hi, sizeof(hi));
		break;
	case CONF_SIZE:
		format_bytes((uint64_t)k->min, lo, sizeof(lo));
		format_bytes((uint64_t)k->max, hi, sizeof(hi));
		break;
	default:
		dst[0] = '\0';
		return;
	}
	if (limits)
		(void)snprintf(dst, len, "%s to %s", lo, hi);
	else
		dst[0] = '\0';
}

static int bad(const struct conf_key *k, const struct origin *o,
	       const char *value, const char *why, struct err *e)
{
	char may[256], where[CONF_NAME_MAX + 256];

	allowed(k, may, sizeof(may));
	if (o->env)
		(void)snprintf(where, sizeof(where), "environment %s", o->env);
	else if (o->path)
		(void)snprintf(where, sizeof(where), "%s:%d", o->path, o->line);
	else
		(void)str_copy(where, sizeof(where), "default");
	return err_set(e, -EINVAL, "%s: [%s] %s = \"%s\": %s%s%s%s", where,
		       k->section, k->key, value, why, may[0] ? " (" : "", may,
		       may[0] ? ")" : "");
}

static bool in_limits(const struct conf_key *k, int64_t v)
{
	if (!k->min && !k->max)
		return true;
	return v >= k->min && v <= k->max;
}

static const char *set_bool(const char *value, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++) {
		if (str_ieq(value, yes[i]) || str_ieq(value, no[i])) {
			*ret = str_ieq(value, yes[i]);
			return NULL;
		}
	}
	return "not yes or no";
}

static const char *set_number(const struct conf_key *k, const char *value,
			      void *field)
{
	uint64_t bytes;
	int64_t v;
	int r;

	if (k->type == CONF_DURATION) {
		r = str_duration_us(value, &v);
	} else if (k->type == CONF_SIZE) {
		r = str_size(value, &bytes);
		v = r == 0 ? (int64_t)bytes : 0;
	} else {
		r = str_i64(value, INT64_MIN, INT64_MAX, &v);
	}
	if (r == -EINVAL)
		return k->type == CONF_DURATION ? "not a duration like 10s"
		       : k->type == CONF_SIZE	? "not a size like 512M"
						: "not a whole number";
	if (r < 0 || !in_limits(k, v))
		return "out of range";
	if (k->type == CONF_SIZE)
		*(uint64_t *)field = (uint64_t)v;
	else
		*(int64_t *)field = v;
	return NULL;
}

static const char *set_string(const struct conf_key *k, const char *value,
			      char *field)
{
	const char *why;

	if (!k->def && !value[0])
		return "must not be empty";
	if (k->type == CONF_PATH && value[0] && value[0] != '/')
		return "not an absolute path";
	if (!str_utf8_ok(value, strlen(value)))
		return "not UTF-8";
	if (strlen(value) >= k->size)
		return "too long";
	why = k->check ? k->check(value) : NULL;
	if (why)
		return why;
	(void)str_copy(field, k->size, value); /* fits */
	return NULL;
}

static const char *set_enum(const struct conf_key *k, const char *value,
			    int *field)
{
	int i;

	for (i = 0; k->words[i]; i++) {
		if (str_ieq(value, k->words[i])) {
			*field = i;
			return NULL;
		}
	}
	return "not one of the known words";
}

static int set_value(const struct conf_key *k, const char *value,
		     const struct origin *o, void *target, struct err *e)
{
	void *field = field_of(k, target);
	const char *why;

	switch (k->type) {
	case CONF_BOOL:
		why = set_bool(value, field);
		break;
	case CONF_ENUM:
		why = set_enum(k, value, field);
		break;
	case CONF_STRING:
	case CONF_PATH:
		why = set_string(k, value, field);
		break;
	default:
		why = set_number(k, value, field);
		break;
	}
	return why ? bad(k, o, value, why, e) : 0;
}

int conf_defaults(const struct conf_key *keys, size_t n, void *target,
		  struct err *e)
{
	static const struct origin table = { 0 };
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if (!keys[i].def)
			continue;
		r = set_value(&keys[i], keys[i].def, &table, target, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool known_section(const struct load *l, const char *section)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->keys[i].section, section) == 0)
			return true;
	}
	return false;
}

static int unknown(const struct load *l, const char *section, const char *key,
		   int line)
{
	if (!section[0])
		return err_set(l->e, -EINVAL,
			       "%s:%d: \"%s\" stands before any [section]",
			       l->path, line, key);
	if (!known_section(l, section) && l->rep)
		return 0; /* told when it began */
	if (!known_section(l, section))
		return err_set(l->e, -EINVAL, "%s:%d: unknown section [%s]",
			       l->path, line, section);
	return err_set(l->e, -EINVAL, "%s:%d: [%s] has no key \"%s\"", l->path,
		       line, section, key);
}

static int set_seen(struct load *l, size_t i, const char *value,
		    const struct origin *o)
{
	int r = set_value(&l->keys[i], value, o, l->target, l->e);

	l->seen[i].bad = r < 0;
	return r;
}

/* One "key = value". */
static int on_entry(void *arg, const char *section, const char *key,
		    const char *value, int line, struct err *e)
{
	struct load *l = arg;
	struct origin o = { .path = l->path, .line = line };
	const struct conf_key *k;
	size_t i;

	for (i = 0; i < l->n; i++) {
		k = &l->keys[i];
		if (!str_eq(k->section, section) || !str_eq(k->key, key))
			continue;
		if (l->seen[i].line)
			return err_set(e, -EINVAL,
				       "%s:%d: [%s] %s is given twice, first "
				       "in line %d",
				       l->path, line, section, key,
				       l->seen[i].line);
		l->seen[i].line = line;
		return set_seen(l, i, value, &o);
	}
	return unknown(l, section, key, line);
}

/* Debian's inih does not tell the handler the line, takes an indented line for
 * more of the value before it and cuts long lines in two; so it gets its lines
 * from here. */
struct reader {
	struct load *load; /* NULL: any section */
	conf_walk_fn *fn;
	void *arg;
	const char *path;
	struct conf_report *rep;
	struct err *e;
	FILE *f;
	int line;
	int r;
};

/* Tell a mistake of this line, or end the walk. */
static void wrong(struct reader *rd, int r)
{
	rd->r = conf_tell(rd->rep, rd->e, r);
}

static int check_section_line(struct reader *rd, const char *str)
{
	struct span name = span_of(str + 1);
	char section[CONF_NAME_MAX];

	name = span_cut(&name, ']');
	if (span_copy(section, sizeof(section), name) &&
	    (!rd->load || known_section(rd->load, section)))
		return 0;
	return err_set(rd->e, -EINVAL, "%s:%d: %s section [%s]", rd->path,
		       rd->line, rd->load ? "unknown" : "overlong", section);
}

/* The first of the two characters, or the end of str or its comment: inih's
 * way to look at a line. */
static bool has_before_comment(const char *str, const char *chars)
{
	bool blank = false;

	for (; *str && !strchr(chars, *str); str++) {
		if (blank && *str == ';')
			return false;
		blank = isspace((unsigned char)*str) != 0;
	}
	return *str != '\0';
}

/* What inih would call an error without saying where the next one is. */
static bool line_ok(const char *str, int line)
{
	if (line == 1 && strncmp(str, "\xEF\xBB\xBF", 3) == 0)
		str += 3;
	while (isspace((unsigned char)*str))
		str++;
	if (!*str || *str == '#' || *str == ';')
		return true;
	if (*str == '[')
		return has_before_comment(str + 1, "]");
	return has_before_comment(str, "=:");
}

static void skip_rest_of_line(FILE *f)
{
	int c;

	do
		c = getc(f);
	while (c != '\n' && c != EOF);
}

static char *read_line(char *str, int num, void *stream)
{
	struct reader *rd = stream;
	size_t blanks;
	bool whole;

	if (rd->r < 0 || !fgets(str, num, rd->f))
		return NULL;
	rd->line++;
	whole = strchr(str, '\n') || feof(rd->f);
	blanks = strspn(str, " \t");
	memmove(str, str + blanks, strlen(str + blanks) + 1);
	if (!whole)
		skip_rest_of_line(rd->f);
	if (!whole && str[0] != '#' && str[0] != ';') {
		wrong(rd, err_set(rd->e, -EINVAL,
				  "%s:%d: more than %d bytes in a line",
				  rd->path, rd->line, num - 2));
		str[0] = '\0';
	} else if (!line_ok(str, rd->line)) {
		wrong(rd, err_set(rd->e, -EINVAL,
				  "%s:%d: neither [section] nor key = value",
				  rd->path, rd->line));
		str[0] = '\0';
	} else if (str[0] == '[') {
		wrong(rd, check_section_line(rd, str));
	}
	return rd->r < 0 ? NULL : str;
}

static int on_ini(void *user, const char *section, const char *name,
		  const char *value)
{
	struct reader *rd = user;

	if (rd->r < 0)
		return 0;
	wrong(rd, rd->fn(rd->arg, section, name, value ? value : "", rd->line,
			 rd->e));
	return rd->r == 0;
}

static int read_file(struct reader *rd)
{
	int bad_line;

	rd->f = fopen(rd->path, "re");
	if (!rd->f)
		return err_set(rd->e, -errno, "%s: %s", rd->path,
			       err_words(errno));
	bad_line = ini_parse_stream(read_line, rd, on_ini, rd);
	if (rd->r == 0 && ferror(rd->f))
		rd->r = err_set(rd->e, -EIO, "%s: cannot be read", rd->path);
	(void)fclose(rd->f); /* only read */
	if (rd->r < 0)
		return rd->r;
	if (bad_line > 0)
		return err_set(rd->e, -EINVAL,
			       "%s:%d: neither [section] nor key = value",
			       rd->path, bad_line);
	return bad_line < 0
		       ? err_set(rd->e, -ENOMEM, "%s: out of memory", rd->path)
		       : 0;
}

int conf_walk(const char *path, conf_walk_fn *fn, void *arg,
	      struct conf_report *rep, struct err *e)
{
	struct reader rd = {
		.fn = fn, .arg = arg, .path = path, .rep = rep, .e = e
	};

	return read_file(&rd);
}

static int load_file(struct load *l)
{
	struct reader rd = { .load = l,
			     .fn = on_entry,
			     .arg = l,
			     .path = l->path,
			     .rep = l->rep,
			     .e = l->e };

	return read_file(&rd);
}

static void env_name(const struct conf_key *k, char *dst, size_t len)
{
	size_t i;

	(void)snprintf(dst, len, ENV_PREFIX "%s_%s", k->section, k->key);
	for (i = 0; dst[i]; i++)
		dst[i] = dst[i] == '-' ? '_'
				       : (char)toupper((unsigned char)dst[i]);
}

void conf_place(const struct conf_key *k, const struct conf_seen *seen,
		const char *path, char *dst, size_t dst_len)
{
	char name[CONF_NAME_MAX];

	env_name(k, name, sizeof(name));
	if (seen->env)
		(void)snprintf(dst, dst_len, "environment %s", name);
	else if (seen->line)
		(void)snprintf(dst, dst_len, "%s:%d", path, seen->line);
	else
		(void)str_copy(dst, dst_len, path ? path : "default");
}

static int load_environment(struct load *l)
{
	char name[CONF_NAME_MAX];
	struct origin o = { .env = name };
	const char *value;
	size_t i;
	int r;

	for (i = 0; i < l->n; i++) {
		env_name(&l->keys[i], name, sizeof(name));
		value = getenv(name);
		if (!value)
			continue;
		l->seen[i].env = true;
		r = conf_tell(l->rep, l->e, set_seen(l, i, value, &o));
		if (r < 0)
			return r;
	}
	return 0;
}

static bool names_a_key(const struct load *l, struct span name)
{
	char known[CONF_NAME_MAX];
	size_t i;

	for (i = 0; i < l->n; i++) {
		env_name(&l->keys[i], known, sizeof(known));
		if (span_eq(name, known))
			return true;
	}
	return false;
}

/* Where word stands in name, -1 = nowhere. */
static ptrdiff_t find_word(struct span name, const char *word)
{
	const char *p = memmem(name.p, name.len, word, strlen(word));

	return p ? p - name.p : -1;
}

/* "_TCP" of SRS_PORT_5060_TCP_ADDR: after the digits of the port. */
static bool port_and_protocol(struct span rest)
{
	struct span digits = span_cut(&rest, '_');
	size_t i;

	for (i = 0; i < digits.len; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
	return digits.len &&
	       (span_starts(rest, "TCP") || span_starts(rest, "UDP") ||
		span_starts(rest, "SCTP"));
}

/* What Kubernetes sets in every container for a service called "srs" or
 * "srs-sip": SRS_SERVICE_HOST, SRS_SERVICE_PORT[_NAME], SRS_PORT=tcp://...,
 * SRS_PORT_5060_UDP[_PROTO|_PORT|_ADDR]. Nobody typed it. */
static bool names_a_service(struct span name, struct span value)
{
	static const char port[] = "_PORT_";
	ptrdiff_t at;

	if (find_word(name, "_SERVICE_HOST") >= 0 ||
	    find_word(name, "_SERVICE_PORT") >= 0)
		return true;
	at = find_word(name, port);
	if (at >= 0) {
		name.p += at + (ptrdiff_t)strlen(port);
		name.len -= (size_t)at + strlen(port);
		return port_and_protocol(name);
	}
	return name.len > 5 && memcmp(name.p + name.len - 5, "_PORT", 5) == 0 &&
	       find_word(value, "://") >= 0;
}

/* "SRS_SIP_LISTENN=...", "SRS_SPI_LISTEN=..." are typing mistakes; a name that
 * has no section and key in it ("SRS_VERSION") is none of ours. */
static bool is_misspelt(const struct load *l, struct span name,
			struct span value)
{
	struct span rest = { name.p + strlen(ENV_PREFIX),
			     name.len - strlen(ENV_PREFIX) };

	return span_find(rest, '_') >= 0 && !names_a_key(l, name) &&
	       !names_a_service(name, value);
}

static int check_environment(struct load *l)
{
	struct span name, value;
	char **v;
	int r;

	for (v = environ; v && *v; v++) {
		if (strncmp(*v, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
			continue;
		value = span_of(*v);
		name = span_cut(&value, '=');
		if (!is_misspelt(l, name, value))
			continue;
		r = conf_tell(l->rep, l->e,
			      err_set(l->e, -EINVAL,
				      "environment %.*s: no such setting",
				      SPAN_ARG(name)));
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_required(struct load *l)
{
	const struct conf_key *k;
	char name[CONF_NAME_MAX];
	size_t i;
	int r;

	for (i = 0; i < l->n; i++) {
		k = &l->keys[i];
		if (k->def || l->seen[i].line || l->seen[i].env)
			continue;
		l->seen[i].bad = true;
		env_name(k, name, sizeof(name));
		r = err_set(l->e, -EINVAL,
			    "%s%s[%s] %s is required (or set %s)",
			    l->path ? l->path : "", l->path ? ": " : "",
			    k->section, k->key, name);
		r = conf_tell(l->rep, l->e, r);
		if (r < 0)
			return r;
	}
	return 0;
}

int conf_load_all(const struct conf_key *keys, size_t n, const char *path,
		  void *target, struct conf_seen *seen, struct conf_report *rep,
		  struct err *e)
{
	struct err none = { 0 };
	struct load l = { keys, n, path, target, seen, rep, e ? e : &none };
	int r;

	r = conf_defaults(keys, n, target, l.e);
	if (r == 0 && path)
		r = load_file(&l);
	if (r == 0)
		r = load_environment(&l);
	if (r == 0)
		r = check_environment(&l);
	return r == 0 ? check_required(&l) : r;
}

int conf_load(const struct conf_key *keys, size_t n, const char *path,
	      void *target, struct err *e)
{
	struct conf_seen *seen;
	int r;

	seen = mem_calloc(n, sizeof(*seen));
	if (!seen)
		return err_set(e, -ENOMEM, "out of memory");
	r = conf_load_all(keys, n, path, target, seen, NULL, e);
	mem_free(seen);
	return r;
}

/* As comment lines of at most 78 columns. */
static void put_comment(struct buf *out, const char *text)
{
	struct span rest = span_of(text), word;
	size_t column = 0;

	while (rest.len) {
		word = span_cut(&rest, ' ');
		if (column == 0 || column + 1 + word.len > 78) {
			(void)buf_puts(out, column ? "\n#" : "#");
			column = 1;
		}
		(void)buf_printf(out, " %.*s", SPAN_ARG(word));
		column += 1 + word.len;
	}
	(void)buf_putc(out, '\n');
}

static void put_key(struct buf *out, const struct conf_key *k)
{
	char may[256], text[1024];

	allowed(k, may, sizeof(may));
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", k->doc,
		       may[0] ? " (" : "", may, may[0] ? ")" : "",
		       k->reload ? " [reload]" : "");
	(void)buf_putc(out, '\n');
	put_comment(out, text);
	if (k->def)
		(void)buf_printf(out, "#%s =%s%s\n", k->key,
				 k->def[0] ? " " : "", k->def);
	else
		(void)buf_printf(out, "%s = %s\n", k->key, k->example);
}

int conf_example(const struct conf_key *keys, size_t n, struct buf *out)
{
	const char *section = "";
	size_t i;

	for (i = 0; i < n; i++) {
		if (!str_eq(section, keys[i].section)) {
			section = keys[i].section;
			(void)buf_printf(out, "\n[%s]\n", section);
		}
		put_key(out, &keys[i]);
	}
	return buf_error(out); /* errors of the appends above stick */
}

static size_t field_size(const struct conf_key *k)
{
	switch (k->type) {
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_ENUM:
		return sizeof(int);
	case CONF_STRING:
	case CONF_PATH:
		return k->size;
	default:
		return sizeof(int64_t); /* CONF_SIZE: uint64_t */
	}
}

void conf_copy_reload(const struct conf_key *keys, size_t n, const void *from,
		      void *to)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].reload)
			memcpy((char *)to + keys[i].offset,
			       (const char *)from + keys[i].offset,
			       field_size(&keys[i]));
}
