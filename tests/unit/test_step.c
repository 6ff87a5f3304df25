/*
 * test_step.c - the machine at the wrong moment: what one step says must still hold at its end, and what ends must leave nothing behind.
 */
#include <string.h>

#include "../sim/hostile.h"
#include "unit.h"

static struct world w;
static struct inside in; /* A's IKE_AUTH request, held back */
static bool hold_auth, silent, spoil_answer;
static void (*lie)(struct inside *m); /* changes A's next IKE_AUTH request */
static uint16_t auth_notify;          /* of B's last IKE_AUTH answer */

static uint16_t notify_of(struct inside *m)
{
	size_t n;
	const uint8_t *p = inside_find(m, PAYLOAD_NOTIFY, &n);
	return p && n >= 4 ? (uint16_t)(p[2] << 8 | p[3]) : 0;
}

static bool answered(struct world *world, struct inside *m)
{
	auth_notify = notify_of(m);
	if (!spoil_answer)
		return false;
	spoil_answer = false;
	inside_drop(m, 0); /* IDr */
	hostile_send(world, B, m, 0, 0);
	spoil_answer = true;
	return true;
}

static bool watch(struct world *world, const struct packet *p)
{
	struct inside m;
	static bool inner;
	if (silent)
		return true;
	if (inner || !hostile_open(world, p, &m) || m.h.exchange != EXCHANGE_IKE_AUTH)
		return false;
	if (p->from == B) {
		inner = true;
		bool lose = answered(world, &m);
		inner = false;
		return lose;
	}
	in = hold_auth ? m : in;
	if (hold_auth || !lie)
		return hold_auth;
	lie(&m);
	lie = NULL;
	hostile_send(world, A, &m, 0, 0);
	return true;
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	hold_auth = silent = spoil_answer = false;
	lie = NULL;
	world_init(&w, 5, false);
	pair(&w);
	w.filter = watch;
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static const struct ike_job *job_of(const struct ike_actions *out, enum ike_job_kind kind)
{
	for (uint32_t i = 0; i < out->n; i++)
		if (out->v[i].kind == ACTION_JOB && out->v[i].job.job.kind == kind)
			return &out->v[i].job.job;
	return NULL;
}

/* IKE_AUTH comes in the very step in which the half-open SA reaches its time limit: what the keeper is asked does not lie in the SA's memory. */
START_TEST(job_outlives_its_sa)
{
	static uint8_t mem[4096];
	size_t n;
	set(&w, A, "t", "local-id", "");
	set(&w, B, "t", "remote-id", "");
	hold_auth = true;
	begin(&w);
	world_run(&w, 3 * SECOND);
	struct host *b = &w.hosts[B];
	struct sa *sa = table_next(&b->ike->by_number, &(size_t){ 0 });
	ck_assert(sa && sa->state == SA_HALF_OPEN && in.n > 100);
	uint8_t *auth = inside_find(&in, PAYLOAD_AUTH, &n);
	struct writer m;
	message_begin(&m, mem, sizeof mem, &in.h);
	struct seal_keys keys = keys_in(sa);
	size_t body = seal_size(&keys, in.n);
	uint8_t *at = message_seal(&m, in.first, body, 0, 0);
	ck_assert_int_eq(seal_write(&keys, 77, bytes_of(mem, (size_t)(at - mem)), bytes_of(in.data, in.n), at, body), ERR_OK);
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { sa->core.local, sa->core.remote, message_end(&m) } };
	struct moment late = world_moment(&w);
	late.mono.ms += HALF_OPEN_TIMEOUT;
	ike_step(b->ike, late, &e, &b->actions);
	ck_assert_uint_eq(b->ike->totals.half_open, 0);
	const struct ike_job *job = job_of(&b->actions, JOB_AUTH_ANSWER);
	ck_assert_ptr_nonnull(job);
	ck_assert(bytes_equal(job->auth, bytes_of(auth + 4, n - 4)));
	ck_assert_uint_eq(job->peer_id.n, 4u + addr_bytes(&w.hosts[A].addr).n);
	ck_assert(bytes_equal(bytes_of(job->peer_id.p + 4, job->peer_id.n - 4), addr_bytes(&w.hosts[A].addr)));
	ck_assert(job->message.n > IKE_HEADER_LEN && job->nonce.n >= IKE_NONCE_MIN && job->sk_p.len > 0 && !job->initiator);
	ck_assert(job->ours.message.n > IKE_HEADER_LEN && job->ours.nonce.n >= IKE_NONCE_MIN && job->ours.sk_p.len > 0);
	ike_actions_reset(&b->actions);
}
END_TEST

