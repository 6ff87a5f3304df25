/*
 * buf.h - the only door for bytes: checked readers and writers with a sticky error.
 *
 * A struct bytes is a view (it owns nothing). A struct cursor reads a view, a struct buf writes into memory that its owner gave it.
 * After the first failure every get returns 0 / an empty view and every put does nothing; test `bad` once, at the end.
 * A length read from the wire becomes a sub-cursor (get_sub), never an integer carried along. All integers are big-endian.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *p;
	size_t n;
};

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

struct buf {
	uint8_t *data;
	size_t len, cap;
	bool bad;
};

static inline struct bytes bytes_of(const void *p, size_t n) { return (struct bytes){ p, n }; }
bool bytes_equal(struct bytes a, struct bytes b); /* not constant time: never for secrets */

struct cursor cursor_of(const void *p, size_t n);
struct cursor cursor_over(struct bytes b);
size_t cursor_left(const struct cursor *c); /* 0 when bad */
uint8_t get_u8(struct cursor *c);
uint16_t get_u16(struct cursor *c);
uint32_t get_u32(struct cursor *c);
uint64_t get_u64(struct cursor *c);
struct bytes get_view(struct cursor *c, size_t n);    /* n bytes, a view into what the cursor reads */
struct bytes get_rest(struct cursor *c);              /* all that is left, maybe nothing */
struct cursor get_sub(struct cursor *c, size_t n);    /* a cursor over the next n bytes; bad when the parent was or became bad */
void get_copy(struct cursor *c, void *dst, size_t n); /* dst is zeroed on failure */

struct buf buf_of(void *mem, size_t cap);
struct bytes buf_view(const struct buf *b); /* empty when bad */
static inline void put_u8(struct buf *b, uint8_t v)
{
	b->bad |= b->len >= b->cap;
	if (!b->bad)
		b->data[b->len++] = v;
}
void put_u16(struct buf *b, uint16_t v);
void put_u32(struct buf *b, uint32_t v);
void put_u64(struct buf *b, uint64_t v);
void put_varint_long(struct buf *b, uint64_t v);
/* Seven bits to an octet, the lowest first; bit 7: more follow. */
static inline void put_varint(struct buf *b, uint64_t v)
{
	if (v <= 0x7f && !b->bad && b->len < b->cap)
		b->data[b->len++] = (uint8_t)v;
	else
		put_varint_long(b, v);
}
void put_bytes(struct buf *b, const void *p, size_t n);
void put_view(struct buf *b, struct bytes v);
uint8_t *put_space(struct buf *b, size_t n);              /* n zeroed bytes to fill in; NULL when bad */
void buf_set_u8(struct buf *b, size_t offset, uint8_t v); /* patch what was put before */
void buf_set_u16(struct buf *b, size_t offset, uint16_t v);
void buf_set_u32(struct buf *b, size_t offset, uint32_t v);

#endif
