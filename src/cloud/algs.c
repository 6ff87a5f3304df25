/*
 * cloud_algs.c - THE table of the clouds' algorithms, see cloud_algs.h. Facts follow the vendors' documents: tunnel options of AWS
 * Site-to-Site VPN, IPsec/IKE policies and default policies of Azure VPN Gateway.
 */
#include "base/util.h"
#include "cloud/algs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wire/ikev2.h"

/* AWS's tunnel options allow all that there is unless they are set; Azure's default policy is a few of what can be set. RARE: see
 * cloud_algs.h. */
enum { AWS_IKE = 1, AWS_ESP = 2, AWS_BOTH = 3, AZURE_DEFAULT = 4, RARE = 8 };

/* An algorithm that is in no row is known to neither. NULL: it cannot be chosen there. */
static const struct cloud_alg {
	unsigned type;
	const char *word;
	unsigned where;
	const char *aws, *azure_ike, *azure_esp;
} algs[] = {
	{ TRANSFORM_ENCR, "aes256gcm16", AWS_BOTH, "AES256-GCM-16", "GCMAES256", "GCMAES256" },
	{ TRANSFORM_ENCR, "aes192gcm16", 0, NULL, NULL, "GCMAES192" },
	{ TRANSFORM_ENCR, "aes128gcm16", AWS_BOTH, "AES128-GCM-16", "GCMAES128", "GCMAES128" },
	{ TRANSFORM_ENCR, "aes256", AWS_BOTH | AZURE_DEFAULT, "AES256", "AES256", "AES256" },
	{ TRANSFORM_ENCR, "aes192", 0, NULL, "AES192", "AES192" },
	{ TRANSFORM_ENCR, "aes128", AWS_BOTH | AZURE_DEFAULT, "AES128", "AES128", "AES128" },
	{ TRANSFORM_ENCR, "3des", AZURE_DEFAULT | RARE, NULL, "DES3", "DES3" },
	{ TRANSFORM_INTEG, "sha512", AWS_BOTH, "SHA2-512", NULL, NULL },
	{ TRANSFORM_INTEG, "sha384", AWS_BOTH, "SHA2-384", "SHA384", NULL },
	{ TRANSFORM_INTEG, "sha256", AWS_BOTH | AZURE_DEFAULT, "SHA2-256", "SHA256", "SHA256" },
	{ TRANSFORM_INTEG, "sha1", AWS_BOTH | AZURE_DEFAULT, "SHA1", "SHA1", "SHA1" },
	{ TRANSFORM_INTEG, "md5", 0, NULL, "MD5", "MD5" },
	{ TRANSFORM_PRF, "prfsha512", AWS_BOTH, "SHA2-512", NULL, NULL },
	{ TRANSFORM_PRF, "prfsha384", AWS_BOTH, "SHA2-384", "SHA384", NULL },
	{ TRANSFORM_PRF, "prfsha256", AWS_BOTH | AZURE_DEFAULT, "SHA2-256", "SHA256", NULL },
	{ TRANSFORM_PRF, "prfsha1", AWS_BOTH | AZURE_DEFAULT, "SHA1", "SHA1", NULL },
	{ TRANSFORM_PRF, "prfmd5", 0, NULL, "MD5", NULL },
	{ TRANSFORM_KE, "modp1024", AWS_BOTH | AZURE_DEFAULT, "2", "DHGroup2", "PFS2" },
	{ TRANSFORM_KE, "modp1536", AWS_ESP, "5", NULL, NULL },
	{ TRANSFORM_KE, "modp2048", AWS_BOTH, "14", "DHGroup14", "PFS2048" },
	{ TRANSFORM_KE, "modp3072", AWS_BOTH, "15", NULL, NULL },
	{ TRANSFORM_KE, "modp4096", AWS_BOTH, "16", NULL, NULL },
	{ TRANSFORM_KE, "modp6144", AWS_BOTH, "17", NULL, NULL },
	{ TRANSFORM_KE, "modp8192", AWS_BOTH, "18", NULL, NULL },
	{ TRANSFORM_KE, "ecp256", AWS_BOTH, "19", "ECP256", "ECP256" },
	{ TRANSFORM_KE, "ecp384", AWS_BOTH, "20", "ECP384", "ECP384" },
	{ TRANSFORM_KE, "ecp521", AWS_BOTH, "21", NULL, NULL },
	{ TRANSFORM_KE, "modp1024s160", AWS_BOTH, "22", NULL, NULL },
	{ TRANSFORM_KE, "modp2048s224", AWS_BOTH, "23", NULL, NULL },
	{ TRANSFORM_KE, "modp2048s256", AWS_BOTH, "24", "DHGroup24", "PFS24" },
	{ TRANSFORM_KE, "no PFS", 0, NULL, NULL, "None" },
};
#define ALGS (ARRAY_SIZE(algs))

