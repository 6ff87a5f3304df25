/*
 * test_resume.c - another process after the one that made three tunnels: with its record, and without one.
 */
#include "three_tunnels.h"

static void count_held(void *arg, const struct esp_held *h)
{
	unsigned *of = arg;
	ck_assert(h->tunnel >= 1 && h->tunnel <= TUNNELS && h->spi == 0x1000 + 2 * h->tunnel + h->dir && !h->encap);
	ck_assert(addr_same_ip(&h->local, &here));
	of[h->tunnel]++;
}

static unsigned up_links(void)
{
	unsigned n = 0;
	for (unsigned i = 1; i <= TUNNELS; i++)
		n += (fake_link_named(tunnels[i].interface)->flags & IFF_UP) != 0;
	return n;
}

/* A second life without a record: what carries goes on as it is, but only where it is the same tunnel: by name, number, and outside addresses. */
START_TEST(sas_of_an_earlier_life)
{
	static const unsigned kept[][TUNNELS + 1] = { { 0, 2, 2, 2 }, { 0, 0, 0, 2 }, { 0, 2, 2, 0 } };
	struct kernel *other = k;
	unsigned of[TUNNELS + 1] = { 0 };
	uint64_t before = picture();
	if (_i == 1) {
		snprintf(tunnels[1].interface, sizeof tunnels[1].interface, "s2s-2");
		snprintf(tunnels[2].interface, sizeof tunnels[2].interface, "s2s-1");
	} else if (_i == 2) {
		tunnels[3].remote = peer(9);
	}
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.adopt(k, tunnels + 1, TUNNELS, true) == 0, "%s", kernel_real.why(k));
	kernel_real.close(other);
	ck_assert_int_eq(kernel_real.held(k, count_held, of), 0);
	unsigned sas = kept[_i][1] + kept[_i][2] + kept[_i][3];
	ck_assert_mem_eq(of, kept[_i], sizeof of);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), sas);
	ck_assert_uint_eq(up_links(), sas / 2);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
	if (_i == 0)
		for (unsigned i = 1; i <= TUNNELS; i++) {
			struct esp_link_state state = { .tunnel = i,
				.state = LINK_UP,
				.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
				.local = here,
				.remote = peer(i) };
			struct esp_switch to = {
				.tunnel = i, .slot = 1, .spi_out = 0x1000 + 2 * i + ESP_OUT, .local = here, .remote = peer(i)
			};
			ck_assert_int_eq(kernel_real.sa_switch(k, &to), 0);
			ck_assert_int_eq(kernel_real.tunnel_link(k, &state), 0);
		}
	ck_assert(_i > 0 || picture() == before);
}
END_TEST

static struct esp_held held[TUNNELS][2];
static struct esp_switch slots[TUNNELS];
static const struct esp_switch *switches[TUNNELS][1];
static struct kernel_kept kept[TUNNELS];

/* Another process with the record of what setup() made. */
static void go_on(void)
{
	for (unsigned i = 1; i <= TUNNELS; i++) {
		struct esp_link_state up = { .tunnel = i,
			.state = LINK_UP,
			.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
			.local = here,
			.remote = peer(i) };
		for (uint8_t dir = ESP_IN; dir <= ESP_OUT; dir++)
			held[i - 1][dir] = (struct esp_held){
				.tunnel = i, .spi = 0x1000 + 2 * i + dir, .dir = dir, .local = here, .remote = peer(i)
			};
		slots[i - 1] = (struct esp_switch){
			.tunnel = i, .slot = 1, .spi_out = 0x1000 + 2 * i + ESP_OUT, .local = here, .remote = peer(i)
		};
		switches[i - 1][0] = &slots[i - 1];
		kept[i - 1] = (struct kernel_kept){ .want = tunnels[i],
			.up = up,
			.link = up,
			.n_sas = 2,
			.n_switches = 1,
			.sas = held[i - 1],
			.switches = switches[i - 1] };
	}
	kernel_real.close(k);
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.resume(k, kept, TUNNELS) == 0, "%s", kernel_real.why(k));
}

START_TEST(an_earlier_run_goes_on)
{
	unsigned writes = fake.writes;
	uint64_t before = picture();
	go_on();
	ck_assert_uint_eq(fake.writes, writes + 1); /* the nf_tables table, in one piece */
	ck_assert_uint_eq(picture(), before);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
	/* It is known as if it had been made just now. */
	install(1, ESP_IN + 4);
	ck_assert_int_eq(kernel_real.tunnel_del(k, 2, false), 0);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 2 * TUNNELS - 2 + 1);
}
END_TEST

/* What went between the two runs: an SA is told to be lost, all else is put back. */
START_TEST(what_went_meanwhile_is_found)
{
	struct esp_remove gone = { 1, ESP_OUT, 0x1000 + 2 + ESP_OUT, here, peer(1) };
	struct esp_link_state down = { .tunnel = 2, .state = LINK_DOWN };
	ck_assert_int_eq(kernel_real.sa_del(k, &gone), 0);
	ck_assert_int_eq(kernel_real.tunnel_link(k, &down), 0);
	go_on();
	reconcile();
	ck_assert_uint_eq(told.lost, 1);
	ck_assert(told.surplus == 0 && told.failed == 0);
	ck_assert(told.kinds & 1u << OBJECT_INTERFACE);
	reconcile();
	ck_assert_msg(told.n == 0, "%s", told.text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, sas_of_an_earlier_life, 0, 3);
	tcase_add_test(t, an_earlier_run_goes_on);
	tcase_add_test(t, what_went_meanwhile_is_found);
	return unit_run_case("resume", t);
}
