/* adopt.c - what a reload changes: equal tunnels keep their old object, all keep their id. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define VALUE_TEXT (8 * IDENT_MAX) /* an identity, escaped, is the longest that restarts a tunnel */

/* Two settings are equal when they pack alike; x and y are room for that. */
static bool same_setting(enum key_id id, const struct tunnel_conf *a, const struct tunnel_conf *b, uint8_t *x, uint8_t *y)
{
	const struct key *k = &tunnel_keys[id];
	struct buf p = buf_of(x, KEY_PACKED_MAX), q = buf_of(y, KEY_PACKED_MAX);
	if (k->kind->pack == NULL)
		return psk_same(a->psk, b->psk) && a->psk_changes == b->psk_changes;
	k->kind->pack(k, a, &p);
	k->kind->pack(k, b, &q);
	return !p.bad && !q.bad && bytes_equal(buf_view(&p), buf_view(&q)) && certs_same(a, b, id);
}

enum conf_effect tunnel_conf_diff(const struct tunnel_conf *a, const struct tunnel_conf *b, const char **first_key)
{
	uint8_t x[KEY_PACKED_MAX], y[KEY_PACKED_MAX];
	enum conf_effect worst = EFFECT_NONE;
	*first_key = NULL;
	if (a == b)
		return EFFECT_NONE;
	if (a->cert.set != b->cert.set) { /* what was proved by the one does not hold by the other */
		*first_key = tunnel_keys[b->cert.set ? KEY_CERTIFICATE : KEY_PSK_FILE].word;
		return EFFECT_RESTART;
	}
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		const struct key *k = &tunnel_keys[i];
		if ((*first_key != NULL && k->effect <= worst) || same_setting((enum key_id)i, a, b, x, y))
			continue;
		*first_key = i == KEY_PSK && b->psk_file != NULL ? tunnel_keys[KEY_PSK_FILE].word : k->word;
		worst = k->effect;
	}
	return worst;
}

/* Words and values as they are written, without those that are the default: another version of the program may have more keys, in another order. */
uint64_t tunnel_conf_restart_hash(const struct tunnel_conf *t)
{
	char value[VALUE_TEXT];
	uint64_t sum = hash_bytes(HASH_START, t->name, strlen(t->name) + 1) + t->psk_changes;
	if (t->cert.set)
		sum += hash_bytes(HASH_START, "certificate", sizeof "certificate");
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		const struct key *k = &tunnel_keys[i];
		if (k->effect != EFFECT_RESTART || k->kind->pack == NULL)
			continue;
		tunnel_conf_value(t, k->word, value, sizeof value);
		if (strcmp(value, k->initial != NULL ? k->initial : "") != 0)
			sum += hash_bytes(hash_bytes(HASH_START, k->word, strlen(k->word) + 1), value, strlen(value));
	}
	return sum;
}

/* What becomes of a tunnel that is the same: the old object goes on, where it is written now; it goes on as it is; the fresh one does. */
enum way { OLD_MOVES, OLD_STAYS, FRESH_STAYS };

/* --- ids --- */
struct ids {
	uint64_t used[TUNNELS_MAX / 64 + 1]; /* a bit each */
	uint32_t next;
};

static bool is_used(const struct ids *ids, uint32_t id) { return (ids->used[id / 64] >> id % 64 & 1) != 0; }
static void set_used(struct ids *ids, uint32_t id) { ids->used[id / 64] |= 1ull << id % 64; }

static void give_id(struct ids *ids, struct tunnel_conf *t)
{
	while (ids->next <= TUNNELS_MAX && is_used(ids, ids->next))
		ids->next++;
	if (ids->next > TUNNELS_MAX)
		return;
	t->id = ids->next;
	set_used(ids, t->id);
}

static void carry_over(struct conf *fresh, struct conf *old, enum way way, struct ids *ids)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < fresh->n; i++) {
		struct tunnel_conf *t = fresh->tunnels[i];
		const char *key;
		if (t->id != 0 && t->id <= TUNNELS_MAX && conf_has(old, &at, t)) {
			set_used(ids, t->id);
			continue;
		}
		struct tunnel_conf *before = old != NULL ? conf_next(old, &at, t->name) : NULL;
		t->id = before != NULL && before->id <= TUNNELS_MAX ? before->id : 0;
		set_used(ids, t->id);
		if (before == NULL || before->id == 0 || before == t)
			continue;
		t->psk_changes = before->psk_changes + !psk_same(before->psk, t->psk);
		tunnel_conf_diff(before, t, &key);
		if (key != NULL) {
			tunnel_conf_share(t, before);
			continue;
		}
		if (way == FRESH_STAYS) {
			old->tunnels[at] = tunnel_conf_ref(t);
		} else {
			if (way == OLD_MOVES)
				tunnel_conf_swap_places(before, t);
			fresh->tunnels[i] = tunnel_conf_ref(before);
		}
		tunnel_conf_unref(way == FRESH_STAYS ? before : t);
	}
}

static void adopt(struct conf *fresh, struct conf *old, enum way way)
{
	struct ids *ids = xcalloc(1, sizeof *ids);
	ids->next = 1;
	carry_over(fresh, old, way, ids);

	/* Ids of tunnels that go now are given out again only when there are no others: their remains may still be in the kernel. */
	struct ids *strict = xcalloc(1, sizeof *strict);
	*strict = *ids;
	for (uint32_t i = 0; old != NULL && i < old->n; i++)
		if (old->tunnels[i]->id <= TUNNELS_MAX)
			set_used(strict, old->tunnels[i]->id);
	for (uint32_t i = 0; i < fresh->n; i++) {
		struct tunnel_conf *t = fresh->tunnels[i];
		if (t->id != 0)
			continue;
		give_id(strict, t);
		if (t->id == 0)
			give_id(ids, t);
		set_used(ids, t->id);
	}
	free(strict);
	free(ids);
}

void conf_adopt(struct conf *fresh, const struct conf *old) { adopt(fresh, (struct conf *)old, OLD_MOVES); }

void conf_try(struct conf *fresh, const struct conf *old) { adopt(fresh, (struct conf *)old, OLD_STAYS); }

void conf_resume(struct conf *fresh, struct conf *old) { adopt(fresh, old, FRESH_STAYS); }
