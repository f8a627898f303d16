/* Blobs as files of a local folder.
 *
 * A blob is written to root/.tmp/ID, synced, renamed to its place, and the
 * folder is synced: after a power cut it is there whole or not at all. Sync is
 * called once; when it fails the kernel may have thrown the data away and
 * would say 0 the second time, so the blob is lost and its caller begins again
 * from the source.
 */
#include "storage/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#define DEPTH_MAX 8u

struct store_fs {
	struct blob_store store; /* first */
	char root[PATH_MAX / 2];
};

struct blob_fs {
	struct blob blob; /* first */
	int fd;		  /* -1 once closed */
	bool there;	  /* the partial file exists */
	char key[BLOB_KEY_MAX + 1];
	char tmp[PATH_MAX];
};

struct file_fs {
	struct blob_file file; /* first */
	int fd;
};

static const struct blob_ops fs_ops;

static struct store_fs *fs_of(struct blob_store *s)
{
	return (struct store_fs *)s;
}

static void path_of(const struct store_fs *s, const char *key, char *dst)
{
	/* root and key are bounded: it fits */
	(void)snprintf(dst, PATH_MAX, "%s/%s", s->root, key);
}

static int make_dir(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Make names in the folder of path durable. */
static int sync_parent(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, r = 0;

	(void)str_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	(void)close(fd); /* a folder: nothing pending */
	return r;
}

/* The folders of path below root, each durable before it is used. */
static int make_parents(const struct store_fs *s, char *path)
{
	for (char *p = path + strlen(s->root) + 1; (p = strchr(p, '/')); p++) {
		int r = 0;

		*p = '\0';
		if (mkdir(path, 0700) == 0)
			r = sync_parent(path);
		else if (errno != EEXIST)
			r = -errno;
		*p = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

static int fs_create(struct blob_store *s, const char *key, struct blob **ret)
{
	struct store_fs *fs = fs_of(s);
	struct blob_fs *b = mem_zalloc(sizeof(*b));
	struct id id;
	int r;

	if (!b)
		return -ENOMEM;
	b->blob.store = s;
	(void)str_copy(b->key, sizeof(b->key), key);
	id_new(&id, clock_wall_us(clock_real()));
	(void)snprintf(b->tmp, sizeof(b->tmp), "%s/.tmp/%s", fs->root, id.s);
	b->fd = open(b->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->fd < 0) {
		r = -errno;
		mem_free(b);
		return r;
	}
	b->there = true;
	*ret = &b->blob;
	return 0;
}

static int fs_append(struct blob *blob, const void *data, size_t len)
{
	struct blob_fs *b = (struct blob_fs *)blob;
	const char *p = data;

	while (len) {
		ssize_t n = write(b->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A remover may take an empty folder away between mkdir and rename: once
 * more then. */
static int put_in_place(struct store_fs *fs, const char *tmp, char *path)
{
	for (int turn = 0;; turn++) {
		int r = make_parents(fs, path);

		if (r < 0)
			return r;
		if (rename(tmp, path) == 0)
			return 0;
		if (errno != ENOENT || turn == 3)
			return -errno;
	}
}

static int fs_commit(struct blob *blob)
{
	struct blob_fs *b = (struct blob_fs *)blob;
	struct store_fs *fs = fs_of(blob->store);
	char path[PATH_MAX];
	int fd = b->fd, r = 0;

	path_of(fs, b->key, path);
	b->fd = -1;
	if (fdatasync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = put_in_place(fs, b->tmp, path);
	if (r < 0)
		return r;
	b->there = false;
	return sync_parent(path);
}

static void fs_abort(struct blob *blob)
{
	struct blob_fs *b = (struct blob_fs *)blob;

	if (b->fd >= 0)
		(void)close(b->fd); /* the file goes anyway */
	if (b->there)
		(void)unlink(b->tmp); /* else the sweep takes it */
	mem_free(b);
}

static int fs_open(struct blob_store *s, const char *key,
		   struct blob_file **ret)
{
	char path[PATH_MAX];
	struct file_fs *f;
	struct stat st;
	int fd, r = 0;

	path_of(fs_of(s), key, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -ENOENT;
	f = r < 0 ? NULL : mem_zalloc(sizeof(*f));
	if (!f) {
		(void)close(fd); /* only read */
		return r < 0 ? r : -ENOMEM;
	}
	f->file.store = s;
	f->file.bytes = (uint64_t)st.st_size;
	f->file.fd = f->fd = fd;
	*ret = &f->file;
	return 0;
}

static ssize_t fs_pread(struct blob_file *file, void *dst, size_t len,
			uint64_t offset)
{
	struct file_fs *f = (struct file_fs *)file;
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(f->fd, (char *)dst + got, len - got,
				  (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static void fs_close(struct blob_file *file)
{
	struct file_fs *f = (struct file_fs *)file;

	(void)close(f->fd); /* only read */
	mem_free(f);
}

static int fs_remove(struct blob_store *s, const char *key)
{
	struct store_fs *fs = fs_of(s);
	char path[PATH_MAX];
	char *slash;
	int r;

	path_of(fs, key, path);
	if (unlink(path) < 0)
		return errno == ENOTDIR || errno == EISDIR ? -ENOENT : -errno;
	r = sync_parent(path);
	while ((slash = strrchr(path, '/')) &&
	       slash > path + strlen(fs->root)) {
		*slash = '\0';
		if (rmdir(path) < 0)
			break; /* others live there */
	}
	return r;
}

struct walk {
	const char *prefix;
	blob_list_fn *fn;
	void *arg;
};

static int walk_dir(const struct walk *w, const char *path, const char *key,
		    unsigned depth);

static int walk_entry(const struct walk *w, const char *path, const char *key,
		      const char *name, unsigned depth)
{
	char sub_path[PATH_MAX], sub_key[BLOB_KEY_MAX + 2];
	size_t n, want = strlen(w->prefix);
	struct stat st;

	if (name[0] == '.')
		return 0;
	n = (size_t)snprintf(sub_key, sizeof(sub_key), "%s%s", key, name);
	if (n >= sizeof(sub_key) ||
	    (size_t)snprintf(sub_path, sizeof(sub_path), "%s/%s", path, name) >=
		    sizeof(sub_path))
		return 0; /* not made by us */
	if (strncmp(sub_key, w->prefix, n < want ? n : want) != 0)
		return 0;
	if (lstat(sub_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode)) {
		if (n + 1 >= sizeof(sub_key))
			return 0;
		memcpy(sub_key + n, "/", 2);
		return walk_dir(w, sub_path, sub_key, depth + 1);
	}
	if (!S_ISREG(st.st_mode) || n < want || !blob_key_ok(sub_key))
		return 0;
	return w->fn(w->arg, sub_key, (uint64_t)st.st_size);
}

static int walk_dir(const struct walk *w, const char *path, const char *key,
		    unsigned depth)
{
	struct dirent *de;
	DIR *dir;
	int r = 0;

	if (depth > DEPTH_MAX)
		return 0;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (de = readdir(dir)))
		r = walk_entry(w, path, key, de->d_name, depth);
	(void)closedir(dir); /* only read */
	return r;
}

static int fs_list(struct blob_store *s, const char *prefix, blob_list_fn *fn,
		   void *arg)
{
	const struct walk w = { prefix, fn, arg };

	return walk_dir(&w, fs_of(s)->root, "", 0);
}

/* A work folder of a renderer that was killed; one level, files only. */
static bool remove_folder(int parent, const char *name)
{
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while ((de = readdir(dir)))
		(void)unlinkat(fd, de->d_name, 0); /* not "." and ".." */
	(void)closedir(dir);			   /* only read */
	return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

static int fs_sweep(struct blob_store *s, int64_t older_than_wall_us)
{
	char path[PATH_MAX];
	struct dirent *de;
	struct stat st;
	int count = 0;
	DIR *dir;

	path_of(fs_of(s), ".tmp", path);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.' ||
		    fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) <
			    0 ||
		    (int64_t)st.st_mtim.tv_sec * 1000000 +
				    st.st_mtim.tv_nsec / 1000 >=
			    older_than_wall_us)
			continue;
		count += S_ISDIR(st.st_mode)
				 ? remove_folder(dirfd(dir), de->d_name)
				 : unlinkat(dirfd(dir), de->d_name, 0) == 0;
	}
	(void)closedir(dir); /* only read */
	return count;
}

static void fs_destroy(struct blob_store *s)
{
	mem_free(fs_of(s));
}

static const struct blob_ops fs_ops = {
	.name = "fs",
	.create = fs_create,
	.append = fs_append,
	.commit = fs_commit,
	.abort = fs_abort,
	.open = fs_open,
	.pread = fs_pread,
	.close = fs_close,
	.remove = fs_remove,
	.list = fs_list,
	.sweep = fs_sweep,
	.destroy = fs_destroy,
};

int blob_fs_create(const char *root, struct blob_store **ret_store)
{
	struct blob_store *s CLEANUP(blob_store_destroy) = NULL;
	struct store_fs *fs = mem_zalloc(sizeof(*fs));
	char tmp[PATH_MAX];
	int r;

	if (!fs)
		return -ENOMEM;
	fs->store.ops = &fs_ops;
	s = &fs->store;
	if (!str_copy(fs->root, sizeof(fs->root), root))
		return -ENAMETOOLONG;
	path_of(fs, ".tmp", tmp);
	r = make_dir(fs->root);
	if (r == 0)
		r = make_dir(tmp);
	if (r < 0)
		return r;
	*ret_store = STEAL(s);
	return 0;
}
