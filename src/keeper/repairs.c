/*
 * repairs.c - what is ours in the kernel and was changed by others: when it is compared with what is wanted, and what is told of it.
 *
 * News of others' doing are followed at once, by a little for a flush to be over, and every half minute without any. Somebody who removes
 * again and again is not fought faster than once a second; the first few repairs of a minute are told each, the others counted and told at its end.
 * Comparing takes a twentieth of the time at most.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/util.h"
#include "keeper.h"

#define COMPARE_EVERY 30000 /* ms */
#define COLLECT 20          /* ms */
#define REPAIR_EVERY 1000   /* ms */
#define SHARE 20
#define TELL_SPAN 60000 /* ms */
#define TELL_EACH 5     /* of a tunnel and a kind, in that span */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })

/* Of one tunnel, or of all: what was put back, by kind. */
struct repairs {
	bool queued; /* it is in the list of the comparison under way */
	uint32_t tunnel;
	char differs[FACT_TEXT]; /* what could not be put back by the comparison under way */
	struct repair {
		int64_t since;  /* when the span began; 0 = never */
		unsigned told;  /* in that span */
		unsigned times; /* comparisons that put something back and are not told yet */
		unsigned now;   /* objects, by the comparison under way */
		bool surplus;   /* wanted by nobody, and removed */
		char what[KERNEL_WHAT], was[FACT_VALUE], by[KERNEL_WHO]; /* the first of them */
	} v[OBJECT_KINDS];
};

static const enum fact_subject subjects[OBJECT_KINDS] = { [OBJECT_INTERFACE] = SUBJECT_INTERFACE,
	[OBJECT_SYSCTL] = SUBJECT_SYSCTL,
	[OBJECT_ADDRESS] = SUBJECT_ADDRESS,
	[OBJECT_ROUTE] = SUBJECT_ROUTE,
	[OBJECT_RULE] = SUBJECT_RULE,
	[OBJECT_POLICY] = SUBJECT_POLICY,
	[OBJECT_SA] = SUBJECT_SA,
	[OBJECT_FIREWALL] = SUBJECT_FIREWALL };

/* --- what the comparison found --- */
struct pass {
	struct keeper *k;
	unsigned n;
	struct repairs **touched;
};

static struct repairs *repairs_of(struct pass *p, uint32_t tunnel)
{
	struct tunnel_run *t = keeper_tunnel(p->k, tunnel);
	struct repairs **at = t != NULL ? &t->repairs : &p->k->repairs.common;
	if (*at == NULL) {
		*at = xcalloc(1, sizeof **at);
		(*at)->tunnel = t != NULL ? tunnel : 0;
	}
	if (!(*at)->queued) {
		(*at)->queued = true;
		(*at)->differs[0] = 0;
		p->touched = xrealloc_array(p->touched, p->n + 1, sizeof *p->touched);
		p->touched[p->n++] = *at;
	}
	return *at;
}

/* The kernel has an SA no more that we know: the engine makes another in its place. False: it was known to be gone. */
static bool lost_sa(struct keeper *k, const struct kernel_difference *d)
{
	for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++) {
		struct esp_held *r = keeper_sa(k, d->tunnel, dir, d->spi);
		if (r == NULL || !addr_same_ip(dir == ESP_IN ? &r->local : &r->remote, &d->dst))
			continue;
		struct msg_expire m = { .tunnel = d->tunnel, .spi = d->spi, .dir = dir, .hard = true, .lost = true };
		keeper_send(k, MSG_EXPIRE, NO_TICKET, &m, sizeof m);
		keeper_sa_drop(k, r);
		return true;
	}
	return false;
}

static void on_difference(void *arg, const struct kernel_difference *d)
{
	struct pass *p = arg;
	bool sa = d->object == OBJECT_SA && !d->surplus;
	if (sa && !lost_sa(p->k, d))
		return;
	struct repairs *all = repairs_of(p, d->tunnel);
	struct repair *r = &all->v[d->object];
	if (!d->restored && !sa) {
		if (all->differs[0] == 0)
			snprintf(all->differs, sizeof all->differs, "%s%s%s: %s", d->what,
				d->was[0] != 0 ? " is " : " is missing", d->was, d->why);
		return;
	}
	if (r->now++ > 0)
		return;
	r->surplus = d->surplus;
	snprintf(r->what, sizeof r->what, "%s", d->what);
	snprintf(r->was, sizeof r->was, "%s", d->was);
	snprintf(r->by, sizeof r->by, "%s", d->by);
}

/* --- telling --- */
static const char *done(const struct repair *r)
{
	if (r->surplus)
		return "is wanted by nobody and was removed";
	return r->was[0] != 0 ? "had been changed and was put back" : "had been removed and was put back";
}

