/* path.c - see path.h. */
#include "base/path.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

int path_look_up(const struct addr *to, uint32_t mark, struct addr *from, int *mtu)
{
	struct sockaddr_storage peer, own = { 0 };
	struct addr a = *to;
	socklen_t size = sizeof *mtu, own_len = sizeof own;
	bool v6 = to->family == AF_INET6;
	*mtu = -1;
	a.port = 500;
	socklen_t len = addr_to_sockaddr(&a, &peer);
	int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && mark != 0) /* root's right; without it the answer is that for everybody's datagrams */
		setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	int err = fd < 0 || connect(fd, (struct sockaddr *)&peer, len) != 0 ? -errno : 0;
	if (err == 0 && getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, mtu, &size) != 0)
		*mtu = -1;
	if (err == 0 && (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
				!addr_from_sockaddr(from, (struct sockaddr *)&own, own_len)))
		err = -ENETUNREACH;
	from->port = 0;
	if (fd >= 0)
		close(fd);
	return err;
}
