/*
 * pack.c - a configuration as bytes, without secrets: for the engine, which has no files; and for comparing and copying settings.
 *
 *     "S2C2"  global keys in table order   n:u32   n x { id:u32  psk_changes:u32  name:u8+bytes  keys in table order }
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define PACK_MAGIC 0x53324332u
#define TUNNEL_PACKED_MAX (4 * KEY_PACKED_MAX)

static void pack_keys(const struct key *keys, unsigned n, const void *base, struct buf *b)
{
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		if (keys[i].kind->pack != NULL)
			keys[i].kind->pack(&keys[i], base, b);
}

static bool unpack_keys(const struct key *keys, unsigned n, void *base, struct cursor *c)
{
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		if (keys[i].kind->unpack != NULL && !keys[i].kind->unpack(&keys[i], base, c))
			return false;
	return !c->bad;
}

static void pack_tunnel(const struct tunnel_conf *t, struct buf *b)
{
	put_u32(b, t->id);
	put_u32(b, t->psk_changes);
	put_u8(b, (uint8_t)strlen(t->name));
	put_bytes(b, t->name, strlen(t->name));
	pack_keys(tunnel_keys, KEY_COUNT, t, b);
}

struct growing {
	uint8_t *data;
	size_t len, cap;
};

static void append(struct growing *g, struct bytes piece)
{
	if (g->cap - g->len < piece.n) {
		g->cap = 2 * (g->len + piece.n);
		g->data = xrealloc_array(g->data, g->cap, 1);
	}
	memcpy(g->data + g->len, piece.p, piece.n);
	g->len += piece.n;
}

struct bytes conf_pack(const struct conf *c)
{
	uint8_t *room = xcalloc(TUNNEL_PACKED_MAX, 1); /* the bounds of the kinds add up to less */
	struct growing g = { 0 };
	struct buf b = buf_of(room, TUNNEL_PACKED_MAX);
	put_u32(&b, PACK_MAGIC);
	pack_keys(global_keys, GLOBAL_KEYS_MAX, &c->global, &b);
	put_u32(&b, c->n);
	append(&g, buf_view(&b));
	for (uint32_t i = 0; i < c->n; i++) {
		b = buf_of(room, TUNNEL_PACKED_MAX);
		pack_tunnel(c->tunnels[i], &b);
		append(&g, buf_view(&b));
	}
	free(room);
	return bytes_of(g.data, g.len);
}

static struct tunnel_conf *unpack_tunnel(struct cursor *c)
{
	struct tunnel_conf *t = tunnel_conf_new();
	t->id = get_u32(c);
	t->psk_changes = get_u32(c);
	size_t n = get_u8(c);
	if (n > TUNNEL_NAME_MAX || t->id > TUNNELS_MAX)
		goto bad;
	get_copy(c, t->name, n);
	if (c->bad || strlen(t->name) != n || !tunnel_name_valid(t->name) || !unpack_keys(tunnel_keys, KEY_COUNT, t, c))
		goto bad;
	t->bgp.set = t->bgp.local_as != 0;
	return t;
bad:
	tunnel_conf_unref(t);
	return NULL;
}

struct conf *conf_unpack(struct bytes packed)
{
	struct cursor c = cursor_over(packed);
	struct conf *conf = xcalloc(1, sizeof *conf);
	bool magic = get_u32(&c) == PACK_MAGIC;
	if (!magic || !unpack_keys(global_keys, GLOBAL_KEYS_MAX, &conf->global, &c))
		goto bad;
	uint32_t n = get_u32(&c);
	if (c.bad || n > TUNNELS_MAX || n > cursor_left(&c) / 64) /* no tunnel is smaller */
		goto bad;
	conf->tunnels = xcalloc(n, sizeof *conf->tunnels);
	while (conf->n < n) {
		struct tunnel_conf *t = unpack_tunnel(&c);
		if (t == NULL)
			goto bad;
		conf->tunnels[conf->n++] = t;
		if (conf->n > 1 && strcmp(conf->tunnels[conf->n - 2]->name, t->name) >= 0)
			goto bad;
	}
	if (!c.bad && cursor_left(&c) == 0)
		return conf;
bad:
	conf_free(conf);
	return NULL;
}
