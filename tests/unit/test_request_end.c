/*
 * test_request_end.c - how an engine ends, by its own requests or by its death, and what that leaves to the next one.
 */
#include "request_help.h"

/* ---------------------------------------------------------------- what ends the engine */
static void send_counters(void) { ipc_send(engine, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0); }
static void send_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ipc_send_fds(engine, MSG_ASK_COUNTERS, NULL, 0, &fd, 1);
	close(fd);
}
static void send_unknown(void) { ipc_send(engine, MSG_KIND_COUNT, (struct ike_ticket){ 0, 0 }, NULL, 0); }
static void send_answer(void) { ipc_send(engine, MSG_AUTH_RESULT, (struct ike_ticket){ 0, 0 }, NULL, 0); }
static void send_too_much(void) { ipc_send(engine, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, "x", 1); }
static void send_too_little(void) { ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 0, 0 }, "x", 1); }
static void send_at_a_wrong_time(void) { ipc_send(engine, MSG_IDLE, (struct ike_ticket){ 0, 0 }, NULL, 0); }
static void send_malformed(void)
{
	struct esp_link_state l = { .tunnel = 1, .state = 99 };
	ipc_send(engine, MSG_LINK, (struct ike_ticket){ 0, 0 }, &l, sizeof l);
}
static void send_denied(void)
{
	struct esp_remove r = { 1, ESP_IN, 0x1000, { 0 }, { 0 } };
	ck_assert(addr_parse(&r.local, "192.0.2.7") && addr_parse(&r.remote, "192.0.2.8"));
	ipc_send(engine, MSG_REMOVE, (struct ike_ticket){ 0, 0 }, &r, sizeof r);
}

static const struct {
	const char *name;
	void (*send)(void);
	bool lives;
} asked[] = {
	{ "counters", send_counters, true },
	{ "something that is not there", send_denied, true },
	{ "with a descriptor", send_descriptor, false },
	{ "an unknown kind", send_unknown, false },
	{ "a kind that goes the other way", send_answer, false },
	{ "too long", send_too_much, false },
	{ "too short", send_too_little, false },
	{ "at a wrong time", send_at_a_wrong_time, false },
	{ "malformed", send_malformed, false },
};

START_TEST(what_is_not_in_the_table_ends_the_engine)
{
	asked[_i].send();
	turn();
	ck_assert_msg(engine_lives() == asked[_i].lives, "%s", asked[_i].name);
	if (asked[_i].lives)
		return;
	ck_assert_ptr_null(k.engine);
	ck_assert_int_eq(kill(victim, 0), -1); /* killed and collected */
	ck_assert_int_eq(k.phase, PHASE_DOWN);
}
END_TEST

/* ---------------------------------------------------------------- what it leaves */
static int counters_of_unused(struct kernel *kernel, kernel_count_fn fn, void *arg)
{
	const struct tunnel_run *t = keeper_tunnel(&k, 1);
	(void)kernel;
	for (unsigned i = 0; i < t->n_sas; i++)
		fn(arg, 1, &(struct esp_counters){ .tunnel = 1, .spi = t->sas[i].spi, .dir = t->sas[i].dir });
	return 0;
}

/* Its records may have counters from before: that an SA has none is told, too. */
static void next_one_is_told_of_unused(void)
{
	struct kernel_ops ops = kernel_null;
	struct ipc_message m = { .head = { .kind = MSG_ASK_COUNTERS } };
	ops.counters = counters_of_unused;
	k.ops = &ops;
	k.phase = PHASE_RUN;
	keeper_request(&k, &m);
	ipc_flush(k.engine);
	ck_assert_int_eq(ipc_receive(engine, &m), 1);
	ck_assert_uint_eq(m.head.kind, MSG_COUNTERS);
	ck_assert_uint_eq(((const struct msg_counters *)m.body)->n, 4);
	ipc_done(engine, &m);
	k.ops = &kernel_null;
}

/* What it had asked for is done, nothing of the kernel is touched, and the next one is told what there is. */
START_TEST(an_engines_death_costs_nothing)
{
	struct msg_install last = pair_of(0x3000, 0x4000);
	uint32_t id = last.sas.in.tunnel;
	struct msg_held held;
	struct ipc_message m;
	ck_assert_int_eq(installed(0x1000, 0x2000), 0);
	ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 0, 0 }, &last, sizeof last);
	engine_leave(&k);
	ck_assert_ptr_null(k.engine);
	ck_assert_int_eq(kill(victim, 0), -1);
	ck_assert_uint_eq(keeper_sas_count(&k), 4);
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ipc_free(engine);
	k.engine = ipc_new(pair[0]);
	engine = ipc_new(pair[1]);
	keeper_sa(&k, id, ESP_IN, 0x4000)->expiring = true;
	k.acquires.n = 1;
	k.set_up = false;
	keeper_fact(&k, FACT_KERNEL_FAILED, BLAME_LOCAL, SUBJECT_SA, id, "of no concern before it is set up");
	ck_assert(engine_setup(&k));
	static const uint32_t order[] = { MSG_SETUP, MSG_HELD, MSG_CONF, MSG_EXPIRE, MSG_ACQUIRE };
	for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
		ck_assert_int_eq(ipc_receive(engine, &m), 1);
		ck_assert_uint_eq(m.head.kind, order[i]);
		if (m.head.kind == MSG_HELD)
			memcpy(&held, m.body, m.head.size);
		ipc_done(engine, &m);
	}
	ck_assert(held.n == 4 && held.more == 0);
	uint32_t sum = 0, inbound = 0;
	for (unsigned i = 0; i < held.n; i++) {
		sum += held.v[i].spi;
		inbound += held.v[i].dir == ESP_IN ? held.v[i].spi : 0;
	}
	ck_assert(sum == 0xa000 && inbound == 0x6000);
	ck_assert_int_eq(ipc_receive(engine, &m), 0);
	next_one_is_told_of_unused();
}
END_TEST

