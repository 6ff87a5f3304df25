/* lines.c - one line at a time: blanks doubled, tabs, CR at the end, what a text looks like after a browser and an editor had it. */
#include "lines.h"

#include <ctype.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

/* Lower case, and one blank where there were several. */
static const char *folded(struct import_set *p, const char *s, size_t n)
{
	char text[LINE_MAX_BYTES + 1];
	size_t len = 0;
	for (; n > 0; s++, n--) {
		if (!blank(*s))
			text[len++] = (char)tolower((unsigned char)*s);
		else if (len > 0 && text[len - 1] != ' ')
			text[len++] = ' ';
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	const char *copy = import_copy(p, text, len);
	wipe(text, sizeof text);
	return copy;
}

/* The text of the next line, without its end and what stands in front. */
static size_t line_cut(struct lines *l, const char *comment, const char **text)
{
	const char *s = l->at, *nl = memchr(s, '\n', (size_t)(l->end - s));
	size_t n = (size_t)((nl != NULL ? nl : l->end) - s);
	l->at = nl != NULL ? nl + 1 : l->end;
	l->number++;
	n = n > LINE_MAX_BYTES ? LINE_MAX_BYTES : n;
	while (n > 0 && (blank(*s) || strchr(comment, *s) != NULL))
		s++, n--;
	*text = s;
	return n;
}

bool line_next(struct import_set *p, struct lines *l, const char *comment, struct label *out)
{
	const char *s = NULL;
	size_t n = 0;
	while (n == 0 && l->at < l->end)
		n = line_cut(l, comment, &s);
	if (n == 0)
		return false;
	*out = (struct label){ .mark = strchr("-+>", *s) != NULL ? *s : 0 };
	if (out->mark != 0)
		s++, n--;
	const char *colon = memchr(s, ':', n);
	if (colon != NULL) {
		const char *value = colon + 1;
		size_t len = doc_trim(&value, n - (size_t)(value - s));
		out->value = import_copy(p, value, len);
	}
	out->label = folded(p, s, colon != NULL ? (size_t)(colon - s) : n);
	return true;
}
