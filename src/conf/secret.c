/* secret.c - the two values that need more than a field: a key written in the file itself, and the interface with its long name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define INLINE_PSK_MAX 128

bool psk_same(const struct psk *a, const struct psk *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->len == b->len && same_secret(a->data, b->data, a->len);
}

void psk_free(struct psk *psk)
{
	if (psk != NULL)
		wipe(psk->data, psk->len);
	free(psk);
}

/* No message repeats any part of the key. */
static bool psk_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct tunnel_conf *t = base;
	size_t n = strlen(text);
	(void)k;
	if (!c->private_mode) {
		finding_advice(
			finding_add(c->findings, c->place, FINDING_KEY_FILE_OPEN,
				"a key may stand here only when nobody else can read the file: chmod 600 it, or use psk-file"),
			KEY_OPEN_ADVICE);
		return false;
	}
	if (n > INLINE_PSK_MAX)
		return refuse(c, FINDING_VALUE, "the key is longer than %d characters", INLINE_PSK_MAX);
	for (size_t i = 0; i < n; i++)
		if (!psk_char_valid((uint8_t)text[i]))
			return refuse(c, FINDING_VALUE,
				"a key that stands here has only letters, digits, '.' and '_': put others into a psk-file");
	t->psk = xcalloc(1, sizeof *t->psk + n);
	t->psk->len = n;
	memcpy(t->psk->data, text, n);
	return true;
}

static void psk_print(const struct key *k, const void *base, struct text *o)
{
	(void)k;
	(void)base;
	(void)o;
}

static void psk_clear(const struct key *k, void *base)
{
	struct tunnel_conf *t = base;
	(void)k;
	psk_free(t->psk);
	t->psk = NULL;
}

const struct kind kind_psk = { "a key", false, psk_read, psk_print, NULL, NULL, psk_clear };

static bool interface_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct tunnel_conf *t = base;
	char q[QUOTED_TEXT];
	(void)k;
	if (!interface_valid(text))
		return refuse(c, FINDING_VALUE, "%s is no interface name: at most %d of letters, digits and . _ -",
			quoted(q, text), INTERFACE_NAME_MAX);
	snprintf(t->interface, sizeof t->interface, "%s", text);
	return true;
}

static void interface_print(const struct key *k, const void *base, struct text *o)
{
	const struct tunnel_conf *t = base;
	(void)k;
	text_add(o, "%s", t->interface);
}

static void interface_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct tunnel_conf *t = base;
	(void)k;
	put_u8(b, (uint8_t)strlen(t->interface));
	put_bytes(b, t->interface, strlen(t->interface));
	put_u8(b, t->altname != NULL);
}

/* The long name is made of the tunnel's name, which was unpacked before. */
static bool interface_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct tunnel_conf *t = base;
	(void)k;
	size_t n = get_u8(c);
	if (c->bad || n > INTERFACE_NAME_MAX)
		return false;
	get_copy(c, t->interface, n);
	t->interface[n] = 0;
	uint8_t alias = get_u8(c);
	if (c->bad || alias > 1 || strlen(t->interface) != n || !interface_valid(t->interface))
		return false;
	if (alias == 1)
		t->altname = interface_long_name(t->name);
	return true;
}

static void interface_clear(const struct key *k, void *base)
{
	struct tunnel_conf *t = base;
	(void)k;
	free(t->altname);
	t->altname = NULL;
}

const struct kind kind_interface = { "a name", false, interface_read, interface_print, interface_pack, interface_unpack,
	interface_clear };

char *interface_long_name(const char *tunnel)
{
	char full[sizeof INTERFACE_PREFIX + TUNNEL_NAME_MAX];
	snprintf(full, sizeof full, INTERFACE_PREFIX "%s", tunnel);
	return xstrdup(full);
}

/* FNV-1a of 32 bits, folded to 16: enough to keep apart names that begin alike; a collision is an error that check/ finds.
 * Not hash_bytes: what is made of it is the name of an interface, which must not change. */
unsigned name_hash(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s != 0; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return (h >> 16) ^ (h & 0xffff);
}

void interface_default(struct tunnel_conf *t)
{
	char *full = interface_long_name(t->name);
	if (strlen(full) <= INTERFACE_NAME_MAX) {
		snprintf(t->interface, sizeof t->interface, "%s", full);
		free(full);
		return;
	}
	snprintf(t->interface, sizeof t->interface, "%.10s-%04x", full, name_hash(t->name));
	t->altname = full;
}
