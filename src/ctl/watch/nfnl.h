/* nfnl.h - messages of netfilter's netlink. */
#ifndef CTL_NFNL_H
#define CTL_NFNL_H

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "ctl/watch.h"

#define NFNL_ROOM 8192
struct nfnl {
	struct mnl_socket *socket;
	uint32_t sequence;
};
bool nfnl_open(struct nfnl *n);
void nfnl_close(struct nfnl *n);
/* A message at buf, ready for attributes. */
struct nlmsghdr *nfnl_begin(struct nfnl *n, void *buf, uint8_t subsystem, uint8_t type, uint8_t family, uint16_t flags);
/* Sends what is there, and waits for its answer: 0 or an errno. each gets the messages of an answer; may be NULL. */
int nfnl_ask(struct nfnl *n, const void *messages, size_t size, mnl_cb_t each, void *arg);

int marks_make(struct nfnl *n, const struct watch *w); /* 0 or an errno */
void marks_count(struct nfnl *n, struct watch *w);     /* what its counters say */
void conntrack_ask(struct nfnl *n, struct watch *w);   /* of the first packet that was traced into the tunnel */
/* The leg that a chain of ours stands for; WATCH_LEGS: none. */
enum watch_leg marks_leg(const char *chain);

#endif
