/*
 * probe_known.c - what the accepted set says: known policies by table, the vendor by its IDs.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cloud/algs.h"
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
const char *probe_pair(unsigned encr, unsigned integ, unsigned prf, char text[PROBE_TEXT])
{
	const char *e = probe_encrs[encr].word;
	if (probe_encrs[encr].aead)
		snprintf(text, PROBE_TEXT, "%s-%s", e, probe_hashes[prf].prf_word);
	else if (integ == prf)
		snprintf(text, PROBE_TEXT, "%s-%s", e, probe_hashes[integ].word);
	else
		snprintf(text, PROBE_TEXT, "%s-%s-%s", e, probe_hashes[integ].word, probe_hashes[prf].prf_word);
	return text;
}

/* ---------------------------------------------------------------- known policies */
/* must: pairs that are accepted; may: pairs that need not be. Nothing else is. groups alike. A cloud's are in its own table. */
static const struct known {
	struct probe_policy policy;
	enum cloud cloud;
	const char *must, *may, *groups, *may_groups;
} known[] = {
	{ { "azure-default", "this is Azure's default policy: Diffie-Hellman group 2 only",
		  "set a custom policy on the connection (DHGroup14 or stronger; `s2sctl explain` and `s2sctl check` print "
		  "the az command), or accept the weak group "
		  "knowingly with 'allow-weak: modp1024' and 'ike-proposals: aes256-sha256-modp1024'" },
		CLOUD_AZURE, NULL, NULL, NULL, NULL },
	{ { "aws-default", "these are AWS's default tunnel options: everything from AES128, SHA1 and group 2 up",
		  "AWS picks the weakest that both ends have: offer one strong proposal, as 'cloud: aws' does "
		  "(aes256-sha256-modp2048), and take the weak ones out of "
		  "the tunnel options at AWS" },
		CLOUD_AWS, NULL, NULL, NULL, NULL },
	{ { "strongswan-default", "these are strongSwan's default proposals",
		  "any of 'ike-proposals' of AES, SHA-2 and group 14 or stronger fits" },
		CLOUD_NONE, "aes256-sha256 aes192-sha256 aes128-sha256 aes256gcm16-prfsha256",
		"aes256-sha384 aes256-sha512 aes256-sha1 aes192-sha384 aes192-sha512 aes192-sha1 aes128-sha384 "
		"aes128-sha512 aes128-sha1 aes256gcm16-prfsha384 "
		"aes256gcm16-prfsha512 aes256gcm16-prfsha1 aes128gcm16-prfsha256 aes128gcm16-prfsha384 "
		"aes128gcm16-prfsha512 aes128gcm16-prfsha1 "
		"chacha20poly1305-prfsha256 chacha20poly1305-prfsha384 chacha20poly1305-prfsha512 chacha20poly1305-prfsha1",
		"ecp256 x25519 modp3072", "modp2048 ecp384 ecp521 modp4096 modp6144 modp8192 curve448" },
};

static const struct probe_policy others[] = {
	{ "none", "it answers, and accepts nothing that we know of, or nothing from this address",
		"many peers refuse every proposal of an address that is not configured there: probe from the address that "
		"the tunnel uses" },
	{ "one", "it accepts one combination and no other, as Azure does with a custom IPsec/IKE policy",
		"write exactly this into 'ike-proposals'" },
	{ "custom", "this is none of the policies we know", "write one of these into 'ike-proposals'" },
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
	unsigned of_must = 0;
	for (unsigned e = 0; e < PROBE_ENCRS; e++)
		for (unsigned h = 0; h < PROBE_HASHES; h++)
			for (unsigned f = 0; f < PROBE_HASHES; f++) {
				if (p->accepted[e][h][f] == 0)
					continue;
				bool must = listed(k->must, probe_pair(e, h, f, text));
				of_must += must;
				if (!must && !listed(k->may, text))
					return false;
			}
	return of_must == words(k->must);
}

static bool groups_fit(const struct probe *p, const struct known *k)
{
	unsigned of_must = 0;
	for (unsigned g = 0; g < PROBE_NOBODY; g++) {
		if ((p->groups & 1u << g) == 0)
			continue;
		bool must = listed(k->groups, probe_groups[g].word);
		of_must += must;
		if (!must && !listed(k->may_groups, probe_groups[g].word))
			return false;
	}
	return of_must == words(k->groups);
}

const struct probe_policy *probe_known(const struct probe *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct known k = known[i];
		struct cloud_pairs of;
		cloud_default_pairs(k.cloud, &of);
		if (k.cloud != CLOUD_NONE)
			k.must = of.pairs, k.may = of.rare, k.groups = of.groups, k.may_groups = "";
		if (pairs_fit(p, &k) && groups_fit(p, &k))
			return &known[i].policy;
	}
	if (!p->answers)
		return other("silent");
	unsigned n = probe_count(p);
	return other(n == 0 ? "none" : n == 1 ? "one" : "custom");
}
