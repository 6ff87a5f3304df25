/*
 * test_keeper_tunnels.c - tunnels that the kernel refuses: what the engine is told, and that each is tried again. The kernel, the clock and
 * the way to the engine are the test's own.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf_help.h"
#include "unit.h"

static struct keeper k;
static struct kernel_ops fake;       /* the null kernel, with some functions of ours */
static struct addr taken, elsewhere; /* a name that means `taken` is refused by the kernel */
static bool in_the_way;              /* nothing can be made */
static bool keeps;                   /* the SAs of an earlier run */
static int64_t clock_ms, set_takes;
static unsigned told, sets, dels, kept, differing;
static struct msg_tunnel last;
static unsigned acquires;
static struct msg_acquire acquired;
static kernel_event_fn say; /* what the kernel tells */

/* ---------------------------------------------------------------- the world around */
int64_t keeper_now(void) { return clock_ms; }
struct tunnel_run *keeper_tunnel(struct keeper *keeper, uint32_t id) { return table_get(&keeper->tunnels, id); }
void keeper_fact(struct keeper *keeper, enum fact_code code, enum blame blame, enum fact_subject subject, uint32_t tunnel,
	const char *fmt, ...)
{
	(void)keeper, (void)code, (void)blame, (void)subject, (void)tunnel, (void)fmt;
}
void keeper_repaired(
	struct keeper *keeper, enum fact_subject subject, uint32_t tunnel, const char *was, const char *by, const char *fmt, ...)
{
	(void)keeper, (void)subject, (void)tunnel, (void)was, (void)by, (void)fmt;
}
void keeper_kernel_state(struct keeper *keeper, uint32_t tunnel, const char *differs)
{
	(void)keeper, (void)tunnel, (void)differs;
}
void keeper_kernel_tell(struct keeper *keeper, const struct tunnel_run *t)
{
	(void)keeper;
	ck_assert_str_eq(t->differs, "another program's route is in the way");
	differing++;
}
void keeper_send(struct keeper *keeper, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	(void)keeper, (void)ticket;
	if (kind == MSG_ACQUIRE) {
		ck_assert_uint_eq(size, sizeof acquired);
		memcpy(&acquired, body, sizeof acquired);
		acquires++;
	}
	if (kind != MSG_TUNNEL)
		return;
	ck_assert_uint_eq(size, sizeof last);
	memcpy(&last, body, sizeof last);
	told++;
}
static int fake_open(struct kernel **kernel, kernel_event_fn fn, void *arg)
{
	say = fn;
	return kernel_null.open(kernel, fn, arg);
}
static int fake_tunnel_set(struct kernel *kernel, const struct kernel_tunnel *t)
{
	(void)kernel;
	sets++;
	clock_ms += set_takes;
	return in_the_way || addr_same_ip(&t->dialled, &taken) ? -EEXIST : 0;
}
static int fake_tunnel_del(struct kernel *kernel, uint32_t id, bool keep_blackholes)
{
	(void)kernel, (void)id;
	dels++;
	kept += keep_blackholes;
	return 0;
}
static const char *fake_why(const struct kernel *kernel)
{
	(void)kernel;
	return "another interface uses the same pair of outside addresses";
}
static int fake_adopt(struct kernel *kernel, const struct kernel_tunnel *t, unsigned n, bool keep)
{
	(void)kernel, (void)t, (void)n;
	keeps = keep;
	return -EIO; /* nothing is known to be set */
}
static int fake_held(struct kernel *kernel, kernel_held_fn fn, void *arg)
{
	struct esp_held h = { .tunnel = 1, .spi = 0x1000, .dir = ESP_OUT, .local = taken, .remote = elsewhere };
	(void)kernel;
	fn(arg, &h);
	h.tunnel = 9; /* nobody's */
	fn(arg, &h);
	return 0;
}
static int fake_path(struct kernel *kernel, const struct addr *remote, struct addr *local, uint32_t *mtu)
{
	(void)kernel, (void)remote, (void)local, (void)mtu;
	return -ENETUNREACH;
}

