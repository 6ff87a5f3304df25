/*
 * select.c - which algorithms (RFC 7296 2.7, 3.3). Ours decide the order: the first of our proposals that one of theirs satisfies.
 */
#include <stdio.h>

#include "base/text.h"
#include "machine.h"

static bool has(const struct transform *v, unsigned n, uint8_t type, uint16_t id, uint16_t keylen)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].type == type && v[i].id == id && v[i].keylen == keylen && !v[i].foreign)
			return true;
	return false;
}

static bool has_type(const struct transform *v, unsigned n, uint8_t type)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].type == type)
			return true;
	return false;
}

static void set(struct suite *s, const struct transform *t)
{
	switch ((enum ike_transform_type)t->type) {
	case TRANSFORM_ENCR:
		s->encr = t->id;
		s->keylen = t->keylen;
		break;
	case TRANSFORM_PRF: s->prf = t->id; break;
	case TRANSFORM_INTEG: s->integ = t->id; break;
	case TRANSFORM_KE: s->group = t->id; break;
	case TRANSFORM_ESN: s->esn = t->id; break;
	}
}

/* One kind: the first of ours that they have. A kind that only one side names must be absent or NONE at the other (RFC 7296 3.3.3, 3.3.6). */
static bool match_type(const struct proposal *ours, const struct offer *theirs, uint8_t type, struct suite *out)
{
	if (has_type(ours->t, ours->n, type)) {
		for (unsigned i = 0; i < ours->n; i++) {
			const struct transform *t = &ours->t[i];
			bool absent_no = (type == TRANSFORM_ESN || type == TRANSFORM_KE) && t->id == 0 &&
					 !has_type(theirs->t, theirs->n, type);
			if (t->type == type && (absent_no || has(theirs->t, theirs->n, type, t->id, t->keylen))) {
				set(out, t);
				return true;
			}
		}
		return false;
	}
	return !has_type(theirs->t, theirs->n, type) || has(theirs->t, theirs->n, type, 0, 0);
}

static bool match(const struct proposal *ours, const struct offer *theirs, bool ignore_group, struct suite *out)
{
	*out = (struct suite){ .protocol = ours->protocol };
	for (unsigned i = 0; i < theirs->n; i++) /* a kind we have never heard of cannot be agreed on */
		if (theirs->t[i].type < TRANSFORM_ENCR || theirs->t[i].type > TRANSFORM_ESN)
			return false;
	for (uint8_t type = TRANSFORM_ENCR; type <= TRANSFORM_ESN; type++) {
		if (type == TRANSFORM_KE && ignore_group)
			continue;
		if (!match_type(ours, theirs, type, out))
			return false;
	}
	return true;
}

bool select_suite(const struct proposal *ours, unsigned n, const struct payload *sa, uint8_t protocol, bool ignore_group,
	struct suite *out, uint8_t *number, struct bytes *spi)
{
	size_t spi_size = protocol == PROTOCOL_ESP ? ESP_SPI_LEN : 0;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < sa->sa.n; j++) {
			const struct offer *o = &sa->sa.v[j];
			bool shape = o->protocol == protocol && (protocol == PROTOCOL_IKE || o->spi.n == spi_size);
			if (!shape || !match(&ours[i], o, ignore_group, out))
				continue;
			*number = o->number;
			*spi = o->spi;
			return true;
		}
	}
	return false;
}

bool suite_permitted(const struct proposal *ours, unsigned n, const struct suite *s, bool ignore_group)
{
	const struct transform t[] = { { TRANSFORM_ENCR, s->encr, s->keylen, false }, { TRANSFORM_PRF, s->prf, 0, false },
		{ TRANSFORM_INTEG, s->integ, 0, false }, { TRANSFORM_KE, s->group, 0, false } };
	for (unsigned i = 0; i < n; i++) {
		bool all = true;
		for (unsigned k = 0; k < 4 && all; k++) {
			if (t[k].type == TRANSFORM_KE && ignore_group)
				continue;
			all = has(ours[i].t, ours[i].n, t[k].type, t[k].id, t[k].keylen) ||
			      (!t[k].id && !has_type(ours[i].t, ours[i].n, t[k].type));
		}
		if (all)
			return true;
	}
	return false;
}

bool group_offered(const struct proposal *p, unsigned n, uint16_t group)
{
	for (unsigned i = 0; i < n; i++)
		if (has(p[i].t, p[i].n, TRANSFORM_KE, group, 0))
			return true;
	return false;
}

uint16_t first_group(const struct proposal *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < p[i].n; k++)
			if (p[i].t[k].type == TRANSFORM_KE)
				return p[i].t[k].id;
	return GROUP_NONE;
}

bool proposal_equal(const struct proposal *a, const struct proposal *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->t[i].type != b->t[i].type || a->t[i].id != b->t[i].id || a->t[i].keylen != b->t[i].keylen)
			return false;
	return true;
}

