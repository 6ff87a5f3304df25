/*
 * read.c - YAML texts in, a draft of the configuration out.
 *
 *     texts --reader, parse--> drafts of tunnels --draft.c: defaults, key--> struct conf_draft --> check/
 *                   \_____________\_______________________\____ findings
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

bool conf_read(
	struct conf_draft *d, const struct conf_text *texts, unsigned n, key_reader read_key, void *arg, struct findings *f)
{
	struct load l = { .texts = texts, .n_texts = n, .read_key = read_key, .arg = arg, .out = d };
	struct context c = { .findings = f };
	*d = (struct conf_draft){ .conf = xcalloc(1, sizeof *d->conf),
		.global_at = xcalloc(GLOBAL_KEYS_MAX, sizeof *d->global_at) };
	bool good = global_defaults(&d->conf->global, &c);
	for (unsigned i = 0; i < n && good; i++)
		parse_text(&l, f, i);
	profiles_release(&l.profiles);
	return good && !l.broken;
}

bool conf_draft_global(const struct conf_draft *d, const char *key, struct place *at)
{
	int i = key_index(global_keys, GLOBAL_KEYS_MAX, key);
	if (i < 0 || d->global_at[i].file == NULL)
		return false;
	*at = d->global_at[i];
	return true;
}

static int by_name(const void *x, const void *y)
{
	const struct tunnel_draft *a = x, *b = y;
	int order = strcmp(a->t->name, b->t->name);
	return order != 0 ? order : a->seq < b->seq ? -1 : a->seq > b->seq;
}

struct conf *conf_draft_take(struct conf_draft *d)
{
	struct conf *c = d->conf;
	if (d->n > 1)
		qsort(d->v, d->n, sizeof *d->v, by_name);
	c->tunnels = xcalloc(d->n, sizeof *c->tunnels);
	for (; c->n < d->n; c->n++)
		c->tunnels[c->n] = d->v[c->n].t;
	free(d->v);
	free(d->global_at);
	*d = (struct conf_draft){ 0 };
	return c;
}
