/*
 * kernel.c - the fake kernel of a host: SAs, the out policy of each tunnel, counters, limits; and the packets of the tunnels.
 *
 * Each operation takes effect some milliseconds after it was asked for, in order. A packet leaves by the SA that the policy names; the other end must hold
 * an inbound SA with that SPI and the same keys when it arrives. If both ends had the tunnel up all the time and it does not, the packet is lost by our fault.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct ksa *kernel_find(struct host *h, uint8_t dir, uint32_t spi, uint32_t tunnel)
{
	for (unsigned i = h->n_sas; i-- > 0;)
		if (!h->sas[i].gone && h->sas[i].spi == spi && h->sas[i].dir == dir && (!tunnel || h->sas[i].tunnel == tunnel))
			return &h->sas[i];
	return NULL;
}

/* Also one that is gone. */
static const struct ksa *record(const struct host *h, uint32_t spi, uint8_t dir)
{
	for (unsigned i = 0; i < h->n_sas; i++)
		if (h->sas[i].spi == spi && h->sas[i].dir == dir)
			return &h->sas[i];
	return NULL;
}

unsigned kernel_count(const struct host *h, uint32_t tunnel, uint8_t dir)
{
	unsigned n = 0;
	for (unsigned i = 0; i < h->n_sas; i++)
		n += !h->sas[i].gone && h->sas[i].tunnel == tunnel && h->sas[i].dir == dir;
	return n;
}

void policies_free(struct host *h)
{
	for (unsigned i = 0; i < TUNNEL_IDS; i++)
		for (unsigned k = 0; k <= SLOTS; k++) {
			free(h->policy[i][k].local_ts);
			free(h->policy[i][k].remote_ts);
		}
	memset(h->policy, 0, sizeof h->policy);
}

void kernel_sweep(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	for (unsigned i = 0; i < h->n_sas; i++)
		h->sas[i].gone = h->sas[i].excused = true;
	policies_free(h);
	for (unsigned i = 0; i < TUNNEL_IDS; i++)
		h->up_epoch[i] += h->link[i] == LINK_UP;
	memset(h->link, 0, sizeof h->link);
}

void kernel_excuse(struct world *w, int host, uint32_t tunnel, uint32_t spi_in)
{
	struct host *h = &w->hosts[host];
	for (unsigned i = 0; i < h->n_sas; i++)
		if ((!tunnel || h->sas[i].tunnel == tunnel) && (!spi_in || h->sas[i].spi == spi_in))
			h->sas[i].excused = true;
}

/* ---------------------------------------------------------------- operations */

static uint64_t key_hash(const struct esp_sa *sa)
{
	uint64_t h = mix_bytes(1, sa->encr_key.data, sa->encr_key.len);
	return mix_bytes(h, sa->integ_key.data, sa->integ_key.len) | 1;
}

/* A key is installed once outbound at one end and once inbound at the other: GCM must never see a nonce twice. */
static void judge_key(struct world *w, struct host *h, const struct esp_sa *sa, uint64_t key)
{
	bool fresh;
	uint64_t bit = (uint64_t)1 << (2 * h->number + (sa->dir == ESP_OUT));
	uint64_t in = 0x5555, *had = seen_put(&w->keys, key, &fresh);
	if (*had & bit)
		world_fail(w, "%c: an ESP key is installed twice, SPI %08x", h->name, sa->spi);
	if (*had & (sa->dir == ESP_IN ? in : in << 1))
		world_fail(w, "%c: an ESP key serves two SAs of the same direction, SPI %08x", h->name, sa->spi);
	*had |= bit;
	seen_put(&w->spis, mix_bytes(h->number * 2 + sa->dir, &sa->spi, sizeof sa->spi), &fresh);
	if (sa->dir == ESP_IN && (!fresh || sa->spi < 256))
		world_fail(w, "%c: inbound SPI %08x is used again or reserved", h->name, sa->spi);
	if (sa->encr_key.len != seal_key_bytes(sa->suite.encr, sa->suite.keylen) ||
		sa->integ_key.len != integ_key_bytes(sa->suite.integ))
		world_fail(w, "%c: keys of SPI %08x have the wrong size", h->name, sa->spi);
}

