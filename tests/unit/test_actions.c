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

static struct fact *said(struct step *s, enum fact_code code, const char *text, const char *ours)
{
	ike_report(s, code, BLAME_NONE, NULL, NULL, "%s", text);
	if (ours != NULL)
		ike_report_compared(s, NULL, PROTOCOL_ESP, 14, ours, "theirs");
	return s->out->v[s->out->n - 1].fact;
}

/* A fact's place is used again: nothing of what it said before is left, however many there were. */
START_TEST(a_fact_says_nothing_of_the_one_before)
{
	static const struct fact empty;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct ike_actions a;
	ike_actions_init(&a, &arena);
	struct step s = { .out = &a };
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3 * ARRAY_SIZE(a.spare); i++)
			said(&s, FACT_NO_PROPOSAL, "a long sentence about the peer", "what we have");
		ike_actions_reset(&a);
		ck_assert_uint_eq(a.spares, ARRAY_SIZE(a.spare));
	}
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(a.spare); i++) {
		struct fact *f = said(&s, FACT_DOWN, "x", NULL);
		ck_assert_str_eq(f->text, "x");
		f->code = 0;
		f->blame = 0;
		f->text[0] = 0;
		ck_assert_mem_eq(f, &empty, sizeof empty);
	}
	ike_actions_release(&a);
	arena_release(&arena);
}
END_TEST

UNIT_MAIN("actions", a_large_step_gives_its_room_back, a_fact_says_nothing_of_the_one_before)
