/*
 * events.c - news from the kernel: expired SAs, new addresses of peers, uplinks, what others do to objects of ours.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/util.h"
#include "keeper.h"

#define ACQUIRE_SPAN 1000 /* ms */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })

static void on_expire(struct keeper *k, const struct kernel_event *e)
{
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++) {
		struct esp_held *r = keeper_sa(k, e->tunnel, dir, e->spi);
		if (r == NULL || !addr_same_ip(dir == ESP_IN ? &r->local : &r->remote, &e->addr))
			continue;
		struct msg_expire m = { .tunnel = e->tunnel, .spi = e->spi, .dir = dir, .hard = e->hard };
		if (!r->expiring && !e->hard) {
			r->expiring = true;
			keeper_save_tunnel(k, keeper_tunnel(k, e->tunnel));
		}
		keeper_send(k, MSG_EXPIRE, NO_TICKET, &m, sizeof m);
		if (e->hard)
			keeper_sa_drop(k, r);
		return;
	}
}

/* The kernel asks once for each slot until the answer is in or half a minute has passed; another program may say that it asks as often as it likes. */
static void on_acquire(struct keeper *k, const struct kernel_event *e)
{
	struct tunnel_run *t = keeper_tunnel(k, e->tunnel);
	struct msg_acquire m = { e->tunnel, e->local, e->remote };
	unsigned lost;
	if (t == NULL || !limit_passes(&t->acquires, keeper_now(), ACQUIRE_SPAN, ESP_SLOTS_MAX, &lost))
		return;
	if (k->phase == PHASE_DOWN && k->acquires.n < ACQUIRES_WAITING)
		k->acquires.v[k->acquires.n++] = m;
	else
		keeper_send(k, MSG_ACQUIRE, NO_TICKET, &m, sizeof m);
}

static void uplink_changed_soon(struct keeper *k)
{
	struct timeval soon = { 0, 200000 };
	if (!evtimer_pending(k->uplink_changed, NULL))
		evtimer_add(k->uplink_changed, &soon);
}

static void on_uplink_changed(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	(void)fd, (void)what;
	size_t it = 0;
	/* Host routes before paths: the engine's look-ups follow them. */
	if (k->ops->peer_routes_renew(k->kernel) != 0)
		log_line(LOG_LEVEL_WARNING, "host routes to the peers cannot be recreated: %s", k->ops->why(k->kernel));
	keeper_send(k, MSG_PATH_CHANGED, NO_TICKET, NULL, 0);
	/* The new uplink may have another MTU, and takes routes with it that it had no business with. */
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;)
		t->relink |= t->linked && t->link.state == LINK_UP;
	keeper_work_soon(k, 0);
}

static void on_kernel_event(void *arg, const struct kernel_event *e)
{
	struct keeper *k = arg;
	struct msg_mapping m = { e->tunnel, e->spi, e->addr };
	switch (e->kind) {
	case KERNEL_EXPIRE: on_expire(k, e); break;
	case KERNEL_MAPPING: keeper_send(k, MSG_MAPPING, NO_TICKET, &m, sizeof m); break;
	case KERNEL_ACQUIRE: on_acquire(k, e); break;
	case KERNEL_UPLINK_CHANGED: uplink_changed_soon(k); break;
	case KERNEL_TOUCHED:
		if (k->settled)
			keeper_reconcile_soon(k);
		break;
	case KERNEL_OVERRUN:
		if (!k->settled)
			break;
		log_line(LOG_LEVEL_WARNING, "netlink overrun: resynchronising with the kernel");
		uplink_changed_soon(k);
		keeper_reconcile_soon(k);
		break;
	}
}

static void on_kernel_readable(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	(void)what;
	k->ops->read(k->kernel, fd);
}

static void warn_forwarding(struct keeper *k, int family, const char *name)
{
	bool used = false;
	for (uint32_t i = 0; i < k->conf->n && !used; i++) {
		const struct ts_list *l = k->conf->tunnels[i]->remote_ts;
		for (unsigned j = 0; j < l->n; j++)
			used |= l->v[j].lo.family == family;
	}
	if (!used || k->ops->forwarding(k->kernel, family) == 1)
		return;
	if (k->conf->global.forwarding == FORWARDING_CHECK)
		log_line(LOG_LEVEL_WARNING,
			"%s forwarding is off: only this machine itself can use the tunnels (forwarding: yes turns it on)", name);
	else if (k->ops->set_forwarding(k->kernel, family) != 0)
		log_line(LOG_LEVEL_ERROR, "%s forwarding cannot be turned on: %s", name, k->ops->why(k->kernel));
}

