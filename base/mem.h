/* base/mem.h - the only door to the heap, and small helpers for ownership.
 *
 * Every allocation of the program goes through here, so that a test can make
 * the n-th one fail. Any role, any thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls f(&variable) when the variable leaves its scope. */
#define CLEANUP(f) __attribute__((cleanup(f)))

/* Gives the pointer p away and leaves NULL behind. */
#define STEAL(p)                                                               \
	__extension__({                                                        \
		__typeof__(p) steal_ = (p);                                    \
		(p) = NULL;                                                    \
		steal_;                                                        \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** @return len bytes that the caller frees with mem_free(), or NULL. */
void *mem_alloc(size_t len);

/** The same, all bytes zero. */
void *mem_zalloc(size_t len);

/** n elements of size bytes, zero; NULL also when the product overflows. */
void *mem_calloc(size_t n, size_t size);

/** As realloc(3); on NULL the old block is still the caller's. */
void *mem_realloc(void *p, size_t len);

/** @return a copy of len bytes of p (caller frees), or NULL. */
void *mem_dup(const void *p, size_t len);

/** @return a copy of the string s (caller frees); NULL for NULL. */
char *mem_strdup(const char *s);

/** @return a NUL-terminated copy of len bytes of s (caller frees), or NULL. */
char *mem_strndup(const char *s, size_t len);

/** Takes NULL. */
void mem_free(void *p);

/** For CLEANUP(mem_freep) on a char * or void * variable. */
void mem_freep(void *pp);

/**
 * Tests only: let n more allocations succeed, then fail every one.
 *
 * @param n negative: never fail (the default)
 */
void mem_fail_after(int64_t n);

#endif
