/* cert.c - what stands in the files of a tunnel with certificates, as the daemon has it: packed for the engine, compared on reload. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

/* --- lists --- */
void der_list_add(struct der_list *l, struct bytes der)
{
	l->v = xrealloc_array(l->v, l->n + 1, sizeof *l->v);
	l->v[l->n++] = bytes_of(memcpy(xcalloc(der.n, 1), der.p, der.n), der.n);
}

static void list_release(struct der_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free((void *)(uintptr_t)l->v[i].p);
	free(l->v);
	*l = (struct der_list){ 0 };
}

static bool list_equal(const struct der_list *a, const struct der_list *b)
{
	bool same = a->n == b->n;
	for (unsigned i = 0; i < a->n && same; i++)
		same = bytes_equal(a->v[i], b->v[i]);
	return same;
}

static size_t list_size(const struct der_list *l)
{
	size_t n = 1;
	for (unsigned i = 0; i < l->n; i++)
		n += 4 + l->v[i].n;
	return n;
}

static void list_pack(const struct der_list *l, struct buf *b)
{
	put_u8(b, (uint8_t)l->n);
	for (unsigned i = 0; i < l->n; i++) {
		put_u32(b, (uint32_t)l->v[i].n);
		put_view(b, l->v[i]);
	}
}

static bool list_unpack(struct der_list *l, struct cursor *c, unsigned most, size_t size)
{
	unsigned n = get_u8(c);
	if (c->bad || n > most)
		return false;
	for (unsigned i = 0; i < n; i++) {
		size_t len = get_u32(c);
		if (c->bad || len == 0 || len > size)
			return false;
		struct bytes der = get_view(c, len);
		if (c->bad)
			return false;
		der_list_add(l, der);
	}
	return true;
}

void certs_release(struct cert_conf *c)
{
	list_release(&c->chain);
	list_release(&c->cas);
	list_release(&c->crls);
	psk_free(c->key);
	c->key = NULL;
}

size_t certs_packed_size(const struct cert_conf *c) { return list_size(&c->chain) + list_size(&c->cas) + list_size(&c->crls); }

void certs_pack(const struct cert_conf *c, struct buf *b)
{
	list_pack(&c->chain, b);
	list_pack(&c->cas, b);
	list_pack(&c->crls, b);
}

bool certs_unpack(struct cert_conf *c, struct cursor *in)
{
	return list_unpack(&c->chain, in, CERT_CHAIN_MAX, CERT_SIZE_MAX) &&
	       list_unpack(&c->cas, in, CERT_CA_MAX, CERT_SIZE_MAX) && list_unpack(&c->crls, in, CERT_CRL_MAX, CERT_CRL_SIZE_MAX);
}

bool certs_same(const struct tunnel_conf *a, const struct tunnel_conf *b, enum key_id id)
{
	if (id == KEY_CERTIFICATE)
		return list_equal(&a->cert.chain, &b->cert.chain);
	if (id == KEY_CA)
		return list_equal(&a->cert.cas, &b->cert.cas);
	if (id == KEY_CRL)
		return list_equal(&a->cert.crls, &b->cert.crls);
	return id != KEY_PRIVATE_KEY || psk_same(a->cert.key, b->cert.key);
}

bool tunnel_conf_same_trust(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	if (!a->cert.set && !b->cert.set)
		return true;
	return certs_same(a, b, KEY_CA) && certs_same(a, b, KEY_CRL) && a->cert.crl_policy == b->cert.crl_policy &&
	       a->cert.pinned == b->cert.pinned && memcmp(a->cert.pin, b->cert.pin, sizeof a->cert.pin) == 0 &&
	       tunnel_conf_sha1_auth(a) == tunnel_conf_sha1_auth(b);
}

bool tunnel_conf_sha1_auth(const struct tunnel_conf *t)
{
	return t->cert.set && ((t->allow_weak & WEAK_SHA1_AUTH) != 0 || provider_of(t->cloud)->sha1_auth);
}

uint64_t cert_conf_leaf(const struct cert_conf *c)
{
	return c->chain.n > 0 ? hash_bytes(HASH_START, c->chain.v[0].p, c->chain.v[0].n) : 0;
}
