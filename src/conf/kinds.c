/* kinds.c - values of one word: numbers and words, spans, sizes, sets of weak algorithms, names of files and users. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* --- words that stand for numbers --- */
static const char *word_at(const void *list, unsigned i) { return ((const struct word *)list)[i].text; }

static const struct word *word_of(const struct key *k, const char *text)
{
	for (const struct word *w = k->words; w != NULL && w->text != NULL; w++)
		if (strcmp(w->text, text) == 0)
			return w;
	return NULL;
}

static const struct word *word_for(const struct key *k, int64_t v)
{
	for (const struct word *w = k->words; w != NULL && w->text != NULL; w++)
		if (w->value == v)
			return w;
	return NULL;
}

/* "one of a, b, c", "a number from 1 to 9, or one of a, b" */
static void choices(const struct key *k, const char *range, struct text *o)
{
	text_add(o, "%s", range);
	if (k->words == NULL)
		return;
	text_add(o, "%s", range[0] == 0 ? "one of " : ", or ");
	for (const struct word *w = k->words; w->text != NULL; w++)
		if (k->refused == NULL || strcmp(k->refused, w->text) != 0) /* it is never the first */
			text_add(o, "%s%s", w > k->words ? ", " : "", w->text);
}

static bool refuse_choice(const struct context *c, const struct key *k, const char *text, const char *range)
{
	char q[QUOTED_TEXT], wanted[256];
	struct text o = text_of(wanted, sizeof wanted);
	choices(k, range, &o);
	const char *near = k->words != NULL ? near_word(text, word_at, k->words) : NULL;
	if (near != NULL)
		return refuse(c, FINDING_VALUE, "%s is not valid: did you mean '%s'? (%s)", quoted(q, text), near, wanted);
	return refuse(c, FINDING_VALUE, "%s is not valid: it takes %s", quoted(q, text), wanted);
}

/* --- numbers of any width; a row whose limit fits is signed --- */
static int64_t number_get(const struct key *k, const void *base)
{
	uint8_t small;
	uint32_t wide;
	int64_t huge;
	if (k->size == 1) {
		memcpy(&small, field_in(k, base), sizeof small);
		return small;
	}
	if (k->size == 8) {
		memcpy(&huge, field_in(k, base), sizeof huge);
		return huge;
	}
	memcpy(&wide, field_in(k, base), sizeof wide);
	return k->max <= INT32_MAX ? (int64_t)(int32_t)wide : (int64_t)wide;
}

static void number_set(const struct key *k, void *base, int64_t v)
{
	uint8_t small = (uint8_t)v;
	uint32_t wide = (uint32_t)v;
	if (k->size == 1)
		memcpy(field_of(k, base), &small, sizeof small);
	else if (k->size == 8)
		memcpy(field_of(k, base), &v, sizeof v);
	else
		memcpy(field_of(k, base), &wide, sizeof wide);
}

/* Spans that are kept in seconds have fields of four bytes. */
static int64_t scale(const struct key *k) { return k->kind == &kind_span && k->size == 4 ? 1000 : 1; }

/* Is v (in the units of the row's limits) what a configuration could say? 0 without a word for it is "not set". */
static bool number_allowed(const struct key *k, int64_t v)
{
	if (word_for(k, v) != NULL || (k->max > 0 && v >= k->min && v <= k->max))
		return true;
	return v == 0 && k->initial == NULL;
}

static void number_pack(const struct key *k, const void *base, struct buf *b)
{
	put_u64(b, (uint64_t)(number_get(k, base) * scale(k)));
}

static bool number_unpack(const struct key *k, void *base, struct cursor *c)
{
	int64_t v = (int64_t)get_u64(c);
	if (c->bad || !number_allowed(k, v) || v % scale(k) != 0)
		return false;
	number_set(k, base, v / scale(k));
	return true;
}

static bool number_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	char range[80] = "";
	int64_t v;
	const struct word *w = word_of(k, text);
	struct text o = text_of(range, sizeof range);
	if (w != NULL) {
		number_set(k, base, w->value);
		return true;
	}
	if (k->max > 0)
		text_add(&o, "a number from %lld to %lld", (long long)k->min, (long long)k->max);
	if (k->max == 0 || !number_parse(text, &v) || v < k->min || v > k->max)
		return refuse_choice(c, k, text, range);
	number_set(k, base, v);
	return true;
}

static void number_print(const struct key *k, const void *base, struct text *o)
{
	int64_t v = number_get(k, base);
	const struct word *w = word_for(k, v);
	if (v == 0 && k->initial == NULL)
		return; /* not set */
	if (w != NULL)
		text_add(o, "%s", w->text);
	else if (v != 0 || (k->min <= 0 && k->max > 0))
		text_add(o, "%lld", (long long)v);
}

const struct kind kind_number = { "a number", false, number_read, number_print, number_pack, number_unpack, NULL };

