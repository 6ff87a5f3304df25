/*
 * test_trace.c - traced messages as text and as packets: what a hostile peer says stays harmless, what a file reader expects is there.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/trace/trace.h"
#include "unit.h"
#include "wire/message.h"

static char *text;
static size_t text_len;

static json_t *line_with(const uint8_t *p, size_t n, const char *local, const char *remote)
{
	char *hex = xcalloc(2 * n + 1, 1);
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", p[i]);
	json_t *o = json_pack("{sIssssssss}", "at_us", (json_int_t)1795255200123456, "direction", "out", "local", local, "remote",
		remote, "message", hex);
	free(hex);
	return o;
}

/* IKE_AUTH with an identity, a vendor id and a notify that want to talk to the terminal. */
static size_t hostile(uint8_t *mem, size_t size)
{
	static const char id[] = "evil\033]0;title\007\n\xe2\x80\xaename", vendor[] = "\033[2Jvendor\x9b",
			  data[] = "\r\nFAKE LINE";
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_AUTH, .flags = IKE_FLAG_INITIATOR, .message_id = 1 };
	struct payload v[] = { { .type = PAYLOAD_IDi, .id = { ID_FQDN, { (const uint8_t *)id, sizeof id - 1 } } },
		{ .type = PAYLOAD_VENDOR, .vendor = { { (const uint8_t *)vendor, sizeof vendor - 1 } } },
		payload_notify(40000, bytes_of(data, sizeof data - 1)) };
	struct writer w;
	message_begin(&w, mem, size, &h);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		message_add(&w, &v[i]);
	return message_end(&w).n;
}

static const char *told(const struct traced *t)
{
	free(text);
	FILE *f = open_memstream(&text, &text_len);
	trace_text(t, f);
	fclose(f);
	return text;
}

static void is_harmless(const char *p)
{
	for (; *p != 0; p++)
		ck_assert_msg(*p == '\n' || ((unsigned char)*p >= ' ' && *p != 0x7f), "byte %02x in %s", (unsigned char)*p, text);
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
	ck_assert_ptr_null(strstr(text, "\nFAKE"));
}

START_TEST(text_of_a_hostile_message)
{
	uint8_t mem[1024] = { 0 };
	struct traced t;
	json_t *o = line_with(mem, hostile(mem, sizeof mem), "198.51.100.7:500", "[2001:db8::1]:4500");
	ck_assert(!traced_parse(o, &t)); /* two families */
	json_object_set_new(o, "remote", json_string("203.0.113.10:500"));
	traced_release(&t);
	ck_assert(traced_parse(o, &t));
	told(&t);
	is_harmless(text);
	ck_assert_ptr_eq(
		strstr(text, "10:00:00.123 --> 203.0.113.10:500  IKE_AUTH request 1\n    from 198.51.100.7:500, IKE SA "), text);
	ck_assert_ptr_nonnull(strstr(text, "evil\\x1b]0;title\\x07"));
	traced_release(&t);
	json_decref(o);
}
END_TEST

