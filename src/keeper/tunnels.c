/*
 * tunnels.c - the configured tunnels in the kernel: set up, changed, taken away, in slices of the loop.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper.h"

#define SETUP_AGAIN 10000 /* ms until a tunnel that could not be set up is tried again */
#define SLICE 5           /* ms of interface work per turn of the loop */
#define CLOCK_EACH 256    /* tunnels for which nothing is to be done */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })

/* Until a child is known all selectors are blocked. Each of many children's with each may be more than the kernel is given: then everything is. */
static void block(const struct tunnel_conf *t, struct kernel_tunnel *out)
{
	static struct ts_list all;
	struct prefix v4 = { .addr = { .family = AF_INET } }, v6 = { .addr = { .family = AF_INET6 } };
	if (t->n_children == 0 || ts_policies_fit(t->local_ts, t->remote_ts))
		return;
	all.n = 2;
	all.v[0] = ts_from_prefix(&v4);
	all.v[1] = ts_from_prefix(&v6);
	out->local_ts = out->remote_ts = &all;
}

/* found: what a name in the configuration meant last, or NULL */
void keeper_tunnel_describe(struct keeper *k, const struct tunnel_conf *t, const struct addr *found, struct kernel_tunnel *out)
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
		.remote = t->remote,
		.mtu = t->mtu,
		.mss = t->mss,
		/* A number that was written is meant; the profile's is what the cloud takes at most. */
		.mtu_most = tunnel_conf_line(t, "mtu") <= 0,
		.pin_route = t->pin_route,
		.offload = (uint8_t)t->offload };
	block(t, out);
	if (found != NULL && t->remote_name != NULL)
		out->dialled = *found;
	snprintf(out->interface, sizeof out->interface, "%s", t->interface);
	snprintf(out->altname, sizeof out->altname, "%s", t->altname != NULL ? t->altname : "");
	/* A VTI is made with both ends; what is not written is what the route gives. */
	if (out->vti && out->local.family == 0 && out->remote.family != 0 &&
		k->ops->path(k->kernel, &out->remote, &out->local, NULL) != 0)
		out->local = (struct addr){ 0 };
}

static void report_usable(struct keeper *k, const struct tunnel_run *t)
{
	struct msg_tunnel m = { .tunnel = t->conf->id, .usable = t->unusable == NULL };
	snprintf(m.why, sizeof m.why, "%s", m.usable ? "" : t->unusable);
	keeper_send(k, MSG_TUNNEL, NO_TICKET, &m, sizeof m);
}

/* A new engine: which tunnels it must not initiate, and for which the kernel lacks something. */
void keeper_tunnels_report(struct keeper *k)
{
	size_t it = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		if (t->unusable != NULL)
			report_usable(k, t);
		if (t->differs != NULL)
			keeper_kernel_tell(k, t);
	}
}

