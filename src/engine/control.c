/*
 * control.c - see control.h. A request is one row of `commands`: what it is called and who handles it.
 *
 *	line --> control_request --> handler --+--> answer at once          (ping, version, events)
 *	                                       +--> waits for counters      (status, show, top, metrics)  control_counters --> answer
 *	                                       +--> waits for its token     (up, down, rekey, reload) control_reply --> answer
 *
 * Whoever may open the socket may take the daemon down by asking it to, but not by asking it strangely: a malformed request is answered
 * with an error and leaves no trace.
 */
#include "control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/util.h"
#include "control_core.h"

#define PENDING_PER_CLIENT 16

struct control *control_new(const struct control_ops *ops, void *arg)
{
	struct control *c = xcalloc(1, sizeof *c);
	c->ops = *ops;
	c->arg = arg;
	c->metrics = metrics_new(ops->now(arg).wall);
	return c;
}

static void pending_clear(struct pending *p)
{
	if (p->request != NULL)
		json_decref(p->request);
	*p = (struct pending){ 0 };
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++)
		pending_clear(&c->pending[i]);
	metrics_free(c->metrics);
	free(c);
}

/* ---------------------------------------------------------------- answers */
void control_answer(struct control *c, uint64_t client, json_t *o)
{
	struct line l = { 0 };
	line_json(&l, o);
	c->ops.send(c->arg, client, l.data);
	line_release(&l);
}

json_t *control_versioned(void)
{
	json_t *o = json_object();
	json_object_set_new(o, "version", json_integer(1));
	return o;
}

void control_refuse(struct control *c, uint64_t client, const char *code, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_t *o = control_versioned(), *error = json_object();
	json_object_set_new(error, "code", json_string(code));
	json_object_set_new(error, "text", json_words(text));
	json_object_set_new(o, "error", error);
	control_answer(c, client, o);
}

/* A stranger's word, short and harmless. */
#define QUOTE_MAX 80
static const char *quote(const char *word, char text[QUOTE_MAX])
{
	return log_escape(text, QUOTE_MAX, bytes_of(word, strlen(word)));
}

/* ---------------------------------------------------------------- members of a request */
bool control_get_flag(struct control *c, uint64_t client, const json_t *request, const char *key, bool *flag)
{
	const json_t *v = json_object_get(request, key);
	*flag = json_is_true(v);
	if (v == NULL || json_is_boolean(v) || json_is_null(v))
		return true;
	control_refuse(c, client, "bad-request", "\"%s\" must be true or false", key);
	return false;
}

bool control_get_count(struct control *c, uint64_t client, const json_t *request, const char *key, json_int_t max, json_int_t *n)
{
	const json_t *v = json_object_get(request, key);
	*n = max;
	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		control_refuse(c, client, "bad-request", "\"%s\" must be a number, 0 or more", key);
		return false;
	}
	if (json_integer_value(v) < max)
		*n = json_integer_value(v);
	return true;
}

/* The tunnels that are meant, as an array of words: "tunnels": [...] or "tunnel": "..."; empty = all. */
bool control_get_tunnels(struct control *c, uint64_t client, json_t *request)
{
	json_t *one = json_object_get(request, "tunnel"), *list = json_object_get(request, "tunnels"), *v;
	size_t i;
	char word[QUOTE_MAX];
	if (one != NULL && !json_is_null(one)) {
		list = json_array();
		json_array_append(list, one);
		json_object_set_new(request, "tunnels", list);
	} else if (list == NULL || json_is_null(list)) {
		list = json_array();
		json_object_set_new(request, "tunnels", list);
	}
	if (!json_is_array(list)) {
		control_refuse(c, client, "bad-request", "\"tunnels\" must be a list of names");
		return false;
	}
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(v)) {
			control_refuse(c, client, "bad-request", "\"tunnels\" must be a list of names");
			return false;
		}
		if (conf_find(c->ops.conf(c->arg), json_string_value(v)) == NULL) {
			control_refuse(
				c, client, "unknown-tunnel", "no tunnel is called '%s'", quote(json_string_value(v), word));
			return false;
		}
	}
	return true;
}

void control_name_of(struct control *c, uint32_t id, char name[TUNNEL_NAME_MAX + 1])
{
	const struct conf *conf = c->ops.conf(c->arg);
	name[0] = 0;
	if (conf == NULL || id == 0 || id > 65535)
		return;
	uint16_t place = c->index[id];
	if (place >= conf->n || conf->tunnels[place]->id != id) {
		for (uint32_t i = 0; i < conf->n && i < 65536; i++) {
			if (conf->tunnels[i]->id < 65536)
				c->index[conf->tunnels[i]->id] = (uint16_t)i;
		}
		place = c->index[id];
	}
	if (place < conf->n && conf->tunnels[place]->id == id)
		snprintf(name, TUNNEL_NAME_MAX + 1, "%s", conf->tunnels[place]->name);
}