/* Names that documents and tools use beside the one above. */
static const struct {
	const char *name, *word;
	bool esp;
} azure_aliases[] = { { "DHGroup2048", "modp2048", false }, { "PFS14", "modp2048", true } };

static const char *name_in(const struct cloud_alg *a, enum cloud cloud, bool esp)
{
	switch (cloud) {
	case CLOUD_NONE: return NULL;
	case CLOUD_AWS: return (a->where & (esp ? AWS_ESP : AWS_IKE)) != 0 ? a->aws : NULL;
	case CLOUD_AZURE: return esp ? a->azure_esp : a->azure_ike;
	}
	return NULL;
}

const char *cloud_name(enum cloud cloud, bool esp, const char *word, size_t len)
{
	for (size_t i = 0; i < ALGS; i++)
		if (strlen(algs[i].word) == len && strncmp(algs[i].word, word, len) == 0)
			return name_in(&algs[i], cloud, esp);
	return NULL;
}

bool cloud_takes_word(enum cloud cloud, bool esp, const char *word)
{
	return cloud == CLOUD_NONE || cloud_name(cloud, esp, word, strlen(word)) != NULL;
}

const char *cloud_word_of(enum cloud cloud, bool esp, unsigned type, const char *name)
{
	for (size_t i = 0; i < ALGS; i++) {
		const char *there = algs[i].type == type ? name_in(&algs[i], cloud, esp) : NULL;
		if (there != NULL && strcasecmp(there, name) == 0)
			return algs[i].word;
	}
	for (size_t i = 0; i < ARRAY_SIZE(azure_aliases); i++)
		if (cloud == CLOUD_AZURE && type == TRANSFORM_KE && azure_aliases[i].esp == esp &&
			strcasecmp(azure_aliases[i].name, name) == 0)
			return azure_aliases[i].word;
	return NULL;
}

/* ---------------------------------------------------------------- defaults */
static void add(char *list, const char *between, const char *a, const char *b)
{
	size_t n = strlen(list);
	snprintf(list + n, CLOUD_DEFAULTS - n, "%s%s%s", n > 0 ? between : "", a, b);
}

static unsigned flag(enum cloud cloud, bool esp)
{
	return cloud == CLOUD_AZURE ? AZURE_DEFAULT : cloud == CLOUD_NONE ? 0 : esp ? AWS_ESP : AWS_IKE;
}

static bool is_gcm(const struct cloud_alg *a) { return a->type == TRANSFORM_ENCR && strstr(a->word, "gcm") != NULL; }

bool cloud_defaults(enum cloud cloud, bool esp, char text[CLOUD_DEFAULTS], const char **name)
{
	/* A list and no product: what Azure offers when it begins. */
	static const char azure_esp[] = "aes256gcm16, aes256-sha1, 3des-sha1, aes256-sha256, aes128-sha1, 3des-sha256";
	char gcm[CLOUD_DEFAULTS] = "";
	text[0] = 0;
	if (cloud == CLOUD_NONE)
		return false;
	*name = cloud == CLOUD_AWS ? "AWS's default tunnel options"
		: esp              ? "Azure's default policy, when Azure begins"
				   : "Azure's default policy";
	if (cloud == CLOUD_AZURE && esp) {
		snprintf(text, CLOUD_DEFAULTS, "%s", azure_esp);
		return true;
	}
	for (size_t i = 0; i < ALGS; i++)
		if ((algs[i].where & flag(cloud, esp)) != 0 && algs[i].type != TRANSFORM_PRF)
			add(is_gcm(&algs[i]) ? gcm : text, "-", algs[i].word, "");
	if (gcm[0] != 0)
		add(text, ", ", gcm, "");
	return true;
}

void cloud_default_pairs(enum cloud cloud, struct cloud_pairs *out)
{
	char first[32];
	unsigned in = flag(cloud, false);
	*out = (struct cloud_pairs){ "", "", "" };
	for (size_t i = 0; i < ALGS; i++) {
		const struct cloud_alg *e = &algs[i];
		if ((e->where & in) == 0)
			continue;
		if (e->type == TRANSFORM_KE)
			add(out->groups, " ", e->word, "");
		if (e->type != TRANSFORM_ENCR)
			continue;
		snprintf(first, sizeof first, "%s-", e->word);
		for (size_t k = 0; k < ALGS; k++)
			if ((algs[k].where & in) != 0 && algs[k].type == (unsigned)(is_gcm(e) ? TRANSFORM_PRF : TRANSFORM_INTEG))
				add((e->where & RARE) != 0 ? out->rare : out->pairs, " ", first, algs[k].word);
	}
}
