/*
 * test_restore.c - records of tunnels: what is written is what is read; what is cut off, changed or another's is refused, or makes an engine that holds
 * together; an engine that went on skips IVs and does not cry all at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/world.h"
#include "ike/record.h"
#include "unit.h"

static struct world w;

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	world_init(&w, 11, false);
	pair(&w);
	w.kernel_max = 60; /* so that each moment is met */
	begin(&w);
	await_up(&w, 10 * SECOND);
	world_run(&w, 20 * SECOND);
	w.meddled = true;
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static void two_children(void)
{
	set_pairs(&w, A, "t", "10.1", "10.2", 2);
	set_pairs(&w, B, "t", "10.2", "10.1", 2);
	host_load(&w, A);
	host_load(&w, B);
	world_run(&w, 30 * SECOND);
}

static struct sa *sa_of(int host) { return live_sa(w.hosts[host].ike, tunnel_of(&w, host, "t"), &(unsigned){ 0 }); }
static struct bytes *kept(int host) { return &w.hosts[host].kept[tunnel_id(&w, host, "t")]; }

/* Whatever is under way in A at one moment or another: rekeys from either side, a DELETE, an answer that waits. */
static void step_through(void (*look)(void), msec pace)
{
	static const struct {
		int host;
		enum ike_command_kind kind;
	} orders[] = { { A, COMMAND_REKEY }, { B, COMMAND_REKEY }, { A, COMMAND_REKEY_IKE }, { B, COMMAND_REKEY_IKE } };
	for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
		order(&w, orders[i].host, orders[i].kind);
		for (msec at = 0; at < 1500; at += pace) {
			world_run(&w, pace);
			look();
		}
		world_run(&w, 10 * SECOND);
	}
}

/* ---------------------------------------------------------------- both ways */

static unsigned kinds[XS_SWITCH + 1], held;

static void reads_as_written(void)
{
	static uint8_t mem[65536];
	struct tunnel read = { 0 };
	struct buf b = buf_of(mem, sizeof mem), again = buf_of(mem + 32768, 32768);
	b.cap = 32768;
	const struct tunnel *t = tunnel_of(&w, A, "t");
	ck_assert(record_write(t, &b));
	ck_assert_uint_lt(b.len, 8000);
	ck_assert(record_read(&read, buf_view(&b)));
	for (const struct sa *sa = read.sa_list; sa; sa = sa->tunnel_next) {
		kinds[sa->ours.core.state]++;
		held += sa->theirs.core.state == XS_SWITCH;
		ck_assert_ptr_null(sa->auth);
	}
	ck_assert(record_write(&read, &again));
	ck_assert(bytes_equal(buf_view(&b), buf_view(&again)));
	record_release(&read);
}

START_TEST(what_is_written_is_read)
{
	step_through(reads_as_written, 2); /* an answer that waits for our kernel waits a few ms */
	two_children();
	step_through(reads_as_written, 2);
	ck_assert_uint_gt(kinds[XS_IDLE], 0);
	ck_assert_uint_gt(kinds[XS_SENT], 0);
	ck_assert_uint_gt(kinds[XS_INSTALL], 0);
	ck_assert_uint_eq(kinds[XS_DERIVE] + kinds[XS_KE], 0);
	ck_assert_uint_gt(held, 0);
}
END_TEST

/* Who sends NAT keepalives is known to the next engine: the kernel goes on, and two would be one too many. */
START_TEST(the_kernels_keepalives_go_on)
{
	static uint8_t mem[65536];
	for (unsigned by_kernel = 0; by_kernel < 2; by_kernel++) {
		struct buf b = buf_of(mem, sizeof mem);
		struct tunnel read = { 0 };
		sa_of(A)->children->core.keepalive = by_kernel != 0;
		ck_assert(record_write(tunnel_of(&w, A, "t"), &b));
		ck_assert(record_read(&read, buf_view(&b)));
		ck_assert_int_eq(read.sa_list->children->core.keepalive, by_kernel != 0);
		record_release(&read);
	}
	sa_of(A)->children->core.keepalive = false;
}
END_TEST

/* Layout 3 had no keepalives: what it has of a tunnel would be read as if its kernel sent none. */
START_TEST(another_layout_is_not_read)
{
	static uint8_t mem[65536];
	static const uint8_t layouts[] = { 0, 3, RECORD_VERSION - 1, RECORD_VERSION + 1, 255 };
	for (unsigned i = 0; i < sizeof layouts; i++) {
		struct buf b = buf_of(mem, sizeof mem);
		struct tunnel read = { 0 };
		ck_assert(record_write(tunnel_of(&w, A, "t"), &b));
		mem[0] = layouts[i];
		ck_assert(!record_read(&read, buf_view(&b)));
		record_release(&read);
	}
}
END_TEST

