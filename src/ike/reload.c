/* reload.c - tunnels as configured: made, changed, removed. */
#include <stdlib.h>

#include "machine.h"

static void take_conf(struct tunnel *t, struct tunnel_conf *conf)
{
	tunnel_take_conf(t, conf);
	cert_configure(t);
}

static struct tunnel *tunnel_new(struct step *s, struct tunnel_conf *conf)
{
	struct tunnel *t = xcalloc(1, sizeof *t);
	t->id = conf->id;
	take_conf(t, conf);
	t->since = s->now.wall;
	t->alarm.kind = OWNER_TUNNEL;
	t->outage = t->resolve_by = t->closed_redundant_at = t->refusal_at = t->trial_until = MONO_NEVER;
	t->retry_at = s->now.mono;
	table_put(&s->ike->tunnels, t->id, t);
	return t;
}

void tunnels_free(struct step *s)
{
	struct ike *ike = s->ike;
	size_t it = 0;
	struct tunnel *t;
	struct child *c;
	while ((t = table_next(&ike->tunnels, &it)))
		while (t->lingering)
			child_destroy(s, t->lingering);
	it = 0;
	while ((c = table_next(&ike->by_esp, &it))) { /* their answers will not come any more */
		heap_clear(&ike->heap, &c->alarm.t);
		child_free(c);
	}
	it = 0;
	while ((t = table_next(&ike->tunnels, &it)))
		tunnel_drop(ike, t);
}

/* A removed tunnel's peer gets a DELETE, but nobody waits for the answer: interface and policies are going now. */
static void remove_tunnel(struct step *s, struct tunnel *t)
{
	t->removed = true;
	t->wanted = false;
	tunnel_reply(s, t, COMMAND_UP, false, "the tunnel was removed");
	tunnel_trial_end(s, t, "the tunnel was removed");
	while (t->sa_list) {
		struct sa *sa = t->sa_list;
		if (sa->state == SA_ESTABLISHED) {
			struct payload p = { .type = PAYLOAD_DELETE };
			p.del.protocol = PROTOCOL_IKE;
			exchange_inform(s, sa, &p);
		}
		sa_destroy(s, sa);
	}
	while (t->lingering)
		child_destroy(s, t->lingering);
	tunnel_mark(s, t);
}

/* With the new settings; what these no longer have ends. */
static void rekey_all(struct step *s, struct tunnel *t)
{
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next) {
			c->delete_due |= c->slot->retired && c->state != CHILD_MAKING;
			c->peers_selectors &= c->slot->kind == SLOT_PEERS;
			c->rekey_due |= c->state < CHILD_REPLACED &&
					!c->slot->retired; /* also what is being made with the old ones */
			sa->rekey_due |= c->slot->current == c;
			sa_mark(s, sa);
		}
}

/* True: it may be found by something else than before. */
static bool change_tunnel(struct step *s, struct tunnel *t, struct tunnel_conf *conf)
{
	const char *key = NULL;
	enum conf_effect effect = tunnel_conf_diff(t->conf, conf, &key);
	bool distrusted = !tunnel_conf_same_trust(t->conf, conf);
	take_conf(t, conf);
	for (struct sa *sa = t->sa_list; sa && distrusted; sa = sa->tunnel_next)
		sa_distrust(s, sa);
	if (effect == EFFECT_REKEY)
		rekey_all(s, t);
	if (effect == EFFECT_RESTART)
		tunnel_close_all(s, t);
	ike_report(s, FACT_CONF_CHANGED, BLAME_OPERATOR, t, NULL, "configuration changed (%s): %s", key ? key : "-",
		effect == EFFECT_RESTART ? "reconnecting"
		: effect == EFFECT_REKEY ? "rekeying"
		: distrusted             ? "the peer has to prove itself again"
					 : "no effect on the SAs");
	tunnel_want(s, t);
	return effect == EFFECT_RESTART; /* addresses and identities restart a tunnel */
}

/* It is configured again while the kernel still owes answers about its former life. */
static void revive(struct step *s, struct tunnel *t, struct tunnel_conf *conf)
{
	take_conf(t, conf);
	t->removed = t->held = t->up_asked = t->refused = t->new_path = t->repath = t->resolving = false;
	tunnel_forget_error(t);
	free(t->unusable); /* whoever looks after interfaces has a new one before it, and says so when that cannot be made */
	t->unusable = NULL;
	tunnel_set_paths(t, NULL, 0);
	t->path = 0;
	t->outage = t->resolve_by = t->trial_until = MONO_NEVER;
	tunnel_want(s, t);
}

void tunnel_conf_event(struct step *s, struct conf *conf, const struct ike_restore *from)
{
	struct ike *ike = s->ike;
	struct conf *old = ike->conf;
	size_t it = 0;
	struct tunnel *t;
	ike->conf = conf;
	ike->confs++;
	msec idle = COUNTERS_MAX, busy = COUNTERS_MAX;
	bool certificates = false, others = false;
	for (uint32_t i = 0; i < conf->n; i++) {
		struct tunnel_conf *c = conf->tunnels[i];
		t = table_get(&ike->tunnels, c->id);
		msec failover = c->failover_after ? c->failover_after : 2 * COUNTERS_MAX;
		msec least = c->dpd_interval < failover ? c->dpd_interval : failover;
		idle = least / 2 < idle ? least / 2 : idle;
		busy = failover / 10 < busy ? failover / 10 : busy;
		certificates |= c->cert.set;
		if (!t) {
			t = tunnel_new(s, c);
			tunnel_want(s, t);
			others = true;
		} else if (t->removed) {
			revive(s, t, c);
			others = true;
		} else if (t->conf != c) {
			others |= change_tunnel(s, t, c);
		}
		t->seen = ike->confs;
	}
	ike->certificates = certificates;
	ike->looks.idle = idle < COUNTERS_MIN ? COUNTERS_MIN : idle;
	ike->looks.busy = busy < COUNTERS_MIN ? COUNTERS_MIN : busy < ike->looks.idle ? busy : ike->looks.idle;
	while ((t = table_next(&ike->tunnels, &it)))
		if (t->seen != ike->confs && !t->removed) {
			remove_tunnel(s, t);
			others = true;
		}
	if (others)
		tunnels_index(ike);
	ike->any_cas.stale = true;
	conf_free(old);
	tunnels_restore(s, from);
}
