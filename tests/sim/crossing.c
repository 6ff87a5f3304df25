/*
 * crossing.c - both ends do something at the same moment: all pairs of deeds, and deeds against a network that delays, reorders and repeats.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

/* A liveness check now, not after a silence: as if nothing had been heard for an hour. */
static void liveness(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	struct sa *sa = t ? live_sa(w->hosts[host].ike, t, &(unsigned){ 0 }) : NULL;
	if (!sa)
		return;
	struct step s = { .ike = w->hosts[host].ike };
	sa->heard.ms -= 60 * MINUTE; /* it may be from before it was established: not its own doing */
	tunnel_changed(&s, t);
	alarm_at(w->hosts[host].ike, &sa->alarm, (struct mono){ w->now });
	host_wake(w, host);
}

static void reload_other(struct world *w, int host)
{
	static const char *const lifetimes[] = { "3500s", "3600s", "3700s" };
	set(w, host, "t", "esp-lifetime", lifetimes[prng_below(&w->random, 3)]);
	host_load(w, host);
}

static void up_again(struct world *w, int host, int arg)
{
	(void)arg;
	order(w, host, COMMAND_UP);
}

static void do_deed(struct world *w, int host, int deed)
{
	switch ((enum deed)deed) {
	case REKEY_CHILD: order(w, host, COMMAND_REKEY); break;
	case REKEY_IKE: order(w, host, COMMAND_REKEY_IKE); break;
	case LOSE_CHILD: kernel_lose(w, host, "t", (uint8_t)prng_below(&w->random, 2)); break;
	case LOSE_SA: kernel_take_some(w, host, "t"); break;
	case DOWN_UP:
		order(w, host, COMMAND_DOWN);
		world_call(w, prng_between(&w->random, 0, 5 * SECOND), up_again, host, 0);
		break;
	case LIVENESS: liveness(w, host); break;
	case RELOAD: reload_other(w, host); break;
	case DEEDS: break;
	}
}

static void bad_weather(struct world *w, unsigned loss, msec delay)
{
	w->weather.loss = loss;
	w->weather.duplicate = 10;
	w->weather.delay_min = 1;
	w->weather.delay_max = delay;
}

/* Deed a at A and deed b at B, a random moment apart, in weather by the seed. */
static void cross(struct world *w, const struct params *p)
{
	pair(w);
	if (prng_percent(&w->random, 30))
		for (int i = 0; i < 2; i++)
			set(w, i, "t", "esp-proposals", "[aes256-sha256]");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, prng_between(&w->random, 10 * SECOND, 20 * SECOND));
	static const msec delays[] = { 20, 200, 1500 };
	bad_weather(w, prng_percent(&w->random, 30) ? 15 : 0, delays[prng_below(&w->random, 3)]);
	msec apart = prng_percent(&w->random, 50) ? 0 : w->weather.delay_max * 2;
	world_call(w, 1 + prng_between(&w->random, 0, apart), do_deed, A, (int)p->deeds[A]);
	world_call(w, 1 + prng_between(&w->random, 0, apart), do_deed, B, (int)p->deeds[B]);
	world_run(w, 15 * SECOND);
	check_converged(w, true);
}

/* Three deeds in a heap at random ends. */
static void heap_of_deeds(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	bad_weather(w, prng_below(&w->random, 25), prng_between(&w->random, 10, 2500));
	for (int i = 0; i < 5; i++)
		world_call(w, prng_between(&w->random, 1, 4 * SECOND), do_deed, (int)prng_below(&w->random, 2),
			(int)prng_below(&w->random, DEEDS));
	world_run(w, 20 * SECOND);
	check_converged(w, true);
}

