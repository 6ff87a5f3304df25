/* util.c - see util.h. */
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	for (const uint8_t *b = p, *end = b + n; b < end; b++)
		h = (h ^ *b) * 1099511628211u;
	return h;
}

/* Four chains that do not wait for each other. Not a loop over an array of them, which the compiler makes vectors of: the multiplication of those is
 * put together from smaller ones. */
static inline uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static inline uint64_t word_at(const uint8_t *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	return w;
}

uint64_t hash_words(uint64_t start, const void *octets, size_t n)
{
	const uint8_t *p = octets;
	uint64_t a = start, b = start ^ 1, c = start ^ 2, d = start ^ 3;
	const size_t all = n;
	for (; n >= 32; p += 32, n -= 32) {
		a = mix(a, word_at(p));
		b = mix(b, word_at(p + 8));
		c = mix(c, word_at(p + 16));
		d = mix(d, word_at(p + 24));
	}
	for (; n >= 8; p += 8, n -= 8)
		a = mix(a, word_at(p));
	for (; n > 0; p++, n--)
		b = mix(b, *p);
	return mix(mix(mix(mix(all, a), b), c), d);
}

/* --- the nearest word: edit distance where a swap of neighbours counts once --- */
#define NEAR_MAX 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

static bool same_letter(char a, char b)
{
	return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; /* b is a word of ours, in lower case */
}

static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned rows[3][NEAR_MAX + 1];
	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = min3(before[j] + 1, now[j - 1] + 1, before[j - 1] + !same_letter(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]) &&
				earlier[j - 2] + 1 < now[j])
				now[j] = earlier[j - 2] + 1;
		}
	}
	return rows[n % 3][m];
}

/* "lifetime" for ike-lifetime, "inside-address" for inside: the word that shares most. */
static const char *sharing_word(const char *text, word_fn *word, const void *list)
{
	const char *best = NULL, *w;
	size_t most = 3, n = strlen(text); /* less says nothing */
	for (unsigned i = 0; (w = word(list, i)) != NULL; i++) {
		size_t m = strlen(w), shared = n < m ? n : m;
		if (shared <= most || (strcasestr(w, text) == NULL && strcasestr(text, w) == NULL))
			continue;
		most = shared;
		best = w;
	}
	return best;
}

const char *near_word(const char *text, word_fn *word, const void *list)
{
	const char *best = NULL, *w;
	size_t n = strlen(text);
	unsigned limit = n <= 3 ? 1 : n <= 8 ? 2 : 3; /* further away it would be a guess */
	for (unsigned i = 0; (w = word(list, i)) != NULL; i++) {
		unsigned d = distance(text, w);
		if (d > limit && n >= 3 && strncasecmp(text, w, n) == 0) /* what was only begun is near as well */
			d = limit;
		if (d < limit || (d == limit && best == NULL)) {
			best = w;
			limit = d;
		}
	}
	return best != NULL ? best : sharing_word(text, word, list);
}

static const char *listed(const void *list, unsigned i) { return ((const char *const *)list)[i]; }

const char *near_word_in(const char *text, const char *const *list) { return near_word(text, listed, list); }
