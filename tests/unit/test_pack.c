/* test_pack.c - a packed configuration unpacks to the same, holds no key, and damaged bytes never get through as something else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf_help.h"
#include "unit.h"

static const char everything[] =
	"s2sd: {log-level: debug, log-facility: local3, user: vpn, workers: 3, on-exit: guard, forwarding: yes}\n"
	"tunnels:\n"
	"  full:\n"
	"    cloud: azure\n"
	"    remote: gw.example.net\n"
	"    local: 198.51.100.7\n"
	"    local-id: 'keyid:#00ff01'\n"
	"    remote-id: 'C=IE, CN=gw'\n"
	"    psk-file: very-secret\n"
	"    inside: [10.0.0.2/30, 'fd00::2/126']\n"
	"    interface-type: vti\n"
	"    routes: [10.20.0.0/16, '2001:db8::/32']\n"
	"    route-metric: 7\n"
	"    route-table: 300\n"
	"    route-source: 10.0.0.2\n"
	"    local-ts: ['10.1.0.0/16[6/443]', 10.2.0.1-10.2.0.9]\n"
	"    ike-proposals: [aes256-sha256-modp2048, aes256gcm16-prfsha384-ecp384]\n"
	"    esp-proposals: [aes256gcm16-modp1024, aes128-sha1]\n"
	"    allow-weak: [modp1024, sha1, psk]\n"
	"    esp-lifetime-bytes: 5G\n"
	"    start: manual\n"
	"    encapsulation: udp\n"
	"    mtu: 1390\n"
	"    mss: off\n"
	"    esn: yes\n"
	"    bgp: {local-as: 65001, peer-as: 4200000000, peer: 10.0.0.1, local: 10.0.0.2, hold-time: 30s, multihop: 2}\n"
	"  name-that-is-too-long-for-linux: {remote: any, start: respond, remote-id: x.example, psk-file: k}\n"
	"  plain: {remote: '2001:db8::1', psk-file: l, mss: 1200, children: [{local-ts: ['10.1.0.0/16[6/443]', 10.2.0.1-10.2.0.9],"
	" remote-ts: 10.3.0.0/16}, {local-ts: '2001:db8:1::/48', remote-ts: '2001:db8:2::/48'}]}\n"
	"  with-certificate: {remote: 192.0.2.9, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: 'CN=peer',"
	" crl: root-crl.pem fresh, send-certificate: asked, allow-weak: sha1-auth,"
	" cert-pin: '00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff'}\n";

static struct bytes packed_of(const char *yaml)
{
	struct conf *c = conf_good(yaml);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	conf_free(c);
	return b;
}

static void same_values(const struct conf *a, const struct conf *b)
{
	const char *key;
	char x[4096], y[4096];
	ck_assert_uint_eq(a->n, b->n);
	for (unsigned i = 0; (key = global_conf_key(i)) != NULL; i++)
		ck_assert_str_eq(
			global_conf_value(&a->global, key, x, sizeof x), global_conf_value(&b->global, key, y, sizeof y));
	for (uint32_t i = 0; i < a->n; i++) {
		const struct tunnel_conf *t = a->tunnels[i], *u = b->tunnels[i];
		const char *first;
		for (unsigned j = 0; (key = tunnel_conf_key(j)) != NULL; j++)
			ck_assert_str_eq(tunnel_conf_value(t, key, x, sizeof x), tunnel_conf_value(u, key, y, sizeof y));
		ck_assert_str_eq(t->name, u->name);
		ck_assert_str_eq(t->altname != NULL ? t->altname : "", u->altname != NULL ? u->altname : "");
		ck_assert_uint_eq(t->id, u->id);
		ck_assert_int_eq(t->bgp.set, u->bgp.set);
		ck_assert_ptr_null(u->psk);
		ck_assert_ptr_null(u->file);
		tunnel_conf_diff(t, u, &first);
		ck_assert_str_eq(first, t->cert.set ? "private-key" : "psk-file"); /* the key itself is all that is missing */
		ck_assert_int_eq(t->cert.set, u->cert.set);
		ck_assert_ptr_null(u->cert.key);
		ck_assert_uint_eq(u->cert.chain.n, t->cert.set ? 2 : 0);
		ck_assert_uint_eq(u->cert.cas.n, t->cert.set);
		ck_assert_uint_eq(u->cert.crls.n, t->cert.set);
	}
}

