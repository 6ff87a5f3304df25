/*
 * test_way.c - the way of a packet, judged: each answer of the kernel, with what it hides, becomes the step that it means. The facts are written down
 * here; nothing is asked of this machine.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/way/leg.h"
#include "unit.h"

enum { LAN = 2, OUT, TUN, LAN2 };

struct machine {
	struct way_facts f;
	struct way_link links[4];
	struct way_address addresses[3];
	struct way_rule rules[4];
	struct way_policy policies[3];
	struct way_neighbour neighbours[2];
	struct way_bounds b;
	struct way_asked a;
	struct way_leg leg;
};

static struct addr ip(const char *text)
{
	struct addr a = { 0 };
	ck_assert(addr_parse(&a, text));
	return a;
}

static struct prefix net(const char *text)
{
	struct prefix p = { 0 };
	ck_assert(prefix_parse(&p, text));
	return p;
}

static void link_is(struct machine *m, unsigned i, unsigned index, const char *name, enum way_kind kind)
{
	m->links[i] = (struct way_link){ .index = index, .kind = kind, .up = true, .running = true, .forwarding = 1 };
	snprintf(m->links[i].name, WAY_NAME, "%s", name);
}

/* A gateway with a LAN, an uplink and a tunnel, through which 10.1.0.10 speaks with 10.20.0.10; all is well. */
static struct machine *machine(enum way_leg_kind kind)
{
	struct machine *m = calloc(1, sizeof *m);
	link_is(m, 0, LAN, "lan", LINK_OTHER);
	link_is(m, 1, OUT, "out", LINK_OTHER);
	link_is(m, 2, TUN, "s2s-t", LINK_TUNNEL);
	link_is(m, 3, LAN2, "lan2", LINK_OTHER);
	m->links[2].if_id = 0x53320001;
	m->addresses[0] = (struct way_address){ net("10.1.0.1/24"), LAN };
	m->addresses[1] = (struct way_address){ net("198.51.100.7/24"), OUT };
	m->rules[0] = (struct way_rule){ .family = AF_INET, .action = FR_ACT_TO_TBL, .table = RT_TABLE_MAIN, .pref = 32766 };
	m->f = (struct way_facts){ .links = m->links,
		.n_links = 4,
		.addresses = m->addresses,
		.n_addresses = 2,
		.rules = m->rules,
		.n_rules = 1,
		.policies = m->policies,
		.neighbours = m->neighbours,
		.policies_seen = true,
		.forward4 = 1,
		.forward6 = 1 };
	m->b = (struct way_bounds){ .interface = "s2s-t", .if_id = 0x53320001 };
	struct way_answer lan = { .type = RTN_UNICAST, .table = RT_TABLE_MAIN, .out = LAN, .prefix = net("10.1.0.0/24") };
	struct way_answer tunnel = { .type = RTN_UNICAST, .table = RT_TABLE_MAIN, .out = TUN, .prefix = net("10.20.0.0/24") };
	bool into = kind == LEG_INTO;
	m->a = (struct way_asked){ .kind = kind,
		.q = { .in = into ? LAN : TUN,
			.from = ip(into ? "10.1.0.10" : "10.20.0.10"),
			.to = ip(into ? "10.20.0.10" : "10.1.0.10") },
		.as_it_comes = into ? tunnel : lan,
		.plain = into ? tunnel : lan,
		.trusted = into ? tunnel : lan,
		.reverse = into ? lan : tunnel };
	return m;
}

static enum way_fault judged(struct machine *m)
{
	way_leg_release(&m->leg);
	way_judge(&m->f, &m->b, &m->a, &m->leg);
	return way_leg_fault(&m->leg);
}

static const struct way_step *wrong(const struct machine *m)
{
	for (unsigned i = 0; i < m->leg.n; i++)
		if (m->leg.steps[i].fault > WAY_NOT_SEEN)
			return &m->leg.steps[i];
	ck_abort_msg("nothing is wrong");
	return NULL;
}

static void end(struct machine *m)
{
	way_leg_release(&m->leg);
	free(m);
}

START_TEST(all_is_well)
{
	for (int kind = LEG_INTO; kind <= LEG_BACK; kind++) {
		struct machine *m = machine((enum way_leg_kind)kind);
		ck_assert_int_eq(judged(m), WAY_FINE);
		ck_assert_str_eq(m->leg.out, kind == LEG_INTO ? "s2s-t" : "lan");
		ck_assert_uint_ge(m->leg.n, 5);
		end(m);
	}
}
END_TEST

