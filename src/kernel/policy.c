/* policy.c - XFRM policies of a tunnel: traffic selectors cut into what the kernel can match, and the messages. */
#include <netinet/in.h>

#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "own.h"

/* The most that narrowness() can be: two IPv6 host prefixes, a protocol, both ports. */
#define NARROWEST (2 * 128 + 1 + 2 * 16)

/* --- cutting ranges --- */
/* A port pair 65535-0 means OPAQUE, and for ICMP ports are types: the kernel's selectors say neither. */
static bool expressible(const struct ts *ts)
{
	bool any = ts->port_lo == 0 && ts->port_hi == 65535;
	bool ports = ts->protocol == IPPROTO_TCP || ts->protocol == IPPROTO_UDP || ts->protocol == IPPROTO_SCTP ||
		     ts->protocol == IPPROTO_UDPLITE || ts->protocol == IPPROTO_DCCP;
	return any || (ports && ts->port_lo <= ts->port_hi);
}

static int cut_list(struct ts_parts *parts, const struct ts_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (!expressible(&list->v[i]))
			return -EOPNOTSUPP;
	ts_cut(list, parts);
	return parts->full ? -E2BIG : 0;
}

static int add_pair(struct sel_list *list, const struct ts_part *l, const struct ts_part *r)
{
	if (!ts_parts_meet(l, r))
		return 0;
	struct sel s = { .local = l->prefix,
		.remote = r->prefix,
		.protocol = l->protocol ? l->protocol : r->protocol,
		.local_port = l->port,
		.local_mask = l->mask,
		.remote_port = r->port,
		.remote_mask = r->mask };
	if (sel_list_has(list, &s))
		return 0;
	if (list->n == SEL_MAX)
		return -E2BIG;
	list->v[list->n++] = s;
	return 0;
}

int sel_list_from(struct sel_list *list, const struct ts_list *local, const struct ts_list *remote)
{
	struct ts_parts *parts = ts_parts_new();
	list->n = 0;
	list->v = xcalloc(SEL_MAX, sizeof *list->v);
	int error = cut_list(&parts[0], local);
	if (error == 0)
		error = cut_list(&parts[1], remote);
	for (unsigned i = 0; i < parts[0].n && error == 0; i++)
		for (unsigned j = 0; j < parts[1].n && error == 0; j++)
			error = add_pair(list, &parts[0].v[i], &parts[1].v[j]);
	free(parts);
	if (error != 0)
		sel_list_free(list);
	else
		list->v = xrealloc_array(list->v, list->n > 0 ? list->n : 1, sizeof *list->v);
	return error;
}

void sel_list_free(struct sel_list *list)
{
	free(list->v);
	*list = (struct sel_list){ 0 };
}

bool sel_equal(const struct sel *a, const struct sel *b)
{
	return a->protocol == b->protocol && a->local_port == b->local_port && a->local_mask == b->local_mask &&
	       a->remote_port == b->remote_port && a->remote_mask == b->remote_mask && prefix_equal(&a->local, &b->local) &&
	       prefix_equal(&a->remote, &b->remote);
}

bool sel_list_has(const struct sel_list *list, const struct sel *s)
{
	for (unsigned i = 0; i < list->n; i++)
		if (sel_equal(&list->v[i], s))
			return true;
	return false;
}

uint64_t sel_hash(const struct sel *s)
{
	struct prefix l = prefix_mask(&s->local), r = prefix_mask(&s->remote);
	uint16_t rest[] = { l.addr.family, l.len, r.len, s->protocol, s->local_port, s->local_mask, s->remote_port,
		s->remote_mask };
	uint64_t h = hash_bytes(HASH_START, rest, sizeof rest);
	return hash_bytes(hash_bytes(h, l.addr.ip, sizeof l.addr.ip), r.addr.ip, sizeof r.addr.ip);
}

/* --- messages --- */
/* Of two selectors of which one lies within the other the inner one has more. */
static unsigned narrowness(const struct sel *s)
{
	unsigned ports = (unsigned)(__builtin_popcount(s->local_mask) + __builtin_popcount(s->remote_mask));
	return s->local.len + (unsigned)s->remote.len + (s->protocol != 0) + ports;
}

