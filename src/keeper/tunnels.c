/*
 * keeper_kernel.c - what the keeper has put into the kernel and what the kernel tells it: interfaces, the record of installed SAs, events.
 *
 * The record serves three ends: a request may only touch SAs that are there, an overrun of the event socket is repaired by comparing, and
 * when the engine dies its SAs go with it (their keys are known to nobody any more).
 */
#include "keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "crypto/crypto.h"

#define SETUP_AGAIN 10000 /* ms until a tunnel that could not be set up is tried again */
#define SLICE 5           /* ms of interface work per turn of the loop */
#define REMAKE_EVERY 1000 /* ms */
#define REMAKE_TOLD 60000 /* ms */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })

/* ---------------------------------------------------------------- the record of SAs */
static uint64_t sa_key(uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return (uint64_t)tunnel << 33 | (uint64_t)(dir & 1) << 32 | spi;
}

struct sa_record *keeper_sa(struct keeper *k, uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return table_get(&k->sas, sa_key(tunnel, dir, spi));
}

struct sa_record *keeper_sa_add(struct keeper *k, const struct esp_sa *sa)
{
	struct tunnel_run *t = keeper_tunnel(k, sa->tunnel);
	struct sa_record *r = xcalloc(1, sizeof *r);
	*r = (struct sa_record){ sa->tunnel, sa->spi, sa->dir, sa->encap, false, sa->local, sa->remote };
	if (!table_put(&k->sas, sa_key(sa->tunnel, sa->dir, sa->spi), r)) {
		free(r);
		return NULL;
	}
	t->n_sas++;
	return r;
}

void keeper_sa_drop(struct keeper *k, struct sa_record *r)
{
	struct tunnel_run *t = keeper_tunnel(k, r->tunnel);
	if (t != NULL && t->n_sas > 0)
		t->n_sas--;
	table_del(&k->sas, sa_key(r->tunnel, r->dir, r->spi));
	free(r);
}

static void remove_sa(struct keeper *k, struct sa_record *r)
{
	struct esp_remove gone = { r->tunnel, r->dir, r->spi, r->local, r->remote };
	int err = k->ops->sa_del(k->kernel, &gone);
	if (err != 0)
		log_line(LOG_LEVEL_WARNING, "an SA of tunnel %u cannot be removed: %s", r->tunnel, k->ops->why(k->kernel));
	keeper_sa_drop(k, r);
}

static void remove_sas_of(struct keeper *k, uint32_t tunnel /* 0: all */)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		if (tunnel == 0 || r->tunnel == tunnel)
			remove_sa(k, r);
	}
}

/* ---------------------------------------------------------------- tunnels */
/* found: what a name in the configuration meant last, or NULL */
static void describe(struct keeper *k, const struct tunnel_conf *t, const struct addr *found, struct kernel_tunnel *out)
{
	*out = (struct kernel_tunnel){ .id = t->id,
		.vti = t->interface_type == INTERFACE_VTI,
		.n_inside = t->n_inside,
		.inside = t->inside,
		.n_routes = t->n_routes,
		.routes = t->routes,
		.route_metric = t->route_metric,
		.route_table = t->route_table,
		.route_source = t->route_source,
		.local_ts = t->local_ts,
		.remote_ts = t->remote_ts,
		.local = t->local,
		.remote = found != NULL && t->remote_name != NULL ? *found : t->remote,
		.mtu = t->mtu,
		.mss = t->mss,
		/* A number that was written is meant; the profile's is what the cloud takes at most. */
		.mtu_most = tunnel_conf_line(t, "mtu") <= 0,
		.pin_route = t->pin_route };
	snprintf(out->interface, sizeof out->interface, "%s", t->interface);
	snprintf(out->altname, sizeof out->altname, "%s", t->altname != NULL ? t->altname : "");
	/* A VTI is made with both ends; what is not written is what the route gives. */
	if (out->vti && out->local.family == 0 && out->remote.family != 0 &&
		k->ops->path(k->kernel, &out->remote, &out->local, NULL) != 0)
		out->local = (struct addr){ 0 };
}

static void tell_usable(struct keeper *k, struct tunnel_run *t, bool usable)
{
	struct msg_tunnel m = { .tunnel = t->conf->id, .usable = usable };
	snprintf(m.why, sizeof m.why, "%s", usable ? "" : t->why);
	t->told_unusable = !usable;
	keeper_tell(k, MSG_TUNNEL, NO_TICKET, &m, sizeof m);
}

