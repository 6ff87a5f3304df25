/*
 * test_request_child.c - the engine's requests for the SAs of a child: both or none, the first with its traffic and its interface.
 */
#include <unistd.h>

#include "base/util.h"
#include "request_help.h"

/* ---------------------------------------------------------------- a child in one */
static struct {
	int add_in, do_switch; /* errno values that the kernel answers with */
	unsigned added, removed, switched, linked;
	uint32_t last_removed;
} kernel_said;

static int add_one(struct kernel *kernel, const struct esp_sa *sa)
{
	(void)kernel;
	int err = sa->dir == ESP_IN ? -kernel_said.add_in : 0;
	kernel_said.added += err == 0;
	return err;
}
static int del_one(struct kernel *kernel, const struct esp_remove *r)
{
	(void)kernel;
	kernel_said.removed++;
	kernel_said.last_removed = r->spi;
	return 0;
}
static int switch_one(struct kernel *kernel, const struct esp_switch *s)
{
	(void)kernel, (void)s;
	kernel_said.switched++;
	return -kernel_said.do_switch;
}
static int link_one(struct kernel *kernel, const struct esp_link_state *s)
{
	(void)kernel, (void)s;
	kernel_said.linked++;
	return 0;
}

static struct {
	struct msg_install head;
	struct esp_switch to;
} whole;

static size_t first_child(void)
{
	memset(&whole, 0, sizeof whole);
	whole.head = pair_of(0x1000, 0x2000);
	const struct esp_sa *out = &whole.head.sas.out;
	whole.head.first = 1;
	whole.head.link = (struct esp_link_state){ out->tunnel, LINK_UP, false, out->suite, out->local, out->remote };
	whole.to = (struct esp_switch){
		.tunnel = out->tunnel, .slot = 1, .spi_out = out->spi, .local = out->local, .remote = out->remote
	};
	return sizeof whole.head + offsetof(struct esp_switch, ts);
}

static struct msg_result tried(size_t size, int add_in, int do_switch)
{
	struct kernel_ops ops = kernel_null;
	struct msg_result result = { -1, -1 };
	memset(&kernel_said, 0, sizeof kernel_said);
	kernel_said.add_in = add_in;
	kernel_said.do_switch = do_switch;
	ops.sa_add = add_one;
	ops.sa_del = del_one;
	ops.sa_switch = switch_one;
	ops.tunnel_link = link_one;
	k.ops = &ops;
	ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 0, 0 }, &whole, size);
	if (!answered(MSG_KERNEL_RESULT, &result, sizeof result))
		result.err = -1;
	k.ops = &kernel_null;
	return result;
}

START_TEST(pair_is_installed_both_or_none)
{
	first_child();
	whole.head.first = 0;
	memset(&whole.head.link, 0, sizeof whole.head.link);
	struct msg_result r = tried(sizeof whole.head, ENOBUFS, 0);
	ck_assert_int_eq(r.err, ENOBUFS);
	ck_assert_uint_eq(keeper_sas_count(&k), 0);
	ck_assert(kernel_said.added == 1 && kernel_said.removed == 1 && kernel_said.last_removed == 0x1000);
	r = tried(sizeof whole.head, 0, 0);
	ck_assert_int_eq(r.err, 0);
	ck_assert_uint_eq(keeper_sas_count(&k), 2);
	ck_assert(kernel_said.switched == 0 && kernel_said.linked == 0);
	r = tried(sizeof whole.head, 0, 0); /* the SPIs are there */
	ck_assert_int_eq(r.err, EEXIST);
	ck_assert_uint_eq(keeper_sas_count(&k), 2);
	ck_assert_uint_eq(kernel_said.removed, 0);
	ck_assert(engine_lives());
}
END_TEST

START_TEST(first_child_goes_as_far_as_it_succeeds)
{
	size_t size = first_child();
	struct msg_result r = tried(size, ENOBUFS, 0);
	ck_assert(r.err == ENOBUFS && r.switch_err == 0 && kernel_said.switched == 0 && kernel_said.linked == 0);
	r = tried(size, 0, EBUSY);
	ck_assert(r.err == 0 && r.switch_err == EBUSY && kernel_said.switched == 1 && kernel_said.linked == 0);
	ck_assert_uint_eq(keeper_sas_count(&k), 2);
	first_child();
	whole.head.sas.in.spi = 0x2001;
	whole.head.sas.out.spi = whole.to.spi_out = 0x1001;
	r = tried(size, 0, 0);
	ck_assert(r.err == 0 && r.switch_err == 0 && kernel_said.switched == 1 && kernel_said.linked == 1);
	ck_assert(engine_lives());
}
END_TEST

