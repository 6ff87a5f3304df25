/* azure_join.c - a connection with the objects that it names by id becomes a site. What is missing is named, with the command that
 * prints it. */
#include <string.h>
#include <strings.h>

#include "azure.h"
#include "base/util.h"

/* --- finding each other --- */
static const char *last_part(const char *id)
{
	const char *slash = strrchr(id, '/');
	return slash != NULL ? slash + 1 : id;
}

static struct azure_object *find(struct azure *a, enum azure_kind kind, const char *id)
{
	for (struct azure_object *o = a->first; o != NULL; o = o->next) {
		if (o->kind != kind || id == NULL)
			continue;
		if (o->id != NULL ? strcasecmp(o->id, id) == 0 : o->name != NULL && strcasecmp(o->name, last_part(id)) == 0)
			return o;
	}
	return NULL;
}

static unsigned count(const struct azure *a, enum azure_kind kind)
{
	unsigned n = 0;
	for (const struct azure_object *o = a->first; o != NULL; o = o->next)
		n += o->kind == kind && !o->left;
	return n;
}

static const struct azure_object *the_only(const struct azure *a, enum azure_kind kind)
{
	for (const struct azure_object *o = a->first; o != NULL; o = o->next)
		if (o->kind == kind)
			return o;
	return NULL;
}

/* The gateway that the connection names as `key`; NULL: refused. */
static const struct azure_object *partner(struct azure *a, const struct azure_object *c, enum azure_kind kind, const char *key)
{
	const char *what = kind == AZURE_GATEWAY ? "virtual network gateway" : "local network gateway";
	const char *command = kind == AZURE_GATEWAY ? "vnet-gateway" : "local-gateway";
	const json_t *ref = azure_member(c, key);
	const char *id = doc_words(a->p, ref, "id"), *group = azure_part(a, id, "resourceGroups");
	const struct azure_object *o = find(a, kind, id);
	if (o != NULL)
		return o;
	if (id == NULL && count(a, kind) == 1)
		return the_only(a, kind);
	if (id == NULL) {
		import_refuse(a->p, "%s: connection '%s' does not say its %s (%s)", c->file, c->name, what, key);
		return NULL;
	}
	const struct azure_object *other = the_only(a, kind);
	const char *given = other != NULL && other->name != NULL ? other->name : "";
	/* In another resource group or subscription there may be one of that name. */
	bool namesake = other != NULL && other->id != NULL && strcasecmp(given, last_part(id)) == 0;
	import_refuse(a->p,
		"%s: connection '%s' uses the %s '%s', and %s%s%s. Give the file that this writes, too: az network %s show -g %s -n %s -o json > %s.json",
		c->file, c->name, what, namesake ? id : last_part(id), other != NULL ? "the one given is '" : "no file holds it",
		namesake ? other->id : given, other != NULL ? "'" : "", command, group != NULL ? group : "GROUP", last_part(id),
		command);
	return NULL;
}

/* --- the key: in the connection (old files), or in a file of its own that may tell whose it is --- */
static bool key_is_of(const struct azure_object *key, const struct azure_object *c)
{
	size_t n = c->id != NULL ? strlen(c->id) : 0;
	return key->id != NULL && n > 0 && strncasecmp(key->id, c->id, n) == 0 && (key->id[n] == 0 || key->id[n] == '/');
}

/* outboundAuthCertificate is where Azure's own certificate lies: https://VAULT.vault.azure.net/certificates/NAME/VERSION. */
static bool take_certificate(struct azure *a, const struct azure_object *c, struct azure_site *s)
{
	static const char folder[] = "/certificates/";
	const json_t *o = azure_member(c, "certificateAuthentication");
	const char *url = doc_words(a->p, o, "outboundAuthCertificate"), *name = url != NULL ? strcasestr(url, folder) : NULL;
	size_t n = name != NULL ? strcspn(name + sizeof folder - 1, "/") : 0;
	s->certified = true;
	s->our_subject = doc_words(a->p, o, "inboundAuthCertificateSubjectName");
	if (n == 0)
		return import_refuse(a->p,
			"%s: connection '%s' authenticates by certificates, and the file does not say which (certificateAuthentication, "
			"outboundAuthCertificate): give what this prints: az network vpn-connection show -g %s -n %s -o json",
			c->file, s->name, s->group != NULL ? s->group : "GROUP", s->name);
	s->vault_url = url;
	s->vault_name = import_copy(a->p, name + sizeof folder - 1, n);
	s->vault_from = import_text(a->p, "%s: outboundAuthCertificate, taken as its subject", c->file);
	return true;
}