/* Less goes first. */
static uint32_t priority(const struct sel *s, uint16_t slot)
{
	return (NARROWEST - narrowness(s)) * (ESP_SLOTS_MAX + 1) + slot + 1;
}

static void fill_selector(struct xfrm_selector *x, const struct sel *s, enum policy_dir dir)
{
	bool out = dir == POLICY_OUT;
	struct prefix src = prefix_mask(out ? &s->local : &s->remote), dst = prefix_mask(out ? &s->remote : &s->local);
	xfrm_put_addr(&x->saddr, &src.addr);
	xfrm_put_addr(&x->daddr, &dst.addr);
	x->prefixlen_s = src.len;
	x->prefixlen_d = dst.len;
	x->family = src.addr.family;
	x->proto = s->protocol;
	x->sport = htons(out ? s->local_port : s->remote_port);
	x->sport_mask = htons(out ? s->local_mask : s->remote_mask);
	x->dport = htons(out ? s->remote_port : s->local_port);
	x->dport_mask = htons(out ? s->remote_mask : s->local_mask);
}

static uint8_t kernel_dir(enum policy_dir dir)
{
	switch (dir) {
	case POLICY_IN: return XFRM_POLICY_IN;
	case POLICY_OUT: return XFRM_POLICY_OUT;
	case POLICY_FWD: return XFRM_POLICY_FWD;
	}
	return XFRM_POLICY_IN;
}

static void put_template(struct nlm *m, const struct sel *s, uint32_t tunnel, const struct outward *out)
{
	struct xfrm_user_tmpl t = { .family = s->local.addr.family,
		.reqid = IF_ID_BASE + tunnel,
		.mode = XFRM_MODE_TUNNEL,
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX };
	t.id.proto = IPPROTO_ESP;
	if (out != NULL) {
		t.family = out->remote.family;
		if (outward_asks(out))
			t.reqid = ask_reqid(tunnel, out->slot);
		t.id.spi = htonl(out->spi);
		xfrm_put_addr(&t.id.daddr, &out->remote);
		xfrm_put_addr(&t.saddr, &out->local);
	}
	nlm_put(m, XFRMA_TMPL, &t, sizeof t);
}

void policy_build_set(
	struct nlm *m, const struct sel *s, enum policy_dir dir, uint32_t tunnel, bool vti, const struct outward *out)
{
	struct xfrm_userpolicy_info *p = nlm_begin(m, XFRM_MSG_UPDPOLICY, 0, sizeof *p);
	bool block = dir == POLICY_OUT && out->spi == 0 && !outward_asks(out);
	fill_selector(&p->sel, s, dir);
	p->lft.soft_byte_limit = p->lft.hard_byte_limit = XFRM_INF;
	p->lft.soft_packet_limit = p->lft.hard_packet_limit = XFRM_INF;
	p->priority = priority(s, dir == POLICY_OUT ? out->slot : 0);
	p->dir = kernel_dir(dir);
	p->action = block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	if (!block)
		put_template(m, s, tunnel, dir == POLICY_OUT ? out : NULL);
	own_put(m, tunnel, vti);
}

void policy_build_del(struct nlm *m, const struct sel *s, enum policy_dir dir, uint32_t tunnel, bool vti)
{
	struct xfrm_userpolicy_id *p = nlm_begin(m, XFRM_MSG_DELPOLICY, 0, sizeof *p);
	fill_selector(&p->sel, s, dir);
	p->dir = kernel_dir(dir);
	own_put(m, tunnel, vti);
}

void policy_build_dump(struct nlm *m) { nlm_begin(m, XFRM_MSG_GETPOLICY, NLM_F_DUMP, 0); }

static void fill_migration(struct xfrm_user_migrate *g, uint32_t tunnel, const struct addr *from[2], const struct addr *to[2])
{
	xfrm_put_addr(&g->old_saddr, from[0]);
	xfrm_put_addr(&g->old_daddr, from[1]);
	xfrm_put_addr(&g->new_saddr, to[0]);
	xfrm_put_addr(&g->new_daddr, to[1]);
	g->proto = IPPROTO_ESP;
	g->mode = XFRM_MODE_TUNNEL;
	g->reqid = IF_ID_BASE + tunnel;
	g->old_family = from[1]->family;
	g->new_family = to[1]->family;
}

