/* parse.c - the grammar: `s2sd:` with settings of the daemon, `tunnels:` with a mapping per tunnel, in any number of files. */
#include <stdio.h>
#include <string.h>

#include "reader.h"

struct reading { /* one file */
	struct load *load;
	struct context c;
	bool seen_global, seen_tunnels;
};

/* --- unknown keys --- */
#define BGP_FIRST KEY_BGP_LOCAL_AS /* from here on the rows are the members of `bgp:` */

static const char *tunnel_word(const void *list, unsigned i)
{
	(void)list;
	return i < BGP_FIRST ? tunnel_keys[i].word : i == BGP_FIRST ? "bgp" : NULL;
}

static const char *bgp_word(const void *list, unsigned i)
{
	(void)list;
	return BGP_FIRST + i < KEY_COUNT ? tunnel_keys[BGP_FIRST + i].word + strlen(BGP_PREFIX) : NULL;
}

static const char *global_word(const void *list, unsigned i)
{
	(void)list;
	return global_keys[i].word;
}

static const char *top_word(const void *list, unsigned i)
{
	(void)list;
	return i == 0 ? "tunnels" : i == 1 ? "s2sd" : NULL;
}

static bool has_word(word_fn *words, const char *text)
{
	const char *w;
	for (unsigned i = 0; (w = words(NULL, i)) != NULL; i++)
		if (strcmp(w, text) == 0)
			return true;
	return false;
}

static void unknown_key(const struct context *c, int line, const char *key, word_fn *here)
{
	struct context at = *c;
	char q[QUOTED_TEXT];
	at.line = line;
	at.key = NULL;
	const char *place = has_word(top_word, key)      ? "at the left margin"
			    : has_word(global_word, key) ? "under 's2sd:'"
			    : has_word(tunnel_word, key) ? "in a tunnel"
			    : has_word(bgp_word, key)    ? "under 'bgp:'"
							 : NULL;
	const char *near = near_word(key, here, NULL);
	if (place != NULL)
		refuse(&at, "unknown key %s here: it belongs %s", quoted(q, key), place);
	else if (near != NULL)
		refuse(&at, "unknown key %s: did you mean '%s'?", quoted(q, key), near);
	else
		refuse(&at, "unknown key %s", quoted(q, key));
}

/* --- values --- */
static bool parse_list(struct reader *r, struct context *c, const struct key *k, void *base)
{
	bool good = true;
	unsigned n = 0;
	while (reader_next(r) != NODE_END && !r->ended) {
		c->line = r->line;
		if (r->node != NODE_SCALAR) {
			good = refuse(c, "a member of the list is not one value");
			reader_skip(r);
			continue;
		}
		if (n++ == k->max_items)
			good = refuse(c, "more than %u members", k->max_items);
		if (n <= k->max_items)
			good = k->kind->parse(c, k, base, r->scalar) && good;
	}
	if (n == 0 && (k->kind == &kind_proposals || k->kind == &kind_selectors))
		return refuse(c, "the list is empty: leave the key out for its default");
	return good && !r->ended;
}

static bool parse_value(struct reader *r, struct context *c, const struct key *k, void *base)
{
	c->key = k->word;
	c->line = r->line;
	switch (r->node) {
	case NODE_SCALAR:
		if (r->scalar[0] == 0)
			return refuse(c, "has no value: %s", k->help);
		return k->kind->parse(c, k, base, r->scalar);
	case NODE_LIST:
		if (k->kind->list)
			return parse_list(r, c, k, base);
		refuse(c, "takes one value, not a list");
		break;
	case NODE_MAP: refuse(c, "takes %s, not a mapping", k->kind->form); break;
	case NODE_END:
	case NODE_NONE: return false;
	}
	reader_skip(r);
	return false;
}

/* --- settings of the daemon --- */
static void global_pair(struct reader *r, const char *key, int line, void *arg)
{
	struct reading *reading = arg;
	struct load *l = reading->load;
	struct context c = reading->c;
	int i = key_index(global_keys, GLOBAL_KEYS_MAX, key);
	if (i < 0) {
		unknown_key(&c, line, key, global_word);
		reader_skip(r);
		return;
	}
	c.line = line;
	c.key = global_keys[i].word;
	if (l->global_at[i].file != NULL) {
		refuse(&c, "is written already at %s:%d", l->global_at[i].file, l->global_at[i].line);
		reader_skip(r);
		return;
	}
	l->global_at[i].file = c.file;
	l->global_at[i].line = line;
	parse_value(r, &c, &global_keys[i], l->global);
}