static const struct refusal {
	int error;
	int forwarding, rp; /* of the LAN */
	unsigned reverse;   /* device of the way back; 0 = none */
	enum way_fault fault;
	const char *words;
} refusals[] = {
	{ EHOSTUNREACH, 0, 0, LAN, WAY_FORWARDING, "net.ipv4.conf.lan.forwarding is 0" },
	{ EHOSTUNREACH, 1, 0, LAN, WAY_NO_ROUTE, "unreachable" },
	{ ENETUNREACH, 1, 1, LAN, WAY_NO_ROUTE, "no route" },
	{ EACCES, 1, 1, LAN, WAY_NO_ROUTE, "prohibit" },
	{ EXDEV, 1, 1, OUT, WAY_REVERSE_PATH, "the way back to 10.1.0.10 is through out" },
	{ EXDEV, 1, 2, 0, WAY_REVERSE_PATH, "no route back" },
	{ EINVAL, 1, 1, OUT, WAY_REVERSE_PATH, "through out" }, /* as new kernels say it */
	{ EINVAL, 1, 1, LAN, WAY_NO_ROUTE, "blackhole" },
	{ EINVAL, 1, 2, OUT, WAY_NO_ROUTE, "blackhole" }, /* loose: the way back may be any */
	{ EINVAL, 1, 0, OUT, WAY_NO_ROUTE, "blackhole" },
};

START_TEST(what_an_errno_means)
{
	const struct refusal *r = &refusals[_i];
	struct machine *m = machine(LEG_INTO);
	m->a.as_it_comes = (struct way_answer){ .error = r->error };
	m->links[0].forwarding = r->forwarding;
	m->links[0].rp_filter = r->rp;
	m->a.reverse = (struct way_answer){ .error = r->reverse == 0 ? ENETUNREACH : 0, .out = r->reverse };
	ck_assert_int_eq(judged(m), r->fault);
	ck_assert_msg(strstr(wrong(m)->text, r->words) != NULL, "expected '%s', saw '%s'", r->words, wrong(m)->text);
	end(m);
}
END_TEST

START_TEST(the_stricter_of_two_settings_counts)
{
	struct machine *m = machine(LEG_INTO);
	m->a.as_it_comes = (struct way_answer){ .error = EXDEV };
	m->a.reverse.out = OUT;
	m->f.rp_all = 1;
	ck_assert_int_eq(judged(m), WAY_REVERSE_PATH);
	ck_assert_ptr_nonnull(strstr(wrong(m)->text, "conf.all.rp_filter is 1"));
	end(m);
}
END_TEST

/* Decrypted packets are not checked, though the kernel's answer says so. */
START_TEST(no_reverse_path_check_behind_decryption)
{
	static const int errors[] = { EXDEV, EINVAL };
	for (unsigned i = 0; i < 2; i++) {
		struct machine *m = machine(LEG_BACK);
		m->f.rp_all = 1;
		m->a.as_it_comes = (struct way_answer){ .error = errors[i] };
		m->a.reverse.out = OUT;
		ck_assert_int_eq(judged(m), WAY_FINE);
		m->a.trusted = m->a.as_it_comes; /* nor without a source that it trusts */
		ck_assert_int_eq(judged(m), WAY_FINE);
		ck_assert_str_eq(m->leg.out, "lan");
		end(m);
	}
}
END_TEST

START_TEST(forwarding_is_that_of_the_interface_it_comes_by)
{
	struct machine *m = machine(LEG_BACK);
	m->links[2].forwarding = 0;
	ck_assert_int_eq(judged(m), WAY_FORWARDING);
	ck_assert_str_eq(wrong(m)->named, "net.ipv4.conf.s2s-t.forwarding");
	m->f.forward4 = 0;
	judged(m);
	ck_assert_str_eq(wrong(m)->named, "net.ipv4.ip_forward");
	end(m);
}
END_TEST

