/*
 * sa.c - an IKE SA's life: made, found by its SPI, its deadlines, what it does next, its end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core.h"

/* ---------------------------------------------------------------- negotiation */

struct negotiation *negotiation_new(void) { return xcalloc(1, sizeof(struct negotiation)); }

void negotiation_free(struct step *s, struct negotiation *n)
{
	if (!n)
		return;
	if (n->child && n->child->state == CHILD_MAKING && s)
		child_destroy(s, n->child);
	struct bytes *owned[] = { &n->peer_public, &n->init_request, &n->init_response, &n->peer_id_body, &n->peer_auth,
		&n->child_error_data, &n->our_auth };
	for (unsigned i = 0; i < ARRAY_SIZE(owned); i++)
		bytes_drop(owned[i]);
	free(n->pub);
	wipe(n, sizeof *n);
	free(n);
}

/* ---------------------------------------------------------------- made and found */

const uint8_t *sa_our_spi_bytes(const struct sa *sa) { return sa->core.initiator ? sa->core.spi_i : sa->core.spi_r; }

uint64_t sa_our_spi(const struct sa *sa)
{
	struct cursor c = cursor_of(sa_our_spi_bytes(sa), IKE_SPI_LEN);
	return get_u64(&c);
}

bool sa_index(struct ike *ike, struct sa *sa) { return table_put(&ike->by_spi, sa_our_spi(sa), sa); }

/* A new SA with an SPI of ours that no other SA has. */
struct sa *sa_new(struct step *s, struct tunnel *t, bool initiator)
{
	struct ike *ike = s->ike;
	struct sa *sa = xcalloc(1, sizeof *sa);
	sa->number = ++ike->numbers;
	sa->state = initiator ? SA_DIALING : SA_HALF_OPEN;
	sa->core.initiator = initiator;
	sa->alarm = (struct alarm){ .kind = OWNER_SA, .owner = sa };
	sa->created = s->now.mono;
	sa->heard = sa->sent = s->now.mono;
	sa->rekey_at = sa->expire_at = sa->retry_at = sa->close_at = sa->quiet = MONO_NEVER;
	uint8_t *spi = initiator ? sa->core.spi_i : sa->core.spi_r;
	do
		ike->fill(ike->fill_arg, spi, IKE_SPI_LEN);
	while (sa_our_spi(sa) == 0 || !sa_index(ike, sa));
	table_put(&ike->by_number, sa->number, sa);
	sa_attach(sa, t);
	return sa;
}

void sa_attach(struct sa *sa, struct tunnel *t)
{
	if (sa->tunnel == t)
		return;
	if (sa->tunnel) {
		struct sa **at = &sa->tunnel->sa_list;
		while (*at != sa)
			at = &(*at)->tunnel_next;
		*at = sa->tunnel_next;
		sa->tunnel->sas--;
	}
	sa->tunnel = t;
	sa->tunnel_next = NULL;
	if (t) {
		sa->tunnel_next = t->sa_list;
		t->sa_list = sa;
		t->sas++;
	}
}

void sa_forget(struct step *s, struct sa *sa)
{
	sa->forgotten = true;
	sa->close_at = mono_add(s->now.mono, LINGER_OUT);
	sa_mark(s, sa);
}

bool sa_live(const struct sa *sa) { return sa->state == SA_ESTABLISHED; }

/* ---------------------------------------------------------------- its end */

static void unindex(struct ike *ike, struct sa *sa)
{
	if (table_get(&ike->by_spi, sa_our_spi(sa)) == sa)
		table_del(&ike->by_spi, sa_our_spi(sa));
	table_del(&ike->by_number, sa->number);
	if (sa->source_key && table_get(&ike->by_source, sa->source_key) == sa)
		table_del(&ike->by_source, sa->source_key);
	gate_leave(ike, sa);
}

