/*
 * test_slots.c - the children side by side of a tunnel: whose SA a selector leaves by, what comes first, what becomes of the others' policies when one is
 * switched, lost or gone, and what asks for a child.
 */
#include "slot_help.h"

/* ---------------------------------------------------------------- whose SA */
START_TEST(each_slot_has_its_own)
{
	ck_assert_uint_eq(n_policies(), 6); /* the base, for two families */
	ck_assert_uint_eq(leaves_by("0.0.0.0/0"), 0);
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("0.0.0.0/0"), ABSENT);
	turn(2, 0x1002, "10.30.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), 0x1002);
	ck_assert_uint_ne(look("10.30.0.0/16", XFRM_POLICY_IN).spi, ABSENT);
	ck_assert_uint_ne(look("10.30.0.0/16", XFRM_POLICY_FWD).spi, ABSENT);
	ck_assert_uint_eq(n_policies(), 6);
	settled();
	/* A switch of one is a message for each of its selectors, and none for the other's. */
	add_pair(0x1003);
	unsigned writes = fake.writes;
	turn(2, 0x1003, "10.30.0.0/16");
	ck_assert_uint_eq(fake.writes, writes + 1);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), 0x1003);
	turn(1, 0, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), 0x1003);
	turn(2, 0, NULL);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), ABSENT);
	ck_assert_uint_eq(look("10.30.0.0/16", XFRM_POLICY_IN).spi, ABSENT);
	ck_assert_uint_eq(n_policies(), 3);
	turn(1, 0, NULL);
	ck_assert_uint_eq(leaves_by("0.0.0.0/0"), 0);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), ABSENT);
	ck_assert_uint_eq(n_policies(), 6);
	settled();
}
END_TEST