static void judge_partner(struct world *w, const struct host *h, const struct ksa *k)
{
	for (int i = 0; i < w->n_hosts; i++) {
		struct host *o = &w->hosts[i];
		for (unsigned j = 0; j < o->n_sas && o != h; j++) {
			const struct ksa *p = &o->sas[j];
			bool unused = p->gone && !p->packets &&
				      o->deaths; /* of an exchange that a death ended: the peer asked again */
			if (p->spi != k->spi || p->dir == k->dir || unused)
				continue;
			if (p->key != k->key || p->suite.encr != k->suite.encr || p->suite.keylen != k->suite.keylen ||
				p->suite.integ != k->suite.integ || p->suite.esn != k->suite.esn)
				world_fail(
					w, "%c and %c have different keys or algorithms for SPI %08x", h->name, o->name, k->spi);
		}
	}
}

/* Whoever of the processes lives; on each host an SPI is known once. */
static void keep_open(struct world *w, int host, int spi)
{
	struct host *h = &w->hosts[host];
	for (unsigned i = 0; i < h->n_sas; i++) {
		const struct ksa *k = &h->sas[i];
		if (k->dir != ESP_OUT || k->spi != (uint32_t)spi || k->gone || k->keepalive == 0)
			continue;
		struct ike_action a = { .kind = ACTION_KEEPALIVE, .send = { .local = k->local, .remote = k->remote } };
		net_keepalive(w, host, &a);
		world_call(w, k->keepalive * SECOND, keep_open, host, spi);
		return;
	}
}

static void add(struct world *w, struct host *h, struct esp_sa *sa)
{
	if (h->n_sas == h->cap_sas) {
		h->cap_sas = h->cap_sas ? h->cap_sas * 2 : 32;
		h->sas = xrealloc_array(h->sas, h->cap_sas, sizeof *h->sas);
	}
	struct ksa *k = &h->sas[h->n_sas++];
	*k = (struct ksa){ .tunnel = sa->tunnel,
		.spi = sa->spi,
		.dir = sa->dir,
		.encap = sa->encap,
		.keepalive = sa->keepalive,
		.local = sa->local,
		.remote = sa->remote,
		.suite = sa->suite,
		.key = key_hash(sa),
		.soft_bytes = sa->soft_bytes,
		.hard_bytes = sa->hard_bytes,
		.installed = w->now,
		.mapping_said = -MINUTE };
	k->hard_at = sa->hard_seconds ? w->now + (msec)sa->hard_seconds * SECOND : INT64_MAX;
	int side;
	struct link *l = link_of(w, h->number, sa->tunnel, &side);
	k->peer_incarnation = l ? w->hosts[l->end[!side].host].incarnation : 0;
	if (sa->keepalive != 0 && (!h->kernel_keepalive || !sa->encap || sa->dir != ESP_OUT))
		world_fail(w, "%c: an SA with keepalives that its kernel does not send", h->name);
	if (sa->keepalive != 0)
		world_call(w, sa->keepalive * SECOND, keep_open, h->number, (int)sa->spi);
	judge_key(w, h, sa, k->key);
	judge_partner(w, h, k);
}

static int refuse(struct world *w)
{
	w->refusals++;
	w->excuse_until = w->now + MINUTE; /* what stands in for it may be young, and a rekey that failed may come too late */
	return EEXIST;
}

