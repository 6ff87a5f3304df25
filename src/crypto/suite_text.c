/* suite_text.c - proposals as people write them, "aes256-sha256-modp2048", and back. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib.h"

/* --- reading --- */

static const char *refuse_use(const struct alg *a, uint8_t protocol)
{
	bool ike = protocol == PROTOCOL_IKE;
	if (a->uses & (ike ? ALG_IKE : ALG_ESP))
		return NULL;
	if (a->type == TRANSFORM_PRF)
		return "a PRF belongs into an IKE proposal, ESP has none";
	if (a->type == TRANSFORM_ESN)
		return "extended sequence numbers belong into an ESP proposal";
	return ike ? "not for IKE; only ESP can use it" : "not for ESP; only IKE can use it";
}

/* Keeps the kinds together, in the order of their numbers; within a kind the order of the words is the order of preference. */
static const char *add(struct proposal *p, const struct alg *a)
{
	unsigned at = 0;
	for (unsigned i = 0; i < p->n; i++)
		if (p->t[i].type == a->type && p->t[i].id == a->id && p->t[i].keylen == a->keylen)
			return "named twice";
	if (p->n == PROPOSAL_TRANSFORMS_MAX)
		return "too many algorithms in one proposal (24 at most)";
	while (at < p->n && p->t[at].type <= a->type)
		at++;
	memmove(&p->t[at + 1], &p->t[at], (p->n - at) * sizeof p->t[0]);
	p->t[at] = (struct transform){ .type = a->type, .id = a->id, .keylen = a->keylen };
	p->n++;
	return NULL;
}

static const char *add_word(struct proposal *p, const char *word, size_t len)
{
	const struct alg *a;
	if (!len)
		return "a word is missing: algorithms are joined by single hyphens";
	if (!lib_by_word(word, len, &a))
		return "unknown algorithm";
	if (!a)
		return "the cryptographic library of this machine does not offer this algorithm";
	const char *why = refuse_use(a, p->protocol);
	return why ? why : add(p, a);
}

struct kinds {
	unsigned aead, plain, prf, integ, group;
};

static struct kinds count(const struct proposal *p)
{
	struct kinds k = { 0 };
	for (unsigned i = 0; i < p->n; i++) {
		const struct alg *a = alg_find(p->t[i].type, p->t[i].id, p->t[i].keylen);
		k.aead += a && a->aead;
		k.plain += p->t[i].type == TRANSFORM_ENCR && !(a && a->aead);
		k.prf += p->t[i].type == TRANSFORM_PRF;
		k.integ += p->t[i].type == TRANSFORM_INTEG;
		k.group += p->t[i].type == TRANSFORM_KE;
	}
	return k;
}

/* RFC 7296 3.3.3: what a proposal must have and must not have; 3.3: AEAD and other ciphers never share one. */
static const char *judge(const struct proposal *p)
{
	struct kinds k = count(p);
	bool ike = p->protocol == PROTOCOL_IKE;
	if (!k.aead && !k.plain)
		return "an encryption algorithm is missing, such as aes256";
	if (k.aead && k.plain)
		return "AEAD ciphers (gcm, chacha20poly1305) and others cannot share one proposal: write two";
	if (k.aead && k.integ && ike && !k.prf)
		return "an AEAD cipher takes no integrity algorithm; name the PRF instead, such as prfsha256";
	if (k.aead && k.integ)
		return "an AEAD cipher takes no integrity algorithm: leave it out";
	if (k.plain && !k.integ)
		return "an integrity algorithm is missing, such as sha256";
	if (ike && k.aead && !k.prf)
		return "with an AEAD cipher an IKE proposal must name its PRF: add prfsha256";
	if (ike && !k.group)
		return "a key exchange group is missing, such as modp2048";
	return NULL;
}

static const char *derive_prf(struct proposal *p)
{
	struct proposal from = *p;
	for (unsigned i = 0; i < from.n; i++) {
		if (from.t[i].type != TRANSFORM_INTEG)
			continue;
		const struct alg *integ = alg_find(TRANSFORM_INTEG, from.t[i].id, 0), *prf_row = integ ? lib_prf_of(integ) : NULL;
		const char *why = prf_row ? add(p, prf_row)
					  : "the cryptographic library of this machine has no PRF to go with it";
		if (why)
			return why;
	}
	return NULL;
}

bool proposal_parse(struct proposal *p, uint8_t protocol, const char *text, const char **bad, size_t *bad_len, const char **why)
{
	*p = (struct proposal){ .protocol = protocol };
	for (const char *word = text, *end;; word = end + 1) {
		end = word + strcspn(word, "-");
		*bad = word;
		*bad_len = (size_t)(end - word);
		*why = add_word(p, word, *bad_len);
		if (*why)
			return false;
		if (!*end)
			break;
	}
	*bad = text;
	*bad_len = strlen(text);
	*why = judge(p);
	if (!*why && protocol == PROTOCOL_IKE && !count(p).prf)
		*why = derive_prf(p);
	return !*why;
}

/* --- writing --- */

struct text {
	char *out;
	size_t len;
	bool full;
};

