/*
 * control.c - see control.h. A request is one row of `commands` (its words: codes/control.h).
 * Nothing below calls this file: handlers answer, or leave a pending request behind.
 *
 *	line --> control_request --> handler --+--> answer at once          (ping, version)
 *	                                       +--> waits for counters      (status, show, top, metrics)  control_counters --> control_more --> slices
 *	                                       +--> waits for its token     (up, down, rekey, reload, encapsulate) control_reply --> answer
 *
 * Whoever may open the socket may take the daemon down by asking it to, but not by asking it strangely: a malformed request is answered
 * with an error and leaves no trace.
 */
#include "control.h"

#include <stdlib.h>

#include "config.h"
#include "base/mem.h"
#include "codes/feature.h"
#include "control_core.h"

struct control *control_new(const struct control_ops *ops, void *arg)
{
	struct control *c = xcalloc(1, sizeof *c);
	c->ops = *ops;
	c->arg = arg;
	c->metrics = metrics_new(ops->now(arg).wall);
	table_init(&c->differs, (uint64_t)(uintptr_t)c); /* ids are the keeper's: no peer chooses keys */
	return c;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++)
		control_pending_clear(&c->pending[i]);
	struct differing *d;
	for (size_t it = 0; (d = table_next(&c->differs, &it)) != NULL;)
		free(d);
	table_release(&c->differs);
	events_forget(c);
	metrics_free(c->metrics);
	free(c);
}

/* ---------------------------------------------------------------- ping, version */
static json_t *json_features(uint32_t has)
{
	json_t *o = json_object();
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		json_object_set_new(o, feature_word((enum feature)i), json_boolean((has & FEATURE_BIT(i)) != 0));
	return o;
}

static void request_ping(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	char now[TIME_TEXT];
	json_t *o = control_versioned();
	(void)self, (void)request;
	json_object_set_new(o, "daemon", json_string("s2sd"));
	json_object_set_new(o, "release", json_string(S2S_VERSION));
	json_object_set_new(o, "now", json_string(wall_format(c->ops.now(c->arg).wall, now)));
	json_object_set_new(o, "kernel", json_features(c->ops.features(c->arg)));
	control_answer(c, client, o);
}

/* ---------------------------------------------------------------- requests */
static const struct command commands[CONTROL_COMMAND_COUNT] = {
	[CONTROL_STATUS] = { request_counted, 0, slice_tunnels, json_status },
	[CONTROL_SHOW] = { request_counted, 0, slice_tunnels, json_show },
	[CONTROL_TOP] = { request_counted, 0, slice_tunnels, json_top },
	[CONTROL_METRICS] = { request_counted, 0, slice_metrics, NULL },
	[CONTROL_UP] = { request_order, COMMAND_UP, NULL, NULL },
	[CONTROL_DOWN] = { request_order, COMMAND_DOWN, NULL, NULL },
	[CONTROL_REKEY] = { request_order, COMMAND_REKEY, NULL, NULL },
	[CONTROL_RELOAD] = { request_reload, 0, NULL, NULL },
	[CONTROL_EVENTS] = { request_events, 0, slice_events, NULL },
	[CONTROL_TRACE] = { request_trace, 0, NULL, NULL },
	[CONTROL_ENCAPSULATE] = { request_encapsulate, COMMAND_ENCAPSULATE, NULL, NULL },
	[CONTROL_PING] = { request_ping, 0, NULL, NULL },
	[CONTROL_VERSION] = { request_ping, 0, NULL, NULL },
};

static void dispatch(struct control *c, uint64_t client, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "command"));
	char text[CONTROL_QUOTE];
	if (!json_is_object(request) || word == NULL) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "a request is an object with a \"command\"");
		return;
	}
	if (c->ops.conf(c->arg) == NULL) {
		control_refuse(c, client, CONTROL_ERROR_STARTING, "the daemon has no configuration yet; try again");
		return;
	}
	enum control_command command = control_command_parse(word);
	if (command < CONTROL_COMMAND_COUNT)
		commands[command].handle(c, client, &commands[command], request);
	else
		control_refuse(c, client, CONTROL_ERROR_UNKNOWN_COMMAND, "no command is called '%s'", control_quote(word, text));
}

void control_request(struct control *c, uint64_t client, const char *line, size_t len)
{
	json_error_t why;
	char text[CONTROL_QUOTE];
	if (len > CONTROL_LINE_MAX) {
		control_refuse(c, client, CONTROL_ERROR_TOO_LONG, "a request has at most %d bytes", CONTROL_LINE_MAX);
		return;
	}
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (request == NULL) {
		control_refuse(c, client, CONTROL_ERROR_BAD_JSON, "at byte %d: %s", why.position, control_quote(why.text, text));
		return;
	}
	dispatch(c, client, request);
	json_decref(request);
}

bool control_client_waits(const struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command != NULL && c->pending[i].client == client)
			return true;
	}
	return false;
}

void control_client_gone(struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command != NULL && c->pending[i].client == client)
			control_pending_clear(&c->pending[i]);
	}
	events_client_gone(c, client);
	trace_client_gone(c, client);
	trial_client_gone(c, client);
}
