/*
 * host.c - a host: an engine, its configuration, and what becomes of the engine's actions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "check/check.h"
#include "world.h"

#define ARENA_CEILING (8u << 20)

int host_add(struct world *w, const char *addr)
{
	int i = w->n_hosts++;
	struct host *h = &w->hosts[i];
	h->name = (char)('A' + i);
	h->number = i;
	h->fill.s = prng_next(&w->random);
	addr_parse(&h->addr, addr);
	arena_init(&h->arena, ARENA_CEILING);
	ike_actions_init(&h->actions, &h->arena);
	return i;
}

/* ---------------------------------------------------------------- settings */

struct tunnel_settings *settings_of(struct world *w, int host, const char *tunnel)
{
	struct host *h = &w->hosts[host];
	for (unsigned i = 0; i < h->n_tunnels; i++)
		if (!strcmp(h->tunnels[i].name, tunnel))
			return &h->tunnels[i];
	struct tunnel_settings *t = &h->tunnels[h->n_tunnels++];
	snprintf(t->name, sizeof t->name, "%s", tunnel);
	return t;
}

static struct setting *put(struct setting *v, unsigned *n, unsigned max, const char *key, const char *value)
{
	unsigned i = 0;
	while (i < *n && strcmp(v[i].key, key))
		i++;
	if (i == max) {
		fprintf(stderr, "sim: too many settings\n");
		abort();
	}
	*n += i == *n;
	snprintf(v[i].key, sizeof v[i].key, "%s", key);
	snprintf(v[i].value, sizeof v[i].value, "%s", value);
	v[i].prefixes = 0;
	return &v[i];
}

/* An empty value leaves the key out. */
void set(struct world *w, int host, const char *tunnel, const char *key, const char *value)
{
	struct tunnel_settings *t = settings_of(w, host, tunnel);
	put(t->v, &t->n, SETTINGS_MAX, key, value);
}

void set_prefixes(struct world *w, int host, const char *tunnel, const char *key, const char *net, unsigned n)
{
	struct tunnel_settings *t = settings_of(w, host, tunnel);
	put(t->v, &t->n, SETTINGS_MAX, key, net)->prefixes = n;
}

void set_pairs(struct world *w, int host, const char *tunnel, const char *local, const char *remote, unsigned n)
{
	char nets[100];
	struct tunnel_settings *t = settings_of(w, host, tunnel);
	snprintf(nets, sizeof nets, "%s %s", local, remote);
	put(t->v, &t->n, SETTINGS_MAX, "children", nets)->prefixes = n;
}

void set_global(struct world *w, int host, const char *key, const char *value)
{
	struct host *h = &w->hosts[host];
	put(h->globals, &h->n_globals, sizeof h->globals / sizeof *h->globals, key, value);
}

int link_add(struct world *w, const char *name, int a, int b)
{
	struct link *l = &w->links[w->n_links];
	int ends[2] = { a, b };
	for (int i = 0; i < 2; i++) {
		int me = ends[i], peer = ends[!i];
		char text[ADDR_TEXT], id[80], net[80];
		l->end[i].host = me;
		snprintf(l->end[i].name, sizeof l->end[i].name, "%s", name);
		struct nat *nat = &w->hosts[peer].nat;
		set(w, me, name, "remote", addr_format(nat->used ? &nat->outside : &w->hosts[peer].addr, text));
		snprintf(id, sizeof id, "fqdn:%s-%c.example", name, w->hosts[me].name + 32);
		set(w, me, name, "local-id", id);
		snprintf(id, sizeof id, "fqdn:%s-%c.example", name, w->hosts[peer].name + 32);
		set(w, me, name, "remote-id", id);
		snprintf(id, sizeof id, "a.secret.of.both.ends.of.%s", name);
		set(w, me, name, "psk", id);
		snprintf(net, sizeof net, "10.%d.%d.0/24", 10 * peer + 1, w->n_links);
		set(w, me, name, "routes", net);
		set(w, me, name, "start", i ? "respond" : "initiate");
	}
	return w->n_links++;
}

static size_t prefixes_text(const struct setting *v, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "    %s: [", v->key);
	for (unsigned i = 0; i < v->prefixes; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s.%u.0/24", i ? ", " : "", v->value, i);
	return n + (size_t)snprintf(text + n, size - n, "]\n");
}

static size_t pairs_text(const struct setting *v, char *text, size_t size)
{
	int local = (int)strcspn(v->value, " ");
	size_t n = (size_t)snprintf(text, size, "    children:\n");
	for (unsigned i = 0; i < v->prefixes; i++)
		n += (size_t)snprintf(text + n, size - n, "      - local-ts: %.*s.%u.0/24\n        remote-ts: %s.%u.0/24\n",
			local, v->value, i, v->value + local + 1, i);
	return n;
}

