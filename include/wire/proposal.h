/* proposal.h - SA payload contents (RFC 7296 3.3) and the chosen result, a suite. */
#ifndef WIRE_PROPOSAL_H
#define WIRE_PROPOSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct transform {
	uint8_t type; /* enum ike_transform_type */
	uint16_t id;
	uint16_t keylen; /* bits; 0 = no Key Length attribute */
	bool foreign;    /* carried an attribute we do not know: never matches (RFC 7296 3.3.6) */
};

#define PROPOSAL_TRANSFORMS_MAX 24 /* in a proposal of ours; what a peer sends is only bounded by the message */
#define PROPOSALS_MAX 8            /* of ours per list */
struct proposal {                  /* ours: from the configuration, by value */
	uint8_t protocol;          /* PROTOCOL_IKE, PROTOCOL_ESP */
	uint8_t n;
	struct transform t[PROPOSAL_TRANSFORMS_MAX];
};
struct proposal_list {
	uint8_t n;
	struct proposal v[PROPOSALS_MAX];
};

struct offer {          /* one proposal substructure as it stands in a message; t points into the step arena */
	uint8_t number; /* 1, 2, ... */
	uint8_t protocol;
	struct bytes spi;
	uint16_t n;
	const struct transform *t;
};

/* One of each kind; what both ends agreed on. 0 / GROUP_NONE / INTEG_NONE where the kind is absent (AEAD, no PFS). */
struct suite {
	uint8_t protocol;
	uint16_t encr, keylen /* bits; 0 = fixed */, prf, integ, group, esn;
};

bool suite_equal(const struct suite *a, const struct suite *b);

#endif
