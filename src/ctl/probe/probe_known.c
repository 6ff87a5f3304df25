/*
 * probe_recognise.c - what the accepted set says: known policies by table, the vendor by its IDs.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "probe.h"
#include "wire/vendor.h"

const char *probe_vendor(const struct probe *p)
{
	for (unsigned i = 0; i < p->whole.n_vendors; i++) {
		const char *name = vendor_name(bytes_of(p->whole.vendors[i].id, p->whole.vendors[i].n));
		if (name != NULL)
			return name;
	}
	return NULL;
}

/* An integrity and a PRF of the same hash are one word; AEAD has a PRF only. */
const char *probe_pair(const struct probe_combination *c, char text[PROBE_TEXT])
{
	const struct alg *encr = probe_rows()->encr[c->encr], *integ = probe_rows()->integ[c->integ];
	const struct alg *prf = probe_rows()->prf[c->prf];
	if (encr->aead || c->integ == c->prf)
		snprintf(text, PROBE_TEXT, "%s-%s", encr->word, encr->aead ? prf->word : integ->word);
	else
		snprintf(text, PROBE_TEXT, "%s-%s-%s", encr->word, integ->word, prf->word);
	return text;
}

/* ---------------------------------------------------------------- known policies */
/* must: pairs that are accepted; may: pairs that need not be. Nothing else is. groups alike. Those of providers are in their rows. */
static const struct known {
	struct probe_policy policy;
	const char *must, *may, *groups, *may_groups;
} known[] = {
	{ { "strongswan-default", "these are strongSwan's default proposals",
		  "any of 'ike-proposals' of AES, SHA-2 and group 14 or stronger fits" },
		"aes256-sha256 aes192-sha256 aes128-sha256 aes256gcm16-prfsha256",
		"aes256-sha384 aes256-sha512 aes256-sha1 aes192-sha384 aes192-sha512 aes192-sha1 aes128-sha384 "
		"aes128-sha512 aes128-sha1 aes256gcm16-prfsha384 "
		"aes256gcm16-prfsha512 aes256gcm16-prfsha1 aes128gcm16-prfsha256 aes128gcm16-prfsha384 "
		"aes128gcm16-prfsha512 aes128gcm16-prfsha1 aes192gcm16-prfsha256 aes192gcm16-prfsha384 "
		"aes192gcm16-prfsha512 aes192gcm16-prfsha1 "
		"chacha20poly1305-prfsha256 chacha20poly1305-prfsha384 chacha20poly1305-prfsha512 chacha20poly1305-prfsha1",
		"ecp256 x25519 modp3072", "modp2048 ecp384 ecp521 modp4096 modp6144 modp8192 x448" },
};

static const struct probe_policy others[] = {
	{ "none", "it answers, and accepts nothing that we know of, or nothing from this address",
		"many peers refuse every proposal of an address that is not configured there: probe from the address that "
		"the tunnel uses" },
	{ "one", "it accepts one combination and no other, as Azure does with a custom IPsec/IKE policy",
		"write exactly this into 'ike-proposals'" },
	{ "custom", "this is not one of the policies we know", "write one of these into 'ike-proposals'" },
	{ "silent", "it does not answer IKE_SA_INIT",
		"AWS and Azure answer only addresses that are configured there: probe from the address that the tunnel "
		"uses; let UDP 500 pass, both ways" },
};

static const struct probe_policy *other(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i].code, code) == 0)
			return &others[i];
	return NULL;
}

static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
		if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
			return true;
	return false;
}

static unsigned words(const char *list)
{
	unsigned n = 0;
	for (; *list != 0; list += strcspn(list, " "), list += strspn(list, " "))
		n++;
	return n;
}

/* All of must, and nothing that is in neither. */
static bool pairs_fit(const struct probe *p, const struct known *k)
{
	char text[PROBE_TEXT];
	struct probe_combination c = { 0 };
	unsigned of_must = 0;
	while (probe_accepted(p, &c)) {
		bool must = listed(k->must, probe_pair(&c, text));
		of_must += must;
		if (!must && !listed(k->may, text))
			return false;
	}
	return of_must == words(k->must);
}

static bool groups_fit(const struct probe *p, const struct known *k)
{
	unsigned of_must = 0;
	for (unsigned g = 0; g < probe_rows()->nobody; g++) {
		if ((p->groups & 1u << g) == 0)
			continue;
		bool must = listed(k->groups, probe_rows()->group[g]->word);
		of_must += must;
		if (!must && !listed(k->may_groups, probe_rows()->group[g]->word))
			return false;
	}
	return of_must == words(k->groups);
}

static bool fits(const struct probe *p, const struct known *k) { return pairs_fit(p, k) && groups_fit(p, k); }

const struct probe_policy *probe_recognise(const struct probe *p)
{
	for (unsigned i = 0; i < CLOUD_COUNT; i++) {
		const struct probe_policy *policy = &provider_of((enum cloud)i)->probe;
		struct cloud_pairs of;
		cloud_default_pairs((enum cloud)i, &of);
		struct known k = { .must = of.pairs, .may = of.rare, .groups = of.groups, .may_groups = "" };
		if (policy->code != NULL && fits(p, &k))
			return policy;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (fits(p, &known[i]))
			return &known[i].policy;
	if (!p->answers)
		return other("silent");
	unsigned n = probe_count(p);
	return other(n == 0 ? "none" : n == 1 ? "one" : "custom");
}
