/* split.c - see split.h. */
#include "conf/split.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"

static bool has(const char *p, size_t n, const char *what)
{
	size_t len = strlen(what);
	const char *end = p + n;
	for (; (p = memchr(p, what[0], (size_t)(end - p))) != NULL; p++)
		if ((size_t)(end - p) >= len && memcmp(p, what, len) == 0)
			return true;
	return false;
}

/* What YAML takes for the end of a line besides LF, and what ends a text for others. */
static bool only_line_feeds(const char *p, size_t n)
{
	static const char *const others[] = { "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (has(p, n, others[i]))
			return false;
	return memchr(p, 0, n) == NULL;
}

struct line {
	const char *p;
	size_t n, indent;
	bool blank; /* or a comment */
};

static struct line line_at(const char *p, const char *end)
{
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	struct line l = { .p = p, .n = (size_t)((stop != NULL ? stop : end) - p) };
	while (l.indent < l.n && p[l.indent] == ' ')
		l.indent++;
	l.blank = l.indent == l.n || p[l.indent] == '#';
	return l;
}

static bool is_top(const struct line *l)
{
	size_t n = strlen(SPLIT_TOP) - 1;
	if (l->n < n || memcmp(l->p, SPLIT_TOP, n) != 0)
		return false;
	while (n < l->n && l->p[n] == ' ')
		n++;
	return n == l->n || (l->p[n] == '#' && l->p[n - 1] == ' ');
}

#define TUNNEL_TEXT 200 /* octets, as most have; what is not used of the room is not there */

static bool add_part(const struct conf_text *text, struct conf_parts *out, unsigned *cap, const struct line *l, int number)
{
	char whole[TUNNEL_NAME_MAX + 1];
	const char *name = l->p + l->indent;
	size_t most = l->n - l->indent, n = 0;
	while (n < most && n <= TUNNEL_NAME_MAX && name[n] != ':')
		n++;
	if (n > TUNNEL_NAME_MAX || n == most || (n + 1 < most && name[n + 1] != ' ') || l->indent > UINT8_MAX)
		return false;
	if (out->n == *cap) {
		*cap = *cap > 0 ? 2 * *cap : (unsigned)(text->len / TUNNEL_TEXT) + 64;
		out->v = xrealloc_array(out->v, *cap, sizeof *out->v);
	}
	struct conf_part *part = &out->v[out->n++];
	*part = (struct conf_part){
		.at = (uint32_t)(l->p - text->text), .line = number, .indent = (uint8_t)l->indent, .name_len = (uint8_t)n
	};
	conf_part_name(text, part, whole);
	return tunnel_name_valid(whole);
}

void conf_part_name(const struct conf_text *text, const struct conf_part *part, char name[TUNNEL_NAME_MAX + 1])
{
	memcpy(name, text->text + part->at + part->indent, part->name_len);
	name[part->name_len] = 0;
}

static bool split(const struct conf_text *text, struct conf_parts *out)
{
	const char *end = text->text + text->len;
	size_t indent = 0;
	unsigned cap = 0;
	bool top = false;
	int number = 1;
	out->head_is_empty = true;
	out->head = text->len;
	for (const char *p = text->text; p < end; number++) {
		struct line l = line_at(p, end);
		p += l.n + (p + l.n < end);
		if (l.blank)
			continue;
		if (!top) {
			top = is_top(&l);
			out->head_is_empty &= top;
			continue;
		}
		indent = indent > 0 ? indent : l.indent;
		if (l.indent < indent || indent == 0)
			return false;
		if (l.indent > indent)
			continue;
		if (!add_part(text, out, &cap, &l, number))
			return false;
	}
	for (unsigned i = 0; i < out->n; i++)
		out->v[i].len = (i + 1 < out->n ? out->v[i + 1].at : (uint32_t)text->len) - out->v[i].at;
	out->head = out->n > 0 ? out->v[0].at : text->len;
	return true;
}

bool conf_split(const struct conf_text *text, struct conf_parts *out)
{
	*out = (struct conf_parts){ 0 };
	if (text->len <= SETTINGS_FILE_MAX && only_line_feeds(text->text, text->len) && split(text, out))
		return true;
	free(out->v);
	*out = (struct conf_parts){ 0 };
	return false;
}