/* The kernel drops an outbound SA at its hard limit: nobody finds the child by that SPI when it is gone. */
START_TEST(hard_expiry_forgets_the_spi)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	world_run(&w, SECOND);
	const struct tunnel *t = tunnel_of(&w, B, "t");
	uint32_t spi = tunnel_current(t)->core.spi_out;
	ck_assert_ptr_nonnull(child_sending(t, spi));
	kernel_lose(&w, B, "t", ESP_OUT);
	ck_assert_ptr_null(child_sending(t, spi));
	world_run(&w, MINUTE);
	check_converged(&w, true);
}
END_TEST

/* The peer comes back while we still repeat our first request: its answer is used, however long it took. */
START_TEST(late_answer_is_used)
{
	set(&w, A, "t", "dpd-timeout", "90s");
	silent = true;
	begin(&w);
	world_run(&w, 40 * SECOND);
	silent = false;
	await_up(&w, 5 * SECOND);
	ck_assert_uint_eq(tunnel_of(&w, A, "t")->counters[COUNTER_ATTEMPTS], 1);
}
END_TEST

/* Thousands dial at once and our own processor is the bottleneck: who has waited longest is not sent back to the end of the queue. */
START_TEST(slow_key_exchange_is_awaited)
{
	begin(&w);
	for (unsigned i = 0; i < 1000 && !tunnel_of(&w, A, "t")->resolving; i++)
		world_run(&w, 1);
	w.job_max = 20 * MINUTE;
	for (unsigned i = 0; i < 1000 && !tunnel_of(&w, A, "t")->sa_list; i++)
		world_run(&w, 1);
	w.job_max = 30;
	ck_assert_uint_eq(w.hosts[A].jobs_pending, 1);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.hosts[A].jobs_pending, 1); /* the seed makes it longer than a minute */
	await_up(&w, 20 * MINUTE);
	ck_assert_uint_eq(tunnel_of(&w, A, "t")->counters[COUNTER_ATTEMPTS], 1);
}
END_TEST

static void spi_zero(struct inside *m)
{
	size_t n;
	memset(inside_find(m, PAYLOAD_SA, &n) + 8, 0, 4); /* behind the head of the only proposal */
}

/* RFC 4303 2.1: SPIs below 256 are reserved; CREATE_CHILD_SA refuses them, and so does IKE_AUTH. */
START_TEST(auth_with_a_reserved_spi)
{
	set(&w, A, "t", "esp-proposals", "aes256gcm16");
	set(&w, B, "t", "esp-proposals", "aes256gcm16");
	lie = spi_zero;
	begin(&w);
	world_run(&w, 2 * SECOND);
	ck_assert_uint_eq(auth_notify, NOTIFY_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_CHILD_ESTABLISHED][BLAME_NONE], 0);
	check_converged(&w, true); /* A asks again, honestly */
}
END_TEST

/* A peer whose IKE_AUTH answer is never well-formed is not dialled several times a second. */
START_TEST(malformed_answers_back_off)
{
	spoil_answer = true;
	begin(&w);
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_gt(w.hosts[A].facts[FACT_SYNTAX][BLAME_PEER], 2);
	ck_assert_uint_le(tunnel_of(&w, A, "t")->counters[COUNTER_ATTEMPTS], 20);
}
END_TEST

/* Who dials tells so once; who is dialled by an address that no tunnel has tells that, and how often is bounded. */
START_TEST(nobody_is_configured_for_the_caller)
{
	char remote[ADDR_TEXT];
	addr_format(&w.hosts[A].addr, remote);
	set(&w, B, "t", "remote", "192.0.2.99");
	begin(&w);
	world_run(&w, 20 * SECOND);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_CONNECTING][BLAME_NONE], 1);
	unsigned told = w.hosts[B].facts[FACT_NO_TUNNEL][BLAME_NONE];
	ck_assert_uint_gt(told, 2);
	set(&w, B, "t", "remote", remote);
	host_load(&w, B);
	world_run(&w, 60 * SECOND);
	ck_assert_uint_le(w.hosts[B].facts[FACT_NO_TUNNEL][BLAME_NONE], told + 1);
	check_converged(&w, true);
}
END_TEST

