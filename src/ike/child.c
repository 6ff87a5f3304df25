/*
 * child.c - a child SA pair from its SPI to its last packet.
 *
 *	MAKING --inbound installed--> INBOUND --peer is known to have it--> READY --rekeyed--> REPLACED --DELETE--> LINGER --> gone
 *
 * Both go in before the peer can know of it, so that no key waits in the engine; when the tunnel elects the child one policy update switches to its
 * outbound SA by SPI. After a DELETE the outbound SA goes seconds later and the inbound SA later still: packets may be under way.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define LINGERING_MAX 16 /* and two for each that the tunnel carries side by side */
#define CONFIRM_EVERY 1000
#define REPLACE_AGAIN 15000 /* after a failed replacement; who made it tries earlier */
#define ESP_SPI_MIN 256     /* RFC 4303 2.1: 1..255 are reserved */

/* ---------------------------------------------------------------- states: which may follow which */

#define TO(x) (1u << (x))
static const uint8_t child_may[] = {
	[CHILD_MAKING] = TO(CHILD_INBOUND) | TO(CHILD_DEAD),
	[CHILD_INBOUND] = TO(CHILD_READY) | TO(CHILD_REPLACED) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_READY] = TO(CHILD_REPLACED) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_REPLACED] = TO(CHILD_READY) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_DELETING] = TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_LINGER] = TO(CHILD_DEAD),
	[CHILD_DEAD] = 0,
};
#undef TO

void child_state(struct child *c, enum child_state state)
{
	assert(child_may[c->state] & 1u << state);
	c->state = state;
}

/* ---------------------------------------------------------------- made and gone */

struct child *child_new(struct step *s, struct sa *sa, struct slot *slot, bool initiator)
{
	struct ike *ike = s->ike;
	struct child *c = xcalloc(1, sizeof *c);
	c->number = ++ike->numbers;
	c->sa = sa;
	c->tunnel = sa->tunnel;
	slot_enter(slot, c);
	c->core.initiator = initiator;
	c->core.created = s->now.mono;
	c->alarm.kind = OWNER_CHILD;
	c->core.rekey_at = c->core.expire_at = c->linger_out = c->linger_in = c->close_at = c->check_at = MONO_NEVER;
	do
		ike->fill(ike->fill_arg, &c->core.spi_in, sizeof c->core.spi_in);
	while (c->core.spi_in < ESP_SPI_MIN || !table_put(&ike->by_esp, c->core.spi_in, c));
	c->next = sa->children;
	sa->children = c;
	return c;
}

void child_free(struct child *c)
{
	ts_list_drop(c->local_ts);
	ts_list_drop(c->remote_ts);
	wipe(c, sizeof *c);
	free(c);
}

static void unlink_from(struct child **list, struct child *c)
{
	while (*list && *list != c)
		list = &(*list)->next;
	if (*list)
		*list = c->next;
	c->next = NULL;
}

void child_drop_keys(struct child *c)
{
	if (c->keys)
		wipe(c->keys, sizeof *c->keys);
	free(c->keys);
	c->keys = NULL;
}

static void remove_from_kernel(struct step *s, struct child *c, enum esp_dir dir)
{
	step_action(s, ACTION_REMOVE)->remove = (struct esp_remove){ .tunnel = c->tunnel->id,
		.dir = (uint8_t)dir,
		.spi = dir == ESP_IN ? c->core.spi_in : c->core.spi_out,
		.local = c->core.local,
		.remote = c->core.remote };
}

void child_remove_in(struct step *s, struct child *c)
{
	if (!c->core.in_installed)
		return;
	c->core.in_installed = false;
	remove_from_kernel(s, c, ESP_IN);
}

static void not_installed(struct child *c, enum esp_dir dir)
{
	if (dir == ESP_IN)
		c->core.in_installed = false;
	else
		c->core.out_installed = false;
}

void child_expired(struct child *c, enum esp_dir dir)
{
	not_installed(c, dir);
	c->delete_due = true;
}

void child_remove_out(struct step *s, struct child *c)
{
	if (!c->core.out_installed)
		return;
	c->core.out_installed = false;
	remove_from_kernel(s, c, ESP_OUT);
}

/* Freed only when no answer of the kernel is under way: else an SA that the kernel just installed would be forgotten. */
void child_reap(struct step *s, struct child *c)
{
	if (c->job_install)
		return;
	c->tunnel->awaiting_kernel--;
	tunnel_mark(s, c->tunnel);
	if (table_get(&s->ike->by_esp, c->core.spi_in) == c)
		table_del(&s->ike->by_esp, c->core.spi_in);
	c->next = s->ike->dead_children;
	s->ike->dead_children = c;
}