/* ---------------------------------------------------------------- waiting */
/* A free place, or NULL after telling the client that there is none. */
static struct pending *wait_for(struct control *c, uint64_t client, const struct command *command, json_t *request)
{
	struct pending *place = NULL;
	unsigned own = 0;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		struct pending *p = &c->pending[i];
		if (p->command == NULL)
			place = place != NULL ? place : p;
		else if (p->client == client)
			own++;
	}
	if (place == NULL || own >= PENDING_PER_CLIENT) {
		control_refuse(c, client, "busy", "too many requests wait for their answer; try again");
		return NULL;
	}
	place->command = command;
	place->client = client;
	place->request = json_incref(request);
	return place;
}

/* ---------------------------------------------------------------- status, show, top, metrics */
static void put_tunnel(struct control *c, struct line *l, const struct command *self, uint32_t id)
{
	struct tunnel_view v = { 0 };
	if (!ike_view(c->ops.ike(c->arg), id, &v) || v.conf == NULL)
		return;
	if (l->data[l->len - 1] != '[')
		line_puts(l, ",");
	line_json(l, self->tunnel(&v, c->ops.now(c->arg).wall));
}

static void handle_counted(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	if (!control_get_tunnels(c, client, request))
		return;
	if (wait_for(c, client, self, request) == NULL || c->counting)
		return;
	c->counting = true;
	c->ops.counters(c->arg);
}

/* Written tunnel by tunnel: the tree of ten thousand would be ten times the size of the text. */
static void answer_tunnels(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	const struct conf *conf = c->ops.conf(c->arg);
	struct line l = { 0 };
	json_t *name;
	size_t i;
	/* A reload may have happened since the request came. */
	if (!control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	struct moment now = c->ops.now(c->arg);
	char at[TIME_TEXT], begin[128];
	snprintf(begin, sizeof begin, "{\"version\":1,\"at\":\"%s\",\"clock_ms\":%lld,\"tunnels\":[", wall_format(now.wall, at),
		(long long)now.mono.ms);
	line_puts(&l, begin);
	json_array_foreach(names, i, name) put_tunnel(c, &l, self, conf_find(conf, json_string_value(name))->id);
	for (uint32_t n = 0; json_array_size(names) == 0 && n < conf->n; n++)
		put_tunnel(c, &l, self, conf->tunnels[n]->id);
	line_puts(&l, "]}");
	c->ops.send(c->arg, client, l.data);
	line_release(&l);
}

static void answer_metrics(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "format"));
	bool classic = word != NULL && strcmp(word, "classic") == 0;
	json_t *o = control_versioned();
	struct line l = { 0 };
	(void)self;
	metrics_text(c->metrics, c->ops.ike(c->arg), c->ops.conf(c->arg), classic ? METRICS_CLASSIC : METRICS_OPEN, &l);
	json_object_set_new(o, "content_type", json_string(classic ? METRICS_CLASSIC_TYPE : METRICS_OPEN_TYPE));
	json_object_set_new(o, "metrics", json_string(l.data));
	line_release(&l);
	control_answer(c, client, o);
}

void control_counters(struct control *c)
{
	c->counting = false;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command == NULL || c->pending[i].token != 0)
			continue;
		struct pending p = c->pending[i]; /* its place is free before the answer leaves */
		c->pending[i] = (struct pending){ 0 };
		p.command->counted(c, p.client, p.command, p.request);
		pending_clear(&p);
	}
}

