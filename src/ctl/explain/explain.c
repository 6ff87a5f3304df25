/*
 * explain.c - `s2sctl explain [TUNNEL]`: asks the daemon, looks at this machine, and has the table judge.
 */
#include "explain.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/client.h"
#include "crypto/alg.h"
#include "ctl/answer.h"

#define QUICK 10

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

static int explain_all(const struct options *o, const json_t *tunnels, const json_t *events, const json_t *all)
{
	unsigned n = (unsigned)json_array_size(tunnels);
	struct explained *p = xcalloc(n + 1, sizeof *p), **sorted = xcalloc(n + 1, sizeof *sorted);
	struct verdicts *v = xcalloc(1, sizeof *v);
	json_t *rules = host_rules_read();
	int code = CTL_DONE;
	for (unsigned i = 0; i < n; i++) {
		sorted[i] = &p[i];
		p[i].place = i;
		symptoms_read(&p[i].s, json_array_get(tunnels, i), events, all, time(NULL));
		host_network_read(&p[i].host, p[i].s.conf, p[i].s.interface, &p[i].s.peer, rules);
		p[i].s.host = &p[i].host;
		explain_judge(&p[i].s, v);
		p[i].worst = v->v[0].rule->weight;
		verdicts_release(v);
	}
	json_decref(rules);
	qsort(sorted, n, sizeof *sorted, by_weight);
	json_t *list = print_all(o, sorted, n, v), *answer = answer_new();
	if (o->argc > 0)
		json_object_update(answer, json_array_get(list, 0));
	else
		json_object_set(answer, "tunnels", list);
	if (o->json)
		code = answer_print(json_incref(answer));
	json_decref(answer);
	json_decref(list);
	for (unsigned i = 0; i < n; i++) {
		host_network_release(&p[i].host);
		symptoms_release(&p[i].s);
	}
	free(sorted);
	free(p);
	free(v);
	return code;
}

int run_explain(const struct ctl_command *self, const struct options *o)
{
	int code;
	const char *bad = NULL, *name = o->argc > 0 ? o->argv[0] : NULL;
	json_t *show, *events = NULL, *status = NULL;
	(void)self;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	show = ask(o, CONTROL_SHOW, name, &code);
	if (show != NULL)
		events = ask(o, CONTROL_EVENTS, NULL, &code);
	if (events != NULL)
		status = ask(o, CONTROL_STATUS, NULL, &code);
	if (status != NULL)
		code = explain_all(o, json_object_get(show, "tunnels"), json_object_get(events, "events"),
			json_object_get(status, "tunnels"));
	json_decref(show);
	json_decref(events);
	json_decref(status);
	return code;
}
