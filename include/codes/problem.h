/*
 * problem.h - what may be wrong with a tunnel that is up, as the daemon sees it by itself: events `problem` and `problem-over`, the label code of
 * s2s_tunnel_problem, `problem` in the JSON of status. Where `s2sctl explain` has a verdict of that word it says more.
 */
#ifndef CODES_PROBLEM_H
#define CODES_PROBLEM_H

/* clang-format off */
#define PROBLEM_LIST(X) \
	X(OUTBOUND_ONLY, "outbound-only") \
	X(INBOUND_ONLY, "inbound-only") \
	X(NARROWED, "narrowed") \
	X(KERNEL_DIFFERS, "kernel-differs")
/* clang-format on */
enum problem {
	PROBLEM_NONE,
#define X(code, word) PROBLEM_##code,
	PROBLEM_LIST(X)
#undef X
		PROBLEM_COUNT
};

const char *problem_word(enum problem p); /* NULL: none */

#endif
