/* control_query.c - status, show, top, metrics: they wait until fresh counters are in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control_core.h"

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

static void put_tunnel(struct control *c, struct line *l, const struct command *self, uint32_t id)
{
	struct tunnel_view v = { 0 };
	if (!ike_view(c->ops.ike(c->arg), id, &v) || v.conf == NULL)
		return;
	const struct differing *d = differing(c, id, v.conf->name);
	struct kernel_note k = { d != NULL ? d->text : NULL, metrics_count(c->metrics, id, v.conf->name, FACT_KERNEL_REPAIRED) };
	if (l->data[l->len - 1] != '[')
		line_puts(l, ",");
	line_json(l, self->tunnel(&v, &k, c->ops.now(c->arg).wall));
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

/* Written tunnel by tunnel: the tree of ten thousand would be ten times the size of the text. */
void answer_tunnels(struct control *c, uint64_t client, const struct command *self, json_t *request)
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
	json_array_foreach (names, i, name)
		put_tunnel(c, &l, self, conf_find(conf, json_string_value(name))->id);
	for (uint32_t n = 0; json_array_size(names) == 0 && n < conf->n; n++)
		put_tunnel(c, &l, self, conf->tunnels[n]->id);
	line_puts(&l, "]}");
	c->ops.send(c->arg, client, l.data);
	line_release(&l);
}

void answer_metrics(struct control *c, uint64_t client, const struct command *self, json_t *request)
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
		control_pending_clear(&p);
	}
}