static bool take_key(struct azure *a, const struct azure_object *c, struct azure_site *s)
{
	const char *auth = azure_words(a, c, "authenticationType");
	if (auth != NULL && strcasecmp(auth, "Certificate") == 0)
		return take_certificate(a, c, s);
	const struct azure_object *found = NULL;
	unsigned nameless = 0;
	s->psk = azure_words(a, c, "sharedKey");
	s->psk_from = import_text(a->p, "%s: sharedKey", c->file);
	for (const struct azure_object *o = a->first; o != NULL; o = o->next) {
		if (o->kind != AZURE_KEY || (o->id != NULL && !key_is_of(o, c)))
			continue;
		nameless += o->id == NULL;
		found = o;
	}
	if (found == NULL)
		return true;
	if (nameless > 1 || (nameless == 1 && count(a, AZURE_CONNECTION) > 1))
		return import_refuse(a->p,
			"%s: the file does not name the connection of this key, and there are several: choose one with --only NAME",
			found->file);
	const char *value = azure_words(a, found, "value");
	bool masked = s->psk != NULL && s->psk[strspn(s->psk, "*")] == 0;
	if (s->psk != NULL && !masked && value != NULL && strcmp(value, s->psk) != 0)
		return import_refuse(a->p, "%s and %s do not have the same pre-shared key for '%s': fetch both again", c->file,
			found->file, s->name);
	s->psk = value;
	s->psk_from = import_text(a->p, "%s: value", found->file);
	return true;
}

/* --- kinds of connection that end the import --- */
static bool is(const char *word, const char *wanted) { return word != NULL && strcasecmp(word, wanted) == 0; }

static bool connection_fits(struct azure *a, const struct azure_object *c)
{
	const char *type = azure_words(a, c, "connectionType"), *protocol = azure_words(a, c, "connectionProtocol");
	const char *auth = azure_words(a, c, "authenticationType");
	if (is(type, "ExpressRoute"))
		return import_refuse(a->p,
			"%s: '%s' is an ExpressRoute circuit, which has no IPsec: make a connection of type IPsec (Site-to-site)",
			c->file, c->name);
	if (type != NULL && !is(type, "IPsec"))
		return import_refuse(a->p,
			"%s: '%s' is a connection of type %s: make one of type IPsec (Site-to-site) to a local network gateway",
			c->file, c->name, type);
	if (is(protocol, "IKEv1"))
		return import_refuse(a->p,
			"%s: '%s' speaks IKEv1, which s2sd does not: Azure sets the protocol when a connection is made, so delete it and make it again with "
			"connectionProtocol IKEv2",
			c->file, c->name);
	if (protocol != NULL && !is(protocol, "IKEv2"))
		return import_refuse(
			a->p, "%s: '%s' has the connectionProtocol '%s', which is not known here", c->file, c->name, protocol);
	if (auth != NULL && !is(auth, "PSK") && !is(auth, "Certificate"))
		return import_refuse(a->p, "%s: '%s' has the authenticationType '%s', which is not known here: set PSK at Azure",
			c->file, c->name, auth);
	return true;
}

