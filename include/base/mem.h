/*
 * mem.h - memory with a life: the step arena and secrets.
 *
 * arena: bump allocation for everything that lives for one step (parsed payloads, outgoing bytes). Memory is zeroed when handed out,
 *        wiped when reset. An arena has a ceiling; past it arena_alloc returns NULL (the step is refused, nothing is lost).
 * secret: up to SECRET_MAX bytes in a fixed place, wiped at clear, compared in constant time. No function prints one.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct arena {
	struct arena_block *first, *now;
	size_t used, ceiling; /* bytes */
	size_t block;         /* of the next block, at least */
};

void arena_init(struct arena *a, size_t ceiling);
void *arena_alloc(struct arena *a, size_t n);               /* zeroed, aligned for anything; NULL past the ceiling */
void *arena_array(struct arena *a, size_t n, size_t size);  /* overflow-checked */
struct bytes arena_copy(struct arena *a, struct bytes src); /* {NULL,0} when out of room */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* "" when out of room */
void arena_reset(struct arena *a);   /* wipes; keeps a block for the next step */
void arena_release(struct arena *a); /* wipes and frees all */

#define SECRET_MAX 64 /* the longest key there is: HMAC-SHA-512 */

struct secret {
	uint16_t len;
	uint8_t data[SECRET_MAX];
};

void wipe(void *p, size_t n);                               /* never optimised away */
bool same_secret(const void *a, const void *b, size_t n);   /* constant time in n */
bool secret_set(struct secret *s, const void *p, size_t n); /* false (and empty) when n > SECRET_MAX */
void secret_clear(struct secret *s);

/* Dies with a message on stderr when memory is gone: for start-up and long-lived tables, never for sizes a peer chose. */
void *xcalloc(size_t n, size_t size);
void *xrealloc_array(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* text, which may be NULL, takes the place of what *kept has (malloc'd; NULL for none and for ""). false: it is the same. */
bool keep_text(char **kept, const char *text);

#endif
