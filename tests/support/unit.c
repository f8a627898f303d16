#include "tests/support/unit.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

/* There in a coverage build only. */
extern void __gcov_dump(void) __attribute__((weak));

void unit_exit(int code)
{
	if (__gcov_dump)
		__gcov_dump();
	_exit(code);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int unit_remove_tree(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_temp_dir(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/srs-unit-XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

char *unit_read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0, cap = 4096;
	char *s = test_malloc(cap);

	assert_non_null(f);
	while (!feof(f) && !ferror(f)) {
		if (n + 1 == cap)
			s = test_realloc(s, cap *= 2);
		n += fread(s + n, 1, cap - n - 1, f);
	}
	assert_int_equal(fclose(f), 0);
	s[n] = '\0';
	if (ret_len)
		*ret_len = n;
	return s;
}

void unit_write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}
