/*
 * xsa.h - messages about one SA, and what is read back of one.
 *
 * Ours is known by reqid = IF_ID_BASE + tunnel, confirmed by the same number as if_id (XFRM interface) or mark (VTI).
 */
#ifndef KERNEL_XSA_H
#define KERNEL_XSA_H

#include <netinet/in.h>
#include <linux/xfrm.h>

#include "ike/esp.h"
#include "nlm.h"

/* What names an SA to the kernel. */
struct xsa_id {
	struct addr src, dst;
	uint32_t spi;
};

struct xsa_seen { /* from a dump, an answer or an EXPIRE */
	uint32_t tunnel;
	struct xsa_id id;
	uint8_t dir; /* enum esp_dir */
	bool vti;
	bool larval; /* without a key: it stands for one that is asked for */
	struct esp_counters count;
};

/* Attributes of kernels that are newer than some distributions' headers. */
#define XSA_DIR 33           /* XFRMA_SA_DIR, Linux 6.10 */
#define XSA_NAT_KEEPALIVE 34 /* XFRMA_NAT_KEEPALIVE_INTERVAL, Linux 6.11 */
enum xsa_dir { XSA_DIR_IN = 1, XSA_DIR_OUT = 2 };

struct xsa_how { /* beside the SA itself */
	bool vti;
	uint32_t features; /* bits FEATURE_BIT(enum feature) that the kernel has */
	uint32_t card;     /* ifindex of the network card that shall encrypt or decrypt; 0 = none */
};

struct xsa_id xsa_id_of(const struct esp_sa *sa);
int xsa_build_add(struct nlm *m, const struct esp_sa *sa, const struct xsa_how *how, const char **why);
/* Asks for an SA that cannot be, with an attribute of that type and these bytes: a kernel that knows the attribute refuses them, one that does not says ESRCH. */
void xsa_build_probe(struct nlm *m, uint16_t attribute, const void *bad, size_t n);
void xsa_build_del(struct nlm *m, const struct xsa_id *id, uint32_t tunnel, bool vti);
void xsa_build_get(struct nlm *m, const struct xsa_id *id, uint32_t tunnel, bool vti);
void xsa_build_dump(struct nlm *m);
/* The change of ports of the SA that `now` (an answer to GETSA) shows; its keys are repeated, as UPDSA demands, and ignored. */
void xsa_build_ports(struct nlm *m, const struct nlmsghdr *now, uint16_t sport, uint16_t dport);
#define XSA_FIXED sizeof(struct xfrm_usersa_info)
bool xsa_has_encap(const struct nlmsghdr *h);
/* False when it is not ours. fixed: what stands before the attributes. */
bool xsa_read(struct xsa_seen *seen, const struct nlmsghdr *h, size_t fixed);

#endif
