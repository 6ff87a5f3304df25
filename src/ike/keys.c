/*
 * keys.c - key derivation (RFC 7296 2.13, 2.14, 2.17, 2.18). Computes into locals, commits at the end, wipes the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static void take(const uint8_t **at, struct secret *to, size_t n)
{
	secret_set(to, *at, n);
	*at += n;
}

struct sa_keys *keys_new(uint8_t d, uint8_t a, uint8_t e)
{
	struct sa_keys k = { d, a, e }, *v = xcalloc(1, sizeof *v + keys_size(&k));
	*v = k;
	return v;
}

size_t keys_size(const struct sa_keys *k) { return k->d + 2u * k->a + 2u * k->e; }

struct bytes keys_d(const struct sa *sa) { return sa->keys ? bytes_of(sa->keys->octets, sa->keys->d) : (struct bytes){ 0 }; }

static struct seal_keys of_direction(const struct sa *sa, bool of_initiator)
{
	const struct sa_keys *k = sa->keys;
	const struct suite *su = &sa->core.suite;
	if (!k)
		return (struct seal_keys){ 0 };
	const uint8_t *a = k->octets + k->d, *e = a + 2u * k->a;
	if (!of_initiator) {
		a += k->a;
		e += k->e;
	}
	return (struct seal_keys){ su->encr, su->keylen, su->integ, bytes_of(e, k->e), bytes_of(a, k->a) };
}

struct seal_keys keys_out(const struct sa *sa) { return of_direction(sa, sa->core.initiator); }
struct seal_keys keys_in(const struct sa *sa) { return of_direction(sa, !sa->core.initiator); }

void keys_drop(struct sa *sa)
{
	keys_drop_auth(sa);
	if (sa->keys)
		wipe(sa->keys->octets, keys_size(sa->keys));
	free(sa->keys);
	sa->keys = NULL;
}

void keys_drop_auth(struct sa *sa)
{
	if (sa->auth)
		wipe(sa->auth, sizeof *sa->auth);
	free(sa->auth);
	sa->auth = NULL;
}

/* {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr) */
static int expand(struct sa *sa, const struct negotiation *n, struct bytes skeyseed)
{
	struct sa_core *c = &sa->core;
	const struct suite *su = &c->suite;
	size_t p = prf_size(su->prf), a = integ_key_bytes(su->integ), e = seal_key_bytes(su->encr, su->keylen);
	uint8_t material[3 * PRF_MAX + 4 * SECRET_MAX];
	size_t size = 3 * p + 2 * a + 2 * e;
	if (!p || !e || e > SECRET_MAX || a > SECRET_MAX || size > sizeof material)
		return ERR_UNSUPPORTED;
	struct bytes seed[] = { nonce_bytes(&n->ni), nonce_bytes(&n->nr), bytes_of(c->spi_i, IKE_SPI_LEN),
		bytes_of(c->spi_r, IKE_SPI_LEN) };
	int err = prf_plus(su->prf, skeyseed, seed, 4, material, size);
	if (err == ERR_OK) {
		keys_drop(sa);
		sa->keys = keys_new((uint8_t)p, (uint8_t)a, (uint8_t)e);
		const uint8_t *at = material + keys_size(sa->keys);
		memcpy(sa->keys->octets, material, keys_size(sa->keys));
		sa->auth = xcalloc(1, sizeof *sa->auth);
		take(&at, &sa->auth->i, p);
		take(&at, &sa->auth->r, p);
	}
	wipe(material, sizeof material);
	return err;
}

/* SKEYSEED = prf(Ni | Nr, g^ir) */
int keys_initial(struct sa *sa, const struct negotiation *n, struct bytes shared)
{
	uint8_t key[2 * IKE_NONCE_MAX], skeyseed[PRF_MAX];
	memcpy(key, n->ni.v, n->ni.n);
	memcpy(key + n->ni.n, n->nr.v, n->nr.n);
	int err = prf_compute(sa->core.suite.prf, bytes_of(key, (size_t)n->ni.n + n->nr.n), &shared, 1, skeyseed);
	if (err == ERR_OK)
		err = expand(sa, n, bytes_of(skeyseed, prf_size(sa->core.suite.prf)));
	wipe(skeyseed, sizeof skeyseed);
	return err;
}

/* SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the old SA's PRF (2.18) */
int keys_rekeyed(struct sa *fresh, const struct sa *old, const struct negotiation *n, struct bytes shared)
{
	uint8_t skeyseed[PRF_MAX];
	struct bytes parts[] = { shared, nonce_bytes(&n->ni), nonce_bytes(&n->nr) };
	uint16_t id = old->core.suite.prf;
	int err = prf_compute(id, keys_d(old), parts, 3, skeyseed);
	if (err == ERR_OK)
		err = expand(fresh, n, bytes_of(skeyseed, prf_size(id)));
	wipe(skeyseed, sizeof skeyseed);
	return err;
}

/* KEYMAT = prf+(SK_d, [g^ir (new)] | Ni | Nr): first the initiator's direction, encryption before integrity (2.17). */
int keys_child(struct child *c, const struct sa *sa, const struct negotiation *n, struct bytes shared, bool initiator)
{
	const struct suite *su = &c->core.suite;
	size_t e = seal_key_bytes(su->encr, su->keylen), a = integ_key_bytes(su->integ);
	uint8_t material[4 * SECRET_MAX];
	if (!e || e > SECRET_MAX || a > SECRET_MAX)
		return ERR_UNSUPPORTED;
	struct bytes seed[] = { shared, nonce_bytes(&n->ni), nonce_bytes(&n->nr) };
	int err = prf_plus(sa->core.suite.prf, keys_d(sa), seed, 3, material, 2 * (e + a));
	if (err == ERR_OK) {
		const uint8_t *at = material;
		struct esp_pair *k = c->keys = xcalloc(1, sizeof *c->keys);
		struct esp_sa *i = initiator ? &k->out : &k->in, *r = initiator ? &k->in : &k->out;
		take(&at, &i->encr_key, e);
		take(&at, &i->integ_key, a);
		take(&at, &r->encr_key, e);
		take(&at, &r->integ_key, a);
	}
	wipe(material, sizeof material);
	return err;
}
