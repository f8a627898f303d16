/* What was typed: one WebVTT file for each text stream. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/render_priv.h"
#include "media/vtt.h"

#define VTT_MAX (64u * 1024 * 1024) /* of T140_TEXT_MAX, all of it "&" */

static const struct t140_char *typed(const struct feed_stream *fs, size_t *n)
{
	*n = 0;
	return fs->text ? t140_chars(fs->text, n) : NULL;
}

bool render_text_extent(const struct render *r, int64_t *ret_from,
			int64_t *ret_to)
{
	const struct t140_char *c;
	bool any = false;
	unsigned i;
	size_t n;

	for (i = 0; i < r->info->n_streams; i++) {
		c = typed(&r->info->streams[i], &n);
		if (n == 0)
			continue;
		if (!any || c[0].t_us < *ret_from)
			*ret_from = c[0].t_us;
		if (!any || c[n - 1].t_us > *ret_to)
			*ret_to = c[n - 1].t_us;
		any = true;
	}
	return any;
}

static const char *name_of(const struct render *r, int ord)
{
	const struct plan_party *p;
	unsigned i;

	for (i = 0; i < r->plan.n_parties; i++) {
		p = &r->plan.parties[i];
		if ((int)p->ord == ord)
			return p->name[0] ? p->name : p->aor;
	}
	return "";
}

static int store(struct render *r, const struct feed_stream *fs, unsigned n)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	struct render_file f = {
		.n = n,
		.kind = "text",
		.format = "vtt",
		.mime = "text/vtt; charset=utf-8",
		.party = render_party_of(r, fs->index),
		.stream = fs->index,
	};
	const struct t140_char *c;
	char name[24], voice[PLAN_TEXT_MAX];
	size_t count;
	int e;

	c = typed(fs, &count);
	f.duration_us = c[count - 1].t_us - c[0].t_us;
	(void)str_copy(voice, sizeof(voice), name_of(r, f.party));
	str_clean(voice);
	buf_init(&b, VTT_MAX);
	e = vtt_write(c, count, render_us(r->zero), voice, &b);
	if (e < 0)
		return e;
	(void)snprintf(name, sizeof(name), "track-%u", n);
	return outfile_store_bytes(r, &f, name, b.data, b.len);
}

static void report(struct render *r, const struct feed_stream *fs)
{
	const struct t140_stats *st = t140_stats(fs->text);
	const struct t140_char *c;
	struct render_event *ev;
	size_t n;

	c = typed(fs, &n);
	ev = n ? render_event_new(r, "text", fs) : NULL;
	if (ev) {
		ev->offset_us = c[0].t_us - render_us(r->zero);
		if (ev->offset_us < 0)
			ev->offset_us = 0;
		ev->duration_us = c[n - 1].t_us - c[0].t_us;
		(void)snprintf(ev->text, sizeof(ev->text), "%zu characters", n);
	}
	if (st->lost)
		render_warn(r, "text.loss", "warning",
			    "stream %u: %llu packets of typed text are lost, "
			    "marked in it",
			    fs->index, (unsigned long long)st->lost);
	if (st->recovered)
		render_warn(r, "text.recovered", "info",
			    "stream %u: %llu lost packets of typed text were "
			    "filled by redundancy",
			    fs->index, (unsigned long long)st->recovered);
	if (st->broken)
		render_warn(r, "text.broken", "warning",
			    "stream %u: %llu packets of typed text could not "
			    "be read",
			    fs->index, (unsigned long long)st->broken);
	if (st->left_out)
		render_warn(r, "text.too_much", "error",
			    "stream %u: %llu packets of typed text are beyond "
			    "the limits",
			    fs->index, (unsigned long long)st->left_out);
}

int render_text(struct render *r)
{
	const struct feed_stream *fs;
	unsigned i, track = r->plan.n_tracks;
	size_t n;
	int e;

	for (i = 0; i < r->info->n_streams; i++) {
		fs = &r->info->streams[i];
		if (!fs->text)
			continue;
		report(r, fs);
		(void)typed(fs, &n);
		e = n ? store(r, fs, ++track) : 0;
		if (e < 0)
			return e;
	}
	return 0;
}
