/*
 * seal.c - the body of SK{} and SKF{}: IV | ciphertext (plain, padding, pad length) | ICV. RFC 7296 3.14, RFC 5282.
 */
#include <string.h>

#include <openssl/err.h>

#include "lib.h"

#define BLOCK_MAX 16
#define TAG_MAX 32
#define NONCE_LEN 12 /* AEAD: 4 octets salt, 8 octets explicit IV */
#define SALT_LEN 4
#define IV_LEN 8

struct algs {
	const struct lib_alg *encr, *integ; /* integ NULL for AEAD */
	size_t iv, block, icv;
};

static bool find_algs(const struct seal_keys *k, struct algs *a)
{
	a->encr = lib_find(TRANSFORM_ENCR, k->encr, k->keylen);
	a->integ = NULL;
	if (!a->encr)
		return false;
	a->iv = a->encr->alg.iv_bytes;
	a->block = a->encr->alg.block_bytes;
	a->icv = a->encr->alg.icv_bytes;
	if (a->encr->alg.aead) {
		a->block = 1; /* RFC 5282 3: no padding is needed */
		return k->integ == INTEG_NONE;
	}
	a->integ = lib_find(TRANSFORM_INTEG, k->integ, 0);
	if (a->integ)
		a->icv = a->integ->alg.icv_bytes;
	return a->integ != NULL;
}

static bool keys_fit(const struct seal_keys *k, const struct algs *a)
{
	return k->e.n == a->encr->alg.key_bytes + a->encr->alg.salt_bytes && (!a->integ || k->a.n == a->integ->alg.key_bytes);
}

size_t seal_key_bytes(uint16_t encr, uint16_t keylen)
{
	const struct alg *a = alg_find(TRANSFORM_ENCR, encr, keylen);
	return a ? a->key_bytes + (size_t)a->salt_bytes : 0;
}

size_t integ_key_bytes(uint16_t integ)
{
	const struct alg *a = alg_find(TRANSFORM_INTEG, integ, 0);
	return a ? a->key_bytes : 0;
}

static size_t padded_size(const struct algs *a, size_t n) { return (n + 1 + a->block - 1) / a->block * a->block; }

size_t seal_size(const struct seal_keys *k, size_t n)
{
	struct algs a;
	if (!find_algs(k, &a) || n > IKE_MESSAGE_MAX)
		return 0;
	return a.iv + padded_size(&a, n) + a.icv;
}

static void put_counter(uint8_t *last_octet, uint64_t v)
{
	for (unsigned i = 0; i < IV_LEN; i++, v >>= 8)
		*(last_octet - i) = (uint8_t)v;
}

/* One pass over counter block | plaintext with a zero IV: the first block out is the counter encrypted under the key, an IV
 * that cannot be predicted (SP 800-38A appendix C), and the rest is chained to it exactly as that IV demands. */
static bool cbc_encrypt(const struct seal_keys *k, const struct algs *a, uint64_t counter, uint8_t *text, size_t n)
{
	static const uint8_t zero_iv[BLOCK_MAX];
	memset(text, 0, a->iv);
	put_counter(text + a->iv - 1, counter);
	return cipher_cbc(a->encr->cipher, true, k->e, bytes_of(zero_iv, a->iv), text, n);
}

/* The ICV covers the message from its first octet to the end of the ciphertext. */
static bool icv_make(const struct seal_keys *k, const struct algs *a, struct bytes head, struct bytes body, uint8_t icv[PRF_MAX])
{
	struct bytes parts[] = { head, body };
	return mac_compute(a->integ, k->a, parts, 2, icv) == ERR_OK;
}

static bool cbc_seal(
	const struct seal_keys *k, const struct algs *a, uint64_t counter, struct bytes head, uint8_t *body, size_t text)
{
	uint8_t icv[PRF_MAX];
	bool ok = cbc_encrypt(k, a, counter, body, a->iv + text) && icv_make(k, a, head, bytes_of(body, a->iv + text), icv);
	if (ok)
		memcpy(body + a->iv + text, icv, a->icv);
	wipe(icv, sizeof icv);
	return ok;
}

/* RFC 5282 4: nonce = salt | explicit IV, the salt is the end of the key. */
static struct bytes aead_key(const struct seal_keys *k, const struct algs *a) { return bytes_of(k->e.p, a->encr->alg.key_bytes); }