static bool gateway_fits(struct azure *a, const struct azure_object *g)
{
	const char *type = azure_words(a, g, "gatewayType"), *vpn = azure_words(a, g, "vpnType");
	if (is(type, "ExpressRoute"))
		return import_refuse(a->p,
			"%s: '%s' is an ExpressRoute gateway, which has no IPsec: make a gateway of type Vpn, RouteBased",
			g->file, g->name);
	if (is(vpn, "PolicyBased"))
		return import_refuse(a->p,
			"%s: '%s' is a PolicyBased gateway, which speaks IKEv1 only: Azure cannot change that, so delete it and make it again with vpnType "
			"RouteBased",
			g->file, g->name);
	return true;
}

/* --- instances --- */
static bool has_private(const char *text)
{
	struct addr a;
	return addr_parse(&a, text) && addr_is_private(&a);
}

/* Of a public and a private address the one that the connection uses. */
static const char *tunnel_address(struct azure *a, const json_t *list, bool local)
{
	const char *best = NULL;
	const json_t *v;
	size_t i;
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v);
		if (text != NULL && (best == NULL || has_private(text) == local))
			best = best == NULL || has_private(best) != local ? text : best;
	}
	return best != NULL ? import_text(a->p, "%s", best) : NULL;
}

static bool same_id(const json_t *x, const json_t *y)
{
	const char *a = json_string_value(x), *b = json_string_value(y);
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

/* The custom BGP address of the connection for this instance. */
static const char *custom_peer(struct azure *a, const struct azure_object *c, const json_t *instance)
{
	const json_t *list = azure_member(c, "gatewayCustomBgpIpAddresses"), *v;
	size_t i;
	json_array_foreach (list, i, v)
		if (same_id(doc_member(v, "ipConfigurationId"), doc_member(instance, "ipconfigurationId")))
			return doc_words(a->p, v, "customBgpIpAddress");
	return NULL;
}

/* With an APIPA address on our side Azure takes its own custom APIPA addresses: the one in our /30 if there is one. */
static const char *apipa_peer(struct azure *a, const struct azure_site *s, const json_t *instance)
{
	const json_t *list = doc_member(instance, "customBgpIpAddresses"), *v;
	const char *first = NULL;
	struct prefix ours;
	struct addr addr;
	size_t i;
	if (s->our_peer == NULL || strncmp(s->our_peer, "169.254.", 8) != 0 ||
		!prefix_parse(&ours, import_text(a->p, "%s/30", s->our_peer)))
		return NULL;
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v);
		if (text == NULL || !addr_parse(&addr, text))
			continue;
		if (first == NULL || prefix_contains(&ours, &addr))
			first = text;
	}
	return first != NULL ? import_text(a->p, "%s", first) : NULL;
}

static void take_peer(struct azure *a, const struct azure_object *c, const struct azure_object *g, const json_t *instance,
	const struct azure_site *s, struct azure_instance *in)
{
	const json_t *defaults = doc_member(instance, "defaultBgpIpAddresses");
	in->peer = custom_peer(a, c, instance);
	in->peer_from = import_text(a->p, "%s: gatewayCustomBgpIpAddresses", c->file);
	if (in->peer != NULL)
		return;
	in->peer = apipa_peer(a, s, instance);
	in->peer_from = import_text(a->p, "%s: customBgpIpAddresses", g->file);
	if (in->peer != NULL)
		return;
	const char *text = json_string_value(json_array_get(defaults, 0));
	in->peer = text != NULL ? import_text(a->p, "%s", text) : NULL;
	in->peer_from = import_text(a->p, "%s: defaultBgpIpAddresses", g->file);
}

static bool take_instance(
	struct azure *a, const struct azure_object *c, const struct azure_object *g, const json_t *instance, struct azure_site *s)
{
	bool local = doc_yes(c->properties, "useLocalAzureIpAddress");
	const char *remote = tunnel_address(a, doc_member(instance, "tunnelIpAddresses"), local);
	if (remote == NULL)
		return true;
	struct azure_instance *in = azure_instance_add(a->p, s, remote, import_text(a->p, "%s: tunnelIpAddresses", g->file));
	if (in != NULL && s->bgp)
		take_peer(a, c, g, instance, s, in);
	return a->p->refusal == NULL;
}

