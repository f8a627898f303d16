/* One contract, every store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "storage/blob.h"

#define HELLO_SHA256                                                           \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

struct fixture {
	struct blob_store *store;
	struct blob_store *inner; /* of the wrapper */
	char dir[64];		  /* of fs */
};

static int setup_fs(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/srs-test-blob-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? blob_fs_create(f->dir, &f->store) : -1;
}

static int setup_mem(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	return blob_mem_create(&f->store);
}

static int setup_fail(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	if (blob_mem_create(&f->inner) < 0)
		return -1;
	return blob_fail_create(f->inner, &f->store);
}

static int count_one(void *arg, const char *key, uint64_t bytes)
{
	(void)key;
	(void)bytes;
	++*(int *)arg;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[96];
	int r = 0;

	if (f->dir[0]) {
		r |= blob_remove_all(f->store, "t/");
		snprintf(path, sizeof(path), "%s/.tmp", f->dir);
		r |= rmdir(path); /* no partial file was left */
		r |= rmdir(f->dir);
	}
	blob_store_destroy(&f->store);
	blob_store_destroy(&f->inner);
	test_free(f);
	return r;
}

static void put(struct blob_store *s, const char *key, const char *text)
{
	struct blob *b = NULL;

	assert_int_equal(blob_create(s, key, &b), 0);
	assert_int_equal(blob_append(b, text, strlen(text)), 0);
	assert_int_equal(blob_commit(&b, NULL), 0);
	assert_null(b);
}

static void expect(struct blob_store *s, const char *key, const char *text)
{
	struct blob_file *f = NULL;
	char got[64] = "";

	assert_int_equal(blob_open(s, key, &f), 0);
	assert_int_equal(blob_size(f), strlen(text));
	assert_int_equal(blob_pread(f, got, sizeof(got), 0), strlen(text));
	assert_string_equal(got, text);
	blob_close(&f);
	assert_null(f);
}

static void committed_is_readable_with_its_hash(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	struct blob_info info, again;
	struct blob *b = NULL;

	assert_int_equal(blob_create(s, "t/r/hello.txt", &b), 0);
	assert_int_equal(blob_append(b, "hel", 3), 0);
	assert_int_equal(blob_append(b, "", 0), 0);
	assert_int_equal(blob_append(b, "lo", 2), 0);
	assert_int_equal(blob_commit(&b, &info), 0);
	assert_int_equal(info.bytes, 5);
	assert_string_equal(info.sha256, HELLO_SHA256);
	expect(s, "t/r/hello.txt", "hello");
	assert_int_equal(blob_hash(s, "t/r/hello.txt", &again), 0);
	assert_string_equal(again.sha256, HELLO_SHA256);
}

static void reads_anywhere_and_not_beyond(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	struct blob_file *f = NULL;
	char got[8] = "";

	put(s, "t/a", "0123456789");
	assert_int_equal(blob_open(s, "t/a", &f), 0);
	assert_int_equal(blob_pread(f, got, 4, 3), 4);
	assert_memory_equal(got, "3456", 4);
	assert_int_equal(blob_pread(f, got, 8, 8), 2);
	assert_int_equal(blob_pread(f, got, 8, 10), 0);
	assert_int_equal(blob_pread(f, got, 8, UINT64_MAX), 0);
	blob_close(&f);
}

static void nothing_is_visible_before_commit(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	struct blob_file *f = NULL;
	struct blob *b = NULL;
	int n = 0;

	assert_int_equal(blob_create(s, "t/x", &b), 0);
	assert_int_equal(blob_append(b, "half", 4), 0);
	assert_int_equal(blob_open(s, "t/x", &f), -ENOENT);
	assert_int_equal(blob_list(s, "", count_one, &n), 0);
	assert_int_equal(n, 0);
	blob_abort(&b);
	assert_null(b);
	assert_int_equal(blob_open(s, "t/x", &f), -ENOENT);
}

