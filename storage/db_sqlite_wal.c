#include "storage/db_sqlite_wal.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/mem.h"

#define NAME "srs-wal"
/* SQLite's unix layer takes less than 128 KB at once. */
#define PIECE_BYTES (30u * (4096 + 24))

struct wal {
	sqlite3_file file; /* first */
	char *data;	   /* NULL: nothing was written yet */
	size_t len;
	sqlite3_int64 at;   /* where data belongs */
	sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs vfs;
static const sqlite3_vfs *below;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct wal *self(sqlite3_file *f)
{
	return (struct wal *)f;
}

/* A piece that cannot be written is gone: SQLite gives its transaction up. */
static int flush(struct wal *w)
{
	size_t len = w->len;

	w->len = 0;
	if (len == 0)
		return SQLITE_OK;
	return w->real->pMethods->xWrite(w->real, w->data, (int)len, w->at);
}

static int wal_close(sqlite3_file *f)
{
	struct wal *w = self(f);
	int rc = flush(w);
	int closed = w->real->pMethods->xClose(w->real);

	mem_free(w->data);
	w->data = NULL;
	return rc == SQLITE_OK ? closed : rc;
}

static int wal_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	struct wal *w = self(f);
	int rc = flush(w);

	if (rc != SQLITE_OK)
		return rc;
	return w->real->pMethods->xRead(w->real, to, len, at);
}

static int wal_write(sqlite3_file *f, const void *from, int len,
		     sqlite3_int64 at)
{
	struct wal *w = self(f);
	size_t n = (size_t)len;
	int rc;

	if (!w->data)
		w->data = mem_alloc(PIECE_BYTES);
	if (w->len > 0 &&
	    (at != w->at + (sqlite3_int64)w->len || n > PIECE_BYTES - w->len)) {
		rc = flush(w);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (!w->data || n > PIECE_BYTES)
		return w->real->pMethods->xWrite(w->real, from, len, at);
	if (w->len == 0)
		w->at = at;
	memcpy(w->data + w->len, from, n);
	w->len += n;
	return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct wal *w = self(f);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xTruncate(w->real, size)
			       : rc;
}

static int wal_sync(sqlite3_file *f, int flags)
{
	struct wal *w = self(f);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xSync(w->real, flags) : rc;
}

static int wal_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
	struct wal *w = self(f);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xFileSize(w->real, ret_size)
			       : rc;
}

static int wal_lock(sqlite3_file *f, int how)
{
	struct wal *w = self(f);

	return w->real->pMethods->xLock(w->real, how);
}

static int wal_unlock(sqlite3_file *f, int how)
{
	struct wal *w = self(f);

	return w->real->pMethods->xUnlock(w->real, how);
}

static int wal_reserved(sqlite3_file *f, int *ret_is)
{
	struct wal *w = self(f);

	return w->real->pMethods->xCheckReservedLock(w->real, ret_is);
}

static int wal_control(sqlite3_file *f, int op, void *arg)
{
	struct wal *w = self(f);

	return w->real->pMethods->xFileControl(w->real, op, arg);
}

static int wal_sector(sqlite3_file *f)
{
	struct wal *w = self(f);

	return w->real->pMethods->xSectorSize(w->real);
}

static int wal_device(sqlite3_file *f)
{
	struct wal *w = self(f);

	return w->real->pMethods->xDeviceCharacteristics(w->real);
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_reserved,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_device,
};

static sqlite3_vfs *lower(void)
{
	return (sqlite3_vfs *)(uintptr_t)below; /* SQLite knows no const */
}

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *f,
		     int flags, int *ret_flags)
{
	struct wal *w = self(f);
	int rc;

	(void)v;
	if (!(flags & SQLITE_OPEN_WAL))
		return lower()->xOpen(lower(), name, f, flags, ret_flags);
	memset(w, 0, sizeof(*w));
	w->real = (sqlite3_file *)(w + 1);
	rc = lower()->xOpen(lower(), name, w->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		w->file.pMethods = &methods;
	return rc; /* else SQLite closes nothing */
}

static void make(void)
{
	below = sqlite3_vfs_find(NULL);
	if (!below)
		return;
	vfs = *below;
	vfs.zName = NAME;
	vfs.pNext = NULL;
	vfs.szOsFile = (int)sizeof(struct wal) + below->szOsFile;
	vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		vfs.zName = NULL;
}

const char *db_sqlite_wal_vfs(void)
{
	(void)pthread_once(&once, make);
	return vfs.zName;
}
