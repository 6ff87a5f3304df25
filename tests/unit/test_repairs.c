/*
 * test_repairs.c - when the keeper compares what is in the kernel with what is wanted, and what it tells of it: a kernel that finds what the test says.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "conf_help.h"
#include "unit.h"

static struct keeper k;
static struct kernel_ops fake;
static int64_t clock_ms;
static int64_t lasts; /* ms that a comparison takes */
static unsigned compared, repairs_told, expired;
static struct msg_expire last_expire;
static enum fact_subject last_subject;
static uint32_t last_tunnel;
static char last_text[FACT_TEXT], last_by[KERNEL_WHO], last_was[FACT_VALUE], state[FACT_TEXT];
static struct kernel_difference found[64];
static unsigned n_found;
static bool always; /* what is found is found again */
static int breaks;  /* the error of a comparison */

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
	va_list ap;
	(void)keeper;
	repairs_told++;
	last_subject = subject;
	last_tunnel = tunnel;
	snprintf(last_was, sizeof last_was, "%s", was != NULL ? was : "");
	snprintf(last_by, sizeof last_by, "%s", by != NULL ? by : "");
	va_start(ap, fmt);
	vsnprintf(last_text, sizeof last_text, fmt, ap);
	va_end(ap);
}
void keeper_kernel_state(struct keeper *keeper, uint32_t tunnel, const char *differs)
{
	(void)keeper;
	if (tunnel == 1)
		snprintf(state, sizeof state, "%s", differs != NULL ? differs : "");
}
void keeper_kernel_tell(struct keeper *keeper, const struct tunnel_run *t) { (void)keeper, (void)t; }
void keeper_send(struct keeper *keeper, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	(void)keeper, (void)ticket;
	if (kind != MSG_EXPIRE)
		return;
	ck_assert_uint_eq(size, sizeof last_expire);
	memcpy(&last_expire, body, size);
	expired++;
}

static int fake_reconcile(struct kernel *kernel, kernel_difference_fn fn, void *arg)
{
	(void)kernel;
	compared++;
	clock_ms += lasts;
	for (unsigned i = 0; i < n_found; i++)
		fn(arg, &found[i]);
	if (!always)
		n_found = 0;
	return breaks;
}

/* ---------------------------------------------------------------- */
static struct kernel_difference *finds(uint32_t tunnel, enum kernel_object object, const char *what, const char *by)
{
	found[n_found] = (struct kernel_difference){
		.tunnel = tunnel, .object = object, .restored = true, .what = what, .was = "", .why = "", .by = by
	};
	return &found[n_found++];
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	memset(&k, 0, sizeof k);
	fake = kernel_null;
	fake.reconcile = fake_reconcile;
	k.ops = &fake;
	k.conf = conf_good("tunnels:\n"
			   "  a: { remote: 203.0.113.1, psk-file: a-long-enough-name, inside: 169.254.1.1/30 }\n"
			   "  b: { remote: 203.0.113.2, psk-file: another-long-name, inside: 169.254.1.5/30 }\n");
	conf_adopt(k.conf, NULL);
	k.base = event_base_new();
	table_init(&k.tunnels, 1);
	clock_ms = 1000000;
	lasts = 0;
	always = false;
	breaks = 0;
	ck_assert(keeper_kernel_open(&k));
	keeper_tunnel_work(-1, 0, &k);
	evtimer_del(k.tunnel_work);
	compared = repairs_told = expired = n_found = 0;
	state[0] = last_text[0] = 0;
}

static void teardown(void)
{
	keeper_kernel_close(&k);
	event_base_free(k.base);
	conf_free(k.conf);
}

static int64_t waits(void)
{
	struct timeval at, now;
	if (!evtimer_pending(k.repairs.soon, &at))
		return -1;
	event_base_gettimeofday_cached(k.base, &now);
	return (at.tv_sec - now.tv_sec) * 1000 + (at.tv_usec - now.tv_usec) / 1000;
}

/* Somebody did something, and as much time passes as the keeper wants. */
static int64_t touched(void)
{
	keeper_reconcile_soon(&k);
	int64_t wait = waits();
	ck_assert_int_ge(wait, 0);
	clock_ms += wait + 1;
	evtimer_del(k.repairs.soon);
	keeper_reconcile(&k);
	return wait;
}

START_TEST(a_repair_is_told_with_who_did_it)
{
	finds(1, OBJECT_ROUTE, "route 10.1.0.0/16", "networkd");
	finds(1, OBJECT_ROUTE, "route 10.2.0.0/16", "networkd");
	finds(2, OBJECT_INTERFACE, "interface s2s-b", "")->was = "MTU 1300";
	ck_assert_int_lt(touched(), 100);
	ck_assert_uint_eq(repairs_told, 2); /* one of each tunnel and kind */
	ck_assert_int_eq(last_subject, SUBJECT_INTERFACE);
	ck_assert_uint_eq(last_tunnel, 2);
	ck_assert_str_eq(last_was, "MTU 1300");
	ck_assert_str_eq(last_text, "interface s2s-b: had been changed and was put back");
	finds(0, OBJECT_FIREWALL, "nf_tables table s2sd", "nft");
	finds(0, OBJECT_FIREWALL, "nf_tables table s2sd", "nft");
	touched();
	ck_assert_uint_eq(last_tunnel, 0);
	ck_assert_str_eq(last_by, "nft");
	ck_assert_str_eq(last_text, "nf_tables table s2sd and 1 more: had been removed and was put back (by nft)");
}
END_TEST

