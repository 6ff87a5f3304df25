/*
 * keeper.c - the privileged process: holds configuration, pre-shared keys, netlink and the UDP sockets; parses nothing that came from the network.
 *
 *	                    ┌──────────── keeper ────────────┐
 *	  configuration ──> │ PSKs   request table   kernel  │ ──> XFRM, links, routes
 *	  SIGHUP ...        └──┬──────────────▲───────────┬──┘
 *	                       │ events       │ requests  │ a name
 *	                    ┌──▼──────────────┴──┐   ┌────▼─────┐
 *	  UDP 500, 4500 <-> │ engine: ike_step() │   │ resolver │ ──> DNS
 *	  control.sock  <-> └────────────────────┘   └──────────┘
 *
 * Order of life: options, configuration, run directory, sockets, privileges, engine, kernel, READY. The engine is started early, so that its
 * libraries are loaded while the keeper works. Whoever of the two dies, the other notices at once: the engine ends, the keeper starts a new one.
 */
#include "keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "ipc/memory.h"
#include "ipc/net.h"
#include "notify.h"
#include "ipc/privilege.h"
#include "settings_link.h"

#define STOP_LIMIT 2300    /* ms for telling the peers; the protocol takes 2000 at most */
#define TICK 10000         /* ms between two pings of the engine */
#define PORT_PATIENCE 3000 /* ms for a port that another process has */

static int64_t read_clock(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t keeper_now(void) { return read_clock(CLOCK_BOOTTIME); }
int64_t keeper_awake(void) { return read_clock(CLOCK_MONOTONIC); }

struct tunnel_run *keeper_tunnel(struct keeper *k, uint32_t id) { return table_get(&k->tunnels, id); }

void keeper_fact(
	struct keeper *k, enum fact_code code, enum blame blame, enum fact_subject subject, uint32_t tunnel, const char *fmt, ...)
{
	static const enum log_level levels[] = { ['E'] = LOG_LEVEL_ERROR,
		['W'] = LOG_LEVEL_WARNING,
		['N'] = LOG_LEVEL_NOTICE,
		['I'] = LOG_LEVEL_INFO,
		['D'] = LOG_LEVEL_DEBUG };
	struct tunnel_run *t = keeper_tunnel(k, tunnel);
	struct fact f;
	memset(&f, 0, sizeof f);
	f.code = code;
	f.blame = blame;
	f.subject = subject;
	f.tunnel = tunnel;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof f.text, fmt, ap);
	va_end(ap);
	struct log_fields fields = { t != NULL ? t->conf->name : NULL, fact_word(code), NULL };
	log_fielded(levels[(unsigned char)fact_level(code)], &fields, "%s: %s", t != NULL ? t->conf->name : "-", f.text);
	keeper_tell(k, MSG_FACT, (struct ike_ticket){ 0, 0 }, &f, sizeof f);
}

/* ---------------------------------------------------------------- what a start needs */
/* System users are local: their files are read here, so that no name service is loaded into the process with the keys. */
static bool local_user(struct keeper *k, const char *name)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;
	while (f != NULL && (pw = fgetpwent(f)) != NULL && strcmp(pw->pw_name, name) != 0)
		continue;
	if (pw != NULL) {
		k->uid = pw->pw_uid;
		k->gid = pw->pw_gid;
	}
	if (f != NULL)
		fclose(f);
	return pw != NULL;
}

static bool local_group(struct keeper *k, const char *name)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *gr = NULL;
	while (f != NULL && (gr = fgetgrent(f)) != NULL && strcmp(gr->gr_name, name) != 0)
		continue;
	k->control_gid = gr != NULL ? gr->gr_gid : 0;
	if (f != NULL)
		fclose(f);
	return gr != NULL;
}

static bool find_user(struct keeper *k)
{
	const struct global_conf *g = &k->conf->global;
	bool found = local_user(k, g->user);
	if (!found) {
		log_line(LOG_LEVEL_WARNING,
			"user %s does not exist (systemd-sysusers or useradd --system makes it): using nobody", g->user);
		found = local_user(k, "nobody");
	}
	if (!found || k->uid == 0) {
		log_line(LOG_LEVEL_ERROR, "user %s cannot be used: it %s", g->user, found ? "is root" : "does not exist");
		return false;
	}
	if (!local_group(k, g->group))
		log_line(LOG_LEVEL_WARNING, "group %s does not exist: only root may use the control socket", g->group);
	return true;
}

