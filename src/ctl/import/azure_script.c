/*
 * azure_script.c - the header of the device configuration script ("Download configuration"): comment lines "> Key: value" and "+ Key:
 * value" in sections. What follows is for a device that is not here. Its lifetimes are the template's, so they are not taken; its
 * algorithms are taken unless they are the template's own, which mean the default policy.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "azure.h"

/* Label under the last '>' line; "" is that line itself. Both are compared by how they begin. */
#define SCRIPT_LIST(X) \
	X(SCRIPT_NAME, "connection name", "") \
	X(SCRIPT_GATEWAY, "vpn gateway name", "") \
	X(SCRIPT_OUR_ADDRESS, "on-premises vpn ip", "") \
	X(SCRIPT_VERSION, "ike version", "") \
	X(SCRIPT_IKE_ENCR, "ike version", "encryption") \
	X(SCRIPT_IKE_INTEG, "ike version", "integrity") \
	X(SCRIPT_DH, "ike version", "diffie-hellman") \
	X(SCRIPT_PSK, "ike version", "pre-shared key") \
	X(SCRIPT_SELECTORS, "ike version", "usepolicybasedts") \
	X(SCRIPT_ESP_ENCR, "ipsec", "encryption") \
	X(SCRIPT_ESP_INTEG, "ipsec", "integrity") \
	X(SCRIPT_PFS, "ipsec", "pfs") \
	X(SCRIPT_BGP, "azure virtual network", "enable bgp") \
	X(SCRIPT_ASN, "azure virtual network", "azure bgp asn") \
	X(SCRIPT_OUR_ASN, "on-premises network", "on premises bgp asn") \
	X(SCRIPT_OUR_PEER, "on-premises network", "on premises bgp ip")

enum script_fact {
#define X(fact, group, label) fact,
	SCRIPT_LIST(X)
#undef X
		SCRIPT_FACTS
};

static const struct {
	const char *group, *label;
	enum script_fact fact;
} rows[] = {
#define X(fact, group, label) { group, label, fact },
	SCRIPT_LIST(X)
#undef X
		{ "on-premises network", "on-premises bgp asn", SCRIPT_OUR_ASN }, /* the other spelling */
	{ "on-premises network", "on-premises bgp ip", SCRIPT_OUR_PEER },         /* the other spelling */
};

struct reading {
	struct azure *a;
	const struct import_doc *doc;
	const char *file, *group;
	struct azure_site *site;
	const char *v[SCRIPT_FACTS], *from[SCRIPT_FACTS];
	const char *peers[AZURE_INSTANCES];
	unsigned line, n_peers, known;
};

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* "10.0.0.0/16, prefix:10.0.0.0, netmask:..." */
static const char *first_word(struct reading *r, const char *value)
{
	return import_copy(r->a->p, value, strcspn(value, ", \t"));
}

static bool take_prefix(struct reading *r, const char *value)
{
	struct azure_site *s = r->site;
	const char *word = first_word(r, value);
	if (begins(r->group, "virtual network address space"))
		return azure_prefix(r->a->p, r->file, s->routes, &s->n_routes, IMPORT_PREFIXES, word);
	if (begins(r->group, "on-premises address prefixes"))
		return azure_prefix(r->a->p, r->file, s->ours, &s->n_ours, IMPORT_PREFIXES, word);
	return true;
}

static bool take_item(struct reading *r, const struct label *l)
{
	const char *from = import_text(r->a->p, "%s:%u %s", r->file, r->line, l->label), *label = l->mark == '>' ? "" : l->label;
	if (l->mark == '>')
		r->group = l->label;
	if (r->group == NULL || l->value == NULL || l->value[0] == 0)
		return true;
	if (begins(r->group, "public ip address") && begins(label, "public ip"))
		return azure_instance_add(r->a->p, r->site, l->value, from) != NULL || r->a->p->refusal == NULL;
	if (strcmp(label, "cidr") == 0)
		return take_prefix(r, l->value);
	if (begins(r->group, "azure virtual network") && begins(label, "azure bgp ip")) {
		if (r->n_peers < AZURE_INSTANCES)
			r->peers[r->n_peers++] = first_word(r, l->value);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool mine = begins(r->group, rows[i].group) &&
			    (rows[i].label[0] == 0 ? label[0] == 0 : begins(label, rows[i].label));
		if (!mine || r->v[rows[i].fact] != NULL)
			continue;
		r->v[rows[i].fact] = l->value;
		r->from[rows[i].fact] = from;
		r->known++;
		break;
	}
	return true;
}

/* --- algorithms, as devices spell them --- */
static const char *cipher_word(struct reading *r, const char *text)
{
	static const char *const sizes[] = { "256", "192", "128" };
	bool gcm = text != NULL && strcasestr(text, "gcm") != NULL;
	if (text == NULL)
		return NULL;
	if (strcasestr(text, "3des") != NULL || strcasestr(text, "des3") != NULL)
		return "DES3";
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (strstr(text, sizes[i]) != NULL)
			return import_text(r->a->p, "%sAES%s", gcm ? "GCM" : "", sizes[i]);
	return gcm ? "GCMAES128" : strcasestr(text, "aes") != NULL ? "AES128" : text;
}

