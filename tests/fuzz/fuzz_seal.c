/*
 * fuzz_seal.c - a body that anybody made must not open, and one that we sealed must open to what went in.
 * Input: suite, octets of head, then the body (or the text to seal).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

static const struct seal_suite {
	uint16_t encr, keylen, integ;
} suites[] = {
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 },
	{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96 },
	{ ENCR_3DES, 0, INTEG_HMAC_MD5_96 },
	{ ENCR_AES_GCM_16, 256, INTEG_NONE },
	{ ENCR_AES_GCM_8, 128, INTEG_NONE },
	{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE },
	{ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_512_256 },
	{ ENCR_AES_CBC, 256, INTEG_NONE },
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void forged(const struct seal_keys *k, struct bytes head, struct bytes in)
{
	struct bytes plain;
	uint8_t *body = malloc(in.n + 1); /* malloc(0) may be NULL */
	check(body != NULL);
	if (in.n)
		memcpy(body, in.p, in.n);
	check(seal_open(k, head, body, in.n, &plain) != ERR_OK && !plain.n);
	free(body);
}

static void round_trip(const struct seal_keys *k, struct bytes head, struct bytes in)
{
	struct bytes plain;
	size_t size = seal_size(k, in.n);
	if (!size) /* CBC without integrity */
		return;
	uint8_t *body = malloc(size);
	check(body != NULL);
	check(seal_write(k, in.n, head, in, body, size) == ERR_OK);
	check(seal_open(k, head, body, size, &plain) == ERR_OK);
	check(plain.n == in.n && (!in.n || !memcmp(plain.p, in.p, in.n)));
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why;
	if (size < 2 || size > 4096)
		return 0;
	check(alg_init(&why));
	const struct seal_suite *s = &suites[data[0] % (sizeof suites / sizeof suites[0])];
	struct seal_keys k = { .encr = s->encr, .keylen = s->keylen, .integ = s->integ };
	uint8_t e[SECRET_MAX], a[SECRET_MAX];
	memset(e, 0x42, sizeof e);
	memset(a, 0x17, sizeof a);
	k.e = bytes_of(e, seal_key_bytes(s->encr, s->keylen));
	k.a = bytes_of(a, integ_key_bytes(s->integ));
	size_t head = data[1] < size - 2 ? data[1] : size - 2;
	forged(&k, bytes_of(data + 2, head), bytes_of(data + 2 + head, size - 2 - head));
	round_trip(&k, bytes_of(data + 2, head), bytes_of(data + 2 + head, size - 2 - head));
	return 0;
}
