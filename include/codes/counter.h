/*
 * counter.h - what is counted for each tunnel, one row each; they only grow. `show` and `top` give out all of them, so do the metrics.
 * A new one is a row here and the place that counts it (tunnel->counters[]); check-codes asks for the manual and the schemas.
 */
#ifndef CODES_COUNTER_H
#define CODES_COUNTER_H

/* code, member in JSON, metric, its unit, column of `s2sctl top` that it adds to, line of `s2sctl show` (NULL: none), help */
/* clang-format off */
#define COUNTER_LIST(X) \
	X(BYTES_IN, "bytes_in", "s2s_tunnel_received_bytes", "bytes", NONE, NULL, \
		"Bytes that were received through the tunnel.") \
	X(PACKETS_IN, "packets_in", "s2s_tunnel_received_packets", NULL, NONE, NULL, \
		"Packets that were received through the tunnel.") \
	X(BYTES_OUT, "bytes_out", "s2s_tunnel_sent_bytes", "bytes", NONE, NULL, \
		"Bytes that were sent into the tunnel.") \
	X(PACKETS_OUT, "packets_out", "s2s_tunnel_sent_packets", NULL, NONE, NULL, \
		"Packets that were sent into the tunnel.") \
	X(REPLAY_ERRORS, "replay_errors", "s2s_tunnel_replay_errors", NULL, ERRORS, NULL, \
		"ESP packets that came twice or too late for the replay window.") \
	X(INTEGRITY_ERRORS, "integrity_errors", "s2s_tunnel_integrity_errors", NULL, ERRORS, NULL, \
		"ESP packets that failed their integrity check.") \
	X(ATTEMPTS, "attempts", "s2s_tunnel_attempts", NULL, NONE, "attempts", \
		"Times that we began to set up an IKE SA.") \
	X(CHILD_REKEYS, "rekeys", "s2s_tunnel_child_rekeys", NULL, REKEYS, "child rekeys", \
		"Rekeys of child SAs.") \
	X(IKE_REKEYS, "ike_rekeys", "s2s_tunnel_ike_rekeys", NULL, REKEYS, "ike rekeys", \
		"Rekeys of IKE SAs.") \
	X(RETRANSMITS, "retransmits", "s2s_tunnel_retransmits", NULL, RETRANSMITS, "retransmits", \
		"IKE requests that were sent again.") \
	X(LIVENESS_CHECKS, "liveness_checks", "s2s_tunnel_liveness_checks", NULL, NONE, "liveness checks", \
		"Liveness checks (DPD) that were sent to the peer.")
/* clang-format on */
enum counter {
#define X(code, member, metric, unit, column, line, help) COUNTER_##code,
	COUNTER_LIST(X)
#undef X
		COUNTER_COUNT
};

enum counter_column { COLUMN_NONE, COLUMN_ERRORS, COLUMN_RETRANSMITS, COLUMN_REKEYS, COLUMN_COUNT };
struct counter_row {
	const char *member, *metric, *unit;
	enum counter_column column;
	const char *line, *help;
};
extern const struct counter_row counter_rows[COUNTER_COUNT];

#endif
