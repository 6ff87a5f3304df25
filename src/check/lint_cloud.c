/*
 * lint_cloud.c - one tunnel against what its cloud can do: algorithms, lifetimes, keys, addresses, AS numbers. The facts are tables; they
 * follow the vendors' documents: tunnel options of AWS Site-to-Site VPN, IPsec/IKE policy and BGP of Azure VPN Gateway.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cloud/algs.h"
#include "crypto/alg.h"
#include "check/lint.h"

/* ---------------------------------------------------------------- algorithms */
static const char *word_of_transform(const struct transform *t)
{
	const struct alg *a = alg_find(t->type, t->id, t->keylen);
	return a != NULL ? a->word : "";
}

static bool cloud_takes(enum cloud cloud, uint8_t protocol, const struct transform *t)
{
	return t->type == TRANSFORM_ESN ? t->id == ESN_NO
					: cloud_takes_word(cloud, protocol == PROTOCOL_ESP, word_of_transform(t));
}

static const struct transform *transform_of(const struct proposal *p, uint8_t type)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->t[i].type == type)
			return &p->t[i];
	return NULL;
}

bool group_offered(const struct proposal *v, unsigned n, uint16_t group)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < v[i].n; k++)
			if (v[i].t[k].type == TRANSFORM_KE && v[i].t[k].id == group)
				return true;
	return false;
}

static const char NO_GROUP[] = "a child SA without a group (PFS), which is what it would have";

/* What of it the cloud does not know, so that it can choose nothing; NULL when it can. */
static const char *refusal(enum cloud cloud, const struct proposal *p)
{
	static const struct {
		uint8_t type;
		const char *what;
	} kinds[] = { { TRANSFORM_ENCR, "its encryption" }, { TRANSFORM_INTEG, "its integrity" }, { TRANSFORM_PRF, "its PRF" },
		{ TRANSFORM_KE, "its group" }, { TRANSFORM_ESN, "extended sequence numbers" } };
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		bool there = false, good = false;
		for (unsigned i = 0; i < p->n; i++) {
			there = there || p->t[i].type == kinds[k].type;
			good = good || (p->t[i].type == kinds[k].type && cloud_takes(cloud, p->protocol, &p->t[i]));
		}
		if (there && !good)
			return kinds[k].what;
	}
	/* AWS has no tunnel option for keys without a group of their own. */
	if (cloud == CLOUD_AWS && p->protocol == PROTOCOL_ESP && transform_of(p, TRANSFORM_KE) == NULL)
		return NO_GROUP;
	return NULL;
}

static const char *name_of(enum cloud c) { return c == CLOUD_AWS ? "AWS" : "Azure"; }

static void list_of(struct lint *l, const struct tunnel_conf *t, const char *key, const struct proposal *v, unsigned n)
{
	unsigned bad = 0;
	char text[PROPOSAL_TEXT];
	for (unsigned i = 0; i < n; i++)
		bad += refusal(t->cloud, &v[i]) != NULL;
	for (unsigned i = 0; i < n; i++) {
		const char *what = refusal(t->cloud, &v[i]);
		if (what != NULL)
			todo(found(l, t, key, bad == n ? FINDING_ERROR : FINDING_WARNING, "proposal", "%s: %s does not know %s",
				     proposal_format(&v[i], text), name_of(t->cloud), what),
				SIDE_OURS,
				"take 'aes256-sha256-modp2048', which both clouds can do, or see `s2sctl show profile %s`",
				cloud_word(t->cloud));
	}
}

static bool all_pfs(const struct tunnel_conf *t)
{
	for (unsigned i = 0; i < t->n_esp; i++)
		if (transform_of(&t->esp[i], TRANSFORM_KE) == NULL)
			return false;
	return t->n_esp > 0;
}

static void proposals(struct lint *l, const struct tunnel_conf *t)
{
	char policy[POLICY_TEXT];
	list_of(l, t, "ike-proposals", t->ike, t->n_ike);
	list_of(l, t, "esp-proposals", t->esp, t->n_esp);
	if (t->esn == TRI_YES)
		todo(found(l, t, "esn", FINDING_ERROR, "proposal", "%s does not know extended sequence numbers",
			     name_of(t->cloud)),
			SIDE_OURS, "leave 'esn' out");
	/* Without group 2 the connection has a custom policy, and that one says exactly whether there is a group. */
	if (t->cloud == CLOUD_AZURE && all_pfs(t) && group_offered(t->ike, t->n_ike, GROUP_MODP_1024))
		todo(found(l, t, "esp-proposals", FINDING_WARNING, "pfs",
			     "every proposal has a group; Azure's default policy rekeys without one, and the tunnel ends at the first rekey that Azure begins"),
			SIDE_BOTH, "add 'aes256-sha256' as the last one, or set this policy: %s", azure_policy(t, policy));
}