void child_destroy(struct step *s, struct child *c)
{
	struct tunnel *t = c->tunnel;
	if (c->state == CHILD_DEAD)
		return;
	child_state(c, CHILD_DEAD);
	unlink_from(c->sa ? &c->sa->children : &t->lingering, c);
	c->sa = NULL;
	heap_clear(&s->ike->heap, &c->alarm.t);
	child_drop_keys(c);
	child_remove_out(s, c);
	child_remove_in(s, c);
	slot_leave(c);
	tunnel_mark(s, t);
	t->awaiting_kernel++;
	child_reap(s, c);
}

/* ---------------------------------------------------------------- an SA of it is lost */

/*
 * An SA of it is lost: it is rekeyed over the living IKE SA, and what is left of the pair goes on until then. One that is replaced already needs no
 * other.
 */
static void replace_lost(struct step *s, struct child *c)
{
	if (!c->lost || !c->sa || (c->state != CHILD_READY && c->state != CHILD_INBOUND))
		return;
	c->rekey_due = true;
	c->retry_at = mono_add(c->tunnel->lost_at, LOST_PAUSE);
	child_alarm(s, c);
	sa_mark(s, c->sa);
}

void child_lost(struct step *s, struct child *c, enum esp_dir dir)
{
	bool first = !c->lost;
	not_installed(c, dir);
	c->lost |= (uint8_t)(1u << dir);
	if (c->sa && dir == ESP_IN) { /* that nothing comes in is no fault of the peer's */
		c->sa->no_return_since = MONO_NEVER;
		c->sa->no_return_answers = 0;
	}
	if (first)
		replace_lost(s, c);
	tunnel_mark(s, c->tunnel); /* another one may be able to send */
}

static bool young(const struct step *s, const struct child *c)
{
	return c->state == CHILD_INBOUND && !mono_due(mono_add(c->core.created, LOST_YOUNG), s->now.mono);
}

bool child_rekey_ready(const struct step *s, const struct child *c)
{
	const struct exchange *theirs = &c->sa->theirs;
	if (!c->rekey_due || !mono_due(c->retry_at, s->now.mono))
		return false;
	if (!c->lost)
		return c->state == CHILD_READY;
	bool peers = theirs->core.kind == X_REKEY_CHILD && theirs->neg && theirs->neg->replaces == c->number;
	bool lives = (c->state == CHILD_READY || c->state == CHILD_INBOUND) && mono_is_never(c->close_at) && !sa_closing(c->sa);
	return lives && !peers && !young(s, c);
}

/* ---------------------------------------------------------------- closed */

/* A replacement that is closed with nothing in its own place (the other kernel refused it, say): what it replaced is still good. */
static void reinstate_replaced(struct step *s, struct child *c)
{
	if (!c->sa || c->sa->state != SA_ESTABLISHED || c->replaced_by)
		return;
	for (struct child *o = c->sa->children; o; o = o->next) {
		if (o->replaced_by != c->number || o->state != CHILD_REPLACED || o->delete_due)
			continue;
		child_state(o, CHILD_READY);
		o->replaced_by = 0;
		o->close_at = MONO_NEVER;
		if (mono_due(o->core.rekey_at, s->now.mono))
			o->core.rekey_at = mono_add(s->now.mono, step_jitter(s->ike, REPLACE_AGAIN, 50));
		child_alarm(s, o);
		replace_lost(s, o);
	}
}

void child_close(struct step *s, struct child *c)
{
	struct tunnel *t = c->tunnel;
	unsigned lingering = 0;
	reinstate_replaced(s, c);
	for (struct child *l = t->lingering; l; l = l->next)
		lingering++;
	if (c->state == CHILD_MAKING || lingering >= LINGERING_MAX + 2u * t->n_slots) {
		child_destroy(s, c);
		return;
	}
	child_state(c, CHILD_LINGER);
	unlink_from(&c->sa->children, c);
	c->sa = NULL;
	c->next = t->lingering;
	t->lingering = c;
	c->rekey_due = c->delete_due = false;
	c->linger_out = mono_add(s->now.mono, LINGER_OUT);
	c->linger_in = mono_add(s->now.mono, LINGER_IN);
	child_alarm(s, c);
	tunnel_mark(s, t);
}

