/*
 * link.c - the tunnel interface.
 *
 * A link of ours carries our group from the message that creates it, and a number of ours as if_id or key: no crash can leave one that we
 * would not know again. Name for people (alias, altname) come after, the kernel ignores them at creation.
 */
#include <net/if.h>
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "own.h"

#define ADDR_GEN_NONE 1
#define DEFAULT_MTU 1400 /* until the path is known */

/* --- reading --- */
static void read_kind(struct link_seen *seen, const struct attrs *info)
{
	const char *kind = attr_text(info, IFLA_INFO_KIND);
	struct attrs data;
	attrs_nested(&data, info->v[IFLA_INFO_DATA]);
	if (strcmp(kind, "xfrm") == 0) {
		seen->xfrm = true;
		seen->number = attr_u32(&data, IFLA_XFRM_IF_ID, 0);
	} else if (strcmp(kind, "vti") == 0 || strcmp(kind, "vti6") == 0) {
		uint8_t family = kind[3] == '6' ? AF_INET6 : AF_INET;
		seen->vti = true;
		seen->number = ntohl(attr_u32(&data, IFLA_VTI_IKEY, 0));
		seen->local = attr_addr(&data, IFLA_VTI_LOCAL, family);
		seen->remote = attr_addr(&data, IFLA_VTI_REMOTE, family);
		seen->mark = attr_u32(&data, IFLA_VTI_FWMARK, 0);
	}
}

static void read_options(struct link_seen *seen, const struct nlattr *spec)
{
	struct attrs families, inet, inet6;
	attrs_nested(&families, spec);
	attrs_nested(&inet, families.v[AF_INET]);
	attrs_nested(&inet6, families.v[AF_INET6]);
	const int32_t *conf = attr_data(&inet, IFLA_INET_CONF, IPV4_DEVCONF_NOPOLICY * sizeof *conf);
	const uint8_t *mode = attr_data(&inet6, IFLA_INET6_ADDR_GEN_MODE, 1);
	seen->accept_redirects = conf != NULL ? conf[IPV4_DEVCONF_ACCEPT_REDIRECTS - 1] : -1;
	seen->send_redirects = conf != NULL ? conf[IPV4_DEVCONF_SEND_REDIRECTS - 1] : -1;
	seen->rp_filter = conf != NULL ? conf[IPV4_DEVCONF_RP_FILTER - 1] : -1;
	seen->no_policy = conf != NULL ? conf[IPV4_DEVCONF_NOPOLICY - 1] : -1;
	seen->addr_gen_mode = mode != NULL ? *mode : -1;
}

bool link_read(struct link_seen *seen, const struct nlmsghdr *h)
{
	const struct ifinfomsg *i = nlm_fixed(h, sizeof *i);
	struct attrs a, info;
	memset(seen, 0, sizeof *seen);
	if (i == NULL || (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK))
		return false;
	attrs_read(&a, h, sizeof *i);
	attrs_nested(&info, a.v[IFLA_LINKINFO]);
	seen->ifindex = (uint32_t)i->ifi_index;
	seen->flags = i->ifi_flags;
	seen->group = attr_u32(&a, IFLA_GROUP, 0);
	seen->mtu = attr_u32(&a, IFLA_MTU, 0);
	const uint8_t *oper = attr_data(&a, IFLA_OPERSTATE, 1);
	seen->operstate = oper != NULL ? *oper : 0;
	snprintf(seen->name, sizeof seen->name, "%s", attr_text(&a, IFLA_IFNAME));
	read_kind(seen, &info);
	read_options(seen, a.v[IFLA_AF_SPEC]);
	return true;
}

bool link_is_ours(const struct link_seen *seen) { return seen->group == S2S_LINK_GROUP && own_number(seen->number); }

static struct nlm *begin_link(struct kernel *k, uint16_t type, uint32_t ifindex)
{
	struct ifinfomsg *i = nlm_begin(&k->scratch, type, 0, sizeof *i);
	i->ifi_index = (int)ifindex;
	return &k->scratch;
}

static void keep_link(void *arg, const struct nlmsghdr *h) { link_read(arg, h); }

