/*
 * engine.c - the process that speaks IKE: no capability, an empty root directory, no key that outlives an SA. It brings events to
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

#include "base/log.h"
#include "base/util.h"
#include "ipc/memory.h"
#include "ipc/options.h"
#include "ipc/privilege.h"
#include "sandbox.h"

#define STEP_CEILING (64u << 20) /* a farewell to every peer fits */
#define ENGINE_FDS 128

/* ---------------------------------------------------------------- steps */
struct posted {
	struct posted *next;
	struct ike_event in;
	struct ike_job_result *result; /* ours to wipe and free, or NULL */
};

static void step_once(struct engine *e, const struct ike_event *in)
{
	ike_step(e->ike, moment_now(), in, &e->actions);
	for (uint32_t i = 0; i < e->actions.n; i++)
		apply(e, &e->actions.v[i]);
	ike_actions_reset(&e->actions);
}

static struct posted *take_posted(struct engine *e)
{
	struct posted *p = e->posted;
	if (p == NULL)
		return NULL;
	e->posted = p->next;
	if (e->posted == NULL)
		e->posted_last = &e->posted;
	return p;
}

static void run_posted(struct engine *e)
{
	for (struct posted *p; (p = take_posted(e)) != NULL;) {
		step_once(e, &p->in);
		if (p->result != NULL)
			work_result_free(p->result);
		free(p);
	}
}

void engine_step(struct engine *e, const struct ike_event *in)
{
	e->stepping = true;
	step_once(e, in);
	run_posted(e);
	e->stepping = false;
	alarm_set(e->alarm, ike_next(e->ike));
}

void engine_post(struct engine *e, const struct ike_event *in, struct ike_job_result *result)
{
	struct posted *p = xcalloc(1, sizeof *p);
	p->in = *in;
	p->result = result;
	*e->posted_last = p;
	e->posted_last = &p->next;
	if (!e->stepping)
		event_active(e->soon, EV_TIMEOUT, 0);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	(void)fd;
	(void)what;
	e->stepping = true;
	run_posted(e);
	e->stepping = false;
	alarm_set(e->alarm, ike_next(e->ike));
}

static void on_alarm(void *arg)
{
	struct ike_event in = { .kind = EVENT_TIMER };
	engine_step(arg, &in);
}

static void on_work(void *arg, struct ike_ticket ticket, struct ike_job_result *result)
{
	struct ike_event in = { .kind = EVENT_JOB, .job = { ticket, result } };
	engine_post(arg, &in, result);
}

void engine_tell(struct engine *e, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	/* A keeper that is gone is noticed by the watcher; one that does not read for so long is no keeper. */
	ipc_send(e->ipc, kind, ticket, body, size);
}

void engine_ask_counters(struct engine *e)
{
	if (e->counting)
		return;
	e->counting = true;
	engine_tell(e, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0);
}

/* ---------------------------------------------------------------- datagrams */
static void on_datagram(void *arg, const struct addr *local, const struct addr *remote, struct bytes datagram)
{
	struct ike_event in = { .kind = EVENT_DATAGRAM, .datagram = { *local, *remote, datagram } };
	engine_step(arg, &in);
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	(void)what;
	ipc_hold(e->ipc);
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (e->udp[i] != NULL && event_get_fd(e->udp[i]) == fd)
			net_read(e->net, i, on_datagram, e);
	}
	ipc_let_go(e->ipc);
}

/* ---------------------------------------------------------------- operators */
static const struct ike *op_ike(void *arg) { return ((struct engine *)arg)->ike; }
static const struct conf *op_conf(void *arg) { return ((struct engine *)arg)->conf; }
static struct moment op_now(void *arg)
{
	(void)arg;
	return moment_now();
}
static void op_counters(void *arg) { engine_ask_counters(arg); }
static void op_send(void *arg, uint64_t client, const char *line) { clients_send(((struct engine *)arg)->clients, client, line); }
static void op_close(void *arg, uint64_t client) { clients_close(((struct engine *)arg)->clients, client); }

static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { kind, tunnel, token } };
	engine_post(arg, &in, NULL);
}

static void op_reload(void *arg, uint64_t token, bool dry_run)
{
	struct msg_reload m = { .token = token, .dry_run = dry_run };
	engine_tell(arg, MSG_RELOAD, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
}

static const struct control_ops operators = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_close, op_now };

static void on_line(void *arg, uint64_t client, const char *line, size_t len)
{
	control_request(((struct engine *)arg)->control, client, line, len);
}
static bool on_waits(void *arg, uint64_t client) { return control_client_waits(((struct engine *)arg)->control, client); }
static void on_client_gone(void *arg, uint64_t client) { control_client_gone(((struct engine *)arg)->control, client); }

/* ---------------------------------------------------------------- configuration */
static void on_status_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	(void)fd;
	(void)what;
	e->status_wanted = true;
	engine_ask_counters(e);
}

static void on_summary_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report_summary(arg);
}

static void set_status_interval(struct engine *e, msec interval)
{
	struct timeval every = { interval / 1000, (interval % 1000) * 1000 };
	if (interval == e->status_interval)
		return;
	e->status_interval = interval;
	event_del(e->status_timer);
	if (interval > 0)
		event_add(e->status_timer, &every);
}

static void start_reading(struct engine *e)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (e->udp[i] != NULL)
			event_add(e->udp[i], NULL);
	}
	e->ready = true;
	engine_tell(e, MSG_READY, (struct ike_ticket){ 0, 0 }, NULL, 0);
}