/* Our own key is missing: that is not the peer's fault, and nobody is sent to look for a difference between two keys. */
START_TEST(auth_that_cannot_be_checked)
{
	begin(&w);
	struct tunnel_conf *conf = w.hosts[B].conf->tunnels[0];
	struct psk *key = conf->psk;
	conf->psk = NULL;
	world_run(&w, 5 * SECOND);
	ck_assert_uint_gt(w.hosts[B].facts[FACT_CRYPTO_FAILED][BLAME_LOCAL], 0);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_AUTH_FAILED][BLAME_PEER], 0);
	conf->psk = key;
	check_converged(&w, true);
}
END_TEST

/* A peer that starts a dozen times in two seconds: at the bound it is refused, but not for a wrong identity. */
START_TEST(too_many_sas_are_no_wrong_identity)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.job_max = w.kernel_max = 1;
	w.weather = (struct weather){ .delay_min = 1, .delay_max = 1 };
	for (unsigned i = 0; i < 12; i++) {
		host_stop(&w, A);
		host_start(&w, A);
		world_run(&w, 150);
	}
	ck_assert_uint_gt(w.hosts[B].facts[FACT_PEER_REFUSED][BLAME_PEER], 0);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_ID_REFUSED][BLAME_PEER], 0);
	check_converged(&w, true);
}
END_TEST

/* Two tunnels with one peer that differ by our own name: the peer says whom it wants. */
START_TEST(tunnels_that_differ_by_our_name)
{
	link_add(&w, "u", A, B);
	set(&w, A, "u", "local-id", "fqdn:t-a.example");
	set(&w, B, "u", "remote-id", "fqdn:t-a.example");
	set(&w, A, "u", "psk", "another.secret.of.both");
	set(&w, B, "u", "psk", "another.secret.of.both");
	begin(&w);
	await_up(&w, 10 * SECOND);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_AUTH_FAILED][BLAME_PEER], 0);
	check_converged(&w, true);
}
END_TEST

/* One of two tunnels names the outside address here, the other takes any: the first is meant when the peer dials that address, wherever it was written. */
START_TEST(our_address_chooses_the_tunnel)
{
	char here[ADDR_TEXT];
	const char *name = _i ? "a" : "z"; /* before or behind "t" in every list */
	link_add(&w, name, A, B);
	addr_format(&w.hosts[B].addr, here);
	set(&w, B, name, "local", here);
	for (int i = A; i <= B; i++) { /* the names are those of "t" */
		set(&w, i, name, i == A ? "local-id" : "remote-id", "fqdn:t-a.example");
		set(&w, i, name, i == B ? "local-id" : "remote-id", "fqdn:t-b.example");
	}
	set(&w, A, name, "psk", "another.secret.of.both");
	set(&w, B, name, "psk", "another.secret.of.both");
	set(&w, B, name, "start", "respond");
	set(&w, B, "t", "start", "respond");
	set(&w, A, "t", "start", "manual");
	set(&w, A, "t", "local-id", "fqdn:nobody.example");
	begin(&w);
	world_run(&w, 10 * SECOND);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_AUTH_FAILED][BLAME_PEER], 0);
	ck_assert_int_eq(tunnel_of(&w, B, name)->state, TUNNEL_UP);
}
END_TEST

/* Every change of state is told: also that a tunnel which never came up is wanted no more. Once, however often it is said. */
START_TEST(down_is_told_before_it_was_up)
{
	silent = true;
	begin(&w);
	world_run(&w, 3 * SECOND);
	ck_assert_int_eq(tunnel_of(&w, A, "t")->state, TUNNEL_CONNECTING);
	order(&w, A, COMMAND_DOWN);
	world_run(&w, SECOND);
	ck_assert_int_eq(tunnel_of(&w, A, "t")->state, TUNNEL_DOWN);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_STOPPED][BLAME_OPERATOR], 1);
	order(&w, A, COMMAND_DOWN);
	world_run(&w, SECOND);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_STOPPED][BLAME_OPERATOR], 1);
	silent = false;
	order(&w, A, COMMAND_UP);
	await_up(&w, 30 * SECOND);
	order(&w, A, COMMAND_DOWN);
	world_run(&w, 5 * SECOND);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_STOPPED][BLAME_OPERATOR], 2);
	order(&w, A, COMMAND_UP);
	check_converged(&w, true);
}
END_TEST