int link_by_name(struct kernel *k, const char *name, struct link_seen *seen)
{
	struct nlm *m = &k->scratch;
	nlm_begin(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nlm_put_text(m, IFLA_IFNAME, name);
	memset(seen, 0, sizeof *seen);
	return nl_get(&k->route, m, "look up an interface", keep_link, seen);
}

int link_by_index(struct kernel *k, uint32_t ifindex, struct link_seen *seen)
{
	struct nlm *m = begin_link(k, RTM_GETLINK, ifindex);
	memset(seen, 0, sizeof *seen);
	return nl_get(&k->route, m, "look up an interface", keep_link, seen);
}

int link_dump(struct kernel *k, nl_fn fn, void *arg)
{
	struct nlm *m = &k->scratch;
	nlm_begin(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	return nl_dump(&k->route, m, "list interfaces", fn, arg);
}

/* --- comparing --- */
bool link_wanted(const struct tunnel *t)
{
	return !t->want.vti || !(addr_is_any(&t->want.remote) || addr_is_any(&t->want.local));
}

bool link_other(const struct tunnel *t, const struct link_seen *seen)
{
	return strcmp(seen->name, t->want.interface) != 0 || seen->number != IF_ID_BASE + t->want.id || seen->vti != t->want.vti;
}

static bool options_differ(const struct tunnel *t, const struct link_seen *seen)
{
	bool vti = t->want.vti && ((seen->rp_filter >= 0 && seen->rp_filter != 2) || seen->no_policy == 0);
	return vti || seen->accept_redirects > 0 || seen->send_redirects > 0 ||
	       (seen->addr_gen_mode >= 0 && seen->addr_gen_mode != ADDR_GEN_NONE);
}

bool link_differs(const struct tunnel *t, const struct link_seen *seen, enum kernel_object *kind, char words[32])
{
	bool up = seen->flags & IFF_UP, want_up = t->state != LINK_DOWN;
	*kind = OBJECT_INTERFACE;
	words[0] = 0;
	if (strcmp(seen->name, t->want.interface) != 0)
		snprintf(words, 32, "named %s", seen->name);
	else if (link_other(t, seen))
		snprintf(words, 32, "number %u", (unsigned)seen->number);
	else if (seen->group != S2S_LINK_GROUP)
		snprintf(words, 32, "group %u", (unsigned)seen->group);
	else if (up != want_up)
		snprintf(words, 32, "%s", up ? "up" : "down");
	else if (t->mtu != 0 && seen->mtu != t->mtu)
		snprintf(words, 32, "MTU %u", (unsigned)seen->mtu);
	else if (up && (seen->operstate == OPER_DORMANT) != (t->state == LINK_DORMANT))
		snprintf(words, 32, "%s", t->state == LINK_DORMANT ? "not dormant" : "dormant");
	else if (seen->vti && link_wanted(t) &&
		 !(addr_same_ip(&seen->local, &t->want.local) && addr_same_ip(&seen->remote, &t->want.remote) &&
			 seen->mark == PEER_MARK))
		snprintf(words, 32, "other outside addresses or mark");
	else if (options_differ(t, seen)) {
		*kind = OBJECT_SYSCTL;
		snprintf(words, 32, "redirects or other settings");
	}
	return words[0] != 0;
}

/* --- making --- */
static const char *kind_of(const struct tunnel *t, const struct addr *remote)
{
	if (!t->want.vti)
		return "xfrm";
	return remote->family == AF_INET6 ? "vti6" : "vti";
}

static void put_info(struct nlm *m, const struct tunnel *t, const struct addr *local, const struct addr *remote)
{
	uint32_t number = IF_ID_BASE + t->want.id;
	struct nlattr *info = nlm_nest(m, IFLA_LINKINFO);
	nlm_put_text(m, IFLA_INFO_KIND, kind_of(t, remote));
	struct nlattr *data = nlm_nest(m, IFLA_INFO_DATA);
	if (t->want.vti) {
		nlm_put_be32(m, IFLA_VTI_IKEY, number);
		nlm_put_be32(m, IFLA_VTI_OKEY, number);
		nlm_put_addr(m, IFLA_VTI_LOCAL, local);
		nlm_put_addr(m, IFLA_VTI_REMOTE, remote);
		nlm_put_u32(m, IFLA_VTI_FWMARK, PEER_MARK);
	} else {
		nlm_put_u32(m, IFLA_XFRM_IF_ID, number);
	}
	nlm_nest_end(m, data);
	nlm_nest_end(m, info);
}

struct conflict {
	const struct tunnel *t;
	struct link_seen found;
};

static void find_conflict(void *arg, const struct nlmsghdr *h)
{
	struct conflict *r = arg;
	struct link_seen seen;
	if (!link_read(&seen, h))
		return;
	bool ends = r->t->want.vti && seen.vti && addr_same_ip(&seen.local, &r->t->want.local) &&
		    addr_same_ip(&seen.remote, &r->t->want.remote);
	if (ends || (!r->t->want.vti && seen.xfrm && seen.number == IF_ID_BASE + r->t->want.id))
		r->found = seen;
}

/* The kernel says only "exists". Who is in the way? */
static int explain_exists(struct kernel *k, const struct tunnel *t)
{
	struct conflict r = { .t = t };
	link_dump(k, find_conflict, &r);
	if (r.found.ifindex != 0)
		return kernel_fail(k, -EEXIST, "cannot create interface %s: interface %s (not ours) uses the same %s",
			t->want.interface, r.found.name, t->want.vti ? "pair of outside addresses" : "if_id");
	return kernel_fail(k, -EEXIST, "cannot create interface %s: it exists and is not ours", t->want.interface);
}

static int create(struct kernel *k, const struct tunnel *t)
{
	struct nlm *m = &k->scratch;
	nlm_begin(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nlm_put_text(m, IFLA_IFNAME, t->want.interface);
	nlm_put_u32(m, IFLA_GROUP, S2S_LINK_GROUP);
	nlm_put_u32(m, IFLA_MTU, DEFAULT_MTU);
	put_info(m, t, &t->want.local, &t->want.remote);
	int error = nl_call(&k->route, m, "create the tunnel interface", 0);
	if (error == -EEXIST)
		return explain_exists(k, t);
	if (error == -EOPNOTSUPP)
		return kernel_fail(k, error, "this kernel has no %s interfaces (module %s); 'interface-type: %s' may do",
			kind_of(t, &t->want.remote), t->want.vti ? "ip_vti or ip6_vti" : "xfrm_interface",
			t->want.vti ? "xfrm" : "vti");
	return error;
}

/* accept_redirects, send_redirects: nobody inside a tunnel redirects us. VTI: decrypted packets come without their IPsec mark there, so the
 * strict reverse path check and a second policy check would drop them. */
static void put_ipv4_settings(struct nlm *m, bool vti)
{
	struct nlattr *inet = nlm_nest(m, AF_INET), *conf = nlm_nest(m, IFLA_INET_CONF);
	nlm_put_u32(m, IPV4_DEVCONF_ACCEPT_REDIRECTS, 0);
	nlm_put_u32(m, IPV4_DEVCONF_SEND_REDIRECTS, 0);
	if (vti) {
		nlm_put_u32(m, IPV4_DEVCONF_RP_FILTER, 2);
		nlm_put_u32(m, IPV4_DEVCONF_NOPOLICY, 1);
	}
	nlm_nest_end(m, conf);
	nlm_nest_end(m, inet);
}

static int set_options(struct kernel *k, const struct tunnel *t)
{
	struct nlm *m = begin_link(k, RTM_SETLINK, t->ifindex);
	struct nlattr *spec = nlm_nest(m, IFLA_AF_SPEC);
	put_ipv4_settings(m, t->want.vti);
	nlm_nest_end(m, spec);
	nl_add(&k->route, m, "set the tunnel interface's IPv4 options", 0);

	/* No link-local address of its own: nobody asked for one. Kernels without IPv6 refuse, and need not obey. */
	m = begin_link(k, RTM_SETLINK, t->ifindex);
	spec = nlm_nest(m, IFLA_AF_SPEC);
	struct nlattr *inet6 = nlm_nest(m, AF_INET6);
	nlm_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
	nlm_nest_end(m, inet6);
	nlm_nest_end(m, spec);
	nl_add(&k->route, m, "set the tunnel interface's IPv6 options", EAFNOSUPPORT);

	char alias[96];
	snprintf(alias, sizeof alias, "s2sd tunnel %s", t->want.altname[0] != 0 ? t->want.altname : t->want.interface);
	m = begin_link(k, RTM_SETLINK, t->ifindex);
	nlm_put_text(m, IFLA_IFALIAS, alias);
	nl_add(&k->route, m, "set the tunnel interface's alias", 0);

	if (t->want.altname[0] != 0 && strcmp(t->want.altname, t->want.interface) != 0) {
		m = begin_link(k, RTM_NEWLINKPROP, t->ifindex);
		m->head.nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND | NLM_F_EXCL;
		struct nlattr *list = nlm_nest(m, IFLA_PROP_LIST);
		nlm_put_text(m, IFLA_ALT_IFNAME, t->want.altname);
		nlm_nest_end(m, list);
		nl_add(&k->route, m, "set the tunnel interface's second name", EEXIST);
	}
	return nl_flush(&k->route);
}

/* Is what stands there under our name this tunnel's interface? 1 yes, 0 no and out of the way now, -EEXIST no. */
static int claim(struct kernel *k, const struct tunnel *t, const struct link_seen *seen)
{
	if (!link_is_ours(seen) || strcmp(seen->name, t->want.interface) != 0)
		return kernel_fail(k, -EEXIST, "interface %s exists and is not ours", t->want.interface);
	bool six = t->want.vti && seen->remote.family != t->want.remote.family && t->want.remote.family != 0;
	if (seen->number == IF_ID_BASE + t->want.id && seen->vti == t->want.vti && !six)
		return 1;
	const struct tunnel *other = table_get(&k->by_ifindex, seen->ifindex);
	if (other != NULL && other != t)
		return kernel_fail(k, -EEXIST, "interface %s belongs to another tunnel", t->want.interface);
	return link_delete(k, seen->ifindex); /* a remnant of ours under another number */
}

int link_endpoints_put(struct kernel *k, struct tunnel *t)
{
	if (!link_wanted(t))
		return 0;
	put_info(begin_link(k, RTM_NEWLINK, t->ifindex), t, &t->want.local, &t->want.remote);
	return nl_call(&k->route, &k->scratch, "change the VTI's outside addresses", 0);
}

int link_ensure(struct kernel *k, struct tunnel *t)
{
	struct link_seen seen;
	int error = link_by_name(k, t->want.interface, &seen);
	if (error != 0 && error != -ENODEV)
		return error;
	k->why[0] = 0; /* absence is no fault */
	if (error == 0) {
		error = claim(k, t, &seen);
		if (error < 0)
			return error;
		if (error == 1) {
			tunnel_set_ifindex(k, t, seen.ifindex);
			t->mtu = seen.mtu;
			error = t->want.vti && seen.mark != PEER_MARK ? link_endpoints_put(k, t) : 0;
			return error != 0 ? error : set_options(k, t);
		}
	}
	tunnel_set_ifindex(k, t, 0);
	if (t->want.vti && (addr_is_any(&t->want.remote) || addr_is_any(&t->want.local)))
		return 0;
	error = create(k, t);
	if (error == 0)
		error = link_by_name(k, t->want.interface, &seen);
	if (error != 0)
		return error;
	tunnel_set_ifindex(k, t, seen.ifindex);
	t->mtu = seen.mtu;
	return set_options(k, t);
}

/* --- changing --- */
int link_change(struct kernel *k, struct tunnel *t, bool up, bool dormant, uint32_t mtu)
{
	struct nlm *m = &k->scratch;
	struct ifinfomsg *i = nlm_begin(m, RTM_SETLINK, 0, sizeof *i);
	i->ifi_index = (int)t->ifindex;
	i->ifi_change = IFF_UP;
	i->ifi_flags = up ? IFF_UP : 0;
	if (mtu != 0)
		nlm_put_u32(m, IFLA_MTU, mtu);
	nlm_put_u32(m, IFLA_GROUP, S2S_LINK_GROUP);
	nlm_put_u8(m, IFLA_OPERSTATE, dormant ? OPER_DORMANT : OPER_UP);
	int error = nl_call(&k->route, m, up ? "set the tunnel interface up" : "set the tunnel interface down", 0);
	if (error == 0 && mtu != 0)
		t->mtu = mtu;
	return error;
}

int link_endpoints(struct kernel *k, struct tunnel *t, const struct addr *local, const struct addr *remote)
{
	if (!t->want.vti || addr_is_any(local) || addr_is_any(remote))
		return 0;
	bool same = addr_same_ip(local, &t->want.local) && addr_same_ip(remote, &t->want.remote);
	t->want.local = *local;
	t->want.remote = *remote;
	if (t->ifindex == 0)
		return link_ensure(k, t);
	return same ? 0 : link_endpoints_put(k, t);
}

int link_delete(struct kernel *k, uint32_t ifindex)
{
	return nl_call(&k->route, begin_link(k, RTM_DELLINK, ifindex), "delete the tunnel interface", ENODEV);
}
