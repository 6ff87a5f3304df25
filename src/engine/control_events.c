/* control_events.c - the facts that are kept, and who follows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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
#define WORDS 7
struct kept_fact { /* most words of a fact are short or none: they stand here one after the other, each ended by its zero, the tunnel's name first */
	int64_t at;
	enum fact_code code;
	enum blame blame;
	enum fact_subject subject;
	uint32_t tunnel;
	struct addr peer;
	uint8_t protocol;
	uint16_t notify;
	char words[];
};

static void words_of(struct noted *n, char *word[WORDS])
{
	struct fact *f = &n->fact;
	char *const all[WORDS] = { n->tunnel, f->was, f->now, f->by, f->text, f->ours, f->theirs };
	memcpy(word, all, sizeof all);
}

static void keep(struct control *c, struct noted *n)
{
	struct kept_fact **place = &c->ring[c->facts++ % CONTROL_RING], *k;
	const struct fact *f = &n->fact;
	char *word[WORDS];
	size_t len[WORDS], all = 0;
	words_of(n, word);
	for (unsigned i = 0; i < WORDS; i++)
		all += len[i] = strlen(word[i]) + 1;
	k = xcalloc(1, sizeof *k + all);
	*k = (struct kept_fact){ n->at, f->code, f->blame, f->subject, f->tunnel, f->peer, f->protocol, f->notify };
	for (unsigned i = 0, at = 0; i < WORDS; at += (unsigned)len[i++])
		memcpy(k->words + at, word[i], len[i]);
	free(*place);
	*place = k;
}

static const struct kept_fact *fact_at(const struct control *c, uint64_t fact) { return c->ring[fact % CONTROL_RING]; }

static void recall(const struct kept_fact *k, struct noted *n)
{
	char *word[WORDS];
	const char *from = k->words;
	*n = (struct noted){ .at = k->at,
		.fact = { .code = k->code,
			.blame = k->blame,
			.subject = k->subject,
			.tunnel = k->tunnel,
			.peer = k->peer,
			.protocol = k->protocol,
			.notify = k->notify } };
	words_of(n, word);
	for (unsigned i = 0; i < WORDS; from += strlen(from) + 1, i++)
		memcpy(word[i], from, strlen(from) + 1);
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

static void copy_text(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size - 1);
	memcpy(to, from, n);
	to[n] = 0;
}

/* Of its kilobyte what says something. */
static void copy_fact(struct fact *to, const struct fact *f)
{
	memcpy(to, f, offsetof(struct fact, was));
	copy_text(to->was, f->was, sizeof to->was);
	copy_text(to->now, f->now, sizeof to->now);
	copy_text(to->by, f->by, sizeof to->by);
	copy_text(to->text, f->text, sizeof to->text);
	to->protocol = f->protocol;
	to->notify = f->notify;
	copy_text(to->ours, f->ours, sizeof to->ours);
	copy_text(to->theirs, f->theirs, sizeof to->theirs);
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
	copy_fact(&n.fact, f);
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
