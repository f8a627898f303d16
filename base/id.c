#include "base/id.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/str.h"

void id_random(void *dst, size_t len)
{
	uint8_t *p = dst;
	ssize_t n;

	while (len) {
		n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		ASSERT(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

/* A millisecond and a 12-bit count inside it that never go back: within one
 * millisecond, and while the wall clock is set back, the count goes on. */
static void next_stamp(int64_t wall_us, uint64_t *ret_ms, unsigned *ret_seq)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t last_ms;
	static unsigned last_seq;
	uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;

	pthread_mutex_lock(&lock);
	if (ms > last_ms) {
		last_ms = ms;
		last_seq = (unsigned)(wall_us % 1000); /* order in the ms */
	} else if (++last_seq > 0xfff) {
		last_ms++;
		last_seq = 0;
	}
	*ret_ms = last_ms;
	*ret_seq = last_seq;
	pthread_mutex_unlock(&lock);
}

void id_new(struct id *ret_id, int64_t wall_us)
{
	char hex[33];
	uint8_t b[16];
	uint64_t ms;
	unsigned seq, i;

	next_stamp(wall_us, &ms, &seq);
	id_random(b + 8, 8);
	for (i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	b[6] = (uint8_t)(0x70 | seq >> 8);
	b[7] = (uint8_t)seq;
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	str_hex(hex, b, sizeof(b));
	memcpy(ret_id->s, hex, 8);
	memcpy(ret_id->s + 9, hex + 8, 4);
	memcpy(ret_id->s + 14, hex + 12, 4);
	memcpy(ret_id->s + 19, hex + 16, 4);
	memcpy(ret_id->s + 24, hex + 20, 12);
	ret_id->s[8] = ret_id->s[13] = ret_id->s[18] = ret_id->s[23] = '-';
	ret_id->s[ID_LEN] = '\0';
}

bool id_ok(const char *s)
{
	size_t i;

	if (!s || strlen(s) != ID_LEN)
		return false;
	for (i = 0; i < ID_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
		} else if (!strchr("0123456789abcdef", s[i])) {
			return false;
		}
	}
	return true;
}
