/*
 * nl.h - a netlink socket for requests: single, in batches, dumps. Synchronous; events have sockets of their own (event.c).
 *
 * A batch is one sendmsg. The kernel goes on after a message that failed, so every message has its own answer; the first failure
 * that its sender does not tolerate is the batch's result, with a sentence in `why`.
 */
#ifndef KERNEL_NL_H
#define KERNEL_NL_H

#include "nlm.h"

#define NL_BATCH 48
#define NL_BATCH_BYTES 65536
#define NL_WHY 320

struct nl_slot {
	uint32_t seq;
	int fine; /* an errno that is no failure, 0 = none */
	bool done;
	const char *what;
};

struct nl {
	struct mnl_socket *sock;
	uint32_t seq;
	char *why; /* NL_WHY bytes, shared by the sockets of one struct kernel */
	uint8_t *out, *in;
	size_t out_len;
	unsigned n;
	int error;   /* of the batch being collected */
	bool silent; /* nl_add() and nl_call() write nothing and succeed: what they would make is there already (kernel_resume) */
	struct nl_slot slot[NL_BATCH];
};

typedef void (*nl_fn)(void *arg, const struct nlmsghdr *h);

int nl_open(struct nl *nl, int bus, char *why);
void nl_close(struct nl *nl);
uint32_t nl_port(const struct nl *nl);                        /* 0 without a socket */
struct mnl_socket *nl_socket(int bus, size_t receive_buffer); /* NULL and errno */

/* Adds to the batch (and sends it when it is full). what: "add the inbound SA", for people. fine: errno to be ignored. */
void nl_add(struct nl *nl, struct nlm *m, const char *what, int fine);
int nl_flush(struct nl *nl); /* sends what is left; the first error since the last flush */
int nl_call(struct nl *nl, struct nlm *m, const char *what, int fine); /* add + flush */
/* One answer (fn may be NULL), then the end. */
int nl_get(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg);
/* A dump. -EINTR: it was changed meanwhile and what fn saw may be incomplete: forget it and ask again. */
int nl_dump(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg);
/* nf_tables: all or nothing. The last message that changes something carries the only NLM_F_ACK. */
int nl_transact(struct nl *nl, const void *bytes, size_t n, const char *what);
int nl_fail(const struct nl *nl, int error, const char *what, const char *extra); /* notes the sentence, returns error */

#endif
