/* remember.c - see remember.h. */
#include "remember.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/pkey.h"

#define AHEAD 2 /* tunnels: the kernel takes longer for each than memory does */

void known_forget(void *v, size_t octets)
{
	if (v != NULL)
		wipe(v, octets);
	free(v);
}

void *known_grow(void *v, size_t n, size_t cap, size_t size)
{
	void *more = xcalloc(cap, size);
	if (v != NULL)
		memcpy(more, v, n * size);
	known_forget(v, n * size);
	return more;
}

void known_release(struct known *k)
{
	for (unsigned i = 0; i < k->n_files; i++)
		free(k->files[i].path);
	known_forget(k->files, k->n_files * sizeof *k->files);
	known_forget(k->v, k->n * sizeof *k->v);
	free(k->clashes);
	free(k->global_at);
	conf_free(k->conf);
	*k = (struct known){ 0 };
}

uint64_t known_part(const struct conf_text *text, const struct conf_part *part)
{
	return hash_words(HASH_START, text->text + part->at, part->len);
}

void known_text(struct source *s, const struct conf_text *text, const struct conf_parts *parts)
{
	s->text = hash_words(HASH_START, text->text, text->len);
	s->len = text->len;
	s->private_mode = text->private_mode;
	if (parts == NULL)
		return;
	s->head = hash_words(HASH_START, text->text, parts->head);
	s->head_is_empty = parts->head_is_empty;
}

/* --- files in keys/ --- */
uint64_t known_keys(const struct tunnel_conf *t, int keys, int64_t before)
{
	const struct cert_conf *c = &t->cert;
	const char *names[] = { t->psk_file, c->certificate, c->ca, c->crl,
		c->private_key != NULL && !pkey_is_uri(c->private_key) ? c->private_key : NULL };
	uint64_t sum = HASH_START;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i] == NULL)
			continue;
		const uint64_t one[] = { i, file_key_stamp(keys, names[i], before) };
		if (one[1] == 0)
			return 0;
		sum = hash_words(sum, one, sizeof one);
	}
	return sum | 1;
}

void known_keys_ahead(const struct unit *v, unsigned n)
{
	if (n > 2 * AHEAD) {
		__builtin_prefetch(&v[2 * AHEAD].t->psk_file);
		__builtin_prefetch(&v[2 * AHEAD].t->cert);
	}
	if (n > AHEAD)
		__builtin_prefetch(v[AHEAD].t->psk_file);
}

/* --- units --- */
void known_clashes(struct known *k, struct unit *u, const uint32_t *v, unsigned n)
{
	if (k->cap_clashes - k->n_clashes < n) {
		k->cap_clashes = 2 * k->cap_clashes + CLASH_HASHES_MAX;
		k->clashes = xrealloc_array(k->clashes, k->cap_clashes, sizeof *k->clashes);
	}
	memcpy(k->clashes + k->n_clashes, v, n * sizeof *v);
	u->clashes = k->n_clashes;
	u->n_clashes = (uint8_t)n;
	k->n_clashes += n;
}

void known_unit(struct known *k, struct unit *u, int keys, int64_t before)
{
	uint32_t v[CLASH_HASHES_MAX];
	known_clashes(k, u, v, check_clash_hashes(u->t, v));
	u->psk = check_psk_hash(u->t);
	u->keys = known_keys(u->t, keys, before);
	u->packed = (uint32_t)tunnel_conf_packed(u->t);
	u->files = u->t->cert.chain.n + u->t->cert.cas.n + u->t->cert.crls.n > 0;
}

struct measuring {
	struct der_walk met;
	size_t octets;
};

static void measure(void *arg, struct bytes der)
{
	struct measuring *m = arg;
	if (der_number_next(&m->met, der))
		m->octets += CONF_PACKED_FILE + der.n;
}