void sa_destroy(struct step *s, struct sa *sa)
{
	if (sa->state == SA_DEAD)
		return;
	struct ike *ike = s->ike;
	struct tunnel *t = sa->tunnel;
	bool dialing = sa->state == SA_DIALING;
	if (sa->state == SA_HALF_OPEN)
		ike->totals.half_open--;
	if (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED || sa->state == SA_DELETING)
		ike->totals.established--;
	sa_state(sa, SA_DEAD);
	exchange_end(&sa->ours);
	struct negotiation *ours = sa->ours.neg, *theirs = sa->theirs.neg;
	sa->ours.neg = sa->theirs.neg = NULL;
	negotiation_free(s, ours);
	negotiation_free(s, theirs);
	while (sa->children)
		child_destroy(s, sa->children);
	unindex(ike, sa);
	heap_clear(&ike->heap, &sa->alarm.t);
	sa->dirty_next = NULL;
	sa_attach(sa, NULL);
	sa->alarm.owner = ike->dead; /* the dead are chained here until the step ends */
	ike->dead = sa;
	if (t)
		tunnel_sa_gone(s, t, sa, dialing);
}

/* The traffic of a closed SA may still be under way: its children linger. */
void sa_close(struct step *s, struct sa *sa)
{
	while (sa->children)
		child_close(s, sa->children);
	sa_destroy(s, sa);
}

void sa_free_dead(struct ike *ike)
{
	while (ike->dead) {
		struct sa *sa = ike->dead;
		ike->dead = sa->alarm.owner;
		flight_clear(&sa->ours.sent);
		flight_clear(&sa->theirs.sent);
		fragments_free(sa);
		free(sa->peer_id.data);
		wipe(sa, sizeof *sa);
		free(sa);
	}
	while (ike->dead_children) {
		struct child *c = ike->dead_children;
		ike->dead_children = c->next;
		child_free(c);
	}
}

/* ---------------------------------------------------------------- deadlines */

/* Rekey at 80-84 % of the lifetime, who opened the SA in the earlier half: both ends rarely cross (facts: clouds rekey at 85 % and later). */
struct mono rekey_point(struct step *s, msec lifetime, bool initiator)
{
	msec from = lifetime * (initiator ? 80 : 82) / 100, spread = lifetime * 2 / 100;
	return mono_add(s->now.mono, from + jitter(s->ike, spread, 100) - spread);
}

void sa_deadlines(struct step *s, struct sa *sa)
{
	msec life = sa->tunnel->conf->ike_lifetime;
	sa->rekey_at = rekey_point(s, life, sa->core.initiator);
	sa->expire_at = mono_add(s->now.mono, life);
	sa->rekey_wall = s->now.wall + (sa->rekey_at.ms - s->now.mono.ms) / 1000;
}

/* Some peers dial whenever an SA is closed, even while they have another. Closing redundant ones would then go on for ever: from here on theirs stay. */
static void note_insistence(struct tunnel *t, const struct sa *sa)
{
	bool soon = !mono_is_never(t->culled) && sa->created.ms >= t->culled.ms && sa->created.ms - t->culled.ms < INSISTS_WITHIN;
	t->insists |= soon && t->link_up && !sa->born.number; /* a rekey is no dial */
}

/* An IKE SA is authenticated (or made by a rekey). */
void sa_established(struct step *s, struct sa *sa)
{
	struct tunnel *t = sa->tunnel;
	if (sa->state == SA_HALF_OPEN) {
		note_insistence(t, sa);
		s->ike->totals.half_open--;
		table_del(&s->ike->by_source, sa->source_key);
		sa->source_key = 0;
		gate_leave(s->ike, sa);
	}
	sa_state(sa, SA_ESTABLISHED);
	if (!sa->born.number) {
		sa->born.initiator = sa->core.initiator;
		sa->born.number = sa->number;
		sa->born.at = sa->created;
		sa->born.low = sa->low;
	}
	s->ike->totals.established++;
	sa->established = s->now.mono;
	sa->established_wall = s->now.wall;
	sa_heard(s, sa);
	sa_deadlines(s, sa);
	secret_clear(&sa->core.pi);
	secret_clear(&sa->core.pr);
	t->known_remote = sa->core.remote;
	sa_mark(s, sa);
	tunnel_mark(s, t);
}

/* Made by an IKE_AUTH of the peer's: nothing has told yet that our answer arrived. */
bool sa_unproven(const struct sa *sa)
{
	return !sa->core.initiator && sa->born.number == sa->number && sa->heard.ms <= sa->established.ms;
}

