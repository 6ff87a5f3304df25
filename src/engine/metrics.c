/*
 * metrics.c - see metrics.h. One row per family; a family's samples stand together, as both formats want it, so each tunnel is looked at anew for
 * each family: nothing is kept between the slices of a text but how far it is.
 *
 * Names and units follow the conventions of OpenMetrics: base units, _total at counters, the unit at the end of the name. Labels are names from
 * the configuration and words of ours; still every value is escaped.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "base/util.h"

struct told {
	uint32_t code, times;
};
struct tally {         /* facts about a tunnel */
	uint64_t name; /* hash of its name: ids are given again */
	bool differs;  /* the kernel */
	uint16_t n;
	struct told v[]; /* n of them: the codes that have happened, in their order. Of tens of codes a tunnel has a few */
};

struct metrics {
	int64_t started;
	struct tally **tallies; /* n_tallies of them, by the tunnel's id; NULL: nothing yet */
	uint32_t n_tallies;
	uint64_t unknown[FACT_COUNT];
};

/* ---------------------------------------------------------------- counting */
struct metrics *metrics_new(int64_t started)
{
	struct metrics *m = xcalloc(1, sizeof *m);
	m->started = started;
	return m;
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (uint32_t id = 0; id < m->n_tallies; id++)
		free(m->tallies[id]);
	free(m->tallies);
	free(m);
}

static uint64_t hash_of(const char *name) { return hash_bytes(HASH_START, name, strlen(name)); }

/* What was counted of this tunnel, not of one that had its id before; NULL: nothing yet. */
static const struct tally *tally_seen(const struct metrics *m, uint32_t id, const char *tunnel)
{
	const struct tally *t = id < m->n_tallies ? m->tallies[id] : NULL;
	return t != NULL && t->name == hash_of(tunnel) ? t : NULL;
}

static void make_room(struct metrics *m, uint32_t id)
{
	uint32_t n = id + id / 4 + 1;
	m->tallies = xrealloc_array(m->tallies, n, sizeof(struct tally *));
	memset(m->tallies + m->n_tallies, 0, (n - m->n_tallies) * sizeof(struct tally *));
	m->n_tallies = n;
}

static struct tally **tally_of(struct metrics *m, uint32_t id, const char *tunnel)
{
	if (id >= m->n_tallies)
		make_room(m, id);
	if (tally_seen(m, id, tunnel) == NULL) {
		free(m->tallies[id]);
		m->tallies[id] = xcalloc(1, sizeof(struct tally));
		m->tallies[id]->name = hash_of(tunnel);
	}
	return &m->tallies[id];
}

/* The first that is not below the code. */
static unsigned told_at(const struct tally *t, uint32_t code)
{
	unsigned i = 0;
	while (i < t->n && t->v[i].code < code)
		i++;
	return i;
}

static void count(struct tally **at, uint32_t code)
{
	struct tally *t = *at;
	unsigned i = told_at(t, code);
	if (i == t->n || t->v[i].code != code) {
		*at = t = xrealloc_array(t, 1, sizeof *t + (t->n + 1u) * sizeof t->v[0]);
		memmove(&t->v[i + 1], &t->v[i], (t->n - i) * sizeof t->v[0]);
		t->v[i] = (struct told){ code, 0 };
		t->n++;
	}
	if (t->v[i].times < UINT32_MAX)
		t->v[i].times++;
}

void metrics_fact(struct metrics *m, const char *tunnel, const struct fact *f)
{
	if ((unsigned)f->code >= FACT_COUNT || (f->code == FACT_LIVENESS && tunnel[0] != 0)) /* these have a counter */
		return;
	if (tunnel[0] == 0)
		m->unknown[f->code]++;
	else
		count(tally_of(m, f->tunnel, tunnel), f->code);
}

void metrics_kernel(struct metrics *m, uint32_t id, const char *tunnel, bool differs)
{
	if (tunnel[0] != 0)
		(*tally_of(m, id, tunnel))->differs = differs;
}

uint64_t metrics_count(const struct metrics *m, uint32_t id, const char *tunnel, enum fact_code code)
{
	const struct tally *t = tally_seen(m, id, tunnel);
	unsigned i = t != NULL ? told_at(t, code) : 0;
	return t != NULL && i < t->n && t->v[i].code == (uint32_t)code ? t->v[i].times : 0;
}

