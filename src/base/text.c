/*
 * text.c - bounded text, and the only two ways in which foreign bytes reach it: as hex or escaped.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct text text_of(char *p, size_t size)
{
	if (size)
		p[0] = '\0';
	return (struct text){ p, size, 0 };
}

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->len;
	if (room <= 1)
		return;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->p + t->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

void text_join(char *list, size_t size, const char *between, const char *word)
{
	size_t n = strlen(list);
	if (n + 1 < size)
		snprintf(list + n, size - n, "%s%s", n ? between : "", word);
}

void text_hex(struct text *t, struct bytes b, size_t max)
{
	if (!b.n)
		text_add(t, "-");
	for (size_t i = 0; i < b.n && i < max; i++)
		text_add(t, "%02x", b.p[i]);
	if (b.n > max)
		text_add(t, "...");
}

void text_escape(struct text *t, struct bytes b, size_t max)
{
	size_t room = t->size - t->len;
	if (room <= 1)
		return;
	log_escape(t->p + t->len, room, bytes_of(b.p, b.n < max ? b.n : max));
	t->len += strlen(t->p + t->len);
	if (b.n > max)
		text_add(t, "...");
}

bool text_unhex(const char *text, size_t max, struct bytes *out)
{
	size_t n = strlen(text);
	if (!n || n % 2 || n / 2 > max || strspn(text, "0123456789abcdefABCDEF") != n)
		return false;
	uint8_t *p = xcalloc(n / 2, 1);
	for (size_t i = 0; i < n; i++)
		p[i / 2] = (uint8_t)(p[i / 2] << 4 | (text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10));
	*out = bytes_of(p, n / 2);
	return true;
}
