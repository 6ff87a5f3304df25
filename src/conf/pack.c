/*
 * pack.c - a configuration as bytes, without secrets: for the engine, which has no files; and for comparing and copying settings.
 *
 *     "S2C4"  words of the global keys  words of the tunnels' keys  values of the global keys
 *     n:u32   n x { id:u32  psk_changes:u32  name:u8+bytes  values of the tunnels' keys }, in name order
 *     n:u32   n x { u32+bytes }: what stands in files of certificates, each once, numbered from 0 as the lists first name it
 *     and for each tunnel with certificates, in the order above, three lists of such numbers (cert.c)
 *     for the engine: of a tunnel that is as the engine has it nothing but id | AS_BEFORE
 *
 *     words: n:u8, n x { u8+bytes }; values: u16+bytes each, in the order of the words
 *
 * It is read by another version of the program, too, that goes on where this one was: a key that it does not know is left out, and one that it has besides
 * gets its default.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define PACK_MAGIC 0x53324334u
#define AS_BEFORE 0x80000000u
#define TUNNEL_PACKED_MAX (4 * KEY_PACKED_MAX)
#define CERT_NUMBERS_MAX (3 + 4 * (CERT_CHAIN_MAX + CERT_CA_MAX + CERT_CRL_MAX))
#define WORDS_MAX 96 /* keys of one table */
#define WORD_MAX 40

static bool is_packed(const struct key *k) { return k->kind->pack != NULL && k->kind->unpack != NULL; }

static void pack_words(const struct key *keys, unsigned n, struct buf *b)
{
	uint8_t count = 0;
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		count += is_packed(&keys[i]);
	put_u8(b, count);
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		if (is_packed(&keys[i])) {
			put_u8(b, (uint8_t)strlen(keys[i].word));
			put_bytes(b, keys[i].word, strlen(keys[i].word));
		}
}

static void pack_values(const struct key *keys, unsigned n, const void *base, struct buf *b)
{
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++) {
		if (!is_packed(&keys[i]))
			continue;
		size_t at = b->len;
		put_u16(b, 0);
		keys[i].kind->pack(&keys[i], base, b);
		if (!b->bad)
			buf_set_u16(b, at, (uint16_t)(b->len - at - 2));
	}
}

struct words { /* the keys of a table that the bytes have, in their order; NULL: one that we do not know */
	unsigned n;
	const struct key *v[WORDS_MAX];
};

static bool unpack_words(const struct key *keys, unsigned n, struct words *w, struct cursor *c)
{
	w->n = get_u8(c);
	if (w->n > WORDS_MAX)
		return false;
	for (unsigned i = 0; i < w->n; i++) {
		char word[WORD_MAX + 1] = "";
		size_t len = get_u8(c);
		if (len > WORD_MAX)
			return false;
		get_copy(c, word, len);
		int k = key_index(keys, n, word);
		w->v[i] = k >= 0 && is_packed(&keys[k]) ? &keys[k] : NULL;
	}
	return !c->bad;
}

static bool unpack_values(const struct words *w, void *base, struct cursor *c)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct cursor value = get_sub(c, get_u16(c));
		const struct key *k = w->v[i];
		if (c->bad || (k != NULL && (!k->kind->unpack(k, base, &value) || value.bad || cursor_left(&value) > 0)))
			return false;
	}
	return true;
}

void tunnel_conf_pack(const struct tunnel_conf *t, struct buf *b)
{
	put_u32(b, t->id);
	put_u32(b, t->psk_changes);
	put_u8(b, (uint8_t)strlen(t->name));
	put_bytes(b, t->name, strlen(t->name));
	pack_values(tunnel_keys, KEY_COUNT, t, b);
}

void tunnel_conf_pack_files(const struct tunnel_conf *t, const struct der_walk *numbers, struct buf *b)
{
	if (t->cert.set)
		certs_pack(&t->cert, numbers, b);
}

struct growing {
	uint8_t *data;
	size_t len, cap;
};

static void append(struct growing *g, struct bytes piece)
{
	if (piece.n == 0)
		return;
	if (g->cap - g->len < piece.n) {
		g->cap = 2 * (g->len + piece.n);
		g->data = xrealloc_array(g->data, g->cap, 1);
	}
	memcpy(g->data + g->len, piece.p, piece.n);
	g->len += piece.n;
}

void conf_pack_head(const struct conf *c, struct buf *b)
{
	put_u32(b, PACK_MAGIC);
	pack_words(global_keys, GLOBAL_KEYS_MAX, b);
	pack_words(tunnel_keys, KEY_COUNT, b);
	pack_values(global_keys, GLOBAL_KEYS_MAX, &c->global, b);
	put_u32(b, c->n);
}