/* A new engine: what it must not dial. */
void keeper_tunnels_tell(struct keeper *k)
{
	size_t it = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		if (t->told_unusable)
			tell_usable(k, t, false);
	}
}

int keeper_tunnel_ensure(struct keeper *k, struct tunnel_run *t)
{
	struct kernel_tunnel kt;
	if (t->set == SET_DONE)
		return 0;
	describe(k, t->conf, &t->found, &kt);
	int err = k->ops->tunnel_set(k->kernel, &kt);
	if (err == 0) {
		t->set = SET_DONE;
		if (t->told_unusable)
			tell_usable(k, t, true);
		return 0;
	}
	t->set = SET_FAILED;
	char why[FACT_TEXT];
	snprintf(why, sizeof why, "%s", k->ops->why(k->kernel));
	if (t->told_unusable && strcmp(why, t->why) == 0)
		return err;
	snprintf(t->why, sizeof t->why, "%s", why);
	tell_usable(k, t, false);
	return err;
}

static void relink(struct keeper *k, struct tunnel_run *t)
{
	t->relink = false;
	if (t->linked && k->ops->tunnel_link(k->kernel, &t->link) != 0)
		keeper_fact(k, FACT_KERNEL_FAILED, BLAME_LOCAL, SUBJECT_INTERFACE, t->conf->id, "interface %s: %s",
			t->conf->interface, k->ops->why(k->kernel));
}

/* All tunnels, from the first on, are looked at for what is to be done for them, in slices of the loop. */
static void work_soon(struct keeper *k, int64_t ms)
{
	struct timeval soon = { ms / 1000, (ms % 1000) * 1000 };
	k->work_next = 0;
	if (evtimer_pending(k->tunnel_work, NULL) && keeper_now() + ms >= k->work_at)
		return;
	k->work_at = keeper_now() + ms;
	evtimer_add(k->tunnel_work, &soon);
}

/* Perhaps only the address that its name meant is refused: the engine asks for the name again once the tunnel can be set up without it. */
static void forget_found(struct tunnel_run *t)
{
	if (t->set == SET_FAILED && t->conf->remote_name != NULL && !(t->linked && t->link.state != LINK_DOWN))
		t->found = (struct addr){ 0 };
}

static void on_tunnel_work(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct timeval now = { 0, 0 };
	int64_t start = keeper_now();
	(void)fd;
	(void)what;
	if (k->work_next == 0)
		k->work_failed = false;
	while (k->work_next < k->conf->n && keeper_now() - start < SLICE) {
		struct tunnel_run *t = keeper_tunnel(k, k->conf->tunnels[k->work_next++]->id);
		if (t != NULL)
			forget_found(t);
		int err = t != NULL ? keeper_tunnel_ensure(k, t) : 0;
		k->work_failed |= err != 0;
		if (t != NULL && err == 0 && t->relink)
			relink(k, t);
	}
	if (k->work_next < k->conf->n)
		evtimer_add(k->tunnel_work, &now);
	else if (k->work_failed)
		work_soon(k, SETUP_AGAIN);
}

void keeper_tunnel_found(struct keeper *k, uint32_t id, const struct addr *remote)
{
	struct tunnel_run *t = keeper_tunnel(k, id);
	/* What is up has its own ends, which came with the link. */
	bool up = t != NULL && t->linked && t->link.state != LINK_DOWN;
	if (t == NULL || t->conf->remote_name == NULL || up || addr_same_ip(&t->found, remote))
		return;
	t->found = *remote;
	t->set = SET_PENDING;
	if (keeper_tunnel_ensure(k, t) != 0)
		work_soon(k, SETUP_AGAIN);
}

/* A tunnel that is not configured any more: the engine has been told with the configuration; what it still asks for is GRANT_GONE. */
static void forget_tunnel(struct keeper *k, struct tunnel_run *t)
{
	remove_sas_of(k, t->conf->id);
	if (k->ops->tunnel_del(k->kernel, t->conf->id, false) != 0)
		log_line(LOG_LEVEL_WARNING, "%s: cannot be removed from the kernel: %s", t->conf->name, k->ops->why(k->kernel));
	table_del(&k->tunnels, t->conf->id);
	tunnel_conf_unref(t->conf);
	free(t);
}

