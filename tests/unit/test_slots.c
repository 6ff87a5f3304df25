/*
 * test_slots.c - the children side by side of a tunnel in a kernel in memory: whose SA a selector leaves by, what comes first, what becomes of the others'
 * policies when one is switched, moved, lost or gone.
 */
#include "fake_nl.h"

#include "crypto/alg.h"
#include "kernel/state.h"
#include "unit.h"

static struct kernel *k;
static struct ts_list all;
static struct kernel_tunnel tunnel;
static unsigned n_told;
static char told[1024];

static const struct addr here = { .family = AF_INET, .ip = { 198, 51, 100, 7 } },
			 away = { .family = AF_INET, .ip = { 198, 51, 100, 8 } },
			 peer = { .family = AF_INET, .ip = { 203, 0, 113, 1 } };

static void no_event(void *arg, const struct kernel_event *e) { (void)arg, (void)e; }

static struct prefix prefix(const char *text)
{
	struct prefix p;
	ck_assert(prefix_parse(&p, text));
	return p;
}

static void setup(void)
{
	const char *why;
	struct prefix any4 = prefix("0.0.0.0/0"), any6 = prefix("::/0");
	ck_assert(alg_init(&why));
	fake_begin();
	all.n = 2;
	all.v[0] = ts_from_prefix(&any4);
	all.v[1] = ts_from_prefix(&any6);
	tunnel = (struct kernel_tunnel){
		.id = 1, .interface = "s2s-1", .local_ts = &all, .remote_ts = &all, .local = here, .remote = peer
	};
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.adopt(k, &tunnel, 1, false) == 0, "%s", kernel_real.why(k));
}

static void teardown(void)
{
	kernel_real.close(k);
	fake_end();
}

static void note(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(told);
	(void)arg;
	n_told++;
	snprintf(told + n, sizeof told - n, "%s [%s] %s; ", d->what, d->was, d->why);
}

static void reconcile(void)
{
	n_told = 0;
	told[0] = 0;
	ck_assert_msg(kernel_real.reconcile(k, note, NULL) == 0, "%s", kernel_real.why(k));
}

static void settled(void)
{
	reconcile();
	ck_assert_msg(n_told == 0, "%s", told);
}

/* --- what is asked --- */
static void add_sa(uint32_t spi, enum esp_dir dir)
{
	struct esp_sa sa = { .tunnel = 1,
		.dir = dir,
		.spi = spi,
		.local = here,
		.remote = peer,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 } };
	sa.encr_key.len = 36;
	ck_assert_msg(kernel_real.sa_add(k, &sa) == 0, "%s", kernel_real.why(k));
}

static void add_pair(uint32_t spi)
{
	add_sa(spi, ESP_OUT);
	add_sa(spi + 0x10000, ESP_IN);
}

static void remove_out(uint32_t spi, const struct addr *remote)
{
	struct esp_remove r = { .tunnel = 1, .dir = ESP_OUT, .spi = spi, .local = here, .remote = *remote };
	ck_assert_int_eq(kernel_real.sa_del(k, &r), 0);
}

static struct esp_switch switch_of(uint16_t slot, uint32_t spi, const char *remote)
{
	struct esp_switch s = { .tunnel = 1, .slot = slot, .spi_out = spi, .local = here, .remote = peer };
	struct prefix l = prefix("10.1.0.0/16"), r;
	if (remote == NULL)
		return s;
	r = prefix(remote);
	esp_switch_put(&s, &(struct ts_list){ .n = 1, .v = { ts_from_prefix(&l) } },
		&(struct ts_list){ .n = 1, .v = { ts_from_prefix(&r) } });
	return s;
}

/* remote NULL: the slot is gone. */
static void turn(uint16_t slot, uint32_t spi, const char *remote)
{
	struct esp_switch s = switch_of(slot, spi, remote);
	ck_assert_msg(kernel_real.sa_switch(k, &s) == 0, "%s", kernel_real.why(k));
}

static int move_sa(uint32_t spi, const struct addr *from, const struct addr *to)
{
	struct esp_move m = { .tunnel = 1,
		.spi_in = spi + 0x10000,
		.spi_out = spi,
		.old_local = *from,
		.old_remote = peer,
		.new_local = *to,
		.new_remote = peer };
	return kernel_real.sa_move(k, &m);
}

