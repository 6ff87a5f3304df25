/* sa.c - an IKE SA's life: made, established, its end. */
#include <assert.h>
#include <stdlib.h>

#include "machine.h"

/* ---------------------------------------------------------------- negotiation */

struct negotiation *negotiation_new(void)
{
	struct negotiation *n = xcalloc(1, sizeof *n);
	n->believed = MONO_NEVER;
	return n;
}

void negotiation_free(struct step *s, struct negotiation *n)
{
	if (!n)
		return;
	if (n->child && n->child->state == CHILD_MAKING && s)
		child_destroy(s, n->child);
	struct bytes *owned[] = { &n->init_request, &n->init_response, &n->peer_id_body, &n->peer_auth, &n->our_auth, &n->held };
	for (unsigned i = 0; i < ARRAY_SIZE(owned); i++)
		bytes_drop(owned[i]);
	for (unsigned i = 0; i < n->proof.n; i++)
		bytes_drop(&n->proof.chain[i]);
	if (n->signs)
		tunnel_conf_unref(n->signs);
	ke_round_free(n);
	wipe(n, sizeof *n);
	free(n);
}

/* ---------------------------------------------------------------- states: which may follow which */

#define TO(x) (1u << (x))
static const uint8_t sa_may[] = {
	[SA_INITIATING] = TO(SA_ESTABLISHED) | TO(SA_DEAD),
	[SA_HALF_OPEN] = TO(SA_ESTABLISHED) | TO(SA_DEAD),
	[SA_ESTABLISHED] = TO(SA_REPLACED) | TO(SA_DELETING) | TO(SA_DEAD),
	[SA_REPLACED] = TO(SA_DELETING) | TO(SA_DEAD),
	[SA_DELETING] = TO(SA_DEAD),
	[SA_DEAD] = 0,
};
#undef TO

void sa_state(struct sa *sa, enum sa_state state)
{
	assert(sa_may[sa->state] & 1u << state);
	sa->state = state;
}

/* ---------------------------------------------------------------- made and found */

static const uint8_t *our_spi_bytes(const struct sa *sa) { return sa->core.initiator ? sa->core.spi_i : sa->core.spi_r; }

uint64_t sa_our_spi(const struct sa *sa)
{
	struct cursor c = cursor_of(our_spi_bytes(sa), IKE_SPI_LEN);
	return get_u64(&c);
}

bool sa_index(struct ike *ike, struct sa *sa) { return table_put(&ike->by_spi, sa_our_spi(sa), sa); }

/* A new SA with an SPI of ours that no other SA has. */
struct sa *sa_new(struct step *s, struct tunnel *t, bool initiator)
{
	struct ike *ike = s->ike;
	struct sa *sa = xcalloc(1, sizeof *sa);
	sa->number = ++ike->numbers;
	sa->state = initiator ? SA_INITIATING : SA_HALF_OPEN;
	sa->core.initiator = initiator;
	sa->alarm.kind = OWNER_SA;
	sa->core.created = s->now.mono;
	sa->heard = sa->sent = s->now.mono;
	sa->core.rekey_at = sa->core.expire_at = sa->retry_at = sa->close_at = sa->no_return_since = MONO_NEVER;
	sa->reauth_at = sa->prove_at = sa->busy_since = MONO_NEVER;
	uint8_t *spi = initiator ? sa->core.spi_i : sa->core.spi_r;
	do
		ike->fill(ike->fill_arg, spi, IKE_SPI_LEN);
	while (sa_our_spi(sa) == 0 || !sa_index(ike, sa));
	table_put(&ike->by_number, sa->number, sa);
	tunnel_attach(t, sa);
	return sa;
}

void sa_forget(struct step *s, struct sa *sa)
{
	sa->forgotten = true;
	sa->close_at = mono_add(s->now.mono, LINGER_OUT);
	sa_mark(s, sa);
}

/* ---------------------------------------------------------------- its end */

static void unindex(struct ike *ike, struct sa *sa)
{
	if (table_get(&ike->by_spi, sa_our_spi(sa)) == sa)
		table_del(&ike->by_spi, sa_our_spi(sa));
	table_del(&ike->by_number, sa->number);
	gate_leave(ike, sa);
}

