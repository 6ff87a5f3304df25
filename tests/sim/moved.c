/*
 * moved.c - addresses that change: the mapping of a NAT, our own address, the one under the peer's name.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

static void mapping(struct world *w, const struct params *p)
{
	nat_place(w, host_add(w, "192.0.2.1"), "203.0.113.1", false);
	host_add(w, "198.51.100.2");
	link_add(w, "t", A, B);
	w->traffic_max = 100;
	if (p->new_address) /* a new outside address, too: the responder knows A by its identity only */
		set(w, B, "t", "remote", "any");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * SECOND);
	nat_forget(w, A, p->new_address ? "203.0.113.77" : NULL);
	world_run(w, 1500);
	const struct ksa *k = kernel_find(&w->hosts[B], ESP_OUT, policy_spi(&w->hosts[B], tunnel_id(w, B, "t")), 0);
	const struct nat *n = &w->hosts[A].nat;
	expect(w, k && n->n && addr_same_ip(&k->remote, &n->outside) && k->remote.port == n->maps[0].outside,
		"ESP follows at once");
	world_run(w, 30 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	order(w, B, COMMAND_REKEY);
	check_converged(w, true);
}

static bool all_lost(struct world *w, const struct packet *p)
{
	(void)w, (void)p;
	return true;
}

/* ... while the other end has lost its SAs, or one of them, and cannot ask for others yet: what is not there is not moved. */
static void mapping_without_sas(struct world *w, const struct params *p)
{
	nat_place(w, host_add(w, "192.0.2.1"), "203.0.113.1", false);
	host_add(w, "198.51.100.2");
	link_add(w, "t", A, B);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * SECOND);
	w->excuse_until = w->now + MINUTE;
	w->filter = all_lost;
	const struct child *c = tunnel_current(tunnel_of(w, B, "t"));
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++)
		if (p->dirs & 1u << dir)
			kernel_take(w, B, c, dir);
	world_run(w, SECOND);
	nat_forget(w, A, NULL);
	w->filter = NULL;
	order(w, A, COMMAND_REKEY_IKE);
	world_run(w, 10 * SECOND);
	check_converged(w, true);
}

static bool answers_lost(struct world *w, const struct packet *p)
{
	(void)w;
	return p->from == B && p->n > 19 && p->data[19] & IKE_FLAG_RESPONSE;
}

/* What A asks comes from another port. */
static bool another_port(struct world *w, const struct packet *p)
{
	if (p->from != A || p->src.port == 31337 || p->n < IKE_HEADER_LEN || p->data[19] & IKE_FLAG_RESPONSE)
		return false;
	struct packet copy = *p;
	copy.src.port = 31337;
	copy.data = xcalloc(1, p->n);
	memcpy(copy.data, p->data, p->n);
	copy.marker = true;
	net_forward(w, &copy);
	return true;
}

/* No NAT was seen, and still A's requests come from elsewhere: the SA does not follow, the answers do. */
static void asked_elsewhere(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	set(w, A, "t", "encapsulation", "udp");
	begin(w);
	await_up(w, 10 * SECOND);
	tunnel_of(w, B, "t")->sa_list->core.nat_remote = false;
	w->filter = another_port;
	uint64_t token = host_order(w, A, "t", COMMAND_REKEY);
	world_run(w, 2 * SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "the rekey is answered");
	check_converged(w, true);
}

/* The NAT has another mapping for the repetition of a request than for the request: the answer goes to the new one. */
static void repeated_elsewhere(struct world *w, const struct params *p)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	nat_place(w, A, "203.0.113.1", false);
	link_add(w, "t", A, B);
	begin(w);
	await_up(w, 10 * SECOND);
	w->traffic = false;
	world_run(w, 2 * SECOND);
	w->filter = answers_lost;
	uint64_t token = host_order(w, A, "t", p->ike ? COMMAND_REKEY_IKE : COMMAND_REKEY);
	world_run(w, 800);
	nat_forget(w, A, NULL);
	w->filter = NULL;
	world_run(w, 800);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && r->ok, "the repetition is answered where it came from");
	w->traffic = true;
	check_converged(w, true);
}

static bool has_answered(struct world *w) { return tunnel_of(w, B, "t")->sa_list->theirs.sent.empty != 0; }