/* ---------------------------------------------------------------- DH group 2 */
static const char *azure_word(const struct proposal *p, uint8_t type, const char *none)
{
	const struct transform *t = p != NULL ? transform_of(p, type) : NULL;
	const char *word = t != NULL ? word_of_transform(t) : "";
	const char *name = p != NULL ? cloud_name(CLOUD_AZURE, p->protocol == PROTOCOL_ESP, word, strlen(word)) : NULL;
	return name != NULL ? name : none;
}

const char *azure_policy(const struct tunnel_conf *t, char text[POLICY_TEXT])
{
	/* Group 2 is what one wants to be rid of: then the policy that goes with the profile's proposals. */
	bool weak = group_offered(t->ike, t->n_ike, GROUP_MODP_1024);
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

static void group_two(struct lint *l, const struct tunnel_conf *t)
{
	char policy[POLICY_TEXT];
	bool two = group_offered(t->ike, t->n_ike, GROUP_MODP_1024) || group_offered(t->esp, t->n_esp, GROUP_MODP_1024);
	const char *key = group_offered(t->ike, t->n_ike, GROUP_MODP_1024) ? "ike-proposals" : "esp-proposals";
	if (two && t->cloud == CLOUD_AWS)
		todo(found(l, t, key, FINDING_WARNING, "dh-group-2",
			     "DH group 2 (modp1024) is within reach of a strong attacker"),
			SIDE_BOTH,
			"allow DH group 14 in the tunnel's options at AWS (Phase1DHGroupNumbers, Phase2DHGroupNumbers), then "
			"'aes256-sha256-modp2048' here without allow-weak");
	if (t->cloud != CLOUD_AZURE)
		return;
	if (two)
		todo(found(l, t, key, FINDING_WARNING, "dh-group-2",
			     "DH group 2 (modp1024), Azure's default policy, is within reach of a strong attacker"),
			SIDE_BOTH, "set a custom policy: %s; then leave ike-proposals, esp-proposals and allow-weak out here",
			azure_policy(t, policy));
	else if (t->n_ike > 0 && refusal(t->cloud, &t->ike[0]) == NULL)
		todo(found(l, t, "ike-proposals", FINDING_HINT, "azure-policy",
			     "Azure's default policy knows DH group 2 alone: the connection needs a custom policy"),
			SIDE_CLOUD, "unless it has one: %s", azure_policy(t, policy));
}

/* ---------------------------------------------------------------- lifetimes */
#define SECONDS(ms) ((ms) / 1000)

static const struct limit {
	enum cloud cloud;
	const char *key;
	msec min, max; /* seconds; 0 = none. What is above AWS's maximum the loader says already */
	const char *text;
} limits[] = {
	{ CLOUD_AWS, "ike-lifetime", 900, 0, "AWS goes down to 900s" },
	{ CLOUD_AWS, "esp-lifetime", 900, 0, "AWS goes down to 900s" },
	{ CLOUD_AZURE, "ike-lifetime", 0, 28800, "Azure's is fixed at 28800s, and it would be the first to begin anew" },
	{ CLOUD_AZURE, "esp-lifetime", 300, 27000,
		"Azure's policies begin at 300s and default to 27000s; above, it rekeys first" },
};

static void lifetimes(struct lint *l, const struct tunnel_conf *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct limit *m = &limits[i];
		msec s = SECONDS(strcmp(m->key, "ike-lifetime") == 0 ? t->ike_lifetime : t->esp_lifetime);
		if (m->cloud == t->cloud && (s < m->min || (m->max > 0 && s > m->max)))
			todo(found(l, t, m->key, FINDING_WARNING, "lifetime", "%llds: %s", (long long)s, m->text), SIDE_OURS,
				"leave '%s' out for the profile's value, or set the same at %s", m->key, name_of(t->cloud));
	}
	if (t->cloud == CLOUD_AZURE && (t->esp_lifetime_bytes == 0 || t->esp_lifetime_bytes / 1024 > 102400000))
		todo(found(l, t, "esp-lifetime-bytes", FINDING_WARNING, "lifetime",
			     "Azure rekeys after 102400000 KB unless its policy says more, and would do so before us"),
			SIDE_OURS, "leave 'esp-lifetime-bytes' out for the profile's value");
}

