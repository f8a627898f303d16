#include "srs/cli/args.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"

static const struct cli_option *find(const struct cli_option *table, unsigned n,
				     struct span name)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (span_eq(name, table[i].name))
			return &table[i];
	return NULL;
}

static int add(const char *word, const char *name, struct cli_list *l,
	       const char *value)
{
	if (l->n == CLI_LIST_MAX)
		return cli_usage(word, "%s: more than %d", name, CLI_LIST_MAX);
	l->v[l->n++] = value;
	return CLI_OK;
}

/* A word that is no option; "-" alone is a value. */
static bool is_value(const char *s)
{
	return s[0] != '-' || s[1] == '\0';
}

/* @return how many words of argv it took, or a negative exit code */
static int take(const char *word, const struct cli_option *o,
		const char *inline_value, int argc, char **argv)
{
	int used = 0, r;

	if (o->flag) {
		if (inline_value)
			return -cli_usage(word, "%s takes no value", o->name);
		*o->flag = true;
		return 0;
	}
	if (!inline_value && (argc == 0 || !is_value(argv[0])))
		return -cli_usage(word, "%s: its value is missing", o->name);
	if (o->value) {
		if (*o->value)
			return -cli_usage(word, "%s is there twice", o->name);
		*o->value = inline_value ? inline_value : argv[0];
		return inline_value ? 0 : 1;
	}
	if (inline_value)
		return -add(word, o->name, o->list, inline_value);
	while (used < argc && is_value(argv[used])) {
		r = add(word, o->name, o->list, argv[used++]);
		if (r != CLI_OK)
			return -r;
	}
	return used;
}

static int check_required(const char *word, const struct cli_option *table,
			  unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (table[i].required &&
		    ((table[i].value && !*table[i].value) ||
		     (table[i].list && !table[i].list->n)))
			return cli_usage(word, "%s is missing", table[i].name);
	return CLI_OK;
}

int cli_args(const char *word, int argc, char **argv,
	     const struct cli_option *table, unsigned n, struct cli_list *rest)
{
	int i, r;

	for (i = 0; i < argc; i++) {
		struct span text = span_of(argv[i]), name = text;
		const struct cli_option *o;
		ptrdiff_t eq = span_find(text, '=');

		if (is_value(argv[i]) && rest) {
			r = add(word, "arguments", rest, argv[i]);
			if (r != CLI_OK)
				return r;
			continue;
		}
		if (eq > 0)
			name.len = (size_t)eq;
		o = is_value(argv[i]) ? NULL : find(table, n, name);
		if (!o)
			return cli_usage(word, "what is \"%s\"?", argv[i]);
		r = take(word, o, eq > 0 ? text.p + eq + 1 : NULL, argc - i - 1,
			 argv + i + 1);
		if (r < 0)
			return -r;
		i += r;
	}
	return check_required(word, table, n);
}

int cli_sub(struct cli *c, int argc, char **argv, const struct cli_sub *table,
	    unsigned n)
{
	struct buf words CLEANUP(buf_fini) = { 0 };
	unsigned i;

	for (i = 0; argc > 1 && i < n; i++)
		if (str_eq(argv[1], table[i].name))
			return table[i].fn(c, argc - 2, argv + 2);
	buf_init(&words, 256);
	for (i = 0; i < n; i++)
		(void)buf_printf(&words, "%s%s",
				 i == 0	      ? ""
				 : i + 1 == n ? " or "
					      : ", ",
				 table[i].name);
	if (argc > 1)
		return cli_usage(argv[0], "what is \"%s\"? Say %s", argv[1],
				 buf_str(&words));
	return cli_usage(argv[0], "say %s", buf_str(&words));
}
