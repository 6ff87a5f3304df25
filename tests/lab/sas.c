/*
 * sas.c - prints what `ip xfrm state` of an older iproute2 does not: a line per ESP SA of this network namespace.
 *
 *     SPI dir=in|out|none keepalive=SECONDS offload=INTERFACE|none
 */
#include <net/if.h>
#include <stdio.h>

#include "kernel/nl.h"
#include "kernel/xsa.h"

static void print(void *arg, const struct nlmsghdr *h)
{
	struct xfrm_usersa_info info;
	struct attrs a;
	char name[IF_NAMESIZE] = "none";
	(void)arg;
	if (!nlm_copy_fixed(&info, h, sizeof info))
		return;
	attrs_read(&a, h, sizeof info);
	const uint8_t *dir = attr_data(&a, XSA_DIR, 1);
	const struct xfrm_user_offload *offload = attr_data(&a, XFRMA_OFFLOAD_DEV, sizeof *offload);
	if (offload != NULL)
		if_indextoname((unsigned)offload->ifindex, name);
	printf("%08x dir=%s keepalive=%u offload=%s\n", ntohl(info.id.spi),
		dir == NULL           ? "none"
		: *dir == XSA_DIR_OUT ? "out"
				      : "in",
		attr_u32(&a, XSA_NAT_KEEPALIVE, 0), name);
}

int main(void)
{
	static struct nlm m;
	static char why[NL_WHY];
	struct nl nl = { 0 };
	if (nl_open(&nl, NETLINK_XFRM, why) != 0)
		return 1;
	xsa_build_dump(&m);
	int error = nl_dump(&nl, &m, "list SAs", print, NULL);
	nl_close(&nl);
	return error == 0 ? 0 : 1;
}
