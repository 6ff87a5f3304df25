/* rules.h - when a verdict holds: one function per row of rules.c. They gather the evidence as they look. */
#ifndef CTL_EXPLAIN_RULES_H
#define CTL_EXPLAIN_RULES_H

#include "explain.h"

typedef bool rule_test(const struct symptoms *s, struct verdict *v);

/* what the daemon knows (daemon.c) */
rule_test verdict_stopped, verdict_idle, verdict_unresolved, verdict_no_route, verdict_address_changed, verdict_dead_peer,
	verdict_no_answer, verdict_no_answer_auth, verdict_fragments_lost;
rule_test verdict_weak_group, verdict_ike_proposal, verdict_psk, verdict_psk_or_identity, verdict_identity, verdict_certificate,
	verdict_other_ca, verdict_our_certificate, verdict_signature_method, verdict_private_key, verdict_selectors,
	verdict_selectors_many, verdict_narrowed, verdict_esp_proposal, verdict_pfs;
rule_test verdict_peer_deleted, verdict_kernel, verdict_kernel_differs, verdict_refused, verdict_connecting, verdict_rekey_failed,
	verdict_collisions, verdict_address_flapping, verdict_pfs_unproven, verdict_up;
/* what this machine does (host.c) */
rule_test verdict_interface, verdict_route_missing, verdict_route_elsewhere, verdict_forwarding;
rule_test verdict_outbound_only, verdict_inbound_only, verdict_one_way, verdict_mtu, verdict_replay, verdict_integrity;

/* what its packet filter does with them (firewall.c) */
rule_test verdict_firewall_ike, verdict_rewritten_ike, verdict_firewall, verdict_rewritten, verdict_firewall_maybe;
/* the way of a packet (ways.c) */
rule_test verdict_source_route, verdict_own_address, verdict_reverse_path, verdict_reverse_path_outside, verdict_foreign_policy,
	verdict_neighbour, verdict_neighbour_outside;
bool way_route_fault(const struct symptoms *s, struct verdict *v, bool missing); /* more evidence for host.c */
bool way_forwarding_fault(const struct symptoms *s, struct verdict *v);
/* BGP (bgp.c) */
rule_test verdict_inside_apart, verdict_inside_range, verdict_bgp_no_daemon, verdict_bgp_hangs, verdict_bgp_not_configured,
	verdict_bgp_shutdown, verdict_bgp_shutdown_there, verdict_bgp_settings, verdict_bgp_peer_as, verdict_bgp_local_as,
	verdict_bgp_limit, verdict_bgp_limit_there, verdict_bgp_hold_timer, verdict_bgp_multihop, verdict_bgp_no_route,
	verdict_bgp_source, verdict_bgp_firewall, verdict_bgp_password, verdict_bgp_no_answer, verdict_bgp_refused,
	verdict_bgp_down, verdict_bgp_stale, verdict_bgp_policy, verdict_bgp_filtered, verdict_bgp_nexthop,
	verdict_bgp_not_installed, verdict_bgp_nothing_received, verdict_bgp_nothing_sent, verdict_bgp_too_many,
	verdict_bgp_waiting;

#endif
