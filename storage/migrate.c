#include "storage/migrate.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/crypt.h"
#include "storage/db.h"

/* storage/migrations.S */
extern const char migration_0001[], migration_0001_end[];
extern const char migration_0002[], migration_0002_end[];
extern const char migration_0003[], migration_0003_end[];
extern const char migration_0004[], migration_0004_end[];
extern const char migration_0005[], migration_0005_end[];
extern const char migration_0006[], migration_0006_end[];
extern const char migration_0007[], migration_0007_end[];
extern const char migration_0008[], migration_0008_end[];
extern const char migration_0010[], migration_0010_end[];
extern const char migration_0011[], migration_0011_end[];
extern const char migration_0012[], migration_0012_end[];
extern const char migration_0013[], migration_0013_end[];
extern const char migration_0014[], migration_0014_end[];
extern const char migration_0015[], migration_0015_end[];
extern const char migration_0016[], migration_0016_end[];
extern const char migration_0017[], migration_0017_end[];
extern const char migration_0018[], migration_0018_end[];
extern const char migration_0019[], migration_0019_end[];
extern const char migration_0020[], migration_0020_end[];
extern const char migration_0022[], migration_0022_end[];

struct embedded {
	const char *name;
	const char *begin;
	const char *end;
};

static const struct embedded embedded[] = {
	{ "0001_catalog.sql", migration_0001, migration_0001_end },
	{ "0002_auth.sql", migration_0002, migration_0002_end },
	{ "0003_web.sql", migration_0003, migration_0003_end },
	{ "0004_trunks.sql", migration_0004, migration_0004_end },
	{ "0005_commands.sql", migration_0005, migration_0005_end },
	{ "0006_calls.sql", migration_0006, migration_0006_end },
	{ "0007_event_duration.sql", migration_0007, migration_0007_end },
	{ "0008_unwanted.sql", migration_0008, migration_0008_end },
	{ "0010_duplicates.sql", migration_0010, migration_0010_end },
	{ "0011_sketch.sql", migration_0011, migration_0011_end },
	{ "0012_trunk_srtp.sql", migration_0012, migration_0012_end },
	{ "0013_pushed_share.sql", migration_0013, migration_0013_end },
	{ "0014_user_listens.sql", migration_0014, migration_0014_end },
	{ "0015_trunk_by_tenant.sql", migration_0015, migration_0015_end },
	{ "0016_tenant_aors.sql", migration_0016, migration_0016_end },
	{ "0017_login_links.sql", migration_0017, migration_0017_end },
	{ "0018_numbers.sql", migration_0018, migration_0018_end },
	{ "0019_search.sql", migration_0019, migration_0019_end },
	{ "0020_halves.sql", migration_0020, migration_0020_end },
	{ "0022_client_addresses.sql", migration_0022, migration_0022_end },
};

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS migrations ("
				"name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, "
				"applied_us INTEGER NOT NULL) STRICT";

const struct migration *migrate_list(size_t *ret_n)
{
	static struct migration list[ARRAY_SIZE(embedded)];

	for (size_t i = 0; i < ARRAY_SIZE(embedded); i++) {
		list[i].name = embedded[i].name;
		list[i].sql = embedded[i].begin;
		list[i].len = (size_t)(embedded[i].end - embedded[i].begin);
	}
	*ret_n = ARRAY_SIZE(embedded);
	return list;
}

struct run {
	struct db *db;
	const struct migration *list;
	size_t n;
	bool dry_run;
	int64_t now_us;
	struct err *e;
};

static int db_failed(struct err *e, int64_t r, const char *name)
{
	return err_set(e, (int)r, "migration %s: %s", name, err_words((int)r));
}

static int copy_hash(void *arg, struct db_row *row)
{
	const char *s = db_col_text(row, 0);

	/* what does not fit differs anyway */
	(void)str_copy(arg, CRYPT_SHA256_HEX, s ? s : "?");
	return 1;
}

/* @return 1 applied before and unchanged, 0 not yet, -errno */
static int was_applied(const struct run *run, const struct migration *m,
		       const char *hash)
{
	char seen[CRYPT_SHA256_HEX] = "";
	int64_t r;

	r = db_query(run->db, "SELECT sha256 FROM migrations WHERE name = $1",
		     DB_ARGS(db_text(m->name)), copy_hash, seen);
	if (r < 0)
		return db_failed(run->e, r, m->name);
	if (r == 0)
		return 0;
	if (strcmp(seen, hash) != 0)
		return err_set(run->e, -EBADMSG,
			       "migration %s was changed after it had been "
			       "applied to this database; use the binary that "
			       "made it, or restore a backup",
			       m->name);
	return 1;
}

static int apply(const struct run *run, const struct migration *m,
		 const char *hash)
{
	int64_t r;

	r = db_script(run->db, m->sql, run->e);
	if (r < 0) {
		err_prefix(run->e, "migration %s", m->name);
		return (int)r;
	}
	r = db_exec(run->db,
		    "INSERT INTO migrations (name, sha256, applied_us) "
		    "VALUES ($1, $2, $3)",
		    DB_ARGS(db_text(m->name), db_text(hash),
			    db_int(run->now_us)));
	return r < 0 ? db_failed(run->e, r, m->name) : 0;
}

/* Two starting at once: the second waits in db_begin() and then finds it
 * applied. @return as was_applied() before it was applied now */
static int do_one(const struct run *run, const struct migration *m)
{
	char hash[CRYPT_SHA256_HEX];
	int r, before;

	if (crypt_sha256_hex(m->sql, m->len, hash) < 0)
		return err_set(run->e, -ENOMEM, "out of memory");
	if (run->dry_run)
		return was_applied(run, m, hash);
	r = db_begin(run->db);
	if (r < 0)
		return db_failed(run->e, r, m->name);
	before = was_applied(run, m, hash);
	r = before < 0 ? before : 0;
	if (before == 0)
		r = apply(run, m, hash);
	if (r < 0) {
		db_rollback(run->db);
		return r;
	}
	r = db_commit(run->db);
	return r < 0 ? db_failed(run->e, r, m->name) : before;
}

static int check_known(void *arg, struct db_row *row)
{
	const struct run *run = arg;
	const char *name = db_col_text(row, 0);

	for (size_t i = 0; i < run->n; i++)
		if (!strcmp(run->list[i].name, name))
			return 0;
	return err_set(run->e, -EBADMSG,
		       "this database has migration %s, which this program "
		       "does not know: it was made by a newer one",
		       name);
}

static int prepare(const struct run *run)
{
	int64_t r;
	int64_t there = 0;

	r = db_query_int(run->db,
			 "SELECT count(*) FROM sqlite_master "
			 "WHERE type = 'table' AND name = 'migrations'",
			 DB_NONE, &there);
	if (r < 0)
		return db_failed(run->e, r, "table");
	if (!there)
		return run->dry_run ? 1 : db_script(run->db, table_sql, run->e);
	r = db_query(run->db, "SELECT name FROM migrations ORDER BY name",
		     DB_NONE, check_known, (void *)run);
	return r < 0 ? (int)r : 0;
}

int migrate_run_list(struct db *db, const struct migration *list, size_t n,
		     bool dry_run, int64_t now_wall_us, migrate_seen_fn *seen,
		     void *arg, struct err *e)
{
	struct run run = { db, list, n, dry_run, now_wall_us, e };
	int empty, r, count = 0;

	empty = prepare(&run);
	if (empty < 0)
		return empty;
	for (size_t i = 0; i < n; i++) {
		r = empty ? 0 : do_one(&run, &list[i]);
		if (r < 0)
			return r;
		count += r == 0;
		if (seen)
			seen(arg, &list[i], r > 0);
	}
	return count;
}

int migrate_run(struct db *db, bool dry_run, int64_t now_wall_us,
		migrate_seen_fn *seen, void *arg, struct err *e)
{
	size_t n;
	const struct migration *list = migrate_list(&n);

	return migrate_run_list(db, list, n, dry_run, now_wall_us, seen, arg,
				e);
}