void sa_destroy(struct step *s, struct sa *sa)
{
	if (sa->state == SA_DEAD)
		return;
	struct ike *ike = s->ike;
	struct tunnel *t = sa->tunnel;
	bool initiating = sa->state == SA_INITIATING;
	if (sa->state == SA_HALF_OPEN)
		ike->totals.half_open--;
	if (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED || sa->state == SA_DELETING)
		ike->totals.established--;
	sa_state(sa, SA_DEAD);
	farewell_keep(s, sa);
	exchange_end(&sa->ours);
	struct negotiation *ours = sa->ours.neg, *theirs = sa->theirs.neg;
	sa->ours.neg = sa->theirs.neg = NULL;
	negotiation_free(s, ours);
	negotiation_free(s, theirs);
	while (sa->children)
		child_destroy(s, sa->children);
	unindex(ike, sa);
	heap_clear(&ike->heap, &sa->alarm.t);
	tunnel_attach(NULL, sa);
	if ((ike->n_dead & (ike->n_dead - 1)) == 0) /* grows at powers of two */
		ike->dead = xrealloc_array(ike->dead, 2 * ike->n_dead + 1, sizeof(struct sa *));
	ike->dead[ike->n_dead++] = sa;
	if (t)
		tunnel_sa_gone(s, t, sa, initiating);
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
	while (ike->n_dead) {
		struct sa *sa = ike->dead[--ike->n_dead];
		sent_message_clear(&sa->ours.sent);
		sent_message_clear(&sa->theirs.sent);
		if (sa->sync_answer)
			sent_message_clear(sa->sync_answer);
		free(sa->sync_answer);
		fragments_free(sa);
		keys_drop(sa);
		free(sa->peer_id.data);
		free(sa->proof);
		wipe(sa, sizeof *sa);
		free(sa);
	}
	free(ike->dead);
	ike->dead = NULL;
	while (ike->dead_children) {
		struct child *c = ike->dead_children;
		ike->dead_children = c->next;
		child_free(c);
	}
}

/* ---------------------------------------------------------------- authenticated */

static void deadlines(struct step *s, struct sa *sa)
{
	msec life = sa->tunnel->conf->ike_lifetime;
	sa->core.rekey_at = step_rekey_at(s, life, sa->core.initiator);
	sa->core.expire_at = mono_add(s->now.mono, life);
	sa->core.rekey_wall = s->now.wall + (sa->core.rekey_at.ms - s->now.mono.ms) / 1000;
	sa_proven_until(s, sa);
}

/* Some peers initiate whenever an SA is closed, even while they have another. Closing redundant ones would then go on for ever: from here on theirs stay. */
static void note_reconnect(struct tunnel *t, const struct sa *sa)
{
	bool soon = !mono_is_never(t->closed_redundant_at) && sa->core.created.ms >= t->closed_redundant_at.ms &&
		    sa->core.created.ms - t->closed_redundant_at.ms < RECONNECTS_WITHIN;
	t->peer_reconnects |= soon && t->link_up && !sa->core.origin.number; /* a rekey is no reconnect */
}

/* An IKE SA is authenticated (or made by a rekey). */
void sa_established(struct step *s, struct sa *sa)
{
	struct tunnel *t = sa->tunnel;
	if (sa->state == SA_HALF_OPEN) {
		note_reconnect(t, sa);
		s->ike->totals.half_open--;
		gate_leave(s->ike, sa);
	}
	sa_state(sa, SA_ESTABLISHED);
	if (!sa->core.origin.number) {
		sa->core.origin.initiator = sa->core.initiator;
		sa->core.origin.number = sa->number;
		sa->core.origin.at = sa->core.created;
		sa->core.origin.collision_nonce = sa->core.collision_nonce;
	}
	s->ike->totals.established++;
	sa->core.established = s->now.mono;
	sa->core.established_wall = s->now.wall;
	sa_heard(s, sa);
	deadlines(s, sa);
	keys_drop_auth(sa);
	sa_mark(s, sa);
	tunnel_mark(s, t);
}