static int do_install(struct world *w, struct host *h, struct esp_pair *sas)
{
	int err = 0;
	uint32_t id = sas->out.tunnel;
	if (id == 0 || id >= TUNNEL_IDS || sas->in.tunnel != id || sas->in.dir != ESP_IN || sas->out.dir != ESP_OUT)
		world_fail(w, "%c: an SA for tunnel %u", h->name, id);
	else if (!w->quiet && prng_percent(&w->random, h->kernel_fail))
		err = refuse(w);
	if (!err) {
		add(w, h, &sas->out);
		add(w, h, &sas->in);
	}
	note(w, "%c   kernel: install out %08x, in %08x%s", h->name, sas->out.spi, sas->in.spi, err ? ": refused" : "");
	wipe(sas, sizeof *sas);
	return err;
}

static void set_policy(struct world *w, struct host *h, const struct esp_switch *to)
{
	struct kpolicy *pol = &h->policy[to->tunnel][to->slot];
	struct ts_list here, there;
	int side;
	struct link *l = link_of(w, h->number, to->tunnel, &side);
	if (l && !pol->spi_out)
		l->proven[side][to->slot] = 0;
	if (l && pol->spi_out && !to->spi_out) /* a child ended here: what the other end has in its place is new */
		memset(l->proven[!side], 0, sizeof l->proven[!side]);
	esp_switch_get(to, &here, &there);
	free(pol->local_ts);
	free(pol->remote_ts);
	*pol = (struct kpolicy){ to->spi_out, to->local, to->remote, here.n ? ts_list_keep(&here) : NULL,
		there.n ? ts_list_keep(&there) : NULL };
}

static int do_switch(struct world *w, struct host *h, const struct esp_switch *to)
{
	note(w, "%c   kernel: tunnel %u, slot %u goes out by %08x%s", h->name, to->tunnel, to->slot, to->spi_out,
		to->n_local ? "" : ": gone");
	if (to->tunnel >= TUNNEL_IDS || (to->spi_out && !kernel_find(h, ESP_OUT, to->spi_out, to->tunnel))) {
		/* An operation in front of it in the queue may have taken the SA away; then nothing may be up. Or it was lost meanwhile. */
		const struct ksa *had = record(h, to->spi_out, ESP_OUT);
		if (to->tunnel >= TUNNEL_IDS || (!w->hosts[h->number].kernel_fail && w->now > w->excuse_until &&
							!(had && had->lost_at >= w->now - w->kernel_max)))
			world_fail(w, "%c: traffic is switched to SPI %08x, which is not installed", h->name, to->spi_out);
		return had && had->lost_at ? ESRCH : 0;
	}
	if (!to->slot || to->slot > SLOTS) {
		world_fail(w, "%c: a switch of slot %u", h->name, to->slot);
		return EINVAL;
	}
	set_policy(w, h, to);
	return 0;
}

uint32_t policy_spi(const struct host *h, uint32_t tunnel)
{
	for (unsigned i = 1; i <= SLOTS; i++)
		if (h->policy[tunnel][i].spi_out)
			return h->policy[tunnel][i].spi_out;
	return 0;
}

static void do_remove(struct world *w, struct host *h, const struct esp_remove *r)
{
	struct ksa *k = kernel_find(h, r->dir, r->spi, r->tunnel);
	note(w, "%c   kernel: remove %s %08x%s", h->name, r->dir == ESP_IN ? "in" : "out", r->spi, k ? "" : ": none");
	if (!k)
		return;
	if (!addr_same_ip(&k->remote, &r->remote) || !addr_same_ip(&k->local, &r->local))
		world_fail(w, "%c: SPI %08x is removed by addresses that it does not have", h->name, r->spi);
	k->gone = true;
	k->removed = w->now;
}

/* Asked for when there was something to move: an SA may be lost while the order is under way. */
static void judge_move(struct world *w, const struct host *h, const struct esp_move *m)
{
	const struct ksa *in = record(h, m->spi_in, ESP_IN);
	if (!m->spi_out && (!in || (in->gone && in->removed < w->now - w->kernel_max)))
		world_fail(w, "%c: SPI %08x is to move, which is not there, and no other with it", h->name, m->spi_in);
}

