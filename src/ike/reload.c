/*
 * reload.c - tunnels as configured: made, changed, removed; found by address; known by identity.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core.h"

/* ---------------------------------------------------------------- index by outside address */

static uint64_t remote_key(const struct addr *a) { return hash_bytes(HASH_START ^ a->family, a->ip, sizeof a->ip); }

static void index_add(struct ike *ike, struct tunnel *t)
{
	struct tunnel *head = NULL;
	if (!addr_is_any(&t->conf->remote) && !t->conf->remote_name) {
		uint64_t key = remote_key(&t->conf->remote);
		head = table_del(&ike->by_remote, key);
		t->chain = head;
		table_put(&ike->by_remote, key, t);
	} else {
		t->chain = ike->any;
		ike->any = t;
	}
}

static void index_rebuild(struct ike *ike)
{
	size_t it = 0;
	struct tunnel *t;
	uint64_t seed = ike->by_remote.seed;
	table_release(&ike->by_remote);
	table_init(&ike->by_remote, seed);
	ike->any = NULL;
	while ((t = table_next(&ike->tunnels, &it)))
		if (!t->removed)
			index_add(ike, t);
}

/* Who only answers has never asked for the name: then it tells nothing about addresses, and IKE_AUTH decides. */
static bool at_name(const struct tunnel *t, const struct addr *remote)
{
	if (!t->n_paths)
		return true;
	for (unsigned i = 0; i < t->n_paths; i++)
		if (addr_same_ip(&t->paths[i].remote, remote))
			return true;
	return false;
}

/* Three passes in one walk: explicit address, name that resolved to it, any. */
struct tunnel *tunnel_next_at(struct ike *ike, struct tunnel *after, const struct addr *local, const struct addr *remote)
{
	enum {
		EXPLICIT,
		NAMED,
		ANY,
		END
	} pass = !after || (!after->conf->remote_any && !after->conf->remote_name) ? EXPLICIT
		 : after->conf->remote_name                                        ? NAMED
										   : ANY;
	struct tunnel *t = after ? after->chain : table_get(&ike->by_remote, remote_key(remote));
	for (; pass != END; pass++, t = ike->any)
		for (; t; t = t->chain) {
			const struct tunnel_conf *c = t->conf;
			bool here = !c->local.family || addr_same_ip(&c->local, local);
			bool there = pass == EXPLICIT ? addr_same_ip(&c->remote, remote)
				     : pass == NAMED  ? c->remote_name && at_name(t, remote)
						      : c->remote_any;
			if (here && there && !t->removed)
				return t;
		}
	return NULL;
}

struct tunnel *tunnel_by_id(struct ike *ike, uint32_t id) { return table_get(&ike->tunnels, id); }

/* ---------------------------------------------------------------- identities */

static struct ident of_address(const struct addr *a)
{
	struct bytes ip = addr_bytes(a);
	uint8_t type = a->family == AF_INET6 ? ID_IPV6_ADDR : ID_IPV4_ADDR;
	return (struct ident){ .type = type, .len = (uint16_t)ip.n, .data = (uint8_t *)(uintptr_t)ip.p };
}

void tunnel_identities(const struct tunnel *t, const struct sa *sa, struct ident *local, struct ident *remote)
{
	*local = t->conf->local_id.type ? t->conf->local_id : of_address(&sa->core.local);
	*remote = t->conf->remote_id.type ? t->conf->remote_id : of_address(&sa->core.remote);
}

/* ---------------------------------------------------------------- configuration */

static struct tunnel *tunnel_new(struct step *s, struct tunnel_conf *conf)
{
	struct tunnel *t = xcalloc(1, sizeof *t);
	t->id = conf->id;
	t->conf = tunnel_conf_ref(conf);
	t->since = s->now.wall;
	t->alarm = (struct alarm){ .kind = OWNER_TUNNEL, .owner = t };
	t->outage = t->resolve_by = t->culled = MONO_NEVER;
	t->retry_at = s->now.mono;
	table_put(&s->ike->tunnels, t->id, t);
	return t;
}

void tunnel_forget_error(struct tunnel *t)
{
	free(t->last_error);
	t->last_error = NULL;
}

const char *tunnel_error(const struct tunnel *t) { return t->last_error ? t->last_error->text : ""; }

void tunnel_set_paths(struct tunnel *t, const struct ike_path *v, uint8_t n)
{
	if (n != t->n_paths) {
		free(t->paths);
		t->paths = n ? xcalloc(n, sizeof *t->paths) : NULL;
	}
	t->n_paths = n;
	if (n)
		memcpy(t->paths, v, n * sizeof *t->paths);
}

void tunnel_drop(struct ike *ike, struct tunnel *t)
{
	trace_set(ike, t, false);
	heap_clear(&ike->heap, &t->alarm.t);
	table_del(&ike->tunnels, t->id);
	tunnel_conf_unref(t->conf);
	free(t->last_error);
	free(t->unusable);
	free(t->paths);
	free(t);
}