static size_t settings_text(const struct host *h, char *text, size_t size)
{
	size_t n = 0;
	if (h->n_globals)
		n += (size_t)snprintf(text + n, size - n, "s2sd:\n");
	for (unsigned i = 0; i < h->n_globals; i++)
		n += (size_t)snprintf(text + n, size - n, "  %s: %s\n", h->globals[i].key, h->globals[i].value);
	n += (size_t)snprintf(text + n, size - n, "tunnels:\n");
	for (unsigned t = 0; t < h->n_tunnels; t++) {
		const struct tunnel_settings *s = &h->tunnels[t];
		if (s->absent)
			continue;
		n += (size_t)snprintf(text + n, size - n, "  %s:\n", s->name);
		for (unsigned i = 0; i < s->n; i++)
			if (!strcmp(s->v[i].key, "children") && s->v[i].prefixes)
				n += pairs_text(&s->v[i], text + n, size - n);
			else if (s->v[i].prefixes)
				n += prefixes_text(&s->v[i], text + n, size - n);
			else if (*s->v[i].value)
				n += (size_t)snprintf(text + n, size - n, "    %s: %s\n", s->v[i].key, s->v[i].value);
	}
	return n;
}

void host_load(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	static char text[16384];
	struct conf_text one = {
		.file = "sim.yaml", .text = text, .len = settings_text(h, text, sizeof text), .private_mode = true
	};
	struct findings faults = { 0 };
	struct conf *fresh = conf_load(&one, 1, certs_reader, NULL, &faults);
	if (!fresh) {
		fprintf(stderr, "sim: a scenario's configuration is refused:\n%s", text);
		for (unsigned i = 0; i < faults.n; i++)
			fprintf(stderr, "%s:%d: %s\n", faults.v[i].file, faults.v[i].line, faults.v[i].text);
		abort();
	}
	findings_release(&faults);
	conf_adopt(fresh, h->conf);
	conf_free(h->conf);
	h->conf = fresh;
	h->reload_due = h->dead;
	if (h->ike)
		host_give_conf(w, host, NULL);
}

/* The engine gets it the way the daemon does: packed, without secrets. */
void host_give_conf(struct world *w, int host, const struct ike_restore *from)
{
	struct host *h = &w->hosts[host];
	bytes_drop(&h->given);
	h->given = conf_pack(h->conf);
	struct ike_event e = { .kind = EVENT_CONF, .conf = { conf_unpack(h->given), from } };
	if (!e.conf.conf) {
		world_fail(w, "%c: a packed configuration does not unpack", h->name);
		return;
	}
	note(w, "%c   configuration loaded", h->name);
	host_step(w, host, &e);
}

uint32_t tunnel_id(struct world *w, int host, const char *name)
{
	const struct tunnel_conf *t = w->hosts[host].conf ? conf_find(w->hosts[host].conf, name) : NULL;
	return t ? t->id : 0;
}

struct tunnel *tunnel_of(struct world *w, int host, const char *name)
{
	struct ike *ike = w->hosts[host].ike;
	return ike ? table_get(&ike->tunnels, tunnel_id(w, host, name)) : NULL;
}

struct link *link_of(struct world *w, int host, uint32_t id, int *side)
{
	for (int i = 0; i < w->n_links; i++)
		for (*side = 0; *side < 2; ++*side)
			if (w->links[i].end[*side].host == host && tunnel_id(w, host, w->links[i].end[*side].name) == id)
				return &w->links[i];
	return NULL;
}

/* ---------------------------------------------------------------- life */

void host_start(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	h->ike = ike_new(prng_fill, &h->fill);
	ike_kernel_keepalive(h->ike, h->kernel_keepalive);
	memset(h->problem, 0, sizeof h->problem);
	h->incarnation++;
	h->idle = h->deaf = false;
	h->jobs_pending = h->kernel_pending = 0;
	h->kernel_free = w->now;
	h->dead = false;
	note(w, "%c   starts", h->name);
	host_load(w, host);
}

void host_stop(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	note(w, "%c   is gone", h->name);
	kernel_sweep(w, host);
	store_forget(h);
	h->dead = h->reload_due = false;
	ike_free(h->ike);
	h->ike = NULL;
	for (unsigned i = 0; i < w->n_replies; i++)
		if (w->replies[i].host == host)
			w->replies[i].pending = false;
}