/* What is printed of a tunnel's settings, as `show` tells it, can be read again. */
START_TEST(printed_values_are_read_again)
{
	struct conf *c = conf_good(everything);
	const char *key;
	char x[4096], y[4096];
	for (uint32_t i = 0; i < c->n; i++) {
		struct tunnel_conf *t = tunnel_conf_new();
		for (unsigned j = 0; (key = tunnel_conf_key(j)) != NULL; j++)
			if (tunnel_conf_value(c->tunnels[i], key, x, sizeof x)[0] != 0)
				ck_assert_msg(tunnel_conf_set(t, key, x), "%s: %s", key, x);
		for (unsigned j = 0; (key = tunnel_conf_key(j)) != NULL; j++)
			ck_assert_str_eq(
				tunnel_conf_value(c->tunnels[i], key, x, sizeof x), tunnel_conf_value(t, key, y, sizeof y));
		tunnel_conf_unref(t);
	}
	struct tunnel_conf *t = tunnel_conf_new();
	ck_assert(!tunnel_conf_set(t, "rooutes", "10.0.0.0/8"));
	ck_assert(!tunnel_conf_set(t, "routes", "[10.0.0.0/8, x]"));
	tunnel_conf_unref(t);
	conf_free(c);
}
END_TEST

START_TEST(round_trip)
{
	struct conf *c = conf_good(everything);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	same_values(c, u);
	struct bytes again = conf_pack(u);
	ck_assert(bytes_equal(b, again));
	free((void *)again.p);
	free((void *)b.p);
	conf_free(u);
	conf_free(c);
}
END_TEST

/* Settings with what follows in the place of the tunnel `plain`, after those of before. */
static struct conf *reloaded(const struct conf *before, const char *rest)
{
	static char text[sizeof everything + 400];
	const char *plain = strstr(everything, "  plain:"), *next = strstr(everything, "  with-certificate:");
	snprintf(text, sizeof text, "%.*s%s%s", (int)(plain - everything), everything, rest, next);
	struct conf *c = conf_good(text);
	conf_adopt(c, before);
	return c;
}

START_TEST(only_what_changed)
{
	static const char *const rests[] = { "", "  plain: {remote: 192.0.2.3, psk-file: l}\n",
		"  plain: {remote: 192.0.2.3, psk-file: l, mtu: 1400}\n",
		("  a-new-one: {remote: 192.0.2.4, psk-file: m}\n  zz: {remote: 192.0.2.5, certificate: gw-chain.pem, private-key: gw.key, "
		 "ca: root.pem, remote-id: 'CN=other'}\n"),
		"" };
	struct conf *keeper = conf_good(everything), *empty = conf_good("");
	conf_adopt(keeper, NULL);
	struct bytes all = conf_pack(keeper);
	struct conf *engine = conf_unpack(all);
	for (unsigned i = 0; i < sizeof rests / sizeof rests[0]; i++) {
		struct conf *fresh = reloaded(keeper, rests[i]);
		struct bytes some = conf_pack_since(fresh, keeper), whole = conf_pack(fresh);
		ck_assert_uint_lt(some.n, whole.n - 1500);
		struct conf *u = conf_unpack_since(some, engine);
		ck_assert_ptr_nonnull(u);
		ck_assert_ptr_eq(conf_find(u, "full"), conf_find(engine, "full"));
		ck_assert_ptr_eq(conf_find(u, "with-certificate"), conf_find(engine, "with-certificate"));
		struct bytes again = conf_pack(u);
		ck_assert(bytes_equal(again, whole));
		ck_assert_ptr_null(conf_unpack(some));
		ck_assert_ptr_null(conf_unpack_since(some, empty));
		for (size_t n = 0; n < some.n; n++)
			ck_assert_ptr_null(conf_unpack_since(bytes_of(some.p, n), engine));
		free((void *)some.p);
		free((void *)whole.p);
		free((void *)again.p);
		conf_free(keeper);
		conf_free(engine);
		keeper = fresh;
		engine = u;
	}
	free((void *)all.p);
	conf_free(keeper);
	conf_free(engine);
	conf_free(empty);
}
END_TEST

