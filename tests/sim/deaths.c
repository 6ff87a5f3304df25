/*
 * deaths.c - an engine dies at each boundary between two actions, in turn by the seed, while something is under way; and what is restored otherwise: with
 * another configuration, with SAs missing, with a record that nobody can use. No packet is lost, and nothing is negotiated that was there.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define BOUNDARIES 40 /* more than any of the deeds has at one end */

static uint64_t inits(const struct world *w) { return w->hosts[A].inits + w->hosts[B].inits; }

static void expect_hitless(struct world *w, uint64_t before)
{
	for (int i = 0; i < 2 && !w->failed; i++) {
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
		expect(w, !saw(w, i, FACT_NOT_RESTORED, BLAME_LOCAL), "it was restored");
	}
	expect(w, inits(w) == before, "nothing is negotiated from scratch");
}

/* ---------------------------------------------------------------- while something is under way */

static void do_it(struct world *w, const struct params *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->deeds[i] == REKEY_CHILD || p->deeds[i] == REKEY_IKE)
			order(w, i, p->deeds[i] == REKEY_IKE ? COMMAND_REKEY_IKE : COMMAND_REKEY);
		else if (p->deeds[i] == LOSE_SA)
			kernel_take_some(w, i, "t");
	}
}

static void dies_in_deed(struct world *w, const struct params *p)
{
	if (p->nat_a)
		nat_place(w, host_add(w, "192.0.2.1"), "203.0.113.1", false);
	if (p->nat_a)
		host_add(w, "198.51.100.2");
	if (p->nat_a)
		link_add(w, "t", A, B);
	else
		pair(w);
	w->traffic_max = 20;
	for (int i = 0; i < 2 && p->later; i++)
		set_pairs(w, i, "t", i ? "10.2" : "10.1", i ? "10.1" : "10.2", 3);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 40 * SECOND);
	uint64_t before = inits(w);
	w->hosts[p->seed & 1].dies_in = 1 + (unsigned)(p->seed / 2 % BOUNDARIES);
	do_it(w, p);
	world_run(w, 2 * MINUTE);
	expect_hitless(w, before);
	check_converged(w, true);
	expect(w, inits(w) == before, "and nothing later");
}

/* Both ends, again and again, through hours of rekeys. */
static void many_deaths(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	w->traffic_max = 50;
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "10m");
		set(w, i, "t", "ike-lifetime", "25m");
	}
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 40 * SECOND);
	uint64_t before = inits(w);
	w->deaths = 60;
	world_run(w, 60 * MINUTE);
	w->deaths = 0;
	expect(w, w->died >= 5, "some died");
	expect_hitless(w, before);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- what it comes back to */

static void die_now(struct world *w, int host)
{
	w->hosts[host].dies_in = 1;
	w->stays_dead = true;
	host_wake(w, host);
	expect(w, w->hosts[host].dead, "it is dead");
	w->stays_dead = false;
}

/* Settings changed meanwhile: what is equal goes on, what changed starts over, what is gone says goodbye. */
static void comes_back_to_other_settings(struct world *w, const struct params *p)
{
	pair(w);
	link_add(w, "same", A, B);
	link_add(w, "gone", A, B);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 30 * SECOND);
	uint32_t same = tunnel_id(w, p->host, "same");
	die_now(w, p->host);
	settings_of(w, p->host, "gone")->absent = true;
	set(w, p->host, "t", p->change == RESTARTS ? "dpd-interval" : "esp-lifetime", p->change == RESTARTS ? "7s" : "40m");
	host_load(w, p->host);
	host_restore(w, p->host);
	w->links[2].one_way_ok = true;
	world_run(w, MINUTE);
	struct tunnel *t = tunnel_of(w, !p->host, "gone");
	expect(w, t && t->state != TUNNEL_UP, "the peer of the removed one heard goodbye");
	expect(w, w->hosts[p->host].up_epoch[same] == 0, "the equal one stayed up");
	expect(w, tunnel_of(w, p->host, "t")->state == TUNNEL_UP, "the changed one is up");
	expect(w, saw(w, p->host, FACT_CONF_CHANGED, BLAME_OPERATOR), "its change is told");
}

/* The next engine is given other settings at once: what was authenticated by the old ones does not go on. */
static void comes_back_under_other_settings(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 30 * SECOND);
	struct host *h = &w->hosts[p->host];
	uint32_t id = tunnel_id(w, p->host, "t");
	uint64_t before = inits(w);
	bool restarts = p->change == RESTARTS;
	die_now(w, p->host);
	set(w, p->host, "t", restarts ? "encapsulation" : "dpd-interval", restarts ? "udp" : "7s");
	if (p->later) { /* and what it has can be no record of such a tunnel */
		set(w, A, "t", "local-ts", "10.1.0.0/16");
		set(w, B, "t", "remote-ts", "10.1.0.0/16");
	}
	host_load(w, p->host);
	h->reload_due = false;
	bytes_drop(&h->given);
	h->given = conf_pack(h->conf);
	host_restore(w, p->host);
	if (p->later)
		host_load(w, !p->host);
	if (p->later)
		expect(w, saw(w, p->host, FACT_NOT_RESTORED, BLAME_LOCAL), "it is told");
	else
		expect(w, saw(w, p->host, FACT_CONF_CHANGED, BLAME_OPERATOR) == restarts, "the change is told");
	world_run(w, 3 * SECOND);
	expect(w, !p->later || w->hosts[p->host].up_epoch[id] > 0, "the kernel's SAs went at once");
	world_run(w, MINUTE);
	expect(w, (inits(w) > before) == restarts, "it starts over, if it has to");
	check_converged(w, true);
}

