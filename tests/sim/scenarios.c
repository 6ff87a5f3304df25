/*
 * scenarios.c - the plain stories: set up, refuse, rekey, take down. Each is a few lines; invariants do the rest.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

/* ---------------------------------------------------------------- shared */

void pair(struct world *w)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	link_add(w, "t", A, B);
}

void begin(struct world *w)
{
	for (int i = w->n_hosts; i-- > 0;)
		host_start(w, i);
}

bool all_up(struct world *w, int arg)
{
	(void)arg;
	for (int i = 0; i < w->n_links; i++)
		for (int k = 0; k < 2; k++) {
			const struct tunnel *t = tunnel_of(w, w->links[i].end[k].host, w->links[i].end[k].name);
			if (!t || t->state != TUNNEL_UP)
				return false;
		}
	return true;
}

bool await_up(struct world *w, msec span)
{
	if (!world_run_until(w, span, all_up, 0) && !w->failed)
		world_fail(w, "the tunnels are not up after %lld s", (long long)span / 1000);
	return !w->failed;
}

void pair_up(struct world *w)
{
	pair(w);
	begin(w);
	await_up(w, 15 * SECOND);
	world_run(w, prng_between(&w->random, 0, 20 * SECOND));
}

void expect(struct world *w, bool holds, const char *what)
{
	if (!holds && !w->failed)
		world_fail(w, "expected: %s", what);
}

bool saw(const struct world *w, int host, enum fact_code code, enum blame blame)
{
	return w->hosts[host].facts[code][blame] != 0;
}

void order(struct world *w, int host, int kind) { host_order(w, host, "t", (enum ike_command_kind)kind); }

static bool never_up(const struct world *w) { return !saw(w, A, FACT_UP, BLAME_NONE) && !saw(w, B, FACT_UP, BLAME_NONE); }

static void no_group(struct world *w, int host) { set(w, host, "t", "esp-proposals", "[aes256-sha256]"); }

/* ---------------------------------------------------------------- up */

static void up(struct world *w, const struct params *p)
{
	pair(w);
	if (p->b_initiates) { /* the other role */
		set(w, A, "t", "start", "respond");
		set(w, B, "t", "start", "initiate");
	}
	begin(w);
	await_up(w, 5 * SECOND);
	check_converged(w, true);
	expect(w, w->links[0].received > 10, "packets went through");
}

static void both_initiate_at_once(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", "start", "initiate");
	begin(w);
	await_up(w, 20 * SECOND);
	(void)p;
	check_converged(w, true);
}

static void suites(struct world *w, const struct params *p)
{
	static const char *const ike[] = { "aes256-sha256-modp2048", "aes256gcm16-prfsha384-ecp384", "aes128-sha384-ecp256",
		"aes256-sha512-modp4096", "aes128gcm16-prfsha256-x25519" };
	static const char *const esp[] = { "aes256-sha256-modp2048", "aes256gcm16-ecp384", "aes128-sha256", "aes128gcm16",
		"aes256-sha512-modp3072" };
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "ike-proposals", ike[p->seed % 5]);
		set(w, i, "t", "esp-proposals", esp[p->seed / 5 % 5]);
	}
	begin(w);
	await_up(w, 10 * SECOND);
	order(w, A, COMMAND_REKEY);
	world_run(w, 20 * SECOND);
	order(w, B, COMMAND_REKEY_IKE);
	check_converged(w, true);
}

static void cookie(struct world *w, const struct params *p)
{
	pair(w);
	set_global(w, B, "cookie-threshold", "0");
	begin(w);
	await_up(w, 10 * SECOND);
	(void)p;
	struct ike_totals n = { 0 };
	if (w->hosts[B].ike)
		ike_totals(w->hosts[B].ike, &n);
	expect(w, n.cookies_sent > 0, "B asked for a cookie");
	check_converged(w, true);
}

