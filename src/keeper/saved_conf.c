/*
 * saved_conf.c - the configuration as the engine has it, for the next run: in parts, so that a reload writes those alone in which something changed.
 *
 *	key 0              salt  n:u32  n x key of a part:u32, 0: none   n:u32  n x id:u32, in name order   conf_pack_head()
 *	PARTS_FROM and up  tunnels whose ids are one after the other: id:u32  fingerprint of the pre-shared key  n:u32  settings  n:u32  numbers of files
 *	FILES_FROM and up  what stands in files of certificates, by number, each once for all tunnels that have it
 *
 * What key 0 names is the configuration. A part that changes is written under its other key; it counts when key 0 names it, and the former one goes after that.
 * What is in a file keeps its number while a tunnel has it; a new one gets a number that was free before, and is written before the parts that name it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/store.h"
#include "crypto/crypto.h"
#include "keeper.h"

#define CONF_KEY 0
#define PART 16        /* tunnels */
#define FINGERPRINT 32 /* octets */
#define IDS_MAX 65536u

struct saved_conf {
	struct tunnel_conf **v; /* by id, counted; NULL: not known, an earlier run has saved it */
	uint32_t n_parts, *parts;
	uint32_t n_files, room_files; /* the highest number that one has had + 1; how many there is room for */
	struct bytes *files;          /* held (der.h), by number; octets 0: none */
};

static void release(struct saved_conf *s)
{
	for (uint32_t i = 0; i < s->n_files; i++)
		if (s->files[i].n > 0)
			der_let_go(s->files[i]);
	free(s->files);
	for (uint32_t i = 0; s->v != NULL && i < s->n_parts * PART; i++)
		tunnel_conf_unref(s->v[i]);
	free(s->v);
	free(s->parts);
	*s = (struct saved_conf){ 0 };
}

void keeper_forget_saved_conf(struct keeper *k)
{
	if (k->stores.conf != NULL)
		release(k->stores.conf);
	free(k->stores.conf);
	k->stores.conf = NULL;
}

/* Equal for equal keys, and of no use to others. A tunnel without a key has one of zeros. */
static void fingerprint(const struct keeper *k, const struct psk *psk, uint8_t out[FINGERPRINT])
{
	uint8_t mac[PRF_MAX] = { 0 };
	struct bytes key = bytes_of(psk != NULL ? psk->data : NULL, psk != NULL ? psk->len : 0);
	if (psk != NULL)
		prf_compute(PRF_HMAC_SHA2_256, bytes_of(k->stores.salt, sizeof k->stores.salt), &key, 1, mac);
	memcpy(out, mac, FINGERPRINT);
	wipe(mac, sizeof mac);
}

static uint32_t key_of(const struct saved_conf *s, uint32_t part) { return part < s->n_parts ? s->parts[part] : 0; }

/* ---------------------------------------------------------------- writing */
struct piece { /* of a tunnel, in a record */
	uint32_t id;
	struct bytes print, settings, files;
};

static bool next_piece(struct cursor *c, struct piece *p)
{
	if (c->bad || cursor_left(c) == 0)
		return false;
	p->id = get_u32(c);
	p->print = get_view(c, FINGERPRINT);
	p->settings = get_view(c, get_u32(c));
	p->files = get_view(c, get_u32(c));
	return !c->bad;
}

/* That of the former record, when the key is the same. */
static bool same_print(
	const struct keeper *k, const struct saved_conf *was, const struct tunnel_conf *t, uint8_t print[FINGERPRINT])
{
	struct bytes record;
	struct piece p;
	uint32_t key = key_of(was, t->id / PART);
	if (key == 0 || was->v == NULL || was->v[t->id] == NULL || !psk_same(was->v[t->id]->psk, t->psk) ||
		!store_get(k->stores.v, key, &record))
		return false;
	for (struct cursor c = cursor_over(record); next_piece(&c, &p);)
		if (p.id == t->id) {
			memcpy(print, p.print.p, FINGERPRINT);
			return true;
		}
	return false;
}

static void put_tunnel(const struct keeper *k, const struct saved_conf *was, const struct der_walk *numbers,
	const struct tunnel_conf *t, struct buf *b)
{
	uint8_t print[FINGERPRINT];
	if (!same_print(k, was, t, print))
		fingerprint(k, t->psk, print);
	put_u32(b, t->id);
	put_bytes(b, print, sizeof print);
	size_t at = b->len;
	put_u32(b, 0);
	tunnel_conf_pack(t, b);
	buf_set_u32(b, at, (uint32_t)(b->len - at - 4));
	at = b->len;
	put_u32(b, 0);
	tunnel_conf_pack_files(t, numbers, b);
	buf_set_u32(b, at, (uint32_t)(b->len - at - 4));
}

