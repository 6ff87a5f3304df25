/*
 * pcapng.c - packets for Wireshark and tshark. What was sealed stands open here, so the frames are not what was on the wire: IP and UDP are made up
 * from the addresses, and a comment at the head of the file says so.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "trace.h"
#include "wire/ikev2.h"

#define LINKTYPE_RAW 101
#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 6
#define OPT_COMMENT 1
#define UDP_HEADER 8
#define MARKER 4 /* RFC 3948 2.2 */
#define FRAME_MAX (40 + UDP_HEADER + MARKER + IKE_MESSAGE_MAX)
#define COMMENT_MAX 512

/* Blocks are in the byte order of their writer; little-endian here, whatever the machine. */
static void le32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };
	put_bytes(b, p, 4);
}

static void le16(struct buf *b, uint16_t v)
{
	uint8_t p[2] = { (uint8_t)v, (uint8_t)(v >> 8) };
	put_bytes(b, p, 2);
}

static void pad(struct buf *b)
{
	while (b->len % 4 != 0)
		put_u8(b, 0);
}

static void comment_option(struct buf *b, const char *comment)
{
	size_t n = comment != NULL ? strnlen(comment, COMMENT_MAX) : 0;
	if (n == 0)
		return;
	le16(b, OPT_COMMENT);
	le16(b, (uint16_t)n);
	put_bytes(b, comment, n);
	pad(b);
	le32(b, 0); /* end of options */
}

static void write_block(FILE *to, uint32_t type, const struct buf *body)
{
	uint8_t head[8], tail[4];
	struct buf h = buf_of(head, sizeof head), t = buf_of(tail, sizeof tail);
	uint32_t total = (uint32_t)body->len + 12;
	le32(&h, type);
	le32(&h, total);
	le32(&t, total);
	fwrite(head, 1, sizeof head, to);
	fwrite(body->data, 1, body->len, to);
	fwrite(tail, 1, sizeof tail, to);
}

void pcapng_begin(FILE *to, const char *comment)
{
	uint8_t mem[COMMENT_MAX + 64];
	struct buf b = buf_of(mem, sizeof mem);
	le32(&b, 0x1a2b3c4d);
	le16(&b, 1); /* version 1.0 */
	le16(&b, 0);
	le32(&b, 0xffffffff); /* length of the section: not known */
	le32(&b, 0xffffffff);
	comment_option(&b, comment);
	write_block(to, BLOCK_SECTION, &b);
	b = buf_of(mem, sizeof mem);
	le16(&b, LINKTYPE_RAW);
	le16(&b, 0);
	le32(&b, 0); /* no snap length; times are microseconds by default */
	write_block(to, BLOCK_INTERFACE, &b);
}

/* ---------------------------------------------------------------- IP and UDP */
static uint32_t sum(struct bytes b, uint32_t s)
{
	for (size_t i = 0; i < b.n; i++)
		s += i % 2 == 0 ? (uint32_t)b.p[i] << 8 : b.p[i];
	return s;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void put_ip(struct buf *b, const struct addr *from, const struct addr *to, size_t payload)
{
	size_t begin = b->len;
	if (from->family == AF_INET6) {
		put_u32(b, 0x60000000);
		put_u16(b, (uint16_t)payload);
		put_u8(b, 17);
		put_u8(b, 64);
		put_view(b, addr_bytes(from));
		put_view(b, addr_bytes(to));
		return;
	}
	put_u16(b, 0x4500);
	put_u16(b, (uint16_t)(20 + payload));
	put_u32(b, 0);
	put_u8(b, 64);
	put_u8(b, 17);
	put_u16(b, 0);
	put_view(b, addr_bytes(from));
	put_view(b, addr_bytes(to));
	buf_set_u16(b, begin + 10, folded(sum(bytes_of(b->data + begin, 20), 0)));
}

static void put_udp(struct buf *b, const struct addr *from, const struct addr *to, struct bytes message)
{
	bool marked = from->port != IKE_PORT && to->port != IKE_PORT;
	size_t begin = b->len, n = UDP_HEADER + (marked ? MARKER : 0) + message.n;
	put_u16(b, from->port);
	put_u16(b, to->port);
	put_u16(b, (uint16_t)n);
	put_u16(b, 0);
	if (marked)
		put_u32(b, 0);
	put_view(b, message);
	uint32_t s = sum(addr_bytes(from), sum(addr_bytes(to), 17 + (uint32_t)n));
	uint16_t check = folded(sum(bytes_of(b->data + begin, b->len - begin), s));
	buf_set_u16(b, begin + 6, check != 0 ? check : 0xffff);
}

void pcapng_packet(FILE *to, const struct traced *t, const char *comment)
{
	static uint8_t frame_mem[FRAME_MAX], mem[FRAME_MAX + COMMENT_MAX + 64];
	const struct addr *from = t->out ? &t->local : &t->remote, *target = t->out ? &t->remote : &t->local;
	struct buf frame = buf_of(frame_mem, sizeof frame_mem), b = buf_of(mem, sizeof mem);
	size_t extra = UDP_HEADER + (from->port != IKE_PORT && target->port != IKE_PORT ? MARKER : 0);
	struct bytes message = t->message; /* what is longer than IP allows is cut, and its length tells so */
	if (message.n > 65535 - 20 - extra)
		message.n = 65535 - 20 - extra;
	put_ip(&frame, from, target, extra + message.n);
	put_udp(&frame, from, target, message);
	le32(&b, 0);
	le32(&b, (uint32_t)((uint64_t)t->at_us >> 32));
	le32(&b, (uint32_t)t->at_us);
	le32(&b, (uint32_t)frame.len);
	le32(&b, (uint32_t)(frame.len + t->message.n - message.n));
	put_view(&b, buf_view(&frame));
	pad(&b);
	comment_option(&b, comment);
	if (!frame.bad && !b.bad)
		write_block(to, BLOCK_PACKET, &b);
}