/* ---------------------------------------------------------------- */
static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	ck_assert(addr_parse(&taken, "203.0.113.9") && addr_parse(&elsewhere, "203.0.113.10"));
	memset(&k, 0, sizeof k);
	fake = kernel_null;
	fake.open = fake_open;
	fake.tunnel_set = fake_tunnel_set;
	fake.tunnel_del = fake_tunnel_del;
	fake.why = fake_why;
	fake.adopt = fake_adopt;
	fake.path = fake_path;
	k.ops = &fake;
	k.conf = conf_good(
		"tunnels:\n"
		"  a: { remote: a.example, psk-file: a-long-enough-name, interface-type: vti, inside: 169.254.1.1/30 }\n"
		"  b: { remote: b.example, psk-file: another-long-enough-name, interface-type: vti, inside: 169.254.1.5/30 }\n");
	conf_adopt(k.conf, NULL);
	k.base = event_base_new();
	table_init(&k.tunnels, 1);
	in_the_way = false;
	clock_ms = 1000000;
	set_takes = 0;
	told = sets = dels = kept = acquires = 0;
}

static void teardown(void)
{
	keeper_kernel_close(&k);
	event_base_free(k.base);
	conf_free(k.conf);
}

/* Whatever the timer was set to, it is due now. */
static void work_is_due(void)
{
	ck_assert_msg(evtimer_pending(k.tunnel_work, NULL), "nobody will look at the tunnels again");
	clock_ms += 10000;
	evtimer_del(k.tunnel_work);
	event_active(k.tunnel_work, EV_TIMEOUT, 0);
	event_base_loop(k.base, EVLOOP_NONBLOCK);
}

/* Two that change names: all old ones go first, and the new ones are there before anything else is done. */
START_TEST(another_interface_at_once)
{
	struct conf *old = k.conf;
	ck_assert(keeper_kernel_open(&k));
	work_is_due();
	sets = 0;
	k.conf = conf_good(
		"tunnels:\n"
		"  a: { remote: a.example, psk-file: a-long-enough-name, interface: two, inside: 169.254.1.1/30 }\n"
		"  b: { remote: b.example, psk-file: another-long-enough-name, interface: one, inside: 169.254.1.5/30 }\n");
	conf_adopt(k.conf, old);
	keeper_tunnels_refresh(&k, old);
	ck_assert_uint_eq(dels, 2);
	ck_assert_uint_eq(kept, 2);
	ck_assert_uint_eq(sets, 2);
	keeper_tunnels_refresh(&k, k.conf);
	ck_assert_uint_eq(dels, 2);
	conf_free(old);
}
END_TEST

/* What is as it was is not even looked at. */
START_TEST(one_goes_one_stays_one_comes)
{
	struct conf *old = k.conf;
	uint32_t gone = old->tunnels[0]->id;
	ck_assert(keeper_kernel_open(&k));
	work_is_due();
	sets = 0;
	k.conf = conf_good(
		"tunnels:\n"
		"  b: { remote: b.example, psk-file: another-long-enough-name, interface-type: vti, inside: 169.254.1.5/30 }\n"
		"  c: { remote: c.example, psk-file: a-third-long-enough-name, interface-type: vti, inside: 169.254.1.9/30 }\n");
	conf_adopt(k.conf, old);
	struct tunnel_run *b = keeper_tunnel(&k, k.conf->tunnels[0]->id);
	keeper_tunnels_refresh(&k, old);
	ck_assert_uint_eq(dels, 1);
	ck_assert_ptr_null(keeper_tunnel(&k, gone));
	ck_assert_ptr_eq(keeper_tunnel(&k, k.conf->tunnels[0]->id), b);
	ck_assert_ptr_eq(b->conf, k.conf->tunnels[0]);
	ck_assert_uint_eq(b->set, SET_DONE);
	ck_assert_uint_eq(k.work_next, 1);
	work_is_due();
	ck_assert_uint_eq(sets, 1);
	ck_assert_uint_eq(keeper_tunnel(&k, k.conf->tunnels[1]->id)->set, SET_DONE);
	conf_free(old);
}
END_TEST

