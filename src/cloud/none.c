/* none.c - any other peer, see cloud.h. */
#include "cloud/cloud.h"

static const struct cloud_default defaults[] = { { NULL, NULL } };

const struct provider provider_none = {
	.name = "peer",
	.title = "the peer",
	.defaults = defaults,
	.esn = true,
	.bgp = { .hold = 90 },
	.advice = {
		[VERDICT_IDLE] = "the peer has to initiate, to {local}",
		[VERDICT_ADDRESS_CHANGED] = "allow {here} as the address of this end",
		[VERDICT_DEAD_PEER] = "see whether it runs and whether it has lost its state",
		[VERDICT_SOURCE_ROUTE] = "it has to know us as {here}, or as what a NAT on that uplink makes of it",
		[VERDICT_NO_ANSWER] =
			"it has to run, to know our address {here}, and to let UDP 500 in",
		[VERDICT_NO_ANSWER_AUTH] = "see its log for an IKE_AUTH request from {here}",
		[VERDICT_WEAK_GROUP] = "allow {ours}",
		[VERDICT_IKE_PROPOSAL] = "allow {ours} for IKE",
		[VERDICT_PSK] = "the key for {id}",
		[VERDICT_PSK_OR_IDENTITY] = "the key for {id}, and that it expects this identity",
		[VERDICT_IDENTITY] = "its own identity has to be {b}",
		[VERDICT_SELECTORS] = "selectors that hold {a}, seen from this end",
		[VERDICT_ESP_PROPOSAL] = "allow {ours} for ESP",
		[VERDICT_PFS] = "PFS group {pfs} for ESP",
		[VERDICT_PEER_DELETED] = "see its log",
		[VERDICT_REFUSED] = "see its log",
		[VERDICT_OUTBOUND_ONLY] =
			"ESP must reach us, and its routes to our networks must lead into the tunnel",
		[VERDICT_MTU] = "the same MTU at its end",
		[VERDICT_COLLISIONS] = "longer lifetimes than ours",
		[VERDICT_REKEY_FAILED] = "see its log",
		[VERDICT_UNKNOWN] = "see its log",
	},
};