/* A record that nobody can use, or none: the SAs stay until another child carries. */
static void comes_back_without_record(struct world *w, const struct params *p)
{
	pair_up(w);
	w->traffic_max = 20;
	world_run(w, 30 * SECOND);
	struct host *h = &w->hosts[p->host];
	uint32_t id = tunnel_id(w, p->host, "t");
	uint64_t before = inits(w);
	die_now(w, p->host);
	struct bytes *record = &h->kept[id];
	if (p->later)
		bytes_drop(record);
	else if (record->n > 20)
		((uint8_t *)(uintptr_t)record->p)[prng_below(&w->random, 5)] ^= 0x55; /* its head */
	host_restore(w, p->host);
	expect(w, p->later || saw(w, p->host, FACT_NOT_RESTORED, BLAME_LOCAL), "it is told");
	expect(w, kernel_count(h, id, ESP_IN) == 1 && kernel_count(h, id, ESP_OUT) == 1, "the kernel's SAs stay");
	if (p->host == B) /* who only answers: the peer has to notice */
		order(w, A, COMMAND_REKEY);
	world_run(w, MINUTE);
	expect(w, inits(w) > before, "it dials, or is dialled");
	check_converged(w, true);
	expect(w, h->up_epoch[id] == 0, "the interface was never down");
}

/* It dies again while the peer still sends by what was left over from the first death: these SAs stay, until a closed one would be gone. */
static void comes_back_twice(struct world *w, const struct params *p)
{
	pair_up(w);
	w->traffic_max = 20;
	world_run(w, 30 * SECOND);
	struct host *h = &w->hosts[A];
	uint32_t id = tunnel_id(w, A, "t"), left = policy_spi(&w->hosts[B], tunnel_id(w, B, "t"));
	die_now(w, A);
	bytes_drop(&h->kept[id]);
	host_restore(w, A);
	while (!w->failed && tunnel_of(w, A, "t")->state != TUNNEL_UP)
		world_run(w, 1);
	die_now(w, A);
	if (p->change ==
		RESTARTS) { /* the next engine is given other settings at once: what was authenticated by the old ones ends */
		w->excuse_until = w->now + MINUTE;
		set(w, A, "t", "encapsulation", "udp");
		host_load(w, A);
		h->reload_due = false;
		bytes_drop(&h->given);
		h->given = conf_pack(h->conf);
	}
	host_restore(w, A);
	world_run(w, 100);
	bool stays = kernel_find(h, ESP_IN, left, 0) != NULL;
	expect(w, stays == (p->change != RESTARTS), "what is left over stays, if the settings do");
	world_run(w, MINUTE);
	expect(w, kernel_count(h, id, ESP_IN) == 1 && kernel_count(h, id, ESP_OUT) == 1, "... for a while");
	check_converged(w, true);
	expect(w, p->change == RESTARTS || h->up_epoch[id] == 0, "the interface was never down");
}

/* Neither a record nor an SA is left, and the peer is silent: the interface that was up does not stay so. */
static void comes_back_to_nothing(struct world *w, const struct params *p)
{
	pair_up(w);
	link_add(w, "other", A, B);
	host_load(w, A);
	host_load(w, B);
	world_run(w, 30 * SECOND);
	struct host *h = &w->hosts[p->host];
	uint32_t id = tunnel_id(w, p->host, "t"), other = tunnel_id(w, p->host, "other");
	die_now(w, p->host);
	bytes_drop(&h->kept[id]);
	for (unsigned i = 0; i < h->n_sas; i++)
		if (!h->sas[i].gone && h->sas[i].tunnel == id) {
			h->sas[i].gone = h->sas[i].excused = true;
			h->sas[i].removed = h->sas[i].lost_at = w->now;
		}
	w->excuse_until = w->now + MINUTE;
	expect(w, h->link[id] == LINK_UP, "a death leaves the interface as it is");
	host_restore(w, p->host);
	expect(w, h->link[id] == LINK_DOWN, "nothing carries, and the interface says so");
	expect(w, h->link[other] == LINK_UP && h->up_epoch[other] == 0, "that of what goes on is left alone");
	world_run(w, MINUTE);
	check_converged(w, true);
}

