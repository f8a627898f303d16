/* The upkeep role: one timer, small rounds.
 *
 * Order of a purge: spool first (recovery makes recordings out of spools that
 * nobody knows), then the files, then the row. Killed in between, the next
 * round finds the row again and goes on. */
#include "srs/upkeep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/tokens.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/spool.h"
#include "storage/audit.h"
#include "storage/blob.h"
#include "storage/calls.h"
#include "storage/catalog.h"
#include "storage/catalog_duplicates.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/unwanted.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

#define TICK_US (2 * SECOND)		/* checkpoint */
#define INDEX_US (SECOND / 10)		/* when more is waiting */
#define INDEX_AT_ONCE 64		/* sip waits as long as this takes */
#define ROUND_US (10 * SECOND)		/* deleted and expired recordings */
#define FIRST_BACKUP (10 * 60 * SECOND) /* after the start */
#define EXPIRE_MAX 100u			/* per round */
#define PURGE_MAX 20u
#define PARTIAL_AGE DAY
#define SPOOL_AGE (10 * 60 * SECOND)
#define TOKENS_KEPT (30 * DAY)
#define CALL_KEYS_KEPT (7 * DAY) /* the longest call, and stitch.window */
#define UNWANTED_KEPT DAY	 /* nobody takes so long to make a file again */
#define BACKUPS_KEPT 7u
#define BACKUP_PREFIX "catalog-"
#define BACKUP_NAME_LEN (sizeof("catalog-YYYYMMDD.db") - 1)

struct purge {
	struct db *db;
	struct blob_store *blobs;
	const struct settings *settings;
	int64_t now_us;
	int64_t purged;
};

static int remove_spool(const struct settings *s, const char *name)
{
	char rel[300], path[SETTINGS_PATH_MAX];
	int r;

	if (!*name || strchr(name, '/'))
		return 0;
	(void)snprintf(rel, sizeof(rel), "spool/%s", name);
	r = settings_path(s, rel, path, sizeof(path));
	if (r < 0)
		return r;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_files(const struct purge *p, const char *id,
			const char *tenant_id, const char *spool_file)
{
	char name[300];
	int r;

	r = remove_spool(p->settings, spool_file);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "%s%s", id, SPOOL_SUFFIX);
	r = remove_spool(p->settings, name);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "%s/%s/", tenant_id, id);
	return blob_remove_all(p->blobs, name);
}

static int forget_row(const struct purge *p, const char *id,
		      const char *tenant_id)
{
	char object[64];
	const struct audit_entry entry = {
		.at_us = p->now_us,
		.tenant_id = tenant_id,
		.actor = "system",
		.action = "recording.purge",
		.object = object,
		.result = "ok",
	};
	int r = db_begin(p->db);

	if (r < 0)
		return r;
	(void)snprintf(object, sizeof(object), "recording:%s", id);
	r = recording_purge(p->db, id, p->now_us);
	if (r == 0)
		r = audit_add(p->db, &entry);
	if (r < 0) {
		db_rollback(p->db);
		return r;
	}
	return db_commit(p->db);
}

/* One that can't be removed now must not keep the others. */
static int purge_one(void *arg, const char *id, const char *tenant_id,
		     const char *spool_file)
{
	struct purge *p = arg;
	int r = remove_files(p, id, tenant_id, spool_file);

	if (r == 0)
		r = forget_row(p, id, tenant_id);
	if (r < 0)
		log_warn(NULL, "upkeep.purge_failed", LOG_S("recording", id),
			 LOG_E(r));
	else
		p->purged++;
	return 0;
}

int upkeep_once(struct db *db, struct blob_store *blobs,
		const struct settings *s, int64_t now_wall_us,
		struct upkeep_round *ret_round)
{
	struct purge p = { db, blobs, s, now_wall_us, 0 };
	struct upkeep_round round = { 0 };
	int64_t r;

	r = recording_expire(db, now_wall_us, EXPIRE_MAX);
	if (r < 0)
		return (int)r;
	round.expired = r;
	r = recording_each_deleted(db, NULL, now_wall_us, PURGE_MAX, purge_one,
				   &p);
	if (r < 0)
		return (int)r;
	round.purged = p.purged;
	r = blob_sweep(blobs, now_wall_us - PARTIAL_AGE);
	if (r < 0)
		return (int)r;
	round.swept = r;
	*ret_round = round;
	return 0;
}

/* ---- spools of recordings that are ready: render died before the unlink ----
 */

static bool is_old(int dir_fd, const char *name, int64_t now_us)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (int64_t)st.st_mtim.tv_sec * SECOND < now_us - SPOOL_AGE;
}

/* Whose spool is it, going by its name? */
static bool spool_id(const char *name, struct id *ret_id)
{
	struct span s = span_of(name);

	if (s.len != ID_LEN + strlen(SPOOL_SUFFIX) ||
	    strcmp(name + ID_LEN, SPOOL_SUFFIX) != 0)
		return false;
	s.len = ID_LEN;
	return span_copy(ret_id->s, sizeof(ret_id->s), s) && id_ok(ret_id->s);
}