/* --- what is there --- */
#define ABSENT UINT32_MAX
struct seen {
	uint32_t spi, priority; /* spi 0: it blocks; ABSENT: there is none */
	struct addr local;
};

static struct seen look(const char *remote, uint8_t dir)
{
	struct prefix want = prefix(remote);
	struct seen seen = { .spi = ABSENT };
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;) {
		struct xfrm_userpolicy_info p;
		struct attrs a;
		struct prefix far;
		nlm_copy_fixed(&p, (const void *)t->raw, sizeof p);
		const xfrm_address_t *x = p.dir == XFRM_POLICY_OUT ? &p.sel.daddr : &p.sel.saddr;
		far = (struct prefix){ .len = p.dir == XFRM_POLICY_OUT ? p.sel.prefixlen_d : p.sel.prefixlen_s };
		addr_from_bytes(&far.addr, bytes_of(x, p.sel.family == AF_INET ? 4 : 16));
		if (p.dir != dir || !prefix_equal(&far, &want))
			continue;
		ck_assert_msg(seen.spi == ABSENT, "two for %s", remote);
		attrs_read(&a, (const void *)t->raw, sizeof p);
		const struct xfrm_user_tmpl *tmpl = attr_data(&a, XFRMA_TMPL, sizeof *tmpl);
		seen.priority = p.priority;
		seen.spi = tmpl != NULL ? ntohl(tmpl->id.spi) : 0;
		if (tmpl != NULL)
			addr_from_bytes(&seen.local, bytes_of(&tmpl->saddr, 4));
		ck_assert_int_eq(p.action, tmpl != NULL ? XFRM_POLICY_ALLOW : XFRM_POLICY_BLOCK);
	}
	return seen;
}

static uint32_t leaves_by(const char *remote) { return look(remote, XFRM_POLICY_OUT).spi; }

static unsigned n_policies(void) { return (unsigned)table_count(&fake.of[FAKE_POLICY]); }

static uint64_t picture(void)
{
	uint64_t sum = 0;
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;)
		sum += hash_bytes(1, t->raw, t->n);
	return sum;
}

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

/* ---------------------------------------------------------------- bounds, failures */
static char *host(unsigned i)
{
	static char text[32];
	snprintf(text, sizeof text, "10.20.%u.%u/32", i >> 8, i & 255);
	return text;
}

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

/* ---------------------------------------------------------------- moves */
#define MOVED 24

START_TEST(each_moves_and_keeps_its_slot)
{
	unsigned step = (unsigned)_i * 2 + 1; /* in several orders */
	for (uint16_t i = 0; i < MOVED; i++) {
		add_pair(0x1000u + i);
		turn(i + 1, 0x1000u + i, host(i));
	}
	for (unsigned i = 0; i < MOVED; i++) {
		uint32_t spi = 0x1000 + i * step % MOVED;
		ck_assert_msg(move_sa(spi, &here, &away) == 0, "%x: %s", (unsigned)spi, kernel_real.why(k));
		settled(); /* what was taken along is neither lost nor surplus */
	}
	for (unsigned i = 0; i < MOVED; i++) {
		struct seen s = look(host(i), XFRM_POLICY_OUT);
		ck_assert_uint_eq(s.spi, 0x1000 + i);
		ck_assert(addr_same_ip(&s.local, &away));
	}
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_SA], &it)) != NULL;) {
		struct xfrm_usersa_info sa;
		nlm_copy_fixed(&sa, (const void *)t->raw, sizeof sa);
		ck_assert(memcmp(&sa.saddr, away.ip, 4) == 0 || memcmp(&sa.id.daddr, away.ip, 4) == 0);
	}
	ck_assert_uint_eq(n_policies(), 3 * MOVED);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 2 * MOVED);
}
END_TEST

