/* util.h - small helpers that every floor shares. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(a)[0])

/* FNV-1a over n bytes, going on from h; the first one begins with HASH_START. Not keyed: what peers choose goes through a
 * struct table, which is. */
#define HASH_START 14695981039346656037u
uint64_t hash_bytes(uint64_t h, const void *p, size_t n);
/* Eight octets at a time, for what is long: ten times as fast. Of this machine's byte order, and not to be gone on from. */
uint64_t hash_words(uint64_t start, const void *octets, size_t n);

/* The word that was probably meant, for "did you mean": at a small edit distance (a swap of neighbours counts once), begun
 * with the text, or sharing most of it; NULL if none is near. Words are in lower case, the text may be in any. */
typedef const char *word_fn(const void *list, unsigned i); /* NULL at the end */
const char *near_word(const char *text, word_fn *word, const void *list);
const char *near_word_in(const char *text, const char *const *list); /* NULL at its end */

#endif
