/*
 * cloud.c - the table of providers, see cloud.h. The order inside, from below: aws, azure, none (rows); cloud; algs.
 */
#include "cloud/cloud.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define X(code, word) extern const struct provider provider_##word;
CLOUD_LIST(X)
#undef X

const struct provider *provider_of(enum cloud cloud)
{
	static const struct provider *const providers[CLOUD_COUNT] = {
#define X(code, word) [CLOUD_##code] = &provider_##word,
		CLOUD_LIST(X)
#undef X
	};
	return providers[cloud];
}

bool cloud_is_named(enum cloud cloud) { return cloud != CLOUD_NONE; }

const char *cloud_word(enum cloud cloud)
{
	static const char *const words[CLOUD_COUNT] = {
#define X(code, word) [CLOUD_##code] = #word,
		CLOUD_LIST(X)
#undef X
	};
	return (unsigned)cloud < CLOUD_COUNT ? words[cloud] : words[0];
}

bool cloud_parse(const char *word, enum cloud *cloud)
{
	for (unsigned i = 0; i < CLOUD_COUNT; i++)
		if (strcmp(cloud_word((enum cloud)i), word) == 0) {
			*cloud = (enum cloud)i;
			return true;
		}
	return false;
}

/* --- pre-shared keys --- */
static bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

static bool has(const char *signs, char c) { return signs != NULL && c != 0 && strchr(signs, c) != NULL; }

static bool allowed(const struct cloud_psk *r, char c)
{
	return r->signs != NULL ? is_plain(c) || has(r->signs, c) : c >= ' ' && c <= '~' && !has(r->not, c);
}

bool cloud_psk_documented(enum cloud cloud, const void *key, size_t len)
{
	const struct cloud_psk *r = &provider_of(cloud)->psk;
	const char *c = key;
	if (r->max == 0)
		return true;
	bool fits = len >= r->min && len <= r->max && !has(r->not_first, c[0]);
	for (size_t i = 0; i < len && fits; i++)
		fits = allowed(r, c[i]);
	return fits;
}

/* --- texts --- */
/* The value of the name, from pairs that end with NULL; NULL when it is in none. */
static const char *value_of(const char *name, size_t len, va_list pairs)
{
	const char *word;
	while ((word = va_arg(pairs, const char *)) != NULL) {
		const char *value = va_arg(pairs, const char *);
		if (strlen(word) == len && strncmp(word, name, len) == 0)
			return value;
	}
	return NULL;
}

const char *cloud_fill(char *to, size_t size, const char *text, ...)
{
	size_t n = 0;
	to[0] = 0;
	while (*text != 0 && n + 1 < size) {
		size_t plain = strcspn(text, "{"), name = strcspn(text + plain, "}");
		const char *value = NULL;
		va_list pairs;
		va_start(pairs, text);
		if (text[plain] == '{' && text[plain + name] == '}')
			value = value_of(text + plain + 1, name - 1, pairs);
		va_end(pairs);
		if (value == NULL && text[plain] == '{')
			plain++; /* a brace of its own */
		int put = snprintf(to + n, size - n, "%.*s%s", (int)plain, text, value != NULL ? value : "");
		n += put > 0 ? (size_t)put : 0;
		text += plain + (value != NULL ? name + 1 : 0);
	}
	return to;
}
