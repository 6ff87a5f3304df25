/*
 * disagree.c - ends that do not agree: on keys, identities, proposals or selectors. Both say why, and what can be corrected comes up then.
 */
#include <string.h>

#include "world.h"

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
		for (int i = 0; i < 2 && !w->failed; i++) {
			const struct tunnel *t = tunnel_of(w, i, "t");
			expect(w,
				!saw(w, i, FACT_TS_LIMIT, BLAME_LOCAL) || (t->last_error && t->last_error->code == FACT_TS_LIMIT),
				"and the last error of who told it");
		}
		return;
	}
	await_up(w, 10 * SECOND);
	order(w, p->seed & 2 ? A : B, COMMAND_REKEY);
	check_converged(w, true);
	const struct child *c = w->failed ? NULL : live_child(tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, c && c->remote_ts->n >= 20, "all of them are covered");
	expect(w, !saw(w, A, FACT_TS_REFUSED, BLAME_PEER) && !saw(w, B, FACT_TS_REFUSED, BLAME_PEER), "nobody is blamed");
}

const struct scenario scenarios_disagree[] = {
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
	{ 0 },
};
