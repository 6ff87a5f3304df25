/* test_nl.c - netlink requests, asked of the real kernel: reading needs no right. */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>

#include "kernel/nl.h"
#include "unit.h"

#define NO_TABLE 4711

static struct nl nl;
static char why[NL_WHY];

static void setup(void) { ck_assert_int_eq(nl_open(&nl, NETLINK_ROUTE, why), 0); }
static void teardown(void) { nl_close(&nl); }

static void count(void *arg, const struct nlmsghdr *h)
{
	(void)h;
	++*(unsigned *)arg;
}

static int list_routes(uint32_t table, unsigned *n)
{
	struct nlm m;
	struct rtmsg *r = nlm_begin(&m, RTM_GETROUTE, 0, sizeof *r);
	r->rtm_family = AF_INET;
	nlm_put_u32(&m, RTA_TABLE, table);
	*n = 0;
	why[0] = 0;
	return nl_dump(&nl, &m, "list routes", count, n);
}

/* Who took it for an empty one would believe that everything is gone. */
START_TEST(a_dump_that_breaks_off_is_an_error)
{
	unsigned n;
	ck_assert_int_eq(list_routes(NO_TABLE, &n), -ENOENT);
	ck_assert_str_ne(why, "");
	ck_assert_msg(list_routes(RT_TABLE_LOCAL, &n) == 0, "%s", why);
	ck_assert_uint_gt(n, 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("dumps");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_dump_that_breaks_off_is_an_error);
	return unit_run_case("nl", t);
}
