/*
 * conf.c - YAML texts in, an immutable struct conf or a list of faults out.
 *
 *     texts --reader/parse--> drafts --check--> entries --by name, check_all--> struct conf
 *                  \____________\__________________\____ faults, in file order
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* --- life of a tunnel's settings --- */
struct tunnel_conf *tunnel_conf_new(void)
{
	struct tunnel_conf *t = xcalloc(1, sizeof *t);
	t->refs = 1;
	return t;
}

struct tunnel_conf *tunnel_conf_ref(struct tunnel_conf *t)
{
	t->refs++;
	return t;
}

void tunnel_conf_unref(struct tunnel_conf *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	keys_clear(tunnel_keys, KEY_COUNT, t);
	free((char *)t->file); /* ours: copied when it was read */
	free(t->key_lines);
	free(t);
}

/* Three bytes per written key, its number and how far below the tunnel's name it stands: few keys of many tunnels are written. */
#define LINE_SIZE 3
#define LINES_END KEY_COUNT

void lines_keep(const struct draft *d)
{
	unsigned n = 0;
	uint8_t *v = xcalloc((unsigned)__builtin_popcountll(d->set) + 1, LINE_SIZE);
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		int below = d->line[i] - d->t->line;
		if ((d->set & KEY_BIT(i)) == 0 || below < 0 || below > UINT16_MAX)
			continue;
		v[n++] = (uint8_t)i;
		v[n++] = (uint8_t)(below >> 8);
		v[n++] = (uint8_t)below;
	}
	v[n] = LINES_END;
	d->t->key_lines = v;
}

int tunnel_conf_line(const struct tunnel_conf *t, const char *key)
{
	int i = key_index(tunnel_keys, KEY_COUNT, key);
	for (const uint8_t *v = t->key_lines; v != NULL && *v != LINES_END; v += LINE_SIZE)
		if (*v == i)
			return t->line + v[1] * 256 + v[2];
	return 0;
}

void conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		tunnel_conf_unref(c->tunnels[i]);
	keys_clear(global_keys, GLOBAL_KEYS_MAX, &c->global);
	free(c->tunnels);
	free(c);
}

const struct tunnel_conf *conf_find(const struct conf *c, const char *name)
{
	uint32_t low = 0, high = c->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(name, c->tunnels[middle]->name);
		if (order == 0)
			return c->tunnels[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* --- loading --- */
static int by_name(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int order = strcmp(a->t->name, b->t->name);
	return order != 0 ? order : a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void check_globals(struct load *l)
{
	struct context c = { .gather = &l->gather };
	const int min = key_index(global_keys, GLOBAL_KEYS_MAX, "retry-min"),
		  max = key_index(global_keys, GLOBAL_KEYS_MAX, "retry-max");
	if (l->global->retry_min <= l->global->retry_max)
		return;
	int at = l->global_at[max].file != NULL ? max : min;
	c.file = l->global_at[at].file;
	c.line = l->global_at[at].line;
	c.key = global_keys[at].word;
	while (c.file != NULL && c.order < l->n_texts && l->texts[c.order].file != c.file)
		c.order++;
	refuse(&c, "retry-min is longer than retry-max");
}

/* The entries become the tunnels of c, whatever comes of them. */
static void take_entries(struct conf *c, struct load *l)
{
	c->tunnels = xcalloc(l->n, sizeof *c->tunnels);
	for (; c->n < l->n; c->n++)
		c->tunnels[c->n] = l->entries[c->n].t;
	free(l->entries);
}

struct conf *conf_load(const struct conf_text *texts, unsigned n, key_reader read_key, void *arg, struct faults *faults)
{
	struct conf *c = xcalloc(1, sizeof *c);
	struct load l = { .texts = texts, .n_texts = n, .read_key = read_key, .arg = arg, .global = &c->global };
	struct context c0 = { .gather = &l.gather };
	if (profiles_init(&l.profiles, &c0) && global_defaults(&c->global, &c0)) {
		for (unsigned i = 0; i < n; i++)
			parse_text(&l, i);
		if (l.n > 1)
			qsort(l.entries, l.n, sizeof *l.entries, by_name);
		check_all(&l.gather, l.entries, l.n);
		check_globals(&l);
	}
	bool good = l.gather.errors == 0;
	profiles_release(&l.profiles);
	take_entries(c, &l);
	gather_finish(&l.gather, faults);
	if (good)
		return c;
	conf_free(c);
	return NULL;
}
