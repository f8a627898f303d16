/* Blobs in memory, and a wrapper that fails when it is told to: for tests. */
#include "storage/blob.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define BLOB_MEM_MAX (256u * 1024u * 1024u)

/* One committed blob; readers hold it while it is replaced or removed. */
struct entry {
	struct entry *next;
	unsigned refs;
	char key[BLOB_KEY_MAX + 1];
	uint8_t *data;
	size_t len;
};

struct store_mem {
	struct blob_store store; /* first */
	struct entry *entries;
};

struct blob_mem {
	struct blob blob; /* first */
	struct buf buf;
	char key[BLOB_KEY_MAX + 1];
};

struct file_mem {
	struct blob_file file; /* first */
	struct entry *entry;
};

static struct store_mem *mem_of(struct blob_store *s)
{
	return (struct store_mem *)s;
}

static void entry_unref(struct entry *e)
{
	if (--e->refs)
		return;
	mem_free(e->data);
	mem_free(e);
}

static struct entry **entry_at(struct store_mem *m, const char *key)
{
	struct entry **at = &m->entries;

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

static int mem_create(struct blob_store *s, const char *key, struct blob **ret)
{
	struct blob_mem *b = mem_zalloc(sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->blob.store = s;
	buf_init(&b->buf, BLOB_MEM_MAX);
	(void)str_copy(b->key, sizeof(b->key), key);
	*ret = &b->blob;
	return 0;
}

static int mem_append(struct blob *blob, const void *data, size_t len)
{
	int r = buf_put(&((struct blob_mem *)blob)->buf, data, len);

	return r == -ENOBUFS ? -ENOSPC : r;
}

static int mem_remove(struct blob_store *s, const char *key)
{
	struct entry **at = entry_at(mem_of(s), key);
	struct entry *e = *at;

	if (!e)
		return -ENOENT;
	*at = e->next;
	entry_unref(e);
	return 0;
}

static int mem_commit(struct blob *blob)
{
	struct blob_mem *b = (struct blob_mem *)blob;
	struct store_mem *m = mem_of(blob->store);
	struct entry *e = mem_zalloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	(void)mem_remove(blob->store, b->key); /* replaced when it was there */
	e->refs = 1;
	(void)str_copy(e->key, sizeof(e->key), b->key);
	e->len = b->buf.len;
	e->data = (uint8_t *)buf_steal(&b->buf);
	e->next = m->entries;
	m->entries = e;
	return 0;
}

static void mem_abort(struct blob *blob)
{
	struct blob_mem *b = (struct blob_mem *)blob;

	buf_fini(&b->buf);
	mem_free(b);
}

static int mem_open(struct blob_store *s, const char *key,
		    struct blob_file **ret)
{
	struct entry *e = *entry_at(mem_of(s), key);
	struct file_mem *f;

	if (!e)
		return -ENOENT;
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->file.store = s;
	f->file.bytes = e->len;
	f->file.fd = -1;
	f->entry = e;
	e->refs++;
	*ret = &f->file;
	return 0;
}

static ssize_t mem_pread(struct blob_file *file, void *dst, size_t len,
			 uint64_t offset)
{
	struct entry *e = ((struct file_mem *)file)->entry;

	memcpy(dst, e->data + offset, len); /* bounded by blob_pread() */
	return (ssize_t)len;
}

static void mem_close(struct blob_file *file)
{
	struct file_mem *f = (struct file_mem *)file;

	entry_unref(f->entry);
	mem_free(f);
}

static int mem_list(struct blob_store *s, const char *prefix, blob_list_fn *fn,
		    void *arg)
{
	struct entry *next;
	int r = 0;

	for (struct entry *e = mem_of(s)->entries; r == 0 && e; e = next) {
		next = e->next;
		if (!strncmp(e->key, prefix, strlen(prefix)))
			r = fn(arg, e->key, e->len);
	}
	return r;
}

static int mem_sweep(struct blob_store *s, int64_t older_than_wall_us)
{
	(void)s;
	(void)older_than_wall_us;
	return 0; /* partial ones die with their writer */
}

static void mem_destroy(struct blob_store *s)
{
	struct store_mem *m = mem_of(s);

	while (m->entries)
		(void)mem_remove(s, m->entries->key);
	mem_free(m);
}

static const struct blob_ops mem_ops = {
	.name = "mem",
	.create = mem_create,
	.append = mem_append,
	.commit = mem_commit,
	.abort = mem_abort,
	.open = mem_open,
	.pread = mem_pread,
	.close = mem_close,
	.remove = mem_remove,
	.list = mem_list,
	.sweep = mem_sweep,
	.destroy = mem_destroy,
};

int blob_mem_create(struct blob_store **ret_store)
{
	struct store_mem *m = mem_zalloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->store.ops = &mem_ops;
	*ret_store = &m->store;
	return 0;
}

/* ---- the wrapper that fails ---- */

struct store_fail {
	struct blob_store store; /* first */
	struct blob_store *inner;
	int64_t left; /* calls that still succeed, negative = all */
	int error;
};

struct blob_fail {
	struct blob blob; /* first */
	struct blob *inner;
};

struct file_fail {
	struct blob_file file; /* first */
	struct blob_file *inner;
};

static struct store_fail *fail_of(struct blob_store *s)
{
	return (struct store_fail *)s;
}

/* @return 0 or the error that is due */
static int due(struct blob_store *s)
{
	struct store_fail *f = fail_of(s);

	if (f->left == 0)
		return f->error;
	if (f->left > 0)
		f->left--;
	return 0;
}

static int fail_create(struct blob_store *s, const char *key, struct blob **ret)
{
	struct blob_fail *b;
	int r = due(s);

	if (r < 0)
		return r;
	b = mem_zalloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	r = blob_create(fail_of(s)->inner, key, &b->inner);
	if (r < 0) {
		mem_free(b);
		return r;
	}
	b->blob.store = s;
	*ret = &b->blob;
	return 0;
}

static int fail_append(struct blob *blob, const void *data, size_t len)
{
	int r = due(blob->store);

	return r < 0 ? r
		     : blob_append(((struct blob_fail *)blob)->inner, data,
				   len);
}

static int fail_commit(struct blob *blob)
{
	int r = due(blob->store);

	return r < 0 ? r
		     : blob_commit(&((struct blob_fail *)blob)->inner, NULL);
}

static void fail_abort(struct blob *blob)
{
	struct blob_fail *b = (struct blob_fail *)blob;

	blob_abort(&b->inner);
	mem_free(b);
}

static int fail_open(struct blob_store *s, const char *key,
		     struct blob_file **ret)
{
	struct file_fail *f;
	int r = due(s);

	if (r < 0)
		return r;
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	r = blob_open(fail_of(s)->inner, key, &f->inner);
	if (r < 0) {
		mem_free(f);
		return r;
	}
	f->file.store = s;
	f->file.bytes = f->inner->bytes;
	f->file.fd = -1;
	*ret = &f->file;
	return 0;
}

static ssize_t fail_pread(struct blob_file *file, void *dst, size_t len,
			  uint64_t offset)
{
	int r = due(file->store);

	return r < 0 ? r
		     : blob_pread(((struct file_fail *)file)->inner, dst, len,
				  offset);
}

static void fail_close(struct blob_file *file)
{
	struct file_fail *f = (struct file_fail *)file;

	blob_close(&f->inner);
	mem_free(f);
}

static int fail_remove(struct blob_store *s, const char *key)
{
	int r = due(s);

	return r < 0 ? r : blob_remove(fail_of(s)->inner, key);
}

static int fail_list(struct blob_store *s, const char *prefix, blob_list_fn *fn,
		     void *arg)
{
	return blob_list(fail_of(s)->inner, prefix, fn, arg);
}

static int fail_sweep(struct blob_store *s, int64_t older_than_wall_us)
{
	return blob_sweep(fail_of(s)->inner, older_than_wall_us);
}

static void fail_destroy(struct blob_store *s)
{
	mem_free(fail_of(s));
}

static const struct blob_ops fail_ops = {
	.name = "fail",
	.create = fail_create,
	.append = fail_append,
	.commit = fail_commit,
	.abort = fail_abort,
	.open = fail_open,
	.pread = fail_pread,
	.close = fail_close,
	.remove = fail_remove,
	.list = fail_list,
	.sweep = fail_sweep,
	.destroy = fail_destroy,
};

int blob_fail_create(struct blob_store *inner, struct blob_store **ret_store)
{
	struct store_fail *f = mem_zalloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->store.ops = &fail_ops;
	f->inner = inner;
	f->left = -1;
	*ret_store = &f->store;
	return 0;
}

void blob_fail_after(struct blob_store *s, int64_t n, int error)
{
	fail_of(s)->left = n;
	fail_of(s)->error = error < 0 ? error : -error;
}
