/*
 * restore.c - an engine goes on where another one died: from the records of its tunnels, and with the SAs that the kernel has.
 *
 * An action that follows the last record may have been done or not. What the kernel has says so of SAs; the rest is done again: what is sent is the same
 * datagram, a switch, a link state and a removal are as they were. To the peer nothing has happened: no IKE_SA_INIT, no new key, no IV twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "record.h"

#define IV_SKIP (1u << 16) /* more than any record can have missed, which is none */

struct found { /* what the kernel has for a tunnel */
	const struct esp_held *v;
	uint32_t n;
	bool *claimed; /* by a child */
};

/* ---------------------------------------------------------------- part of the machine */

/* Also of what is gone and still referred to: who gets its number would be taken for it. */
static void count_number(struct ike *ike, uint32_t number)
{
	if (number > ike->numbers && number <= NUMBER_MAX)
		ike->numbers = number;
}

static void count_negotiated(struct ike *ike, const struct negotiation *n)
{
	if (n)
		count_number(ike, n->replaces);
}

static void adopt_child(struct ike *ike, struct tunnel *t, struct sa *sa, struct child *c)
{
	c->tunnel = t;
	c->sa = sa;
	c->slot->children++;
	c->alarm.kind = OWNER_CHILD;
	if (c->state == CHILD_MAKING)
		c->core.in_installed = c->core.out_installed = false;
	table_put(&ike->by_esp, c->core.spi_in, c);
	count_number(ike, c->number);
	count_number(ike, c->replaced_by);
	count_number(ike, c->peer_half);
}

/* A liveness check each within dpd-interval, not all at once; who was not heard of before is not taken for heard now. */
static struct mono heard_at(struct step *s, const struct sa *sa)
{
	msec interval = sa->tunnel->conf->dpd_interval, ago = step_jitter(s->ike, interval, 100) - interval;
	struct mono at = { s->now.mono.ms - ago };
	if (sa->heard.ms <= sa->core.established.ms || sa_unresponsive(sa))
		return sa->heard;
	return at.ms > sa->core.established.ms ? at : mono_add(sa->core.established, 1);
}

/* What is open is sent again at once: the peer repeats its answer, or never had the request. */
static void reopen(struct step *s, struct exchange *x)
{
	x->first = x->next = s->now.mono;
	x->tries = x->alike = 0;
	x->unheard = x->unheard < UNRESPONSIVE_TRIES ? 0 : x->unheard; /* what was doubtful stays so */
	x->wait = RETRANSMIT_FIRST;
	if (x->core.state == XS_IDLE)
		exchange_end(x);
}

static void adopt_sa(struct step *s, struct tunnel *t, struct sa *sa)
{
	struct ike *ike = s->ike;
	sa->tunnel = t;
	sa->alarm.kind = OWNER_SA;
	sa->core.iv_out += IV_SKIP;
	sa->no_return_since = MONO_NEVER;
	sa->heard = heard_at(s, sa);
	reopen(s, &sa->ours);
	sa->theirs.first.ms = s->now.mono.ms - ANSWER_REPEAT_MIN;
	sa->theirs.alike = 1;
	sa->theirs.next = sa->theirs.core.state == XS_SWITCH ? mono_add(s->now.mono, ANSWER_HELD_MAX) : MONO_NEVER;
	sa_index(ike, sa);
	table_put(&ike->by_number, sa->number, sa);
	count_number(ike, sa->number);
	count_number(ike, sa->replaced_by);
	count_number(ike, sa->peer_half);
	count_number(ike, sa->core.origin.number);
	count_negotiated(ike, sa->ours.neg);
	count_negotiated(ike, sa->theirs.neg);
	ike->totals.established++;
	t->sas++;
	for (struct child *c = sa->children; c; c = c->next)
		adopt_child(ike, t, sa, c);
}

/* The configured ones keep what the configuration says, which is the same. */
static void adopt_slots(struct tunnel *t, struct tunnel *read)
{
	const struct slot *own = t->slots;
	for (struct slot *slot = read->slots; own; slot = slot->next, own = own->next) {
		ts_list_drop(slot->local_ts);
		ts_list_drop(slot->remote_ts);
		slot->local_ts = own->local_ts;
		slot->remote_ts = own->remote_ts;
	}
	slots_free(t);
	t->slots = read->slots;
	t->n_slots = read->n_slots;
	t->slots_told = read->slots_told;
}

static void adopt(struct step *s, struct tunnel *t, struct tunnel *read)
{
	adopt_slots(t, read);
	t->held = read->held;
	s->ike->any_cas.stale = true;
	t->up_asked = read->up_asked;
	t->refused = read->refused;
	t->peer_reconnects = read->peer_reconnects;
	t->outage = read->outage;
	t->lost_at = read->lost_at;
	t->closed_redundant_at = read->closed_redundant_at;
	memcpy(t->counters, read->counters, sizeof t->counters);
	t->since = read->since;
	t->last_heard = read->last_heard;
	t->last_handshake = read->last_handshake;
	t->link_up = read->link_up;
	t->state = read->link_up ? TUNNEL_UP : t->state;
	t->link = (struct esp_link_state){ .tunnel = t->id, .state = UINT8_MAX }; /* so that it is said again */
	t->recover = true;
	t->sa_list = read->sa_list;
	t->lingering = read->lingering;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		adopt_sa(s, t, sa);
	for (struct child *c = t->lingering; c; c = c->next)
		adopt_child(s->ike, t, NULL, c);
}

