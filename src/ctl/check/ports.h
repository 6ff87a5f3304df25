/* ports.h - who has UDP 500 and 4500 if it is not us. */
#ifndef CTL_CHECK_PORTS_H
#define CTL_CHECK_PORTS_H

#include "check/host.h"

/* What systemd keeps for s2sd.service, as `systemd-analyze fdstore` prints it; to be freed. NULL: nobody can tell. */
typedef char *host_kept(void);
host_kept host_ask_kept;

/* root as for host_read(); ask is called when systemd may have a socket that none of our processes has. */
void host_read_ports(struct host *h, const char *root, host_kept *ask);

#endif
