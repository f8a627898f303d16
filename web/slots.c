#include "web/slots.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"

#define TALLY 4096 /* a power of two, twice as many as slots or more */
#define SLOW_READER_US (5 * 1000000LL)

enum phase { WAITS, WORKS, ANSWERS };

struct slot {
	int fd;
	bool cut; /* on its way out: counts no more */
	uint64_t owner;
	enum phase phase;
	int64_t since_us, deadline_us;
	struct slot *next, *prev;
};

struct slots {
	struct slots_config cf; /* fixed */
	uint64_t salt;
	pthread_mutex_t lock;
	/* guarded by lock, with all slots */
	struct slot *first;
	bool closed;
	struct {
		uint64_t owner;
		unsigned n; /* 0: free */
	} tally[TALLY];
};

/* The IPv4 address, or the first half of an IPv6 one: what one peer has. */
static uint64_t owner_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	uint64_t half;
	uint32_t v4;

	if (!sa)
		return 0;
	if (sa->sa_family == AF_INET)
		return in->sin_addr.s_addr;
	if (sa->sa_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(&v4, &in6->sin6_addr.s6_addr[12], sizeof(v4));
		return v4;
	}
	memcpy(&half, in6->sin6_addr.s6_addr, sizeof(half));
	return half ? half : UINT64_MAX; /* ::1 and the like */
}

/* How many are counted for an owner; nobody can choose where that lies. */
static unsigned *tally_of(struct slots *s, uint64_t owner)
{
	uint64_t i = (owner ^ s->salt) * 0x9e3779b97f4a7c15ULL >> 40;

	while (s->tally[i % TALLY].n > 0 && s->tally[i % TALLY].owner != owner)
		i++;
	s->tally[i % TALLY].owner = owner;
	return &s->tally[i % TALLY].n;
}

struct slots *slots_create(const struct slots_config *config)
{
	struct slots *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	ASSERT(config->max <= TALLY / 2);
	s->cf = *config;
	id_random(&s->salt, sizeof(s->salt));
	ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
	return s;
}

void slots_destroy(struct slots **sp)
{
	struct slots *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	ASSERT(!s->first);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

static void cut(struct slot *slot)
{
	slot->cut = true;
	(void)shutdown(slot->fd, SHUT_RDWR); /* may be gone already */
}

/* Longest in this phase, among those of the owner when one is named, else of
 * the owner who has most. Called with the lock. */
static struct slot *longest(struct slots *s, enum phase phase,
			    const uint64_t *owner, int64_t until_us)
{
	struct slot *found = NULL;
	unsigned most = 0, n = 0;

	memset(s->tally, 0, sizeof(s->tally));
	for (struct slot *c = s->first; c && n < TALLY / 2; c = c->next) {
		unsigned *count;

		if (c->cut || c->phase != phase)
			continue;
		count = tally_of(s, c->owner);
		n++;
		if (++*count > most)
			most = *count;
	}
	for (struct slot *c = s->first; c; c = c->next) {
		if (c->cut || c->phase != phase || c->since_us > until_us)
			continue;
		if (owner ? c->owner != *owner : *tally_of(s, c->owner) < most)
			continue;
		if (!found || c->since_us <= found->since_us)
			found = c; /* of equals the last: it came first */
	}
	return found;
}

static bool make_room(struct slots *s, const uint64_t *owner)
{
	int64_t now_us = clock_mono_us(s->cf.clock);
	struct slot *c = longest(s, WAITS, owner, now_us);

	if (!c)
		c = longest(s, ANSWERS, owner, now_us - SLOW_READER_US);
	if (c)
		cut(c);
	return c != NULL;
}

static unsigned max_of(const struct slots *s, const struct sockaddr *sa)
{
	if (s->cf.is_proxy && s->cf.is_proxy(s->cf.arg, sa))
		return s->cf.max;
	return s->cf.max_each;
}

/* At most max_each of this owner and max in all. Called with the lock. */
static bool keep_within(struct slots *s, uint64_t owner, unsigned max_each,
			unsigned max)
{
	unsigned all = 0, each = 0;

	for (const struct slot *c = s->first; c; c = c->next) {
		all += !c->cut;
		each += !c->cut && c->owner == owner;
	}
	if (each > max_each)
		return make_room(s, &owner);
	return all <= max || make_room(s, NULL);
}

bool slots_admit(struct slots *s, const struct sockaddr *sa)
{
	unsigned max = max_of(s, sa);
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = !s->closed && keep_within(s, owner_of(sa), max - 1, s->cf.max - 1);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

struct slot *slots_take(struct slots *s, int fd, const struct sockaddr *sa,
			int64_t deadline_in_us)
{
	struct slot *c = mem_zalloc(sizeof(*c));
	unsigned max = max_of(s, sa);

	if (!c)
		return NULL;
	c->fd = fd;
	c->owner = owner_of(sa);
	c->since_us = clock_mono_us(s->cf.clock);
	c->deadline_us = c->since_us + deadline_in_us;
	pthread_mutex_lock(&s->lock);
	c->next = s->first;
	if (c->next)
		c->next->prev = c;
	s->first = c;
	/* Others may have been admitted since: one too many gives way, at the
	 * latest this one, which waits. */
	(void)keep_within(s, c->owner, max, s->cf.max);
	if (s->closed && !c->cut)
		cut(c);
	pthread_mutex_unlock(&s->lock);
	return c;
}

void slots_give_back(struct slots *s, struct slot **slotp)
{
	struct slot *c = *slotp;

	if (!c)
		return;
	*slotp = NULL;
	pthread_mutex_lock(&s->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&s->lock);
	mem_free(c);
}

static void enter(struct slots *s, struct slot *c, enum phase phase,
		  int64_t deadline_in_us)
{
	int64_t now_us;

	if (!c)
		return;
	now_us = clock_mono_us(s->cf.clock);
	pthread_mutex_lock(&s->lock);
	c->phase = phase;
	c->since_us = now_us;
	if (deadline_in_us)
		c->deadline_us = now_us + deadline_in_us;
	pthread_mutex_unlock(&s->lock);
}

void slot_waits(struct slots *s, struct slot *c, int64_t deadline_in_us)
{
	enter(s, c, WAITS, deadline_in_us);
}

void slot_works(struct slots *s, struct slot *c)
{
	enter(s, c, WORKS, 0);
}

void slot_answers(struct slots *s, struct slot *c, int64_t deadline_in_us)
{
	enter(s, c, ANSWERS, deadline_in_us);
}

void slot_deadline(struct slots *s, struct slot *c, int64_t deadline_in_us)
{
	int64_t at_us = clock_mono_us(s->cf.clock) + deadline_in_us;

	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	c->deadline_us = at_us;
	pthread_mutex_unlock(&s->lock);
}

unsigned slots_reap(struct slots *s)
{
	int64_t now_us = clock_mono_us(s->cf.clock);
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	for (struct slot *c = s->first; c; c = c->next) {
		if (c->cut || c->phase == WORKS || c->deadline_us > now_us)
			continue;
		cut(c);
		n++;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void slots_close(struct slots *s)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	for (struct slot *c = s->first; c; c = c->next)
		if (!c->cut)
			cut(c);
	pthread_mutex_unlock(&s->lock);
}