START_TEST(the_narrower_goes_first)
{
	static const char *const nested[] = { "0.0.0.0/0", "10.0.0.0/8", "10.20.0.0/16", "10.20.0.7/32" };
	uint32_t last = UINT32_MAX;
	for (uint16_t i = 0; i < ARRAY_SIZE(nested); i++) {
		add_pair(0x1000u + i);
		turn(i + 1, 0x1000u + i, nested[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(nested); i++) {
		struct seen s = look(nested[i], XFRM_POLICY_OUT);
		ck_assert_uint_eq(s.spi, 0x1000u + i);
		ck_assert_uint_lt(s.priority, last);
		last = s.priority;
	}
	/* Of two equally narrow ones the lower slot, whichever was switched last. */
	turn(2, 0x1001, "10.30.0.0/16");
	ck_assert_uint_lt(look("10.30.0.0/16", XFRM_POLICY_OUT).priority, look("10.20.0.0/16", XFRM_POLICY_OUT).priority);
	settled();
}
END_TEST

/* Ports and a protocol narrow, too. */
START_TEST(ports_narrow)
{
	struct esp_switch s = switch_of(2, 0x1002, "10.20.0.0/16");
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	uint32_t wide = look("10.20.0.0/16", XFRM_POLICY_OUT).priority;
	turn(1, 0, NULL);
	for (unsigned ports = 0; ports < 3; ports++) {
		s.ts[1].protocol = IPPROTO_TCP;
		s.ts[1].port_lo = ports == 0 ? 0 : 1024;
		s.ts[1].port_hi = ports == 0 ? 65535 : ports == 1 ? 2047 : 1024;
		ck_assert_int_eq(kernel_real.sa_switch(k, &s), 0);
		uint32_t now = look("10.20.0.0/16", XFRM_POLICY_OUT).priority;
		ck_assert_uint_lt(now, wide);
		wide = now;
	}
}
END_TEST

START_TEST(a_selector_of_two_is_the_lowest_ones_that_has_an_sa)
{
	add_pair(0x1001);
	add_pair(0x1002);
	turn(2, 0x1002, "10.20.0.0/16");
	turn(1, 0x1001, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	ck_assert_uint_eq(n_policies(), 3);
	turn(1, 0, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	remove_out(0x1001, &peer);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1002);
	add_pair(0x1003);
	turn(1, 0x1003, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1003);
	turn(1, 0, NULL);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1002);
	settled();
}
END_TEST

/* One that another program removed, too. */
START_TEST(a_lost_sa_gives_way)
{
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	turn(2, 0x1002, "10.20.0.0/16");
	xfrm_address_t to = { 0 };
	memcpy(&to, peer.ip, 4);
	ck_assert_int_eq(fake_delete(FAKE_SA, fake_sa_key(&to, htonl(0x1001)), -1), 0);
	reconcile();
	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1002);
	settled();
}
END_TEST

/* Alone it stays as it is: nothing leaves by an SA that is not there. */
START_TEST(without_another_nothing_leaves)
{
	add_pair(0x1001);
	turn(1, 0x1001, "10.20.0.0/16");
	unsigned writes = fake.writes;
	remove_out(0x1001, &peer);
	ck_assert_uint_eq(fake.writes, writes + 1);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
}
END_TEST

/* A VTI's policies are known by its mark, and it needs none for what is forwarded. */
START_TEST(slots_of_a_vti)
{
	struct kernel_tunnel vti = tunnel;
	struct esp_switch s = switch_of(1, 0x2001, "10.60.0.0/16"), blocked = switch_of(2, 0, "10.60.7.0/24");
	vti.id = s.tunnel = blocked.tunnel = 2;
	vti.vti = true;
	snprintf(vti.interface, sizeof vti.interface, "s2s-2");
	ck_assert_msg(kernel_real.tunnel_set(k, &vti) == 0, "%s", kernel_real.why(k));
	unsigned before = n_policies(); /* with its base: two families, in and out */
	ck_assert_msg(kernel_real.sa_switch(k, &s) == 0, "%s", kernel_real.why(k));
	ck_assert_msg(kernel_real.sa_switch(k, &blocked) == 0, "%s", kernel_real.why(k));
	ck_assert_uint_eq(n_policies(), before);
	ck_assert_uint_eq(leaves_by("10.60.0.0/16"), 0x2001);
	ck_assert_uint_eq(leaves_by("10.60.7.0/24"), 0);
	ck_assert_uint_eq(look("10.60.7.0/24", XFRM_POLICY_FWD).spi, ABSENT);
	ck_assert_uint_ne(look("10.60.7.0/24", XFRM_POLICY_IN).spi, ABSENT);
	settled();
	struct esp_switch gone = { .tunnel = 2, .slot = 2 };
	ck_assert_int_eq(kernel_real.sa_switch(k, &gone), 0);
	ck_assert_uint_eq(leaves_by("10.60.7.0/24"), ABSENT);
	settled();
}
END_TEST

/* ---------------------------------------------------------------- asking for a child */
static void ask(uint16_t slot, const char *remote)
{
	struct esp_switch s = switch_of(slot, 0, remote);
	s.local = here;
	s.remote = peer;
	ck_assert_msg(kernel_real.sa_switch(k, &s) == 0, "%s", kernel_real.why(k));
}

/* The template of each is such that no SA fits, and the kernel asks for each by itself. */
START_TEST(what_has_no_child_asks_for_one)
{
	add_pair(0x1003);
	ask(1, "10.20.0.0/16");
	ask(2, "10.30.0.0/16");
	turn(3, 0x1003, "10.40.0.0/16");
	struct seen one = look("10.20.0.0/16", XFRM_POLICY_OUT), two = look("10.30.0.0/16", XFRM_POLICY_OUT),
		    three = look("10.40.0.0/16", XFRM_POLICY_OUT), in = look("10.20.0.0/16", XFRM_POLICY_IN);
	ck_assert(one.asks && two.asks && !three.asks);
	ck_assert(addr_same_ip(&one.local, &here));
	ck_assert_uint_ne(one.reqid, two.reqid);
	ck_assert_uint_ne(one.reqid, three.reqid);
	ck_assert_uint_ne(two.reqid, three.reqid);
	ck_assert_uint_eq(in.reqid, three.reqid);
	settled();
	/* One with an SA goes before it, it before one that blocks. */
	turn(4, 0x1003, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1003);
	turn(4, 0, NULL);
	turn(1, 0, "10.30.0.0/16");
	ck_assert(look("10.30.0.0/16", XFRM_POLICY_OUT).asks);
	ask(1, "10.30.0.0/16");
	ck_assert_uint_eq(look("10.30.0.0/16", XFRM_POLICY_OUT).reqid, one.reqid);
	turn(1, 0, "10.20.0.0/16");
	ck_assert(!look("10.20.0.0/16", XFRM_POLICY_OUT).asks);
	settled();
}
END_TEST

static struct kernel_event heard;
static unsigned n_heard;
static void hear(void *arg, const struct kernel_event *e)
{
	(void)arg;
	if (e->kind != KERNEL_ACQUIRE)
		return;
	heard = *e;
	n_heard++;
}

/* As the kernel says it: the packet, and the policy with its template and its marks. */
static void acquire(int fd, uint32_t if_id, uint32_t reqid, uint8_t protocol)
{
	static struct nlm m;
	struct xfrm_user_acquire *q = nlm_begin(&m, XFRM_MSG_ACQUIRE, 0, sizeof *q);
	struct xfrm_user_tmpl t = { .reqid = reqid, .family = AF_INET };
	struct addr from = { .family = AF_INET, .ip = { 10, 1, 0, 7 } }, to = { .family = AF_INET, .ip = { 10, 20, 0, 9 } };
	q->id.proto = IPPROTO_ESP;
	memcpy(&q->sel.saddr, from.ip, 4);
	memcpy(&q->sel.daddr, to.ip, 4);
	q->sel.family = AF_INET;
	q->sel.proto = protocol;
	q->sel.sport = htons(40000);
	q->sel.dport = htons(53);
	q->sel.sport_mask = q->sel.dport_mask = UINT16_MAX;
	nlm_put(&m, XFRMA_TMPL, &t, sizeof t);
	nlm_put_u32(&m, XFRMA_IF_ID, if_id);
	ck_assert_int_eq(send(fd, m.raw, m.head.nlmsg_len, 0), (int)m.head.nlmsg_len);
}

START_TEST(a_packet_that_asks_is_told)
{
	int pair[2];
	char text[TS_TEXT];
	ask(2, "10.20.0.0/16");
	uint32_t reqid = look("10.20.0.0/16", XFRM_POLICY_OUT).reqid, ours = IF_ID_BASE + 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	k->event_xfrm = mnl_socket_fdopen(pair[0]);
	k->fn = hear;
	n_heard = 0;
	acquire(pair[1], ours, reqid, IPPROTO_UDP);
	kernel_real.read(k, pair[0]);
	ck_assert_uint_eq(n_heard, 1);
	ck_assert_uint_eq(heard.tunnel, 1);
	ck_assert_str_eq(ts_format(&heard.local, text), "10.1.0.7/32[17/40000]");
	ck_assert_str_eq(ts_format(&heard.remote, text), "10.20.0.9/32[17/53]");
	acquire(pair[1], ours, reqid, IPPROTO_ICMP); /* type and code are no ports */
	kernel_real.read(k, pair[0]);
	ck_assert_uint_eq(n_heard, 2);
	ck_assert(heard.remote.port_lo == 0 && heard.remote.port_hi == UINT16_MAX);
	/* Somebody else's, another tunnel's reqid, that of SAs: a lost one is told otherwise. */
	acquire(pair[1], 7, reqid, IPPROTO_UDP);
	acquire(pair[1], ours + 1, reqid, IPPROTO_UDP);
	acquire(pair[1], ours, reqid + 0x100, IPPROTO_UDP);
	acquire(pair[1], ours, ours, IPPROTO_UDP);
	kernel_real.read(k, pair[0]);
	ck_assert_uint_eq(n_heard, 2);
	close(pair[1]);
}
END_TEST

/* ---------------------------------------------------------------- bounds, failures */
START_TEST(too_many_change_nothing)
{
	struct esp_switch s;
	add_pair(0x1001);
	for (uint16_t i = 1; i < ESP_SLOTS_MAX; i++)
		turn(i, 0x1001, host(i));
	s = switch_of(ESP_SLOTS_MAX, 0x1001, "10.30.0.0/16");
	s.ts[1].lo.ip[3] = 1; /* 10.30.0.1 to 10.30.255.255: sixteen prefixes */
	uint64_t before = picture();
	unsigned writes = fake.writes;
	ck_assert_int_eq(kernel_real.sa_switch(k, &s), -E2BIG);
	ck_assert_ptr_nonnull(strstr(kernel_real.why(k), "256 kernel policies"));
	ck_assert_uint_eq(fake.writes, writes);
	ck_assert(picture() == before);
	settled();
	turn(ESP_SLOTS_MAX, 0x1001, host(0));
	ck_assert_uint_eq(n_policies(), 3 * 256);
	s = switch_of(ESP_SLOTS_MAX + 1, 0x1001, "10.20.0.0/16");
	ck_assert_int_eq(kernel_real.sa_switch(k, &s), -EINVAL);
	settled();
}
END_TEST

START_TEST(after_a_failure_all_is_set_again)
{
	struct esp_switch s = switch_of(2, 0x1002, "10.30.0.0/16");
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	turn(2, 0x1001, "10.40.0.0/16");
	fake.refuse = 100;
	ck_assert_int_eq(kernel_real.sa_switch(k, &s), -ENOMEM);
	fake.refuse = 0;
	ck_assert_uint_eq(leaves_by("10.40.0.0/16"), 0x1001);
	unsigned writes = fake.writes;
	turn(2, 0x1002, "10.30.0.0/16");
	ck_assert_uint_eq(fake.writes, writes + 9); /* two of three, and what is surplus */
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), 0x1002);
	ck_assert_uint_eq(leaves_by("10.40.0.0/16"), ABSENT);
	settled();
	/* Without another switch the comparison does it. */
	s = switch_of(2, 0x1002, "10.50.0.0/16");
	fake.refuse = 100;
	ck_assert_int_eq(kernel_real.sa_switch(k, &s), -ENOMEM);
	fake.refuse = 0;
	reconcile();
	ck_assert_uint_eq(leaves_by("10.50.0.0/16"), 0x1002);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), ABSENT);
	settled();
}
END_TEST

