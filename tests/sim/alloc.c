/*
 * alloc.c - counts the live blocks of memory, so that a world that forgets one is noticed. Under AddressSanitizer its own leak check does that.
 */
#include <stdlib.h>

#include "world.h"

#ifdef __has_feature /* clang's way to say it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
long memory_blocks(void) { return 0; }
#else
static long blocks;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

void *malloc(size_t n)
{
	void *p = __libc_malloc(n);
	blocks += p != NULL;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = __libc_calloc(n, size);
	blocks += p != NULL;
	return p;
}

void *realloc(void *p, size_t n)
{
	void *q = __libc_realloc(p, n);
	blocks += (!p && q) - (p && !n);
	return q;
}

void free(void *p)
{
	blocks -= p != NULL;
	__libc_free(p);
}

long memory_blocks(void) { return blocks; }
#endif