/* The next run has the slot's traffic as this one, and the interface. */
START_TEST(first_switch_is_saved)
{
	char why[STORE_WHY];
	struct store_bind here;
	struct tunnel_run found = { .conf = k.conf->tunnels[0] };
	size_t size = first_child();
	int fd = store_memory("test");
	ck_assert(store_bind_here(&here, STORE_OF_KEEPER, 1, why));
	k.stores.v = store_create(fd, &here, why);
	ck_assert_ptr_nonnull(k.stores.v);
	ck_assert_int_eq(tried(size, 0, 0).err, 0);
	ck_assert(keeper_saved_tunnel(&k, &found) && found.n_switches == 1 && found.switches[0].spi_out == 0x1000);
	ck_assert(found.linked && found.link.state == LINK_UP);
	keeper_switches_forget(&found);
	free(found.sas);
	store_close(k.stores.v);
	k.stores.v = NULL;
	close(fd);
}
END_TEST

static void other_tunnels_switch(void) { whole.to.tunnel++; }
static void switch_to_another(void) { whole.to.spi_out++; }
static void switch_to_none(void) { whole.to.spi_out = 0; }
static void other_tunnels_link(void) { whole.head.link.tunnel++; }
static void link_down(void) { whole.head.link.state = LINK_DOWN; }
static void two_outbound(void) { whole.head.sas.in.dir = ESP_OUT; }
static void the_other_way(void)
{
	whole.head.sas.in.dir = ESP_OUT;
	whole.head.sas.out.dir = ESP_IN;
}
static void of_two_tunnels(void) { whole.head.sas.in.tunnel++; }
static void short_key_in(void) { whole.head.sas.in.encr_key.len = 3; }
static void first_or_more(void) { whole.head.first = 2; }
static void switch_unannounced(void) { whole.head.first = 0; }
static void no_slot(void) { whole.to.slot = 0; }

static void (*const spoilers[])(void) = { other_tunnels_switch, switch_to_another, switch_to_none, other_tunnels_link, link_down,
	two_outbound, the_other_way, of_two_tunnels, short_key_in, first_or_more, switch_unannounced, no_slot };

/* Nothing of it is done when a part of it is malformed. */
START_TEST(child_that_does_not_fit_together_ends_the_engine)
{
	size_t size = first_child();
	spoilers[_i]();
	tried(size, 0, 0);
	ck_assert(!engine_lives());
	ck_assert(kernel_said.added == 0 && kernel_said.switched == 0 && kernel_said.linked == 0);
}
END_TEST

START_TEST(foreign_end_in_any_part_is_refused)
{
	struct addr *const ends[] = { &whole.head.sas.out.remote, &whole.head.sas.in.remote, &whole.to.remote,
		&whole.head.link.remote };
	struct tunnel_conf *t = k.conf->tunnels[0];
	struct addr kept = t->remote;
	size_t size = first_child();
	if (_i >= 4) /* the configuration leaves the peer's address open, and behind a tunnel is no peer */
		t->remote.family = 0;
	ck_assert(addr_parse(ends[_i % 4], _i >= 4 ? "10.1.0.66" : "203.0.113.66"));
	ck_assert_int_eq(tried(size, 0, 0).err, EPERM);
	ck_assert(kernel_said.added == 0 && kernel_said.switched == 0 && kernel_said.linked == 0);
	ck_assert(engine_lives());
	t->remote = kept;
}
END_TEST

/* ---------------------------------------------------------------- children side by side */
/* All slots may be rekeyed at once, the old ones lingering; without end it does not go on. */
START_TEST(as_many_sas_as_slots_need)
{
	unsigned n = 0;
	int err = 0;
	while (err == 0 && n < 10000)
		err = installed(0x1000 + n, 0x100000 + n), n += err == 0 ? 2 : 0;
	ck_assert_int_eq(err, ENOSPC);
	ck_assert_uint_ge(n, 6 * ESP_SLOTS_MAX);
	ck_assert_uint_le(n, 16 * ESP_SLOTS_MAX);
	ck_assert(engine_lives());
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("requests");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, pair_is_installed_both_or_none);
	tcase_add_test(t, first_child_goes_as_far_as_it_succeeds);
	tcase_add_test(t, first_switch_is_saved);
	tcase_add_loop_test(t, child_that_does_not_fit_together_ends_the_engine, 0, ARRAY_SIZE(spoilers));
	tcase_add_loop_test(t, foreign_end_in_any_part_is_refused, 0, 8);
	tcase_add_test(t, as_many_sas_as_slots_need);
	return unit_run_case("request_child", t);
}