/* ---------------------------------------------------------------- comparison */
START_TEST(one_slots_policy_is_put_back)
{
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	turn(2, 0x1002, "10.30.0.0/16");
	uint64_t before = picture();
	size_t it = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;) {
		struct attrs a;
		attrs_read(&a, (void *)t->raw, sizeof(struct xfrm_userpolicy_info));
		struct xfrm_user_tmpl *tmpl = mnl_attr_get_payload(a.v[XFRMA_TMPL]);
		if (ntohl(tmpl->id.spi) != 0x1002)
			continue;
		tmpl->id.spi = htonl(0x1001); /* the other slot's SA, which is ours and there */
		unsigned writes = fake.writes;
		reconcile();
		ck_assert_msg(n_told == 1 && strstr(told, "policy out 10.1.0.0/16 - 10.30.0.0/16 [changed]") != NULL, "%s", told);
		ck_assert_uint_eq(fake.writes, writes + 1);
	}
	ck_assert(picture() == before);
	settled();
}
END_TEST

/* ---------------------------------------------------------------- the configuration, the engine */
START_TEST(slots_that_carry_stay_with_other_selectors)
{
	struct prefix l = prefix("10.1.0.0/16"), r = prefix("10.30.0.0/16");
	struct ts_list here_ts = { .n = 1, .v = { ts_from_prefix(&l) } }, there_ts = { .n = 1, .v = { ts_from_prefix(&r) } };
	struct kernel_tunnel other = tunnel;
	other.local_ts = &here_ts;
	other.remote_ts = &there_ts;
	add_pair(0x1001);
	turn(1, 0x1001, "10.20.0.0/16");
	turn(2, 0, "10.40.0.0/16");
	turn(3, 0, "10.30.7.0/24");
	ck_assert_int_eq(kernel_real.tunnel_set(k, &other), 0);
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001); /* the engine replaces it */
	ck_assert_uint_eq(leaves_by("10.40.0.0/16"), ABSENT); /* nothing of the kind is let in any more */
	ck_assert_uint_eq(leaves_by("10.30.7.0/24"), 0);
	turn(1, 0, NULL);
	turn(3, 0, NULL);
	ck_assert_uint_eq(leaves_by("10.30.0.0/16"), 0);
	settled();
}
END_TEST

