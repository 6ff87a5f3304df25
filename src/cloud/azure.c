/* azure.c - Azure VPN Gateway, see cloud.h. Facts follow its documentation and the types of its SDK. */
#include "cloud/cloud.h"

#define CUSTOM "the connection's Configuration > IPsec / IKE policy: Custom"

static const struct cloud_default defaults[] = { { "cloud", "azure" },
	{ "esp-proposals", "aes256-sha256-modp2048, aes256-sha256" }, { "esp-lifetime", "27000s" },
	{ "esp-lifetime-bytes", "102400000K" }, { "mtu", "1400" }, { "mss", "1350" }, { "esn", "no" },
	{ "allow-weak", "sha1-auth" }, { NULL, NULL } };

/* The names of a custom policy; few of them are in the default one. */
/* clang-format off */
static const struct cloud_alg algs[] = {
	{ "aes256gcm16", "GCMAES256", "GCMAES256", 0 },
	{ "aes192gcm16", NULL, "GCMAES192", 0 },
	{ "aes128gcm16", "GCMAES128", "GCMAES128", 0 },
	{ "aes256", "AES256", "AES256", ALG_DEFAULT },
	{ "aes192", "AES192", "AES192", 0 },
	{ "aes128", "AES128", "AES128", ALG_DEFAULT },
	{ "3des", "DES3", "DES3", ALG_DEFAULT | ALG_RARE },
	{ "sha384", "SHA384", NULL, 0 },
	{ "sha256", "SHA256", "SHA256", ALG_DEFAULT },
	{ "sha1", "SHA1", "SHA1", ALG_DEFAULT },
	{ "md5", "MD5", "MD5", 0 },
	{ "prfsha384", "SHA384", NULL, 0 },
	{ "prfsha256", "SHA256", NULL, ALG_DEFAULT },
	{ "prfsha1", "SHA1", NULL, ALG_DEFAULT },
	{ "prfmd5", "MD5", NULL, 0 },
	{ "modp1024", "DHGroup2", "PFS2", ALG_DEFAULT },
	{ "modp2048", "DHGroup14", "PFS2048", 0 },
	{ "modp2048", "DHGroup2048", "PFS14", ALG_ALIAS },
	{ "ecp256", "ECP256", "ECP256", 0 },
	{ "ecp384", "ECP384", "ECP384", 0 },
	{ "modp2048s256", "DHGroup24", "PFS24", 0 },
	{ CLOUD_NO_PFS, NULL, "None", 0 },
	{ 0 },
};
/* clang-format on */

#define LEAVE(key) "leave '" key "' out for the profile's value, or set the same at Azure"
static const struct cloud_limit limits[] = {
	{ LIMIT_IKE_SECONDS, 0, 28800, FINDING_LIFETIME_RANGE,
		"{value}s: Azure's is fixed at 28800s, and Azure would rekey first", LEAVE("ike-lifetime") },
	{ LIMIT_ESP_SECONDS, 300, 27000, FINDING_LIFETIME_RANGE,
		"{value}s: Azure's policies begin at 300s and default to 27000s; above, it rekeys first", LEAVE("esp-lifetime") },
	{ LIMIT_ESP_BYTES, 0, 102400000ull * 1024, FINDING_LIFETIME_RANGE,
		"Azure rekeys after 102400000 KB unless its policy says more, and would do so before us",
		"leave 'esp-lifetime-bytes' out for the profile's value" },
	{ LIMIT_MTU, 0, 1400, FINDING_SIZE_CLOUD, "{value}: Azure cuts packets at 1400 and drops fragments out of order",
		"leave 'mtu' out for the profile's 1400" },
	{ LIMIT_MSS, 0, 1360, FINDING_SIZE_CLOUD, "{value}: Azure lets 1360 pass", "leave 'mss' out for the profile's 1350" },
	{ 0 },
};

static const struct cloud_net nets[] = {
	{ .of = "169.254.0.0/16",
		.ranges = { "169.254.21.0/24", "169.254.22.0/24" },
		.code = FINDING_INSIDE_RESERVED,
		.why = "{value}: of 169.254.0.0/16 Azure takes 169.254.21.0 to 169.254.22.255 alone",
		.advice = "choose an address of that range for BGP at Azure (custom APIPA), and its counterpart here",
		.peer_too = true },
	{ 0 },
};

static const struct cloud_as reserved_as[] = {
	{ 8074, 8075, "Azure keeps it for itself" },
	{ 12076, 12076, "Azure keeps it for itself" },
	{ 65515, 65515, "it is Azure's own" },
	{ 65517, 65520, "Azure keeps it for itself" },
	{ 0 },
};

