/* azure_wan.c - the configuration that Virtual WAN hands out for a VPN site: all in one object, one member of vpnSiteConnections per hub.
 * It does not say which IPsec policy is in force. */
#include <string.h>
#include <strings.h>

#include "azure.h"
#include "base/util.h"

static const char *instance_words(struct azure *a, const json_t *o, const char *key)
{
	const char *words = doc_words(a->p, o, key);
	return words != NULL ? import_copy(a->p, words, strcspn(words, " ")) : NULL; /* the first of a list */
}

static bool take_instance(struct azure *a, const json_t *gateway, const char *key, struct azure_site *s)
{
	const json_t *bgp = doc_member(gateway, "BgpSetting");
	const char *remote = doc_words(a->p, doc_member(gateway, "IpAddresses"), key);
	const char *custom = instance_words(a, doc_member(bgp, "CustomBgpPeeringAddresses"), key);
	bool apipa = s->our_peer != NULL && strncmp(s->our_peer, "169.254.", 8) == 0;
	if (remote == NULL || s->n == AZURE_INSTANCES)
		return true;
	struct azure_instance *in = &s->v[s->n++];
	*in = (struct azure_instance){ .remote = remote, .remote_from = import_text(a->p, "%s: IpAddresses.%s", s->file, key) };
	bool use_custom = apipa && custom != NULL;
	in->peer = use_custom ? custom : instance_words(a, doc_member(bgp, "BgpPeeringAddresses"), key);
	in->peer_from = import_text(a->p, "%s: %sBgpPeeringAddresses.%s", s->file, use_custom ? "Custom" : "", key);
	return true;
}

static bool take_hub(struct azure *a, const json_t *hub, struct azure_site *s)
{
	const char *space = doc_words(a->p, hub, "AddressSpace");
	s->routes_from = import_text(a->p, "%s: hubConfiguration", s->file);
	if (space != NULL && !azure_prefix(a->p, s->file, s->routes, &s->n_routes, IMPORT_PREFIXES, space))
		return false;
	return azure_prefixes(a->p, s->file, s->routes, &s->n_routes, IMPORT_PREFIXES, doc_member(hub, "ConnectedSubnets"));
}

/* The site's own BGP setting, where the file has one. */
static void take_site(struct azure *a, const json_t *site, struct azure_site *s)
{
	const json_t *bgp = doc_member(site, "BgpSetting");
	s->local_id = doc_words(a->p, site, "IPAddress");
	s->local_id_from = import_text(a->p, "%s: vpnSiteConfiguration.IPAddress", s->file);
	s->our_asn = doc_words(a->p, bgp, "Asn");
	s->our_peer = doc_words(a->p, bgp, "BgpPeeringAddress");
	s->our_asn_from = s->our_peer_from = import_text(a->p, "%s: vpnSiteConfiguration.BgpSetting", s->file);
}

/* --- what the connection of the hub's VPN gateway says beside: the policy in force, above all --- */
static bool last_is(const char *id, const char *name)
{
	const char *slash = id != NULL ? strrchr(id, '/') : NULL;
	return slash != NULL && name != NULL && strcasecmp(slash + 1, name) == 0;
}

static const json_t *inner_of(const json_t *o)
{
	const json_t *inner = doc_member(o, "properties");
	return json_is_object(inner) ? inner : o;
}

/* The link of this row of the site's file; NULL: it cannot be told. */
static const json_t *link_of(struct azure *a, const struct azure_object *c, const char *link)
{
	const json_t *list = azure_member(c, "vpnLinkConnections"), *v;
	size_t i;
	json_array_foreach (list, i, v)
		if (link != NULL && last_is(doc_words(a->p, doc_member(inner_of(v), "vpnSiteLink"), "id"), link))
			return v;
	return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
}

/* Of several, one per hub, which is not told, those that say the same are one. */
static const json_t *find_link(struct azure *a, const char *site, const char *name, const struct azure_object **connection)
{
	const json_t *found = NULL;
	for (const struct azure_object *o = a->first; o != NULL; o = o->next) {
		if (o->kind != AZURE_WAN || !last_is(doc_words(a->p, azure_member(o, "remoteVpnSite"), "id"), site))
			continue;
		const json_t *link = link_of(a, o, name);
		bool other = found != NULL && (link == NULL || !json_equal(doc_member(inner_of(found), "ipsecPolicies"),
								       doc_member(inner_of(link), "ipsecPolicies")));
		if (other || link == NULL) {
			import_note(a->p, NOTE_WARNING,
				"%s: which of its links or hubs is which of site '%s' cannot be told: its policy is not taken",
				o->file, site);
			return NULL;
		}
		found = link;
		*connection = o;
	}
	return found;
}

