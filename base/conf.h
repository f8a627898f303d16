/* base/conf.h - reads an INI file into a plain struct by a table of keys.
 *
 * Unknown section or key, a bad value or a key given twice stops the start, or
 * is told with all the others (struct conf_report); the error names file, line,
 *section, key, the reason and what is allowed:
 *
 *	srs.conf:12: [media] ports = "abc": not a range like 20000-21999
 *
 * Lines may be indented, have at most 198 bytes (comments: any length), and
 * end in a comment after " ;". The environment variable SRS_SECTION_KEY (upper
 * case) overrides the file; one of that form that names no key is an error too.
 * Left alone are names without a second part (SRS_VERSION) and what container
 * platforms set for a service called srs: SRS_[...]SERVICE_HOST,
 * SRS_[...]SERVICE_PORT..., SRS_[...]PORT_<n>_TCP|UDP|SCTP..., and
 * SRS_[...]PORT with a "://" in its value.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum conf_type {
	CONF_STRING,   /* char[size] in the struct */
	CONF_BOOL,     /* bool: yes no true false on off 1 0 */
	CONF_INT,      /* int64_t, min..max */
	CONF_DURATION, /* int64_t microseconds, "10s"; min..max in us */
	CONF_SIZE,     /* uint64_t bytes, "10M"; min..max */
	CONF_ENUM,     /* int: index into words */
	CONF_PATH,     /* CONF_STRING that must be absolute unless empty */
};

struct conf_key {
	const char *section;
	const char *key;
	enum conf_type type;
	size_t offset;	  /* in the target struct */
	size_t size;	  /* of the field, CONF_STRING and CONF_PATH */
	const char *def;  /* default, parsed like a value; NULL = required */
	int64_t min, max; /* both 0: no limit */
	const char *const *words; /* CONF_ENUM, NULL-terminated */
	const char *doc;	  /* one comment line for srs.conf.example */
	bool reload;		  /* SIGHUP applies it */
	/* CONF_STRING: NULL when value is good, else why it is not ("not a
	 * range like 1-2"); NULL: anything goes */
	const char *(*check)(const char *value);
	const char *example; /* required key: value in srs.conf.example */
};

/** Set every default. @return 0 or -EINVAL (our table is wrong) */
int conf_defaults(const struct conf_key *keys, size_t n, void *target,
		  struct err *e);

/**
 * Defaults, then the file, then the environment.
 *
 * @param path NULL: no file
 * @return 0, -ENOENT/-EACCES..., -EINVAL (e says what and where)
 */
int conf_load(const struct conf_key *keys, size_t n, const char *path,
	      void *target, struct err *e);

/** Hears of every mistake instead of the first alone. */
typedef void conf_mistake_fn(void *arg, const char *text);

struct conf_report {
	conf_mistake_fn *fn;
	void *arg;
	unsigned n; /* mistakes told so far */
};

/** Tell a mistake and go on.
 *  @param rep NULL: nobody listens
 *  @return 0 when r is 0 or it was told (e is empty again), else r */
int conf_tell(struct conf_report *rep, struct err *e, int r);

/* Where a key got its value. */
struct conf_seen {
	int line; /* of the file, 0 = not there */
	bool env; /* the environment has it */
	bool bad; /* the value was refused; the default stands */
};

/**
 * conf_load() that goes on after a mistake when rep is there.
 *
 * @param seen n of them, zeroed; filled
 * @param rep  changed; NULL: the first mistake ends it
 * @return 0 (also when mistakes were told), -errno of the file or as
 *         conf_load()
 */
int conf_load_all(const struct conf_key *keys, size_t n, const char *path,
		  void *target, struct conf_seen *seen, struct conf_report *rep,
		  struct err *e);

/** "srs.conf:12" or "environment SRS_SECTION_KEY"; path alone when the key
 *  was not given. */
void conf_place(const struct conf_key *k, const struct conf_seen *seen,
		const char *path, char *dst, size_t dst_len);

/** @param line of the file. @return 0, or -errno with e set: the walk ends */
typedef int conf_walk_fn(void *arg, const char *section, const char *key,
			 const char *value, int line, struct err *e);

/**
 * Read a file of the same form whose sections and keys are known to fn only
 * (no environment, no defaults). Entries come in the file's order.
 *
 * @param rep NULL: the first mistake ends it; otherwise all are told, those of
 *            fn as well, and 0 is returned
 *
 * @return 0, -errno of the file, -EINVAL its form (e says what and where), or
 *         what fn returned
 */
int conf_walk(const char *path, conf_walk_fn *fn, void *arg,
	      struct conf_report *rep, struct err *e);

/** Copy the fields marked "reload" from one loaded struct to another. */
void conf_copy_reload(const struct conf_key *keys, size_t n, const void *from,
		      void *to);

/** Print every key with default and comment, the srs.conf.example text.
 *  @return 0 or buf's error */
struct buf;
int conf_example(const struct conf_key *keys, size_t n, struct buf *out);

#endif
