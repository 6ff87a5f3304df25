/* record.c - see record.h: the walk over a tunnel that writes it or reads it. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "record.h"
#include "walk.h"

#define HEAD 5            /* version, length of the body */
#define SAS_MAX 64        /* of a tunnel; more are no record of ours */
#define CHILDREN_MAX 4096 /* of an IKE SA, and lingering ones */
#define LEFTOVERS_MAX 64  /* of a tunnel; what is beyond does not outlive a second death */

/* ---------------------------------------------------------------- exchanges */

static struct child *child_of(const struct sa *sa, uint32_t number)
{
	struct child *c = sa->children;
	while (c && c->number != number)
		c = c->next;
	return c;
}

static bool is_open(const struct exchange *x)
{
	return x->core.state == XS_SENT || x->core.state == XS_DERIVE || x->core.state == XS_INSTALL;
}

bool record_keeps_child(const struct sa *sa, const struct child *c)
{
	return c->state != CHILD_MAKING || (is_open(&sa->ours) && sa->ours.neg && sa->ours.neg->child == c);
}

static void own_negotiation(struct walk *w, const struct sa *sa, struct negotiation *n)
{
	struct ke_round *k = ke_round(n);
	uint32_t child = n->child ? n->child->number : 0;
	walk_number32(w, &n->replaces);
	walk_number32(w, &n->closed);
	walk_number16(w, &n->asked);
	walk_number32(w, &child);
	FLAGS(w, &n->without_pfs, &n->more_possible);
	walk_octet(w, &n->ke_retries);
	walk_nonce(w, &n->ni);
	walk_octets(w, n->spi_new, IKE_SPI_LEN);
	walk_number16(w, &k->group);
	walk_number16(w, &k->priv.group);
	k->priv.len = (uint16_t)walk_number_to(w, k->priv.len, sizeof k->priv.data);
	walk_octets(w, k->priv.data, k->priv.len);
	if (!walk_reads(w) || !child)
		return;
	n->child = child_of(sa, child);
	w->bad |= !n->child || n->child->state != CHILD_MAKING;
}

/* After the children. */
static void ours(struct walk *w, const struct sa *sa, struct exchange *x)
{
	bool open = is_open(x), installs = open && x->core.state == XS_INSTALL, negotiates = open && x->neg;
	FLAGS(w, &open, &installs, &negotiates);
	if (!open)
		return;
	uint16_t unheard = x->unheard < UNRESPONSIVE_TRIES ? 0 : x->unheard; /* what is not doubtful yet is sent anew */
	walk_octet(w, &x->core.kind);
	walk_number32(w, &x->core.message_id);
	walk_number16(w, &unheard);
	walk_message(w, &x->sent);
	if (walk_reads(w)) {
		x->unheard = unheard;
		x->core.state = installs ? XS_INSTALL : XS_SENT;
		x->neg = negotiates ? negotiation_new() : NULL;
	}
	if (negotiates)
		own_negotiation(w, sa, x->neg);
}

/* A cached answer, and one that waits for our kernel to switch. */
static void theirs(struct walk *w, struct sa *sa)
{
	struct exchange *x = &sa->theirs;
	bool held = x->core.state == XS_SWITCH;
	FLAGS(w, &held);
	walk_number16(w, &x->packet);
	walk_message(w, &x->sent);
	if (x->sent.n || held) {
		walk_address_as(w, &sa->from.local, &sa->core.local);
		walk_address_as(w, &sa->from.remote, &sa->core.remote);
	}
	if (!held)
		return;
	if (walk_reads(w)) {
		x->core.state = XS_SWITCH;
		x->neg = negotiation_new();
	}
	walk_octet(w, &x->core.kind);
	walk_octet(w, &x->neg->held_first);
	walk_sized(w, &x->neg->held, IKE_MESSAGE_MAX);
}

/* ---------------------------------------------------------------- children */

static struct slot *slot_of(const struct tunnel *t, uint16_t number)
{
	struct slot *slot = t->slots;
	while (slot && slot->number != number)
		slot = slot->next;
	return slot;
}

static void child_selectors(struct walk *w, struct child *c)
{
	bool as_slot = ts_list_same(c->local_ts, c->slot->local_ts) && ts_list_same(c->remote_ts, c->slot->remote_ts);
	FLAGS(w, &as_slot);
	if (!as_slot) {
		walk_selectors(w, &c->local_ts);
		walk_selectors(w, &c->remote_ts);
	} else if (walk_reads(w)) {
		c->local_ts = ts_list_share(c->slot->local_ts);
		c->remote_ts = ts_list_share(c->slot->remote_ts);
	}
}