START_TEST(an_idle_tunnel_is_small)
{
	world_run(&w, MINUTE);
	ck_assert_uint_gt(kept(A)->n, 0);
	ck_assert_uint_lt(kept(A)->n, 1024);
}
END_TEST

/* ---------------------------------------------------------------- hostile */

/* An engine that is given such a record: it holds together, whatever it makes of it. True: it went on from it. */
static bool survives(const uint8_t *record, size_t n, bool runs)
{
	struct host *h = &w.hosts[A];
	struct ike *ours = h->ike;
	uint32_t id = tunnel_id(&w, A, "t");
	struct ike_kept one = { .tunnel = id, .record = { record, n } };
	struct ike_restore from = { 1, &one };
	struct ike_event e = { .kind = EVENT_CONF, .conf = { conf_unpack(h->given), &from } };
	struct moment now = world_moment(&w);
	h->ike = ike_new(prng_fill, &h->fill);
	ike_step(h->ike, now, &e, &h->actions);
	bool refused = false;
	for (uint32_t i = 0; i < h->actions.n; i++)
		refused |= h->actions.v[i].kind == ACTION_REPORT && h->actions.v[i].fact->code == FACT_NOT_RESTORED;
	ike_actions_reset(&h->actions);
	for (unsigned i = 0; i < 30 && runs && !refused; i++) {
		struct mono at = ike_next(h->ike);
		now.mono = at.ms > now.mono.ms && !mono_is_never(at) ? at : now.mono;
		ike_step(h->ike, now, &(struct ike_event){ .kind = EVENT_TIMER }, &h->actions);
		ike_actions_reset(&h->actions);
	}
	uint8_t link = h->link[id];
	h->link[id] = tunnel_by_id(h->ike, id)->state == TUNNEL_UP ? LINK_UP : LINK_DOWN;
	check_step(&w, A);
	h->link[id] = link;
	ike_free(h->ike);
	h->ike = ours;
	return !refused;
}

static void cut_and_flip(void)
{
	static unsigned looks;
	struct bytes r = *kept(A);
	static uint8_t copy[16384];
	if (looks++ % 16 || r.n > sizeof copy)
		return;
	memcpy(copy, r.p, r.n);
	ck_assert(survives(copy, r.n, false));
	for (size_t n = 1; n < r.n; n++)
		ck_assert_msg(!survives(copy, n, false), "the first %zu of %zu octets are taken for a record", n, r.n);
	for (size_t i = 0; i < r.n; i++) {
		uint8_t was = copy[i];
		copy[i] = (uint8_t)(was ^ 1u << (i + looks) % 8);
		survives(copy, r.n, true);
		copy[i] = looks & 16 ? 0xff : 0;
		survives(copy, r.n, true);
		copy[i] = was;
	}
	memset(copy + r.n, 0, 8);
	ck_assert(!survives(copy, r.n + 1, false));
}

START_TEST(damaged_records_do_no_harm)
{
	two_children();
	step_through(cut_and_flip, 10);
}
END_TEST

/* ---------------------------------------------------------------- it goes on */

START_TEST(no_iv_is_used_twice)
{
	uint64_t before = sa_of(A)->core.iv_out;
	w.hosts[A].dies_in = 1;
	host_wake(&w, A);
	ck_assert_uint_eq(w.hosts[A].deaths, 1);
	ck_assert_uint_ge(sa_of(A)->core.iv_out, before + 65536);
}
END_TEST

/* The liveness checks of all tunnels come within the interval, not at once. */
START_TEST(they_do_not_all_ask_at_once)
{
	msec first = INT64_MAX, last = 0;
	for (unsigned i = 0; i < 20; i++) {
		w.hosts[A].dies_in = 1;
		host_wake(&w, A);
		msec in = sa_liveness_at(sa_of(A)).ms - w.now;
		ck_assert_int_ge(in, 0);
		ck_assert_int_le(in, sa_of(A)->tunnel->conf->dpd_interval);
		first = in < first ? in : first;
		last = in > last ? in : last;
	}
	ck_assert_int_gt(last - first, sa_of(A)->tunnel->conf->dpd_interval / 2);
}
END_TEST

/* An engine dies, and the next one is given these settings at once. */
static void comes_back_to(const char *key, const char *value, uint32_t psk_changes)
{
	w.stays_dead = true;
	w.hosts[A].dies_in = 1;
	host_wake(&w, A);
	if (key)
		set(&w, A, "t", key, value);
	host_load(&w, A);
	w.hosts[A].conf->tunnels[0]->psk_changes += psk_changes;
	bytes_drop(&w.hosts[A].given);
	w.hosts[A].given = conf_pack(w.hosts[A].conf);
	w.hosts[A].reload_due = false;
	w.stays_dead = false;
	host_restore(&w, A);
}

