/*
 * print_keys.c - our key derivation for `tests/oracle/kdf`: the same words that Libreswan's cavp prints, from the same values.
 *
 *	print_keys PRF g^ir g^ir(new) Ni Nr SPIi SPIr SKEYSEED(Rekey)		all but PRF in hex; the last is cavp's
 *
 * The functions of src/ike are called as the state machine calls them, so their order and their direction of keys are judged too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ike/machine.h"

#define ROOM 2048

static struct bytes hex(const char *text)
{
	size_t n = strlen(text) / 2;
	uint8_t *p = xcalloc(1, n + 1);
	for (size_t i = 0; i < n; i++)
		if (sscanf(text + 2 * i, "%2hhx", &p[i]) != 1)
			exit(2);
	return bytes_of(p, n);
}

static void put(struct buf *b, const struct secret *s) { put_bytes(b, s->data, s->len); }

static void print(const char *word, const struct buf *b)
{
	printf("%s = ", word);
	for (size_t i = 0; i < b->len; i++)
		printf("%02x", b->data[i]);
	printf("\n");
}

static void check(int err)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "print_keys: %s\n", err_text(err));
	exit(1);
}

/* The keys of an SA in the order of RFC 7296 2.14. */
static void sa_keys(const struct sa *sa, struct buf *b)
{
	const struct seal_keys *i = sa->core.initiator ? &sa->core.out : &sa->core.in,
			       *r = sa->core.initiator ? &sa->core.in : &sa->core.out;
	const struct secret *all[] = { &sa->core.d, &i->a, &r->a, &i->e, &r->e, &sa->core.pi, &sa->core.pr };
	for (size_t k = 0; k < sizeof all / sizeof *all; k++)
		put(b, all[k]);
}

static void child_keys(const struct sa *sa, const struct negotiation *n, struct bytes shared, const char *word)
{
	uint8_t mem[ROOM];
	struct buf b = buf_of(mem, sizeof mem);
	struct child c = { .suite = { PROTOCOL_ESP, ENCR_AES_CBC, 256, 0, INTEG_HMAC_SHA2_512_256, 0, 0 } };
	bool initiator = sa->core.initiator;
	check(keys_child(&c, sa, n, shared, initiator));
	struct esp_sa *first = initiator ? c.keys_out : c.keys_in, *second = initiator ? c.keys_in : c.keys_out;
	const struct secret *all[] = { &first->encr_key, &first->integ_key, &second->encr_key, &second->integ_key };
	for (size_t k = 0; k < 4; k++)
		put(&b, all[k]);
	print(word, &b);
	free(c.keys_in);
	free(c.keys_out);
}

/* cavp stops at SKEYSEED(Rekey): what we make of the old SA has to be what prf+ makes of that. */
static void rekeyed(const struct sa *old, const struct negotiation *n, struct bytes shared, struct bytes skeyseed)
{
	struct sa fresh = { .core = { .suite = old->core.suite, .initiator = old->core.initiator } };
	uint8_t mem[ROOM], want[ROOM];
	struct buf b = buf_of(mem, sizeof mem);
	struct bytes seed[] = { bytes_of(n->ni.v, n->ni.n), bytes_of(n->nr.v, n->nr.n), bytes_of(fresh.core.spi_i, 8),
		bytes_of(fresh.core.spi_r, 8) };
	memcpy(fresh.core.spi_i, "newspi_i", 8);
	memcpy(fresh.core.spi_r, "newspi_r", 8);
	check(keys_rekeyed(&fresh, old, n, shared));
	sa_keys(&fresh, &b);
	check(prf_plus(old->core.suite.prf, skeyseed, seed, 4, want, b.len));
	printf("Rekey = %s\n", b.len && !memcmp(want, mem, b.len) ? "same" : "DIFFERENT");
}

int main(int argc, char **argv)
{
	const char *why;
	if (argc != 9 || !alg_init(&why))
		return 2;
	struct bytes shared = hex(argv[2]), shared_new = hex(argv[3]), ni = hex(argv[4]), nr = hex(argv[5]);
	for (int initiator = 0; initiator < 2; initiator++) {
		struct sa sa = { .core = { .initiator = initiator } };
		struct negotiation n = { 0 };
		uint8_t mem[ROOM];
		struct buf b = buf_of(mem, sizeof mem);
		sa.core.suite = (struct suite){ PROTOCOL_IKE, ENCR_AES_CBC, 256, (uint16_t)atoi(argv[1]), INTEG_HMAC_SHA2_384_192,
			GROUP_MODP_2048, 0 };
		memcpy(sa.core.spi_i, hex(argv[6]).p, IKE_SPI_LEN);
		memcpy(sa.core.spi_r, hex(argv[7]).p, IKE_SPI_LEN);
		if (!nonce_set(&n.ni, ni) || !nonce_set(&n.nr, nr))
			return 2;
		check(keys_initial(&sa, &n, shared));
		sa_keys(&sa, &b);
		print("DKM", &b);
		child_keys(&sa, &n, (struct bytes){ 0 }, "DKM(Child SA)");
		child_keys(&sa, &n, shared_new, "DKM(Child SA D-H)");
		rekeyed(&sa, &n, shared_new, hex(argv[8]));
	}
	return 0;
}
