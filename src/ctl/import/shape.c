/*
 * shape.c - members that have another type than the cloud gives them. What is cut off or not understood must never count as absent: a policy that reads
 * as "not set" makes another tunnel. PowerShell's ConvertTo-Json writes what is deeper than its -Depth (2, unless it is written) as a .NET type's name.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "set.h"

#define SHAPE_PATH 200

struct walk {
	struct import_set *p;
	const char *file;
	const struct doc_shape *rows;
	size_t n;
};

static const char *type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: return "text";
	case JSON_INTEGER:
	case JSON_REAL: return "a number";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	case JSON_NULL: break;
	}
	return "null";
}

static bool is_scalar(const json_t *v) { return json_is_string(v) || json_is_number(v) || json_is_boolean(v); }

static bool is_words(const json_t *v)
{
	const json_t *item;
	size_t i;
	if (!json_is_array(v))
		return is_scalar(v);
	json_array_foreach (v, i, item)
		if (!is_scalar(item) &&
			!(json_is_object(item) && (doc_member(item, "Value") == NULL || is_scalar(doc_member(item, "Value")))))
			return false;
	return true;
}

static bool list_of(const json_t *v, bool (*fits)(const json_t *v))
{
	const json_t *item;
	size_t i;
	if (!json_is_array(v))
		return false;
	json_array_foreach (v, i, item)
		if (!fits(item))
			return false;
	return true;
}

static bool is_text(const json_t *v) { return json_is_string(v); }
static bool is_object(const json_t *v) { return json_is_object(v); }

static bool fits(const json_t *v, enum doc_type type)
{
	switch (type) {
	case DOC_WORD: return is_scalar(json_is_object(v) ? doc_member(v, "Value") : v);
	case DOC_WORDS: return is_words(v);
	case DOC_SWITCH:
		return json_is_boolean(v) ||
		       (json_is_string(v) && (doc_same(json_string_value(v), "true") || doc_same(json_string_value(v), "false")));
	case DOC_OBJECT: return json_is_object(v);
	case DOC_OBJECTS: return list_of(v, is_object);
	case DOC_TEXTS: return list_of(v, is_text);
	}
	return false;
}

static const char *wanted(enum doc_type type)
{
	static const char *const words[] = { [DOC_WORD] = "a word or a number",
		[DOC_WORDS] = "words",
		[DOC_SWITCH] = "true or false",
		[DOC_OBJECT] = "an object",
		[DOC_OBJECTS] = "a list of objects",
		[DOC_TEXTS] = "a list of words" };
	return words[type];
}

/* The name of a type, "@{name=value}", or what .NET says of a list */
static bool cut_by_powershell(const json_t *v)
{
	const char *s = json_string_value(v);
	if (s == NULL)
		return false;
	return strncmp(s, "Microsoft.Azure.", 16) == 0 || strncmp(s, "Amazon.EC2.Model.", 17) == 0 ||
	       strncmp(s, "System.Collections.", 19) == 0 || strncmp(s, "System.Object", 13) == 0 || strncmp(s, "@{", 2) == 0;
}

static bool walk(struct walk *w, const json_t *v, const char *path);

static bool look(struct walk *w, const json_t *v, const char *key, const char *path)
{
	char longer[SHAPE_PATH];
	snprintf(longer, sizeof longer, "%s%s%.60s", path, path[0] != 0 ? "." : "", key);
	for (size_t i = 0; i < w->n && !json_is_null(v); i++)
		if (doc_same(w->rows[i].key, key) && !fits(v, w->rows[i].type) && !cut_by_powershell(v) &&
			!(json_is_array(v) && cut_by_powershell(json_array_get(v, 0))))
			return import_refuse(w->p,
				"%s: '%s' is %s and not %s: what it means is not known, and it is not read as absent", w->file,
				longer, json_is_array(v) || json_is_object(v) ? "of another shape" : type_word(v),
				wanted(w->rows[i].type));
	return walk(w, v, longer);
}

static bool walk(struct walk *w, const json_t *v, const char *path)
{
	const char *key;
	json_t *member;
	size_t i;
	if (cut_by_powershell(v))
		return import_refuse(w->p,
			"%s: PowerShell cut this file off at '%s': write the object again, with ... | ConvertTo-Json -Depth 10 > FILE",
			w->file, path);
	json_array_foreach (v, i, member)
		if (!walk(w, member, path))
			return false;
	json_object_foreach ((json_t *)v, key, member)
		if (!look(w, member, key, path))
			return false;
	return true;
}

bool doc_shape(struct import_set *p, const char *file, const json_t *j, const struct doc_shape *rows, size_t n)
{
	struct walk w = { p, file, rows, n };
	return walk(&w, j, "");
}