/* Without tunnelIpAddresses: the public address objects that the gateway names. */
static bool take_addresses(struct azure *a, const struct azure_object *g, struct azure_site *s)
{
	const json_t *list = azure_member(g, "ipConfigurations"), *v;
	const char *missing = NULL, *group = NULL;
	size_t i;
	json_array_foreach (list, i, v) {
		const json_t *inner = doc_member(v, "properties"),
			     *ref = doc_member(inner != NULL ? inner : v, "publicIPAddress");
		const char *id = doc_words(a->p, ref, "id");
		const struct azure_object *o = find(a, AZURE_ADDRESS, id);
		const char *text = o != NULL ? azure_words(a, o, "ipAddress") : NULL;
		if (text != NULL && s->n < AZURE_INSTANCES)
			s->v[s->n++] = (struct azure_instance){ .remote = text,
				.remote_from = import_text(a->p, "%s: ipAddress", o->file) };
		missing = text == NULL && id != NULL ? id : missing;
	}
	group = azure_part(a, missing, "resourceGroups");
	if (missing == NULL && s->n > 0)
		return true;
	return import_refuse(a->p,
		"%s: gateway '%s' does not say its public address (tunnelIpAddresses). Give the file that this writes, too: "
		"az network public-ip show -g %s -n %s -o json > address.json",
		g->file, g->name, group != NULL ? group : "GROUP", missing != NULL ? last_part(missing) : "NAME");
}

/* High bandwidth tunnels: the connection itself has the addresses, private ones, and each is a tunnel. */
static bool take_properties(struct azure *a, const struct azure_object *c, struct azure_site *s)
{
	const json_t *v;
	size_t i;
	json_array_foreach (azure_member(c, "tunnelProperties"), i, v) {
		const char *remote = doc_words(a->p, v, "tunnelIpAddress"),
			   *from = import_text(a->p, "%s: tunnelProperties", c->file);
		struct azure_instance *in = remote != NULL ? azure_instance_add(a->p, s, remote, from) : NULL;
		if (in != NULL && s->bgp)
			in->peer = doc_words(a->p, v, "bgpPeeringAddress"), in->peer_from = from;
	}
	return a->p->refusal == NULL;
}

static bool take_instances(struct azure *a, const struct azure_object *c, const struct azure_object *g, struct azure_site *s)
{
	const json_t *bgp = azure_member(g, "bgpSettings"), *list = doc_member(bgp, "bgpPeeringAddresses"), *v;
	size_t i;
	if (!take_properties(a, c, s))
		return false;
	bool own = s->n > 0;
	json_array_foreach (list, i, v)
		if (!own && !take_instance(a, c, g, v, s))
			return false;
	s->asn = doc_words(a->p, bgp, "asn");
	s->asn_from = import_text(a->p, "%s: bgpSettings.asn", g->file);
	s->basic = is(json_string_value(doc_member(azure_member(g, "sku"), "name")), "Basic");
	if (s->n == 0 && !take_addresses(a, g, s))
		return false;
	if (doc_yes(g->properties, "activeActive") && s->n == 1)
		import_note(a->p, NOTE_WARNING,
			"%s: '%s' is active-active, but only one address is given: only one tunnel is made", g->file, g->name);
	return true;
}

/* --- our side --- */
static bool take_ours(struct azure *a, const struct azure_object *l, struct azure_site *s)
{
	const json_t *bgp = azure_member(l, "bgpSettings");
	s->local_id = azure_words(a, l, "gatewayIpAddress");
	s->local_id_from = import_text(a->p, "%s: gatewayIpAddress", l->file);
	s->our_asn = doc_words(a->p, bgp, "asn");
	s->our_asn_from = import_text(a->p, "%s: bgpSettings.asn", l->file);
	s->our_peer = doc_words(a->p, bgp, "bgpPeeringAddress");
	s->our_peer_from = import_text(a->p, "%s: bgpSettings.bgpPeeringAddress", l->file);
	if (!azure_prefixes(a->p, l->file, s->ours, &s->n_ours, IMPORT_PREFIXES,
		    doc_member(azure_member(l, "localNetworkAddressSpace"), "addressPrefixes")))
		return false;
	if (s->local_id == NULL && azure_words(a, l, "fqdn") != NULL)
		import_note(a->p, NOTE_ASSUMED, "%s: Azure finds us by the name %s: local-id is the outside address", l->file,
			azure_words(a, l, "fqdn"));
	return true;
}

