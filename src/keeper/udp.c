/* udp.c - opening the UDP sockets of IKE (ipc/udp.h). */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The kernel's headers come second: they leave out what the C library has defined already. */
#include <linux/udp.h>
#include <linux/xfrm.h>

#include "base/log.h"
#include "base/util.h"
#include "codes/feature.h"
#include "given.h"
#include "keeper.h"
#include "notify.h"

#define BUFFER (4 << 20)
#define PORT_PATIENCE 3000 /* ms for a port that another process has */
#ifndef UDP_ENCAP_ESPINUDP
#define UDP_ENCAP_ESPINUDP 2
#endif

struct option {
	int family; /* 0: both */
	int level, name, value;
	bool must;
	const char *what;
};

static const struct option options[] = {
	{ AF_INET, IPPROTO_IP, IP_PKTINFO, 1, true, "asking for the local address" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1, true, "keeping IPv4 apart" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true, "asking for the local address" },
	/* A big IKE message must reach the peer in IP fragments rather than not at all. */
	{ AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, true, "allowing fragments" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, true, "allowing fragments" },
	{ 0, SOL_SOCKET, SO_RCVBUF, BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_SNDBUF, BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER, false, NULL },
};

/* What goes to a peer takes the way of PEER_TABLE. Without the right to mark, IKE still works while no route into a tunnel covers a peer. */
static bool mark(int fd)
{
	uint32_t value = PEER_MARK;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof value) == 0;
}

/* What can be set before binding only is set already on a socket that was kept for us. */
static bool is_set(int fd, const struct option *o)
{
	int value = !o->value, err = errno;
	socklen_t len = sizeof value;
	bool set = getsockopt(fd, o->level, o->name, &value, &len) == 0 && value == o->value;
	errno = err;
	return set;
}

static int set_options(int fd, int family, const char **why)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		if (o->family != 0 && o->family != family)
			continue;
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof o->value) != 0 && o->must && !is_set(fd, o)) {
			*why = o->what;
			return -errno;
		}
	}
	return 0;
}

/* IKE passes beside every policy of this machine, also a default of "block". A kernel without XFRM has nothing to pass beside. */
static void bypass_policies(int fd, int family)
{
	for (int dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		struct xfrm_userpolicy_info p = { .action = XFRM_POLICY_ALLOW, .dir = (uint8_t)dir };
		p.sel.family = (uint16_t)family;
		if (family == AF_INET)
			setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof p);
		else
			setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &p, sizeof p);
	}
}

/* With a socket of the same user only, and only while both ask for it: else two IKE daemons would share a port and lose half of what comes each. */
static void share_port(int fd, bool shared)
{
	int value = shared;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
}

/* What a service manager kept for us may be anything. */
static bool is_udp(int fd, const struct udp_port *p)
{
	int domain = 0, type = 0, protocol = 0;
	socklen_t len = sizeof domain;
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	struct addr at;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0)
		return false;
	if (domain != p->family || type != SOCK_DGRAM || protocol != IPPROTO_UDP)
		return false;
	return getsockname(fd, (struct sockaddr *)&ss, &n) == 0 && addr_from_sockaddr(&at, (struct sockaddr *)&ss, n) &&
	       at.port == p->port && addr_is_any(&at);
}

/* Everything but the port. *why: what it cannot do, or NULL; after an error, which is returned, what failed. */
static int make_ready(int fd, const struct udp_port *p, const char **why)
{
	int err = set_options(fd, p->family, why);
	if (err != 0)
		return err;
	bypass_policies(fd, p->family);
	bool marked = mark(fd);
	int encap = UDP_ENCAP_ESPINUDP;
	/* A kernel without ESP refuses; the socket still serves IKE. */
	bool no_encap = p->port == PORT_NAT && setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof encap) != 0;
	*why = no_encap ? "this kernel does not decapsulate ESP in UDP"
	       : marked ? NULL
			: "its packets cannot be marked: a route that covers a peer leads them into the tunnel";
	return 0;
}

static bool kernel_since(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned a, b;
	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}

/*
 * ESP in UDP received in batches. A kernel that knows UDP_GRO (5.0) and not what is in such a socket would join ESP packets and decrypt several as one, and no
 * answer of its tells: it is inferred. Only one that knows the direction of SAs is asked, which is younger than the batches; and as distributions bring what is
 * new into old kernels by single features, it has to be one that had the batches from the beginning by its own number, too.
 */
