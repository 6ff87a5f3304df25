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

static const char *child_word(const void *list, unsigned i)
{
	(void)list;
	return i < CHILD_KEYS ? child_keys[i].word + strlen(CHILDREN_PREFIX) : NULL;
}

static bool has_word(word_fn *words, const char *text)
{
	const char *w;
	for (unsigned i = 0; (w = words(NULL, i)) != NULL; i++)
		if (strcmp(w, text) == 0)
			return true;
	return false;
}

/* What looks like none of our keys may be a value that has lost its key. */
static bool looks_like_a_key(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz-_");
	return n > 0 && (text[n] == 0 || strchr(" \t:=", text[n]) != NULL);
}

static void unknown_key(const struct context *c, int line, const char *key, word_fn *here)
{
	struct context at = *c;
	char q[QUOTED_TEXT];
	at.place.line = line;
	at.place.key = NULL;
	const char *place = has_word(top_word, key)      ? "at the left margin"
			    : has_word(global_word, key) ? "under 's2sd:'"
			    : has_word(tunnel_word, key) ? "in a tunnel"
			    : has_word(bgp_word, key)    ? "under 'bgp:'"
			    : has_word(child_word, key)  ? "in a member of 'children:'"
							 : NULL;
	const char *near = near_word(key, here, NULL),
		   *what = here == top_word ? ": 's2sd:' and 'tunnels:' stand here, and each tunnel below 'tunnels:'" : "";
	if (place != NULL)
		refuse(&at, FINDING_UNKNOWN_KEY, "unknown key %s here: it belongs %s", quoted_word(q, key), place);
	else if (near != NULL)
		refuse(&at, FINDING_UNKNOWN_KEY, "unknown key %s: did you mean '%s'?", quoted_word(q, key), near);
	else if (looks_like_a_key(key))
		refuse(&at, FINDING_UNKNOWN_KEY, "unknown key %s%s", quoted_word(q, key),
			strchr(key, ':') != NULL ? ": a blank is missing behind the colon" : what);
	else
		refuse(&at, FINDING_UNKNOWN_KEY, "unknown key " NOT_SHOWN "%s", what);
}

/* --- values --- */
static bool parse_list(struct reader *r, struct context *c, const struct key *k, void *base)
{
	bool good = true;
	unsigned n = 0;
	while (reader_next(r) != NODE_END && !r->ended) {
		c->place.line = r->line;
		if (r->node != NODE_SCALAR) {
			good = refuse(c, FINDING_VALUE, "a member of the list is not one value");
			reader_skip(r);
			continue;
		}
		if (n++ == k->max_items)
			good = refuse(c, FINDING_TOO_MANY, "more than %u members", k->max_items);
		if (n <= k->max_items)
			good = k->kind->parse(c, k, base, r->scalar) && good;
	}
	if (n == 0 && (k->kind == &kind_proposals || k->kind == &kind_selectors))
		return refuse(c, FINDING_VALUE, "the list is empty%s",
			k >= child_keys && k < child_keys + CHILD_KEYS ? "" : ": leave the key out for its default");
	return good && !r->ended;
}