/* --- spans and sizes --- */
static void quantity_print(const struct key *k, const void *base, struct text *o, const struct unit *units)
{
	int64_t v = number_get(k, base) * scale(k);
	const struct word *w = word_for(k, v);
	if (w != NULL)
		text_add(o, "%s", w->text);
	else if (v != 0)
		unit_print(o, v, units);
}

static bool quantity_read(
	const struct context *c, const struct key *k, void *base, const char *text, const struct unit *units, const char *what)
{
	int64_t v = 0;
	bool good = unit_parse(text, units, &v);
	char range[80];
	struct text o = text_of(range, sizeof range);
	const struct word *w = word_of(k, text);
	if (w == NULL && (strcmp(text, "0") == 0 || (good && v == 0)))
		w = word_for(k, 0);
	if (w != NULL) {
		number_set(k, base, w->value);
		return true;
	}
	text_add(&o, "%s from ", what);
	unit_print(&o, k->min, units);
	text_add(&o, " to ");
	unit_print(&o, k->max, units);
	if (!good || v < k->min || v > k->max || v % scale(k) != 0)
		return refuse_choice(c, k, text, range);
	number_set(k, base, v / scale(k));
	return true;
}

static bool span_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	char q[QUOTED_TEXT];
	if (strspn(text, "0123456789") == strlen(text) && strcmp(text, "0") != 0)
		return refuse(c, FINDING_VALUE, "%s lacks a unit: ms, s, m, h or d, as in '%.20ss'", quoted(q, text), text);
	return quantity_read(c, k, base, text, span_units, "a duration");
}

static void span_print(const struct key *k, const void *base, struct text *o) { quantity_print(k, base, o, span_units); }

const struct kind kind_span = { "a duration such as 30s or 8h", false, span_read, span_print, number_pack, number_unpack, NULL };

static bool size_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	return quantity_read(c, k, base, text, size_units, "a size (K, M, G are 1024s)");
}

static void size_print(const struct key *k, const void *base, struct text *o) { quantity_print(k, base, o, size_units); }

const struct kind kind_size = { "a size such as 100G", false, size_read, size_print, number_pack, number_unpack, NULL };

/* --- allow-weak: a set of the registry's weak words, and psk for weak keys --- */
static const struct word more_weak[] = { { "sha1-auth", WEAK_SHA1_AUTH }, { "psk", WEAK_PSK },
	{ NULL, 0 } }; /* no algorithms of an SA */

static const char *weak_at(const void *list, unsigned i)
{
	unsigned n = 0;
	(void)list;
	while (n < i && alg_weak_word(n) != NULL)
		n++;
	return alg_weak_word(n) != NULL ? alg_weak_word(n) : i - n < ARRAY_SIZE(more_weak) ? more_weak[i - n].text : NULL;
}

static uint32_t weak_bit(const char *word)
{
	for (const struct word *w = more_weak; w->text != NULL; w++)
		if (strcmp(w->text, word) == 0)
			return (uint32_t)w->value;
	return alg_weak_bit(word);
}

static bool weak_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	char q[QUOTED_TEXT], words[256];
	struct text o = text_of(words, sizeof words);
	uint32_t bit = weak_bit(text), set;
	if (bit == 0) {
		const char *near = near_word(text, weak_at, NULL), *w;
		for (unsigned i = 0; (w = weak_at(NULL, i)) != NULL; i++)
			text_add(&o, "%s%s", i > 0 ? ", " : "", w);
		if (near != NULL)
			return refuse(c, FINDING_VALUE, "%s is nothing weak that can be allowed: did you mean '%s'? (%s)",
				quoted(q, text), near, words);
		return refuse(c, FINDING_VALUE, "%s is nothing weak that can be allowed: it takes %s", quoted(q, text), words);
	}
	memcpy(&set, field_of(k, base), sizeof set);
	set |= bit;
	memcpy(field_of(k, base), &set, sizeof set);
	return true;
}

static void weak_print(const struct key *k, const void *base, struct text *o)
{
	uint32_t set;
	const char *w, *gap = "";
	memcpy(&set, field_in(k, base), sizeof set);
	bool several = (set & (set - 1)) != 0;
	text_add(o, "%s", several ? "[" : "");
	for (unsigned i = 0; (w = weak_at(NULL, i)) != NULL; i++) {
		if ((set & weak_bit(w)) == 0)
			continue;
		text_add(o, "%s%s", gap, w);
		gap = ", ";
	}
	text_add(o, "%s", several ? "]" : "");
}

static void weak_pack(const struct key *k, const void *base, struct buf *b)
{
	uint32_t set;
	memcpy(&set, field_in(k, base), sizeof set);
	put_u32(b, set);
}

static bool weak_unpack(const struct key *k, void *base, struct cursor *c)
{
	uint32_t set = get_u32(c), known = 0;
	const char *w;
	for (unsigned i = 0; (w = weak_at(NULL, i)) != NULL; i++)
		known |= weak_bit(w);
	memcpy(field_of(k, base), &set, sizeof set);
	return (set & ~known) == 0;
}

const struct kind kind_weak = { "words of weak algorithms, or psk", true, weak_read, weak_print, weak_pack, weak_unpack, NULL };

