/*
 * event.h - the codes of what happens, one row each: word, log level, whether `status` remembers it; who is to blame; why a datagram was dropped.
 */
#ifndef CODES_EVENT_H
#define CODES_EVENT_H

#include <stdbool.h>

#include "base/log.h"

enum blame { BLAME_NONE, BLAME_PEER, BLAME_LOCAL, BLAME_NETWORK, BLAME_OPERATOR };

/* What an event is about, where its code alone does not say it; word */
/* clang-format off */
#define SUBJECT_LIST(X) \
	X(IKE_SA, "ike-sa") \
	X(CHILD_SA, "child-sa") \
	X(INTERFACE, "interface") \
	X(POLICY, "policy") \
	X(ROUTE, "route") \
	X(ADDRESS, "address") \
	X(RULE, "rule") \
	X(SA, "sa") \
	X(FIREWALL, "firewall") \
	X(SYSCTL, "sysctl") \
	X(RESOLVER, "resolver")
/* clang-format on */
enum fact_subject {
	SUBJECT_NONE,
#define X(code, word) SUBJECT_##code,
	SUBJECT_LIST(X)
#undef X
		SUBJECT_COUNT
};

/* code, word, log level, is it an error that `status` remembers */
/* clang-format off */
#define FACT_LIST(X) \
	X(UP, "up", NOTICE, 0) \
	X(DOWN, "down", WARNING, 0) \
	X(CONNECTING, "connecting", INFO, 0) \
	X(STOPPED, "stopped", NOTICE, 0) \
	X(IKE_ESTABLISHED, "ike-established", INFO, 0) \
	X(IKE_REKEYED, "ike-rekeyed", INFO, 0) \
	X(IKE_REPLACED, "ike-replaced", INFO, 0) \
	X(CHILD_ESTABLISHED, "child-established", INFO, 0) \
	X(CHILD_REKEYED, "child-rekeyed", INFO, 0) \
	X(CHILD_CLOSED, "child-closed", INFO, 0) \
	X(NARROWED, "narrowed", WARNING, 0) \
	X(PROBLEM, "problem", WARNING, 0) \
	X(PROBLEM_OVER, "problem-over", NOTICE, 0) \
	X(NO_ANSWER, "no-answer", WARNING, 1) \
	X(PEER_DEAD, "peer-dead", WARNING, 1) \
	X(PEER_DELETED, "peer-deleted", NOTICE, 1) \
	X(NO_PROPOSAL, "no-proposal", ERROR, 1) \
	X(AUTH_FAILED, "auth-failed", ERROR, 1) \
	X(CERTIFICATE_REFUSED, "certificate-refused", ERROR, 1) \
	X(OUR_CERTIFICATE, "our-certificate-refused", ERROR, 1) \
	X(OTHER_CA, "other-ca-wanted", ERROR, 1) \
	X(NO_SIGNATURE, "no-signature-method", ERROR, 1) \
	X(SIGNING_FAILED, "signing-failed", ERROR, 1) \
	X(ID_REFUSED, "id-refused", ERROR, 1) \
	X(TS_REFUSED, "ts-refused", ERROR, 1) \
	X(TS_LIMIT, "ts-limit", ERROR, 1) \
	X(KE_REFUSED, "ke-refused", ERROR, 1) \
	X(PEER_REFUSED, "peer-refused", ERROR, 1) \
	X(PFS_MISMATCH, "pfs-mismatch", WARNING, 1) \
	X(SYNTAX, "syntax", WARNING, 1) \
	X(KERNEL_FAILED, "kernel-failed", ERROR, 1) \
	X(KERNEL_REPAIRED, "kernel-repaired", WARNING, 0) \
	X(CRYPTO_FAILED, "crypto-failed", ERROR, 1) \
	X(RESOLVE_FAILED, "resolve-failed", WARNING, 1) \
	X(NO_ROUTE, "no-route", WARNING, 1) \
	X(NO_CHILD, "no-child", WARNING, 1) \
	X(REKEY_FAILED, "rekey-failed", WARNING, 1) \
	X(REAUTH, "reauth", NOTICE, 0) \
	X(COLLISION, "collision", INFO, 0) \
	X(ID_SYNC, "id-sync", NOTICE, 0) \
	X(ADDRESS_CHANGED, "address-changed", NOTICE, 0) \
	X(NAT_CHANGED, "nat-changed", NOTICE, 0) \
	X(ADDRESS_REFUSED, "address-refused", WARNING, 0) \
	X(RETRANSMIT, "retransmit", DEBUG, 0) \
	X(LIVENESS, "liveness", DEBUG, 0) \
	X(HINT, "hint", DEBUG, 0) \
	X(COOKIE, "cookie", INFO, 0) \
	X(FLOOD, "flood", WARNING, 0) \
	X(NOT_RESTORED, "not-restored", WARNING, 0) \
	X(CONF_CHANGED, "conf-changed", NOTICE, 0) \
	X(NO_TUNNEL, "no-tunnel", NOTICE, 0) \
	X(LIFETIME, "lifetime", INFO, 0) \
	X(UNSUPPORTED, "unsupported", WARNING, 1)
/* clang-format on */
enum fact_code {
#define X(code, word, level, error) FACT_##code,
	FACT_LIST(X)
#undef X
		FACT_COUNT
};

/* Why a datagram was dropped: counted by reason, no state is touched. */
/* clang-format off */
#define DROP_LIST(X) \
	X(SHORT, "short") \
	X(VERSION, "version") \
	X(LENGTH, "length") \
	X(SYNTAX, "syntax") \
	X(UNKNOWN_SA, "unknown-sa") \
	X(INTEGRITY, "integrity") \
	X(STALE, "stale") \
	X(UNEXPECTED, "unexpected") \
	X(NO_TUNNEL, "no-tunnel") \
	X(HALF_OPEN, "half-open") \
	X(COOKIE, "cookie") \
	X(FRAGMENT, "fragment") \
	X(BUSY, "busy") \
	X(CRITICAL, "critical") \
	X(RATE, "rate")
/* clang-format on */
enum drop_reason {
#define X(code, word) DROP_##code,
	DROP_LIST(X)
#undef X
		DROP_COUNT
};

const char *fact_word(enum fact_code code);
enum log_level fact_level(enum fact_code code);
bool fact_is_error(enum fact_code code);
const char *subject_word(enum fact_subject s); /* NULL: none */
const char *blame_word(enum blame b);          /* "peer" "local" "network" "operator"; "none" */
const char *drop_word(enum drop_reason r);

#endif
