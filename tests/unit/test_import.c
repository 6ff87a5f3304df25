/* test_import.c - odd shapes of what clouds hand out: encodings, order, names, keys that must not be told, choices and times. */
#include <stdio.h>
#include <string.h>

#include "crypto/alg.h"
#include "ctl/import/aws.h"
#include "unit.h"

#define KEY1 "Abc.first_Key_0123456789"
#define KEY2 "Abc.second_Key_987654321"

#define OPTION(address, cidr, key) \
	"{\"OutsideIpAddress\":\"" address "\",\"TunnelInsideCidr\":\"" cidr "\",\"PreSharedKey\":\"" key "\"}"
#define CONNECTION(id) \
	"{\"VpnConnections\":[{\"VpnConnectionId\":\"" id "\",\"State\":\"available\",\"Options\":{\"StaticRoutesOnly\":true," \
	"\"TunnelOptions\":[" OPTION("203.0.113.20", "169.254.61.0/30", KEY2) "," OPTION( \
		"203.0.113.10", "169.254.60.0/30", KEY1) "]}}]}"

static const char gateway[] =
	"{\"name\":\"vng\",\"type\":\"Microsoft.Network/virtualNetworkGateways\",\"vpnType\":\"RouteBased\",\"bgpSettings\":"
	"{\"asn\":65515,\"bgpPeeringAddresses\":[{\"tunnelIpAddresses\":[\"203.0.113.50\"]}]}}";
static const char local[] =
	"{\"name\":\"lng\",\"type\":\"Microsoft.Network/localNetworkGateways\",\"gatewayIpAddress\":\"198.51.100.7\"}";
static const char connection[] = "{\"name\":\"Conn\",\"type\":\"Microsoft.Network/connections\",\"connectionType\":\"IPsec\","
				 "\"virtualNetworkGateway1\":{\"id\":\"/x/vng\"},"
				 "\"localNetworkGateway2\":{\"id\":\"/x/LNG\"}}";
static const char shared_key[] = "{\"value\":\"" KEY1 "\"}";

static void plan_docs(struct import_set *p, enum cloud cloud, const struct import_doc *docs, unsigned n, bool good)
{
	static struct import_request r;
	const char *why = "";
	ck_assert(alg_init(&why));
	r = (struct import_request){ .cloud = cloud, .docs = docs, .n = n };
	bool made = import_read(p, &r);
	ck_assert_msg(made == good, "%s", p->refusal != NULL ? p->refusal : "made");
}

static void plan_bytes(struct import_set *p, enum cloud cloud, const char *text, size_t len, bool good)
{
	static struct import_doc d;
	d = (struct import_doc){ "file", text, len, 0 };
	plan_docs(p, cloud, &d, 1, good);
}

static void plan_one(struct import_set *p, enum cloud cloud, const char *text, bool good)
{
	plan_bytes(p, cloud, text, strlen(text), good);
}

static const char *file_of(const struct import_set *p, const char *path)
{
	for (const struct import_file *f = p->files; f != NULL; f = f->next)
		if (strcmp(f->path, path) == 0)
			return f->text;
	return NULL;
}

static bool refused_with(const char *text, enum cloud cloud, const char *part)
{
	struct import_set p;
	plan_one(&p, cloud, text, false);
	bool holds = strstr(p.refusal, part) != NULL;
	if (!holds)
		fprintf(stderr, "%s\n", p.refusal);
	import_release(&p);
	return holds;
}

START_TEST(tunnels_are_in_order_of_address)
{
	struct import_set p;
	plan_one(&p, CLOUD_AWS, CONNECTION("vpn-1"), true);
	ck_assert_str_eq(file_of(&p, "keys/vpn-1-1.psk"), KEY1 "\n");
	ck_assert_str_eq(file_of(&p, "keys/vpn-1-2.psk"), KEY2 "\n");
	ck_assert_str_eq(p.first->first->remote, "203.0.113.10");
	import_release(&p);
}
END_TEST