static void invalid_ke(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", "ike-proposals", "[aes256-sha256-ecp256-modp2048]");
	set(w, B, "t", "ike-proposals", "[aes256-sha256-modp2048]");
	if (p->child) /* the same of a child's key exchange */
		set(w, A, "t", "esp-proposals", "[aes256-sha256-ecp256-modp2048]");
	begin(w);
	await_up(w, 10 * SECOND);
	order(w, A, COMMAND_REKEY);
	world_run(w, 20 * SECOND);
	check_converged(w, true);
}

static void forced_udp(struct world *w, const struct params *p)
{
	pair(w);
	set(w, p->host, "t", "encapsulation", "udp");
	begin(w);
	await_up(w, 10 * SECOND);
	check_converged(w, true);
	const struct child *c = w->failed ? NULL : live_child(tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, c && c->core.encap, "ESP goes in UDP");
}

static void nat(struct world *w, const struct params *p)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	if (p->nat_a)
		nat_place(w, A, "203.0.113.1", false);
	if (p->nat_b)
		nat_place(w, B, "203.0.113.2", true);
	link_add(w, "t", A, B);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 5 * MINUTE);
	order(w, B, COMMAND_REKEY_IKE);
	world_run(w, MINUTE);
	order(w, B, COMMAND_REKEY);
	check_converged(w, true);
}

static void quiet_nat(struct world *w, const struct params *p)
{
	nat_place(w, host_add(w, "192.0.2.1"), "203.0.113.1", false);
	host_add(w, "198.51.100.2");
	link_add(w, "t", A, B);
	for (int i = 0; i < 2 && p->no_liveness; i++)
		set(w, i, "t", "dpd-interval", "5m");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * SECOND);
	w->traffic = false;
	world_run(w, 9 * MINUTE); /* only keepalives, and liveness checks in the one case, keep the mapping */
	traffic_send(w, B, tunnel_id(w, B, "t"));
	world_run(w, SECOND);
	w->traffic = true;
	expect(w, !saw(w, B, FACT_PEER_DEAD, BLAME_PEER), "B can reach A all the time");
	check_converged(w, true);
}

/* ---------------------------------------------------------------- refused */

static void wrong_psk(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", "psk", "another.secret.of.one.end");
	if (p->b_initiates) {
		set(w, A, "t", "start", "respond");
		set(w, B, "t", "start", "initiate");
	}
	begin(w);
	world_run(w, 3 * MINUTE);
	expect(w, never_up(w), "a wrong key opens nothing");
	expect(w,
		w->hosts[p->b_initiates ? A : B].facts[FACT_AUTH_FAILED][BLAME_PEER] +
				w->hosts[p->b_initiates ? A : B].facts[FACT_AUTH_FAILED][BLAME_OPERATOR] >
			0,
		"the responder reports why");
	expect(w,
		saw(w, p->b_initiates ? B : A, FACT_AUTH_FAILED, BLAME_PEER) ||
			saw(w, p->b_initiates ? B : A, FACT_AUTH_FAILED, BLAME_OPERATOR),
		"the initiator reports why");
	set(w, B, "t", "psk", "a.secret.of.both.ends.of.t");
	host_load(w, B);
	world_run(w, 2 * MINUTE);
	check_converged(w, true);
}

static void wrong_id(struct world *w, const struct params *p)
{
	pair(w);
	set(w, p->host, "t", "remote-id", "fqdn:somebody.else");
	begin(w);
	world_run(w, 3 * MINUTE);
	/* A's own wish can only be refused by A, when B has opened already: B sees a tunnel come and go. */
	expect(w, p->host == A ? !saw(w, A, FACT_UP, BLAME_NONE) : never_up(w), "a wrong identity opens nothing");
	expect(w,
		saw(w, A, FACT_AUTH_FAILED, BLAME_PEER) || saw(w, A, FACT_ID_REFUSED, BLAME_PEER) ||
			saw(w, A, FACT_AUTH_FAILED, BLAME_OPERATOR) || saw(w, A, FACT_ID_REFUSED, BLAME_OPERATOR),
		"A reports why");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, kernel_count(&w->hosts[i], tunnel_id(w, i, "t"), ESP_IN) == 0, "nothing stays in the kernel");
}

