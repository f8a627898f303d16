#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Allocations that may still succeed; negative = no limit. */
static _Atomic int64_t mem_left = -1;

static bool mem_may_fail_now(void)
{
	int64_t left;

	left = atomic_load_explicit(&mem_left, memory_order_relaxed);
	if (left < 0)
		return false;
	if (left == 0)
		return true;
	atomic_fetch_sub_explicit(&mem_left, 1, memory_order_relaxed);
	return false;
}

void *mem_alloc(size_t len)
{
	if (mem_may_fail_now())
		return NULL;
	return malloc(len ? len : 1);
}

void *mem_zalloc(size_t len)
{
	return mem_calloc(1, len);
}

void *mem_calloc(size_t n, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(n, size, &len) || mem_may_fail_now())
		return NULL;
	return calloc(1, len ? len : 1);
}

void *mem_realloc(void *p, size_t len)
{
	if (mem_may_fail_now())
		return NULL;
	return realloc(p, len ? len : 1);
}

void *mem_dup(const void *p, size_t len)
{
	void *copy;

	copy = mem_alloc(len);
	if (copy && len)
		memcpy(copy, p, len);
	return copy;
}

char *mem_strdup(const char *s)
{
	return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = mem_alloc(len + 1);
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void mem_free(void *p)
{
	free(p);
}

void mem_freep(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p)); /* pp is the address of any pointer type */
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof(p));
}

void mem_fail_after(int64_t n)
{
	atomic_store_explicit(&mem_left, n, memory_order_relaxed);
}