size_t conf_packed_head(const struct conf *c)
{
	static uint8_t room[TUNNEL_PACKED_MAX];
	struct buf b = buf_of(room, sizeof room);
	conf_pack_head(c, &b);
	return b.len;
}

size_t tunnel_conf_packed(const struct tunnel_conf *t)
{
	static uint8_t room[TUNNEL_PACKED_MAX];
	struct buf b = buf_of(room, sizeof room);
	tunnel_conf_pack(t, &b);
	return b.len + (t->cert.set ? certs_packed_size(&t->cert) : 0);
}

static void append_u32(struct growing *g, uint32_t v)
{
	uint8_t room[4];
	struct buf b = buf_of(room, sizeof room);
	put_u32(&b, v);
	append(g, buf_view(&b));
}

struct collecting {
	struct growing *to;
	struct der_walk numbers;
};

static void collect(void *arg, struct bytes der)
{
	struct collecting *c = arg;
	if (!der_number_next(&c->numbers, der))
		return;
	append_u32(c->to, (uint32_t)der.n);
	append(c->to, der);
}

/* What the files have, then which tunnel has what of it. */
static void append_files(struct growing *g, const struct conf *c, const struct conf *old)
{
	struct collecting all = { .to = g };
	uint8_t room[CERT_NUMBERS_MAX];
	uint32_t at = 0;
	size_t count = g->len;
	append_u32(g, 0);
	der_walk_begin(&all.numbers);
	for (uint32_t i = 0; i < c->n; i++)
		if (!conf_has(old, &at, c->tunnels[i]) && c->tunnels[i]->cert.set)
			tunnel_conf_each_file(c->tunnels[i], collect, &all);
	struct buf known = buf_of(g->data + count, 4);
	put_u32(&known, all.numbers.n);
	at = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		struct buf b = buf_of(room, sizeof room);
		if (!conf_has(old, &at, c->tunnels[i]))
			tunnel_conf_pack_files(c->tunnels[i], &all.numbers, &b);
		append(g, buf_view(&b));
	}
}

struct bytes conf_pack_since(const struct conf *c, const struct conf *old)
{
	uint8_t *room = xcalloc(TUNNEL_PACKED_MAX, 1); /* the bounds of the kinds add up to less */
	struct growing g = { 0 };
	struct buf b = buf_of(room, TUNNEL_PACKED_MAX);
	uint32_t at = 0;
	conf_pack_head(c, &b);
	append(&g, buf_view(&b));
	for (uint32_t i = 0; i < c->n; i++) {
		b = buf_of(room, TUNNEL_PACKED_MAX);
		if (conf_has(old, &at, c->tunnels[i]))
			put_u32(&b, c->tunnels[i]->id | AS_BEFORE);
		else
			tunnel_conf_pack(c->tunnels[i], &b);
		append(&g, buf_view(&b));
	}
	free(room);
	append_files(&g, c, old);
	return bytes_of(g.data, g.len);
}

struct bytes conf_pack(const struct conf *c) { return conf_pack_since(c, NULL); }

static struct tunnel_conf *unpack_tunnel(const struct words *w, struct cursor *c)
{
	struct tunnel_conf *t = tunnel_conf_new();
	t->id = get_u32(c);
	t->psk_changes = get_u32(c);
	size_t n = get_u8(c);
	if (n > TUNNEL_NAME_MAX || t->id > TUNNELS_MAX)
		goto bad;
	get_copy(c, t->name, n);
	if (c->bad || strlen(t->name) != n || !tunnel_name_valid(t->name) || !unpack_values(w, t, c))
		goto bad;
	t->bgp.set = t->bgp.local_as != 0;
	t->cert.set = t->cert.certificate != NULL;
	return t;
bad:
	tunnel_conf_unref(t);
	return NULL;
}

/* What the other version does not have is as if nobody had written it. */
static bool has_key(const struct words *w, const struct key *k)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->v[i] == k)
			return true;
	return !is_packed(k);
}

static bool add_global_defaults(struct global_conf *g, const struct words *w, const struct context *at)
{
	bool good = true;
	for (const struct key *k = global_keys; k->word != NULL; k++)
		good = (has_key(w, k) || k->initial == NULL || value_parse(at, k, g, k->initial)) && good;
	return good;
}

static bool add_defaults(struct conf *conf, const struct words *w, struct findings *f)
{
	struct profiles p = { 0 };
	uint64_t has = 0;
	bool all = true;
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		has |= has_key(w, &tunnel_keys[i]) ? KEY_BIT(i) : 0;
		all &= has_key(w, &tunnel_keys[i]);
	}
	bool good = true;
	for (uint32_t i = 0; i < conf->n && good && !all; i++)
		good = profile_apply(&p, conf->tunnels[i], has, f);
	profiles_release(&p);
	return good;
}