/* The engine has no key and must still see at a reload that it is another: once for each change, and not when it stays. */
START_TEST(another_key_is_seen_without_it)
{
	static const char text[] = "tunnels:\n  t: {remote: 192.0.2.1, psk-file: k}\n";
	static const char *const suffix[] = { "", "", "!", "!", "" };
	struct conf *before = NULL, *seen = NULL;
	for (unsigned i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
		const char *first;
		conf_help_key_suffix = suffix[i];
		struct conf *c = conf_good(text);
		conf_adopt(c, before);
		struct bytes b = conf_pack(c);
		struct conf *u = conf_unpack(b);
		ck_assert_ptr_nonnull(u);
		bool changed = i > 0 && strcmp(suffix[i], suffix[i - 1]) != 0;
		if (seen != NULL) {
			enum conf_effect effect = tunnel_conf_diff(seen->tunnels[0], u->tunnels[0], &first);
			ck_assert_int_eq(effect, changed ? EFFECT_RESTART : EFFECT_NONE);
			ck_assert(changed ? strcmp(first, "psk-file") == 0 : first == NULL);
			conf_free(seen);
		}
		conf_free(before);
		free((void *)b.p);
		before = c;
		seen = u;
	}
	conf_help_key_suffix = "";
	conf_free(before);
	conf_free(seen);
}
END_TEST

START_TEST(no_key_inside)
{
	struct bytes b = packed_of(everything);
	ck_assert_ptr_null(memmem(b.p, b.n, "key-very-secret", 15));
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "very-secret", 11)); /* the name of the file is no secret */
	ck_assert_ptr_null(memmem(b.p, b.n, "PRIVATE", 7));
	free((void *)b.p);
}
END_TEST

START_TEST(an_empty_one)
{
	struct bytes b = packed_of("");
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(u->n, 0);
	conf_free(u);
	free((void *)b.p);
}
END_TEST

START_TEST(cut_short_is_refused)
{
	struct bytes b = packed_of(everything);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1); /* exactly as long, for the sanitizer */
		memcpy(copy, b.p, n);
		ck_assert_ptr_null(conf_unpack(bytes_of(copy, n)));
		free(copy);
	}
	uint8_t *longer = xcalloc(b.n + 1, 1);
	memcpy(longer, b.p, b.n);
	ck_assert_ptr_null(conf_unpack(bytes_of(longer, b.n + 1)));
	free(longer);
	free((void *)b.p);
}
END_TEST

static size_t behind_the_words(struct bytes b)
{
	struct cursor c = cursor_over(b);
	get_u32(&c);
	for (unsigned table = 0; table < 2; table++)
		for (unsigned n = get_u8(&c); n > 0; n--)
			get_view(&c, get_u8(&c));
	ck_assert(!c.bad);
	return b.n - cursor_left(&c);
}

