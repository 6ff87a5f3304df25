/*
 * resolver.h - what the keeper asks its resolver child and what comes back: one message each way, then the child ends.
 */
#ifndef DAEMON_RESOLVER_H
#define DAEMON_RESOLVER_H

#include "ipc/msg.h"

#define RESOLVER_SECONDS 10

struct resolver_ask {
	uint32_t uid, gid;
	uint8_t family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	char name[MSG_NAME];
};
struct resolver_answer {
	int32_t err; /* EAI_*, 0 */
	uint32_t n;
	struct addr v[RESOLVED_MAX];
};

#endif