/* What did not change keeps its object, as in the keeper: pointer equality means "unchanged" (conf.h). The ids are the keeper's. */
static void keep_unchanged(const struct names *before, struct conf *c)
{
	const char *key;
	for (uint32_t i = 0; i < c->n; i++) {
		struct tunnel_conf *t = c->tunnels[i], *old = t->id < before->n ? before->v[t->id] : NULL;
		if (old == NULL || strcmp(old->name, t->name) != 0)
			continue;
		tunnel_conf_diff(old, t, &key);
		if (key != NULL)
			continue;
		c->tunnels[i] = tunnel_conf_ref(old);
		tunnel_conf_unref(t);
	}
}

void engine_configure(struct engine *e, struct conf *c)
{
	struct ike_event in = { .kind = EVENT_CONF, .conf = { c } };
	if (e->verbose == 0)
		log_set_level(c->global.log_level);
	work_resize(e->work, c->global.workers);
	set_status_interval(e, c->global.status_interval);
	keep_unchanged(&e->names, c);
	names_take(e, c);
	e->conf = c;
	/* Ready first: the keeper permits what the configuration asks for only from then on. */
	bool first = !e->ready;
	if (first)
		start_reading(e);
	engine_step(e, &in);
	names_settle(e);
	report_summary(e);
	if (!first)
		return;
	/* A request needs the configuration, and the keeper's consent to what it causes. */
	clients_open(e->clients);
	memory_trim();
}

/* ---------------------------------------------------------------- life */
static void on_message(void *arg, struct ipc_message *m) { engine_message(arg, m); }

/* Without a keeper there is nothing to do: the next keeper starts an engine of its own. */
static void on_keeper_gone(void *arg)
{
	struct engine *e = arg;
	ike_free(e->ike); /* wipes the keys */
	exit(0);
}

/* The first message, before anything else is done: descriptors, and who to become. */
static bool receive_setup(struct ipc *ipc, struct msg_setup *s, int fds[1 + UDP_SOCKETS])
{
	struct ipc_message m;
	struct pollfd p = { .fd = ROLE_FD, .events = POLLIN };
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
	unsigned n = 1;
	for (unsigned i = 0; ok && i < UDP_SOCKETS; i++)
		n += s->udp[i] == 1;
	ok = ok && m.n_fds == n && memchr(s->root, 0, sizeof s->root) != NULL;
	for (unsigned i = 0, at = 0; ok && i < 1 + UDP_SOCKETS; i++) {
		bool present = i == 0 || s->udp[i - 1] == 1;
		fds[i] = present ? m.fds[at] : -1;
		if (present)
			m.fds[at++] = -1;
	}
	ipc_done(ipc, &m);
	return ok;
}

static void ignore_signals(void)
{
	/* The keeper decides when to end; a terminal or a service manager signals the whole group. */
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT };
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static void build(struct engine *e, const struct msg_setup *s, const int fds[1 + UDP_SOCKETS])
{
	struct ipc_watcher w = { on_message, on_keeper_gone, e };
	struct clients_ops ops = { on_line, on_waits, on_client_gone };
	e->base = event_base_new();
	e->posted_last = &e->posted;
	e->verbose = s->verbose;
	e->ike = ike_new(rng_fill, NULL);
	if (e->verbose >= 2)
		ike_trace_all(e->ike);
	arena_init(&e->arena, STEP_CEILING);
	ike_actions_init(&e->actions, &e->arena);
	e->net = net_new(fds + 1);
	e->alarm = alarm_new(e->base, on_alarm, e);
	e->soon = evtimer_new(e->base, on_soon, e);
	e->status_timer = event_new(e->base, -1, EV_PERSIST, on_status_timer, e);
	e->summary_timer = evtimer_new(e->base, on_summary_timer, e);
	e->work = work_new(e->base, on_work, e);
	e->control = control_new(&operators, e);
	e->clients = clients_new(e->base, fds[0], s->control_gid, &ops, e);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		e->udp[i] = fds[1 + i] >= 0 ? event_new(e->base, fds[1 + i], EV_READ | EV_PERSIST, on_udp, e) : NULL;
	ipc_watch(e->ipc, e->base, &w);
}

int engine_main(void)
{
	static struct engine e;
	struct msg_setup s;
	int fds[1 + UDP_SOCKETS], type = 0;
	socklen_t len = sizeof type;
	const char *why = NULL;
	if (getsockopt(ROLE_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
		fprintf(stderr, "s2sd: this role is started by s2sd itself\n");
		return 2;
	}
	ignore_signals();
	bool loaded = alg_init(&why); /* reads files: before the root directory is empty */
	e.ipc = ipc_new(ROLE_FD);
	if (!receive_setup(e.ipc, &s, fds))
		return 0; /* the keeper changed its mind, and said why */
	tzset();
	if (s.to_stderr)
		log_open_stderr((enum log_level)s.log_level);
	else
		log_open_syslog("s2sd", s.log_facility, (enum log_level)s.log_level);
	memory_lock();
	if (!loaded || !privilege_user(s.uid, s.gid, s.root, ENGINE_FDS, &why)) {
		log_line(LOG_LEVEL_ERROR, "engine: %s", why);
		return 1;
	}
	build(&e, &s, fds);
	if (!sandbox_enter(&why))
		log_line(LOG_LEVEL_WARNING, "engine: no system call filter: %s", why);
	event_base_dispatch(e.base);
	return 1;
}