START_TEST(as_many_as_there_can_be_move)
{
	for (uint16_t i = 0; i < ESP_SLOTS_MAX; i++) {
		add_pair(0x1000u + i);
		turn(i + 1, 0x1000u + i, host(i));
	}
	unsigned writes = fake.writes;
	for (unsigned i = 0; i < ESP_SLOTS_MAX; i++)
		ck_assert_msg(move_sa(0x1000 + i, &here, &away) == 0, "%s", kernel_real.why(k));
	/* Two for each that MIGRATE takes, in at most as many calls as there are SAs, and one for each out policy. */
	ck_assert_uint_le(fake.writes - writes, (2 * 2 + 1) * ESP_SLOTS_MAX + 3 * ESP_SLOTS_MAX);
	for (unsigned i = 0; i < ESP_SLOTS_MAX; i++) {
		struct seen s = look(host(i), XFRM_POLICY_OUT);
		ck_assert(s.spi == 0x1000 + i && addr_same_ip(&s.local, &away));
	}
	settled();
}
END_TEST

/* A child that was replaced, and carries no slot, moves with none of the policies. */
START_TEST(a_child_without_a_slot_turns_no_policy)
{
	add_pair(0x1001);
	add_pair(0x1002);
	turn(1, 0x1001, "10.20.0.0/16");
	ck_assert_msg(move_sa(0x1002, &here, &away) == 0, "%s", kernel_real.why(k));
	ck_assert_uint_eq(leaves_by("10.20.0.0/16"), 0x1001);
	ck_assert_uint_eq(n_policies(), 3);
	/* Where the SA of that slot is: it may have been taken along. */
	xfrm_address_t to = { 0 };
	memcpy(&to, peer.ip, 4);
	struct xfrm_usersa_info sa;
	const struct fake_thing *t = table_get(&fake.of[FAKE_SA], fake_sa_key(&to, htonl(0x1001)));
	nlm_copy_fixed(&sa, (const void *)t->raw, sizeof sa);
	struct addr local = look("10.20.0.0/16", XFRM_POLICY_OUT).local;
	ck_assert_mem_eq(&sa.saddr, local.ip, 4);
	settled();
	ck_assert_msg(move_sa(0x1001, &here, &away) == 0, "%s", kernel_real.why(k));
	struct addr moved = look("10.20.0.0/16", XFRM_POLICY_OUT).local;
	ck_assert(addr_same_ip(&moved, &away));
	settled();
}
END_TEST

START_TEST(one_that_is_not_there_moves_nothing)
{
	add_pair(0x1001);
	turn(1, 0x1001, "10.20.0.0/16");
	uint64_t before = picture();
	ck_assert_int_eq(move_sa(0x1009, &here, &away), -ESRCH);
	ck_assert(picture() == before);
	settled();
}
END_TEST

/* The peer's address changes; one child is closed by the address that it had. */
START_TEST(what_was_taken_along_can_be_removed)
{
	const struct addr fresh = { .family = AF_INET, .ip = { 203, 0, 113, 99 } };
	for (uint32_t spi = 0x1001; spi < 0x1009; spi++)
		add_pair(spi);
	turn(1, 0x1001, "10.20.0.0/16");
	for (uint32_t spi = 0x1001; spi < 0x1008; spi++) {
		struct esp_move m = { .tunnel = 1,
			.spi_in = spi + 0x10000,
			.spi_out = spi,
			.old_local = here,
			.old_remote = peer,
			.new_local = here,
			.new_remote = fresh };
		ck_assert_msg(kernel_real.sa_move(k, &m) == 0, "%s", kernel_real.why(k));
		if (spi == 0x1001)
			remove_out(0x1008, &peer); /* wherever it is */
	}
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 15);
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
	tcase_add_test(t, too_many_change_nothing);
	tcase_add_test(t, after_a_failure_all_is_set_again);
	tcase_add_test(t, one_slots_policy_is_put_back);
	tcase_add_test(t, slots_that_carry_stay_with_other_selectors);
	tcase_add_test(t, what_an_engine_left_goes_with_the_next_switch);
	tcase_add_loop_test(t, each_moves_and_keeps_its_slot, 0, 3);
	tcase_add_test(t, as_many_as_there_can_be_move);
	tcase_add_test(t, a_child_without_a_slot_turns_no_policy);
	tcase_add_test(t, one_that_is_not_there_moves_nothing);
	tcase_add_test(t, what_was_taken_along_can_be_removed);
	return unit_run_case("slots", t);
}
