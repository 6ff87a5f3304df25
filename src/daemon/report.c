/*
 * report.c - facts become log lines "<tunnel>: text", status lines tell each tunnel's state.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine.h"

#define FLOOD_BURST 20     /* facts about strangers that are logged at once; */
#define FLOOD_REFILL 10000 /* then as many again each so many ms */

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

void names_settle(struct engine *e) { names_release(&e->old_names); }

static const char *name_in(const struct names *n, uint32_t id) { return id < n->n && n->v[id] != NULL ? n->v[id]->name : NULL; }

const char *engine_tunnel_name(const struct engine *e, uint32_t id)
{
	const char *name = name_in(&e->names, id);
	return name != NULL ? name : name_in(&e->old_names, id);
}

/* ---------------------------------------------------------------- facts */
static enum log_level level_of(const struct fact *f)
{
	switch (fact_level(f->code)) {
	case 'E': return LOG_LEVEL_ERROR;
	case 'W': return LOG_LEVEL_WARNING;
	case 'N': return LOG_LEVEL_NOTICE;
	case 'I': return LOG_LEVEL_INFO;
	}
	return LOG_LEVEL_DEBUG;
}

/* What strangers do may fill a log: it is told at a bounded rate, and how much was left out. */
static bool flooded(struct engine *e)
{
	int64_t now = moment_now().mono.ms;
	if (e->flood.at == 0 || now - e->flood.at >= FLOOD_REFILL) {
		if (e->flood.lost > 0)
			log_line(LOG_LEVEL_WARNING, "%u more lines about unknown peers were left out", e->flood.lost);
		e->flood.at = now;
		e->flood.left = FLOOD_BURST;
		e->flood.lost = 0;
	}
	if (e->flood.left == 0) {
		e->flood.lost++;
		return true;
	}
	e->flood.left--;
	return false;
}

static void log_fact(struct engine *e, const struct fact *f)
{
	enum log_level level = level_of(f);
	const char *name = engine_tunnel_name(e, f->tunnel);
	char peer[ADDR_TEXT] = "";
	/* The full texts of messages come with the second -v only. */
	if (!log_wants(level) || (f->code == FACT_MESSAGE && e->verbose < 2))
		return;
	if (name == NULL && level < LOG_LEVEL_DEBUG && flooded(e))
		return;
	if (f->peer.family != 0)
		addr_port_format(&f->peer, peer);
	struct log_fields fields = { name, fact_word(f->code), peer[0] != 0 ? peer : NULL };
	if (name != NULL)
		log_fielded(level, &fields, "%s: %s", name, f->text);
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

void report(struct engine *e, const struct fact *f)
{
	log_fact(e, f);
	control_fact(e->control, moment_now(), f);
	if (f->code == FACT_UP || f->code == FACT_DOWN || f->code == FACT_STOPPED)
		summarize_soon(e);
}

/* ---------------------------------------------------------------- status */
static void status_of(struct engine *e, const struct tunnel_conf *t, struct tunnel_view *v)
{
	char since[TIME_TEXT], age[TIME_TEXT], at[TIME_TEXT];
	uint64_t in_bytes = 0, in_packets = 0, out_bytes = 0, out_packets = 0;
	if (!ike_view(e->ike, t->id, v))
		return;
	for (unsigned i = 0; i < v->n_children && i < VIEW_CHILDREN_MAX; i++) {
		in_bytes += v->children[i].in.bytes;
		in_packets += v->children[i].in.packets;
		out_bytes += v->children[i].out.bytes;
		out_packets += v->children[i].out.packets;
	}
	struct log_fields fields = { t->name, "status", NULL };
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
	struct msg_summary s = { 0, e->conf != NULL ? e->conf->n : 0 };
	struct tunnel_view *v = xcalloc(1, sizeof *v);
	for (uint32_t i = 0; i < s.total; i++)
		s.up += ike_view(e->ike, e->conf->tunnels[i]->id, v) && v->state == TUNNEL_UP;
	free(v);
	engine_tell(e, MSG_SUMMARY, (struct ticket){ 0, 0 }, &s, sizeof s);
}
