/*
 * scenarios.c - the plain stories: set up, take down; and what all stories share. Each is a few lines; invariants do the rest.
 */
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

bool never_up(const struct world *w) { return !saw(w, A, FACT_UP, BLAME_NONE) && !saw(w, B, FACT_UP, BLAME_NONE); }

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
	w->hosts[A].kernel_keepalive = p->kernel_keepalive;
	begin(w);
	await_up(w, 10 * SECOND);
	if (p->kernel_keepalive) /* also by the SA that comes after the first */
		order(w, A, COMMAND_REKEY);
	world_run(w, 10 * SECOND);
	w->traffic = false;
	unsigned sent = w->hosts[A].keepalives;
	world_run(w, 9 * MINUTE); /* only keepalives, and liveness checks in the one case, keep the mapping */
	expect(w, !p->kernel_keepalive || w->hosts[A].keepalives == sent, "what the kernel sends the engine does not");
	traffic_send(w, B, tunnel_id(w, B, "t"));
	world_run(w, SECOND);
	w->traffic = true;
	expect(w, !saw(w, B, FACT_PEER_DEAD, BLAME_PEER), "B can reach A all the time");
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
	uint64_t token = order_surely(w, p->host, "t", COMMAND_DOWN);
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
	{ "nat-kernel-silence", quiet_nat, 5, "... by keepalives that the kernel sends",
		{ .no_liveness = true, .kernel_keepalive = true } },
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