static bool is_ready(struct db *db, const char *name)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };
	struct id id;

	return spool_id(name, &id) &&
	       recording_get(db, &all, id.s, 0, &rec) == 0 &&
	       rec->state == RECORDING_READY;
}

int upkeep_spools(struct db *db, const struct settings *s, int64_t now_wall_us)
{
	char path[SETTINGS_PATH_MAX];
	struct dirent *de;
	int count = 0, r;
	DIR *dir;

	r = settings_path(s, "spool", path, sizeof(path));
	if (r < 0)
		return r;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((de = readdir(dir)))
		if (is_old(dirfd(dir), de->d_name, now_wall_us) &&
		    is_ready(db, de->d_name))
			count += unlinkat(dirfd(dir), de->d_name, 0) == 0;
	(void)closedir(dir); /* only read */
	return count;
}

/* ---- spools of what was dropped on purpose ---- */

static bool is_unwanted(struct db *db, const char *name)
{
	struct id id;

	return spool_id(name, &id) && unwanted_check(db, id.s) > 0;
}

/* Gone for good is a spool whose absence is on the disk as well. */
static int forget_unwanted(struct db *db, const struct settings *s, int dir_fd,
			   int64_t before_us)
{
	int64_t r;

	if (fsync(dir_fd) < 0)
		return -errno;
	r = unwanted_forget(db, s->server.name, before_us);
	return r < 0 ? (int)r : 0;
}

int upkeep_unwanted(struct db *db, const struct settings *s,
		    int64_t now_wall_us)
{
	char path[SETTINGS_PATH_MAX];
	struct dirent *de;
	int count = 0, r;
	DIR *dir;

	r = settings_path(s, "spool", path, sizeof(path));
	if (r < 0)
		return r;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (r == 0 && (de = readdir(dir))) {
		if (!is_unwanted(db, de->d_name))
			continue;
		if (unlinkat(dirfd(dir), de->d_name, 0) == 0)
			count++;
		else if (errno != ENOENT)
			r = -errno; /* and nothing is forgotten */
	}
	if (r == 0)
		r = forget_unwanted(db, s, dirfd(dir),
				    now_wall_us - UNWANTED_KEPT);
	(void)closedir(dir); /* only read */
	return r < 0 ? r : count;
}

/* ---- backups ---- */

static int is_backup(const struct dirent *de)
{
	return strlen(de->d_name) == BACKUP_NAME_LEN &&
	       !strncmp(de->d_name, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) &&
	       !strcmp(de->d_name + BACKUP_NAME_LEN - 3, ".db");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Their names sort by day: all but the newest go. */
static void remove_old_backups(const char *folder)
{
	char names[64][BACKUP_NAME_LEN + 1], path[SETTINGS_PATH_MAX + 64];
	DIR *dir = opendir(folder);
	struct dirent *de;
	size_t n = 0;

	if (!dir)
		return;
	while (n < ARRAY_SIZE(names) && (de = readdir(dir)))
		if (is_backup(de))
			(void)str_copy(names[n++], sizeof(names[0]),
				       de->d_name);
	(void)closedir(dir); /* only read */
	qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i + BACKUPS_KEPT < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path); /* tried again tomorrow */
	}
}

int upkeep_backup(struct db *db, const struct settings *s, int64_t now_wall_us)
{
	char folder[SETTINGS_PATH_MAX], path[SETTINGS_PATH_MAX + 64];
	char day[CLOCK_RFC3339_MAX];
	int r;

	r = settings_path(s, "backup", folder, sizeof(folder));
	if (r < 0)
		return r;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	clock_format(now_wall_us, day, sizeof(day)); /* 2026-01-31T... */
	(void)snprintf(path, sizeof(path),
		       "%s/" BACKUP_PREFIX "%.4s%.2s%.2s.db", folder, day,
		       day + 5, day + 8);
	r = catalog_backup(db, path);
	if (r < 0)
		return r == -EEXIST ? 0 : r;
	remove_old_backups(folder);
	return 1;
}

/* ---- the role ---- */

struct upkeep {
	struct role *role;
	struct db *db;
	struct blob_store *blobs;
	struct auth auth;
	bool auth_there;
	struct loop_timer timer;
	int64_t next_round_us, next_hour_us, next_backup_us; /* monotonic */
};

static void log_failure(const char *what, int64_t r)
{
	if (r < 0)
		log_warn(NULL, "upkeep.failed", LOG_S("what", what), LOG_E(r));
}

static void do_duplicates(struct upkeep *u, int64_t wall_us)
{
	struct duplicates_round round = { 0 };
	int r;

	if (u->role->settings->stitch.duplicates == DUPLICATES_LINK)
		r = duplicates_none(u->db);
	else
		r = duplicates_round(u->db, u->blobs, wall_us, &round);
	log_failure("duplicates", r);
	if (round.dropped || round.removed)
		log_info(NULL, "upkeep.duplicates",
			 LOG_I("dropped", round.dropped),
			 LOG_I("removed", round.removed));
}

