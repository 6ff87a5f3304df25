/*
 * probe_plan.c - the questions, in phases. First the groups, all else open: each answer names one, which is left out of the
 * next question. Then each encryption, integrity and PRF by itself, all else open. Then what was accepted by itself is put
 * together, pair by pair, and if there is room with each group. A silent peer counts as one that refuses; how often it was
 * silent is counted.
 */
#include <string.h>

#include "probe.h"

static int group_row(const char *word)
{
	int i = 0;
	while (i < (int)probe_rows()->nobody && strcmp(probe_rows()->group[i]->word, word) != 0)
		i++;
	return i;
}

void probe_begin(struct probe *p)
{
	*p = (struct probe){ .phase = PHASE_GROUPS, .complete = true };
	p->decoy = group_row(PROBE_DECOY);
	p->groups_left = PROBE_ALL(probe_rows()->nobody) & ~(1u << p->decoy);
}

/* ---------------------------------------------------------------- decoys */
/* The peer took the decoy, and keeps state for it: it is a group like others. The one in its place cannot be taken: no more state comes of it. */
static bool next_decoy(struct probe *p)
{
	bool first = p->decoy != (int)probe_rows()->nobody;
	if (first)
		p->groups |= 1u << p->decoy;
	p->decoy = (int)probe_rows()->nobody;
	return first;
}

/* ---------------------------------------------------------------- asking */
static probe_set plain(void) { return PROBE_ALL(probe_rows()->encrs) & ~probe_rows()->aeads; }

static struct probe_question question(const struct probe *p, probe_set encr, probe_set integ, probe_set prf, probe_set groups)
{
	return (struct probe_question){ encr, integ, prf, groups, p->decoy };
}

/* The at-th pair of an accepted encryption with an accepted hash; false past the last. */
static bool pair_at(const struct probe *p, unsigned at, unsigned *e, unsigned *h)
{
	for (*e = 0; *e < probe_rows()->encrs; (*e)++) {
		bool aead = (probe_rows()->aeads & 1u << *e) != 0;
		for (*h = 0; *h < probe_rows()->hashes; (*h)++)
			if ((p->encrs & 1u << *e) != 0 && ((aead ? p->prfs : p->integs) & 1u << *h) != 0 && at-- == 0)
				return true;
	}
	return false;
}

bool probe_accepted(const struct probe *p, struct probe_combination *c)
{
	while (c->at < PROBE_ENCRS * PROBE_HASHES * PROBE_HASHES) {
		c->encr = c->at / (PROBE_HASHES * PROBE_HASHES);
		c->integ = c->at / PROBE_HASHES % PROBE_HASHES;
		c->prf = c->at++ % PROBE_HASHES;
		c->groups = p->accepted[c->encr][c->integ][c->prf];
		if (c->groups != 0)
			return true;
	}
	return false;
}

/* The at-th combination that was accepted with all groups at once, with one of the groups. */
static bool cross_at(const struct probe *p, unsigned at, struct probe_combination *c, unsigned *g)
{
	while (probe_accepted(p, c))
		for (*g = 0; *g < probe_rows()->groups; (*g)++)
			if ((p->groups & 1u << *g) != 0 && at-- == 0)
				return true;
	return false;
}

unsigned probe_count(const struct probe *p)
{
	struct probe_combination c = { 0 };
	unsigned n = 0;
	while (probe_accepted(p, &c))
		n += (unsigned)__builtin_popcount(c.groups);
	return n;
}

static bool any_plain(const struct probe *p)
{
	struct probe_combination c = { 0 };
	while (probe_accepted(p, &c))
		if ((plain() & 1u << c.encr) != 0)
			return true;
	return false;
}

static bool ask_part(struct probe *p, probe_set encr, probe_set integ, probe_set prf)
{
	p->now = question(p, encr, integ, prf, p->groups & ~(1u << p->decoy));
	return encr != 0 && integ != 0 && prf != 0 && p->now.groups != 0;
}

static bool ask_pair(struct probe *p)
{
	unsigned e, h;
	if (!pair_at(p, p->at, &e, &h))
		return false;
	return ask_part(p, 1u << e, 1u << h, 1u << h);
}

/* Nothing fits with integrity and PRF of one hash: the peer mixes them. */
static bool ask_other_prf(struct probe *p)
{
	unsigned e, h, f = p->at % probe_rows()->hashes, at = p->at / probe_rows()->hashes;
	if (any_plain(p) || (p->encrs & plain()) == 0)
		return false;
	for (; pair_at(p, at, &e, &h); at++, p->at = at * probe_rows()->hashes, f = 0)
		if ((probe_rows()->aeads & 1u << e) == 0)
			return ask_part(p, 1u << e, 1u << h, 1u << f);
	return false;
}