static void reload(const char *a, const char *b)
{
	static const char text[] =
		"tunnels:\n"
		"  a: { remote: %s, psk-file: a-long-enough-name, interface-type: vti, inside: 169.254.1.1/30 }\n"
		"  b: { remote: %s, psk-file: another-long-enough-name, interface-type: vti, inside: 169.254.1.5/30 }\n"
		"  c: { remote: c.example, psk-file: a-third-long-enough-name, interface-type: vti, inside: 169.254.1.9/30 }\n";
	char settings[sizeof text + 64];
	struct conf *old = k.conf;
	snprintf(settings, sizeof settings, text, a, b);
	k.conf = conf_good(settings);
	conf_adopt(k.conf, old);
	keeper_tunnels_refresh(&k, old);
	conf_free(old);
}

static void all_are_set(void)
{
	work_is_due();
	for (uint32_t i = 0; i < k.conf->n; i++)
		ck_assert_uint_eq(keeper_tunnel(&k, k.conf->tunnels[i]->id)->set, SET_DONE);
	ck_assert(!evtimer_pending(k.tunnel_work, NULL));
}

/* Those that a reload left as they were, before and behind the others, are looked at only when something of them may wait to be done. */
START_TEST(who_waits_is_not_forgotten)
{
	in_the_way = _i == 1;
	ck_assert(keeper_kernel_open(&k));
	if (_i < 2)
		work_is_due();
	in_the_way = false;
	reload("a.example", "b2.example");
	ck_assert_uint_eq(k.work_next, _i == 0 ? 1 : 0);
	all_are_set();
	reload("a2.example", "b2.example");
	ck_assert(k.work_next == 0 && k.work_rest == 2);
	all_are_set();
	reload("a2.example", "b2.example");
	ck_assert_uint_eq(k.work_next, 3);
	reload("a3.example", "b3.example");
	ck_assert(k.work_next == 0 && k.work_rest == 0);
	all_are_set();
}
END_TEST

START_TEST(a_slow_kernel_does_not_hold_up_the_loop)
{
	ck_assert(keeper_kernel_open(&k));
	set_takes = 6;
	for (unsigned turn = 1; turn <= 2; turn++) {
		keeper_tunnel_work(-1, 0, &k);
		ck_assert_uint_eq(sets, turn);
	}
}
END_TEST

START_TEST(what_cannot_be_made_is_tried_again)
{
	in_the_way = true;
	ck_assert(keeper_kernel_open(&k));
	work_is_due();
	ck_assert_uint_eq(told, 2);
	ck_assert(!last.usable && strstr(last.why, "another interface") != NULL);
	work_is_due();
	ck_assert_uint_eq(told, 2); /* the same is not told twice */
	in_the_way = false;
	work_is_due();
	ck_assert_uint_eq(told, 4);
	ck_assert(last.usable);
	ck_assert(!evtimer_pending(k.tunnel_work, NULL));
	keeper_tunnels_report(&k);
	ck_assert_uint_eq(told, 4);
	ck_assert_uint_eq(differing, 0);
	keeper_tunnel(&k, 1)->differs = xstrdup("another program's route is in the way");
	keeper_tunnels_report(&k);
	ck_assert_uint_eq(differing, 1);
}
END_TEST

/* The engine dials no tunnel that cannot be set up, so it does not ask for its name either: what was found must not stay for ever. */
START_TEST(a_name_that_means_a_refused_address_is_asked_for_again)
{
	ck_assert(keeper_kernel_open(&k));
	work_is_due();
	ck_assert_uint_eq(told, 0);
	keeper_tunnel_found(&k, 1, &taken);
	ck_assert_uint_eq(told, 1);
	ck_assert(!last.usable && last.tunnel == 1);
	work_is_due();
	ck_assert_uint_eq(told, 2);
	ck_assert(last.usable && last.tunnel == 1);
	keeper_tunnel_found(&k, 1, &elsewhere);
	ck_assert_uint_eq(told, 2);
	ck_assert_int_eq(keeper_tunnel(&k, 1)->set, SET_DONE);
}
END_TEST