/* The operator's down comes while an IKE rekey, ours or the peer's, is under way: what the rekey makes is closed too, and down it stays. */
static void down_in_rekey(struct world *w, const struct params *p)
{
	pair_up(w);
	msec delay = prng_between(&w->random, 20, 800);
	w->weather.delay_min = w->weather.delay_max = delay;
	order(w, p->host, COMMAND_REKEY_IKE);
	world_run(w, prng_between(&w->random, 1, 3 * delay));
	uint64_t token = host_order(w, A, "t", COMMAND_DOWN);
	world_run(w, 20 * SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "down is answered");
	check_link(w, &w->links[0], false);
	order(w, A, COMMAND_UP);
	await_up(w, MINUTE);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- both initiate */

static void initiate_crossing(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", "start", "initiate");
	bad_weather(w, p->loss ? 10 : 0, prng_between(&w->random, 10, 2000));
	begin(w);
	world_run(w, 30 * SECOND);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- each datagram lost once */

/* The k-th datagram of a whole life is lost; k follows the seed. The life: up, child rekey, IKE rekey from either end, a silence, down, up. */
static void one_lost(struct world *w, const struct params *p)
{
	w->drop_number = p->seed;
	pair(w);
	begin(w);
	await_up(w, 20 * SECOND);
	for (int i = 0; i < 2; i++) {
		order(w, i, COMMAND_REKEY);
		world_run(w, 8 * SECOND);
		order(w, i, COMMAND_REKEY_IKE);
		world_run(w, 8 * SECOND);
	}
	liveness(w, B);
	world_run(w, 5 * SECOND);
	order(w, A, COMMAND_DOWN);
	world_run(w, 15 * SECOND);
	order(w, A, COMMAND_UP);
	await_up(w, 30 * SECOND);
	check_converged(w, true);
}

/* The same for each response only, lost several times running. */
static bool lose_some_responses(struct world *w, const struct packet *p)
{
	if (!(p->data[19] & IKE_FLAG_RESPONSE) || w->filter_arg <= 0)
		return false;
	w->filter_arg--;
	return true;
}

static void responses_lost(struct world *w, const struct params *p)
{
	pair_up(w);
	int host = (int)(p->seed & 1), kind = p->seed & 2 ? COMMAND_REKEY_IKE : COMMAND_REKEY;
	w->filter = lose_some_responses;
	w->filter_arg = 1 + (int)(p->seed >> 2) % 4;
	order(w, host, kind);
	world_run(w, 25 * SECOND);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- held back and let loose */

static void held(struct world *w, const struct params *p)
{
	int a = (int)(p->seed % DEEDS), b = (int)(p->seed / DEEDS % DEEDS);
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->hold = true;
	do_deed(w, A, a == DOWN_UP ? REKEY_IKE : a);
	do_deed(w, B, b == DOWN_UP ? REKEY_CHILD : b);
	world_run(w, prng_between(&w->random, 100, 12 * SECOND));
	net_release_held(w, p->seed & 1);
	world_run(w, 10 * SECOND);
	check_converged(w, true);
}

/* The answers of one end stay under way for seconds, while the requests of both arrive: every order of CREATE_CHILD_SA and its answer. */
static void slow_answers(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	do_deed(w, A, p->seed & 1 ? REKEY_CHILD : REKEY_IKE);
	do_deed(w, B, p->seed & 2 ? REKEY_CHILD : REKEY_IKE);
	world_run(w, prng_between(&w->random, 1, 60));
	w->hold = true;
	world_run(w, prng_between(&w->random, 100, 8 * SECOND));
	net_release_held(w, p->seed & 4);
	world_run(w, 10 * SECOND);
	check_converged(w, true);
}

/* Both initiate; A never hears that its own attempt succeeded. The other one carries the traffic, and must not go before B knows what A has. */
static void unconfirmed(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	set(w, B, "t", "start", "initiate");
	w->filter = no_auth_answer_of_b;
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 8 * SECOND); /* longer than what is redundant is kept */
	check_stayed_up(w);
	w->filter = NULL;
	check_converged(w, true);
}

/* Nothing of B on the IKE SA whose SPI begins so; but its request for another one gets through. */
static bool mute_on_old(struct world *w, const struct packet *p)
{
	bool request = p->n > 19 && p->data[18] == EXCHANGE_CREATE_CHILD_SA && !(p->data[19] & IKE_FLAG_RESPONSE);
	return p->from == B && p->n > 19 && !memcmp(p->data, &w->filter_arg, sizeof w->filter_arg) && !request;
}

/* Both rekey the IKE SA, and A hears nothing more on the old one: B goes on where its own half, which won, has brought the children. */
static void peers_half(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	do_deed(w, A, REKEY_IKE);
	do_deed(w, B, REKEY_IKE);
	struct tunnel *t = tunnel_of(w, A, "t");
	if (t && t->sa_list)
		memcpy(&w->filter_arg, t->sa_list->core.spi_i, sizeof w->filter_arg);
	w->filter = mute_on_old;
	world_run(w, SECOND);
	if (p->closes) /* a DELETE of the child, and a new one */
		kernel_lose(w, B, "t", ESP_IN);
	else
		order(w, B, COMMAND_REKEY);
	world_run(w, 2 * SECOND);
	w->filter = NULL;
	if (!p->closes)
		check_stayed_up(w);
	check_converged(w, true);
}

static bool forgot_one(struct world *w, int host)
{
	const struct tunnel *t = tunnel_of(w, host, "t");
	bool some = false;
	for (const struct sa *sa = t ? t->sa_list : NULL; sa; sa = sa->tunnel_next)
		some |= sa->forgotten;
	return some;
}

/*
 * B makes the first SA. Of A's own one B hears the filter_arg-th IKE_AUTH at first, and its answers are lost until it has given up that SA. That it does
 * not know an SA A never hears: nothing protects this word.
 */
static bool heard_when_forgotten(struct world *w, const struct packet *p)
{
	const struct tunnel *b = tunnel_of(w, B, "t");
	if (packet_is(p, A, EXCHANGE_IKE_SA_INIT, false))
		return !b || !b->link_up;
	if (packet_is(p, A, EXCHANGE_IKE_AUTH, false))
		return ++w->filter_seen < w->filter_arg;
	if (packet_is(p, B, EXCHANGE_INFORMATIONAL, true) && p->data[16] != PAYLOAD_SK)
		return true;
	return packet_is(p, B, EXCHANGE_IKE_AUTH, true) && !forgot_one(w, B) && w->filter_seen < 6;
}

static void pfs_at_b_only(struct world *w)
{
	w->traffic_max = 40;
	pair(w);
	set(w, A, "t", "esp-proposals", "[aes256-sha256]");
	set(w, B, "t", "esp-proposals", "aes256-sha256-modp2048");
	set(w, B, "t", "start", "initiate");
	w->filter = heard_when_forgotten;
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, prng_between(&w->random, SECOND, 20 * SECOND));
	order(w, A, COMMAND_REKEY); /* refused: another IKE SA is made beside */
}

/* B gives up A's second IKE SA, for which it has no word of A, while A still waits for the answer: that must open nothing that is gone. */
static void repeated_to_forgotten(struct world *w, const struct params *p)
{
	w->filter_arg = 1 + (int)(p->seed % 4);
	pfs_at_b_only(w);
	struct tunnel *t = tunnel_of(w, B, "t");
	if (t)
		t->peer_reconnects = true; /* learnt before: else what is redundant is kept for half a minute */
	w->meddled = true;
	world_run(w, 3 * MINUTE);
	expect(w, w->links[0].lost == 0, "no packet is lost");
	check_stayed_up(w);
	check_converged(w, true);
}

/* A makes another IKE SA so soon after B's first that B takes them for crossing ones: the one that A then closes is not missed. */
static void reauth_soon(struct world *w, const struct params *p)
{
	(void)p;
	pfs_at_b_only(w);
	w->filter = NULL;
	world_run(w, 3 * MINUTE);
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE), "A makes another IKE SA");
	expect(w, w->links[0].lost == 0, "no packet is lost");
	check_stayed_up(w);
	check_converged(w, true);
}

