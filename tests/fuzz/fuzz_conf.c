/* Configuration files: whatever is in one, it is loaded or refused with
 * words. The environment plays no part. */
#include "base/settings.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct settings s;
	struct err e = { 0 };
	char path[32];
	int fd, r;

	fd = memfd_create("srs.conf", MFD_CLOEXEC);
	if (fd < 0 || (len && write(fd, data, len) != (ssize_t)len))
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = settings_load(path, &s, &e);
	if (r == 0 && (s.media.port_min >= s.media.port_max ||
		       s.server.data_dir[0] != '/'))
		abort();
	if (r < 0 && !e.text[0])
		abort();
	(void)close(fd); /* in memory */
	return 0;
}
