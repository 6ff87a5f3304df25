/*
 * wire_help.h - what the tests of the wire floor share: bytes from hex, messages from parts, an arena for one test.
 */
#ifndef TEST_WIRE_HELP_H
#define TEST_WIRE_HELP_H

#include "base/buf.h"
#include "base/mem.h"
#include "wire/message.h"

extern struct arena arena;
extern struct message msg;

void help_setup(void);
void help_teardown(void);

/* Bytes of the hex digits in text; blanks are skipped, # to the end of the line is a comment. An own heap block of exactly that size,
 * so that a sanitizer sees one byte too many; lives until help_teardown. */
struct bytes hex(const char *text);
struct bytes cut(struct bytes b, size_t n); /* the first n bytes in a block of their own */
struct bytes fill(uint8_t value, size_t n); /* n equal bytes */
struct bytes join(struct bytes a, struct bytes b);
struct bytes chained(uint8_t next, struct bytes body);                                   /* generic payload header and body */
struct bytes framed(uint8_t exchange, uint8_t flags, uint8_t first, struct bytes chain); /* IKE header in front */

/* Decodes into msg; then the inner chain as well when the message ends in an SK. Returns the code. */
int take(struct bytes datagram);
int take_sealed(uint8_t exchange, uint8_t flags, uint8_t first, struct bytes inner);

#endif
