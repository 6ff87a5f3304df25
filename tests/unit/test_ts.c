/*
 * test_ts.c - traffic selectors as sets: containment, intersection, narrowing in the order of the peer (RFC 7296 2.9).
 */
#include <stdlib.h>

#include "unit.h"
#include "wire/ts.h"

/* "10.0.0.0/8", or two addresses; protocol and ports follow. */
static struct ts net(const char *prefix)
{
	struct prefix p;
	ck_assert_msg(prefix_parse(&p, prefix), "%s", prefix);
	return ts_from_prefix(&p);
}

static struct ts range(const char *lo, const char *hi)
{
	struct ts t = { .port_hi = 65535 };
	ck_assert(addr_parse(&t.lo, lo) && addr_parse(&t.hi, hi));
	return t;
}

static struct ts ports(struct ts t, uint8_t protocol, uint16_t lo, uint16_t hi)
{
	t.protocol = protocol;
	t.port_lo = lo;
	t.port_hi = hi;
	return t;
}

static void same_text(const struct ts *t, const char *expected)
{
	char text[TS_TEXT];
	ck_assert_str_eq(ts_format(t, text), expected);
}

START_TEST(prefixes_there_and_back)
{
	static const char *const list[] = { "0.0.0.0/0", "10.0.0.0/8", "10.1.2.0/23", "192.0.2.1/32", "::/0", "2001:db8::/33",
		"2001:db8::1/128", "128.0.0.0/1" };
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct ts t = net(list[i]);
		struct prefix p;
		ck_assert(ts_to_prefix(&t, &p));
		same_text(&t, list[i]);
	}
}
END_TEST

START_TEST(host_bits_are_cleared)
{
	struct ts t = net("10.1.2.3/8");
	same_text(&t, "10.0.0.0/8");
}
END_TEST

START_TEST(ranges_that_are_no_prefix)
{
	struct ts list[] = { range("10.0.0.1", "10.0.0.9"), range("10.0.0.0", "10.0.0.6"), range("10.0.0.1", "10.0.0.7"),
		range("10.0.0.0", "10.1.0.254"), range("2001:db8::", "2001:db8::2") };
	struct prefix p;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		ck_assert_msg(!ts_to_prefix(&list[i], &p), "row %zu", i);
	struct ts mixed = net("10.0.0.0/8");
	mixed.hi = net("::/0").hi;
	ck_assert(!ts_to_prefix(&mixed, &p));
	struct ts none = { 0 };
	ck_assert(!ts_to_prefix(&none, &p));
}
END_TEST

START_TEST(text)
{
	struct ts t = range("10.0.0.1", "10.0.0.9");
	same_text(&t, "10.0.0.1-10.0.0.9");
	t = ports(net("10.0.0.0/8"), 17, 53, 53);
	same_text(&t, "10.0.0.0/8[17/53]");
	t = ports(net("10.0.0.0/8"), 6, 1000, 2000);
	same_text(&t, "10.0.0.0/8[6/1000-2000]");
	t = ports(net("10.0.0.0/8"), 47, 0, 65535);
	same_text(&t, "10.0.0.0/8[47]");
	t = ports(net("10.0.0.0/8"), 0, 80, 80);
	same_text(&t, "10.0.0.0/8[0/80]");
	t = ports(net("::/0"), 17, 65535, 0);
	same_text(&t, "::/0[17/opaque]");
}
END_TEST

START_TEST(containment)
{
	struct ts any = net("0.0.0.0/0"), ten = net("10.0.0.0/8"), part = net("10.1.0.0/16"), six = net("::/0");
	struct ts udp = ports(ten, 17, 0, 65535), dns = ports(part, 17, 53, 53), tcp = ports(part, 6, 53, 53);
	ck_assert(ts_contains(&any, &ten));
	ck_assert(ts_contains(&ten, &ten));
	ck_assert(ts_contains(&ten, &part));
	ck_assert(!ts_contains(&part, &ten));
	ck_assert(!ts_contains(&six, &ten));
	ck_assert(!ts_contains(&any, &six));
	ck_assert(ts_contains(&udp, &dns));
	ck_assert(!ts_contains(&udp, &tcp));
	ck_assert(!ts_contains(&udp, &part));
	ck_assert(ts_contains(&part, &dns));
	struct ts straddles = range("10.255.0.0", "11.0.0.1");
	ck_assert(!ts_contains(&ten, &straddles));
}
END_TEST

START_TEST(intersection)
{
	struct ts a = range("10.0.0.5", "10.0.0.20"), b = range("10.0.0.10", "10.0.0.30"), out;
	ck_assert(ts_intersect(&a, &b, &out));
	same_text(&out, "10.0.0.10-10.0.0.20");
	b = ports(b, 17, 100, 200);
	ck_assert(ts_intersect(&a, &b, &out));
	same_text(&out, "10.0.0.10-10.0.0.20[17/100-200]");
	a = ports(a, 17, 150, 300);
	ck_assert(ts_intersect(&a, &b, &out));
	same_text(&out, "10.0.0.10-10.0.0.20[17/150-200]");
	a = ports(a, 17, 201, 300);
	ck_assert(!ts_intersect(&a, &b, &out));
	a = ports(a, 6, 0, 65535);
	ck_assert(!ts_intersect(&a, &b, &out));
	struct ts one = net("10.0.0.0/24"), other = net("10.0.1.0/24"), six = net("::/0");
	ck_assert(!ts_intersect(&one, &other, &out));
	ck_assert(!ts_intersect(&one, &six, &out));
}
END_TEST

