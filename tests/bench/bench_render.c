/* bench_render.c - how fast a finished call becomes files, against ffmpeg doing
 * the same job in the same run.
 *
 *	bench_render [--minutes N] [--complexity N] [--keep DIR]
 *
 * A call of two parties, PCMU, speech-like sound with pauses. We render it
 * from the spool: mix, two tracks, MP4 of each, peaks, everything read back.
 * ffmpeg gets the two sides as raw u-law files, which is less work than a
 * spool, and makes (a) only the stereo mix, (b) the mix and both tracks. CPU
 * time of the children (user + system), best of three.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/codec.h"
#include "media/codec_opus.h"
#include "media/render.h"
#include "tests/support/spool_maker.h"
#include "tests/support/unit.h"

#define RUNS 3
#define META                                                                   \
	"{\"participants\":[{\"aor\":\"sip:a@example.com\",\"streams\":[0]},"  \
	"{\"aor\":\"sip:b@example.com\",\"streams\":[1]}]}"

extern char **environ;

struct bench {
	unsigned minutes, complexity;
	char dir[128], work[160], media[160], raw[2][160];
	struct spool_maker m;
};

static uint32_t seed = 1;

static double noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) / 8388608.0 - 1;
}

/* Pulses of a voice through two resonances, in syllables and turns. */
struct talker {
	double f0, turn, phase, y1, y2, z1, z2;
	uint64_t n;
};

static double resonate(double in, double hz, double r, double *a, double *b)
{
	double v = in + 2 * r * cos(2 * M_PI * hz / 8000) * *a - r * r * *b;

	*b = *a;
	*a = v;
	return v;
}

static int16_t talk(struct talker *t)
{
	double s = (double)t->n++ / 8000, e, v;
	double syl = 0.5 - 0.5 * cos(2 * M_PI * 4 * s + t->turn);
	int on = sin(2 * M_PI * s / 7 + t->turn) > -0.1;

	t->phase += t->f0 * (1 + 0.1 * sin(2 * M_PI * 0.7 * s)) / 8000;
	e = noise() * 0.03;
	if (t->phase >= 1) {
		t->phase -= 1;
		e += 1;
	}
	v = resonate(e, 500 + 250 * sin(2 * M_PI * 1.3 * s + t->turn), 0.97,
		     &t->y1, &t->y2);
	v = resonate(v, 1400 + 500 * sin(2 * M_PI * 0.9 * s), 0.95, &t->z1,
		     &t->z2);
	v = v * 900 * syl * on + noise() * 40; /* the line is never quiet */
	return (int16_t)fmax(-32000, fmin(32000, v));
}

static void make_call(struct bench *b)
{
	struct talker t[2] = { { .f0 = 120 }, { .f0 = 210, .turn = M_PI } };
	unsigned k, s, i;
	uint8_t pcm[160];
	FILE *f[2];

	maker_open(&b->m, b->dir, META);
	for (s = 0; s < 2; s++) {
		maker_add_stream(&b->m, 0, "PCMU", 8000, 1);
		f[s] = fopen(b->raw[s], "wbe");
		ASSERT(f[s]);
	}
	maker_table(&b->m);
	for (k = 0; k < b->minutes * 3000; k++) {
		for (s = 0; s < 2; s++) {
			for (i = 0; i < 160; i++)
				pcm[i] = codec_pcm_encode(false, talk(&t[s]));
			ASSERT(fwrite(pcm, 1, 160, f[s]) == 160);
			maker_rtp(&b->m, (uint16_t)s, 0, (uint16_t)k, 160 * k,
				  7 + s, pcm, 160);
		}
		maker_advance(&b->m, 20000);
	}
	maker_close(&b->m, true);
	for (s = 0; s < 2; s++)
		ASSERT(fclose(f[s]) == 0);
}

