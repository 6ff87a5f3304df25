/*
 * lost.c - another program removes SAs from the kernel of one end: the child is rekeyed at once over the living IKE SA. Only what the removed SAs would
 * have carried is excused: whatever is left of the pair must go on until the new one is there.
 */
#include <string.h>

#include "world.h"

#define IN (1u << ESP_IN)
#define OUT (1u << ESP_OUT)
#define BOTH (IN | OUT)

static struct child *current(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	return t ? t->slots->current : NULL;
}

static uint64_t counted(struct world *w, int host, enum counter which)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	return t ? t->counters[which] : 0;
}

static struct child *numbered(struct world *w, int host, uint32_t number)
{
	const struct tunnel *t = tunnel_of(w, host, "t");
	return t ? child_by_number(t, number) : NULL;
}

/* True: it lost one at least. */
static bool take(struct world *w, int host, const struct child *c, unsigned dirs)
{
	bool some = false;
	uint32_t number = c ? c->number : 0;
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++) {
		c = numbered(w, host, number);
		some |= c && dirs & 1u << dir && kernel_take(w, host, c, dir);
	}
	return some;
}

static unsigned some_dirs(struct world *w) { return 1 + prng_below(&w->random, 3); }

/* What nobody may see of it: the tunnel stays up on the IKE SA that it has. */
struct before {
	uint64_t attempts[2], rekeys[2];
	unsigned failures[2];
	uint8_t spi[IKE_SPI_LEN];
};

static unsigned failures(const struct world *w, int host)
{
	unsigned n = 0;
	for (unsigned b = 0; b <= BLAME_OPERATOR; b++)
		n += w->hosts[host].facts[FACT_LIFETIME][b] + w->hosts[host].facts[FACT_KERNEL_FAILED][b] +
		     w->hosts[host].facts[FACT_REKEY_FAILED][b];
	return n;
}

static struct before look(struct world *w)
{
	struct before b = { 0 };
	const struct child *c = current(w, A);
	for (int i = 0; i < 2; i++) {
		b.attempts[i] = counted(w, i, COUNTER_ATTEMPTS);
		b.rekeys[i] = counted(w, i, COUNTER_CHILD_REKEYS);
		b.failures[i] = failures(w, i);
	}
	if (c && c->sa)
		memcpy(b.spi, c->sa->core.spi_i, IKE_SPI_LEN);
	return b;
}

static void stayed_up(struct world *w, const struct before *b, bool same_ike)
{
	const struct child *c = current(w, A);
	for (int i = 0; i < 2 && !w->failed; i++) {
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
		expect(w, counted(w, i, COUNTER_ATTEMPTS) == b->attempts[i], "nobody initiates");
		expect(w, failures(w, i) == b->failures[i], "nothing is reported as failed");
	}
	if (same_ike)
		expect(w, c && c->sa && !memcmp(c->sa->core.spi_i, b->spi, IKE_SPI_LEN), "the IKE SA is the same");
}

static uint64_t rekeys(struct world *w, const struct before *b, int host)
{
	return counted(w, host, COUNTER_CHILD_REKEYS) - b->rekeys[host];
}

/* Traffic goes both ways by a pair that both kernels have. */
static bool carries(struct world *w, int arg)
{
	const struct child *a = current(w, A), *b = current(w, B);
	(void)arg;
	return a && b && a->core.spi_in == b->core.spi_out && a->core.spi_out == b->core.spi_in &&
	       kernel_find(&w->hosts[A], ESP_IN, a->core.spi_in, 0) && kernel_find(&w->hosts[B], ESP_IN, b->core.spi_in, 0) &&
	       kernel_find(&w->hosts[A], ESP_OUT, a->core.spi_out, 0) && kernel_find(&w->hosts[B], ESP_OUT, b->core.spi_out, 0) &&
	       policy_spi(&w->hosts[A], a->tunnel->id) == a->core.spi_out &&
	       policy_spi(&w->hosts[B], b->tunnel->id) == b->core.spi_out;
}

