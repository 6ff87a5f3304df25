/*
 * judge.c - can a record be believed? It was read into a blank tunnel, and nothing is made of it before all of this holds: what the machine takes for granted
 * of its own SAs, what is used as an index or a length, and that nothing in it is known under the same number or SPI already.
 */
#include <string.h>

#include "machine.h"
#include "record.h"

#define IV_MAX (UINT64_MAX / 2)

struct judge {
	struct ike *ike;
	const struct tunnel *t; /* what was read */
};

/* ---------------------------------------------------------------- algorithms and keys */

static bool cipher_known(const struct suite *u)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, u->encr, u->keylen);
	return encr && (encr->aead ? u->integ == INTEG_NONE : alg_find(TRANSFORM_INTEG, u->integ, 0) != NULL);
}

static bool keys_fit(const struct suite *u, const struct sa_keys *k)
{
	return k->d == prf_size(u->prf) && k->e == seal_key_bytes(u->encr, u->keylen) && k->a == integ_key_bytes(u->integ);
}

static bool addresses_fit(const struct addr *local, const struct addr *remote)
{
	return local->family && local->family == remote->family && local->port && remote->port;
}

/* ---------------------------------------------------------------- messages */

/* Its datagrams, one after the other, all of them of this SA. */
static bool message_fits(const struct sa *sa, const struct sent_message *f, bool response, uint32_t id)
{
	struct cursor c = cursor_of(f->data, f->size);
	bool initiator = sa->core.initiator;
	struct header h;
	for (unsigned i = 0; i < f->n; i++) {
		uint16_t n = get_u16(&c);
		struct bytes datagram = get_view(&c, n);
		if (c.bad || header_decode(&h, datagram) != ERR_OK || h.message_id != id ||
			memcmp(h.spi_i, sa->core.spi_i, IKE_SPI_LEN) || memcmp(h.spi_r, sa->core.spi_r, IKE_SPI_LEN) ||
			!(h.flags & IKE_FLAG_INITIATOR) == initiator || !(h.flags & IKE_FLAG_RESPONSE) == response)
			return false;
	}
	return !cursor_left(&c);
}

/* ---------------------------------------------------------------- exchanges */

static bool negotiation_fits(const struct judge *j, const struct exchange *x)
{
	const struct negotiation *n = x->neg;
	const struct ke_round *k = &n->ke[0];
	struct cursor c = cursor_of(n->spi_new, IKE_SPI_LEN);
	uint64_t spi = get_u64(&c);
	bool ike = x->core.kind == X_REKEY_IKE;
	bool group = k->group == GROUP_NONE ? !ike && !k->priv.len : ke_public_size(k->group) && k->priv.group == k->group;
	return group && (!ike || (spi && !table_get(&j->ike->by_spi, spi)));
}

/* What of ours may be open, in an SA of which state, and what belongs to it. */
static bool ours_fits(const struct judge *j, const struct sa *sa)
{
	const struct exchange *x = &sa->ours;
	const struct negotiation *n = x->neg;
	bool sent = x->core.state == XS_SENT, has_child = n && n->child;
	switch ((enum xkind)x->core.kind) {
	case X_NONE: return x->core.state == XS_IDLE && !n && sa->state != SA_DELETING;
	case X_NEW_CHILD:
	case X_REKEY_CHILD: break;
	case X_REKEY_IKE: return sent && n && !has_child && sa->state != SA_DELETING && x->sent.n && negotiation_fits(j, x);
	case X_DELETE_CHILD: return sent && n && !has_child && sa->state != SA_DELETING && x->sent.n;
	case X_DELETE_IKE: return sent && !n && sa->state == SA_DELETING && x->sent.n;
	case X_LIVENESS: return sent && !n && sa->state != SA_DELETING && x->sent.n;
	case X_INIT:
	case X_AUTH: return false;
	}
	return has_child && sa->state != SA_DELETING && x->sent.n && negotiation_fits(j, x);
}

static bool exchanges_fit(const struct judge *j, const struct sa *sa)
{
	const struct exchange *ours = &sa->ours, *theirs = &sa->theirs;
	if (ours->core.kind > X_LIVENESS || !ours_fits(j, sa) || !message_fits(sa, &ours->sent, false, ours->core.message_id))
		return false;
	bool installs = ours->core.state == XS_INSTALL;
	if (ours->core.kind != X_NONE &&
		(ours->core.message_id >= sa->core.next_out || (installs && ours->neg->child->core.spi_out == 0)))
		return false;
	if (!message_fits(sa, &theirs->sent, true, sa->core.next_in - 1))
		return false;
	bool answers = theirs->sent.n || theirs->core.state == XS_SWITCH;
	if (answers && !addresses_fit(&sa->from.local, &sa->from.remote))
		return false;
	return theirs->core.state == XS_IDLE || theirs->core.kind == X_DELETE_CHILD || theirs->core.kind == X_DELETE_IKE;
}

/* ---------------------------------------------------------------- children */

