/* watch.c - the seconds in which it listens. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/system.h"
#include "nfnl.h"

#define BUFFER (1 << 20) /* a reader that is too slow loses messages */
#define ENOUGH 3         /* packets of one end */
#define REST_MS 300      /* for what is still to be told of the last packet */

static bool listen_to(struct nfnl *n)
{
	int group = NFNLGRP_NFTRACE, size = BUFFER;
	if (!nfnl_open(n) || mnl_socket_setsockopt(n->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
		return false;
	int fd = mnl_socket_get_fd(n->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return true;
}

static void take_all(struct watch *w, const char *buf, ssize_t got)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	int left = (int)got;
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
		watch_take(w, h, h->nlmsg_len);
}

/* An answer has come back, or packets have died: more of the same tells nothing new. */
static bool enough(const struct watch *w)
{
	for (int i = 0; i < WATCH_LEGS; i++)
		if (w->leg[i].dropped >= ENOUGH)
			return true;
	return w->leg[WATCH_BACK].traced >= ENOUGH && w->leg[WATCH_INTO].traced >= ENOUGH;
}

static void hear(struct nfnl *n, struct watch *w, unsigned seconds)
{
	static char buf[NFNL_ROOM * 8];
	int64_t until = system_ms() + (int64_t)seconds * 1000;
	bool ending = false;
	for (int64_t now = system_ms(); now < until; now = system_ms()) {
		struct pollfd p = { .fd = mnl_socket_get_fd(n->socket), .events = POLLIN };
		int ready = poll(&p, 1, (int)(until - now));
		ssize_t got = ready > 0 ? mnl_socket_recvfrom(n->socket, buf, sizeof buf) : 0;
		if (got > 0)
			take_all(w, buf, got);
		else if (got < 0 && errno == ENOBUFS)
			w->lost = true;
		else if (got < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (!ending && enough(w)) {
			ending = true;
			until = now + REST_MS < until ? now + REST_MS : until;
		}
	}
}

bool watch_run(struct watch *w, unsigned seconds, char why[WATCH_WHY])
{
	struct nfnl marks = { .socket = NULL }, ears = { .socket = NULL };
	int error = 0;
	snprintf(w->table, sizeof w->table, "s2sctl-%d", (int)getpid());
	bool good = listen_to(&ears) && nfnl_open(&marks);
	if (!good)
		error = errno;
	else
		error = marks_make(&marks, w);
	if (error == 0) {
		hear(&ears, w, seconds);
		marks_count(&marks, w);
		conntrack_ask(&marks, w);
	} else {
		snprintf(why, WATCH_WHY, "%s: %s",
			good ? "the kernel does not take a table that marks packets (it needs root, and Linux 5.12)"
			     : "the kernel's trace cannot be heard (it needs root)",
			strerror(error));
	}
	nfnl_close(&marks);
	nfnl_close(&ears);
	return error == 0;
}
