/* policy.c - what a tunnel's proposals hold, and the custom policy at the cloud that goes with them. */
#include <stdio.h>

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

const char *check_policy_command(const struct tunnel_conf *t, char text[POLICY_TEXT])
{
	/* Group 2 is what one wants to be rid of: then the policy that goes with the profile's proposals. */
	bool weak = proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024);
	const struct proposal *ike = t->n_ike > 0 && !weak ? &t->ike[0] : NULL, *esp = t->n_esp > 0 && !weak ? &t->esp[0] : NULL;
	return cloud_policy(t->cloud, NULL, ike, esp, (uint64_t)t->esp_lifetime / 1000, t->esp_lifetime_bytes / 1024, text);
}

void cloud_finding_add(struct findings *f, struct place at, const struct tunnel_conf *t, enum finding_code code, const char *why,
	const char *advice, const char *value)
{
	char policy[POLICY_TEXT], text[1024];
	const char *command = check_policy_command(t, policy);
	struct finding *v = finding_add(f, at, code, "%s", cloud_fill(text, sizeof text, why, "value", value, (char *)NULL));
	finding_advice(v, "%s",
		cloud_fill(text, sizeof text, advice, "value", value, "policy", command != NULL ? command : "", (char *)NULL));
}

/* What the limit is of, in its unit. */
static uint64_t quantity(const struct tunnel_conf *t, enum cloud_quantity of, enum key_id *key)
{
	switch (of) {
	case LIMIT_NOTHING: break;
	case LIMIT_IKE_SECONDS: *key = KEY_IKE_LIFETIME; return (uint64_t)t->ike_lifetime / 1000;
	case LIMIT_ESP_SECONDS: *key = KEY_ESP_LIFETIME; return (uint64_t)t->esp_lifetime / 1000;
	case LIMIT_ESP_BYTES:
		*key = KEY_ESP_LIFETIME_BYTES;
		return t->esp_lifetime_bytes > 0 ? t->esp_lifetime_bytes : UINT64_MAX;
	case LIMIT_MTU: *key = KEY_MTU; return t->mtu;
	case LIMIT_MSS: *key = KEY_MSS; return t->mss > 0 ? (uint64_t)t->mss : 0;
	}
	return 0;
}

const struct cloud_limit *cloud_limit_broken(
	const struct tunnel_conf *t, const struct cloud_limit *m, enum key_id *key, char value[24])
{
	for (; m != NULL && m->of != LIMIT_NOTHING; m++) {
		uint64_t v = quantity(t, m->of, key);
		snprintf(value, 24, "%llu", (unsigned long long)v);
		if (v < m->min || (m->max > 0 && v > m->max))
			return m;
	}
	return NULL;
}