static void child_core(struct walk *w, const struct sa *of, struct child_core *c)
{
	walk_number32(w, &c->spi_in);
	walk_number32(w, &c->spi_out);
	FLAGS(w, &c->in_installed, &c->out_installed, &c->initiator, &c->by_auth, &c->encap, &c->keepalive);
	walk_suite(w, &c->suite);
	walk_address_as(w, &c->local, of ? &of->core.local : NULL);
	walk_address_as(w, &c->remote, of ? &of->core.remote : NULL);
	walk_collision_nonce(w, &c->collision_nonce);
	walk_when(w, &c->created);
	walk_when(w, &c->rekey_at);
	walk_when(w, &c->expire_at);
	walk_wall(w, &c->established_wall);
	walk_wall(w, &c->rekey_wall);
}

static void child(struct walk *w, const struct tunnel *t, const struct sa *of, struct child *c)
{
	uint8_t state = (uint8_t)c->state;
	uint16_t slot = c->slot ? c->slot->number : 0;
	walk_number32(w, &c->number);
	walk_number32(w, &c->jobs);
	walk_octet(w, &state);
	walk_number16(w, &slot);
	if (walk_reads(w)) {
		c->slot = slot_of(t, slot);
		c->state = state;
		w->bad |= !c->slot || state >= CHILD_DEAD;
	}
	if (walk_wrong(w))
		return;
	child_core(w, of, &c->core);
	child_selectors(w, c);
	walk_number16(w, &c->policies);
	FLAGS(w, &c->peers_selectors, &c->rekey_due, &c->delete_due, &c->checking);
	walk_octet(w, &c->lost);
	walk_number32(w, &c->peer_half);
	walk_number32(w, &c->replaced_by);
	struct mono *times[] = { &c->ready_at, &c->linger_out, &c->linger_in, &c->close_at, &c->retry_at, &c->check_at };
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		walk_when(w, times[i]);
}

/* of: NULL = lingering ones. */
static void children(struct walk *w, const struct tunnel *t, const struct sa *of, struct child **list)
{
	unsigned n = 0;
	for (struct child *c = *list; c && !walk_reads(w); c = c->next)
		n += !of || record_keeps_child(of, c);
	n = (unsigned)walk_number_to(w, n, CHILDREN_MAX);
	for (unsigned i = 0; i < n && !walk_wrong(w); list = &(*list)->next) {
		if (walk_reads(w))
			*list = xcalloc(1, sizeof **list);
		else if (of && !record_keeps_child(of, *list))
			continue;
		child(w, t, of, *list);
		i++;
	}
}

/* ---------------------------------------------------------------- IKE SAs */

static void keys(struct walk *w, struct sa *sa)
{
	struct sa_keys none = { 0 }, *k = sa->keys ? sa->keys : &none;
	walk_octet(w, &k->d);
	walk_octet(w, &k->a);
	walk_octet(w, &k->e);
	if (walk_reads(w))
		sa->keys = k = keys_new(k->d, k->a, k->e);
	walk_octets(w, k->octets, keys_size(k));
}

/* The first of its line is its own origin. */
static void origin(struct walk *w, uint32_t number, struct sa_core *c)
{
	walk_number32(w, &c->origin.number);
	if (c->origin.number == number) {
		c->origin.at = c->created;
		c->origin.collision_nonce = c->collision_nonce;
		return;
	}
	walk_when(w, &c->origin.at);
	walk_collision_nonce(w, &c->origin.collision_nonce);
}

static void sa_core(struct walk *w, uint32_t number, struct sa_core *c)
{
	walk_octets(w, c->spi_i, IKE_SPI_LEN);
	walk_octets(w, c->spi_r, IKE_SPI_LEN);
	FLAGS(w, &c->initiator, &c->nat_local, &c->nat_remote, &c->natt, &c->encap, &c->fragmentation, &c->forced, &c->id_sync,
		&c->origin.initiator);
	walk_suite(w, &c->suite);
	walk_number64(w, &c->iv_out);
	walk_number32(w, &c->next_out);
	walk_number32(w, &c->next_in);
	walk_number32(w, &c->synced);
	walk_number32(w, &c->sync_nonce);
	walk_address(w, &c->local);
	walk_address(w, &c->remote);
	walk_collision_nonce(w, &c->collision_nonce);
	walk_when(w, &c->created);
	origin(w, number, c);
	walk_when(w, &c->established);
	walk_when(w, &c->rekey_at);
	walk_when(w, &c->expire_at);
	walk_wall(w, &c->established_wall);
	walk_wall(w, &c->rekey_wall);
	walk_wall(w, &c->proven_until);
}