static void move_one(struct world *w, struct host *h, uint8_t dir, uint32_t spi, const struct esp_move *m)
{
	struct ksa *k = kernel_find(h, dir, spi, m->tunnel);
	char to[ADDR_TEXT];
	note(w, "%c   kernel: move %08x to %s%s%s", h->name, spi, addr_port_format(&m->new_remote, to), m->encap ? " in UDP" : "",
		k ? "" : ": none");
	if (!k)
		return;
	if (!addr_same_ip(&k->remote, &m->old_remote) || !addr_same_ip(&k->local, &m->old_local))
		world_fail(w, "%c: SPI %08x is moved from addresses that it does not have", h->name, spi);
	k->local = m->new_local;
	k->remote = m->new_remote;
	k->encap = m->encap;
}

static struct esp_switch *kept_switch(const struct esp_switch *to)
{
	return memcpy(xcalloc(1, sizeof *to), to, esp_switch_size(to));
}

/* As the keeper does it, which has given the verdict by then: after a yes nothing is in the way any more. */
static void await_verdict(struct world *w, struct host *h, struct ike_ticket *after)
{
	if (h->verdict.ticket.sa != after->sa || h->verdict.ticket.job != after->job)
		world_fail(w, "%c: SAs are to be installed after a verdict that was not asked for just before", h->name);
	if (h->verdict.err == ERR_OK)
		*after = (struct ike_ticket){ 0, 0 };
}

void kernel_ask(struct world *w, int host, const struct ike_action *a)
{
	struct host *h = &w->hosts[host];
	msec at = w->now + prng_between(&w->random, 0, w->kernel_max);
	bool awaits = a->kind == ACTION_INSTALL && a->install.after.job;
	if (awaits && at < h->verdict.at)
		at = h->verdict.at;
	if (at < h->kernel_free)
		at = h->kernel_free;
	if (!awaits || h->verdict.err == ERR_OK) /* else nothing is done, and nobody waits for it */
		h->kernel_free = at;
	struct wevent *e = world_at(w, at - w->now, W_KERNEL, host);
	e->kernel.action = xcalloc(1, sizeof *a);
	*e->kernel.action = *a;
	if (a->kind == ACTION_SWITCH) /* the step's memory goes */
		e->kernel.action->swtch.to = kept_switch(a->swtch.to);
	if (a->kind == ACTION_INSTALL && a->install.to)
		e->kernel.action->install.to = kept_switch(a->install.to);
	if (awaits)
		await_verdict(w, h, &e->kernel.action->install.after);
	h->kernel_pending++;
}

/* As the keeper does it: each step only when the one before it succeeded. */
static int install_first(struct world *w, struct host *h, struct ike_action *a, int *switch_err)
{
	int err = do_install(w, h, &a->install.sas);
	*switch_err = err ? 0 : do_switch(w, h, a->install.to);
	if (!err && !*switch_err)
		host_link(w, h, &a->install.link);
	return err;
}

int kernel_do(struct world *w, int host, struct ike_action *a, int *switch_err)
{
	struct host *h = &w->hosts[host];
	*switch_err = 0;
	if (a->kind == ACTION_INSTALL && a->install.after.job) {
		note(w, "%c   kernel: nothing is installed for a peer that is not proven", h->name);
		wipe(&a->install.sas, sizeof a->install.sas);
		return EPERM;
	}
	if (a->kind == ACTION_INSTALL && a->install.to)
		return install_first(w, h, a, switch_err);
	if (a->kind == ACTION_INSTALL)
		return do_install(w, h, &a->install.sas);
	if (a->kind == ACTION_SWITCH)
		return do_switch(w, h, a->swtch.to);
	if (a->kind == ACTION_REMOVE) {
		do_remove(w, h, &a->remove);
	} else {
		judge_move(w, h, &a->move);
		move_one(w, h, ESP_IN, a->move.spi_in, &a->move);
		if (a->move.spi_out)
			move_one(w, h, ESP_OUT, a->move.spi_out, &a->move);
	}
	return 0;
}

