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
		[VERDICT_IDLE] = "{begins}",
		[VERDICT_ADDRESS_CHANGED] = "allow {here} as the address of this end",
		[VERDICT_DEAD_PEER] = "see whether it runs and whether it has lost its state",
		[VERDICT_SOURCE_ROUTE] = "it has to know us as {here}, or as what a NAT on that uplink makes of it",
		[VERDICT_NO_ANSWER] =
			"it has to run, to know our address {here}, and to let UDP 500 in",
		[VERDICT_NO_ANSWER_AUTH] = "see its log for an IKE_AUTH request from {here}",
		[VERDICT_FRAGMENTS_LOST] = "see its log for an IKE_AUTH request from {here}; it should know fragments of IKE (RFC 7383)",
		[VERDICT_WEAK_GROUP] = "allow {ours}",
		[VERDICT_IKE_PROPOSAL] = "allow {ours} for IKE",
		[VERDICT_PSK] = "the key for {id}",
		[VERDICT_PSK_OR_IDENTITY] = "the key for {id}, and that it expects this identity",
		[VERDICT_OTHER_CA] = "trust {b}, for us",
		[VERDICT_OUR_CERTIFICATE] = "its log names what it does not accept; it has to trust our CA, and to expect {a}",
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
		[VERDICT_BGP_NOT_CONFIGURED] =
			"a session with us, AS {local-as}",
		[VERDICT_BGP_SHUTDOWN_THERE] =
			"start the session with us again",
		[VERDICT_BGP_PEER_AS] =
			"see which AS it is",
		[VERDICT_BGP_LOCAL_AS] =
			"expect AS {local-as} of us",
		[VERDICT_BGP_LIMIT_THERE] =
			"raise the limit for us, and clear the session",
		[VERDICT_BGP_HOLD_TIMER] =
			"see whether its BGP runs, and whether its answers enter the tunnel",
		[VERDICT_BGP_PASSWORD] =
			"the password of the session with us",
		[VERDICT_BGP_NO_ANSWER] =
			"the address {bgp-peer} must be there, TCP 179 allowed from us, and its way back to us lead into the tunnel",
		[VERDICT_BGP_REFUSED] =
			"BGP must run at {bgp-peer}, with a session for our address",
		[VERDICT_BGP_DOWN] =
			"see its BGP's log",
		[VERDICT_BGP_STALE] =
			"see why its BGP restarts",
		[VERDICT_BGP_NEXTHOP] =
			"set itself as next hop towards us",
		[VERDICT_BGP_NOTHING_RECEIVED] =
			"see what it exports to us",
		[VERDICT_BGP_TOO_MANY] =
			"see its limit for us",
		[VERDICT_UNKNOWN] = "see its log",
	},
};