uint64_t host_order(struct world *w, int host, const char *tunnel, enum ike_command_kind kind)
{
	static const char *const words[] = {
		[COMMAND_UP] = "up",
		[COMMAND_DOWN] = "down",
		[COMMAND_REKEY] = "rekey",
		[COMMAND_REKEY_IKE] = "rekey --ike",
		[COMMAND_REKEY_CHECK] = "rekey --check",
		[COMMAND_TRACE] = "trace",
		[COMMAND_UNTRACE] = "untrace",
		[COMMAND_ENCAPSULATE] = "encapsulate",
		[COMMAND_UNENCAPSULATE] = "unencapsulate",
		[COMMAND_SHUTDOWN] = "shutdown",
	};
	struct host *h = &w->hosts[host];
	unsigned i = w->n_replies++ % (sizeof w->replies / sizeof *w->replies);
	w->n_replies = w->n_replies > sizeof w->replies / sizeof *w->replies ? 1 + i : w->n_replies;
	uint64_t token = w->seq * 1000 + i + 1;
	w->replies[i] = (struct reply){ .token = token, .pending = true, .asked = w->now, .host = host, .kind = kind };
	note(w, "%c   operator: %s %s", h->name, words[kind], tunnel ? tunnel : "");
	if (h->dead) /* who gives an order waits until somebody is there */
		host_restore(w, host);
	if (!h->ike) {
		w->replies[i].pending = false;
		return token;
	}
	if (kind == COMMAND_DOWN || kind == COMMAND_SHUTDOWN)
		kernel_excuse(w, host, tunnel ? tunnel_id(w, host, tunnel) : 0, 0);
	struct ike_event e = { .kind = EVENT_COMMAND, .command = { kind, tunnel ? tunnel_id(w, host, tunnel) : 0, token } };
	host_step(w, host, &e);
	return token;
}

/* Who loses the connection in the very step of the order gives it again. */
uint64_t order_surely(struct world *w, int host, const char *tunnel, enum ike_command_kind kind)
{
	unsigned deaths;
	uint64_t token;
	do {
		deaths = w->hosts[host].deaths;
		token = host_order(w, host, tunnel, kind);
	} while (w->hosts[host].deaths != deaths && !w->failed);
	return token;
}

const struct reply *order_reply(struct world *w, uint64_t token)
{
	for (unsigned i = 0; i < sizeof w->replies / sizeof *w->replies; i++)
		if (w->replies[i].token == token)
			return &w->replies[i];
	return NULL;
}

/* ---------------------------------------------------------------- actions */

static void take_reply(struct world *w, struct host *h, const struct ike_action *a)
{
	note(w, "%c   reply: %s %s", h->name, a->reply.ok ? "ok" : "failed", a->reply.text ? a->reply.text : "");
	struct reply *r = NULL;
	for (unsigned i = 0; i < sizeof w->replies / sizeof *w->replies; i++)
		if (w->replies[i].token == a->reply.token)
			r = &w->replies[i];
	if (!r || !r->pending) {
		world_fail(w, "%c: a reply to no command, or the second one", h->name);
		return;
	}
	r->pending = false;
	r->ok = a->reply.ok;
	snprintf(r->text, sizeof r->text, "%s", a->reply.text ? a->reply.text : "");
	r->answered = w->now;
}

void host_link(struct world *w, struct host *h, const struct esp_link_state *link)
{
	static const char *const words[] = { "down", "dormant", "up" };
	if (link->tunnel >= TUNNEL_IDS) {
		world_fail(w, "%c: link of a tunnel that is not there", h->name);
		return;
	}
	note(w, "%c   interface %u %s", h->name, link->tunnel, words[link->state]);
	uint8_t *now = &h->link[link->tunnel];
	if (*now == LINK_UP && link->state != LINK_UP)
		h->up_epoch[link->tunnel]++;
	*now = link->state;
	h->links_told++;
}

/* What an engine tells it takes back, once each, and it is always one problem. */
static void judge_problem(struct world *w, struct host *h, const struct fact *f)
{
	bool begins = f->code == FACT_PROBLEM;
	if (begins == h->problem[f->tunnel])
		world_fail(w, "%c: a problem of tunnel %u %s", h->name, f->tunnel,
			begins ? "is told over another" : "is taken back that nobody told");
	if (!*(begins ? f->now : f->was))
		world_fail(w, "%c: a problem without a code", h->name);
	h->problem[f->tunnel] = begins;
}

