/*
 * control_core.c - what every request needs: its members read and checked, its answer sent, its place while it waits.
 */
#include "control_core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "places.h"

/* An answer that is read slowly keeps its place: nobody has those of others. */
#define PENDING_PER_CLIENT (CONTROL_PENDING_MAX / PLACES_MAX)

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

void control_refuse(struct control *c, uint64_t client, enum control_error code, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_t *o = control_versioned(), *error = json_object();
	json_object_set_new(error, "code", json_string(control_error_word(code)));
	json_object_set_new(error, "text", json_words(text));
	json_object_set_new(o, "error", error);
	control_answer(c, client, o);
}

const char *control_quote(const char *word, char text[CONTROL_QUOTE])
{
	return log_escape(text, CONTROL_QUOTE, bytes_of(word, strlen(word)));
}

/* ---------------------------------------------------------------- members of a request */
bool control_get_flag(struct control *c, uint64_t client, const json_t *request, const char *key, bool *flag)
{
	const json_t *v = json_object_get(request, key);
	*flag = json_is_true(v);
	if (v == NULL || json_is_boolean(v) || json_is_null(v))
		return true;
	control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "\"%s\" must be true or false", key);
	return false;
}

bool control_get_count(struct control *c, uint64_t client, const json_t *request, const char *key, json_int_t max, json_int_t *n)
{
	const json_t *v = json_object_get(request, key);
	*n = max;
	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "\"%s\" must be a number, 0 or more", key);
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
	char word[CONTROL_QUOTE];
	bool single = one != NULL && !json_is_null(one);
	if (single || list == NULL || json_is_null(list)) {
		list = json_array();
		if (single)
			json_array_append(list, one);
		json_object_set_new(request, "tunnels", list);
	}
	if (!json_is_array(list)) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "\"tunnels\" must be a list of names");
		return false;
	}
	json_array_foreach (list, i, v) {
		if (!json_is_string(v)) {
			control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "\"tunnels\" must be a list of names");
			return false;
		}
		if (conf_find(c->ops.conf(c->arg), json_string_value(v)) == NULL) {
			control_refuse(c, client, CONTROL_ERROR_UNKNOWN_TUNNEL, "no tunnel is called '%s'",
				control_quote(json_string_value(v), word));
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
		memcpy(name, conf->tunnels[place]->name, TUNNEL_NAME_MAX + 1);
}

/* ---------------------------------------------------------------- waiting */
struct pending *control_wait(struct control *c, uint64_t client, const struct command *command, json_t *request)
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
		control_refuse(c, client, CONTROL_ERROR_BUSY, "too many requests wait for their answer; try again");
		return NULL;
	}
	place->command = command;
	place->client = client;
	place->request = json_incref(request);
	return place;
}

void control_pending_clear(struct pending *p)
{
	if (p->request != NULL)
		json_decref(p->request);
	*p = (struct pending){ 0 };
}