START_TEST(encodings_of_windows)
{
	static const char text[] = CONNECTION("vpn-1");
	char wide[2 * sizeof text + 2] = "\xff\xfe", big[2 * sizeof text + 2] = "\xfe\xff", bom[sizeof text + 3] = "\xef\xbb\xbf";
	struct import_set p, q;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		wide[2 + 2 * i] = big[3 + 2 * i] = text[i];
		wide[3 + 2 * i] = big[2 + 2 * i] = 0;
	}
	memcpy(bom + 3, text, sizeof text);
	plan_one(&p, CLOUD_AWS, text, true);
	const struct import_doc docs[] = { { "file", wide, 2 * sizeof text, 0 }, { "file", big, 2 * sizeof text, 0 },
		{ "file", bom, strlen(bom), 0 } };
	for (size_t i = 0; i < 3; i++) {
		plan_docs(&q, CLOUD_AWS, &docs[i], 1, true);
		ck_assert_str_eq(file_of(&q, "conf.d/vpn-1.yaml"), file_of(&p, "conf.d/vpn-1.yaml"));
		import_release(&q);
	}
	import_release(&p);
	plan_bytes(&q, CLOUD_AWS, "{\0}", 3, false);
	ck_assert_ptr_nonnull(strstr(q.refusal, "no text file"));
	import_release(&q);
}
END_TEST

START_TEST(files_come_in_any_order)
{
	static const char *const texts[] = { gateway, local, connection, shared_key };
	char *first = NULL;
	for (unsigned n = 0; n < 24; n++) {
		struct import_doc docs[4];
		unsigned left[] = { 0, 1, 2, 3 }, pick = n;
		for (unsigned i = 0; i < 4; i++) {
			unsigned k = pick % (4 - i);
			pick /= 4 - i;
			docs[i] = (struct import_doc){ "f", texts[left[k]], strlen(texts[left[k]]), 0 };
			memmove(left + k, left + k + 1, (3 - k) * sizeof *left);
		}
		struct import_set p;
		plan_docs(&p, CLOUD_AZURE, docs, 4, true);
		first = first != NULL ? first : strdup(file_of(&p, "conf.d/conn.yaml"));
		ck_assert_str_eq(file_of(&p, "conf.d/conn.yaml"), first);
		ck_assert_str_eq(file_of(&p, "keys/conn.psk"), KEY1 "\n");
		import_release(&p);
	}
	free(first);
}
END_TEST

START_TEST(one_file_given_twice_is_one)
{
	struct import_set p;
	static const char text[] = CONNECTION("vpn-1");
	const struct import_doc docs[] = { { "a", text, sizeof text - 1, 0 }, { "b", text, sizeof text - 1, 0 } };
	plan_docs(&p, CLOUD_AWS, docs, 2, true);
	ck_assert_uint_eq(p.n, 1);
	ck_assert_uint_eq(p.first->n, 2);
	import_release(&p);
}
END_TEST

/* What the one that is left out has made is gone, and it is told. */
START_TEST(one_that_does_not_fit_is_left_out)
{
	static const char text[] = "[{\"VpnConnectionId\":\"vpn-1\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OPTION(
		"203.0.113.30", "169.254.62.0/30",
		"<pre-shared-key>") "]}},{\"VpnConnectionId\":\"vpn-2\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OPTION("203.0.113.20",
		"169.254.61.0/30", KEY2) "]}}]";
	struct import_set p;
	plan_one(&p, CLOUD_AWS, text, true);
	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.first->name, "vpn-2");
	ck_assert_ptr_nonnull(p.left);
	ck_assert_ptr_nonnull(strstr(p.left->text, "203.0.113.30"));
	ck_assert_ptr_null(p.first->next);
	import_release(&p);
}
END_TEST

START_TEST(names_are_made_to_fit)
{
	static const struct {
		const char *id, *name;
	} rows[] = { { "Büro  Nord__1", "conf.d/b-ro-nord-1.yaml" }, { "---", "conf.d/aws.yaml" },
		{ "../../etc/passwd", "conf.d/etc-passwd.yaml" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "conf.d/abcdefghijklmnopqrstuvwxy-feed.yaml" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[2048];
		struct import_set p;
		snprintf(text, sizeof text,
			"[{\"VpnConnectionId\":\"%s\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OPTION(
				"203.0.113.20", "169.254.61.0/30", KEY2) "," OPTION("203.0.113.10", "169.254.60.0/30",
				KEY1) "]}}]",
			rows[i].id);
		plan_one(&p, CLOUD_AWS, text, true);
		ck_assert_ptr_nonnull(file_of(&p, rows[i].name));
		struct conf *c = import_load(&p, "", NULL, &(struct findings){ 0 });
		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(c->n, 2);
		conf_free(c);
		import_release(&p);
	}
}
END_TEST