START_TEST(text_of_broken_messages)
{
	uint8_t mem[1024] = { 0 };
	size_t n = hostile(mem, sizeof mem);
	for (size_t cut = 1; cut <= n; cut++) {
		struct traced t;
		json_t *o = line_with(mem, cut, "198.51.100.7:500", "203.0.113.10:500");
		ck_assert(traced_parse(o, &t));
		is_harmless(told(&t));
		traced_release(&t);
		json_decref(o);
	}
	for (size_t i = 0; i < n * 8; i++) {
		struct traced t;
		mem[i / 8] ^= (uint8_t)(1 << i % 8);
		json_t *o = line_with(mem, n, "198.51.100.7:500", "203.0.113.10:500");
		ck_assert(traced_parse(o, &t));
		is_harmless(told(&t));
		traced_release(&t);
		json_decref(o);
		mem[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}
END_TEST

static const char *const bad[] = { "{}", "3", "null", "{\"direction\":\"in\",\"local\":\"1.2.3.4:5\",\"remote\":\"1.2.3.4:5\"}",
	"{\"direction\":\"in\",\"local\":\"1.2.3.4:5\",\"remote\":\"1.2.3.4:5\",\"message\":\"0\"}",
	"{\"direction\":\"in\",\"local\":\"1.2.3.4:5\",\"remote\":\"1.2.3.4:5\",\"message\":\"0g\"}",
	"{\"direction\":\"in\",\"local\":\"1.2.3.4:5\",\"remote\":\"1.2.3.4:99999\",\"message\":\"00\"}",
	"{\"direction\":\"in\",\"local\":\"1.2.3.4\",\"remote\":\":5\",\"message\":\"00\"}",
	"{\"direction\":\"in\",\"local\":\"x:5\",\"remote\":\"1.2.3.4:\",\"message\":\"00\"}" };
START_TEST(odd_lines_are_refused)
{
	struct traced t;
	json_t *o = json_loads(bad[_i], JSON_DECODE_ANY, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert(!traced_parse(o, &t));
	traced_release(&t);
	json_decref(o);
}
END_TEST

START_TEST(notes)
{
	struct traced t;
	json_t *o = json_loads(
		"{\"direction\":\"out\",\"local\":\"1.2.3.4:5\",\"remote\":\"[::1]:500\",\"note\":\"again\\u001b[2J\"}", 0, NULL);
	json_object_set_new(o, "local", json_string("[::2]:500"));
	ck_assert(traced_parse(o, &t));
	is_harmless(told(&t));
	ck_assert_ptr_nonnull(strstr(text, "--> [::1]:500  again\\x1b[2J\n"));
	json_decref(o);
}
END_TEST

/* ---------------------------------------------------------------- pcapng */
static uint32_t le(const char *p)
{
	return (uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2] << 16 | (uint32_t)(uint8_t)p[3] << 24;
}

static uint16_t checksum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static const struct {
	const char *local, *remote;
	size_t ip;
	bool marked;
} ways[] = { { "198.51.100.7:500", "203.0.113.10:500", 20, false }, { "198.51.100.7:4500", "203.0.113.10:31234", 20, true },
	{ "[2001:db8::7]:500", "[2001:db8::10]:500", 40, false }, { "[2001:db8::7]:4500", "[2001:db8::10]:4500", 40, true } };

START_TEST(packets)
{
	uint8_t mem[1024] = { 0 };
	size_t n = hostile(mem, sizeof mem), at = 0, head = ways[_i].ip + 8 + (ways[_i].marked ? 4 : 0);
	struct traced t;
	json_t *o = line_with(mem, n, ways[_i].local, ways[_i].remote);
	ck_assert(traced_parse(o, &t));
	FILE *f = open_memstream(&text, &text_len);
	pcapng_begin(f, "opened");
	pcapng_packet(f, &t, "a comment");
	pcapng_packet(f, &t, NULL);
	fclose(f);
	static const uint32_t types[] = { 0x0a0d0d0a, 1, 6, 6 };
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_le(at + 12, text_len);
		uint32_t size = le(text + at + 4);
		ck_assert_uint_eq(le(text + at), types[i]);
		ck_assert_uint_eq(size % 4, 0);
		ck_assert_uint_le(at + size, text_len);
		ck_assert_uint_eq(le(text + at + size - 4), size);
		if (types[i] == 6) {
			const uint8_t *packet = (const uint8_t *)text + at + 28, *udp = packet + ways[_i].ip;
			uint64_t when = (uint64_t)le(text + at + 12) << 32 | le(text + at + 16);
			ck_assert_uint_eq(when, 1795255200123456);
			ck_assert_uint_eq(le(text + at + 20), head + n);
			ck_assert_uint_eq(le(text + at + 24), head + n);
			ck_assert_mem_eq(packet + head, mem, n);
			ck_assert_uint_eq((size_t)(udp[4] << 8 | udp[5]), head + n - ways[_i].ip);
			if (ways[_i].ip == 20)
				ck_assert_uint_eq(checksum(packet, 20, 0), 0xffff);
			/* The sum over pseudo header, UDP header and body (RFC 768) */
			size_t addresses = ways[_i].ip == 20 ? 8 : 32;
			uint32_t s = 17 + (uint32_t)(head + n - ways[_i].ip) +
				     checksum(packet + ways[_i].ip - addresses, addresses, 0);
			ck_assert_uint_eq(checksum(udp, head + n - ways[_i].ip, s), 0xffff);
		}
		at += size;
	}
	ck_assert_uint_eq(at, text_len);
	ck_assert_ptr_nonnull(memmem(text, text_len, "a comment", 9));
	traced_release(&t);
	json_decref(o);
}
END_TEST

START_TEST(the_longest_message)
{
	static uint8_t mem[IKE_MESSAGE_MAX];
	struct traced t;
	json_t *o = line_with(mem, sizeof mem, "198.51.100.7:4500", "203.0.113.10:4500");
	ck_assert(traced_parse(o, &t));
	FILE *f = open_memstream(&text, &text_len);
	pcapng_packet(f, &t, NULL);
	fclose(f);
	ck_assert_uint_gt(text_len, 60000);
	is_harmless(told(&t));
	traced_release(&t);
	json_decref(o);
}
END_TEST

static void teardown(void)
{
	free(text);
	text = NULL;
}

int main(void)
{
	TCase *c = tcase_create("trace");
	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, text_of_a_hostile_message);
	tcase_add_test(c, text_of_broken_messages);
	tcase_add_loop_test(c, odd_lines_are_refused, 0, (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(c, notes);
	tcase_add_loop_test(c, packets, 0, (int)(sizeof ways / sizeof ways[0]));
	tcase_add_test(c, the_longest_message);
	return unit_run_case("trace", c);
}
