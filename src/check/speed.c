/* speed.c - what this machine has and does not use, or hides, that would make ESP faster. Hints: all works without. */
#include <stdio.h>
#include <string.h>

#include "crypto/alg.h"
#include "rules.h"

static struct place this_machine(void) { return (struct place){ .order = PLACE_MACHINE }; }

/* Of the outside addresses; a name or `any` may become IPv4. */
static bool outside_has(const struct conf *c, int family)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->tunnels[i]->remote.family == family || (c->tunnels[i]->remote.family == 0 && family == AF_INET))
			return true;
	return false;
}

static void modules(struct check *c)
{
	const struct host_speed *s = &c->host->speed;
	bool four = s->waits4 && outside_has(c->conf, AF_INET), six = s->waits6 && outside_has(c->conf, AF_INET6);
	const char *names = four && six ? "esp4_offload and esp6_offload" : four ? "esp4_offload" : "esp6_offload";
	if (!four && !six)
		return;
	finding_advice(finding_add(c->out, this_machine(), FINDING_ESP_MODULE,
			       "%s: not loaded, ESP is taken packet by packet and not in batches", names),
		"%s%s%s in /etc/modules-load.d/s2sd.conf, and modprobe now", four ? "esp4_offload" : "",
		four && six ? " and " : "", six ? "esp6_offload" : "");
}

static void cards(struct check *c)
{
	const struct host_speed *s = &c->host->speed;
	for (unsigned i = 0; i < s->n_cards && c->conf->n > 0; i++) {
		const struct host_card *n = &s->cards[i];
		int wanted = n->queues_max < (int)s->processors ? n->queues_max : (int)s->processors;
		if (n->queues == 1 && wanted > 1)
			finding_advice(finding_add(c->out, this_machine(), FINDING_CARD_QUEUES,
					       "%s receives by one queue of %d: one processor of %u does the work of all tunnels",
					       n->name, n->queues_max, s->processors),
				"ethtool -L %s combined %d", n->name, wanted);
		if (n->gro == 0)
			finding_advice(finding_add(c->out, this_machine(), FINDING_CARD_GRO,
					       "%s: generic-receive-offload is off, each packet goes its way alone", n->name),
				"ethtool -K %s gro on", n->name);
	}
}

static bool uses_aes(const struct conf *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->tunnels[i]->n_esp; k++)
			for (unsigned t = 0; t < c->tunnels[i]->esp[k].n; t++) {
				const struct transform *x = &c->tunnels[i]->esp[k].t[t];
				if (x->type == TRANSFORM_ENCR && x->id != ENCR_CHACHA20_POLY1305 && x->id != ENCR_3DES)
					return true;
			}
	return false;
}

static void processor(struct check *c)
{
	const struct host_speed *s = &c->host->speed;
	if (!uses_aes(c->conf))
		return;
	if (s->no_aes)
		finding_advice(finding_add(c->out, this_machine(), FINDING_CPU_AES,
				       "the processor shows no instructions for AES: ESP with AES takes ten times the time"),
			"a virtual machine: let the hypervisor pass the host's processor on; else chacha20poly1305 where the peer takes it");
	else if (s->vaes_hidden)
		finding_advice(finding_add(c->out, this_machine(), FINDING_CPU_AES,
				       "the wide instructions for AES (VAES) of this processor are hidden from this machine"),
			"let the hypervisor pass the host's processor on");
}

/* 1 AEAD only, -1 none of it, 0 both or nothing. */
static int combined(const struct proposal *p)
{
	bool is = false, is_not = false;
	for (unsigned i = 0; i < p->n; i++) {
		const struct alg *a = p->t[i].type == TRANSFORM_ENCR ? alg_find(TRANSFORM_ENCR, p->t[i].id, p->t[i].keylen)
								     : NULL;
		is |= a != NULL && a->aead;
		is_not |= a != NULL && !a->aead;
	}
	return is == is_not ? 0 : is ? 1 : -1;
}

/* Both ends could be fast, and who goes by the order of what is offered takes the slow one. */
static void order_of_ciphers(struct check *c, const struct tunnel_conf *t)
{
	bool slow_first = false;
	for (unsigned i = 0; i < t->n_esp; i++) {
		int kind = combined(&t->esp[i]);
		slow_first |= kind < 0;
		if (kind <= 0 || !slow_first)
			continue;
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_ESP_PROPOSALS), FINDING_CIPHER_ORDER,
				"a cipher with a separate hash is offered before AES-GCM or ChaCha20-Poly1305, which take a third of the time"),
			"write the proposals with gcm or chacha20poly1305 first");
		return;
	}
}

void check_speed(struct check *c)
{
	for (uint32_t i = 0; i < c->conf->n; i++)
		order_of_ciphers(c, c->conf->tunnels[i]);
	modules(c);
	cards(c);
	processor(c);
}