static void tell(struct keeper *k, struct repairs *all, enum kernel_object object)
{
	struct repair *r = &all->v[object];
	char more[32] = "", by[KERNEL_WHO + 8] = "", often[48] = "";
	if (r->now > 1)
		snprintf(more, sizeof more, " and %u more", r->now - 1);
	if (r->by[0] != 0)
		snprintf(by, sizeof by, " (by %s)", r->by);
	if (r->times > 1)
		snprintf(often, sizeof often, ", %u times since it was told last", r->times);
	if (object == OBJECT_SA && !r->surplus)
		keeper_repaired(k, SUBJECT_SA, all->tunnel, NULL, r->by,
			"%s%s: removed by another program%s, a rekey replaces it%s", r->what, more, by, often);
	else
		keeper_repaired(k, subjects[object], all->tunnel, r->was[0] != 0 ? r->was : NULL, r->by, "%s%s: %s%s%s", r->what,
			more, done(r), by, often);
	r->times = 0;
	r->told++;
}

static void tell_when_due(struct keeper *k, struct repairs *all)
{
	int64_t now = keeper_now();
	for (unsigned i = 0; all != NULL && i < OBJECT_KINDS; i++) {
		struct repair *r = &all->v[i];
		if (r->times == 0)
			continue;
		if (r->since == 0 || now - r->since >= TELL_SPAN) {
			r->since = now;
			r->told = 0;
		}
		if (r->told < TELL_EACH)
			tell(k, all, (enum kernel_object)i);
	}
}

static void finish_pass(struct pass *p)
{
	for (unsigned n = 0; n < p->n; n++) {
		struct repairs *all = p->touched[n];
		for (unsigned i = 0; i < OBJECT_KINDS; i++)
			all->v[i].times += all->v[i].now > 0;
		tell_when_due(p->k, all);
		for (unsigned i = 0; i < OBJECT_KINDS; i++)
			all->v[i].now = 0;
	}
}

/* What could not be put back is the tunnel's, or everybody's. What a comparison that broke off did not come to is as it was known. */
static void tell_differences(struct pass *p, bool whole)
{
	struct keeper *k = p->k;
	size_t it = 0;
	bool any = false;
	const struct repairs *common = k->repairs.common;
	for (unsigned n = 0; n < p->n; n++)
		any |= p->touched[n]->differs[0] != 0;
	for (struct tunnel_run *t; (any || (whole && k->repairs.differing)) && (t = table_next(&k->tunnels, &it)) != NULL;) {
		bool own = t->repairs != NULL && t->repairs->queued && t->repairs->differs[0] != 0;
		bool shared = common != NULL && common->queued && common->differs[0] != 0;
		if (own || shared || whole)
			keeper_kernel_state(k, t->conf->id, own ? t->repairs->differs : shared ? common->differs : NULL);
	}
	k->repairs.differing = any || (!whole && k->repairs.differing);
	for (unsigned n = 0; n < p->n; n++)
		p->touched[n]->queued = false;
}

/* --- when --- */
void keeper_reconcile(struct keeper *k)
{
	struct pass p = { .k = k };
	int fds[4];
	if (k->phase == PHASE_STOP)
		return;
	/* What a reload leaves to be set is not wanted by anybody yet. The end of that work asks again. */
	if (k->tunnel_work != NULL && evtimer_pending(k->tunnel_work, NULL) && k->work_at <= keeper_now())
		return;
	/* An SA that expired is no lost one: news first. */
	for (unsigned i = 0, n = k->ops->fds(k->kernel, fds); i < n; i++)
		k->ops->read(k->kernel, fds[i]);
	int64_t start = keeper_now();
	bool whole = k->ops->reconcile(k->kernel, on_difference, &p) == 0;
	if (!whole && !k->repairs.failing)
		log_line(LOG_LEVEL_WARNING, "what is in the kernel cannot be compared with what is wanted: %s",
			k->ops->why(k->kernel));
	finish_pass(&p);
	k->repairs.failing = !whole;
	tell_differences(&p, whole);
	free(p.touched);
	int64_t now = keeper_now(), rest = (now - start) * SHARE;
	if (p.n > 0 && rest < REPAIR_EVERY) /* an attempt that failed makes news, too */
		rest = REPAIR_EVERY;
	k->repairs.not_before = now + rest;
	evtimer_del(k->repairs.soon);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	keeper_reconcile(arg);
}

static void on_every(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	size_t it = 0;
	(void)fd, (void)what;
	keeper_reconcile(k);
	tell_when_due(k, k->repairs.common);
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;)
		tell_when_due(k, t->repairs);
}

void keeper_reconcile_soon(struct keeper *k)
{
	int64_t now = keeper_now(), wait = COLLECT;
	if (k->repairs.soon == NULL || evtimer_pending(k->repairs.soon, NULL))
		return;
	if (now + wait < k->repairs.not_before)
		wait = k->repairs.not_before - now;
	struct timeval soon = { wait / 1000, (wait % 1000) * 1000 };
	evtimer_add(k->repairs.soon, &soon);
}

void keeper_repairs_open(struct keeper *k)
{
	struct timeval every = { COMPARE_EVERY / 1000, (COMPARE_EVERY % 1000) * 1000 };
	k->repairs.soon = evtimer_new(k->base, on_soon, k);
	k->repairs.every = event_new(k->base, -1, EV_PERSIST, on_every, k);
	event_add(k->repairs.every, &every);
}

void keeper_repairs_close(struct keeper *k)
{
	if (k->repairs.soon != NULL)
		event_free(k->repairs.soon);
	if (k->repairs.every != NULL)
		event_free(k->repairs.every);
	free(k->repairs.common);
}
