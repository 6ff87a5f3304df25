/*
 * test_reconcile.c - what is wanted against what is there: each object of three tunnels taken away or changed by somebody else in a kernel in memory, and put
 * back; what belongs to others stays.
 */
#include "three_tunnels.h"

/* ---------------------------------------------------------------- each object that is not an interface */
static const struct {
	enum fake_kind kind;
	enum kernel_object object;
} raw_kinds[] = { { FAKE_ADDRESS, OBJECT_ADDRESS }, { FAKE_ROUTE, OBJECT_ROUTE }, { FAKE_RULE, OBJECT_RULE },
	{ FAKE_POLICY, OBJECT_POLICY } };

START_TEST(what_is_removed_is_put_back)
{
	enum fake_kind kind = raw_kinds[_i].kind;
	uint64_t before = picture(), keys[256];
	unsigned n = 0;
	size_t it = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[kind], &it)) != NULL;)
		keys[n++] = t->key;
	ck_assert_uint_gt(n, 1);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_int_eq(fake_delete(kind, keys[i], -1), 0);
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << raw_kinds[_i].object, "%s", told.text);
		healed(before, "one");
	}
	for (unsigned i = 0; i < n; i++)
		fake_delete(kind, keys[i], 0);
	reconcile();
	ck_assert_uint_eq(told.kinds, 1u << raw_kinds[_i].object);
	healed(before, "all");
}
END_TEST

/* Each octet of a policy or a route that another program may have written otherwise, as long as it is still the same object by its key. */
START_TEST(a_policy_that_differs_is_set_again)
{
	uint64_t before = picture();
	size_t it = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;) {
		struct nlmsghdr *h = (void *)t->raw;
		struct xfrm_userpolicy_info p;
		nlm_copy_fixed(&p, h, sizeof p);
		p.action = XFRM_POLICY_BLOCK;
		memcpy(mnl_nlmsg_get_payload(h), &p, sizeof p);
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << OBJECT_POLICY && strstr(told.text, "[changed]") != NULL, "%s",
			told.text);
		healed(before, "blocked");
		struct attrs a;
		attrs_read(&a, (void *)t->raw, sizeof p);
		struct xfrm_user_tmpl *tmpl = mnl_attr_get_payload(a.v[XFRMA_TMPL]);
		tmpl->id.spi ^= 1;
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << OBJECT_POLICY, "%s", told.text);
		healed(before, "another SPI");
	}
}
END_TEST

START_TEST(a_route_that_differs_is_set_again)
{
	uint64_t before = picture();
	size_t it = 0;
	unsigned n = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[FAKE_ROUTE], &it)) != NULL;) {
		struct attrs a;
		attrs_read(&a, (void *)t->raw, sizeof(struct rtmsg));
		if (attr_u32(&a, RTA_PRIORITY, 0) != 100)
			continue;
		uint32_t one = 2;
		if (a.v[RTA_OIF] != NULL)
			memcpy(mnl_attr_get_payload(a.v[RTA_OIF]), &one, sizeof one);
		else
			((struct rtnexthop *)mnl_attr_get_payload(a.v[RTA_MULTIPATH]))->rtnh_ifindex = 2;
		n++;
		reconcile();
		ck_assert_msg(
			told.n == 1 && told.kinds == 1u << OBJECT_ROUTE && strstr(told.text, "[other") != NULL, "%s", told.text);
		healed(before, "another interface");
	}
	ck_assert_uint_eq(n, 5); /* one is shared by two */
}
END_TEST

/* ---------------------------------------------------------------- SAs */
START_TEST(a_lost_sa_is_told_once)
{
	size_t it = 0;
	unsigned n = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[FAKE_SA], &it)) != NULL; n++) {
		fake_delete(FAKE_SA, t->key, -1);
		reconcile();
		ck_assert_msg(told.n == 1 && told.lost == 1, "%s", told.text);
		reconcile();
		ck_assert_msg(told.n == 0, "%s", told.text);
	}
	ck_assert_uint_eq(n, 2 * TUNNELS);
}
END_TEST