static bool parse_value(struct reader *r, struct context *c, const struct key *k, void *base)
{
	c->place.key = k->word;
	c->place.line = r->line;
	switch (r->node) {
	case NODE_SCALAR:
		if (r->scalar[0] == 0)
			return refuse(c, FINDING_VALUE, "has no value: %s", k->help);
		return k->kind->parse(c, k, base, r->scalar);
	case NODE_LIST:
		if (k->kind->list)
			return parse_list(r, c, k, base);
		refuse(c, FINDING_VALUE, "takes one value, not a list");
		break;
	case NODE_MAP: refuse(c, FINDING_VALUE, "takes %s, not a mapping", k->kind->form); break;
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
	struct place *first = &l->out->global_at[i];
	c.place.line = line;
	c.place.key = global_keys[i].word;
	if (first->file != NULL) {
		refuse(&c, FINDING_WRITTEN_TWICE, "is written already at %s:%d", first->file, first->line);
		reader_skip(r);
		return;
	}
	*first = c.place;
	parse_value(r, &c, &global_keys[i], &l->out->conf->global);
}

/* --- children: a list of mappings, or one of them --- */
struct child_reading {
	struct context *c;
	struct child_conf *child;
	int line[CHILD_KEYS]; /* where each was written */
};

static void child_pair(struct reader *r, const char *key, int line, void *arg)
{
	struct child_reading *reading = arg;
	char word[KEY_TEXT + sizeof CHILDREN_PREFIX];
	snprintf(word, sizeof word, CHILDREN_PREFIX "%s", key);
	int i = key_index(child_keys, CHILD_KEYS, word);
	if (i >= 0 && reading->line[i] == 0) {
		reading->line[i] = line;
		parse_value(r, reading->c, &child_keys[i], reading->child);
		return;
	}
	reading->c->place.line = line;
	if (i < 0)
		unknown_key(reading->c, line, key, child_word);
	else {
		reading->c->place.key = child_keys[i].word;
		refuse(reading->c, FINDING_WRITTEN_TWICE, "is written twice, first in line %d", reading->line[i]);
	}
	reader_skip(r);
}

static void read_child(struct reader *r, struct draft *d, unsigned n)
{
	struct context at = d->c;
	struct child_reading reading = { .c = &at };
	int line = at.place.line = r->line;
	if (n == TS_POLICIES_MAX)
		refuse(&at, FINDING_TOO_MANY, "more than %d children: use wider prefixes", TS_POLICIES_MAX);
	if (n < TS_POLICIES_MAX && r->node != NODE_MAP)
		refuse(&at, FINDING_VALUE, "a child is written {local-ts: PREFIX, remote-ts: PREFIX}");
	if (n >= TS_POLICIES_MAX || r->node != NODE_MAP) {
		reader_skip(r);
		return;
	}
	reading.child = child_add(d->out.t, line);
	reader_pairs(r, "a child", child_pair, &reading);
	at.place.line = line;
	for (unsigned i = 0; i < CHILD_KEYS && !r->ended; i++) {
		at.place.key = child_keys[i].word;
		if (reading.line[i] == 0)
			refuse(&at, FINDING_MISSING, "is missing: %s", child_keys[i].help);
	}
}

/* False: refused, and then there are none. */
static bool read_children(struct reader *r, struct draft *d)
{
	unsigned errors = d->c.findings->refused, n = 0;
	if (r->node == NODE_LIST) {
		while (reader_next(r) != NODE_END && !r->ended)
			read_child(r, d, n++);
		if (n == 0 && !r->ended)
			refuse(&d->c, FINDING_VALUE, "the list is empty: leave the key out for one child SA");
	} else
		read_child(r, d, 0);
	bool good = d->c.findings->refused == errors && !r->ended;
	if (!good)
		kind_children.clear(&tunnel_keys[KEY_CHILDREN], d->out.t);
	return good;
}

/* --- tunnels --- */
static void draft_value(struct reader *r, struct draft *d, int i, int line)
{
	d->c.place.line = line;
	d->c.place.key = tunnel_keys[i].word;
	if ((d->out.written & KEY_BIT(i)) != 0) {
		refuse(&d->c, FINDING_WRITTEN_TWICE, "is written twice, first in line %d", d->line[i]);
		d->out.broken |= KEY_BIT(i);
		reader_skip(r);
		return;
	}
	d->out.written |= KEY_BIT(i);
	d->line[i] = line;
	if (i == KEY_CHILDREN ? !read_children(r, d) : !parse_value(r, &d->c, &tunnel_keys[i], d->out.t))
		d->out.broken |= KEY_BIT(i);
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
	if (strcmp(key, "bgp") != 0 || d->out.bgp > 0) {
		struct context at = d->c;
		at.place.line = line;
		at.place.key = NULL;
		if (strcmp(key, "bgp") == 0)
			refuse(&at, FINDING_WRITTEN_TWICE, "bgp: is written twice");
		else
			unknown_key(&d->c, line, key, tunnel_word);
		reader_skip(r);
		return;
	}
	d->out.bgp = line;
	reader_pairs(r, "bgp", bgp_pair, d);
}

static void keep_tunnel(struct load *l, struct tunnel_draft t)
{
	struct conf_draft *o = l->out;
	if (o->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 64;
		o->v = xrealloc_array(o->v, l->cap, sizeof *o->v);
	}
	t.seq = o->n;
	if (o->n > 0)
		tunnel_conf_share(t.t, o->v[o->n - 1].t);
	o->v[o->n++] = t;
}

static bool name_good(struct load *l, struct context *c, const char *name)
{
	char q[QUOTED_TEXT];
	if (!tunnel_name_valid(name))
		return refuse(c, FINDING_VALUE, "%s is no name for a tunnel: it has [a-z0-9-], at most %d characters",
			quoted_word(q, name), TUNNEL_NAME_MAX);
	if (l->out->n < TUNNELS_MAX)
		return true;
	if (!l->too_many)
		refuse(c, FINDING_TOO_MANY, "more than %d tunnels", TUNNELS_MAX);
	l->too_many = true;
	return false;
}

static void named_tunnel(struct reader *r, const char *name, int line, void *arg)
{
	struct reading *reading = arg;
	struct load *l = reading->load;
	struct draft d = { .c = reading->c };
	d.c.place.line = line;
	if (!name_good(l, &d.c, name)) {
		reader_skip(r);
		return;
	}
	struct tunnel_conf *t = d.out.t = tunnel_conf_new();
	snprintf(t->name, sizeof t->name, "%s", name);
	t->file = xstrdup(d.c.place.file);
	t->order = d.c.place.order;
	t->line = line;
	d.c.place.tunnel = t->name;

	struct context *outer = r->c;
	unsigned errors = d.c.findings->refused;
	r->c = &d.c;
	reader_pairs(r, "a tunnel", tunnel_pair, &d);
	r->c = outer;
	lines_keep(&d);
	d.out.cut = r->ended;
	if (!d.out.cut)
		draft_finish(&d, l);
	d.out.faulty = d.c.findings->refused != errors;
	keep_tunnel(l, d.out);
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
		reading->c.place.line = line;
		refuse(&reading->c, FINDING_WRITTEN_TWICE, "'%s:' is written twice in this file", global ? "s2sd" : "tunnels");
		reader_skip(r);
		return;
	}
	*seen = true;
	reader_pairs(r, global ? "s2sd" : "tunnels", global ? global_pair : named_tunnel, reading);
}

void parse_text(struct load *l, struct findings *f, unsigned order)
{
	const struct conf_text *text = &l->texts[order];
	struct reading reading = { .load = l };
	struct reader r;
	reading.c = (struct context){ f, { .file = text->file, .order = order }, text->private_mode };
	if (!reader_open(&r, text, &reading.c))
		return;
	if (reader_next(&r) != NODE_NONE) {
		reader_pairs(&r, "the file", top_pair, &reading);
		reader_next(&r); /* what may come behind */
	}
	reader_close(&r);
}