static bool receive_batches(const struct keeper *k, unsigned i)
{
	int on = 1;
	bool knows = (k->features & FEATURE_BIT(FEATURE_SA_DIRECTION)) != 0 && kernel_since(6, 8);
	return k->udp[i] >= 0 && udp_ports[i].port == PORT_NAT && knows &&
	       setsockopt(k->udp[i], IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

void keeper_find_features(struct keeper *k)
{
	k->features = k->ops->features(k->kernel);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		if (receive_batches(k, i))
			k->features |= FEATURE_BIT(FEATURE_UDP_GRO);
}

/* beside: one of ours that has the port still. The descriptor or -errno (EAFNOSUPPORT, EADDRNOTAVAIL: this machine has no such protocol). *why: what failed; with a descriptor: what it
 * cannot do, or NULL. */
static int udp_open(const struct udp_port *p, bool beside, const char **why)
{
	*why = "opening a socket";
	int fd = socket(p->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	const char *lacks;
	int err = make_ready(fd, p, &lacks);
	if (err != 0) {
		*why = lacks;
		goto failed;
	}
	struct addr any = { .family = (uint8_t)p->family, .port = p->port };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&any, &ss);
	share_port(fd, beside);
	*why = "binding";
	if (bind(fd, (struct sockaddr *)&ss, len) == 0) {
		*why = lacks;
		return fd;
	}
	err = -errno;
failed:
	close(fd);
	return err;
}

/* Whoever had the port may be on its way out; and a service manager that starts us again at once gets no tight loop. */
static int open_patiently(const struct udp_port *p, const char **why)
{
	int fd = udp_open(p, false, why);
	for (unsigned ms = 0; fd == -EADDRINUSE && ms < PORT_PATIENCE; ms += 20) {
		usleep(20000);
		fd = udp_open(p, false, why);
	}
	return fd;
}

static void keep_name(const struct udp_port *p, unsigned number, char name[GIVEN_NAME])
{
	snprintf(name, GIVEN_NAME, "udp%c-%u-%u", p->family == AF_INET ? '4' : '6', p->port, number);
}

/* Under a new name; the old one is forgotten after it, so that there is always one. */
static void hand_to_manager(struct keeper *k, unsigned i)
{
	char name[GIVEN_NAME];
	keep_name(&udp_ports[i], k->udp_given[i] + 1, name);
	notify_keep(name, k->udp[i]);
	keep_name(&udp_ports[i], k->udp_given[i]++, name);
	if (k->udp_given[i] > 1)
		notify_forget(name);
}

/* With all that has come in meanwhile; -1: there is none. The newest is the one that an engine had last. */
static int given_socket(struct keeper *k, unsigned i, const char **why)
{
	char begin[GIVEN_NAME], name[GIVEN_NAME];
	int fd, found = -1;
	bool others = false;
	keep_name(&udp_ports[i], 0, begin);
	begin[strlen(begin) - 1] = 0;
	while (given_take(begin, name, &fd)) {
		unsigned number = (unsigned)strtoul(name + strlen(begin), NULL, 10);
		bool good = is_udp(fd, &udp_ports[i]) && (found < 0 || number > k->udp_given[i]);
		int other = good ? found : fd;
		if (good && found >= 0)
			keep_name(&udp_ports[i], k->udp_given[i], name);
		if (other >= 0) {
			close(other);
			notify_forget(name);
			others = true;
		}
		if (good) {
			found = fd;
			k->udp_given[i] = number;
		}
	}
	int err = found >= 0 ? make_ready(found, &udp_ports[i], why) : 0;
	if (found < 0)
		return found;
	keep_name(&udp_ports[i], k->udp_given[i], name);
	if (err == 0) {
		if (others) /* the manager forgets by name, and two may have had this one */
			notify_keep(name, found);
		return found;
	}
	log_line(LOG_LEVEL_WARNING, "UDP port %u: the socket that was kept is not used: %s: %s", udp_ports[i].port, *why,
		strerror(-err));
	notify_forget(name);
	close(found);
	return -1;
}

bool keeper_open_udp(struct keeper *k)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		const char *why;
		int fd = given_socket(k, i, &why);
		bool given = fd >= 0;
		if (!given)
			fd = open_patiently(&udp_ports[i], &why);
		k->udp[i] = fd;
		if (fd >= 0 && !given)
			hand_to_manager(k, i);
		const char *family = udp_ports[i].family == AF_INET ? "IPv4" : "IPv6";
		if (fd >= 0 && why != NULL && !k->opt.null_kernel)
			log_line(LOG_LEVEL_WARNING, "%s UDP port %u: %s", family, udp_ports[i].port, why);
		if (fd >= 0)
			continue;
		if (udp_ports[i].family == AF_INET6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
			log_line(LOG_LEVEL_INFO, "no IPv6 on this machine");
			continue;
		}
		log_line(LOG_LEVEL_ERROR, "%s UDP port %u: %s: %s%s", family, udp_ports[i].port, why, strerror(-fd),
			fd == -EADDRINUSE ? " (is another IKE daemon running? `s2sctl check` names it)" : "");
		return false;
	}
	return true;
}

/*
 * In place of sockets that an engine had which failed: what it did to them would outlive it. The new one is bound before the old one is closed, so that
 * nobody else gets the port and the kernel never stops to decapsulate.
 */
void keeper_renew_udp(struct keeper *k)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		const char *why;
		if (k->udp[i] < 0)
			continue;
		share_port(k->udp[i], true);
		int fd = udp_open(&udp_ports[i], true, &why);
		if (fd < 0) {
			log_line(LOG_LEVEL_WARNING, "UDP port %u: the socket of the engine that failed is used again: %s: %s",
				udp_ports[i].port, why, strerror(-fd));
			share_port(k->udp[i], false);
			continue;
		}
		int old = k->udp[i];
		k->udp[i] = fd;
		receive_batches(k, i);
		hand_to_manager(k, i);
		close(old);
		share_port(fd, false);
	}
}

void keeper_forget_udp(struct keeper *k)
{
	char name[GIVEN_NAME];
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		keep_name(&udp_ports[i], k->udp_given[i], name);
		if (k->udp[i] >= 0)
			notify_forget(name);
	}
}

/* In a VRF too, where binding a socket that belongs to none fails. */
static bool has_interface(const struct addr *a)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
		socklen_t n = i->ifa_addr == NULL                  ? 0
			      : i->ifa_addr->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
			      : i->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								   : 0;
		struct addr own;
		found = n > 0 && addr_from_sockaddr(&own, i->ifa_addr, n) && addr_same_ip(&own, a);
	}
	freeifaddrs(all);
	return found;
}

bool udp_own_address(const struct addr *a)
{
	struct sockaddr_storage ss;
	struct addr at = *a;
	at.port = 0;
	if ((a->family != AF_INET && a->family != AF_INET6) || addr_is_any(a))
		return false;
	socklen_t len = addr_to_sockaddr(&at, &ss);
	int fd = socket(a->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&ss, len) == 0;
	if (fd >= 0)
		close(fd);
	return bound || has_interface(a);
}