START_TEST(a_larval_sa_is_none)
{
	size_t it = 0;
	struct fake_thing *t = table_next(&fake.of[FAKE_SA], &it);
	struct nlmsghdr *h = (void *)t->raw;
	struct attrs a;
	attrs_read(&a, h, sizeof(struct xfrm_usersa_info));
	((struct nlattr *)a.v[XFRMA_ALG_AEAD])->nla_type = 79;
	reconcile();
	ck_assert_msg(told.n == 1 && told.lost == 1, "%s", told.text);
	ck_assert_ptr_nonnull(table_get(&fake.of[FAKE_SA], t->key)); /* and it is left alone */
}
END_TEST

/* ---------------------------------------------------------------- interfaces */
static void down(struct fake_link *l)
{
	l->flags &= ~(unsigned)IFF_UP;
	fake_links_things_go(l->ifindex, false);
}
static void narrow(struct fake_link *l) { l->mtu = 1300; }
static void dormant(struct fake_link *l) { l->oper = 5; }
static void elsewhere(struct fake_link *l) { l->group = 0; }
static void redirected(struct fake_link *l) { l->conf[IPV4_DEVCONF_ACCEPT_REDIRECTS - 1] = 1; }

static const struct {
	void (*harm)(struct fake_link *l);
	enum kernel_object object;
	const char *was;
} link_harms[] = { { down, OBJECT_INTERFACE, "[down]" }, { narrow, OBJECT_INTERFACE, "[MTU 1300]" },
	{ dormant, OBJECT_INTERFACE, "[dormant]" }, { elsewhere, OBJECT_INTERFACE, "[group 0]" },
	{ redirected, OBJECT_SYSCTL, "[redirects" } };

START_TEST(an_interface_that_differs_is_set_again)
{
	uint64_t before = picture();
	size_t it = 0;
	for (struct fake_link *l; (l = table_next(&fake.of[FAKE_LINK], &it)) != NULL;) {
		link_harms[_i].harm(l);
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << link_harms[_i].object, "%s",
			told.text); /* what went with it is not told */
		ck_assert_msg(strstr(told.text, link_harms[_i].was) != NULL, "%s", told.text);
		healed(before, link_harms[_i].was);
	}
}
END_TEST

START_TEST(an_interface_that_is_deleted_is_made_again)
{
	for (unsigned i = 1; i <= TUNNELS; i++) {
		unsigned routes_before = (unsigned)table_count(&fake.of[FAKE_ROUTE]),
			 addresses = (unsigned)table_count(&fake.of[FAKE_ADDRESS]);
		struct fake_link *l = fake_link_named(tunnels[i].interface);
		fake_link_delete(l->ifindex);
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << OBJECT_INTERFACE && told.tunnel == i && told.failed == 0, "%s",
			told.text);
		ck_assert_ptr_nonnull(fake_link_named(tunnels[i].interface));
		ck_assert_uint_eq(table_count(&fake.of[FAKE_ROUTE]), routes_before);
		ck_assert_uint_eq(table_count(&fake.of[FAKE_ADDRESS]), addresses);
		reconcile();
		ck_assert_msg(told.n == 0, "%s", told.text);
	}
}
END_TEST

/* ---------------------------------------------------------------- nf_tables */
START_TEST(the_table_is_written_again)
{
	uint64_t before = picture();
	for (unsigned i = 1; i < fake.n_nft; i++) { /* the first two make the table, so that there is one to delete */
		if (NFNL_MSG_TYPE(((struct nlmsghdr *)fake.nft[i].raw)->nlmsg_type) == NFT_MSG_NEWTABLE)
			continue;
		free(fake.nft[i].raw);
		memmove(&fake.nft[i], &fake.nft[i + 1], (--fake.n_nft - i) * sizeof *fake.nft);
		fake.generation++;
		reconcile();
		ck_assert_msg(told.n == 1 && told.kinds == 1u << OBJECT_FIREWALL && strstr(told.text, "[changed]") != NULL,
			"%u: %s", i, told.text);
		ck_assert(picture() == before);
		reconcile();
		ck_assert_msg(told.n == 0, "%s", told.text);
	}
	fake_drop_nft();
	fake.generation++;
	reconcile();
	ck_assert_msg(told.n == 1 && told.kinds == 1u << OBJECT_FIREWALL && strstr(told.text, "[]") != NULL, "%s", told.text);
	healed(before, "flushed");
}
END_TEST

