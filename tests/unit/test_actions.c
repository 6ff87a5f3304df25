/*
 * test_actions.c - the room that a step's actions take.
 */
#include "../../src/ike/machine.h"
#include "unit.h"

/* Thousands of tunnels may act in one step, at the start say: what that took is given back, what an ordinary step takes is kept. */
START_TEST(a_large_step_gives_its_room_back)
{
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct ike_actions a;
	ike_actions_init(&a, &arena);
	struct step s = { .out = &a };
	for (unsigned i = 0; i < 8; i++)
		step_action(&s, ACTION_KEEPALIVE);
	const struct ike_action *kept = a.v;
	ike_actions_reset(&a);
	ck_assert_ptr_eq(a.v, kept);
	for (unsigned i = 0; i < 1000; i++)
		step_action(&s, ACTION_KEEPALIVE);
	ike_actions_reset(&a);
	ck_assert_ptr_null(a.v);
	ck_assert_uint_eq(a.cap, 0);
	step_action(&s, ACTION_KEEPALIVE);
	ck_assert_uint_eq(a.n, 1);
	ike_actions_release(&a);
	arena_release(&arena);
}
END_TEST

UNIT_MAIN("actions", a_large_step_gives_its_room_back)
