#include "srs/gate/limit.h"

#include <string.h>

#include "base/str.h"

#define WINDOW_US (10 * 1000000LL)
#define MAX_BAD 200

static int find(const struct gate_limit *l, const char *address)
{
	int i;

	for (i = 0; i < GATE_LIMIT_SLOTS; i++)
		if (l->slots[i].count && str_eq(l->slots[i].address, address))
			return i;
	return -1;
}

bool gate_limit_over(const struct gate_limit *l, const char *address,
		     int64_t mono_us)
{
	int i = find(l, address);

	return i >= 0 && mono_us - l->slots[i].since_us < WINDOW_US &&
	       l->slots[i].count >= MAX_BAD;
}

/* A free slot, or the one that was begun first. */
static int make_room(const struct gate_limit *l)
{
	int i, oldest = 0;

	for (i = 0; i < GATE_LIMIT_SLOTS; i++) {
		if (!l->slots[i].count)
			return i;
		if (l->slots[i].since_us < l->slots[oldest].since_us)
			oldest = i;
	}
	return oldest;
}

void gate_limit_count(struct gate_limit *l, const char *address,
		      int64_t mono_us)
{
	int i = find(l, address);
	struct gate_limit_slot *s;

	s = &l->slots[i >= 0 ? i : make_room(l)];
	if (i < 0 || mono_us - s->since_us >= WINDOW_US) {
		(void)str_copy(s->address, sizeof(s->address), address);
		s->count = 0;
		s->since_us = mono_us;
	}
	s->count++;
}