static bool take_link(struct azure *a, const char *site, struct azure_site *s)
{
	const struct azure_object *c = NULL;
	const json_t *link = find_link(a, site, s->more, &c);
	if (link == NULL)
		return true;
	struct azure_object o = { .kind = AZURE_WAN, .top = link, .properties = inner_of(link), .file = c->file };
	const char *protocol = azure_words(a, &o, "vpnConnectionProtocolType");
	if (protocol != NULL && strcasecmp(protocol, "IKEv2") != 0)
		return import_refuse(a->p,
			"%s: the connection of site '%s' speaks %s, s2sd IKEv2 only: set the protocol of its link to IKEv2 at Azure",
			c->file, site, protocol);
	s->group = azure_part(a, c->id, "resourceGroups");
	s->gateway = azure_part(a, c->id, "vpnGateways");
	s->connection = c->name;
	s->policy = POLICY_DEFAULT;
	if (s->psk == NULL && azure_words(a, &o, "sharedKey") != NULL) {
		s->psk = azure_words(a, &o, "sharedKey");
		s->psk_from = import_text(a->p, "%s: sharedKey", c->file);
	}
	azure_take_mode(a, &o, "vpnLinkConnectionMode", s);
	return azure_nat(a, &o, NULL, s) && azure_take_policy(a, &o, s) && azure_selectors(a, &o, s);
}

static bool take_connection(struct azure *a, const json_t *site, const char *name, const json_t *c, struct azure_site *s)
{
	const char *file = s->file;
	const json_t *gateway = doc_member(c, "gatewayConfiguration"), *conn = doc_member(c, "connectionConfiguration");
	const json_t *ipsec = doc_member(conn, "IPsecParameters");
	s->psk = doc_words(a->p, conn, "PSK");
	s->psk_from = import_text(a->p, "%s: PSK", file);
	s->bgp = doc_yes(conn, "IsBgpEnabled");
	s->seconds = doc_words(a->p, ipsec, "SALifeTimeInSeconds");
	s->kilobytes = doc_words(a->p, ipsec, "SADataSizeInKilobytes");
	s->seconds_from = s->kilobytes_from = import_text(a->p, "%s: IPsecParameters", file);
	s->asn = doc_words(a->p, doc_member(gateway, "BgpSetting"), "Asn");
	s->asn_from = import_text(a->p, "%s: BgpSetting.Asn", file);
	take_site(a, site, s);
	if (!take_hub(a, doc_member(c, "hubConfiguration"), s) || !take_instance(a, gateway, "Instance0", s) ||
		!take_instance(a, gateway, "Instance1", s))
		return false;
	if (s->n == 0)
		return import_refuse(a->p,
			"%s: site '%s': gatewayConfiguration has no IpAddresses: the hub's gateway is not ready, or the file is cut. Download it again",
			file, s->name);
	/* BGP without our side of it: the networks that the file names serve as static routes meanwhile. */
	if (s->bgp && (s->our_asn == NULL || s->our_peer == NULL)) {
		import_note(a->p, NOTE_WARNING,
			"%s: BGP is on, but the file has no AS number and BGP address of the site: its networks become static routes",
			file);
		s->bgp = false;
	}
	return take_link(a, name, s) && azure_settings(a->p, s);
}

static bool is_wanted(struct azure *a, const json_t *site, const char *name, const struct azure_site *s)
{
	const char *words[] = { s->more != NULL ? import_text(a->p, "%s-%s", s->name, s->more) : s->name, s->name, name, s->more,
		doc_words(a->p, site, "IPAddress") };
	return import_wanted(a->p, words, ARRAY_SIZE(words));
}

bool azure_wan(struct azure *a, const struct azure_object *o)
{
	const json_t *site = doc_member(o->top, "vpnSiteConfiguration"), *list = doc_member(o->top, "vpnSiteConnections"), *v;
	const char *file = o->file;
	const char *name = doc_words(a->p, site, "Name");
	size_t i;
	if (name == NULL)
		name = "azure";
	size_t len = doc_trim(&name, strlen(name)); /* the portal hands out " testsite2" */
	name = import_copy(a->p, name, len);
	if (json_array_size(list) == 0) {
		struct import_mark mark = import_mark(a->p);
		import_refuse(a->p, "%s: site '%s' is connected to no hub: connect it, and download the configuration again",
			file, name);
		return import_go_on(a->p, &mark, false);
	}
	json_array_foreach (list, i, v) {
		const char *own = json_array_size(list) > 1 ? import_text(a->p, "%s-hub%zu", name, i + 1) : name;
		struct azure_site s = { .file = file,
			.name = own,
			.more = doc_words(a->p, site, "LinkName"),
			.wan = true,
			.policy = POLICY_UNKNOWN };
		struct import_mark mark = import_mark(a->p);
		if (is_wanted(a, site, name, &s) && !import_go_on(a->p, &mark, take_connection(a, site, name, v, &s)))
			return false;
	}
	return true;
}
