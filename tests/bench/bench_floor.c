/*
 * bench_floor.c GROUP - microseconds of CPU that a handshake cannot do without: one key generation and one derivation, plus 20
 * for everything else. Medians of rounds; tests/bench/run sets what the daemon takes against it.
 *
 * OpenSSL alone is asked here, never code of ours: what we make slower must not move the mark that we are measured by. What can
 * be made once (contexts, parameters) is made before the clock runs. Of the ways that OpenSSL has for programs the cheapest
 * counts: a fresh key, private octets taken in, the arithmetic without objects around it. The functions of its providers, which
 * the daemon calls for X25519 (src/crypto/provider.c), do not: by them that floor would be a tenth lower. A peer's value is
 * checked as far as RFC 6989 asks: of a safe prime's group the range; a point that is not on the curve is not even read.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#define ROUNDS 9
#define TIMES 20
#define REST 20.0 /* about 20 HMACs, AES, SHA: 10 to 14; datagrams in and out: 3; the kernel's socket: 3 */
#define PUBLIC_MAX 1024
#define RAW_MAX 56 /* X448 */

static const struct group {
	const char *word, *type, *name; /* name: of the parameters; NULL: there are none, the private value is octets */
	BIGNUM *(*prime)(BIGNUM *);     /* of what has no name */
	size_t raw;
} groups[] = {
	{ "modp1024", "DH", NULL, BN_get_rfc2409_prime_1024, 0 },
	{ "modp1536", "DH", "modp_1536", NULL, 0 },
	{ "modp2048", "DH", "modp_2048", NULL, 0 },
	{ "modp3072", "DH", "modp_3072", NULL, 0 },
	{ "modp4096", "DH", "modp_4096", NULL, 0 },
	{ "modp6144", "DH", "modp_6144", NULL, 0 },
	{ "modp8192", "DH", "modp_8192", NULL, 0 },
	{ "modp1024s160", "DHX", "dh_1024_160", NULL, 0 },
	{ "modp2048s224", "DHX", "dh_2048_224", NULL, 0 },
	{ "modp2048s256", "DHX", "dh_2048_256", NULL, 0 },
	{ "ecp256", "EC", "P-256", NULL, 0 },
	{ "ecp384", "EC", "P-384", NULL, 0 },
	{ "ecp521", "EC", "P-521", NULL, 0 },
	{ "x25519", "X25519", NULL, NULL, 32 },
	{ "x448", "X448", NULL, NULL, 56 },
};

/* The same without key objects around it, cheaper again: for curves whose points OpenSSL gives out, and for safe primes. */
struct points {
	EC_GROUP *group;
	EC_POINT *point;
	BN_CTX *ctx;
	BIGNUM *private, *x;
};

struct powers {
	BIGNUM *p, *g, *y, *private;
	BN_MONT_CTX *mont;
	BN_CTX *ctx;
	int bits; /* of a private value of OpenSSL's */
};

struct floor {
	const struct group *group;
	EVP_PKEY *params;    /* NULL where there are none */
	EVP_PKEY_CTX *maker; /* of keys */
	EVP_PKEY *theirs;    /* the peer's value is read into it */
	struct points ec;    /* EC */
	struct powers dh;    /* DH, but DHX */
	unsigned char value[PUBLIC_MAX];
	size_t value_n;
};

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_floor: %s failed\n", what);
	exit(1);
}

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

/* ---------------------------------------------------------------- what is made once */

static EVP_PKEY *parameters(const struct group *g)
{
	EVP_PKEY *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *p = g->prime ? g->prime(NULL) : NULL, *two = BN_new();
	need(b && ctx && two && BN_set_word(two, 2), "memory");
	if (g->name)
		need(OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, g->name, 0), "a name");
	else
		need(p && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, p) &&
				OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, two),
			"a prime");
	OSSL_PARAM *all = OSSL_PARAM_BLD_to_param(b);
	need(all && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &params, EVP_PKEY_KEY_PARAMETERS, all) == 1,
		g->word);
	OSSL_PARAM_free(all);
	OSSL_PARAM_BLD_free(b);
	BN_free(p);
	BN_free(two);
	EVP_PKEY_CTX_free(ctx);
	return params;
}

