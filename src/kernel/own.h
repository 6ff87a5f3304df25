/*
 * own.h - how an XFRM object says that it is ours: the number IF_ID_BASE + tunnel as if_id (XFRM interface) or as mark (VTI).
 */
#ifndef KERNEL_OWN_H
#define KERNEL_OWN_H

#include <linux/xfrm.h>

#include "ike/esp.h"
#include "nlm.h"

#define IKE_PORT 500
#define IKE_NAT_PORT 4500

#define OWNER_MASK 0xffff0000u /* IF_ID_BASE leaves 16 bits to the tunnel */

/* The reqid in the template of a policy that asks for a child: no SA has it, so none is used, and the kernel says ACQUIRE. One for each slot of each tunnel: it
 * asks once per reqid until the larval SA that stands for the answer has timed out (xfrm_acq_expires). */
#define ASK_BASE 0x54000000u
#define ASK_MASK 0xff000000u
_Static_assert(ESP_SLOTS_MAX <= 256, "a slot has eight bits of it");
static inline uint32_t ask_reqid(uint32_t tunnel, uint16_t slot)
{
	return ASK_BASE | (tunnel & 0xffff) << 8 | (uint8_t)(slot - 1);
}
static inline bool ask_read(uint32_t reqid, uint32_t *tunnel, uint16_t *slot)
{
	*tunnel = reqid >> 8 & 0xffff;
	*slot = (uint16_t)((reqid & 0xff) + 1);
	return (reqid & ASK_MASK) == ASK_BASE;
}

static inline bool own_number(uint32_t n) { return (n & OWNER_MASK) == IF_ID_BASE; }

static inline void own_put(struct nlm *m, uint32_t tunnel, bool vti)
{
	struct xfrm_mark mark = { .v = IF_ID_BASE + tunnel, .m = UINT32_MAX };
	if (vti)
		nlm_put(m, XFRMA_MARK, &mark, sizeof mark);
	else
		nlm_put_u32(m, XFRMA_IF_ID, IF_ID_BASE + tunnel);
}

static inline bool own_read(const struct attrs *a, uint32_t *tunnel, bool *vti)
{
	const struct xfrm_mark *mark = attr_data(a, XFRMA_MARK, sizeof *mark);
	*vti = mark != NULL && mark->m == UINT32_MAX && own_number(mark->v);
	uint32_t n = *vti ? mark->v : attr_u32(a, XFRMA_IF_ID, 0);
	*tunnel = n - IF_ID_BASE;
	return own_number(n);
}

static inline void xfrm_put_addr(xfrm_address_t *to, const struct addr *a)
{
	struct bytes ip = addr_bytes(a);
	for (size_t i = 0; i < ip.n; i++)
		((uint8_t *)to)[i] = ip.p[i];
}

static inline struct addr xfrm_get_addr(const xfrm_address_t *from, uint16_t family)
{
	struct addr a = { 0 };
	addr_from_bytes(&a, bytes_of(from, family == AF_INET ? 4 : 16));
	return a;
}

#endif