const struct provider provider_azure = {
	.name = "Azure",
	.title = "Azure",
	.defaults = defaults,
	.algs = algs,
	.default_ike = "Azure's default policy",
	.default_esp = "Azure's default policy, when Azure begins",
	.default_esp_offer = "aes256gcm16, aes256-sha1, 3des-sha1, aes256-sha256, aes128-sha1, 3des-sha256",
	.probe = { "azure-default", "this is Azure's default policy: Diffie-Hellman group 2 only",
		"set a custom policy on the connection (DHGroup14 or stronger; `s2sctl explain` and `s2sctl check` print the az command), "
		"or accept the weak group knowingly with 'allow-weak: modp1024' and 'ike-proposals: aes256-sha256-modp1024'" },
	/* Of hyphens the FAQ alone says so; keys with hyphens are in use. */
	.psk = { 1, 128, NULL, " ~-", NULL, "at most 128 printable ASCII characters, no space, no hyphen and no tilde" },
	/* Microsoft's gateways send no SIGNATURE_HASH_ALGORITHMS (RFC 7427 4), so that nothing but method 1 is left for RSA. */
	.sha1_auth = true,
	.limits = limits,
	.nets = nets,
	.reserved_as = reserved_as,
	.bgp = { 180, true, "on link-local addresses Azure waits for us to open the session: it must not be passive here", 4000, 4000,
		"Azure ends the session at more than 4000 routes" },
	.policy = "az network {target} --ike-encryption {ike-encryption} --ike-integrity {ike-integrity} --dh-group {dh-group} "
		  "--ipsec-encryption {ipsec-encryption} --ipsec-integrity {ipsec-integrity} --pfs-group {pfs-group} "
		  "--sa-lifetime {sa-lifetime} {size-option} {sa-size}",
	.target = { "vpn-connection ipsec-policy add --resource-group GROUP --connection-name CONNECTION", "--sa-max-size" },
	.life = { 300, 27000, 1024, 102400000 },
	.findings = {
		[FINDING_KEY_ALPHABET] = { NULL,
			"nothing, if Azure has taken it; else one of `s2sctl genpsk`, here and as the connection's shared key at Azure" },
		[FINDING_PFS_UNKNOWN] = { "every proposal has a group; Azure's default policy rekeys without one, and the tunnel ends "
					  "at the first rekey that Azure begins",
			"add 'aes256-sha256' as the last one, or set this policy: {policy}" },
		[FINDING_GROUP_2] = { "DH group 2 (modp1024), Azure's default policy, is within reach of a strong attacker",
			"set a custom policy: {policy}; then leave ike-proposals, esp-proposals and allow-weak out here" },
		[FINDING_WEAK_GROUP_2] = { NULL,
			"Azure's default policy knows DH group 2 alone; rather set a custom one, then 'ike-proposals: "
			"aes256-sha256-modp2048' here: {policy}" },
		[FINDING_POLICY_NEEDED] = { "Azure's default policy knows DH group 2 alone: the connection needs a custom policy",
			"unless it has one: {policy} (at a gateway of Virtual WAN: az network vpn-gateway connection ipsec-policy add, "
			"with --sa-data-size)" },
		[FINDING_CHILDREN_WANTED] = { "one child SA has all of local-ts and remote-ts; with policy-based traffic selectors "
					      "Azure has one for each pair of networks",
			"when usePolicyBasedTrafficSelectors is on, in the place of local-ts and remote-ts {value}" },
		[FINDING_AS_SAME] = { "{value} is the cloud's as well; both clouds speak BGP only between different AS",
			"take another one, for example 65010, here and in the local network gateway at Azure" },
	},
	.advice = {
		[VERDICT_IDLE] =
			"Connection mode: Default or InitiatorOnly; with ResponderOnly Azure never initiates",
		[VERDICT_ADDRESS_CHANGED] =
			"Local network gateway > Configuration > IP address: {here}, or an FQDN that follows it",
		[VERDICT_DEAD_PEER] =
			"Resource health and TunnelDiagnosticLog (TunnelDisconnected); resets and maintenance take a gateway "
			"instance away for a minute or two",
		[VERDICT_SOURCE_ROUTE] = "Local network gateway > IP address must be {here}, or what a NAT on that uplink makes of it",
		[VERDICT_NO_ANSWER] =
			"the gateway's public IP address must be {peer}, and Local network gateway > IP address ours as the "
			"internet sees it, {here} or the NAT's. "
			"Network Watcher > VPN troubleshoot says PeerReachability",
		[VERDICT_NO_ANSWER_AUTH] = "IKEDiagnosticLog shows whether SA_AUTH is [RECEIVED]",
		[VERDICT_FRAGMENTS_LOST] = "IKEDiagnosticLog shows whether SA_AUTH is [RECEIVED]",
		[VERDICT_WEAK_GROUP] =
			"Azure's default policy knows DHGroup2 alone. " CUSTOM ", IKE Phase 1 {ike-names}: {policy}",
		[VERDICT_IKE_PROPOSAL] =
			"Azure's default policy knows DHGroup2 alone. " CUSTOM
			", IKE Phase 1 {ike-names}: {policy}. IKEDiagnosticLog says Policy Mismatch, 13868",
		[VERDICT_PSK] =
			"the connection's Shared key (PSK). IKEDiagnosticLog says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL), Network "
			"Watcher: Authentication",
		[VERDICT_PSK_OR_IDENTITY] =
			"the connection's Shared key (PSK), and Local network gateway > IP address must be {id}. IKEDiagnosticLog "
			"says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL)",
		[VERDICT_OTHER_CA] =
			"the connection's inbound certificate chain must hold {b}",
		[VERDICT_OUR_CERTIFICATE] =
			"the connection's inbound certificate chain must hold our CAs, root first, and its inbound certificate subject name "
			"must be the CN of ours. IKEDiagnosticLog says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL)",
		[VERDICT_IDENTITY] =
			"Azure identifies itself by the gateway's public IP address: compare it with 'remote'",
		[VERDICT_SELECTORS] =
			"Use policy based traffic selector: Disable on the connection, and no custom traffic selectors; or write its "
			"pairs as 'children:' here",
		[VERDICT_ESP_PROPOSAL] =
			CUSTOM ", IKE Phase 2 (IPsec) {esp-names}: {policy}",
		[VERDICT_PFS] =
			"PFS Group: {pfs} in " CUSTOM "; in the default policy Azure's own rekeys have none: {policy}",
		[VERDICT_PEER_DELETED] =
			"TunnelDiagnosticLog has the reason in status and stateChangeReason; resets and changed policies close a tunnel",
		[VERDICT_REFUSED] = "see IKEDiagnosticLog",
		[VERDICT_OUTBOUND_ONLY] =
			"Local network gateway > Address space must hold our networks (or BGP); network security groups and route "
			"tables of the subnet; an active-active gateway may answer through the other instance",
		[VERDICT_MTU] = "Azure clamps to 1350..1360; the smaller MSS above is what helps",
		[VERDICT_COLLISIONS] =
			"the policy's SA lifetime at its default, 27000 seconds and 102400000 KB",
		[VERDICT_REKEY_FAILED] = "see IKEDiagnosticLog",
		[VERDICT_BGP_LOCAL_AS] =
			"Local network gateway > Configuration > ASN: {local-as}",
		[VERDICT_BGP_PEER_AS] =
			"Virtual network gateway > Configuration > ASN (65515 unless changed)",
		[VERDICT_BGP_NO_ANSWER] =
			"BGP: Enabled on the connection; {bgp-peer} must be the gateway's BGP peer address, or, in 169.254.21.0-169.254.22.255, its Custom Azure APIPA BGP IP address; Azure sends its answers to the BGP peer IP address of the local network gateway, which must be ours",
		[VERDICT_BGP_REFUSED] =
			"BGP: Enabled on the connection; Local network gateway > BGP peer IP address must be our address of the session; with APIPA addresses the connection needs its custom BGP addresses",
		[VERDICT_BGP_HOLD_TIMER] =
			"Virtual network gateway > BGP peers shows its view; maintenance takes one instance away for a minute or two",
		[VERDICT_BGP_MULTIHOP] =
			"its BGP address lies in the gateway's subnet, unless it has a Custom Azure APIPA BGP IP address in 169.254.21.0-169.254.22.255",
		[VERDICT_BGP_LIMIT_THERE] =
			"Azure ends the session above 4000 prefixes",
		[VERDICT_BGP_NOTHING_RECEIVED] =
			"Virtual network gateway > BGP peers > Advertised routes",
		[VERDICT_BGP_PASSWORD] =
			"Azure has no MD5 for VPN sessions: no password here",
		[VERDICT_BGP_DOWN] =
			"Virtual network gateway > BGP peers shows its view",
		[VERDICT_UNKNOWN] = "see IKEDiagnosticLog",
	},
};
