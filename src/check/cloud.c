/*
 * cloud.c - one tunnel against what its cloud can do: algorithms, lifetimes, keys, addresses, AS numbers. The facts are tables; they
 * follow the vendors' documents: tunnel options of AWS Site-to-Site VPN, IPsec/IKE policy and BGP of Azure VPN Gateway.
 */
#include <stdio.h>
#include <string.h>

#include "cloud/algs.h"
#include "crypto/alg.h"
#include "rules.h"

/* ---------------------------------------------------------------- algorithms */
static bool cloud_takes(enum cloud cloud, uint8_t protocol, const struct transform *t)
{
	return t->type == TRANSFORM_ESN ? t->id == ESN_NO : cloud_takes_word(cloud, protocol == PROTOCOL_ESP, transform_word(t));
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

static void list_of(struct check *c, const struct tunnel_conf *t, enum key_id key, const struct proposal *v, unsigned n)
{
	unsigned bad = 0;
	char text[PROPOSAL_TEXT];
	for (unsigned i = 0; i < n; i++)
		bad += refusal(t->cloud, &v[i]) != NULL;
	for (unsigned i = 0; i < n; i++) {
		const char *what = refusal(t->cloud, &v[i]);
		if (what != NULL)
			finding_advice(finding_add(c->out, tunnel_place(t, key),
					       bad == n ? FINDING_PROPOSALS_UNKNOWN : FINDING_PROPOSAL_UNKNOWN,
					       "%s: %s does not know %s", proposal_format(&v[i], text), name_of(t->cloud), what),
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

static void proposals(struct check *c, const struct tunnel_conf *t)
{
	char policy[POLICY_TEXT];
	list_of(c, t, KEY_IKE_PROPOSALS, t->ike, t->n_ike);
	list_of(c, t, KEY_ESP_PROPOSALS, t->esp, t->n_esp);
	if (t->esn == TRI_YES)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_ESN), FINDING_ESN_UNKNOWN,
				       "%s does not know extended sequence numbers", name_of(t->cloud)),
			"leave 'esn' out");
	/* Without group 2 the connection has a custom policy, and that one says exactly whether there is a group. */
	if (t->cloud == CLOUD_AZURE && all_pfs(t) && proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024))
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_ESP_PROPOSALS), FINDING_PFS_UNKNOWN,
				"every proposal has a group; Azure's default policy rekeys without one, and the tunnel ends at the first rekey that Azure begins"),
			"add 'aes256-sha256' as the last one, or set this policy: %s", check_policy_command(t, policy));
}

/* ---------------------------------------------------------------- DH group 2 */
static void group_two(struct check *c, const struct tunnel_conf *t)
{
	char policy[POLICY_TEXT];
	bool two = proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024) ||
		   proposals_have_group(t->esp, t->n_esp, GROUP_MODP_1024);
	enum key_id key = proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024) ? KEY_IKE_PROPOSALS : KEY_ESP_PROPOSALS;
	if (two && t->cloud == CLOUD_AWS)
		finding_advice(finding_add(c->out, tunnel_place(t, key), FINDING_GROUP_2,
				       "DH group 2 (modp1024) is within reach of a strong attacker"),
			"allow DH group 14 in the tunnel's options at AWS (Phase1DHGroupNumbers, Phase2DHGroupNumbers), then "
			"'aes256-sha256-modp2048' here without allow-weak");
	if (t->cloud != CLOUD_AZURE)
		return;
	if (two)
		finding_advice(finding_add(c->out, tunnel_place(t, key), FINDING_GROUP_2,
				       "DH group 2 (modp1024), Azure's default policy, is within reach of a strong attacker"),
			"set a custom policy: %s; then leave ike-proposals, esp-proposals and allow-weak out here",
			check_policy_command(t, policy));
	else if (t->n_ike > 0 && refusal(t->cloud, &t->ike[0]) == NULL)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_IKE_PROPOSALS), FINDING_POLICY_NEEDED,
				       "Azure's default policy knows DH group 2 alone: the connection needs a custom policy"),
			"unless it has one: %s", check_policy_command(t, policy));
}

