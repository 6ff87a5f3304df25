/*
 * control_trace.c - who watches the messages of a tunnel. The protocol traces a tunnel only while somebody does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "control_core.h"

static bool watched(const struct control *c, uint32_t tunnel)
{
	for (unsigned i = 0; i < TRACERS_MAX; i++) {
		if (c->tracers[i].used && c->tracers[i].tunnel == tunnel)
			return true;
	}
	return false;
}

static void leave(struct control *c, struct tracer *t)
{
	uint32_t tunnel = t->tunnel;
	if (!t->used)
		return;
	*t = (struct tracer){ 0 };
	if (!watched(c, tunnel))
		c->ops.command(c->arg, COMMAND_UNTRACE, tunnel, 0);
}

void trace_client_gone(struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < TRACERS_MAX; i++) {
		if (c->tracers[i].client == client)
			leave(c, &c->tracers[i]);
	}
}

static struct tracer *free_place(struct control *c)
{
	for (unsigned i = 0; i < TRACERS_MAX; i++) {
		if (!c->tracers[i].used)
			return &c->tracers[i];
	}
	return NULL;
}

void request_trace(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	(void)self;
	if (!control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	if (json_array_size(names) != 1) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "trace wants exactly one tunnel");
		return;
	}
	trace_client_gone(c, client); /* one tunnel at a time per client */
	const struct tunnel_conf *t = conf_find(c->ops.conf(c->arg), json_string_value(json_array_get(names, 0)));
	struct tracer *place = free_place(c);
	if (place == NULL) {
		control_refuse(c, client, CONTROL_ERROR_BUSY, "too many clients trace tunnels");
		return;
	}
	*place = (struct tracer){ .used = true, .client = client, .tunnel = t->id };
	snprintf(place->name, sizeof place->name, "%s", t->name);
	c->ops.command(c->arg, COMMAND_TRACE, t->id, 0);
	json_t *o = control_versioned();
	json_object_set_new(o, "tracing", json_string(t->name));
	control_answer(c, client, o);
}

void control_trace(struct control *c, int64_t wall_us, const struct ike_action *a)
{
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	json_t *trace = json_object();
	json_object_set_new(trace, "at_us", json_integer(wall_us));
	json_object_set_new(trace, "direction", json_string(a->trace.out ? "out" : "in"));
	json_object_set_new(trace, "local", json_string(addr_port_format(&a->trace.local, local)));
	json_object_set_new(trace, "remote", json_string(addr_port_format(&a->trace.remote, remote)));
	json_object_set_new(trace, "note", json_words(a->trace.note));
	json_object_set_new(trace, "message", a->trace.note == NULL ? json_hex(a->trace.message) : json_null());
	for (unsigned i = 0; i < TRACERS_MAX; i++) {
		const struct tracer *t = &c->tracers[i];
		if (!t->used || t->tunnel != a->trace.tunnel)
			continue;
		json_t *o = control_versioned();
		json_object_set_new(o, "tunnel", json_string(t->name));
		json_object_set(o, "trace", trace);
		control_answer(c, t->client, o);
	}
	json_decref(trace);
}
