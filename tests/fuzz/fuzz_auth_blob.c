/*
 * fuzz_auth_blob.c - AUTH of a peer with a certificate: what it says of its
 * signature, and the signature itself. Nothing is a proof but what the key
 * made. Input: an octet says which key and whether the rest is laid over a good
 * AUTH (exclusive or) or taken as it is, the method, the rest.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "crypto/sign_lib.h"

#define INPUT_MAX 2048
#define KEYS 5
#define ROWS 17

static void check(bool ok)
{
	if (!ok)
		abort();
}

static const char octets[] = "what has been said";
static const struct bytes part = { (const uint8_t *)octets, sizeof octets - 1 };

static EVP_PKEY *key_of(unsigned i)
{
	static const char *const words[KEYS] = { NULL, "P-256", "P-521", "ED25519", "ED448" };
	static EVP_PKEY *keys[KEYS];
	if (keys[i] == NULL)
		/* cppcheck-suppress arrayIndexOutOfBoundsCond */
		keys[i] = i == 0 ? EVP_RSA_gen(2048) : i < 3 ? EVP_EC_gen(words[i]) : EVP_PKEY_Q_keygen(NULL, NULL, words[i]);
	check(keys[i] != NULL);
	return keys[i];
}

/* A good AUTH by this key and this row of the table, made once; empty when they
 * do not go together. */
static struct bytes good_auth(unsigned key, unsigned row)
{
	static struct {
		uint8_t data[SIGN_ALGORITHM_MAX + SIGN_MAX + 1];
		size_t n;
		bool made;
	} all[KEYS][ROWS];
	uint8_t signature[SIGN_MAX];
	size_t len;
	if (!all[key][row].made) {
		const struct sign_scheme *s = sign_scheme_row(row);
		struct buf b = buf_of(all[key][row].data, sizeof all[key][row].data);
		all[key][row].made = true;
		if (sign_lib_sign(key_of(key), NULL, NULL, s, &part, 1, signature, &len) == ERR_OK) {
			sign_auth_write(&b, s, bytes_of(signature, len));
			check(!b.bad);
			all[key][row].n = b.len;
		}
	}
	return bytes_of(all[key][row].data, all[key][row].n);
}

/* ECDSA has two signatures of each, s and n - s; nobody finds the other one by
 * chance, but laid over a good one it must differ to be none. */
static void judge(unsigned key, uint8_t method, struct bytes data, bool genuine)
{
	struct sign_auth a;
	int err = sign_auth_read(method, data, &a);
	check(err <= 0 && (err == ERR_OK) == (a.scheme != NULL));
	if (err)
		return;
	check(a.signature.n > 0 && a.signature.n <= SIGN_MAX && a.signature.p + a.signature.n == data.p + data.n);
	check(a.scheme->method == method && (a.scheme->pss || a.salt == 0));
	int result = sign_lib_verify(key_of(key), &a, &part, 1);
	check(result == ERR_OK ? genuine : true);
	uint8_t room[INPUT_MAX + SIGN_ALGORITHM_MAX];
	struct buf b = buf_of(room, sizeof room);
	sign_auth_write(&b, a.scheme, a.signature);
	check(!b.bad && (a.scheme->pss || bytes_equal(buf_view(&b), data))); /* all but PSS has one form */
}

/* Keys are made before the first input, which has a time limit. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < KEYS; i++)
		check(key_of(i) != NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why;
	if (size < 2 || size > INPUT_MAX)
		return 0;
	check(alg_init(&why) && sign_scheme_row(ROWS - 1) != NULL && sign_scheme_row(ROWS) == NULL);
	unsigned key = (data[0] & 0x7f) % KEYS, row = data[1] % ROWS;
	size_t n = size - 2;
	uint8_t *own = malloc(n > 0 ? n : 1);
	check(own != NULL);
	if (n > 0)
		memcpy(own, data + 2, n);
	if ((data[0] & 0x80) == 0) {
		judge(key, data[1], bytes_of(own, n), false);
	} else {
		struct bytes good = good_auth(key, row);
		bool same = n == good.n;
		for (size_t i = 0; i < n && i < good.n; i++) {
			same &= own[i] == 0;
			own[i] ^= good.p[i];
		}
		judge(key, sign_scheme_row(row)->method, bytes_of(own, n), same);
		/* The salt is in the parameters, and the same signature with other words
     * for them is as good. */
		if (same && good.n > 0) {
			struct sign_auth a;
			check(sign_auth_read(sign_scheme_row(row)->method, good, &a) == ERR_OK &&
				sign_lib_verify(key_of(key), &a, &part, 1) == ERR_OK);
		}
	}
	free(own);
	return 0;
}
