/* azure_terraform.c - azurerm_... of a Terraform state, turned into the objects that Azure itself prints. */
#include <jansson.h>
#include <string.h>

#include "base/util.h"
#include "azure.h"

struct pair {
	const char *to, *from;
};

static void copy(json_t *to, const json_t *from, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = doc_member(from, pairs[i].from);
		bool empty = v == NULL || (json_is_string(v) && json_string_length(v) == 0);
		if (!empty && json_object_get(to, pairs[i].to) == NULL)
			json_object_set(to, pairs[i].to, v);
	}
}

#define COPY(to, from, pairs) copy(to, from, pairs, ARRAY_SIZE(pairs))

static void set_ref(json_t *to, const char *key, const json_t *from, const char *member)
{
	json_t *id = doc_member(from, member);
	if (id != NULL)
		json_object_set_new(to, key, json_pack("{sO}", "id", id));
}

/* Each member of a block that may be there several times. */
static json_t *each_of(const json_t *from, const char *block, const struct pair *pairs, size_t n)
{
	json_t *list = json_array();
	const json_t *v;
	size_t i;
	json_array_foreach (doc_member(from, block), i, v) {
		json_t *o = json_object();
		copy(o, v, pairs, n);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *ids_of(const json_t *from, const char *member)
{
	json_t *list = json_array(), *v;
	size_t i;
	json_array_foreach (doc_member(from, member), i, v)
		json_array_append_new(list, json_pack("{sO}", "id", v));
	return list;
}

static void connection(json_t *o, const json_t *a)
{
	static const struct pair members[] = { { "connectionType", "type" }, { "sharedKey", "shared_key" },
		{ "connectionProtocol", "connection_protocol" }, { "connectionMode", "connection_mode" },
		{ "enableBgp", "enable_bgp" }, { "enableBgp", "bgp_enabled" },
		{ "usePolicyBasedTrafficSelectors", "use_policy_based_traffic_selectors" },
		{ "useLocalAzureIpAddress", "local_azure_ip_address_enabled" } };
	static const struct pair policy[] = { { "saLifeTimeSeconds", "sa_lifetime" }, { "saDataSizeKilobytes", "sa_datasize" },
		{ "ipsecEncryption", "ipsec_encryption" }, { "ipsecIntegrity", "ipsec_integrity" },
		{ "ikeEncryption", "ike_encryption" }, { "ikeIntegrity", "ike_integrity" }, { "dhGroup", "dh_group" },
		{ "pfsGroup", "pfs_group" } };
	static const struct pair selectors[] = { { "localAddressRanges", "local_address_cidrs" },
		{ "remoteAddressRanges", "remote_address_cidrs" } };
	COPY(o, a, members);
	set_ref(o, "virtualNetworkGateway1", a, "virtual_network_gateway_id");
	set_ref(o, "localNetworkGateway2", a, "local_network_gateway_id");
	json_object_set_new(o, "ipsecPolicies", each_of(a, "ipsec_policy", policy, ARRAY_SIZE(policy)));
	json_object_set_new(
		o, "trafficSelectorPolicies", each_of(a, "traffic_selector_policy", selectors, ARRAY_SIZE(selectors)));
	json_object_set_new(o, "egressNatRules", ids_of(a, "egress_nat_rule_ids"));
	json_object_set_new(o, "ingressNatRules", ids_of(a, "ingress_nat_rule_ids"));
}

/* The name of an IP configuration stands for its id: only equality counts. */
static void gateway(json_t *o, const json_t *a)
{
	static const struct pair members[] = { { "gatewayType", "type" }, { "vpnType", "vpn_type" },
		{ "activeActive", "active_active" }, { "enableBgp", "enable_bgp" }, { "enableBgp", "bgp_enabled" },
		{ "enableBgpRouteTranslationForNat", "bgp_route_translation_for_nat_enabled" } };
	static const struct pair peering[] = { { "ipconfigurationId", "ip_configuration_name" },
		{ "defaultBgpIpAddresses", "default_addresses" }, { "customBgpIpAddresses", "apipa_addresses" },
		{ "tunnelIpAddresses", "tunnel_ip_addresses" } };
	const json_t *bgp = json_array_get(doc_member(a, "bgp_settings"), 0), *v;
	json_t *list = json_array();
	size_t i;
	COPY(o, a, members);
	if (doc_member(a, "sku") != NULL)
		json_object_set_new(o, "sku", json_pack("{sO}", "name", doc_member(a, "sku")));
	json_array_foreach (doc_member(a, "ip_configuration"), i, v) {
		json_t *c = json_object();
		set_ref(c, "publicIPAddress", v, "public_ip_address_id");
		set_ref(c, "subnet", v, "subnet_id");
		json_array_append_new(list, c);
	}
	json_object_set_new(o, "ipConfigurations", list);
	if (bgp == NULL)
		return;
	json_t *settings = json_object();
	if (doc_member(bgp, "asn") != NULL)
		json_object_set(settings, "asn", doc_member(bgp, "asn"));
	json_object_set_new(settings, "bgpPeeringAddresses", each_of(bgp, "peering_addresses", peering, ARRAY_SIZE(peering)));
	json_object_set_new(o, "bgpSettings", settings);
}

static void set_space(json_t *o, const char *key, const json_t *a)
{
	json_t *space = doc_member(a, "address_space");
	if (space != NULL)
		json_object_set_new(o, key, json_pack("{sO}", "addressPrefixes", space));
}

static void local(json_t *o, const json_t *a)
{
	static const struct pair members[] = { { "gatewayIpAddress", "gateway_address" }, { "fqdn", "gateway_fqdn" } };
	static const struct pair settings[] = { { "asn", "asn" }, { "bgpPeeringAddress", "bgp_peering_address" } };
	const json_t *bgp = json_array_get(doc_member(a, "bgp_settings"), 0);
	COPY(o, a, members);
	set_space(o, "localNetworkAddressSpace", a);
	if (bgp == NULL)
		return;
	json_t *b = json_object();
	COPY(b, bgp, settings);
	json_object_set_new(o, "bgpSettings", b);
}

static void network(json_t *o, const json_t *a) { set_space(o, "addressSpace", a); }

static void address(json_t *o, const json_t *a)
{
	static const struct pair members[] = { { "ipAddress", "ip_address" } };
	COPY(o, a, members);
}

static void nat(json_t *o, const json_t *a)
{
	static const struct pair members[] = { { "typePropertiesType", "type" }, { "mode", "mode" } };
	static const struct pair mapping[] = { { "addressSpace", "address_space" }, { "portRange", "port_range" } };
	COPY(o, a, members);
	json_object_set_new(o, "internalMappings", each_of(a, "internal_mapping", mapping, ARRAY_SIZE(mapping)));
	json_object_set_new(o, "externalMappings", each_of(a, "external_mapping", mapping, ARRAY_SIZE(mapping)));
}

json_t *azure_terraform(struct azure *a, const char *type, const json_t *attributes, const char *file)
{
	static const struct {
		const char *type, *arm;
		void (*fill)(json_t *o, const json_t *a);
	} types[] = { { "azurerm_virtual_network_gateway_connection", "Microsoft.Network/connections", connection },
		{ "azurerm_virtual_network_gateway", "Microsoft.Network/virtualNetworkGateways", gateway },
		{ "azurerm_local_network_gateway", "Microsoft.Network/localNetworkGateways", local },
		{ "azurerm_virtual_network", "Microsoft.Network/virtualNetworks", network },
		{ "azurerm_public_ip", "Microsoft.Network/publicIPAddresses", address },
		{ "azurerm_virtual_network_gateway_nat_rule", "Microsoft.Network/virtualNetworkGateways/natRules", nat } };
	static const struct pair always[] = { { "name", "name" }, { "id", "id" }, { "resourceGroup", "resource_group_name" } };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i].type) != 0)
			continue;
		json_t *o = json_pack("{ss}", "type", types[i].arm);
		COPY(o, attributes, always);
		types[i].fill(o, attributes);
		if (json_array_size(doc_member(attributes, "custom_bgp_addresses")) > 0)
			import_note(a->p, NOTE_WARNING,
				"%s: custom_bgp_addresses are not read: check bgp.peer of the tunnels, or import from the CLI's JSON",
				file);
		return o;
	}
	return NULL;
}
