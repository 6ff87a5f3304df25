/* settings.c - a configuration that the keeper sent comes into force. */
#include <event2/event.h>
#include <string.h>

#include "base/log.h"
#include "engine.h"
#include "ipc/loop.h"

static void set_status_interval(struct engine *e, msec interval)
{
	struct timeval every = { interval / 1000, (interval % 1000) * 1000 };
	if (interval == e->status_interval)
		return;
	e->status_interval = interval;
	event_del(e->status_timer);
	if (interval > 0)
		event_add(e->status_timer, &every);
}

static void start_reading(struct engine *e)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (e->udp[i] != NULL)
			event_add(e->udp[i], NULL);
	}
	e->ready = true;
	engine_send(e, MSG_READY, (struct ike_ticket){ 0, 0 }, NULL, 0);
}

/* What did not change keeps its object, as in the keeper: pointer equality means "unchanged" (conf.h). The ids are the keeper's. */
static void keep_unchanged(const struct names *before, struct conf *c)
{
	const char *key;
	for (uint32_t i = 0; i < c->n; i++) {
		struct tunnel_conf *t = c->tunnels[i], *old = t->id < before->n ? before->v[t->id] : NULL;
		if (old == NULL || old == t || strcmp(old->name, t->name) != 0)
			continue;
		tunnel_conf_diff(old, t, &key);
		if (key != NULL)
			continue;
		c->tunnels[i] = tunnel_conf_ref(old);
		tunnel_conf_unref(t);
	}
}

static const char *name_of(const void *arg, uint32_t tunnel) { return engine_tunnel_name(arg, tunnel); }

void engine_configure(struct engine *e, struct conf *c)
{
	struct ike_event in = { .kind = EVENT_CONF, .conf = { .conf = c } };
	if (e->verbose == 0)
		log_set_level(c->global.log_level);
	work_resize(e->work, c->global.workers);
	set_status_interval(e, c->global.status_interval);
	keep_unchanged(&e->names, c);
	work_settle(e->work, c);
	names_take(e, c);
	e->conf = c;
	/* Ready first: the keeper permits what the configuration asks for only from then on. */
	bool first = !e->ready;
	if (first) {
		start_reading(e);
		in.conf.restore = records_restore(e->records, e->names.n, name_of, e);
	}
	engine_step(e, &in);
	records_restored(e->records);
	names_settle(e);
	report_summary(e);
	if (!first)
		return;
	/* A request needs the configuration, and the keeper's consent to what it causes. */
	clients_open(e->clients);
	event_add(e->calm_timer, &(struct timeval){ RECORDS_CALM / 1000, 0 });
	loop_trim_soon(e->base);
}
