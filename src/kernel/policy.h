/*
 * policy.h - traffic selectors as XFRM policies.
 *
 * A pair of selectors becomes in, fwd and out policies. in and fwd name the tunnel only (reqid, any address): rekeys do not touch them.
 * out names the one SA that may be used, by SPI; without a child it blocks, or asks for one. A VTI needs no fwd.
 * The priority follows from the selector: a narrower one goes before a wider one. Of two equally narrow ones that of the lower slot goes first, as
 * the kernel's own order would change with each rekey.
 */
#ifndef KERNEL_POLICY_H
#define KERNEL_POLICY_H

#include "ike/esp.h"
#include "nlm.h"

struct sel { /* what one XFRM selector can say: a prefix pair, a protocol, a masked port on each side */
	struct prefix local, remote;
	uint8_t protocol;
	uint16_t local_port, local_mask, remote_port, remote_mask;
};

#define SEL_MAX TS_POLICIES_MAX /* per tunnel; ranges that are no prefixes are cut into prefixes */
struct sel_list {
	unsigned n;
	struct sel *v; /* owned */
};

enum policy_dir { POLICY_IN, POLICY_OUT, POLICY_FWD };

struct outward {       /* where an out policy sends traffic */
	uint16_t slot; /* whose it is, 0: nobody's */
	uint32_t spi;  /* 0: nowhere; with addresses it asks for a child (ACQUIRE) */
	struct addr local, remote;
};

static inline bool outward_asks(const struct outward *o) { return o->spi == 0 && o->remote.family != 0; }

/* -E2BIG: more than SEL_MAX; -EOPNOTSUPP: what no policy can express. *list is then empty. */
int sel_list_from(struct sel_list *list, const struct ts_list *local, const struct ts_list *remote);
void sel_list_free(struct sel_list *list);
bool sel_equal(const struct sel *a, const struct sel *b);
bool sel_list_has(const struct sel_list *list, const struct sel *s);
uint64_t sel_hash(const struct sel *s); /* equal ones have equal ones */

void policy_build_set(
	struct nlm *m, const struct sel *s, enum policy_dir dir, uint32_t tunnel, bool vti, const struct outward *out);
void policy_build_del(struct nlm *m, const struct sel *s, enum policy_dir dir, uint32_t tunnel, bool vti);
void policy_build_dump(struct nlm *m);
/* Moves the outside addresses of the out policy and of both SAs, whatever their SPIs. */
void policy_build_migrate(struct nlm *m, const struct sel *s, const struct esp_move *move);

struct policy_seen {
	uint32_t tunnel;
	bool vti;
	enum policy_dir dir;
	struct sel sel;
	uint64_t print; /* of what it does: action, priority, template */
};
bool policy_read(struct policy_seen *seen, const struct nlmsghdr *h); /* false when it is not ours */

#endif
