/*
 * test_import_forms.c - `s2sctl import`: what people bring instead of the file that is wanted, and what must not be read as absent. The whole answers are
 * golden pairs; here are the guards, one by one.
 */
#include <stdio.h>
#include <string.h>

#include "crypto/alg.h"
#include "ctl/import/set.h"
#include "unit.h"

#define ID(kind, name) "\"id\":\"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/" kind "/" name "\""
#define LINKS "\"virtualNetworkGateway1\":{\"id\":\"/x/vng\"},\"localNetworkGateway2\":{\"id\":\"/x/lng\"}"
#define CONN(name, more) \
	"{\"name\":\"" name "\"," ID("connections", name) ",\"connectionType\":\"IPsec\"," LINKS ",\"sharedKey\":\"Key." name \
							  ".0123456789\"" more "}"
#define VNG(more) \
	"{\"name\":\"vng\",\"vpnType\":\"RouteBased\",\"bgpSettings\":{\"asn\":65515,\"bgpPeeringAddresses\":[{\"tunnelIpAddresses\":[\"203.0.113.50\"]}]}" more \
	"}"
#define LNG "{\"name\":\"lng\",\"gatewayIpAddress\":\"198.51.100.7\"}"
#define VNET "{\"name\":\"vnet\",\"addressSpace\":{\"addressPrefixes\":[\"10.30.0.0/16\",\"10.40.0.0/16\"]}}"
#define WITH_VNET ",\"ipConfigurations\":[{\"subnet\":{\"id\":\"/x/virtualNetworks/vnet/subnets/GatewaySubnet\"}}]"
#define OFFICE(id, ours, theirs) \
	"{\"VpnConnectionId\":\"" id "\",\"CustomerGatewayConfiguration\":\"<vpn_connection id='" id \
	"'><ipsec_tunnel><customer_gateway>" \
	"<tunnel_outside_address><ip_address>" ours \
	"</ip_address></tunnel_outside_address></customer_gateway><vpn_gateway><tunnel_outside_address>" \
	"<ip_address>" theirs "</ip_address></tunnel_outside_address></vpn_gateway><ike><pre_shared_key>Key.A" \
	".0123456789</pre_shared_key></ike>" \
	"</ipsec_tunnel></vpn_connection>\",\"Options\":{\"StaticRoutesOnly\":true}}"

static struct import_set p;
static struct import_request request;

static bool plan(enum cloud cloud, const char *text, const char *only)
{
	static struct import_doc d;
	const char *why;
	ck_assert(alg_init(&why));
	d = (struct import_doc){ "file", text, strlen(text), 0 };
	request = (struct import_request){ .cloud = cloud, .docs = &d, .n = 1, .only = only };
	return import_read(&p, &request);
}

static bool refused(enum cloud cloud, const char *text, const char *part)
{
	bool holds = !plan(cloud, text, NULL) && strstr(p.refusal, part) != NULL;
	if (!holds)
		fprintf(stderr, "%s\n", p.refusal != NULL ? p.refusal : "made");
	import_release(&p);
	return holds;
}

static bool told(const char *part)
{
	for (const struct note *n = p.notes; n != NULL; n = n->next)
		if (strstr(n->text, part) != NULL)
			return true;
	return false;
}

static const char *setting(const struct import_conn *m, const char *key)
{
	for (unsigned i = 0; m != NULL && i < m->first->n; i++)
		if (strcmp(m->first->set[i].key, key) == 0)
			return m->first->set[i].value;
	return "";
}

START_TEST(wrong_types_are_not_absent)
{
	ck_assert(refused(
		CLOUD_AZURE, "[" CONN("a", ",\"ipsecPolicies\":\"none\"") "," VNG("") "," LNG "]", "'ipsecPolicies' is text"));
	ck_assert(refused(CLOUD_AZURE, "[" CONN("a", ",\"enableBgp\":1") "," VNG("") "," LNG "]", "'enableBgp'"));
	ck_assert(refused(CLOUD_AZURE, "[" CONN("a", ",\"trafficSelectorPolicies\":[\"x\"]") "," VNG("") "," LNG "]",
		"'trafficSelectorPolicies'"));
	ck_assert(refused(CLOUD_AWS, "{\"VpnConnections\":{}}", "'VpnConnections'"));
	ck_assert(plan(
		CLOUD_AZURE, "[" CONN("a", ",\"ipsecPolicies\":null,\"enableBgp\":\"False\"") "," VNG("") "," LNG "]", NULL));
	import_release(&p);
}
END_TEST

START_TEST(what_powershell_cut_off_is_named)
{
	ck_assert(refused(CLOUD_AZURE, "{\"IpConfigurations\":[\"Microsoft.Azure.Commands.Network.Models.PSIpConfiguration\"]}",
		"-Depth 10"));
	ck_assert(refused(CLOUD_AZURE, "{\"BgpSettings\":\"@{Asn=65515}\"}", "at 'BgpSettings'"));
}
END_TEST

START_TEST(what_stands_around_json_is_left_out)
{
	ck_assert(plan(
		CLOUD_AZURE, "$ az network ...\nWARNING: old\n" CONN("a", "") "\n$ az ...\n" VNG("") "\n\n" LNG "\n$\n", NULL));
	ck_assert(told("left out 4 lines"));
	ck_assert_uint_eq(p.n, 1);
	import_release(&p);
	ck_assert(refused(CLOUD_AZURE, CONN("a", "") "}\n", "not valid JSON"));
	ck_assert(refused(CLOUD_AZURE, "WARNING: old\n{\n  \"a\": 1,\n  \"b\" 2\n}\n", "file:4"));
}
END_TEST

