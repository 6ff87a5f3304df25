/* azure_policy.c - Azure's words for algorithms, and the exact policy to set where none is set. */
#include <string.h>
#include <strings.h>

#include "azure.h"

struct word {
	const char *azure, *ours; /* ours NULL: there is no such thing here, for good reason */
};

static const struct word ciphers[] = { { "GCMAES256", "aes256gcm16" }, { "GCMAES192", "aes192gcm16" },
	{ "GCMAES128", "aes128gcm16" }, { "AES256", "aes256" }, { "AES192", "aes192" }, { "AES128", "aes128" },
	{ "DES3", "3des" }, { "DES", NULL }, { "None", NULL }, { NULL, NULL } };
static const struct word hashes[] = { { "SHA384", "sha384" }, { "SHA256", "sha256" }, { "SHA1", "sha1" }, { "MD5", "md5" },
	{ NULL, NULL } };
static const struct word groups[] = { { "DHGroup14", "modp2048" }, { "DHGroup2048", "modp2048" }, { "ECP256", "ecp256" },
	{ "ECP384", "ecp384" }, { "DHGroup24", "modp2048s256" }, { "DHGroup2", "modp1024" }, { "DHGroup1", NULL },
	{ "None", NULL }, { NULL, NULL } };
static const struct word pfs[] = { { "None", "" }, { "PFS2048", "modp2048" }, { "PFS14", "modp2048" }, { "ECP256", "ecp256" },
	{ "ECP384", "ecp384" }, { "PFS24", "modp2048s256" }, { "PFS2", "modp1024" }, { "PFS1", NULL }, { NULL, NULL } };

static const char *look_up(struct plan *p, const struct word *table, const char *word, const char *what, const char *from)
{
	if (word == NULL) {
		plan_refuse(p, "%s: the custom policy has no %s: Azure wants all eight members", from, what);
		return NULL;
	}
	for (; table->azure != NULL; table++)
		if (strcasecmp(table->azure, word) == 0 && table->ours != NULL)
			return table->ours;
	plan_refuse(p, "%s: %s '%s' is nothing that s2sd would use: set AES256, SHA256, DHGroup14 and PFS2048 at Azure", from,
		what, word);
	return NULL;
}

static bool is_gcm(const char *word) { return word != NULL && strncasecmp(word, "GCM", 3) == 0; }

bool azure_proposals(struct plan *p, struct azure_site *s, const struct azure_words *w, const char *from)
{
	bool same_group = w->pfs != NULL && strcasecmp(w->pfs, "PFSMM") == 0; /* the group of the IKE SA */
	const char *cipher = look_up(p, ciphers, w->ike_encryption, "ikeEncryption", from), *hash;
	const char *group = look_up(p, groups, w->dh, "dhGroup", from),
		   *esp = look_up(p, ciphers, w->esp_encryption, "ipsecEncryption", from);
	const char *again = same_group ? group : look_up(p, pfs, w->pfs, "pfsGroup", from);
	bool aead = is_gcm(w->ike_encryption);
	if (p->refusal != NULL)
		return false;
	/* With GCM the integrity word of IKE is the PRF only; GCM there names none, so both usual ones are offered. */
	hash = aead && is_gcm(w->ike_integrity) ? "prfsha384-prfsha256"
						: look_up(p, hashes, w->ike_integrity, "ikeIntegrity", from);
	if (hash == NULL)
		return false;
	s->ike = plan_text(p, "%s-%s%s-%s", cipher, aead && strncmp(hash, "prf", 3) != 0 ? "prf" : "", hash, group);
	hash = is_gcm(w->esp_encryption) ? "" : look_up(p, hashes, w->esp_integrity, "ipsecIntegrity", from);
	if (hash == NULL)
		return false;
	s->esp = plan_text(p, "%s%s%s%s%s", esp, hash[0] != 0 ? "-" : "", hash, again[0] != 0 ? "-" : "", again);
	s->policy = POLICY_CUSTOM;
	s->policy_from = from;
	return true;
}
