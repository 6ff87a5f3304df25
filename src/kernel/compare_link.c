/* compare_link.c - the tunnel interfaces with their state, MTU and settings, and their addresses. */
#include <net/if.h>

#include "compare.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "own.h"

struct looking {
	struct comparison *c;
	struct list ours, others; /* struct link_seen: wanted by nobody; of a tunnel, but changed into something else */
	bool foreign_in_group;
};

static void ask_links(struct nlm *m, unsigned round)
{
	(void)round;
	nlm_begin(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
}

static void begin_links(void *arg)
{
	struct looking *l = arg;
	size_t it = 0;
	l->ours.n = l->others.n = 0;
	l->foreign_in_group = false;
	for (struct tunnel *t; (t = table_next(&l->c->k->by_id, &it)) != NULL;) {
		t->look.link = false;
		t->look.differs[0] = 0;
	}
}

/* An earlier run's, or one that was made again meanwhile: taken over where it stands. */
static struct tunnel *takes_over(struct kernel *k, const struct link_seen *seen)
{
	struct tunnel *t = link_is_ours(seen) ? tunnel_find(k, seen->number - IF_ID_BASE) : NULL;
	if (t == NULL || t->ifindex != 0 || link_other(t, seen))
		return NULL;
	tunnel_set_ifindex(k, t, seen->ifindex);
	return t;
}

static void see_link(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct link_seen seen;
	if (!link_read(&seen, h))
		return;
	struct tunnel *t = table_get(&l->c->k->by_ifindex, seen.ifindex);
	if (t == NULL)
		t = takes_over(l->c->k, &seen);
	if (t != NULL) {
		t->look.link = true;
		link_differs(t, &seen, &t->look.kind, t->look.differs);
		if (l->c->adopting && (seen.flags & IFF_UP))
			t->state = seen.operstate == OPER_DORMANT ? LINK_DORMANT : LINK_UP;
		if (link_other(t, &seen))
			list_add(&l->others, &seen);
	} else if (link_is_ours(&seen)) {
		list_add(&l->ours, &seen);
	} else if (seen.group == S2S_LINK_GROUP) {
		l->foreign_in_group = true;
	}
}

static void remove_surplus(struct looking *l, bool nothing_wanted)
{
	struct kernel *k = l->c->k;
	LIST_EACH(const struct link_seen, seen, l->ours)
	compare_surplus(l->c, seen->number - IF_ID_BASE, OBJECT_INTERFACE, "interface %s", seen->name);
	/* One message for all of them is 50 times faster: the kernel waits once. Only when nobody else is in the group. */
	if (nothing_wanted && l->ours.n > 1 && !l->foreign_in_group) {
		nlm_begin(&k->scratch, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
		nlm_put_u32(&k->scratch, IFLA_GROUP, S2S_LINK_GROUP);
		if (nl_call(&k->route, &k->scratch, "delete our interfaces", ENODEV) == 0)
			return;
	}
	LIST_EACH(const struct link_seen, seen, l->ours)
	link_delete(k, seen->ifindex);
}

/* What was renamed, or got another number, is no interface of ours any more by its marks, but by its index it is. */
static void remove_changed(struct looking *l)
{
	struct kernel *k = l->c->k;
	LIST_EACH(const struct link_seen, seen, l->others)
	{
		struct tunnel *t = table_get(&k->by_ifindex, seen->ifindex);
		if (t != NULL && link_delete(k, seen->ifindex) == 0)
			tunnel_set_ifindex(k, t, 0);
	}
}

int compare_links_look(struct comparison *c)
{
	struct looking l = { .c = c, .ours.size = sizeof(struct link_seen), .others.size = sizeof(struct link_seen) };
	const struct dump dump = { &c->k->route, "list interfaces", 1, begin_links, ask_links, see_link };
	int error = compare_dump(c, &dump, &l);
	if (error == 0) {
		remove_surplus(&l, table_count(&c->k->by_ifindex) == 0);
		remove_changed(&l);
	}
	list_free(&l.ours);
	list_free(&l.others);
	return error;
}

int compare_links(struct comparison *c)
{
	size_t it = 0;
	int error = compare_links_look(c);
	for (struct tunnel *t; error == 0 && (t = table_next(&c->k->by_id, &it)) != NULL;) {
		if (!t->look.link)
			tunnel_set_ifindex(c->k, t, 0);
		if ((t->look.link && t->look.differs[0] == 0) || !link_wanted(t))
			continue;
		enum kernel_object kind = t->look.link ? t->look.kind : OBJECT_INTERFACE;
		c->k->why[0] = 0;
		compare_told(c, t, kind, tunnel_restore(c->k, t), t->look.link ? t->look.differs : "", "%sinterface %s",
			kind == OBJECT_SYSCTL ? "settings of " : "", t->want.interface);
	}
	return error;
}

/* --- addresses --- */
static void ask_addresses(struct nlm *m, unsigned round)
{
	(void)round;
	nlm_begin(m, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
}

static void begin_addresses(void *arg)
{
	struct comparison *c = arg;
	size_t it = 0;
	for (struct tunnel *t; (t = table_next(&c->k->by_id, &it)) != NULL;) {
		t->look.addresses = 0;
		t->look.surplus_address = false;
	}
}

static void see_address(void *arg, const struct nlmsghdr *h)
{
	struct comparison *c = arg;
	struct address_seen seen;
	if (!address_read(&seen, h))
		return;
	struct tunnel *t = table_get(&c->k->by_ifindex, seen.ifindex);
	int at = t != NULL ? address_wanted(t, &seen.prefix) : -1;
	if (at >= 0)
		t->look.addresses |= UINT64_C(1) << (at & 63);
	else if (t != NULL && seen.ours)
		t->look.surplus_address = true;
}

static const struct prefix *missing_address(const struct tunnel *t)
{
	for (unsigned i = 0; i < t->want.n_inside && i < 64; i++)
		if (!(t->look.addresses & UINT64_C(1) << i))
			return &t->want.inside[i];
	return NULL;
}

int compare_addresses(struct comparison *c)
{
	const struct dump dump = { &c->k->route, "list addresses", 1, begin_addresses, ask_addresses, see_address };
	char text[ADDR_TEXT];
	size_t it = 0;
	int error = compare_dump(c, &dump, c);
	for (struct tunnel *t; error == 0 && (t = table_next(&c->k->by_id, &it)) != NULL;) {
		bool carries = t->ifindex != 0 && t->state != LINK_DOWN && t->has_link;
		const struct prefix *missing = carries ? missing_address(t) : NULL;
		if (missing == NULL && !t->look.surplus_address)
			continue;
		c->k->why[0] = 0;
		int failed = address_sync(c->k, t);
		if (missing != NULL)
			compare_told(c, t, OBJECT_ADDRESS, failed, "", "address %s", prefix_format(missing, text));
		else
			compare_surplus(c, t->want.id, OBJECT_ADDRESS, "an address on %s", t->want.interface);
	}
	return error;
}
