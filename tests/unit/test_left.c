/*
 * test_left.c - what stays in OpenSSL's memory when we have computed something: nothing of keys, texts and private values, neither in what it
 * holds nor in what it has freed meanwhile. But for one thing that is not ours to wipe: see private_values_go.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/lib.h"
#include "crypto_help.h"

#define BLOCK_MAX 128
#define TEXT_MAX 300

static size_t block_of(const struct lib_alg *row) { return row->alg.key_bytes > 32 ? BLOCK_MAX : 64; }

static void fill(uint8_t *p, size_t n, uint64_t seed) { seeded_fill(&seed, p, n); }

struct held {
	struct held *next, **from;
	size_t n;
	uint64_t even; /* what follows is aligned as malloc's */
};
static struct held *all_held, *all_freed;
static bool keeps_freed; /* to be looked at later */

static void *hold(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	struct held *h = n ? calloc(1, sizeof *h + n) : NULL;
	if (!h)
		return NULL;
	*h = (struct held){ all_held, &all_held, n, 0 };
	if (h->next)
		h->next->from = &h->next;
	all_held = h;
	return h + 1;
}

static void let_go(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	struct held *h = p ? (struct held *)p - 1 : NULL;
	if (!h)
		return;
	*h->from = h->next;
	if (h->next)
		h->next->from = h->from;
	h->next = all_freed;
	if (keeps_freed)
		all_freed = h;
	else
		free(h);
}

static void *hold_more(void *p, size_t n, const char *file, int line)
{
	void *fresh = hold(n, file, line);
	if (p && fresh) {
		size_t had = ((struct held *)p - 1)->n;
		memcpy(fresh, p, had < n ? had : n);
	}
	if (fresh || n == 0)
		let_go(p, file, line);
	return fresh;
}

/* Only what has taken nothing yet lets its memory be looked after. */
__attribute__((constructor)) static void watch(void)
{
	if (!CRYPTO_set_mem_functions(hold, hold_more, let_go))
		abort();
}

static void forget_freed(void)
{
	for (struct held *h; (h = all_freed) != NULL;) {
		all_freed = h->next;
		free(h);
	}
}

static bool is_in(const struct held *h, const uint8_t *p, size_t n)
{
	for (; h; h = h->next)
		if (memmem(h + 1, h->n, p, n))
			return true;
	return false;
}

static bool is_held(const uint8_t *p, size_t n) { return is_in(all_held, p, n); }

static const uint8_t *turned(const uint8_t *p, size_t word, size_t n)
{
	static uint8_t words[PRF_MAX];
	for (size_t i = 0; i < n; i++)
		words[i] = p[i / word * word + word - 1 - i % word];
	return words;
}

/* As the digest's state has it: words of the processor. */
static bool is_held_as_words(const uint8_t *p, size_t word, size_t n) { return is_held(turned(p, word, n), n); }

static void inner_of(const struct lib_alg *row, const uint8_t *pad, struct bytes text, uint8_t out[PRF_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_MD *md = EVP_MD_fetch(NULL, row->name, NULL);
	ck_assert(EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, pad, block_of(row)) &&
		  EVP_DigestUpdate(ctx, text.p, text.n) && EVP_DigestFinal_ex(ctx, out, NULL));
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
}

START_TEST(nothing_is_left)
{
	uint8_t key[32], text[TEXT_MAX], out[PRF_MAX], inner[PRF_MAX], pads[2][BLOCK_MAX];
	const struct alg *a;
	need_algs();
	fill(key, sizeof key, 3);
	fill(text, sizeof text, 4);
	for (unsigned i = 0; i < BLOCK_MAX; i++) {
		pads[0][i] = (i < sizeof key ? key[i] : 0) ^ 0x36;
		pads[1][i] = (i < sizeof key ? key[i] : 0) ^ 0x5c;
	}
	for (unsigned r = 0; (a = alg_row(r)); r++) {
		const struct lib_alg *row = a->type == TRANSFORM_PRF || a->type == TRANSFORM_INTEG ? lib_find(a->type, a->id, 0)
												   : NULL;
		if (row == NULL)
			continue;
		struct bytes part = bytes_of(text, sizeof text);
		size_t word = block_of(row) / 16;
		inner_of(row, pads[0], part, inner);
		ck_assert_int_eq(mac_compute(row, bytes_of(key, sizeof key), &part, 1, out), ERR_OK);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_msg(!is_held(pads[i], 16), "%s: the key", row->name);
		ck_assert_msg(!is_held(inner, 16) && !is_held_as_words(inner, word, 16), "%s: the inner digest", row->name);
		ck_assert_msg(!is_held(out, 16) && !is_held_as_words(out, word, 16), "%s: the outer digest", row->name);
		ck_assert_msg(!is_held(text + sizeof text - 16, 16), "%s: the text", row->name);
	}
}
END_TEST