/* Another program was at the SAs while nobody looked. */
static void comes_back_to_missing_sas(struct world *w, const struct params *p)
{
	pair_up(w);
	world_run(w, 30 * SECOND);
	struct host *h = &w->hosts[p->host];
	uint32_t id = tunnel_id(w, p->host, "t");
	uint64_t before = inits(w);
	die_now(w, p->host);
	for (unsigned i = 0; i < h->n_sas; i++)
		if (!h->sas[i].gone && h->sas[i].tunnel == id && p->dirs & 1u << h->sas[i].dir) {
			h->sas[i].gone = h->sas[i].excused = true;
			h->sas[i].removed = h->sas[i].lost_at = w->now;
		}
	h->lost_out[id] = w->now;
	w->excuse_until = w->now + SECOND;
	host_restore(w, p->host);
	world_run(w, 3 * SECOND);
	expect(w, kernel_count(h, id, ESP_IN) >= 1 && kernel_count(h, id, ESP_OUT) >= 1, "they are replaced at once");
	check_converged(w, true);
	expect(w, inits(w) == before, "by a rekey");
}

/* The engine's id of what it works on. */
static void tells_what_it_works_on(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	die_now(w, A);
	host_restore(w, A);
	expect(w, w->hosts[A].stepping == tunnel_id(w, A, "t"), "it is written where it was told to");
}

#define IN_DEED(name, title, ...) \
	{ \
		"dies-" name, dies_in_deed, 80, title, { __VA_ARGS__ } \
	}
const struct scenario scenarios_deaths[] = {
	IN_DEED("rekey-A", "in a rekey of A's", .deeds = { REKEY_CHILD, DEEDS }),
	IN_DEED("rekey-B", "in a rekey of B's", .deeds = { DEEDS, REKEY_CHILD }),
	IN_DEED("rekey-both", "in crossing rekeys", .deeds = { REKEY_CHILD, REKEY_CHILD }),
	IN_DEED("ike-A", "in an IKE rekey of A's", .deeds = { REKEY_IKE, DEEDS }),
	IN_DEED("ike-B", "in an IKE rekey of B's", .deeds = { DEEDS, REKEY_IKE }),
	IN_DEED("ike-both", "in crossing IKE rekeys", .deeds = { REKEY_IKE, REKEY_IKE }),
	IN_DEED("ike-child", "in an IKE rekey against a child's", .deeds = { REKEY_IKE, REKEY_CHILD }),
	IN_DEED("nat", "behind a NAT, in a rekey of A's", .deeds = { REKEY_CHILD, DEEDS }, .nat_a = true),
	IN_DEED("children-A", "three children, in their rekeys", .deeds = { REKEY_CHILD, DEEDS }, .later = true),
	IN_DEED("children-B", "... by the peer", .deeds = { DEEDS, REKEY_CHILD }, .later = true),
	IN_DEED("children-ike", "... in an IKE rekey", .deeds = { REKEY_IKE, DEEDS }, .later = true),
	IN_DEED("lost", "while a lost SA is replaced", .deeds = { LOSE_SA, DEEDS }),
	{ "dies-often", many_deaths, 20, "both, again and again, through an hour of rekeys", { 0 } },
	{ "back-other-mild", comes_back_to_other_settings, 10, "to other settings", { .change = MILD } },
	{ "back-other-restart-A", comes_back_to_other_settings, 10, "... that start it over", { .change = RESTARTS } },
	{ "back-other-restart-B", comes_back_to_other_settings, 10, "... at the responder", { .host = B, .change = RESTARTS } },
	{ "back-under-mild", comes_back_under_other_settings, 10, "under settings that change no SA", { .change = MILD } },
	{ "back-under-A", comes_back_under_other_settings, 10, "... that start it over", { .change = RESTARTS } },
	{ "back-under-B", comes_back_under_other_settings, 10, "... at the responder", { .host = B, .change = RESTARTS } },
	{ "back-under-selectors", comes_back_under_other_settings, 10, "... and carry something else",
		{ .change = RESTARTS, .later = true } },
	{ "back-damaged-A", comes_back_without_record, 20, "to a record that is damaged", { .host = A } },
	{ "back-damaged-B", comes_back_without_record, 20, "... at the responder", { .host = B, .both_initiate = true } },
	{ "back-forgotten-A", comes_back_without_record, 20, "to no record, and SAs in the kernel",
		{ .host = A, .later = true } },
	{ "back-twice", comes_back_twice, 10, "... and dies again as soon as it is up", { 0 } },
	{ "back-twice-under", comes_back_twice, 10, "... under other settings", { .change = RESTARTS } },
	{ "back-to-nothing-A", comes_back_to_nothing, 10, "to no record and no SA", { .host = A } },
	{ "back-to-nothing-B", comes_back_to_nothing, 10, "... at the responder", { .host = B } },
	{ "back-missing-in", comes_back_to_missing_sas, 10, "to a kernel without its inbound SA", { .dirs = 1u << ESP_IN } },
	{ "back-missing-out", comes_back_to_missing_sas, 10, "... outbound", { .dirs = 1u << ESP_OUT } },
	{ "back-missing-both", comes_back_to_missing_sas, 10, "... both", { .dirs = 3, .host = B } },
	{ "steps-on", tells_what_it_works_on, 2, "which tunnel is worked on", { 0 } },
	{ 0 },
};