static void do_round(struct upkeep *u, int64_t now_us, int64_t wall_us)
{
	struct upkeep_round round = { 0 };
	int r = upkeep_once(u->db, u->blobs, u->role->settings, wall_us,
			    &round);
	bool more = round.expired == EXPIRE_MAX || round.purged == PURGE_MAX;

	log_failure("recordings", r);
	if (round.expired || round.purged || round.swept)
		log_info(NULL, "upkeep.round", LOG_I("expired", round.expired),
			 LOG_I("purged", round.purged),
			 LOG_I("swept", round.swept));
	u->next_round_us = now_us + (more ? 0 : ROUND_US);
}

static void do_hour(struct upkeep *u, int64_t now_us, int64_t wall_us)
{
	log_failure("spools", upkeep_spools(u->db, u->role->settings, wall_us));
	log_failure("unwanted",
		    upkeep_unwanted(u->db, u->role->settings, wall_us));
	log_failure("tokens", token_sweep(&u->auth, TOKENS_KEPT));
	log_failure("calls", call_keys_sweep(u->db, wall_us - CALL_KEYS_KEPT));
	log_failure("optimize", catalog_optimize(u->db));
	u->next_hour_us = now_us + HOUR;
}

static void do_backup(struct upkeep *u, int64_t now_us, int64_t wall_us)
{
	int r = upkeep_backup(u->db, u->role->settings, wall_us);

	log_failure("backup", r);
	if (r > 0)
		log_info(NULL, "upkeep.backup_made");
	u->next_backup_us = now_us + HOUR;
}

static void on_timer(void *arg)
{
	struct upkeep *u = arg;
	struct clock *clock = loop_clock(u->role->loop);
	int64_t now_us = clock_mono_us(clock);
	int64_t wall_us = clock_wall_us(clock);

	int n = catalog_index_new(u->db, INDEX_AT_ONCE);

	do_duplicates(u, wall_us);

	log_failure("index", n < 0 ? n : 0);
	log_failure("checkpoint", catalog_checkpoint(u->db));
	if (now_us >= u->next_round_us)
		do_round(u, now_us, wall_us);
	if (now_us >= u->next_hour_us)
		do_hour(u, now_us, wall_us);
	if (now_us >= u->next_backup_us)
		do_backup(u, now_us, wall_us);
	if (loop_timer_set(u->role->loop, &u->timer,
			   clock_mono_us(clock) +
				   (n == INDEX_AT_ONCE ? INDEX_US : TICK_US),
			   on_timer, u) < 0)
		role_fatal(u->role, "upkeep: no memory for a timer");
}

static int enter_sandbox(const struct settings *s)
{
	const struct sandbox_profile profile = {
		.write = { s->server.data_dir },
		.no_core = true,
	};
	struct sandbox_report report;

	return s->sandbox.enabled ? sandbox_enter(&profile, &report) : 0;
}

static int open_all(struct upkeep *u, const struct settings *s, struct err *e)
{
	char path[SETTINGS_PATH_MAX];
	int r = catalog_open(s, &u->db, e);

	if (r == 0)
		r = settings_path(s, "media", path, sizeof(path));
	if (r == 0)
		r = blob_fs_create(path, &u->blobs);
	if (r == 0)
		r = auth_init(&u->auth, u->db, loop_clock(u->role->loop), s, e);
	u->auth_there = r == 0;
	return r;
}

static void upkeep_destroy(struct upkeep **up)
{
	struct upkeep *u = *up;

	if (!u)
		return;
	*up = NULL;
	loop_timer_clear(u->role->loop, &u->timer);
	if (u->auth_there)
		auth_fini(&u->auth);
	blob_store_destroy(&u->blobs);
	db_close(&u->db);
	mem_free(u);
}

static int upkeep_start(struct role *role, void **ret_state)
{
	struct upkeep *u CLEANUP(upkeep_destroy) = mem_zalloc(sizeof(*u));
	struct err e = { 0 };
	int64_t now_us;
	int r;

	if (!u)
		return -ENOMEM;
	u->role = role;
	r = open_all(u, role->settings, &e);
	if (r == 0)
		r = enter_sandbox(role->settings);
	if (r < 0) {
		log_error(NULL, "upkeep.start_failed", LOG_S("reason", e.text),
			  LOG_E(r));
		return r;
	}
	now_us = clock_mono_us(loop_clock(role->loop));
	u->next_round_us = u->next_hour_us = now_us;
	u->next_backup_us = now_us + FIRST_BACKUP;
	r = loop_timer_set(role->loop, &u->timer, now_us, on_timer, u);
	if (r < 0)
		return r;
	role_ready(role, "");
	*ret_state = STEAL(u);
	return 0;
}

static void upkeep_drain(void *state)
{
	struct upkeep *u = state;

	role_drained(u->role); /* a round is never half done here */
}

static void upkeep_stop(void *state)
{
	struct upkeep *u = state;

	upkeep_destroy(&u);
}

const struct role_ops upkeep_role = {
	.name = "upkeep",
	.start = upkeep_start,
	.drain = upkeep_drain,
	.stop = upkeep_stop,
};