/* --- strings: one check each --- */
#define STRING_MAX 300

static char *string_get(const struct key *k, const void *base)
{
	char *s;
	memcpy(&s, field_in(k, base), sizeof s);
	return s;
}

static void string_set(const struct key *k, void *base, char *s)
{
	free(string_get(k, base));
	memcpy(field_of(k, base), &s, sizeof s);
}

/* A persistent object of a TPM 2.0 (TPM 2.0 Library part 2, 7.4): 0x81 and six digits. */
static bool handle_valid(const char *text)
{
	static const char begin[] = "handle:0x81";
	if (strncmp(text, begin, sizeof begin - 1) != 0)
		return false;
	const char *rest = text + sizeof begin - 1;
	size_t digits = strspn(rest, "0123456789abcdefABCDEF");
	return digits == 6 && (rest[digits] == 0 || rest[digits] == '?');
}

/* RFC 7512: printable, no blank; and no PIN, which would be a secret in a file that is none. */
static bool uri_valid(const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n < STRING_MAX && strchr(text, ':')[1] != 0 && strstr(text, "pin-value=") == NULL &&
	       (strncmp(text, "handle:", 7) != 0 || handle_valid(text));
}

bool key_file_valid(const char *text) { return plain_name_valid(text, 255, "._@+-"); }
static bool private_key_valid(const char *text) { return pkey_is_uri(text) ? uri_valid(text) : key_file_valid(text); }

static bool user_valid(const char *text) { return plain_name_valid(text, 32, "_-"); }

static bool string_read(const struct context *c, const struct key *k, void *base, const char *text, bool good)
{
	char q[QUOTED_TEXT];
	if (!good)
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), k->kind->form);
	string_set(k, base, xstrdup(text));
	return true;
}

static bool key_file_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	if (!key_file_valid(text))
		return refuse(c, FINDING_VALUE, "takes %s " NOT_SHOWN, k->kind->form);
	return string_read(c, k, base, text, true);
}

static bool private_key_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	if (strncmp(text, "pkcs11:", 7) == 0 && strstr(text, "pin-value=") != NULL)
		return refuse(c, FINDING_VALUE,
			"a PIN may not stand in a URI " NOT_SHOWN ": write it into a file and pin-source=file:PATH into the URI");
	if (!private_key_valid(text))
		return refuse(c, FINDING_VALUE, "takes %s " NOT_SHOWN, k->kind->form);
	return string_read(c, k, base, text, true);
}

static bool user_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	return string_read(c, k, base, text, user_valid(text));
}

static void string_print(const struct key *k, const void *base, struct text *o)
{
	const char *s = string_get(k, base);
	text_add(o, "%s", s != NULL ? s : "");
}

/* The length plus one, so that "not set" is 0. */
static void string_pack(const struct key *k, const void *base, struct buf *b)
{
	const char *s = string_get(k, base);
	size_t n = s != NULL ? strlen(s) : 0;
	put_u16(b, s != NULL ? (uint16_t)(n + 1) : 0);
	put_bytes(b, s, n);
}

static bool string_unpack(const struct key *k, void *base, struct cursor *c)
{
	char text[STRING_MAX + 1] = "";
	size_t n = get_u16(c);
	if (c->bad || n == 0 || n > STRING_MAX)
		return n == 0;
	get_copy(c, text, n - 1);
	bool good = k->kind == &kind_key_file      ? key_file_valid(text)
		    : k->kind == &kind_private_key ? private_key_valid(text)
						   : user_valid(text);
	if (c->bad || strlen(text) != n - 1 || !good)
		return false;
	string_set(k, base, xstrdup(text));
	return true;
}

static void string_clear(const struct key *k, void *base) { string_set(k, base, NULL); }

const struct kind kind_key_file = { "the name of a file in keys/ (letters, digits and . _ @ + -, no slash)", false, key_file_read,
	string_print, string_pack, string_unpack, string_clear };
const struct kind kind_private_key = { "the name of a file in keys/, or a URI: pkcs11:... or handle:0x81......", false,
	private_key_read, string_print, string_pack, string_unpack, string_clear };
const struct kind kind_user = { "a name of letters, digits, _ and -", false, user_read, string_print, string_pack, string_unpack,
	string_clear };
/* --- a key that is no more: its help says what has come instead; what asks for nothing is let in --- */
static bool gone_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	bool wanted = strcmp(text, "none") != 0;
	(void)base;
	finding_advice(finding_add(c->findings, c->place, wanted ? FINDING_KEY_GONE : FINDING_KEY_GONE_UNUSED,
			       "%s: take this key out", k->help),
		"take the key out; `systemctl enable --now s2sd-metrics` serves them at LISTEN of /etc/default/s2sd-metrics");
	return !wanted;
}

static void gone_print(const struct key *k, const void *base, struct text *o)
{
	(void)k;
	(void)base;
	(void)o;
}

const struct kind kind_gone = { "nothing any more", false, gone_read, gone_print, NULL, NULL, NULL };