static bool unpack_lists(struct conf *conf, const struct conf *old, struct der_set *from, struct cursor *c)
{
	bool good = true;
	uint32_t at = 0;
	for (uint32_t i = 0; i < conf->n && good; i++) {
		struct tunnel_conf *t = conf->tunnels[i];
		good = !t->cert.set || conf_has(old, &at, t) || certs_unpack(&t->cert, from, c);
	}
	return good;
}

/* There are no two that are equal. */
static bool unpack_files(struct der_set *s, struct cursor *c)
{
	struct der_walk met;
	uint32_t n = get_u32(c);
	if (c->bad || n > cursor_left(c) / 5)
		return false;
	s->v = xcalloc(n, sizeof *s->v);
	der_walk_begin(&met);
	while (s->n < n) {
		struct bytes octets = get_view(c, get_u32(c));
		if (c->bad || octets.n == 0 || octets.n > CERT_CRL_SIZE_MAX)
			return false;
		s->v[s->n++] = der_hold(octets);
		if (!der_number_next(&met, s->v[s->n - 1]))
			return false;
	}
	return true;
}

static bool unpack_certificates(struct conf *conf, const struct conf *old, struct cursor *c)
{
	struct der_set files = { .in_order = true };
	bool good = unpack_files(&files, c) && unpack_lists(conf, old, &files, c) && files.met == files.n;
	for (uint32_t i = 0; i < files.n; i++)
		der_let_go(files.v[i]);
	free(files.v);
	return good;
}

/* The next one of old, from *at on, that is meant; NULL: there is none. */
static struct tunnel_conf *as_before(const struct conf *old, uint32_t *at, struct cursor *c)
{
	uint32_t id = get_u32(c) & ~AS_BEFORE;
	while (*at < old->n && old->tunnels[*at]->id != id)
		(*at)++;
	return *at < old->n ? tunnel_conf_ref(old->tunnels[(*at)++]) : NULL;
}

static bool unpack_tunnels(
	struct conf *conf, const struct conf *old, struct der_set *files, const struct words *w, struct cursor *c)
{
	uint32_t n = get_u32(c), at = 0;
	bool follows = false; /* the one before it was old's, too: they are in old's order */
	if (c->bad || n > TUNNELS_MAX || n > cursor_left(c) / (old != NULL ? 4 : 64)) /* no tunnel is smaller */
		return false;
	conf->tunnels = xcalloc(n, sizeof *conf->tunnels);
	while (conf->n < n) {
		struct cursor next = *c;
		bool named = old != NULL && (get_u32(&next) & AS_BEFORE) != 0;
		struct tunnel_conf *t = named ? as_before(old, &at, c) : unpack_tunnel(w, c);
		if (t == NULL)
			return false;
		conf->tunnels[conf->n++] = t;
		if (conf->n > 1 && !(named && follows) && strcmp(conf->tunnels[conf->n - 2]->name, t->name) >= 0)
			return false;
		follows = named;
		if (conf->n > 1 && !named)
			tunnel_conf_share(t, conf->tunnels[conf->n - 2]);
	}
	return !c->bad && (files != NULL ? unpack_lists(conf, old, files, c) : unpack_certificates(conf, old, c)) &&
	       cursor_left(c) == 0;
}

static struct conf *unpack(struct bytes packed, const struct conf *old, struct der_set *files)
{
	struct cursor c = cursor_over(packed);
	struct conf *conf = xcalloc(1, sizeof *conf);
	struct words global, tunnel;
	struct findings none = { 0 };
	struct context at = { .findings = &none };
	bool good = get_u32(&c) == PACK_MAGIC && unpack_words(global_keys, GLOBAL_KEYS_MAX, &global, &c) &&
		    unpack_words(tunnel_keys, KEY_COUNT, &tunnel, &c) && unpack_values(&global, &conf->global, &c) &&
		    unpack_tunnels(conf, old, files, &tunnel, &c) && add_global_defaults(&conf->global, &global, &at) &&
		    add_defaults(conf, &tunnel, &none);
	findings_release(&none);
	if (good)
		return conf;
	conf_free(conf);
	return NULL;
}

struct conf *conf_unpack(struct bytes packed) { return unpack(packed, NULL, NULL); }
struct conf *conf_unpack_since(struct bytes packed, const struct conf *old) { return unpack(packed, old, NULL); }

struct conf *conf_unpack_pieces(struct bytes pieces, const struct bytes *files, uint32_t n)
{
	struct der_set set = { .v = (struct bytes *)(uintptr_t)files, .n = n };
	return unpack(pieces, NULL, &set);
}
