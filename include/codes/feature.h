/*
 * feature.h - what newer kernels do better for us, one row each: found at each start, and told by `s2sctl show algorithms`. They are found by
 * asking, not by the kernel's version, but for UDP_GRO: whether such a socket joins ESP as ESP no answer says, so that it is inferred (src/keeper/udp.c).
 */
#ifndef CODES_FEATURE_H
#define CODES_FEATURE_H

#include <stdint.h>

/* code, word, what it is */
/* clang-format off */
#define FEATURE_LIST(X) \
	X(SA_DIRECTION, "sa-direction", "an SA says its direction, and the kernel holds it to that") \
	X(NAT_KEEPALIVE, "nat-keepalive", "the kernel sends NAT keepalives, also during a restart") \
	X(UDP_GRO, "udp-gro", "ESP in UDP is received in batches (with esp4_offload)")
/* clang-format on */

enum feature {
#define X(code, word, what) FEATURE_##code,
	FEATURE_LIST(X)
#undef X
		FEATURE_COUNT
};
#define FEATURE_BIT(f) ((uint32_t)1 << (f))

const char *feature_word(enum feature f);
const char *feature_text(enum feature f);

#endif