void kernel_done(struct world *w, struct wevent *e)
{
	struct ike_action *a = e->kernel.action;
	struct ike_event in = { .kind = EVENT_KERNEL_RESULT };
	w->hosts[e->host].kernel_pending--;
	in.kernel.err = kernel_do(w, e->host, a, &in.kernel.switch_err);
	in.kernel.ticket = a->kind == ACTION_INSTALL ? a->install.ticket : a->swtch.ticket;
	if (a->kind == ACTION_INSTALL || a->kind == ACTION_SWITCH)
		host_step(w, e->host, &in);
}

void kernel_counters(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	struct esp_counters *v = xcalloc(h->n_sas + 1, sizeof *v);
	uint32_t n = 0;
	for (unsigned i = 0; i < h->n_sas; i++) {
		struct ksa *k = &h->sas[i];
		bool tells = !k->gone && (k->packets > 0 || k->told); /* as the keeper does */
		k->told = k->packets > 0;
		if (tells)
			v[n++] = (struct esp_counters){
				.tunnel = k->tunnel, .spi = k->spi, .dir = k->dir, .bytes = k->octets, .packets = k->packets
			};
	}
	h->looks++;
	struct ike_event e = { .kind = EVENT_COUNTERS, .counters = { n, v, false } };
	host_step(w, host, &e);
	free(v);
}

static void expire(struct world *w, struct host *h, struct ksa *k, bool hard)
{
	struct ike_event e = { .kind = EVENT_EXPIRE, .expire = { k->tunnel, k->spi, k->dir, hard, false } };
	note(w, "%c   kernel: %s limit of %s %08x", h->name, hard ? "hard" : "soft", k->dir == ESP_IN ? "in" : "out", k->spi);
	k->soft_said = true;
	if (hard) {
		k->gone = k->excused = true;
		k->removed = w->now;
		w->excuse_until = w->now + 15 * SECOND; /* what stands in for it may be young */
	}
	host_step(w, h->number, &e);
}

bool kernel_take(struct world *w, int host, const struct child *c, uint8_t dir)
{
	struct host *h = &w->hosts[host];
	struct ksa *k = kernel_find(h, dir, dir == ESP_IN ? c->core.spi_in : c->core.spi_out, c->tunnel->id);
	if (!k)
		return false;
	struct ike_event e = { .kind = EVENT_EXPIRE, .expire = { k->tunnel, k->spi, k->dir, .lost = true } };
	note(w, "%c   kernel: somebody removes %s %08x", h->name, dir == ESP_IN ? "in" : "out", k->spi);
	k->gone = k->excused = true;
	k->removed = k->lost_at = w->now;
	if (dir == ESP_OUT)
		h->lost_out[k->tunnel] = w->now;
	host_step(w, host, &e);
	return true;
}

void kernel_take_some(struct world *w, int host, const char *tunnel)
{
	unsigned dirs = 1 + prng_below(&w->random, 3);
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++) {
		struct tunnel *t = tunnel_of(w, host, tunnel);
		if (t && t->slots->current && dirs & 1u << dir)
			kernel_take(w, host, t->slots->current, dir);
	}
}

void kernel_lose(struct world *w, int host, const char *tunnel, uint8_t dir)
{
	struct host *h = &w->hosts[host];
	struct tunnel *t = tunnel_of(w, host, tunnel);
	struct child *c = t ? live_child(t, &(unsigned){ 0 }) : NULL;
	struct ksa *k = c ? kernel_find(h, dir, dir == ESP_IN ? c->core.spi_in : c->core.spi_out, t->id) : NULL;
	if (!k)
		return;
	kernel_excuse(w, host, t->id, 0);
	expire(w, h, k, true);
}

