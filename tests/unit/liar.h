/*
 * liar.h - a world of two for tests of the state machine: A is the liar (its messages are changed and sealed again), B is judged.
 */
#ifndef UNIT_LIAR_H
#define UNIT_LIAR_H

#include <stdio.h>
#include <string.h>

#include "../sim/hostile.h"
#include "unit.h"

static struct world w;
static struct inside in, reply; /* the last answer of B, opened */
static unsigned replies;
static uint8_t want;                  /* exchange of A whose next request is kept in `in` and lost */
static bool deaf;                     /* A hears nothing of what B answers */
static void (*lie)(struct inside *m); /* changes A's next IKE_AUTH request */

static inline bool tolerates(const char *complaint) { return strstr(complaint, "different keys or algorithms for SPI") != NULL; }

static inline bool watch(struct world *world, const struct packet *p)
{
	struct inside m;
	if (p->from == B && p->n > 19 && p->data[19] & IKE_FLAG_RESPONSE) {
		replies++;
		hostile_open(world, p, &reply);
		return deaf;
	}
	if (p->from != A || !hostile_open(world, p, &m) || m.h.flags & IKE_FLAG_RESPONSE)
		return false;
	if (want && m.h.exchange == want) {
		in = m;
		return true;
	}
	if (!lie || m.h.exchange != EXCHANGE_IKE_AUTH)
		return false;
	void (*now)(struct inside * m) = lie;
	lie = NULL;
	now(&m);
	hostile_send(world, A, &m, 0, 0);
	return true;
}

static inline void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	replies = want = 0;
	deaf = false;
	lie = NULL;
	world_init(&w, 3, false);
	pair(&w);
	w.filter = watch;
	w.tolerates = tolerates;
	w.meddled = true;
}

static inline void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static inline void up(void)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.traffic = false;
	world_run(&w, SECOND);
	ck_assert_msg(!w.failed, "%s", w.why);
	replies = 0;
}

/* An honest peer in A's place is served again. */
static inline void serves_on(void)
{
	want = 0;
	lie = NULL;
	deaf = false;
	host_stop(&w, A);
	host_start(&w, A);
	check_converged(&w, true);
}

/* SA_INIT is done, IKE_AUTH is held back: B has a half-open SA with keys. Its IKE_AUTH request is in `in`. */
static inline void half_open(void)
{
	want = EXCHANGE_IKE_AUTH;
	begin(&w);
	world_run(&w, 3 * SECOND);
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 1);
	ck_assert_uint_gt(in.n, 100);
	replies = 0;
}

static inline struct tunnel *b_tunnel(void) { return tunnel_of(&w, B, "t"); }
static inline struct sa *b_sa(void) { return live_sa(w.hosts[B].ike, b_tunnel(), &(unsigned){ 0 }); }
static inline uint64_t dropped(enum drop_reason why) { return w.hosts[B].ike->totals.dropped[why]; }

static inline uint16_t notify_of(struct inside *m)
{
	size_t n;
	const uint8_t *p = inside_find(m, PAYLOAD_NOTIFY, &n);
	return p && n >= 4 ? (uint16_t)(p[2] << 8 | p[3]) : 0;
}

/* The request as A would send it next, given to B; the answer is in `reply`. */
static inline void ask(struct inside *m, uint8_t exchange)
{
	struct inside head;
	ck_assert(hostile_request(&w, A, "t", exchange, &head));
	head.h.message_id = b_sa() ? b_sa()->core.next_in : 1;
	head.first = m->first;
	head.n = m->n;
	memcpy(head.data, m->data, m->n);
	memset(&reply, 0, sizeof reply);
	deaf = true; /* A knows nothing of it */
	hostile_deliver(&w, B, &head, 0, 0);
	world_run(&w, 200);
}

/* A's own request for a rekey of its child (or of the IKE SA), taken out of its hands. */
static inline void take_rekey(enum ike_command_kind kind)
{
	want = EXCHANGE_CREATE_CHILD_SA;
	order(&w, A, kind);
	world_run(&w, 200);
	ck_assert_uint_gt(in.n, 100);
}

/* Each test of the case has a world of its own. */
static inline int liar_run(const char *name, TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 240);
	return unit_run_case(name, t);
}

#endif
