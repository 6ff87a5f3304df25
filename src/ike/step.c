/*
 * step.c - the step under way: its actions and reports, its marks; small things that every file needs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* ---------------------------------------------------------------- actions */

#define KEPT_ACTIONS 128

void ike_actions_init(struct ike_actions *a, struct arena *arena) { *a = (struct ike_actions){ .arena = arena }; }

static void free_actions(struct ike_actions *a)
{
	free(a->v);
	a->v = NULL;
	a->cap = 0;
}

static struct fact *new_fact(struct ike_actions *a)
{
	if (a->spares == 0)
		return xcalloc(1, sizeof(struct fact));
	struct fact *f = a->spare[--a->spares];
	memset(f, 0, sizeof *f);
	return f;
}

static void give_back(struct ike_actions *a, struct fact *f)
{
	if (a->spares < ARRAY_SIZE(a->spare))
		a->spare[a->spares++] = f;
	else
		free(f);
}

void ike_actions_reset(struct ike_actions *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->v[i].kind == ACTION_REPORT)
			give_back(a, a->v[i].fact);
	}
	if (a->v)
		wipe(a->v, a->n * sizeof *a->v);
	a->n = 0;
	if (a->cap > KEPT_ACTIONS) /* a step over all tunnels is rare, and its room large */
		free_actions(a);
	arena_reset(a->arena);
}

void ike_actions_release(struct ike_actions *a)
{
	ike_actions_reset(a);
	free_actions(a);
	while (a->spares > 0)
		free(a->spare[--a->spares]);
}

struct ike_action *step_action(struct step *s, enum ike_action_kind kind)
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
	struct ike_action *x = &a->v[a->n++]; /* zero from xcalloc, and from the wipe of those before */
	x->kind = kind;
	return x;
}

static void report(struct step *s, enum fact_code code, enum blame blame, struct tunnel *t, const struct addr *peer,
	const char *fmt, va_list ap)
{
	struct fact *f = step_action(s, ACTION_REPORT)->fact = new_fact(s->out);
	f->code = code;
	f->blame = blame;
	f->tunnel = t ? t->id : 0;
	if (peer)
		f->peer = *peer;
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	if (t && fact_is_error(code)) {
		if (!t->last_error)
			t->last_error = xcalloc(1, sizeof *t->last_error);
		*t->last_error = *f;
		t->last_error_at = s->now.wall;
	}
}

void ike_report(
	struct step *s, enum fact_code code, enum blame blame, struct tunnel *t, const struct addr *peer, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(s, code, blame, t, peer, fmt, ap);
	va_end(ap);
}

void sa_report(struct step *s, const struct sa *sa, enum fact_code code, enum blame blame, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(s, code, blame, sa->tunnel, &sa->core.remote, fmt, ap);
	va_end(ap);
}

void ike_report_compared(
	struct step *s, struct tunnel *t, enum ike_protocol protocol, uint16_t notify, const char *ours, const char *theirs)
{
	struct fact *f = s->out->v[s->out->n - 1].fact;
	f->protocol = (uint8_t)protocol;
	f->notify = notify;
	snprintf(f->ours, sizeof f->ours, "%s", ours);
	snprintf(f->theirs, sizeof f->theirs, "%s", theirs);
	if (t && t->last_error && fact_is_error(f->code))
		*t->last_error = *f;
}

void ike_report_about(struct step *s, struct tunnel *t, enum fact_subject subject, const char *was, const char *now)
{
	struct fact *f = s->out->v[s->out->n - 1].fact;
	f->subject = subject;
	snprintf(f->was, sizeof f->was, "%s", was ? was : "");
	snprintf(f->now, sizeof f->now, "%s", now ? now : "");
	if (t && t->last_error && fact_is_error(f->code))
		*t->last_error = *f;
}

void step_drop(struct step *s, enum drop_reason why) { s->ike->totals.dropped[why]++; }

/* ---------------------------------------------------------------- marks and times */

msec step_jitter(struct ike *ike, msec base, unsigned percent)
{
	uint32_t r;
	ike->fill(ike->fill_arg, &r, sizeof r);
	return base + (msec)((double)base * percent / 100.0 * (r / 4294967296.0));
}

void alarm_at(struct ike *ike, struct alarm *a, struct mono at) { heap_set(&ike->heap, &a->t, at); }

static void look_at_record(struct step *s, struct tunnel *t, enum record_change change)
{
	if (!t || t->changed >= change)
		return;
	if (t->changed == RECORD_SAME) {
		t->changed_next = s->ike->changed;
		s->ike->changed = t;
	}
	t->changed = (uint8_t)change;
}

void tunnel_changed(struct step *s, struct tunnel *t) { look_at_record(s, t, RECORD_CHANGED); }
void tunnel_noted(struct step *s, struct tunnel *t) { look_at_record(s, t, RECORD_NOTED); }

void step_on(struct step *s, const struct tunnel *t)
{
	if (s->ike->stepping)
		*(volatile uint32_t *)s->ike->stepping = t ? t->id : 0;
}

void sa_mark(struct step *s, struct sa *sa)
{
	tunnel_changed(s, sa->tunnel);
	sa_look(s, sa);
}

void sa_look(struct step *s, struct sa *sa)
{
	if (sa->dirty || sa->state == SA_DEAD)
		return;
	sa->dirty = true;
	sa->dirty_next = s->ike->dirty;
	s->ike->dirty = sa;
}

void tunnel_mark(struct step *s, struct tunnel *t)
{
	tunnel_changed(s, t);
	if (!t || t->dirty)
		return;
	t->dirty = true;
	t->dirty_next = s->ike->dirty_tunnels;
	s->ike->dirty_tunnels = t;
}

/* Rekey at 80-84 % of the lifetime, who opened the SA in the earlier half: both ends rarely cross (facts: clouds rekey at 85 % and later). */
struct mono step_rekey_at(struct step *s, msec lifetime, bool initiator)
{
	msec from = lifetime * (initiator ? 80 : 82) / 100, spread = lifetime * 2 / 100;
	return mono_add(s->now.mono, from + step_jitter(s->ike, spread, 100) - spread);
}

/* ---------------------------------------------------------------- octets */

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
