/*
 * trouble.c - peers that vanish or restart, networks that break, attackers, configurations that change.
 */
#include <string.h>

#include "world.h"

static void vanish(struct world *w, const struct params *p)
{
	pair_up(w);
	int who = p->host;
	note(w, "%c   is not to be heard", 'A' + who);
	w->hosts[who].deaf = true;
	world_run(w, 2 * MINUTE);
	expect(w, w->hosts[!who].link[tunnel_id(w, !who, "t")] != LINK_UP, "the other end noticed");
	expect(w, saw(w, !who, FACT_PEER_DEAD, BLAME_PEER) || saw(w, !who, FACT_PEER_DEAD, BLAME_NETWORK), "and says so");
	w->hosts[who].deaf = false;
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

/* A short cut in the line must not take anything down. */
static void short_cut(struct world *w, const struct params *p)
{
	bool longer = p->seed & 1;
	pair(w);
	for (int i = 0; i < 2 && longer; i++)
		set(w, i, "t", "failover-after", "off");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, prng_between(&w->random, 0, 20 * SECOND));
	for (int i = 0; i < 2; i++)
		order(w, i, prng_percent(&w->random, 50) ? COMMAND_REKEY : COMMAND_REKEY_IKE);
	world_run(w, prng_between(&w->random, 0, 200));
	w->partition = true;
	world_run(w, prng_between(&w->random, 1, longer ? 15 * SECOND : 3 * SECOND));
	w->partition = false;
	world_run(w, 20 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void restart(struct world *w, const struct params *p)
{
	pair(w);
	if (p->both_initiate)
		set(w, B, "t", "start", "initiate");
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, prng_between(&w->random, 0, 20 * SECOND));
	host_stop(w, p->host);
	world_run(w, prng_between(&w->random, 0, p->later ? 60 * SECOND : SECOND));
	host_start(w, p->host);
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

/*
 * A, which made the SA, restarts and only listens. B makes another while the old one is unresponsive, and the nonces may say that the
 * old one is the better of the two: nothing may be closed for the sake of what is dead.
 */
static void restart_listening(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	set(w, A, "t", "start", "respond");
	set(w, B, "t", "start", "initiate");
	host_load(w, B);
	world_run(w, prng_between(&w->random, 0, 15 * SECOND));
	host_stop(w, A);
	host_start(w, A);
	await_up(w, MINUTE);
	uint32_t epochs[2] = { 0 };
	for (int i = 0; i < 2 && !w->failed; i++)
		epochs[i] = w->hosts[i].up_epoch[tunnel_id(w, i, "t")];
	world_run(w, MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == epochs[i], "what came up stays up");
	check_converged(w, true);
}

/* An idle tunnel is not one that carries traffic one way only; one that only sends is. */
static void one_way(struct world *w, const struct params *p)
{
	pair(w);
	w->traffic = false;
	begin(w);
	await_up(w, 15 * SECOND);
	for (int i = 0; i < 300 && !w->failed; i++) {
		if (p->sends)
			traffic_send(w, A, tunnel_id(w, A, "t"));
		world_run(w, SECOND);
	}
	for (int i = 0; i < 2 && !w->failed; i++) {
		struct tunnel_view v;
		bool seen = ike_view(w->hosts[i].ike, tunnel_id(w, i, "t"), &v);
		expect(w, seen && (i == B || v.counters[COUNTER_LIVENESS_CHECKS] > 5), "the peer was asked whether it lives");
		expect(w, v.one_way == (p->sends && i == A ? 3 : 0), "answers count only while traffic gets none");
	}
	check_converged(w, true);
}

static unsigned told(const struct world *w, enum fact_code code)
{
	unsigned n = 0;
	for (int i = 0; i < 2; i++)
		for (unsigned blame = 0; blame <= BLAME_OPERATOR; blame++)
			n += w->hosts[i].facts[code][blame];
	return n;
}

static bool loses_each_first(struct world *w, const struct packet *p)
{
	if (!packet_is(p, A, EXCHANGE_INFORMATIONAL, false))
		return false;
	struct cursor id = cursor_of(p->data + 20, 4); /* the message id */
	int now = (int)get_u32(&id) + 1;
	bool first = w->filter_seen != now;
	w->filter_seen = now;
	return first;
}

/* Traffic that wants no answer, and each liveness check is lost once: the path works, and nobody leaves it. */
static void one_way_lossy(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	w->traffic = false;
	begin(w);
	await_up(w, 15 * SECOND);
	w->filter = loses_each_first;
	for (int i = 0; i < 300 && !w->failed; i++) {
		traffic_send(w, A, tunnel_id(w, A, "t"));
		world_run(w, SECOND);
	}
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "one lost datagram is no outage");
	expect(w, told(w, FACT_RETRANSMIT) > 5, "some were lost");
	check_converged(w, true);
}

/* Attempts that nobody answers are told at both ends within a minute, whatever is rekeyed meanwhile, and taken back by the first answer. Log lines are not. */
static void one_way_told(struct world *w, const struct params *p)
{
	struct tunnel_view v = { 0 };
	pair(w);
	w->traffic = false;
	w->octets = p->octets;
	for (int i = 0; i < 2; i++)
		set(w, i, "t", "esp-lifetime", "60s");
	begin(w);
	await_up(w, 15 * SECOND);
	for (int i = 0; i < 300 && !w->failed; i++) {
		traffic_send(w, A, tunnel_id(w, A, "t"));
		world_run(w, SECOND);
		expect(w, i > 40 || !told(w, FACT_PROBLEM), "a problem is told when it lasts");
		expect(w, i != 70 || told(w, FACT_PROBLEM) == (p->octets ? 2 : 0), "... and within a minute");
	}
	expect(w, told(w, FACT_PROBLEM) == (p->octets ? 2 : 0) && !told(w, FACT_PROBLEM_OVER),
		"once at both ends, or not at all");
	expect(w,
		ike_view(w->hosts[A].ike, tunnel_id(w, A, "t"), &v) && v.recent.alone[WAY_OUT].packets > 280 &&
			v.counters[COUNTER_CHILD_REKEYS] > 2,
		"a rekey begins nothing anew");
	expect(w, v.recent.out_60s > 50 && v.recent.out_60s < 70 && !v.recent.in_60s && v.recent.last_out && !v.recent.last_in,
		"what is recent is known");
	for (int i = 0; i < 20 && !w->failed; i++) {
		traffic_send(w, B, tunnel_id(w, B, "t"));
		world_run(w, SECOND);
	}
	expect(w, told(w, FACT_PROBLEM_OVER) == told(w, FACT_PROBLEM), "an answer takes it back");
	check_converged(w, true);
}

/* What the responder sends goes where the initiator lives now, as soon as that one is up again: INITIAL_CONTACT says so, not time. */
static void restart_silent(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	w->traffic = false;
	host_stop(w, A);
	world_run(w, prng_between(&w->random, 0, 2 * SECOND));
	host_start(w, A);
	await_up(w, MINUTE);
	world_run(w, SECOND);
	uint32_t out = policy_spi(&w->hosts[B], tunnel_id(w, B, "t"));
	expect(w, kernel_find(&w->hosts[A], ESP_IN, out, 0), "B uses the new SA");
	w->traffic = true;
	check_converged(w, true);
}

/* The peer dies without a word and comes back, only listening: traffic goes both ways again within three seconds of its return, or,
   when it was away for less than it takes to notice (two seconds without an answer), within four and a half of its death. */
static void listens_again(struct world *w, const struct params *p)
{
	w->traffic_max = 50; /* somebody waits for it */
	pair_up(w);
	msec died = w->now;
	host_stop(w, B);
	world_run(w, prng_between(&w->random, p->away[0], p->away[1]));
	host_start(w, B);
	msec limit = p->away[0] >= 1500 ? w->now + 3 * SECOND : died + 4500;
	await_up(w, limit - w->now);
	uint64_t before = w->links[0].received;
	world_run(w, limit - w->now);
	expect(w, w->links[0].received > before, "packets arrive in time");
	check_converged(w, true);
}

/* ---------------------------------------------------------------- attackers */

static void attack(struct world *w, const struct params *p)
{
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "40s");
		set(w, i, "t", "ike-lifetime", "60s");
	}
	w->weather.replay = p->seed & 1 ? 100 : 20;
	w->weather.duplicate = 30;
	begin(w);
	await_up(w, 30 * SECOND);
	w->weather.garbage = p->seed & 2 ? 100 : 20;
	world_run(w, 10 * MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* A stranger opens and opens and never goes on. */
static void flood(struct world *w, const struct params *params)
{
	(void)params;
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	host_add(w, "203.0.113.66");
	link_add(w, "t", A, B);
	set_global(w, B, "cookie-threshold", "5");
	set_global(w, B, "half-open-limit", "20");
	struct packet first = { 0 };
	w->weather.replay = 1; /* remembers datagrams */
	set(w, A, "t", "start", "manual");
	begin(w);
	host_order(w, A, "t", COMMAND_UP);
	world_run(w, 100);
	if (w->n_past)
		first = w->past[0];
	w->weather.replay = 0;
	for (int i = 0; i < 500 && first.n && !w->failed; i++) {
		struct packet p = first;
		p.data = xcalloc(1, p.n);
		memcpy(p.data, first.data, p.n);
		prng_fill(&w->random, p.data, 8);
		p.from = ANY_HOST;
		p.src.port = (uint16_t)(1024 + prng_below(&w->random, 60000));
		net_forward(w, &p);
		world_run(w, 5);
		expect(w, w->hosts[B].ike->totals.half_open <= 21, "half-open SAs are bounded");
	}
	expect(w, first.n != 0, "there was something to repeat");
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- configurations */

static void reload(struct world *w, const struct params *p)
{
	pair_up(w);
	struct tunnel *t = tunnel_of(w, A, "t");
	uint64_t attempts = t ? t->counters[COUNTER_ATTEMPTS] : 0;
	switch (p->change) {
	case SAME: break;
	case MILD: /* taken over at the next rekey */ set(w, A, "t", "dpd-interval", "7s"); break;
	case RESTARTS:
		set(w, A, "t", "psk", "a.new.secret.of.both.ends");
		set(w, B, "t", "psk", "a.new.secret.of.both.ends");
		break;
	}
	host_load(w, A);
	host_load(w, B);
	world_run(w, MINUTE);
	t = tunnel_of(w, A, "t");
	if (p->change != RESTARTS) {
		expect(w, t && t->counters[COUNTER_ATTEMPTS] == attempts && w->hosts[A].up_epoch[tunnel_id(w, A, "t")] == 0,
			"nothing starts over");
	}
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

static void reload_removes(struct world *w, const struct params *p)
{
	pair(w);
	link_add(w, "other", A, B);
	begin(w);
	await_up(w, 15 * SECOND);
	struct host *h = &w->hosts[p->host];
	uint32_t id = tunnel_id(w, h->number, "t");
	settings_of(w, h->number, "t")->absent = true;
	kernel_excuse(w, h->number, id, 0);
	host_load(w, h->number);
	world_run(w, MINUTE);
	expect(w, kernel_count(h, id, ESP_IN) == 0 && kernel_count(h, id, ESP_OUT) == 0,
		"nothing of the removed tunnel is left in the kernel");
	expect(w, !tunnel_of(w, h->number, "t"), "nor in the engine");
	check_link(w, &w->links[1], true);
	settings_of(w, h->number, "t")->absent = false;
	host_load(w, h->number);
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

/* In the middle of everything, also of a half-made SA. */
static void reload_any_time(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	begin(w);
	w->weather.delay_max = 400;
	for (int i = 0; i < 12 && !w->failed; i++) {
		int host = (int)prng_below(&w->random, 2);
		world_run(w, prng_between(&w->random, 1, 1500));
		struct tunnel_settings *t = settings_of(w, host, "t");
		t->absent = prng_percent(&w->random, 30);
		if (prng_percent(&w->random, 50))
			set(w, host, "t", "esp-lifetime", prng_percent(&w->random, 50) ? "3500s" : "3400s");
		kernel_excuse(w, host, 0, 0);
		host_load(w, host);
		w->excuse_until = w->now + 20 * SECOND;
	}
	for (int i = 0; i < 2 && !w->failed; i++) {
		settings_of(w, i, "t")->absent = false;
		host_load(w, i);
	}
	w->excuse_until = w->now + 20 * SECOND;
	await_up(w, 3 * MINUTE);
	check_converged(w, true);
}

const struct scenario scenarios_trouble[] = {
	{ "vanish-A", vanish, 10, "the initiator is gone for two minutes and comes back", { .host = A } },
	{ "vanish-B", vanish, 10, "the responder is gone and comes back", { .host = B } },
	{ "short-cut", short_cut, 50, "a cut of up to 3 s (15 s without failover-after) in the middle of rekeys", { 0 } },
	{ "restart-A", restart, 20, "the initiator restarts at once", { .host = A } },
	{ "restart-B", restart, 20, "the responder restarts at once, only listening", { .host = B } },
	{ "restart-A-both-initiate", restart, 20, "both initiate, A restarts", { .host = A, .both_initiate = true } },
	{ "restart-B-both-initiate", restart, 20, "both initiate, B restarts", { .host = B, .both_initiate = true } },
	{ "restart-A-later", restart, 10, "the initiator comes back after up to a minute", { .host = A, .later = true } },
	{ "restart-B-later", restart, 10, "the responder comes back after up to a minute", { .host = B, .later = true } },
	{ "restart-later-both-initiate", restart, 10, "both initiate, B comes back after up to a minute",
		{ .host = B, .both_initiate = true, .later = true } },
	{ "restart-listening", restart_listening, 20, "the initiator restarts and only listens: B's new SA stays", { 0 } },
	{ "idle", one_way, 2, "nothing is sent for five minutes: that is no one-way traffic", { 0 } },
	{ "one-way", one_way, 2, "only A sends: the answered liveness checks are counted", { .sends = true } },
	{ "one-way-lossy", one_way_lossy, 4, "... and each of them is lost once: no reason to leave the path", { 0 } },
	{ "one-way-told", one_way_told, 4, "only A sends, for five minutes, what wants an answer", { .octets = 60 } },
	{ "one-way-log", one_way_told, 4, "... what wants none", { 0 } },
	{ "listens-at-once", listens_again, 40, "the responder dies and is back at once, only listening: up again within 4.5 s",
		{ .away = { 0, 1500 } } },
	{ "listens-again", listens_again, 40, "... is back within 20 s: up again within 3 s of its return",
		{ .away = { 1500, 20 * SECOND } } },
	{ "listens-later", listens_again, 40, "... within minutes", { .away = { 20 * SECOND, 4 * MINUTE } } },
	{ "restart-silent", restart_silent, 10, "the initiator restarts while nobody sends anything", { 0 } },
	{ "attack", attack, 20, "everything is replayed and spoiled", { 0 } },
	{ "flood", flood, 5, "half-open SAs of a stranger", { 0 } },
	{ "reload-same", reload, 5, "a reload without change", { .change = SAME } },
	{ "reload-mild", reload, 5, "a reload that touches no SA", { .change = MILD } },
	{ "reload-restart", reload, 10, "a reload with another key on both ends", { .change = RESTARTS } },
	{ "reload-removes-A", reload_removes, 10, "a reload takes a tunnel away at A and brings it back", { .host = A } },
	{ "reload-removes-B", reload_removes, 10, "... at B", { .host = B } },
	{ "reload-any-time", reload_any_time, 40, "reloads at bad moments", { 0 } },
	{ 0 },
};
