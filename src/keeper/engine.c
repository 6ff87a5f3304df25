/*
 * engine.c - the engine as a child: started by exec in a fresh address space, watched, ended when it breaks the rules, started again.
 */
#include "keeper.h"

#include <event2/event.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "helper.h"
#include "ipc/helper.h"
#include "notify.h"
#include "ipc/privilege.h"

#define BACKOFF_MIN 100 /* ms */
#define BACKOFF_MAX 30000
#define CALM 60000   /* an engine that lived so long starts over with a short wait */
#define STARTS_MAX 4 /* at the first start: an engine that cannot even begin is the operator's business */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })
#define ANSWER_LIMIT 20000 /* ms without an answer to MSG_PING */

bool engine_setup(struct keeper *k)
{
	struct msg_setup s = { .uid = k->accounts.engine.uid,
		.gid = k->accounts.engine.gid,
		.control_gid = k->accounts.control,
		.resolver_uid = k->accounts.resolver.uid,
		.features = k->features,
		.to_stderr = k->opt.foreground,
		.log_level = (uint8_t)(k->opt.verbose > 0 ? LOG_LEVEL_DEBUG : k->conf->global.log_level),
		.verbose = (uint8_t)k->opt.verbose,
		.log_facility = keeper_global(k)->log_facility };
	int fds[1 + UDP_SOCKETS + 1] = { k->control };
	unsigned n = 1;
	snprintf(s.root, sizeof s.root, "%s/empty", k->opt.rundir);
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		s.udp[i] = k->udp[i] >= 0;
		if (k->udp[i] >= 0)
			fds[n++] = k->udp[i];
	}
	k->proven = NO_TICKET; /* the next one counts its tickets from the beginning */
	s.store = k->stores.engine >= 0;
	s.crashed = k->crashed;
	if (k->stores.engine >= 0)
		fds[n++] = k->stores.engine;
	if (!ipc_send_fds(k->engine, MSG_SETUP, &s, sizeof s, fds, n))
		return false;
	k->set_up = true;
	keeper_sas_hand_over(k);
	if (!keeper_send_conf(k, NULL))
		return false;
	keeper_tunnels_report(k);
	keeper_sas_expiring(k);
	for (unsigned i = 0; i < k->acquires.n; i++)
		keeper_send(k, MSG_ACQUIRE, NO_TICKET, &k->acquires.v[i], sizeof k->acquires.v[i]);
	k->acquires.n = 0;
	ipc_cork(k->engine); /* from here on the loop turns (keeper_turn) */
	return true;
}