/* ---------------------------------------------------------------- up, down, rekey, reload */
static void handle_order(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool ike, check;
	enum ike_command_kind kind = self->kind;
	if (!control_get_flag(c, client, request, "ike", &ike) || !control_get_flag(c, client, request, "check", &check) ||
		!control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	if (json_array_size(names) != 1) {
		control_refuse(c, client, "bad-request", "%s wants exactly one tunnel", self->word);
		return;
	}
	if ((ike || check) && (kind != COMMAND_REKEY || ike == check)) {
		control_refuse(c, client, "bad-request", "\"ike\" or \"check\" go with rekey only, and not together");
		return;
	}
	kind = ike ? COMMAND_REKEY_IKE : check ? COMMAND_REKEY_CHECK : kind;
	const struct tunnel_conf *t = conf_find(c->ops.conf(c->arg), json_string_value(json_array_get(names, 0)));
	struct pending *p = wait_for(c, client, self, request);
	if (p == NULL)
		return;
	snprintf(p->tunnel, sizeof p->tunnel, "%s", t->name);
	p->token = ++c->token;
	c->ops.command(c->arg, kind, t->id, p->token);
}

static void handle_reload(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool dry_run;
	if (!control_get_flag(c, client, request, "dry_run", &dry_run))
		return;
	struct pending *p = wait_for(c, client, self, request);
	if (p == NULL)
		return;
	p->token = ++c->token;
	c->ops.reload(c->arg, p->token, dry_run);
}

/* What came back may be a JSON object (its members join the answer) or words. */
static json_t *outcome(const struct pending *p, bool ok, const char *text)
{
	json_t *o = control_versioned(), *told = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *inner = ok ? o : json_object();
	if (p->tunnel[0] != 0)
		json_object_set_new(o, "tunnel", json_string(p->tunnel));
	if (ok)
		json_object_set_new(o, "done", json_true());
	else
		json_object_set_new(inner, "code", json_string("failed"));
	if (json_is_object(told) && ok)
		json_object_update_missing(inner, told);
	else if (json_is_object(told))
		json_object_update(inner, told);
	if (json_object_get(inner, "text") == NULL)
		json_object_set_new(inner, "text", json_is_object(told) ? json_null() : json_words(text));
	if (!ok)
		json_object_set_new(o, "error", inner);
	if (told != NULL)
		json_decref(told);
	return o;
}

void control_reply(struct control *c, uint64_t token, bool ok, const char *text)
{
	for (unsigned i = 0; token != 0 && i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command == NULL || c->pending[i].token != token)
			continue;
		struct pending p = c->pending[i];
		c->pending[i] = (struct pending){ 0 };
		control_answer(c, p.client, outcome(&p, ok, text));
		pending_clear(&p);
		return;
	}
}

/* ---------------------------------------------------------------- ping, version */
static void handle_ping(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	char now[TIME_TEXT];
	json_t *o = control_versioned();
	(void)self;
	(void)request;
	json_object_set_new(o, "daemon", json_string("s2sd"));
	json_object_set_new(o, "release", json_string(S2S_VERSION));
	json_object_set_new(o, "now", json_string(wall_format(c->ops.now(c->arg).wall, now)));
	control_answer(c, client, o);
}

/* ---------------------------------------------------------------- requests */
static const struct command commands[] = {
	{ "status", handle_counted, 0, answer_tunnels, json_status },
	{ "show", handle_counted, 0, answer_tunnels, json_show },
	{ "top", handle_counted, 0, answer_tunnels, json_top },
	{ "metrics", handle_counted, 0, answer_metrics, NULL },
	{ "up", handle_order, COMMAND_UP, NULL, NULL },
	{ "down", handle_order, COMMAND_DOWN, NULL, NULL },
	{ "rekey", handle_order, COMMAND_REKEY, NULL, NULL },
	{ "reload", handle_reload, 0, NULL, NULL },
	{ "events", handle_events, 0, NULL, NULL },
	{ "trace", handle_trace, 0, NULL, NULL },
	{ "ping", handle_ping, 0, NULL, NULL },
	{ "version", handle_ping, 0, NULL, NULL },
};

static void dispatch(struct control *c, uint64_t client, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "command"));
	char text[QUOTE_MAX];
	if (!json_is_object(request) || word == NULL) {
		control_refuse(c, client, "bad-request", "a request is an object with a \"command\"");
		return;
	}
	if (c->ops.conf(c->arg) == NULL) {
		control_refuse(c, client, "starting", "the daemon has no configuration yet; try again");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(word, commands[i].word) == 0) {
			commands[i].handle(c, client, &commands[i], request);
			return;
		}
	}
	control_refuse(c, client, "unknown-command", "no command is called '%s'", quote(word, text));
}

void control_request(struct control *c, uint64_t client, const char *line, size_t len)
{
	json_error_t why;
	char text[QUOTE_MAX];
	if (len > CONTROL_LINE_MAX) {
		control_refuse(c, client, "too-long", "a request has at most %d bytes", CONTROL_LINE_MAX);
		return;
	}
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (request == NULL) {
		control_refuse(c, client, "bad-json", "at byte %d: %s", why.position, quote(why.text, text));
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
			pending_clear(&c->pending[i]);
	}
	events_client_gone(c, client);
	trace_client_gone(c, client);
}
