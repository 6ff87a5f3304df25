/*
 * ike.c - the machine: one event in, its consequences out.
 *
 *	event --> owner (SA, child, tunnel) --> handler --> marks dirty
 *	                                                        |
 *	              end of step:  sa_work(), tunnel_work()  <-+   until nothing is dirty, then the dead are wiped
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core.h"

/* ---------------------------------------------------------------- actions */

void ike_actions_init(struct ike_actions *a, struct arena *arena) { *a = (struct ike_actions){ .arena = arena }; }

void ike_actions_reset(struct ike_actions *a)
{
	if (a->v)
		wipe(a->v, a->n * sizeof *a->v);
	a->n = 0;
	arena_reset(a->arena);
}

void ike_actions_release(struct ike_actions *a)
{
	ike_actions_reset(a);
	free(a->v);
	a->v = NULL;
	a->cap = 0;
}

struct ike_action *act(struct step *s, enum ike_action_kind kind)
{
	struct ike_actions *a = s->out;
	if (a->n == a->cap) { /* grown by hand: the old place held keys */
		uint32_t cap = a->cap ? a->cap * 2 : 8;
		struct ike_action *v = xcalloc(cap, sizeof *v);
		if (a->n)
			memcpy(v, a->v, a->n * sizeof *v);
		if (a->v)
			wipe(a->v, a->n * sizeof *v);
		free(a->v);
		a->v = v;
		a->cap = cap;
	}
	struct ike_action *x = &a->v[a->n++];
	memset(x, 0, sizeof *x);
	x->kind = kind;
	return x;
}

void tell(struct step *s, enum fact_code code, enum blame blame, struct tunnel *t, const struct addr *peer, const char *fmt, ...)
{
	struct fact *f = &act(s, ACTION_REPORT)->fact;
	f->code = code;
	f->blame = blame;
	f->tunnel = t ? t->id : 0;
	if (peer)
		f->peer = *peer;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	if (t && fact_is_error(code)) {
		if (!t->last_error)
			t->last_error = xcalloc(1, sizeof *t->last_error);
		*t->last_error = *f;
		t->last_error_at = s->now.wall;
	}
}

void tell_items(
	struct step *s, struct tunnel *t, enum ike_protocol protocol, uint16_t notify, const char *ours, const char *theirs)
{
	struct fact *f = &s->out->v[s->out->n - 1].fact;
	f->protocol = (uint8_t)protocol;
	f->notify = notify;
	snprintf(f->ours, sizeof f->ours, "%s", ours);
	snprintf(f->theirs, sizeof f->theirs, "%s", theirs);
	if (t && t->last_error && fact_is_error(f->code))
		*t->last_error = *f;
}

void drop(struct step *s, enum drop_reason why) { s->ike->totals.dropped[why]++; }

/* ---------------------------------------------------------------- small helpers */

struct bytes bytes_dup(struct bytes b)
{
	if (!b.n)
		return (struct bytes){ 0 };
	uint8_t *p = xcalloc(1, b.n);
	memcpy(p, b.p, b.n);
	return bytes_of(p, b.n);
}

void bytes_drop(struct bytes *b)
{
	if (b->p) {
		wipe((void *)(uintptr_t)b->p, b->n);
		free((void *)(uintptr_t)b->p);
	}
	*b = (struct bytes){ 0 };
}

void nonce_make(struct ike *ike, struct nonce *n)
{
	n->n = NONCE_SIZE;
	ike->fill(ike->fill_arg, n->v, NONCE_SIZE);
}

bool nonce_set(struct nonce *n, struct bytes b)
{
	if (b.n > sizeof n->v)
		return false;
	n->n = (uint16_t)b.n;
	memcpy(n->v, b.p, b.n);
	return true;
}

/* Octet by octet; of two that agree as far as the shorter goes the shorter is the lower (RFC 7296 2.8.1). */
static int octets_compare(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	int r = memcmp(a, b, a_n < b_n ? a_n : b_n);
	return r ? r : (int)a_n - (int)b_n;
}

int lowest_compare(const struct lowest *a, const struct lowest *b) { return octets_compare(a->v, a->n, b->v, b->n); }

struct lowest nonce_lower(const struct nonce *a, const struct nonce *b)
{
	const struct nonce *low = octets_compare(a->v, a->n, b->v, b->n) <= 0 ? a : b;
	struct lowest l = { .n = (uint8_t)(low->n < sizeof l.v ? low->n : sizeof l.v) };
	memcpy(l.v, low->v, l.n);
	return l;
}

