/*
 * verdict.h - what `s2sctl explain` can find, one row each. The word is in its JSON and in s2sctl(8).
 */
#ifndef CODES_VERDICT_H
#define CODES_VERDICT_H

/* clang-format off */
#define VERDICT_LIST(X) \
	X(STOPPED, "stopped") \
	X(IDLE, "idle") \
	X(UNRESOLVED, "unresolved") \
	X(NO_ROUTE, "no-route") \
	X(ADDRESS_CHANGED, "address-changed") \
	X(DEAD_PEER, "dead-peer") \
	X(SOURCE_ROUTE, "source-route") \
	X(NO_ANSWER, "no-answer") \
	X(NO_ANSWER_AUTH, "no-answer-auth") \
	X(FRAGMENTS_LOST, "fragments-lost") \
	X(WEAK_GROUP, "weak-group") \
	X(IKE_PROPOSAL, "ike-proposal") \
	X(PSK, "psk") \
	X(PSK_OR_IDENTITY, "psk-or-identity") \
	X(IDENTITY, "identity") \
	X(CERTIFICATE, "certificate") \
	X(OTHER_CA, "other-ca") \
	X(OUR_CERTIFICATE, "our-certificate") \
	X(SIGNATURE_METHOD, "signature-method") \
	X(PRIVATE_KEY, "private-key") \
	X(SELECTORS, "selectors") \
	X(SELECTORS_MANY, "selectors-many") \
	X(ESP_PROPOSAL, "esp-proposal") \
	X(PFS, "pfs") \
	X(PEER_DELETED, "peer-deleted") \
	X(KERNEL, "kernel") \
	X(REFUSED, "refused") \
	X(CONNECTING, "connecting") \
	X(KERNEL_DIFFERS, "kernel-differs") \
	X(NARROWED, "narrowed") \
	X(INTERFACE, "interface") \
	X(ROUTE_MISSING, "route-missing") \
	X(ROUTE_ELSEWHERE, "route-elsewhere") \
	X(OWN_ADDRESS, "own-address") \
	X(REVERSE_PATH, "reverse-path") \
	X(FOREIGN_POLICY, "foreign-policy") \
	X(NEIGHBOUR, "neighbour") \
	X(FIREWALL_IKE, "firewall-ike") \
	X(REWRITTEN_IKE, "rewritten-ike") \
	X(FIREWALL, "firewall") \
	X(REWRITTEN, "rewritten") \
	X(OUTBOUND_ONLY, "outbound-only") \
	X(INBOUND_ONLY, "inbound-only") \
	X(MTU, "mtu") \
	X(INTEGRITY, "integrity") \
	X(REPLAY, "replay") \
	X(COLLISIONS, "collisions") \
	X(ADDRESS_FLAPPING, "address-flapping") \
	X(REKEY_FAILED, "rekey-failed") \
	X(FORWARDING, "forwarding") \
	X(FIREWALL_MAYBE, "firewall-maybe") \
	X(INSIDE_APART, "inside-apart") \
	X(INSIDE_RANGE, "inside-range") \
	X(BGP_NO_DAEMON, "bgp-no-daemon") \
	X(BGP_HANGS, "bgp-hangs") \
	X(BGP_NOT_CONFIGURED, "bgp-not-configured") \
	X(BGP_SHUTDOWN, "bgp-shutdown") \
	X(BGP_SHUTDOWN_THERE, "bgp-shutdown-there") \
	X(BGP_SETTINGS, "bgp-settings") \
	X(BGP_PEER_AS, "bgp-peer-as") \
	X(BGP_LOCAL_AS, "bgp-local-as") \
	X(BGP_LIMIT, "bgp-limit") \
	X(BGP_LIMIT_THERE, "bgp-limit-there") \
	X(BGP_HOLD_TIMER, "bgp-hold-timer") \
	X(BGP_MULTIHOP, "bgp-multihop") \
	X(BGP_NO_ROUTE, "bgp-no-route") \
	X(BGP_SOURCE, "bgp-source") \
	X(BGP_FIREWALL, "bgp-firewall") \
	X(BGP_PASSWORD, "bgp-password") \
	X(BGP_NO_ANSWER, "bgp-no-answer") \
	X(BGP_REFUSED, "bgp-refused") \
	X(BGP_DOWN, "bgp-down") \
	X(BGP_STALE, "bgp-stale") \
	X(BGP_POLICY, "bgp-policy") \
	X(BGP_FILTERED, "bgp-filtered") \
	X(BGP_NEXTHOP, "bgp-nexthop") \
	X(BGP_NOT_INSTALLED, "bgp-not-installed") \
	X(BGP_NOTHING_RECEIVED, "bgp-nothing-received") \
	X(BGP_NOTHING_SENT, "bgp-nothing-sent") \
	X(BGP_TOO_MANY, "bgp-too-many") \
	X(BGP_WAITING, "bgp-waiting") \
	X(UP, "up") \
	X(ONE_WAY, "one-way") \
	X(PFS_UNPROVEN, "pfs-unproven") \
	X(UNKNOWN, "unknown")
/* clang-format on */
enum verdict_code {
#define X(code, word) VERDICT_##code,
	VERDICT_LIST(X)
#undef X
		VERDICT_COUNT
};

const char *verdict_word(enum verdict_code code);

#endif