void known_finish(struct known *k, const struct conf *c)
{
	struct measuring m = { .octets = conf_packed_head(c) + CONF_PACKED_FILES };
	der_walk_begin(&m.met);
	for (unsigned i = 0; i < k->n; i++) {
		m.octets += k->v[i].packed;
		if (k->v[i].files)
			tunnel_conf_each_file(k->v[i].t, measure, &m);
	}
	k->packed = m.octets;
}

/* --- all --- */
static int by_place(const void *x, const void *y)
{
	const struct unit *a = x, *b = y;
	if (a->t->order != b->t->order)
		return a->t->order < b->t->order ? -1 : 1;
	if (a->t->line != b->t->line)
		return a->t->line < b->t->line ? -1 : 1;
	return a->rank < b->rank ? -1 : 1;
}

bool known_is_part(const struct tunnel_conf *t, const struct conf_text *text, const struct conf_part *part)
{
	char name[TUNNEL_NAME_MAX + 1];
	conf_part_name(text, part, name);
	return t->line == part->line && strcmp(t->name, name) == 0;
}

/* The reader has found the same tunnels in the same lines. */
static bool same_parts(
	const struct known *k, const struct source *s, const struct conf_text *text, const struct conf_parts *parts)
{
	if (parts->n != s->n)
		return false;
	for (unsigned i = 0; i < s->n; i++) {
		if (!known_is_part(k->v[s->first + i].t, text, &parts->v[i]))
			return false;
	}
	return true;
}

static void known_file(struct known *k, struct source *s, const struct conf_text *text)
{
	struct conf_parts parts;
	bool split = conf_split(text, &parts);
	s->split = split && same_parts(k, s, text, &parts);
	known_text(s, text, s->split ? &parts : NULL);
	for (unsigned i = 0; s->split && i < s->n; i++)
		k->v[s->first + i].text = known_part(text, &parts.v[i]);
	free(parts.v);
}

uint32_t *known_ranks(const struct known *k)
{
	uint32_t *unit = xcalloc(k->n, sizeof *unit);
	for (unsigned i = 0; i < k->n; i++)
		unit[k->v[i].rank] = i;
	return unit;
}

/* False: something was told that is of no tunnel, and not of what they have in common either. */
static bool mark_told(struct known *k, const struct conf *c, const struct findings *f, unsigned alone)
{
	uint32_t *unit = known_ranks(k);
	bool good = f->dropped == 0;
	for (unsigned i = 0; i < f->n && good; i++) {
		const struct finding *v = &f->v[i];
		if (v->seq >= alone)
			continue;
		good = v->tunnel[0] != 0;
		if (good && conf_find(c, v->tunnel) != NULL)
			k->v[unit[conf_after(c, v->tunnel) - 1]].told = true;
	}
	free(unit);
	return good;
}

void known_all(struct known *k, const struct conf_files *s, const struct conf *c, const struct findings *f, unsigned alone,
	int keys, int64_t before)
{
	k->n = c->n;
	k->v = xcalloc(c->n, sizeof *k->v);
	for (unsigned i = 0; i < k->n; i++)
		k->v[i] = (struct unit){
			.t = c->tunnels[i], .rank = i, .line = c->tunnels[i]->line, .order = c->tunnels[i]->order
		};
	if (k->n > 1)
		qsort(k->v, k->n, sizeof *k->v, by_place);
	for (unsigned i = 0; i < k->n; i++)
		known_unit(k, &k->v[i], keys, before);
	k->n_files = s->set.n;
	k->files = xcalloc(k->n_files, sizeof *k->files);
	for (unsigned i = 0, at = 0; i < k->n_files; i++) {
		k->files[i] = (struct source){ .path = xstrdup(s->set.v[i].path), .first = at };
		while (at < k->n && k->v[at].t->order == i)
			at++;
		k->files[i].n = at - k->files[i].first;
		known_file(k, &k->files[i], &s->texts[i]);
	}
	k->usable = mark_told(k, c, f, alone);
	known_finish(k, c);
}