static void no_proposal(struct world *w, const struct params *p)
{
	pair(w);
	set(w, B, "t", p->child ? "esp-proposals" : "ike-proposals", p->child ? "[aes128gcm16]" : "[aes128-sha384-ecp384]");
	begin(w);
	world_run(w, 3 * MINUTE);
	expect(w, never_up(w), "without a common proposal nothing comes up");
	expect(w, saw(w, B, FACT_NO_PROPOSAL, BLAME_PEER) || saw(w, B, FACT_NO_PROPOSAL, BLAME_OPERATOR), "B reports why");
	expect(w, saw(w, A, FACT_NO_PROPOSAL, BLAME_PEER) || saw(w, A, FACT_NO_PROPOSAL, BLAME_OPERATOR), "A reports why");
	set(w, B, "t", p->child ? "esp-proposals" : "ike-proposals", "");
	host_load(w, B);
	world_run(w, 3 * MINUTE);
	check_converged(w, true);
}

static void narrowing(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", "local-ts", "10.0.0.0/16");
	set(w, A, "t", "remote-ts", "10.1.0.0/16");
	set(w, B, "t", "local-ts", "[10.1.1.0/24, 10.1.7.0/24]");
	set(w, B, "t", "remote-ts", p->disjoint ? "172.16.0.0/16" : "0.0.0.0/0");
	set(w, A, "t", "routes", "10.1.1.0/24");
	set(w, B, "t", "routes", "10.0.7.0/24");
	begin(w);
	if (p->disjoint) {
		world_run(w, 2 * MINUTE);
		expect(w, never_up(w), "selectors without an intersection open nothing");
		expect(w, saw(w, B, FACT_TS_REFUSED, BLAME_PEER) || saw(w, B, FACT_TS_REFUSED, BLAME_OPERATOR), "B reports why");
		return;
	}
	await_up(w, 10 * SECOND);
	order(w, B, COMMAND_REKEY);
	check_converged(w, true);
	const struct child *c = w->failed ? NULL : live_child(tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, c && c->remote_ts->n == 2, "A takes what B narrowed to");
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, A, "t");
	expect(w, t && t->uncovered && strstr(t->uncovered, "10.1.0.0/16 in part"), "A tells what is not covered");
	expect(w, saw(w, A, FACT_NARROWED, BLAME_PEER) && !saw(w, B, FACT_NARROWED, BLAME_PEER), "A alone was narrowed");
	set(w, B, "t", "local-ts", "10.1.0.0/16");
	host_load(w, B);
	world_run(w, 5 * SECOND);
	order(w, A, COMMAND_REKEY);
	world_run(w, 5 * SECOND);
	t = w->failed ? NULL : tunnel_of(w, A, "t");
	expect(w, t && !t->uncovered && saw(w, A, FACT_NARROWED, BLAME_NONE), "A tells that all is covered again");
}

/* A peer with many prefixes, in both roles: RFC 7296 knows 255 of them. Beyond what we hold it is our limit, and nobody's fault. */
static void many_selectors(struct world *w, const struct params *p)
{
	pair(w);
	set_prefixes(w, B, "t", "local-ts", "10.1", p->disjoint ? 20 : p->seed & 1 ? 20 : 255);
	if (p->disjoint)
		set_prefixes(w, A, "t", "local-ts", "10.2", 20);
	begin(w);
	if (p->disjoint) {
		world_run(w, 2 * MINUTE);
		expect(w, never_up(w), "400 pairs are too many");
		expect(w, saw(w, B, FACT_TS_LIMIT, BLAME_LOCAL) || saw(w, A, FACT_TS_LIMIT, BLAME_LOCAL), "it is our limit");
		return;
	}
	await_up(w, 10 * SECOND);
	order(w, p->seed & 2 ? A : B, COMMAND_REKEY);
	check_converged(w, true);
	const struct child *c = w->failed ? NULL : live_child(tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, c && c->remote_ts->n >= 20, "all of them are covered");
	expect(w, !saw(w, A, FACT_TS_REFUSED, BLAME_PEER) && !saw(w, B, FACT_TS_REFUSED, BLAME_PEER), "nobody is blamed");
}