void child_move_to(struct child *c, struct sa *sa)
{
	unlink_from(&c->sa->children, c);
	c->sa = sa;
	c->next = sa->children;
	sa->children = c;
}

struct child *child_by_number(const struct tunnel *t, uint32_t number)
{
	for (const struct sa *sa = t->sa_list; sa && number; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next)
			if (c->number == number)
				return c;
	return NULL;
}

struct child *child_by_spi_out(struct sa *sa, uint32_t spi)
{
	for (struct child *c = sa->children; c; c = c->next)
		if (c->core.spi_out == spi && c->state != CHILD_MAKING)
			return c;
	return NULL;
}

static struct child *sending_in(struct child *list, uint32_t spi)
{
	while (list && !(list->core.out_installed && list->core.spi_out == spi))
		list = list->next;
	return list;
}

/* Peers choose these SPIs: they name a child within its tunnel only, and of that there are few. */
struct child *child_sending(const struct tunnel *t, uint32_t spi)
{
	struct child *c = sending_in(t->lingering, spi);
	for (const struct sa *sa = t->sa_list; sa && !c; sa = sa->tunnel_next)
		c = sending_in(sa->children, spi);
	return c;
}

bool child_wanted(const struct child *c)
{
	return c->sa && (c->state == CHILD_READY || c->state == CHILD_INBOUND) && !c->delete_due &&
	       (c->sa->state == SA_ESTABLISHED || c->sa->state == SA_REPLACED);
}

/* ---------------------------------------------------------------- the kernel */

bool child_sends(const struct child *c) { return c->core.out_installed || c->job_install; }

void child_endpoints(struct step *s, struct child *c, const struct addr *local, const struct addr *remote)
{
	if (c->state == CHILD_MAKING || (addr_equal(&c->core.local, local) && addr_equal(&c->core.remote, remote)))
		return;
	bool in = c->core.in_installed || c->job_install,
	     out = c->core.out_installed || c->job_install; /* in turn: they are there by then */
	if (in || out)
		step_action(s, ACTION_MOVE)->move = (struct esp_move){ .tunnel = c->tunnel->id,
			.spi_in = c->core.spi_in,
			.spi_out = out ? c->core.spi_out : 0,
			.encap = c->core.encap,
			.old_local = c->core.local,
			.old_remote = c->core.remote,
			.new_local = *local,
			.new_remote = *remote };
	/* Whether a moved SA has its keepalives still depends on the kernel: then they are ours. Its ports change in place. */
	c->core.keepalive &= addr_same_ip(&c->core.local, local) && addr_same_ip(&c->core.remote, remote);
	c->core.local = *local;
	c->core.remote = *remote;
}

/* ---------------------------------------------------------------- its times */

void child_installed(struct step *s, struct child *c)
{
	const struct tunnel_conf *conf = c->tunnel->conf;
	child_state(c, CHILD_INBOUND);
	child_endpoints(s, c, &c->sa->core.local, &c->sa->core.remote); /* should the peer have moved while the kernel was busy */
	c->core.rekey_at = step_rekey_at(s, conf->esp_lifetime, c->core.initiator);
	c->core.expire_at = mono_add(s->now.mono, conf->esp_lifetime);
	c->core.established_wall = s->now.wall;
	c->core.rekey_wall = s->now.wall + (c->core.rekey_at.ms - s->now.mono.ms) / 1000;
	c->ready_at = mono_add(s->now.mono, SWITCH_LATEST);
	c->slot->policies = c->policies;
	c->delete_due |= c->slot->retired; /* the configuration has changed meanwhile */
	if (c->core.initiator)
		child_ready(s, c);
	child_alarm(s, c);
	tunnel_mark(s, c->tunnel);
}

void child_ready(struct step *s, struct child *c)
{
	if (c->state != CHILD_INBOUND)
		return;
	child_state(c, CHILD_READY);
	c->ready_at = s->now.mono;
	child_alarm(s, c);
	tunnel_mark(s, c->tunnel);
}

void child_by_auth(struct step *s, struct child *c)
{
	c->core.by_auth = true;
	if (c->tunnel->conf->rekey_check)
		c->check_at = mono_add(s->now.mono, REKEY_CHECK + step_jitter(s->ike, REKEY_CHECK, 100));
	child_alarm(s, c);
}

void child_check(struct step *s, struct child *c)
{
	c->check_at = MONO_NEVER;
	c->checking |= !c->rekey_due;
	c->rekey_due = true;
	c->retry_at = s->now.mono;
	sa_mark(s, c->sa);
}

