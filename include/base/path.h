/*
 * path.h - what address a datagram would leave from: a connected UDP socket has its route looked up and sends nothing.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/addr.h"

/* What we send to a peer (IKE and ESP) bears this mark, and nothing else does; what it is for: kernel/kernel.h. */
#define PEER_MARK 0x73320000u /* not IF_ID_BASE, which is the mark of packets within a VTI */
#define PEER_MARK_MASK 0xffff0000u
/* ESP whose outer header is changed on its way out: the lower half of the mark says how. The rules take both marks. */
#define PEER_MARK_HEADER 0x73330000u
#define PEER_MARK_DSCP 0x3fu /* bits of the DSCP that are to be set */
#define PEER_MARK_DF 0x40u
#define PEER_RULE_MASK 0xfffe0000u

enum offload_mode { OFFLOAD_AUTO, OFFLOAD_NO, OFFLOAD_CRYPTO, OFFLOAD_PACKET }; /* what of ESP the network card does */
enum df_mode { DF_CLEAR, DF_COPY, DF_SET };                                     /* DF of the outer header (RFC 4301 8.1) */

/* 0 or -errno. mark: that the datagram would bear, if we may mark; 0 = none. mtu: what the kernel has learned of the path; -1 = not known. from: without port; on an error unchanged but for that. */
int path_look_up(const struct addr *to, uint32_t mark, struct addr *from, int *mtu);

#endif
