/*
 * bench_floor.c GROUP - microseconds of CPU that a handshake cannot do without: one key generation and one derivation, plus 20 for
 * everything else. Medians of rounds; tests/bench/run sets what the daemon takes against it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"

#define ROUNDS 9
#define TIMES 20
#define REST 20.0 /* about 20 HMACs, AES, SHA: 10 to 14; datagrams in and out: 3; the kernel's socket: 3 */

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double round_of(uint16_t group, const struct ke_public *peer)
{
	struct ke_private priv;
	struct ke_public pub;
	struct ke_shared shared;
	double start = now_us();
	for (unsigned i = 0; i < TIMES; i++) {
		if (ke_generate(group, rng_fill, NULL, &priv, &pub) != 0 ||
			ke_derive(&priv, bytes_of(peer->data, peer->len), &shared) != 0) {
			fprintf(stderr, "bench_floor: the key exchange failed\n");
			exit(1);
		}
	}
	double spent = (now_us() - start) / TIMES;
	wipe(&priv, sizeof priv);
	wipe(&shared, sizeof shared);
	return spent;
}

int main(int argc, char **argv)
{
	const char *why;
	const struct alg *group = NULL;
	struct ke_private priv;
	struct ke_public peer;
	double v[ROUNDS];
	if (argc != 2 || !alg_init(&why)) {
		fprintf(stderr, "usage: bench_floor GROUP\n");
		return 2;
	}
	for (unsigned i = 0; alg_row(i) != NULL; i++)
		group = alg_row(i)->type == TRANSFORM_KE && strcmp(alg_row(i)->word, argv[1]) == 0 ? alg_row(i) : group;
	if (group == NULL || ke_generate(group->id, rng_fill, NULL, &priv, &peer) != 0) {
		fprintf(stderr, "bench_floor: %s is no group of this library\n", argv[1]);
		return 2;
	}
	for (unsigned i = 0; i < ROUNDS; i++)
		v[i] = round_of(group->id, &peer);
	qsort(v, ROUNDS, sizeof v[0], ascending);
	printf("%.1f\n", v[ROUNDS / 2] + REST);
	wipe(&priv, sizeof priv);
	return 0;
}
