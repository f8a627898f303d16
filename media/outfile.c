/* Files of the renderer: made in the work folder, read back, remuxed, and only
 * then put into the blob store under their final names.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/mux.h"
#include "media/render_priv.h"

static int sink(void *arg, const void *data, size_t len)
{
	struct outfile *o = arg;

	if (fwrite(data, 1, len, o->f) != len)
		return errno ? -errno : -EIO;
	return 0;
}

static void fini_buf(struct buf *b)
{
	buf_fini(b);
}

static void tag_people(struct render *r, const struct outfile *o,
		       struct buf *tags)
{
	char text[2 * PLAN_TEXT_MAX + 4];
	unsigned i;

	for (i = 0; i < r->plan.n_parties; i++) {
		if (o->party >= 0 && o->party != (int)r->plan.parties[i].ord &&
		    !(o->stream >= 0 &&
		      r->plan.parties[i].later >> o->stream & 1))
			continue;
		if (r->plan.parties[i].name[0])
			(void)snprintf(text, sizeof(text), "%s <%s>",
				       r->plan.parties[i].name,
				       r->plan.parties[i].aor);
		else
			(void)str_copy(text, sizeof(text),
				       r->plan.parties[i].aor);
		(void)ogg_tag(tags, "PARTICIPANT", text);
	}
}

static int make_tags(struct render *r, const struct outfile *o,
		     struct buf *tags)
{
	char when[CLOCK_RFC3339_MAX];

	(void)ogg_tag(tags, "RECORDING_ID", r->info->session.s);
	if (r->opt->call_id && *r->opt->call_id)
		(void)ogg_tag(tags, "CALL_ID", r->opt->call_id);
	if (r->opt->title && *r->opt->title)
		(void)ogg_tag(tags, "TITLE", r->opt->title);
	clock_format(r->res->started_wall_us, when, sizeof(when));
	(void)ogg_tag(tags, "DATE", when);
	tag_people(r, o, tags);
	return buf_error(tags); /* errors stick */
}