/* The peer asked, then its NAT got another mapping, as its ESP shows: our own liveness check is more than the note of the record can say of that answer. */
static void noted_elsewhere(struct world *w, const struct params *p)
{
	(void)p;
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	nat_place(w, A, "203.0.113.1", false);
	link_add(w, "t", A, B);
	set(w, A, "t", "dpd-interval", "5s");
	set(w, B, "t", "dpd-interval", "7s");
	begin(w);
	await_up(w, 10 * SECOND);
	w->traffic = false;
	for (int i = 0; i < 60 && !w->failed && !has_answered(w); i++)
		world_run(w, SECOND);
	expect(w, has_answered(w), "the peer asks whether we live");
	nat_forget(w, A, NULL);
	w->traffic = true;
	world_run(w, 1500);
	w->traffic = false;
	set(w, A, "t", "dpd-interval", "5m"); /* it does not ask again */
	host_load(w, A);
	world_run(w, 20 * SECOND);
	w->traffic = true;
	check_converged(w, true);
}

static void new_address(struct world *w, const struct params *p)
{
	host_add(w, "192.0.2.1");
	host_add(w, "198.51.100.2");
	if (p->nat_a)
		nat_place(w, A, "203.0.113.1", false);
	link_add(w, "t", A, B);
	set(w, B, "t", "remote", "any");
	begin(w);
	await_up(w, 10 * SECOND);
	addr_parse(&w->hosts[A].addr, "192.0.2.99");
	if (p->nat_a)
		w->hosts[A].nat.n = 0;
	w->excuse_until = w->now + MINUTE;
	note(w, "A   has a new address");
	host_step(w, A, &(struct ike_event){ .kind = EVENT_PATH_CHANGED });
	await_up(w, 2 * MINUTE);
	world_run(w, MINUTE);
	check_converged(w, true);
}

static void name_moves(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", "remote", "gw.example");
	snprintf(w->dns[0].name, sizeof w->dns[0].name, "gw.example");
	w->n_dns = p->later ? 0 : 1;
	w->dns[0].addr = w->hosts[B].addr;
	begin(w);
	if (p->later) { /* the name does not resolve at first */
		world_run(w, MINUTE);
		expect(w,
			saw(w, A, FACT_RESOLVE_FAILED, BLAME_LOCAL) || saw(w, A, FACT_RESOLVE_FAILED, BLAME_NETWORK) ||
				saw(w, A, FACT_RESOLVE_FAILED, BLAME_OPERATOR),
			"A says that the name does not resolve");
		w->n_dns = 1;
		await_up(w, 2 * MINUTE);
	}
	await_up(w, 15 * SECOND);
	host_stop(w, B);
	addr_parse(&w->hosts[B].addr, "198.51.100.200");
	w->dns[0].addr = w->hosts[B].addr;
	host_start(w, B);
	await_up(w, 5 * MINUTE);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- UDP encapsulation is tried */

static bool port_4500(struct world *w, const struct packet *p)
{
	(void)w;
	return p->dst.port == IKE_NATT_PORT;
}

static bool in_udp(struct world *w, int host)
{
	const struct child *c = tunnel_current(tunnel_of(w, host, "t"));
	return c && c->core.encap;
}
static bool in_udp_is(struct world *w, int yes) { return in_udp(w, A) == yes && in_udp(w, B) == yes; }

/*
 * With it packets come back; then it is as configured again, by itself or because the operator has gone; an engine that goes on after a death knows of no
 * trial and goes back at once. Up all the time.
 */
static void encapsulation_tried(struct world *w, const struct params *p)
{
	pair(w);
	begin(w);
	await_up(w, 10 * SECOND);
	w->filter = p->unheard ? port_4500 : NULL;
	w->weather.no_plain_esp = true;
	world_run(w, 5 * SECOND);
	uint32_t epochs[2] = { 0 };
	for (int i = 0; i < 2 && !w->failed; i++)
		epochs[i] = w->hosts[i].up_epoch[tunnel_id(w, i, "t")];
	const struct child *c = w->failed ? NULL : tunnel_current(tunnel_of(w, A, "t"));
	uint32_t line = c ? c->sa->core.origin.number : 0;
	uint64_t token = host_order(w, A, "t", COMMAND_ENCAPSULATE);
	bool made = world_run_until(w, 20 * SECOND, in_udp_is, 1);
	const struct reply *r = order_reply(w, token);
	expect(w, w->hosts[A].deaths > 0 || made == !p->unheard, "ESP goes in UDP, where that passes");
	expect(w, w->hosts[A].deaths > 0 || p->unheard || (r && !r->pending && r->ok), "the order is done");
	if (p->closes) {
		order(w, A, COMMAND_UNENCAPSULATE);
		w->filter = NULL;
	}
	if (p->ike)
		order(w, A, COMMAND_REKEY_IKE);
	world_run(w, 30 * SECOND);
	expect(w, w->hosts[A].deaths > 0 || in_udp(w, A) == (!p->closes && !p->unheard), "for a minute, or until it is ended");
	world_run(w, 45 * SECOND);
	r = order_reply(w, token);
	expect(w, w->hosts[A].deaths > 0 || !p->unheard || (r && !r->pending && !r->ok), "the order has failed");
	expect(w, in_udp_is(w, 0), "then it is as configured");
	for (int i = 0; i < 2 && !w->failed && w->hosts[A].deaths + w->hosts[B].deaths == 0;
		i++) /* else no answer came in time */
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == epochs[i], "it stays up");
	w->filter = NULL;
	w->weather.no_plain_esp = false;
	check_converged(w, true);
	c = w->failed ? NULL : tunnel_current(tunnel_of(w, A, "t"));
	expect(w, !p->unheard || w->hosts[A].deaths > 0 || (c && c->sa->core.origin.number == line),
		"an attempt in vain changes nothing");
}