START_TEST(without_a_new_generation_nothing_is_read)
{
	fake_drop_nft();
	reconcile();
	ck_assert_uint_eq(told.n, 0);
}
END_TEST

/* ---------------------------------------------------------------- others, and what nobody wants */
START_TEST(what_belongs_to_others_stays)
{
	static struct nlm m;
	struct prefix p = prefix("10.3.0.0/16", 0);
	struct rtmsg *r = nlm_begin(&m, RTM_NEWROUTE, 0, sizeof *r);
	r->rtm_family = AF_INET;
	r->rtm_dst_len = 16;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_STATIC;
	r->rtm_type = RTN_UNICAST;
	nlm_put_addr(&m, RTA_DST, &p.addr);
	nlm_put_u32(&m, RTA_PRIORITY, 100);
	nlm_put_u32(&m, RTA_OIF, 2);
	uint64_t key = fake_route_key(&m.head);
	ck_assert_ptr_nonnull(table_get(&fake.of[FAKE_ROUTE], key)); /* it takes the place of ours */
	fake_put(FAKE_ROUTE, key, &m.head, RTM_NEWROUTE);
	for (unsigned twice = 0; twice < 2; twice++) {
		reconcile();
		ck_assert_msg(told.n == 1 && told.failed == 1 && told.tunnel == 3 && strstr(told.text, "not ours") != NULL, "%s",
			told.text);
	}
	const struct fake_thing *t = table_get(&fake.of[FAKE_ROUTE], key);
	ck_assert_uint_eq(((struct rtmsg *)mnl_nlmsg_get_payload((void *)t->raw))->rtm_protocol, RTPROT_STATIC);
	fake_delete(FAKE_ROUTE, key, -1);
	reconcile();
	ck_assert_msg(told.n == 1 && told.failed == 0, "%s", told.text);
}
END_TEST

START_TEST(what_is_ours_and_wanted_by_nobody_goes)
{
	struct kernel *other = k;
	uint64_t before;
	/* A second life of the program knows only the first tunnel. */
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.adopt(k, tunnels + 1, 1, false) == 0, "%s", kernel_real.why(k));
	kernel_real.close(other);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_LINK]), 1);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 0);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_POLICY]), 6);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_ROUTE]), 4); /* blackhole routes: two of routes, two of inside */
	before = picture();
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
	ck_assert(picture() == before);
	ck_assert_msg(kernel_real.remove(k, false) == 0, "%s", kernel_real.why(k));
	for (unsigned i = 0; i < FAKE_KINDS; i++)
		ck_assert_uint_eq(table_count(&fake.of[i]), 0);
	ck_assert_uint_eq(fake.n_nft, 0);
}
END_TEST

/* `s2sd --remove` after a failure, which knows no tunnel: what guards is as the earlier run left it. */
START_TEST(guards_outlive_a_failure)
{
	unsigned rules = fake.n_nft;
	kernel_real.close(k);
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.remove(k, true) == 0, "%s", kernel_real.why(k));
	for (unsigned i = 0; i < FAKE_KINDS; i++)
		ck_assert_uint_eq(table_count(&fake.of[i]),
			i == FAKE_ROUTE ? 11 : 0); /* four blackhole routes per tunnel, one of them shared */
	ck_assert(rules > 0 && fake.n_nft == rules);
	ck_assert_msg(kernel_real.remove(k, false) == 0, "%s", kernel_real.why(k));
	ck_assert_uint_eq(table_count(&fake.of[FAKE_ROUTE]), 0);
	ck_assert_uint_eq(fake.n_nft, 0);
}
END_TEST