/* Another version has a key that we do not know, and lacks one of ours: `mtu` has a name of its own there. */
START_TEST(of_another_version)
{
	char x[4096];
	struct bytes b = packed_of(everything);
	uint8_t *word = memmem(b.p, behind_the_words(b), "\003mtu", 4);
	ck_assert_ptr_nonnull(word);
	memcpy(word, "\003xyz", 4);
	struct conf *u = conf_unpack(b), *c = conf_good(everything);
	ck_assert_ptr_nonnull(u);
	conf_adopt(c, NULL);
	for (uint32_t i = 0; i < c->n; i++) {
		ck_assert_str_eq(tunnel_conf_value(u->tunnels[i], "mtu", x, sizeof x),
			i == 0 ? "1400" /* what its provider has */
			       : tunnel_conf_value(c->tunnels[i], "mtu", (char[64]){ 0 }, 64));
		tunnel_conf_set(u->tunnels[i], "mtu", tunnel_conf_value(c->tunnels[i], "mtu", x, sizeof x));
	}
	same_values(c, u);
	conf_free(c);
	conf_free(u);
	free((void *)b.p);
}
END_TEST

/* A changed byte is either refused or is another configuration, which packs to exactly those bytes; or a key has another name. */
START_TEST(changed_bytes)
{
	struct bytes b = packed_of(everything);
	uint8_t *copy = xcalloc(b.n, 1);
	unsigned refused = 0, taken = 0;
	size_t words = behind_the_words(b);
	memcpy(copy, b.p, b.n);
	for (size_t i = 0; i < b.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			copy[i] ^= (uint8_t)(1 << bit);
			struct conf *u = conf_unpack(bytes_of(copy, b.n));
			taken += u != NULL;
			refused += u == NULL;
			if (u != NULL && i < words)
				conf_free(u);
			if (u != NULL && i >= words) {
				struct bytes again = conf_pack(u);
				ck_assert_msg(bytes_equal(bytes_of(copy, b.n), again), "byte %zu bit %u", i, bit);
				free((void *)again.p);
				conf_free(u);
			}
			copy[i] ^= (uint8_t)(1 << bit);
		}
	}
	ck_assert_uint_gt(refused, b.n); /* most of it has a meaning that can be wrong */
	ck_assert_uint_gt(taken, 100);
	free(copy);
	free((void *)b.p);
}
END_TEST

static void same_lists(const struct tunnel_conf *a, const struct tunnel_conf *b, const struct tunnel_conf *other)
{
	ck_assert_ptr_eq(a->ike, b->ike);
	ck_assert_ptr_eq(a->esp, b->esp);
	ck_assert_ptr_ne(b->ike, other->ike);
	ck_assert_ptr_eq(b->esp, other->esp);
}

/* Thousands of tunnels of a cloud have the same proposals: once in memory, in each process, and as long as one of them needs them. */
START_TEST(neighbours_share_their_proposals)
{
	struct conf *c = conf_good("tunnels:\n"
				   "  a-1: {remote: 192.0.2.1, psk-file: k, ike-proposals: aes256-sha256-modp2048}\n"
				   "  a-2: {remote: 192.0.2.2, psk-file: l, ike-proposals: aes256-sha256-modp2048}\n"
				   "  a-3: {remote: 192.0.2.3, psk-file: m, ike-proposals: aes256-sha384-modp2048}\n");
	same_lists(c->tunnels[0], c->tunnels[1], c->tunnels[2]);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	struct conf *u = conf_unpack(b);
	same_lists(u->tunnels[0], u->tunnels[1], u->tunnels[2]);
	struct tunnel_conf *last = tunnel_conf_ref(c->tunnels[1]);
	conf_free(c);
	ck_assert_str_eq(value_of(last, "ike-proposals"), "aes256-sha256-modp2048");
	tunnel_conf_unref(last);
	/* Its own from then on: the other keeps what it has. */
	ck_assert(tunnel_conf_set(u->tunnels[0], "ike-proposals", "aes128-sha256-modp2048"));
	ck_assert_uint_eq(u->tunnels[0]->n_ike, 2);
	ck_assert_ptr_ne(u->tunnels[0]->ike, u->tunnels[1]->ike);
	ck_assert_str_eq(value_of(u->tunnels[1], "ike-proposals"), "aes256-sha256-modp2048");
	free((void *)b.p);
	conf_free(u);
}
END_TEST

