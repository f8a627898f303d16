#include "web/consent_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/form.h"
#include "web/html.h"

#define GB INT64_C(1000000000)
#define DAYS_MAX 36500
#define SHOWN_MAX 32

struct limits {
	const struct conditions *asked;
	const struct form *form;
	json_t *details;
	struct consent_fault *fault;
};

__attribute__((format(printf, 3, 4))) static int
wrong(struct consent_fault *f, const char *field, const char *fmt, ...)
{
	va_list ap;

	f->field = field;
	va_start(ap, fmt);
	(void)vsnprintf(f->words, sizeof(f->words), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- as they were asked for ---- */

/* Bytes as gigabytes: "53.6870912", "0.000000001". */
static void put_gb(int64_t bytes, char dst[SHOWN_MAX])
{
	size_t len;

	(void)snprintf(dst, SHOWN_MAX, "%" PRId64 ".%09" PRId64, bytes / GB,
		       bytes % GB);
	len = strlen(dst);
	while (dst[len - 1] == '0')
		dst[--len] = '\0';
	if (dst[len - 1] == '.')
		dst[len - 1] = '\0';
}

static void shown_until(const struct conditions *c, char dst[SHOWN_MAX])
{
	char text[CLOCK_RFC3339_MAX];

	dst[0] = '\0';
	if (!c->not_after_us)
		return;
	clock_format(c->not_after_us, text, sizeof(text));
	text[strlen("2026-01-31")] = '\0';
	(void)str_copy(dst, SHOWN_MAX, text);
}

static void shown_days(const struct conditions *c, char dst[SHOWN_MAX])
{
	dst[0] = '\0';
	if (c->retention_days)
		(void)snprintf(dst, SHOWN_MAX, "%" PRId64, c->retention_days);
}

static void shown_gb(const struct conditions *c, char dst[SHOWN_MAX])
{
	dst[0] = '\0';
	if (c->storage_bytes)
		put_gb(c->storage_bytes, dst);
}

/* ---- the page ---- */

static void put_field(struct buf *b, const char *label, const char *kind,
		      const char *name, const char *value,
		      const struct consent_fault *fault)
{
	HTML(b, "<label>{}<input ", label);
	(void)buf_puts(b, kind);
	HTML(b, " name=\"{}\" value=\"{}\"", name, value);
	if (fault && str_eq(fault->field, name))
		(void)buf_puts(b, " aria-invalid=\"true\" "
				  "aria-describedby=\"fault\"");
	(void)buf_puts(b, "></label>\n"); /* errors stick */
}

void consent_limits_put(struct buf *b, const struct conditions *asked,
			const struct form *f, const struct consent_fault *fault)
{
	char until[SHOWN_MAX], days[SHOWN_MAX], gb[SHOWN_MAX];

	shown_until(asked, until);
	shown_days(asked, days);
	shown_gb(asked, gb);
	HTML(b, "<details{}>\n<summary>Allow less than this</summary>\n",
	     fault && fault->words[0] ? " open" : "");
	(void)buf_puts(b, "<div class=\"fields\">\n");
	put_field(b, "Until", "type=\"date\"", "not_after",
		  f ? form_str(f, "not_after") : until, fault);
	put_field(b, "Keep for days", "inputmode=\"numeric\"", "retention_days",
		  f ? form_str(f, "retention_days") : days, fault);
	put_field(b, "At most GB", "inputmode=\"decimal\"", "storage_gb",
		  f ? form_str(f, "storage_gb") : gb, fault);
	(void)buf_puts(b, "</div>\n</details>\n");
}

/* ---- less than that ---- */

int consent_own_calls(const struct conditions *asked, struct conditions **ret_c)
{
	char *text CLEANUP(mem_freep) = NULL;
	json_t *details = json_loads(asked->text, 0, NULL);
	int r;

	r = json_object_set_new(json_object_get(details, "owner"),
				"must_participate", json_true());
	if (r == 0)
		text = json_dumps(details, JSON_COMPACT);
	json_decref(details);
	r = text ? conditions_parse(text, strlen(text), ret_c, NULL) : -ENOMEM;
	return r == -EINVAL ? -ENOMEM : r; /* it was valid once */
}

/* ---- what was filled in ---- */

static void set_limit(json_t *details, const char *name, int64_t v)
{
	json_t *limits = json_object_get(details, "limits");

	if (!limits) {
		limits = json_object();
		json_object_set_new(details, "limits", limits);
	}
	json_object_set_new(limits, name, json_integer(v));
}

/* The field as it was typed, without blanks around; empty when it changes
 * nothing. */
static struct span changed(const struct limits *l, const char *name,
			   const char *shown)
{
	struct span v = span_trim(span_of(form_str(l->form, name)));

	return span_eq(v, shown) ? (struct span){ NULL, 0 } : v;
}

static int read_until(struct limits *l, int64_t now_us)
{
	char shown[SHOWN_MAX], full[48];
	struct span v;
	int64_t us;

	shown_until(l->asked, shown);
	v = changed(l, "not_after", shown);
	if (!v.len)
		return 0;
	(void)span_copy(full, strlen("2026-01-31") + 1, v);
	memcpy(full + strlen(full), "T23:59:59Z", sizeof("T23:59:59Z"));
	if (v.len != strlen("2026-01-31") || clock_parse(full, &us) < 0)
		return wrong(l->fault, "not_after",
			     "\"Until\" must be a date such as 2027-01-31.");
	if (us <= now_us)
		return wrong(l->fault, "not_after",
			     "\"Until\": that day is over.");
	if (l->asked->not_after_us && us > l->asked->not_after_us)
		return wrong(l->fault, "not_after",
			     "That is not less. \"Until\": %s or earlier, "
			     "because the provider asked for that.",
			     shown);
	json_object_set_new(l->details, "not_after", json_string(full));
	return 0;
}

static int read_days(struct limits *l)
{
	char shown[SHOWN_MAX];
	struct span v;
	uint64_t days;

	shown_days(l->asked, shown);
	v = changed(l, "retention_days", shown);
	if (!v.len)
		return 0;
	if (span_u64(v, DAYS_MAX, &days) < 0 || days == 0)
		return wrong(l->fault, "retention_days",
			     "\"Keep for days\" must be a whole number from 1 "
			     "to %d.",
			     DAYS_MAX);
	if (l->asked->retention_days &&
	    (int64_t)days > l->asked->retention_days)
		return wrong(l->fault, "retention_days",
			     "That is not less. \"Keep for days\": at most %s, "
			     "because the provider asked for that.",
			     shown);
	set_limit(l->details, "retention_days", (int64_t)days);
	return 0;
}

/* "20", "0.5": at most nine decimals. @return bytes, 0 = not a number of them
 */
static int64_t parse_gb(struct span text)
{
	struct span frac = text, whole = span_cut(&frac, '.');
	uint64_t gb = 0, rest = 0;
	size_t digits = frac.len;

	if (whole.len + frac.len == 0 || frac.len > 9)
		return 0;
	if (whole.len && span_u64(whole, INT64_MAX / GB - 1, &gb) < 0)
		return 0;
	if (frac.len && span_u64(frac, GB - 1, &rest) < 0)
		return 0;
	for (; digits < 9; digits++)
		rest *= 10;
	return (int64_t)gb * GB + (int64_t)rest;
}

static int read_gb(struct limits *l)
{
	char shown[SHOWN_MAX];
	struct span v;
	int64_t bytes;

	shown_gb(l->asked, shown);
	v = changed(l, "storage_gb", shown);
	if (!v.len)
		return 0;
	bytes = parse_gb(v);
	if (bytes <= 0)
		return wrong(l->fault, "storage_gb",
			     "\"At most GB\" must be a number such as 20 or "
			     "0.5, more than 0.");
	if (l->asked->storage_bytes && bytes > l->asked->storage_bytes)
		return wrong(l->fault, "storage_gb",
			     "That is not less. \"At most GB\": at most %s, "
			     "because the provider asked for that.",
			     shown);
	set_limit(l->details, "storage_bytes", bytes);
	return 0;
}

/* Whatever the fields say, it must be within what was asked for. */
static int check(struct limits *l, const char *text)
{
	struct conditions *mine CLEANUP(conditions_free) = NULL;
	struct violation v;
	struct err e = { 0 };
	int r = conditions_parse(text, strlen(text), &mine, &e);

	if (r == -EINVAL)
		return wrong(l->fault, "", "That is not possible: %s.", e.text);
	if (r == 0 && conditions_wider(l->asked, mine, &v, 1) > 0)
		return wrong(l->fault, "", "That is not less: %s.", v.path);
	return r;
}

int consent_limits_read(const struct conditions *asked, const struct form *f,
			int64_t now_us, char **ret_text,
			struct consent_fault *ret_fault)
{
	struct limits l = { .asked = asked, .form = f, .fault = ret_fault };
	char *text CLEANUP(mem_freep) = NULL;
	int r;

	ret_fault->field = "";
	ret_fault->words[0] = '\0';
	l.details = json_loads(asked->text, 0, NULL);
	if (!l.details)
		return -ENOMEM; /* it was valid once */
	r = read_until(&l, now_us);
	if (r == 0)
		r = read_days(&l);
	if (r == 0)
		r = read_gb(&l);
	if (r == 0)
		text = json_dumps(l.details, JSON_COMPACT);
	json_decref(l.details);
	if (r == 0)
		r = text ? check(&l, text) : -ENOMEM;
	if (r == 0)
		*ret_text = STEAL(text);
	return r;
}
