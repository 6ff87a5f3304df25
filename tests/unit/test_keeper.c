/*
 * test_keeper.c - what the keeper grants to the engine and what it does not: SAs, traffic, addresses. AUTH: test_keeper_auth.c.
 */
#include "grant_help.h"

static struct esp_sa sa;

static void setup(void)
{
	setup_tunnel();
	memset(&sa, 0, sizeof sa);
	sa.tunnel = 1;
	sa.dir = ESP_IN;
	sa.spi = 0xc0ffee01;
	sa.local = ip("198.51.100.7", 4500);
	sa.remote = ip("203.0.113.10", 4500);
	sa.encap = true;
	sa.suite = (struct suite){ PROTOCOL_ESP, ENCR_AES_CBC, 256, 0, INTEG_HMAC_SHA2_256_128, 0, 0 };
	sa.encr_key.len = 32;
	sa.integ_key.len = 32;
	sa.replay_window = 1024;
}

START_TEST(an_honest_sa_is_installed)
{
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_OK);
	ck_assert_int_eq(grant_install(NULL, &sa), GRANT_GONE);
	sa.suite = (struct suite){ PROTOCOL_ESP, ENCR_AES_GCM_16, 256, 0, INTEG_NONE, 0, 1 };
	sa.encr_key.len = 36;
	sa.integ_key.len = 0;
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_OK);
}
END_TEST

START_TEST(foreign_addresses_are_denied)
{
	sa.remote = ip("192.0.2.66", 4500);
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_DENIED);
	tunnel.remote = (struct addr){ 0 }; /* any, or a name */
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_OK);
	tunnel.local = ip("198.51.100.8", 0);
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_DENIED);
}
END_TEST

/* Each row breaks one thing in an SA that is in order. */
static void dir_2(struct esp_sa *s) { s->dir = 2; }
static void spi_0(struct esp_sa *s) { s->spi = 0; }
static void spi_reserved(struct esp_sa *s) { s->spi = 255; }
static void bool_7(struct esp_sa *s) { memset(&s->encap, 7, 1); }
static void no_port(struct esp_sa *s) { s->remote.port = 0; }
static void no_family(struct esp_sa *s) { s->local.family = 0; }
static void mixed(struct esp_sa *s) { s->local = ip("2001:db8::1", 4500); }
static void any_address(struct esp_sa *s) { s->local = ip("0.0.0.0", 4500); }
static void ike_suite(struct esp_sa *s) { s->suite.protocol = PROTOCOL_IKE; }
static void unknown_cipher(struct esp_sa *s) { s->suite.encr = 999; }
static void unknown_integ(struct esp_sa *s) { s->suite.integ = 999; }
static void short_key(struct esp_sa *s) { s->encr_key.len = 16; }
static void long_key(struct esp_sa *s) { s->integ_key.len = SECRET_MAX + 1; }
static void no_integ_key(struct esp_sa *s) { s->integ_key.len = 0; }
static void huge_window(struct esp_sa *s) { s->replay_window = 4097; }
static void df_3(struct esp_sa *s) { s->df = 3; }
static void dscp_64(struct esp_sa *s) { s->dscp = 64; }
static void fixed_2(struct esp_sa *s) { memset(&s->dscp_fixed, 2, 1); }
static void keepalive_in(struct esp_sa *s)
{
	s->dir = ESP_IN;
	s->encap = true;
	s->keepalive = 20;
}
static void keepalive_plain(struct esp_sa *s)
{
	s->dir = ESP_OUT;
	s->encap = false;
	s->keepalive = 20;
}
static void keepalive_long(struct esp_sa *s)
{
	s->dir = ESP_OUT;
	s->encap = true;
	s->keepalive = 3601;
}
static void odd_esn(struct esp_sa *s) { s->suite.esn = 2; }

static void (*const breakers[])(struct esp_sa *s) = { dir_2, spi_0, spi_reserved, bool_7, no_port, no_family, mixed, any_address,
	ike_suite, unknown_cipher, unknown_integ, short_key, long_key, no_integ_key, huge_window, odd_esn, df_3, dscp_64, fixed_2,
	keepalive_in, keepalive_plain, keepalive_long };

START_TEST(malformed_sas_end_the_engine)
{
	breakers[_i](&sa);
	ck_assert_int_eq(grant_install(&tunnel, &sa), GRANT_BROKEN);
	ck_assert_int_eq(grant_install(NULL, &sa), GRANT_BROKEN);
}
END_TEST

