/*
 * resolver.h - what the keeper asks its resolver child and what comes back: one message each way, then the child ends.
 */
#ifndef DAEMON_RESOLVER_H
#define DAEMON_RESOLVER_H

#include "ipc/msg.h"

#define RESOLVER_SECONDS 10

/* Its root directory in the run directory, made by the keeper; in etc/ there the resolver puts copies of these, and a file of its own. */
#define RESOLVER_ROOT "resolver"
#define RESOLVER_NSSWITCH "nsswitch.conf"
static const char *const resolver_files[] = { "resolv.conf", "hosts", "host.conf", "gai.conf" };

struct resolver_ask {
	uint32_t uid, gid;
	uint8_t family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	char name[MSG_NAME];
	char root[108];
};
struct resolver_answer {
	int32_t err; /* EAI_*, 0 */
	uint32_t n;
	struct addr v[RESOLVED_MAX];
};

#endif
