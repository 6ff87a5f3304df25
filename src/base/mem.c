/* mem.c - the step arena, secrets, and allocation that does not come back when memory is gone. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 16384  /* holds an ordinary IKE message with all its structs */
#define BLOCK_KEPT 262144 /* a larger one is not kept for the next step */

struct arena_block {
	struct arena_block *next;
	size_t cap, used;
	alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t ceiling) { *a = (struct arena){ .ceiling = ceiling, .block = BLOCK_SIZE }; }

static struct arena_block *add_block(struct arena *a, size_t n)
{
	size_t least = a->block > 0 ? a->block : BLOCK_SIZE, cap = n > least ? n : least;
	struct arena_block *b = calloc(1, sizeof *b + cap);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	if (a->now != NULL)
		a->now->next = b;
	else
		a->first = b;
	a->now = b;
	return b;
}

/* Blocks are zero from calloc and from the wipe in arena_reset, so what is handed out is zero without a pass here. */
void *arena_alloc(struct arena *a, size_t n)
{
	const size_t unit = alignof(max_align_t);
	if (n > a->ceiling)
		return NULL;
	n = n > 0 ? (n + unit - 1) / unit * unit : unit;
	if (a->used > a->ceiling || n > a->ceiling - a->used)
		return NULL;

	struct arena_block *b = a->now;
	if (b == NULL || n > b->cap - b->used)
		b = add_block(a, n);
	if (b == NULL)
		return NULL;
	void *p = b->data + b->used;
	b->used += n;
	a->used += n;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;
	return __builtin_mul_overflow(n, size, &total) ? NULL : arena_alloc(a, total);
}

struct bytes arena_copy(struct arena *a, struct bytes src)
{
	uint8_t *p = arena_alloc(a, src.n);
	if (p == NULL)
		return (struct bytes){ 0 };
	if (src.n > 0)
		memcpy(p, src.p, src.n);
	return bytes_of(p, src.n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	static char empty[1];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
	if (text == NULL)
		return empty;
	va_start(args, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return text;
}

static void free_blocks(struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *next = b->next;
		wipe(b->data, b->used);
		free(b);
		b = next;
	}
}

/* What a step needed in several blocks the next one like it finds in one: to make and to give back large ones costs more than the rest of a short step. */
static void grow(struct arena *a)
{
	size_t all = 0;
	for (const struct arena_block *b = a->first; b != NULL; b = b->next)
		all += b->cap;
	if (all > BLOCK_KEPT)
		return;
	a->block = all;
	free_blocks(a->first);
	a->first = a->now = NULL;
}

void arena_reset(struct arena *a)
{
	if (a->first != NULL && a->first->next != NULL)
		grow(a);
	a->used = 0;
	a->now = a->first;
	if (a->first == NULL)
		return;
	free_blocks(a->first->next);
	a->first->next = NULL;
	wipe(a->first->data, a->first->used);
	a->first->used = 0;
}

void arena_release(struct arena *a)
{
	free_blocks(a->first);
	arena_init(a, a->ceiling);
}

void wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

bool same_secret(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;
	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

bool secret_set(struct secret *s, const void *p, size_t n)
{
	uint8_t copy[SECRET_MAX]; /* p may point into s */
	if (n > SECRET_MAX) {
		secret_clear(s);
		return false;
	}
	if (n > 0)
		memcpy(copy, p, n);
	secret_clear(s);
	if (n > 0)
		memcpy(s->data, copy, n);
	s->len = (uint16_t)n;
	wipe(copy, n);
	return true;
}

void secret_clear(struct secret *s) { wipe(s, sizeof *s); }

static _Noreturn void die(size_t n, size_t size)
{
	fprintf(stderr, "s2sd: out of memory (%zu x %zu bytes)\n", n, size);
	abort();
}

/* Bytes of the whole; never 0, so that NULL always means failure. */
static size_t total_size(size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		die(n, size);
	return total > 0 ? total : 1;
}

#define FRESH \
	1024 /* octets: from here on calloc may know that they are zero; below, glibc's passes over what the thread has just freed */

void *xcalloc(size_t n, size_t size)
{
	size_t total = total_size(n, size);
	void *p = total < FRESH ? malloc(total) : calloc(1, total);
	if (p == NULL)
		die(n, size);
	return total < FRESH ? memset(p, 0, total) : p;
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
	p = realloc(p, total_size(n, size));
	if (p == NULL)
		die(n, size);
	return p;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	return memcpy(xcalloc(n, 1), s, n);
}

bool keep_text(char **kept, const char *text)
{
	if (text != NULL && text[0] == 0)
		text = NULL;
	if (text == NULL || *kept == NULL ? text == *kept : strcmp(*kept, text) == 0)
		return false;
	free(*kept);
	*kept = text != NULL ? xstrdup(text) : NULL;
	return true;
}
