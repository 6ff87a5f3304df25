/*
 * main.c - s2sd-engine: the process that speaks IKE: no capability, an empty root directory, no key that outlives an SA. It brings events to
 * ike_step() and its actions to their doers, one at a time, in one thread.
 *
 *	UDP ----------> datagram  ┐                      ┌ send ------------> UDP
 *	keeper -------> results   ├─> ike_step ─> apply ─┤ install, auth ...-> keeper
 *	alarm --------> timer     │      ^               ├ key exchange -----> work ─┐
 *	control.sock -> command   ┘      └── posted <────┼───────────────────────────┘
 *	                                                 └ report -----------> log, control.sock, metrics
 */
#include "engine.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "codes/feature.h"
#include "ipc/helper.h"
#include "ipc/memory.h"
#include "ipc/privilege.h"
#include "sandbox.h"

#define STEP_CEILING (64u << 20) /* a farewell to every peer fits */
#define ENGINE_FDS 128
#define ALARM_STEPS 16

enum {
	SETUP_CONTROL,
	SETUP_UDP,
	SETUP_STORE = SETUP_UDP + UDP_SOCKETS,
	SETUP_FDS
}; /* descriptors of MSG_SETUP, in their order */

/* ---------------------------------------------------------------- time and work */
static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	engine_run_posted(arg);
}

/* A step takes so many timers at most; more that are due need no turn of the loop of their own, but datagrams wait, too. */
static void on_alarm(void *arg)
{
	struct engine *e = arg;
	struct ike_event in = { .kind = EVENT_TIMER };
	for (unsigned i = 0; i < ALARM_STEPS; i++) {
		engine_step(e, &in);
		if (!mono_due(ike_next(e->ike), moment_now().mono))
			break;
	}
}

static void on_status_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	(void)fd, (void)what;
	e->status_wanted = true;
	engine_ask_counters(e);
}

static void on_summary_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	report_summary(arg);
}

static void on_calm_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	records_calm(((struct engine *)arg)->records);
}

static void on_work(void *arg, struct ike_ticket ticket, struct ike_job_result *result)
{
	struct ike_event in = { .kind = EVENT_JOB, .job = { ticket, result } };
	engine_post(arg, &in, result);
}

/* ---------------------------------------------------------------- datagrams */
static void on_datagram(void *arg, const struct addr *local, const struct addr *remote, struct bytes datagram)
{
	struct ike_event in = { .kind = EVENT_DATAGRAM, .datagram = { *local, *remote, datagram } };
	engine_step(arg, &in);
}

/* A datagram that could not leave is a datagram lost: the protocol sends it again. */
static void on_unsent(const struct addr *local, const struct addr *remote, int err)
{
	char from[ADDR_TEXT], to[ADDR_TEXT];
	if (log_wants(LOG_LEVEL_DEBUG))
		log_line(LOG_LEVEL_DEBUG, "cannot send from %s to %s: %s", addr_port_format(local, from),
			addr_port_format(remote, to), strerror(-err));
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	(void)what;
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (e->udp[i] != NULL && event_get_fd(e->udp[i]) == fd)
			net_read(e->net, i, on_datagram, e);
	}
}

/* ---------------------------------------------------------------- operators */
static const struct ike *op_ike(void *arg) { return ((struct engine *)arg)->ike; }
static const struct conf *op_conf(void *arg) { return ((struct engine *)arg)->conf; }
static uint32_t op_features(void *arg) { return ((struct engine *)arg)->features; }
static struct moment op_now(void *arg)
{
	(void)arg;
	return moment_now();
}
static void op_counters(void *arg) { engine_ask_counters(arg); }
static void op_send(void *arg, uint64_t client, const char *line) { clients_send(((struct engine *)arg)->clients, client, line); }
static void op_begin(void *arg, uint64_t client) { clients_begin(((struct engine *)arg)->clients, client); }
static void op_end(void *arg, uint64_t client) { clients_end(((struct engine *)arg)->clients, client); }
static void op_part(void *arg, uint64_t client, const char *text, size_t len)
{
	clients_part(((struct engine *)arg)->clients, client, text, len);
}
static void op_close(void *arg, uint64_t client) { clients_close(((struct engine *)arg)->clients, client); }

static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { kind, tunnel, token } };
	engine_post(arg, &in, NULL);
}

static void op_reload(void *arg, uint64_t token, bool dry_run)
{
	struct msg_reload m = { .token = token, .dry_run = dry_run };
	engine_send(arg, MSG_RELOAD, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
}

static const struct control_ops operators = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part,
	op_end, op_close, op_now, op_features };

static void on_line(void *arg, uint64_t client, const char *line, size_t len)
{
	control_request(((struct engine *)arg)->control, client, line, len);
}
static bool on_waits(void *arg, uint64_t client) { return control_client_waits(((struct engine *)arg)->control, client); }
static void on_more(void *arg, uint64_t client) { control_more(((struct engine *)arg)->control, client); }
static void on_client_gone(void *arg, uint64_t client) { control_client_gone(((struct engine *)arg)->control, client); }

/* ---------------------------------------------------------------- life */
static void on_message(void *arg, struct ipc_message *m) { engine_message(arg, m); }

/* Without a keeper there is nothing to do: the next keeper starts an engine of its own. */
static void on_keeper_gone(void *arg)
{
	struct engine *e = arg;
	ike_free(e->ike); /* wipes the keys; what is in the store is for the next engine */
	exit(0);
}

