/* decode.c - input files as people have them: saved by a browser, by a shell or by PowerShell, whole or cut off, and not always what they
 * are taken for. Everything is bounded before a parser sees it. */
#include <ctype.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "set.h"

#define JSON_DEPTH 64
#define LINE_MAX_BYTES 1024

/* --- UTF-16, as Windows PowerShell writes it after `>` --- */
static unsigned unit_at(const uint8_t *s, bool big) { return big ? s[0] << 8 | s[1] : s[1] << 8 | s[0]; }

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* Characters beyond the first plane become '?': no value that matters here has them. */
static const char *from_utf16(struct import_set *p, const uint8_t *s, size_t n, bool big, size_t *len)
{
	char *out = import_alloc(p, n / 2 * 3 + 1);
	size_t used = 0;
	for (size_t i = 0; out != NULL && i + 1 < n; i += 2) {
		unsigned c = unit_at(s + i, big);
		bool half = c >= 0xd800 && c <= 0xdfff;
		if (half && c >= 0xdc00)
			continue;
		used += put_utf8(out + used, half ? '?' : c);
	}
	*len = used;
	return out;
}

size_t doc_trim(const char **s, size_t n)
{
	while (n > 0 && isspace((unsigned char)(*s)[n - 1]))
		n--;
	while (n > 0 && isspace((unsigned char)**s))
		++*s, n--;
	return n;
}

/* Less what terminals and browsers add: colours of `az -o jsonc`, and no-break spaces, which become blanks. */
static const char *without_colours(struct import_set *p, const char *s, size_t n, size_t *len)
{
	if (memchr(s, 0x1b, n) == NULL && memmem(s, n, "\xc2\xa0", 2) == NULL)
		return s;
	char *out = import_alloc(p, n + 1);
	size_t used = 0, i = 0;
	while (out != NULL && i < n) {
		size_t k = i + 2;
		if (i + 1 < n && s[i] == 0x1b && s[i + 1] == '[') {
			while (k < n && (isdigit((unsigned char)s[k]) || s[k] == ';'))
				k++;
			i = k < n ? k + 1 : n;
		} else if (i + 1 < n && memcmp(s + i, "\xc2\xa0", 2) == 0) {
			out[used++] = ' ';
			i += 2;
		} else {
			out[used++] = s[i++];
		}
	}
	*len = used;
	return out;
}

const struct import_doc *doc_decode(struct import_set *p, const struct import_doc *d)
{
	const uint8_t *s = (const uint8_t *)d->text;
	struct import_doc *out = import_alloc(p, sizeof *out);
	if (out == NULL)
		return NULL;
	*out = (struct import_doc){ .name = d->name, .text = d->text, .len = d->len };
	if (d->len >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)))
		out->text = from_utf16(p, s + 2, d->len - 2, s[0] == 0xfe, &out->len);
	else if (d->len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		out->text = d->text + 3, out->len = d->len - 3;
	if (out->text != NULL)
		out->text = without_colours(p, out->text, out->len, &out->len);
	if (out->text == NULL)
		return NULL;
	out->len = doc_trim(&out->text, out->len);
	if (out->len == 0)
		import_refuse(p, "%s is empty", d->name);
	else if (memchr(out->text, 0, out->len) != NULL)
		import_refuse(p, "%s is no text file: give the JSON or the text that the cloud hands out", d->name);
	return p->refusal == NULL ? out : NULL;
}

/* --- JSON --- */
void doc_wiping_free(void *block)
{
	if (block != NULL)
		wipe(block, malloc_usable_size(block));
	free(block);
}

void doc_json_memory(void) { json_set_alloc_funcs(malloc, doc_wiping_free); }