/* ---------------------------------------------------------------- what stands in files */
#define LARGE CERT_CRL_SIZE_MAX
#define TUNNELS 100

/* That many tunnels with certificates, each with four large lists besides, which are the same for all; the last list of tunnel `other` is its own. */
static struct conf *certified(unsigned n, unsigned other)
{
	static char text[TUNNELS * 200];
	static uint8_t list[LARGE];
	size_t len = (size_t)snprintf(text, sizeof text, "tunnels:\n");
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"  t%02u: {remote: 192.0.2.%u, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, crl: root-crl.pem, "
			"remote-id: 'CN=p%u'}\n",
			i, i + 1, i);
	struct conf *c = conf_good(text);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < 4; j++) {
			memset(list, j == 3 && i == other ? 99 : (int)j, sizeof list);
			der_list_add(&c->tunnels[i]->cert.crls, bytes_of(list, sizeof list));
		}
	return c;
}

/* A list of 1 MB that a hundred tunnels have is one of 1 MB: in each process and on the way between them. */
START_TEST(a_file_of_many_tunnels_is_there_once)
{
	unsigned before = der_count();
	struct conf *c = certified(TUNNELS, TUNNELS);
	const unsigned files = 2 + 1 + 1 + 4;
	ck_assert_uint_eq(der_count(), before + files);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	ck_assert_uint_lt(b.n, 4 * LARGE + TUNNELS * 1000);
	conf_free(c);
	ck_assert_uint_eq(der_count(), before);
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(der_count(), before + files);
	for (unsigned i = 1; i < TUNNELS; i++)
		ck_assert_ptr_eq(u->tunnels[i]->cert.crls.v[4].p, u->tunnels[0]->cert.crls.v[4].p);
	struct bytes again = conf_pack(u);
	ck_assert(bytes_equal(b, again));
	conf_free(u);
	ck_assert_uint_eq(der_count(), before);
	free((void *)again.p);
	free((void *)b.p);
}
END_TEST

/* A reload brings a list that is new once, and the engine has no second one of those that it has. */
START_TEST(a_reload_shares_files_with_what_stays)
{
	struct conf *keeper = certified(6, 6);
	conf_adopt(keeper, NULL);
	struct bytes b = conf_pack(keeper);
	struct conf *engine = conf_unpack(b);
	unsigned before = der_count();
	struct conf *fresh = certified(6, 2);
	conf_adopt(fresh, keeper);
	struct bytes some = conf_pack_since(fresh, keeper), whole = conf_pack(fresh);
	struct conf *u = conf_unpack_since(some, engine);
	ck_assert_ptr_nonnull(u);
	ck_assert_ptr_eq(u->tunnels[1], engine->tunnels[1]);
	ck_assert_ptr_ne(u->tunnels[2], engine->tunnels[2]);
	ck_assert_uint_eq(der_count(), before + 1);
	ck_assert_ptr_eq(u->tunnels[2]->cert.crls.v[1].p, u->tunnels[1]->cert.crls.v[1].p);
	ck_assert_int_eq(u->tunnels[2]->cert.crls.v[4].p[0], 99);
	struct bytes again = conf_pack(u);
	ck_assert(bytes_equal(again, whole));
	free((void *)b.p);
	free((void *)some.p);
	free((void *)whole.p);
	free((void *)again.p);
	conf_free(fresh);
	conf_free(keeper);
	conf_free(engine);
	conf_free(u);
}
END_TEST

static uint64_t mixed(uint64_t h, uint64_t w)
{
	h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15); /* as hash_words() has it */
	return h ^ h >> 29;
}

