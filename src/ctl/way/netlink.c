/* netlink.c - see netlink.h. */
#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/mem.h"

#define PATIENCE 2 /* seconds: the kernel answers within the call */
#define ANSWER_BYTES 65536

/* ---------------------------------------------------------------- writing */
void *way_request(struct way_request *r, uint16_t type, size_t fixed)
{
	mnl_nlmsg_put_header(r->raw);
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST;
	return mnl_nlmsg_put_extra_header(&r->head, fixed);
}

void way_request_addr(struct way_request *r, uint16_t type, const struct addr *a)
{
	struct bytes ip = addr_bytes(a);
	if (ip.n != 0)
		mnl_attr_put(&r->head, type, ip.n, ip.p);
}

/* ---------------------------------------------------------------- reading */
static int keep(const struct nlattr *attr, void *arg)
{
	struct way_attrs *a = arg;
	if (mnl_attr_get_type(attr) < WAY_ATTRS)
		a->v[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

const void *way_fixed(const struct nlmsghdr *h, size_t n)
{
	return mnl_nlmsg_get_payload_len(h) >= n ? mnl_nlmsg_get_payload(h) : NULL;
}

void way_attrs(struct way_attrs *a, const struct nlmsghdr *h, size_t fixed)
{
	memset(a, 0, sizeof *a);
	if (way_fixed(h, fixed) != NULL)
		mnl_attr_parse(h, (unsigned)fixed, keep, a);
}

void way_nested(struct way_attrs *a, const struct nlattr *nest)
{
	memset(a, 0, sizeof *a);
	if (nest != NULL)
		mnl_attr_parse_nested(nest, keep, a);
}

const void *way_data(const struct way_attrs *a, unsigned type, size_t least)
{
	const struct nlattr *v = a->v[type];
	return v != NULL && mnl_attr_get_payload_len(v) >= least ? mnl_attr_get_payload(v) : NULL;
}

uint32_t way_u32(const struct way_attrs *a, unsigned type, uint32_t absent)
{
	const void *p = way_data(a, type, sizeof absent);
	if (p != NULL)
		memcpy(&absent, p, sizeof absent);
	return absent;
}

struct addr way_addr(const struct way_attrs *a, unsigned type, uint8_t family)
{
	struct addr to = { 0 };
	size_t n = family == AF_INET6 ? 16 : 4;
	const void *p = way_data(a, type, n);
	if (p != NULL)
		addr_from_bytes(&to, bytes_of(p, n));
	return to;
}

void way_text(const struct way_attrs *a, unsigned type, char to[WAY_NAME])
{
	const struct nlattr *v = a->v[type];
	size_t n = v != NULL ? mnl_attr_get_payload_len(v) : 0;
	memset(to, 0, WAY_NAME);
	if (n > 0)
		memcpy(to, mnl_attr_get_payload(v), n < WAY_NAME ? n : WAY_NAME - 1);
}

/* ---------------------------------------------------------------- asking */
static struct mnl_socket *open_bus(int bus)
{
	struct timeval limit = { .tv_sec = PATIENCE };
	int on = 1, size = 4 << 20;
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (s == NULL)
		return NULL;
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bus == NETLINK_ROUTE)
		mnl_socket_setsockopt(s, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0)
		return s;
	mnl_socket_close(s);
	return NULL;
}

struct way_socket *way_socket_open(void)
{
	struct way_socket *s = xcalloc(1, sizeof *s);
	s->route = open_bus(NETLINK_ROUTE);
	s->xfrm = open_bus(NETLINK_XFRM);
	return s;
}

void way_socket_close(struct way_socket *s)
{
	if (s == NULL)
		return;
	if (s->route != NULL)
		mnl_socket_close(s->route);
	if (s->xfrm != NULL)
		mnl_socket_close(s->xfrm);
	free(s);
}

/* 1 = more to come, 0 = the end, or -errno. */
static int take(const struct way_socket *s, const uint8_t *in, int left, bool dump, way_message_fn *fn, void *arg)
{
	for (const struct nlmsghdr *h = (const void *)in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		int error = 0;
		if (h->nlmsg_seq != s->seq)
			continue;
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
			const void *p = way_fixed(h, sizeof error);
			if (p != NULL)
				memcpy(&error, p, sizeof error);
			return error < 0 ? error : 0;
		}
		if (h->nlmsg_type >= NLMSG_MIN_TYPE)
			fn(arg, h);
		if (!dump)
			return 0;
	}
	return 1;
}

int way_ask(struct way_socket *s, struct mnl_socket *bus, struct way_request *r, bool dump, way_message_fn *fn, void *arg)
{
	if (bus == NULL)
		return -EPROTONOSUPPORT;
	r->head.nlmsg_seq = ++s->seq;
	if (dump)
		r->head.nlmsg_flags |= NLM_F_DUMP;
	if (mnl_socket_sendto(bus, &r->head, r->head.nlmsg_len) < 0)
		return -errno;
	uint8_t *in = xcalloc(1, ANSWER_BYTES);
	int more = 1;
	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(bus, in, ANSWER_BYTES);
		if (n >= 0)
			more = take(s, in, (int)n, dump, fn, arg);
		else if (errno != EINTR)
			more = errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	free(in);
	return more;
}