/* --- networks behind Azure: the VNet's file, when it is given --- */
static bool take_space(struct azure *a, const json_t *space, const char *file, struct azure_site *s)
{
	return azure_prefixes(a->p, file, s->routes, &s->n_routes, IMPORT_PREFIXES, doc_member(space, "addressPrefixes"));
}

static const char *vnet_id(struct azure *a, const struct azure_object *g)
{
	const json_t *list = azure_member(g, "ipConfigurations"), *v;
	size_t i;
	json_array_foreach (list, i, v) {
		const json_t *inner = doc_member(v, "properties");
		const char *subnet = doc_words(a->p, doc_member(inner != NULL ? inner : v, "subnet"), "id");
		const char *end = subnet != NULL ? strcasestr(subnet, "/subnets/") : NULL;
		if (end != NULL)
			return import_copy(a->p, subnet, (size_t)(end - subnet));
	}
	return NULL;
}

static bool take_vnet(struct azure *a, const struct azure_object *g, struct azure_site *s)
{
	const char *id = vnet_id(a, g), *group = azure_part(a, id, "resourceGroups");
	const struct azure_object *o = find(a, AZURE_VNET, id);
	const json_t *v;
	size_t i;
	if (id != NULL)
		s->where_routes = import_text(a->p, "az network vnet show -g %s -n %s -o json > vnet.json",
			group != NULL ? group : "GROUP", last_part(id));
	if (o == NULL && count(a, AZURE_VNET) > 0)
		return import_refuse(a->p, "%s is not the VNet of gateway '%s'%s%s", the_only(a, AZURE_VNET)->file, g->name,
			id != NULL ? ", which is " : "", id != NULL ? last_part(id) : "");
	if (o == NULL)
		return true;
	s->routes_from = import_text(a->p, "%s: addressSpace, and peerings with gateway transit", o->file);
	if (!take_space(a, azure_member(o, "addressSpace"), o->file, s))
		return false;
	json_array_foreach (azure_member(o, "virtualNetworkPeerings"), i, v) {
		const json_t *inner = doc_member(v, "properties"), *peering = inner != NULL ? inner : v, *space;
		space = doc_member(peering, "remoteVirtualNetworkAddressSpace");
		space = space != NULL ? space : doc_member(peering, "remoteAddressSpace");
		const char *state = doc_words(a->p, peering, "peeringState");
		bool transit = doc_yes(peering, "allowGatewayTransit");
		if (transit && is(state, "Disconnected")) {
			import_note(a->p, NOTE_WARNING, "%s: the peering '%s' is Disconnected: its networks are left out",
				o->file, doc_words(a->p, v, "name") != NULL ? doc_words(a->p, v, "name") : "?");
			continue;
		}
		if (transit && !take_space(a, space, o->file, s))
			return false;
	}
	return true;
}

static bool join_one(struct azure *a, struct azure_object *c)
{
	struct azure_site s = { .file = c->file, .policy = POLICY_DEFAULT };
	s.name = c->name;
	s.group = azure_part(a, c->id, "resourceGroups");
	if (s.group == NULL)
		s.group = doc_words(a->p, c->top, "resourceGroup");
	s.more = s.group;
	const struct azure_object *g = partner(a, c, AZURE_GATEWAY, "virtualNetworkGateway1");
	if (g == NULL || !gateway_fits(a, g))
		return false;
	const struct azure_object *l = partner(a, c, AZURE_LOCAL, "localNetworkGateway2");
	if (l == NULL)
		return false;
	s.gateway = g->name;
	s.bgp = doc_yes(c->properties, "enableBgp") || doc_yes(c->top, "enableBgp");
	azure_take_mode(a, c, "connectionMode", &s);
	return take_key(a, c, &s) && take_ours(a, l, &s) && take_instances(a, c, g, &s) && take_vnet(a, g, &s) &&
	       azure_nat(a, c, g, &s) && azure_take_policy(a, c, &s) && azure_selectors(a, c, &s) && azure_settings(a->p, &s);
}

