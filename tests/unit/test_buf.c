/* test_buf.c - cursors never read past the end and stay bad; writers never write past theirs. */
#include "base/buf.h"

#include <string.h>

#include "unit.h"

static const uint8_t data[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10 };

START_TEST(reads_big_endian)
{
	struct cursor c = cursor_of(data, sizeof data);
	ck_assert_uint_eq(get_u8(&c), 0x01);
	ck_assert_uint_eq(get_u16(&c), 0x0203);
	ck_assert_uint_eq(get_u32(&c), 0x04050607);
	ck_assert_uint_eq(get_u64(&c), UINT64_C(0x08090a0b0c0d0e0f));
	ck_assert_uint_eq(cursor_left(&c), 1);
	ck_assert_uint_eq(get_u8(&c), 0x10);
	ck_assert(!c.bad);
}
END_TEST

START_TEST(short_read_is_sticky)
{
	struct cursor c = cursor_of(data, 3);
	ck_assert_uint_eq(get_u32(&c), 0);
	ck_assert(c.bad);
	ck_assert_uint_eq(cursor_left(&c), 0);
	ck_assert_uint_eq(get_u8(&c), 0); /* one byte would have been there */
	ck_assert_uint_eq(get_view(&c, 0).n, 0);
	ck_assert(get_rest(&c).p == NULL);
}
END_TEST

START_TEST(every_length_up_to_the_end)
{
	for (size_t n = 0; n <= sizeof data; n++) {
		for (size_t want = 0; want <= sizeof data + 1; want++) {
			struct cursor c = cursor_of(data, n);
			struct bytes v = get_view(&c, want);
			ck_assert(c.bad == (want > n));
			ck_assert_uint_eq(v.n, want > n ? 0 : want);
			ck_assert_uint_eq(cursor_left(&c), want > n ? 0 : n - want);
		}
	}
}
END_TEST

START_TEST(huge_length_does_not_wrap)
{
	struct cursor c = cursor_of(data, sizeof data);
	get_u8(&c);
	ck_assert(get_view(&c, SIZE_MAX).p == NULL);
	ck_assert(c.bad);
}
END_TEST

START_TEST(sub_cursor_is_confined)
{
	struct cursor c = cursor_of(data, sizeof data);
	struct cursor sub = get_sub(&c, 4);
	ck_assert_uint_eq(get_u32(&sub), 0x01020304);
	ck_assert_uint_eq(get_u8(&sub), 0);
	ck_assert(sub.bad);
	ck_assert(!c.bad);
	ck_assert_uint_eq(get_u8(&c), 5); /* the parent went past the sub's bytes, whatever the sub did */

	struct cursor over = get_sub(&c, 100);
	ck_assert(over.bad && c.bad);
	struct cursor after = get_sub(&c, 0);
	ck_assert(after.bad);
}
END_TEST

START_TEST(copy_zeroes_on_failure)
{
	uint8_t dst[4];
	struct cursor c = cursor_of(data, 6);
	get_copy(&c, dst, 4);
	ck_assert_mem_eq(dst, data, 4);
	get_copy(&c, dst, 4);
	ck_assert(c.bad);
	ck_assert_mem_eq(dst, "\0\0\0\0", 4);
}
END_TEST

START_TEST(nothing_is_a_valid_input)
{
	struct cursor c = cursor_of(NULL, 0);
	ck_assert(!c.bad);
	ck_assert_uint_eq(cursor_left(&c), 0);
	ck_assert_uint_eq(get_rest(&c).n, 0);
	ck_assert(!c.bad);
	get_u8(&c);
	ck_assert(c.bad);
	ck_assert(cursor_of(NULL, 5).bad);
}
END_TEST

START_TEST(writes_big_endian)
{
	uint8_t mem[16];
	struct buf b = buf_of(mem, sizeof mem);
	put_u8(&b, 0x01);
	put_u16(&b, 0x0203);
	put_u32(&b, 0x04050607);
	put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	put_bytes(&b, "\x10", 1);
	ck_assert(!b.bad);
	ck_assert(bytes_equal(buf_view(&b), bytes_of(data, sizeof data)));
}
END_TEST

