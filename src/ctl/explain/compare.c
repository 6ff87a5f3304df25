/* compare.c - proposals held against each other kind by kind, in our words and in the cloud's. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "cloud/cloud.h"
#include "crypto/alg.h"
#include "explain.h"

/* ---------------------------------------------------------------- kinds */
/* Of a word; offers name what we do not know by number: "encr-99", "group-1025". 0 = none. */
static unsigned kind_of(const char *word, size_t n)
{
	static const struct {
		const char *prefix;
		unsigned kind;
	} numbered[] = { { "encr-", TRANSFORM_ENCR }, { "prf-", TRANSFORM_PRF }, { "integ-", TRANSFORM_INTEG },
		{ "group-", TRANSFORM_KE }, { "esn-", TRANSFORM_ESN } };
	const struct alg *a = alg_by_word(word, n);
	if (a != NULL)
		return a->type;
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++)
		if (n > strlen(numbered[i].prefix) && strncmp(word, numbered[i].prefix, strlen(numbered[i].prefix)) == 0)
			return numbered[i].kind;
	return 0;
}

/* The next word of "aes256-sha256-modp2048, encr-99"; NULL at the end. Numbered words keep their hyphen. */
static const char *next_word(const char **at, size_t *n)
{
	const char *word = *at + strspn(*at, "-, ");
	*n = strcspn(word, "-, ");
	if (*n == 0)
		return NULL;
	if (word[*n] == '-' && word[*n + 1] >= '0' && word[*n + 1] <= '9' &&
		strspn(word + *n + 1, "0123456789") == strcspn(word + *n + 1, "-, "))
		*n += 1 + strspn(word + *n + 1, "0123456789");
	*at = word + *n;
	return word;
}

static bool listed(const char *list, const char *word, size_t n)
{
	for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
		if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
			return true;
	return false;
}

static void add(char *list, size_t size, const char *word, size_t n)
{
	char copy[64];
	snprintf(copy, sizeof copy, "%.*s", (int)n, word);
	if (!listed(list, copy, strlen(copy)) && strlen(list) + strlen(copy) + 2 < size)
		text_join(list, size, " ", copy);
}

static void words_of_kind(const char *offer, unsigned kind, char *list, size_t size)
{
	size_t n;
	const char *word;
	list[0] = 0;
	while ((word = next_word(&offer, &n)) != NULL)
		if (kind_of(word, n) == kind)
			add(list, size, word, n);
}

static bool share(const char *a, const char *b)
{
	size_t n;
	const char *word;
	char copy[64];
	while ((word = next_word(&a, &n)) != NULL) {
		snprintf(copy, sizeof copy, "%.*s", (int)n, word);
		if (listed(b, copy, strlen(copy)))
			return true;
	}
	return false;
}

static void name_all(struct item *item, enum cloud cloud, bool esp)
{
	size_t n;
	const char *word, *list = item->ours;
	if (strcmp(list, "no PFS") == 0) {
		const char *none = cloud_name(cloud, esp, list, strlen(list));
		snprintf(item->named, sizeof item->named, "%s", none != NULL ? none : "");
		return;
	}
	while ((word = next_word(&list, &n)) != NULL) {
		const char *name = cloud_name(cloud, esp, word, n);
		if (name != NULL)
			add(item->named, sizeof item->named, name, strlen(name));
	}
}

static struct item *item_new(struct verdict *v, const char *what)
{
	if (v->n_items == ITEMS_MAX)
		return NULL;
	struct item *item = &v->items[v->n_items++];
	*item = (struct item){ .what = what };
	return item;
}

bool compare_proposals(struct verdict *v, enum cloud cloud, bool esp, const char *ours, const char *theirs)
{
	static const struct {
		unsigned kind;
		const char *what, *none; /* none: what it means that no word of the kind is there; NULL = nothing */
	} rows[] = { { TRANSFORM_ENCR, "encryption", NULL }, { TRANSFORM_INTEG, "integrity", NULL },
		{ TRANSFORM_PRF, "PRF", NULL }, { TRANSFORM_KE, "group", "no PFS" } };
	bool all = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char a[ITEM_WORDS], b[ITEM_WORDS];
		const char *none = esp ? rows[i].none : NULL;
		words_of_kind(ours, rows[i].kind, a, sizeof a);
		words_of_kind(theirs, rows[i].kind, b, sizeof b);
		if (a[0] == 0 && b[0] == 0)
			continue;
		struct item *item = item_new(v, rows[i].what);
		if (item == NULL)
			break;
		memcpy(item->ours, a, sizeof a);
		if (a[0] == 0 && none != NULL)
			snprintf(item->ours, sizeof item->ours, "%s", none);
		memcpy(item->theirs, b, sizeof b);
		if (b[0] == 0 && none != NULL && theirs[0] != 0)
			snprintf(item->theirs, sizeof item->theirs, "%s", none);
		item->common = theirs[0] == 0 || (a[0] == 0 && b[0] == 0) || share(a, b);
		/* Integrity and PRF go without saying where the other kind of cipher is used. */
		if ((a[0] == 0 || b[0] == 0) && rows[i].kind != TRANSFORM_KE)
			item->common = true;
		name_all(item, cloud, esp);
		all &= item->common;
	}
	return all;
}

void compare_whole(struct verdict *v, const char *what, const char *ours, const char *theirs)
{
	struct item *item = item_new(v, what);
	if (item == NULL)
		return;
	snprintf(item->ours, sizeof item->ours, "%s", ours);
	snprintf(item->theirs, sizeof item->theirs, "%s", theirs);
	item->common = theirs[0] == 0 || strcmp(item->ours, item->theirs) == 0;
}

bool only_weak_groups(const char *offer, char *groups, size_t size)
{
	size_t n;
	const char *word, *list = groups;
	words_of_kind(offer, TRANSFORM_KE, groups, size);
	while ((word = next_word(&list, &n)) != NULL) {
		const struct alg *a = alg_by_word(word, n);
		if (a == NULL || a->weak == NULL)
			return false;
	}
	return groups[0] != 0;
}