/* Which connections are left out is known before any is joined: a key without a name is that of the only one that stays. */
static bool choose(struct azure *a, struct azure_object *c)
{
	struct import_mark mark = import_mark(a->p);
	const char *group = azure_part(a, c->id, "resourceGroups");
	c->name = c->name != NULL ? c->name : c->id != NULL ? last_part(c->id) : "azure";
	const char *words[] = { c->name, c->id, group != NULL ? import_text(a->p, "%s-%s", c->name, group) : NULL };
	c->left = !import_wanted(a->p, words, ARRAY_SIZE(words));
	if (c->left || connection_fits(a, c))
		return a->p->refusal == NULL;
	c->left = true;
	return import_go_on(a->p, &mark, false);
}

/* A connection of Virtual WAN whose site's file is not there changes nothing, which would otherwise look as if it had been heeded. */
static void note_unused(struct azure *a)
{
	for (const struct azure_object *o = a->first; o != NULL; o = o->next) {
		const char *id = o->kind == AZURE_WAN ? doc_words(a->p, azure_member(o, "remoteVpnSite"), "id") : NULL;
		bool used = id == NULL;
		for (const struct azure_object *site = a->first; site != NULL && !used; site = site->next) {
			const char *name = site->kind == AZURE_SITE
						   ? doc_words(a->p, doc_member(site->top, "vpnSiteConfiguration"), "Name")
						   : NULL;
			size_t n = name != NULL ? doc_trim(&name, strlen(name)) : 0;
			used = name != NULL && strlen(last_part(id)) == n && strncasecmp(name, last_part(id), n) == 0;
		}
		if (!used)
			import_note(a->p, NOTE_WARNING,
				"%s: its connection is to the site '%s', of which no file is given: it is not heeded", o->file,
				last_part(id));
	}
}

bool azure_join(struct azure *a)
{
	unsigned connections = count(a, AZURE_CONNECTION);
	if (count(a, AZURE_WAN) > 0 && count(a, AZURE_SITE) == 0)
		return import_refuse(a->p,
			"%s: this is a connection of Virtual WAN, which does not say the addresses of its hub: give the site's configuration, too (portal: Virtual "
			"WAN > VPN sites > Download Site-to-Site VPN configuration)",
			the_only(a, AZURE_WAN)->file);
	if (connections == 0 && count(a, AZURE_SITE) == 0 && a->first != NULL && !a->sites) {
		/* What the gateway is may already be the answer. */
		for (const struct azure_object *o = a->first; o != NULL; o = o->next)
			if (o->kind == AZURE_GATEWAY && !gateway_fits(a, o))
				return false;
		return import_refuse(a->p,
			"%s: %sthe connection is missing. Give the file that this writes, too: "
			"az network vpn-connection show -g GROUP -n NAME -o json > connection.json",
			a->first->file,
			count(a, AZURE_KEY) == a->n
				? "this is a key alone, which is given beside the connection's files, or with --psk-file: "
				: "");
	}
	for (struct azure_object *o = a->first; o != NULL; o = o->next)
		if (o->kind == AZURE_CONNECTION && !choose(a, o))
			return false;
	for (struct azure_object *o = a->first; o != NULL; o = o->next) {
		struct import_mark mark = import_mark(a->p);
		if (o->kind == AZURE_SITE && !azure_wan(a, o))
			return false;
		if (o->kind == AZURE_CONNECTION && !o->left && !import_go_on(a->p, &mark, join_one(a, o)))
			return false;
	}
	note_unused(a);
	return true;
}