/* Taken out of the settings and put back while the kernel still owes an answer about its former life: what was in its way then is forgotten. */
START_TEST(configured_again_it_is_usable)
{
	w.kernel_max = 5 * SECOND;
	begin(&w);
	const struct tunnel *t = tunnel_of(&w, A, "t");
	for (unsigned i = 0; i < 2000 && !(t->sa_list && t->sa_list->ours.core.state == XS_INSTALL); i++)
		world_run(&w, 10);
	ck_assert(t->sa_list && t->sa_list->ours.core.state == XS_INSTALL);
	struct ike_event e = { .kind = EVENT_TUNNEL, .tunnel = { t->id, "interface s2s-t exists and is not ours" } };
	host_step(&w, A, &e);
	settings_of(&w, A, "t")->absent = true;
	host_load(&w, A);
	ck_assert(t->removed && t->awaiting_kernel);
	settings_of(&w, A, "t")->absent = false;
	host_load(&w, A);
	ck_assert_ptr_eq(tunnel_of(&w, A, "t"), t);
	w.kernel_max = 10;
	await_up(&w, MINUTE);
	ck_assert_int_eq(t->state, TUNNEL_UP);
}
END_TEST

/* Also of a tunnel that this machine cannot carry. */
START_TEST(down_is_told_of_the_misconfigured)
{
	host_start(&w, A);
	const struct tunnel *t = tunnel_of(&w, A, "t");
	struct ike_event e = { .kind = EVENT_TUNNEL, .tunnel = { t->id, "interface s2s-t exists and is not ours" } };
	host_step(&w, A, &e);
	world_run(&w, SECOND);
	ck_assert_int_eq(t->state, TUNNEL_MISCONFIGURED);
	order(&w, A, COMMAND_DOWN);
	world_run(&w, SECOND);
	ck_assert_int_eq(t->state, TUNNEL_DOWN);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_STOPPED][BLAME_OPERATOR], 1);
}
END_TEST

/* Anyone on the way can say so. It hurries a doubt that is there; of a peer whose traffic has come since we asked there is none. */
START_TEST(a_forged_hint_is_no_doubt)
{
	static uint8_t mem[128];
	begin(&w);
	await_up(&w, 10 * SECOND);
	silent = true; /* IKE only: traffic goes on */
	const struct tunnel *t = tunnel_of(&w, A, "t");
	struct sa *sa = t->slots->current->sa;
	order(&w, A, COMMAND_REKEY);
	for (unsigned heard = 0; heard < 2; heard++) {
		for (unsigned i = 0; i < 20000 && !(sa->ours.core.state == XS_SENT && (sa->ours.unheard == 0) == !heard); i++)
			world_run(&w, 1);
		ck_assert_int_eq(sa->ours.core.state, XS_SENT);
		struct header h = { .major = 2,
			.exchange = EXCHANGE_CREATE_CHILD_SA,
			.flags = IKE_FLAG_RESPONSE | (sa->core.initiator ? 0 : IKE_FLAG_INITIATOR),
			.message_id = sa->ours.core.message_id };
		memcpy(h.spi_i, sa->core.spi_i, IKE_SPI_LEN);
		memcpy(h.spi_r, sa->core.spi_r, IKE_SPI_LEN);
		struct payload p = payload_notify(NOTIFY_INVALID_IKE_SPI, (struct bytes){ 0 });
		struct writer m;
		message_begin(&m, mem, sizeof mem, &h);
		message_add(&m, &p);
		struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { sa->core.local, sa->core.remote, message_end(&m) } };
		uint64_t attempts = t->counters[COUNTER_ATTEMPTS];
		unsigned unheard = sa->ours.unheard;
		host_step(&w, A, &e);
		ck_assert_uint_eq(sa->ours.unheard, unheard ? UNRESPONSIVE_TRIES : 0);
		ck_assert_uint_eq(t->counters[COUNTER_ATTEMPTS], attempts + heard);
	}
}
END_TEST