/* ---------------------------------------------------------------- packets of the tunnels */

static void count(struct world *w, struct host *h, struct ksa *k, uint32_t octets)
{
	k->packets++;
	k->octets += octets;
	if (k->hard_bytes && k->octets >= k->hard_bytes)
		expire(w, h, k, true);
	else if (k->soft_bytes && k->octets >= k->soft_bytes && !k->soft_said)
		expire(w, h, k, false);
}

static void lost(struct world *w, const struct packet *p, const char *why)
{
	if (!p->counts)
		return;
	p->link->lost++;
	world_fail(
		w, "a packet from %c is lost: %s (SPI %08x, sent at %.3f)", 'A' + p->from, why, p->spi, (double)p->sent / 1000);
}

static uint64_t both_epochs(uint32_t sender, uint32_t receiver) { return (uint64_t)sender << 32 | (receiver + 1); }

/* The lifetime of what it replaces was over before the peer is known to have it. */
static bool outlived(const struct world *w, const struct child *c)
{
	const struct child *lists[] = { c->sa ? c->sa->children : NULL, c->tunnel->lingering };
	for (unsigned i = 0; i < 2; i++)
		for (const struct child *o = lists[i]; o; o = o->next)
			if (o->replaced_by == c->number && o->core.created.ms + c->tunnel->conf->esp_lifetime <= w->now + SECOND)
				return true;
	return false;
}

/* The outbound SA was lost, or its time was over: what the peer may not have yet, or not any more, is better than none. */
static bool too_early(struct world *w, struct host *h, const struct ksa *k)
{
	const struct tunnel *t = tunnel_by_id(engine_of(h), k->tunnel);
	const struct child *c = t ? child_sending(t, k->spi) : NULL;
	bool unproven = c && !c->core.initiator && (c->state == CHILD_INBOUND || c->state == CHILD_REPLACED);
	msec repaired = w->pfs_differs ? MINUTE : 20 * SECOND; /* with a new IKE SA only */
	if (unproven && outlived(w, c))
		return true;
	return h->lost_out[k->tunnel] && w->now < h->lost_out[k->tunnel] + repaired &&
	       (unproven || (c && c->sa && sa_unresponsive(c->sa)));
}

/* Each packet is of the selectors of one slot; of the first, when nothing may leave by any. */
static unsigned slot_to_send(struct world *w, const struct host *h, uint32_t tunnel)
{
	unsigned n = 0, which[SLOTS] = { 0 };
	for (unsigned i = 1; i <= SLOTS; i++)
		if (h->policy[tunnel][i].spi_out)
			which[n++] = i;
	return n > 1 ? which[prng_below(&w->random, n)] : n ? which[0] : 1;
}

void traffic_send(struct world *w, int host, uint32_t tunnel)
{
	struct host *h = &w->hosts[host];
	int side;
	struct link *l = link_of(w, host, tunnel, &side);
	if (!l || h->link[tunnel] != LINK_UP)
		return;
	unsigned slot = slot_to_send(w, h, tunnel);
	const struct kpolicy *pol = &h->policy[tunnel][slot];
	struct host *peer = &w->hosts[l->end[!side].host];
	uint32_t peer_id = tunnel_id(w, peer->number, l->end[!side].name);
	struct ksa *k = pol->spi_out ? kernel_find(h, ESP_OUT, pol->spi_out, tunnel) : NULL;
	struct packet p = { .esp = true,
		.from = host,
		.slot = slot,
		.spi = pol->spi_out,
		.link = l,
		.sent = w->now,
		.up_epoch = peer->up_epoch[peer_id],
		.from_epoch = h->up_epoch[tunnel] };
	p.octets = w->octets ? w->octets : 100 + prng_below(&w->random, 1400);
	p.counts = peer->link[peer_id] == LINK_UP && !w->partition && !w->weather.esp_loss && !l->one_way_ok && !peer->deaf &&
		   !h->deaf && w->now >= w->excuse_until &&
		   l->proven[side][slot] == both_epochs(h->up_epoch[tunnel], peer->up_epoch[peer_id]);
	if (!k) {
		/* The hard limit is the kernel's and the loss its own: it is counted where a hard limit is not the test. */
		p.counts = p.counts && pol->spi_out == 0;
		lost(w, &p, "the interface is up and nothing may leave");
		return;
	}
	p.counts = p.counts && (k->encap || !w->weather.no_plain_esp) && !k->excused &&
		   k->peer_incarnation == peer->incarnation && !too_early(w, h, k);
	if (k->closing && !h->kernel_fail && w->kernel_max < 200 && h->kernel_free < w->now + 200)
		world_fail(w, "%c sends by SPI %08x, after its DELETE or its answer to the peer's", h->name, k->spi);
	p.key = k->key;
	p.encap = k->encap;
	p.src = k->local;
	p.dst = k->remote;
	w->esp_sent++;
	l->sent++;
	net_forward(w, &p);
	count(w, h, k, p.octets);
}

