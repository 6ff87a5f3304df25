/*
 * path.h - what address a datagram would leave from: a connected UDP socket has its route looked up and sends nothing.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/addr.h"

/* What we send to a peer (IKE and ESP) bears this mark, and nothing else does; what it is for: kernel/kernel.h. */
#define PEER_MARK 0x73320000u /* not IF_ID_BASE, which is the mark of packets within a VTI */
#define PEER_MARK_MASK 0xffff0000u

/* 0 or -errno. mark: that the datagram would bear, if we may mark; 0 = none. mtu: what the kernel has learned of the path; -1 = not known. from: without port; on an error unchanged but for that. */
int path_look_up(const struct addr *to, uint32_t mark, struct addr *from, int *mtu);

#endif