/* A peer that dials in vain does not hide what is in the way; and when that is gone, its dialling has done no harm. */
START_TEST(the_peer_dials_what_is_misconfigured)
{
	set(&w, B, "t", "start", "initiate");
	host_start(&w, A);
	const struct tunnel *t = tunnel_of(&w, A, "t");
	struct ike_event e = { .kind = EVENT_TUNNEL, .tunnel = { t->id, "interface s2s-t exists and is not ours" } };
	host_step(&w, A, &e);
	w.hosts[A].kernel_fail = 100;
	host_start(&w, B);
	world_run(&w, MINUTE);
	ck_assert_uint_gt(w.refusals, 0);
	ck_assert_int_eq(t->state, TUNNEL_MISCONFIGURED);
	ck_assert_msg(strstr(tunnel_error(t), "not ours") != NULL, "%s", tunnel_error(t));
	w.hosts[A].kernel_fail = 0;
	e.tunnel.why = NULL;
	host_step(&w, A, &e);
	ck_assert_msg(!t->last_error || t->last_error->code != FACT_KERNEL_FAILED, "no longer so: %s", tunnel_error(t));
	await_up(&w, 10 * SECOND);
	check_converged(&w, true);
}
END_TEST

/* The peer was away and is back on a new SA: that the old one is never answered is no error of the tunnel any more. */
START_TEST(up_again_before_the_old_sa_is_given_up)
{
	unsigned spared = 0;
	for (msec away = 20 * SECOND; away < 42 * SECOND; away += SECOND) {
		teardown();
		setup();
		begin(&w);
		await_up(&w, 10 * SECOND);
		host_stop(&w, B);
		world_run(&w, away);
		unsigned dead = w.hosts[A].facts[FACT_PEER_DEAD][BLAME_PEER];
		host_start(&w, B);
		world_run(&w, 20 * SECOND);
		const struct tunnel *t = tunnel_of(&w, A, "t");
		ck_assert_int_eq(t->state, TUNNEL_UP);
		ck_assert_msg(t->last_error == NULL, "away %lld ms: %s", (long long)away, tunnel_error(t));
		spared += !dead && !w.hosts[A].facts[FACT_PEER_DEAD][BLAME_PEER];
	}
	ck_assert_uint_gt(spared, 0);
}
END_TEST

/* s2sd -v -v: every message of every tunnel, opened, without what proves it (the world looks at each); nobody else is told any. */
START_TEST(all_messages_are_traced)
{
	begin(&w);
	ike_trace_all(w.hosts[B].ike);
	await_up(&w, 10 * SECOND);
	ck_assert_uint_ge(w.hosts[B].traced[false], 2);
	ck_assert_uint_ge(w.hosts[B].traced[true], 2);
	ck_assert_uint_ge(w.hosts[B].traced_auth, 2);
	ck_assert_uint_eq(w.hosts[A].traced[true], 0);
}
END_TEST

/* The peer's NAT moves it while our kernel still installs a new child: that one goes along. */
START_TEST(moved_while_installing)
{
	set(&w, A, "t", "encapsulation", "udp"); /* B sees a NAT before A: only such a peer may move */
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.traffic = false;
	struct tunnel *t = tunnel_of(&w, B, "t");
	struct sa *sa = t->slots->current->sa;
	w.kernel_max = 10 * SECOND;
	order(&w, A, COMMAND_REKEY);
	for (unsigned i = 0; i < 1000 && sa->theirs.core.state != XS_INSTALL; i++)
		world_run(&w, 1);
	ck_assert_int_eq(sa->theirs.core.state, XS_INSTALL);
	struct ike_event e = { .kind = EVENT_MAPPING, .mapping = { t->id, t->slots->current->core.spi_in, sa->core.remote } };
	e.mapping.remote.port = 7777;
	host_step(&w, B, &e);
	for (unsigned i = 0; i < 100 && sa->theirs.core.state == XS_INSTALL; i++)
		world_run(&w, 200);
	ck_assert_int_ne(sa->theirs.core.state, XS_INSTALL);
	for (struct child *c = sa->children; c; c = c->next)
		ck_assert_uint_eq(c->core.remote.port, 7777);
}
END_TEST

static const struct fact *fact_of(const struct ike_actions *out, enum fact_code code)
{
	for (uint32_t i = 0; i < out->n; i++)
		if (out->v[i].kind == ACTION_REPORT && out->v[i].fact->code == code)
			return out->v[i].fact;
	return NULL;
}

