/* azure_object.c - members of an object. ARM nests them under "properties", az prints them flat, PowerShell writes them with capitals:
 * all are found. */
#include <string.h>
#include <strings.h>

#include "azure.h"

const json_t *azure_member(const struct azure_object *o, const char *key)
{
	const json_t *v = doc_member(o->properties, key);
	return v != NULL ? v : doc_member(o->top, key);
}

const char *azure_words(struct azure *a, const struct azure_object *o, const char *key)
{
	const char *words = doc_words(a->p, o->properties, key);
	return words != NULL ? words : doc_words(a->p, o->top, key);
}

const char *azure_part(struct azure *a, const char *id, const char *folder)
{
	size_t n = strlen(folder);
	for (const char *s = id; s != NULL && (s = strchr(s, '/')) != NULL; s++)
		if (strncasecmp(s + 1, folder, n) == 0 && s[1 + n] == '/')
			return import_copy(a->p, s + n + 2, strcspn(s + n + 2, "/"));
	return NULL;
}