static void update_tunnel(struct keeper *k, struct tunnel_run *t, struct tunnel_conf *fresh)
{
	/* Another name or kind of interface is another interface. */
	if (strcmp(t->conf->interface, fresh->interface) != 0 || t->conf->interface_type != fresh->interface_type) {
		remove_sas_of(k, fresh->id);
		if (k->ops->tunnel_del(k->kernel, fresh->id, false) != 0)
			log_line(LOG_LEVEL_WARNING, "%s: the old interface cannot be removed: %s", fresh->name,
				k->ops->why(k->kernel));
		t->linked = false;
	}
	tunnel_conf_unref(t->conf);
	t->conf = tunnel_conf_ref(fresh);
	t->set = SET_PENDING;
}

void keeper_tunnels_refresh(struct keeper *k)
{
	struct table wanted;
	uint64_t seed;
	size_t it = 0;
	rng_fill(NULL, &seed, sizeof seed);
	table_init(&wanted, seed);
	for (uint32_t i = 0; i < k->conf->n; i++)
		table_put(&wanted, k->conf->tunnels[i]->id, k->conf->tunnels[i]);
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		if (table_get(&wanted, t->conf->id) == NULL)
			forget_tunnel(k, t);
	}
	table_release(&wanted);
	for (uint32_t i = 0; i < k->conf->n; i++) {
		struct tunnel_conf *c = k->conf->tunnels[i];
		struct tunnel_run *t = keeper_tunnel(k, c->id);
		if (t != NULL && t->conf != c)
			update_tunnel(k, t, c);
		if (t != NULL)
			continue;
		t = xcalloc(1, sizeof *t);
		t->conf = tunnel_conf_ref(c);
		table_put(&k->tunnels, c->id, t);
	}
	work_soon(k, 0);
}

void keeper_tunnels_down(struct keeper *k)
{
	size_t it = 0;
	remove_sas_of(k, 0);
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		struct esp_link_state down = { .tunnel = t->conf->id, .state = LINK_DOWN };
		if (t->linked && t->link.state != LINK_DOWN && k->ops->tunnel_link(k->kernel, &down) != 0)
			log_line(LOG_LEVEL_WARNING, "%s: the interface cannot be set down: %s", t->conf->name,
				k->ops->why(k->kernel));
		t->linked = t->relink = false;
	}
}

void keeper_kernel_clear(struct keeper *k)
{
	enum on_exit way = k->conf->global.on_exit;
	if (way == ON_EXIT_KEEP)
		remove_sas_of(k, 0);
	else if (k->ops->remove(k->kernel, way == ON_EXIT_GUARD) != 0)
		log_line(LOG_LEVEL_WARNING, "the kernel is not clean: %s", k->ops->why(k->kernel));
}

/* ---------------------------------------------------------------- events */
static void tell_expire(struct keeper *k, const struct sa_record *r, bool hard)
{
	struct msg_expire m = { .tunnel = r->tunnel, .spi = r->spi, .dir = r->dir, .hard = hard };
	keeper_tell(k, MSG_EXPIRE, NO_TICKET, &m, sizeof m);
}

static void on_expire(struct keeper *k, const struct kernel_event *e)
{
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++) {
		struct sa_record *r = keeper_sa(k, e->tunnel, dir, e->spi);
		if (r == NULL || !addr_same_ip(dir == ESP_IN ? &r->local : &r->remote, &e->addr))
			continue;
		tell_expire(k, r, e->hard);
		if (e->hard)
			keeper_sa_drop(k, r);
		return;
	}
}

/* Somebody deleted an interface of ours while the tunnel is configured: it is made again as it was. */
static void on_link_gone(struct keeper *k, const struct kernel_event *e)
{
	struct tunnel_run *t = keeper_tunnel(k, e->tunnel);
	int64_t now = keeper_now();
	if (t == NULL || k->phase == PHASE_STOP)
		return;
	if (t->remade_told == 0 || now - t->remade_told >= REMAKE_TOLD) {
		t->remade_told = now;
		log_line(LOG_LEVEL_WARNING, "%s: interface %s was deleted by someone else; making it again", t->conf->name,
			t->conf->interface);
	}
	int64_t wait = t->remade != 0 ? t->remade + REMAKE_EVERY - now : 0;
	t->remade = wait > 0 ? now + wait : now;
	t->set = SET_PENDING;
	t->relink = true;
	work_soon(k, wait > 0 ? wait : 0);
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
	(void)fd;
	(void)what;
	size_t it = 0;
	/* Host routes before paths: the engine's look-ups follow them. */
	if (k->ops->peer_routes_renew(k->kernel) != 0)
		log_line(LOG_LEVEL_WARNING, "host routes to the peers cannot be made again: %s", k->ops->why(k->kernel));
	keeper_tell(k, MSG_PATH_CHANGED, NO_TICKET, NULL, 0);
	/* The new uplink may have another MTU, and takes routes with it that it had no business with. */
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;)
		t->relink |= t->linked && t->link.state == LINK_UP;
	work_soon(k, 0);
}

