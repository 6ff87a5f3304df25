/*
 * test_keeper_tunnels.c - tunnels that the kernel refuses: what the engine is told, and that each is tried again. The kernel, the clock and
 * the way to the engine are the test's own.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "conf_help.h"
#include "unit.h"

static struct keeper k;
static struct addr taken, elsewhere; /* a name that means `taken` is refused by the kernel */
static bool in_the_way;              /* nothing can be made */
static int64_t clock_ms;
static unsigned told, sets;
static struct msg_tunnel last;

/* ---------------------------------------------------------------- the world around */
int64_t keeper_now(void) { return clock_ms; }
struct tunnel_run *keeper_tunnel(struct keeper *keeper, uint32_t id) { return table_get(&keeper->tunnels, id); }
void keeper_fact(struct keeper *keeper, enum fact_code code, enum blame blame, uint32_t tunnel, const char *fmt, ...)
{
	(void)keeper, (void)code, (void)blame, (void)tunnel, (void)fmt;
}
void keeper_tell(struct keeper *keeper, uint32_t kind, struct ticket ticket, const void *body, size_t size)
{
	(void)keeper, (void)ticket;
	if (kind != MSG_TUNNEL)
		return;
	ck_assert_uint_eq(size, sizeof last);
	memcpy(&last, body, sizeof last);
	told++;
}
int kern_tunnel_set(struct kern *kern, const struct kernel_tunnel *t)
{
	(void)kern;
	sets++;
	return in_the_way || addr_same_ip(&t->remote, &taken) ? -EEXIST : 0;
}
const char *kern_why(const struct kern *kern)
{
	(void)kern;
	return "another interface uses the same pair of outside addresses";
}
int kern_open(struct kern **kern, bool null, kernel_event_fn fn, void *arg)
{
	(void)null, (void)fn, (void)arg;
	*kern = NULL;
	return 0;
}
void kern_close(struct kern *kern) { (void)kern; }
unsigned kern_fds(const struct kern *kern, int fds[4])
{
	(void)kern, (void)fds;
	return 0;
}
void kern_read(struct kern *kern, int fd) { (void)kern, (void)fd; }
int kern_adopt(struct kern *kern, const struct kernel_tunnel *t, unsigned n, bool keep)
{
	(void)kern, (void)t, (void)n, (void)keep;
	return -EIO; /* nothing is known to be set */
}
int kern_tunnel_del(struct kern *kern, uint32_t id, bool keep)
{
	(void)kern, (void)id, (void)keep;
	return 0;
}
int kern_remove(struct kern *kern, bool keep)
{
	(void)kern, (void)keep;
	return 0;
}
int kern_tunnel_link(struct kern *kern, const struct esp_link_state *s)
{
	(void)kern, (void)s;
	return 0;
}
int kern_repin(struct kern *kern)
{
	(void)kern;
	return 0;
}
int kern_sa_del(struct kern *kern, const struct esp_remove *r)
{
	(void)kern, (void)r;
	return 0;
}
int kern_counters(struct kern *kern, void (*fn)(void *arg, uint32_t tunnel, const struct esp_counters *c), void *arg)
{
	(void)kern, (void)fn, (void)arg;
	return 0;
}
int kern_path(struct kern *kern, const struct addr *remote, struct addr *local)
{
	(void)kern, (void)remote, (void)local;
	return -ENETUNREACH;
}
int kern_forwarding(struct kern *kern, int family)
{
	(void)kern, (void)family;
	return 1;
}
int kern_set_forwarding(struct kern *kern, int family)
{
	(void)kern, (void)family;
	return 0;
}

/* ---------------------------------------------------------------- */
static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	ck_assert(addr_parse(&taken, "203.0.113.9") && addr_parse(&elsewhere, "203.0.113.10"));
	memset(&k, 0, sizeof k);
	k.conf = conf_good(
		"tunnels:\n"
		"  a: { remote: a.example, psk-file: a-long-enough-name, interface-type: vti, inside: 169.254.1.1/30 }\n"
		"  b: { remote: b.example, psk-file: a-long-enough-name, interface-type: vti, inside: 169.254.1.5/30 }\n");
	conf_adopt(k.conf, NULL);
	k.base = event_base_new();
	table_init(&k.tunnels, 1);
	table_init(&k.sas, 2);
	in_the_way = false;
	clock_ms = 1000000;
	told = sets = 0;
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
	keeper_tunnels_tell(&k);
	ck_assert_uint_eq(told, 4);
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

int main(void)
{
	Suite *s = suite_create("keeper tunnels");
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_cannot_be_made_is_tried_again);
	tcase_add_test(t, a_name_that_means_a_refused_address_is_asked_for_again);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