static size_t public_value(EVP_PKEY *key, unsigned char *out)
{
	size_t n = 0;
	need(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out, PUBLIC_MAX, &n), "a public value");
	return n;
}

static EVP_PKEY *fresh_key(struct floor *f)
{
	EVP_PKEY *key = NULL;
	need(EVP_PKEY_keygen(f->maker, &key) == 1, "key generation");
	return key;
}

static void prepare_points(struct floor *f)
{
	f->ec.group = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(f->group->name));
	f->ec.point = f->ec.group != NULL ? EC_POINT_new(f->ec.group) : NULL;
	f->ec.ctx = BN_CTX_new();
	f->ec.private = BN_secure_new();
	f->ec.x = BN_new();
	need(f->ec.point && f->ec.ctx && f->ec.private && f->ec.x, f->group->word);
}

static void prepare_powers(struct floor *f)
{
	struct powers *d = &f->dh;
	d->y = BN_new();
	d->mont = BN_MONT_CTX_new();
	d->ctx = BN_CTX_new();
	need(EVP_PKEY_get_bn_param(f->params, OSSL_PKEY_PARAM_FFC_P, &d->p) &&
			EVP_PKEY_get_bn_param(f->params, OSSL_PKEY_PARAM_FFC_G, &d->g) &&
			EVP_PKEY_get_bn_param(f->theirs, OSSL_PKEY_PARAM_PRIV_KEY, &d->private),
		f->group->word);
	d->bits = BN_num_bits(d->private);
	need(d->y && d->mont && d->ctx && BN_MONT_CTX_set(d->mont, d->p, d->ctx), f->group->word);
}

static void prepare(struct floor *f, const struct group *g)
{
	f->group = g;
	f->params = g->raw ? NULL : parameters(g);
	f->maker = g->raw ? EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL) : EVP_PKEY_CTX_new_from_pkey(NULL, f->params, NULL);
	need(f->maker && EVP_PKEY_keygen_init(f->maker) == 1, g->word);
	f->theirs = fresh_key(f); /* a private value in it is never looked at */
	f->value_n = public_value(f->theirs, f->value);
	if (strcmp(g->type, "EC") == 0)
		prepare_points(f);
	else if (strcmp(g->type, "DH") == 0)
		prepare_powers(f);
}

/* ---------------------------------------------------------------- what is timed */

static EVP_PKEY *from_octets(struct floor *f)
{
	unsigned char priv[RAW_MAX];
	need(RAND_bytes(priv, (int)f->group->raw) == 1, "randomness");
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, f->group->type, NULL, priv, f->group->raw);
	need(key != NULL, "a private value");
	return key;
}

static double generation(struct floor *f, EVP_PKEY *(*way)(struct floor *f), EVP_PKEY *keys[TIMES])
{
	unsigned char value[PUBLIC_MAX];
	double start = now_us();
	for (unsigned i = 0; i < TIMES; i++) {
		keys[i] = way(f);
		public_value(keys[i], value);
	}
	return (now_us() - start) / TIMES;
}

static bool is_modp(const struct group *g) { return g->type[0] == 'D'; }

static double derivation(struct floor *f, EVP_PKEY *keys[TIMES])
{
	unsigned char secret[PUBLIC_MAX];
	double start = now_us();
	for (unsigned i = 0; i < TIMES; i++) {
		size_t n = sizeof secret;
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, keys[i], NULL);
		need(EVP_PKEY_set1_encoded_public_key(f->theirs, f->value, f->value_n) == 1, "a peer's value");
		EVP_PKEY_CTX *peer = is_modp(f->group) ? EVP_PKEY_CTX_new_from_pkey(NULL, f->theirs, NULL) : NULL;
		need(!is_modp(f->group) || EVP_PKEY_public_check_quick(peer) == 1, "the check");
		need(ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, f->theirs, 0) == 1 &&
				EVP_PKEY_derive(ctx, secret, &n) == 1,
			"the derivation");
		EVP_PKEY_CTX_free(peer);
		EVP_PKEY_CTX_free(ctx);
	}
	return (now_us() - start) / TIMES;
}

