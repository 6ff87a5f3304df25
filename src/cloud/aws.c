/* aws.c - AWS Site-to-Site VPN, see cloud.h. Facts follow its user guide and the types of its SDK. */
#include "cloud/cloud.h"

#define OPTIONS "VPC console > Site-to-Site VPN connections > Modify VPN tunnel options"

static const struct cloud_default defaults[] = { { "cloud", "aws" }, { "esn", "no" }, { NULL, NULL } };

/* Tunnel options: one list of names for both phases, all of it the default. */
#define BOTH(word, name) \
	{ \
		word, name, name, ALG_DEFAULT \
	}
/* clang-format off */
static const struct cloud_alg algs[] = {
	BOTH("aes256gcm16", "AES256-GCM-16"),
	BOTH("aes128gcm16", "AES128-GCM-16"),
	BOTH("aes256", "AES256"),
	BOTH("aes128", "AES128"),
	BOTH("sha512", "SHA2-512"),
	BOTH("sha384", "SHA2-384"),
	BOTH("sha256", "SHA2-256"),
	BOTH("sha1", "SHA1"),
	BOTH("prfsha512", "SHA2-512"),
	BOTH("prfsha384", "SHA2-384"),
	BOTH("prfsha256", "SHA2-256"),
	BOTH("prfsha1", "SHA1"),
	BOTH("modp1024", "2"),
	{ "modp1536", NULL, "5", ALG_DEFAULT },
	BOTH("modp2048", "14"),
	BOTH("modp3072", "15"),
	BOTH("modp4096", "16"),
	BOTH("modp6144", "17"),
	BOTH("modp8192", "18"),
	BOTH("ecp256", "19"),
	BOTH("ecp384", "20"),
	BOTH("ecp521", "21"),
	BOTH("modp1024s160", "22"),
	BOTH("modp2048s224", "23"),
	BOTH("modp2048s256", "24"),
	{ 0 },
};
/* clang-format on */

#define LEAVE(key, at) "leave '" key "' out for the profile's value, or set the same at " at
static const struct cloud_limit limits[] = {
	{ LIMIT_IKE_SECONDS, 0, 28800, FINDING_LIFETIME_LONG, "AWS allows at most 28800s and would rekey first",
		"write 'ike-lifetime: 28800s', or leave the key out" },
	{ LIMIT_ESP_SECONDS, 0, 3600, FINDING_LIFETIME_LONG, "AWS allows at most 3600s and would rekey first",
		"write 'esp-lifetime: 3600s', or leave the key out" },
	{ LIMIT_IKE_SECONDS, 900, 0, FINDING_LIFETIME_RANGE, "{value}s: AWS allows no less than 900s",
		LEAVE("ike-lifetime", "AWS") },
	{ LIMIT_ESP_SECONDS, 900, 0, FINDING_LIFETIME_RANGE, "{value}s: AWS allows no less than 900s",
		LEAVE("esp-lifetime", "AWS") },
	{ LIMIT_MTU, 0, 1446, FINDING_SIZE_CLOUD, "{value}: AWS takes 1446 at most and answers larger packets with silence",
		"leave 'mtu' out: auto computes what fits" },
	{ LIMIT_MSS, 0, 1406, FINDING_SIZE_CLOUD, "{value}: AWS takes 1406 at most", "leave 'mss' out: auto computes what fits" },
	{ 0 },
};

#define ALLOW_14 \
	"allow DH group 14 in the tunnel's options at AWS (Phase1DHGroupNumbers, Phase2DHGroupNumbers), then " \
	"'aes256-sha256-modp2048' here"
#define GIVEN "write the Customer Gateway's inside address of AWS's file"
static const struct cloud_net nets[] = {
	{ .of = "0.0.0.0/0",
		.ranges = { "169.254.0.0/16" },
		.code = FINDING_INSIDE_RANGE,
		.why = "{value}: AWS's inside networks lie in 169.254.0.0/16",
		.advice = GIVEN,
		.reserved = { "169.254.0.0/30", "169.254.1.0/30", "169.254.2.0/30", "169.254.3.0/30", "169.254.4.0/30",
			"169.254.5.0/30", "169.254.169.252/30" },
		.other = "give the tunnel another TunnelInsideCidr at AWS, and write its second address here",
		.len = 30,
		.first_taken = true },
	{ .of = "::/0",
		.ranges = { "fd00::/8" },
		.code = FINDING_INSIDE_RANGE,
		.why = "{value}: AWS's inside networks lie in fd00::/8",
		.advice = GIVEN,
		.len = 126,
		.first_taken = true },
	{ 0 },
};

