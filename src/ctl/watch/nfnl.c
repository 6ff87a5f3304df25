/* nfnl.c - see nfnl.h. */
#include "nfnl.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define PATIENCE_MS 2000

bool nfnl_open(struct nfnl *n)
{
	n->sequence = (uint32_t)time(NULL);
	n->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	return n->socket != NULL && mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0;
}

void nfnl_close(struct nfnl *n)
{
	if (n->socket != NULL)
		mnl_socket_close(n->socket);
	n->socket = NULL;
}

struct nlmsghdr *nfnl_begin(struct nfnl *n, void *buf, uint8_t subsystem, uint8_t type, uint8_t family, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;
	h->nlmsg_type = (uint16_t)(subsystem << 8 | type);
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++n->sequence;
	g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return h;
}

/* Ends with an error or an acknowledgement of any of the messages, or the end of a dump: the kernel acknowledges what asks for it. */
int nfnl_ask(struct nfnl *n, const void *messages, size_t size, mnl_cb_t each, void *arg)
{
	char buf[NFNL_ROOM * 4];
	struct pollfd p = { .fd = mnl_socket_get_fd(n->socket), .events = POLLIN };
	if (mnl_socket_sendto(n->socket, messages, size) < 0)
		return errno;
	for (;;) {
		int ready = poll(&p, 1, PATIENCE_MS);
		if (ready <= 0)
			return ready == 0 ? ETIMEDOUT : errno;
		ssize_t got = mnl_socket_recvfrom(n->socket, buf, sizeof buf);
		if (got < 0)
			return errno;
		int more = mnl_cb_run(buf, (size_t)got, 0, mnl_socket_get_portid(n->socket), each, arg);
		if (more < 0)
			return errno;
		if (more == MNL_CB_STOP)
			return 0;
	}
}