/* What was authenticated with another key, or as another, is not gone on with. */
START_TEST(a_record_of_other_settings_starts_over)
{
	comes_back_to("dpd-interval", "7s", 0);
	ck_assert(sa_of(A) && !sa_of(A)->delete_due && sa_of(A)->state == SA_ESTABLISHED);
	comes_back_to(NULL, NULL, 1);
	ck_assert(saw(&w, A, FACT_CONF_CHANGED, BLAME_OPERATOR));
	ck_assert(!saw(&w, A, FACT_NOT_RESTORED, BLAME_LOCAL));
	uint64_t inits = w.hosts[A].inits;
	ck_assert_ptr_null(sa_of(A));
	world_run(&w, 10 * SECOND);
	ck_assert_uint_gt(w.hosts[A].inits, inits);
	comes_back_to(NULL, NULL, 0);
	ck_assert(sa_of(A) && !sa_of(A)->delete_due);
}
END_TEST

/* Its own record, for another tunnel's settings: the selectors are others. */
START_TEST(the_record_of_other_selectors_is_refused)
{
	two_children();
	set_pairs(&w, A, "t", "10.1", "10.3", 2);
	comes_back_to(NULL, NULL, 0);
	ck_assert(saw(&w, A, FACT_NOT_RESTORED, BLAME_LOCAL));
}
END_TEST

/* ---------------------------------------------------------------- liveness checks */

static void asked_every_five_seconds(void)
{
	w.traffic = false;
	for (int host = 0; host < 2; host++) {
		set(&w, host, "t", "dpd-interval", "5s");
		host_load(&w, host);
	}
	world_run(&w, 20 * SECOND); /* the records are of these engines, and of what they are like now */
}

/* An idle minute: what there is to say is said by notes. */
START_TEST(liveness_checks_are_noted)
{
	asked_every_five_seconds();
	for (unsigned host = 0; host < 2; host++) {
		uint32_t id = tunnel_id(&w, (int)host, "t");
		const uint8_t *record = kept((int)host)->p;
		uint32_t messages = sa_of((int)host)->core.next_out + sa_of((int)host)->core.next_in;
		world_run(&w, MINUTE);
		ck_assert_uint_gt(sa_of((int)host)->core.next_out + sa_of((int)host)->core.next_in, messages + 3);
		ck_assert_ptr_eq(kept((int)host)->p, record);
		ck_assert_uint_eq(w.hosts[host].noted[id].n, STORE_NOTE);
	}
}
END_TEST

static struct sent_message copy_of(const struct sent_message *f)
{
	struct sent_message copy = { .n = f->n, .size = f->size, .data = malloc(f->size + 1u) };
	memcpy(copy.data, f->data, f->size);
	return copy;
}

/* What only who looks for faults reads is not told when nobody does. */
START_TEST(checks_are_told_to_who_looks)
{
	asked_every_five_seconds();
	const unsigned *told = &w.hosts[A].facts[FACT_LIVENESS][BLAME_NONE];
	for (unsigned wanted = 0; wanted < 2; wanted++) {
		unsigned before = *told;
		uint64_t checks = tunnel_of(&w, A, "t")->counters[COUNTER_LIVENESS_CHECKS];
		ike_debug(w.hosts[A].ike, wanted != 0);
		world_run(&w, MINUTE);
		checks = tunnel_of(&w, A, "t")->counters[COUNTER_LIVENESS_CHECKS] - checks;
		ck_assert_uint_gt(checks, 0);
		ck_assert_uint_eq(*told - before, wanted ? checks : 0);
	}
}
END_TEST

