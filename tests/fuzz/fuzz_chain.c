/*
 * fuzz_chain.c - a peer's certificates, as they come in CERT payloads: whatever
 * they are, nobody gets in but who has what our CA has signed. Input: an octet
 * (bit 0: CRLs are required; bits 1 and 2: the identity), then each certificate
 * behind its length (2 octets).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "fixed_certs.h"

#define INPUT_MAX 32768
#define CERTS_MAX 8

static void check(bool ok)
{
	if (!ok)
		abort();
}

static const struct anchors *trust(bool crl)
{
	static struct anchors *of[2];
	const char *why;
	struct bytes root = bytes_of(fixed_root, sizeof fixed_root);
	struct anchors_conf conf = { .ca = &root, .n_ca = 1, .crl_policy = crl ? CRL_REQUIRE : CRL_OFF };
	if (of[crl] == NULL)
		of[crl] = anchors_new(&conf, &why);
	check(of[crl] != NULL);
	return of[crl];
}

/* What the CA has signed is in it: all but what is outside of the signed part
 * can be changed by anybody. */
static bool holds_the_signed_part(struct bytes der)
{
	const size_t head = 4, tail = 12 + 3 + 72; /* of the whole; algorithm, and a signature of ECDSA */
	return der.n > sizeof fixed_leaf - tail &&
	       memmem(der.p, der.n, fixed_leaf + head, sizeof fixed_leaf - head - tail) != NULL;
}

/* Each in memory of its own size, so that a read beyond it is seen. */
static unsigned split(const uint8_t *data, size_t size, struct bytes *chain)
{
	struct cursor c = cursor_of(data, size);
	unsigned n = 0;
	while (n < CERTS_MAX && cursor_left(&c) >= 2) {
		size_t want = get_u16(&c), left = cursor_left(&c);
		struct bytes v = get_view(&c, want < left ? want : left);
		uint8_t *own = malloc(v.n > 0 ? v.n : 1);
		check(own != NULL);
		if (v.n > 0)
			memcpy(own, v.p, v.n);
		chain[n++] = bytes_of(own, v.n);
	}
	return n;
}

static void look_at(struct bytes der)
{
	enum cert_cause cause;
	struct cert_facts f;
	struct bytes value;
	uint8_t type, hash[20];
	struct cert *c = cert_read(der, &cause);
	check((c != NULL) == (cause == CERT_OK));
	if (c == NULL)
		return;
	cert_facts(c, &f);
	check(f.key != KEY_NONE && f.bits > 0 && strlen(f.subject) < CERT_TEXT && strlen(f.issuer) < CERT_TEXT &&
		strlen(f.serial) < sizeof f.serial);
	for (const char *p = f.subject; *p != 0; p++)
		check((unsigned char)*p >= ' ' && *p != 0x7f);
	check(bytes_equal(cert_der(c), der) && cert_key_hash(c, hash) == ERR_OK);
	for (unsigned i = 0; cert_name(c, i, &type, &value); i++)
		check(i < CERT_SIZE_MAX && value.n <= der.n);
	cert_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t type;
		const char *id;
		size_t n;
	} ids[] = { { ID_FQDN, "gw1.example", 11 }, { ID_IPV4_ADDR, "\xc0\0\2\1", 4 }, { ID_FQDN, "gw2.example", 11 },
		{ 0, "", 0 } };
	struct bytes chain[CERTS_MAX];
	struct cert_verdict v;
	const char *why;
	if (size < 1 || size > INPUT_MAX)
		return 0;
	check(alg_init(&why));
	unsigned who = data[0] >> 1 & 3;
	struct cert_claim claim = {
		.chain = chain, .now = CERT_RELEASED + 86400, .id_type = ids[who].type, .id = bytes_of(ids[who].id, ids[who].n)
	};
	claim.n_chain = split(data + 1, size - 1, chain);
	cert_judge_chain(trust((data[0] & 1) != 0), &claim, &v);
	check(v.cause != CERT_OK || (who < 2 && (data[0] & 1) == 0 && holds_the_signed_part(chain[0])));
	check((v.cause == CERT_OK) == (v.ends != 0));
	cert_judge(trust(false), &claim, &v);
	check(v.cause != CERT_OK); /* there is no AUTH */
	for (unsigned i = 0; i < claim.n_chain; i++) {
		look_at(chain[i]);
		free((uint8_t *)(uintptr_t)chain[i].p);
	}
	return 0;
}