static uint8_t given[KE_PRIVATE_MAX + 16];

static void give(void *arg, void *p, size_t n)
{
	(void)arg;
	ck_assert_uint_le(n, sizeof given);
	rng_fill(NULL, given, n);
	memcpy(p, given, n);
}

static void give_again(void *arg, void *p, size_t n)
{
	(void)arg;
	ck_assert_uint_le(n, sizeof given);
	memcpy(p, given, n);
}

/* OpenSSL's own code for these curves (P-384: of newer ones) turns the value's octets round, and frees them as they are. */
static bool is_freed_by_openssl(uint16_t group)
{
	return group == GROUP_ECP_256 || group == GROUP_ECP_384 || group == GROUP_ECP_521;
}

static void check_left(uint16_t group, const struct ke_private *priv, const struct ke_shared *shared)
{
	ck_assert_msg(!is_held(given + 4, 16), "group %u", group);
	ck_assert_msg(!is_held_as_words(priv->data, 16, 16), "group %u", group);
	ck_assert_msg(!is_held(shared->data, 16), "group %u: what is shared", group);
	ck_assert_msg(!is_in(all_freed, given + 4, 16), "group %u: freed", group);
	bool freed = is_in(all_freed, turned(priv->data, 16, 16), 16);
	ck_assert_msg(!freed || is_freed_by_openssl(group), "group %u: words freed", group);
	ck_assert_msg(!is_in(all_freed, shared->data, 16), "group %u: what is shared was freed", group);
	ck_assert_msg(!is_in(all_freed, turned(shared->data, 16, 16), 16), "group %u: words of what is shared were freed", group);
	forget_freed();
}

/* The private value of each group, as octets and as the words of a big number. */
START_TEST(private_values_go)
{
	unsigned groups = 0;
	need_algs();
	const struct alg *a;
	for (unsigned r = 0; (a = alg_row(r)); r++) {
		struct ke_private priv, theirs;
		struct ke_public pub, peer;
		struct ke_shared shared;
		if (a->type != TRANSFORM_KE || a->key_bytes > 256 || ke_generate(a->id, rng_fill, NULL, &theirs, &peer) != ERR_OK)
			continue;
		groups++;
		struct bytes to = bytes_of(peer.data, peer.len);
		for (unsigned way = 0; way < 2; way++) {
			keeps_freed = true;
			int err = way ? ke_accept(a->id, give_again, NULL, to, &pub, &shared) /* the same one */
				      : ke_generate(a->id, give, NULL, &priv, &pub);
			ck_assert_int_eq(err, ERR_OK);
			if (!way)
				ck_assert_int_eq(ke_derive(&priv, to, &shared), ERR_OK);
			keeps_freed = false;
			check_left(a->id, &priv, &shared);
		}
	}
	ck_assert_uint_ge(groups, 8);
}
END_TEST

/* The key of each cipher, which is the beginning of what OpenSSL makes of it, and the text. */
START_TEST(keys_of_ciphers_go)
{
	unsigned ciphers = 0;
	need_algs();
	const struct alg *a;
	for (unsigned r = 0; (a = alg_row(r)); r++) {
		uint8_t key[64], text[48], body[160];
		struct bytes plain;
		if (a->type != TRANSFORM_ENCR)
			continue;
		ciphers++;
		fill(key, sizeof key, 5);
		fill(text, sizeof text, 6);
		struct seal_keys k = {
			.encr = a->id, .keylen = a->keylen, .integ = a->aead ? INTEG_NONE : INTEG_HMAC_SHA2_256_128
		};
		k.e = bytes_of(key, seal_key_bytes(k.encr, k.keylen));
		k.a = bytes_of(key + 32, a->aead ? 0 : 32);
		size_t n = seal_size(&k, sizeof text);
		ck_assert_uint_le(n, sizeof body);
		ck_assert_int_eq(seal_write(&k, 1, bytes_of("head", 4), bytes_of(text, sizeof text), body, n), ERR_OK);
		ck_assert_msg(!is_held(key, 16) && !is_held_as_words(key, 4, 16) && !is_held(text + 32, 16), "%s", a->word);
		ck_assert_int_eq(seal_open(&k, bytes_of("head", 4), body, n, &plain), ERR_OK);
		ck_assert_msg(!is_held(key, 16) && !is_held_as_words(key, 4, 16) && !is_held(text + 32, 16), "%s", a->word);
	}
	ck_assert_uint_ge(ciphers, 6);
}
END_TEST

UNIT_MAIN("left", nothing_is_left, private_values_go, keys_of_ciphers_go)
