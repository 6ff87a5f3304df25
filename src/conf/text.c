/* text.c - small words and numbers: bounded output, spans, sizes, names. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"

bool refuse(const struct context *c, enum finding_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	finding_addv(c->findings, c->place, code, fmt, ap);
	va_end(ap);
	return false;
}

/* "a", or "[a, b]" */
void text_list(struct text *o, unsigned n, text_item *print, const void *list)
{
	text_add(o, "%s", n > 1 ? "[" : "");
	for (unsigned i = 0; i < n; i++) {
		text_add(o, "%s", i > 0 ? ", " : "");
		print(o, list, i, n > 1);
	}
	text_add(o, "%s", n > 1 ? "]" : "");
}

static const char *quoted_until(char text[QUOTED_TEXT], const char *src, const char *ends)
{
	struct text o = text_of(text, QUOTED_TEXT);
	char piece[QUOTED_TEXT - 6];
	size_t n = strcspn(src, ends);
	log_escape(piece, sizeof piece, bytes_of(src, n));
	text_add(&o, "'%s%s'", piece, src[n] != 0 ? " ..." : "");
	return text;
}

const char *quoted(char text[QUOTED_TEXT], const char *src) { return quoted_until(text, src, " \t\r\n"); }
const char *quoted_word(char text[QUOTED_TEXT], const char *src) { return quoted_until(text, src, " \t\r\n:="); }

/* --- numbers --- */
static bool digits(const char **at, uint64_t *v)
{
	const char *p = *at;
	*v = 0;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (*v > (uint64_t)INT64_MAX / 10 - 1)
			return false;
		*v = *v * 10 + (uint64_t)(*p - '0');
	}
	*at = p;
	return true;
}

const struct unit span_units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 } };
const struct unit size_units[] = { { "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 }, { NULL, 0 } };

bool unit_parse(const char *text, const struct unit *units, int64_t *v)
{
	uint64_t n;
	if (!digits(&text, &n))
		return false;
	while (units->word != NULL && strcmp(text, units->word) != 0)
		units++;
	if (units->word == NULL || n > (uint64_t)(INT64_MAX / units->times))
		return false;
	*v = (int64_t)n * units->times;
	return true;
}

void unit_print(struct text *o, int64_t v, const struct unit *u)
{
	while (u->times > 1 && v % u->times != 0)
		u++;
	text_add(o, "%lld%s", (long long)(v / u->times), u->word);
}

bool number_parse(const char *text, int64_t *v)
{
	bool minus = *text == '-';
	uint64_t u;
	text += minus;
	if (!digits(&text, &u) || *text != 0 || u > UINT32_MAX)
		return false;
	*v = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

/* --- names --- */
static bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool dns_name_valid(const char *text)
{
	size_t n = strlen(text), label = 0;
	bool only_digits = true; /* of the last label: a name that ends in a number is a mistyped address */
	if (n > 0 && text[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			only_digits = true;
			continue;
		}
		if ((!letter_or_digit(c) && c != '-' && c != '_') || (c == '-' && label == 0) || ++label > 63)
			return false;
		only_digits = only_digits && c >= '0' && c <= '9';
	}
	return label > 0 && text[n - 1] != '-' && !only_digits;
}

bool plain_name_valid(const char *text, size_t max, const char *extra)
{
	size_t n = strlen(text);
	if (n == 0 || n > max || (!letter_or_digit(text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!letter_or_digit(text[i]) && strchr(extra, text[i]) == NULL)
			return false;
	return true;
}

bool psk_char_valid(uint8_t c) { return letter_or_digit((char)c) || c == '.' || c == '_'; }

/* Linux takes any 15 bytes without slash and blank; we take what needs no quoting anywhere. */
bool interface_valid(const char *name)
{
	return plain_name_valid(name, INTERFACE_NAME_MAX, "._-") && strcmp(name, "lo") != 0 && strcmp(name, "all") != 0 &&
	       strcmp(name, "default") != 0;
}

bool tunnel_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n <= TUNNEL_NAME_MAX && name[n] == 0;
}