/* A packet that asks for a child is told with all that it says; all slots at once may ask, and not more than that in a second. */
START_TEST(acquires_are_told)
{
	struct kernel_event e = { .kind = KERNEL_ACQUIRE, .tunnel = 1 };
	struct prefix l, r;
	ck_assert(prefix_parse(&l, "10.1.0.7/32") && prefix_parse(&r, "10.20.0.9/32"));
	e.local = ts_from_prefix(&l);
	e.remote = ts_from_prefix(&r);
	e.remote.protocol = 17;
	e.remote.port_lo = e.remote.port_hi = 53;
	ck_assert(keeper_kernel_open(&k));
	say(&k, &e);
	ck_assert_uint_eq(acquires, 1);
	ck_assert_uint_eq(acquired.tunnel, 1);
	ck_assert(ts_equal(&acquired.local, &e.local) && ts_equal(&acquired.remote, &e.remote));
	for (unsigned i = 1; i < 3 * ESP_SLOTS_MAX; i++)
		say(&k, &e);
	ck_assert_uint_eq(acquires, ESP_SLOTS_MAX);
	e.tunnel = 2; /* the other one has its own */
	say(&k, &e);
	ck_assert_uint_eq(acquires, ESP_SLOTS_MAX + 1);
	e.tunnel = 3;
	say(&k, &e);
	ck_assert_uint_eq(acquires, ESP_SLOTS_MAX + 1);
	e.tunnel = 1;
	clock_ms += 1000;
	say(&k, &e);
	ck_assert_uint_eq(acquires, ESP_SLOTS_MAX + 2);
}
END_TEST

/* All selectors of the children are blocked until one is known; when each with each would be too many policies everything is. */
START_TEST(many_children_are_blocked_as_one)
{
	char yaml[4096];
	for (unsigned n = 16; n <= 17; n++) {
		struct text o = text_of(yaml, sizeof yaml);
		text_add(&o, "tunnels:\n  c:\n    remote: 192.0.2.1\n    psk-file: k\n    children:\n");
		for (unsigned i = 0; i < n; i++)
			text_add(&o, "      - {local-ts: 10.1.%u.0/24, remote-ts: 10.2.%u.0/24}\n", i, i);
		struct conf *c = conf_good(yaml);
		struct kernel_tunnel want;
		keeper_tunnel_describe(&k, c->tunnels[0], NULL, &want);
		ck_assert(ts_policies_fit(want.local_ts, want.remote_ts));
		ck_assert(ts_list_contains(want.local_ts, c->tunnels[0]->local_ts));
		ck_assert(ts_list_contains(want.remote_ts, c->tunnels[0]->remote_ts));
		ck_assert_int_eq(want.local_ts == c->tunnels[0]->local_ts, n == 16);
		conf_free(c);
	}
}
END_TEST

/* Without a record of what an earlier run had: its SAs carry on, and the engine is told of them. */
START_TEST(sas_without_a_record_are_held)
{
	fake.held = fake_held;
	ck_assert(keeper_kernel_open(&k));
	ck_assert(keeps);
	ck_assert_uint_eq(keeper_sas_count(&k), 1);
	ck_assert_ptr_nonnull(keeper_sa(&k, 1, ESP_OUT, 0x1000));
	ck_assert_uint_eq(keeper_tunnel(&k, 1)->n_sas, 1);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, another_interface_at_once);
	tcase_add_test(t, one_goes_one_stays_one_comes);
	tcase_add_loop_test(t, who_waits_is_not_forgotten, 0, 3);
	tcase_add_test(t, a_slow_kernel_does_not_hold_up_the_loop);
	tcase_add_test(t, what_cannot_be_made_is_tried_again);
	tcase_add_test(t, a_name_that_means_a_refused_address_is_asked_for_again);
	tcase_add_test(t, acquires_are_told);
	tcase_add_test(t, sas_without_a_record_are_held);
	tcase_add_test(t, many_children_are_blocked_as_one);
	return unit_run_case("keeper tunnels", t);
}
