/* aws.c - AWS Site-to-Site VPN, see cloud.h. Facts follow its user guide and the types of its SDK. */
#include "cloud/cloud.h"

#define OPTIONS "VPC console > Site-to-Site VPN connections > Modify VPN tunnel options"

const struct provider provider_aws = {
	.title = "AWS",
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
		[VERDICT_NO_ANSWER] =
			"the tunnel's Outside IP address must be {peer}, and the customer gateway's IP address ours as the internet "
			"sees it, {here} or the NAT's; AWS is silent to others",
		[VERDICT_NO_ANSWER_AUTH] =
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
		[VERDICT_IDENTITY] =
			"AWS calls itself by the tunnel's Outside IP address: compare it with 'remote'",
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
		[VERDICT_UNKNOWN] = "see the tunnel's log",
	},
};