static double by_points(const struct floor *f)
{
	const struct points *e = &f->ec;
	unsigned char value[PUBLIC_MAX];
	double start = now_us();
	for (unsigned i = 0; i < TIMES; i++) {
		BN_set_flags(e->private, BN_FLG_CONSTTIME);
		need(BN_priv_rand_range(e->private, EC_GROUP_get0_order(e->group)) &&
				EC_POINT_mul(e->group, e->point, e->private, NULL, NULL, e->ctx) &&
				EC_POINT_point2oct(
					e->group, e->point, POINT_CONVERSION_UNCOMPRESSED, value, sizeof value, e->ctx) > 0,
			"key generation");
		need(EC_POINT_oct2point(e->group, e->point, f->value, f->value_n, e->ctx) &&
				EC_POINT_mul(e->group, e->point, NULL, e->point, e->private, e->ctx) &&
				EC_POINT_get_affine_coordinates(e->group, e->point, e->x, NULL, e->ctx),
			"the derivation");
	}
	return (now_us() - start) / TIMES;
}

static double by_powers(const struct floor *f)
{
	const struct powers *d = &f->dh;
	unsigned char value[PUBLIC_MAX];
	double start = now_us();
	for (unsigned i = 0; i < TIMES; i++) {
		BN_set_flags(d->private, BN_FLG_CONSTTIME);
		need(BN_priv_rand(d->private, d->bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
				BN_mod_exp_mont_consttime(d->y, d->g, d->private, d->p, d->ctx, d->mont) &&
				BN_bn2binpad(d->y, value, (int)f->value_n) > 0,
			"key generation");
		need(BN_bin2bn(f->value, (int)f->value_n, d->y) && BN_cmp(d->y, BN_value_one()) > 0 && BN_cmp(d->y, d->p) < 0 &&
				BN_mod_exp_mont_consttime(d->y, d->y, d->private, d->p, d->ctx, d->mont) &&
				BN_bn2binpad(d->y, value, (int)f->value_n) > 0,
			"the derivation");
	}
	return (now_us() - start) / TIMES;
}

static double round_of(struct floor *f)
{
	EVP_PKEY *keys[TIMES], *more[TIMES];
	double made = generation(f, fresh_key, keys), taken = f->group->raw ? generation(f, from_octets, more) : made;
	double spent = (made < taken ? made : taken) + derivation(f, keys);
	for (unsigned i = 0; i < TIMES; i++) {
		EVP_PKEY_free(keys[i]);
		if (f->group->raw)
			EVP_PKEY_free(more[i]);
	}
	double bare = f->ec.group != NULL ? by_points(f) : f->dh.mont != NULL ? by_powers(f) : spent;
	return bare < spent ? bare : spent;
}

static void release(struct floor *f)
{
	EC_GROUP_free(f->ec.group);
	EC_POINT_free(f->ec.point);
	BN_CTX_free(f->ec.ctx);
	BN_free(f->ec.private);
	BN_free(f->ec.x);
	EVP_PKEY_free(f->theirs);
	EVP_PKEY_free(f->params);
	EVP_PKEY_CTX_free(f->maker);
	BN_free(f->dh.p);
	BN_free(f->dh.g);
	BN_free(f->dh.y);
	BN_clear_free(f->dh.private);
	BN_MONT_CTX_free(f->dh.mont);
	BN_CTX_free(f->dh.ctx);
}

int main(int argc, char **argv)
{
	const struct group *group = NULL;
	struct floor f = { 0 };
	double v[ROUNDS];
	for (unsigned i = 0; argc == 2 && i < sizeof groups / sizeof groups[0]; i++)
		group = strcmp(groups[i].word, argv[1]) == 0 ? &groups[i] : group;
	if (group == NULL) {
		fprintf(stderr, "usage: bench_floor GROUP (as in ike-proposals)\n");
		return 2;
	}
	prepare(&f, group);
	for (unsigned i = 0; i < ROUNDS; i++)
		v[i] = round_of(&f);
	qsort(v, ROUNDS, sizeof v[0], ascending);
	printf("%.1f\n", v[ROUNDS / 2] + REST);
	release(&f);
	return 0;
}
