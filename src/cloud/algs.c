/*
 * algs.c - what the providers call the algorithms, which they take, and what they take when nobody told them otherwise.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cloud/cloud.h"

static const struct cloud_alg *algs_of(enum cloud cloud)
{
	static const struct cloud_alg none = { 0 };
	const struct cloud_alg *algs = provider_of(cloud)->algs;
	return algs != NULL ? algs : &none;
}

static const char *name_in(const struct cloud_alg *a, bool esp) { return esp ? a->esp : a->ike; }

static unsigned type_of(const struct cloud_alg *a)
{
	const struct alg *row;
	for (unsigned i = 0; (row = alg_any(i)) != NULL; i++)
		if (strcmp(row->word, a->word) == 0)
			return row->type;
	return TRANSFORM_KE; /* no PFS */
}

const char *cloud_name(enum cloud cloud, bool esp, const char *word, size_t len)
{
	for (const struct cloud_alg *a = algs_of(cloud); a->word != NULL; a++)
		if (strlen(a->word) == len && strncmp(a->word, word, len) == 0)
			return name_in(a, esp);
	return NULL;
}

bool cloud_takes_word(enum cloud cloud, bool esp, const char *word)
{
	return provider_of(cloud)->algs == NULL || cloud_name(cloud, esp, word, strlen(word)) != NULL;
}

const char *cloud_word_of(enum cloud cloud, bool esp, unsigned type, const char *name)
{
	for (const struct cloud_alg *a = algs_of(cloud); a->word != NULL; a++) {
		const char *there = name_in(a, esp);
		if (there != NULL && strcasecmp(there, name) == 0 && type_of(a) == type)
			return a->word;
	}
	return NULL;
}

/* ---------------------------------------------------------------- defaults */
static bool is_default(const struct cloud_alg *a, bool esp) { return (a->flags & ALG_DEFAULT) != 0 && name_in(a, esp) != NULL; }

static bool is_gcm(const struct cloud_alg *a) { return strstr(a->word, "gcm") != NULL; }

bool cloud_defaults(enum cloud cloud, bool esp, char text[CLOUD_DEFAULTS], const char **name)
{
	const struct provider *p = provider_of(cloud);
	char gcm[CLOUD_DEFAULTS] = "";
	text[0] = 0;
	*name = esp ? p->default_esp : p->default_ike;
	if (*name == NULL)
		return false;
	if (esp && p->default_esp_offer != NULL) {
		snprintf(text, CLOUD_DEFAULTS, "%s", p->default_esp_offer);
		return true;
	}
	for (const struct cloud_alg *a = algs_of(cloud); a->word != NULL; a++)
		if (is_default(a, esp) && type_of(a) != TRANSFORM_PRF)
			text_join(is_gcm(a) ? gcm : text, CLOUD_DEFAULTS, "-", a->word);
	if (gcm[0] != 0)
		text_join(text, CLOUD_DEFAULTS, ", ", gcm);
	return true;
}

void cloud_default_pairs(enum cloud cloud, struct cloud_pairs *out)
{
	char pair[64];
	*out = (struct cloud_pairs){ "", "", "" };
	for (const struct cloud_alg *e = algs_of(cloud); e->word != NULL; e++) {
		unsigned type = type_of(e), hash = is_gcm(e) ? TRANSFORM_PRF : TRANSFORM_INTEG;
		if (!is_default(e, false))
			continue;
		if (type == TRANSFORM_KE)
			text_join(out->groups, CLOUD_DEFAULTS, " ", e->word);
		if (type != TRANSFORM_ENCR)
			continue;
		for (const struct cloud_alg *h = algs_of(cloud); h->word != NULL; h++) {
			if (!is_default(h, false) || type_of(h) != hash)
				continue;
			snprintf(pair, sizeof pair, "%s-%s", e->word, h->word);
			text_join((e->flags & ALG_RARE) != 0 ? out->rare : out->pairs, CLOUD_DEFAULTS, " ", pair);
		}
	}
}

/* ---------------------------------------------------------------- the policy of one combination */
/* The name of the first of this type, else of the one that the profile has. */
static const char *policy_word(enum cloud cloud, const struct proposal *p, bool esp, uint8_t type, const char *usual)
{
	const char *name = NULL;
	for (unsigned i = 0; p != NULL && i < p->n && name == NULL; i++) {
		const struct alg *a = p->t[i].type == type ? alg_find(type, p->t[i].id, p->t[i].keylen) : NULL;
		name = a != NULL ? cloud_name(cloud, esp, a->word, strlen(a->word)) : NULL;
	}
	return name != NULL ? name : cloud_name(cloud, esp, usual, strlen(usual));
}

static bool has_type(const struct proposal *p, uint8_t type)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->t[i].type == type)
			return true;
	return false;
}

const char *cloud_policy(enum cloud cloud, const struct cloud_target *target, const struct proposal *ike,
	const struct proposal *esp, uint64_t seconds, uint64_t kilobytes, char text[POLICY_TEXT])
{
	const struct provider *p = provider_of(cloud);
	char life[24], size[24];
	if (p->policy == NULL)
		return NULL;
	if (target == NULL)
		target = &p->target;
	const char *cipher = policy_word(cloud, esp, true, TRANSFORM_ENCR, "aes256");
	const char *hash = policy_word(cloud, esp, true, TRANSFORM_INTEG, "sha256");
	const char *group = policy_word(cloud, esp, true, TRANSFORM_KE, "modp2048");
	if (esp != NULL && !has_type(esp, TRANSFORM_INTEG))
		hash = cipher; /* AEAD: both words are the same; and in IKE the PRF takes integrity's place */
	if (esp != NULL && !has_type(esp, TRANSFORM_KE))
		group = cloud_name(cloud, true, CLOUD_NO_PFS, strlen(CLOUD_NO_PFS));
	snprintf(life, sizeof life, "%llu", (unsigned long long)(seconds < p->life.least_seconds ? p->life.seconds : seconds));
	snprintf(size, sizeof size, "%llu",
		(unsigned long long)(kilobytes < p->life.least_kilobytes ? p->life.kilobytes : kilobytes));
	return cloud_fill(text, POLICY_TEXT, p->policy, "target", target->words, "size-option", target->size_option,
		"ike-encryption", policy_word(cloud, ike, false, TRANSFORM_ENCR, "aes256"), "ike-integrity",
		policy_word(cloud, ike, false, TRANSFORM_PRF, "prfsha256"), "dh-group",
		policy_word(cloud, ike, false, TRANSFORM_KE, "modp2048"), "ipsec-encryption", cipher, "ipsec-integrity", hash,
		"pfs-group", group, "sa-lifetime", life, "sa-size", size, (char *)NULL);
}