/* RFC 7296 3.13.1: OPAQUE is 65535..0. It lies in "any", and with real ports it has nothing in common. */
START_TEST(opaque_ports)
{
	struct ts any = ports(net("10.0.0.0/8"), 17, 0, 65535), opaque = ports(any, 17, 65535, 0),
		  some = ports(any, 17, 1, 65535), out;
	ck_assert(ts_contains(&any, &opaque));
	ck_assert(ts_contains(&opaque, &opaque));
	ck_assert(!ts_contains(&opaque, &any));
	ck_assert(!ts_contains(&opaque, &some));
	ck_assert(!ts_contains(&some, &opaque));
	ck_assert(ts_intersect(&any, &opaque, &out) && ts_equal(&out, &opaque));
	ck_assert(ts_intersect(&opaque, &any, &out) && ts_equal(&out, &opaque));
	ck_assert(!ts_intersect(&some, &opaque, &out));
}
END_TEST

static void same_list(const struct ts_list *list, const char *const *expected, size_t n)
{
	ck_assert_uint_eq(list->n, n);
	for (size_t i = 0; i < n; i++)
		same_text(&list->v[i], expected[i]);
}

START_TEST(narrow_keeps_their_order)
{
	struct ts_list ours = { 2, 0, { net("10.0.0.0/8"), net("192.168.0.0/16") } }, out;
	struct ts_list theirs = { 4, 0,
		{ net("192.168.7.0/24"), net("172.16.0.0/12"), net("10.3.0.0/16"), net("192.168.7.0/24") } };
	static const char *const expected[] = { "192.168.7.0/24", "10.3.0.0/16" };
	ck_assert(ts_narrow(&ours, theirs.v, theirs.n, &out));
	same_list(&out, expected, 2);
}
END_TEST

/* RFC 7296 2.9: the first selector may be the packet that asked for the SA; the wider one that follows contains it. */
START_TEST(narrow_packet_first)
{
	struct ts packet = ports(net("10.1.1.1/32"), 17, 4000, 4000);
	struct ts_list ours = { 1, 0, { net("0.0.0.0/0") } }, theirs = { 2, 0, { packet, net("10.1.0.0/16") } }, out;
	static const char *const expected[] = { "10.1.0.0/16" };
	ck_assert(ts_narrow(&ours, theirs.v, theirs.n, &out));
	same_list(&out, expected, 1);
	theirs.n = 1;
	ck_assert(ts_narrow(&ours, theirs.v, theirs.n, &out));
	ck_assert(out.n == 1 && ts_equal(&out.v[0], &packet));
}
END_TEST

START_TEST(narrow_one_of_theirs_over_many_of_ours)
{
	struct ts_list ours = { 3, 0, { net("10.0.0.0/8"), net("172.16.0.0/12"), net("::/0") } },
		       theirs = { 1, 0, { net("0.0.0.0/0") } }, out;
	static const char *const expected[] = { "10.0.0.0/8", "172.16.0.0/12" };
	ck_assert(ts_narrow(&ours, theirs.v, theirs.n, &out));
	same_list(&out, expected, 2);
}
END_TEST

START_TEST(narrow_to_nothing)
{
	struct ts_list ours = { 1, 0, { net("10.0.0.0/8") } }, theirs = { 1, 0, { net("192.168.0.0/16") } }, none = { 0 }, out;
	ck_assert(!ts_narrow(&ours, theirs.v, theirs.n, &out));
	ck_assert(!ts_narrow(&ours, none.v, none.n, &out));
	ck_assert(!ts_narrow(&none, theirs.v, theirs.n, &out));
}
END_TEST

/* 255 selectors of a peer: they fit when they melt into few, and are refused when they do not. */
START_TEST(narrow_many)
{
	static struct ts theirs[255];
	struct ts_list ours = { 1, 0, { net("10.0.0.0/8") } }, out;
	struct ts_list halves = { 2, 0, { net("10.0.0.0/32"), net("10.0.0.1/32") } };
	for (size_t i = 0; i < 255; i++) {
		theirs[i] = net("10.0.0.1/32");
		theirs[i].lo.ip[2] = theirs[i].hi.ip[2] = (uint8_t)i;
	}
	ck_assert(ts_narrow(&ours, theirs, 255, &out));
	ck_assert_uint_eq(out.n, 255);
	for (size_t i = 0; i < 255; i++) {
		theirs[i] = ts_from_prefix(&(struct prefix){ .addr = theirs[0].lo, .len = 32 });
		theirs[i].protocol = (uint8_t)(i + 1);
		theirs[i].lo.ip[3] = 0;
	}
	ck_assert(!ts_narrow(&halves, theirs, 255, &out)); /* 510 */
	ck_assert_uint_gt(out.n, 0);
	theirs[0] = net("10.0.0.0/16");
	ck_assert(ts_narrow(&ours, theirs, 255, &out));
	ck_assert_uint_eq(out.n, 1);
}
END_TEST

