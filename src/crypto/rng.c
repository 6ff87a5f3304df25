/*
 * rng.c - the randomness of the live daemon. A generator that fails leaves nothing safe to do: keys made without it would be
 * known to others.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>

#include "crypto/crypto.h"

void rng_fill(void *arg, void *out, size_t n)
{
	(void)arg;
	if (n <= INT_MAX && RAND_bytes(out, (int)n) == 1)
		return;
	fputs("s2sd: the random number generator failed\n", stderr);
	abort();
}
