/* report.c - facts become log lines "<tunnel>: text", status lines tell each tunnel's state. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine.h"

#define UNKNOWN_PEERS_SPAN 10000 /* ms */
#define UNKNOWN_PEERS_MOST 20    /* lines about unknown peers in that span */

/* ---------------------------------------------------------------- names */
static void names_release(struct names *n)
{
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->v[i] != NULL)
			tunnel_conf_unref(n->v[i]);
	}
	free(n->v);
	*n = (struct names){ 0 };
}

void names_take(struct engine *e, const struct conf *c)
{
	names_release(&e->old_names);
	e->old_names = e->names;
	e->names = (struct names){ 0 };
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->tunnels[i]->id >= e->names.n)
			e->names.n = c->tunnels[i]->id + 1;
	}
	e->names.v = xcalloc(e->names.n > 0 ? e->names.n : 1, sizeof *e->names.v);
	for (uint32_t i = 0; i < c->n; i++)
		e->names.v[c->tunnels[i]->id] = tunnel_conf_ref(c->tunnels[i]);
}

void names_settle(struct engine *e)
{
	names_release(&e->old_names);
	for (uint32_t id = 0; id < e->said.n; id++) {
		if (id < e->names.n && e->names.v[id] != NULL)
			continue;
		free(e->said.v[id]);
		e->said.v[id] = NULL;
	}
}

static const char *name_in(const struct names *n, uint32_t id) { return id < n->n && n->v[id] != NULL ? n->v[id]->name : NULL; }

const char *engine_tunnel_name(const struct engine *e, uint32_t id)
{
	const char *name = name_in(&e->names, id);
	return name != NULL ? name : name_in(&e->old_names, id);
}

/* ---------------------------------------------------------------- facts */
/* What unknown peers do may fill a log: it is logged at a bounded rate, with how much was left out. */
static bool unknown_peer_passes(struct engine *e)
{
	unsigned lost;
	bool passes = limit_passes(&e->unknown_peers, moment_now().mono.ms, UNKNOWN_PEERS_SPAN, UNKNOWN_PEERS_MOST, &lost);
	if (lost > 0)
		log_line(LOG_LEVEL_WARNING, "%u more lines about unknown peers were left out", lost);
	return passes;
}

static struct repeat *said_of(struct engine *e, uint32_t id)
{
	if (id >= e->said.n) {
		uint32_t n = e->names.n > id ? e->names.n : id + 1;
		e->said.v = xrealloc_array(e->said.v, n, sizeof *e->said.v);
		memset(e->said.v + e->said.n, 0, (n - e->said.n) * sizeof *e->said.v);
		e->said.n = n;
	}
	if (e->said.v[id] == NULL)
		e->said.v[id] = xcalloc(1, sizeof *e->said.v[id]);
	return e->said.v[id];
}

static bool changes_state(enum fact_code code)
{
	return code == FACT_UP || code == FACT_DOWN || code == FACT_STOPPED || code == FACT_CONF_CHANGED;
}

/* Changes are always told, and so is everything when somebody looks for a fault; the same trouble again and again is not. */
static bool known_passes(struct engine *e, const struct fact *f, unsigned *left_out)
{
	*left_out = 0;
	if (changes_state(f->code) && f->tunnel < e->said.n && e->said.v[f->tunnel] != NULL)
		*e->said.v[f->tunnel] = (struct repeat){ 0 };
	if (changes_state(f->code) || fact_level(f->code) > LOG_LEVEL_WARNING || log_wants(LOG_LEVEL_DEBUG))
		return true;
	return repeat_passes(said_of(e, f->tunnel), f->code, f->text, moment_now().mono.ms, left_out);
}

static void log_fact(struct engine *e, const struct fact *f)
{
	enum log_level level = fact_level(f->code);
	const char *name = engine_tunnel_name(e, f->tunnel);
	char peer[ADDR_TEXT] = "", more[48] = "";
	unsigned left_out = 0;
	if (!log_wants(level))
		return;
	if (name == NULL && level < LOG_LEVEL_DEBUG && !unknown_peer_passes(e))
		return;
	if (name != NULL && !known_passes(e, f, &left_out))
		return;
	if (left_out > 0)
		snprintf(more, sizeof more, " (and %u lines like it)", left_out);
	if (f->peer.family != 0)
		addr_port_format(&f->peer, peer);
	struct log_fields fields = { name, fact_word(f->code), peer[0] != 0 ? peer : NULL };
	if (name != NULL)
		log_fielded(level, &fields, "%s: %s%s", name, f->text, more);
	else if (peer[0] != 0)
		log_fielded(level, &fields, "peer %s: %s", peer, f->text);
	else
		log_fielded(level, &fields, "%s", f->text);
}

static void summarize_soon(struct engine *e)
{
	struct timeval soon = { 2, 0 };
	if (!evtimer_pending(e->summary_timer, NULL))
		evtimer_add(e->summary_timer, &soon);
}

void report_fact(struct engine *e, const struct fact *f)
{
	log_fact(e, f);
	control_fact(e->control, moment_now(), f);
	if (f->code == FACT_UP || f->code == FACT_DOWN || f->code == FACT_STOPPED)
		summarize_soon(e);
}

/* ---------------------------------------------------------------- status */
static void status_of(struct engine *e, const struct tunnel_conf *t, struct tunnel_view *v)
{
	char since[TIME_TEXT], age[TIME_TEXT], at[TIME_TEXT], peer[ADDR_TEXT] = "";
	uint64_t in_bytes = 0, in_packets = 0, out_bytes = 0, out_packets = 0;
	if (!ike_view(e->ike, t->id, v))
		return;
	for (unsigned i = 0; i < v->n_children; i++) {
		in_bytes += v->children[i].in.bytes;
		in_packets += v->children[i].in.packets;
		out_bytes += v->children[i].out.bytes;
		out_packets += v->children[i].out.packets;
	}
	if (v->remote.family != 0)
		addr_port_format(&v->remote, peer);
	struct log_fields fields = { t->name, "status", peer[0] != 0 ? peer : NULL };
	int64_t span = v->since > 0 ? moment_now().wall - v->since : 0;
	log_fielded(LOG_LEVEL_NOTICE, &fields,
		"%s: status: %s since %s (%s), in %llu bytes %llu packets, out %llu bytes %llu packets, last error: %s%s%s",
		t->name, tunnel_state_word(v->state), wall_format(v->since, since), span_format(span * 1000, age),
		(unsigned long long)in_bytes, (unsigned long long)in_packets, (unsigned long long)out_bytes,
		(unsigned long long)out_packets, v->has_error ? wall_format(v->last_error_at, at) : "none",
		v->has_error ? " " : "", v->has_error ? v->last_error.text : "");
}

void report_status(struct engine *e)
{
	struct tunnel_view *v = xcalloc(1, sizeof *v);
	for (uint32_t i = 0; e->conf != NULL && i < e->conf->n; i++)
		status_of(e, e->conf->tunnels[i], v);
	free(v);
}

void report_summary(struct engine *e)
{
	struct msg_summary s = { ike_up(e->ike), e->conf != NULL ? e->conf->n : 0 };
	engine_send(e, MSG_SUMMARY, (struct ike_ticket){ 0, 0 }, &s, sizeof s);
}