static struct ts_list many(unsigned n, const char *first)
{
	struct ts_list l = { .n = (uint8_t)n };
	for (unsigned i = 0; i < n; i++) {
		l.v[i] = net(first);
		l.v[i].lo.ip[2] = l.v[i].hi.ip[2] = (uint8_t)i;
	}
	return l;
}

START_TEST(policies_of_many)
{
	struct ts_list a = many(16, "10.1.0.0/32"), b = many(17, "10.2.0.0/32"), six = { 1, 0, { net("::/0") } };
	struct ts_list one = { 1, 0, { net("0.0.0.0/0") } }, range = { 1, 0, { net("10.0.0.1/32") } };
	ck_assert(!ts_policies_fit(&a, &b));
	b.n = 16;
	ck_assert(ts_policies_fit(&a, &b));
	ck_assert(ts_policies_fit(&a, &six)); /* two families make no pair */
	a.v[15].protocol = 6, b.v[0].protocol = 17;
	b.n = 17;
	ck_assert(!ts_policies_fit(&a, &b));
	b = many(255, "10.2.0.0/32");
	ck_assert(ts_policies_fit(&one, &b));
	range.v[0].hi.ip[1] = 255; /* 10.0.0.1-10.255.0.1: many prefixes */
	ck_assert(ts_policies_fit(&one, &range));
	range.v[0].port_lo = 1, range.v[0].port_hi = 65534, range.v[0].protocol = 6;
	ck_assert(!ts_policies_fit(&one, &range));
}
END_TEST

START_TEST(lists_as_sets)
{
	struct ts_list a = { 2, 0, { net("10.0.0.0/8"), net("::/0") } }, b = { 2, 0, { net("::/0"), net("10.0.0.0/8") } };
	struct ts_list c = { 1, 0, { net("10.1.0.0/16") } };
	ck_assert(ts_list_equal(&a, &b));
	ck_assert(!ts_list_equal(&a, &c));
	ck_assert(!ts_list_equal(&c, &a));
	ck_assert(ts_list_contains(&a, &c));
	ck_assert(!ts_list_contains(&c, &a));
	b.n = 1;
	ck_assert(!ts_list_equal(&a, &b));
	ck_assert(!ts_list_equal(&b, &a));
}
END_TEST

/* What one holder adds is not in the list of the others, who may go first. */
START_TEST(lists_that_several_hold)
{
	struct ts_list two = { 2, 0, { net("10.0.0.0/8"), net("::/0") } };
	struct ts more = net("192.168.0.0/16");
	struct ts_list *one = ts_list_keep(&two), *same = ts_list_share(one), *third = ts_list_share(one);
	ck_assert_ptr_eq(one, same);
	ck_assert(ts_list_same(one, &two));
	ts_list_add(&same, &more);
	ck_assert(ts_list_same(one, &two) && same->n == 3 && !ts_list_same(one, same) && !ts_list_same(one, NULL));
	ts_list_drop(one);
	ck_assert(ts_list_same(third, &two));
	ts_list_add(&third, &more); /* nobody else has it any more */
	ck_assert(ts_list_same(third, same));
	ts_list_copy(&two, third);
	ck_assert(two.n == 3 && two.shares == 0);
	ts_list_drop(third);
	for (unsigned i = 0; i < 2 * UINT16_MAX; i++)
		ts_list_drop(ts_list_share(same));
	for (unsigned i = 0; i < UINT16_MAX; i++)
		ck_assert_ptr_eq(ts_list_share(same), same);
	third = ts_list_share(same);
	ck_assert(third != same && ts_list_same(third, same));
	ts_list_drop(third);
	for (unsigned i = 0; i <= UINT16_MAX; i++)
		ts_list_drop(same);
	ts_list_drop(NULL);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_test(t, prefixes_there_and_back);
	tcase_add_test(t, host_bits_are_cleared);
	tcase_add_test(t, ranges_that_are_no_prefix);
	tcase_add_test(t, text);
	tcase_add_test(t, containment);
	tcase_add_test(t, intersection);
	tcase_add_test(t, opaque_ports);
	tcase_add_test(t, narrow_keeps_their_order);
	tcase_add_test(t, narrow_packet_first);
	tcase_add_test(t, narrow_one_of_theirs_over_many_of_ours);
	tcase_add_test(t, narrow_to_nothing);
	tcase_add_test(t, narrow_many);
	tcase_add_test(t, policies_of_many);
	tcase_add_test(t, lists_as_sets);
	tcase_add_test(t, lists_that_several_hold);
	return unit_run_case("ts", t);
}