/* The deepest nesting of brackets outside of strings, looked at before the parser recurses; open: something is not closed at the end. */
static unsigned depth_of(const char *s, size_t n, bool *open)
{
	unsigned depth = 0, deepest = 0;
	bool string = false;
	for (size_t i = 0; i < n; i++) {
		if (string && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			string = !string;
		else if (!string && (s[i] == '{' || s[i] == '['))
			depth++;
		else if (!string && depth > 0 && (s[i] == '}' || s[i] == ']'))
			depth--;
		deepest = depth > deepest ? depth : deepest;
	}
	*open = string || depth > 0;
	return deepest;
}

json_t *doc_json(struct import_set *p, const struct import_doc *d)
{
	json_error_t e;
	bool open;
	if (depth_of(d->text, d->len, &open) > JSON_DEPTH) {
		import_refuse(p, "%s is nested more than %d deep: no file of a cloud is", d->name, JSON_DEPTH);
		return NULL;
	}
	json_t *j = json_loadb(d->text, d->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
	if (j != NULL)
		return j;
	if (open && d->len <= (size_t)e.position + 2) {
		import_refuse(p, "%s is cut off: its JSON ends at line %u in the middle. Download it again", d->name,
			d->line + (unsigned)e.line);
		return NULL;
	}
	if (!doc_named(p, d, NULL))
		return NULL;
	/* The parser's own words would repeat what stands in the file, which may be a key. */
	if (json_error_code(&e) == json_error_duplicate_key)
		import_refuse(p, "%s:%u: a member is written twice", d->name, d->line + (unsigned)e.line);
	else
		import_refuse(p, "%s:%u: is not valid JSON at column %d: give what the cloud printed, unchanged", d->name,
			d->line + (unsigned)e.line, e.column);
	return NULL;
}

bool doc_same(const char *name, const char *key)
{
	while (*name != 0 || *key != 0) {
		if (*name == '_' || *key == '_') {
			name += *name == '_';
			key += *key == '_';
		} else if (tolower((unsigned char)*name++) != tolower((unsigned char)*key++)) {
			return false;
		}
	}
	return true;
}

json_t *doc_member(const json_t *object, const char *key)
{
	json_t *exact = json_object_get(object, key), *v;
	const char *k;
	if (exact != NULL)
		return json_is_null(exact) ? NULL : exact;
	json_object_foreach ((json_t *)object, k, v)
		if (doc_same(k, key))
			return json_is_null(v) ? NULL : v;
	return NULL;
}

static const char *scalar_words(struct import_set *p, const json_t *v)
{
	if (json_is_string(v))
		return json_string_length(v) > 0 ? import_copy(p, json_string_value(v), json_string_length(v)) : NULL;
	if (json_is_integer(v))
		return import_text(p, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (json_is_real(v))
		return import_text(p, "%.0f", json_real_value(v));
	return json_is_true(v) ? "true" : json_is_false(v) ? "false" : NULL;
}

/* Lists of scalars, and of {"Value": scalar}, become one text with blanks between. */
static const char *list_words(struct import_set *p, const json_t *list)
{
	const char *words = NULL;
	json_t *item;
	size_t i;
	json_array_foreach (list, i, item) {
		const char *w = scalar_words(p, json_is_object(item) ? doc_member(item, "Value") : item);
		if (w == NULL || i >= 64)
			continue;
		words = words == NULL ? w : import_text(p, "%s %s", words, w);
	}
	return words;
}

const char *doc_words(struct import_set *p, const json_t *object, const char *key)
{
	const json_t *v = doc_member(object, key);
	if (json_is_object(v)) /* a constant of AWS's tools for PowerShell: {"Value": "available"} */
		v = doc_member(v, "Value");
	return json_is_array(v) ? list_words(p, v) : scalar_words(p, v);
}

const struct import_doc *doc_key(struct import_set *p, const struct import_doc *d)
{
	const struct import_doc *text = doc_decode(p, d);
	struct import_doc *key = import_alloc(p, sizeof *key);
	if (text == NULL || key == NULL || strchr("{[\"", text->text[0]) == NULL)
		return text;
	json_error_t e;
	json_t *j = json_loadb(text->text, text->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
	const char *words = json_is_object(j) ? doc_words(p, j, "value") : json_is_string(j) ? scalar_words(p, j) : NULL;
	bool json = j != NULL;
	json_decref(j);
	if (!json)
		return text; /* a key may begin so */
	if (words == NULL) {
		import_refuse(p,
			"--psk-file %s is JSON, and which of it is the key is not known: write the key alone, or lines of 'OUTSIDE-ADDRESS KEY'",
			d->name);
		return NULL;
	}
	*key = (struct import_doc){ .name = text->name, .text = words, .len = strlen(words) };
	return key;
}

bool doc_yes(const json_t *object, const char *key)
{
	const json_t *v = doc_member(object, key);
	return json_is_true(v) || (json_is_string(v) && strcasecmp(json_string_value(v), "true") == 0);
}

/* --- lines: blanks doubled, tabs, CR at the end, what a text looks like after a browser and an editor had it --- */
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