static void take_fact(struct world *w, struct host *h, const struct ike_action *a)
{
	const struct fact *f = a->fact;
	note(w, "%c   fact %s%s%s: %s", h->name, fact_word(f->code), f->blame ? ", blame " : "",
		f->blame ? blame_word(f->blame) : "", f->text);
	h->facts[f->code][f->blame]++;
	if (f->code == FACT_PROBLEM || f->code == FACT_PROBLEM_OVER)
		judge_problem(w, h, f);
	bool given_up = f->code == FACT_PEER_DEAD || (f->code == FACT_IKE_REPLACED && !strcmp(f->was, "unresponsive"));
	if (given_up || f->code == FACT_CONF_CHANGED)
		kernel_excuse(w, h->number, f->tunnel, 0);
	w->collisions += f->code == FACT_COLLISION;
	w->exchanges += f->code == FACT_CHILD_ESTABLISHED || f->code == FACT_CHILD_REKEYED || f->code == FACT_IKE_ESTABLISHED ||
			f->code == FACT_IKE_REKEYED;
}

/* What support gets to see: whole messages, readable without a key, and nothing that helps to guess one. */
static void take_trace(struct world *w, struct host *h, const struct ike_action *a)
{
	if (a->trace.note) {
		note(w, "%c   trace: %s", h->name, a->trace.note);
		return;
	}
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct message *m = arena_alloc(&arena, sizeof *m);
	int err = message_decode(m, a->trace.message, &arena);
	if (err != ERR_OK && err != ERR_CRITICAL)
		world_fail(w, "%c: a traced message cannot be read: %s", h->name, err_text(err));
	h->traced[a->trace.out]++;
	for (unsigned i = 0; err == ERR_OK && i < m->n; i++) {
		const struct payload *p = &m->p[i];
		h->traced_auth += p->type == PAYLOAD_AUTH;
		for (size_t k = 0; p->type == PAYLOAD_AUTH && k < p->auth.value.n; k++)
			if (p->auth.value.p[k])
				world_fail(w, "%c: a traced message tells AUTH", h->name);
		if (p->type == PAYLOAD_SK || p->type == PAYLOAD_SKF)
			world_fail(w, "%c: a traced message is still sealed", h->name);
	}
	arena_release(&arena);
}

static void carry_out(struct world *w, int host, const struct ike_action *a)
{
	struct host *h = &w->hosts[host];
	switch (a->kind) {
	case ACTION_SAVE: record_keep(w, host, a); break;
	case ACTION_SEND: net_send(w, host, a); break;
	case ACTION_KEEPALIVE:
		h->keepalives++;
		net_keepalive(w, host, a);
		break;
	case ACTION_JOB: work_job(w, host, a); break;
	case ACTION_INSTALL:
	case ACTION_SWITCH:
	case ACTION_REMOVE:
	case ACTION_MOVE: kernel_ask(w, host, a); break;
	case ACTION_LINK: host_link(w, h, &a->link); break;
	case ACTION_COUNTERS: world_at(w, prng_between(&w->random, 0, w->kernel_max), W_COUNTERS, host); break;
	case ACTION_RESOLVE: work_resolve(w, host, a); break;
	case ACTION_REPORT: take_fact(w, h, a); break;
	case ACTION_TRACE: take_trace(w, h, a); break;
	case ACTION_REPLY: take_reply(w, h, a); break;
	case ACTION_IDLE:
		note(w, "%c   idle", h->name);
		h->idle = true;
		h->idle_at = w->now;
		break;
	}
}

/* Of a death nobody shall learn by what is missing in a log. */
static bool is_told(const struct ike_action *a)
{
	return a->kind == ACTION_REPORT || a->kind == ACTION_REPLY || a->kind == ACTION_TRACE;
}

void host_step(struct world *w, int host, const struct ike_event *e)
{
	struct host *h = &w->hosts[host];
	if (!h->ike)
		return;
	w->steps++;
	net_asked(w, e);
	bool mortal = death_may_come(w, h);
	ike_step(h->ike, world_moment(w), e, &h->actions);
	bool other = false;
	uint32_t until = mortal ? death_after(w, h, h->actions.n) : h->actions.n + 1;
	for (uint32_t i = 0; i < h->actions.n && !w->failed; i++) {
		bool save = h->actions.v[i].kind == ACTION_SAVE;
		other |= !save;
		if (save && other)
			world_fail(w, "%c: something was done before it was saved", h->name);
		if (i < until || is_told(&h->actions.v[i]))
			carry_out(w, host, &h->actions.v[i]);
	}
	bool dies = until <= h->actions.n && !w->failed;
	ike_actions_reset(&h->actions);
	net_heard(w, h);
	if (!w->failed && !dies)
		check_step(w, host);
	if (dies)
		death(w, host);
}

void host_wake(struct world *w, int host) { host_step(w, host, &(struct ike_event){ .kind = EVENT_TIMER }); }