msec jitter(struct ike *ike, msec base, unsigned percent)
{
	uint32_t r;
	ike->fill(ike->fill_arg, &r, sizeof r);
	return base + (msec)((double)base * percent / 100.0 * (r / 4294967296.0));
}

void alarm_at(struct ike *ike, struct alarm *a, struct mono at) { heap_set(&ike->heap, &a->t, at); }

void sa_mark(struct step *s, struct sa *sa)
{
	if (sa->dirty || sa->state == SA_DEAD)
		return;
	sa->dirty = true;
	sa->dirty_next = s->ike->dirty;
	s->ike->dirty = sa;
}

void tunnel_mark(struct step *s, struct tunnel *t)
{
	if (!t || t->dirty)
		return;
	t->dirty = true;
	t->dirty_next = s->ike->dirty_tunnels;
	s->ike->dirty_tunnels = t;
}

/* ---------------------------------------------------------------- life */

struct ike *ike_new(fill_fn fill, void *fill_arg)
{
	struct ike *ike = xcalloc(1, sizeof *ike);
	ike->fill = fill;
	ike->fill_arg = fill_arg;
	struct table *tables[] = { &ike->tunnels, &ike->by_remote, &ike->by_number, &ike->child_by_number, &ike->by_spi,
		&ike->by_source, &ike->by_esp, &ike->by_esp_out };
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		uint64_t seed;
		fill(fill_arg, &seed, sizeof seed);
		table_init(tables[i], seed);
	}
	fill(fill_arg, &ike->cookie_key, sizeof ike->cookie_key);
	fill(fill_arg, ike->cookie_secret, sizeof ike->cookie_secret);
	ike->gate = gate_new(fill, fill_arg);
	heap_init(&ike->heap);
	ike->counters_at = ike->cookie_rotate = ike->shutdown_at = MONO_NEVER;
	ike->hinted.ms = -HINT_EVERY;
	ike->alarm = (struct alarm){ .kind = OWNER_MACHINE, .owner = ike };
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
	tunnels_free(ike);
	sa_free_dead(ike);
	heap_release(&ike->heap);
	struct table *tables[] = { &ike->tunnels, &ike->by_remote, &ike->by_number, &ike->child_by_number, &ike->by_spi,
		&ike->by_source, &ike->by_esp, &ike->by_esp_out };
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
		table_release(tables[i]);
	conf_free(ike->conf);
	gate_free(ike->gate);
	ike_actions_release(&out);
	arena_release(&arena);
	wipe(ike, sizeof *ike);
	free(ike);
}

struct mono ike_next(const struct ike *ike)
{
	const struct timer *t = heap_top(&ike->heap);
	return t ? t->at : MONO_NEVER;
}

/* ---------------------------------------------------------------- events */

/* A configured peer speaks of an SA that we do not have, say after a restart of ours: an unprotected hint lets it notice (RFC 7296 2.21.4).
 * At most one a second, and never in answer to a response. */
static void hint_unknown_spi(struct step *s, const struct header *h, const struct ike_event *e)
{
	struct ike *ike = s->ike;
	bool due = mono_due(mono_add(ike->hinted, HINT_EVERY), s->now.mono);
	if (!due || !ike->conf || ike->shutting_down || !tunnel_next_at(ike, NULL, &e->datagram.local, &e->datagram.remote))
		return;
	ike->hinted = s->now.mono;
	struct header answer = { .major = 2, .exchange = h->exchange, .message_id = h->message_id };
	answer.flags = (uint8_t)(IKE_FLAG_RESPONSE | (~h->flags & IKE_FLAG_INITIATOR));
	memcpy(answer.spi_i, h->spi_i, IKE_SPI_LEN);
	memcpy(answer.spi_r, h->spi_r, IKE_SPI_LEN);
	struct payload p = payload_notify(NOTIFY_INVALID_IKE_SPI, (struct bytes){ 0 });
	struct writer w;
	uint8_t *mem = arena_alloc(s->out->arena, 64);
	message_begin(&w, mem, mem ? 64 : 0, &answer);
	message_add(&w, &p);
	struct ike_action *a = act(s, ACTION_SEND);
	a->send.local = e->datagram.local;
	a->send.remote = e->datagram.remote;
	a->send.bytes = message_end(&w);
}