/* FNV-1a: the same recording and file give the same number. */
static uint32_t serial_of(const struct render *r, const struct outfile *o)
{
	uint32_t h = 2166136261u;
	const char *s;

	for (s = r->info->session.s; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	for (s = o->name; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

int outfile_open(struct render *r, struct outfile *o,
		 const struct ogg_head *head)
{
	struct buf tags CLEANUP(fini_buf) = { 0 };
	int e;

	buf_init(&tags, 128 * 1024);
	e = make_tags(r, o, &tags);
	if (e < 0)
		return e;
	if (snprintf(o->path, sizeof(o->path), "%s/%s.ogg", r->opt->work_dir,
		     o->name) >= (int)sizeof(o->path))
		return -ENAMETOOLONG;
	o->f = fopen(o->path, "wbe");
	if (!o->f)
		return -errno;
	o->channels = head->map.channels;
	return ogg_writer_create(head, &tags, serial_of(r, o), sink, o,
				 &o->ogg);
}

int outfile_finish(struct outfile *o, int64_t total_48k)
{
	int e;

	o->total_48k = total_48k;
	e = ogg_writer_finish(o->ogg, total_48k);
	if (e < 0)
		return e;
	e = fclose(o->f) == 0 ? 0 : -errno;
	o->f = NULL;
	return e;
}

void outfile_fini(struct outfile *o)
{
	ogg_writer_destroy(&o->ogg);
	if (o->f)
		(void)fclose(o->f); /* it is thrown away */
	if (o->path[0])
		(void)unlink(o->path);
	o->f = NULL;
	o->path[0] = 0;
}

/* ---- reading back ---- */

static ssize_t read_file(void *arg, void *dst, size_t len)
{
	FILE *f = arg;
	size_t n;

	n = fread(dst, 1, len, f);
	return n == 0 && ferror(f) ? -EIO : (ssize_t)n;
}

static int verify_ogg(struct render *r, const struct outfile *o,
		      struct ogg_check *c)
{
	int64_t off;
	unsigned i;
	FILE *f;
	int e;

	f = fopen(o->path, "rbe");
	if (!f)
		return -errno;
	e = ogg_verify(read_file, f, c);
	(void)fclose(f); /* only read */
	if (e < 0)
		return err_set(r->e, e, "%s.ogg does not decode", o->name);
	off = c->info.duration_48k - o->total_48k;
	if (!c->info.complete || off > FRAME_48K || off < -FRAME_48K)
		return err_set(r->e, -EBADMSG,
			       "%s.ogg lasts %lld ms instead of %lld", o->name,
			       (long long)c->info.duration_48k / 48,
			       (long long)o->total_48k / 48);
	for (i = 0; i < o->channels && i < 2; i++)
		if (o->peak[i] > 2000 && c->peak[i] < o->peak[i] / 8)
			return err_set(r->e, -EBADMSG,
				       "%s.ogg lost the sound of channel %u",
				       o->name, i);
	return 0;
}

/* ---- into the store ---- */

static struct render_file *next_file(struct render *r)
{
	ASSERT(r->res->n_files < RENDER_FILES_MAX);
	return &r->res->files[r->res->n_files];
}

static int check_stored(struct render *r, struct render_file *f,
			const struct blob_info *put)
{
	struct blob_info got;
	int e;

	e = blob_hash(r->opt->store, f->key, &got);
	if (e < 0)
		return err_set(r->e, e, "%s cannot be read back", f->key);
	if (got.bytes != put->bytes || !str_eq(got.sha256, put->sha256))
		return err_set(r->e, -EIO, "%s is not what was written",
			       f->key);
	f->bytes = put->bytes;
	(void)str_copy(f->sha256, sizeof(f->sha256), put->sha256);
	r->res->n_files++;
	return 0;
}

static int set_key(struct render *r, struct render_file *f, const char *name,
		   const char *format)
{
	if (snprintf(f->key, sizeof(f->key), "%s%s.%s", r->opt->key_prefix,
		     name, format) >= (int)sizeof(f->key))
		return -ENAMETOOLONG;
	return 0;
}

static int store_file(struct render *r, const struct outfile *o,
		      const char *path, const char *format, const char *mime,
		      int64_t duration_us)
{
	struct render_file *f = next_file(r);
	struct blob_info info;
	int e;

	*f = (struct render_file){
		.n = o->n,
		.kind = o->n ? "track" : "mix",
		.format = format,
		.mime = mime,
		.party = o->party,
		.stream = o->stream,
		.channels = o->channels,
		.rate_hz = o->rate_hz,
		.duration_us = duration_us,
	};
	e = set_key(r, f, o->name, format);
	if (e < 0)
		return e;
	e = blob_put_file(r->opt->store, f->key, path, &info);
	if (e < 0)
		return err_set(r->e, e, "%s cannot be stored", f->key);
	return check_stored(r, f, &info);
}

static int store_mp4(struct render *r, const struct outfile *o,
		     const struct ogg_check *ogg)
{
	char path[OGG_PATH_MAX + 8];
	struct mux_info info;
	int64_t us, off;
	int e;

	(void)snprintf(path, sizeof(path), "%s/%s.mp4", r->opt->work_dir,
		       o->name);
	e = mux_ogg_to_mp4(o->path, path, &us);
	if (e < 0)
		return err_set(r->e, e, "%s.mp4 cannot be made", o->name);
	e = mux_probe(path, &info);
	off = e < 0 ? 0 : info.duration_us - render_us(ogg->info.duration_48k);
	if (e == 0 &&
	    (info.packets != ogg->info.packets ||
	     info.channels != o->channels || off > 60000 || off < -60000))
		e = -EBADMSG;
	if (e < 0)
		(void)err_set(r->e, e, "%s.mp4 does not hold what %s.ogg does",
			      o->name, o->name);
	else
		e = store_file(r, o, path, "mp4", "audio/mp4",
			       render_us(ogg->info.duration_48k));
	(void)unlink(path);
	return e;
}

int outfile_store(struct render *r, struct outfile *o)
{
	struct ogg_check check;
	int e;

	e = verify_ogg(r, o, &check);
	if (e < 0)
		return e;
	e = store_file(r, o, o->path, "ogg", "audio/ogg; codecs=opus",
		       render_us(check.info.duration_48k));
	if (e < 0)
		return e;
	return store_mp4(r, o, &check);
}

int outfile_store_bytes(struct render *r, const struct render_file *like,
			const char *name, const void *data, size_t len)
{
	struct render_file *f = next_file(r);
	struct blob *b CLEANUP(blob_abort) = NULL;
	struct blob_info info;
	int e;

	*f = *like;
	e = set_key(r, f, name, like->format);
	if (e == 0)
		e = blob_create(r->opt->store, f->key, &b);
	if (e == 0)
		e = blob_append(b, data, len);
	if (e == 0)
		e = blob_commit(&b, &info);
	if (e < 0)
		return err_set(r->e, e, "%s cannot be stored", f->key);
	return check_stored(r, f, &info);
}

/* ---- raw packets: rtptools' rtpdump ---- */

struct raw {
	FILE *f;
	uint64_t packets;
};

static int put_raw(void *arg, int64_t t_us, const uint8_t *data, size_t len)
{
	struct raw *w = arg;
	uint32_t ms = (uint32_t)(t_us / 1000);
	uint8_t head[8];

	if (len > 65527)
		return 0; /* the format cannot hold it */
	head[0] = (uint8_t)((len + 8) >> 8);
	head[1] = (uint8_t)(len + 8);
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
	head[4] = (uint8_t)(ms >> 24);
	head[5] = (uint8_t)(ms >> 16);
	head[6] = (uint8_t)(ms >> 8);
	head[7] = (uint8_t)ms;
	w->packets++;
	if (fwrite(head, 1, 8, w->f) != 8 || fwrite(data, 1, len, w->f) != len)
		return -EIO;
	return 0;
}

static int write_raw(struct render *r, const struct feed_stream *fs,
		     const char *path)
{
	uint32_t s = (uint32_t)(r->info->start_wall_us / 1000000);
	uint32_t us = (uint32_t)(r->info->start_wall_us % 1000000);
	uint8_t head[16] = { 0 };
	struct raw w = { 0 };
	int e, i;

	w.f = fopen(path, "wbe");
	if (!w.f)
		return -errno;
	for (i = 0; i < 4; i++) {
		head[i] = (uint8_t)(s >> (24 - 8 * i));
		head[4 + i] = (uint8_t)(us >> (24 - 8 * i));
	}
	e = fputs("#!rtpplay1.0 0.0.0.0/0\n", w.f) < 0 ||
			    fwrite(head, 1, 16, w.f) != 16
		    ? -EIO
		    : 0;
	if (e == 0)
		e = feed_each_raw(r->feed, fs->index, put_raw, &w);
	if (fclose(w.f) != 0 && e == 0)
		e = -errno;
	return e;
}

int outfile_store_raw(struct render *r, const struct feed_stream *fs,
		      unsigned n, int party)
{
	struct render_file *f = next_file(r);
	char path[OGG_PATH_MAX + 32], name[32];
	struct blob_info info;
	int e;

	(void)snprintf(name, sizeof(name), "track-%u", n);
	(void)snprintf(path, sizeof(path), "%s/%s.rtpdump", r->opt->work_dir,
		       name);
	*f = (struct render_file){
		.n = n,
		.kind = "raw",
		.format = "rtpdump",
		.mime = "application/octet-stream",
		.party = party,
		.stream = fs->index,
	};
	e = set_key(r, f, name, "rtpdump");
	if (e == 0)
		e = write_raw(r, fs, path);
	if (e == 0)
		e = blob_put_file(r->opt->store, f->key, path, &info);
	(void)unlink(path);
	if (e < 0)
		return err_set(r->e, e, "%s.rtpdump cannot be stored", name);
	return check_stored(r, f, &info);
}
