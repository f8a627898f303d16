/* A request target, a form and a Cookie header of any bytes: what is accepted
 * has no way out of the path and no NUL, and no name twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "web/form.h"
#include "web/uri.h"

static void check_path(const char *path)
{
	ASSERT(path[0] == '/' && !strstr(path, "//"));
	ASSERT(!strstr(path, "/../") && !strstr(path, "/./"));
	ASSERT(str_utf8_ok(path, strlen(path)));
	for (const char *p = path; *p; p++)
		ASSERT((unsigned char)*p >= 0x20 && *p != '\\');
}

static void check_form(struct span in)
{
	struct form f = { 0 };
	char bad[16];

	if (form_parse(&f, in, bad, sizeof(bad)) == 0)
		for (unsigned i = 0; i < f.n; i++)
			ASSERT(form_get(&f, f.fields[i].name) ==
			       f.fields[i].value);
	form_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span query = { NULL, 0 };
	char path[512], value[32], origin[64];
	char *text = mem_strndup((const char *)data, size);

	ASSERT(text);
	if (uri_split(text, path, sizeof(path), &query) == 0) {
		check_path(path);
		if (query.p)
			check_form(query);
	}
	check_form((struct span){ (const char *)data, size });
	if (cookie_get(text, "srs", value, sizeof(value)) == 0)
		ASSERT(!strchr(value, ';'));
	(void)uri_origin(text, origin, sizeof(origin));
	mem_free(text);
	return 0;
}