static enum grant switched(struct esp_switch *s, struct ts_list here, struct ts_list there)
{
	esp_switch_put(s, &here, &there);
	return grant_switch(&tunnel, s, esp_switch_size(s));
}

START_TEST(traffic_is_switched_inside_the_selectors_only)
{
	struct esp_switch s = { .tunnel = 1, .slot = 1, .spi_out = 0xc0ffee02, .local = sa.local, .remote = sa.remote };
	struct ts_list none = { 0 }, bad = net("10.1.0.0/16");
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_OK);
	ck_assert_int_eq(grant_switch(&tunnel, &s, esp_switch_size(&s) - 1), GRANT_BROKEN);
	ck_assert_int_eq(grant_switch(&tunnel, &s, sizeof s), GRANT_BROKEN);
	ck_assert_int_eq(switched(&s, net("0.0.0.0/0"), net("0.0.0.0/0")), GRANT_DENIED); /* wider than configured */
	s.spi_out = 0; /* shutting the way out is no reason to open the way in */
	ck_assert_int_eq(switched(&s, net("0.0.0.0/0"), net("0.0.0.0/0")), GRANT_DENIED);
	s.remote = ip("192.0.2.66", 0);
	ck_assert_int_eq(switched(&s, none, none), GRANT_OK);
	/* With selectors a child is asked for there: those addresses count. */
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_DENIED);
	s.remote = ip("2001:db8::1", 0);
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_BROKEN);
	s.remote = sa.remote;
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_OK);
	s.local = (struct addr){ 0 };
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_BROKEN);
	s.remote = (struct addr){ 0 }; /* it blocks */
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_OK);
	s.local = sa.local;
	s.remote = sa.remote;
	s.n_local = TS_LIST_MAX + 1;
	ck_assert_int_eq(grant_switch(&tunnel, &s, esp_switch_size(&s)), GRANT_BROKEN);
	s.slot = 0; /* all of them: the keeper's own to say */
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_BROKEN);
	ck_assert_int_eq(switched(&s, none, none), GRANT_BROKEN);
	s.slot = ESP_SLOTS_MAX + 1;
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_BROKEN);
	s.slot = ESP_SLOTS_MAX;
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("0.0.0.0/0")), GRANT_OK);
	bad.v[0].hi = ip("10.0.0.0", 0); /* ends before it begins */
	ck_assert_int_eq(switched(&s, bad, net("0.0.0.0/0")), GRANT_BROKEN);
	bad = net("10.1.0.0/16");
	bad.v[0].hi.family = AF_INET6;
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), bad), GRANT_BROKEN);
}
END_TEST

/* Inside packets of a child come from there, and go there: neither end's selectors are the engine's choice. */
START_TEST(remote_selectors_are_the_configured_ones)
{
	struct esp_switch s = { .tunnel = 1, .slot = 1, .spi_out = 0xc0ffee02, .local = sa.local, .remote = sa.remote };
	struct ts_list there = net("10.20.0.0/16");
	free(tunnel.remote_ts);
	tunnel.remote_ts = ts_list_keep(&there);
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("10.20.7.0/24")), GRANT_OK);
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("10.0.0.0/8")), GRANT_DENIED);   /* wider */
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("10.99.0.0/24")), GRANT_DENIED); /* another tunnel's */
	s.spi_out = 0;
	ck_assert_int_eq(switched(&s, net("10.1.0.0/16"), net("10.99.0.0/24")), GRANT_DENIED);
}
END_TEST

START_TEST(moves_and_links)
{
	struct esp_move m = { 1, 0x1000, 0x1001, true, sa.local, sa.remote, ip("198.51.100.9", 4500), sa.remote };
	ck_assert_int_eq(grant_move(&tunnel, &m), GRANT_OK);
	m.new_remote = ip("192.0.2.66", 4500);
	ck_assert_int_eq(grant_move(&tunnel, &m), GRANT_DENIED);
	m.spi_out = 0; /* gone, and the engine knows */
	ck_assert_int_eq(grant_move(&tunnel, &m), GRANT_DENIED);
	m.spi_in = 0;
	ck_assert_int_eq(grant_move(&tunnel, &m), GRANT_BROKEN);
	struct esp_link_state l = { .tunnel = 1, .state = LINK_DOWN };
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_OK);
	l.state = LINK_UP; /* without addresses */
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_BROKEN);
	l = (struct esp_link_state){ 1, LINK_UP, true, sa.suite, sa.local, sa.remote };
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_OK);
	l.remote = ip("192.0.2.66", 4500); /* a host route to somebody else */
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_DENIED);
	l.state = LINK_DOWN;
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_OK);
	l.state = 3;
	ck_assert_int_eq(grant_link(&tunnel, &l), GRANT_BROKEN);
}
END_TEST