/* It cannot be tried: nothing changes. */
static void encapsulation_not_tried(struct world *w, const struct params *p)
{
	pair(w);
	if (p->by_conf)
		set(w, A, "t", "encapsulation", "udp");
	begin(w);
	await_up(w, 10 * SECOND);
	uint32_t number = w->failed ? 0 : tunnel_current(tunnel_of(w, p->host, "t"))->number;
	uint64_t token = host_order(w, p->host, "t", COMMAND_ENCAPSULATE);
	const struct reply *r = order_reply(w, token);
	expect(w, r && !r->pending && !r->ok, "the order is refused");
	world_run(w, 20 * SECOND);
	const struct child *c = w->failed ? NULL : tunnel_current(tunnel_of(w, p->host, "t"));
	expect(w, c && c->number == number, "and nothing comes of it");
	check_converged(w, true);
}

const struct scenario scenarios_moved[] = {
	{ "nat-mapping", mapping, 20, "the NAT gives another port", { 0 } },
	{ "nat-mapping-no-sas", mapping_without_sas, 20, "... to who has lost its SAs", { .dirs = 3 } },
	{ "nat-mapping-no-out", mapping_without_sas, 20, "... its outbound SA", { .dirs = 1u << ESP_OUT } },
	{ "nat-new-address", mapping, 20, "the NAT gets another address", { .new_address = true } },
	{ "asked-elsewhere", asked_elsewhere, 5, "requests come from another port: so go their answers", { 0 } },
	{ "nat-repetition", repeated_elsewhere, 10, "the NAT gives another port between a request and its repetition", { 0 } },
	{ "nat-repetition-ike", repeated_elsewhere, 10, "... of an IKE rekey", { .ike = true } },
	{ "nat-noted", noted_elsewhere, 10, "... between a request of the peer's and our liveness check", { 0 } },
	{ "new-address", new_address, 10, "our own address changes", { 0 } },
	{ "new-address-nat", new_address, 10, "our own address changes behind a NAT", { .nat_a = true } },
	{ "udp-tried", encapsulation_tried, 10, "ESP is dropped: UDP encapsulation is tried for a minute", { 0 } },
	{ "udp-tried-ended", encapsulation_tried, 10, "... and ended before", { .closes = true } },
	{ "udp-tried-rekeyed", encapsulation_tried, 10, "... and the IKE SA is rekeyed meanwhile", { .ike = true } },
	{ "udp-tried-in-vain", encapsulation_tried, 10, "... where UDP 4500 is dropped", { .unheard = true } },
	{ "udp-tried-left", encapsulation_tried, 10, "... and the attempt is given up before it is answered",
		{ .unheard = true, .closes = true } },
	{ "udp-not-tried", encapsulation_not_tried, 3, "... where it is in force", { .by_conf = true } },
	{ "udp-not-tried-here", encapsulation_not_tried, 3, "... by the end that only answers", { .host = B } },
	{ "name-moves", name_moves, 10, "the peer comes back with another address under its name", { 0 } },
	{ "name-late", name_moves, 5, "the name does not resolve at first", { .later = true } },
	{ 0 },
};
