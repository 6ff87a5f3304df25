/* azure.c - Azure VPN Gateway, see cloud.h. Facts follow its documentation and the types of its SDK. */
#include "cloud/cloud.h"

#define POLICY "the connection's Configuration > IPsec / IKE policy: Custom"

const struct provider provider_azure = {
	.title = "Azure",
	.advice = {
		[VERDICT_IDLE] =
			"Connection mode: Default or InitiatorOnly; with ResponderOnly Azure never initiates",
		[VERDICT_ADDRESS_CHANGED] =
			"Local network gateway > Configuration > IP address: {here}, or an FQDN that follows it",
		[VERDICT_DEAD_PEER] =
			"Resource health and TunnelDiagnosticLog (TunnelDisconnected); resets and maintenance take a gateway "
			"instance away for a minute or two",
		[VERDICT_NO_ANSWER] =
			"the gateway's public IP address must be {peer}, and Local network gateway > IP address ours as the "
			"internet sees it, {here} or the NAT's. "
			"Network Watcher > VPN troubleshoot says PeerReachability",
		[VERDICT_NO_ANSWER_AUTH] = "IKEDiagnosticLog shows whether SA_AUTH is [RECEIVED]",
		[VERDICT_WEAK_GROUP] =
			"Azure's default policy knows DHGroup2 alone. " POLICY ", IKE Phase 1 {ike-names}: {policy}",
		[VERDICT_IKE_PROPOSAL] =
			"Azure's default policy knows DHGroup2 alone. " POLICY
			", IKE Phase 1 {ike-names}: {policy}. IKEDiagnosticLog says Policy Mismatch, 13868",
		[VERDICT_PSK] =
			"the connection's Shared key (PSK). IKEDiagnosticLog says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL), Network "
			"Watcher: Authentication",
		[VERDICT_PSK_OR_IDENTITY] =
			"the connection's Shared key (PSK), and Local network gateway > IP address must be {id}. IKEDiagnosticLog "
			"says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL)",
		[VERDICT_IDENTITY] =
			"Azure calls itself by the gateway's public IP address: compare it with 'remote'",
		[VERDICT_SELECTORS] =
			"Use policy based traffic selector: Disable on the connection, and no custom traffic selectors",
		[VERDICT_ESP_PROPOSAL] =
			POLICY ", IKE Phase 2 (IPsec) {esp-names}: {policy}",
		[VERDICT_PFS] =
			"PFS Group: {pfs} in " POLICY "; in the default policy Azure's own rekeys have none: {policy}",
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
		[VERDICT_UNKNOWN] = "see IKEDiagnosticLog",
	},
};
