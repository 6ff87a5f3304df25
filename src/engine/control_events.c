/* control_events.c - the facts that are kept, and who follows them. */
#include <stdio.h>
#include <string.h>

#include "control_core.h"

static void send_event(struct control *c, uint64_t client, const struct noted *n)
{
	json_t *o = control_versioned();
	json_object_set_new(o, "event", json_event(n));
	control_answer(c, client, o);
}

static bool meant(const char *tunnel, const struct noted *n) { return tunnel[0] == 0 || strcmp(tunnel, n->tunnel) == 0; }

/* Debug facts go to those who follow and ask for them, and are not kept: the packets of an unknown peer could fill the ring with them. */
void control_fact(struct control *c, struct moment now, const struct fact *f)
{
	struct noted fresh, *n = &fresh;
	bool debug = fact_level(f->code) == LOG_LEVEL_DEBUG;
	if (!debug)
		n = &c->ring[c->facts++ % CONTROL_RING];
	n->at = now.wall;
	n->fact = *f;
	n->fact.text[FACT_TEXT - 1] = 0;
	control_name_of(c, f->tunnel, n->tunnel);
	metrics_fact(c->metrics, n->tunnel, &n->fact);
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		struct follower *w = &c->followers[i];
		if (w->used && (!debug || w->debug) && meant(w->tunnel, n))
			send_event(c, w->client, n);
	}
}

static bool follow(struct control *c, uint64_t client, const char *tunnel, bool debug)
{
	struct follower *place = NULL;
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		struct follower *w = &c->followers[i];
		if (w->used && w->client == client) {
			place = w;
			break;
		}
		if (!w->used && place == NULL)
			place = w;
	}
	if (place == NULL) {
		control_refuse(c, client, CONTROL_ERROR_BUSY, "too many clients follow the events");
		return false;
	}
	*place = (struct follower){ .used = true, .debug = debug, .client = client };
	snprintf(place->tunnel, sizeof place->tunnel, "%s", tunnel);
	return true;
}

/* The number of kept facts to skip so that at most `last` that are meant remain. */
static uint64_t first_of(const struct control *c, const char *tunnel, json_int_t last)
{
	uint64_t kept = c->facts < CONTROL_RING ? c->facts : CONTROL_RING, at = c->facts;
	while (at > c->facts - kept && last > 0) {
		at--;
		last -= meant(tunnel, &c->ring[at % CONTROL_RING]);
	}
	return at;
}

void request_events(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool following, debug;
	json_int_t last;
	(void)self;
	if (!control_get_flag(c, client, request, "follow", &following) ||
		!control_get_flag(c, client, request, "debug", &debug) ||
		!control_get_count(c, client, request, "last", CONTROL_RING, &last) || !control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	if (json_array_size(names) > 1) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "events wants one tunnel, or none for all");
		return;
	}
	const char *tunnel = json_array_size(names) == 1 ? json_string_value(json_array_get(names, 0)) : "";
	if (following && !follow(c, client, tunnel, debug))
		return;
	struct line l = { 0 };
	line_puts(&l, "{\"version\":1,\"events\":[");
	for (uint64_t at = first_of(c, tunnel, last); at < c->facts; at++) {
		const struct noted *n = &c->ring[at % CONTROL_RING];
		if (!meant(tunnel, n))
			continue;
		if (following) {
			send_event(c, client, n);
			continue;
		}
		line_puts(&l, l.data[l.len - 1] == '[' ? "" : ",");
		line_json(&l, json_event(n));
	}
	line_puts(&l, "]}");
	if (!following)
		c->ops.send(c->arg, client, l.data);
	line_release(&l);
}

void events_client_gone(struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		if (c->followers[i].used && c->followers[i].client == client)
			c->followers[i] = (struct follower){ 0 };
	}
}
