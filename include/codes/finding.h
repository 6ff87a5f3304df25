/*
 * finding.h - what can be wrong with a configuration, one row each: the word that `s2sctl check --json` calls its rule, how bad it is, who
 * has to do something about it, and what the daemon does when it loads such a configuration. The sentences stand where the fault is found.
 */
#ifndef CODES_FINDING_H
#define CODES_FINDING_H

enum finding_severity { FINDING_ERROR, FINDING_WARNING, FINDING_HINT }; /* will not work; may bite; good to know */
enum finding_side { SIDE_OURS, SIDE_CLOUD, SIDE_BOTH };                 /* where something is to be done */
enum finding_load { LOAD_REFUSES, LOAD_WARNS, LOAD_TAKES };             /* s2sd -n, start and reload */

/* code, rule, severity, side, what the daemon does. Rules are words that stay; several codes may share one. */
/* clang-format off */
#define FINDING_LIST(X) \
	/* grammar and single values */ \
	X(YAML, "configuration", ERROR, OURS, REFUSES) \
	X(UNKNOWN_KEY, "configuration", ERROR, OURS, REFUSES) \
	X(WRITTEN_TWICE, "configuration", ERROR, OURS, REFUSES) \
	X(VALUE, "configuration", ERROR, OURS, REFUSES) \
	X(TOO_MANY, "configuration", ERROR, OURS, REFUSES) \
	X(KEY_GONE, "configuration", ERROR, OURS, REFUSES) \
	X(KEY_GONE_UNUSED, "configuration", WARNING, OURS, WARNS) \
	X(MEMBER_TWICE, "configuration", WARNING, OURS, WARNS) \
	X(KEY_FILE_ABSENT, "key-file", ERROR, OURS, REFUSES) \
	X(KEY_FILE_OPEN, "key-mode", ERROR, OURS, REFUSES) \
	X(KEY_FILE_DENIED, "key-file", ERROR, OURS, REFUSES) \
	X(KEY_FILE_UNUSABLE, "configuration", ERROR, OURS, REFUSES) \
	X(MORE_ERRORS, "configuration", ERROR, OURS, REFUSES) \
	X(MORE_WARNINGS, "configuration", WARNING, OURS, WARNS) \
	/* the keys of one tunnel against each other */ \
	X(MISSING, "configuration", ERROR, OURS, REFUSES) \
	X(CONTRADICTION, "configuration", ERROR, OURS, REFUSES) \
	X(WITHOUT_EFFECT, "configuration", WARNING, OURS, WARNS) \
	X(HALF_OPEN, "half-open", WARNING, OURS, WARNS) \
	X(REMOTE_IS_SELF, "remote", ERROR, BOTH, REFUSES) \
	X(CERT_FILE, "certificate-file", ERROR, OURS, REFUSES) \
	X(CERT_KEY, "certificate-key", ERROR, OURS, REFUSES) \
	X(CERT_TOKEN, "certificate-key", HINT, OURS, TAKES) \
	X(CERT_USAGE, "certificate-usage", ERROR, OURS, WARNS) \
	X(CERT_NAME, "certificate-name", ERROR, OURS, WARNS) \
	X(CERT_CHAIN, "certificate-chain", WARNING, OURS, WARNS) \
	X(CERT_WEAK, "certificate-weak", WARNING, OURS, WARNS) \
	X(CERT_CA, "certificate-usage", WARNING, OURS, WARNS) \
	X(KEY_MISSING, "key-file", ERROR, OURS, REFUSES) \
	X(KEY_ALPHABET, "psk-alphabet", HINT, BOTH, TAKES) \
	X(PSK_WEAK, "psk-weak", ERROR, BOTH, REFUSES) \
	X(PSK_WEAK_ALLOWED, "psk-weak", WARNING, BOTH, WARNS) \
	X(PSK_SHORT, "psk-weak", WARNING, BOTH, WARNS) \
	X(KEY_WRAPPED, "key-file", WARNING, OURS, WARNS) \
	X(WEAK, "weak", ERROR, BOTH, REFUSES) \
	X(WEAK_GROUP_2, "dh-group-2", ERROR, CLOUD, REFUSES) \
	X(SEVERAL_PROPOSALS, "aws-weakest", WARNING, OURS, WARNS) \
	X(LIFETIMES_CROSSED, "lifetime", WARNING, OURS, WARNS) \
	X(LIFETIME_LONG, "lifetime", WARNING, OURS, WARNS) \
	X(MSS_MORE_THAN_MTU, "mtu", WARNING, OURS, WARNS) \
	X(INSIDE_NO_HOST, "inside", WARNING, OURS, WARNS) \
	X(CHILD_TWICE, "selectors", ERROR, OURS, REFUSES) \
	X(CHILD_ALONE, "selectors", ERROR, OURS, REFUSES) \
	X(CHILD_OUTSIDE, "selectors", ERROR, OURS, REFUSES) \
	X(ROUTE_OVER_PEER, "pin-route", WARNING, OURS, WARNS) \
	/* the tunnels of all files against each other */ \
	X(TUNNEL_TWICE, "configuration", ERROR, OURS, REFUSES) \
	X(INTERFACE_SHARED, "configuration", ERROR, OURS, REFUSES) \
	X(TUNNELS_ALIKE, "identity", ERROR, OURS, REFUSES) \
	X(PSK_SHARED, "psk-shared", WARNING, BOTH, WARNS) \
	X(PSK_SHARED_ANY, "psk-shared", ERROR, BOTH, REFUSES) \
	X(VTI_SHARED, "configuration", ERROR, OURS, REFUSES) \
	X(INSIDE_SHARED, "inside", WARNING, BOTH, WARNS) \
	X(REMOTE_SHARED, "same-remote", WARNING, BOTH, TAKES) \
	X(IDENTITY_SHARED, "identity", WARNING, BOTH, TAKES) \
	X(BGP_PEER_SHARED, "bgp-address", ERROR, BOTH, TAKES) \
	X(SPACE_OTHER_CLOUD, "overlap", WARNING, BOTH, TAKES) \
	X(SPACE_WITHIN, "overlap", WARNING, BOTH, TAKES) \
	X(SPACE_WITHIN_SAME_CLOUD, "overlap", HINT, BOTH, TAKES) \
	/* one tunnel */ \
	X(MSS_OFF, "mtu", WARNING, OURS, TAKES) \
	X(ROUTE_UNSELECTED, "selectors", ERROR, BOTH, TAKES) \
	X(BGP_UNSELECTED, "selectors", ERROR, BOTH, TAKES) \
	X(CHILD_UNROUTED, "selectors", WARNING, OURS, TAKES) \
	X(CHILDREN_OVERLAP, "overlap", WARNING, BOTH, TAKES) \
	X(SELECTORS_OVERLAP, "overlap", ERROR, BOTH, TAKES) \
	X(BGP_NO_ADDRESS, "bgp-address", ERROR, OURS, TAKES) \
	X(BGP_FOREIGN_ADDRESS, "bgp-address", WARNING, OURS, TAKES) \
	X(BGP_PEER_IS_OURS, "bgp-address", ERROR, OURS, TAKES) \
	X(INSIDE_APART, "inside", WARNING, BOTH, TAKES) \
	X(BGP_NO_NEIGHBOUR, "bgp-multihop", WARNING, OURS, TAKES) \
	X(BGP_STATIC_ROUTES, "bgp-static", HINT, OURS, TAKES) \
	X(LEADS_NOWHERE, "no-way-in", WARNING, OURS, TAKES) \
	X(UNGUARDED_BGP, "unguarded", HINT, OURS, TAKES) \
	X(UNGUARDED_TABLE, "unguarded", HINT, OURS, TAKES) \
	X(NAME_BEHIND_DEFAULT, "remote", WARNING, OURS, TAKES) \
	X(ANY_BEHIND_DEFAULT, "remote", WARNING, OURS, TAKES) \
	X(CERT_EXPIRED, "certificate-expiry", ERROR, OURS, TAKES) \
	X(CERT_NOT_YET, "certificate-expiry", ERROR, OURS, TAKES) \
	X(CERT_EXPIRES_NOW, "certificate-expiry", ERROR, OURS, TAKES) \
	X(CERT_EXPIRES, "certificate-expiry", WARNING, OURS, TAKES) \
	X(CERT_EXPIRES_SOON, "certificate-expiry", HINT, OURS, TAKES) \
	X(CRL_EXPIRED, "crl-expiry", ERROR, OURS, TAKES) \
	X(CRL_STALE, "crl-expiry", WARNING, OURS, TAKES) \
	X(CRL_EXPIRES, "crl-expiry", WARNING, OURS, TAKES) \
	/* one tunnel against its cloud */ \
	X(PROPOSAL_UNKNOWN, "proposal", WARNING, OURS, TAKES) \
	X(PROPOSALS_UNKNOWN, "proposal", ERROR, OURS, TAKES) \
	X(ESN_UNKNOWN, "proposal", ERROR, OURS, TAKES) \
	X(PFS_UNKNOWN, "pfs", WARNING, BOTH, TAKES) \
	X(GROUP_2, "dh-group-2", WARNING, BOTH, TAKES) \
	X(POLICY_NEEDED, "azure-policy", HINT, CLOUD, TAKES) \
	X(LIFETIME_RANGE, "lifetime", WARNING, OURS, TAKES) \
	X(INSIDE_RANGE, "inside-range", WARNING, OURS, TAKES) \
	X(INSIDE_RESERVED, "inside-range", ERROR, BOTH, TAKES) \
	X(INSIDE_FIRST, "inside-range", ERROR, OURS, TAKES) \
	X(AS_SAME, "asn", ERROR, BOTH, TAKES) \
	X(AS_RESERVED, "asn", ERROR, BOTH, TAKES) \
	X(AS_RESERVED_ELSEWHERE, "asn", WARNING, BOTH, TAKES) \
	X(CHILDREN_WANTED, "selectors", HINT, BOTH, TAKES) \
	X(CHILDREN_SEVERAL, "selectors", ERROR, BOTH, TAKES) \
	X(NOBODY_INITIATES, "start", WARNING, BOTH, TAKES) \
	X(SIZE_CLOUD, "mtu", WARNING, OURS, TAKES) \
	/* against this machine */ \
	X(NO_TUNNELS, "no-tunnels", HINT, OURS, TAKES) \
	X(PORT_TAKEN, "port", ERROR, OURS, TAKES) \
	X(FORWARDING, "forwarding", WARNING, OURS, TAKES) \
	X(RP_FILTER, "rp-filter", WARNING, OURS, TAKES) \
	X(RP_FILTER_ALONE, "rp-filter", HINT, OURS, TAKES) \
	X(FILTER_DROPS, "filter", WARNING, OURS, TAKES) \
	X(FILTER_REWRITES, "rewritten", WARNING, OURS, TAKES) \
	X(RP_FILTER_NET, "rp-filter", WARNING, OURS, TAKES) \
	X(RP_FILTER_UPLINK, "rp-filter", WARNING, OURS, TAKES) \
	X(RA_IGNORED, "router-advertisements", WARNING, OURS, TAKES) \
	X(UPLINK, "uplink", WARNING, OURS, TAKES) \
	X(UPLINK_PERHAPS, "uplink", HINT, OURS, TAKES) \
	X(ECMP_HASH, "ecmp-hash", WARNING, OURS, TAKES) \
	X(NETWORKD, "networkd", WARNING, OURS, TAKES) \
	X(ESP_MODULE, "esp-module", HINT, OURS, TAKES) \
	X(CARD_QUEUES, "card-queues", HINT, OURS, TAKES) \
	X(CARD_GRO, "card-gro", HINT, OURS, TAKES) \
	X(CPU_AES, "cpu-aes", HINT, OURS, TAKES) \
	X(CIPHER_ORDER, "cipher-order", HINT, OURS, TAKES) \
	X(SIZE_PATH, "mtu", WARNING, OURS, TAKES) \
	X(LOCAL_FOREIGN, "local", WARNING, OURS, TAKES) \
	X(REMOTE_IS_OURS, "remote", ERROR, OURS, TAKES) \
	X(SPACE_AROUND_LOCAL, "overlap-local", WARNING, BOTH, TAKES) \
	X(SPACE_WITHIN_LOCAL, "overlap-local", ERROR, BOTH, TAKES) \
	X(INSIDE_OVER_LOCAL, "overlap-local", WARNING, BOTH, TAKES) \
	X(KEYS_UNREAD, "key-file", WARNING, OURS, TAKES) \
	X(KEY_DIR_MODE, "key-mode", ERROR, OURS, TAKES) \
	X(KEY_LIES_OPEN, "key-mode", WARNING, OURS, TAKES)
/* clang-format on */
enum finding_code {
#define X(code, rule, severity, side, load) FINDING_##code,
	FINDING_LIST(X)
#undef X
		FINDING_COUNT
};

const char *finding_rule(enum finding_code code);
enum finding_severity finding_severity(enum finding_code code);
enum finding_side finding_side(enum finding_code code);
enum finding_load finding_load(enum finding_code code);
const char *severity_word(enum finding_severity s); /* "error" "warning" "hint" */
const char *side_word(enum finding_side s);         /* "ours" "cloud" "both" */

#endif
