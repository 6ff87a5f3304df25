/*
 * explain.c - `s2sctl explain TUNNEL`: asks the daemon, looks at this machine, and has the table judge.
 */
#include "explain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/client.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/render.h"

#define QUICK 10
#define EVENTS 300

static json_t *ask(const struct options *o, const char *command, const char *tunnel, int *code)
{
	json_t *request = json_object();
	json_object_set_new(request, "command", json_string(command));
	if (tunnel != NULL) {
		json_t *word = json_string(tunnel);
		json_object_set_new(request, "tunnel", word != NULL ? word : json_string("?"));
	}
	if (strcmp(command, "events") == 0)
		json_object_set_new(request, "last", json_integer(EVENTS));
	return client_ask(o, request, o->timeout > 0 ? o->timeout : QUICK, code);
}

static int explain_one(const struct options *o, const json_t *tunnel, const json_t *events, const json_t *all)
{
	struct symptoms s;
	struct host_network host;
	struct verdicts *v = xcalloc(1, sizeof *v);
	int code = CTL_DONE;
	symptoms_read(&s, tunnel, events, all, time(NULL));
	host_network_read(&host, s.conf, s.interface, &s.peer, "");
	s.host = &host;
	explain_judge(&s, v);
	if (o->json)
		code = answer_print(explain_json(&s, v));
	else
		explain_text(&s, v, stdout, isatty(STDOUT_FILENO));
	verdicts_release(v);
	free(v);
	host_network_release(&host);
	symptoms_release(&s);
	return code;
}

int run_explain(const struct ctl_command *self, const struct options *o)
{
	int code;
	const char *bad = NULL;
	json_t *show, *events = NULL, *status = NULL;
	(void)self;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	show = ask(o, "show", o->argv[0], &code);
	if (show != NULL)
		events = ask(o, "events", o->argv[0], &code);
	if (events != NULL)
		status = ask(o, "status", NULL, &code);
	if (status != NULL)
		code = explain_one(o, json_array_get(json_object_get(show, "tunnels"), 0), json_object_get(events, "events"),
			json_object_get(status, "tunnels"));
	json_decref(show);
	json_decref(events);
	json_decref(status);
	return code;
}