/* Only the out policy has addresses in its template, and the kernel asks for one template that fits: so the inbound SA rides along. */
void policy_build_migrate(struct nlm *m, const struct sel *s, const struct esp_move *move)
{
	struct xfrm_userpolicy_id *p = nlm_begin(m, XFRM_MSG_MIGRATE, 0, sizeof *p);
	fill_selector(&p->sel, s, POLICY_OUT);
	p->dir = XFRM_POLICY_OUT;
	struct xfrm_user_migrate *g = nlm_space(m, XFRMA_MIGRATE, 2 * sizeof *g);
	if (g != NULL) {
		const struct addr *out_old[2] = { &move->old_local, &move->old_remote },
				  *out_new[2] = { &move->new_local, &move->new_remote };
		const struct addr *in_old[2] = { &move->old_remote, &move->old_local },
				  *in_new[2] = { &move->new_remote, &move->new_local };
		fill_migration(&g[0], move->tunnel, out_old, out_new);
		fill_migration(&g[1], move->tunnel, in_old, in_new);
	}
	own_put(m, move->tunnel, false);
}

/* --- reading --- */
static struct prefix read_prefix(const xfrm_address_t *a, uint16_t family, uint8_t len)
{
	return (struct prefix){ .addr = xfrm_get_addr(a, family), .len = len };
}

/* What the kernel keeps of a policy as it was given. */
static uint64_t print_of(const struct xfrm_userpolicy_info *p, const struct nlattr *templates)
{
	uint64_t h = hash_bytes(HASH_START, &p->priority, sizeof p->priority);
	h = hash_bytes(h, &p->action, sizeof p->action);
	if (templates == NULL)
		return h;
	const uint8_t *at = mnl_attr_get_payload(templates);
	struct xfrm_user_tmpl t;
	for (size_t n = mnl_attr_get_payload_len(templates); n >= sizeof t; n -= sizeof t, at += sizeof t) {
		memcpy(&t, at, sizeof t);
		h = hash_bytes(h, &t.id.daddr, sizeof t.id.daddr);
		h = hash_bytes(h, &t.saddr, sizeof t.saddr);
		h = hash_bytes(h, (const uint32_t[]){ t.id.spi, t.reqid, t.id.proto, t.mode, t.optional, t.family },
			6 * sizeof(uint32_t));
	}
	return h;
}

bool policy_read(struct policy_seen *seen, const struct nlmsghdr *h)
{
	struct xfrm_userpolicy_info p;
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (!nlm_copy_fixed(&p, h, sizeof p) || p.dir > XFRM_POLICY_FWD)
		return false;
	attrs_read(&a, h, sizeof p);
	if (!own_read(&a, &seen->tunnel, &seen->vti))
		return false;
	seen->dir = p.dir == XFRM_POLICY_IN ? POLICY_IN : p.dir == XFRM_POLICY_OUT ? POLICY_OUT : POLICY_FWD;
	bool out = seen->dir == POLICY_OUT;
	struct prefix src = read_prefix(&p.sel.saddr, p.sel.family, p.sel.prefixlen_s);
	struct prefix dst = read_prefix(&p.sel.daddr, p.sel.family, p.sel.prefixlen_d);
	seen->sel = (struct sel){
		.local = out ? src : dst,
		.remote = out ? dst : src,
		.protocol = p.sel.proto,
		.local_port = ntohs(out ? p.sel.sport : p.sel.dport),
		.local_mask = ntohs(out ? p.sel.sport_mask : p.sel.dport_mask),
		.remote_port = ntohs(out ? p.sel.dport : p.sel.sport),
		.remote_mask = ntohs(out ? p.sel.dport_mask : p.sel.sport_mask),
	};
	seen->print = print_of(&p, a.v[XFRMA_TMPL]);
	return true;
}
