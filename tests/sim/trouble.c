/*
 * trouble.c - peers that vanish, restart or move, kernels that refuse, networks that break, configurations that change.
 */
#include <stdio.h>
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
	uint32_t out = w->hosts[B].policy[tunnel_id(w, B, "t")].spi_out;
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

/* ---------------------------------------------------------------- addresses */

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
	const struct ksa *k = kernel_find(&w->hosts[B], ESP_OUT, w->hosts[B].policy[tunnel_id(w, B, "t")].spi_out, 0);
	const struct nat *n = &w->hosts[A].nat;
	expect(w, k && n->n && addr_same_ip(&k->remote, &n->outside) && k->remote.port == n->maps[0].outside,
		"ESP follows at once");
	world_run(w, 30 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	order(w, B, COMMAND_REKEY);
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

/* ---------------------------------------------------------------- the kernel */

static void kernel_refuses(struct world *w, const struct params *p)
{
	pair(w);
	w->hosts[p->host].kernel_fail = 40;
	begin(w);
	world_run(w, MINUTE);
	for (int i = 0; i < 4; i++) {
		order(w, i & 1, i & 2 ? COMMAND_REKEY_IKE : COMMAND_REKEY);
		world_run(w, 30 * SECOND);
	}
	expect(w, !w->refusals || saw(w, p->host, FACT_KERNEL_FAILED, BLAME_LOCAL), "the failure is reported");
	check_converged(w, true);
}

/* A rekey that one kernel refuses again and again costs nothing: the old child goes on. */
static void kernel_refuses_long(struct world *w, const struct params *p)
{
	pair_up(w);
	w->hosts[p->host].kernel_fail = 100;
	order(w, A, COMMAND_REKEY);
	world_run(w, MINUTE + 20 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* ... also when the peer that could not install its half does not try again: it is made to forget that it wanted to. */
static void replacement_given_up(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->hosts[A].kernel_fail = 100;
	order(w, A, COMMAND_REKEY);
	world_run(w, SECOND);
	w->hosts[A].kernel_fail = 0;
	struct tunnel *t = tunnel_of(w, A, "t");
	if (t && t->slots[0].current) {
		t->slots[0].current->rekey_due = false;
		t->slots[0].current->core.rekey_at = MONO_NEVER;
	}
	world_run(w, 3 * MINUTE); /* longer than what is replaced waits for its DELETE */
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void kernel_forgets(struct world *w, const struct params *p)
{
	pair_up(w);
	for (int i = 0; i < 3; i++) {
		kernel_lose(w, (int)(p->seed & 1), "t", (uint8_t)(p->seed >> 1 & 1));
		await_up(w, 30 * SECOND);
		world_run(w, 20 * SECOND);
	}
	check_converged(w, true);
}

static struct sa *in_use(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	return t && t->slots[0].current ? t->slots[0].current->sa : NULL;
}

/*
 * Our answer to a DELETE waits until the kernel sends by another SA, so that nothing is sent to nobody; but not for ever: the peer repeats its request, and
 * gives us up when nothing comes.
 */
static void delete_waits(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct sa *a = in_use(w, A), *b = in_use(w, B);
	uint32_t answered = b ? b->core.next_in : 0;
	msec slow = w->now + 4 * SECOND;
	w->traffic = false; /* A's would show that it has the new child */
	order(w, A, COMMAND_REKEY);
	for (int i = 0; a && b && i < 2000 && !w->failed && b->theirs.core.state != XS_SWITCH; i++) {
		world_run(w, 1);
		if (b->core.next_in != answered) /* CREATE_CHILD_SA is done, the DELETE comes next */
			w->hosts[B].kernel_free = slow;
	}
	expect(w, a && b && b->theirs.core.state == XS_SWITCH && a->ours.core.kind == X_DELETE_CHILD, "the answer waits");
	if (w->failed)
		return;
	world_run(w, 1100);
	expect(w, a->ours.core.state == XS_IDLE, "the answer comes within a second");
	world_run(w, 20 * SECOND);
	w->traffic = true;
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* Our own DELETE waits likewise, and then it leaves. */
static void delete_follows(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->traffic = false;
	world_run(w, 100);
	struct sa *a = in_use(w, A), *b = in_use(w, B);
	order(w, A, COMMAND_REKEY);
	world_run(w, SECOND);
	expect(w, a && b && a == in_use(w, A) && !a->children->next && !b->children->next, "the old child is closed");
	w->traffic = true;
	check_converged(w, true);
}

/* A peer that makes a new IKE SA beside the old one and closes that at once, as Azure does. */
static void reauth_at_once(struct world *w, int host, bool slow)
{
	struct sa *old = in_use(w, host);
	struct tunnel *peers = tunnel_of(w, !host, "t");
	if (!old || !peers)
		return;
	old->reauth_at = (struct mono){ w->now };
	old->reauth_for = REAUTH_LIFETIME;
	alarm_at(w->hosts[host].ike, &old->alarm, old->reauth_at);
	host_wake(w, host);
	for (int i = 0; i < 5000 && !w->failed && in_use(w, host) == old; i++) {
		unsigned n = 0;
		world_run(w, 1);
		live_sa(w->hosts[!host].ike, peers, &n);
		if (slow && n == 2) /* it has the new one, and does not send by it yet */
			w->hosts[!host].kernel_free = w->now + 4 * SECOND;
	}
	old->delete_due = true;
	alarm_at(w->hosts[host].ike, &old->alarm, (struct mono){ w->now });
	old->close_at = (struct mono){ w->now };
	host_wake(w, host);
}

/* B's requests on the IKE SA whose SPI begins so. */
static bool count_requests(struct world *w, const struct packet *p)
{
	w->filter_seen += p->from == B && p->n > 19 && !memcmp(p->data, &w->filter_arg, sizeof w->filter_arg) &&
			  !(p->data[19] & IKE_FLAG_RESPONSE);
	return false;
}

static void closed_at_once(struct world *w, const struct params *p)
{
	w->traffic_max = 20;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct sa *b = in_use(w, B);
	uint32_t number = b ? b->number : 0;
	if (b)
		memcpy(&w->filter_arg, b->core.spi_i, sizeof w->filter_arg);
	reauth_at_once(w, A, p->later);
	if (p->later) {
		world_run(w, 300);
		w->filter_seen = 0;
		w->filter = count_requests;
		order(w, B, COMMAND_DOWN); /* closes what there is */
		w->excuse_until = w->now + 20 * SECOND;
	}
	world_run(w, 2 * SECOND);
	expect(w, w->filter_seen == 0, "B asks for nothing on what A has closed");
	expect(w, b && !table_get(&w->hosts[B].ike->by_number, number), "the old IKE SA is gone");
	for (int i = 0; i < 2 && !w->failed && !p->later; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	order(w, B, COMMAND_UP);
	order(w, A, COMMAND_UP);
	check_converged(w, true);
}

static void slow_kernel(struct world *w, const struct params *p)
{
	(void)p;
	w->kernel_max = 3 * SECOND;
	w->job_max = 2 * SECOND;
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "180s");
		set(w, i, "t", "ike-lifetime", "250s");
	}
	begin(w);
	world_run(w, 30 * MINUTE);
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
	{ "listens-at-once", listens_again, 40, "the responder dies and is back at once, only listening: up again within 4.5 s",
		{ .away = { 0, 1500 } } },
	{ "listens-again", listens_again, 40, "... is back within 20 s: up again within 3 s of its return",
		{ .away = { 1500, 20 * SECOND } } },
	{ "listens-later", listens_again, 40, "... within minutes", { .away = { 20 * SECOND, 4 * MINUTE } } },
	{ "restart-silent", restart_silent, 10, "the initiator restarts while nobody sends anything", { 0 } },
	{ "nat-mapping", mapping, 20, "the NAT gives another port", { 0 } },
	{ "nat-new-address", mapping, 20, "the NAT gets another address", { .new_address = true } },
	{ "asked-elsewhere", asked_elsewhere, 5, "requests come from another port: so go their answers", { 0 } },
	{ "nat-repetition", repeated_elsewhere, 10, "the NAT gives another port between a request and its repetition", { 0 } },
	{ "nat-repetition-ike", repeated_elsewhere, 10, "... of an IKE rekey", { .ike = true } },
	{ "new-address", new_address, 10, "our own address changes", { 0 } },
	{ "new-address-nat", new_address, 10, "our own address changes behind a NAT", { .nat_a = true } },
	{ "name-moves", name_moves, 10, "the peer comes back with another address under its name", { 0 } },
	{ "name-late", name_moves, 5, "the name does not resolve at first", { .later = true } },
	{ "kernel-refuses-A", kernel_refuses, 40, "the initiator's kernel refuses installs", { .host = A } },
	{ "kernel-refuses-B", kernel_refuses, 40, "the responder's kernel refuses installs", { .host = B } },
	{ "kernel-refuses-long-A", kernel_refuses_long, 5, "the initiator's kernel refuses each rekey for a minute",
		{ .host = A } },
	{ "kernel-refuses-long-B", kernel_refuses_long, 5, "the responder's kernel does", { .host = B } },
	{ "replacement-given-up", replacement_given_up, 5, "the initiator cannot install a rekeyed child and does not try again",
		{ 0 } },
	{ "kernel-forgets", kernel_forgets, 20, "the kernel loses an SA", { 0 } },
	{ "delete-waits", delete_waits, 20, "the answer to a DELETE waits for the kernel, but not for long", { 0 } },
	{ "delete-follows", delete_follows, 20, "our DELETE leaves once the kernel has switched", { 0 } },
	{ "closed-at-once", closed_at_once, 30, "the peer makes a new IKE SA and closes the old one at once", { 0 } },
	{ "closed-at-once-slow", closed_at_once, 10, "... while our kernel is slow, and the operator takes the tunnel down",
		{ .later = true } },
	{ "slow-kernel", slow_kernel, 20, "kernel and workers take seconds", { 0 } },
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