/* ---------------------------------------------------------------- held against the kernel */

static const struct esp_held *find(const struct found *f, uint8_t dir, uint32_t spi)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->v[i].dir == dir && f->v[i].spi == spi)
			return &f->v[i];
	return NULL;
}

static const struct esp_held *claim(struct found *f, uint8_t dir, uint32_t spi)
{
	const struct esp_held *h = find(f, dir, spi);
	if (h)
		f->claimed[h - f->v] = true;
	return h;
}

static bool is_there(const struct esp_held *h, const struct child_core *c)
{
	bool ports = !c->encap || (h->local.port == c->local.port && h->remote.port == c->remote.port);
	return h->encap == c->encap && addr_same_ip(&h->local, &c->local) && addr_same_ip(&h->remote, &c->remote) && ports;
}

/* The order to move it was lost, of both SAs. */
static void move_again(struct step *s, const struct child *c, const struct esp_held *h)
{
	if (!h || is_there(h, &c->core))
		return;
	step_action(s, ACTION_MOVE)->move = (struct esp_move){ .tunnel = c->tunnel->id,
		.spi_in = c->core.spi_in,
		.spi_out = c->core.out_installed ? c->core.spi_out : 0,
		.encap = c->core.encap,
		.old_local = h->local,
		.old_remote = h->remote,
		.new_local = c->core.local,
		.new_remote = c->core.remote };
}

static void compare_child(struct step *s, struct found *f, struct child *c)
{
	const struct esp_held *in = c->core.in_installed ? claim(f, ESP_IN, c->core.spi_in) : NULL;
	const struct esp_held *out = c->core.out_installed ? claim(f, ESP_OUT, c->core.spi_out) : NULL;
	if (c->core.in_installed && !in)
		child_lost(s, c, ESP_IN);
	if (c->core.out_installed && !out)
		child_lost(s, c, ESP_OUT);
	move_again(s, c, in ? in : out);
}

/* The kernel was asked for both SAs of it: it has both, or one, or none. */
static void compare_new_child(struct step *s, struct found *f, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	struct child *c = x->neg->child;
	bool in = find(f, ESP_IN, c->core.spi_in), out = find(f, ESP_OUT, c->core.spi_out);
	if (!in && !out) {
		exchange_state(x, x->core.kind, XS_SENT); /* the same answer makes the same keys */
		return;
	}
	if (in && out) {
		claim(f, ESP_IN, c->core.spi_in);
		claim(f, ESP_OUT, c->core.spi_out);
		c->core.in_installed = true;
		c->core.out_installed = !child_sending(c->tunnel, c->core.spi_out);
	}
	fsm_run(s, sa, OURS, XE_KERNEL, NULL, NULL, in && out ? 0 : EIO);
}

static void compare(struct step *s, struct tunnel *t, struct found *f)
{
	struct sa *next;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next)
			if (c->state != CHILD_MAKING)
				compare_child(s, f, c);
	for (struct child *c = t->lingering; c; c = c->next)
		compare_child(s, f, c);
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (sa->ours.core.state == XS_INSTALL)
			compare_new_child(s, f, sa);
	}
}

/* What nobody knows goes, but for what was left over from a death before this one: the peer may send by it still. */
static void compare_leftovers(struct step *s, struct tunnel *t, struct tunnel *read, const struct found *f)
{
	struct esp_held *kept = read->leftover;
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t k = n;
		while (k < read->n_leftover && (kept[k].spi != f->v[i].spi || kept[k].dir != f->v[i].dir))
			k++;
		if (f->claimed[i])
			continue;
		if (k == read->n_leftover) {
			leftover_remove(s, t->id, &f->v[i]);
			continue;
		}
		kept[k] = kept[n];
		kept[n++] = f->v[i];
	}
	leftovers_take(s, t, kept, n);
	t->leftover_until = mono_min(t->leftover_until, read->leftover_until);
	leftovers_free(read);
}

/* ---------------------------------------------------------------- said again */

static bool has_number(const struct tunnel *t, uint16_t number)
{
	const struct slot *slot = t->slots;
	while (slot && slot->number != number)
		slot = slot->next;
	return slot != NULL;
}

static void say_gone(struct step *s, const struct tunnel *t, uint16_t number)
{
	struct esp_switch *to = arena_alloc(s->out->arena, offsetof(struct esp_switch, ts));
	if (!to)
		return;
	to->tunnel = t->id;
	to->slot = number;
	step_action(s, ACTION_SWITCH)->swtch.to = to;
}

static void say_again(struct step *s, struct tunnel *t)
{
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		struct child *used = slot->switching ? slot->switching : slot->current;
		slot->switching = NULL;
		if (slot->told == TOLD_BLOCKED)
			slot->told = TOLD_SENDS;
		if (used && used->core.out_installed)
			child_switch(s, used);
	}
	for (uint16_t i = 1; i <= t->slots_told; i++)
		if (!has_number(t, i))
			say_gone(s, t, i);
}

