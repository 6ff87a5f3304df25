/* test_signer.c - the process with the private keys: what it is given, what it signs, what it says when it cannot. */
#include <stdlib.h>
#include <string.h>

#include "made_cert.h"
#include "signer/keys.h"
#include "unit.h"

static struct made root, leaf;

static void setup(void)
{
	root = made_ca("CN=root", NULL);
	leaf = made_leaf("CN=gw", &root, "DNS:gw.example");
}

static void teardown(void)
{
	keys_forget();
	made_free(&leaf);
	made_free(&root);
}

static bool take(uint32_t tunnel, struct bytes data, uint32_t claimed, bool uri, bool tokens)
{
	static uint8_t body[4096];
	struct signer_key head = { .tunnel = tunnel, .size = claimed, .uri = uri };
	struct buf b = buf_of(body, sizeof body);
	put_bytes(&b, &head, sizeof head);
	put_view(&b, data);
	ck_assert(!b.bad);
	return keys_take(buf_view(&b), tokens);
}

static bool take_with(const char *uri, struct bytes behind, uint32_t claimed)
{
	static uint8_t body[4096];
	struct signer_key head = { .tunnel = 1, .size = (uint32_t)strlen(uri), .leaf = claimed, .uri = true };
	struct buf b = buf_of(body, sizeof body);
	put_bytes(&b, &head, sizeof head);
	put_bytes(&b, uri, strlen(uri));
	put_view(&b, behind);
	return keys_take(buf_view(&b), true);
}

static bool ask(uint32_t tunnel, uint8_t scheme, const char *octets, uint32_t claimed, struct signer_signature *out)
{
	static uint8_t body[512];
	struct signer_sign head = { .tunnel = tunnel, .size = claimed, .scheme = scheme };
	struct buf b = buf_of(body, sizeof body);
	put_bytes(&b, &head, sizeof head);
	put_bytes(&b, octets, strlen(octets));
	return keys_sign(buf_view(&b), (struct mono){ 1000 }, out);
}

static uint8_t scheme_for(const struct made *m)
{
	struct cert_facts facts;
	enum cert_cause why;
	struct cert *c = cert_read(m->der, &why);
	ck_assert_ptr_nonnull(c);
	cert_facts(c, &facts);
	cert_free(c);
	const struct sign_scheme *s = sign_choose(
		&(struct sign_wish){ .key = facts.key, .bits = facts.bits, .hashes = SIGN_HASHES_OURS | 1 });
	ck_assert_ptr_nonnull(s);
	return s->id;
}

static bool verifies(const struct made *m, const char *octets, const struct signer_signature *s)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, m->key) == 1 &&
		  EVP_DigestVerify(c, s->value, s->len, (const uint8_t *)octets, strlen(octets)) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

START_TEST(each_tunnel_has_its_own_key)
{
	struct made other = made_leaf("CN=other", &root, "DNS:other.example");
	struct bytes pem = made_key_pem(leaf.key, NULL), second = made_key_pem(other.key, NULL);
	struct signer_signature s;
	ck_assert(take(1, pem, (uint32_t)pem.n, false, false));
	ck_assert(take(2, second, (uint32_t)second.n, false, false));
	ck_assert(ask(1, scheme_for(&leaf), "octets", 6, &s));
	ck_assert_int_eq(s.err, ERR_OK);
	ck_assert_uint_eq(s.scheme, scheme_for(&leaf));
	ck_assert(verifies(&leaf, "octets", &s));
	ck_assert(!verifies(&other, "octets", &s));
	ck_assert(ask(2, scheme_for(&other), "octets", 6, &s));
	ck_assert(verifies(&other, "octets", &s));
	/* another one for the same tunnel takes its place */
	ck_assert(take(1, second, (uint32_t)second.n, false, false));
	ck_assert(ask(1, scheme_for(&leaf), "octets", 6, &s));
	ck_assert(verifies(&other, "octets", &s));
	free((void *)(uintptr_t)pem.p);
	free((void *)(uintptr_t)second.p);
	made_free(&other);
}
END_TEST

/* What the operator can mend is an answer with a sentence; the next request finds out again. */
START_TEST(what_cannot_sign_says_why)
{
	struct bytes pem = made_key_pem(leaf.key, NULL), none = bytes_of("no key at all", 13);
	struct signer_signature s;
	ck_assert(take(1, none, (uint32_t)none.n, false, false));
	ck_assert(ask(1, scheme_for(&leaf), "octets", 6, &s));
	ck_assert_int_ne(s.err, ERR_OK);
	ck_assert_uint_eq(s.len, 0);
	ck_assert(s.why[0] != 0 && memchr(s.why, 0, sizeof s.why) != NULL);
	/* a scheme of another kind of key */
	ck_assert(take(1, pem, (uint32_t)pem.n, false, false));
	for (unsigned i = 0; sign_scheme_row(i) != NULL; i++) {
		const struct sign_scheme *row = sign_scheme_row(i);
		ck_assert(ask(1, row->id, "octets", 6, &s));
		ck_assert_int_eq(s.err == ERR_OK, sign_fits(row, KEY_P256));
		ck_assert_int_eq(s.why[0] == 0, s.err == ERR_OK);
	}
	free((void *)(uintptr_t)pem.p);
}
END_TEST

/* The keeper sends nothing of this kind: who does is not listened to any more. */
START_TEST(what_is_malformed_ends_it)
{
	struct bytes pem = made_key_pem(leaf.key, NULL);
	struct signer_signature s;
	uint8_t scheme = scheme_for(&leaf);
	ck_assert(!take(1, pem, (uint32_t)pem.n - 1, false, false));
	ck_assert(!take(1, pem, (uint32_t)pem.n, true, false)); /* a URI, where there are files only */
	ck_assert(!take(1, pem, (uint32_t)pem.n, false, true));
	ck_assert(!take(1, bytes_of("", 0), 0, false, false));
	ck_assert(!keys_take(bytes_of("x", 1), false));
	ck_assert(take_with("handle:0x81000001", leaf.der, (uint32_t)leaf.der.n));
	ck_assert(!take_with("handle:0x81000001", leaf.der, (uint32_t)leaf.der.n + 1)); /* longer than what is there */
	ck_assert(!take_with("handle:0x81000001", leaf.der, UINT32_MAX));
	ck_assert(!take_with("", leaf.der, (uint32_t)leaf.der.n));
	ck_assert(!take_with("handle:0x81000001", bytes_of("none", 4), 4)); /* no certificate */
	keys_forget();
	ck_assert(!ask(1, scheme, "octets", 6, &s)); /* nobody gave a key */
	ck_assert(take(1, pem, (uint32_t)pem.n, false, false));
	ck_assert(!ask(1, scheme, "octets", 5, &s));
	ck_assert(!ask(1, 255, "octets", 6, &s));
	ck_assert(!ask(2, scheme, "octets", 6, &s));
	ck_assert(!keys_sign(bytes_of("x", 1), (struct mono){ 1000 }, &s));
	ck_assert(ask(1, scheme, "octets", 6, &s) && s.err == ERR_OK);
	keys_forget();
	ck_assert(!ask(1, scheme, "octets", 6, &s));
	free((void *)(uintptr_t)pem.p);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("signer");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_tunnel_has_its_own_key);
	tcase_add_test(t, what_cannot_sign_says_why);
	tcase_add_test(t, what_is_malformed_ends_it);
	return unit_run_case("signer", t);
}
