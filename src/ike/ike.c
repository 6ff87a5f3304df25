/*
 * ike.c - the machine: one event in, its consequences out.
 *
 *	event --> owner (SA, child, tunnel) --> handler --> marks dirty
 *	                                                        |
 *	              end of step:  sa_work(), tunnel_work()  <-+   until nothing is dirty, then the dead are wiped
 */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

/* ---------------------------------------------------------------- life */

#define TIMERS_MAX 32 /* in a step */
#define TABLES 7
static struct table *table_of(struct ike *ike, unsigned i)
{
	struct table *of[TABLES] = { &ike->tunnels, &ike->by_remote, &ike->by_number, &ike->by_spi, &ike->by_source, &ike->by_esp,
		&ike->by_identities };
	return of[i];
}

struct ike *ike_new(fill_fn fill, void *fill_arg)
{
	struct ike *ike = xcalloc(1, sizeof *ike);
	ike->fill = fill;
	ike->fill_arg = fill_arg;
	uint64_t seed;
	for (unsigned i = 0; i < TABLES; i++) {
		fill(fill_arg, &seed, sizeof seed);
		table_init(table_of(ike, i), seed);
	}
	fill(fill_arg, &ike->cookie_key, sizeof ike->cookie_key);
	fill(fill_arg, ike->cookie_secret, sizeof ike->cookie_secret);
	ike->gate = gate_new(fill, fill_arg);
	ike->farewells = farewells_new();
	ike->views = child_views_new();
	ike->dial_last = &ike->dial_first;
	heap_init(&ike->heap);
	ike->counters_at = ike->cookie_rotate = ike->shutdown_at = MONO_NEVER;
	ike->hinted.ms = -HINT_EVERY;
	ike->alarm.kind = OWNER_MACHINE;
	return ike;
}

void ike_free(struct ike *ike)
{
	if (!ike)
		return;
	struct arena arena;
	struct ike_actions out;
	arena_init(&arena, 1 << 20);
	ike_actions_init(&out, &arena);
	struct step s = { .ike = ike, .out = &out };
	size_t it = 0;
	struct sa *sa;
	while ((sa = table_next(&ike->by_number, &it)))
		sa_destroy(&s, sa);
	sa_free_dead(ike);
	tunnels_free(&s);
	sa_free_dead(ike);
	heap_release(&ike->heap);
	for (unsigned i = 0; i < TABLES; i++)
		table_release(table_of(ike, i));
	conf_free(ike->conf);
	gate_free(ike->gate);
	farewells_free(ike->farewells);
	child_views_free(ike->views);
	saved_release(&ike->record);
	ike_actions_release(&out);
	arena_release(&arena);
	wipe(ike, sizeof *ike);
	free(ike);
}

void ike_stepping(struct ike *ike, uint32_t *where) { ike->stepping = where; }
void ike_kernel_keepalive(struct ike *ike, bool can) { ike->kernel_keepalive = can; }
void ike_saves(struct ike *ike, bool wanted) { ike->unsaved = !wanted; }
void ike_debug(struct ike *ike, bool wanted) { ike->no_debug = !wanted; }
void ike_not_saved(struct ike *ike, uint32_t tunnel) { tunnel_not_saved(ike, tunnel); }

struct mono ike_next(const struct ike *ike) { return heap_next(&ike->heap); }

/* ---------------------------------------------------------------- events */

static void on_job(struct step *s, const struct ike_event *e)
{
	struct sa *sa = table_get(&s->ike->by_number, e->job.ticket.sa);
	if (sa && sa->ours.job && sa->ours.job == e->job.ticket.job)
		fsm_run(s, sa, OURS, XE_JOB, NULL, e->job.result, 0);
	else if (sa && sa->theirs.job && sa->theirs.job == e->job.ticket.job)
		fsm_run(s, sa, THEIRS, XE_JOB, NULL, e->job.result, 0);
	wipe(e->job.result, sizeof *e->job.result);
}

static void on_kernel(struct step *s, const struct ike_event *e)
{
	struct child *c = table_get(&s->ike->by_esp, e->kernel.ticket.sa);
	int err = e->kernel.err;
	if (c)
		tunnel_changed(s, c->tunnel);
	if (!c || !child_kernel(s, c, e->kernel.ticket.job, &err, e->kernel.switch_err) || !c->sa)
		return;
	struct exchange *both[] = { &c->sa->ours, &c->sa->theirs };
	for (unsigned i = 0; i < 2; i++)
		if (both[i]->core.state == XS_INSTALL && both[i]->neg && both[i]->neg->child == c) {
			fsm_run(s, c->sa, (enum xside)i, XE_KERNEL, NULL, NULL, err);
			return;
		}
}

static struct child *child_of(struct step *s, const struct tunnel *t, uint32_t spi, uint8_t dir)
{
	if (dir == ESP_IN)
		return table_get(&s->ike->by_esp, spi);
	return t ? child_sending(t, spi) : NULL;
}