/* ---------------------------------------------------------------- lifetimes */
#define SECONDS(ms) ((ms) / 1000)

static const struct limit {
	enum cloud cloud;
	enum key_id key;
	msec min, max; /* seconds; 0 = none. What is above AWS's maximum the loader says already */
	const char *text;
} limits[] = {
	{ CLOUD_AWS, KEY_IKE_LIFETIME, 900, 0, "AWS goes down to 900s" },
	{ CLOUD_AWS, KEY_ESP_LIFETIME, 900, 0, "AWS goes down to 900s" },
	{ CLOUD_AZURE, KEY_IKE_LIFETIME, 0, 28800, "Azure's is fixed at 28800s, and it would be the first to begin anew" },
	{ CLOUD_AZURE, KEY_ESP_LIFETIME, 300, 27000,
		"Azure's policies begin at 300s and default to 27000s; above, it rekeys first" },
};

static void lifetimes(struct check *c, const struct tunnel_conf *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct limit *m = &limits[i];
		msec s = SECONDS(m->key == KEY_IKE_LIFETIME ? t->ike_lifetime : t->esp_lifetime);
		if (m->cloud == t->cloud && (s < m->min || (m->max > 0 && s > m->max)))
			finding_advice(finding_add(c->out, tunnel_place(t, m->key), FINDING_LIFETIME_RANGE, "%llds: %s",
					       (long long)s, m->text),
				"leave '%s' out for the profile's value, or set the same at %s", tunnel_conf_key(m->key),
				name_of(t->cloud));
	}
	if (t->cloud == CLOUD_AZURE && (t->esp_lifetime_bytes == 0 || t->esp_lifetime_bytes / 1024 > 102400000))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_ESP_LIFETIME_BYTES), FINDING_LIFETIME_RANGE,
				       "Azure rekeys after 102400000 KB unless its policy says more, and would do so before us"),
			"leave 'esp-lifetime-bytes' out for the profile's value");
}

/* ---------------------------------------------------------------- keys */
/* Letters, digits and signs, but none of these three. The rest of the alphabet and the length are the loader's to judge. */
static void psk(struct check *c, const struct tunnel_conf *t)
{
	if (t->psk == NULL || t->cloud != CLOUD_AZURE)
		return;
	for (size_t i = 0; i < t->psk->len; i++)
		if (t->psk->data[i] == ' ' || t->psk->data[i] == '-' || t->psk->data[i] == '~') {
			finding_advice(
				finding_add(c->out, tunnel_place(t, tunnel_key_line(t, KEY_PSK) > 0 ? KEY_PSK : KEY_PSK_FILE),
					FINDING_KEY_SIGNS,
					"this key cannot be one of Azure: it takes no space, no hyphen and no tilde"),
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

static void aws_inside(struct check *c, const struct tunnel_conf *t, const struct prefix *p)
{
	char text[ADDR_TEXT];
	bool v6 = p->addr.family == AF_INET6;
	const char *taken = aws_reserved(p);
	prefix_format(p, text);
	if (v6 ? !within("fd00::/8", &p->addr) : !is_apipa(&p->addr))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_RANGE,
				       "%s: AWS's inside networks lie in %s", text, v6 ? "fd00::/8" : "169.254.0.0/16"),
			"write the Customer Gateway's inside address of AWS's file");
	else if (!v6 && taken != NULL)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_RESERVED,
				       "%s: AWS keeps %s for itself", text, taken),
			"give the tunnel another TunnelInsideCidr at AWS, and write its second address here");
	else if (p->len != (v6 ? 126 : 30))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_RANGE,
				       "%s: AWS's inside networks are /%u", text, v6 ? 126 : 30),
			"write the address with /%u", v6 ? 126 : 30);
	else if ((p->addr.ip[v6 ? 15 : 3] & 3) == 1)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_FIRST,
				       "%s: AWS takes the first address of the network for itself", text),
			"write the second one");
}

