/*
 * explain.c - `s2sctl explain [TUNNEL]`: asks the daemon, looks at this machine, and has the table judge.
 */
#include "explain.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/client.h"
#include "ctl/filter.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "pair.h"
#include "watched.h"

#define QUICK 10
#define LOOKS_APART 1000 /* ms between two looks at the kernel's counters */

/* All tunnels when none is named. */
static json_t *ask(const struct options *o, enum control_command command, const char *tunnel, int *code)
{
	json_t *request = client_request(command);
	if (tunnel != NULL) {
		json_t *word = json_string(tunnel);
		json_object_set_new(request, "tunnel", word != NULL ? word : json_string("?"));
	}
	return client_ask(o, request, o->timeout > 0 ? o->timeout : QUICK, code);
}

struct explained {
	struct symptoms s;
	struct host_network host;
	struct way way;
	struct bgp_loser lost;
	bool counts; /* a verdict of it tells of the kernel's counters */
	enum weight worst;
	unsigned place; /* in the daemon's answer */
};

static int by_weight(const void *x, const void *y)
{
	const struct explained *a = *(const struct explained *const *)x, *b = *(const struct explained *const *)y;
	return a->worst != b->worst ? (int)a->worst - (int)b->worst : (int)a->place - (int)b->place;
}

/* Verdicts are made again when they are printed: kept, they would take 100 KB a tunnel. */
static json_t *print_all(const struct options *o, struct explained *const *p, unsigned n, struct verdicts *v)
{
	bool terminal = isatty(STDOUT_FILENO);
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++) {
		explain_judge(&p[i]->s, v);
		if (o->json)
			json_array_append_new(list, explain_json(&p[i]->s, v));
		else
			explain_text(&p[i]->s, v, stdout, terminal);
		if (terminal && !o->json && i + 1 < n)
			putchar('\n');
		verdicts_release(v);
	}
	return list;
}

#define ROUTES_ASKED 64 /* questions to the kernel about routes that BGP has brought, for all tunnels together */

/* Routing daemons are asked when some tunnel has a session, once for all. */
static void look_at_bgp(struct explained *p, unsigned n, struct bgp_view *view)
{
	unsigned sessions = 0, budget = ROUTES_ASKED;
	for (unsigned i = 0; i < n; i++)
		sessions += p[i].s.conf != NULL && p[i].s.conf->bgp.peer.family != 0;
	if (sessions == 0)
		return;
	bgp_read(view, true);
	for (unsigned i = 0; i < n; i++) {
		struct symptoms *s = &p[i].s;
		const struct bgp_session *x = s->conf != NULL ? bgp_session_of(view, &s->conf->bgp.peer) : NULL;
		bool lost = x != NULL && x->state == BGP_ESTABLISHED &&
			    bgp_loser_find(view, x, s->interfaces, s->n_interfaces, &budget, &p[i].lost);
		symptoms_bgp(s, view, lost ? &p[i].lost : NULL);
	}
}

/* Read once, whatever the number of tunnels. */
struct machine {
	json_t *rules;
	struct way_facts facts;
	struct ruleset *filters; /* the rules, for a pair; NULL = not read */
	struct pair pair;
	struct host_counters counted, risen; /* at the first look; since then */
	int64_t counted_at;
};

static void look_again(struct machine *m, struct explained *p, unsigned n)
{
	struct host_counters now;
	bool wanted = false;
	for (unsigned i = 0; i < n; i++)
		wanted |= p[i].counts;
	if (!wanted)
		return;
	for (int64_t left; (left = m->counted_at + LOOKS_APART - system_ms()) > 0;)
		poll(NULL, 0, (int)left);
	host_counters_read(&now);
	host_counters_rise(&m->counted, &now, &m->risen);
	for (unsigned i = 0; i < n; i++)
		p[i].host.risen = &m->risen;
}

/* False when the pair is none of this tunnel's. */
static bool look(struct explained *x, const struct machine *m, bool alone, char why[WAY_REFUSAL])
{
	host_network_read(&x->host, x->s.conf, x->s.interface, &x->s.peer, m->rules, &m->facts);
	x->s.host = &x->host;
	bool pair = m->pair.from.family != 0; /* else the verdicts about filters say it */
	if (!pair_walk(&m->facts, &x->s, &m->pair, pair ? pair_filters : NULL, m->filters, &x->way, why))
		return false;
	if (!alone)
		way_trim(&x->way);
	x->s.way = &x->way;
	x->s.unseen = m->facts.unseen;
	x->s.n_unseen = m->facts.n_unseen;
	return true;
}

static void weigh(struct explained *x, struct verdicts *v)
{
	explain_judge(&x->s, v);
	x->worst = v->v[0].rule->weight;
	for (unsigned i = 0; i < v->n; i++)
		x->counts |= v->v[i].rule->code == VERDICT_OUTBOUND_ONLY;
	verdicts_release(v);
}