START_TEST(only_the_configured_name_is_looked_up)
{
	struct msg_resolve r = { .tunnel = 1, .query = 1, .name = "vpn.example.net" };
	ck_assert_int_eq(grant_resolve(&tunnel, &r), GRANT_DENIED);
	char name[] = "vpn.example.net";
	tunnel.remote_name = name;
	ck_assert_int_eq(grant_resolve(&tunnel, &r), GRANT_OK);
	strcpy(r.name, "secret.evil.example"); /* what is asked is heard by whoever serves that zone */
	ck_assert_int_eq(grant_resolve(&tunnel, &r), GRANT_DENIED);
	memset(r.name, 'a', sizeof r.name); /* without an end */
	ck_assert_int_eq(grant_resolve(&tunnel, &r), GRANT_BROKEN);
	memset(&r, 0, sizeof r);
	ck_assert_int_eq(grant_resolve(&tunnel, &r), GRANT_BROKEN);
}
END_TEST

/* ---------------------------------------------------------------- whose address is it? */
static const struct peer_row {
	const char *remote, *peer; /* NULL: a name or any */
	uint32_t table;
	enum grant said;
} peers[] = {
	{ "203.0.113.10", "203.0.113.10", 0, GRANT_OK },
	{ "203.0.113.10", "203.0.113.11", 0, GRANT_ADDRESS },
	{ "10.20.0.10", "10.20.0.10", 0, GRANT_OK }, /* written: the operator knows */
	{ NULL, "10.20.0.10", 0, GRANT_ADDRESS },
	{ NULL, "10.21.0.10", 0, GRANT_OK },
	{ NULL, "169.254.21.1", 0, GRANT_ADDRESS }, /* the network of `inside` */
	{ NULL, "2001:db8:7::1", 0, GRANT_ADDRESS },
	{ NULL, "2001:db8:8::1", 0, GRANT_OK },
	{ NULL, "10.20.0.10", 100, GRANT_OK }, /* guarded in another table only */
	{ NULL, "10.20.0.10", 254, GRANT_ADDRESS },
};

/* The prefix is that of another tunnel, which also has a default route. */
START_TEST(a_peer_is_not_behind_a_tunnel)
{
	const struct peer_row *row = &peers[_i];
	struct prefix routes[4], inside;
	static const char *const texts[] = { "0.0.0.0/0", "10.20.0.0/16", "::/0", "2001:db8:7::/48" };
	for (unsigned i = 0; i < 4; i++)
		ck_assert(prefix_parse(&routes[i], texts[i]));
	ck_assert(prefix_parse(&inside, "169.254.21.2/30"));
	struct tunnel_conf other = {
		.name = "aws", .n_routes = 4, .routes = routes, .n_inside = 1, .inside = &inside, .route_table = row->table
	};
	struct tunnel_conf *both[] = { &other, &tunnel };
	struct conf all = { .n = 2, .tunnels = both };
	struct addr peer = ip(row->peer, 4500);
	char why[CONF_PEER_WHY] = "";
	tunnel.remote = row->remote != NULL ? ip(row->remote, 0) : (struct addr){ 0 };
	ck_assert_int_eq(grant_peer(&all, &tunnel, &peer, why), row->said);
	ck_assert_int_eq(why[0] != 0, row->said != GRANT_OK);
	if (row->said != GRANT_OK && row->remote == NULL)
		ck_assert_msg(strstr(why, "behind tunnel aws") != NULL && strstr(why, row->peer) != NULL, "%s", why);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("requests");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_honest_sa_is_installed);
	tcase_add_test(t, foreign_addresses_are_denied);
	tcase_add_loop_test(t, malformed_sas_end_the_engine, 0, sizeof breakers / sizeof breakers[0]);
	tcase_add_test(t, traffic_is_switched_inside_the_selectors_only);
	tcase_add_test(t, remote_selectors_are_the_configured_ones);
	tcase_add_test(t, moves_and_links);
	tcase_add_loop_test(t, a_peer_is_not_behind_a_tunnel, 0, sizeof peers / sizeof peers[0]);
	tcase_add_test(t, only_the_configured_name_is_looked_up);
	return unit_run_case("keeper", t);
}