static void mark_seen(void *arg, uint32_t tunnel, const struct esp_counters *c)
{
	struct sa_record *r = keeper_sa(arg, tunnel, c->dir, c->spi);
	if (r != NULL)
		r->seen = true;
}

void keeper_kernel_reconcile(struct keeper *k)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;)
		r->seen = false;
	if (k->ops->counters(k->kernel, mark_seen, k) != 0) {
		log_line(LOG_LEVEL_WARNING, "the kernel's SAs cannot be read: %s", k->ops->why(k->kernel));
		return;
	}
	it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		if (r->seen)
			continue;
		tell_expire(k, r, true);
		keeper_sa_drop(k, r);
	}
	/* An interface may be gone, too: setting it again makes what is missing. */
	it = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		t->set = SET_PENDING;
		t->relink |= t->linked;
	}
	uplink_changed_soon(k);
	work_soon(k, 0);
}

static void on_kernel_event(void *arg, const struct kernel_event *e)
{
	struct keeper *k = arg;
	struct msg_mapping m = { e->tunnel, e->spi, e->addr };
	switch (e->kind) {
	case KERNEL_EXPIRE: on_expire(k, e); break;
	case KERNEL_MAPPING: keeper_tell(k, MSG_MAPPING, NO_TICKET, &m, sizeof m); break;
	case KERNEL_UPLINK_CHANGED: uplink_changed_soon(k); break;
	case KERNEL_LINK_GONE: on_link_gone(k, e); break;
	case KERNEL_OVERRUN:
		if (!k->settled)
			break;
		log_line(LOG_LEVEL_WARNING, "netlink overrun: resynchronising with the kernel");
		keeper_kernel_reconcile(k);
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

bool keeper_kernel_open(struct keeper *k)
{
	int fds[4];
	int err = k->ops->open(&k->kernel, on_kernel_event, k);
	if (err != 0) {
		log_line(LOG_LEVEL_ERROR, "the kernel cannot do IPsec for us: %s (%s)", k->ops->why(k->kernel), strerror(-err));
		return false;
	}
	unsigned n = k->ops->fds(k->kernel, fds);
	for (unsigned i = 0; i < n; i++) {
		k->kernel_events[i] = event_new(k->base, fds[i], EV_READ | EV_PERSIST, on_kernel_readable, k);
		event_add(k->kernel_events[i], NULL);
	}
	k->tunnel_work = evtimer_new(k->base, on_tunnel_work, k);
	k->uplink_changed = evtimer_new(k->base, on_uplink_changed, k);
	struct kernel_tunnel *wanted = xcalloc(k->conf->n > 0 ? k->conf->n : 1, sizeof *wanted);
	for (uint32_t i = 0; i < k->conf->n; i++)
		describe(k, k->conf->tunnels[i], NULL, &wanted[i]);
	/* What an earlier life left: adopted or swept, but for its SAs, whose keys nobody knows. */
	bool clean = k->ops->adopt(k->kernel, wanted, k->conf->n, false) == 0;
	if (!clean)
		log_line(LOG_LEVEL_WARNING, "what an earlier run left cannot be adopted: %s", k->ops->why(k->kernel));
	free(wanted);
	warn_forwarding(k, AF_INET, "IPv4");
	warn_forwarding(k, AF_INET6, "IPv6");
	keeper_tunnels_refresh(k);
	settle(k, clean);
	return true;
}

void keeper_kernel_close(struct keeper *k)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;)
		keeper_sa_drop(k, r);
	it = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		tunnel_conf_unref(t->conf);
		free(t);
	}
	table_release(&k->sas);
	table_release(&k->tunnels);
	for (unsigned i = 0; i < ARRAY_SIZE(k->kernel_events); i++) {
		if (k->kernel_events[i] != NULL)
			event_free(k->kernel_events[i]);
	}
	if (k->tunnel_work != NULL)
		event_free(k->tunnel_work);
	if (k->uplink_changed != NULL)
		event_free(k->uplink_changed);
	k->ops->close(k->kernel);
	k->kernel = NULL;
}