static bool make_dir(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, mode) == 0 && chmod(path, mode) == 0)
		return true;
	if (errno == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 && (st.st_mode & 022) == 0)
		return true;
	log_line(LOG_LEVEL_ERROR, "%s: cannot be used as a directory of ours: %s", path,
		errno == EEXIST ? "not root's, or others may write" : strerror(errno));
	return false;
}

static bool prepare_run_dir(struct keeper *k)
{
	char empty[sizeof((struct msg_setup *)0)->root];
	if ((size_t)snprintf(empty, sizeof empty, "%s/empty", k->opt.rundir) >= sizeof empty) {
		log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
		return false;
	}
	if (!make_dir(k->opt.rundir, 0755) || !make_dir(empty, 0555))
		return false;
	k->run_dir = open(k->opt.rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->run_dir < 0 || flock(k->run_dir, LOCK_EX | LOCK_NB) != 0) {
		log_line(LOG_LEVEL_ERROR, "%s: %s", k->opt.rundir,
			k->run_dir >= 0 && errno == EWOULDBLOCK ? "another s2sd runs here" : strerror(errno));
		return false;
	}
	return true;
}

static bool open_control(struct keeper *k)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "%s/control.sock", k->opt.rundir) >= sizeof at.sun_path) {
		log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
		return false;
	}
	unlink(at.sun_path); /* of an earlier life: the lock on the directory says that nobody uses it */
	k->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0177);
	bool ok = k->control >= 0 && bind(k->control, (struct sockaddr *)&at, sizeof at) == 0;
	umask(old);
	ok = ok && chown(at.sun_path, 0, k->control_gid) == 0 && chmod(at.sun_path, 0660) == 0 && listen(k->control, 64) == 0;
	if (!ok)
		log_line(LOG_LEVEL_ERROR, "%s: %s", at.sun_path, strerror(errno));
	return ok;
}

/* Whoever had the port may be on its way out; and a service manager that starts us again at once gets no tight loop. */
static int open_patiently(const struct net_port *p, const char **why)
{
	int fd = net_open(p, why);
	for (unsigned ms = 0; fd == -EADDRINUSE && ms < PORT_PATIENCE; ms += 20) {
		usleep(20000);
		fd = net_open(p, why);
	}
	return fd;
}

static bool open_udp(struct keeper *k)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		const char *why;
		int fd = open_patiently(&net_ports[i], &why);
		k->udp[i] = fd;
		const char *family = net_ports[i].family == AF_INET ? "IPv4" : "IPv6";
		if (fd >= 0 && why != NULL && !k->opt.null_kernel)
			log_line(LOG_LEVEL_WARNING, "%s UDP port %u: %s", family, net_ports[i].port, why);
		if (fd >= 0)
			continue;
		if (net_ports[i].family == AF_INET6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
			log_line(LOG_LEVEL_INFO, "no IPv6 on this machine");
			continue;
		}
		log_line(LOG_LEVEL_ERROR, "%s UDP port %u: %s: %s%s", family, net_ports[i].port, why, strerror(-fd),
			fd == -EADDRINUSE ? " (is another IKE daemon running?)" : "");
		return false;
	}
	return true;
}

static void lock_secrets(void)
{
	if (!memory_lock())
		log_line(LOG_LEVEL_INFO, "memory cannot be kept off the swap (LimitMEMLOCK=infinity allows it)");
}

/* ---------------------------------------------------------------- signals and time */
void keeper_leave(struct keeper *k, int exit_code)
{
	k->exit_code = exit_code;
	event_base_loopbreak(k->base);
}

void keeper_status(const struct keeper *k)
{
	notify("STATUS=%u of %u tunnels up%s", k->up, k->total,
		k->refused ? "; settings on disk are refused (s2sctl reload says why)" : "");
}

void keeper_stopped(struct keeper *k)
{
	if (k->leaving)
		return;
	k->leaving = true;
	keeper_leave(k, 0);
}

static void stop(struct keeper *k)
{
	struct timeval limit = { STOP_LIMIT / 1000, (STOP_LIMIT % 1000) * 1000 };
	if (k->phase == PHASE_STOP)
		return;
	notify("STOPPING=1\nSTATUS=telling the peers");
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
	(void)fd;
	(void)what;
	log_line(LOG_LEVEL_WARNING, "the engine did not finish in time");
	keeper_stopped(arg);
}