static void identity(struct walk *w, struct ident *id)
{
	struct bytes data = bytes_of(id->data, id->len);
	walk_octet(w, &id->type);
	walk_sized(w, &data, UINT16_MAX);
	id->data = (uint8_t *)(uintptr_t)data.p;
	id->len = (uint16_t)data.n;
}

static void proof(struct walk *w, struct sa *sa)
{
	bool there = sa->proof != NULL;
	FLAGS(w, &there);
	if (!there)
		return;
	if (walk_reads(w))
		sa->proof = xcalloc(1, sizeof *sa->proof);
	struct cert_facts *c = &sa->proof->peer;
	uint8_t key = (uint8_t)c->key;
	walk_octet(w, &sa->proof->theirs);
	walk_octet(w, &sa->proof->ours);
	walk_text(w, c->subject, sizeof c->subject);
	walk_text(w, c->issuer, sizeof c->issuer);
	walk_text(w, c->serial, sizeof c->serial);
	walk_text(w, c->signature, sizeof c->signature);
	walk_wall(w, &c->not_before);
	walk_wall(w, &c->not_after);
	walk_octet(w, &key);
	walk_number16(w, &c->bits);
	walk_octets(w, c->sha256, sizeof c->sha256);
	FLAGS(w, &c->ca, &c->self_issued, &c->signs, &c->weak);
	if (walk_reads(w))
		c->key = key;
	w->bad |= !sign_scheme(sa->proof->theirs) || !sign_scheme(sa->proof->ours) || key > KEY_ED448;
}

static void sa(struct walk *w, const struct tunnel *t, struct sa *sa)
{
	uint8_t state = (uint8_t)sa->state;
	bool confirmed = sa->heard.ms > sa->core.established.ms;
	walk_number32(w, &sa->number);
	walk_number32(w, &sa->jobs);
	walk_octet(w, &state);
	sa_core(w, sa->number, &sa->core);
	keys(w, sa);
	FLAGS(w, &confirmed, &sa->rekey_due, &sa->delete_due, &sa->forgotten, &sa->reauth, &sa->lifetime_due, &sa->limit_told);
	walk_number32(w, &sa->replaced_by);
	walk_number32(w, &sa->peer_half);
	struct mono *times[] = { &sa->retry_at, &sa->close_at, &sa->reauth_at, &sa->prove_at, &sa->busy_since };
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		walk_when(w, times[i]);
	walk_octet(w, &sa->reauth_for);
	walk_octet(w, &sa->child_refusals);
	identity(w, &sa->peer_id);
	proof(w, sa);
	walk_octet(w, &sa->vendor);
	walk_number16(w, &sa->narrow);
	walk_when(w, &sa->narrow_until);
	if (walk_reads(w)) {
		sa->state = state < SA_DEAD ? state : SA_DEAD;
		sa->heard = mono_add(sa->core.established, confirmed);
	}
	children(w, t, sa, &sa->children);
	ours(w, sa, &sa->ours);
	theirs(w, sa);
}

/* One that waits for our kernel to have its first child is not: an answer on it would say that we have that. */
static bool keeps(const struct sa *sa)
{
	return sa->ours.core.kind != X_AUTH &&
	       (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED || sa->state == SA_DELETING);
}

static void sas(struct walk *w, struct tunnel *t)
{
	unsigned n = 0;
	for (const struct sa *o = t->sa_list; o && !walk_reads(w); o = o->tunnel_next)
		n += keeps(o);
	n = (unsigned)walk_number_to(w, n, SAS_MAX);
	struct sa **list = &t->sa_list;
	for (unsigned i = 0; i < n && !walk_wrong(w); list = &(*list)->tunnel_next) {
		if (walk_reads(w))
			*list = xcalloc(1, sizeof **list);
		else if (!keeps(*list))
			continue;
		sa(w, t, *list);
		i++;
	}
}

/* ---------------------------------------------------------------- slots */