void sa_heard(struct step *s, struct sa *sa)
{
	bool news = sa->tunnel && (!sa->tunnel->link_up || sa_unproven(sa));
	sa->heard = s->now.mono;
	sa->heard_wall = s->now.wall;
	if (sa->forgotten) { /* not dead after all: the peer has to be told that it goes */
		sa->forgotten = false;
		sa->close_at = mono_add(s->now.mono, sa->core.initiator ? REDUNDANT_OURS : REDUNDANT_THEIRS);
	}
	sa->quiet = MONO_NEVER;
	sa->ours.unheard = 0;
	if (sa->tunnel) {
		sa->tunnel->last_heard = s->now.wall;
		if (news)
			tunnel_mark(s, sa->tunnel);
	}
	sa_mark(s, sa);
}

/* When an unanswered request, or traffic without answer, makes the SA unfit to carry traffic. */
static struct mono silent_at(const struct sa *sa)
{
	msec patience = sa->tunnel->conf->failover_after;
	if (!patience || sa->state != SA_ESTABLISHED || sa->ours.state != XS_SENT)
		return MONO_NEVER;
	struct mono since = sa->ours.first.ms > sa->heard.ms ? sa->ours.first : sa->heard;
	return mono_add(mono_is_never(sa->quiet) ? since : sa->quiet, patience);
}

bool sa_silent(const struct step *s, const struct sa *sa) { return sa->ours.tries >= 2 && mono_due(silent_at(sa), s->now.mono); }

static struct mono probe_at(const struct sa *sa)
{
	struct mono idle = mono_add(sa->heard, sa->tunnel->conf->dpd_interval);
	return mono_min(idle, mono_add(sa->quiet, (msec)QUIET_PROBE << sa->one_way));
}

static bool keeps_nat_open(const struct sa *sa)
{
	return sa->core.nat_local && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED);
}

/*
 * A responder waits so long for IKE_AUTH; an initiator for its own jobs once the peer has answered and waits, too. The first key of a dial has no limit:
 * nobody waits for it, and to queue anew when thousands dial at once would only lengthen the queue.
 */
static struct mono unborn_until(const struct sa *sa)
{
	if (sa->state == SA_HALF_OPEN)
		return mono_add(sa->created, HALF_OPEN_TIMEOUT);
	bool answered = sa->state == SA_DIALING && sa->ours.state != XS_SENT && sa->ours.state != XS_KE;
	return answered ? mono_add(sa->ours.first, HALF_OPEN_TIMEOUT) : MONO_NEVER;
}

void sa_alarm(struct step *s, struct sa *sa)
{
	struct mono at = MONO_NEVER;
	if (sa->ours.state == XS_SENT)
		at = mono_min(at, sa->ours.next);
	at = mono_min(at, unborn_until(sa));
	if (sa->state == SA_ESTABLISHED) {
		at = mono_min(at, mono_min(sa->expire_at, sa->retry_at));
		if (!sa->rekey_due)
			at = mono_min(at, sa->rekey_at);
		if (sa->ours.state == XS_IDLE && !sa->liveness_due)
			at = mono_min(at, probe_at(sa));
		if (sa->tunnel->link_up && sa->ours.tries >= 2 && !sa_silent(s, sa))
			at = mono_min(at, silent_at(sa));
	}
	if (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED)
		at = mono_min(at, sa->close_at);
	if (keeps_nat_open(sa))
		at = mono_min(at, mono_add(sa->sent, KEEPALIVE_EVERY));
	alarm_at(s->ike, &sa->alarm, at);
}

static void keepalive(struct step *s, struct sa *sa)
{
	struct ike_action *a = act(s, ACTION_KEEPALIVE);
	a->send.local = sa->core.local;
	a->send.remote = sa->core.remote;
	sa->sent = s->now.mono;
}

