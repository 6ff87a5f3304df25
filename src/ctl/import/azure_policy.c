/* azure_policy.c - Azure's words for algorithms, and the exact policy to set where none is set. */
#include <string.h>
#include <strings.h>

#include "azure.h"
#include "cloud/cloud.h"

static const char *look_up(struct import_set *p, bool esp, unsigned type, const char *word, const char *what, const char *from)
{
	if (word == NULL) {
		import_refuse(p, "%s: the custom policy has no %s: Azure wants all eight members", from, what);
		return NULL;
	}
	const char *ours = cloud_word_of(p->request->cloud, esp, type, word);
	if (ours == NULL)
		import_refuse(p, "%s: %s '%s' is nothing that s2sd would use: set AES256, SHA256, DHGroup14 and PFS2048 at Azure",
			from, what, word);
	return ours;
}

/* Without a group is no word of ours. */
static const char *look_up_pfs(struct import_set *p, const char *word, const char *from)
{
	return word != NULL && strcasecmp(word, "None") == 0 ? "" : look_up(p, true, TRANSFORM_KE, word, "pfsGroup", from);
}

static bool is_gcm(const char *word) { return word != NULL && strncasecmp(word, "GCM", 3) == 0; }

bool azure_proposals(struct import_set *p, struct azure_site *s, const struct azure_words *w, const char *from)
{
	bool same_group = w->pfs != NULL && strcasecmp(w->pfs, "PFSMM") == 0; /* the group of the IKE SA */
	const char *cipher = look_up(p, false, TRANSFORM_ENCR, w->ike_encryption, "ikeEncryption", from), *hash;
	const char *group = look_up(p, false, TRANSFORM_KE, w->dh, "dhGroup", from),
		   *esp = look_up(p, true, TRANSFORM_ENCR, w->esp_encryption, "ipsecEncryption", from);
	const char *again = same_group ? group : look_up_pfs(p, w->pfs, from);
	bool aead = is_gcm(w->ike_encryption);
	if (p->refusal != NULL)
		return false;
	/* With GCM the integrity word of IKE is the PRF only; GCM there names none, so both usual ones are offered. */
	hash = aead && is_gcm(w->ike_integrity) ? "prfsha384-prfsha256"
						: look_up(p, false, TRANSFORM_INTEG, w->ike_integrity, "ikeIntegrity", from);
	if (hash == NULL)
		return false;
	s->ike = import_text(p, "%s-%s%s-%s", cipher, aead && strncmp(hash, "prf", 3) != 0 ? "prf" : "", hash, group);
	hash = is_gcm(w->esp_encryption) ? "" : look_up(p, true, TRANSFORM_INTEG, w->esp_integrity, "ipsecIntegrity", from);
	if (hash == NULL)
		return false;
	s->esp = import_text(p, "%s%s%s%s%s", esp, hash[0] != 0 ? "-" : "", hash, again[0] != 0 ? "-" : "", again);
	s->policy = POLICY_CUSTOM;
	s->policy_from = from;
	return true;
}