static void slot(struct walk *w, struct slot *slot)
{
	walk_number16(w, &slot->number);
	walk_octet(w, &slot->kind);
	walk_octet(w, &slot->refusals);
	walk_octet(w, &slot->told);
	walk_when(w, &slot->retry_at);
	walk_number16(w, &slot->policies);
	FLAGS(w, &slot->retired, &slot->hosts, &slot->transient, &slot->by_traffic, &slot->cut);
	walk_selectors(w, &slot->local_ts);
	walk_selectors(w, &slot->remote_ts);
}

static void slots(struct walk *w, struct tunnel *t)
{
	t->n_slots = (uint16_t)walk_number_to(w, t->n_slots, ESP_SLOTS_MAX);
	struct slot **list = &t->slots;
	for (unsigned i = 0; i < t->n_slots && !walk_wrong(w); i++, list = &(*list)->next) {
		if (walk_reads(w))
			*list = xcalloc(1, sizeof **list);
		slot(w, *list);
	}
	w->bad |= !t->n_slots;
}

static struct child *child_in(const struct tunnel *t, uint32_t number)
{
	struct child *found = NULL, *l = t->lingering;
	for (const struct sa *o = t->sa_list; o && !found; o = o->tunnel_next)
		found = child_of(o, number);
	while (!found && l && l->number != number)
		l = l->next;
	return found ? found : l;
}

/* Which children carry; after these. */
static void uses(struct walk *w, const struct tunnel *t, const struct slot *slot, struct child **c)
{
	uint32_t number = *c ? (*c)->number : 0;
	walk_number32(w, &number);
	if (!walk_reads(w) || !number)
		return;
	*c = child_in(t, number);
	w->bad |= !*c || (*c)->slot != slot || (*c)->state == CHILD_MAKING;
}

/* By name: where they lead is asked of the kernel. */
static void leftovers(struct walk *w, struct tunnel *t)
{
	uint32_t n = (uint32_t)walk_number_to(w, t->n_leftover < LEFTOVERS_MAX ? t->n_leftover : LEFTOVERS_MAX, LEFTOVERS_MAX);
	if (!n)
		return;
	if (walk_reads(w))
		t->leftover = xcalloc(t->n_leftover = n, sizeof *t->leftover);
	walk_when(w, &t->leftover_until);
	for (uint32_t i = 0; i < n && !walk_wrong(w); i++) {
		walk_number32(w, &t->leftover[i].spi);
		walk_octet(w, &t->leftover[i].dir);
	}
}

/* ---------------------------------------------------------------- the tunnel */

static void body(struct walk *w, struct tunnel *t)
{
	bool up = t->link_up;
	walk_number64(w, &t->settings);
	FLAGS(w, &t->held, &t->up_asked, &up, &t->refused, &t->peer_reconnects);
	walk_octet(w, &t->link.state);
	walk_number16(w, &t->slots_told);
	for (unsigned i = COUNTER_ATTEMPTS; i < COUNTER_COUNT; i++)
		walk_number64(w, &t->counters[i]);
	walk_when(w, &t->outage);
	walk_when(w, &t->lost_at);
	walk_when(w, &t->closed_redundant_at);
	leftovers(w, t);
	slots(w, t);
	if (!walk_wrong(w))
		sas(w, t);
	if (!walk_wrong(w))
		children(w, t, NULL, &t->lingering);
	for (struct slot *o = t->slots; o && !walk_wrong(w); o = o->next) {
		uses(w, t, o, &o->current);
		uses(w, t, o, &o->switching);
	}
	t->link_up = up;
}

static void counted(struct walk *w, struct esp_count *c)
{
	walk_number64(w, &c->bytes);
	walk_number64(w, &c->packets);
	walk_number32(w, &c->replay_errors);
	walk_number32(w, &c->integrity_errors);
}

static void tail(struct walk *w, struct tunnel *t)
{
	uint64_t handshake = (uint64_t)t->last_handshake;
	for (unsigned i = 0; i < COUNTER_ATTEMPTS; i++) /* of traffic: the kernel goes on counting */
		walk_number64(w, &t->counters[i]);
	walk_wall(w, &t->since);
	walk_wall(w, &t->last_heard);
	t->last_handshake = (msec)walk_number_to(w, handshake, INT32_MAX);
	for (struct sa *o = t->sa_list; o; o = o->tunnel_next) {
		if (!walk_reads(w) && !keeps(o))
			continue;
		walk_when(w, &o->heard);
		for (struct child *c = o->children; c; c = c->next)
			if (walk_reads(w) || record_keeps_child(o, c)) {
				counted(w, &c->in);
				counted(w, &c->out);
			}
	}
}

