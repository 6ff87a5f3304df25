/* pair.c - see pair.h. */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"
#include "wire/ts.h"

/* ---------------------------------------------------------------- walking */
/* Of `local-ts`, as far as it names networks. */
static unsigned networks_behind(const struct tunnel_conf *t, struct prefix to[WAY_BEHIND])
{
	unsigned n = 0;
	for (unsigned i = 0; t != NULL && t->local_ts != NULL && i < t->local_ts->n && n < WAY_BEHIND; i++)
		if (ts_to_prefix(&t->local_ts->v[i], &to[n]) && to[n].len > 0)
			n++;
	return n;
}

/* The other end of the interface's own network: decrypted packets from there pass every reverse path check. */
static struct addr inside_peer(const struct tunnel_conf *t)
{
	for (unsigned i = 0; t != NULL && i < t->n_inside; i++) {
		struct addr a = way_host_in(&t->inside[i]);
		if (a.family != AF_INET || t->inside[i].len > 30)
			continue;
		if (addr_same_ip(&a, &t->inside[i].addr))
			a.ip[3] ^= 3;
		return a;
	}
	return (struct addr){ 0 };
}

static struct addr outside(const struct symptoms *s)
{
	struct addr a = s->conf != NULL ? s->conf->local : (struct addr){ 0 };
	if (a.family == 0)
		addr_port_parse(&a, s->local);
	if (a.family == 0 && s->host != NULL)
		a = s->host->from;
	a.port = 0;
	return a;
}

bool pair_walk(const struct way_facts *f, const struct symptoms *s, const struct pair *p, way_filter_fn *filter, void *arg,
	struct way *w, char why[WAY_REFUSAL])
{
	struct prefix behind[WAY_BEHIND];
	struct way_tunnel t = { .interface = s->interface,
		.own = s->interfaces,
		.n_own = s->n_interfaces,
		.local = outside(s),
		.peer = s->peer,
		.trusted = inside_peer(s->conf),
		.behind = behind,
		.n_behind = networks_behind(s->conf, behind),
		.routes = s->conf != NULL ? s->conf->routes : NULL,
		.n_routes = s->conf != NULL ? s->conf->n_routes : 0,
		.filter = filter,
		.arg = arg };
	if (t.peer.family == 0 && s->conf != NULL)
		t.peer = s->conf->remote;
	if (p->from.family != 0)
		return way_walk_pair(f, &t, &p->from, &p->to, w, why);
	way_walk(f, &t, w);
	return true;
}

/* ---------------------------------------------------------------- filters */
static enum way_fault fault_of(const struct filter_hit *h)
{
	if (!h->certain)
		return WAY_NOT_SEEN;
	return filter_drops(h->kind) ? WAY_DROPPED : h->kind == HIT_NOTRACK ? WAY_FINE : WAY_REWRITTEN;
}

void pair_filters(void *rules, struct way_leg *leg)
{
	static const char *const through[] = { "prerouting", "forward", "postrouting", NULL },
				 *const out[] = { "output", "postrouting", NULL }, *const in[] = { "prerouting", "input", NULL };
	char place[FILTER_TEXT];
	struct packet p = { .in = leg->in[0] != 0 ? leg->in : NULL,
		.out = leg->out[0] != 0 ? leg->out : NULL,
		.from = leg->from,
		.to = leg->to,
		.state = leg->kind == LEG_BACK ? PACKET_ANSWER : PACKET_NEW,
		.through = leg->in[0] != 0 && leg->out[0] != 0 };
	struct filter_hits hits = { 0 };
	if (rules == NULL) {
		way_add(leg, PART_FILTER, WAY_NOT_SEEN, "", "the firewall's rules could not be read: run this as root");
		return;
	}
	filter_walk(rules, p.through ? through : p.in != NULL ? in : out, &p, &hits);
	for (unsigned i = 0; i < hits.n; i++) {
		const struct filter_hit *h = &hits.hit[i];
		filter_place(h, place);
		way_add(leg, PART_FILTER, fault_of(h), "", h->certain ? "the %s %s" : "the %s perhaps %s", place,
			filter_drops(h->kind)    ? "drops it"
			: h->kind == HIT_NOTRACK ? "takes it out of connection tracking"
						 : "changes its addresses");
	}
	if (hits.n == 0)
		way_add(leg, PART_FILTER, WAY_FINE, "", "no rule of the firewall drops or changes it");
}