static bool put_part(
	struct keeper *k, const struct saved_conf *was, const struct saved_conf *s, const struct der_walk *numbers, uint32_t part)
{
	size_t most = 0;
	for (uint32_t i = part * PART; i < (part + 1) * PART; i++)
		most += s->v[i] != NULL ? 4 + FINGERPRINT + 8 + tunnel_conf_packed(s->v[i]) : 0;
	uint8_t *room = xcalloc(most, 1);
	struct buf b = buf_of(room, most);
	for (uint32_t i = part * PART; i < (part + 1) * PART; i++)
		if (s->v[i] != NULL)
			put_tunnel(k, was, numbers, s->v[i], &b);
	bool good = keeper_saved_put(k, s->parts[part], &b);
	free(room);
	return good;
}

static bool put_head(struct keeper *k, const struct saved_conf *s)
{
	size_t most = sizeof k->stores.salt + 8 + 4 * (size_t)(s->n_parts + k->conf->n) + conf_packed_head(k->conf);
	uint8_t *room = xcalloc(most, 1);
	struct buf b = buf_of(room, most);
	put_bytes(&b, k->stores.salt, sizeof k->stores.salt);
	put_u32(&b, s->n_parts);
	for (uint32_t i = 0; i < s->n_parts; i++)
		put_u32(&b, s->parts[i]);
	put_u32(&b, k->conf->n);
	for (uint32_t i = 0; i < k->conf->n; i++)
		put_u32(&b, k->conf->tunnels[i]->id);
	conf_pack_head(k->conf, &b);
	bool good = keeper_saved_put(k, CONF_KEY, &b);
	free(room);
	return good;
}

static struct saved_conf by_id(const struct conf *c)
{
	struct saved_conf s = { 0 };
	for (uint32_t i = 0; i < c->n; i++)
		if (c->tunnels[i]->id / PART >= s.n_parts)
			s.n_parts = c->tunnels[i]->id / PART + 1;
	s.v = xcalloc((size_t)s.n_parts * PART, sizeof(struct tunnel_conf *));
	s.parts = xcalloc(s.n_parts, sizeof *s.parts);
	for (uint32_t i = 0; i < c->n; i++)
		s.v[c->tunnels[i]->id] = tunnel_conf_ref(c->tunnels[i]);
	return s;
}

static uint32_t other_key(uint32_t key, uint32_t part)
{
	uint32_t first = STORE_PARTS_FROM + 2 * part;
	return key == first ? first + 1 : first;
}

/* Objects that are the same have the same settings, and the same key. */
static bool is_same(const struct saved_conf *was, const struct saved_conf *now, uint32_t part, bool *is_empty)
{
	bool same = key_of(was, part) != 0 && was->v != NULL;
	*is_empty = true;
	for (uint32_t i = part * PART; i < (part + 1) * PART; i++) {
		*is_empty &= now->v[i] == NULL;
		same = same && was->v[i] == now->v[i];
	}
	return same && !*is_empty;
}

static bool has_file(const struct saved_conf *s, uint32_t number) { return number < s->n_files && s->files[number].n > 0; }

static void drop_others(struct keeper *k, const struct saved_conf *from, const struct saved_conf *but)
{
	for (uint32_t i = 0; i < from->n_files; i++)
		if (has_file(from, i) && !has_file(but, i))
			store_drop(k->stores.v, STORE_FILES_FROM + i);
	for (uint32_t i = 0; i < from->n_parts; i++)
		if (from->parts[i] != 0 && from->parts[i] != key_of(but, i))
			store_drop(k->stores.v, from->parts[i]);
}

struct numbering {
	const struct saved_conf *was;
	struct saved_conf *now;
	struct der_walk numbers;
	uint32_t free; /* no smaller one is */
};

static void put_file(struct saved_conf *s, uint32_t number, struct bytes held)
{
	if (number >= s->room_files) {
		uint32_t n = number + 1 > 2 * s->room_files ? number + 1 : 2 * s->room_files;
		s->files = xrealloc_array(s->files, n, sizeof *s->files);
		memset(s->files + s->room_files, 0, (n - s->room_files) * sizeof *s->files);
		s->room_files = n;
	}
	if (number >= s->n_files)
		s->n_files = number + 1;
	s->files[number] = held;
}

static void number_file(void *arg, struct bytes der)
{
	struct numbering *n = arg;
	uint32_t number;
	if (!der_numbered(&n->numbers, der, &number)) {
		while (has_file(n->was, n->free) || has_file(n->now, n->free))
			n->free++;
		number = n->free++;
		der_number(&n->numbers, der, number);
	}
	if (!has_file(n->now, number))
		put_file(n->now, number, der_share(der));
}

