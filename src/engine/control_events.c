/* control_events.c - the facts that are kept, and who follows them. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "control_core.h"

#define SLICE_EVENTS 64u

static json_t *told(const struct noted *n)
{
	json_t *o = control_versioned();
	json_object_set_new(o, "event", json_event(n));
	return o;
}

static bool meant(const char *tunnel, const char *whose) { return tunnel[0] == 0 || strcmp(tunnel, whose) == 0; }

/* ---------------------------------------------------------------- kept */
#define HEAD offsetof(struct fact, was) /* what a fact has before its words */
struct kept_fact { /* most words of a fact are short or none: they stand here one after the other, each ended by its zero, the tunnel's name first */
	int64_t at;
	uint8_t head[HEAD];
	char words[];
};

#define WORD(member) \
	{ \
		offsetof(struct noted, member), sizeof((struct noted *)0)->member \
	}
static const struct {
	size_t at, size;
} words[] = { WORD(tunnel), WORD(fact.was), WORD(fact.now), WORD(fact.by), WORD(fact.text), WORD(fact.ours), WORD(fact.theirs) };

static size_t word_length(const struct noted *n, unsigned i) { return strnlen((const char *)n + words[i].at, words[i].size - 1); }

static void keep(struct control *c, const struct noted *n)
{
	struct kept_fact **place = &c->ring[c->facts++ % CONTROL_RING], *k;
	size_t all = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		all += word_length(n, i) + 1;
	k = xcalloc(1, sizeof *k + all);
	k->at = n->at;
	memcpy(k->head, &n->fact, HEAD);
	char *to = k->words;
	for (unsigned i = 0; i < ARRAY_SIZE(words); to += word_length(n, i) + 1, i++)
		memcpy(to, (const char *)n + words[i].at, word_length(n, i));
	free(*place);
	*place = k;
}

static const struct kept_fact *fact_at(const struct control *c, uint64_t fact) { return c->ring[fact % CONTROL_RING]; }

static void recall(const struct kept_fact *k, struct noted *n)
{
	const char *from = k->words;
	*n = (struct noted){ .at = k->at };
	memcpy(&n->fact, k->head, HEAD);
	for (unsigned i = 0; i < ARRAY_SIZE(words); from += strlen(from) + 1, i++)
		memcpy((char *)n + words[i].at, from, strlen(from) + 1);
}

void events_forget(struct control *c)
{
	for (unsigned i = 0; i < CONTROL_RING; i++)
		free(c->ring[i]);
}

/* ---------------------------------------------------------------- noted, and told */

bool control_debug_is_followed(const struct control *c)
{
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		if (c->followers[i].used && c->followers[i].debug)
			return true;
	}
	return false;
}

/* Debug facts go to those who follow and ask for them, and are not kept: the packets of an unknown peer could fill the ring with them. */
void control_fact(struct control *c, struct moment now, const struct fact *f)
{
	struct noted n;
	bool debug = fact_level(f->code) == LOG_LEVEL_DEBUG;
	if (debug && !control_debug_is_followed(c)) { /* it is only counted */
		control_name_of(c, f->tunnel, n.tunnel);
		metrics_fact(c->metrics, n.tunnel, f);
		return;
	}
	n.at = now.wall;
	n.fact = *f;
	n.fact.text[FACT_TEXT - 1] = 0;
	control_name_of(c, f->tunnel, n.tunnel);
	metrics_fact(c->metrics, n.tunnel, &n.fact);
	if (!debug)
		keep(c, &n);
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		struct follower *w = &c->followers[i];
		if (w->used && (!debug || w->debug) && meant(w->tunnel, n.tunnel))
			control_answer(c, w->client, told(&n));
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
		last -= meant(tunnel, fact_at(c, at)->words);
	}
	return at;
}

void request_events(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool following, debug;
	json_int_t last;
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
	struct pending *p = control_wait(c, client, self, request);
	if (p == NULL)
		return;
	if (following && !follow(c, client, tunnel, debug)) {
		control_pending_clear(p);
		return;
	}
	snprintf(p->tunnel, sizeof p->tunnel, "%s", tunnel);
	p->counted = true; /* of SAs none are needed */
	p->lines = following;
	p->fact = first_of(c, tunnel, last);
	p->facts = c->facts; /* what is noted from now on is told by itself */
	c->ops.begin(c->arg, client);
}

/* Who follows gets them as he gets those that follow, a line each; others as one list. What the ring forgets meanwhile is left out. */
bool slice_events(struct control *c, struct pending *p, struct line *l)
{
	if (!p->begun && !p->lines)
		line_puts(l, "{\"version\":1,\"events\":[");
	if (c->facts > CONTROL_RING && p->fact < c->facts - CONTROL_RING)
		p->fact = c->facts - CONTROL_RING;
	for (unsigned left = SLICE_EVENTS; left > 0 && p->fact < p->facts; p->fact++) {
		struct noted n;
		if (!meant(p->tunnel, fact_at(c, p->fact)->words))
			continue;
		recall(fact_at(c, p->fact), &n);
		left--;
		if (p->listed)
			line_puts(l, p->lines ? "\n" : ",");
		p->listed = true;
		line_json(l, p->lines ? told(&n) : json_event(&n));
	}
	if (p->fact < p->facts)
		return true;
	if (!p->lines)
		line_puts(l, "]}");
	return false;
}

void events_client_gone(struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
		if (c->followers[i].used && c->followers[i].client == client)
			c->followers[i] = (struct follower){ 0 };
	}
}
