/*
 * bench_crypto.c - what one key exchange costs us (key generation + derivation) beside what OpenSSL's own EVP_PKEY_keygen +
 * derive costs in the same run. CPU time of this thread; the two run interleaved, because the speed of a shared machine
 * drifts. Medians of rounds. OpenSSL's side gets the quick public check and no second, expensive one, that is, its best.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "crypto/crypto.h"

#define ROUNDS 15

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_crypto: %s failed\n", what);
	exit(1);
}

/* OpenSSL's names; NULL where it has no key generation by name (modp1024). */
static const struct bench_group {
	uint16_t id;
	const char *type, *name;
} groups[] = {
	{ GROUP_MODP_2048, "DH", "modp_2048" },
	{ GROUP_CURVE25519, "X25519", NULL },
	{ GROUP_ECP_256, "EC", "P-256" },
	{ GROUP_ECP_384, "EC", "P-384" },
	{ GROUP_ECP_521, "EC", "P-521" },
	{ GROUP_CURVE448, "X448", NULL },
	{ GROUP_MODP_1536, "DH", "modp_1536" },
	{ GROUP_MODP_3072, "DH", "modp_3072" },
	{ GROUP_MODP_4096, "DH", "modp_4096" },
	{ GROUP_MODP_6144, "DH", "modp_6144" },
	{ GROUP_MODP_8192, "DH", "modp_8192" },
	{ GROUP_MODP_2048_256, "DHX", "dh_2048_256" },
};

static double ours(const struct bench_group *g, const struct ke_public *peer, unsigned n)
{
	struct ke_private priv;
	struct ke_public pub;
	struct ke_shared shared;
	double start = now_us();
	for (unsigned i = 0; i < n; i++) {
		must(!ke_generate(g->id, rng_fill, NULL, &priv, &pub), "ke_generate");
		must(!ke_derive(&priv, bytes_of(peer->data, peer->len), &shared), "ke_derive");
	}
	double spent = (now_us() - start) / n;
	wipe(&priv, sizeof priv);
	wipe(&shared, sizeof shared);
	return spent;
}

static double theirs(EVP_PKEY_CTX *gen, EVP_PKEY *peer, unsigned n)
{
	unsigned char shared[KE_SHARED_MAX];
	double start = now_us();
	for (unsigned i = 0; i < n; i++) {
		EVP_PKEY *key = NULL;
		size_t len = sizeof shared;
		must(EVP_PKEY_keygen(gen, &key) == 1, "EVP_PKEY_keygen");
		EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
		must(EVP_PKEY_public_check_quick(check) == 1, "EVP_PKEY_public_check_quick");
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
		must(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1,
			"EVP_PKEY_derive_set_peer_ex");
		must(EVP_PKEY_derive(ctx, shared, &len) == 1, "EVP_PKEY_derive");
		EVP_PKEY_CTX_free(ctx);
		EVP_PKEY_CTX_free(check);
		EVP_PKEY_free(key);
	}
	return (now_us() - start) / n;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double v[ROUNDS])
{
	qsort(v, ROUNDS, sizeof v[0], ascending);
	return v[ROUNDS / 2];
}

static void bench_group(const struct bench_group *g)
{
	double we[ROUNDS], they[ROUNDS];
	struct ke_private priv;
	struct ke_public peer;
	EVP_PKEY *their_peer = NULL;
	const struct alg *alg = alg_find(TRANSFORM_KE, g->id, 0);
	if (!alg) {
		printf("%-13s not offered by this library\n", g->name ? g->name : g->type);
		return;
	}
	must(!ke_generate(g->id, rng_fill, NULL, &priv, &peer), "ke_generate");
	EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
	must(gen && EVP_PKEY_keygen_init(gen) == 1, "EVP_PKEY_keygen_init");
	must(!g->name || EVP_PKEY_CTX_set_group_name(gen, g->name) == 1, "EVP_PKEY_CTX_set_group_name");
	must(EVP_PKEY_keygen(gen, &their_peer) == 1, "EVP_PKEY_keygen");
	double once = ours(g, &peer, 1);
	unsigned n = once < 2000 ? (unsigned)(4000 / once) + 1 : 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		we[i] = ours(g, &peer, n);
		they[i] = theirs(gen, their_peer, n);
	}
	double a = median(we), b = median(they);
	printf("%-13s %9.1f us  OpenSSL %9.1f us  ratio %.2f\n", alg->word, a, b, a / b);
	EVP_PKEY_free(their_peer);
	EVP_PKEY_CTX_free(gen);
	wipe(&priv, sizeof priv);
}

/* The rest of a handshake: about 20 HMACs, four messages sealed or opened. */
static void bench_rest(void)
{
	uint8_t key[32] = { 1 }, out[PRF_MAX], keys[7 * 32], body[512], plain[200] = { 0 }, head[32] = { 0 };
	struct bytes seed = bytes_of(key, sizeof key);
	struct seal_keys k = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, seed, seed };
	const unsigned n = 2000;
	size_t size = seal_size(&k, sizeof plain);
	double start = now_us();
	for (unsigned i = 0; i < n; i++)
		must(!prf_compute(PRF_HMAC_SHA2_256, seed, &seed, 1, out), "prf");
	double prf_us = (now_us() - start) / n;
	start = now_us();
	for (unsigned i = 0; i < n; i++)
		must(!prf_plus(PRF_HMAC_SHA2_256, seed, &seed, 1, keys, sizeof keys), "prf_plus");
	double plus_us = (now_us() - start) / n;
	start = now_us();
	for (unsigned i = 0; i < n; i++) {
		struct bytes back;
		must(!seal_write(&k, i, bytes_of(head, sizeof head), bytes_of(plain, sizeof plain), body, size), "seal");
		must(!seal_open(&k, bytes_of(head, sizeof head), body, size, &back), "seal_open");
	}
	double seal_us = (now_us() - start) / n;
	printf("prf %.2f us   prf+ for seven keys %.2f us   seal and open 200 octets %.2f us\n", prf_us, plus_us, seal_us);
}

int main(void)
{
	const char *why;
	double start = now_us();
	if (!alg_init(&why)) {
		fprintf(stderr, "bench_crypto: %s\n", why);
		return 1;
	}
	printf("alg_init      %9.1f us, all of OpenSSL's own start included\n", now_us() - start);
	for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++)
		bench_group(&groups[i]);
	bench_rest();
	return 0;
}
