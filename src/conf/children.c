/* children.c - `children:` as a value: a list of children, each with the selectors of both sides. parse.c walks them in the settings. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define C(field) .offset = offsetof(struct child_conf, field), .size = sizeof(((struct child_conf *)0)->field)
const struct key child_keys[CHILD_KEYS + 1] = {
	{ CHILDREN_PREFIX "local-ts", &kind_selectors, C(local_ts), .max_items = TS_LIST_MAX,
		.help = "traffic selectors of this side" },
	{ CHILDREN_PREFIX "remote-ts", &kind_selectors, C(remote_ts), .max_items = TS_LIST_MAX,
		.help = "traffic selectors of the peer's side" },
	{ 0 },
};

/* Each selector has one on the other side that it makes a policy with, and there are TS_POLICIES_MAX of these. */
#define SELECTORS_MAX (2 * TS_POLICIES_MAX)

struct child_conf *child_add(struct tunnel_conf *t, int line)
{
	t->children = xrealloc_array(t->children, t->n_children + 1u, sizeof *t->children);
	struct child_conf *child = &t->children[t->n_children++];
	*child = (struct child_conf){ .line = line };
	return child;
}

static void child_clear(struct child_conf *child)
{
	for (const struct key *side = child_keys; side->word != NULL; side++)
		side->kind->clear(side, child);
}

/* As it is printed: {local-ts: VALUE, remote-ts: VALUE}. */
static bool child_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	static const char first[] = "{local-ts: ", second[] = ", remote-ts: ";
	struct tunnel_conf *t = base;
	size_t n = strlen(text);
	const char *middle = strstr(text, second);
	if (t->n_children == k->max_items || strncmp(text, first, sizeof first - 1) != 0 || middle == NULL || text[n - 1] != '}')
		return refuse(c, FINDING_VALUE, "is not {local-ts: PREFIX, remote-ts: PREFIX}");
	char *local = xstrdup(text + sizeof first - 1), *remote = xstrdup(middle + sizeof second - 1);
	local[middle - text - (ptrdiff_t)(sizeof first - 1)] = 0;
	remote[strlen(remote) - 1] = 0;
	struct child_conf *child = child_add(t, 0);
	bool good = value_parse(c, &child_keys[0], child, local) && value_parse(c, &child_keys[1], child, remote);
	free(local);
	free(remote);
	good = good && child->local_ts != NULL && child->remote_ts != NULL;
	if (!good)
		child_clear(&t->children[--t->n_children]);
	return good;
}

/* --- as it would be written, in one line --- */
static void side_print(struct text *o, const void *list, unsigned i, bool several)
{
	char text[TS_TEXT];
	(void)several;
	ts_format(&((const struct ts_list *)list)->v[i], text);
	const char *quote = strpbrk(text, "[:") != NULL ? "\"" : ""; /* they mean something within braces */
	text_add(o, "%s%s%s", quote, text, quote);
}

static void child_print(struct text *o, const void *list, unsigned i, bool several)
{
	const struct child_conf *child = (const struct child_conf *)list + i;
	(void)several;
	text_add(o, "{local-ts: ");
	text_list(o, child->local_ts->n, side_print, child->local_ts);
	text_add(o, ", remote-ts: ");
	text_list(o, child->remote_ts->n, side_print, child->remote_ts);
	text_add(o, "}");
}

static void children_print(const struct key *k, const void *base, struct text *o)
{
	const struct tunnel_conf *t = base;
	(void)k;
	text_list(o, t->n_children, child_print, t->children);
}

/* --- as bytes --- */
static void children_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct tunnel_conf *t = base;
	(void)k;
	put_u16(b, t->n_children);
	for (unsigned i = 0; i < t->n_children; i++)
		for (const struct key *side = child_keys; side->word != NULL; side++)
			side->kind->pack(side, &t->children[i], b);
}

static bool children_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct tunnel_conf *t = base;
	unsigned n = get_u16(c), selectors = 0;
	if (c->bad || n > k->max_items)
		return false;
	k->kind->clear(k, base);
	while (t->n_children < n) {
		struct child_conf *child = child_add(t, 0);
		for (const struct key *side = child_keys; side->word != NULL; side++)
			if (!side->kind->unpack(side, child, c))
				return false;
		selectors += child->local_ts->n + child->remote_ts->n;
		if (child->local_ts->n == 0 || child->remote_ts->n == 0 || selectors > SELECTORS_MAX)
			return false;
	}
	return true;
}

static void children_clear(const struct key *k, void *base)
{
	struct tunnel_conf *t = base;
	(void)k;
	for (unsigned i = 0; i < t->n_children; i++)
		child_clear(&t->children[i]);
	free(t->children);
	t->children = NULL;
	t->n_children = 0;
}

const struct kind kind_children = { "a list of {local-ts: PREFIX, remote-ts: PREFIX}", true, child_read, children_print,
	children_pack, children_unpack, children_clear };
