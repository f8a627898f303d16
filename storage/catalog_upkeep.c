#include "storage/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/settings.h"
#include "base/str.h"
#include "storage/catalog_priv.h"

static int ignore_row(void *arg, struct db_row *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static int pragma(struct db *db, const char *sql)
{
	int64_t r = db_query(db, sql, DB_NONE, ignore_row, NULL);

	return r < 0 ? (int)r : 0;
}

int catalog_checkpoint(struct db *db)
{
	return pragma(db, "PRAGMA wal_checkpoint(PASSIVE)");
}

int catalog_optimize(struct db *db)
{
	int64_t r = db_exec(db,
			    "INSERT INTO recordings_fts (recordings_fts, rank) "
			    "VALUES ('merge', 500)",
			    DB_NONE);

	return r < 0 ? (int)r : pragma(db, "PRAGMA optimize");
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	(void)close(fd); /* opened for reading */
	return r;
}

/* The folder of path, so that its new name survives. */
static int sync_folder(const char *path)
{
	char dir[SETTINGS_PATH_MAX + 64];
	char *slash;

	if (!str_copy(dir, sizeof(dir), path))
		return -ENAMETOOLONG;
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	return sync_path(dir, O_DIRECTORY);
}

int catalog_backup(struct db *db, const char *path)
{
	char tmp[SETTINGS_PATH_MAX + 64];
	int64_t r;

	if (access(path, F_OK) == 0)
		return -EEXIST;
	if (snprintf(tmp, sizeof(tmp), "%s.part", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	(void)unlink(tmp); /* of one that was interrupted */
	r = db_exec(db, "VACUUM INTO $1", DB_ARGS(db_text(tmp)));
	if (r >= 0 && chmod(tmp, 0600) < 0)
		r = -errno;
	if (r >= 0)
		r = sync_path(tmp, 0);
	if (r >= 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(tmp); /* may not be there */
		return (int)r;
	}
	return sync_folder(path);
}