/* ---------------------------------------------------------------- showing */
static const char *const leg_words[] = {
	[LEG_INTO] = "into", [LEG_BACK] = "back", [LEG_OUTSIDE] = "outside", [LEG_ARRIVAL] = "arrival"
};
static const char *const part_words[] = { [PART_ARRIVES] = "arrival",
	[PART_RULE] = "rule",
	[PART_ROUTE] = "route",
	[PART_REVERSE] = "reverse-path",
	[PART_FORWARDING] = "forwarding",
	[PART_FILTER] = "filter",
	[PART_POLICY] = "policy",
	[PART_SA] = "sa",
	[PART_NEIGHBOUR] = "neighbour" };
static const char *const fault_words[] = { [WAY_FINE] = NULL,
	[WAY_NOT_SEEN] = "not-seen",
	[WAY_NO_ROUTE] = "no-route",
	[WAY_ELSEWHERE] = "elsewhere",
	[WAY_FORWARDING] = "forwarding",
	[WAY_REVERSE_PATH] = "reverse-path",
	[WAY_OWN_ADDRESS] = "own-address",
	[WAY_POLICY] = "policy",
	[WAY_NEIGHBOUR] = "neighbour",
	[WAY_DROPPED] = "dropped",
	[WAY_REWRITTEN] = "rewritten" };

static void line(FILE *to, bool terminal, unsigned indent, const char *text)
{
	char clean[1024];
	escaped(clean, sizeof clean, text);
	if (!terminal) {
		fprintf(to, "%*s%s\n", (int)indent, "", clean);
		return;
	}
	unsigned width = screen_width(to);
	fprintf(to, "%*s", (int)indent, "");
	put_wrapped(to, clean, indent, indent + 2, width);
}

static void leg_text(const struct way_leg *leg, FILE *to, bool terminal)
{
	char text[WAY_STEP_TEXT + 64], from[ADDR_TEXT], there[ADDR_TEXT];
	static const char *const titles[] = { [LEG_INTO] = "into the tunnel",
		[LEG_BACK] = "out of the tunnel",
		[LEG_OUTSIDE] = "IKE and ESP to the peer",
		[LEG_ARRIVAL] = "IKE and ESP from the peer" };
	addr_format(&leg->from, from);
	snprintf(text, sizeof text, "%s: %s to %s", titles[leg->kind], from, addr_format(&leg->to, there));
	line(to, terminal, 0, text);
	for (unsigned i = 0; i < leg->n; i++) {
		const struct way_step *x = &leg->steps[i];
		snprintf(text, sizeof text, "%s%s: %s",
			x->fault > WAY_NOT_SEEN    ? "! "
			: x->fault == WAY_NOT_SEEN ? "? "
						   : "",
			part_words[x->part], x->text);
		line(to, terminal, 2, text);
	}
}

void pair_text(const struct way *w, const struct way_facts *f, FILE *to, bool terminal)
{
	char text[200];
	for (unsigned i = 0; i < w->n; i++)
		leg_text(&w->legs[i], to, terminal);
	for (unsigned i = 0; i < f->n_unseen; i++) {
		snprintf(text, sizeof text, "not looked at: %s", f->unseen[i]);
		line(to, terminal, 0, text);
	}
}

static json_t *word_or_null(const char *word) { return word != NULL && word[0] != 0 ? json_string(word) : json_null(); }

json_t *pair_json(const struct way *w)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < w->n; i++) {
		const struct way_leg *leg = &w->legs[i];
		char from[ADDR_TEXT], to[ADDR_TEXT], clean[1024];
		addr_format(&leg->from, from);
		addr_format(&leg->to, to);
		for (unsigned k = 0; k < leg->n; k++) {
			const struct way_step *x = &leg->steps[k];
			json_t *o = json_object();
			json_object_set_new(o, "leg", json_string(leg_words[leg->kind]));
			json_object_set_new(o, "from", leg->from.family != 0 ? json_string(from) : json_null());
			json_object_set_new(o, "to", json_string(to));
			json_object_set_new(o, "in", word_or_null(leg->in));
			json_object_set_new(o, "out", word_or_null(leg->out));
			json_object_set_new(o, "step", json_string(part_words[x->part]));
			json_object_set_new(o, "fault", word_or_null(fault_words[x->fault]));
			json_object_set_new(o, "text", json_string(escaped(clean, sizeof clean, x->text)));
			json_array_append_new(list, o);
		}
	}
	return list;
}
