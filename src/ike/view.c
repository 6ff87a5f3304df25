/* view.c - what a tunnel looks like from outside: status, show, metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "wire/vendor.h"

static void view_child(const struct child *c, struct child_view *v)
{
	*v = (struct child_view){ .spi_in = c->core.spi_in,
		.spi_out = c->core.spi_out,
		.suite = c->core.suite,
		.in = c->in,
		.out = c->out,
		.established = c->core.established_wall,
		.rekey_at = c->core.rekey_wall,
		.local_ts = c->local_ts,
		.remote_ts = c->remote_ts,
		.state = c->state };
}

/* The SA that carries the traffic, or else the one that got furthest. */
static const struct sa *main_sa(const struct tunnel *t)
{
	const struct child *used = tunnel_current(t);
	const struct sa *best = used ? used->sa : NULL;
	for (const struct sa *sa = t->sa_list; sa && !best; sa = sa->tunnel_next)
		best = sa->state == SA_ESTABLISHED ? sa : NULL;
	return best ? best : t->sa_list;
}

static void view_sa(const struct sa *sa, struct tunnel_view *v)
{
	const struct sa_core *c = &sa->core;
	v->has_ike = sa->state != SA_INITIATING && sa->state != SA_HALF_OPEN;
	v->initiator = c->initiator;
	v->nat_local = c->nat_local;
	v->nat_remote = c->nat_remote;
	v->encap = c->encap;
	memcpy(v->spi_i, c->spi_i, IKE_SPI_LEN);
	memcpy(v->spi_r, c->spi_r, IKE_SPI_LEN);
	v->suite = c->suite;
	v->established = sa->core.established_wall;
	v->rekey_at = sa->core.rekey_wall;
	v->local = c->local;
	v->remote = c->remote;
	v->ike_state = sa_state_word(sa->state);
	v->peer_id = sa->peer_id;
	v->peer_cert = sa->proof ? &sa->proof->peer : NULL;
	v->our_scheme = sa->proof ? sa->proof->ours : 0;
	v->peer_scheme = sa->proof ? sa->proof->theirs : 0;
	const char *vendor = vendor_by_number(sa->vendor);
	snprintf(v->vendor, sizeof v->vendor, "%s", vendor ? vendor : "");
	v->unanswered = sa->ours.core.state == XS_SENT ? sa->ours.tries : 0;
	v->one_way = sa->no_return_answers;
}

struct child_views { /* their room is used again and again */
	struct child_view *v;
	unsigned cap;
};

struct child_views *child_views_new(void) { return xcalloc(1, sizeof(struct child_views)); }

void child_views_free(struct child_views *views)
{
	free(views->v);
	free(views);
}

static struct child_view *room_for(struct child_views *views, unsigned n)
{
	if (n >= views->cap) {
		views->cap = n + 16;
		views->v = xrealloc_array(views->v, views->cap, sizeof *views->v);
	}
	return &views->v[n];
}

static void view_children(struct child_views *views, const struct tunnel *t, struct tunnel_view *v)
{
	for (const struct sa *o = t->sa_list; o; o = o->tunnel_next)
		for (const struct child *c = o->forgotten ? NULL : o->children; c; c = c->next)
			if (c->state == CHILD_READY || c->state == CHILD_INBOUND || c->state == CHILD_REPLACED)
				view_child(c, room_for(views, v->n_children++));
	v->children = views->v;
}

static void view_recent(const struct ike *ike, const struct tunnel *t, struct tunnel_view *v)
{
	const struct recent *r = &t->recent;
	struct recent_view *to = &v->recent;
	struct recent_sum ten = recent_sum(r, ike->counted, 10000), minute = recent_sum(r, ike->counted, 60000);
	to->every = ike->looks.now;
	to->in_10s = ten.packets[WAY_IN];
	to->out_10s = ten.packets[WAY_OUT];
	to->in_60s = minute.packets[WAY_IN];
	to->out_60s = minute.packets[WAY_OUT];
	to->replay_60s = minute.replay_errors;
	to->integrity_60s = minute.integrity_errors;
	to->last_in = r->last[WAY_IN];
	to->last_out = r->last[WAY_OUT];
	for (unsigned way = 0; way < WAY_COUNT; way++) {
		const struct alone *a = &r->alone[way];
		to->alone[way] = (struct alone_view){ a->packets, a->packets ? ike->counted.ms - a->since.ms : 0,
			recent_answerless(a, tunnel_expects(t)),
			a->packets >= ONE_WAY_FEW && tunnel_elsewhere(ike, t, (enum way)way) };
	}
}

static const struct tunnel *seen(const struct ike *ike, uint32_t tunnel)
{
	const struct tunnel *t = table_get(&ike->tunnels, tunnel);
	return t && !t->removed ? t : NULL;
}

const uint64_t *ike_counters(const struct ike *ike, uint32_t tunnel)
{
	const struct tunnel *t = seen(ike, tunnel);
	return t ? t->counters : NULL;
}

bool ike_glance(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	const struct tunnel *t = seen(ike, tunnel);
	if (!t)
		return false;
	memset(v, 0, sizeof *v);
	v->conf = t->conf;
	v->state = t->state;
	v->held = t->held;
	v->since = t->since;
	v->own_cert_ends = t->own_until;
	v->own_cert = t->own;
	v->ike_state = "none";
	v->ike_sas = t->sas;
	v->uncovered = t->state == TUNNEL_UP ? t->uncovered : NULL;
	v->n_uncovered = v->uncovered ? t->n_uncovered : 0;
	memcpy(v->counters, t->counters, sizeof v->counters);
	v->last_handshake = t->last_handshake;
	v->last_heard = t->last_heard;
	v->problem = t->state == TUNNEL_UP ? t->recent.told : PROBLEM_NONE;
	v->problem_at = t->recent.told_at;
	if (t->n_paths) {
		v->local = t->paths[t->path % t->n_paths].local;
		v->remote = t->paths[t->path % t->n_paths].remote;
		v->local.port = v->remote.port = IKE_PORT;
	}
	const struct sa *sa = main_sa(t);
	if (sa)
		view_sa(sa, v);
	if (sa && !mono_is_never(sa->no_return_since) && ike->counted.ms > sa->no_return_since.ms)
		v->quiet = ike->counted.ms - sa->no_return_since.ms;
	view_children(ike->views, t, v);
	return true;
}

bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	if (!ike_glance(ike, tunnel, v))
		return false;
	const struct tunnel *t = seen(ike, tunnel);
	v->has_error = t->last_error != NULL;
	if (t->last_error)
		v->last_error = *t->last_error;
	v->last_error_at = t->last_error_at;
	view_recent(ike, t, v);
	return true;
}

uint32_t ike_up(const struct ike *ike)
{
	const struct tunnel *t;
	uint32_t n = 0;
	for (size_t it = 0; (t = table_next(&ike->tunnels, &it));)
		n += !t->removed && t->state == TUNNEL_UP;
	return n;
}

void ike_totals(const struct ike *ike, struct ike_totals *t) { *t = ike->totals; }