static void tell_mapping(struct world *w, struct host *h, struct ksa *k, const struct packet *p)
{
	if (!k->encap || addr_equal(&k->remote, &p->src) || w->now - k->mapping_said < SECOND)
		return;
	struct ike_event e = { .kind = EVENT_MAPPING, .mapping = { k->tunnel, k->spi, p->src } };
	k->mapping_said = w->now;
	host_step(w, h->number, &e);
}

void traffic_arrive(struct world *w, int host, const struct packet *sent)
{
	struct packet p = *sent;
	struct host *h = &w->hosts[host];
	struct link *l = p.link;
	int side = l->end[0].host == p.from ? 0 : 1;
	uint32_t id = tunnel_id(w, l->end[!side].host, l->end[!side].name);
	p.counts = p.counts && host == l->end[!side].host && h->link[id] == LINK_UP && h->up_epoch[id] == p.up_epoch &&
		   w->now >= w->excuse_until;
	struct ksa *k = kernel_find(h, ESP_IN, p.spi, 0);
	if (!k) {
		const struct ksa *had = record(h, p.spi, ESP_IN);
		if (had && had->excused)
			return;
		lost(w, &p, had ? "the other end has taken the SA away" : "the other end does not have the SA yet");
		return;
	}
	if (k->key != p.key || (id && k->tunnel != id)) {
		world_fail(w, "%c cannot open what %c sends by SPI %08x", h->name, 'A' + p.from, p.spi);
		return;
	}
	if (k->encap != p.encap) {
		lost(w, &p, k->encap ? "it comes without UDP" : "it comes in UDP");
		return;
	}
	w->esp_received++;
	l->received++;
	/* What comes late by the SA before proves nothing of the one that is in use now. */
	if (h->link[id] == LINK_UP && w->hosts[p.from].policy[tunnel_id(w, p.from, l->end[side].name)][p.slot].spi_out == p.spi)
		l->proven[side][p.slot] = both_epochs(p.from_epoch, h->up_epoch[id]);
	tell_mapping(w, h, k, &p);
	k = kernel_find(h, ESP_IN, p.spi, 0); /* the table may have grown meanwhile */
	if (k)
		count(w, h, k, p.octets);
}

void traffic_tick(struct world *w)
{
	if (w->traffic && w->n_links) {
		struct link *l = &w->links[prng_below(&w->random, (uint32_t)w->n_links)];
		int side = (int)prng_below(&w->random, 2), host = l->end[side].host;
		uint32_t id = tunnel_id(w, host, l->end[side].name);
		if (id && id < TUNNEL_IDS && (w->hosts[host].ike || w->hosts[host].dead))
			traffic_send(w, host, id);
	}
	world_at(w, prng_between(&w->random, 1, w->traffic_max), W_TRAFFIC, 0);
}
