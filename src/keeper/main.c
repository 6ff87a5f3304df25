/*
 * main.c - s2sd: options, and the life of the privileged process: holds configuration, pre-shared keys, netlink and the UDP sockets; parses nothing that came
 * from the network.
 *
 *	                    ┌──────────── keeper ────────────┐
 *	  configuration ──> │ PSKs   request table   kernel  │ ──> XFRM, links, routes
 *	  SIGHUP ...        └──┬──────────────▲───────────┬──┘
 *	                       │ events       │ requests  │ a name
 *	                    ┌──▼──────────────┴──┐   ┌────▼─────┐
 *	  UDP 500, 4500 <-> │ engine: ike_step() │   │ resolver │ ──> DNS
 *	  control.sock  <-> └────────────────────┘   └──────────┘
 *
 * Order of life: options, run directory, what an earlier run saved, configuration, sockets, privileges, engine, kernel, READY. The engine is started
 * early, so that its libraries are loaded while the keeper works. If one of the two dies the other notices at once: the engine exits, the keeper
 * starts a new one. Either goes on with what is saved in its store, and in the kernel.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/store.h"
#include "check/again.h"
#include "config.h"
#include "crypto/crypto.h"
#include "given.h"
#include "helper.h"
#include "ipc/filter.h"
#include "ipc/helper.h"
#include "ipc/loop.h"
#include "ipc/memory.h"
#include "ipc/privilege.h"
#include "keeper.h"
#include "notify.h"
#include "settings_link.h"

#define STOP_LIMIT 2300 /* ms for notifying the peers; the protocol takes 2000 at most */
#define TICK 10000      /* ms between two pings of the engine */

static void lock_secrets(void)
{
	if (!memory_lock())
		log_line(LOG_LEVEL_INFO, "memory cannot be kept off the swap (LimitMEMLOCK=infinity allows it)");
}

static void stop(struct keeper *k)
{
	struct timeval limit = { STOP_LIMIT / 1000, (STOP_LIMIT % 1000) * 1000 };
	if (k->phase == PHASE_STOP)
		return;
	notify("STOPPING=1\nSTATUS=notifying the peers");
	log_line(LOG_LEVEL_NOTICE, "stopping");
	evtimer_del(k->restart_timer);
	if (k->phase != PHASE_RUN) {
		keeper_stopped(k);
		return;
	}
	k->phase = PHASE_STOP;
	engine_command(k, COMMAND_SHUTDOWN);
	evtimer_add(k->stop_timer, &limit);
}

static void on_stop_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	log_line(LOG_LEVEL_WARNING, "the engine did not finish in time");
	keeper_stopped(arg);
}

static void reload(struct keeper *k)
{
	char words[MSG_RELOADED_TEXT];
	struct buf none = buf_of(NULL, 0);
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	keeper_reload(k, false, words, &none);
	if (k->ready) /* else the engine's first answer says so */
		notify("READY=1");
}

