/* explain_tests.h - when a verdict holds: one function per row of explain_rules.c. They gather the evidence as they look. */
#ifndef CTL_EXPLAIN_TESTS_H
#define CTL_EXPLAIN_TESTS_H

#include "explain.h"

typedef bool rule_test(const struct sight *s, struct verdict *v);

/* what the daemon knows (explain_told.c) */
rule_test told_stopped, told_waits, told_unresolved, told_no_route, told_moved, told_dead, told_silent_init, told_silent_auth;
rule_test told_weak_group, told_ike_proposal, told_psk, told_psk_or_identity, told_identity, told_selectors, told_esp_proposal,
	told_pfs;
rule_test told_deleted, told_kernel, told_refused, told_connecting, told_rekey_failed, told_collisions, told_moving,
	told_pfs_unproven, told_up;
/* what this machine does (explain_seen.c) */
rule_test seen_link, seen_route_refused, seen_route_elsewhere, seen_firewall_ike, seen_firewall_through, seen_forwarding;
rule_test seen_outbound_only, seen_inbound_only, seen_mtu, seen_replay, seen_integrity;

/* shared */
const json_t *error_of(const struct sight *s); /* what keeps it down, or has gone wrong since it is up; NULL */
bool error_is(const struct sight *s, const char *code);
const json_t *latest(
	const struct sight *s, const char *code, int64_t seconds); /* the newest event of that code and not older; NULL */
unsigned count_events(const struct sight *s, const char *code, int64_t seconds);
const char *str(const json_t *o, const char *key); /* "" when absent */
bool is_up(const struct sight *s);
void tell_event(const struct sight *s, struct verdict *v, const json_t *e); /* as evidence, and whose fault it says it is */
uint64_t sum_children(const struct sight *s, const char *key);

#endif