/* IPv6 answers as if it forwarded; conf.all counts, that of an interface does not. */
START_TEST(forwarding_of_IPv6)
{
	struct machine *m = machine(LEG_INTO);
	m->a.q.from = ip("fd00:1::10");
	m->a.q.to = ip("fd00:20::10");
	m->links[0].forwarding = 0;
	ck_assert_int_eq(judged(m), WAY_FINE);
	m->f.forward6 = 0;
	ck_assert_int_eq(judged(m), WAY_FORWARDING);
	ck_assert_str_eq(wrong(m)->named, "net.ipv6.conf.all.forwarding");
	end(m);
}
END_TEST

/* Two tunnels with one route, ECMP: a packet of this one may leave by the other. */
START_TEST(another_tunnel_of_ours_is_not_elsewhere)
{
	static const char *const own[] = { "s2s-other", "s2s-t" };
	struct machine *m = machine(LEG_INTO);
	link_is(m, 3, LAN2, "s2s-other", LINK_TUNNEL);
	m->a.as_it_comes.out = LAN2;
	ck_assert_int_eq(judged(m), WAY_ELSEWHERE);
	m->b.own = own;
	m->b.n_own = 2;
	ck_assert_int_eq(judged(m), WAY_FINE);
	end(m);
}
END_TEST

START_TEST(elsewhere_names_rule_and_route)
{
	struct machine *m = machine(LEG_INTO);
	m->rules[1] = m->rules[0];
	m->rules[0] = (struct way_rule){ .family = AF_INET, .action = FR_ACT_TO_TBL, .table = 77, .pref = 100, .in = "lan" };
	m->f.n_rules = 2;
	m->a.as_it_comes = (struct way_answer){
		.table = 77, .out = OUT, .via = ip("198.51.100.1"), .prefix = net("10.0.0.0/8"), .type = RTN_UNICAST
	};
	ck_assert_int_eq(judged(m), WAY_ELSEWHERE);
	ck_assert_ptr_nonnull(strstr(wrong(m)->text, "route 10.0.0.0/8 of table 77 via 198.51.100.1, through out"));
	ck_assert_int_eq(m->leg.steps[2].part, PART_RULE);
	ck_assert_ptr_nonnull(strstr(m->leg.steps[2].text, "100: from all iif lan lookup 77"));
	end(m);
}
END_TEST

START_TEST(rules_fit_by_all_that_they_say)
{
	struct machine *m = machine(LEG_INTO);
	char text[160];
	const struct way_rule rows[] = {
		{ .family = AF_INET6, .action = FR_ACT_PROHIBIT, .pref = 1 },
		{ .family = AF_INET, .action = FR_ACT_PROHIBIT, .pref = 2, .mark = 5, .mask = UINT32_MAX },
		{ .family = AF_INET, .action = FR_ACT_PROHIBIT, .pref = 3, .from = net("10.1.0.0/24"), .invert = true },
		{ .family = AF_INET,
			.action = FR_ACT_PROHIBIT,
			.pref = 4,
			.from = net("10.1.0.0/24"),
			.to = net("10.20.0.0/16"),
			.in = "lan" },
	};
	memcpy(m->rules, rows, sizeof rows);
	m->f.n_rules = 4;
	const struct way_rule *r = way_rule_refusing(&m->f, &m->a.q);
	ck_assert_ptr_eq(r, &m->rules[3]);
	ck_assert_str_eq(way_rule_words(r, text), "4: from 10.1.0.0/24 to 10.20.0.0/16 iif lan prohibit");
	m->a.q.mark = 5;
	ck_assert_ptr_eq(way_rule_refusing(&m->f, &m->a.q), &m->rules[1]);
	end(m);
}
END_TEST