static bool no_child_answer_of_a(struct world *w, const struct packet *p)
{
	(void)w;
	return packet_is(p, A, EXCHANGE_CREATE_CHILD_SA, true);
}

/* B may not have A's answer to its rekey when the kernel of A drops the old child: A changes to the new one before its DELETE says that the old one ends. */
static void expires_replaced(struct world *w, const struct params *p)
{
	(void)p;
	w->traffic_max = 4;
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->filter = no_child_answer_of_a;
	order(w, B, COMMAND_REKEY);
	world_run(w, SECOND);
	kernel_lose(w, A, "t", ESP_IN);
	world_run(w, SECOND);
	w->filter = NULL;
	world_run(w, 10 * SECOND);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- a peer with other manners */

/* B rekeys one child twice before its first DELETE goes out (strongswan#2945): the child that was replaced is made to look fresh again. */
static void twice(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	int host = p->seed & 1 ? A : B;
	struct tunnel *t = tunnel_of(w, host, "t");
	struct child *old = t ? live_child(t, &(unsigned){ 0 }) : NULL;
	if (!old || !old->sa)
		return;
	struct sa *sa = old->sa;
	uint32_t number = old->number;
	order(w, host, COMMAND_REKEY);
	for (int i = 0; i < 4000 && !w->failed; i++) {
		world_run(w, 1);
		t = tunnel_of(w, host, "t");
		struct child *c = t ? child_by_number(t, number) : NULL;
		if (!c || c->sa != sa || c->state != CHILD_REPLACED)
			continue;
		note(w, "%c   is made to rekey child %08x once more", 'A' + host, c->core.spi_in);
		c->state = CHILD_READY; /* not by child_state: no engine of ours does this */
		c->delete_due = false;
		c->rekey_due = true;
		c->replaced_by = 0;
		sa->ours.core.state == XS_IDLE ? alarm_at(w->hosts[host].ike, &c->alarm, (struct mono){ w->now }) : (void)0;
		break;
	}
	world_run(w, 20 * SECOND);
	check_converged(w, true);
}

static void lifetimes_equal(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "20s");
		set(w, i, "t", "ike-lifetime", "25s");
		set(w, i, "t", "start", "initiate");
	}
	w->weather.delay_max = prng_between(&w->random, 10, 800);
	begin(w);
	world_run(w, 20 * MINUTE);
	check_converged(w, true);
}

