/*
 * wire_help.c - see wire_help.h.
 */
#include "wire_help.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 4096

struct arena arena;
struct message msg;
static void *blocks[BLOCKS];
static size_t n_blocks;

void help_setup(void) { arena_init(&arena, 1 << 20); }

void help_teardown(void)
{
	arena_release(&arena);
	while (n_blocks)
		free(blocks[--n_blocks]);
}

static uint8_t *block(size_t n)
{
	ck_assert_uint_lt(n_blocks, BLOCKS);
	uint8_t *p = malloc(n ? n : 1);
	ck_assert_ptr_nonnull(p);
	blocks[n_blocks++] = p;
	return p;
}

struct bytes cut(struct bytes b, size_t n)
{
	uint8_t *p = block(n);
	if (n)
		memcpy(p, b.p, n);
	return bytes_of(p, n);
}

struct bytes hex(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[8192];
	size_t n = 0;
	for (; *text; text++) {
		if (*text == '#')
			text += strcspn(text, "\n");
		if (!*text)
			break;
		if (isspace((unsigned char)*text))
			continue;
		const char *d = strchr(digits, *text);
		ck_assert_msg(d != NULL && n < 2 * sizeof(raw), "bad hex at %s", text);
		raw[n / 2] = (uint8_t)(n % 2 ? raw[n / 2] << 4 | (d - digits) : d - digits);
		n++;
	}
	ck_assert_uint_eq(n % 2, 0);
	return cut(bytes_of(raw, n / 2), n / 2);
}

struct bytes fill(uint8_t value, size_t n)
{
	uint8_t *p = block(n);
	memset(p, value, n);
	return bytes_of(p, n);
}

struct bytes join(struct bytes a, struct bytes b)
{
	uint8_t *p = block(a.n + b.n);
	if (a.n)
		memcpy(p, a.p, a.n);
	if (b.n)
		memcpy(p + a.n, b.p, b.n);
	return bytes_of(p, a.n + b.n);
}

struct bytes chained(uint8_t next, struct bytes body)
{
	uint8_t head[4] = { next, 0, (uint8_t)((body.n + 4) >> 8), (uint8_t)(body.n + 4) };
	return join(bytes_of(head, 4), body);
}

struct bytes framed(uint8_t exchange, uint8_t flags, uint8_t first, struct bytes chain)
{
	size_t n = IKE_HEADER_LEN + chain.n;
	uint8_t head[IKE_HEADER_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, first, 0x20, exchange, flags };
	head[26] = (uint8_t)(n >> 8);
	head[27] = (uint8_t)n;
	return join(bytes_of(head, sizeof(head)), chain);
}

int take(struct bytes datagram) { return message_decode(&msg, datagram, &arena); }

int take_sealed(uint8_t exchange, uint8_t flags, uint8_t first, struct bytes inner)
{
	int rc = take(framed(exchange, flags, PAYLOAD_SK, chained(first, fill(0xaa, 32))));
	ck_assert_int_eq(rc, ERR_OK);
	return message_decode_inner(&msg, first, inner, &arena);
}