void sa_timer(struct step *s, struct sa *sa)
{
	struct mono now = s->now.mono;
	if (mono_due(unborn_until(sa), now)) {
		sa_destroy(s, sa);
		return;
	}
	if (sa->ours.state == XS_SENT && mono_due(sa->ours.next, now)) {
		exchange_repeat(s, sa);
		if (sa->state == SA_DEAD)
			return;
	}
	if (sa->state == SA_ESTABLISHED && mono_due(sa->expire_at, now)) {
		tell(s, FACT_LIFETIME, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"the IKE SA reached its lifetime without a rekey: starting over");
		sa->delete_due = true;
		sa->expire_at = MONO_NEVER;
	}
	if (sa->state == SA_ESTABLISHED && mono_due(sa->rekey_at, now))
		sa->rekey_due = true;
	if (mono_due(sa->close_at, now) && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED)) {
		sa->close_at = MONO_NEVER;
		if (sa->state == SA_ESTABLISHED && !sa->forgotten)
			sa->tunnel->culled = now;
		sa->delete_due = true;
		if (sa->forgotten) {
			sa_close(s, sa);
			return;
		}
	}
	if (mono_due(sa->retry_at, now))
		sa->retry_at = MONO_NEVER;
	if (sa->state == SA_ESTABLISHED && sa->ours.state == XS_IDLE && mono_due(probe_at(sa), now))
		sa->liveness_due = true;
	if (sa->state == SA_ESTABLISHED && sa->tunnel->link_up && sa_silent(s, sa))
		tunnel_mark(s, sa->tunnel);
	if (keeps_nat_open(sa) && mono_due(mono_add(sa->sent, KEEPALIVE_EVERY), now))
		keepalive(s, sa);
	sa_mark(s, sa);
}

/* ---------------------------------------------------------------- what next */

/* Work that another exchange of ours would spoil waits for its turn: one request at a time (window of 1, RFC 7296 2.3). */
static bool start_child_work(struct step *s, struct sa *sa)
{
	struct child *due = NULL;
	for (struct child *c = sa->children; c; c = c->next) {
		if (c->delete_due && c->state < CHILD_DELETING && c->state != CHILD_MAKING) {
			info_delete_child(s, sa, c);
			return true;
		}
		if (c->rekey_due && c->state == CHILD_READY && mono_due(c->retry_at, s->now.mono))
			due = c;
	}
	if (sa->state != SA_ESTABLISHED || !mono_is_never(sa->retry_at))
		return false;
	if (due) {
		create_start(s, sa, due);
		return true;
	}
	if (sa->new_child_due) {
		sa->new_child_due = false;
		create_start(s, sa, NULL);
		return true;
	}
	return false;
}

static bool peer_busy_with_ike(const struct sa *sa) { return sa->theirs.state != XS_IDLE; }

void sa_work(struct step *s, struct sa *sa)
{
	bool may = sa->ours.state == XS_IDLE && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED);
	if (may && sa->delete_due)
		info_delete_ike(s, sa);
	else if (may && start_child_work(s, sa))
		;
	else if (may && sa->state == SA_ESTABLISHED && sa->rekey_due && mono_is_never(sa->close_at) &&
		 mono_is_never(sa->retry_at) && !peer_busy_with_ike(sa))
		rekey_start(s, sa);
	else if (may && sa->state == SA_ESTABLISHED && sa->liveness_due)
		info_liveness(s, sa);
	else if (may && !sa->children) /* free for a child again */
		tunnel_mark(s, sa->tunnel);
	if (sa->state != SA_DEAD)
		sa_alarm(s, sa);
}

/* Nothing answered for dpd-timeout: the SA and all below it go without a word (RFC 7296 2.4). */
void sa_peer_dead(struct step *s, struct sa *sa)
{
	struct tunnel *t = sa->tunnel;
	char age[TIME_TEXT];
	bool crossed = sa->state == SA_ESTABLISHED && sa->rival.n;
	bool spare = t && t->link_up && t->current && t->current->sa && t->current->sa != sa; /* the tunnel is up by another */
	rekey_yield(s, sa); /* not the peer but its DELETE was lost: its half of a crossing lives, and takes the children */
	if (spare && sa->state != SA_DIALING && !crossed)
		tell(s, FACT_IKE_REPLACED, BLAME_NONE, t, &sa->core.remote, "an older IKE SA, silent since %s, is given up",
			span_format(s->now.mono.ms - sa->heard.ms, age));
	else if (t && sa->state != SA_DIALING && !crossed)
		tell(s, FACT_PEER_DEAD, BLAME_PEER, t, &sa->core.remote, "peer does not answer since %s: starting over",
			span_format(s->now.mono.ms - sa->heard.ms, age));
	if (spare) /* the peer may still send on it */
		sa_close(s, sa);
	else
		sa_destroy(s, sa);
}
