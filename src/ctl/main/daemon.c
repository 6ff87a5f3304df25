/*
 * daemon.c - the commands that ask the daemon: status, show, up, down, rekey, reload, events, version.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "ctl/bgp.h"
#include "ctl/client.h"
#include "ctl/answer.h"
#include "ctl/render.h"

#define QUICK 10 /* seconds that an answer from memory may take */
#define SLOW 30  /* up, down, rekey: a peer takes part */
#define RELOAD 60

static int seconds(const struct options *o, int usual) { return o->timeout > 0 ? o->timeout : usual; }

/* The words of these commands are those of the control socket. */
static json_t *request_for(const struct ctl_command *self, const struct options *o)
{
	json_t *request = client_request(control_command_parse(self->word)), *names = json_array();
	for (int i = 0; i < o->argc; i++) {
		/* What is no UTF-8 is no tunnel's name either; the daemon says so. */
		json_t *name = json_string(o->argv[i]);
		json_array_append_new(names, name != NULL ? name : json_string("?"));
	}
	json_object_set_new(request, "tunnels", names);
	return request;
}

/* ---------------------------------------------------------------- status, show */
static int print_view(const struct ctl_command *self, const struct options *o,
	void (*render)(const json_t *answer, int64_t now, FILE *to, bool terminal))
{
	int code;
	json_t *answer = client_ask(o, request_for(self, o), seconds(o, QUICK), &code);
	if (answer == NULL)
		return code;
	bgp_answer(json_object_get(answer, "tunnels"));
	if (o->json)
		return answer_print(answer);
	render(answer, time(NULL), stdout, isatty(STDOUT_FILENO));
	if (json_array_size(json_object_get(answer, "tunnels")) == 0)
		fprintf(stderr, "s2sctl: no tunnel is configured: write one, see s2sd.conf(5), or let `s2sctl import` do it\n");
	json_decref(answer);
	return CTL_DONE;
}

int run_status(const struct ctl_command *self, const struct options *o) { return print_view(self, o, render_status); }

int run_show(const struct ctl_command *self, const struct options *o)
{
	if (strcmp(o->argv[0], "algorithms") == 0)
		return o->argc == 1 ? show_algorithms(o) : ctl_usage(o, self, "too many arguments");
	if (strcmp(o->argv[0], "profile") == 0)
		return o->argc == 2 ? show_profile(o, o->argv[1]) : ctl_usage(o, self, "show profile takes one NAME");
	return print_view(self, o, render_show);
}

/* ---------------------------------------------------------------- up, down, rekey */
/* The time is over: not the daemon's fault but the tunnel's, if the daemon still talks. */
static int too_late(const struct ctl_command *self, const struct options *o, int limit)
{
	int code;
	struct options quiet = *o;
	quiet.json = false;
	json_t *request = request_for(self, o);
	json_object_set_new(request, "command", json_string(control_command_word(CONTROL_STATUS)));
	json_t *answer = client_ask(&quiet, request, QUICK, &code);
	if (answer == NULL)
		return code;
	const json_t *t = json_array_get(json_object_get(answer, "tunnels"), 0);
	const char *state = word_of(t, "state"), *reason = word_of(t, "reason");
	const char *text = word_of(json_object_get(t, "last_error"), "text");
	if (reason == NULL)
		reason = text;
	code = ctl_fail(o, CTL_FAILED, "timeout", "%s: %s has not finished within %d s, state %s%s%s", o->argv[0], self->word,
		limit, state != NULL ? state : "unknown", reason != NULL ? ": " : "", reason != NULL ? reason : "");
	json_decref(answer);
	return code;
}

static int print_order(const struct ctl_command *self, const struct options *o, json_t *answer)
{
	char name[128], text[1024];
	const char *words = word_of(answer, "text");
	if (o->json)
		return answer_print(answer);
	printf("%s: %s\n", escaped(name, sizeof name, o->argv[0]),
		escaped(text, sizeof text,
			words != NULL                      ? words
			: strcmp(self->word, "rekey") == 0 ? "rekeyed"
							   : self->word));
	json_decref(answer);
	return CTL_DONE;
}

