/* schema_help.c - see schema_help.h. */
#include "schema_help.h"

#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct judge {
	char *why;
	size_t size;
	char path[512];
};

static bool fault(struct judge *j, const char *what, const char *more)
{
	snprintf(j->why, j->size, "%s: %s%s", j->path[0] != 0 ? j->path : "(top)", what, more != NULL ? more : "");
	return false;
}

static const char *type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "object";
	case JSON_ARRAY: return "array";
	case JSON_STRING: return "string";
	case JSON_INTEGER: return "integer";
	case JSON_REAL: return "number";
	case JSON_TRUE:
	case JSON_FALSE: return "boolean";
	case JSON_NULL: return "null";
	}
	return "?";
}

static bool one_of(const json_t *list, const json_t *v)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (json_equal(json_array_get(list, i), v))
			return true;
	}
	return false;
}

static bool type_fits(const json_t *wanted, const json_t *v)
{
	const char *is = type_word(v);
	if (json_is_string(wanted))
		return strcmp(json_string_value(wanted), is) == 0;
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		if (strcmp(json_string_value(json_array_get(wanted, i)), is) == 0)
			return true;
	}
	return false;
}

static bool pattern_fits(const char *pattern, const char *text)
{
	regex_t r;
	ck_assert_msg(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB) == 0, "pattern %s", pattern);
	bool fits = regexec(&r, text, 0, NULL, 0) == 0;
	regfree(&r);
	return fits;
}

static bool fits(struct judge *j, const json_t *schema, const json_t *v);

static bool step(struct judge *j, const json_t *schema, const json_t *v, const char *fmt, const char *key, size_t i)
{
	size_t n = strlen(j->path);
	if (key != NULL)
		snprintf(j->path + n, sizeof j->path - n, fmt, key);
	else
		snprintf(j->path + n, sizeof j->path - n, fmt, i);
	bool good = fits(j, schema, v);
	if (good)
		j->path[n] = 0;
	return good;
}

static bool object_fits(struct judge *j, const json_t *schema, const json_t *v)
{
	const json_t *known = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *member;
	for (size_t i = 0; i < json_array_size(required); i++) {
		const char *name = json_string_value(json_array_get(required, i));
		if (json_object_get(v, name) == NULL)
			return fault(j, "there is no ", name);
	}
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		const json_t *s = json_object_get(known, key);
		if (s == NULL && !json_is_object(others))
			return fault(j, "the schema does not describe ", key);
		if (!step(j, s != NULL ? s : others, member, ".%s", key, 0))
			return false;
	}
	return true;
}

static bool fits(struct judge *j, const json_t *schema, const json_t *v)
{
	static const char *const known[] = { "$schema", "title", "description", "type", "const", "enum", "pattern", "minimum",
		"required", "properties", "additionalProperties", "items" };
	const char *keyword;
	json_t *rule;
	ck_assert(json_is_object(schema));
	json_object_foreach ((json_t *)(uintptr_t)schema, keyword, rule) {
		size_t i = 0;
		while (i < sizeof known / sizeof known[0] && strcmp(keyword, known[i]) != 0)
			i++;
		ck_assert_msg(i < sizeof known / sizeof known[0], "the schema says %s, which nobody here understands", keyword);
		if (strcmp(keyword, "type") == 0 && !type_fits(rule, v))
			return fault(j, "is a ", type_word(v));
		if (strcmp(keyword, "const") == 0 && !json_equal(rule, v))
			return fault(j, "is another value", NULL);
		if (strcmp(keyword, "enum") == 0 && !one_of(rule, v))
			return fault(j, "is none of the words: ", json_is_string(v) ? json_string_value(v) : type_word(v));
		if (strcmp(keyword, "pattern") == 0 && json_is_string(v) &&
			!pattern_fits(json_string_value(rule), json_string_value(v)))
			return fault(j, "has not the form: ", json_string_value(v));
		if (strcmp(keyword, "minimum") == 0 && json_is_number(v) && json_number_value(v) < json_number_value(rule))
			return fault(j, "is too small", NULL);
	}
	if (json_is_object(v))
		return object_fits(j, schema, v);
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (json_object_get(schema, "items") == NULL)
			return fault(j, "the schema does not describe its members", NULL);
		if (!step(j, json_object_get(schema, "items"), json_array_get(v, i), "[%zu]", NULL, i))
			return false;
	}
	return true;
}

bool schema_fits(const json_t *schema, const json_t *value, char *why, size_t size)
{
	struct judge j = { .why = why, .size = size };
	return fits(&j, schema, value);
}

json_t *schema_load(const char *name)
{
	char path[256];
	json_error_t why;
	snprintf(path, sizeof path, "contrib/schema/%s.json", name);
	json_t *schema = json_load_file(path, 0, &why);
	ck_assert_msg(schema != NULL, "%s: %s", path, why.text);
	return schema;
}

void schema_check(const char *name, const json_t *value)
{
	char why[1024];
	json_t *schema = schema_load(name);
	bool good = schema_fits(schema, value, why, sizeof why);
	char *text = good ? NULL : json_dumps(value, JSON_INDENT(1) | JSON_ENCODE_ANY);
	ck_assert_msg(good, "contrib/schema/%s.json: %s in\n%s", name, why, text);
	json_decref(schema);
}

void schema_check_text(const char *name, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	unsigned n = 0;
	while ((line = strsep(&rest, "\n")) != NULL) {
		json_error_t why;
		if (line[0] == 0)
			continue;
		json_t *v = json_loads(line, JSON_REJECT_DUPLICATES, &why);
		ck_assert_msg(v != NULL, "%s: %s in %s", name, why.text, line);
		schema_check(name, v);
		json_decref(v);
		n++;
	}
	ck_assert_msg(n > 0, "%s: nothing was printed", name);
	free(copy);
}
