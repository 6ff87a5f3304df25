/*
 * sa.h - messages about one SA, and what is read back of one.
 *
 * Ours is known by reqid = IF_ID_BASE + tunnel, confirmed by the same number as if_id (XFRM interface) or mark (VTI).
 */
#ifndef KERNEL_SA_H
#define KERNEL_SA_H

#include "ike/esp.h"
#include "msg.h"

/* What names an SA to the kernel. */
struct sa_id {
	struct addr src, dst;
	uint32_t spi;
};

struct sa_seen { /* from a dump, an answer or an EXPIRE */
	uint32_t tunnel;
	struct sa_id id;
	uint8_t dir; /* enum esp_dir */
	bool vti, dying;
	struct esp_counters count;
};

struct sa_id sa_id_of(const struct esp_sa *sa);
int sa_build_add(struct msg *m, const struct esp_sa *sa, bool vti, const char **why);
void sa_build_del(struct msg *m, const struct sa_id *id, uint32_t tunnel, bool vti);
void sa_build_get(struct msg *m, const struct sa_id *id, uint32_t tunnel, bool vti);
void sa_build_dump(struct msg *m);
/* The change of ports of the SA that `now` (an answer to GETSA) shows; its keys are repeated, as UPDSA demands, and ignored. */
void sa_build_ports(struct msg *m, const struct nlmsghdr *now, uint16_t sport, uint16_t dport);
/* False when it is not ours. fixed: what stands before the attributes. */
bool sa_read(struct sa_seen *seen, const struct nlmsghdr *h, size_t fixed);
void sa_put_owner(struct msg *m, uint32_t tunnel, bool vti); /* if_id or mark */

#endif
