/* What is the same for every store: keys, hashing, errors that stick. */
#include "storage/blob.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/crypt.h"

#define CHUNK_BYTES 65536u

bool blob_key_ok(const char *key)
{
	bool begin = true;
	size_t n = 0;

	for (; key[n]; n++) {
		unsigned char c = (unsigned char)key[n];

		if (n >= BLOB_KEY_MAX)
			return false;
		if (c == '/') {
			if (begin)
				return false;
			begin = true;
			continue;
		}
		if (!(c < 128 && isalnum(c)) && c != '_' && c != '-' &&
		    (c != '.' || begin))
			return false;
		begin = false;
	}
	return n > 0 && !begin;
}

void blob_store_destroy(struct blob_store **sp)
{
	struct blob_store *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	s->ops->destroy(s);
}

int blob_create(struct blob_store *s, const char *key, struct blob **ret_b)
{
	struct blob *b CLEANUP(blob_abort) = NULL;
	int r;

	if (!blob_key_ok(key))
		return -EINVAL;
	r = s->ops->create(s, key, &b);
	if (r < 0)
		return r;
	b->store = s;
	r = crypt_sha256_create(&b->hash);
	if (r < 0)
		return r;
	*ret_b = STEAL(b);
	return 0;
}

int blob_append(struct blob *b, const void *data, size_t len)
{
	int r;

	if (b->error)
		return b->error;
	r = b->store->ops->append(b, data, len);
	if (r < 0) {
		b->error = r;
		return r;
	}
	crypt_sha256_add(b->hash, data, len);
	b->bytes += len;
	return 0;
}

static void finish_hash(struct crypt_sha256 *h, uint64_t bytes,
			struct blob_info *ret_info)
{
	uint8_t hash[CRYPT_SHA256_LEN];

	crypt_sha256_finish(h, hash);
	str_hex(ret_info->sha256, hash, sizeof(hash));
	ret_info->bytes = bytes;
}

int blob_commit(struct blob **bp, struct blob_info *ret_info)
{
	struct blob *b CLEANUP(blob_abort) = STEAL(*bp);
	int r = b->error;

	if (!r)
		r = b->store->ops->commit(b);
	if (r < 0)
		return r;
	if (ret_info)
		finish_hash(b->hash, b->bytes, ret_info);
	return 0;
}

void blob_abort(struct blob **bp)
{
	struct blob *b = *bp;

	if (!b)
		return;
	*bp = NULL;
	crypt_sha256_destroy(&b->hash);
	b->store->ops->abort(b);
}

int blob_open(struct blob_store *s, const char *key, struct blob_file **ret_f)
{
	if (!blob_key_ok(key))
		return -EINVAL;
	return s->ops->open(s, key, ret_f);
}

ssize_t blob_pread(struct blob_file *f, void *dst, size_t len, uint64_t offset)
{
	if (offset >= f->bytes)
		return 0;
	if (len > f->bytes - offset)
		len = (size_t)(f->bytes - offset);
	return f->store->ops->pread(f, dst, len, offset);
}

uint64_t blob_size(const struct blob_file *f)
{
	return f->bytes;
}

void blob_close(struct blob_file **fp)
{
	struct blob_file *f = *fp;

	if (!f)
		return;
	*fp = NULL;
	f->store->ops->close(f);
}

int blob_remove(struct blob_store *s, const char *key)
{
	return blob_key_ok(key) ? s->ops->remove(s, key) : -EINVAL;
}

/* A prefix is the beginning of a key; it may end in "/" or be "". */
static bool prefix_ok(const char *prefix)
{
	char key[BLOB_KEY_MAX + 2];
	size_t n = strlen(prefix);

	if (n >= BLOB_KEY_MAX)
		return false;
	memcpy(key, prefix, n);
	memcpy(key + n, "x", 2);
	return blob_key_ok(key);
}

int blob_list(struct blob_store *s, const char *prefix, blob_list_fn *fn,
	      void *arg)
{
	return prefix_ok(prefix) ? s->ops->list(s, prefix, fn, arg) : -EINVAL;
}

static int remove_one(void *arg, const char *key, uint64_t bytes)
{
	int r = blob_remove(arg, key);

	(void)bytes;
	return r == -ENOENT ? 0 : r;
}

int blob_remove_all(struct blob_store *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n == 0 || prefix[n - 1] != '/')
		return -EINVAL;
	return blob_list(s, prefix, remove_one, s);
}

int blob_sweep(struct blob_store *s, int64_t older_than_wall_us)
{
	return s->ops->sweep(s, older_than_wall_us);
}

static int copy_fd(int fd, struct blob *b)
{
	char *chunk CLEANUP(mem_freep) = mem_alloc(CHUNK_BYTES);
	ssize_t n;
	int r;

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		n = read(fd, chunk, CHUNK_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = blob_append(b, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

int blob_put_file(struct blob_store *s, const char *key, const char *path,
		  struct blob_info *ret_info)
{
	struct blob *b CLEANUP(blob_abort) = NULL;
	int fd, r;

	r = blob_create(s, key, &b);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = copy_fd(fd, b);
	(void)close(fd); /* only read */
	return r < 0 ? r : blob_commit(&b, ret_info);
}

static int hash_file(struct blob_file *f, struct crypt_sha256 *h)
{
	char *chunk CLEANUP(mem_freep) = mem_alloc(CHUNK_BYTES);
	uint64_t at = 0;

	if (!chunk)
		return -ENOMEM;
	while (at < f->bytes) {
		ssize_t n = blob_pread(f, chunk, CHUNK_BYTES, at);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO; /* shorter than it was */
		crypt_sha256_add(h, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

int blob_hash(struct blob_store *s, const char *key, struct blob_info *ret_info)
{
	struct blob_file *f CLEANUP(blob_close) = NULL;
	struct crypt_sha256 *h CLEANUP(crypt_sha256_destroy) = NULL;
	int r;

	r = blob_open(s, key, &f);
	if (r < 0)
		return r;
	r = crypt_sha256_create(&h);
	if (r < 0)
		return r;
	r = hash_file(f, h);
	if (r < 0)
		return r;
	finish_hash(h, f->bytes, ret_info);
	return 0;
}
