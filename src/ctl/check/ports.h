/* ports.h - who has UDP 500 and 4500 if it is not us. */
#ifndef CTL_CHECK_PORTS_H
#define CTL_CHECK_PORTS_H

#include "check/host.h"

void host_read_ports(struct host *h, const char *root); /* root as for host_read() */

#endif