static const char *hash_word(const char *text)
{
	static const struct {
		const char *part, *word;
	} hashes[] = { { "384", "SHA384" }, { "256", "SHA256" }, { "md5", "MD5" }, { "sha", "SHA1" } };
	for (size_t i = 0; text != NULL && i < ARRAY_SIZE(hashes); i++)
		if (strcasestr(text, hashes[i].part) != NULL)
			return hashes[i].word;
	return text;
}

static const char *group_word(struct reading *r, const char *text, const char *prefix)
{
	const char *digits = text != NULL ? text + strcspn(text, "0123456789") : "";
	unsigned long n = strtoul(digits, NULL, 10);
	if (text == NULL || strcasestr(text, "none") != NULL)
		return "None";
	if (n == 19 || n == 20 || n == 256 || n == 384)
		return n == 19 || n == 256 ? "ECP256" : "ECP384";
	if (n == 14 || n == 2048)
		return import_text(r->a->p, "%s2048", prefix);
	return n > 0 ? import_text(r->a->p, "%s%lu", prefix, n) : text;
}

static bool same(const char *a, const char *b) { return a != NULL && strcasecmp(a, b) == 0; }

static bool take_policy(struct reading *r)
{
	struct azure_words w = { cipher_word(r, r->v[SCRIPT_IKE_ENCR]), hash_word(r->v[SCRIPT_IKE_INTEG]),
		group_word(r, r->v[SCRIPT_DH], "DHGroup"), cipher_word(r, r->v[SCRIPT_ESP_ENCR]),
		hash_word(r->v[SCRIPT_ESP_INTEG]), group_word(r, r->v[SCRIPT_PFS], "PFS") };
	bool template = same(w.ike_encryption, "AES256") && same(w.ike_integrity, "SHA1") && same(w.dh, "DHGroup2") &&
			same(w.esp_encryption, "GCMAES256") && same(w.pfs, "None");
	if (w.ike_encryption == NULL || w.esp_encryption == NULL || r->v[SCRIPT_DH] == NULL)
		return import_refuse(
			r->a->p, "%s is cut off: section [2] IPsec/IKE parameters is not whole. Download it again", r->file);
	if (!template)
		return azure_proposals(r->a->p, r->site, &w, import_text(r->a->p, "%s: section [2]", r->file));
	r->site->policy = POLICY_DEFAULT;
	return true;
}

static void take_bgp(struct reading *r)
{
	struct azure_site *s = r->site;
	s->bgp = same(r->v[SCRIPT_BGP], "true");
	s->asn = r->v[SCRIPT_ASN];
	s->our_asn = r->v[SCRIPT_OUR_ASN];
	s->our_peer = r->v[SCRIPT_OUR_PEER];
	s->asn_from = s->our_asn_from = s->our_peer_from = import_text(r->a->p, "%s: section [3]", r->file);
	for (unsigned i = 0; i < s->n && i < r->n_peers; i++) {
		s->v[i].peer = r->peers[i];
		s->v[i].peer_from = s->asn_from;
	}
}

static bool make_site(struct reading *r)
{
	struct azure_site *s = r->site;
	if (r->known < 3 &&
		!doc_named(r->a->p, r->doc, "az network vpn-connection show -g GROUP -n NAME -o json > connection.json"))
		return false;
	if (r->known < 3)
		return import_refuse(r->a->p,
			"%s is not one of: JSON of Azure (connection, gateways, shared key, VNet, Virtual WAN site), device configuration script "
			"with its comment header",
			r->file);
	if (s->n == 0)
		return import_refuse(r->a->p, "%s: 'Public IP addresses' is missing: download the script again", r->file);
	if (r->v[SCRIPT_VERSION] != NULL && strcasestr(r->v[SCRIPT_VERSION], "ikev1") != NULL)
		return import_refuse(r->a->p,
			"%s: the connection speaks IKEv1, which s2sd does not: make it again at Azure with connectionProtocol IKEv2 on a RouteBased gateway",
			r->file);
	s->name = r->v[SCRIPT_NAME] != NULL ? r->v[SCRIPT_NAME] : "azure";
	s->gateway = r->v[SCRIPT_GATEWAY];
	s->local_id = r->v[SCRIPT_OUR_ADDRESS];
	s->local_id_from = r->from[SCRIPT_OUR_ADDRESS];
	s->psk = r->v[SCRIPT_PSK];
	s->psk_from = r->from[SCRIPT_PSK];
	s->routes_from = import_text(r->a->p, "%s: virtual network address space", r->file);
	if (!take_policy(r))
		return false;
	take_bgp(r);
	import_note(r->a->p, NOTE_ASSUMED, "%s: its lifetimes are the script's, not Azure's: taken are 27000 s and 102400000 KB",
		r->file);
	if (same(r->v[SCRIPT_SELECTORS], "true") && !azure_policy_based(r->a->p, s, r->from[SCRIPT_SELECTORS]))
		return false;
	return azure_settings(r->a->p, s);
}

bool azure_script(struct azure *a, const struct import_doc *d)
{
	struct azure_site site = { .file = d->name };
	struct reading r = { .a = a, .doc = d, .file = d->name, .site = &site };
	struct lines lines = { d->text, d->text + d->len, 0 };
	struct label label;
	bool good = true;
	a->sites = true;
	while (good && a->p->refusal == NULL && line_next(a->p, &lines, "!#;*/", &label)) {
		r.line = lines.number;
		good = (label.mark != '>' && label.mark != '+') || take_item(&r, &label);
	}
	return good && a->p->refusal == NULL && make_site(&r);
}