static int print_answer(
	const struct options *o, const struct machine *m, struct explained *const *sorted, unsigned n, struct verdicts *v)
{
	int code = CTL_DONE;
	bool pair = m->pair.from.family != 0;
	if (pair && !o->json)
		pair_text(&sorted[0]->way, &m->facts, stdout, isatty(STDOUT_FILENO));
	json_t *list = print_all(o, sorted, n, v), *answer = answer_new();
	if (o->argc > 0)
		json_object_update(answer, json_array_get(list, 0));
	else
		json_object_set(answer, "tunnels", list);
	if (pair)
		json_object_set_new(answer, "way", pair_json(&sorted[0]->way));
	if (o->json)
		code = answer_print(json_incref(answer));
	json_decref(answer);
	json_decref(list);
	return code;
}

static int explain_all(
	const struct options *o, const struct pair *pair, const json_t *tunnels, const json_t *events, const json_t *all)
{
	unsigned n = (unsigned)json_array_size(tunnels);
	struct explained *p = xcalloc(n + 1, sizeof *p), **sorted = xcalloc(n + 1, sizeof *sorted);
	struct verdicts *v = xcalloc(1, sizeof *v);
	struct machine m = { .rules = filter_rules_read(), .pair = *pair };
	struct bgp_view bgp = { .n = 0 };
	char why[WAY_REFUSAL] = "";
	bool fits = true;
	host_counters_read(&m.counted);
	m.counted_at = system_ms();
	way_facts_read(&m.facts);
	m.filters = m.rules != NULL && pair->from.family != 0 ? ruleset_new(m.rules) : NULL;
	for (unsigned i = 0; i < n; i++) {
		sorted[i] = &p[i];
		p[i].place = i;
		symptoms_read(&p[i].s, json_array_get(tunnels, i), events, all, time(NULL));
		fits = look(&p[i], &m, o->argc > 0, why) && fits;
	}
	look_at_bgp(p, n, &bgp);
	for (unsigned i = 0; i < n; i++)
		weigh(&p[i], v);
	look_again(&m, p, n);
	ruleset_free(m.filters);
	json_decref(m.rules);
	qsort(sorted, n, sizeof *sorted, by_weight);
	int code = fits ? print_answer(o, &m, sorted, n, v) : ctl_fail(o, CTL_FAILED, "other-pair", "%s", why);
	for (unsigned i = 0; i < n; i++) {
		way_release(&p[i].way);
		host_network_release(&p[i].host);
		symptoms_release(&p[i].s);
	}
	way_facts_release(&m.facts);
	bgp_release(&bgp);
	free(sorted);
	free(p);
	free(v);
	return code;
}

static int watch_pair(const struct options *o, const struct pair *pair, const json_t *tunnels)
{
	struct symptoms s;
	symptoms_read(&s, json_array_get(tunnels, 0), NULL, NULL, time(NULL));
	int code = explain_watch(o, &s, &pair->from, &pair->to);
	symptoms_release(&s);
	return code;
}

/* CTL_DONE, or what is wrong with --from and --to was told. */
static int read_pair(const struct ctl_command *self, const struct options *o, struct pair *p)
{
	char clean[128];
	*p = (struct pair){ 0 };
	if (o->trace && o->from == NULL)
		return ctl_usage(o, self, "--trace needs --from and --to: whose packets are to be watched");
	if (o->seconds > 0 && !o->trace)
		return ctl_usage(o, self, "--seconds goes with --trace");
	if (o->from == NULL && o->to == NULL)
		return CTL_DONE;
	if (o->from == NULL || o->to == NULL)
		return ctl_usage(o, self, "--from and --to go together: a packet has both");
	if (o->argc == 0)
		return ctl_usage(o, self, "--from and --to need the tunnel's name");
	if (!addr_parse(&p->from, o->from))
		return ctl_usage(
			o, self, "'%s' is no address: --from wants one such as 10.1.0.10", escaped(clean, sizeof clean, o->from));
	if (!addr_parse(&p->to, o->to))
		return ctl_usage(
			o, self, "'%s' is no address: --to wants one such as 10.20.0.10", escaped(clean, sizeof clean, o->to));
	if (p->from.family != p->to.family)
		return ctl_usage(o, self, "one address is of IPv4 and the other of IPv6: no packet has both");
	if (addr_same_ip(&p->from, &p->to))
		return ctl_usage(o, self, "both addresses are the same: give one at each end of the tunnel");
	return CTL_DONE;
}

int run_explain(const struct ctl_command *self, const struct options *o)
{
	struct pair pair;
	const char *bad = NULL, *name = o->argc > 0 ? o->argv[0] : NULL;
	json_t *show, *events = NULL, *status = NULL;
	int code = read_pair(self, o, &pair);
	if (code != CTL_DONE)
		return code;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	show = ask(o, CONTROL_SHOW, name, &code);
	if (show != NULL && o->trace) {
		code = watch_pair(o, &pair, json_object_get(show, "tunnels"));
		json_decref(show);
		return code;
	}
	if (show != NULL)
		events = ask(o, CONTROL_EVENTS, NULL, &code);
	if (events != NULL)
		status = ask(o, CONTROL_STATUS, NULL, &code);
	if (status != NULL)
		code = explain_all(o, &pair, json_object_get(show, "tunnels"), json_object_get(events, "events"),
			json_object_get(status, "tunnels"));
	json_decref(show);
	json_decref(events);
	json_decref(status);
	return code;
}