/* ---------------------------------------------------------------- rekey */

static void rekey(struct world *w, const struct params *p)
{
	pair(w);
	if (p->no_pfs)
		no_group(w, A), no_group(w, B);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, prng_between(&w->random, 0, 10 * SECOND));
	uint64_t token = host_order(w, p->host, "t", p->ike ? COMMAND_REKEY_IKE : COMMAND_REKEY);
	world_run(w, 10 * SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "the rekey is done and said so");
	expect(w, saw(w, p->host, p->ike ? FACT_IKE_REKEYED : FACT_CHILD_REKEYED, BLAME_NONE), "the rekey is reported");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void by_time(struct world *w, const struct params *p)
{
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", p->seed & 1 ? "60s" : "300s");
		set(w, i, "t", "ike-lifetime", p->seed & 2 ? "100s" : "600s");
		if (p->seed & 4)
			no_group(w, i);
	}
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 30 * MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void by_bytes(struct world *w, const struct params *p)
{
	pair(w);
	w->traffic_max = 200;
	for (int i = 0; i < 2; i++)
		set(w, i, "t", "esp-lifetime-bytes", i == p->host ? "512K" : "1M");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 20 * MINUTE);
	expect(w, w->hosts[A].facts[FACT_CHILD_REKEYED][BLAME_NONE] + w->hosts[B].facts[FACT_CHILD_REKEYED][BLAME_NONE] > 5,
		"limits by volume rekey");
	expect(w, w->hosts[A].up_epoch[tunnel_id(w, A, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void pfs_mismatch(struct world *w, const struct params *p)
{
	pair(w);
	set(w, p->host, "t", "esp-proposals", "[aes256-sha256-modp2048, aes256-sha256]");
	no_group(w, !p->host);
	begin(w);
	await_up(w, 10 * SECOND);
	order(w, A, COMMAND_REKEY);
	world_run(w, MINUTE);
	order(w, B, COMMAND_REKEY);
	world_run(w, MINUTE);
	check_converged(w, true);
}

/* Right after the start, by the settings or by the operator: do both ends agree on PFS? When they do not, nothing is harmed. */
static void rekey_check(struct world *w, const struct params *p)
{
	pair(w);
	if (p->by_conf)
		set(w, A, "t", "rekey-check", "yes");
	if (p->differ)
		no_group(w, B);
	begin(w);
	await_up(w, 10 * SECOND);
	uint64_t token = p->by_conf ? 0 : host_order(w, A, "t", COMMAND_REKEY_CHECK);
	world_run(w, 5 * MINUTE);
	const struct reply *r = p->by_conf ? NULL : order_reply(w, token);
	expect(w, p->by_conf || (r && !r->pending && r->ok == !p->differ), "the answer says how it ended");
	expect(w, p->by_conf || (r && strstr(r->text, "PFS")), "and speaks of PFS");
	expect(w, w->hosts[A].facts[FACT_CHILD_REKEYED][BLAME_NONE] == !p->differ, "one rekey, or none");
	expect(w, w->hosts[A].facts[FACT_PFS_MISMATCH][BLAME_PEER] == p->differ, "a refusal is reported once, and not repeated");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* What stands in the way of the interface is reported; the peer hears nothing of us until it is gone. What is up stays up. */
static void unusable(struct world *w, const struct params *p)
{
	pair(w);
	if (p->later) {
		begin(w);
		await_up(w, 10 * SECOND);
	} else {
		host_start(w, A);
	}
	struct ike_event in = { .kind = EVENT_TUNNEL,
		.tunnel = { tunnel_id(w, A, "t"), "interface s2s-t exists and is not ours" } };
	host_step(w, A, &in);
	expect(w, saw(w, A, FACT_KERNEL_FAILED, BLAME_LOCAL), "the reason is reported");
	world_run(w, 20 * SECOND);
	const struct tunnel *t = tunnel_of(w, A, "t");
	expect(w, !p->later || (t && t->state == TUNNEL_UP && w->hosts[A].up_epoch[t->id] == 0), "what is up stays up");
	if (p->later)
		host_stop(w, B);
	world_run(w, MINUTE);
	uint64_t before = w->datagrams;
	world_run(w, MINUTE);
	expect(w, t && t->state == TUNNEL_MISCONFIGURED && !t->sa_list, "the tunnel is misconfigured, and has no SA");
	expect(w, w->datagrams == before, "nobody is contacted");
	uint64_t token = host_order(w, A, "t", COMMAND_UP);
	world_run(w, SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && !r->ok && strstr(r->text, "not ours"), "up says why not");
	host_start(w, B);
	in.tunnel.why = NULL;
	host_step(w, A, &in);
	await_up(w, 10 * SECOND);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- take down */

static void down(struct world *w, const struct params *p)
{
	pair_up(w);
	uint64_t token = host_order(w, p->host, "t", COMMAND_DOWN);
	world_run(w, 2 * MINUTE);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "down is answered");
	check_link(w, &w->links[0], false);
	host_load(w, p->host);
	world_run(w, MINUTE);
	check_link(w, &w->links[0], false); /* a reload does not undo it */
	host_order(w, p->host, "t", COMMAND_UP);
	if (p->host == B)
		order(w, A, COMMAND_UP);
	await_up(w, 3 * MINUTE);
	check_converged(w, true);
}

static void shutdown_all(struct world *w, const struct params *p)
{
	pair_up(w);
	int who = p->host;
	if (p->unheard)
		w->partition = true; /* nobody hears the farewell */
	msec asked = w->now;
	host_order(w, who, NULL, COMMAND_SHUTDOWN);
	world_run(w, 5 * SECOND);
	struct host *h = &w->hosts[who];
	expect(w, h->idle, "after a shutdown the engine says that it is idle");
	expect(w, h->idle_at - asked <= 2200, "within two seconds");
	for (int i = 0; i < 2 && !w->failed && !p->unheard; i++)
		expect(w, kernel_count(&w->hosts[i], tunnel_id(w, i, "t"), ESP_OUT) == 0 || i != who,
			"nothing can leave any more");
	host_stop(w, who);
	w->partition = false;
	world_run(w, 2 * MINUTE);
	expect(w, w->hosts[!who].link[tunnel_id(w, !who, "t")] != LINK_UP, "the other end noticed");
	host_start(w, who);
	await_up(w, 2 * MINUTE);
	check_converged(w, true);
}

static void manual(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", "start", "manual");
	begin(w);
	world_run(w, MINUTE);
	(void)p;
	expect(w, never_up(w), "manual waits for a word");
	uint64_t token = host_order(w, A, "t", COMMAND_UP);
	world_run(w, 10 * SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "up is answered");
	check_converged(w, true);
}

static void many(struct world *w, const struct params *p)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	host_add(w, "198.51.100.3");
	link_add(w, "one", A, B);
	link_add(w, "two", A, B);
	link_add(w, "three", C, A);
	begin(w);
	await_up(w, 15 * SECOND);
	host_order(w, A, p->seed & 1 ? "one" : "two", COMMAND_REKEY_IKE);
	host_order(w, B, "one", COMMAND_REKEY);
	host_order(w, C, "three", COMMAND_REKEY);
	world_run(w, MINUTE);
	check_converged(w, true);
}

static void any_remote(struct world *w, const struct params *p)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	host_add(w, "198.51.100.3");
	if (p->nat_b)
		nat_place(w, C, "203.0.113.3", false);
	link_add(w, "two", B, A);
	link_add(w, "three", C, A);
	set(w, A, "two", "remote", "any");
	set(w, A, "three", "remote", "any");
	begin(w);
	await_up(w, 15 * SECOND);
	host_order(w, A, "two", COMMAND_REKEY_IKE);
	host_order(w, A, "three", COMMAND_REKEY);
	world_run(w, MINUTE);
	check_converged(w, true);
}

/* Both ends traced through IKE_AUTH, rekeys and liveness: what one end sends the other sees. Then nobody looks any more. */
static void traced(struct world *w, const struct params *p)
{
	pair(w);
	if (p->any)
		set(w, B, "t", "remote", "any");
	begin(w);
	order(w, A, COMMAND_TRACE);
	order(w, B, COMMAND_TRACE);
	await_up(w, 10 * SECOND);
	for (int i = 0; i < 2; i++)
		expect(w, w->hosts[i].traced[0] >= 2 && w->hosts[i].traced[1] >= 2 && w->hosts[i].traced_auth >= 2,
			"IKE_SA_INIT and IKE_AUTH are traced in both directions");
	unsigned seen = w->hosts[A].traced[1];
	order(w, A, COMMAND_REKEY);
	world_run(w, 20 * SECOND);
	order(w, B, COMMAND_REKEY_IKE);
	world_run(w, 20 * SECOND);
	expect(w, w->hosts[A].traced[1] >= seen + 2, "rekeys are traced");
	order(w, A, COMMAND_UNTRACE);
	order(w, B, COMMAND_UNTRACE);
	seen = w->hosts[A].traced[0] + w->hosts[A].traced[1] + w->hosts[B].traced[0] + w->hosts[B].traced[1];
	order(w, B, COMMAND_REKEY);
	check_converged(w, true);
	expect(w, w->hosts[A].traced[0] + w->hosts[A].traced[1] + w->hosts[B].traced[0] + w->hosts[B].traced[1] == seen,
		"nothing is traced after COMMAND_UNTRACE");
}

const struct scenario scenarios_basic[] = {
	{ "up", up, 20, "A initiates, B responds", { 0 } },
	{ "up-other-role", up, 10, "B initiates, A responds", { .b_initiates = true } },
	{ "both-initiate", both_initiate_at_once, 100, "both initiate at once", { 0 } },
	{ "suites", suites, 15, "all kinds of algorithms, child and IKE rekeys", { 0 } },
	{ "cookie", cookie, 10, "a responder that asks for a cookie", { 0 } },
	{ "invalid-ke", invalid_ke, 10, "the responder wants another group", { 0 } },
	{ "invalid-ke-child", invalid_ke, 10, "... and for the child, too", { .child = true } },
	{ "forced-udp-initiator", forced_udp, 10, "encapsulation: udp at the initiator", { .host = A } },
	{ "forced-udp-responder", forced_udp, 10, "encapsulation: udp at the responder", { .host = B } },
	{ "nat-initiator", nat, 10, "the initiator is behind a NAT", { .nat_a = true } },
	{ "nat-responder", nat, 10, "the responder is behind a NAT that forwards", { .nat_b = true } },
	{ "nat-both", nat, 10, "both are behind NATs", { .nat_a = true, .nat_b = true } },
	{ "nat-silence", quiet_nat, 5, "without traffic the mapping is kept open", { 0 } },
	{ "nat-long-silence", quiet_nat, 5, "... by keepalives alone", { .no_liveness = true } },
	{ "wrong-psk", wrong_psk, 5, "different keys: both ends report why; corrected by a reload", { 0 } },
	{ "wrong-psk-other-role", wrong_psk, 5, "the same with B as the initiator", { .b_initiates = true } },
	{ "wrong-id-responder", wrong_id, 5, "the responder knows no such peer", { .host = B } },
	{ "wrong-id-initiator", wrong_id, 5, "the responder is not whom the initiator wants", { .host = A } },
	{ "no-proposal-ike", no_proposal, 5, "no common IKE proposal; corrected by a reload", { 0 } },
	{ "no-proposal-esp", no_proposal, 5, "no common ESP proposal; corrected by a reload", { .child = true } },
	{ "ts-narrowing", narrowing, 10, "the responder narrows the selectors", { 0 } },
	{ "ts-many", many_selectors, 10, "a peer with 20 and with 255 prefixes", { 0 } },
	{ "ts-too-many", many_selectors, 5, "more pairs than we hold", { .disjoint = true } },
	{ "ts-unacceptable", narrowing, 5, "no common selectors", { .disjoint = true } },
	{ "rekey-child-A", rekey, 20, "child rekey by the initiator", { .host = A } },
	{ "rekey-child-B", rekey, 20, "child rekey by the responder", { .host = B } },
	{ "rekey-ike-A", rekey, 20, "IKE rekey by the initiator", { .host = A, .ike = true } },
	{ "rekey-ike-B", rekey, 20, "IKE rekey by the responder", { .host = B, .ike = true } },
	{ "rekey-child-A-nopfs", rekey, 10, "child rekey without a key exchange", { .host = A, .no_pfs = true } },
	{ "rekey-child-B-nopfs", rekey, 10, "the same by the responder", { .host = B, .no_pfs = true } },
	{ "lifetimes", by_time, 20, "half an hour of rekeys by time", { 0 } },
	{ "bytes", by_bytes, 5, "rekeys by volume, the smaller limit at B", { .host = B } },
	{ "bytes-other", by_bytes, 5, "rekeys by volume, the smaller limit at A", { .host = A } },
	{ "pfs-one-sided", pfs_mismatch, 5, "A offers with and without PFS, B without", { .host = A } },
	{ "pfs-other-side", pfs_mismatch, 5, "the other way round", { .host = B } },
	{ "rekey-check", rekey_check, 10, "rekey-check: PFS is proven once, soon after the start", { .by_conf = true } },
	{ "rekey-check-refused", rekey_check, 10, "... and when the ends differ, that is reported, and the tunnel goes on",
		{ .by_conf = true, .differ = true } },
	{ "rekey-check-now", rekey_check, 10, "rekey --check by the operator", { 0 } },
	{ "rekey-check-now-refused", rekey_check, 10, "... when the ends differ", { .differ = true } },
	{ "unusable", unusable, 10, "an interface that cannot be made, from the start", { 0 } },
	{ "unusable-later", unusable, 10, "... while the tunnel is up", { .later = true } },
	{ "down-A", down, 10, "down by the initiator's operator, a reload, up again", { .host = A } },
	{ "down-B", down, 10, "down by the responder's operator", { .host = B } },
	{ "shutdown-A", shutdown_all, 10, "the initiator's daemon ends and comes back", { .host = A } },
	{ "shutdown-B", shutdown_all, 10, "the responder's daemon ends and comes back", { .host = B } },
	{ "shutdown-alone-A", shutdown_all, 5, "... and nobody hears the farewell", { .host = A, .unheard = true } },
	{ "shutdown-alone-B", shutdown_all, 5, "... at the responder", { .host = B, .unheard = true } },
	{ "manual", manual, 5, "start: manual", { 0 } },
	{ "three-tunnels", many, 10, "three hosts, three tunnels", { 0 } },
	{ "trace", traced, 10, "a trace of all messages, opened and without AUTH", { 0 } },
	{ "trace-any", traced, 10, "... of a tunnel that is known from IKE_AUTH on only", { .any = true } },
	{ "any", any_remote, 5, "remote: any tells two peers apart by identity", { 0 } },
	{ "any-nat", any_remote, 5, "... one of them behind a NAT", { .nat_b = true } },
	{ 0 },
};