/* ---------------------------------------------------------------- keys */
/* Letters, digits and signs, but none of these three. The rest of the alphabet and the length are the loader's to judge. */
static void psk(struct lint *l, const struct tunnel_conf *t)
{
	if (t->psk == NULL || t->cloud != CLOUD_AZURE)
		return;
	for (size_t i = 0; i < t->psk->len; i++)
		if (t->psk->data[i] == ' ' || t->psk->data[i] == '-' || t->psk->data[i] == '~') {
			todo(found(l, t, written(t, "psk") ? "psk" : "psk-file", FINDING_ERROR, "psk-alphabet",
				     "this key cannot be one of Azure: it takes no space, no hyphen and no tilde"),
				SIDE_BOTH,
				"make one with `s2sctl genpsk`, and set it as the connection's shared key at Azure as well");
			return;
		}
}

/* ---------------------------------------------------------------- inside addresses */
static bool within(const char *text, const struct addr *a)
{
	struct prefix p;
	return prefix_parse(&p, text) && prefix_contains(&p, a);
}

static bool is_apipa(const struct addr *a) { return within("169.254.0.0/16", a); }

static const char *aws_reserved(const struct prefix *p)
{
	static const char *const list[] = { "169.254.0.0/30", "169.254.1.0/30", "169.254.2.0/30", "169.254.3.0/30",
		"169.254.4.0/30", "169.254.5.0/30", "169.254.169.252/30" };
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct prefix r;
		if (prefix_parse(&r, list[i]) && prefix_overlaps(&r, p))
			return list[i];
	}
	return NULL;
}

static bool azure_apipa(const struct addr *a) { return within("169.254.21.0/24", a) || within("169.254.22.0/24", a); }

static void aws_inside(struct lint *l, const struct tunnel_conf *t, const struct prefix *p)
{
	char text[ADDR_TEXT];
	bool v6 = p->addr.family == AF_INET6;
	const char *taken = aws_reserved(p);
	prefix_format(p, text);
	if (v6 ? !within("fd00::/8", &p->addr) : !is_apipa(&p->addr))
		todo(found(l, t, "inside", FINDING_WARNING, "inside-range", "%s: AWS's inside networks lie in %s", text,
			     v6 ? "fd00::/8" : "169.254.0.0/16"),
			SIDE_OURS, "write the Customer Gateway's inside address of AWS's file");
	else if (!v6 && taken != NULL)
		todo(found(l, t, "inside", FINDING_ERROR, "inside-range", "%s: AWS keeps %s for itself", text, taken), SIDE_BOTH,
			"give the tunnel another TunnelInsideCidr at AWS, and write its second address here");
	else if (p->len != (v6 ? 126 : 30))
		todo(found(l, t, "inside", FINDING_WARNING, "inside-range", "%s: AWS's inside networks are /%u", text,
			     v6 ? 126 : 30),
			SIDE_OURS, "write the address with /%u", v6 ? 126 : 30);
	else if ((p->addr.ip[v6 ? 15 : 3] & 3) == 1)
		todo(found(l, t, "inside", FINDING_ERROR, "inside-range",
			     "%s: AWS takes the first address of the network for itself", text),
			SIDE_OURS, "write the second one");
}

static void azure_inside(struct lint *l, const struct tunnel_conf *t, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT];
	if (!is_apipa(a) || azure_apipa(a))
		return;
	todo(found(l, t, key, FINDING_ERROR, "inside-range",
		     "%s: of 169.254.0.0/16 Azure takes 169.254.21.0 to 169.254.22.255 alone", addr_format(a, text)),
		SIDE_BOTH, "choose an address of that range for BGP at Azure (custom APIPA), and its counterpart here");
}

static void inside(struct lint *l, const struct tunnel_conf *t)
{
	for (unsigned i = 0; i < t->n_inside && t->cloud == CLOUD_AWS; i++)
		aws_inside(l, t, &t->inside[i]);
	for (unsigned i = 0; i < t->n_inside && t->cloud == CLOUD_AZURE; i++)
		azure_inside(l, t, "inside", &t->inside[i].addr);
	if (t->bgp.set && t->cloud == CLOUD_AZURE)
		azure_inside(l, t, "bgp.peer", &t->bgp.peer);
}