void engine_command(struct keeper *k, enum ike_command_kind kind)
{
	struct msg_command m = { .kind = kind };
	keeper_send(k, MSG_COMMAND, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
}

static const char *how_it_ended(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "it was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "it exited with status %d", WEXITSTATUS(status));
	return text;
}

static void restart_later(struct keeper *k, bool was_calm)
{
	k->starts_failed = was_calm ? 1 : k->starts_failed + 1;
	if (!k->ready && k->starts_failed >= STARTS_MAX) {
		log_line(LOG_LEVEL_ERROR, "the engine does not start; giving up");
		keeper_exit(k, 1);
		return;
	}
	msec wait = BACKOFF_MIN;
	for (unsigned i = 1; i < k->starts_failed && wait < BACKOFF_MAX; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX)
		wait = BACKOFF_MAX;
	struct timeval tv = { wait / 1000, (wait % 1000) * 1000 };
	evtimer_add(k->restart_timer, &tv);
}

/* Nobody may go on stepping the tunnels while the next engine does. A process that has ended already keeps its own status. */
static int collect(struct keeper *k)
{
	int status = 0;
	privilege_kill(k->engine_pid, k->accounts.engine.uid);
	while (waitpid(k->engine_pid, &status, 0) < 0 && errno == EINTR)
		continue;
	k->engine_pid = 0;
	return status;
}

static void close_engine(struct keeper *k)
{
	ipc_free(k->engine);
	k->engine = NULL;
}

void engine_end(struct keeper *k)
{
	if (k->engine == NULL)
		return;
	if (k->engine_pid != 0)
		collect(k);
	close_engine(k);
}

/* What it asked for before its death is good: its store says that it was asked for. */
static void finish_requests(struct keeper *k)
{
	struct ipc *c = k->engine;
	struct ipc_message m;
	ipc_hold(c); /* a request may be so bad that the engine is given up over it */
	while (k->engine == c && ipc_receive(c, &m) == 1) {
		k->on_request(k, &m);
		ipc_done(c, &m);
	}
	ipc_let_go(c);
}

void engine_leave(struct keeper *k)
{
	if (k->engine == NULL)
		return;
	collect(k);
	k->left = true;
	finish_requests(k);
	if (k->engine != NULL)
		close_engine(k);
}

/* At once, not with the next engine: who comes meanwhile waits at the new ones. */
static void renew_sockets(struct keeper *k)
{
	if (!k->set_up)
		return;
	k->set_up = false;
	keeper_renew_control(k);
	keeper_renew_udp(k);
}

static void replace(struct keeper *k, const char *why, bool crashed)
{
	k->crashed = crashed;
	bool stopping = k->phase == PHASE_STOP;
	close_engine(k);
	k->phase = PHASE_DOWN;
	keeper_resolve_stop(k);
	keeper_signers_nobody_waits(k);
	keeper_reload_forget(k);
	if (stopping) {
		keeper_stopped(k);
		return;
	}
	/* The kernel goes on with what it has. */
	log_line(LOG_LEVEL_ERROR, "the engine failed: %s; another takes over", why);
	renew_sockets(k);
	notify("STATUS=the engine failed and is restarted");
	restart_later(k, keeper_awake() - k->engine_since > CALM);
}

static void give_up(struct keeper *k, const char *why)
{
	if (k->engine_pid != 0)
		collect(k);
	replace(k, why, true);
}

/* The last one of this run: another run goes on, with nothing that this engine had. */
static void leave_nothing(struct keeper *k, const char *why)
{
	log_line(LOG_LEVEL_ERROR, "the engine failed: %s", why);
	keeper_stores_distrust(k, false);
	keeper_forget_udp(k);
	close_engine(k);
}

void engine_fail(struct keeper *k, const char *why)
{
	if (k->engine == NULL)
		return;
	if (k->left) {
		leave_nothing(k, why);
		return;
	}
	give_up(k, why);
	keeper_stores_distrust(k, true);
}

/* By itself, or it does not read any more. */
static void on_gone(void *arg)
{
	struct keeper *k = arg;
	char text[96];
	int status = collect(k);
	finish_requests(k);
	if (k->engine != NULL) /* no request of it was so bad that it was given up already */
		replace(k, how_it_ended(status, text, sizeof text), !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL);
}

static void on_message(void *arg, struct ipc_message *m)
{
	struct keeper *k = arg;
	k->on_request(k, m);
}

bool engine_spawn(struct keeper *k)
{
	int fd;
	int err = helper_start(k->engine_program, ENGINE_PROGRAM, &k->engine_pid, &fd);
	if (err != 0) {
		log_line(LOG_LEVEL_ERROR, "cannot start the engine: %s", strerror(-err));
		return false;
	}
	struct ipc_watcher w = { on_message, on_gone, k };
	k->engine = ipc_new(fd);
	ipc_watch(k->engine, k->base, &w);
	k->phase = PHASE_START;
	k->engine_since = k->pong_at = keeper_awake();
	k->pinged = false;
	return true;
}

void engine_ping(struct keeper *k)
{
	/* The manager watches the keeper; while an engine runs, its answers feed the watchdog, so a hang of either is seen. */
	if (k->engine == NULL) {
		notify("WATCHDOG=1");
		return;
	}
	if (keeper_awake() - k->pong_at > ANSWER_LIMIT) {
		give_up(k, "it does not respond");
		return;
	}
	k->pinged = true;
	if (k->status_due)
		keeper_status(k);
	k->status_due = false;
	keeper_send(k, MSG_PING, (struct ike_ticket){ 0, 0 }, NULL, 0);
}