/* Leaves at once and touches nothing: the kernel goes on with what it has, and the next run with what is saved. */
static void exit_at_once(struct keeper *k)
{
	int fds[4];
	log_line(LOG_LEVEL_NOTICE, "exiting on SIGUSR2; the next run goes on from here");
	engine_leave(k);
	for (unsigned i = 0, n = k->kernel != NULL ? k->ops->fds(k->kernel, fds) : 0; i < n; i++)
		k->ops->read(k->kernel, fds[i]); /* what it says once */
	_exit(k->exit_code);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct keeper *k = arg;
	(void)what;
	switch (sig) {
	case SIGTERM:
	case SIGINT: stop(k); break;
	case SIGHUP: reload(k); break;
	case SIGUSR1: keeper_send(k, MSG_STATUS, (struct ike_ticket){ 0, 0 }, NULL, 0); break;
	case SIGUSR2: exit_at_once(k); break;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	engine_ping(arg);
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	(void)fd, (void)what;
	if (!engine_spawn(k) || !engine_setup(k))
		keeper_exit(k, 1);
}

static void make_events(struct keeper *k)
{
	static const int caught[SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
	msec tick = TICK, dog = notify_watchdog();
	if (dog > 0 && dog / 2 < tick)
		tick = dog / 2 > 0 ? dog / 2 : 1;
	struct timeval every = { tick / 1000, (tick % 1000) * 1000 };
	for (unsigned i = 0; i < SIGNALS; i++) {
		k->signals[i] = evsignal_new(k->base, caught[i], on_signal, k);
		event_add(k->signals[i], NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	k->ticker = event_new(k->base, -1, EV_PERSIST, on_tick, k);
	event_add(k->ticker, &every);
	k->stop_timer = evtimer_new(k->base, on_stop_limit, k);
	k->restart_timer = evtimer_new(k->base, on_restart, k);
	k->reload_timer = evtimer_new(k->base, keeper_reload_waiting, k);
}

/* ---------------------------------------------------------------- life */
static void open_log(const struct keeper *k)
{
	enum log_level level = k->conf != NULL ? keeper_global(k)->log_level : LOG_LEVEL_INFO;
	if (k->opt.verbose > 0)
		level = LOG_LEVEL_DEBUG;
	if (k->opt.foreground)
		log_open_stderr(level);
	else
		log_open_syslog("s2sd", k->conf != NULL ? keeper_global(k)->log_facility : 3 << 3 /* daemon */, level);
}

static void make_tables(struct keeper *k)
{
	uint64_t seed;
	rng_seed(NULL, &seed, sizeof seed);
	table_init(&k->tunnels, seed);
	rng_seed(NULL, &seed, sizeof seed);
	der_seed(seed);
}

static bool start(struct keeper *k)
{
	static const struct account_files system_accounts = { "/etc/passwd", "/etc/group" };
	const char *why;
	open_log(k);
	if (geteuid() != 0) {
		log_line(LOG_LEVEL_ERROR, "s2sd must be started by root");
		return false;
	}
	if (!privilege_keeper(&why)) {
		log_line(LOG_LEVEL_ERROR, "not enough privilege: %s", why);
		return false;
	}
	k->engine_program = helper_open(ENGINE_PROGRAM);
	k->resolver_program = helper_open(RESOLVER_PROGRAM);
	k->signer_program = helper_open(SIGNER_PROGRAM);
	if (k->engine_program < 0 || k->resolver_program < 0 || k->signer_program < 0 || !keeper_open_run_dir(k))
		return false;
	/* The engine loads its libraries meanwhile. */
	if (!engine_spawn(k))
		return false;
	make_tables(k);
	lock_secrets();
	keeper_stores_open(k);
	if (!keeper_configure(k)) {
		if (!alg_init(&why)) /* a cause of what was said of its algorithms */
			log_line(LOG_LEVEL_ERROR, "cryptographic library: %s", why);
		k->exit_code = EX_CONFIG;
		return false;
	}
	open_log(k);
	if (k->opt.null_kernel)
		log_line(LOG_LEVEL_WARNING, "NULL KERNEL: SAs are only recorded; no packet will ever pass a tunnel of this run");
	if (!accounts_find(&system_accounts, keeper_global(k)->user, keeper_global(k)->group, &k->accounts)) {
		k->exit_code = EX_CONFIG;
		return false;
	}
	if (!keeper_open_control(k) || !keeper_open_udp(k))
		return false;
	given_close(notify_forget);
	keeper_note_exit(k);
	k->settings_linked = settings_link(k->run_dir, k->opt.file);
	/* The engine is told first what the kernel has still. */
	if (!keeper_kernel_open(k))
		return false;
	keeper_find_features(k);
	if (!engine_setup(k))
		return false;
	keeper_go_on(k);
	return true;
}

static void free_events(struct keeper *k)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		event_free(k->signals[i]);
	event_free(k->ticker);
	event_free(k->stop_timer);
	event_free(k->restart_timer);
	event_free(k->reload_timer);
	event_base_free(k->base);
}

static void finish(struct keeper *k)
{
	engine_end(k);
	keeper_resolve_stop(k);
	keeper_signers_stop(k);
	if (k->leaving && k->kernel != NULL)
		keeper_kernel_clear(k);
	keeper_stores_close(k, k->leaving);
	if (k->leaving)
		keeper_forget_udp(k);
	if (k->control >= 0)
		keeper_remove_control(k);
	if (k->run_dir >= 0 && k->leaving) {
		keeper_remove_places(k);
		if (k->settings_linked)
			settings_unlink(k->run_dir);
	}
	keeper_kernel_close(k);
	if (k->conf != NULL)
		conf_free(k->conf); /* wipes the pre-shared keys */
	conf_free(k->next);
	conf_memory_free(k->memory);
	free_events(k);
	if (k->leaving)
		log_line(LOG_LEVEL_NOTICE, "stopped");
}

/* What is said to the others leaves together. */
static void keeper_turn(void *arg)
{
	struct keeper *k = arg;
	keeper_signers_flush(k);
	if (k->engine != NULL)
		ipc_flush(k->engine);
}

static int run(const struct options *o)
{
	struct keeper k = { .opt = *o,
		.ops = o->null_kernel ? &kernel_null : &kernel_real,
		.phase = PHASE_DOWN,
		.on_request = keeper_request,
		.run_dir = -1,
		.control = -1,
		.udp = { -1, -1, -1, -1 },
		.stores = { .engine = -1, .own = -1 },
		.exit_code = 0 };
	/* Whoever started us may have left descriptors open; no child of ours gets them. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	k.base = event_base_new();
	if (k.base == NULL)
		return 1;
	notify_open();
	given_open();
	make_events(&k);
	if (start(&k))
		loop_run(k.base, keeper_turn, &k);
	else if (k.exit_code == 0)
		k.exit_code = 1;
	finish(&k);
	return k.exit_code;
}

/* ---------------------------------------------------------------- options */
static int usage(FILE *to, int code)
{
	fputs("usage: s2sd [-c FILE] [-r RUNDIR] [-n] [-d] [-v] [-V] [--remove [--all]]\n"
	      "  -c FILE    configuration (" S2S_SYSCONFDIR "/s2sd/s2sd.yaml); conf.d/ and keys/ are beside it\n"
	      "  -r RUNDIR  run directory (" S2S_RUNDIR ")\n"
	      "  -n         check the configuration and exit\n"
	      "  -d         log to stderr\n"
	      "  -v         debug log; -v -v: the messages, too\n"
	      "  -V         version and what is built in\n"
	      "  --remove   remove what a daemon that could not clean up left in the kernel and in RUNDIR, and exit\n"
	      "  --all      with --remove: the unreachable routes that on-exit keeps, too\n",
		to);
	return code;
}

#if FILTERS
#define FILTER "seccomp"
#else
#define FILTER "none in this build"
#endif

static int version(void)
{
	const struct alg *row;
	printf("s2sd %s\nalgorithms:", S2S_VERSION);
	for (unsigned i = 0; (row = alg_row(i)) != NULL; i++)
		printf(" %s", row->word);
	printf("\nstores: layout %u, engine %u, keeper %u", STORE_LAYOUT, STORE_ENGINE_RECORDS, STORE_KEEPER_RECORDS);
	printf("\nprocesses: keeper, engine, resolver, signer; workers: threads; system call filter: %s\n", FILTER);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = { { "null-kernel", no_argument, NULL, 'N' }, { "remove", no_argument, NULL, 'R' },
		{ "all", no_argument, NULL, 'A' }, { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 } };
	struct options o = { .file = S2S_SYSCONFDIR "/s2sd/s2sd.yaml", .rundir = S2S_RUNDIR };
	const char *why;
	bool show_version = false;
	for (int c; (c = getopt_long(argc, argv, "c:r:ndvVh", names, NULL)) != -1;) {
		switch (c) {
		case 'c': o.file = optarg; break;
		case 'r': o.rundir = optarg; break;
		case 'n': o.check = true; break;
		case 'd': o.foreground = true; break;
		case 'v': o.verbose++; break;
		case 'N': o.null_kernel = true; break;
		case 'R': o.remove = true; break;
		case 'A': o.all = true; break;
		case 'V': show_version = true; break;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind != argc || (o.all && !o.remove))
		return usage(stderr, 2);
	if (!show_version && !o.check)
		return o.remove ? keeper_remove(&o) : run(&o);
	if (!alg_init(&why)) {
		fprintf(stderr, "s2sd: cryptographic library: %s\n", why);
		return 1;
	}
	return show_version ? version() : keeper_check(o.file);
}