static bool ask_cross(struct probe *p)
{
	struct probe_combination c = { 0 };
	unsigned g;
	if (p->at == 0) {
		p->complete = (p->groups & (p->groups - 1)) == 0 || (p->asked + probe_count(p) + 1 <= PROBE_QUESTIONS && !p->cut);
		if (!p->complete || (p->groups & (p->groups - 1)) == 0)
			return false;
	}
	if (!cross_at(p, p->at, &c, &g))
		return false;
	return ask_part(p, 1u << c.encr, 1u << c.integ, 1u << c.prf) && (p->now.groups = 1u << g) != 0;
}

static bool ask_last(struct probe *p)
{
	struct probe_combination c = { 0 };
	if (p->half_open || p->at > 0)
		return false;
	while (probe_accepted(p, &c))
		for (unsigned g = 0; g < probe_rows()->groups; g++)
			if ((c.groups & 1u << g) != 0 && ke_public_size(probe_rows()->group[g]->id) > 0) {
				p->now = (struct probe_question){ 1u << c.encr, 1u << c.integ, 1u << c.prf, 1u << g, -1 };
				return true;
			}
	return false;
}

static bool ask(struct probe *p)
{
	const probe_set encrs = PROBE_ALL(probe_rows()->encrs), hashes = PROBE_ALL(probe_rows()->hashes);
	switch (p->phase) {
	case PHASE_GROUPS: p->now = question(p, encrs, hashes, hashes, p->groups_left); return p->groups_left != 0;
	case PHASE_ENCRS: return p->at < probe_rows()->encrs && ask_part(p, 1u << p->at, hashes, hashes);
	case PHASE_INTEGS: return p->at < probe_rows()->hashes && ask_part(p, p->encrs & plain(), 1u << p->at, hashes);
	case PHASE_PRFS: return p->at < probe_rows()->hashes && ask_part(p, p->encrs & probe_rows()->aeads, hashes, 1u << p->at);
	case PHASE_PAIRS: return ask_pair(p);
	case PHASE_OTHER_PRFS: return ask_other_prf(p);
	case PHASE_CROSS: return ask_cross(p);
	case PHASE_LAST: return ask_last(p);
	case PHASE_DONE: return false;
	}
	return false;
}

const struct probe_question *probe_next(struct probe *p)
{
	/* The last question is always left room for. */
	if (p->asked + 1 >= PROBE_QUESTIONS && p->phase < PHASE_LAST) {
		p->cut = true;
		p->complete = false;
		p->phase = PHASE_LAST;
		p->at = 0;
	}
	while (p->phase != PHASE_DONE && !ask(p)) {
		/* A peer that accepts nothing at all has no more to tell. */
		p->phase = p->phase == PHASE_GROUPS && (p->groups == 0 || !p->answers) ? PHASE_DONE : p->phase + 1;
		p->at = 0;
	}
	if (p->phase == PHASE_DONE)
		return NULL;
	p->asked++;
	return &p->now;
}

/* ---------------------------------------------------------------- answers */
static void take_groups(struct probe *p, const struct probe_answer *a)
{
	if (a->kind == PROBE_GROUP && a->group >= 0 && (p->groups_left & 1u << a->group) != 0) {
		p->groups |= 1u << a->group;
		p->groups_left &= ~(1u << a->group);
	} else {
		p->groups_left = 0;
	}
}

/* Which row of the sets of one member is meant. */
static unsigned row_of(probe_set one) { return (unsigned)__builtin_ctz(one); }

static void take_combination(struct probe *p, bool yes)
{
	const struct probe_question *q = &p->now;
	probe_set *to = &p->accepted[row_of(q->encr)][row_of(q->integ)][row_of(q->prf)];
	if (p->phase == PHASE_CROSS)
		*to = yes ? *to | q->groups : *to & ~q->groups;
	else if (yes)
		*to |= q->groups;
}

void probe_take(struct probe *p, const struct probe_answer *a)
{
	bool yes = a->kind == PROBE_GROUP || a->kind == PROBE_WHOLE;
	p->answers |= a->kind != PROBE_SILENT;
	p->silent += a->kind == PROBE_SILENT;
	if (a->kind == PROBE_OTHER)
		p->notify = a->notify;
	if (a->kind == PROBE_WHOLE) {
		p->half_open = true;
		p->whole = *a;
	}
	/* A decoy that was taken says nothing about what was asked: the same question again, with another. */
	if (a->kind == PROBE_WHOLE && p->now.decoy >= 0 && a->group == p->now.decoy) {
		if (!next_decoy(p)) {
			p->cut = true;
			p->complete = false;
			p->phase = PHASE_DONE;
		}
		return;
	}
	switch (p->phase) {
	case PHASE_GROUPS: take_groups(p, a); return;
	case PHASE_ENCRS: p->encrs |= yes ? p->now.encr : 0; break;
	case PHASE_INTEGS: p->integs |= yes ? p->now.integ : 0; break;
	case PHASE_PRFS: p->prfs |= yes ? p->now.prf : 0; break;
	case PHASE_PAIRS:
	case PHASE_OTHER_PRFS:
	case PHASE_CROSS: take_combination(p, yes); break;
	case PHASE_LAST:
	case PHASE_DONE: break;
	}
	p->at++;
}