static void lost_once(struct world *w, const struct params *p)
{
	w->traffic_max = 40;
	pair_up(w);
	world_run(w, 2 * SECOND);
	struct before b = look(w);
	expect(w, take(w, p->host, current(w, p->host), p->dirs), "there was something to lose");
	expect(w, !carries(w, 0), "it is missed");
	expect(w, world_run_until(w, 500, carries, 0), "another pair carries the traffic within half a second");
	world_run(w, 20 * SECOND);
	expect(w, rekeys(w, &b, p->host) == 1 && rekeys(w, &b, !p->host) == 1, "by one rekey");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/* Both ends lose something at the same moment. */
static void lost_at_both(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	struct before b = look(w);
	take(w, A, current(w, A), some_dirs(w));
	world_run(w, prng_between(&w->random, 0, 60));
	take(w, B, current(w, B), some_dirs(w));
	world_run(w, 4 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/* While a rekey of that child is under way, ours or the peer's: nothing more is needed. */
static void lost_in_rekey(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->weather.delay_min = w->weather.delay_max = prng_between(&w->random, 20, 200);
	struct child *old = current(w, A);
	uint32_t number = old ? old->number : 0;
	order(w, p->host, COMMAND_REKEY);
	world_run(w, prng_between(&w->random, 0, 3 * w->weather.delay_max));
	old = numbered(w, A, number);
	if (!old || !old->sa)
		return;
	const struct exchange *x = p->host == A ? &old->sa->ours : &old->sa->theirs;
	bool under_way = x->core.kind == X_REKEY_CHILD && x->neg && x->neg->replaces == number;
	bool over = old->state >= CHILD_REPLACED;
	take(w, A, old, p->dirs);
	world_run(w, 10 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	expect(w, !(under_way || over) || rekeys(w, &b, A) == 1, "one rekey was enough");
	expect(w, rekeys(w, &b, A) <= 2, "two rekeys were enough");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/* The IKE SA is being rekeyed. */
static void lost_in_ike_rekey(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->weather.delay_min = w->weather.delay_max = prng_between(&w->random, 20, 200);
	order(w, p->host, COMMAND_REKEY_IKE);
	world_run(w, prng_between(&w->random, 0, 4 * w->weather.delay_max));
	take(w, A, current(w, A), some_dirs(w));
	world_run(w, 8 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	stayed_up(w, &b, false);
	check_converged(w, true);
}

/* Somebody removes what he finds, again and again: the tunnel goes on in between, with one rekey at a time and no more than one a second. */
static void lost_again_and_again(struct world *w, const struct params *p)
{
	w->traffic_max = 20;
	pair_up(w);
	world_run(w, 2 * SECOND);
	struct before b = look(w);
	uint64_t datagrams = w->datagrams, carried = 0, taken = 0;
	msec span = p->later ? 2 * MINUTE : 30 * SECOND, every = p->away[0], end = w->now + span;
	while (w->now < end && !w->failed) {
		taken += take(w, p->host, current(w, p->host), some_dirs(w));
		uint64_t received = w->links[0].received;
		world_run(w, every);
		carried += w->links[0].received > received;
		expect(w, rekeys(w, &b, p->host) <= taken, "there are not more rekeys than losses");
	}
	expect(w, taken > 5, "something was lost");
	expect(w, every < SECOND || carried == (uint64_t)(span / every), "packets arrive in between");
	expect(w, rekeys(w, &b, p->host) <= (uint64_t)(span / SECOND) + 1, "there is no more than one rekey a second");
	expect(w, rekeys(w, &b, p->host) >= (uint64_t)(span / (every > SECOND ? every : 2 * SECOND)) - 1, "nor much less");
	expect(w, w->datagrams - datagrams <= 6 * (uint64_t)(span / SECOND) + 20, "the peer is not flooded");
	world_run(w, 3 * SECOND);
	expect(w, carries(w, 0), "once it is over, all is well");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/*
 * The peer refuses every rekey: the groups differ, which IKE_AUTH does not show. A makes another IKE SA at once; B cannot, and asks A to (RFC 4478). When
 * A will not either, nothing is called up that carries nothing.
 */
static void lost_and_refused(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", "esp-proposals", "aes256-sha256-modp2048");
	set(w, B, "t", "esp-proposals", "aes256-sha256-ecp256");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, 10 * SECOND);
	if (p->by_conf) {
		set(w, A, "t", "start", "respond");
		host_load(w, A);
	}
	uint64_t attempts = counted(w, A, COUNTER_ATTEMPTS), datagrams = w->datagrams;
	w->excuse_until = w->now + 2 * MINUTE;
	take(w, p->host, current(w, p->host), some_dirs(w));
	bool goes = world_run_until(w, p->by_conf ? 40 * SECOND : p->host == A ? 2 * SECOND : 8 * SECOND, carries, 0);
	expect(w, goes == !p->by_conf, "traffic goes again");
	expect(w, saw(w, p->host, FACT_PFS_MISMATCH, BLAME_PEER), "the refusal is reported");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == p->by_conf, "the tunnel stayed up if it could");
	world_run(w, 2 * MINUTE);
	expect(w, counted(w, A, COUNTER_ATTEMPTS) == attempts + !p->by_conf, "by one attempt");
	expect(w, w->datagrams - datagrams < 150, "the peer is not flooded");
	if (!p->by_conf)
		check_converged(w, true);
}

/* Nothing that B asks for leaves it, but its answers do. */
static bool no_request_of_b(struct world *w, const struct packet *p)
{
	(void)w;
	return p->from == B && p->n > 19 && !(p->data[19] & IKE_FLAG_RESPONSE);
}

/* B is busy with an IKE rekey of its own and says TEMPORARY_FAILURE for some seconds (RFC 7296 2.25.2). */
static void lost_and_busy(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->filter = no_request_of_b;
	order(w, B, COMMAND_REKEY_IKE);
	world_run(w, 200);
	uint64_t datagrams = w->datagrams;
	take(w, A, current(w, A), some_dirs(w));
	world_run(w, 4 * SECOND);
	expect(w, rekeys(w, &b, A) == 0 && w->datagrams - datagrams < 20, "the peer is asked again now and then");
	w->filter = NULL;
	world_run(w, 8 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	stayed_up(w, &b, false);
	check_converged(w, true);
}

/* A child that lost an election, or was replaced: it will be closed, and nobody misses its SAs. */
static void lost_of_old(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	struct child *old = current(w, p->host);
	uint32_t number = old ? old->number : 0;
	order(w, A, COMMAND_REKEY);
	for (int i = 0; i < 2000 && !w->failed; i++) {
		world_run(w, 1);
		old = numbered(w, p->host, number);
		if (!old || (old->state >= CHILD_REPLACED && current(w, p->host) != old))
			break;
	}
	bool some = old && take(w, p->host, old, p->dirs);
	world_run(w, 20 * SECOND);
	expect(w, !some || rekeys(w, &b, p->host) == 1, "what is old is not rekeyed");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/* Both initiate at once: one IKE SA is redundant and is closed after some seconds, with a child that carries nothing. */
static void lost_of_redundant(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", "start", "initiate");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, 2 * SECOND);
	struct before b = look(w);
	struct tunnel *t = tunnel_of(w, p->host, "t");
	struct sa *other = t ? t->sa_list : NULL;
	while (other && (mono_is_never(other->close_at) || !other->children || other->children == t->slots->current))
		other = other->tunnel_next;
	bool some = other && take(w, p->host, other->children, some_dirs(w));
	world_run(w, 2 * SECOND);
	expect(w, !some || rekeys(w, &b, p->host) == 0, "what is closed soon is not rekeyed");
	check_stayed_up(w);
	check_converged(w, true);
}

/* The responder has not heard anything on its new IKE SA yet: its peer is asked first, and soon. */
static void lost_unconfirmed(struct world *w, const struct params *p)
{
	pair(w);
	w->traffic = false;
	begin(w);
	for (int i = 0; i < 15000 && !w->failed && !current(w, B); i++)
		world_run(w, 1);
	const struct child *c = current(w, B);
	expect(w, c && c->sa && sa_unconfirmed(c->sa), "B's IKE SA is unconfirmed");
	w->links[0].one_way_ok = true;
	take(w, B, c, p->dirs);
	expect(w, world_run_until(w, 3 * SECOND, carries, 0) && current(w, B) != c, "another pair carries the traffic");
	w->links[0].one_way_ok = false;
	w->traffic = true;
	check_converged(w, true);
}

/* The only IKE SA that carries is unconfirmed at B, and A does not hear that it was made: what is lost there must not hold up the other one. */
static void lost_unconfirmed_beside(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	set(w, B, "t", "start", "initiate");
	w->filter = no_auth_answer_of_b;
	begin(w);
	await_up(w, 10 * SECOND);
	struct tunnel *t = tunnel_of(w, B, "t");
	for (struct sa *sa = t ? t->sa_list : NULL; sa; sa = sa->tunnel_next)
		if (sa_unconfirmed(sa) && sa->children)
			take(w, B, sa->children, some_dirs(w));
	world_run(w, 8 * SECOND);
	check_stayed_up(w);
	w->filter = NULL;
	check_converged(w, true);
}

static bool no_create_answer_of_a(struct world *w, const struct packet *p)
{
	(void)w;
	return packet_is(p, A, EXCHANGE_CREATE_CHILD_SA, true);
}

static bool no_delete_of_b(struct world *w, const struct packet *p)
{
	return no_request_of_b(w, p) && p->data[18] == EXCHANGE_INFORMATIONAL;
}

/*
 * B has rekeyed, and A cannot know yet whether B has its answer: A does not ask for a rekey of what B may not have. When B has it and does not say so by
 * its DELETE, A waits no longer than two seconds.
 */
static void lost_young(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->filter = p->unheard ? no_create_answer_of_a : no_delete_of_b;
	order(w, B, COMMAND_REKEY);
	struct child *c = current(w, A), *fresh = NULL;
	for (int i = 0; i < 1000 && !fresh && !w->failed; i++) {
		world_run(w, 1);
		fresh = c && c->sa ? c->sa->children : NULL;
		fresh = fresh && fresh->state == CHILD_INBOUND ? fresh : NULL;
	}
	expect(w, fresh && take(w, A, fresh, IN), "there was something to lose");
	if (w->failed)
		return;
	world_run(w, 500);
	uint32_t asked = c->sa->core.next_out;
	world_run(w, SECOND);
	expect(w, c->sa->core.next_out == asked, "A asks for nothing yet");
	if (p->unheard)
		w->filter = NULL;
	world_run(w, 1500);
	expect(w, p->unheard || rekeys(w, &b, A) == 2, "A does not wait for ever");
	w->filter = NULL;
	world_run(w, 10 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

static uint32_t spi_out(struct world *w, int host) { return policy_spi(&w->hosts[host], tunnel_id(w, host, "t")); }

/* B's rekey has made a new child, and B forgets to close the old one: when A loses what it sends by, the new one is at hand. */
static void lost_beside_a_new_one(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->filter = no_delete_of_b;
	w->traffic = false; /* B's would show that it has the new one */
	order(w, B, COMMAND_REKEY);
	struct child *old = current(w, A);
	world_run(w, SECOND);
	struct child *fresh = old && old->sa ? child_by_number(old->tunnel, old->replaced_by) : NULL;
	expect(w, fresh && current(w, A) == old && take(w, A, old, OUT), "there was something to lose");
	uint32_t spi = fresh ? fresh->core.spi_out : 0;
	world_run(w, 100);
	expect(w, spi_out(w, A) == spi, "the new one is used at once");
	w->traffic = true;
	w->filter = NULL;
	world_run(w, 10 * SECOND);
	expect(w, carries(w, 0) && rekeys(w, &b, A) == 1, "nothing else is needed");
	stayed_up(w, &b, true);
	check_converged(w, true);
}

/* Both have initiated, and the IKE SA that lost is still there: its child does for the moment. */
static void lost_beside_a_redundant_one(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", "start", "initiate");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, SECOND);
	struct tunnel *t = tunnel_of(w, p->host, "t");
	struct sa *other = t ? t->sa_list : NULL;
	while (other &&
		(sa_closing(other) == mono_is_never(other->close_at) || !other->children || other->children == t->slots->current))
		other = other->tunnel_next;
	if (other && take(w, p->host, current(w, p->host), OUT)) {
		uint32_t spi = other->children->core.spi_out;
		world_run(w, 2 * w->kernel_max);
		expect(w, spi_out(w, p->host) == spi, "the other one is used at once");
	}
	world_run(w, 3 * SECOND);
	expect(w, carries(w, 0), "another pair carries the traffic");
	check_stayed_up(w);
	check_converged(w, true);
}

/* A redundant child lost both SAs, then the peer closes the one in use: what is left is replaced although it was to be closed. */
static void lost_and_left(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 40 * SECOND); /* of two that both ends made at about the same time the nonces decide */
	struct child *old = current(w, p->host);
	struct sa *sa = old ? old->sa : NULL;
	if (!sa)
		return;
	struct host *h = &w->hosts[p->host];
	struct step s = { .ike = h->ike, .now = world_moment(w), .out = &h->actions };
	create_start(&s, sa, NULL, old->slot); /* as if a crossing had left two */
	host_wake(w, p->host);
	world_run(w, SECOND);
	if (!w->failed && current(w, p->host) == old)
		world_fail(w, "%c has no newer child beside the one that it had", h->name);
	take(w, p->host, old, BOTH);
	kernel_lose(w, !p->host, "t", ESP_OUT);
	expect(w, world_run_until(w, 8 * SECOND, carries, 0), "another pair carries the traffic");
	check_converged(w, true);
}

/* Between the new outbound SA and the policy that is to name it. */
static void lost_before_the_switch(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct before b = look(w);
	w->kernel_max = 200;
	order(w, A, COMMAND_REKEY);
	bool some = false;
	for (int i = 0; i < 3000 && !some && !w->failed; i++) {
		world_run(w, 1);
		struct tunnel *t = tunnel_of(w, p->host, "t");
		const struct child *c = t ? t->slots->switching : NULL;
		some = c && take(w, p->host, c, OUT);
	}
	world_run(w, 3 * SECOND);
	expect(w, carries(w, 0) && (!some || rekeys(w, &b, p->host) == 2), "another pair carries the traffic");
	stayed_up(w, &b, true);
	w->kernel_max = 15;
	check_converged(w, true);
}

/* A's kernel does not take the new child that B has made already: both go on with the old one, of which B has lost an SA meanwhile. */
static void lost_of_reinstated(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct child *old = current(w, B);
	uint32_t number = old ? old->number : 0;
	w->hosts[A].kernel_fail = 100;
	order(w, A, COMMAND_REKEY);
	for (int i = 0; i < 1000 && !w->failed && !(old && old->state == CHILD_REPLACED); i++) {
		world_run(w, 1);
		old = numbered(w, B, number);
	}
	expect(w, take(w, B, old, p->dirs), "there was something to lose");
	for (int i = 0; i < 1000 && !w->failed && !saw(w, A, FACT_KERNEL_FAILED, BLAME_LOCAL); i++)
		world_run(w, 1);
	w->hosts[A].kernel_fail = 0;
	expect(w, world_run_until(w, 4 * SECOND, carries, 0), "another pair carries the traffic");
	check_stayed_up(w);
	check_converged(w, true);
}

/* Nothing of A's comes in for a while, and it is A's own kernel that lost the SA: no traffic one way, no doubt about the peer. */
static void lost_is_not_one_way(struct world *w, const struct params *p)
{
	w->traffic_max = 20;
	pair_up(w);
	world_run(w, 2 * SECOND);
	struct before b = look(w);
	w->traffic = !p->sends;
	for (int i = 0; i < 120 && p->sends && !w->failed; i++) { /* so far it looks as if the peer did not answer */
		traffic_send(w, A, tunnel_id(w, A, "t"));
		world_run(w, 100);
	}
	w->filter = no_request_of_b;
	order(w, B, COMMAND_REKEY_IKE); /* says TEMPORARY_FAILURE meanwhile */
	world_run(w, 200);
	uint64_t probes = counted(w, A, COUNTER_LIVENESS_CHECKS);
	take(w, A, current(w, A), IN);
	for (int i = 0; i < 40 && !w->failed; i++) {
		struct tunnel_view v;
		if (p->sends)
			traffic_send(w, A, tunnel_id(w, A, "t"));
		world_run(w, 100);
		expect(w, ike_view(w->hosts[A].ike, tunnel_id(w, A, "t"), &v) && !v.one_way && !v.quiet,
			"it is not called one way");
	}
	expect(w, counted(w, A, COUNTER_LIVENESS_CHECKS) == probes, "nor is the peer asked whether it lives");
	w->filter = NULL;
	world_run(w, 8 * SECOND);
	stayed_up(w, &b, false);
	check_converged(w, true);
}

const struct scenario scenarios_lost[] = {
	{ "lost-out-A", lost_once, 20, "the initiator's outbound SA is removed by another program", { .host = A, .dirs = OUT } },
	{ "lost-out-B", lost_once, 20, "the responder's outbound SA", { .host = B, .dirs = OUT } },
	{ "lost-in-A", lost_once, 20, "the initiator's inbound SA", { .host = A, .dirs = IN } },
	{ "lost-in-B", lost_once, 20, "the responder's inbound SA", { .host = B, .dirs = IN } },
	{ "lost-both-A", lost_once, 20, "both of the initiator's", { .host = A, .dirs = BOTH } },
	{ "lost-both-B", lost_once, 20, "both of the responder's", { .host = B, .dirs = BOTH } },
	{ "lost-at-both-ends", lost_at_both, 60, "both ends lose something at one moment", { 0 } },
	{ "lost-in-our-rekey-out", lost_in_rekey, 30, "outbound, while our rekey is under way", { .host = A, .dirs = OUT } },
	{ "lost-in-our-rekey-in", lost_in_rekey, 30, "inbound", { .host = A, .dirs = IN } },
	{ "lost-in-our-rekey-both", lost_in_rekey, 30, "both", { .host = A, .dirs = BOTH } },
	{ "lost-in-their-rekey-out", lost_in_rekey, 30, "outbound, while the peer's rekey is under way",
		{ .host = B, .dirs = OUT } },
	{ "lost-in-their-rekey-in", lost_in_rekey, 30, "inbound", { .host = B, .dirs = IN } },
	{ "lost-in-their-rekey-both", lost_in_rekey, 30, "both", { .host = B, .dirs = BOTH } },
	{ "lost-in-ike-rekey-A", lost_in_ike_rekey, 30, "while our IKE rekey is under way", { .host = A } },
	{ "lost-in-ike-rekey-B", lost_in_ike_rekey, 30, "while the peer's IKE rekey is under way", { .host = B } },
	{ "lost-every-2s-A", lost_again_and_again, 5, "every two seconds for two minutes",
		{ .host = A, .away = { 2 * SECOND }, .later = true } },
	{ "lost-every-2s-B", lost_again_and_again, 5, "... at the responder",
		{ .host = B, .away = { 2 * SECOND }, .later = true } },
	{ "lost-every-50ms", lost_again_and_again, 5, "as soon as it is there", { .host = A, .away = { 50 } } },
	{ "lost-and-refused-A", lost_and_refused, 10, "the peer refuses the rekey: NO_PROPOSAL_CHOSEN", { .host = A } },
	{ "lost-and-refused-B", lost_and_refused, 10, "... of the responder", { .host = B } },
	{ "lost-and-refused-for-good", lost_and_refused, 10, "... and nobody may initiate", { .host = B, .by_conf = true } },
	{ "lost-and-busy", lost_and_busy, 20, "the peer refuses the rekey for some seconds: TEMPORARY_FAILURE", { 0 } },
	{ "lost-of-old-A", lost_of_old, 20, "an SA of a child that was rekeyed", { .host = A, .dirs = BOTH } },
	{ "lost-of-old-B", lost_of_old, 20, "... at the end that did not rekey it", { .host = B, .dirs = BOTH } },
	{ "lost-of-redundant-A", lost_of_redundant, 20, "an SA of a child that lost an election", { .host = A } },
	{ "lost-of-redundant-B", lost_of_redundant, 20, "... at the other end", { .host = B } },
	{ "lost-unconfirmed-in", lost_unconfirmed, 10, "inbound, on an IKE SA that is unconfirmed", { .dirs = IN } },
	{ "lost-unconfirmed-out", lost_unconfirmed, 10, "outbound", { .dirs = OUT } },
	{ "lost-unconfirmed-both", lost_unconfirmed, 10, "both", { .dirs = BOTH } },
	{ "lost-unconfirmed-beside", lost_unconfirmed_beside, 20, "... beside one that carries the traffic", { 0 } },
	{ "lost-not-one-way-sends", lost_is_not_one_way, 10, "... that has not answered for a while before", { .sends = true } },
	{ "lost-young", lost_young, 10, "inbound, of a child that the peer may not have yet", { .unheard = true } },
	{ "lost-young-late", lost_young, 10, "... that the peer has, and does not say so", { 0 } },
	{ "lost-beside-new", lost_beside_a_new_one, 10, "outbound, while a new child waits for the peer's DELETE of the old one",
		{ 0 } },
	{ "lost-beside-redundant-A", lost_beside_a_redundant_one, 20, "outbound, while a redundant child is still there",
		{ .host = A } },
	{ "lost-beside-redundant-B", lost_beside_a_redundant_one, 20, "... at the other end", { .host = B } },
	{ "lost-and-left-A", lost_and_left, 10, "all of a redundant child, then the peer closes the other", { .host = A } },
	{ "lost-and-left-B", lost_and_left, 10, "... at the other end", { .host = B } },
	{ "lost-before-switch-A", lost_before_the_switch, 20, "outbound, before the policy names it", { .host = A } },
	{ "lost-before-switch-B", lost_before_the_switch, 20, "... at the end that did not rekey", { .host = B } },
	{ "lost-of-reinstated-in", lost_of_reinstated, 10, "inbound, of a child whose replacement the peer's kernel refuses",
		{ .dirs = IN } },
	{ "lost-of-reinstated-out", lost_of_reinstated, 10, "outbound", { .dirs = OUT } },
	{ "lost-not-one-way", lost_is_not_one_way, 10, "the inbound SA is missing for seconds: nobody blames the peer", { 0 } },
	{ 0 },
};