static const struct hit {
	enum way_leg_kind kind;
	enum way_dir dir;
	uint32_t if_id;
	const char *from, *to;
	bool block;
	unsigned templates;
	uint8_t protocol;
	bool taken;
} hits[] = {
	{ LEG_INTO, WAY_POLICY_OUT, 0, "10.1.0.0/24", "10.20.0.0/24", true, 0, 0, true },
	{ LEG_INTO, WAY_POLICY_OUT, 0, "0.0.0.0/0", "0.0.0.0/0", false, 1, 0, true },
	{ LEG_INTO, WAY_POLICY_FWD, 0, "10.1.0.0/24", "10.20.0.0/24", true, 0, 0, true },
	{ LEG_INTO, WAY_POLICY_OUT, 0x53320001, "10.1.0.0/24", "10.20.0.0/24", true, 0, 0, true },
	{ LEG_INTO, WAY_POLICY_IN, 0, "0.0.0.0/0", "0.0.0.0/0", true, 0, 0, false },        /* not for what is forwarded */
	{ LEG_INTO, WAY_POLICY_OUT, 0, "10.1.0.0/24", "10.21.0.0/24", true, 0, 0, false },  /* another network */
	{ LEG_INTO, WAY_POLICY_OUT, 0, "10.1.0.0/24", "10.20.0.0/24", false, 0, 0, false }, /* lets it pass */
	{ LEG_INTO, WAY_POLICY_OUT, 0, "10.1.0.0/24", "10.20.0.0/24", true, 0, 6, false },  /* TCP alone */
	{ LEG_INTO, WAY_POLICY_OUT, 0, "::/0", "::/0", true, 0, 0, false },
	{ LEG_INTO, WAY_POLICY_OUT, 7, "0.0.0.0/0", "0.0.0.0/0", true, 0, 0, false }, /* of another XFRM interface */
	{ LEG_BACK, WAY_POLICY_FWD, 0, "0.0.0.0/0", "0.0.0.0/0", true, 0, 0, false }, /* decrypted: under our if_id */
	{ LEG_BACK, WAY_POLICY_FWD, 0x53320001, "10.20.0.0/24", "10.1.0.0/24", true, 0, 0, true },
	{ LEG_BACK, WAY_POLICY_OUT, 0, "10.20.0.0/24", "10.1.0.0/24", false, 1, 0, true },
};

START_TEST(policies_of_other_programs)
{
	const struct hit *h = &hits[_i];
	struct machine *m = machine(h->kind);
	m->policies[0] = (struct way_policy){ .dir = h->dir,
		.if_id = h->if_id,
		.from = net(h->from),
		.to = net(h->to),
		.block = h->block,
		.templates = h->templates,
		.protocol = h->protocol,
		.priority = 10 };
	m->f.n_policies = 1;
	ck_assert_int_eq(judged(m), h->taken ? WAY_POLICY : WAY_FINE);
	if (h->taken) { /* one that goes first and lets pass saves it; so does one of the settings */
		m->policies[1] = m->policies[0];
		m->policies[1].block = false;
		m->policies[1].templates = 0;
		m->policies[1].priority = 5;
		m->f.n_policies = 2;
		ck_assert_int_eq(judged(m), WAY_FINE);
		m->policies[1].priority = 11;
		ck_assert_int_eq(judged(m), WAY_POLICY);
	}
	end(m);
}
END_TEST

START_TEST(settings_that_leave_policies_out)
{
	struct machine *m = machine(LEG_INTO);
	m->policies[0] = (struct way_policy){
		.dir = WAY_POLICY_FWD, .from = net("0.0.0.0/0"), .to = net("0.0.0.0/0"), .block = true
	};
	m->f.n_policies = 1;
	ck_assert_int_eq(judged(m), WAY_POLICY);
	m->links[0].disable_policy = 1;
	ck_assert_int_eq(judged(m), WAY_FINE);
	m->f.policies_seen = false;
	ck_assert_int_eq(judged(m), WAY_FINE);
	ck_assert_int_eq(m->leg.steps[m->leg.n - 1].fault, WAY_NOT_SEEN);
	end(m);
}
END_TEST

START_TEST(addresses_of_our_own)
{
	struct machine *m = machine(LEG_INTO);
	m->addresses[2] = (struct way_address){ net("10.20.0.10/32"), LAN2 };
	m->f.n_addresses = 3;
	ck_assert_int_eq(judged(m), WAY_OWN_ADDRESS);
	ck_assert_ptr_nonnull(strstr(wrong(m)->text, "never enter the tunnel"));
	m->addresses[2].prefix = net("10.1.0.10/32");
	ck_assert_int_eq(judged(m), WAY_OWN_ADDRESS);
	ck_assert_ptr_nonnull(strstr(wrong(m)->text, "with that source is dropped"));
	m->links[0].accept_local = 1;
	ck_assert_int_eq(judged(m), WAY_FINE);
	end(m);
}
END_TEST

