/*
 * reloaded.c - see reloaded.h: kind, line, then four texts, each with its length and a 0 behind it.
 */
#include "ipc/reloaded.h"

#include <string.h>

static void put_text(struct buf *b, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	put_u16(b, n > UINT16_MAX ? UINT16_MAX : (uint16_t)n);
	put_bytes(b, text, n > UINT16_MAX ? UINT16_MAX : n);
	put_u8(b, 0);
}

bool reload_put(struct buf *b, const struct reload_row *r)
{
	struct buf before = *b;
	put_u8(b, (uint8_t)r->kind);
	put_u32(b, r->line);
	put_text(b, r->tunnel);
	put_text(b, r->key);
	put_text(b, r->file);
	put_text(b, r->text);
	if (!b->bad)
		return true;
	*b = before;
	return false;
}

static const char *get_text(struct cursor *c)
{
	struct bytes text = get_view(c, get_u16(c));
	if (get_u8(c) != 0 || (text.n && memchr(text.p, 0, text.n)))
		c->bad = true;
	return c->bad || !text.n ? "" : (const char *)text.p;
}

bool reload_get(struct cursor *c, struct reload_row *r)
{
	if (!cursor_left(c))
		return false;
	r->kind = (enum reload_kind)get_u8(c);
	r->line = get_u32(c);
	r->tunnel = get_text(c);
	r->key = get_text(c);
	r->file = get_text(c);
	r->text = get_text(c);
	return !c->bad && (unsigned)r->kind < RELOAD_KIND_COUNT;
}
