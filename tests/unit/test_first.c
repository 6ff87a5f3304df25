/*
 * test_first.c - the first child of a tunnel that is down: one request installs its SAs, switches to it and takes the interface up. What comes of it when a
 * part fails, when the child is gone by then, and when something else was said meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "../sim/world.h"
#include "ike/machine.h"
#include "unit.h"

static struct world w;
static struct host *b;
static struct tunnel *t;
static struct ike_ticket ticket;

/* Until B asks for a child; the simulated kernel forgets the request: its answers are this test's. */
static const struct ike_action *asked(void)
{
	static struct ike_action found;
	for (unsigned ms = 0; ms < 20000; ms++) {
		for (unsigned i = 0; i < w.n_queue; i++) {
			const struct wevent *e = w.queue[i];
			if (e->kind == W_KERNEL && e->host == B && e->kernel.action->kind == ACTION_INSTALL &&
				b->jobs_pending == 0) {
				found = *e->kernel.action;
				ticket = found.install.ticket;
				return &found;
			}
		}
		world_run(&w, 1);
	}
	ck_abort_msg("no child is made");
	return NULL;
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	world_init(&w, 5, false);
	pair(&w);
	w.kernel_max = 5000; /* time enough to come before it */
	w.meddled = true;
	begin(&w);
	b = &w.hosts[B];
	t = tunnel_of(&w, B, "t");
}

static void teardown(void) { world_release(&w); }

/* One step of B alone; what it wants done is looked at, and not done. */
static void step(const struct ike_event *in)
{
	ike_actions_reset(&b->actions);
	ike_step(b->ike, world_moment(&w), in, &b->actions);
}

static void kernel_says(int err, int switch_err)
{
	struct ike_event in = { .kind = EVENT_KERNEL_RESULT, .kernel = { ticket, err, switch_err } };
	step(&in);
}

static const struct ike_action *said(enum ike_action_kind kind)
{
	for (uint32_t i = 0; i < b->actions.n; i++)
		if (b->actions.v[i].kind == kind)
			return &b->actions.v[i];
	return NULL;
}

START_TEST(first_child_brings_policy_and_link)
{
	const struct ike_action *a = asked();
	ck_assert_ptr_nonnull(a->install.to);
	ck_assert_uint_eq(a->install.to->spi_out, a->install.sas.out.spi);
	ck_assert_int_eq(a->install.link.state, LINK_UP);
	ck_assert(addr_equal(&a->install.link.remote, &a->install.sas.out.remote));
	kernel_says(0, 0);
	ck_assert(t->link_up && t->slots->current != NULL);
	ck_assert_ptr_nonnull(said(ACTION_SEND));
	ck_assert(said(ACTION_SWITCH) == NULL && said(ACTION_LINK) == NULL);
}
END_TEST

START_TEST(refused_sas_bring_nothing)
{
	asked();
	kernel_says(EEXIST, 0);
	ck_assert(!t->link_up && t->slots->current == NULL);
	ck_assert_ptr_nonnull(said(ACTION_SEND)); /* that there is no child */
	ck_assert(said(ACTION_SWITCH) == NULL && said(ACTION_LINK) == NULL);
}
END_TEST

START_TEST(refused_policy_closes_the_child)
{
	asked();
	kernel_says(0, EBUSY);
	ck_assert(!t->link_up && t->slots->current == NULL);
	ck_assert(said(ACTION_LINK) == NULL);
	ck_assert_int_eq(t->last_error->code, FACT_KERNEL_FAILED);
}
END_TEST

/* Nobody wants it any more when the kernel has done it all: what it did is undone. */
START_TEST(interface_goes_down_with_a_child_that_is_gone)
{
	asked();
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { COMMAND_DOWN, t->id, 0 } };
	step(&in);
	kernel_says(0, 0);
	ck_assert(!t->link_up);
	ck_assert_ptr_nonnull(said(ACTION_REMOVE));
	const struct ike_action *link = said(ACTION_LINK);
	ck_assert_ptr_nonnull(link);
	ck_assert_int_eq(link->link.state, LINK_DOWN);
}
END_TEST

/* In the kernel's order the later word counts: it is switched to again. */
START_TEST(later_word_about_the_slot_counts)
{
	asked();
	slot_told(t, t->slots, TOLD_BLOCKED);
	kernel_says(0, 0);
	const struct ike_action *to = said(ACTION_SWITCH);
	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(to->swtch.to->spi_out, t->slots->switching->core.spi_out);
}
END_TEST

START_TEST(where_others_carry_nothing_goes_with_the_sas)
{
	t->link_up = true; /* as if */
	ck_assert_ptr_null(asked()->install.to);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("first");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, first_child_brings_policy_and_link);
	tcase_add_test(c, refused_sas_bring_nothing);
	tcase_add_test(c, refused_policy_closes_the_child);
	tcase_add_test(c, interface_goes_down_with_a_child_that_is_gone);
	tcase_add_test(c, later_word_about_the_slot_counts);
	tcase_add_test(c, where_others_carry_nothing_goes_with_the_sas);
	return unit_run_case("first", c);
}