static bool list_fits(const struct ts_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->v[i].lo.family != list->v[i].hi.family || addr_compare_ip(&list->v[i].lo, &list->v[i].hi) > 0)
			return false;
	return true;
}

/* Nobody else in the record, from c on, has its number, its SPIs. */
static bool is_other(const struct child *c, const struct child *o)
{
	return c->number != o->number && c->core.spi_in != o->core.spi_in &&
	       !(c->core.out_installed && o->core.out_installed && c->core.spi_out == o->core.spi_out);
}

static bool alone_in(const struct child *c, const struct child *list)
{
	for (; list; list = list->next)
		if (list != c && !is_other(c, list))
			return false;
	return true;
}

static bool child_unique(const struct judge *j, const struct child *c)
{
	for (const struct sa *o = j->t->sa_list; o; o = o->tunnel_next)
		if (!alone_in(c, o->children))
			return false;
	return alone_in(c, j->t->lingering) && !table_get(&j->ike->by_esp, c->core.spi_in);
}

static bool child_fits(const struct judge *j, const struct sa *sa, const struct child *c)
{
	bool negotiated = sa && sa->ours.neg && sa->ours.neg->child == c, making = c->state == CHILD_MAKING;
	bool installs = making && sa && sa->ours.core.state == XS_INSTALL;
	bool known = !making || installs; /* what was agreed on */
	bool deleting = sa && sa->ours.core.kind == X_DELETE_CHILD && sa->ours.neg->replaces == c->number;
	if (!c->number || c->number > NUMBER_MAX || c->core.spi_in < 256 || making != negotiated ||
		(c->state == CHILD_LINGER) != !sa || (c->state == CHILD_DELETING) != (deleting && c->state == CHILD_DELETING))
		return false;
	if (known && (!cipher_known(&c->core.suite) || c->core.spi_out < 256 || !addresses_fit(&c->core.local, &c->core.remote)))
		return false;
	return list_fits(c->local_ts) && list_fits(c->remote_ts) && c->lost <= 3 && c->policies <= TS_POLICIES_MAX &&
	       child_unique(j, c);
}

/* ---------------------------------------------------------------- IKE SAs */

static bool sa_unique(const struct judge *j, const struct sa *sa)
{
	for (const struct sa *o = j->t->sa_list; o; o = o->tunnel_next)
		if (o != sa && (o->number == sa->number || sa_our_spi(o) == sa_our_spi(sa)))
			return false;
	return !table_get(&j->ike->by_number, sa->number) && !table_get(&j->ike->by_spi, sa_our_spi(sa));
}

static bool sa_fits(const struct judge *j, const struct sa *sa)
{
	const struct sa_core *c = &sa->core;
	const struct suite *u = &c->suite;
	bool states = sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED || sa->state == SA_DELETING;
	if (!states || !sa->number || sa->number > NUMBER_MAX || !sa_our_spi(sa) || !cipher_known(u) || !prf_size(u->prf) ||
		!keys_fit(u, sa->keys) || c->iv_out > IV_MAX || !addresses_fit(&c->local, &c->remote) || !c->origin.number ||
		c->origin.number > NUMBER_MAX || sa->reauth_for > REAUTH_CERTIFICATE || c->proven_until < 0 ||
		mono_is_never(c->created) || mono_is_never(c->established) || mono_is_never(c->origin.at) ||
		mono_is_never(sa->heard) || !sa_unique(j, sa) || !exchanges_fit(j, sa))
		return false;
	for (const struct child *ch = sa->children; ch; ch = ch->next)
		if (!child_fits(j, sa, ch))
			return false;
	return true;
}

/* ---------------------------------------------------------------- slots */

static bool slots_fit(const struct tunnel *conf, const struct tunnel *t)
{
	const struct slot *own = conf->slots;
	bool used[ESP_SLOTS_MAX + 1] = { false };
	for (const struct slot *slot = t->slots; slot; slot = slot->next) {
		bool configured = slot->kind == SLOT_CONFIGURED;
		if (!slot->number || slot->number > ESP_SLOTS_MAX || used[slot->number] || slot->kind > SLOT_PEERS ||
			slot->told > TOLD_BLOCKED || slot->policies > TS_POLICIES_MAX || configured != (own != NULL) ||
			!list_fits(slot->local_ts) || !list_fits(slot->remote_ts))
			return false;
		if (configured &&
			(!ts_list_equal(slot->local_ts, own->local_ts) || !ts_list_equal(slot->remote_ts, own->remote_ts)))
			return false;
		used[slot->number] = true;
		own = own ? own->next : NULL;
	}
	return !own;
}

bool record_believed(struct ike *ike, const struct tunnel *t, const struct tunnel *read)
{
	struct judge j = { ike, read };
	if (read->link.state > LINK_UP || read->slots_told > ESP_SLOTS_MAX || !slots_fit(t, read))
		return false;
	for (const struct sa *sa = read->sa_list; sa; sa = sa->tunnel_next)
		if (!sa_fits(&j, sa))
			return false;
	for (const struct child *c = read->lingering; c; c = c->next)
		if (!child_fits(&j, NULL, c))
			return false;
	return true;
}