static void on_expire(struct step *s, const struct ike_event *e)
{
	struct child *c = child_of(s, tunnel_by_id(s->ike, e->expire.tunnel), e->expire.spi, e->expire.dir);
	if (c && e->expire.lost) {
		child_lost(s, c, (enum esp_dir)e->expire.dir);
		return;
	}
	if (!c || !c->sa || c->state >= CHILD_DELETING)
		return;
	if (!e->expire.hard) {
		c->rekey_due |= c->state == CHILD_READY || c->state == CHILD_INBOUND;
		sa_mark(s, c->sa);
		return;
	}
	ike_report(s, FACT_LIFETIME, BLAME_LOCAL, c->tunnel, NULL, "the kernel dropped child SA %08x: a new one is made",
		c->core.spi_in);
	ike_report_about(s, c->tunnel, SUBJECT_CHILD_SA, NULL, NULL);
	child_expired(c, (enum esp_dir)e->expire.dir);
	sa_mark(s, c->sa);
	tunnel_mark(s, c->tunnel);
}

static void on_mapping(struct step *s, const struct ike_event *e)
{
	struct child *c = table_get(&s->ike->by_esp, e->mapping.spi);
	/* The packet was authentic (the kernel checks before it reports), but only a peer behind a NAT may move (RFC 7296 2.23). */
	if (c && c->sa && c->sa->core.nat_remote && c->sa->state == SA_ESTABLISHED)
		path_peer_moved(s, c->sa, &e->mapping.remote);
}

static uint64_t grown(uint64_t have, uint64_t now) { return now > have ? now - have : 0; }

static void count_grown(struct tunnel *t, bool in, const struct esp_count *have, const struct esp_count *now)
{
	recent_add(&t->recent, in ? WAY_IN : WAY_OUT, grown(have->packets, now->packets), grown(have->bytes, now->bytes),
		in ? grown(have->replay_errors, now->replay_errors) : 0,
		in ? grown(have->integrity_errors, now->integrity_errors) : 0);
	t->counters[in ? COUNTER_BYTES_IN : COUNTER_BYTES_OUT] += grown(have->bytes, now->bytes);
	t->counters[in ? COUNTER_PACKETS_IN : COUNTER_PACKETS_OUT] += grown(have->packets, now->packets);
	t->counters[COUNTER_REPLAY_ERRORS] += in ? grown(have->replay_errors, now->replay_errors) : 0;
	t->counters[COUNTER_INTEGRITY_ERRORS] += in ? grown(have->integrity_errors, now->integrity_errors) : 0;
}

/* The kernel says once that the soft limit is reached, maybe to an engine that died of something else. */
static void watch_octets(struct step *s, struct child *c, uint64_t bytes)
{
	uint64_t soft = child_soft_bytes(c);
	if (!soft || bytes < soft || !c->sa || c->rekey_due || (c->state != CHILD_READY && c->state != CHILD_INBOUND))
		return;
	c->rekey_due = true;
	sa_mark(s, c->sa);
}

static void count_one(struct step *s, struct tunnel *t, const struct esp_counters *n)
{
	struct child *c = child_of(s, t, n->spi, n->dir);
	if (!c)
		return;
	struct esp_count *have = n->dir == ESP_IN ? &c->in : &c->out,
			 now = { n->bytes, n->packets, n->replay_errors, n->integrity_errors };
	bool moved = now.packets > have->packets;
	count_grown(c->tunnel, n->dir == ESP_IN, have, &now);
	*have = now;
	watch_octets(s, c, n->bytes);
	if (moved && n->dir == ESP_OUT && c->sa && !(c->lost & 1u << ESP_IN))
		sa_traffic_out(s, c->sa);
	if (!moved || n->dir != ESP_IN)
		return;
	if (c->sa) {
		sa_heard(s, c->sa);
		c->sa->no_return_answers = 0;
	}
	if (c->state == CHILD_INBOUND) /* the peer sends on it: it has it */
		child_ready(s, c);
}

static void note_traffic(struct step *s, const struct tunnel *t)
{
	if (t->conf->failover_after && t->recent.grown[WAY_OUT].packets)
		s->ike->looks.calm = mono_add(s->now.mono, COUNTERS_BUSY);
}

static void on_counters(struct step *s, const struct ike_event *e)
{
	for (uint32_t i = 0; i < e->counters.n; i++) {
		const struct esp_counters *n = &e->counters.v[i];
		struct child *in = n->dir == ESP_IN ? table_get(&s->ike->by_esp, n->spi) : NULL;
		count_one(s, in ? in->tunnel : tunnel_by_id(s->ike, n->tunnel), n);
	}
	if (e->counters.more)
		return;
	s->ike->counted = s->now.mono;
	struct tunnel *t;
	for (size_t it = 0; (t = table_next(&s->ike->tunnels, &it));) {
		note_traffic(s, t);
		recent_looked(&t->recent, s->now);
		tunnel_problem(s, t);
	}
	s->ike->counters_at = MONO_NEVER; /* the next one comes by what this one saw, whoever asked for it */
}

