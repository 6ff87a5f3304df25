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

static bool is(const char *word, const char *wanted) { return word != NULL && strcasecmp(word, wanted) == 0; }

bool azure_take_policy(struct azure *a, const struct azure_object *c, struct azure_site *s)
{
	const json_t *list = azure_member(c, "ipsecPolicies"), *w = json_array_get(list, 0);
	const char *from = import_text(a->p, "%s: ipsecPolicies", c->file);
	if (w == NULL)
		return true;
	struct azure_words words = { doc_words(a->p, w, "ikeEncryption"), doc_words(a->p, w, "ikeIntegrity"),
		doc_words(a->p, w, "dhGroup"), doc_words(a->p, w, "ipsecEncryption"), doc_words(a->p, w, "ipsecIntegrity"),
		doc_words(a->p, w, "pfsGroup") };
	s->seconds = doc_words(a->p, w, "saLifeTimeSeconds");
	s->kilobytes = doc_words(a->p, w, "saDataSizeKilobytes");
	s->seconds_from = s->kilobytes_from = from;
	if (is(s->seconds, "0"))
		s->seconds = NULL;
	if (is(s->kilobytes, "0"))
		s->kilobytes = NULL;
	return azure_proposals(a->p, s, &words, from);
}

void azure_take_mode(struct azure *a, const struct azure_object *c, const char *key, struct azure_site *s)
{
	const char *mode = azure_words(a, c, key), *dpd = azure_words(a, c, "dpdTimeoutSeconds");
	s->start = is(mode, "InitiatorOnly") ? "respond" : "initiate";
	s->start_from = import_text(a->p, "%s: %s %s", c->file, key, mode != NULL ? mode : "Default");
	if (dpd != NULL && strcmp(dpd, "0") != 0 && strcmp(dpd, "45") != 0)
		import_note(a->p, NOTE_ASSUMED,
			"%s: Azure gives us up after %s s of silence; ours (dpd-interval, dpd-timeout) is independent of that",
			c->file, dpd);
}
