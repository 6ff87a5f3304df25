/* azure.c - what each object is; on top of the Azure importer. */
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "azure.h"

#define OBJECTS_MAX 1000

/* By its type, or by members that no other kind has. */
static const struct {
	enum azure_kind kind;
	const char *type;
	const char *members[3];
} kinds[] = {
	{ AZURE_CONNECTION, "Microsoft.Network/connections", { "connectionType", "virtualNetworkGateway1", NULL } },
	{ AZURE_GATEWAY, "Microsoft.Network/virtualNetworkGateways", { "gatewayType", "vpnType", NULL } },
	{ AZURE_LOCAL, "Microsoft.Network/localNetworkGateways", { "localNetworkAddressSpace", "gatewayIpAddress", NULL } },
	{ AZURE_VNET, "Microsoft.Network/virtualNetworks", { "addressSpace", "virtualNetworkPeerings", NULL } },
	{ AZURE_ADDRESS, "Microsoft.Network/publicIPAddresses", { "publicIPAddressVersion", "publicIPAllocationMethod", NULL } },
	{ AZURE_WAN, "Microsoft.Network/vpnGateways/vpnConnections", { "vpnLinkConnections", "remoteVpnSite", NULL } },
	{ AZURE_NAT, "Microsoft.Network/virtualNetworkGateways/natRules", { "internalMappings", "externalMappings", NULL } },
	{ AZURE_NAT, "Microsoft.Network/vpnGateways/natRules", { NULL } },
	{ AZURE_SITE, "-", { "vpnSiteConnections", "vpnSiteConfiguration", NULL } },
};

/* Members of WAN's site file have names of their own, or the same meaning. */
static const struct doc_shape shapes[] = {
	{ "properties", DOC_OBJECT },
	{ "type", DOC_WORD },
	{ "id", DOC_WORD },
	{ "sharedKey", DOC_WORD },
	{ "connectionType", DOC_WORD },
	{ "connectionProtocol", DOC_WORD },
	{ "connectionMode", DOC_WORD },
	{ "authenticationType", DOC_WORD },
	{ "certificateAuthentication", DOC_OBJECT },
	{ "outboundAuthCertificate", DOC_WORD },
	{ "inboundAuthCertificateSubjectName", DOC_WORD },
	{ "enableBgp", DOC_SWITCH },
	{ "usePolicyBasedTrafficSelectors", DOC_SWITCH },
	{ "useLocalAzureIpAddress", DOC_SWITCH },
	{ "virtualNetworkGateway1", DOC_OBJECT },
	{ "localNetworkGateway2", DOC_OBJECT },
	{ "ipsecPolicies", DOC_OBJECTS },
	{ "ikeEncryption", DOC_WORD },
	{ "ikeIntegrity", DOC_WORD },
	{ "dhGroup", DOC_WORD },
	{ "ipsecEncryption", DOC_WORD },
	{ "ipsecIntegrity", DOC_WORD },
	{ "pfsGroup", DOC_WORD },
	{ "saLifeTimeSeconds", DOC_WORD },
	{ "saDataSizeKilobytes", DOC_WORD },
	{ "trafficSelectorPolicies", DOC_OBJECTS },
	{ "localAddressRanges", DOC_TEXTS },
	{ "remoteAddressRanges", DOC_TEXTS },
	{ "gatewayCustomBgpIpAddresses", DOC_OBJECTS },
	{ "gatewayType", DOC_WORD },
	{ "vpnType", DOC_WORD },
	{ "activeActive", DOC_SWITCH },
	{ "ipConfigurations", DOC_OBJECTS },
	{ "publicIPAddress", DOC_OBJECT },
	{ "bgpSettings", DOC_OBJECT },
	{ "asn", DOC_WORD },
	{ "bgpPeeringAddress", DOC_WORD },
	{ "tunnelIpAddresses", DOC_TEXTS },
	{ "defaultBgpIpAddresses", DOC_TEXTS },
	{ "customBgpIpAddresses", DOC_TEXTS },
	{ "localNetworkAddressSpace", DOC_OBJECT },
	{ "addressPrefixes", DOC_TEXTS },
	{ "gatewayIpAddress", DOC_WORD },
	{ "virtualNetworkPeerings", DOC_OBJECTS },
	{ "allowGatewayTransit", DOC_SWITCH },
	{ "remoteVirtualNetworkAddressSpace", DOC_OBJECT },
	{ "remoteAddressSpace", DOC_OBJECT },
	{ "tunnelProperties", DOC_OBJECTS },
	{ "tunnelIpAddress", DOC_WORD },
	{ "peeringState", DOC_WORD },
	{ "egressNatRules", DOC_OBJECTS },
	{ "ingressNatRules", DOC_OBJECTS },
	{ "natRules", DOC_OBJECTS },
	{ "internalMappings", DOC_OBJECTS },
	{ "externalMappings", DOC_OBJECTS },
	{ "enableBgpRouteTranslationForNat", DOC_SWITCH },
	{ "remoteVpnSite", DOC_OBJECT },
	{ "vpnLinkConnections", DOC_OBJECTS },
	{ "vpnSiteLink", DOC_OBJECT },
	{ "vpnConnectionProtocolType", DOC_WORD },
	{ "vpnLinkConnectionMode", DOC_WORD },
	{ "LinkName", DOC_WORD },
	{ "vpnSiteConfiguration", DOC_OBJECT },
	{ "vpnSiteConnections", DOC_OBJECTS },
	{ "hubConfiguration", DOC_OBJECT },
	{ "ConnectedSubnets", DOC_TEXTS },
	{ "gatewayConfiguration", DOC_OBJECT },
	{ "Instance0", DOC_WORDS },
	{ "Instance1", DOC_WORDS },
	{ "BgpSetting", DOC_OBJECT },
	{ "connectionConfiguration", DOC_OBJECT },
	{ "IsBgpEnabled", DOC_SWITCH },
	{ "PSK", DOC_WORD },
	{ "IPsecParameters", DOC_OBJECT },
};