static size_t size_of_its_end;
static void *in_its_place; /* memory of that size that was asked for right after the engine was given up */

static void take_its_place(struct keeper *keeper, struct ipc_message *m)
{
	keeper_request(keeper, m);
	if (keeper->engine != NULL)
		return;
	in_its_place = malloc(size_of_its_end);
	ck_assert_ptr_nonnull(in_its_place);
	memset(in_its_place, 0xa5, size_of_its_end);
}

/* A run that ends gives the engine up as ever, but nothing new is begun, what stands behind is not done, and no memory is touched that is gone. */
START_TEST(an_engine_that_breaks_the_rules_at_the_end)
{
	static const uint8_t much[IPC_BODY_MAX];
	struct msg_install behind = pair_of(0x1000, 0x2000);
	size_of_its_end = malloc_usable_size(k.engine);
	ck_assert(ipc_send(engine, MSG_KIND_COUNT, (struct ike_ticket){ 0, 0 }, much, sizeof much));
	ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 0, 0 }, &behind, sizeof behind);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		k.udp[i] = -1;
	k.on_request = take_its_place;
	engine_leave(&k);
	ck_assert_ptr_null(k.engine);
	ck_assert_int_eq(kill(victim, 0), -1);
	ck_assert(!evtimer_pending(k.restart_timer, NULL));
	ck_assert_uint_eq(keeper_sas_count(&k), 0);
	const uint8_t *octet = in_its_place;
	ck_assert_ptr_nonnull(octet);
	for (size_t i = 0; i < size_of_its_end; i++)
		ck_assert_uint_eq(octet[i], 0xa5);
	free(in_its_place);
}
END_TEST

static int store_with_a_word(void)
{
	int fd = store_memory("test");
	ck_assert(fd >= 0 && write(fd, "word", 4) == 4);
	return fd;
}

/* What a captured engine wrote is read by nobody; one that died or does not answer wrote what it knew. */
START_TEST(what_a_captured_engine_wrote_is_gone)
{
	struct stat st;
	k.run_dir = -1;
	k.stores.engine = store_with_a_word();
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		k.udp[i] = -1;
	if (_i == 0)
		k.pong_at -= 100000, engine_ping(&k);
	else
		ipc_send(engine, MSG_KIND_COUNT, (struct ike_ticket){ 0, 0 }, NULL, 0);
	if (_i == 2)
		engine_leave(&k);
	turn();
	ck_assert_ptr_null(k.engine);
	ck_assert(_i == 2 ? k.stores.engine < 0 : fstat(k.stores.engine, &st) == 0);
	if (_i < 2)
		ck_assert_int_eq(st.st_size, _i == 0 ? 4 : 0);
	if (k.stores.engine >= 0)
		close(k.stores.engine);
}
END_TEST

/* One whose other half is gone cannot be moved: it is replaced, and the engine that asked lives. */
START_TEST(half_a_pair_is_replaced)
{
	struct msg_expire soft;
	struct esp_move v = { .tunnel = k.conf->tunnels[0]->id, .spi_in = _i == 0 ? 0x1000 : 0, .spi_out = _i == 0 ? 0 : 0x1000 };
	ck_assert_int_eq(_i == 0 ? installed(0x3000, 0x1000) : installed(0x1000, 0x3000), 0);
	ck_assert(addr_parse(&v.old_local, "198.51.100.7") && addr_parse(&v.old_remote, "192.0.2.1"));
	struct esp_remove other = { v.tunnel, _i == 0 ? ESP_OUT : ESP_IN, 0x3000, v.old_local, v.old_remote };
	ipc_send(engine, MSG_REMOVE, (struct ike_ticket){ 0, 0 }, &other, sizeof other);
	v.new_local = v.old_local;
	v.new_remote = v.old_remote;
	ipc_send(engine, MSG_MOVE, (struct ike_ticket){ 0, 0 }, &v, sizeof v);
	ck_assert(answered(MSG_EXPIRE, &soft, sizeof soft));
	ck_assert(soft.spi == 0x1000 && !soft.hard && soft.dir == (_i == 0 ? ESP_IN : ESP_OUT));
	ck_assert(engine_lives());
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("ends");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_is_not_in_the_table_ends_the_engine, 0, sizeof asked / sizeof asked[0]);
	tcase_add_test(t, an_engines_death_costs_nothing);
	tcase_add_test(t, an_engine_that_breaks_the_rules_at_the_end);
	tcase_add_loop_test(t, what_a_captured_engine_wrote_is_gone, 0, 3);
	tcase_add_loop_test(t, half_a_pair_is_replaced, 0, 2);
	return unit_run_case("request_end", t);
}
