/*
 * host_lan.c - the networks behind this machine, as its addresses tell them: what stands for a packet's source when nobody names one. Networks of containers and
 * of virtual machines are left out: that these hide behind their host is meant.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host_network.h"

/* docker0; br- and twelve hexadecimal digits is a network of Docker's, br-lan is not. */
static bool hides_its_own(const char *device)
{
	static const char *const begins[] = { "docker", "virbr", "lxdbr", "lxcbr", "incusbr", "cni", "podman", "veth", "cali",
		"flannel" };
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (strncmp(device, begins[i], strlen(begins[i])) == 0)
			return true;
	return strncmp(device, "br-", 3) == 0 && strlen(device) == 15 && strspn(device + 3, "0123456789abcdef") == 12;
}

static bool has_address(const struct ifaddrs *list, const char *device, const struct addr *a)
{
	for (; list != NULL; list = list->ifa_next) {
		struct addr own;
		if (list->ifa_addr != NULL && strcmp(list->ifa_name, device) == 0 &&
			addr_from_sockaddr(&own, list->ifa_addr, sizeof(struct sockaddr_storage)) && addr_same_ip(&own, a))
			return true;
	}
	return false;
}

/* The neighbour of ours: .2 when we are .1, .1 when we are anything else. */
static bool neighbour(const struct ifaddrs *i, struct addr *a)
{
	struct addr mask;
	if (i->ifa_addr == NULL || i->ifa_netmask == NULL ||
		!addr_from_sockaddr(a, i->ifa_addr, sizeof(struct sockaddr_storage)) ||
		!addr_from_sockaddr(&mask, i->ifa_netmask, sizeof(struct sockaddr_storage)))
		return false;
	unsigned n = a->family == AF_INET6 ? 16 : 4, last = n - 1;
	if ((a->family == AF_INET6 && a->ip[0] == 0xfe) || (mask.ip[last] & 3) != 0)
		return false;
	uint8_t own = a->ip[last];
	a->ip[last] = (uint8_t)((own & mask.ip[last]) | ((own & ~mask.ip[last] & 0xff) == 1 ? 2 : 1));
	a->port = 0;
	return true;
}

static bool within(const struct tunnel_conf *t, const struct addr *a)
{
	if (t == NULL || t->local_ts == NULL)
		return true;
	struct prefix p = { .addr = *a, .len = a->family == AF_INET6 ? 128 : 32 };
	struct ts ts = ts_from_prefix(&p);
	return ts_list_has(t->local_ts, &ts);
}

void host_lans_read(struct host_network *w, const struct tunnel_conf *t, const char *interface)
{
	struct ifaddrs *list = NULL;
	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i != NULL && w->n_lans < HOST_LANS; i = i->ifa_next) {
		struct host_lan *lan = &w->lans[w->n_lans];
		bool point = (i->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) != 0;
		if (point || (i->ifa_flags & IFF_UP) == 0 || strcmp(i->ifa_name, interface) == 0 || hides_its_own(i->ifa_name) ||
			!neighbour(i, &lan->host) || !within(t, &lan->host) || has_address(list, i->ifa_name, &w->from))
			continue;
		snprintf(lan->device, sizeof lan->device, "%s", i->ifa_name);
		w->n_lans++;
	}
	freeifaddrs(list);
}