static void go_on(struct step *s, struct tunnel *t, uint8_t link)
{
	say_again(s, t);
	if (!t->link_up) {
		t->link.state = link;
		step_action(s, ACTION_LINK)->link = t->link;
	}
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		sa_mark(s, sa);
		for (struct child *c = sa->children; c; c = c->next)
			child_alarm(s, c);
	}
	for (struct child *c = t->lingering; c; c = c->next)
		child_alarm(s, c);
	tunnel_want(s, t);
}

/* ---------------------------------------------------------------- a tunnel */

/* The settings have changed meanwhile, as a reload would have told who is dead now: what was authenticated by them ends. */
static void start_over(struct step *s, struct tunnel *t)
{
	tunnel_close_all(s, t);
	ike_report(s, FACT_CONF_CHANGED, BLAME_OPERATOR, t, NULL,
		"configuration changed since the state of the tunnel was kept: reconnecting");
	tunnel_want(s, t);
}

/* Each message that it tells of took a message id and an IV. */
bool record_take_note(struct step *s, struct tunnel *read, struct bytes note)
{
	struct sa *sa = read->sa_list;
	struct record_note n;
	if (!note.n)
		return true;
	if (!record_note_read(&n, note) || !sa || sa->tunnel_next || sa->state != SA_ESTABLISHED ||
		sa->theirs.core.state != XS_IDLE || (sa->ours.core.kind != X_NONE && sa->ours.core.kind != X_LIVENESS) ||
		n.next_out < sa->core.next_out || n.next_in < sa->core.next_in || sa->core.iv_out > UINT64_MAX / 2)
		return false;
	uint32_t asked = n.next_out - sa->core.next_out, answered = n.next_in - sa->core.next_in;
	sa->core.next_out = n.next_out;
	sa->core.next_in = n.next_in;
	sa->core.iv_out += (uint64_t)asked + answered;
	read->counters[COUNTER_LIVENESS_CHECKS] += asked;
	read->last_heard = n.last_heard;
	if (n.ours > sa->core.iv_out || n.theirs > sa->core.iv_out || (n.ours && n.ours == n.theirs) || (answered && !n.theirs))
		return false;
	exchange_end(&sa->ours);
	sent_message_clear(&sa->ours.sent);
	return (!n.ours || exchange_empty_again(s, sa, OURS, sa->core.iv_out - n.ours)) &&
	       (!n.theirs || exchange_empty_again(s, sa, THEIRS, sa->core.iv_out - n.theirs));
}

static bool restored(struct step *s, struct tunnel *t, const struct ike_kept *kept, bool *outdated)
{
	struct tunnel read = { 0 };
	struct found f = { kept->held, kept->n, NULL };
	bool whole = record_read(&read, kept->record) && record_take_note(s, &read, kept->note);
	*outdated = whole && read.settings != t->settings;
	if (!whole || !record_believed(s->ike, t, &read)) {
		record_release(&read);
		return false;
	}
	f.claimed = xcalloc(kept->n + 1, sizeof *f.claimed);
	adopt(s, t, &read);
	compare(s, t, &f);
	compare_leftovers(s, t, &read, &f);
	go_on(s, t, read.link.state);
	free(f.claimed);
	if (*outdated) {
		leftovers_within(s, t, 0);
		start_over(s, t);
	} else
		tunnel_saved(s->ike, t);
	return true;
}

static void restore_one(struct step *s, const struct ike_kept *kept)
{
	struct tunnel *t = tunnel_by_id(s->ike, kept->tunnel);
	bool outdated = false;
	step_on(s, t);
	if (!t && kept->record.n) /* nobody's */
		step_action(s, ACTION_SAVE)->save.tunnel = kept->tunnel;
	if (!t || t->removed || t->sa_list || t->lingering || t->n_leftover) {
		for (uint32_t i = 0; i < kept->n; i++)
			leftover_remove(s, kept->tunnel, &kept->held[i]);
		return;
	}
	if (kept->record.n && restored(s, t, kept, &outdated))
		return;
	if (kept->record.n)
		ike_report(s, FACT_NOT_RESTORED, BLAME_LOCAL, t, NULL,
			"what was kept of the tunnel cannot be used: it is connected anew%s",
			kept->n ? ", beside the SAs that the kernel has" : "");
	leftovers_take(s, t, kept->held, kept->n);
	if (outdated) /* the peer was another, or proved itself with another key */
		leftovers_within(s, t, 0);
}

void tunnels_restore(struct step *s, const struct ike_restore *from)
{
	size_t it = 0;
	struct tunnel *t;
	for (uint32_t i = 0; from && i < from->n; i++)
		restore_one(s, &from->v[i]);
	/* An interface that was up stays so over a death: where nothing has outlived it, it has to be said. */
	while (from && (t = table_next(&s->ike->tunnels, &it)))
		if (!t->link.tunnel && !t->n_leftover && !t->removed)
			tunnel_link_down(s, t);
}
