/* cert.c - what stands in the files of a tunnel with certificates, as the daemon has it: packed for the engine, compared on reload. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

/* --- lists --- */
static void list_add_held(struct der_list *l, struct bytes held)
{
	l->v = xrealloc_array(l->v, l->n + 1, sizeof *l->v);
	l->v[l->n++] = held;
}

void der_list_add(struct der_list *l, struct bytes der) { list_add_held(l, der_hold(der)); }

static void list_release(struct der_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		der_let_go(l->v[i]);
	free(l->v);
	*l = (struct der_list){ 0 };
}

static bool list_equal(const struct der_list *a, const struct der_list *b)
{
	bool same = a->n == b->n;
	for (unsigned i = 0; i < a->n && same; i++)
		same = a->v[i].p == b->v[i].p || bytes_equal(a->v[i], b->v[i]);
	return same;
}

static void list_pack(const struct der_list *l, const struct der_walk *numbers, struct buf *b)
{
	put_u8(b, (uint8_t)l->n);
	for (unsigned i = 0; i < l->n; i++) {
		uint32_t number = 0;
		if (!der_numbered(numbers, l->v[i], &number))
			b->bad = true;
		put_u32(b, number);
	}
}

static bool list_unpack(struct der_list *l, struct der_set *from, struct cursor *c, unsigned most, size_t size)
{
	unsigned n = get_u8(c);
	if (c->bad || n > most)
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint32_t number = get_u32(c);
		bool there = !c->bad && number < from->n && from->v[number].n > 0 && from->v[number].n <= size;
		if (!there || (from->in_order && number > from->met))
			return false;
		from->met += from->in_order && number == from->met;
		list_add_held(l, der_share(from->v[number]));
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

size_t certs_packed_size(const struct cert_conf *c) { return 3 + 4 * (size_t)(c->chain.n + c->cas.n + c->crls.n); }

void tunnel_conf_each_file(const struct tunnel_conf *t, void (*fn)(void *arg, struct bytes der), void *arg)
{
	const struct der_list *const lists[] = { &t->cert.chain, &t->cert.cas, &t->cert.crls };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (unsigned j = 0; j < lists[i]->n; j++)
			fn(arg, lists[i]->v[j]);
}

void certs_pack(const struct cert_conf *c, const struct der_walk *numbers, struct buf *b)
{
	list_pack(&c->chain, numbers, b);
	list_pack(&c->cas, numbers, b);
	list_pack(&c->crls, numbers, b);
}

bool certs_unpack(struct cert_conf *c, struct der_set *from, struct cursor *in)
{
	return list_unpack(&c->chain, from, in, CERT_CHAIN_MAX, CERT_SIZE_MAX) &&
	       list_unpack(&c->cas, from, in, CERT_CA_MAX, CERT_SIZE_MAX) &&
	       list_unpack(&c->crls, from, in, CERT_CRL_MAX, CERT_CRL_SIZE_MAX);
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