static void put_word(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put_word(struct text *t, const char *fmt, ...)
{
	static const char cut[] = "...";
	char word[32];
	va_list args;
	va_start(args, fmt);
	vsnprintf(word, sizeof word, fmt, args);
	va_end(args);
	size_t n = strlen(word);
	if (t->full)
		return;
	t->full = t->len + 1 + n + sizeof cut > PROPOSAL_TEXT;
	if (t->full) {
		memcpy(t->out + t->len, cut, sizeof cut);
		return;
	}
	if (t->len)
		t->out[t->len++] = '-';
	memcpy(t->out + t->len, word, n + 1);
	t->len += n;
}

static const char *kind_name(uint8_t type)
{
	switch ((enum ike_transform_type)type) {
	case TRANSFORM_ENCR: return "encr";
	case TRANSFORM_PRF: return "prf";
	case TRANSFORM_INTEG: return "integ";
	case TRANSFORM_KE: return "group";
	case TRANSFORM_ESN: return "esn";
	}
	return NULL;
}

static void put_transform(struct text *t, const struct transform *x)
{
	const struct alg *a = alg_find(x->type, x->id, x->keylen);
	const char *kind = kind_name(x->type);
	const char *mark = x->foreign ? "?" : ""; /* an attribute that we do not know came with it */
	if (x->type == TRANSFORM_INTEG && x->id == INTEG_NONE)
		return; /* said by the AEAD cipher */
	if (x->type == TRANSFORM_KE && x->id == GROUP_NONE)
		put_word(t, "nopfs%s", mark);
	else if (a)
		put_word(t, "%s%s", a->word, mark);
	else if (!kind)
		put_word(t, "type%u-%u%s", x->type, x->id, mark);
	else if (x->keylen)
		put_word(t, "%s-%u/%u%s", kind, x->id, x->keylen, mark);
	else
		put_word(t, "%s-%u%s", kind, x->id, mark);
}

/* The next transform of a kind from *at on; NULL at the end. */
static const struct transform *next_of(uint8_t type, const struct transform *v, unsigned n, unsigned *at)
{
	while (*at < n) {
		const struct transform *x = &v[(*at)++];
		if (x->type == type)
			return x;
	}
	return NULL;
}

/* Whether the PRFs are just the digests of the integrity algorithms, in their order. */
static bool prf_follows(const struct transform *v, unsigned n)
{
	unsigned at_prf = 0, at_integ = 0;
	const struct transform *x, *i;
	do {
		x = next_of(TRANSFORM_PRF, v, n, &at_prf);
		i = next_of(TRANSFORM_INTEG, v, n, &at_integ);
		const struct alg *integ = i ? alg_find(TRANSFORM_INTEG, i->id, i->keylen) : NULL,
				 *same = integ ? lib_prf_of(integ) : NULL;
		if (!x != !i || (x && (!same || same->id != x->id || x->foreign)))
			return false;
	} while (x);
	return true;
}

static const char *format(const struct transform *v, unsigned n, char *out)
{
	static const uint8_t order[] = { TRANSFORM_ENCR, TRANSFORM_INTEG, TRANSFORM_PRF, TRANSFORM_KE, TRANSFORM_ESN };
	struct text t = { .out = out };
	bool quiet_prf = prf_follows(v, n);
	*out = 0;
	for (unsigned k = 0; k < sizeof order; k++) {
		const struct transform *x;
		if (order[k] == TRANSFORM_PRF && quiet_prf)
			continue;
		for (unsigned at = 0; (x = next_of(order[k], v, n, &at));)
			put_transform(&t, x);
	}
	for (unsigned i = 0; i < n; i++)
		if (!kind_name(v[i].type))
			put_transform(&t, &v[i]);
	return out;
}

const char *proposal_format(const struct proposal *p, char text[PROPOSAL_TEXT])
{
	return format(p->t, p->n < PROPOSAL_TRANSFORMS_MAX ? p->n : PROPOSAL_TRANSFORMS_MAX, text);
}

const char *offer_format(const struct offer *o, char text[PROPOSAL_TEXT]) { return format(o->t, o->n, text); }

const char *suite_format(const struct suite *s, char text[PROPOSAL_TEXT])
{
	struct transform v[5];
	unsigned n = 0;
	v[n++] = (struct transform){ .type = TRANSFORM_ENCR, .id = s->encr, .keylen = s->keylen };
	if (s->integ != INTEG_NONE)
		v[n++] = (struct transform){ .type = TRANSFORM_INTEG, .id = s->integ };
	if (s->protocol == PROTOCOL_IKE)
		v[n++] = (struct transform){ .type = TRANSFORM_PRF, .id = s->prf };
	if (s->group != GROUP_NONE)
		v[n++] = (struct transform){ .type = TRANSFORM_KE, .id = s->group };
	if (s->protocol != PROTOCOL_IKE && s->esn != ESN_NO)
		v[n++] = (struct transform){ .type = TRANSFORM_ESN, .id = s->esn };
	return format(v, n, text);
}

const char *proposal_weak(const struct proposal *p, uint32_t allowed)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct alg *a = alg_find(p->t[i].type, p->t[i].id, p->t[i].keylen);
		if (a && a->weak && !(alg_weak_bit(a->weak) & allowed))
			return a->weak;
	}
	return NULL;
}
