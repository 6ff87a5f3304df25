/* test_addr.c - addresses and prefixes: what is accepted, what is refused, and that text comes back as it went in. */
#include "base/addr.h"
#include "base/util.h"

#include <netinet/in.h>
#include <string.h>

#include "unit.h"

static struct addr A(const char *text) {
	struct addr a;
	ck_assert_msg(addr_parse(&a, text), "%s", text);
	return a;
}

static struct prefix
P(const char *text) {
	struct prefix p;
	ck_assert_msg(prefix_parse(&p, text), "%s", text);
	return p;
}

START_TEST(address_and_port_are_read_back)
{
	static const char *const bad[] = { "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:1x", "192.0.2.1:-1",
		"[192.0.2.1]:1", "2001:db8::1:500", "[2001:db8::1]", "[]:1", ":1", "" };
	char text[ADDR_TEXT];
	struct addr a;
	ck_assert(addr_port_parse(&a, "192.0.2.1:500"));
	ck_assert_str_eq(addr_port_format(&a, text), "192.0.2.1:500");
	ck_assert(addr_port_parse(&a, "[2001:db8::1]:65535"));
	ck_assert_str_eq(addr_port_format(&a, text), "[2001:db8::1]:65535");
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!addr_port_parse(&a, bad[i]), "%s", bad[i]);
	ck_assert(!addr_port_parse(&a, NULL));
}
END_TEST

START_TEST(parses_and_formats)
{
	static const char *const good[] = { "0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
		"fe80::1:2:3:4" };
	char text[ADDR_TEXT];
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct addr a = A(good[i]);
		ck_assert_str_eq(addr_format(&a, text), good[i]);
		ck_assert_uint_eq(a.port, 0);
	}
	static const char *const bad[] = { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:500",
		"01.2.3.4", ":::", "fe80::1%eth0", "2001:db8::1::2", "gw.example.com", "0x7f.1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct addr a = A("192.0.2.9");
		ck_assert_msg(!addr_parse(&a, bad[i]), "%s", bad[i]);
		ck_assert_str_eq(addr_format(&a, text), "192.0.2.9"); /* untouched */
	}
}
END_TEST