static void reload(struct keeper *k)
{
	char text[256];
	bool ok;
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	keeper_reload(k, false, text, sizeof text, &ok);
	notify("READY=1");
}

/* Leaves at once and touches nothing: interfaces, SAs and routes stay for the next life. */
static void vanish(struct keeper *k)
{
	log_line(LOG_LEVEL_NOTICE, "leaving; everything stays as it is");
	engine_end(k);
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
	case SIGUSR1: keeper_tell(k, MSG_STATUS, (struct ike_ticket){ 0, 0 }, NULL, 0); break;
	case SIGUSR2: vanish(k); break;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	engine_ping(arg);
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	(void)fd;
	(void)what;
	if (!engine_spawn(k) || !engine_welcome(k))
		keeper_leave(k, 1);
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
}

/* ---------------------------------------------------------------- life */
static void open_log(const struct keeper *k)
{
	enum log_level level = k->conf != NULL ? k->conf->global.log_level : LOG_LEVEL_INFO;
	if (k->opt.verbose > 0)
		level = LOG_LEVEL_DEBUG;
	if (k->opt.foreground)
		log_open_stderr(level);
	else
		log_open_syslog("s2sd", k->conf != NULL ? k->conf->global.log_facility : 3 << 3 /* daemon */, level);
}

static void make_tables(struct keeper *k)
{
	uint64_t seeds[2];
	rng_fill(NULL, seeds, sizeof seeds);
	table_init(&k->tunnels, seeds[0]);
	table_init(&k->sas, seeds[1]);
}

static bool start(struct keeper *k)
{
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
	/* The engine loads its libraries while we load ours. */
	if (!prepare_run_dir(k) || !engine_spawn(k))
		return false;
	if (!alg_init(&why)) {
		log_line(LOG_LEVEL_ERROR, "cryptographic library: %s", why);
		return false;
	}
	make_tables(k);
	lock_secrets();
	if (!keeper_configure(k)) {
		k->exit_code = EX_CONFIG;
		return false;
	}
	open_log(k);
	if (k->opt.null_kernel)
		log_line(LOG_LEVEL_WARNING, "NULL KERNEL: SAs are only recorded; no packet will ever pass a tunnel of this run");
	if (!find_user(k)) {
		k->exit_code = EX_CONFIG;
		return false;
	}
	if (!open_control(k) || !open_udp(k))
		return false;
	k->settings_linked = settings_link(k->run_dir, k->opt.file);
	if (!engine_welcome(k))
		return false;
	return keeper_kernel_open(k);
}

static void free_events(struct keeper *k)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		event_free(k->signals[i]);
	event_free(k->ticker);
	event_free(k->stop_timer);
	event_free(k->restart_timer);
	event_base_free(k->base);
}

static void finish(struct keeper *k)
{
	char path[256];
	engine_end(k);
	keeper_resolve_stop(k);
	if (k->leaving && k->kernel != NULL)
		keeper_kernel_clear(k);
	if (k->control >= 0 && (size_t)snprintf(path, sizeof path, "%s/control.sock", k->opt.rundir) < sizeof path)
		unlink(path);
	if (k->run_dir >= 0 && k->leaving) {
		unlinkat(k->run_dir, "empty", AT_REMOVEDIR);
		if (k->settings_linked)
			settings_unlink(k->run_dir);
	}
	keeper_kernel_close(k);
	if (k->conf != NULL)
		conf_free(k->conf); /* wipes the pre-shared keys */
	free_events(k);
	if (k->leaving)
		log_line(LOG_LEVEL_NOTICE, "stopped");
}

int keeper_main(const struct options *o)
{
	struct keeper k = { .opt = *o,
		.ops = o->null_kernel ? &kernel_null : &kernel_real,
		.phase = PHASE_DOWN,
		.on_request = keeper_request,
		.run_dir = -1,
		.control = -1,
		.udp = { -1, -1, -1, -1 },
		.exit_code = 0 };
	/* Whoever started us may have left descriptors open; no child of ours gets them. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	k.base = event_base_new();
	if (k.base == NULL)
		return 1;
	notify_open();
	make_events(&k);
	if (start(&k))
		event_base_dispatch(k.base);
	else if (k.exit_code == 0)
		k.exit_code = 1;
	finish(&k);
	return k.exit_code;
}