START_TEST(a_tunnel_that_is_down_wants_less)
{
	struct esp_link_state down = { .tunnel = 3, .state = LINK_DOWN };
	ck_assert_int_eq(kernel_real.tunnel_link(k, &down), 0);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
	struct fake_link *l = fake_link_named("s2s-3");
	l->flags |= IFF_UP;
	reconcile();
	ck_assert_msg(told.n == 1 && strstr(told.text, "[up]") != NULL, "%s", told.text);
	ck_assert(!(l->flags & IFF_UP));
}
END_TEST

static unsigned unreachable_routes(void)
{
	size_t it = 0;
	unsigned n = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_ROUTE], &it)) != NULL;)
		n += ((const struct rtmsg *)mnl_nlmsg_get_payload((const void *)t->raw))->rtm_type == RTN_UNREACHABLE;
	return n;
}

/* A reload that renames an interface: the way into the tunnel is closed all the time, and what is not configured any more goes in the end. */
START_TEST(guards_stay_while_the_interface_is_another_one)
{
	unsigned before = unreachable_routes();
	uint64_t guarded = table_count(&k->sets[SET_ANTISPOOF].all);
	struct kernel_tunnel w = tunnels[3];
	ck_assert_int_eq(kernel_real.tunnel_del(k, 3, true), 0);
	ck_assert_uint_eq(unreachable_routes(), before);
	snprintf(w.interface, sizeof w.interface, "s2s-new");
	w.n_routes = 1;
	ck_assert_msg(kernel_real.tunnel_set(k, &w) == 0, "%s", kernel_real.why(k));
	ck_assert_uint_eq(unreachable_routes(), before);
	reconcile();
	ck_assert_uint_eq(unreachable_routes(), before - 1);
	ck_assert_uint_eq(table_count(&k->sets[SET_ANTISPOOF].all), guarded - 1);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
}
END_TEST

/* One reload takes a prefix from a tunnel and gives it to another. */
START_TEST(a_prefix_that_changes_tunnels_stays_guarded)
{
	unsigned before = unreachable_routes();
	struct kernel_tunnel from = tunnels[3], to = tunnels[2];
	struct prefix both[8];
	ck_assert_uint_lt(to.n_routes, 8);
	memcpy(both, to.routes, to.n_routes * sizeof *both);
	both[to.n_routes++] = from.routes[--from.n_routes];
	to.routes = both;
	ck_assert_msg(kernel_real.tunnel_set(k, &from) == 0, "%s", kernel_real.why(k));
	ck_assert_uint_eq(unreachable_routes(), before);
	ck_assert_msg(kernel_real.tunnel_set(k, &to) == 0, "%s", kernel_real.why(k));
	reconcile();
	ck_assert_uint_eq(unreachable_routes(), before);
	ck_assert_msg(told.n == 0, "%s", told.text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_is_removed_is_put_back, 0, ARRAY_SIZE(raw_kinds));
	tcase_add_test(t, a_prefix_that_changes_tunnels_stays_guarded);
	tcase_add_test(t, a_policy_that_differs_is_set_again);
	tcase_add_test(t, a_route_that_differs_is_set_again);
	tcase_add_test(t, a_lost_sa_is_told_once);
	tcase_add_test(t, a_larval_sa_is_none);
	tcase_add_loop_test(t, an_interface_that_differs_is_set_again, 0, ARRAY_SIZE(link_harms));
	tcase_add_test(t, an_interface_that_is_deleted_is_made_again);
	tcase_add_test(t, the_table_is_written_again);
	tcase_add_test(t, without_a_new_generation_nothing_is_read);
	tcase_add_test(t, what_belongs_to_others_stays);
	tcase_add_test(t, what_is_ours_and_wanted_by_nobody_goes);
	tcase_add_test(t, guards_outlive_a_failure);
	tcase_add_test(t, a_tunnel_that_is_down_wants_less);
	tcase_add_test(t, guards_stay_while_the_interface_is_another_one);
	return unit_run_case("reconcile", t);
}