/* The first message, before anything else is done: descriptors, and who to become. */
static bool receive_setup(struct ipc *ipc, struct msg_setup *s, int fds[SETUP_FDS])
{
	struct ipc_message m;
	struct pollfd p = { .fd = HELPER_FD, .events = POLLIN };
	int got;
	while ((got = ipc_receive(ipc, &m)) == 0) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return false;
	}
	if (got < 0)
		return false;
	bool ok = m.head.kind == MSG_SETUP && m.head.size == sizeof *s;
	if (ok)
		memcpy(s, m.body, sizeof *s);
	bool there[SETUP_FDS] = { [SETUP_CONTROL] = true, [SETUP_STORE] = ok && s->store == 1 };
	for (unsigned i = 0; ok && i < UDP_SOCKETS; i++)
		there[SETUP_UDP + i] = s->udp[i] == 1;
	unsigned n = 0;
	for (unsigned i = 0; i < SETUP_FDS; i++)
		n += there[i];
	ok = ok && m.n_fds == n && memchr(s->root, 0, sizeof s->root) != NULL;
	for (unsigned i = 0, at = 0; ok && i < SETUP_FDS; i++) {
		bool present = there[i];
		fds[i] = present ? m.fds[at] : -1;
		if (present)
			m.fds[at++] = -1;
	}
	ipc_done(ipc, &m);
	return ok;
}

/* As the user that the keeper is still, and while /proc can be seen. */
static void open_records(struct engine *e, int fd, bool crashed)
{
	struct store_bind b;
	char why[STORE_WHY];
	if (fd >= 0 && !store_bind_here(&b, STORE_OF_ENGINE, STORE_ENGINE_RECORDS, why)) {
		log_line(LOG_LEVEL_WARNING, "engine: no state is kept over a death of this process: %s", why);
		close(fd);
		fd = -1;
	}
	e->records = records_new(fd, &b, crashed, moment_now().mono);
}

/* At start only tables and the secrets of cookies want octets. */
static void random_octets(void *arg, void *out, size_t n)
{
	const struct engine *e = arg;
	(e->ready ? rng_fill : rng_seed)(NULL, out, n);
}

static void ignore_signals(void)
{
	/* The keeper decides when to end; a terminal or a service manager signals the whole group. */
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT };
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static void build(struct engine *e, const struct msg_setup *s, const int fds[SETUP_FDS])
{
	struct ipc_watcher w = { on_message, on_keeper_gone, e };
	struct clients_ops ops = { on_line, on_waits, on_more, on_client_gone };
	struct clients_who who = { s->control_gid, { s->uid, s->resolver_uid } };
	uint64_t seed;
	rng_seed(NULL, &seed, sizeof seed);
	der_seed(seed);
	e->base = event_base_new();
	e->posted_last = &e->posted;
	e->verbose = s->verbose;
	e->ike = ike_new(random_octets, e);
	if (e->verbose >= 2)
		ike_trace_all(e->ike);
	arena_init(&e->arena, STEP_CEILING);
	ike_actions_init(&e->actions, &e->arena);
	ike_stepping(e->ike, records_stepping(e->records));
	ike_saves(e->ike, records_stepping(e->records) != NULL);
	ike_kernel_keepalive(e->ike, (s->features & FEATURE_BIT(FEATURE_NAT_KEEPALIVE)) != 0);
	e->features = s->features;
	e->net = net_new(fds + SETUP_UDP, on_unsent);
	e->alarm = alarm_new(e->base, on_alarm, e);
	e->soon = evtimer_new(e->base, on_soon, e);
	e->status_timer = event_new(e->base, -1, EV_PERSIST, on_status_timer, e);
	e->summary_timer = evtimer_new(e->base, on_summary_timer, e);
	e->calm_timer = evtimer_new(e->base, on_calm_timer, e);
	e->work = work_new(e->base, on_work, e);
	e->control = control_new(&operators, e);
	e->clients = clients_new(e->base, fds[SETUP_CONTROL], &who, &ops, e);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		e->udp[i] = fds[SETUP_UDP + i] >= 0 ? event_new(e->base, fds[SETUP_UDP + i], EV_READ | EV_PERSIST, on_udp, e)
						    : NULL;
	ipc_watch(e->ipc, e->base, &w);
	ipc_cork(e->ipc);
}

/* What a turn of the loop said leaves at its end. The datagrams first: after MSG_IDLE the keeper lets nobody say anything any more. */
static void engine_turn(void *arg)
{
	struct engine *e = arg;
	alarm_set(e->alarm, ike_next(e->ike));
	net_flush(e->net);
	ipc_flush(e->ipc);
}

int main(void)
{
	static struct engine e;
	struct msg_setup s;
	int fds[SETUP_FDS], type = 0;
	socklen_t len = sizeof type;
	const char *why = NULL;
	if (getsockopt(HELPER_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
		fprintf(stderr, "s2sd-engine: it is started by s2sd\n");
		return 2;
	}
	helper_begin(ENGINE_PROGRAM);
	ignore_signals();
	bool loaded = alg_begin(&why); /* reads files: before the root directory is empty */
	e.ipc = ipc_new(HELPER_FD);
	if (!receive_setup(e.ipc, &s, fds))
		return 0; /* the keeper changed its mind, and said why */
	tzset();
	if (s.to_stderr)
		log_open_stderr((enum log_level)s.log_level);
	else
		log_open_syslog("s2sd", s.log_facility, (enum log_level)s.log_level);
	const struct ordinary_user me = { .uid = s.uid, .gid = s.gid, .root = s.root, .max_fds = ENGINE_FDS };
	memory_lock();
	open_records(&e, fds[SETUP_STORE], s.crashed == 1);
	if (!loaded || !privilege_user(&me, &why)) {
		log_line(LOG_LEVEL_ERROR, "engine: %s", why);
		return 1;
	}
	build(&e, &s, fds);
	if (!sandbox_enter(&why))
		log_line(LOG_LEVEL_WARNING, "engine: no system call filter: %s", why);
	loop_run(e.base, engine_turn, &e);
	return 1;
}