/* A datagram is for the SA that our SPI names, or it opens a new one; everything else is counted and dropped. */
static void on_datagram(struct step *s, const struct ike_event *e)
{
	struct header h;
	s->ike->totals.datagrams++;
	int err = header_decode(&h, e->datagram.bytes);
	if (err != ERR_OK) {
		drop(s, err == ERR_SHORT ? DROP_SHORT : err == ERR_VERSION ? DROP_VERSION : DROP_LENGTH);
		return;
	}
	bool to_initiator = !(h.flags & IKE_FLAG_INITIATOR);
	struct cursor c = cursor_of(to_initiator ? h.spi_i : h.spi_r, IKE_SPI_LEN);
	uint64_t ours = get_u64(&c);
	if (h.exchange == EXCHANGE_IKE_SA_INIT && !(h.flags & IKE_FLAG_RESPONSE)) {
		if (to_initiator || ours != 0 || h.message_id != 0)
			drop(s, DROP_UNEXPECTED);
		else
			init_request(s, &h, e);
		return;
	}
	struct sa *sa = table_get(&s->ike->by_spi, ours);
	if (!sa || sa->core.initiator != to_initiator) {
		drop(s, DROP_UNKNOWN_SA);
		if (!(h.flags & IKE_FLAG_RESPONSE))
			hint_unknown_spi(s, &h, e);
		return;
	}
	/* Until the first answer we do not know the peer's SPI; after that both must fit. */
	bool unsealed = h.exchange == EXCHANGE_IKE_SA_INIT;
	if (!unsealed && (memcmp(h.spi_i, sa->core.spi_i, IKE_SPI_LEN) || memcmp(h.spi_r, sa->core.spi_r, IKE_SPI_LEN))) {
		drop(s, DROP_UNKNOWN_SA);
		return;
	}
	if (unsealed)
		init_response_unsealed(s, sa, e);
	else
		exchange_datagram(s, sa, &h, e);
}

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
	struct child *c = table_get(&s->ike->child_by_number, e->kernel.ticket.sa);
	if (c)
		child_kernel(s, c, e->kernel.ticket.job, e->kernel.err);
}

static struct child *child_of(struct step *s, uint32_t tunnel, uint32_t spi, uint8_t dir)
{
	if (dir == ESP_IN)
		return table_get(&s->ike->by_esp, spi);
	return table_get(&s->ike->by_esp_out, (uint64_t)tunnel << 32 | spi);
}

static void on_expire(struct step *s, const struct ike_event *e)
{
	struct child *c = child_of(s, e->expire.tunnel, e->expire.spi, e->expire.dir);
	if (!c || !c->sa || c->state >= CHILD_DELETING)
		return;
	if (!e->expire.hard) {
		c->rekey_due |= c->state == CHILD_READY || c->state == CHILD_INBOUND;
		sa_mark(s, c->sa);
		return;
	}
	tell(s, FACT_LIFETIME, BLAME_LOCAL, c->tunnel, NULL, "the kernel dropped child SA %08x: a new one is made", c->spi_in);
	child_expired(s, c, (enum esp_dir)e->expire.dir);
	sa_mark(s, c->sa);
	tunnel_mark(s, c->tunnel);
}

static void on_mapping(struct step *s, const struct ike_event *e)
{
	struct child *c = table_get(&s->ike->by_esp, e->mapping.spi);
	/* The packet was authentic (the kernel checks before it tells), but only a peer behind a NAT may move (RFC 7296 2.23). */
	if (c && c->sa && c->sa->core.nat_remote && sa_live(c->sa))
		path_peer_moved(s, c->sa, &e->mapping.remote);
}

/* Traffic left since the last look. If nothing came back since, the clock of failover-after starts with that look. */
static void went_out(struct step *s, struct sa *sa)
{
	if (!mono_is_never(sa->quiet) || sa->heard.ms > s->ike->counted.ms)
		return;
	sa->quiet = s->ike->counted;
	sa_mark(s, sa);
}

static uint64_t grown(uint64_t have, uint64_t now) { return now > have ? now - have : 0; }

static void count_grown(struct tunnel *t, const struct esp_counters *have, const struct esp_counters *now)
{
	bool in = now->dir == ESP_IN;
	t->counters[in ? COUNTER_BYTES_IN : COUNTER_BYTES_OUT] += grown(have->bytes, now->bytes);
	t->counters[in ? COUNTER_PACKETS_IN : COUNTER_PACKETS_OUT] += grown(have->packets, now->packets);
	t->counters[COUNTER_REPLAY_ERRORS] += in ? grown(have->replay_errors, now->replay_errors) : 0;
	t->counters[COUNTER_INTEGRITY_ERRORS] += in ? grown(have->integrity_errors, now->integrity_errors) : 0;
}