/* Soon, not only when what is redundant has been closed. */
static void children_crossed(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, prng_between(&w->random, 10 * SECOND, 20 * SECOND));
	w->weather.delay_min = w->weather.delay_max = prng_between(&w->random, 60, 300);
	order(w, A, COMMAND_REKEY);
	order(w, B, COMMAND_REKEY);
	world_run(w, 3 * SECOND);
	bool crossed = saw(w, A, FACT_COLLISION, BLAME_NONE) && saw(w, B, FACT_COLLISION, BLAME_NONE);
	struct tunnel *t[2] = { tunnel_of(w, A, "t"), tunnel_of(w, B, "t") };
	const struct child *a = t[A] ? t[A]->slots->current : NULL, *b = t[B] ? t[B]->slots->current : NULL;
	expect(w, !crossed || (a && b && a->core.spi_in == b->core.spi_out && a->core.spi_out == b->core.spi_in),
		"both ends use the winner");
	check_converged(w, true);
}

#define CROSS(a, b, name) \
	{ \
		"cross-" name, cross, 100, "A and B at one moment", \
		{ \
			.deeds = { a, b } \
		} \
	}
const struct scenario scenarios_crossing[] = {
	CROSS(REKEY_CHILD, REKEY_CHILD, "child-child"),
	CROSS(REKEY_CHILD, REKEY_IKE, "child-ike"),
	CROSS(REKEY_IKE, REKEY_CHILD, "ike-child"),
	CROSS(REKEY_IKE, REKEY_IKE, "ike-ike"),
	CROSS(REKEY_CHILD, LOSE_CHILD, "child-delete"),
	CROSS(LOSE_CHILD, REKEY_CHILD, "delete-child"),
	CROSS(REKEY_IKE, LOSE_CHILD, "ike-delete"),
	CROSS(LOSE_CHILD, REKEY_IKE, "delete-ike"),
	CROSS(LOSE_CHILD, LOSE_CHILD, "delete-delete"),
	CROSS(REKEY_CHILD, LOSE_SA, "child-lost"),
	CROSS(LOSE_SA, REKEY_CHILD, "lost-child"),
	CROSS(REKEY_IKE, LOSE_SA, "ike-lost"),
	CROSS(LOSE_SA, REKEY_IKE, "lost-ike"),
	CROSS(LOSE_SA, LOSE_SA, "lost-lost"),
	CROSS(LOSE_SA, LOSE_CHILD, "lost-delete"),
	CROSS(LOSE_SA, DOWN_UP, "lost-down"),
	CROSS(LOSE_SA, LIVENESS, "lost-liveness"),
	CROSS(REKEY_CHILD, DOWN_UP, "child-down"),
	CROSS(DOWN_UP, REKEY_CHILD, "down-child"),
	CROSS(REKEY_IKE, DOWN_UP, "ike-down"),
	CROSS(DOWN_UP, REKEY_IKE, "down-ike"),
	CROSS(DOWN_UP, DOWN_UP, "down-down"),
	CROSS(LOSE_CHILD, DOWN_UP, "delete-down"),
	CROSS(DOWN_UP, LOSE_CHILD, "down-delete"),
	CROSS(REKEY_CHILD, LIVENESS, "child-liveness"),
	CROSS(LIVENESS, REKEY_CHILD, "liveness-child"),
	CROSS(REKEY_IKE, LIVENESS, "ike-liveness"),
	CROSS(LIVENESS, REKEY_IKE, "liveness-ike"),
	CROSS(LIVENESS, LIVENESS, "liveness-liveness"),
	CROSS(LIVENESS, DOWN_UP, "liveness-down"),
	CROSS(LIVENESS, LOSE_CHILD, "liveness-delete"),
	CROSS(RELOAD, REKEY_CHILD, "reload-child"),
	CROSS(RELOAD, REKEY_IKE, "reload-ike"),
	CROSS(REKEY_IKE, RELOAD, "ike-reload"),
	CROSS(RELOAD, RELOAD, "reload-reload"),
	{ "down-in-rekey-A", down_in_rekey, 60, "down while our IKE rekey is under way", { .host = A } },
	{ "down-in-rekey-B", down_in_rekey, 60, "down while the peer's IKE rekey is under way", { .host = B } },
	{ "heap-of-deeds", heap_of_deeds, 200, "five deeds within four seconds", { 0 } },
	{ "initiate-crossing", initiate_crossing, 200, "both initiate, answers cross", { 0 } },
	{ "initiate-crossing-loss", initiate_crossing, 100, "... and some are lost", { .loss = true } },
	{ "one-lost", one_lost, 60, "the k-th datagram of a life is lost, each k in turn", { 0 } },
	{ "responses-lost", responses_lost, 30, "answers to a rekey are lost again and again", { 0 } },
	{ "held", held, 100, "all datagrams stop, then arrive at once, forwards or backwards", { 0 } },
	{ "slow-answers", slow_answers, 100, "answers of crossing rekeys arrive in any order", { 0 } },
	{ "unconfirmed", unconfirmed, 20, "both initiate, and the answer to one IKE_AUTH is lost for seconds", { 0 } },
	{ "repeated-to-forgotten", repeated_to_forgotten, 40, "a request is repeated to who has given up its SA", { 0 } },
	{ "reauth-soon", reauth_soon, 20, "another IKE SA beside a young one of the peer's", { 0 } },
	{ "expires-replaced", expires_replaced, 10, "the old child of a rekey that may be unheard is dropped by the kernel",
		{ 0 } },
	{ "peers-half-rekey", peers_half, 20, "B rekeys the child on its half of a crossing before A knows how that ended",
		{ 0 } },
	{ "peers-half-delete", peers_half, 20, "... or closes it", { .closes = true } },
	{ "children-crossed", children_crossed, 20, "both ends rekey the child at once: both use the one that won", { 0 } },
	{ "rekey-twice", twice, 20, "a peer rekeys one child twice before it deletes", { 0 } },
	{ "equal-lifetimes", lifetimes_equal, 10, "both ends initiate and rekey at the same time, for ever", { 0 } },
	{ 0 },
};