/* ---------------------------------------------------------------- text */
#define SLICE_TUNNELS 256u
#define SLICE_BYTES (32u << 10)

struct page {
	struct line *l;
	enum metrics_format format;
	const struct metrics *m;
	const struct ike *ike;
	size_t limit; /* of the line's length: this slice is long enough */
};

static void put(const struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(const struct page *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	line_puts(p->l, text);
}

enum type { COUNTER, GAUGE, INFO };

/* OpenMetrics names the family, the older format the samples; it knows no infos and no units. */
static void head(const struct page *p, enum type type, const char *name, const char *unit, const char *help)
{
	static const char *const words[] = { "counter", "gauge", "info" }, *const ends[] = { "_total", "", "_info" };
	bool open = p->format == METRICS_OPEN;
	const char *end = open ? "" : ends[type];
	put(p, "# HELP %s%s %s\n", name, end, help);
	put(p, "# TYPE %s%s %s\n", name, end, open || type != INFO ? words[type] : "gauge");
	if (open && unit != NULL)
		put(p, "# UNIT %s %s\n", name, unit);
}

static void label(const struct page *p, const char *before, const char *key, const char *value)
{
	line_puts(p->l, before);
	line_puts(p->l, key);
	line_puts(p->l, "=\"");
	for (;;) {
		size_t plain = strcspn(value, "\n\"\\");
		line_put(p->l, value, plain);
		value += plain;
		if (*value == 0)
			break;
		line_put(p->l, *value == '\n' ? "\\n" : *value == '"' ? "\\\"" : "\\\\", 2);
		value++;
	}
	line_puts(p->l, "\"");
}

/* A sample up to its first label. */
static void sample(const struct page *p, const char *name, const char *end, const char *key, const char *value)
{
	line_puts(p->l, name);
	line_puts(p->l, end);
	label(p, "{", key, value);
}

static void put_number(const struct page *p, uint64_t value)
{
	char text[20], *at = text + sizeof text;
	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	line_put(p->l, at, (size_t)(text + sizeof text - at));
}

static void put_value(const struct page *p, uint64_t value)
{
	line_puts(p->l, "} ");
	put_number(p, value);
	line_puts(p->l, "\n");
}

/* ---------------------------------------------------------------- tunnels */
struct numbers { /* what a tunnel's samples are made of */
	const struct tunnel_conf *conf;
	enum tunnel_state state;
	struct addr local, remote;
	const uint64_t *counters; /* NULL: none */
	uint64_t up, ike_sas, child_sas, uncovered, handshake_ms, since, heard, ike_rekey_at, child_rekey_at;
	bool uncovered_now;
	int64_t peer_cert_ends, own_cert_ends; /* 0: there is none */
	enum problem problem;                  /* of its traffic */
};

enum form { NUMBER, MILLISECONDS /* as seconds; 0 = none yet */, WALL /* 0 = none yet */ };
#define N(member) offsetof(struct numbers, member)
static const struct gauge {
	const char *name, *unit;
	enum form form;
	size_t at;
	const char *help;
} gauges[] = {
	{ "s2s_tunnel_up", NULL, NUMBER, N(up), "Whether the tunnel is up: a child SA pair is installed and the routes are in." },
	{ "s2s_tunnel_state_changed_timestamp_seconds", "seconds", WALL, N(since), "When the tunnel entered its present state." },
	{ "s2s_tunnel_ike_sas", NULL, NUMBER, N(ike_sas), "IKE SAs, including those that are being set up or deleted." },
	{ "s2s_tunnel_child_sas", NULL, NUMBER, N(child_sas), "Child SA pairs that carry or may carry traffic." },
	{ "s2s_tunnel_uncovered_prefixes", NULL, NUMBER, N(uncovered),
		"Prefixes of selectors, routes and BGP peer that the child SAs of a tunnel that is up do not carry." },
	{ "s2s_tunnel_handshake_seconds", "seconds", MILLISECONDS, N(handshake_ms),
		"How long the last set-up of an IKE SA took." },
	{ "s2s_tunnel_last_heard_timestamp_seconds", "seconds", WALL, N(heard), "When the peer was last heard." },
	{ "s2s_tunnel_ike_rekey_timestamp_seconds", "seconds", WALL, N(ike_rekey_at), "When the IKE SA is to be rekeyed." },
	{ "s2s_tunnel_child_rekey_timestamp_seconds", "seconds", WALL, N(child_rekey_at),
		"When the newest child SA is to be rekeyed." },
};

/* What a family needs of a tunnel: each looks at all of them. One that is not taken over yet is down, but not left out. */
static void take_nothing(const struct ike *ike, struct numbers *n) { (void)ike, (void)n; }

static void take_counters(const struct ike *ike, struct numbers *n) { n->counters = ike_counters(ike, n->conf->id); }

static void take_all(const struct ike *ike, struct numbers *n)
{
	static struct tunnel_view view;
	const struct tunnel_view *v = &view;
	n->state = TUNNEL_DOWN;
	if (!ike_glance(ike, n->conf->id, &view) || v->conf == NULL)
		return;
	n->state = v->state;
	n->local = v->local;
	n->remote = v->remote;
	n->up = v->state == TUNNEL_UP;
	n->ike_sas = v->ike_sas;
	n->child_sas = v->n_children;
	n->uncovered = v->n_uncovered;
	n->uncovered_now = n->up && v->uncovered != NULL;
	n->problem = v->problem;
	n->peer_cert_ends = v->peer_cert != NULL ? v->peer_cert->not_after : 0;
	n->own_cert_ends = v->own_cert_ends;
	n->handshake_ms = v->last_handshake > 0 ? (uint64_t)v->last_handshake : 0;
	n->since = v->since > 0 ? (uint64_t)v->since : 0;
	n->heard = v->last_heard > 0 ? (uint64_t)v->last_heard : 0;
	n->ike_rekey_at = v->has_ike && v->rekey_at > 0 ? (uint64_t)v->rekey_at : 0;
	for (unsigned i = 0; i < v->n_children; i++) {
		if (v->children[i].rekey_at > (int64_t)n->child_rekey_at)
			n->child_rekey_at = (uint64_t)v->children[i].rekey_at;
	}
}

static void head_counter(const struct page *p, unsigned counter)
{
	const struct counter_row *row = &counter_rows[counter];
	head(p, COUNTER, row->metric, row->unit, row->help);
}

static void put_counter(const struct page *p, unsigned counter, const struct numbers *n)
{
	sample(p, counter_rows[counter].metric, "_total", "tunnel", n->conf->name);
	put_value(p, n->counters != NULL ? n->counters[counter] : 0);
}

static void head_gauge(const struct page *p, unsigned i) { head(p, GAUGE, gauges[i].name, gauges[i].unit, gauges[i].help); }

static void put_gauge(const struct page *p, unsigned i, const struct numbers *n)
{
	const struct gauge *g = &gauges[i];
	uint64_t value;
	memcpy(&value, (const char *)n + g->at, sizeof value);
	if (g->form != NUMBER && value == 0)
		return;
	sample(p, g->name, "", "tunnel", n->conf->name);
	if (g->form == MILLISECONDS)
		put(p, "} %" PRIu64 ".%03u\n", value / 1000, (unsigned)(value % 1000));
	else
		put_value(p, value);
}

static void head_info(const struct page *p, unsigned row)
{
	(void)row;
	head(p, INFO, "s2s_tunnel", NULL, "The tunnel as configured and where its ends are.");
}

static void put_info(const struct page *p, unsigned row, const struct numbers *n)
{
	char text[ADDR_TEXT];
	const struct tunnel_conf *t = n->conf;
	const struct addr *local = n->local.family != 0 ? &n->local : &t->local;
	const struct addr *remote = n->remote.family != 0 ? &n->remote : &t->remote;
	(void)row;
	sample(p, "s2s_tunnel", "_info", "tunnel", t->name);
	label(p, ",", "cloud", cloud_word(t->cloud));
	label(p, ",", "interface", t->interface);
	label(p, ",", "local", local->family != 0 ? addr_format(local, text) : "");
	label(p, ",", "remote", remote->family != 0 ? addr_format(remote, text) : "");
	put_value(p, 1);
}

static void head_states(const struct page *p, unsigned row)
{
	(void)row;
	head(p, GAUGE, "s2s_tunnel_state", NULL,
		"1 for the state that the tunnel is in; down is one that is not wanted at present.");
}

static void put_states(const struct page *p, unsigned row, const struct numbers *n)
{
	(void)row;
	for (unsigned k = 0; k < TUNNEL_STATE_COUNT; k++) {
		sample(p, "s2s_tunnel_state", "", "tunnel", n->conf->name);
		label(p, ",", "state", tunnel_state_word((enum tunnel_state)k));
		put_value(p, (unsigned)n->state == k);
	}
}

static bool is_problem(const struct metrics *m, const struct numbers *n, enum problem p)
{
	const struct tally *tally;
	switch (p) {
	case PROBLEM_OUTBOUND_ONLY:
	case PROBLEM_INBOUND_ONLY: return n->problem == p;
	case PROBLEM_NARROWED: return n->uncovered_now;
	case PROBLEM_KERNEL_DIFFERS: return (tally = tally_seen(m, n->conf->id, n->conf->name)) != NULL && tally->differs;
	case PROBLEM_NONE:
	case PROBLEM_COUNT: break;
	}
	return false;
}

static void head_problems(const struct page *p, unsigned row)
{
	(void)row;
	head(p, GAUGE, "s2s_tunnel_problem", NULL, "1 for what is wrong with a tunnel although it is up, by code.");
}

static void put_problems(const struct page *p, unsigned row, const struct numbers *n)
{
	(void)row;
	for (unsigned k = PROBLEM_NONE + 1; k < PROBLEM_COUNT; k++) {
		sample(p, "s2s_tunnel_problem", "", "tunnel", n->conf->name);
		label(p, ",", "code", problem_word((enum problem)k));
		put_value(p, is_problem(p->m, n, (enum problem)k));
	}
}

static void head_certificates(const struct page *p, unsigned row)
{
	(void)row;
	head(p, GAUGE, "s2s_certificate_not_after_seconds", "seconds",
		"When our first certificate expires; when the one expires that the peer has shown.");
}

static void put_certificate(const struct page *p, const struct numbers *n, const char *side, int64_t end)
{
	if (end <= 0)
		return;
	sample(p, "s2s_certificate_not_after_seconds", "", "tunnel", n->conf->name);
	label(p, ",", "side", side);
	put_value(p, (uint64_t)end);
}

static void put_certificates(const struct page *p, unsigned row, const struct numbers *n)
{
	(void)row;
	put_certificate(p, n, "local", n->own_cert_ends);
	put_certificate(p, n, "remote", n->peer_cert_ends);
}

enum { ERRORS, EVENTS, FACT_FAMILIES };
static const char *const fact_families[FACT_FAMILIES] = { "s2s_tunnel_errors", "s2s_tunnel_events" };

static void head_facts(const struct page *p, unsigned row)
{
	head(p, COUNTER, fact_families[row], NULL,
		row == ERRORS ? "Errors by code, see the table of s2sd(8), LOG."
			      : "Events that are no errors, by code, see the table of s2sd(8), LOG.");
}

static void put_fact(const struct page *p, unsigned row, const struct numbers *n, enum fact_code code, uint64_t times)
{
	sample(p, fact_families[row], "_total", "tunnel", n->conf->name);
	label(p, ",", "code", fact_word(code));
	put_value(p, times);
}

/* Codes that have not happened are left out: thousands of tunnels have tens of codes each. */
static void put_facts(const struct page *p, unsigned row, const struct numbers *n)
{
	const struct tally *tally = tally_seen(p->m, n->conf->id, n->conf->name);
	uint64_t checks = row != ERRORS && n->counters != NULL ? n->counters[COUNTER_LIVENESS_CHECKS] : 0;
	for (unsigned i = 0; tally != NULL && i < tally->n; i++) {
		enum fact_code code = (enum fact_code)tally->v[i].code;
		if (fact_is_error(code) != (row == ERRORS))
			continue;
		put_fact(p, row, n, code, tally->v[i].times);
	}
	if (checks > 0)
		put_fact(p, row, n, FACT_LIVENESS, checks);
}

/* ---------------------------------------------------------------- the daemon as a whole */
static void put_one(const struct page *p, enum type type, const char *name, const char *unit, const char *help, uint64_t value)
{
	head(p, type, name, unit, help);
	put(p, "%s%s %" PRIu64 "\n", name, type == COUNTER ? "_total" : "", value);
}

static void put_whole(const struct page *p, unsigned row)
{
	struct ike_totals t = { 0 };
	(void)row;
	ike_totals(p->ike, &t);
	head(p, INFO, "s2s_build", NULL, "The daemon's version.");
	sample(p, "s2s_build", "_info", "version", S2S_VERSION);
	put_value(p, 1);
	put_one(p, GAUGE, "s2s_start_timestamp_seconds", "seconds",
		"When the engine process started; its counters started at 0 then.", (uint64_t)p->m->started);
	put_one(p, COUNTER, "s2s_ike_datagrams", NULL, "IKE datagrams that were received.", t.datagrams);
	head(p, COUNTER, "s2s_ike_datagrams_dropped", NULL, "IKE datagrams that were dropped, by reason.");
	for (int i = 0; i < DROP_COUNT; i++) {
		sample(p, "s2s_ike_datagrams_dropped", "_total", "reason", drop_word((enum drop_reason)i));
		put_value(p, t.dropped[i]);
	}
	put_one(p, COUNTER, "s2s_ike_cookies_sent", NULL, "Unknown peers that were asked for a cookie.", t.cookies_sent);
	put_one(p, GAUGE, "s2s_ike_half_open_sas", NULL, "IKE SAs that peers began and have not authenticated.", t.half_open);
	put_one(p, GAUGE, "s2s_ike_established_sas", NULL, "IKE SAs that are established.", t.established);
	head(p, COUNTER, "s2s_unknown_peer_events", NULL,
		"Events that belong to no tunnel, by code, see the table of s2sd(8), LOG.");
	for (int code = 0; code < FACT_COUNT; code++) {
		if (p->m->unknown[code] == 0)
			continue;
		sample(p, "s2s_unknown_peer_events", "_total", "code", fact_word((enum fact_code)code));
		put_value(p, p->m->unknown[code]);
	}
}

/* ---------------------------------------------------------------- slices */
static const struct family {
	unsigned rows; /* families of this kind */
	void (*take)(const struct ike *ike, struct numbers *n);
	void (*begin)(const struct page *p, unsigned row);
	void (*samples)(const struct page *p, unsigned row, const struct numbers *n); /* of one tunnel; NULL: there are none */
} families[] = {
	{ 1, take_nothing, put_whole, NULL },
	{ 1, take_all, head_info, put_info },
	{ 1, take_all, head_states, put_states },
	{ 1, take_all, head_problems, put_problems },
	{ 1, take_all, head_certificates, put_certificates },
	{ COUNTER_COUNT, take_counters, head_counter, put_counter },
	{ ARRAY_SIZE(gauges), take_all, head_gauge, put_gauge },
	{ FACT_FAMILIES, take_counters, head_facts, put_facts },
};

/* The samples of a family from where the last slice ended. False: this slice is long enough, and the family not at its end. */
static bool put_tunnels(
	const struct page *p, const struct family *f, struct metrics_at *at, const struct conf *conf, unsigned *left)
{
	for (uint32_t first = conf_after(conf, at->after), i = first; i < conf->n; i++) {
		const struct tunnel_conf *t = conf->tunnels[i];
		if (*left == 0 || p->l->len >= p->limit) {
			if (i > first)
				snprintf(at->after, sizeof at->after, "%s", conf->tunnels[i - 1]->name);
			return false;
		}
		--*left;
		struct numbers n = { .conf = t };
		f->take(p->ike, &n);
		f->samples(p, at->row, &n);
	}
	return true;
}

bool metrics_more(const struct metrics *m, const struct ike *ike, const struct conf *conf, struct metrics_at *at, struct line *l)
{
	const struct page p = { l, at->format, m, ike, l->len + SLICE_BYTES };
	unsigned left = SLICE_TUNNELS;
	while (at->kind < ARRAY_SIZE(families)) {
		const struct family *f = &families[at->kind];
		if (!at->begun)
			f->begin(&p, at->row);
		at->begun = true;
		if (conf != NULL && f->samples != NULL && !put_tunnels(&p, f, at, conf, &left))
			return true;
		bool last = at->row + 1 == f->rows;
		*at = (struct metrics_at){ at->format, at->kind + last, last ? 0 : at->row + 1, false, "" };
	}
	if (at->format == METRICS_OPEN)
		line_puts(l, "# EOF\n");
	return false;
}
