/*
 * explain_items.c - proposals held against each other kind by kind, and what the clouds call things. Facts of the clouds are
 * tables: tunnel options of AWS Site-to-Site VPN, IPsec/IKE policies and default proposals of Azure VPN Gateway, as their
 * documents print them.
 */
#include <stdio.h>
#include <string.h>

#include "crypto/alg.h"
#include "explain.h"

/* ---------------------------------------------------------------- names */
/* Our word, then theirs; NULL: it cannot be chosen there. */
static const struct {
	const char *word, *aws, *azure_ike, *azure_esp;
} names[] = {
	{ "aes256gcm16", "AES256-GCM-16", "GCMAES256", "GCMAES256" },
	{ "aes192gcm16", NULL, NULL, "GCMAES192" },
	{ "aes128gcm16", "AES128-GCM-16", "GCMAES128", "GCMAES128" },
	{ "aes256", "AES256", "AES256", "AES256" },
	{ "aes192", NULL, "AES192", "AES192" },
	{ "aes128", "AES128", "AES128", "AES128" },
	{ "3des", NULL, "DES3", "DES3" },
	{ "sha512", "SHA2-512", NULL, NULL },
	{ "sha384", "SHA2-384", "SHA384", NULL },
	{ "sha256", "SHA2-256", "SHA256", "SHA256" },
	{ "sha1", "SHA1", "SHA1", "SHA1" },
	{ "md5", NULL, "MD5", "MD5" },
	{ "prfsha512", "SHA2-512", NULL, NULL },
	{ "prfsha384", "SHA2-384", "SHA384", NULL },
	{ "prfsha256", "SHA2-256", "SHA256", NULL },
	{ "prfsha1", "SHA1", "SHA1", NULL },
	{ "modp1024", "2", "DHGroup2", "PFS2" },
	{ "modp1536", "5", NULL, NULL },
	{ "modp2048", "14", "DHGroup14", "PFS2048" },
	{ "modp3072", "15", NULL, NULL },
	{ "modp4096", "16", NULL, NULL },
	{ "modp6144", "17", NULL, NULL },
	{ "modp8192", "18", NULL, NULL },
	{ "ecp256", "19", "ECP256", "ECP256" },
	{ "ecp384", "20", "ECP384", "ECP384" },
	{ "ecp521", "21", NULL, NULL },
	{ "modp1024s160", "22", NULL, NULL },
	{ "modp2048s224", "23", NULL, NULL },
	{ "modp2048s256", "24", "DHGroup24", "PFS24" },
	{ "no PFS", NULL, NULL, "None" },
};

const char *cloud_name(enum cloud cloud, bool esp, const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].word) == len && strncmp(names[i].word, word, len) == 0)
			return cloud == CLOUD_AWS     ? names[i].aws
			       : cloud == CLOUD_AZURE ? (esp ? names[i].azure_esp : names[i].azure_ike)
						      : NULL;
	return NULL;
}

static const struct {
	enum cloud cloud;
	bool esp;
	const char *name, *words;
} published_sets[] = {
	{ CLOUD_AWS, false, "AWS's default tunnel options",
		"aes128-aes256-sha1-sha256-sha384-sha512-modp1024-modp2048-modp3072-modp4096-modp6144-modp8192-ecp256-ecp384-ecp521-modp1024s160-"
		"modp2048s224-modp2048s256, aes128gcm16-aes256gcm16" },
	{ CLOUD_AWS, true, "AWS's default tunnel options",
		"aes128-aes256-sha1-sha256-sha384-sha512-modp1024-modp1536-modp2048-modp3072-modp4096-modp6144-modp8192-ecp256-ecp384-ecp521-"
		"modp1024s160-modp2048s224-modp2048s256, aes128gcm16-aes256gcm16" },
	{ CLOUD_AZURE, false, "Azure's default policy",
		"aes256-sha1-modp1024, aes256-sha256-modp1024, aes128-sha1-modp1024, aes128-sha256-modp1024, 3des-sha1-modp1024, 3des-sha256-modp1024" },
	{ CLOUD_AZURE, true, "Azure's default policy, when Azure begins",
		"aes256gcm16, aes256-sha1, 3des-sha1, aes256-sha256, aes128-sha1, 3des-sha256" },
};

const char *published(enum cloud cloud, bool esp, const char **name)
{
	for (size_t i = 0; i < sizeof published_sets / sizeof *published_sets; i++) {
		if (published_sets[i].cloud != cloud || published_sets[i].esp != esp)
			continue;
		*name = published_sets[i].name;
		return published_sets[i].words;
	}
	return NULL;
}

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
	for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++)
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
	size_t len = strlen(list);
	snprintf(copy, sizeof copy, "%.*s", (int)n, word);
	if (!listed(list, copy, strlen(copy)) && len + strlen(copy) + 2 < size)
		snprintf(list + len, size - len, "%s%s", len > 0 ? " " : "", copy);
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
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
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
