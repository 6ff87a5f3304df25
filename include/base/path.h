/*
 * path.h - what address a datagram would leave from: a connected UDP socket has its route looked up and sends nothing.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/addr.h"

/* 0 or -errno. mtu: what the kernel has learned of the path; -1 = not known. from: without port; on an error unchanged but for that. */
int path_look_up(const struct addr *to, struct addr *from, int *mtu);

#endif
