/* policy.c - what a tunnel's proposals hold, and the custom policy at the cloud that goes with them. */
#include <stdio.h>
#include <string.h>

#include "cloud/algs.h"
#include "crypto/alg.h"
#include "rules.h"

const char *transform_word(const struct transform *t)
{
	const struct alg *a = alg_find(t->type, t->id, t->keylen);
	return a != NULL ? a->word : "";
}

const struct transform *transform_of(const struct proposal *p, uint8_t type)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->t[i].type == type)
			return &p->t[i];
	return NULL;
}

bool proposals_have_group(const struct proposal *v, unsigned n, uint16_t group)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < v[i].n; k++)
			if (v[i].t[k].type == TRANSFORM_KE && v[i].t[k].id == group)
				return true;
	return false;
}

static const char *azure_word(const struct proposal *p, uint8_t type, const char *none)
{
	const struct transform *t = p != NULL ? transform_of(p, type) : NULL;
	const char *word = t != NULL ? transform_word(t) : "";
	const char *name = p != NULL ? cloud_name(CLOUD_AZURE, p->protocol == PROTOCOL_ESP, word, strlen(word)) : NULL;
	return name != NULL ? name : none;
}

const char *check_policy_command(const struct tunnel_conf *t, char text[POLICY_TEXT])
{
	/* Group 2 is what one wants to be rid of: then the policy that goes with the profile's proposals. */
	bool weak = proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024);
	const struct proposal *ike = t->n_ike > 0 && !weak ? &t->ike[0] : NULL, *esp = t->n_esp > 0 && !weak ? &t->esp[0] : NULL;
	/* With GCM the PRF takes integrity's place in IKE, and in ESP both words are the same. */
	const char *encr = azure_word(esp, TRANSFORM_ENCR, "AES256");
	bool gcm = strncmp(encr, "GCM", 3) == 0;
	bool pfs = esp == NULL || transform_of(esp, TRANSFORM_KE) != NULL;
	unsigned long long seconds = (unsigned long long)t->esp_lifetime / 1000, kb = t->esp_lifetime_bytes / 1024;
	snprintf(text, POLICY_TEXT,
		"az network vpn-connection ipsec-policy add --resource-group GROUP --connection-name CONNECTION --ike-encryption %s"
		" --ike-integrity %s --dh-group %s --ipsec-encryption %s --ipsec-integrity %s --pfs-group %s --sa-lifetime %llu"
		" --sa-max-size %llu",
		azure_word(ike, TRANSFORM_ENCR, "AES256"), azure_word(ike, TRANSFORM_PRF, "SHA256"),
		azure_word(ike, TRANSFORM_KE, "DHGroup14"), encr, gcm ? encr : azure_word(esp, TRANSFORM_INTEG, "SHA256"),
		pfs ? azure_word(esp, TRANSFORM_KE, "PFS2048") : "None", seconds < 300 ? 27000 : seconds,
		kb < 1024 ? 102400000 : kb);
	return text;
}
