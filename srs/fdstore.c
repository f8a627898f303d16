#include "srs/fdstore.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define BUCKETS 4096u

struct entry {
	struct entry *next;
	char *key;
	int fd;
};

struct fdstore {
	size_t count;
	struct entry *buckets[BUCKETS];
};

/* FNV-1a: keys are ours, nobody outside chooses them. */
static unsigned bucket_of(const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 16777619u;
	return h % BUCKETS;
}

int fdstore_create(struct fdstore **ret_store)
{
	struct fdstore *s = mem_zalloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret_store = s;
	return 0;
}

static void entry_free(struct entry *e)
{
	close(e->fd);
	mem_free(e->key);
	mem_free(e);
}

void fdstore_destroy(struct fdstore **sp)
{
	struct fdstore *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	for (unsigned b = 0; b < BUCKETS; b++) {
		while (s->buckets[b]) {
			struct entry *e = s->buckets[b];

			s->buckets[b] = e->next;
			entry_free(e);
		}
	}
	mem_free(s);
}

static struct entry **find(struct fdstore *s, const char *key)
{
	struct entry **ep = &s->buckets[bucket_of(key)];

	while (*ep && strcmp((*ep)->key, key) != 0)
		ep = &(*ep)->next;
	return ep;
}

int fdstore_put(struct fdstore *s, const char *key, int fd)
{
	struct entry **ep, *e;

	if (!*key)
		return -EINVAL;
	ep = find(s, key);
	if (*ep) {
		close((*ep)->fd);
		(*ep)->fd = fd;
		return 0;
	}
	if (s->count >= FDSTORE_KEYS_MAX)
		return -ENOSPC;
	e = mem_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = mem_strdup(key);
	if (!e->key) {
		mem_free(e);
		return -ENOMEM;
	}
	e->fd = fd;
	*ep = e;
	s->count++;
	return 0;
}

void fdstore_drop(struct fdstore *s, const char *key)
{
	struct entry **ep = find(s, key);
	struct entry *e = *ep;

	if (!e)
		return;
	*ep = e->next;
	s->count--;
	entry_free(e);
}

size_t fdstore_count(const struct fdstore *s)
{
	return s->count;
}

int fdstore_each(struct fdstore *s, fdstore_fn *fn, void *arg)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct entry *e = s->buckets[b]; e; e = e->next) {
			int r = fn(arg, e->key, e->fd);

			if (r)
				return r;
		}
	}
	return 0;
}