/* --- tunnels --- */
static void draft_value(struct reader *r, struct draft *d, int i, int line)
{
	d->c.line = line;
	d->c.key = tunnel_keys[i].word;
	if ((d->set & KEY_BIT(i)) != 0) {
		refuse(&d->c, "is written twice, first in line %d", d->line[i]);
		d->broken |= KEY_BIT(i);
		reader_skip(r);
		return;
	}
	d->set |= KEY_BIT(i);
	d->line[i] = line;
	if (!parse_value(r, &d->c, &tunnel_keys[i], d->t))
		d->broken |= KEY_BIT(i);
}

static void bgp_pair(struct reader *r, const char *key, int line, void *arg)
{
	struct draft *d = arg;
	char word[KEY_TEXT + sizeof BGP_PREFIX];
	snprintf(word, sizeof word, BGP_PREFIX "%s", key);
	int i = key_index(tunnel_keys, KEY_COUNT, word);
	if (i >= 0) {
		draft_value(r, d, i, line);
		return;
	}
	unknown_key(&d->c, line, key, bgp_word);
	reader_skip(r);
}

static void tunnel_pair(struct reader *r, const char *key, int line, void *arg)
{
	struct draft *d = arg;
	int i = key_index(tunnel_keys, BGP_FIRST, key);
	if (i >= 0) {
		draft_value(r, d, i, line);
		return;
	}
	if (strcmp(key, "bgp") != 0 || d->bgp > 0) {
		struct context at = d->c;
		at.line = line;
		at.key = NULL;
		if (strcmp(key, "bgp") == 0)
			refuse(&at, "bgp: is written twice");
		else
			unknown_key(&d->c, line, key, tunnel_word);
		reader_skip(r);
		return;
	}
	d->bgp = line;
	reader_pairs(r, "bgp", bgp_pair, d);
}

static void keep_tunnel(struct load *l, struct tunnel_conf *t, bool broken, unsigned order)
{
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 64;
		l->entries = xrealloc_array(l->entries, l->cap, sizeof *l->entries);
	}
	l->entries[l->n] = (struct entry){ .t = t, .broken = broken, .order = order, .seq = l->n };
	l->n++;
}

static bool name_good(struct load *l, struct context *c, const char *name)
{
	char q[QUOTED_TEXT];
	if (!tunnel_name_valid(name))
		return refuse(c, "%s is no name for a tunnel: it has [a-z0-9-], at most %d characters", quoted(q, name),
			TUNNEL_NAME_MAX);
	if (l->n < TUNNELS_MAX)
		return true;
	if (!l->too_many)
		refuse(c, "more than %d tunnels", TUNNELS_MAX);
	l->too_many = true;
	return false;
}

static void named_tunnel(struct reader *r, const char *name, int line, void *arg)
{
	struct reading *reading = arg;
	struct load *l = reading->load;
	struct draft d = { .c = reading->c };
	d.c.line = line;
	if (!name_good(l, &d.c, name)) {
		reader_skip(r);
		return;
	}
	d.t = tunnel_conf_new();
	snprintf(d.t->name, sizeof d.t->name, "%s", name);
	d.t->file = xstrdup(d.c.file);
	d.t->line = line;
	d.c.tunnel = d.t->name;

	struct context *outer = r->c;
	unsigned errors = l->gather.errors;
	r->c = &d.c;
	reader_pairs(r, "a tunnel", tunnel_pair, &d);
	r->c = outer;
	lines_keep(&d);
	if (!r->ended) /* what a syntax error cut off is not judged */
		draft_finish(&d, l);
	keep_tunnel(l, d.t, l->gather.errors != errors, reading->c.order);
}

static void top_pair(struct reader *r, const char *key, int line, void *arg)
{
	struct reading *reading = arg;
	bool global = strcmp(key, "s2sd") == 0, *seen = global ? &reading->seen_global : &reading->seen_tunnels;
	if (!global && strcmp(key, "tunnels") != 0) {
		unknown_key(&reading->c, line, key, top_word);
		reader_skip(r);
		return;
	}
	if (*seen) {
		reading->c.line = line;
		refuse(&reading->c, "'%s:' is written twice in this file", global ? "s2sd" : "tunnels");
		reader_skip(r);
		return;
	}
	*seen = true;
	reader_pairs(r, global ? "s2sd" : "tunnels", global ? global_pair : named_tunnel, reading);
}

void parse_text(struct load *l, unsigned order)
{
	const struct conf_text *text = &l->texts[order];
	struct reading reading = { .load = l };
	struct reader r;
	reading.c = (struct context){
		.gather = &l->gather, .file = text->file, .order = order, .private_mode = text->private_mode
	};
	if (!reader_open(&r, text, &reading.c))
		return;
	if (reader_next(&r) != NODE_NONE) {
		reader_pairs(&r, "the file", top_pair, &reading);
		reader_next(&r); /* what may come behind */
	}
	reader_close(&r);
}
