/* auth/cond_read.h - reads JSON values strictly and names the place of errors.
 *
 * For auth/conditions.c only. One function per object of the schema goes
 * through a table of its members, so that a name that is not in the table is an
 * error. All return 0, -EINVAL with e filled ("$.owner.aor[0]: must be ..."),
 * or -ENOMEM.
 */
#ifndef AUTH_COND_READ_H
#define AUTH_COND_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conditions;
struct err;

/* Where we are in the document. */
struct cond_at {
	struct err *e;
	char path[160];
};

struct cond_at cond_at_member(const struct cond_at *up, const char *name);
struct cond_at cond_at_index(const struct cond_at *up, size_t i);
/** @return -EINVAL, always */
int cond_bad(const struct cond_at *a, const char *must);

typedef int cond_member_fn(struct conditions *c, json_t *v,
			   const struct cond_at *a, void *arg);

struct cond_member {
	const char *name;
	bool required;
	cond_member_fn *fn;
};

/** o must be an object of these members. */
int cond_read_members(struct conditions *c, json_t *o, const struct cond_at *a,
		      const struct cond_member *table, size_t n, void *arg);

int cond_read_int(json_t *v, const struct cond_at *a, int64_t min, int64_t max,
		  int64_t *ret_value);
/** From 1 to max. */
int cond_read_uint(json_t *v, const struct cond_at *a, int64_t max,
		   unsigned *ret_value);
/** words: NULL-terminated. @return index or -EINVAL */
int cond_read_word(json_t *v, const struct cond_at *a,
		   const char *const *words);
/** An array of different words, as bits. */
int cond_read_words(json_t *v, const struct cond_at *a,
		    const char *const *words, size_t n_words,
		    unsigned *ret_bits);
int cond_check_array(json_t *v, const struct cond_at *a, size_t min,
		     size_t max);
int cond_check_unique(json_t *v, const struct cond_at *a);
int cond_read_time(json_t *v, const struct cond_at *a, int64_t *ret_us);

/** min to max of a-z, 0-9, A-Z when upper, and those in more. */
bool cond_chars_ok(const char *s, size_t min, size_t max, bool upper,
		   const char *more);

#endif
