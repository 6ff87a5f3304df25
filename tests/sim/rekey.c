/*
 * rekey.c - rekeys by order, by time and by volume; PFS at both ends, at none or at one; and the check of it.
 */
#include <string.h>

#include "world.h"

static void no_group(struct world *w, int host) { set(w, host, "t", "esp-proposals", "[aes256-sha256]"); }

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

const struct scenario scenarios_rekey[] = {
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
	{ 0 },
};
