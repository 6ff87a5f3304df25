/* crypto_help.h - for the tests of the crypto floor: hexadecimal values, a seeded fill function, the registry at hand. */
#ifndef CRYPTO_HELP_H
#define CRYPTO_HELP_H

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "unit.h"

#define HEX_MAX 1200
struct hex {
	size_t n;
	uint8_t v[HEX_MAX];
};

static inline struct hex hex(const char *text)
{
	struct hex h = { .n = strlen(text) / 2 };
	ck_assert(h.n <= HEX_MAX);
	for (size_t i = 0; i < h.n; i++) {
		const char pair[3] = { text[2 * i], text[2 * i + 1], 0 };
		char *end;
		h.v[i] = (uint8_t)strtoul(pair, &end, 16);
		ck_assert_msg(end == pair + 2, "bad hexadecimal at %s", text + 2 * i);
	}
	return h;
}

/* A generator whose stream depends on the seed alone. */
static inline void seeded_fill(void *arg, void *out, size_t n)
{
	uint64_t *state = arg;
	uint8_t *p = out;
	for (size_t i = 0; i < n; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(*state >> 56);
	}
}

static inline void need_algs(void)
{
	const char *why = NULL;
	ck_assert_msg(alg_init(&why), "alg_init: %s", why ? why : "?");
}

#endif