START_TEST(no_refusal_tells_a_key)
{
	static const char *const texts[] = {
		"{\"VpnConnections\":[{\"PreSharedKey\": " KEY1 "}]}",
		"{\"VpnConnections\":[{\"VpnConnectionId\":\"v\",\"PreSharedKey\": \"" KEY1,
		"<vpn_connection id=\"v\"><ipsec_tunnel><ike><pre_shared_key>" KEY1 "</ike></ipsec_tunnel></vpn_connection>",
		"<vpn_connection id=\"v\"><ipsec_tunnel><ike><pre_shared_key>" KEY1
		"</pre_shared_key></ike></ipsec_tunnel></vpn_connection>",
		"IPSec Tunnel #1\n#1: x\n - Pre-Shared Key : " KEY1 "\n - Pre-Shared Key : other\n",
		CONNECTION("v") "\"" KEY1,
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct import_set p;
		plan_one(&p, CLOUD_AWS, texts[i], false);
		ck_assert_ptr_nonnull(p.refusal);
		ck_assert_ptr_null(strstr(p.refusal, "first_Key"));
		import_release(&p);
	}
}
END_TEST

START_TEST(bombs_and_depths)
{
	char deep[4096] = "";
	ck_assert(refused_with("<!DOCTYPE lolz [<!ENTITY a \"b\">]><vpn_connection id=\"&a;\"/>", CLOUD_AWS, "document type"));
	ck_assert(refused_with(
		"<?xml version=\"1.0\"?><!DOCTYPE v SYSTEM \"file:///etc/passwd\"><v/>", CLOUD_AWS, "document type"));
	ck_assert(refused_with("<vpn_connection>&undefined;</vpn_connection>", CLOUD_AWS, "not valid XML"));
	for (unsigned i = 0; i < 65; i++)
		strcat(deep, "{\"a\":");
	ck_assert(refused_with(deep, CLOUD_AWS, "nested more than 64"));
	ck_assert(refused_with(deep, CLOUD_AZURE, "nested more than 64"));
	deep[0] = 0;
	for (unsigned i = 0; i < 20; i++)
		strcat(deep, i == 0 ? "<vpn_connection>" : "<a>");
	ck_assert(refused_with(deep, CLOUD_AWS, "deeper"));
	ck_assert(refused_with("{\"a\":\"{{{{[[[[\"}", CLOUD_AWS, "no VpnConnections")); /* brackets in strings are no depth */
}
END_TEST

START_TEST(values_do_not_break_out)
{
	struct import_set p;
	static const char text[] =
		"{\"VpnConnections\":[{\"VpnConnectionId\":\"v\",\"Tags\":[{\"Key\":\"Name\",\"Value\":\"x\\ntunnels: {}\\u2028#\\u0085\"}],\"Options\":"
		"{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OPTION("203.0.113.10", "169.254.60.0/30", KEY1) "]}}]}";
	plan_one(&p, CLOUD_AWS, text, true);
	const char *yaml = file_of(&p, "conf.d/v.yaml");
	for (const char *s = yaml; *s != 0; s++)
		ck_assert(*s == '\n' || (*s >= ' ' && *s <= '~'));
	ck_assert_ptr_null(strstr(strstr(yaml, "tunnels:\n") + 1, "tunnels:"));
	import_release(&p);
	ck_assert(refused_with(
		"{\"VpnConnections\":[{\"VpnConnectionId\":\"v\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OPTION(
			"203.0.113.10, a: b", "169.254.60.0/30", KEY1) "]}}]}",
		CLOUD_AWS, "invalid outside address"));
}
END_TEST

/* --- times and choices --- */
static void set(struct aws_tunnel *t, int fact, const char *text) { t->v[fact] = (struct fact){ text, "test" }; }