/* Who makes them so that they have one hash gets two, and each tunnel has its own. */
START_TEST(two_of_one_hash)
{
	const uint64_t x[] = { 1, 2 }, y[] = { 3, 2 ^ mixed(HASH_START, 1) ^ mixed(HASH_START, 3) };
	const struct bytes one = bytes_of(x, sizeof x), other = bytes_of(y, sizeof y);
	unsigned before = der_count();
	ck_assert(hash_words(HASH_START, x, sizeof x) == hash_words(HASH_START, y, sizeof y));
	struct conf *c = conf_good(
		"tunnels:\n"
		"  a: {remote: 192.0.2.1, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: CN=a}\n"
		"  b: {remote: 192.0.2.2, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: CN=b}\n");
	for (unsigned i = 0; i < 4; i++)
		der_list_add(&c->tunnels[i % 2]->cert.crls, i < 2 ? one : other);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(bytes_equal(u->tunnels[i % 2]->cert.crls.v[i / 2], i < 2 ? one : other));
	ck_assert_ptr_eq(u->tunnels[0]->cert.crls.v[0].p, c->tunnels[1]->cert.crls.v[0].p);
	conf_free(c);
	ck_assert(bytes_equal(u->tunnels[1]->cert.crls.v[1], other));
	conf_free(u);
	ck_assert_uint_eq(der_count(), before);
	free((void *)b.p);
}
END_TEST

static struct conf *with_chains(unsigned n)
{
	char text[1000];
	size_t len = (size_t)snprintf(text, sizeof text, "tunnels:\n");
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"  t%u: {remote: 192.0.2.%u, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: CN=t%u}\n",
			i, i + 1, i);
	return conf_good(text);
}

/* As a fresh engine takes it, which has none of it in memory yet. c is freed. */
static void is_taken(struct conf *c, unsigned nothing)
{
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	conf_free(c);
	ck_assert_uint_eq(der_count(), nothing);
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	struct bytes again = conf_pack(u);
	ck_assert(bytes_equal(b, again));
	conf_free(u);
	ck_assert_uint_eq(der_count(), nothing);
	free((void *)again.p);
	free((void *)b.p);
}

/* The others are found still, and equal ones are one, when the one goes that was there first, or one in the middle. */
START_TEST(one_of_a_hash_goes)
{
	const uint64_t x[] = { 1, 2 }, y[] = { 3, 2 ^ mixed(HASH_START, 1) ^ mixed(HASH_START, 3) },
		       z[] = { 5, 2 ^ mixed(HASH_START, 1) ^ mixed(HASH_START, 5) };
	const struct bytes all[] = { bytes_of(x, sizeof x), bytes_of(y, sizeof y), bytes_of(z, sizeof z) };
	for (unsigned goes = 0; goes < 3; goes++) {
		unsigned before = der_count();
		struct bytes held[3];
		for (unsigned i = 0; i < 3; i++)
			held[i] = der_hold(all[i]);
		struct conf *c = with_chains(2);
		for (unsigned i = 0; i < 3; i++)
			if (i != goes)
				der_list_add(&c->tunnels[0]->cert.crls, all[i]);
		for (unsigned i = 0; i < 3; i++)
			der_let_go(held[i]);
		for (unsigned i = 0; i < 3; i++)
			if (i != goes)
				der_list_add(&c->tunnels[1]->cert.crls, all[i]);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_ptr_eq(c->tunnels[0]->cert.crls.v[i].p, c->tunnels[1]->cert.crls.v[i].p);
		is_taken(c, before);
	}
}
END_TEST

/* The keeper has met them in another order than the names of tunnels have. */
START_TEST(of_one_hash_in_another_order)
{
	const uint64_t x[] = { 1, 2 }, y[] = { 3, 2 ^ mixed(HASH_START, 1) ^ mixed(HASH_START, 3) };
	const struct bytes first = bytes_of(x, sizeof x), second = bytes_of(y, sizeof y);
	unsigned before = der_count();
	struct conf *c = with_chains(3);
	der_list_add(&c->tunnels[1]->cert.crls, first);
	der_list_add(&c->tunnels[0]->cert.crls, second);
	der_list_add(&c->tunnels[2]->cert.crls, second);
	ck_assert_ptr_eq(c->tunnels[0]->cert.crls.v[0].p, c->tunnels[2]->cert.crls.v[0].p);
	is_taken(c, before);
}
END_TEST

