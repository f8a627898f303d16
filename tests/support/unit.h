/* tests/support/unit.h - what every unit test includes: cmocka with the
 * headers it wants before itself, and a few helpers. Include it after the
 * header under test.
 */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/** Remove a folder with everything in it. @return 0 or -1 */
int unit_remove_tree(const char *path);

/** Make an empty folder below /tmp. @return its path, static until the next
 *  call; the test fails when it cannot be made */
const char *unit_temp_dir(void);

/** @return the file's content (test_free() it), NUL-terminated; the test fails
 *  when it cannot be read */
char *unit_read_file(const char *path, size_t *ret_len);

/** Write len bytes of data to a file, replacing it; fails the test. */
void unit_write_file(const char *path, const void *data, size_t len);

/** End a forked child at once, as _exit(2), but with its coverage counted. */
_Noreturn void unit_exit(int code);

#endif
