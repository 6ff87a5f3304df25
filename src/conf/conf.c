/* conf.c - life of a tunnel's settings and of all of them; where they were written. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

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
	certs_release(&t->cert);
	keys_clear(tunnel_keys, KEY_COUNT, t);
	free((char *)t->file); /* ours: copied when it was read */
	free(t->key_lines);
	free(t);
}

#define HALF_OPEN_MIN 1000

uint32_t conf_half_open_max(uint32_t limit, uint32_t tunnels)
{
	if (limit > 0)
		return limit;
	return tunnels > HALF_OPEN_MIN / 2 ? 2 * tunnels : HALF_OPEN_MIN;
}

/* Three bytes per written key, its number and how far below the tunnel's name it stands: few keys of many tunnels are written. */
#define LINE_SIZE 3
#define LINES_END KEY_COUNT

void lines_keep(const struct draft *d)
{
	unsigned n = 0;
	uint8_t *v = xcalloc((unsigned)__builtin_popcountll(d->out.written) + 1, LINE_SIZE);
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		int below = d->line[i] - d->out.t->line;
		if ((d->out.written & KEY_BIT(i)) == 0 || below < 0 || below > UINT16_MAX)
			continue;
		v[n++] = (uint8_t)i;
		v[n++] = (uint8_t)(below >> 8);
		v[n++] = (uint8_t)below;
	}
	v[n] = LINES_END;
	d->out.t->key_lines = v;
}

int tunnel_key_line(const struct tunnel_conf *t, enum key_id key)
{
	for (const uint8_t *v = t->key_lines; v != NULL && *v != LINES_END; v += LINE_SIZE)
		if (*v == key)
			return t->line + v[1] * 256 + v[2];
	return 0;
}

int tunnel_conf_line(const struct tunnel_conf *t, const char *key)
{
	int i = key_index(tunnel_keys, KEY_COUNT, key);
	return i >= 0 ? tunnel_key_line(t, (enum key_id)i) : 0;
}

struct place tunnel_place(const struct tunnel_conf *t, enum key_id key)
{
	int line = tunnel_key_line(t, key);
	return (struct place){ .file = t->file,
		.order = t->order,
		.line = line > 0 ? line : t->line,
		.tunnel = t->name,
		.key = key < KEY_COUNT ? tunnel_keys[key].word : NULL,
		.cloud = t->cloud };
}

void tunnel_key_pack(const struct tunnel_conf *t, enum key_id key, struct buf *b)
{
	tunnel_keys[key].kind->pack(&tunnel_keys[key], t, b);
}

void tunnel_conf_share(struct tunnel_conf *t, const struct tunnel_conf *other)
{
	array_share(&tunnel_keys[KEY_IKE_PROPOSALS], t, other);
	array_share(&tunnel_keys[KEY_ESP_PROPOSALS], t, other);
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

struct conf *conf_copy_globals(const struct conf *c)
{
	static uint8_t room[KEY_PACKED_MAX];
	struct conf *copy = xcalloc(1, sizeof *copy);
	for (const struct key *k = global_keys; k->word != NULL; k++) {
		struct buf b = buf_of(room, sizeof room);
		if (k->kind->pack == NULL || k->kind->unpack == NULL)
			continue;
		k->kind->pack(k, &c->global, &b);
		struct cursor from = cursor_over(buf_view(&b));
		k->kind->unpack(k, &copy->global, &from);
	}
	return copy;
}

struct conf *conf_copy(const struct conf *c)
{
	struct conf *copy = conf_copy_globals(c);
	copy->tunnels = xcalloc(c->n, sizeof *copy->tunnels);
	for (; copy->n < c->n; copy->n++)
		copy->tunnels[copy->n] = tunnel_conf_ref(c->tunnels[copy->n]);
	return copy;
}

void tunnel_conf_swap_places(struct tunnel_conf *a, struct tunnel_conf *b)
{
	struct tunnel_conf was = *a;
	a->file = b->file, b->file = was.file;
	a->order = b->order, b->order = was.order;
	a->line = b->line, b->line = was.line;
	a->key_lines = b->key_lines, b->key_lines = was.key_lines;
	for (unsigned i = 0; i < a->n_children && i < b->n_children; i++) {
		int line = a->children[i].line;
		a->children[i].line = b->children[i].line;
		b->children[i].line = line;
	}
}

void tunnel_conf_move(struct tunnel_conf *t, unsigned order, int line)
{
	if (t->order == order && t->line == line)
		return;
	for (unsigned i = 0; i < t->n_children; i++)
		t->children[i].line += line - t->line;
	t->order = order;
	t->line = line;
}

uint32_t conf_after(const struct conf *c, const char *name)
{
	uint32_t low = 0, high = c->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(c->tunnels[middle]->name, name) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct tunnel_conf *conf_find(const struct conf *c, const char *name)
{
	uint32_t after = conf_after(c, name);
	return after > 0 && strcmp(c->tunnels[after - 1]->name, name) == 0 ? c->tunnels[after - 1] : NULL;
}

struct tunnel_conf *conf_next(const struct conf *c, uint32_t *at, const char *name)
{
	int order = -1;
	while (*at < c->n && (order = strcmp(c->tunnels[*at]->name, name)) < 0)
		(*at)++;
	return *at < c->n && order == 0 ? c->tunnels[*at] : NULL;
}

bool conf_has(const struct conf *c, uint32_t *at, const struct tunnel_conf *t)
{
	while (c != NULL && *at < c->n && c->tunnels[*at] != t && strcmp(c->tunnels[*at]->name, t->name) < 0)
		(*at)++;
	bool has = c != NULL && *at < c->n && c->tunnels[*at] == t;
	*at += has;
	return has;
}