START_TEST(forms_for_people_are_named)
{
	static const struct {
		const char *text, *part;
	} rows[] = { { "Name    Group\n------  -----\nx       y\n", "-o json" },
		{ "-----------\n|  Describe  |\n", "--output json" }, { "VPNCONNECTIONS\tVPN\tx\n", "--output json" },
		{ "Name : a\nId   : b\nEtag : c\n", "ConvertTo-Json -Depth 10" }, { "{'VpnConnections': []}", "json.dumps" },
		{ "  # aws_vpn_connection.x will be created\n", "terraform show -json" }, { "<html><body/></html>", "web page" },
		{ "Abc.first_Tunnel_key.0123456789\n", "--psk-file" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(refused(CLOUD_AWS, rows[i].text, rows[i].part), "%s", rows[i].text);
}
END_TEST

START_TEST(two_of_one_name_get_two)
{
	ck_assert(plan(CLOUD_AZURE, "[" CONN("Office", "") "," CONN("office!", "") "," VNG("") "," LNG "]", NULL));
	ck_assert_uint_eq(p.n, 2);
	ck_assert_str_ne(p.first->name, p.first->next->name);
	import_release(&p);
	ck_assert(plan(CLOUD_AZURE,
		"[" CONN("from-here-to-the-data-centre-number-1", "") "," CONN(
			"from-here-to-the-data-centre-number-2", "") "," VNG("") "," LNG "]",
		NULL));
	ck_assert_int_eq(strncmp(p.first->name, p.first->next->name, 25), 0);
	ck_assert_str_ne(p.first->name, p.first->next->name);
	import_release(&p);
}
END_TEST

START_TEST(only_what_is_named)
{
	static const char both[] = "[" OFFICE("vpn-1", "198.51.100.7", "203.0.113.1") "," OFFICE(
		"vpn-2", "192.0.2.77", "203.0.113.2") "]";
	ck_assert(plan(CLOUD_AWS, both, NULL));
	ck_assert_uint_eq(p.n, 2);
	ck_assert(told("2 outside addresses of ours"));
	import_release(&p);
	ck_assert(plan(CLOUD_AWS, both, "VPN-2"));
	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.first->name, "vpn-2");
	ck_assert(!told("outside addresses of ours"));
	import_release(&p);
	ck_assert(plan(CLOUD_AWS, both, "vpn-9, 198.51.100.7"));
	ck_assert_str_eq(p.first->name, "vpn-1");
	import_release(&p);
	ck_assert(!plan(CLOUD_AWS, both, "vpn"));
	ck_assert_ptr_nonnull(strstr(p.refusal, "'vpn-1', 'vpn-2'"));
	import_release(&p);
}
END_TEST

#define RULE(mode, from, to) \
	",\"natRules\":[{\"name\":\"r\",\"id\":\"/x/natRules/r\",\"mode\":\"" mode \
	"\",\"internalMappings\":[{\"addressSpace\":\"" from "\"}],\"externalMappings\":[{\"addressSpace\":\"" to "\"}]}]"

START_TEST(routes_are_what_arrives_after_nat)
{
	ck_assert(plan(CLOUD_AZURE,
		"[" CONN("a", ",\"egressNatRules\":[{\"id\":\"/x/natRules/r\"}]") "," VNG(
			WITH_VNET RULE("EgressSnat", "10.30.0.0/16", "100.64.0.0/16")) "," LNG "," VNET "]",
		NULL));
	ck_assert_str_eq(setting(p.first, "routes"), "[10.40.0.0/16, 100.64.0.0/16]");
	ck_assert(told("10.30.0.0/16 is 100.64.0.0/16 here"));
	import_release(&p);
	ck_assert(plan(CLOUD_AZURE,
		"[" CONN("a", ",\"ingressNatRules\":[{\"id\":\"/x/natRules/r\"}]") "," VNG(
			WITH_VNET RULE("IngressSnat", "10.1.0.0/24", "100.64.1.0/24")) "," LNG "," VNET "]",
		NULL));
	ck_assert_str_eq(setting(p.first, "routes"), "[10.30.0.0/16, 10.40.0.0/16]");
	import_release(&p);
	ck_assert(refused(CLOUD_AZURE, "[" CONN("a", ",\"egressNatRules\":[{\"id\":\"/x/natRules/r\"}]") "," VNG("") "," LNG "]",
		"nat-rule list"));
}
END_TEST

/* Nothing of what a device's commands say may go to the other tunnel. */
START_TEST(commands_go_to_their_tunnel)
{
	ck_assert(plan(CLOUD_AWS,
		"conn Tunnel1\n leftid=198.51.100.7\n right=203.0.113.10\nconn Tunnel2\n leftid=198.51.100.7\n right=203.0.113.20\n"
		"198.51.100.7 203.0.113.20 : PSK \"Key.second.0123456789\"\n198.51.100.7 203.0.113.10 : PSK \"Key.first.0123456789\"\n",
		NULL));
	const struct import_tunnel *t = p.first->first;
	ck_assert_str_eq(t->remote, "203.0.113.10");
	ck_assert_str_eq(t->psk, "Key.first.0123456789");
	ck_assert_str_eq(t->next->psk, "Key.second.0123456789");
	import_release(&p);
	ck_assert(refused(CLOUD_AWS, "config vpn ipsec phase1-interface\n set psksecret Key.first.0123456789\n", "'Generic'"));
}
END_TEST

UNIT_MAIN("import forms", wrong_types_are_not_absent, what_powershell_cut_off_is_named, what_stands_around_json_is_left_out,
	forms_for_people_are_named, two_of_one_name_get_two, only_what_is_named, routes_are_what_arrives_after_nat,
	commands_go_to_their_tunnel)
