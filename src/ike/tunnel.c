/*
 * tunnel.c - what the files above need of a tunnel: found by address, its error and replies, its SAs, when it may try again.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* ---------------------------------------------------------------- found by outside address */

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
		struct tunnel **chain = t->conf->remote_name ? &ike->named : &ike->any;
		t->chain = *chain;
		*chain = t;
	}
}

void tunnels_index(struct ike *ike)
{
	size_t it = 0;
	struct tunnel *t;
	uint64_t seed = ike->by_remote.seed;
	table_release(&ike->by_remote);
	table_init(&ike->by_remote, seed);
	ike->named = ike->any = NULL;
	while ((t = table_next(&ike->tunnels, &it))) {
		tunnel_index_identities(ike, t, false);
		if (!t->removed)
			index_add(ike, t);
	}
}

/* Who only answers has never asked for the name: then it says nothing about addresses, and IKE_AUTH decides. */
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
	for (; pass != END; pass++, t = pass == NAMED ? ike->named : ike->any)
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

/* ---------------------------------------------------------------- found by identities */

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

/* Names may be the same without their bytes being so: all that are names meet in one chain. */
static uint64_t add_to_key(uint64_t key, const struct ident *id)
{
	return hash_bytes(key ^ id->type, id->data, id->type == ID_DER_ASN1_DN ? 0 : id->len);
}

static uint64_t identities_key(const struct ident *local, const struct ident *remote)
{
	return add_to_key(add_to_key(HASH_START, local), remote) | 1;
}

static void leave_identities(struct ike *ike, struct tunnel *t)
{
	if (!t->identities)
		return;
	struct tunnel *head = table_del(&ike->by_identities, t->identities), **at = &head;
	while (*at != t)
		at = &(*at)->identities_next;
	*at = t->identities_next;
	if (head)
		table_put(&ike->by_identities, t->identities, head);
	t->identities = 0;
}

void tunnel_index_identities(struct ike *ike, struct tunnel *t, bool gone)
{
	struct ident local, remote;
	uint64_t key = 0;
	if (t->sa_list && !gone) {
		tunnel_identities(t, t->sa_list, &local, &remote);
		key = identities_key(&local, &remote);
	}
	if (key == t->identities)
		return;
	leave_identities(ike, t);
	if (!key)
		return;
	t->identities = key;
	t->identities_next = table_del(&ike->by_identities, key);
	table_put(&ike->by_identities, key, t);
}

struct tunnel *tunnel_next_named(struct ike *ike, struct tunnel *after, const struct ident *local, const struct ident *remote)
{
	return after ? after->identities_next : table_get(&ike->by_identities, identities_key(local, remote));
}

struct tunnel *tunnel_by_id(struct ike *ike, uint32_t id) { return table_get(&ike->tunnels, id); }

/* ---------------------------------------------------------------- its errors, its replies */

const char *tunnel_error(const struct tunnel *t) { return t->last_error ? t->last_error->text : ""; }

void tunnel_forget_error(struct tunnel *t)
{
	free(t->last_error);
	t->last_error = NULL;
}

void command_reply(struct step *s, uint64_t token, bool ok, const char *text)
{
	if (!token)
		return;
	struct ike_action *a = step_action(s, ACTION_REPLY);
	a->reply.token = token;
	a->reply.ok = ok;
	a->reply.text = text ? arena_printf(s->out->arena, "%s", text) : "";
}

void tunnel_reply(struct step *s, struct tunnel *t, enum ike_command_kind kind, bool ok, const char *text)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < t->n_waiters; i++) {
		if (t->waiters[i].kind == kind)
			command_reply(s, t->waiters[i].token, ok, text);
		else
			t->waiters[kept++] = t->waiters[i];
	}
	t->n_waiters = kept;
	if (kept == 0) {
		free(t->waiters);
		t->waiters = NULL;
	}
}

/* ---------------------------------------------------------------- its SAs, its attempts */

void tunnel_attach(struct tunnel *t, struct sa *sa)
{
	if (sa->tunnel == t)
		return;
	if (sa->tunnel) {
		struct sa **at = &sa->tunnel->sa_list;
		while (*at != sa)
			at = &(*at)->tunnel_next;
		*at = sa->tunnel_next;
		sa->tunnel->sas--;
	}
	sa->tunnel = t;
	sa->tunnel_next = NULL;
	if (t) {
		sa->tunnel_next = t->sa_list;
		t->sa_list = sa;
		t->sas++;
	}
}

void tunnel_back_off(struct step *s, struct tunnel *t)
{
	const struct global_conf *g = &s->ike->conf->global;
	t->backoff = t->backoff ? t->backoff * 2 : g->retry_min;
	if (t->backoff > g->retry_max)
		t->backoff = g->retry_max;
	t->retry_at = mono_add(s->now.mono, step_jitter(s->ike, t->backoff, 25));
}

/* An SA of the tunnel is gone. Refusals back off; no answer does not in the first minutes: the peer's return shall be noticed at once. */
void tunnel_sa_gone(struct step *s, struct tunnel *t, const struct sa *sa, bool initiating)
{
	bool flapping = !initiating && sa->core.established.ms && s->now.mono.ms - sa->core.established.ms < FLAPPING;
	t->path += initiating;
	bool long_out = !mono_is_never(t->outage) && s->now.mono.ms - t->outage.ms > INITIATE_EAGER;
	if (t->refused || flapping || (initiating && long_out))
		tunnel_back_off(s, t);
	else if (initiating || sa->core.established.ms)
		t->retry_at = mono_add(s->now.mono, step_jitter(s->ike, 100, 300));
	t->refused = false;
	tunnel_mark(s, t);
}

void tunnel_take_conf(struct tunnel *t, struct tunnel_conf *conf)
{
	struct tunnel_conf *old = t->conf;
	t->conf = tunnel_conf_ref(conf);
	t->settings = tunnel_conf_restart_hash(conf);
	slots_configure(t);
	t->recover = true;
	tunnel_conf_unref(old);
}

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

bool tunnel_may_initiate(const struct ike *ike, const struct tunnel *t)
{
	return t->wanted && !t->held && !t->unusable && !t->removed && !ike->shutting_down && !t->conf->remote_any;
}

void tunnel_want(struct step *s, struct tunnel *t)
{
	t->wanted = t->conf->start == START_INITIATE || t->up_asked;
	t->retry_at = s->now.mono;
	t->backoff = 0;
	tunnel_mark(s, t);
}