/* A name that resolves, to an address that no route leads to, is not a name without an address. */
START_TEST(a_name_without_a_route)
{
	set(&w, A, "t", "remote", "gw.example");
	begin(&w);
	world_run(&w, SECOND);
	struct host *a = &w.hosts[A];
	struct tunnel *t = tunnel_of(&w, A, "t");
	for (int no_route = 0; no_route < 2; no_route++) {
		struct ike_event e = { .kind = EVENT_RESOLVED, .resolved = { .tunnel = t->id, .query = t->query } };
		e.resolved.no_route = no_route;
		ike_step(a->ike, world_moment(&w), &e, &a->actions);
		const struct fact *f = fact_of(&a->actions, no_route ? FACT_NO_ROUTE : FACT_RESOLVE_FAILED);
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(f->subject, no_route ? SUBJECT_ROUTE : SUBJECT_RESOLVER);
		ck_assert_int_eq(t->last_error->subject, f->subject);
		ike_actions_reset(&a->actions);
	}
}
END_TEST

/* What programs want to know of a changed path are values, not words. */
START_TEST(a_changed_path_tells_both_addresses)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	struct host *a = &w.hosts[A];
	struct tunnel *t = tunnel_of(&w, A, "t");
	ike_step(a->ike, world_moment(&w), &(struct ike_event){ .kind = EVENT_PATH_CHANGED }, &a->actions);
	ike_actions_reset(&a->actions);
	struct ike_event e = { .kind = EVENT_RESOLVED, .resolved = { .tunnel = t->id, .query = t->query, .n = 1 } };
	e.resolved.v[0].remote = w.hosts[B].addr;
	addr_parse(&e.resolved.v[0].local, "192.0.2.99");
	ike_step(a->ike, world_moment(&w), &e, &a->actions);
	const struct fact *f = fact_of(&a->actions, FACT_ADDRESS_CHANGED);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(f->subject, SUBJECT_ADDRESS);
	ck_assert_str_eq(f->was, "192.0.2.1");
	ck_assert_str_eq(f->now, "192.0.2.99");
	ike_actions_reset(&a->actions);
}
END_TEST

/* It stands in the list of what has work to do, in front of another. */
START_TEST(what_ends_leaves_the_others_their_work)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	struct host *a = &w.hosts[A];
	struct tunnel *t = tunnel_of(&w, A, "t");
	struct sa *stays = t->slots->current->sa;
	struct step s = { .ike = a->ike, .now = world_moment(&w), .out = &a->actions };
	struct sa *ends = sa_new(&s, t, true);
	sa_mark(&s, stays);
	sa_mark(&s, ends);
	sa_destroy(&s, ends);
	ike_step(a->ike, world_moment(&w), &(struct ike_event){ .kind = EVENT_TIMER }, &a->actions);
	ck_assert(!stays->dirty);
	ike_actions_reset(&a->actions);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("step");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, job_outlives_its_sa);
	tcase_add_test(t, hard_expiry_forgets_the_spi);
	tcase_add_test(t, late_answer_is_used);
	tcase_add_test(t, slow_key_exchange_is_awaited);
	tcase_add_test(t, auth_with_a_reserved_spi);
	tcase_add_test(t, malformed_answers_back_off);
	tcase_add_test(t, nobody_is_configured_for_the_caller);
	tcase_add_test(t, auth_that_cannot_be_checked);
	tcase_add_test(t, too_many_sas_are_no_wrong_identity);
	tcase_add_test(t, tunnels_that_differ_by_our_name);
	tcase_add_loop_test(t, our_address_chooses_the_tunnel, 0, 2);
	tcase_add_test(t, down_is_told_before_it_was_up);
	tcase_add_test(t, configured_again_it_is_usable);
	tcase_add_test(t, down_is_told_of_the_misconfigured);
	tcase_add_test(t, a_forged_hint_is_no_doubt);
	tcase_add_test(t, the_peer_dials_what_is_misconfigured);
	tcase_add_test(t, up_again_before_the_old_sa_is_given_up);
	tcase_add_test(t, all_messages_are_traced);
	tcase_add_test(t, moved_while_installing);
	tcase_add_test(t, a_name_without_a_route);
	tcase_add_test(t, a_changed_path_tells_both_addresses);
	tcase_add_test(t, what_ends_leaves_the_others_their_work);
	return unit_run_case("step", t);
}