void child_abandon(struct step *s, struct child *c)
{
	child_state(c, CHILD_INBOUND);
	c->delete_due = true;
	c->ready_at = MONO_NEVER;
	sa_mark(s, c->sa);
}

static bool uses(const struct child *c, uint32_t spi)
{
	for (; c; c = c->next)
		if (c->core.spi_out == spi && c->state != CHILD_MAKING)
			return true;
	return false;
}

bool child_spi_out_taken(const struct sa *sa, uint32_t spi)
{
	for (const struct sa *o = sa->tunnel->sa_list; o; o = o->tunnel_next)
		if (uses(o->children, spi))
			return true;
	return spi < ESP_SPI_MIN || uses(sa->tunnel->lingering, spi);
}

void child_replaced(struct step *s, struct child *old, struct child *by)
{
	old->replaced_by = by->number;
	old->rekey_due = false;
	if (old->state == CHILD_INBOUND || old->state == CHILD_READY)
		child_state(old, CHILD_REPLACED);
	old->close_at = mono_add(
		s->now.mono, by->state == CHILD_INBOUND ? REPLACED_LATEST : REDUNDANT_THEIRS); /* should the winner forget it */
	child_alarm(s, old);
	tunnel_mark(s, old->tunnel);
}

void child_alarm(struct step *s, struct child *c)
{
	struct mono at = MONO_NEVER;
	switch (c->state) {
	case CHILD_LINGER: at = mono_min(c->core.out_installed ? c->linger_out : MONO_NEVER, c->linger_in); break;
	case CHILD_INBOUND:
		at = c->ready_at; /* and what READY waits for */
				  /* fallthrough */
	case CHILD_READY:
		at = mono_min(at, mono_min(c->core.expire_at, c->close_at));
		if (!c->rekey_due)
			at = mono_min(at, mono_min(c->core.rekey_at, c->check_at));
		else if (c->retry_at.ms > s->now.mono.ms)
			at = mono_min(at, c->retry_at);
		else if (c->lost && young(s, c))
			at = mono_min(at, mono_add(c->core.created, LOST_YOUNG));
		break;
	case CHILD_REPLACED: at = c->delete_due ? MONO_NEVER : mono_min(c->close_at, c->core.expire_at); break;
	case CHILD_MAKING:
	case CHILD_DELETING:
	case CHILD_DEAD: break;
	}
	alarm_at(s->ike, &c->alarm, at);
}

/* Another child does its work meanwhile. */
static bool unconfirmed(const struct child *c)
{
	const struct child *used = c->slot->current;
	return c->sa && sa_unconfirmed(c->sa) && used && used != c && used->sa && !used->sa->forgotten;
}

static void ask_peer(struct step *s, struct child *c)
{
	c->sa->liveness_due = true;
	c->ready_at = mono_add(s->now.mono, CONFIRM_EVERY);
}

/* What made it redundant may have been replaced meanwhile, by something that the peer may not have yet. */
static bool still_redundant(const struct child *c)
{
	for (const struct sa *sa = c->tunnel->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *o = sa->children; o; o = o->next)
			if (o != c && o->slot == c->slot && o->state == CHILD_READY && child_wanted(o) &&
				mono_is_never(o->close_at))
				return true;
	return false;
}

void child_timer(struct step *s, struct child *c)
{
	struct mono now = s->now.mono;
	if (c->state == CHILD_READY && mono_due(c->close_at, now) && !still_redundant(c))
		c->close_at = mono_add(now, CONFIRM_EVERY);
	if (c->state == CHILD_LINGER) {
		if (mono_due(c->linger_out, now))
			child_remove_out(s, c);
		if (mono_due(c->linger_in, now))
			child_destroy(s, c);
		else
			child_alarm(s, c);
		return;
	}
	if (c->state == CHILD_INBOUND && mono_due(c->ready_at, now)) {
		if (unconfirmed(c))
			ask_peer(s, c);
		else
			child_ready(s, c);
	}
	if (mono_due(c->core.rekey_at, now) && c->state != CHILD_REPLACED)
		c->rekey_due = true;
	if (mono_due(c->check_at, now) && c->state != CHILD_REPLACED)
		child_check(s, c);
	if (mono_due(c->core.expire_at, now) || mono_due(c->close_at, now)) {
		c->delete_due = true;
		c->core.expire_at = c->close_at = MONO_NEVER;
	}
	if (c->sa)
		sa_mark(s, c->sa);
	tunnel_mark(s, c->tunnel);
	child_alarm(s, c);
}