static void count_one(struct step *s, struct tunnel *t, const struct esp_counters *n)
{
	struct child *c = child_of(s, t ? t->id : 0, n->spi, n->dir);
	if (!c)
		return;
	struct esp_counters *have = n->dir == ESP_IN ? &c->in : &c->out;
	bool moved = n->packets > have->packets;
	count_grown(c->tunnel, have, n);
	*have = *n;
	if (moved && n->dir == ESP_OUT && c->sa)
		went_out(s, c->sa);
	if (!moved || n->dir != ESP_IN)
		return;
	if (c->sa) {
		sa_heard(s, c->sa);
		c->sa->one_way = 0;
	}
	if (c->state == CHILD_INBOUND) /* the peer sends on it: it has it */
		child_ready(s, c);
}

static void on_counters(struct step *s, const struct ike_event *e)
{
	for (uint32_t i = 0; i < e->counters.n; i++) {
		const struct esp_counters *n = &e->counters.v[i];
		struct child *in = n->dir == ESP_IN ? table_get(&s->ike->by_esp, n->spi) : NULL;
		count_one(s, in ? in->tunnel : tunnel_by_id(s->ike, n->tunnel), n);
	}
	if (!e->counters.more)
		s->ike->counted = s->now.mono;
}

/* While a tunnel is up its counters are looked at twice per liveness interval. */
static void on_machine_timer(struct step *s)
{
	struct ike *ike = s->ike;
	if (mono_due(ike->shutdown_at, s->now.mono)) {
		ike->shutdown_at = MONO_NEVER;
		size_t it = 0;
		struct sa *sa;
		while ((sa = table_next(&ike->by_number, &it)))
			sa_destroy(s, sa);
	}
	if (mono_due(ike->counters_at, s->now.mono)) {
		ike->counters_at = MONO_NEVER;
		act(s, ACTION_COUNTERS);
	}
}

static void counters_schedule(struct step *s)
{
	struct ike *ike = s->ike;
	if (ike->totals.established && mono_is_never(ike->counters_at))
		ike->counters_at = mono_add(
			s->now.mono, ike->counters_every + (msec)ike->totals.established); /* a dump takes longer with more SAs */
	alarm_at(ike, &ike->alarm, mono_min(ike->counters_at, ike->shutdown_at));
}

static void timers_run(struct step *s)
{
	struct timer *t;
	for (unsigned guard = 0; guard < 100000 && (t = heap_top(&s->ike->heap)) && mono_due(t->at, s->now.mono); guard++) {
		struct alarm *a = (struct alarm *)t;
		heap_clear(&s->ike->heap, t);
		switch (a->kind) {
		case OWNER_TUNNEL: tunnel_timer(s, a->owner); break;
		case OWNER_SA: sa_timer(s, a->owner); break;
		case OWNER_CHILD: child_timer(s, a->owner); break;
		case OWNER_MACHINE: on_machine_timer(s); break;
		}
	}
}

static void settle(struct step *s)
{
	struct ike *ike = s->ike;
	while (ike->dirty || ike->dirty_tunnels) {
		struct sa *sa = ike->dirty;
		if (sa) {
			ike->dirty = sa->dirty_next;
			sa->dirty = false;
			if (sa->state != SA_DEAD)
				sa_work(s, sa);
			continue;
		}
		struct tunnel *t = ike->dirty_tunnels;
		ike->dirty_tunnels = t->dirty_next;
		t->dirty = false;
		tunnel_work(s, t);
	}
	sa_free_dead(ike);
	if (ike->conf)
		counters_schedule(s);
	if (ike->shutting_down && !ike->idle_said && !table_count(&ike->by_number)) {
		ike->idle_said = true;
		act(s, ACTION_IDLE);
	}
}

void ike_step(struct ike *ike, struct moment now, const struct ike_event *in, struct ike_actions *out)
{
	struct step step = { .ike = ike, .now = now, .out = out }, *s = &step;
	switch (in->kind) {
	case EVENT_TIMER: break;
	case EVENT_DATAGRAM: on_datagram(s, in); break;
	case EVENT_JOB: on_job(s, in); break;
	case EVENT_KERNEL_RESULT: on_kernel(s, in); break;
	case EVENT_EXPIRE: on_expire(s, in); break;
	case EVENT_MAPPING: on_mapping(s, in); break;
	case EVENT_COUNTERS: on_counters(s, in); break;
	case EVENT_RESOLVED: tunnel_resolved(s, in); break;
	case EVENT_TUNNEL: tunnel_usable(s, in->tunnel.tunnel, in->tunnel.why); break;
	case EVENT_PATH_CHANGED: tunnel_path_changed(s); break;
	case EVENT_CONF: tunnel_conf_event(s, in->conf.conf); break;
	case EVENT_COMMAND: tunnel_command(s, in->command.kind, in->command.tunnel, in->command.token); break;
	}
	timers_run(s);
	settle(s);
}