struct files { /* packed: behind the settings */
	const uint8_t *octets[3];
	uint32_t n, size[3];
	uint8_t numbers[3];
};

static struct bytes with_files(struct bytes packed, size_t settings, const struct files *f)
{
	uint8_t *room = xcalloc(packed.n + 400, 1);
	struct buf b = buf_of(room, packed.n + 400);
	put_bytes(&b, packed.p, settings);
	put_u32(&b, f->n);
	for (uint32_t i = 0; i < f->n; i++) {
		put_u32(&b, f->size[i]);
		put_bytes(&b, f->octets[i], f->size[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		put_u8(&b, 1);
		put_u32(&b, f->numbers[i]);
	}
	ck_assert(!b.bad);
	return buf_view(&b);
}

/* Each once, numbered as they are first named, none that nobody names, none that is not there, none empty. */
START_TEST(files_are_packed_in_one_way_only)
{
	static const uint8_t x[] = { 1, 2, 3 }, y[] = { 1, 2, 4 }, z[] = { 1, 2 };
	static const struct {
		struct files f;
		bool good;
	} rows[] = {
		{ { { x, y, z }, 3, { 3, 3, 2 }, { 0, 1, 2 } }, true },
		{ { { x, y }, 2, { 3, 3 }, { 0, 1, 0 } }, true },
		{ { { x }, 1, { 3 }, { 0, 0, 0 } }, true },
		{ { { x, x }, 2, { 3, 3 }, { 0, 1, 0 } }, false },
		{ { { x, y }, 2, { 3, 3 }, { 1, 0, 0 } }, false },
		{ { { x, y }, 2, { 3, 3 }, { 1, 0, 1 } }, false },
		{ { { x, y }, 2, { 3, 3 }, { 0, 0, 0 } }, false },
		{ { { x, y }, 2, { 3, 3 }, { 0, 1, 2 } }, false },
		{ { { x, y }, 2, { 3, 0 }, { 0, 1, 0 } }, false },
	};
	unsigned before = der_count();
	struct conf *c = certified(1, 1);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	size_t settings = b.n - 4 - 3 - 8 * (4 + 4) - 4 * (size_t)LARGE;
	for (unsigned i = 0; i < 4; i++)
		settings -= i < 2   ? c->tunnels[0]->cert.chain.v[i].n
			    : i < 3 ? c->tunnels[0]->cert.cas.v[0].n
				    : c->tunnels[0]->cert.crls.v[0].n;
	conf_free(c);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes made = with_files(b, settings, &rows[i].f);
		struct conf *u = conf_unpack(made);
		ck_assert_msg((u != NULL) == rows[i].good, "row %u", i);
		struct bytes again = u != NULL ? conf_pack(u) : made;
		ck_assert(bytes_equal(again, made));
		if (u != NULL)
			free((void *)again.p);
		free((void *)made.p);
		conf_free(u);
		ck_assert_uint_eq(der_count(), before);
	}
	free((void *)b.p);
}
END_TEST
UNIT_MAIN("pack", neighbours_share_their_proposals, a_file_of_many_tunnels_is_there_once, a_reload_shares_files_with_what_stays,
	two_of_one_hash, one_of_a_hash_goes, of_one_hash_in_another_order, files_are_packed_in_one_way_only, round_trip,
	only_what_changed, printed_values_are_read_again, another_key_is_seen_without_it, no_key_inside, an_empty_one,
	cut_short_is_refused, of_another_version, changed_bytes)