int keeper_tunnel_ensure(struct keeper *k, struct tunnel_run *t)
{
	struct kernel_tunnel kt;
	if (t->set == SET_DONE)
		return 0;
	keeper_tunnel_describe(k, t->conf, &t->found, &kt);
	int err = k->ops->tunnel_set(k->kernel, &kt);
	const char *why = err != 0 ? k->ops->why(k->kernel) : NULL;
	t->set = err == 0 ? SET_DONE : SET_FAILED;
	if (keep_text(&t->unusable, why != NULL && why[0] == 0 ? "the kernel refuses it" : why))
		report_usable(k, t);
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
void keeper_work_soon(struct keeper *k, int64_t ms)
{
	struct timeval soon = { ms / 1000, (ms % 1000) * 1000 };
	k->work_next = k->work_rest = 0;
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

void keeper_tunnel_work(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct timeval now = { 0, 0 };
	int64_t start = keeper_now();
	uint32_t end = k->conf->n - k->work_rest;
	(void)fd, (void)what;
	if (k->work_next == 0)
		k->work_failed = false;
	for (bool look = true; k->work_next < end && (!look || keeper_now() - start < SLICE);) {
		struct tunnel_run *t = keeper_tunnel(k, k->conf->tunnels[k->work_next++]->id);
		/* Mostly there is nothing to do, in less time than the clock takes. */
		look = k->work_next % CLOCK_EACH == 0 || (t != NULL && (t->set != SET_DONE || t->relink));
		if (t != NULL)
			forget_found(t);
		int err = t != NULL ? keeper_tunnel_ensure(k, t) : 0;
		k->work_failed |= err != 0;
		if (t != NULL && err == 0 && t->relink)
			relink(k, t);
	}
	if (k->work_next < end)
		evtimer_add(k->tunnel_work, &now);
	else if (k->work_failed)
		keeper_work_soon(k, SETUP_AGAIN);
	if (k->work_next >= end) /* after a start, a reload, an uplink: what of them is not as it shall be */
		keeper_reconcile_soon(k);
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
	keeper_save_tunnel(k, t);
	if (keeper_tunnel_ensure(k, t) != 0)
		keeper_work_soon(k, SETUP_AGAIN);
}

/* A tunnel that is not configured any more: the engine learnt it from the configuration; what it still asks for is GRANT_GONE. What was behind it
 * may be behind another one now, so its unreachable routes stay until all are set and compared. */
static void forget_tunnel(struct keeper *k, struct tunnel_run *t)
{
	keeper_sas_remove(k, t);
	if (k->ops->tunnel_del(k->kernel, t->conf->id, k->conf->n > 0) != 0)
		log_fielded(LOG_LEVEL_WARNING, OF_TUNNEL(t->conf), "%s: cannot be removed from the kernel: %s", t->conf->name,
			k->ops->why(k->kernel));
	table_del(&k->tunnels, t->conf->id);
	keeper_save_no_tunnel(k, t->conf->id);
	keeper_tunnel_free(t);
}

static void update_tunnel(struct keeper *k, struct tunnel_run *t, struct tunnel_conf *fresh)
{
	/* Another name or kind of interface is another interface. All old ones go before the first new one comes, as two may change names; the
	 * unreachable routes stay meanwhile. */
	if (strcmp(t->conf->interface, fresh->interface) != 0 || t->conf->interface_type != fresh->interface_type) {
		keeper_sas_remove(k, t);
		if (k->ops->tunnel_del(k->kernel, fresh->id, true) != 0)
			log_fielded(LOG_LEVEL_WARNING, OF_TUNNEL(fresh), "%s: the old interface cannot be removed: %s",
				fresh->name, k->ops->why(k->kernel));
		t->linked = false;
		t->renew = true;
		keeper_switches_forget(t);
		keeper_save_tunnel(k, t);
	}
	tunnel_conf_unref(t->conf);
	t->conf = tunnel_conf_ref(fresh);
	t->set = SET_PENDING;
}

/* A slot whose SA is gone sends nowhere. Its owner, t, has the SAs that the kernel had by the record. */
static const struct esp_switch *kept_switch(struct keeper *k, const struct tunnel_run *t, unsigned i)
{
	struct switch_record *r = &t->switches[i];
	if (r->spi_out != 0 && keeper_sa(k, t->conf->id, ESP_OUT, r->spi_out) == NULL) {
		r->spi_out = 0;
		r->local = r->remote = (struct addr){ 0 };
	}
	return keeper_switch_made(t, i);
}

static void keep(struct keeper *k, struct tunnel_run *t, struct kernel_kept *kept)
{
	const struct esp_switch **switches = xcalloc(t->n_switches + 1, sizeof *switches);
	for (unsigned i = 0; i < t->n_switches; i++)
		switches[kept->n_switches++] = kept_switch(k, t, i);
	keeper_tunnel_describe(k, t->conf, &t->found, &kept->want);
	kept->up = t->up;
	kept->link = t->linked ? t->link : (struct esp_link_state){ 0 };
	kept->switches = switches;
	struct esp_held *sas = xcalloc(t->n_sas + 1, sizeof *sas);
	for (unsigned i = 0; i < t->n_sas; i++)
		sas[kept->n_sas++] = t->sas[i];
	kept->sas = sas;
}

void keeper_tunnels_resume(struct keeper *k)
{
	struct kernel_kept *kept = xcalloc(k->conf->n + 1u, sizeof *kept);
	for (uint32_t i = 0; i < k->conf->n; i++) {
		struct tunnel_run *t = xcalloc(1, sizeof *t);
		t->conf = tunnel_conf_ref(k->conf->tunnels[i]);
		table_put(&k->tunnels, t->conf->id, t);
		keeper_saved_tunnel(k, t);
	}
	for (uint32_t i = 0; i < k->conf->n; i++)
		keep(k, keeper_tunnel(k, k->conf->tunnels[i]->id), &kept[i]);
	bool whole = k->ops->resume(k->kernel, kept, k->conf->n) == 0;
	if (!whole)
		log_line(LOG_LEVEL_WARNING, "not all that an earlier run left can be taken over as it is: %s",
			k->ops->why(k->kernel));
	for (uint32_t i = 0; i < k->conf->n; i++) {
		keeper_tunnel(k, k->conf->tunnels[i]->id)->set = whole ? SET_DONE : SET_PENDING;
		for (unsigned j = 0; j < kept[i].n_switches; j++)
			free((void *)kept[i].switches[j]);
		free((void *)kept[i].sas);
		free((void *)kept[i].switches);
	}
	free(kept);
}

static void forget_removed(struct keeper *k, const struct conf *old)
{
	uint32_t at = 0;
	for (uint32_t i = 0; old != NULL && i < old->n; i++) {
		const struct tunnel_conf *t = old->tunnels[i];
		if (conf_has(k->conf, &at, t) || conf_next(k->conf, &at, t->name) != NULL)
			continue;
		struct tunnel_run *gone = keeper_tunnel(k, t->id);
		if (gone != NULL)
			forget_tunnel(k, gone);
	}
}

void keeper_tunnels_refresh(struct keeper *k, const struct conf *old)
{
	struct tunnel_conf **other = xcalloc(k->conf->n, sizeof *other); /* those that are new or not as they were */
	uint32_t n = 0, at = 0, first = k->conf->n, rest = 0;
	bool all = k->work_failed || evtimer_pending(k->tunnel_work, NULL); /* others wait, too */
	forget_removed(k, old);
	for (uint32_t i = 0; i < k->conf->n; i++) {
		if (conf_has(old, &at, k->conf->tunnels[i]))
			continue;
		struct tunnel_run *t = keeper_tunnel(k, k->conf->tunnels[i]->id);
		if (t != NULL && t->conf == k->conf->tunnels[i])
			continue;
		first = n == 0 ? i : first;
		rest = k->conf->n - i - 1;
		other[n++] = k->conf->tunnels[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		struct tunnel_run *t = keeper_tunnel(k, other[i]->id);
		if (t != NULL) {
			update_tunnel(k, t, other[i]);
			continue;
		}
		t = xcalloc(1, sizeof *t);
		t->conf = tunnel_conf_ref(other[i]);
		table_put(&k->tunnels, other[i]->id, t);
	}
	/* Before anything is compared: what is left of the old ones is wanted by nobody until then. */
	for (uint32_t i = 0; i < n; i++) {
		struct tunnel_run *t = keeper_tunnel(k, other[i]->id);
		if (t->renew)
			keeper_tunnel_ensure(k, t); /* if it fails, that is told, and it is tried again */
		t->renew = false;
	}
	free(other);
	keeper_work_soon(k, 0);
	if (all)
		return;
	k->work_next = first;
	k->work_rest = rest;
}

void keeper_kernel_clear(struct keeper *k)
{
	enum on_exit way = k->conf->global.on_exit;
	size_t it = 0;
	if (way == ON_EXIT_KEEP)
		for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;)
			keeper_sas_remove(k, t);
	else if (k->ops->remove(k->kernel, way == ON_EXIT_GUARD) != 0)
		log_line(LOG_LEVEL_WARNING, "kernel state is left behind: %s", k->ops->why(k->kernel));
}