/* ---------------------------------------------------------------- AS numbers */
static const struct reserved_as {
	uint32_t from, to;
	int cloud; /* -1: nobody's */
	const char *why;
} reserved_as[] = {
	{ 7224, 7224, CLOUD_AWS, "AWS keeps it for itself" },
	{ 9059, 9059, CLOUD_AWS, "AWS keeps it for itself (eu-west-1)" },
	{ 10124, 10124, CLOUD_AWS, "AWS keeps it for itself (ap-northeast-1)" },
	{ 17493, 17493, CLOUD_AWS, "AWS keeps it for itself (ap-southeast-1)" },
	{ 17943, 17943, CLOUD_AWS, "AWS keeps it for itself (ap-southeast-1)" },
	{ 8074, 8075, CLOUD_AZURE, "Azure keeps it for itself" },
	{ 12076, 12076, CLOUD_AZURE, "Azure keeps it for itself" },
	{ 65515, 65515, CLOUD_AZURE, "it is Azure's own" },
	{ 65517, 65520, CLOUD_AZURE, "Azure keeps it for itself" },
	{ 23456, 23456, -1, "it stands for AS numbers of four bytes (RFC 6793)" },
	{ 64496, 64511, -1, "it is for documentation (RFC 5398)" },
	{ 65535, 65551, -1, "it is reserved (RFC 7300, RFC 5398)" },
};

static bool has_cloud(const struct conf *c, int cloud)
{
	for (uint32_t i = 0; i < c->n; i++)
		if ((int)c->tunnels[i]->cloud == cloud && c->tunnels[i]->bgp.set)
			return true;
	return false;
}

static void as_numbers(struct lint *l, const struct tunnel_conf *t)
{
	if (!t->bgp.set)
		return;
	if (t->bgp.local_as == t->bgp.peer_as && t->cloud != CLOUD_NONE)
		todo(found(l, t, "bgp.local-as", FINDING_ERROR, "asn",
			     "%u is the cloud's as well; both clouds speak BGP only between different AS", t->bgp.local_as),
			SIDE_BOTH, "take another one, for example 65010, here and in the %s",
			t->cloud == CLOUD_AWS ? "customer gateway at AWS" : "local network gateway at Azure");
	for (size_t i = 0; i < ARRAY_SIZE(reserved_as); i++) {
		const struct reserved_as *r = &reserved_as[i];
		if (t->bgp.local_as < r->from || t->bgp.local_as > r->to)
			continue;
		bool hard = r->cloud < 0 || has_cloud(l->conf, r->cloud);
		todo(found(l, t, "bgp.local-as", hard ? FINDING_ERROR : FINDING_WARNING, "asn", "%u is not for us: %s",
			     t->bgp.local_as, r->why),
			SIDE_BOTH, "take a private one, 64512 to 65514 or 4200000000 to 4294967294, here and at the peer");
	}
}

/* ---------------------------------------------------------------- who dials, sizes */
static void habits(struct lint *l, const struct tunnel_conf *t)
{
	if (t->cloud == CLOUD_AWS && t->start == START_RESPOND)
		todo(found(l, t, "start", FINDING_WARNING, "start", "AWS waits to be called unless told otherwise"), SIDE_BOTH,
			"write 'start: initiate', or set the tunnel's startup action to Start at AWS");
	if (t->cloud == CLOUD_AZURE && t->mtu > 1400)
		todo(found(l, t, "mtu", FINDING_WARNING, "mtu", "%u: Azure cuts packets at 1400 and drops fragments out of order",
			     t->mtu),
			SIDE_OURS, "leave 'mtu' out for the profile's 1400");
	if (t->cloud == CLOUD_AZURE && t->mss > 1360)
		todo(found(l, t, "mss", FINDING_WARNING, "mtu", "%d: Azure lets 1360 pass", t->mss), SIDE_OURS,
			"leave 'mss' out for the profile's 1350");
	if (t->cloud == CLOUD_AWS && t->mtu > 1446)
		todo(found(l, t, "mtu", FINDING_WARNING, "mtu",
			     "%u: AWS takes 1446 at most and answers larger packets with silence", t->mtu),
			SIDE_OURS, "leave 'mtu' out: auto computes what fits");
	if (t->cloud == CLOUD_AWS && t->mss > 1406)
		todo(found(l, t, "mss", FINDING_WARNING, "mtu", "%d: AWS takes 1406 at most", t->mss), SIDE_OURS,
			"leave 'mss' out: auto computes what fits");
}

void lint_cloud(struct lint *l, const struct tunnel_conf *t)
{
	static void (*const rules[])(
		struct lint * l, const struct tunnel_conf *t) = { proposals, group_two, lifetimes, psk, inside, habits };
	as_numbers(l, t);
	for (size_t i = 0; i < ARRAY_SIZE(rules) && t->cloud != CLOUD_NONE; i++)
		rules[i](l, t);
}