START_TEST(we_rekey_before_aws)
{
	static const char *const lives[] = { "900", "1800", "3600", "garbage", "-1" },
				 *const margins[] = { "60", "270", "450", "1800" }, *const fuzzes[] = { "0", "50", "100" };
	for (unsigned i = 0; i < 5 * 4 * 3; i++) {
		struct aws_tunnel t = { 0 };
		set(&t, AWS_P2_LIFE, lives[i % 5]);
		set(&t, AWS_MARGIN, margins[i / 5 % 4]);
		set(&t, AWS_FUZZ, fuzzes[i / 20]);
		unsigned life = strtoul(lives[i % 5], NULL, 10) == 0 || i % 5 == 4 ? 3600
										   : (unsigned)strtoul(lives[i % 5], NULL, 10);
		unsigned reserve = (unsigned)(atoi(margins[i / 5 % 4]) * (100 + atoi(fuzzes[i / 20])) / 100);
		unsigned ours = aws_lifetime(&t, 2);
		ours = ours != 0 ? ours : 3600;
		ck_assert_uint_ge(ours, 60);
		ck_assert_uint_le(ours, life);
		if (reserve + 100 < life)
			ck_assert_uint_le(ours * 84 / 100, life - reserve);
	}
	struct aws_tunnel plain = { 0 };
	ck_assert_uint_eq(aws_lifetime(&plain, 1), 0);
	ck_assert_uint_eq(aws_lifetime(&plain, 2), 0);
}
END_TEST

START_TEST(the_best_that_is_allowed)
{
	static const struct {
		const char *encr, *integ, *dh, *ike, *esp;
	} rows[] = {
		{ NULL, NULL, NULL, "aes256-sha256-modp2048", "aes256-sha256-modp2048" },
		{ "AES128 AES256", "SHA1 SHA2-512", "2 24 15", "aes256-sha512-modp3072", "aes256-sha512-modp3072" },
		{ "AES128-GCM-16", "SHA1", "19", "aes128gcm16-prfsha1-ecp256", "aes128gcm16-ecp256" },
		{ "AES256 AES128-GCM-16", "SHA1", "14", "aes256-sha1-modp2048", "aes128gcm16-modp2048" },
		{ "AES128", "SHA2-384", "22", "aes128-sha384-modp1024s160", "aes128-sha384-modp1024s160" },
		{ "CAMELLIA", NULL, NULL, NULL, NULL },
		{ NULL, "SHA3", NULL, NULL, NULL },
		{ NULL, NULL, "31", NULL, NULL },
	};
	const char *why;
	ck_assert(alg_init(&why));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct import_request r = { .cloud = CLOUD_AWS };
		struct import_set p = { .request = &r };
		struct aws a = { .p = &p };
		struct aws_conn c = { .file = "f" };
		struct aws_tunnel t = { 0 };
		arena_init(&p.arena, 1 << 20);
		set(&t, AWS_OUTSIDE, "203.0.113.10");
		set(&t, AWS_P1_ENCR, rows[i].encr), set(&t, AWS_P2_ENCR, rows[i].encr);
		set(&t, AWS_P1_INTEG, rows[i].integ), set(&t, AWS_P2_INTEG, rows[i].integ);
		set(&t, AWS_P1_DH, rows[i].dh), set(&t, AWS_P2_DH, rows[i].dh);
		const char *ike = aws_choose(&a, &c, &t, 1), *esp = aws_choose(&a, &c, &t, 2);
		ck_assert_int_eq(ike == NULL, rows[i].ike == NULL);
		ck_assert(ike == NULL || strcmp(ike, rows[i].ike) == 0);
		ck_assert(rows[i].esp == NULL || (esp != NULL && strcmp(esp, rows[i].esp) == 0));
		ck_assert_int_eq(p.refusal != NULL, rows[i].ike == NULL);
		import_release(&p);
	}
}
END_TEST

START_TEST(too_much_is_refused)
{
	size_t n = 600, len = 0, size = n * 64 + 64;
	char *text = malloc(size);
	len += (size_t)snprintf(text, size, "[");
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, size - len, "%s{\"VpnConnectionId\":\"v%zu\"}", i > 0 ? "," : "", i);
	snprintf(text + len, size - len, "]");
	ck_assert(refused_with(text, CLOUD_AWS, "more than 500"));
	free(text);
}
END_TEST

UNIT_MAIN("import", tunnels_are_in_order_of_address, encodings_of_windows, files_come_in_any_order, one_file_given_twice_is_one,
	one_that_does_not_fit_is_left_out, names_are_made_to_fit, no_refusal_tells_a_key, bombs_and_depths,
	values_do_not_break_out, we_rekey_before_aws, the_best_that_is_allowed, too_much_is_refused)
