/* storage/blob.h - finished files under keys, behind a table of functions.
 *
 * A key is "tenant/recording/mix.ogg": parts of [A-Za-z0-9._-], joined by "/",
 * no part begins with ".", at most BLOB_KEY_MAX bytes; anything else is
 * -EINVAL. A file is visible only after commit, whole, and durable then; a
 * second commit under the same key replaces the first in one step. A failed
 * write or sync is never retried: abort and begin again.
 *
 * Errors: -ENOENT no such key, -EINVAL bad key, -ENOSPC, -EIO, -ENOMEM.
 * A store belongs to one thread, open readers too.
 */
#ifndef STORAGE_BLOB_H
#define STORAGE_BLOB_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

#define BLOB_KEY_MAX 200
#define BLOB_SHA256_HEX 65 /* with the NUL */

struct blob_store;
struct blob;	  /* being written */
struct blob_file; /* being read */
struct crypt_sha256;

typedef int blob_list_fn(void *arg, const char *key, uint64_t bytes);

struct blob_ops {
	const char *name; /* "fs", "mem" */
	int (*create)(struct blob_store *s, const char *key, struct blob **ret);
	int (*append)(struct blob *b, const void *data, size_t len);
	int (*commit)(struct blob *b); /* durable when this returns 0 */
	void (*abort)(struct blob *b); /* frees b; committed: only frees */
	int (*open)(struct blob_store *s, const char *key,
		    struct blob_file **ret);
	ssize_t (*pread)(struct blob_file *f, void *dst, size_t len,
			 uint64_t offset);
	void (*close)(struct blob_file *f);
	int (*remove)(struct blob_store *s, const char *key);
	int (*list)(struct blob_store *s, const char *prefix, blob_list_fn *fn,
		    void *arg);
	int (*sweep)(struct blob_store *s, int64_t older_than_wall_us);
	void (*destroy)(struct blob_store *s);
};

/* Embedded first by each version. */
struct blob_store {
	const struct blob_ops *ops;
};
struct blob {
	struct blob_store *store;
	struct crypt_sha256 *hash;
	uint64_t bytes;
	int error; /* sticks: commit says it again */
};
struct blob_file {
	struct blob_store *store;
	uint64_t bytes; /* fixed while open */
	int fd;		/* for sendfile, borrowed; -1 = has none */
};

struct blob_info {
	uint64_t bytes;
	char sha256[BLOB_SHA256_HEX];
};

/** Files below root (made when missing), partial ones in root/.tmp.
 *  @return 0 or -errno */
int blob_fs_create(const char *root, struct blob_store **ret_store);
/** In memory, for tests. */
int blob_mem_create(struct blob_store **ret_store);
/** Passes through to inner (borrowed), but after n more calls of create,
 *  append, commit, open, pread or remove every further one gives -errno. A
 *  failing append or commit loses the blob as a full disk would. */
int blob_fail_create(struct blob_store *inner, struct blob_store **ret_store);
void blob_fail_after(struct blob_store *s, int64_t n, int error);
void blob_store_destroy(struct blob_store **sp);

/** @return true for a key that the stores take */
bool blob_key_ok(const char *key);

int blob_create(struct blob_store *s, const char *key, struct blob **ret_b);
int blob_append(struct blob *b, const void *data, size_t len);
/** Make it durable and visible. On 0 and on error b is gone (NULL).
 *  @param ret_info may be NULL */
int blob_commit(struct blob **bp, struct blob_info *ret_info);
void blob_abort(struct blob **bp); /* takes NULL; CLEANUP(blob_abort) */

int blob_open(struct blob_store *s, const char *key, struct blob_file **ret_f);
/** @return bytes read (less than len only at the end, 0 beyond), or -errno */
ssize_t blob_pread(struct blob_file *f, void *dst, size_t len, uint64_t offset);
uint64_t blob_size(const struct blob_file *f);
void blob_close(struct blob_file **fp);

/** @return 0, -ENOENT */
int blob_remove(struct blob_store *s, const char *key);
/** Every key that begins with prefix ("tenant/recording/"), any order; the
 *  callback may remove the key it got; non-zero stops and is returned. */
int blob_list(struct blob_store *s, const char *prefix, blob_list_fn *fn,
	      void *arg);
/** Remove all keys of a prefix that ends in "/". 0 also when none. */
int blob_remove_all(struct blob_store *s, const char *prefix);
/** Remove partial files, and work folders with the files in them, that nobody
 *  has touched since. @return how many */
int blob_sweep(struct blob_store *s, int64_t older_than_wall_us);

/** Copy a file of the local disk in, and commit. */
int blob_put_file(struct blob_store *s, const char *key, const char *path,
		  struct blob_info *ret_info);
/** Read all of it and hash. @return 0 or -errno */
int blob_hash(struct blob_store *s, const char *key,
	      struct blob_info *ret_info);

#endif