static double cpu_of(pid_t pid)
{
	struct rusage ru;
	int status;

	ASSERT(wait4(pid, &status, 0, &ru) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench_render: a child failed\n");
		exit(1);
	}
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static double run_ours(struct bench *b)
{
	struct render_options opt = { .spool_path = b->m.path,
				      .work_dir = b->work,
				      .key_prefix = "t/r/",
				      .complexity = b->complexity,
				      .use_av = true };
	struct render_result *res;
	struct err e = { 0 };
	pid_t pid;
	int r;

	pid = fork();
	ASSERT(pid >= 0);
	if (pid == 0) {
		res = mem_zalloc(sizeof(*res));
		r = blob_fs_create(b->media, &opt.store);
		if (r == 0)
			r = render_spool(&opt, res, &e);
		if (r < 0)
			fprintf(stderr, "bench_render: %s\n", e.text);
		_exit(r < 0);
	}
	return cpu_of(pid);
}

static double run_ffmpeg(struct bench *b, bool tracks)
{
	char level[8], mix[16], one[16], out[3][200];
	const char *args[64];
	unsigned n = 0, i;
	pid_t pid;

	(void)snprintf(level, sizeof(level), "%u", b->complexity);
	(void)snprintf(one, sizeof(one), "%u", opus_enc_bitrate(8000));
	(void)snprintf(mix, sizeof(mix), "%u", 2 * opus_enc_bitrate(8000));
	for (i = 0; i < 3; i++)
		(void)snprintf(out[i], sizeof(out[i]), "%s/ff-%u.ogg", b->dir,
			       i);
	const char *common[] = { "ffmpeg",
				 "-nostdin",
				 "-v",
				 "error",
				 "-y",
				 "-threads",
				 "1",
				 "-f",
				 "mulaw",
				 "-ar",
				 "8000",
				 "-ac",
				 "1",
				 "-i",
				 b->raw[0],
				 "-f",
				 "mulaw",
				 "-ar",
				 "8000",
				 "-ac",
				 "1",
				 "-i",
				 b->raw[1],
				 "-filter_complex",
				 "amerge=inputs=2[m]",
				 "-map",
				 "[m]",
				 "-c:a",
				 "libopus",
				 "-b:a",
				 mix,
				 "-compression_level",
				 level,
				 out[0] };
	for (i = 0; i < ARRAY_SIZE(common); i++)
		args[n++] = common[i];
	for (i = 0; tracks && i < 2; i++) {
		args[n++] = "-map";
		args[n++] = i ? "1:a" : "0:a";
		args[n++] = "-c:a";
		args[n++] = "libopus";
		args[n++] = "-b:a";
		args[n++] = one;
		args[n++] = "-compression_level";
		args[n++] = level;
		args[n++] = out[1 + i];
	}
	args[n] = NULL;
	if (posix_spawnp(&pid, "ffmpeg", NULL, NULL,
			 (char *const *)(uintptr_t)args, environ) != 0) {
		fprintf(stderr, "bench_render: no ffmpeg\n");
		exit(1);
	}
	return cpu_of(pid);
}

static double best(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

static unsigned number(const char *s)
{
	uint64_t v;

	if (!s || str_u64(s, 1000, &v) < 0) {
		fprintf(stderr, "bench_render: a number up to 1000, please\n");
		exit(2);
	}
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	struct bench b = { .minutes = 5, .complexity = 1 };
	double ours = 0, mix = 0, full = 0, s;
	const char *keep = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--minutes"))
			b.minutes = number(argv[++i]);
		else if (str_eq(argv[i], "--complexity"))
			b.complexity = number(argv[++i]);
		else if (str_eq(argv[i], "--keep"))
			keep = argv[++i];
	}
	(void)str_copy(b.dir, sizeof(b.dir), keep ? keep : unit_temp_dir());
	(void)snprintf(b.work, sizeof(b.work), "%s/work", b.dir);
	(void)snprintf(b.media, sizeof(b.media), "%s/media", b.dir);
	(void)snprintf(b.raw[0], sizeof(b.raw[0]), "%s/a.ul", b.dir);
	(void)snprintf(b.raw[1], sizeof(b.raw[1]), "%s/b.ul", b.dir);
	(void)mkdir(b.dir, 0700); /* may be there */
	(void)mkdir(b.work, 0700);
	make_call(&b);
	for (i = 0; i < RUNS; i++) {
		ours = best(ours, run_ours(&b));
		mix = best(mix, run_ffmpeg(&b, false));
		full = best(full, run_ffmpeg(&b, true));
	}
	s = b.minutes * 60;
	printf("render: %u min of two PCMU parties, complexity %u\n"
	       "  ours, mix + 2 tracks + MP4 + peaks, read back  "
	       "%7.3f s CPU %6.0f x real time\n"
	       "  ffmpeg, mix only                               "
	       "%7.3f s CPU %6.0f x   we are %.2f times as fast\n"
	       "  ffmpeg, mix + 2 tracks                         "
	       "%7.3f s CPU %6.0f x   we are %.2f times as fast\n",
	       b.minutes, b.complexity, ours, s / ours, mix, s / mix,
	       mix / ours, full, s / full, full / ours);
	printf("{\"audio_s\":%.0f,\"complexity\":%u,\"ours_cpu_s\":%.3f,"
	       "\"ours_x\":%.0f,\"ffmpeg_mix_cpu_s\":%.3f,"
	       "\"ffmpeg_mix_x\":%.0f,\"ratio_mix\":%.2f,"
	       "\"ffmpeg_all_cpu_s\":%.3f,\"ffmpeg_all_x\":%.0f,"
	       "\"ratio_all\":%.2f}\n",
	       s, b.complexity, ours, s / ours, mix, s / mix, mix / ours, full,
	       s / full, full / ours);
	if (!keep)
		(void)unit_remove_tree(b.dir);
	return 0;
}
