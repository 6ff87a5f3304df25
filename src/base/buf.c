/* buf.c - see buf.h. Every access is checked here and nowhere else. */
#include "base/buf.h"

#include <string.h>

bool bytes_equal(struct bytes a, struct bytes b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

struct cursor cursor_of(const void *p, size_t n)
{
	static const uint8_t nothing;
	const uint8_t *at = p != NULL ? p : &nothing;
	return (struct cursor){ .at = at, .end = p != NULL ? at + n : at, .bad = p == NULL && n > 0 };
}

struct cursor cursor_over(struct bytes b) { return cursor_of(b.p, b.n); }

size_t cursor_left(const struct cursor *c) { return c->bad ? 0 : (size_t)(c->end - c->at); }

/* Moves past n bytes; NULL (and bad for good) when there are fewer. */
static const uint8_t *take(struct cursor *c, size_t n)
{
	if (c->bad || n > (size_t)(c->end - c->at)) {
		c->bad = true;
		return NULL;
	}
	const uint8_t *p = c->at;
	c->at += n;
	return p;
}

static inline __attribute__((always_inline)) uint64_t get_number(struct cursor *c, size_t n) /* n is known to the compiler */
{
	const uint8_t *p = take(c, n);
	uint64_t v = 0;
	for (size_t i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t get_u8(struct cursor *c) { return (uint8_t)get_number(c, 1); }
uint16_t get_u16(struct cursor *c) { return (uint16_t)get_number(c, 2); }
uint32_t get_u32(struct cursor *c) { return (uint32_t)get_number(c, 4); }
uint64_t get_u64(struct cursor *c) { return get_number(c, 8); }

struct bytes get_view(struct cursor *c, size_t n)
{
	const uint8_t *p = take(c, n);
	return p != NULL ? bytes_of(p, n) : (struct bytes){ 0 };
}

struct bytes get_rest(struct cursor *c) { return get_view(c, cursor_left(c)); }

struct cursor get_sub(struct cursor *c, size_t n)
{
	struct cursor sub = cursor_over(get_view(c, n));
	sub.bad = c->bad;
	return sub;
}

void get_copy(struct cursor *c, void *dst, size_t n)
{
	const uint8_t *p = take(c, n);
	if (n == 0)
		return;
	if (p != NULL)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

struct buf buf_of(void *mem, size_t cap)
{
	return (struct buf){ .data = mem, .cap = mem != NULL ? cap : 0, .bad = mem == NULL && cap > 0 };
}

struct bytes buf_view(const struct buf *b) { return bytes_of(b->bad ? NULL : b->data, b->bad ? 0 : b->len); }

static uint8_t *grow(struct buf *b, size_t n)
{
	if (b->bad || n > b->cap - b->len) {
		b->bad = true;
		return NULL;
	}
	uint8_t *p = b->data + b->len;
	b->len += n;
	return p;
}

static void store(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = n; i > 0; i--, v >>= 8)
		p[i - 1] = (uint8_t)v;
}

static void put_number(struct buf *b, size_t n, uint64_t v)
{
	uint8_t *p = grow(b, n);
	if (p != NULL)
		store(p, n, v);
}

void put_u16(struct buf *b, uint16_t v) { put_number(b, 2, v); }
void put_u32(struct buf *b, uint32_t v) { put_number(b, 4, v); }
void put_u64(struct buf *b, uint64_t v) { put_number(b, 8, v); }

void put_varint_long(struct buf *b, uint64_t v)
{
	enum { LONGEST = 10 };
	if (b->bad || b->cap - b->len < LONGEST) {
		for (; v > 0x7f; v >>= 7)
			put_u8(b, (uint8_t)(v | 0x80));
		put_u8(b, (uint8_t)v);
		return;
	}
	uint8_t *p = b->data + b->len;
	for (; v > 0x7f; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	b->len = (size_t)(p - b->data);
}

void put_bytes(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	uint8_t *dst = grow(b, n);
	if (dst != NULL)
		memcpy(dst, p, n);
}

void put_view(struct buf *b, struct bytes v) { put_bytes(b, v.p, v.n); }

uint8_t *put_space(struct buf *b, size_t n)
{
	uint8_t *p = grow(b, n);
	if (p != NULL && n > 0)
		memset(p, 0, n);
	return p;
}

static void patch(struct buf *b, size_t offset, size_t n, uint64_t v)
{
	if (b->bad || offset > b->len || n > b->len - offset) {
		b->bad = true;
		return;
	}
	store(b->data + offset, n, v);
}

void buf_set_u8(struct buf *b, size_t offset, uint8_t v) { patch(b, offset, 1, v); }
void buf_set_u16(struct buf *b, size_t offset, uint16_t v) { patch(b, offset, 2, v); }
void buf_set_u32(struct buf *b, size_t offset, uint32_t v) { patch(b, offset, 4, v); }
