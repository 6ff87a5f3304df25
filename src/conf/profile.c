/*
 * profile.c - a profile is the defaults in the table of keys, and over them those of the provider's row. They are parsed once per load, when the first tunnel of the
 * profile is there, into a tunnel of its own, and copied from there by packing: the words of a default and the words of a person take the same way.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define DEFAULT_PACKED_MAX 2048

/* Of the provider's row, else of the key's. */
static const char *default_of(const struct key *k, enum cloud c)
{
	for (const struct cloud_default *d = provider_of(c)->defaults; d->key != NULL; d++)
		if (strcmp(d->key, k->word) == 0)
			return d->value;
	return k->initial;
}

/* NULL when a default is broken, or names what the cryptographic library lacks; the findings say so once. */
static const struct tunnel_conf *profile_of(struct profiles *p, enum cloud c, struct findings *f)
{
	struct context at = { .findings = f, .place.tunnel = cloud_word(c) };
	if (p->v[c] != NULL || p->broken[c])
		return p->v[c];
	struct tunnel_conf *t = tunnel_conf_new();
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		at.place.key = tunnel_keys[i].word;
		const char *text = default_of(&tunnel_keys[i], c);
		if (text != NULL && !value_parse(&at, &tunnel_keys[i], t, text))
			p->broken[c] = true;
	}
	if (!p->broken[c])
		return p->v[c] = t;
	tunnel_conf_unref(t);
	return NULL;
}

void profiles_release(struct profiles *p)
{
	for (unsigned i = 0; i < CLOUD_COUNT; i++)
		if (p->v[i] != NULL)
			tunnel_conf_unref(p->v[i]);
	*p = (struct profiles){ 0 };
}

bool profile_apply(struct profiles *p, struct tunnel_conf *t, uint64_t set, struct findings *f)
{
	uint8_t room[DEFAULT_PACKED_MAX];
	const struct tunnel_conf *from = profile_of(p, t->cloud, f);
	if (from == NULL)
		return false;
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		const struct key *k = &tunnel_keys[i];
		if ((set & KEY_BIT(i)) != 0 || default_of(k, t->cloud) == NULL)
			continue;
		struct buf b = buf_of(room, sizeof room);
		k->kind->pack(k, from, &b);
		struct cursor c = cursor_over(buf_view(&b));
		k->kind->unpack(k, t, &c);
	}
	return true;
}

bool global_defaults(struct global_conf *g, const struct context *c)
{
	struct context at = *c;
	bool good = true;
	for (const struct key *k = global_keys; k->word != NULL; k++) {
		at.place.key = k->word;
		good = (k->initial == NULL || value_parse(&at, k, g, k->initial)) && good;
	}
	return good;
}

void profile_each(enum cloud c, void (*row)(void *arg, const char *key, const char *value), void *arg)
{
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		const struct key *k = &tunnel_keys[i];
		const char *text = default_of(k, c);
		char list[256];
		if (text == NULL)
			continue;
		struct text o = text_of(list, sizeof list);
		text_add(&o, "[%s]", text);
		row(arg, k->word, k->kind->list && strchr(text, ',') != NULL ? list : text);
	}
}

const char *tunnel_conf_value(const struct tunnel_conf *t, const char *key, char *text, size_t size)
{
	struct text o = text_of(text, size);
	int i = key_index(tunnel_keys, KEY_COUNT, key);
	if (i >= 0)
		tunnel_keys[i].kind->print(&tunnel_keys[i], t, &o);
	return text;
}

bool tunnel_conf_set(struct tunnel_conf *t, const char *key, const char *value)
{
	struct findings none = { 0 };
	struct context c = { .findings = &none };
	int i = key_index(tunnel_keys, KEY_COUNT, key);
	bool good = i >= 0 && value_parse(&c, &tunnel_keys[i], t, value);
	findings_release(&none);
	return good;
}

const char *tunnel_conf_key(unsigned i) { return i < KEY_COUNT ? tunnel_keys[i].word : NULL; }

const char *global_conf_key(unsigned i)
{
	return i < GLOBAL_KEYS_MAX && global_keys[i].kind != &kind_gone ? global_keys[i].word : NULL;
}

const char *global_conf_value(const struct global_conf *g, const char *key, char *text, size_t size)
{
	struct text o = text_of(text, size);
	int i = key_index(global_keys, GLOBAL_KEYS_MAX, key);
	if (i >= 0)
		global_keys[i].kind->print(&global_keys[i], g, &o);
	return text;
}
