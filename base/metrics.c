/* The registry is one anonymous shared mapping. Slots are only ever added:
 * whoever registers takes the lock, looks for the same name and labels, and
 * otherwise fills the next slot and raises the count last, so that a reader
 * without the lock sees only finished slots. The lock is robust: a role that
 * is killed inside does not block the others. */
#include "base/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define NAME_MAX_BYTES 96
#define LABELS_MAX_BYTES 128
#define HELP_MAX_BYTES 120

struct metric {
	/* fixed once the slot is counted */
	char name[NAME_MAX_BYTES];
	char labels[LABELS_MAX_BYTES];
	char help[HELP_MAX_BYTES];
	enum metric_kind kind;
	/* shared: every role changes, web reads */
	_Atomic int64_t value;
};

struct registry {
	pthread_mutex_t lock; /* guards adding a slot */
	_Atomic uint32_t n;
	struct metric slots[METRICS_MAX + 1]; /* the last: overflow */
};

static struct registry *registry;

static int init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t a;
	int r;

	r = pthread_mutexattr_init(&a);
	if (r)
		return -r;
	(void)pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutex_init(lock, &a);
	(void)pthread_mutexattr_destroy(&a); /* glibc: nothing to free */
	return -r;
}

static void fill(struct metric *m, enum metric_kind kind, const char *name,
		 const char *labels, const char *help)
{
	/* Too long is our own mistake and shows in the output. */
	(void)str_copy(m->name, sizeof(m->name), name);
	(void)str_copy(m->labels, sizeof(m->labels), labels);
	(void)str_copy(m->help, sizeof(m->help), help);
	m->kind = kind;
}

int metrics_setup(void)
{
	struct registry *g;
	int r;

	if (registry)
		return 0;
	g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g == MAP_FAILED)
		return -errno;
	r = init_lock(&g->lock);
	if (r < 0) {
		(void)munmap(g, sizeof(*g)); /* just mapped */
		return r;
	}
	fill(&g->slots[METRICS_MAX], METRIC_GAUGE, "srs_metrics_overflow", "",
	     "Changes of metrics that found no slot.");
	registry = g;
	return 0;
}

static bool same(const struct metric *m, const char *name, const char *labels)
{
	return strncmp(m->name, name, sizeof(m->name) - 1) == 0 &&
	       strncmp(m->labels, labels, sizeof(m->labels) - 1) == 0;
}

static struct metric *find_or_add(enum metric_kind kind, const char *name,
				  const char *labels, const char *help)
{
	uint32_t i, n = atomic_load(&registry->n);

	for (i = 0; i < n; i++) {
		if (same(&registry->slots[i], name, labels))
			return &registry->slots[i];
	}
	if (n == METRICS_MAX)
		return &registry->slots[METRICS_MAX];
	fill(&registry->slots[n], kind, name, labels, help);
	atomic_store(&registry->n, n + 1);
	return &registry->slots[n];
}

struct metric *metric_get(enum metric_kind kind, const char *name,
			  const char *labels, const char *help)
{
	static struct metric dummy;
	struct metric *m;

	if (!registry)
		return &dummy;
	if (pthread_mutex_lock(&registry->lock) == EOWNERDEAD)
		(void)pthread_mutex_consistent(&registry->lock);
	m = find_or_add(kind, name, labels, help);
	pthread_mutex_unlock(&registry->lock);
	return m;
}

void metric_add(struct metric *m, int64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t v)
{
	atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

int64_t metric_value(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

static void print_value(const struct metric *m, struct buf *out)
{
	bool labels = m->labels[0] != '\0';

	(void)buf_printf(out, "%s%s%s%s %lld\n", m->name, labels ? "{" : "",
			 m->labels, labels ? "}" : "",
			 (long long)metric_value(m));
}

/* The format wants all lines of one name together, under one heading. */
static void print_family(uint32_t first, uint32_t n, struct buf *out)
{
	const struct metric *m = &registry->slots[first];
	uint32_t i;

	for (i = 0; i < first; i++) {
		if (strcmp(registry->slots[i].name, m->name) == 0)
			return; /* printed already */
	}
	(void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help,
			 m->name,
			 m->kind == METRIC_COUNTER ? "counter" : "gauge");
	for (i = first; i < n; i++) {
		if (strcmp(registry->slots[i].name, m->name) == 0)
			print_value(&registry->slots[i], out);
	}
}

int metrics_print(struct buf *out)
{
	uint32_t i, n;

	if (!registry)
		return buf_error(out);
	n = atomic_load(&registry->n);
	for (i = 0; i < n; i++)
		print_family(i, n, out);
	if (metric_value(&registry->slots[METRICS_MAX]))
		print_value(&registry->slots[METRICS_MAX], out);
	return buf_error(out);
}