/* All tunnels have been set just now, and thousands of them make more news than fits: it is no news. What failed is tried again by itself. */
static void settle(struct keeper *k, bool clean)
{
	int fds[4];
	size_t it = 0;
	unsigned n = k->ops->fds(k->kernel, fds);
	for (unsigned i = 0; i < n; i++)
		k->ops->read(k->kernel, fds[i]);
	for (struct tunnel_run *t; clean && (t = table_next(&k->tunnels, &it)) != NULL;)
		t->set = t->set == SET_PENDING && !t->relink ? SET_DONE : t->set;
	k->settled = true;
}

/* What an earlier life left, and there is no record of it: adopted or swept. Its SAs carry on until the engine has others. */
static bool adopt(struct keeper *k)
{
	struct kernel_tunnel *wanted = xcalloc(k->conf->n > 0 ? k->conf->n : 1, sizeof *wanted);
	for (uint32_t i = 0; i < k->conf->n; i++)
		keeper_tunnel_describe(k, k->conf->tunnels[i], NULL, &wanted[i]);
	bool clean = k->ops->adopt(k->kernel, wanted, k->conf->n, true) == 0;
	if (!clean)
		log_line(LOG_LEVEL_WARNING, "what an earlier run left cannot be adopted: %s", k->ops->why(k->kernel));
	free(wanted);
	return clean;
}

static void hold(void *arg, const struct esp_held *h) { keeper_sa_found(arg, h); }

/* The engine is told of them, dials beside, and has them removed. */
static void hold_sas(struct keeper *k)
{
	if (k->ops->held(k->kernel, hold, k) != 0)
		log_line(LOG_LEVEL_WARNING, "SAs of an earlier run cannot be listed: %s", k->ops->why(k->kernel));
	size_t n = keeper_sas_count(k);
	if (n > 0)
		log_line(LOG_LEVEL_NOTICE, "%zu SAs of an earlier run that nobody knows any more carry on until new ones do", n);
}

bool keeper_kernel_open(struct keeper *k)
{
	int fds[4];
	int err = k->ops->open(&k->kernel, on_kernel_event, k);
	if (err != 0) {
		log_line(LOG_LEVEL_ERROR, "the kernel lacks what IPsec needs: %s (%s)", k->ops->why(k->kernel), strerror(-err));
		return false;
	}
	if (k->ops->why(k->kernel)[0] != 0 && !k->opt.null_kernel)
		log_line(LOG_LEVEL_WARNING, "%s", k->ops->why(k->kernel));
	unsigned n = k->ops->fds(k->kernel, fds);
	for (unsigned i = 0; i < n; i++) {
		k->kernel_events[i] = event_new(k->base, fds[i], EV_READ | EV_PERSIST, on_kernel_readable, k);
		event_add(k->kernel_events[i], NULL);
	}
	k->tunnel_work = evtimer_new(k->base, keeper_tunnel_work, k);
	k->uplink_changed = evtimer_new(k->base, on_uplink_changed, k);
	bool clean = true;
	if (k->stores.found)
		keeper_tunnels_resume(k);
	else
		clean = adopt(k);
	warn_forwarding(k, AF_INET, "IPv4");
	warn_forwarding(k, AF_INET6, "IPv6");
	keeper_repairs_open(k);
	if (k->stores.found)
		keeper_reconcile(k); /* which SAs are there still: an engine that goes on is told so */
	keeper_tunnels_refresh(k, NULL);
	if (!k->stores.found)
		hold_sas(k);
	settle(k, clean);
	return true;
}

void keeper_kernel_close(struct keeper *k)
{
	size_t it = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		keeper_tunnel_free(t);
	}
	table_release(&k->tunnels);
	for (unsigned i = 0; i < ARRAY_SIZE(k->kernel_events); i++) {
		if (k->kernel_events[i] != NULL)
			event_free(k->kernel_events[i]);
	}
	if (k->tunnel_work != NULL)
		event_free(k->tunnel_work);
	if (k->uplink_changed != NULL)
		event_free(k->uplink_changed);
	keeper_repairs_close(k);
	k->ops->close(k->kernel);
	k->kernel = NULL;
}