static void on_machine_timer(struct step *s)
{
	struct ike *ike = s->ike;
	farewells_expire(s);
	if (mono_due(ike->shutdown_at, s->now.mono)) {
		ike->shutdown_at = MONO_NEVER;
		size_t it = 0;
		struct sa *sa;
		while ((sa = table_next(&ike->by_number, &it)))
			sa_destroy(s, sa);
	}
	if (mono_due(ike->counters_at, s->now.mono)) {
		ike->counters_at = MONO_NEVER;
		step_action(s, ACTION_COUNTERS);
	}
}

static void counters_schedule(struct step *s)
{
	struct ike *ike = s->ike;
	if (ike->totals.established && mono_is_never(ike->counters_at)) {
		bool busy = !mono_due(ike->looks.calm, s->now.mono);
		ike->looks.now = busy ? ike->looks.busy : ike->looks.idle;
		ike->looks.now += (msec)ike->totals.established; /* a dump takes longer with more SAs */
		ike->counters_at = mono_add(s->now.mono, ike->looks.now);
	}
	struct mono at = mono_min(ike->counters_at, ike->shutdown_at);
	alarm_at(ike, &ike->alarm, mono_min(at, farewells_until(ike->farewells)));
}

static void timer_of_tunnel(struct step *s, struct tunnel *t)
{
	step_on(s, t);
	tunnel_changed(s, t);
	tunnel_timer(s, t);
}

static void timer_of_sa(struct step *s, struct sa *sa)
{
	step_on(s, sa->tunnel);
	if (sa_only_quiet(s, sa))
		return;
	tunnel_changed(s, sa->tunnel);
	sa_timer(s, sa);
}

static void timer_of_child(struct step *s, struct child *c)
{
	step_on(s, c->tunnel);
	tunnel_changed(s, c->tunnel);
	child_timer(s, c);
}

#define OWNER_OF(type, a) ((type *)(void *)((char *)(a)-offsetof(type, alarm)))

/* More that are due are for the next step: what one leaves to be done stays so small that no cache misses it. */
static void timers_run(struct step *s)
{
	struct heap *h = &s->ike->heap;
	for (unsigned n = 0; n < TIMERS_MAX && mono_due(heap_next(h), s->now.mono); n++) {
		struct alarm *a = (struct alarm *)heap_top(h);
		heap_clear(h, &a->t);
		switch (a->kind) {
		case OWNER_TUNNEL: timer_of_tunnel(s, OWNER_OF(struct tunnel, a)); break;
		case OWNER_SA: timer_of_sa(s, OWNER_OF(struct sa, a)); break;
		case OWNER_CHILD: timer_of_child(s, OWNER_OF(struct child, a)); break;
		case OWNER_MACHINE: on_machine_timer(s); break;
		}
	}
}

static void step_finish(struct step *s)
{
	struct ike *ike = s->ike;
	while (ike->dirty || ike->dirty_tunnels) {
		struct sa *sa = ike->dirty;
		if (sa) {
			ike->dirty = sa->dirty_next;
			sa->dirty = false;
			step_on(s, sa->tunnel);
			if (sa->state != SA_DEAD)
				sa_work(s, sa);
			continue;
		}
		struct tunnel *t = ike->dirty_tunnels;
		ike->dirty_tunnels = t->dirty_next;
		t->dirty = false;
		step_on(s, t);
		tunnel_work(s, t);
	}
	sa_free_dead(ike);
	if (ike->conf)
		counters_schedule(s);
	if (ike->shutting_down && !ike->idle_said && !table_count(&ike->by_number)) {
		ike->idle_said = true;
		step_action(s, ACTION_IDLE);
	}
	save_changed(s);
}

void ike_step(struct ike *ike, struct moment now, const struct ike_event *in, struct ike_actions *out)
{
	struct step step = { .ike = ike, .now = now, .out = out }, *s = &step;
	sas_clock(s);
	switch (in->kind) {
	case EVENT_TIMER: break;
	case EVENT_DATAGRAM: dispatch_datagram(s, in); break;
	case EVENT_JOB: on_job(s, in); break;
	case EVENT_KERNEL_RESULT: on_kernel(s, in); break;
	case EVENT_EXPIRE: on_expire(s, in); break;
	case EVENT_MAPPING: on_mapping(s, in); break;
	case EVENT_ACQUIRE: tunnel_acquire(s, in->acquire.tunnel, &in->acquire.local, &in->acquire.remote); break;
	case EVENT_COUNTERS: on_counters(s, in); break;
	case EVENT_RESOLVED: tunnel_resolved(s, in); break;
	case EVENT_TUNNEL: tunnel_usable(s, in->tunnel.tunnel, in->tunnel.why); break;
	case EVENT_PATH_CHANGED: tunnel_path_changed(s); break;
	case EVENT_CONF: tunnel_conf_event(s, in->conf.conf, in->conf.restore); break;
	case EVENT_COMMAND: tunnel_command(s, in->command.kind, in->command.tunnel, in->command.token); break;
	}
	timers_run(s);
	step_finish(s);
}