START_TEST(full_buffer_is_sticky_and_intact)
{
	uint8_t mem[8];
	memset(mem, 0xee, sizeof mem);
	struct buf b = buf_of(mem, 5);
	put_u32(&b, 0);
	put_u16(&b, 0x1234);
	ck_assert(b.bad);
	put_u8(&b, 1); /* would fit, comes too late */
	ck_assert_uint_eq(b.len, 4);
	ck_assert(buf_view(&b).p == NULL);
	ck_assert_uint_eq(buf_view(&b).n, 0);
	ck_assert_mem_eq(mem + 4, "\xee\xee\xee\xee", 4);
	ck_assert(put_space(&b, 1) == NULL);
}
END_TEST

START_TEST(space_is_zeroed)
{
	uint8_t mem[8];
	memset(mem, 0xee, sizeof mem);
	struct buf b = buf_of(mem, sizeof mem);
	uint8_t *p = put_space(&b, 6);
	ck_assert_ptr_eq(p, mem);
	ck_assert_mem_eq(mem, "\0\0\0\0\0\0\xee\xee", 8);
	ck_assert(put_space(&b, SIZE_MAX) == NULL);
	ck_assert(b.bad);
}
END_TEST

START_TEST(patches_only_what_was_put)
{
	uint8_t mem[16] = { 0 };
	struct buf b = buf_of(mem, sizeof mem);
	put_u64(&b, 0);
	buf_set_u8(&b, 0, 0xaa);
	buf_set_u16(&b, 1, 0xbbcc);
	buf_set_u32(&b, 4, 0xddeeff11);
	ck_assert(!b.bad);
	ck_assert_mem_eq(mem, "\xaa\xbb\xcc\x00\xdd\xee\xff\x11", 8);
	buf_set_u32(&b, 5, 1); /* the last byte would be past len */
	ck_assert(b.bad);
	ck_assert_mem_eq(mem + 4, "\xdd\xee\xff\x11\x00", 5);

	struct buf other = buf_of(mem, sizeof mem);
	buf_set_u8(&other, SIZE_MAX, 1);
	ck_assert(other.bad);
}
END_TEST

START_TEST(compares_views)
{
	ck_assert(bytes_equal(bytes_of("abc", 3), bytes_of("abcd", 3)));
	ck_assert(!bytes_equal(bytes_of("abc", 3), bytes_of("abcd", 4)));
	ck_assert(!bytes_equal(bytes_of("abc", 3), bytes_of("abd", 3)));
	ck_assert(bytes_equal((struct bytes){ 0 }, bytes_of("x", 0)));
}
END_TEST

/* The longest of each length, and no room for the last octet. */
START_TEST(varints)
{
	static const struct {
		uint64_t v;
		size_t n;
	} rows[] = { { 0, 1 }, { 0x7f, 1 }, { 0x80, 2 }, { 0x3fff, 2 }, { 0x4000, 3 }, { UINT32_MAX, 5 }, { UINT64_MAX >> 1, 9 },
		{ UINT64_MAX, 10 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t cap = 0; cap < 24; cap++) {
			uint8_t mem[24];
			struct buf b = buf_of(mem, cap);
			uint64_t v = 0;
			put_varint(&b, rows[i].v);
			ck_assert(b.bad == (cap < rows[i].n));
			for (size_t k = 0; !b.bad && k < b.len; k++) {
				v |= (uint64_t)(mem[k] & 0x7f) << 7 * k;
				ck_assert((mem[k] & 0x80) == (k + 1 < b.len ? 0x80 : 0));
			}
			ck_assert(b.bad || (v == rows[i].v && b.len == rows[i].n));
		}
	}
}
END_TEST

UNIT_MAIN("buf", reads_big_endian, short_read_is_sticky, every_length_up_to_the_end, huge_length_does_not_wrap,
	sub_cursor_is_confined, copy_zeroes_on_failure, nothing_is_a_valid_input, writes_big_endian,
	full_buffer_is_sticky_and_intact, space_is_zeroed, patches_only_what_was_put, compares_views, varints)