bool record_write(const struct tunnel *t, struct buf *b)
{
	struct walk w = { .out = b };
	struct tunnel *from = (struct tunnel *)(uintptr_t)t; /* a walk that writes changes nothing */
	size_t start = b->len;
	put_u8(b, RECORD_VERSION);
	put_u32(b, 0);
	body(&w, from);
	if (walk_wrong(&w))
		return false;
	buf_set_u32(b, start + 1, (uint32_t)(b->len - start - HEAD));
	tail(&w, from);
	return !walk_wrong(&w);
}

bool record_read(struct tunnel *blank, struct bytes record)
{
	struct cursor c = cursor_over(record);
	if (record.n > RECORD_MAX || get_u8(&c) != RECORD_VERSION)
		return false;
	struct cursor in = get_sub(&c, get_u32(&c));
	struct walk w = { .in = &in };
	body(&w, blank);
	if (walk_wrong(&w) || cursor_left(&in))
		return false;
	w.in = &c;
	tail(&w, blank);
	return !walk_wrong(&w) && !cursor_left(&c);
}

struct bytes record_body(struct bytes record)
{
	struct cursor c = cursor_over(record);
	get_u8(&c);
	uint32_t n = get_u32(&c);
	return get_view(&c, n);
}

/* ---------------------------------------------------------------- notes */

static uint64_t ago(const struct sa *sa, const struct sent_message *f) { return f->empty ? sa->core.iv_out - f->empty + 1 : 0; }

/* What restore.c makes of its note again is this very answer, and goes the same way. */
static bool is_plain(const struct sa *sa)
{
	return !sa->theirs.sent.empty || (sa->theirs.packet == 0 && addr_equal(&sa->from.local, &sa->core.local) &&
						 addr_equal(&sa->from.remote, &sa->core.remote));
}

bool record_note_write(const struct tunnel *t, uint8_t v[STORE_NOTE])
{
	const struct sa *sa = t->sa_list;
	if (!sa || sa->tunnel_next || t->removed || sa->state != SA_ESTABLISHED || sa->theirs.core.state != XS_IDLE)
		return false;
	bool open = sa->ours.core.state != XS_IDLE;
	if (open && (sa->ours.core.state != XS_SENT || sa->ours.core.kind != X_LIVENESS || !sa->ours.sent.empty))
		return false;
	uint64_t request = open ? ago(sa, &sa->ours.sent) : 0, answer = ago(sa, &sa->theirs.sent);
	if (!is_plain(sa) || request > UINT32_MAX || answer > UINT32_MAX)
		return false;
	struct buf b = buf_of(v, STORE_NOTE);
	put_u32(&b, sa->core.next_out);
	put_u32(&b, sa->core.next_in);
	put_u32(&b, (uint32_t)request);
	put_u32(&b, (uint32_t)answer);
	put_u64(&b, (uint64_t)t->last_heard);
	return !b.bad;
}

bool record_note_read(struct record_note *n, struct bytes v)
{
	struct cursor c = cursor_over(v);
	n->next_out = get_u32(&c);
	n->next_in = get_u32(&c);
	n->ours = get_u32(&c);
	n->theirs = get_u32(&c);
	n->last_heard = (int64_t)get_u64(&c);
	return !c.bad && !cursor_left(&c);
}

/* ---------------------------------------------------------------- what was read, and not believed */

static void release_children(struct child *c)
{
	for (struct child *next; c; c = next) {
		next = c->next;
		child_free(c);
	}
}

void record_release(struct tunnel *t)
{
	for (struct sa *o = t->sa_list, *next; o; o = next) {
		next = o->tunnel_next;
		release_children(o->children);
		struct negotiation *both[] = { o->ours.neg, o->theirs.neg };
		for (unsigned i = 0; i < 2; i++) {
			if (both[i])
				both[i]->child = NULL;
			negotiation_free(NULL, both[i]);
		}
		sent_message_clear(&o->ours.sent);
		sent_message_clear(&o->theirs.sent);
		free(o->peer_id.data);
		free(o->proof);
		keys_drop(o);
		wipe(o, sizeof *o);
		free(o);
	}
	release_children(t->lingering);
	leftovers_free(t);
	for (struct slot *slot = t->slots, *next; slot; slot = next) {
		next = slot->next;
		ts_list_drop(slot->local_ts);
		ts_list_drop(slot->remote_ts);
		free(slot);
	}
}