static void a_second_commit_replaces_and_readers_keep_theirs(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	struct blob_file *f = NULL;
	char got[8] = "";

	put(s, "t/x", "old");
	assert_int_equal(blob_open(s, "t/x", &f), 0);
	put(s, "t/x", "newer");
	expect(s, "t/x", "newer");
	assert_int_equal(blob_pread(f, got, sizeof(got), 0), 3);
	assert_string_equal(got, "old");
	blob_close(&f);
}

static void removed_is_gone(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	struct blob_file *f = NULL;

	put(s, "t/r/x", "1");
	assert_int_equal(blob_remove(s, "t/r"), -ENOENT);
	assert_int_equal(blob_remove(s, "t/r/x"), 0);
	assert_int_equal(blob_remove(s, "t/r/x"), -ENOENT);
	assert_int_equal(blob_open(s, "t/r/x", &f), -ENOENT);
	put(s, "t/r/x", "2");
	expect(s, "t/r/x", "2");
}

static void lists_and_removes_by_prefix(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	int n = 0;

	put(s, "t/r1/a", "1");
	put(s, "t/r1/b", "2");
	put(s, "t/r10/a", "3");
	put(s, "t/r2/a", "4");
	assert_int_equal(blob_list(s, "t/r1/", count_one, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(blob_list(s, "t/r1", count_one, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(blob_remove_all(s, "t/r1/"), 0);
	assert_int_equal(blob_remove_all(s, "t/r1/"), 0);
	n = 0;
	assert_int_equal(blob_list(s, "t/", count_one, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(blob_remove_all(s, "t"), -EINVAL);
	assert_int_equal(blob_remove_all(s, ""), -EINVAL);
}

static void bad_keys_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	  "/",	      "/t",	 "t/",	      "t//x", "..",
		"t/../x", ".tmp/x",   ".",	 "t/.hidden", "t x",  "t\\x",
		"t\nx",	  "\xc3\xa9", "t/x\x7f", "t:x",
	};
	struct blob_store *s = ((struct fixture *)*state)->store;
	char longest[BLOB_KEY_MAX + 2];
	struct blob_file *f = NULL;
	struct blob *b = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(blob_create(s, bad[i], &b), -EINVAL);
		assert_int_equal(blob_open(s, bad[i], &f), -EINVAL);
		assert_int_equal(blob_remove(s, bad[i]), -EINVAL);
	}
	memset(longest, 'a', sizeof(longest));
	longest[BLOB_KEY_MAX + 1] = '\0';
	assert_false(blob_key_ok(longest));
	longest[BLOB_KEY_MAX] = '\0';
	assert_true(blob_key_ok(longest));
}

static void a_file_of_the_disk_is_copied_in(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;
	char path[] = "/tmp/srs-test-put-XXXXXX";
	struct blob_info info;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	close(fd);
	assert_int_equal(blob_put_file(s, "t/h", path, &info), 0);
	assert_string_equal(info.sha256, HELLO_SHA256);
	expect(s, "t/h", "hello");
	unlink(path);
	assert_int_equal(blob_put_file(s, "t/h2", path, &info), -ENOENT);
}

static void an_empty_blob_is_a_blob(void **state)
{
	struct blob_store *s = ((struct fixture *)*state)->store;

	put(s, "t/empty", "");
	expect(s, "t/empty", "");
}

/* ---- fs only ---- */

static void old_partial_files_are_swept(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_wall_us(clock_real());
	struct blob *b = NULL;
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/.tmp/left-behind", f->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(blob_sweep(f->store, now - 3600 * INT64_C(1000000)),
			 0);
	assert_int_equal(blob_sweep(f->store, now + 3600 * INT64_C(1000000)),
			 1);
	assert_int_equal(access(path, F_OK), -1);
	/* swept under the hands of its writer: an error, not half a file */
	assert_int_equal(blob_create(f->store, "t/x", &b), 0);
	assert_int_equal(blob_sweep(f->store, now + 3600 * INT64_C(1000000)),
			 1);
	assert_int_equal(blob_commit(&b, NULL), -ENOENT);
	snprintf(path, sizeof(path), "%s/t", f->dir);
	assert_int_equal(rmdir(path), 0); /* made for it, empty */
}

static void sweep_takes_folders_of_dead_writers(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_wall_us(clock_real());
	char folder[96], path[128];
	int fd;

	snprintf(folder, sizeof(folder), "%s/.tmp/render-1", f->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/mix.ogg", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(blob_sweep(f->store, now - 3600 * INT64_C(1000000)),
			 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(blob_sweep(f->store, now + 3600 * INT64_C(1000000)),
			 1);
	assert_int_equal(access(folder, F_OK), -1);
}

static void files_are_private_and_folders_go_with_the_last(void **state)
{
	struct fixture *f = *state;
	char path[96];
	struct stat st;

	put(f->store, "t/r/x", "1");
	snprintf(path, sizeof(path), "%s/t/r/x", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(blob_remove(f->store, "t/r/x"), 0);
	snprintf(path, sizeof(path), "%s/t", f->dir);
	assert_int_equal(access(path, F_OK), -1);
}

/* ---- the wrapper only ---- */

static void it_fails_on_purpose_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct blob_file *file = NULL;
	struct blob *b = NULL;
	char c;

	blob_fail_after(f->store, 0, ENOSPC);
	assert_int_equal(blob_create(f->store, "t/x", &b), -ENOSPC);
	blob_fail_after(f->store, 1, ENOSPC);
	assert_int_equal(blob_create(f->store, "t/x", &b), 0);
	assert_int_equal(blob_append(b, "1", 1), -ENOSPC);
	blob_fail_after(f->store, -1, ENOSPC);
	assert_int_equal(blob_append(b, "1", 1), -ENOSPC); /* it sticks */
	assert_int_equal(blob_commit(&b, NULL), -ENOSPC);
	assert_null(b);
	assert_int_equal(blob_open(f->store, "t/x", &file), -ENOENT);
	blob_fail_after(f->store, 2, EIO);
	assert_int_equal(blob_create(f->store, "t/x", &b), 0);
	assert_int_equal(blob_append(b, "1", 1), 0);
	assert_int_equal(blob_commit(&b, NULL), -EIO);
	blob_fail_after(f->store, -1, EIO);
	assert_int_equal(blob_open(f->store, "t/x", &file), -ENOENT);
	put(f->store, "t/x", "1");
	blob_fail_after(f->store, 1, EIO);
	assert_int_equal(blob_open(f->store, "t/x", &file), 0);
	assert_int_equal(blob_pread(file, &c, 1, 0), -EIO);
	blob_close(&file);
}

#define CONTRACT(setup)                                                        \
	TEST(committed_is_readable_with_its_hash, setup),                      \
		TEST(reads_anywhere_and_not_beyond, setup),                    \
		TEST(nothing_is_visible_before_commit, setup),                 \
		TEST(a_second_commit_replaces_and_readers_keep_theirs, setup), \
		TEST(removed_is_gone, setup),                                  \
		TEST(lists_and_removes_by_prefix, setup),                      \
		TEST(bad_keys_are_refused, setup),                             \
		TEST(a_file_of_the_disk_is_copied_in, setup),                  \
		TEST(an_empty_blob_is_a_blob, setup)
#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTRACT(setup_fs),
		CONTRACT(setup_mem),
		CONTRACT(setup_fail),
		TEST(old_partial_files_are_swept, setup_fs),
		TEST(sweep_takes_folders_of_dead_writers, setup_fs),
		TEST(files_are_private_and_folders_go_with_the_last, setup_fs),
		TEST(it_fails_on_purpose_and_leaves_nothing, setup_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