static bool kind_of(const struct azure_object *o, enum azure_kind *kind)
{
	const char *type = json_string_value(doc_member(o->top, "type"));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*kind = kinds[i].kind;
		if (type != NULL && strcasecmp(type, kinds[i].type) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*kind = kinds[i].kind;
		for (const char *const *m = kinds[i].members; *m != NULL; m++)
			if (azure_member(o, *m) != NULL)
				return true;
	}
	*kind = AZURE_KEY;
	return json_is_string(doc_member(o->top, "value")) || json_is_string(doc_member(o->properties, "value"));
}

static bool add_object(struct azure *a, const json_t *top, const char *file)
{
	const json_t *inner = doc_member(top, "properties");
	struct azure_object o = { .top = top, .properties = json_is_object(inner) ? inner : top, .file = file },
			    **end = &a->first;
	if (!json_is_object(top) || !kind_of(&o, &o.kind))
		return import_refuse(a->p,
			"%s is not one of: connection, virtual network gateway, local network gateway, shared key, VNet, public IP address, Virtual WAN "
			"site (JSON of Azure), device configuration script",
			file);
	if (a->n++ == OBJECTS_MAX)
		return import_refuse(a->p, "%s: more than %d objects", file, OBJECTS_MAX);
	o.name = doc_words(a->p, top, "name");
	o.id = doc_words(a->p, top, "id");
	while (*end != NULL)
		end = &(*end)->next;
	*end = import_alloc(a->p, sizeof o);
	if (*end == NULL)
		return false;
	**end = o;
	return true;
}

static bool take(struct azure *a, const json_t *j, const char *file)
{
	/* `az network vpn-gateway show` has its connections within. */
	const char *type = json_string_value(doc_member(j, "type"));
	if (type != NULL && strcasecmp(type, "Microsoft.Network/vpnGateways") == 0) {
		const json_t *inner = doc_member(j, "properties"),
			     *list = doc_member(json_is_object(inner) ? inner : j, "connections"), *o;
		size_t i;
		json_array_foreach (list, i, o)
			if (!add_object(a, o, file))
				return false;
		return true;
	}
	return add_object(a, j, file);
}

static bool take_all(struct azure *a, const json_t *j, const char *file)
{
	const json_t *list = json_is_array(j) ? j : doc_member(j, "value"), *o;
	size_t i;
	if (!json_is_array(list))
		return take(a, j, file);
	json_array_foreach (list, i, o)
		if (!take(a, o, file))
			return false;
	return json_array_size(list) > 0 ||
	       import_refuse(a->p, "%s is an empty list: nothing of the kind is there, or it is of another subscription or group",
		       file);
}

static bool take_resource(void *arg, const char *type, const json_t *attributes, const char *file)
{
	struct azure *a = arg;
	json_t *o = azure_terraform(a, type, attributes, file);
	if (o == NULL)
		return true;
	json_array_append_new(a->keep, o);
	return doc_shape(a->p, file, o, shapes, ARRAY_SIZE(shapes)) && add_object(a, o, file);
}

static bool take_terraform(struct azure *a, const json_t *j, const char *file)
{
	unsigned before = a->n;
	return doc_terraform(a->p, j, file, take_resource, a) &&
	       (a->n > before ||
		       import_refuse(a->p,
			       "%s: Terraform's state has no azurerm_virtual_network_gateway_connection and none of its gateways",
			       file));
}

/* `--query value`: the key as a JSON string is the answer of the whole, so it looks like it. */
static json_t *as_key(json_t *j) { return json_is_string(j) ? json_pack("{so}", "value", j) : j; }

static bool read_one(struct azure *a, const struct import_doc *d)
{
	bool json = d->text[0] == '{' || d->text[0] == '[' || d->text[0] == '"';
	json_t *j = json ? as_key(doc_json(a->p, d)) : doc_yaml(a->p, d);
	if (j == NULL && (json || a->p->refusal != NULL))
		return false;
	if (j == NULL)
		return azure_script(a, d);
	json_array_append_new(a->keep, j);
	if (doc_is_terraform(j))
		return take_terraform(a, j, d->name);
	return doc_shape(a->p, d->name, j, shapes, ARRAY_SIZE(shapes)) && take_all(a, j, d->name);
}

bool import_azure(struct import_set *p, const struct import_doc *docs, unsigned n)
{
	struct azure a = { .p = p, .keep = json_array() };
	bool good = true;
	for (unsigned i = 0; good && i < n; i++)
		good = read_one(&a, &docs[i]);
	good = good && azure_join(&a);
	json_decref(a.keep);
	return good;
}