static void add_transform(struct proposal *p, uint8_t type, uint16_t id)
{
	if (p->n < PROPOSAL_TRANSFORMS_MAX)
		p->t[p->n++] = (struct transform){ .type = type, .id = id };
}

unsigned child_proposals(const struct tunnel *t, enum groups groups, struct proposal out[PROPOSALS_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->conf->n_esp && n < PROPOSALS_MAX; i++) {
		const struct proposal *from = &t->conf->esp[i];
		struct proposal *p = &out[n];
		if (groups == GROUPS_ABSENT && has_type(from->t, from->n, TRANSFORM_KE))
			continue;
		*p = (struct proposal){ .protocol = PROTOCOL_ESP };
		for (unsigned k = 0; k < from->n; k++)
			if (groups != GROUPS_STRIPPED || from->t[k].type != TRANSFORM_KE)
				p->t[p->n++] = from->t[k];
		if (!has_type(p->t, p->n, TRANSFORM_ESN)) {
			if (t->conf->esn != TRI_NO)
				add_transform(p, TRANSFORM_ESN, ESN_YES);
			if (t->conf->esn != TRI_YES)
				add_transform(p, TRANSFORM_ESN, ESN_NO);
		}
		bool twice = false;
		for (unsigned k = 0; k < n; k++)
			twice |= proposal_equal(&out[k], p);
		n += !twice;
	}
	return n;
}

struct payload select_offer(struct step *s, const struct proposal *ours, unsigned n, struct bytes spi)
{
	struct payload p = { .type = PAYLOAD_SA, .known = true };
	struct offer *v = arena_array(s->out->arena, n, sizeof *v);
	for (unsigned i = 0; v && i < n; i++) {
		struct bytes t = arena_copy(s->out->arena, bytes_of(ours[i].t, ours[i].n * sizeof ours[i].t[0]));
		v[i] = (struct offer){ .number = (uint8_t)(i + 1), .protocol = ours[i].protocol, .spi = spi, .n = ours[i].n };
		v[i].t = (const struct transform *)(const void *)t.p;
	}
	p.sa.v = v;
	p.sa.n = v ? (uint16_t)n : 0;
	return p;
}

uint8_t select_types(const struct payload *sa, uint8_t number)
{
	uint8_t types = 0;
	for (unsigned i = 0; i < sa->sa.n; i++)
		for (unsigned k = 0; sa->sa.v[i].number == number && k < sa->sa.v[i].n; k++)
			types |= (uint8_t)(1u << sa->sa.v[i].t[k].type);
	return types;
}

struct payload select_answer(struct step *s, const struct suite *su, uint8_t number, struct bytes spi, uint8_t types)
{
	struct proposal p = { .protocol = su->protocol };
	const uint16_t ids[] = {
		[TRANSFORM_PRF] = su->prf, [TRANSFORM_INTEG] = su->integ, [TRANSFORM_KE] = su->group, [TRANSFORM_ESN] = su->esn
	};
	p.t[p.n++] = (struct transform){ .type = TRANSFORM_ENCR, .id = su->encr, .keylen = su->keylen };
	for (uint8_t type = TRANSFORM_PRF; type <= TRANSFORM_ESN; type++)
		if (types & 1u << type)
			add_transform(&p, type, ids[type]);
	struct payload out = select_offer(s, &p, 1, spi);
	if (out.sa.n)
		((struct offer *)(uintptr_t)out.sa.v)->number = number;
	return out;
}

void select_describe(const struct payload *sa, char *text, size_t size)
{
	char one[PROPOSAL_TEXT];
	text[0] = 0;
	for (unsigned i = 0; i < sa->sa.n; i++)
		text_join(text, size, ", ", offer_format(&sa->sa.v[i], one));
}

void select_describe_ours(const struct proposal *p, unsigned n, char *text, size_t size)
{
	char one[PROPOSAL_TEXT];
	text[0] = 0;
	for (unsigned i = 0; i < n; i++)
		text_join(text, size, ", ", proposal_format(&p[i], one));
}

static void describe_end(const struct ts *v, unsigned n, char *text, size_t size)
{
	char one[TS_TEXT];
	text[0] = 0;
	for (unsigned i = 0; i < n; i++)
		text_join(text, size, ", ", ts_format(&v[i], one));
	if (!n)
		text_join(text, size, ", ", "nothing");
}

void select_describe_ts(const struct ts *local, unsigned n, const struct ts *remote, unsigned m, char *text, size_t size)
{
	char a[FACT_ITEM / 2], b[FACT_ITEM / 2];
	describe_end(local, n, a, sizeof a);
	describe_end(remote, m, b, sizeof b);
	snprintf(text, size, "%s === %s", a, b);
}
