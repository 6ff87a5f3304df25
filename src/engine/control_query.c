/* control_query.c - status, show, top, metrics: they wait until fresh counters are in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control_core.h"

#define SLICE_TUNNELS 256u
#define SLICE_BYTES (32u << 10)

/* A tunnel that was removed may have left its id to another one. */
static const struct differing *differing(const struct control *c, uint32_t id, const char *name)
{
	const struct differing *d = table_get(&c->differs, id);
	return d != NULL && strcmp(d->tunnel, name) == 0 ? d : NULL;
}

bool control_kernel(struct control *c, uint32_t tunnel, const char *differs)
{
	struct differing *d = table_get(&c->differs, tunnel);
	bool turned = (d != NULL) != (differs != NULL);
	char name[TUNNEL_NAME_MAX + 1];
	control_name_of(c, tunnel, name);
	metrics_kernel(c->metrics, tunnel, name, differs != NULL);
	if (differs == NULL) {
		free(table_del(&c->differs, tunnel));
		return turned;
	}
	if (d == NULL) {
		d = xcalloc(1, sizeof *d);
		table_put(&c->differs, tunnel, d);
	}
	control_name_of(c, tunnel, d->tunnel);
	snprintf(d->text, sizeof d->text, "%s", differs);
	return turned;
}

static void put_tunnel(struct control *c, struct pending *p, struct line *l, uint32_t id)
{
	static struct tunnel_view v;
	if (!ike_view(c->ops.ike(c->arg), id, &v) || v.conf == NULL)
		return;
	const struct differing *d = differing(c, id, v.conf->name);
	struct kernel_note k = { d != NULL ? d->text : NULL, metrics_count(c->metrics, id, v.conf->name, FACT_KERNEL_REPAIRED) };
	if (p->listed)
		line_puts(l, ",");
	p->listed = true;
	line_json(l, p->command->tunnel(&v, &k, c->ops.now(c->arg).wall));
}

void request_counted(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	if (!control_get_tunnels(c, client, request))
		return;
	if (control_wait(c, client, self, request) == NULL || c->counting)
		return;
	c->counting = true;
	c->ops.counters(c->arg);
}

static void begin_tunnels(struct control *c, struct line *l)
{
	struct moment now = c->ops.now(c->arg);
	char at[TIME_TEXT], begin[128];
	snprintf(begin, sizeof begin, "{\"version\":1,\"at\":\"%s\",\"clock_ms\":%lld,\"tunnels\":[", wall_format(now.wall, at),
		(long long)now.mono.ms);
	line_puts(l, begin);
}

/* By name, so that a reload in between neither skips nor repeats one that stays. One that is gone by now is left out. */
bool slice_tunnels(struct control *c, struct pending *p, struct line *l)
{
	const struct conf *conf = c->ops.conf(c->arg);
	const json_t *names = json_object_get(p->request, "tunnels");
	size_t n = json_array_size(names) > 0 ? json_array_size(names) : conf->n;
	size_t at = json_array_size(names) > 0 ? p->place : conf_after(conf, p->after), end = at + SLICE_TUNNELS;
	if (!p->begun)
		begin_tunnels(c, l);
	for (; at < n && at < end && l->len < SLICE_BYTES; at++) {
		const char *name = json_string_value(json_array_get(names, at));
		const struct tunnel_conf *t = name != NULL ? conf_find(conf, name) : conf->tunnels[at];
		if (t != NULL)
			put_tunnel(c, p, l, t->id);
		if (name == NULL)
			snprintf(p->after, sizeof p->after, "%s", t->name);
	}
	p->place = at;
	if (at < n)
		return true;
	line_puts(l, "]}");
	return false;
}

bool slice_metrics(struct control *c, struct pending *p, struct line *l)
{
	const char *word = json_string_value(json_object_get(p->request, "format"));
	bool classic = word != NULL && strcmp(word, "classic") == 0;
	struct line text = { 0 };
	if (!p->begun) {
		p->at.format = classic ? METRICS_CLASSIC : METRICS_OPEN;
		line_puts(l, "{\"version\":1,\"content_type\":\"");
		line_puts(l, classic ? METRICS_CLASSIC_TYPE : METRICS_OPEN_TYPE);
		line_puts(l, "\",\"metrics\":\"");
	}
	bool more = metrics_more(c->metrics, c->ops.ike(c->arg), c->ops.conf(c->arg), &p->at, &text);
	line_escaped(l, text.data, text.len);
	line_release(&text);
	if (!more)
		line_puts(l, "\"}");
	return more;
}

void control_counters(struct control *c)
{
	c->counting = false;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		struct pending *p = &c->pending[i];
		if (p->command == NULL || p->token != 0 || p->counted)
			continue;
		p->counted = true;
		c->ops.begin(c->arg, p->client);
	}
}

/* The answer of this client that is under way, or the next one. */
static struct pending *counted_of(struct control *c, uint64_t client)
{
	struct pending *first = NULL;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++) {
		struct pending *p = &c->pending[i];
		if (p->command == NULL || p->client != client || !p->counted)
			continue;
		if (p->begun)
			return p;
		first = first != NULL ? first : p;
	}
	return first;
}

void control_more(struct control *c, uint64_t client)
{
	struct pending *p = counted_of(c, client);
	struct line l = { 0 };
	if (p == NULL) {
		c->ops.end(c->arg, client);
		return;
	}
	/* A reload may have happened since the request came. Who follows goes on following. */
	bool good = p->begun || p->lines || control_get_tunnels(c, client, p->request);
	if (good && p->command->slice(c, p, &l)) {
		p->begun = true;
		if (l.len > 0)
			c->ops.part(c->arg, client, l.data, l.len);
	} else {
		bool some = good && (l.len > 0 || p->listed); /* who follows need not hear anything yet */
		control_pending_clear(p);                     /* its place is free before the answer leaves */
		if (some) {
			line_puts(&l, "\n");
			c->ops.part(c->arg, client, l.data, l.len);
		}
		c->ops.end(c->arg, client);
		if (counted_of(c, client) != NULL)
			c->ops.begin(c->arg, client);
	}
	line_release(&l);
}