static struct bytes aead_nonce(const struct seal_keys *k, const struct algs *a, const uint8_t *iv, uint8_t nonce[NONCE_LEN])
{
	memcpy(nonce, k->e.p + a->encr->alg.key_bytes, SALT_LEN);
	memcpy(nonce + SALT_LEN, iv, IV_LEN);
	return bytes_of(nonce, NONCE_LEN);
}

static bool aead_seal(
	const struct seal_keys *k, const struct algs *a, uint64_t counter, struct bytes head, uint8_t *body, size_t text)
{
	uint8_t nonce[NONCE_LEN];
	put_counter(body + IV_LEN - 1, counter);
	return cipher_seal(a->encr->cipher, aead_key(k, a), aead_nonce(k, a, body, nonce), head, body + a->iv, text,
		body + a->iv + text, a->icv);
}

int seal_write(
	const struct seal_keys *k, uint64_t iv_counter, struct bytes head, struct bytes plain, uint8_t *body, size_t body_size)
{
	struct algs a;
	if (!find_algs(k, &a) || !keys_fit(k, &a))
		return ERR_UNSUPPORTED;
	if (plain.n > IKE_MESSAGE_MAX || head.n > IKE_MESSAGE_MAX || body_size != seal_size(k, plain.n))
		return ERR_NO_ROOM;
	size_t text = padded_size(&a, plain.n), padding = text - plain.n - 1;
	if (plain.n)
		memmove(body + a.iv, plain.p, plain.n);
	memset(body + a.iv + plain.n, 0, padding);
	body[a.iv + text - 1] = (uint8_t)padding;
	if (a.integ ? cbc_seal(k, &a, iv_counter, head, body, text) : aead_seal(k, &a, iv_counter, head, body, text))
		return ERR_OK;
	wipe(body, body_size); /* it may hold the plaintext */
	ERR_clear_error();
	return ERR_CRYPTO;
}

/* The ICV is checked before anything is decrypted: a wrong padding can be seen by nobody but the holder of the keys. */
static int cbc_open(const struct seal_keys *k, const struct algs *a, struct bytes head, uint8_t *body, size_t text)
{
	uint8_t icv[PRF_MAX];
	bool made = icv_make(k, a, head, bytes_of(body, a->iv + text), icv);
	bool authentic = made && same_secret(icv, body + a->iv + text, a->icv);
	wipe(icv, sizeof icv);
	if (!made)
		return ERR_CRYPTO;
	if (!authentic)
		return ERR_INTEGRITY;
	if (text % a->block)
		return ERR_PADDING;
	return cipher_cbc(a->encr->cipher, false, k->e, bytes_of(body, a->iv), body + a->iv, text) ? ERR_OK : ERR_CRYPTO;
}

static int aead_open(const struct seal_keys *k, const struct algs *a, struct bytes head, uint8_t *body, size_t text)
{
	uint8_t nonce[NONCE_LEN];
	int err = cipher_open(a->encr->cipher, aead_key(k, a), aead_nonce(k, a, body, nonce), head, body + a->iv, text,
		body + a->iv + text, a->icv);
	if (err)
		wipe(body + a->iv, text); /* deciphered, but nobody vouches for it */
	return err;
}

int seal_open(const struct seal_keys *k, struct bytes head, uint8_t *body, size_t body_size, struct bytes *plain)
{
	struct algs a;
	*plain = bytes_of(NULL, 0);
	if (!find_algs(k, &a) || !keys_fit(k, &a))
		return ERR_UNSUPPORTED;
	if (body_size < a.iv + a.block + a.icv)
		return ERR_SHORT;
	if (body_size > IKE_MESSAGE_MAX || head.n > IKE_MESSAGE_MAX)
		return ERR_TOO_MUCH;
	size_t text = body_size - a.iv - a.icv;
	int err = a.integ ? cbc_open(k, &a, head, body, text) : aead_open(k, &a, head, body, text);
	if (err) {
		ERR_clear_error();
		return err;
	}
	size_t padding = body[a.iv + text - 1];
	if (padding + 1 > text)
		return ERR_PADDING;
	*plain = bytes_of(body + a.iv, text - 1 - padding);
	return ERR_OK;
}