int run_order(const struct ctl_command *self, const struct options *o)
{
	int limit = seconds(o, SLOW), code;
	json_t *request = request_for(self, o);
	bool late;
	if (o->ike)
		json_object_set_new(request, "ike", json_true());
	if (o->rekey_check)
		json_object_set_new(request, "check", json_true());
	json_t *answer = client_ask_for(o, request, limit, &code, &late);
	return answer != NULL ? print_order(self, o, answer) : late ? too_late(self, o, limit) : code;
}

/* ---------------------------------------------------------------- reload */
int run_reload(const struct ctl_command *self, const struct options *o)
{
	int code;
	json_t *request = request_for(self, o);
	if (o->dry_run)
		json_object_set_new(request, "dry_run", json_true());
	json_t *answer = client_ask(o, request, seconds(o, RELOAD), &code);
	if (answer == NULL)
		return code;
	if (o->json)
		return answer_print(answer);
	char text[1024];
	const char *words = word_of(answer, "text");
	render_reload(answer, stdout);
	if (words != NULL)
		printf("%s\n", escaped(text, sizeof text, words));
	json_decref(answer);
	return CTL_DONE;
}

/* ---------------------------------------------------------------- events */
static int print_events(const struct options *o, json_t *answer)
{
	if (o->json)
		return answer_print(answer);
	const json_t *list = json_object_get(answer, "events");
	for (size_t i = 0; i < json_array_size(list); i++)
		render_event(json_array_get(list, i), stdout, isatty(STDOUT_FILENO));
	json_decref(answer);
	return CTL_DONE;
}

static int print_one(const struct options *o, json_t *answer)
{
	if (json_object_get(answer, "error") != NULL)
		return client_error(o, answer);
	if (!o->json)
		render_event(json_object_get(answer, "event"), stdout, isatty(STDOUT_FILENO));
	else
		json_dumpf(answer, stdout, JSON_COMPACT), putchar('\n'); /* one line each, on a terminal too */
	json_decref(answer);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

static int follow(const struct options *o, json_t *request)
{
	struct client c;
	int code = client_open(&c, o);
	if (code != CTL_DONE) {
		json_decref(request);
		return code;
	}
	enum client_result r = client_send(&c, request);
	while (r == CLIENT_OK && code == CTL_DONE) {
		json_t *answer;
		r = client_next(&c, -1, &answer);
		if (r == CLIENT_OK)
			code = print_one(o, answer);
	}
	client_close(&c);
	return code != CTL_DONE ? code : client_fault(o, r, 0);
}

int run_events(const struct ctl_command *self, const struct options *o)
{
	int code;
	json_t *request = request_for(self, o);
	if (o->last >= 0)
		json_object_set_new(request, "last", json_integer(o->last));
	if (o->debug)
		json_object_set_new(request, "debug", json_true());
	if (o->follow) {
		json_object_set_new(request, "follow", json_true());
		return follow(o, request);
	}
	json_t *answer = client_ask(o, request, seconds(o, QUICK), &code);
	return answer != NULL ? print_events(o, answer) : code;
}

/* ---------------------------------------------------------------- version */
int run_version(const struct ctl_command *self, const struct options *o)
{
	(void)self;
	char text[64];
	json_t *answer = client_peek(o, client_request(CONTROL_VERSION), QUICK);
	const char *release = word_of(answer, "release");
	int code = CTL_DONE;
	if (o->json) {
		json_t *versions = answer_new();
		json_object_set_new(versions, "s2sctl", json_string(S2S_VERSION));
		json_object_set_new(versions, "s2sd", release != NULL ? json_string(release) : json_null());
		code = answer_print(versions);
	} else {
		printf("s2sctl " S2S_VERSION "\ns2sd %s\n",
			release != NULL ? escaped(text, sizeof text, release) : "does not answer");
	}
	json_decref(answer);
	return code;
}