/* A new engine knows nothing of the old one's children. */
START_TEST(what_an_engine_left_goes_with_the_next_switch)
{
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	turn(2, 0x1002, "10.20.7.0/24");
	unsigned writes = fake.writes;
	turn(0, 0, NULL);
	ck_assert_uint_eq(fake.writes, writes);
	settled();
	add_pair(0x1003);
	turn(1, 0x1003, "10.20.0.0/16");
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1003);
	ck_assert_uint_eq(leaves_by("10.20.7.0/24"), ABSENT);
	ck_assert_uint_eq(n_policies(), 3);
	settled();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_slot_has_its_own);
	tcase_add_test(t, the_narrower_goes_first);
	tcase_add_test(t, ports_narrow);
	tcase_add_test(t, a_selector_of_two_is_the_lowest_ones_that_has_an_sa);
	tcase_add_test(t, a_lost_sa_gives_way);
	tcase_add_test(t, without_another_nothing_leaves);
	tcase_add_test(t, slots_of_a_vti);
	tcase_add_test(t, what_has_no_child_asks_for_one);
	tcase_add_test(t, a_packet_that_asks_is_told);
	tcase_add_test(t, too_many_change_nothing);
	tcase_add_test(t, after_a_failure_all_is_set_again);
	tcase_add_test(t, one_slots_policy_is_put_back);
	tcase_add_test(t, slots_that_carry_stay_with_other_selectors);
	tcase_add_test(t, what_an_engine_left_goes_with_the_next_switch);
	return unit_run_case("slots", t);
}
