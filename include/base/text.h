/*
 * text.h - text that grows up to a fixed room: What does not fit is cut.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

struct text {
	char *p;
	size_t size, len; /* len < size unless size is 0 */
};

struct text text_of(char *p, size_t size);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds word to a list that is text already, with between before it when it is not the first. */
void text_join(char *list, size_t size, const char *between, const char *word);
/* At most max bytes of b as lower-case hex, "..." when there are more; "-" for none. */
void text_hex(struct text *t, struct bytes b, size_t max);
/* At most max bytes of b, escaped for a log line, "..." when there are more. */
void text_escape(struct text *t, struct bytes b, size_t max);
/* Pairs of hex digits, at most max bytes of them and at least one; malloc'd. */
bool text_unhex(const char *text, size_t max, struct bytes *out);

#endif