/* As it was saved last, when nothing had any: there is no need to look at it. */
static bool has_no_file(const struct saved_conf *was, const struct tunnel_conf *t)
{
	return was->n_files == 0 && was->v != NULL && t->id / PART < was->n_parts && was->v[t->id] == t;
}

/*
 * A death in the middle leaves all that the former parts name. New ones are written before others go, so a reload that brings all anew wants room for
 * both. The store ends first, with STORE_RECORDS_MAX records of all kinds: what does not fit is told in the log once, then keeper_save_conf() drops all of
 * the configuration that is saved, the next run begins without it, which is to say that tunnels reconnect, and the next reload tries again with an empty
 * place. This run goes on.
 */
static bool put_files(struct keeper *k, struct numbering *n)
{
	der_walk_begin(&n->numbers);
	for (uint32_t i = 0; i < n->was->n_files; i++)
		if (has_file(n->was, i))
			der_number(&n->numbers, n->was->files[i], i);
	for (uint32_t i = 0; i < k->conf->n; i++)
		if (!has_no_file(n->was, k->conf->tunnels[i]))
			tunnel_conf_each_file(k->conf->tunnels[i], number_file, n);
	bool good = n->now->n_files <= STORE_FILES_END - STORE_FILES_FROM;
	for (uint32_t i = 0; i < n->now->n_files && good; i++) {
		if (!has_file(n->now, i) || has_file(n->was, i))
			continue;
		struct bytes der = n->now->files[i];
		struct buf b = { .data = (uint8_t *)(uintptr_t)der.p, .len = der.n, .cap = der.n };
		good = keeper_saved_put(k, STORE_FILES_FROM + i, &b);
	}
	return good;
}

void keeper_save_conf(struct keeper *k)
{
	if (k->stores.v == NULL)
		return;
	if (k->stores.conf == NULL)
		k->stores.conf = xcalloc(1, sizeof *k->stores.conf);
	struct saved_conf *was = k->stores.conf, now = by_id(k->conf);
	struct numbering files = { .was = was, .now = &now };
	bool whole = put_files(k, &files), is_empty;
	for (uint32_t i = 0; i < now.n_parts && whole; i++) {
		bool same = is_same(was, &now, i, &is_empty);
		now.parts[i] = is_empty ? 0 : same ? was->parts[i] : other_key(key_of(was, i), i);
		whole = same || is_empty || put_part(k, was, &now, &files.numbers, i);
	}
	whole = whole && put_head(k, &now);
	drop_others(k, was, &now);
	if (!whole) { /* what is stale is never restored */
		store_drop(k->stores.v, CONF_KEY);
		drop_others(k, &now, &(struct saved_conf){ 0 });
		release(&now);
	}
	release(was);
	*was = now;
}

/* ---------------------------------------------------------------- reading */
static bool read_part(struct bytes record, struct piece *by_number)
{
	struct cursor c = cursor_over(record);
	for (struct piece p; next_piece(&c, &p);)
		if (p.id < IDS_MAX)
			by_number[p.id] = p;
	return !c.bad;
}

/* Which parts there are; others were being written when the earlier run died. */
static bool read_parts(struct keeper *k, struct saved_conf *s, struct cursor *c, struct piece *by_number)
{
	struct bytes record;
	size_t it = 0;
	uint32_t key;
	s->n_parts = get_u32(c);
	if (c->bad || s->n_parts > IDS_MAX / PART)
		return false;
	s->parts = xcalloc(s->n_parts, sizeof *s->parts);
	for (uint32_t i = 0; i < s->n_parts; i++) {
		s->parts[i] = get_u32(c);
		if (s->parts[i] != 0 && (s->parts[i] < STORE_PARTS_FROM || s->parts[i] - STORE_PARTS_FROM - 2 * i > 1 ||
						!store_get(k->stores.v, s->parts[i], &record) || !read_part(record, by_number)))
			return false;
	}
	while (store_next(k->stores.v, &it, &key, &record))
		if (key >= STORE_PARTS_FROM && key < STORE_FILES_FROM && key != key_of(s, (key - STORE_PARTS_FROM) / 2))
			store_drop(k->stores.v, key);
	return !c->bad;
}

/* Held, so that what is the same now keeps its number. */
static void read_files(struct keeper *k, struct saved_conf *s)
{
	struct bytes record;
	size_t it = 0;
	uint32_t key;
	while (store_next(k->stores.v, &it, &key, &record))
		if (key >= STORE_FILES_FROM && key < STORE_FILES_END && record.n > 0)
			put_file(s, key - STORE_FILES_FROM, der_hold(record));
}