/* It dies while a check of its own is open, and its answer to one of the peer's is kept: both are as they were, the peer's SA and its IVs go on. */
START_TEST(noted_messages_are_the_same_again)
{
	asked_every_five_seconds();
	struct sa *sa = sa_of(A);
	w.partition = true;
	msec until = w.now + MINUTE;
	while (sa->ours.core.state != XS_SENT && w.now < until)
		world_run(&w, 1);
	ck_assert_int_eq(sa->ours.core.kind, X_LIVENESS);
	ck_assert_uint_eq(w.hosts[A].noted[tunnel_id(&w, A, "t")].n, STORE_NOTE);
	struct sent_message ours = copy_of(&sa->ours.sent), theirs = copy_of(&sa->theirs.sent);
	struct sa_core core = sa->core;
	for (unsigned life = 0; life < 3; life++) {
		w.hosts[A].dies_in = 1;
		host_wake(&w, A);
		ck_assert_uint_eq(w.hosts[A].deaths, life + 1);
		sa = sa_of(A);
		ck_assert(sa && sa->ours.core.state == XS_SENT && sa->ours.core.kind == X_LIVENESS);
		ck_assert(sa->ours.core.message_id == core.next_out - 1 && sa->core.next_out == core.next_out &&
			  sa->core.next_in == core.next_in);
		ck_assert_uint_ge(sa->core.iv_out, core.iv_out + 65536);
		ck_assert(sa->ours.sent.n == ours.n && sa->theirs.sent.n == theirs.n && sa->theirs.sent.size == theirs.size);
		ck_assert_mem_eq(sa->ours.sent.data, ours.data, ours.size);
		ck_assert_mem_eq(sa->theirs.sent.data, theirs.data, theirs.size);
	}
	w.partition = false;
	world_run(&w, MINUTE);
	ck_assert(sa_of(A) && !memcmp(sa_of(A)->core.spi_i, core.spi_i, sizeof core.spi_i));
	free(ours.data);
	free(theirs.data);
}
END_TEST

/* After a death IVs are left out that a note would not know of: until there is a record of this life nothing is noted. */
START_TEST(nothing_is_noted_beside_another_lifes_record)
{
	struct tunnel *t = tunnel_of(&w, A, "t");
	asked_every_five_seconds();
	ck_assert(t->notable);
	const uint8_t *record = kept(A)->p;
	t->notable = false; /* as it is in an engine that has gone on */
	world_run(&w, 11 * SECOND);
	ck_assert_ptr_ne(kept(A)->p, record);
	ck_assert(t->notable);
	ck_assert_uint_eq(w.hosts[A].noted[t->id].n, STORE_NOTE);
}
END_TEST

/* A note that somebody has been at. */
START_TEST(notes_that_do_not_fit_are_refused)
{
	static const struct {
		int32_t next_out, next_in;
		uint32_t ours, theirs;
		bool fits;
	} notes[] = { { 0, 0, 0, 0, true }, { 2, 3, 2, 1, true }, { -1, 0, 0, 0, false }, { 0, -1, 0, 0, false },
		{ 1, 1, 1, 1, false }, { 0, 1, 0, 0, false }, { 1, 0, 0x7fffffff, 0, false }, { 0, 1, 0, 0x7fffffff, false } };
	static uint8_t mem[65536];
	for (unsigned i = 0; i < sizeof notes / sizeof *notes; i++) {
		struct buf record = buf_of(mem, sizeof mem);
		struct tunnel read = { 0 };
		uint8_t v[STORE_NOTE];
		struct buf b = buf_of(v, sizeof v);
		struct step s = { w.hosts[A].ike, world_moment(&w), &w.hosts[A].actions };
		ck_assert(record_write(tunnel_of(&w, A, "t"), &record));
		ck_assert(record_read(&read, buf_view(&record)));
		ck_assert_int_eq(read.sa_list->ours.core.state, XS_IDLE);
		put_u32(&b, read.sa_list->core.next_out + (uint32_t)notes[i].next_out);
		put_u32(&b, read.sa_list->core.next_in + (uint32_t)notes[i].next_in);
		put_u32(&b, notes[i].ours);
		put_u32(&b, notes[i].theirs);
		put_u64(&b, 12345);
		ck_assert(!record_take_note(&s, &read, bytes_of(v, sizeof v - 1)));
		ck_assert_msg(record_take_note(&s, &read, buf_view(&b)) == notes[i].fits, "note %u", i);
		record_release(&read);
		arena_reset(w.hosts[A].actions.arena);
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("restore");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, the_kernels_keepalives_go_on);
	tcase_add_test(t, another_layout_is_not_read);
	tcase_add_test(t, an_idle_tunnel_is_small);
	tcase_add_test(t, damaged_records_do_no_harm);
	tcase_add_test(t, no_iv_is_used_twice);
	tcase_add_test(t, they_do_not_all_ask_at_once);
	tcase_add_test(t, a_record_of_other_settings_starts_over);
	tcase_add_test(t, the_record_of_other_selectors_is_refused);
	tcase_add_test(t, liveness_checks_are_noted);
	tcase_add_test(t, checks_are_told_to_who_looks);
	tcase_add_test(t, noted_messages_are_the_same_again);
	tcase_add_test(t, nothing_is_noted_beside_another_lifes_record);
	tcase_add_test(t, notes_that_do_not_fit_are_refused);
	return unit_run_case("restore", t);
}
