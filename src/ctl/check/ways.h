/* ways.h - which way packets take: to the peers from the address that is configured, back to the networks of the interfaces; and who lives from
 * router advertisements. */
#ifndef CTL_CHECK_WAYS_H
#define CTL_CHECK_WAYS_H

#include "check/host.h"

/* root as for host_read(); nets and paths are there already. */
void host_read_ways(struct host *h, const struct conf *c, const char *root);

#endif