static void meet(void *arg, struct bytes der) { der_number_next(arg, der); }

/* Others were being written when the earlier run died. */
static void drop_unnamed(struct keeper *k, struct saved_conf *s, const struct conf *c)
{
	struct der_walk named;
	uint32_t number;
	der_walk_begin(&named);
	for (uint32_t i = 0; i < c->n; i++)
		tunnel_conf_each_file(c->tunnels[i], meet, &named);
	for (uint32_t i = 0; i < s->n_files; i++)
		if (has_file(s, i) && !der_numbered(&named, s->files[i], &number)) {
			store_drop(k->stores.v, STORE_FILES_FROM + i);
			der_let_go(s->files[i]);
			s->files[i] = bytes_of(NULL, 0);
		}
}

/* As conf_unpack_pieces() takes it. ids: of n tunnels, in their order. */
static struct conf *assemble(
	const struct saved_conf *s, struct bytes head, const uint32_t *ids, uint32_t n, const struct piece *by_number)
{
	size_t size = head.n;
	for (uint32_t i = 0; i < n; i++)
		size += by_number[ids[i]].settings.n + by_number[ids[i]].files.n;
	uint8_t *room = xcalloc(size, 1);
	struct buf b = buf_of(room, size);
	put_view(&b, head);
	for (uint32_t i = 0; i < n; i++)
		put_view(&b, by_number[ids[i]].settings);
	for (uint32_t i = 0; i < n; i++)
		put_view(&b, by_number[ids[i]].files);
	struct conf *c = conf_unpack_pieces(buf_view(&b), s->files, s->n_files);
	free(room);
	return c;
}

static struct psk *copy_of(const struct psk *from)
{
	struct psk *to = xcalloc(1, sizeof *to + from->len);
	to->len = from->len;
	memcpy(to->data, from->data, from->len);
	return to;
}

/* The key of a certificate is that of the certificate: when this is still the same, the loader has found that they fit. */
static void lend_private_key(struct tunnel_conf *t, const struct tunnel_conf *same)
{
	const struct der_list *a = &t->cert.chain, *b = &same->cert.chain;
	if (same->cert.key != NULL && a->n > 0 && b->n > 0 && bytes_equal(a->v[0], b->v[0]))
		t->cert.key = copy_of(same->cert.key);
}

static void lend_key(const struct keeper *k, struct tunnel_conf *t, const struct conf *fresh, const uint8_t print[FINGERPRINT])
{
	uint8_t now[FINGERPRINT];
	const struct tunnel_conf *same = conf_find(fresh, t->name);
	if (same != NULL && t->cert.set)
		lend_private_key(t, same);
	if (same == NULL || same->psk == NULL)
		return;
	fingerprint(k, same->psk, now);
	if (!same_secret(now, print, sizeof now))
		return;
	t->psk = copy_of(same->psk);
}

static struct conf *read_conf(
	struct keeper *k, struct cursor *c, struct saved_conf *s, const struct conf *fresh, struct piece *by_number)
{
	if (!read_parts(k, s, c, by_number))
		return NULL;
	uint32_t n = get_u32(c), *ids = NULL;
	if (c->bad || n > cursor_left(c) / 4)
		return NULL;
	struct conf *old = NULL;
	bool good = true;
	ids = xcalloc(n, sizeof *ids);
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = get_u32(c);
		good = good && ids[i] < IDS_MAX && by_number[ids[i]].print.n == FINGERPRINT;
	}
	if (good)
		read_files(k, s);
	old = good ? assemble(s, get_rest(c), ids, n, by_number) : NULL;
	if (old != NULL)
		drop_unnamed(k, s, old);
	for (uint32_t i = 0; old != NULL && i < old->n; i++)
		if (ids[i] == old->tunnels[i]->id)
			lend_key(k, old->tunnels[i], fresh, by_number[ids[i]].print.p);
	free(ids);
	return old;
}

struct conf *keeper_saved_conf(struct keeper *k, const struct conf *fresh)
{
	struct bytes record;
	if (k->stores.v == NULL || !store_get(k->stores.v, CONF_KEY, &record))
		return NULL;
	struct cursor c = cursor_over(record);
	struct piece *by_number = xcalloc(IDS_MAX, sizeof *by_number);
	keeper_forget_saved_conf(k);
	k->stores.conf = xcalloc(1, sizeof *k->stores.conf);
	get_copy(&c, k->stores.salt, sizeof k->stores.salt);
	struct conf *old = read_conf(k, &c, k->stores.conf, fresh, by_number);
	free(by_number);
	return old;
}