static void azure_inside(struct check *c, const struct tunnel_conf *t, enum key_id key, const struct addr *a)
{
	char text[ADDR_TEXT];
	if (!is_apipa(a) || azure_apipa(a))
		return;
	finding_advice(finding_add(c->out, tunnel_place(t, key), FINDING_INSIDE_RESERVED,
			       "%s: of 169.254.0.0/16 Azure takes 169.254.21.0 to 169.254.22.255 alone", addr_format(a, text)),
		"choose an address of that range for BGP at Azure (custom APIPA), and its counterpart here");
}

static void inside(struct check *c, const struct tunnel_conf *t)
{
	for (unsigned i = 0; i < t->n_inside && t->cloud == CLOUD_AWS; i++)
		aws_inside(c, t, &t->inside[i]);
	for (unsigned i = 0; i < t->n_inside && t->cloud == CLOUD_AZURE; i++)
		azure_inside(c, t, KEY_INSIDE, &t->inside[i].addr);
	if (t->bgp.set && t->cloud == CLOUD_AZURE)
		azure_inside(c, t, KEY_BGP_PEER, &t->bgp.peer);
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

static void as_numbers(struct check *c, const struct tunnel_conf *t)
{
	if (!t->bgp.set)
		return;
	if (t->bgp.local_as == t->bgp.peer_as && t->cloud != CLOUD_NONE)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_BGP_LOCAL_AS), FINDING_AS_SAME,
				"%u is the cloud's as well; both clouds speak BGP only between different AS", t->bgp.local_as),
			"take another one, for example 65010, here and in the %s",
			t->cloud == CLOUD_AWS ? "customer gateway at AWS" : "local network gateway at Azure");
	for (size_t i = 0; i < ARRAY_SIZE(reserved_as); i++) {
		const struct reserved_as *r = &reserved_as[i];
		if (t->bgp.local_as < r->from || t->bgp.local_as > r->to)
			continue;
		bool hard = r->cloud < 0 || has_cloud(c->conf, r->cloud);
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_LOCAL_AS),
				       hard ? FINDING_AS_RESERVED : FINDING_AS_RESERVED_ELSEWHERE, "%u is not for us: %s",
				       t->bgp.local_as, r->why),
			"take a private one, 64512 to 65514 or 4200000000 to 4294967294, here and at the peer");
	}
}

/* ---------------------------------------------------------------- who dials, sizes */
static void habits(struct check *c, const struct tunnel_conf *t)
{
	if (t->cloud == CLOUD_AWS && t->start == START_RESPOND)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_START), FINDING_NOBODY_INITIATES,
				       "AWS waits to be called unless told otherwise"),
			"write 'start: initiate', or set the tunnel's startup action to Start at AWS");
	if (t->cloud == CLOUD_AZURE && t->mtu > 1400)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_MTU), FINDING_SIZE_CLOUD,
				       "%u: Azure cuts packets at 1400 and drops fragments out of order", t->mtu),
			"leave 'mtu' out for the profile's 1400");
	if (t->cloud == CLOUD_AZURE && t->mss > 1360)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_MSS), FINDING_SIZE_CLOUD, "%d: Azure lets 1360 pass", t->mss),
			"leave 'mss' out for the profile's 1350");
	if (t->cloud == CLOUD_AWS && t->mtu > 1446)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_MTU), FINDING_SIZE_CLOUD,
				       "%u: AWS takes 1446 at most and answers larger packets with silence", t->mtu),
			"leave 'mtu' out: auto computes what fits");
	if (t->cloud == CLOUD_AWS && t->mss > 1406)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_MSS), FINDING_SIZE_CLOUD, "%d: AWS takes 1406 at most", t->mss),
			"leave 'mss' out: auto computes what fits");
}

void check_cloud(struct check *c, const struct tunnel_conf *t)
{
	static void (*const rules[])(
		struct check * c, const struct tunnel_conf *t) = { proposals, group_two, lifetimes, psk, inside, habits };
	as_numbers(c, t);
	for (size_t i = 0; i < ARRAY_SIZE(rules) && t->cloud != CLOUD_NONE; i++)
		rules[i](c, t);
}