void tunnels_free(struct ike *ike)
{
	struct arena arena;
	struct ike_actions out;
	arena_init(&arena, 1 << 20);
	ike_actions_init(&out, &arena);
	struct step s = { .ike = ike, .out = &out };
	size_t it = 0;
	struct tunnel *t;
	struct child *c;
	while ((t = table_next(&ike->tunnels, &it)))
		while (t->lingering)
			child_destroy(&s, t->lingering);
	it = 0;
	while ((c = table_next(&ike->child_by_number, &it))) { /* their answers will not come any more */
		heap_clear(&ike->heap, &c->alarm.t);
		child_free(c);
	}
	it = 0;
	while ((t = table_next(&ike->tunnels, &it)))
		tunnel_drop(ike, t);
	ike_actions_release(&out);
	arena_release(&arena);
}

void tunnel_want(struct step *s, struct tunnel *t)
{
	t->wanted = t->conf->start == START_INITIATE || t->up_asked;
	t->retry_at = s->now.mono;
	t->backoff = 0;
	tunnel_mark(s, t);
}

void tunnel_close_all(struct step *s, struct tunnel *t)
{
	struct sa *next;
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (sa->state == SA_DIALING || sa->state == SA_HALF_OPEN) {
			sa_destroy(s, sa);
			continue;
		}
		sa->delete_due = true;
		sa_mark(s, sa);
	}
	tunnel_mark(s, t);
}

/* A removed tunnel's peer is told, but nobody waits for the answer: interface and policies are going now. */
static void remove_tunnel(struct step *s, struct tunnel *t)
{
	t->removed = true;
	t->wanted = false;
	tunnel_reply(s, t, COMMAND_UP, false, "the tunnel was removed");
	while (t->sa_list) {
		struct sa *sa = t->sa_list;
		if (sa->state == SA_ESTABLISHED) {
			struct chain c = chain_new(s, 64);
			struct flight once = { 0 };
			struct payload p = { .type = PAYLOAD_DELETE };
			p.del.protocol = PROTOCOL_IKE;
			chain_add(&c, &p);
			exchange_send(s, sa, EXCHANGE_INFORMATIONAL, false, sa->core.next_out++, &c, &once);
			flight_clear(&once);
		}
		sa_destroy(s, sa);
	}
	while (t->lingering)
		child_destroy(s, t->lingering);
	tunnel_mark(s, t);
}

static void change_tunnel(struct step *s, struct tunnel *t, struct tunnel_conf *conf)
{
	const char *key = NULL;
	enum conf_effect effect = tunnel_conf_diff(t->conf, conf, &key);
	struct tunnel_conf *old = t->conf;
	t->conf = tunnel_conf_ref(conf);
	tunnel_conf_unref(old);
	if (effect == EFFECT_REKEY && t->current && t->current->sa) {
		t->current->rekey_due = t->current->sa->rekey_due = true;
		sa_mark(s, t->current->sa);
	}
	if (effect == EFFECT_RESTART)
		tunnel_close_all(s, t);
	tell(s, FACT_CONF_CHANGED, BLAME_OPERATOR, t, NULL, "configuration changed (%s): %s", key ? key : "-",
		effect == EFFECT_RESTART ? "starting over"
		: effect == EFFECT_REKEY ? "rekeying"
					 : "no effect on the SAs");
	tunnel_want(s, t);
}

/* It is configured again while the kernel still owes answers about its former life. */
static void revive(struct step *s, struct tunnel *t, struct tunnel_conf *conf)
{
	struct tunnel_conf *old = t->conf;
	t->conf = tunnel_conf_ref(conf);
	tunnel_conf_unref(old);
	t->removed = t->held = t->up_asked = t->refused = t->new_path = t->repath = t->resolving = false;
	tunnel_forget_error(t);
	free(t->unusable); /* whoever looks after interfaces has a new one before it, and says so when that cannot be made */
	t->unusable = NULL;
	tunnel_set_paths(t, NULL, 0);
	t->path = 0;
	t->outage = t->resolve_by = MONO_NEVER;
	tunnel_want(s, t);
}

void tunnel_conf_event(struct step *s, struct conf *conf)
{
	struct ike *ike = s->ike;
	struct conf *old = ike->conf;
	size_t it = 0;
	struct tunnel *t;
	ike->conf = conf;
	while ((t = table_next(&ike->tunnels, &it)))
		t->seen = false;
	msec every = 10000;
	for (uint32_t i = 0; i < conf->n; i++) {
		struct tunnel_conf *c = conf->tunnels[i];
		t = table_get(&ike->tunnels, c->id);
		every = c->dpd_interval / 2 < every ? c->dpd_interval / 2 : every;
		every = c->failover_after ? COUNTERS_MIN : every;
		if (!t) {
			t = tunnel_new(s, c);
			tunnel_want(s, t);
		} else if (t->removed) {
			revive(s, t, c);
		} else if (t->conf != c) {
			change_tunnel(s, t, c);
		}
		t->seen = true;
	}
	ike->counters_every = every < COUNTERS_MIN ? COUNTERS_MIN : every;
	it = 0;
	while ((t = table_next(&ike->tunnels, &it)))
		if (!t->seen && !t->removed)
			remove_tunnel(s, t);
	index_rebuild(ike);
	conf_free(old);
}
