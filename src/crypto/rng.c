/*
 * rng.c - the randomness of the live daemon. A generator that fails leaves nothing safe to do: keys made without it would be
 * known to others.
 *
 * Small amounts are cut off a supply: OpenSSL takes most of a microsecond for however few octets, a system call among it, and no
 * more than twice that for a supply that lasts for dozens of times. Each thread has its own. What was given out is wiped in the
 * supply before the caller has it. No process of ours forks without exec while it lives on: a child that went on with the same
 * supply would draw the same numbers.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/rand.h>

#include "crypto/crypto.h"

#define SUPPLY 2048
#define SMALL 64 /* octets: a nonce, a private key of an elliptic curve */

static _Thread_local struct {
	size_t left; /* at the end of data */
	uint8_t data[SUPPLY];
} supply;

static void failed(void)
{
	fputs("s2sd: the random number generator failed\n", stderr);
	abort();
}

static void draw(void *out, size_t n)
{
	if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
		failed();
}

void rng_seed(void *arg, void *out, size_t n)
{
	(void)arg;
	for (uint8_t *p = out; n > 0;) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno != EINTR)
			failed();
		p += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
}

void rng_fill(void *arg, void *out, size_t n)
{
	(void)arg;
	if (n > SMALL) {
		draw(out, n);
		return;
	}
	if (n > supply.left) {
		draw(supply.data, sizeof supply.data);
		supply.left = sizeof supply.data;
	}
	uint8_t *from = supply.data + sizeof supply.data - supply.left;
	memcpy(out, from, n);
	wipe(from, n);
	supply.left -= n;
}
