/* uplink.c - two uplinks: whether the way to the peer starts at the one that has the tunnel's address, and what mends it. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "ctl/system.h"
#include "leg.h"
#include "netlink.h"

#define FIRST_TABLE 100

struct defaults { /* default routes through one interface */
	bool found;
	uint32_t table;
	struct addr router;
};

static void take_default(void *arg, const struct nlmsghdr *h)
{
	struct defaults *d = arg;
	struct way_attrs a;
	const struct rtmsg *r = way_fixed(h, sizeof *r);
	if (r == NULL || r->rtm_dst_len != 0 || r->rtm_type != RTN_UNICAST)
		return;
	way_attrs(&a, h, sizeof *r);
	uint32_t table = way_u32(&a, RTA_TABLE, r->rtm_table);
	/* One that has a table for itself is what a rule wants. */
	if (d->found && d->table != RT_TABLE_MAIN)
		return;
	*d = (struct defaults){ true, table, way_addr(&a, RTA_GATEWAY, r->rtm_family) };
}

static uint32_t free_table(const struct way_facts *f, unsigned link)
{
	uint32_t table = FIRST_TABLE + link;
	for (unsigned i = 0; i < f->n_rules; i++)
		if (f->rules[i].table == table) {
			table++;
			i = 0;
		}
	return table;
}

/* ---------------------------------------------------------------- who configures the interface */
/* The value of KEY= in what systemd and NetworkManager keep of an interface. */
static bool value_of(const char *text, const char *key, char *to, size_t size)
{
	size_t n = strlen(key);
	for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || line[n] != '=')
			continue;
		snprintf(to, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
		return to[0] != 0;
	}
	return false;
}

static bool read_text(const char *path, char *text, size_t size)
{
	FILE *from = fopen(path, "re");
	size_t n = from != NULL ? fread(text, 1, size - 1, from) : 0;
	text[n] = 0;
	if (from != NULL)
		fclose(from);
	return n > 0;
}

/* "iface NAME" in the settings of ifupdown. */
static bool of_ifupdown(const char *name)
{
	static char text[65536];
	char wanted[WAY_NAME + 8];
	snprintf(wanted, sizeof wanted, "iface %s ", name);
	return read_text("/etc/network/interfaces", text, sizeof text) && strstr(text, wanted) != NULL;
}

static void manager_of(const struct way_link *l, struct way_uplink *u)
{
	char path[64], text[4096], managed[32];
	snprintf(path, sizeof path, "/run/systemd/netif/links/%u", l->index);
	if (read_text(path, text, sizeof text) && value_of(text, "NETWORK_FILE", u->file, sizeof u->file)) {
		u->manager = MANAGER_NETWORKD;
		return;
	}
	snprintf(path, sizeof path, "/run/NetworkManager/devices/%u", l->index);
	if (read_text(path, text, sizeof text) && value_of(text, "connection-uuid", u->file, sizeof u->file) &&
		(!value_of(text, "managed", managed, sizeof managed) || strcmp(managed, "true") == 0))
		u->manager = MANAGER_NETWORKMANAGER;
	else if (of_ifupdown(l->name))
		u->manager = MANAGER_IFUPDOWN;
	if (u->manager != MANAGER_NETWORKMANAGER)
		u->file[0] = 0;
}

/* ---------------------------------------------------------------- the question */
void way_uplink_read(const struct way_facts *f, const struct addr *local, const struct addr *peer, struct way_uplink *u)
{
	struct way_answer a;
	struct defaults d = { 0 };
	struct way_request r;
	*u = (struct way_uplink){ .local = *local };
	const struct way_address *own = local->family != 0 && local->family == peer->family ? way_own_address(f, local) : NULL;
	const struct way_link *has = own != NULL ? way_link(f, own->link) : NULL;
	if (has == NULL || has->kind != LINK_OTHER)
		return;
	way_route(f, &(struct way_question){ .from = *local, .to = *peer, .mark = PEER_MARK }, &a);
	const struct way_link *takes = a.error == 0 ? way_link(f, a.out) : NULL;
	/* An address on a bridge, a bond or a VRF is on its ports, too; what leads into a tunnel is another fault. */
	if (takes == NULL || takes == has || takes->kind != LINK_OTHER || takes->master == has->index ||
		has->master == takes->index)
		return;
	u->wrong = true;
	snprintf(u->has, sizeof u->has, "%s", has->name);
	snprintf(u->takes, sizeof u->takes, "%s", takes->name);
	struct rtmsg *m = way_request(&r, RTM_GETROUTE, sizeof *m);
	m->rtm_family = local->family;
	mnl_attr_put_u32(&r.head, RTA_OIF, has->index);
	way_ask(f->socket, f->socket->route, &r, true, take_default, &d);
	u->router = d.router;
	u->table_there = d.found && d.table != RT_TABLE_MAIN;
	u->table = u->table_there ? d.table : free_table(f, has->index);
	manager_of(has, u);
}

/* ---------------------------------------------------------------- what mends it */
static void lasting(const struct way_uplink *u, const char *local, const char *router, char *to, size_t size)
{
	switch (u->manager) {
	case MANAGER_NETWORKD:
		snprintf(to, size,
			"for good, in %s: [RoutingPolicyRule] From=%s Table=%u; [Route] Gateway=%s Table=%u; then `networkctl reload`",
			u->file, local, u->table, router, u->table);
		break;
	case MANAGER_NETWORKMANAGER:
		snprintf(to, size,
			"for good: `nmcli connection modify %s +ipv%c.routes \"%s %s table=%u\" +ipv%c.routing-rules \"priority 1000 from %s table %u\"`",
			u->file, u->local.family == AF_INET6 ? '6' : '4', u->local.family == AF_INET6 ? "::/0" : "0.0.0.0/0",
			router, u->table, u->local.family == AF_INET6 ? '6' : '4', local, u->table);
		break;
	case MANAGER_IFUPDOWN:
		snprintf(to, size, "for good: the same two lines after `up` below `iface %s` in /etc/network/interfaces", u->has);
		break;
	case MANAGER_NONE: snprintf(to, size, "for good: let what configures %s run them at boot", u->has); break;
	}
}

const char *way_uplink_commands(const struct way_uplink *u, char text[WAY_COMMANDS])
{
	char local[ADDR_TEXT], router[ADDR_TEXT] = "", route[200] = "", more[400];
	const char *ip = u->local.family == AF_INET6 ? "ip -6" : "ip";
	addr_format(&u->local, local);
	if (u->router.family != 0)
		addr_format(&u->router, router);
	else
		snprintf(router, sizeof router, "ROUTER-OF-%s", u->has);
	if (!u->table_there)
		snprintf(route, sizeof route, "`%s route add default via %s dev %s table %u` and ", ip, router, u->has, u->table);
	lasting(u, local, router, more, sizeof more);
	snprintf(text, WAY_COMMANDS, "%s`%s rule add from %s lookup %u`; %s", route, ip, local, u->table, more);
	return text;
}
