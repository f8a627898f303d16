/* `srs export ID --to DIR`: a folder that explains itself without us.
 *
 * Nothing that is there is overwritten. Each file is hashed while it is copied
 * and compared with the catalog; what differs is left out and reported, the
 * rest is still exported, exit code 4. */
#include "srs/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/catalog.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/crypt.h"
#include "storage/recording_json.h"
#include "storage/signalling.h"

#define WORD "export"
#define CHUNK_BYTES 65536u
#define TEXT_MAX (256u * 1024u * 1024u)

struct export
{
	struct cli_catalog cat;
	struct recording *all;
	const struct recording *rec; /* all, or a half of it */
	char prefix[16];	     /* of the names of rec's files */
	int dir_fd;
	struct buf sums; /* SHA256SUMS */
	unsigned files, damaged;
};

static void export_fini(struct export *x)
{
	recording_destroy(&x->all);
	cli_catalog_close(&x->cat);
	if (x->dir_fd >= 0)
		(void)close(x->dir_fd); /* a folder */
	buf_fini(&x->sums);
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file is finished: durable, or not there. */
static int end_file(struct export *x, int fd, const char *name, int r)
{
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(x->dir_fd, name, 0); /* what failed is said */
	return r;
}

static int begin_file(struct export *x, const char *name)
{
	int fd = openat(x->dir_fd, name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int put_text_file(struct export *x, const char *name, const void *data,
			 size_t len)
{
	char hex[CRYPT_SHA256_HEX];
	int fd, r;

	r = crypt_sha256_hex(data, len, hex);
	if (r < 0)
		return r;
	fd = begin_file(x, name);
	if (fd < 0)
		return fd;
	r = end_file(x, fd, name, write_all(fd, data, len));
	if (r < 0)
		return r;
	x->files++;
	return buf_printf(&x->sums, "%s  %s\n", hex, name);
}

static int copy_hashed(struct blob_file *f, int fd, struct crypt_sha256 *h)
{
	char *chunk CLEANUP(mem_freep) = mem_alloc(CHUNK_BYTES);
	uint64_t at = 0;
	ssize_t n;
	int r = 0;

	if (!chunk)
		return -ENOMEM;
	while (r == 0 && (n = blob_pread(f, chunk, CHUNK_BYTES, at)) != 0) {
		if (n < 0)
			return (int)n;
		crypt_sha256_add(h, chunk, (size_t)n);
		r = write_all(fd, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	return r;
}

/* @return 0, -EBADMSG the hash differs, -ENOENT it is missing, -errno */
static int copy_track(struct export *x, const struct recording_track *t,
		      const char *name)
{
	struct crypt_sha256 *h CLEANUP(crypt_sha256_destroy) = NULL;
	struct blob_file *f CLEANUP(blob_close) = NULL;
	uint8_t hash[CRYPT_SHA256_LEN];
	char hex[CRYPT_SHA256_HEX];
	int fd, r;

	r = blob_open(x->cat.blobs, t->blob_key, &f);
	if (r == 0)
		r = crypt_sha256_create(&h);
	if (r < 0)
		return r;
	fd = begin_file(x, name);
	if (fd < 0)
		return fd;
	r = copy_hashed(f, fd, h);
	crypt_sha256_finish(h, hash);
	str_hex(hex, hash, sizeof(hash));
	if (r == 0 && !str_eq(hex, t->sha256))
		r = -EBADMSG;
	return end_file(x, fd, name, r);
}

static const char *base_name(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash ? slash + 1 : key;
}

static int export_tracks(struct export *x)
{
	for (unsigned i = 0; i < x->rec->n_tracks; i++) {
		const struct recording_track *t = &x->rec->tracks[i];
		char name[128];
		int r;

		(void)snprintf(name, sizeof(name), "%s%s", x->prefix,
			       base_name(t->blob_key));
		r = copy_track(x, t, name);
		if (r == 0) {
			x->files++;
			r = buf_printf(&x->sums, "%s  %s\n", t->sha256, name);
		} else if (r == -EBADMSG || r == -ENOENT) {
			fprintf(stderr, "srs export: %s is %s, left out\n",
				t->blob_key,
				r == -ENOENT ? "missing" : "damaged");
			x->damaged++;
			continue;
		}
		if (r < 0)
			return cli_catalog_failed(WORD, name, r);
	}
	return CLI_OK;
}

static int add_text(const char *text, size_t len, void *arg)
{
	return buf_put(arg, text, len);
}

static int export_metadata(struct export *x)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	json_t *j = recording_json(x->all,
				   RECORDING_JSON_FULL | RECORDING_JSON_INSIDE);
	int r = -ENOMEM;

	buf_init(&b, TEXT_MAX);
	if (j && json_dump_callback(j, add_text, &b, JSON_INDENT(1)) == 0)
		r = put_text_file(x, "metadata.json", buf_str(&b), b.len);
	json_decref(j);
	return r < 0 ? cli_catalog_failed(WORD, "metadata.json", r) : CLI_OK;
}

static int export_signalling(struct export *x, enum signalling_format format,
			     const char *end)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), "%ssignalling.%s", x->prefix, end);
	buf_init(&b, TEXT_MAX);
	r = signalling_write(x->cat.db, x->rec, format, &b);
	if (r >= 0)
		r = put_text_file(x, name, buf_str(&b), b.len);
	return r < 0 ? cli_catalog_failed(WORD, name, r) : CLI_OK;
}

static int export_sums(struct export *x)
{
	int fd = begin_file(x, "SHA256SUMS");
	int r = fd < 0 ? fd : buf_error(&x->sums);

	if (fd >= 0 && r == 0)
		r = write_all(fd, buf_str(&x->sums), x->sums.len);
	if (fd >= 0)
		r = end_file(x, fd, "SHA256SUMS", r);
	return r < 0 ? cli_catalog_failed(WORD, "SHA256SUMS", r) : CLI_OK;
}

static int open_folder(struct export *x, const char *to)
{
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		return cli_catalog_failed(WORD, to, -errno);
	x->dir_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return x->dir_fd < 0 ? cli_catalog_failed(WORD, to, -errno) : CLI_OK;
}

static int export_one(struct export *x, const struct recording *rec)
{
	int r;

	x->rec = rec;
	r = export_tracks(x);
	if (r == CLI_OK)
		r = export_signalling(x, SIGNALLING_TEXT, "txt");
	if (r == CLI_OK)
		r = export_signalling(x, SIGNALLING_PCAPNG, "pcapng");
	return r;
}

/* metadata.json tells of the halves too. */
static int export_all(struct export *x, const char *to)
{
	int r = open_folder(x, to);

	if (r == CLI_OK)
		r = export_metadata(x);
	if (r == CLI_OK)
		r = export_one(x, x->all);
	for (unsigned i = 0; r == CLI_OK && i < x->all->n_halves; i++) {
		(void)snprintf(x->prefix, sizeof(x->prefix), "half-%u-", i + 2);
		r = export_one(x, x->all->halves[i]);
	}
	if (r == CLI_OK)
		r = export_sums(x);
	return r;
}

static int report(struct cli *c, const struct export *x, const char *to)
{
	int r = CLI_OK;

	if (c->json)
		r = cli_print_json(json_pack("{s:s, s:s, s:i, s:i}", "id",
					     x->all->id, "to", to, "files",
					     (int)x->files, "damaged",
					     (int)x->damaged));
	else
		printf("%u files in %s\n", x->files, to);
	return x->damaged ? CLI_NO : r;
}

int cli_export(struct cli *c, int argc, char **argv)
{
	struct export x CLEANUP(export_fini) = { .dir_fd = -1 };
	const struct catalog_scope all = { 0 };
	const char *id = NULL, *to = NULL;
	int r;

	buf_init(&x.sums, TEXT_MAX);
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--to") && i + 1 < argc)
			to = argv[++i];
		else if (argv[i][0] != '-' && !id)
			id = argv[i];
		else
			return cli_usage(WORD, "what is \"%s\"?", argv[i]);
	}
	if (!id || !to)
		return cli_usage(WORD, "wants the ID of a recording and "
				       "--to DIR");
	r = cli_catalog_open(c, &x.cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(x.cat.db, &all, id, RECORDING_ALL, &x.all);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	r = export_all(&x, to);
	return r == CLI_OK ? report(c, &x, to) : r;
}
