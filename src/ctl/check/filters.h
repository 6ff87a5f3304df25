/* filters.h - what this machine's packet filter will do to the traffic of the tunnels. */
#ifndef CTL_CHECK_FILTERS_H
#define CTL_CHECK_FILTERS_H

#include "check/host.h"

void host_read_filters(struct host *h, const struct conf *c); /* nets and paths are there already */

#endif