START_TEST(who_is_next)
{
	struct machine *m = machine(LEG_BACK);
	m->neighbours[0] = (struct way_neighbour){ ip("10.1.0.10"), LAN, true, false };
	m->f.n_neighbours = 1;
	ck_assert_int_eq(judged(m), WAY_NEIGHBOUR);
	ck_assert_ptr_nonnull(strstr(wrong(m)->text, "the host 10.1.0.10 does not answer ARP on lan"));
	m->a.trusted.via = ip("10.1.0.2");
	ck_assert_int_eq(judged(m), WAY_FINE);
	m->neighbours[0].addr = ip("10.1.0.2");
	ck_assert_int_eq(judged(m), WAY_NEIGHBOUR);
	ck_assert_str_eq(wrong(m)->named, "10.1.0.2");
	m->neighbours[0].link = OUT; /* of another network */
	ck_assert_int_eq(judged(m), WAY_FINE);
	m->links[0].running = false;
	ck_assert_int_eq(judged(m), WAY_NEIGHBOUR);
	end(m);
}
END_TEST

static void drops(void *arg, struct way_leg *leg)
{
	ck_assert_str_eq(leg->in, "lan");
	ck_assert_str_eq(leg->out, "s2s-t");
	way_add(leg, PART_FILTER, WAY_DROPPED, "h", "%s", (const char *)arg);
}

START_TEST(filters_are_asked_where_the_packet_passes_them)
{
	struct machine *m = machine(LEG_INTO);
	m->b.filter = drops;
	m->b.arg = (char[]){ "a rule" };
	ck_assert_int_eq(judged(m), WAY_DROPPED);
	m->a.as_it_comes.error = ENETUNREACH; /* it does not come so far */
	ck_assert_int_eq(judged(m), WAY_NO_ROUTE);
	end(m);
}
END_TEST

START_TEST(what_mends_two_uplinks)
{
	struct way_uplink u = {
		.wrong = true, .local = ip("192.0.2.77"), .router = ip("192.0.2.1"), .has = "out2", .takes = "out", .table = 103
	};
	char text[WAY_COMMANDS];
	ck_assert_ptr_nonnull(strstr(way_uplink_commands(&u, text),
		"`ip route add default via 192.0.2.1 dev out2 table 103` and `ip rule add from 192.0.2.77 lookup 103`"));
	u.table_there = true;
	ck_assert_int_eq(strncmp(way_uplink_commands(&u, text), "`ip rule add from", 17), 0);
	u.manager = MANAGER_NETWORKD;
	snprintf(u.file, sizeof u.file, "/etc/systemd/network/out2.network");
	ck_assert_ptr_nonnull(strstr(way_uplink_commands(&u, text),
		"in /etc/systemd/network/out2.network: [RoutingPolicyRule] From=192.0.2.77 Table=103"));
	u.manager = MANAGER_NETWORKMANAGER;
	ck_assert_ptr_nonnull(strstr(way_uplink_commands(&u, text), "nmcli connection modify"));
	u.manager = MANAGER_IFUPDOWN;
	ck_assert_ptr_nonnull(strstr(way_uplink_commands(&u, text), "/etc/network/interfaces"));
	u.local = ip("2001:db8::7");
	u.router.family = 0;
	u.table_there = false;
	ck_assert_ptr_nonnull(strstr(way_uplink_commands(&u, text), "`ip -6 route add default via ROUTER-OF-out2 dev out2"));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("judged");
	tcase_add_test(c, all_is_well);
	tcase_add_loop_test(c, what_an_errno_means, 0, sizeof refusals / sizeof *refusals);
	tcase_add_test(c, the_stricter_of_two_settings_counts);
	tcase_add_test(c, no_reverse_path_check_behind_decryption);
	tcase_add_test(c, forwarding_is_that_of_the_interface_it_comes_by);
	tcase_add_test(c, forwarding_of_IPv6);
	tcase_add_test(c, another_tunnel_of_ours_is_not_elsewhere);
	tcase_add_test(c, elsewhere_names_rule_and_route);
	tcase_add_test(c, rules_fit_by_all_that_they_say);
	tcase_add_loop_test(c, policies_of_other_programs, 0, sizeof hits / sizeof *hits);
	tcase_add_test(c, settings_that_leave_policies_out);
	tcase_add_test(c, addresses_of_our_own);
	tcase_add_test(c, who_is_next);
	tcase_add_test(c, filters_are_asked_where_the_packet_passes_them);
	tcase_add_test(c, what_mends_two_uplinks);
	return unit_run_case("way", c);
}