START_TEST(who_never_stops_is_answered_once_a_second_and_told_a_few_times_a_minute)
{
	always = true;
	finds(1, OBJECT_ROUTE, "route 10.1.0.0/16", "ip");
	int64_t start = clock_ms;
	while (clock_ms - start < 59000)
		touched();
	ck_assert_uint_le(compared, 60);
	ck_assert_uint_ge(compared, 50);
	ck_assert_uint_eq(repairs_told, 5);
	while (repairs_told < 6)
		touched();
	ck_assert_int_lt(clock_ms - start, 63000);
	ck_assert_int_gt(clock_ms - start, 58000);
	ck_assert_msg(strstr(last_text, " times since it was told last") != NULL, "%s", last_text);
	ck_assert_msg(strstr(last_text, "(by ip)") != NULL, "%s", last_text);
}
END_TEST

/* What a reload takes from one tunnel and gives to another is wanted by nobody in between. */
START_TEST(a_reload_is_done_before_anything_is_compared)
{
	finds(1, OBJECT_ROUTE, "route 10.1.0.0/16", "");
	keeper_work_soon(&k, 0);
	keeper_reconcile(&k);
	ck_assert_uint_eq(compared, 0);
	evtimer_del(k.tunnel_work);
	evtimer_del(k.repairs.soon);
	keeper_tunnel_work(-1, 0, &k);
	ck_assert_int_ge(waits(), 0); /* the end of the work asks for it */
	keeper_reconcile(&k);
	ck_assert_uint_eq(compared, 1);
	keeper_work_soon(&k, 10000); /* a tunnel that could not be set up is tried again: nothing waits for that */
	keeper_reconcile(&k);
	ck_assert_uint_eq(compared, 2);
}
END_TEST

START_TEST(comparing_takes_a_twentieth_of_the_time)
{
	lasts = 300;
	touched();
	ck_assert_int_ge(touched(), 5900);
	lasts = 0;
	touched();
	ck_assert_int_lt(touched(), 100); /* nothing was repaired, nothing took long */
}
END_TEST

START_TEST(a_lost_sa_is_the_engines_to_replace)
{
	struct esp_held sa = { .tunnel = 1, .dir = ESP_OUT, .spi = 0x1234 };
	ck_assert(addr_parse(&sa.local, "198.51.100.7") && addr_parse(&sa.remote, "203.0.113.1"));
	keeper_sa_found(&k, &sa);
	ck_assert_ptr_nonnull(keeper_sa(&k, 1, ESP_OUT, 0x1234));
	struct kernel_difference *d = finds(1, OBJECT_SA, "SA 00001234 to 203.0.113.1", "ip");
	*d = (struct kernel_difference){ .tunnel = 1,
		.object = OBJECT_SA,
		.spi = 0x1234,
		.dst = sa.remote,
		.what = d->what,
		.was = "",
		.why = "",
		.by = "ip" };
	always = true;
	touched();
	ck_assert_uint_eq(expired, 1);
	ck_assert(last_expire.lost && last_expire.spi == 0x1234 && last_expire.dir == ESP_OUT);
	ck_assert_ptr_null(keeper_sa(&k, 1, ESP_OUT, 0x1234));
	ck_assert_int_eq(last_subject, SUBJECT_SA);
	touched();
	ck_assert_uint_eq(expired, 1); /* it is known to be gone */
	ck_assert_uint_eq(repairs_told, 1);
	ck_assert_str_eq(state, "");
}
END_TEST

START_TEST(what_cannot_be_put_back_is_the_tunnels_state)
{
	struct kernel_difference *d = finds(1, OBJECT_ROUTE, "route 10.1.0.0/16", "");
	d->restored = false;
	d->why = "a route exists and is not ours";
	touched();
	ck_assert_str_eq(state, "route 10.1.0.0/16 is missing: a route exists and is not ours");
	ck_assert_uint_eq(repairs_told, 0);
	ck_assert_int_ge(touched(), 900);
	ck_assert_str_eq(state, "");
	d = finds(0, OBJECT_FIREWALL, "nf_tables table s2sd", "");
	d->restored = false;
	d->why = "no nf_tables";
	touched();
	ck_assert_str_eq(state, "nf_tables table s2sd is missing: no nf_tables");
}
END_TEST

/* It saw nothing of what comes behind: nothing there is as wanted for that. */
START_TEST(a_comparison_that_broke_off_clears_nothing)
{
	struct kernel_difference *d = finds(1, OBJECT_ROUTE, "route 10.1.0.0/16", "");
	d->restored = false;
	d->why = "a route exists and is not ours";
	touched();
	breaks = -EINTR;
	touched();
	ck_assert_str_ne(state, "");
	breaks = 0;
	touched();
	ck_assert_str_eq(state, "");
}
END_TEST

START_TEST(nothing_is_put_back_while_it_stops)
{
	k.phase = PHASE_STOP;
	keeper_reconcile(&k);
	ck_assert_uint_eq(compared, 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_repair_is_told_with_who_did_it);
	tcase_add_test(t, who_never_stops_is_answered_once_a_second_and_told_a_few_times_a_minute);
	tcase_add_test(t, a_reload_is_done_before_anything_is_compared);
	tcase_add_test(t, comparing_takes_a_twentieth_of_the_time);
	tcase_add_test(t, a_lost_sa_is_the_engines_to_replace);
	tcase_add_test(t, what_cannot_be_put_back_is_the_tunnels_state);
	tcase_add_test(t, a_comparison_that_broke_off_clears_nothing);
	tcase_add_test(t, nothing_is_put_back_while_it_stops);
	return unit_run_case("repairs", t);
}
