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

/* ---------------------------------------------------------------- settings */
/* What `show` tells, as the lines of a configuration. Lists are written as YAML writes them; a word in JSON's quotes is one of YAML too. */
static void put_settings(FILE *to, const char *name, json_t *config)
{
	const char *key;
	json_t *value;
	fprintf(to, "tunnels:\n  %s:\n", name);
	json_object_foreach(config, key, value)
	{
		const char *text = json_string_value(value);
		if (text == NULL || strncmp(key, "bgp.", 4) == 0)
			continue;
		fprintf(to, "    %s: ", key);
		if (text[0] == '[')
			fputs(text, to);
		else
			json_dumpf(value, to, JSON_ENCODE_ANY);
		fputc('\n', to);
	}
	/* A key that stands in the settings themselves is not told; the loader wants to see one. */
	if (!json_is_string(json_object_get(config, "psk-file")) && !json_is_string(json_object_get(config, "certificate")))
		fprintf(to, "    psk-file: unknown\n");
}

static struct conf *settings_of(const json_t *tunnel)
{
	char *text = NULL;
	size_t size = 0;
	const char *name = word_of(tunnel, "name");
	FILE *to = open_memstream(&text, &size);
	if (to == NULL || name == NULL)
		return NULL;
	put_settings(to, name, json_object_get(tunnel, "config"));
	fclose(to);
	struct conf_text one = { "the daemon's settings", text, size, true };
	struct conf *c = conf_load(&one, 1, NULL, NULL, NULL);
	free(text);
	return c;
}

/* ---------------------------------------------------------------- asking */
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

static int tell(const struct options *o, const json_t *tunnel, const json_t *events, const json_t *all)
{
	struct ways ways;
	struct verdicts *v = xcalloc(1, sizeof *v);
	struct conf *conf = settings_of(tunnel);
	const struct tunnel_conf *t = conf != NULL && conf->n == 1 ? conf->tunnels[0] : NULL;
	const char *interface = word_of(tunnel, "interface");
	struct addr peer = peer_of(tunnel);
	int code = CTL_DONE;
	ways_read(&ways, t, interface != NULL ? interface : "", &peer, "");
	struct sight s = { tunnel, events, all, t, &ways, time(NULL) };
	explain_judge(&s, v);
	if (o->json)
		code = answer_print(explain_json(&s, v));
	else
		explain_text(&s, v, stdout, isatty(STDOUT_FILENO));
	verdicts_release(v);
	free(v);
	ways_release(&ways);
	conf_free(conf);
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
		code = tell(o, json_array_get(json_object_get(show, "tunnels"), 0), json_object_get(events, "events"),
			json_object_get(status, "tunnels"));
	json_decref(show);
	json_decref(events);
	json_decref(status);
	return code;
}