static const struct cloud_as reserved_as[] = {
	{ 7224, 7224, "AWS keeps it for itself" },
	{ 9059, 9059, "AWS keeps it for itself (eu-west-1)" },
	{ 10124, 10124, "AWS keeps it for itself (ap-northeast-1)" },
	{ 17493, 17493, "AWS keeps it for itself (ap-southeast-1)" },
	{ 17943, 17943, "AWS keeps it for itself (ap-southeast-1)" },
	{ 0 },
};

const struct provider provider_aws = {
	.name = "AWS",
	.title = "AWS",
	.defaults = defaults,
	.algs = algs,
	.default_ike = "AWS's default tunnel options",
	.default_esp = "AWS's default tunnel options",
	.probe = { "aws-default", "these are AWS's default tunnel options: everything from AES128, SHA1 and group 2 up",
		"AWS picks the weakest that both ends have: offer one strong proposal, as 'cloud: aws' does "
		"(aes256-sha256-modp2048), and take the weak ones out of the tunnel options at AWS" },
	.needs_pfs = "a child SA without a group (PFS), which is what it would have",
	.psk = { 8, 64, "._", NULL, "0", "8 to 64 of letters, digits, '.' and '_', not beginning with 0" },
	.limits = limits,
	.nets = nets,
	.reserved_as = reserved_as,
	.bgp = { 30, false, NULL, 5000, 100,
		"a virtual private gateway takes 100 routes and sends 1000, a transit gateway takes 1000 and sends 5000" },
	.findings = {
		[FINDING_KEY_ALPHABET] = { NULL,
			"nothing, if AWS has taken it; else one of `s2sctl genpsk`, here and in the tunnel's options at AWS" },
		[FINDING_SEVERAL_PROPOSALS] = { "AWS picks the weakest of several proposals, whatever their order: write one",
			"keep the strongest one that the tunnel's options at AWS allow" },
		[FINDING_GROUP_2] = { "DH group 2 (modp1024) is within reach of a strong attacker", ALLOW_14 " without allow-weak" },
		[FINDING_WEAK_GROUP_2] = { NULL, ALLOW_14 },
		[FINDING_CHILDREN_SEVERAL] = { "AWS has one pair of SAs per tunnel: of {value} children one is up at a time",
			"write local-ts and remote-ts instead, as wide as LocalIpv4NetworkCidr (our side) and RemoteIpv4NetworkCidr "
			"of the connection" },
		[FINDING_AS_SAME] = { "{value} is the cloud's as well; both clouds speak BGP only between different AS",
			"take another one, for example 65010, here and in the customer gateway at AWS" },
		[FINDING_NOBODY_INITIATES] = { "AWS does not initiate unless its tunnel options say so",
			"write 'start: initiate', or set the tunnel's startup action to Start at AWS" },
	},
	.advice = {
		[VERDICT_IDLE] =
			"Startup action: Start in " OPTIONS " (IKEv2 only); with Add, AWS never initiates",
		[VERDICT_ADDRESS_CHANGED] =
			"the customer gateway stands for the old address: create one with {here}, then Actions > Modify VPN "
			"connection > Target: Customer gateway",
		[VERDICT_DEAD_PEER] =
			"Tunnel details > Status and its log (`AWS tunnel DPD timed out`); maintenance replaces one tunnel's "
			"endpoint at a time: have both tunnels configured. "
			"Timeout action Clear waits for us, Restart initiates",
		[VERDICT_SOURCE_ROUTE] = "the customer gateway's IP address must be {here}, or what a NAT on that uplink makes of it",
		[VERDICT_NO_ANSWER] =
			"the tunnel's Outside IP address must be {peer}, and the customer gateway's IP address ours as the internet "
			"sees it, {here} or the NAT's; AWS is silent to others",
		[VERDICT_NO_ANSWER_AUTH] =
			"the log says `AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA` when IKE_AUTH does not reach it",
		[VERDICT_FRAGMENTS_LOST] =
			"the log says `AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA` when IKE_AUTH does not reach it",
		[VERDICT_WEAK_GROUP] =
			"Phase 1 DH group numbers: allow {dh} in " OPTIONS,
		[VERDICT_IKE_PROPOSAL] =
			"allow in " OPTIONS
			": Phase 1 encryption algorithms, Phase 1 integrity algorithms, Phase 1 DH group numbers: {ike-names}. Its "
			"log says `No Proposal Match Found`",
		[VERDICT_PSK] =
			"Pre-shared key in " OPTIONS
			" (each tunnel has its own: the keys may be swapped). Its log says `AWS tunnel detected a pre-shared key "
			"mismatch with cgw`",
		[VERDICT_PSK_OR_IDENTITY] =
			"Pre-shared key in " OPTIONS
			" (each tunnel has its own), and the customer gateway's IP address must be {id}. "
			"Its log says `AWS tunnel detected a pre-shared key mismatch with cgw` when it is the key",
		[VERDICT_OTHER_CA] =
			"the customer gateway's certificate ARN must be that of our certificate, issued by an AWS Private CA",
		[VERDICT_OUR_CERTIFICATE] =
			"the customer gateway's certificate ARN must be that of our certificate, issued by an AWS Private CA, and not expired",
		[VERDICT_IDENTITY] =
			"AWS identifies itself by the tunnel's Outside IP address: compare it with 'remote'",
		[VERDICT_SELECTORS] =
			"Local IPv4 network CIDR is our side, Remote IPv4 network CIDR is AWS's: both 0.0.0.0/0 in Modify VPN "
			"connection options. Its log says TS_UNACCEPTABLE",
		[VERDICT_ESP_PROPOSAL] =
			"allow in " OPTIONS
			": Phase 2 encryption algorithms, Phase 2 integrity algorithms, Phase 2 DH group numbers: {esp-names}. "
			"Its log says `AWS tunnel Phase 2 was unable to establish while keeping Phase 1`",
		[VERDICT_PFS] =
			"Phase 2 DH group numbers: {pfs} in " OPTIONS ". AWS has no setting without PFS",
		[VERDICT_PEER_DELETED] =
			"the log of the tunnel; endpoint replacements and changed options close a tunnel",
		[VERDICT_REFUSED] = "see the tunnel's log",
		[VERDICT_OUTBOUND_ONLY] =
			"routes to our networks: VPC route table > Route propagation, or static routes of the connection; security "
			"groups and network ACLs; AWS may answer through the other tunnel",
		[VERDICT_MTU] =
			"AWS does no path MTU discovery: the smaller MSS above is what helps",
		[VERDICT_COLLISIONS] =
			"Phase 1 and Phase 2 lifetime at their defaults (28800, 3600), Rekey margin time 270",
		[VERDICT_REKEY_FAILED] = "see the tunnel's log",
		[VERDICT_BGP_LOCAL_AS] =
			"the customer gateway's BGP ASN must be {local-as}: create one with it, then Actions > Modify VPN connection > Target: Customer gateway",
		[VERDICT_BGP_PEER_AS] =
			"Amazon side ASN of the virtual private gateway or transit gateway",
		[VERDICT_BGP_NO_ANSWER] =
			"Tunnel details > Inside IP: {bgp-peer} must be AWS's end, and ours the other address of that network; the connection's routing must be Dynamic (requires BGP)",
		[VERDICT_BGP_REFUSED] =
			"the connection's routing must be Dynamic (requires BGP), not Static; our end must be the customer gateway's inside address",
		[VERDICT_BGP_HOLD_TIMER] =
			"Tunnel details > Status; maintenance replaces one endpoint at a time: have both tunnels configured",
		[VERDICT_BGP_LIMIT_THERE] =
			"AWS ends the session above its quota: 100 routes for a virtual private gateway, 1000 for a transit gateway",
		[VERDICT_BGP_TOO_MANY] =
			"see which of its limits holds for the gateway of this connection",
		[VERDICT_BGP_NOTHING_RECEIVED] =
			"the VPC attachment, and route propagation or associations of the transit gateway",
		[VERDICT_BGP_PASSWORD] =
			"AWS has no MD5 for VPN sessions: no password here",
		[VERDICT_BGP_DOWN] =
			"Tunnel details > Status: `IPSEC IS UP` and no BGP means that the session does not come up",
		[VERDICT_UNKNOWN] = "see the tunnel's log",
	},
};