START_TEST(formats_ports_and_nothing)
{
	char text[ADDR_TEXT];
	struct addr a = A("192.0.2.1");
	a.port = 500;
	ck_assert_str_eq(addr_port_format(&a, text), "192.0.2.1:500");
	a = A("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	a.port = 65535;
	ck_assert_str_eq(addr_port_format(&a, text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	a = (struct addr){ 0 };
	ck_assert_str_eq(addr_format(&a, text), "-");
	ck_assert_str_eq(addr_port_format(&a, text), "-");
	struct prefix p = { 0 };
	ck_assert_str_eq(prefix_format(&p, text), "-");
}
END_TEST

START_TEST(bytes_in_and_out)
{
	struct addr a;
	ck_assert(addr_from_bytes(&a, bytes_of("\xc0\x00\x02\x01", 4)));
	struct addr b = A("192.0.2.1");
	ck_assert(addr_equal(&a, &b));
	ck_assert(bytes_equal(addr_bytes(&a), bytes_of("\xc0\x00\x02\x01", 4)));
	uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	ck_assert(addr_from_bytes(&a, bytes_of(six, 16)));
	ck_assert_uint_eq(addr_bytes(&a).n, 16);
	for (size_t n = 0; n < 16; n++)
		ck_assert(addr_from_bytes(&a, bytes_of(six, n)) == (n == 4));
	a = (struct addr){ 0 };
	ck_assert_uint_eq(addr_bytes(&a).n, 0);
}
END_TEST

START_TEST(compares)
{
	struct addr a = A("192.0.2.1"), b = A("192.0.2.1"), c = A("192.0.2.2"), six = A("::"), none = { 0 }, any = A("0.0.0.0");
	b.port = 4500;
	ck_assert(addr_same_ip(&a, &b));
	ck_assert(!addr_equal(&a, &b));
	ck_assert_int_lt(addr_compare_ip(&a, &c), 0);
	ck_assert_int_gt(addr_compare_ip(&c, &a), 0);
	ck_assert(!addr_same_ip(&any, &six)); /* zero of another family is another address */
	ck_assert(addr_is_any(&six) && addr_is_any(&any) && addr_is_any(&none) && !addr_is_any(&a));
}
END_TEST

START_TEST(sockaddr_both_ways)
{
	static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };
	struct sockaddr_storage ss;
	struct addr none = { 0 }, back;
	for (size_t i = 0; i < 2; i++) {
		struct addr a = A(texts[i]);
		a.port = 4500;
		socklen_t len = addr_to_sockaddr(&a, &ss);
		ck_assert_uint_eq(len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		ck_assert(addr_from_sockaddr(&back, (struct sockaddr *)&ss, len));
		ck_assert(addr_equal(&a, &back));
		for (socklen_t n = 0; n < (socklen_t)sizeof(struct sockaddr_in); n++)
			ck_assert(!addr_from_sockaddr(&back, (struct sockaddr *)&ss, n));
	}
	ck_assert_uint_eq(addr_to_sockaddr(&none, &ss), 0);
	ss.ss_family = AF_UNIX;
	ck_assert(!addr_from_sockaddr(&back, (struct sockaddr *)&ss, sizeof ss));
}
END_TEST

START_TEST(prefix_text)
{
	char text[ADDR_TEXT];
	struct prefix p = P("10.20.0.0/16");
	ck_assert_str_eq(prefix_format(&p, text), "10.20.0.0/16");
	p = P("10.1.2.3");
	ck_assert_str_eq(prefix_format(&p, text), "10.1.2.3/32");
	p = P("2001:db8::/32");
	ck_assert_str_eq(prefix_format(&p, text), "2001:db8::/32");
	p = P("::1");
	ck_assert_uint_eq(p.len, 128);
	p = P("0.0.0.0/0");
	ck_assert_uint_eq(p.len, 0);
	static const char *const bad[] = { "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ",
		"10.0.0.0/256", "10.0.0.0/4294967304", "10.0.0.0/8/8", "/8", "::/129", "10.0.0.0/255.0.0.0", "" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!prefix_parse(&p, bad[i]), "%s", bad[i]);
	char longer[300];
	memset(longer, '1', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	ck_assert(!prefix_parse(&p, longer));
}
END_TEST

START_TEST(prefix_mask_clears_host_bits)
{
	char text[ADDR_TEXT];
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "10.20.30.40/16", "10.20.0.0/16" },
		{ "169.254.21.2/30", "169.254.21.0/30" },
		{ "255.255.255.255/0", "0.0.0.0/0" },
		{ "255.255.255.255/1", "128.0.0.0/1" },
		{ "1.2.3.4/32", "1.2.3.4/32" },
		{ "2001:db8:ffff::1/33", "2001:db8:8000::/33" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct prefix p = P(rows[i].in), m = prefix_mask(&p);
		ck_assert_str_eq(prefix_format(&m, text), rows[i].out);
		ck_assert(prefix_has_host_bits(&p) == (strcmp(rows[i].in, rows[i].out) != 0));
		ck_assert(!prefix_has_host_bits(&m));
		ck_assert(prefix_equal(&p, &m));
	}
}
END_TEST

START_TEST(prefix_relations)
{
	struct prefix p16 = P("10.20.0.0/16"), p24 = P("10.20.30.0/24"), other = P("10.21.0.0/16"), all = P("0.0.0.0/0"),
		      six = P("::/0");
	struct addr in = A("10.20.255.255"), outside = A("10.21.0.0"), in6 = A("2001:db8::1");
	ck_assert(prefix_contains(&p16, &in) && !prefix_contains(&p16, &outside));
	ck_assert(prefix_contains(&all, &in) && !prefix_contains(&all, &in6) && prefix_contains(&six, &in6));
	ck_assert(prefix_overlaps(&p16, &p24) && prefix_overlaps(&p24, &p16) && !prefix_overlaps(&p16, &other));
	ck_assert(prefix_overlaps(&all, &other) && !prefix_overlaps(&all, &six));
	ck_assert(!prefix_equal(&p16, &p24) && !prefix_equal(&p16, &other) && !prefix_equal(&all, &six));
	struct prefix none = { 0 };
	struct addr no_addr = { 0 };
	ck_assert(!prefix_contains(&none, &no_addr));
}
END_TEST

START_TEST(private_addresses)
{
	static const char *const inside[] = { "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1",
		"100.64.0.0", "100.127.255.255", "fc00::1", "fdff::1" };
	static const char *const outside[] = { "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.169.0.0",
		"100.63.255.255", "100.128.0.0", "169.254.1.1", "fe80::1", "2001:db8::1", "::" };
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		struct addr a = A(inside[i]);
		ck_assert_msg(addr_is_private(&a), "%s", inside[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		struct addr a = A(outside[i]);
		ck_assert_msg(!addr_is_private(&a), "%s", outside[i]);
	}
	struct addr none = { 0 };
	ck_assert(!addr_is_private(&none));
}
END_TEST

UNIT_MAIN("addr", parses_and_formats, formats_ports_and_nothing, bytes_in_and_out, compares, sockaddr_both_ways, prefix_text,
	prefix_mask_clears_host_bits, prefix_relations, private_addresses, address_and_port_are_read_back)
