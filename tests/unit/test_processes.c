/*
 * test_processes.c - the daemon as it runs: what /proc says of each of its processes, at the start and after an engine that failed; who may speak to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_help.h"
#include "ipc/filter.h"
#include "proc_help.h"
#include "unit.h"

#define ENGINE_USER 64500
#define RESOLVER_USER 64502
#define CONTROL_GROUP 64500
#define SIX "00000000000414c1" /* net_admin, net_bind_service, setuid, setgid, sys_chroot, chown */
#define NONE "0000000000000000"

static pid_t engine, resolver;

/* One tunnel whose peer has a name, so that a resolver runs; its name server does not answer. */
static void start_with_a_name(void)
{
	FILE *f;
	isolate_with_users();
	write_settings(1, "");
	f = fopen(settings, "ae");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "  named:\n    remote: never.example.net\n    psk: Wq4.zT8_kLmB2xN6vR9yJ3cF\n");
	fclose(f);
	start_daemon();
	ck_assert(is_told("READY=1"));
	engine = helper_process("s2sd-engine");
	resolver = helper_process("s2sd-resolver");
	ck_assert_int_gt(engine, 0);
	ck_assert_int_gt(resolver, 0);
}

/* ---------------------------------------------------------------- /proc/PID/status */
/* A helper has its name before it has given up anything. */
static void wait_until_confined(pid_t pid)
{
	const char *key = FILTERS ? "Seccomp" : "NoNewPrivs", *then = FILTERS ? "2" : "1";
	for (unsigned i = 0; i < 20000 && strcmp(process_status(pid, key), then) != 0; i++)
		usleep(1000);
}

struct expected {
	const char *key, *value;
};

static void expect_status(const char *who, pid_t pid, const struct expected *rows)
{
	for (; rows->key != NULL; rows++) {
		const char *value = process_status(pid, rows->key);
		ck_assert_msg(
			strcmp(value, rows->value) == 0, "%s: %s is \"%s\", not \"%s\"", who, rows->key, value, rows->value);
	}
}

static const struct expected of_keeper[] = { { "Uid", "0\t0\t0\t0" }, { "Gid", "0\t0\t0\t0" }, { "CapInh", NONE },
	{ "CapPrm", SIX }, { "CapEff", SIX }, { "CapBnd", SIX }, { "CapAmb", NONE }, { "NoNewPrivs", "1" }, { NULL, NULL } };
static const struct expected of_engine[] = { { "Uid", "64500\t64500\t64500\t64500" }, { "Gid", "64501\t64501\t64501\t64501" },
	{ "Groups", "" }, { "CapInh", NONE }, { "CapPrm", NONE }, { "CapEff", NONE }, { "CapAmb", NONE }, { "NoNewPrivs", "1" },
	{ "Seccomp", FILTERS ? "2" : "0" }, { NULL, NULL } };
static const struct expected of_resolver[] = { { "Uid", "64502\t64502\t64502\t64502" }, { "Gid", "64502\t64502\t64502\t64502" },
	{ "Groups", "" }, { "CapInh", NONE }, { "CapPrm", NONE }, { "CapEff", NONE }, { "CapAmb", NONE }, { "NoNewPrivs", "1" },
	{ "Seccomp", FILTERS ? "2" : "0" }, { NULL, NULL } };

/* ---------------------------------------------------------------- descriptors */
struct allowed {
	const char *what; /* how the link begins */
	unsigned most;
};

static bool is_allowed(const char *link, const struct allowed *rows, unsigned *counts)
{
	for (unsigned i = 0; rows[i].what != NULL; i++) {
		if (strncmp(link, rows[i].what, strlen(rows[i].what)) == 0)
			return ++counts[i] <= rows[i].most;
	}
	return false;
}

static void expect_descriptors(const char *who, pid_t pid, const struct allowed *rows)
{
	char path[64], at[128], link[512];
	unsigned counts[16] = { 0 };
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	ck_assert_msg(d != NULL, "%s: no descriptors to be read (%s)", who, strerror(errno));
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(at, sizeof at, "%s/%.16s", path, e->d_name);
		ssize_t n = readlink(at, link, sizeof link - 1);
		if (n < 0)
			continue; /* closed meanwhile */
		link[n] = 0;
		ck_assert_msg(is_allowed(link, rows, counts), "%s: descriptor %s is %s, or there are too many of them", who,
			e->d_name, link);
	}
	closedir(d);
}

/* Whatever it holds, it got from the keeper or made while it was being started: nothing to open more with. */
static void expect_engine_descriptors(void)
{
	/* keeper, control socket, UDP 500 and 4500 of both families, syslog; clients are not there. Its own store, not the keeper's. */
	char file[96];
	snprintf(file, sizeof file, "%s/state.engine", rundir);
	const struct allowed rows[] = { { "/dev/null", 3 }, { log_file, 1 }, { "/memfd:state.engine", 1 }, { file, 1 },
		{ "socket:", 1 + 1 + 4 + 1 }, { "pipe:", 4 }, { "anon_inode:[eventpoll]", 1 }, { "anon_inode:[timerfd]", 2 },
		{ "anon_inode:[eventfd]", 2 }, { NULL, 0 } };
	expect_descriptors("engine", engine, rows);
}

static void expect_resolver_descriptors(void)
{
	/* keeper, name server */
	const struct allowed rows[] = { { "/dev/null", 3 }, { log_file, 1 }, { "socket:", 2 }, { NULL, 0 } };
	expect_descriptors("resolver", resolver, rows);
}

/* ---------------------------------------------------------------- the rest */
static void expect_root(const char *who, pid_t pid, const char *below)
{
	const char *link = process_link(pid, "root");
	ck_assert_msg(strncmp(link, rundir, strlen(rundir)) == 0 && strcmp(link + strlen(rundir), below) == 0,
		"%s: its root is %s", who, link);
	link = process_link(pid, "cwd");
	ck_assert_msg(strncmp(link, rundir, strlen(rundir)) == 0, "%s: it works in %s", who, link);
}

static void expect_no_core(const char *who, pid_t pid)
{
	char path[64], line[256];
	bool found = false;
	snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL) {
		unsigned long soft, hard;
		if (sscanf(line, "Max core file size %lu %lu", &soft, &hard) == 2)
			found = soft == 0 && hard == 0;
	}
	fclose(f);
	ck_assert_msg(found, "%s: it may leave a core dump", who);
}

static int capset_to(uint32_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = caps, .permitted = caps } };
	return (int)syscall(SYS_capset, &head, data);
}

/* Whether a process of the same user and with the same capabilities can look into its memory: what is not dumpable is closed to it. */
static bool can_be_looked_into(pid_t pid, uid_t uid, gid_t gid, uint32_t caps)
{
	char path[64];
	int status = -1;
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	pid_t looker = fork();
	if (looker == 0) {
		prctl(PR_SET_KEEPCAPS, 1);
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 ||
			capset_to(caps) != 0)
			_exit(9);
		int fd = open(path, O_RDONLY);
		_exit(fd >= 0 ? 1 : errno == EACCES || errno == EPERM ? 0 : 8);
	}
	ck_assert_int_eq(waitpid(looker, &status, 0), looker);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 1, "looking at %d: status %x", (int)pid, status);
	return WEXITSTATUS(status) == 1;
}

static void all_is_given_up(void)
{
	wait_until_confined(engine);
	expect_status("keeper", daemon_pid, of_keeper);
	expect_status("engine", engine, of_engine);
	expect_engine_descriptors();
	expect_root("engine", engine, "/empty");
	expect_no_core("keeper", daemon_pid);
	expect_no_core("engine", engine);
	ck_assert_msg(!can_be_looked_into(daemon_pid, 0, 0, 0x414c1), "the keeper is dumpable");
	ck_assert_msg(!can_be_looked_into(engine, ENGINE_USER, 64501, 0), "the engine is dumpable");
}

START_TEST(nothing_is_left_of_root)
{
	start_with_a_name();
	wait_until_confined(resolver);
	all_is_given_up();
	expect_status("resolver", resolver, of_resolver);
	expect_resolver_descriptors();
	expect_root("resolver", resolver, "/resolver");
	expect_no_core("resolver", resolver);
	ck_assert_msg(!can_be_looked_into(resolver, RESOLVER_USER, 64502, 0), "the resolver is dumpable");
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* The looker itself works: a process that hides nothing is open to it. */
START_TEST(an_ordinary_process_can_be_looked_into)
{
	isolate(true);
	pid_t open_one = fork();
	if (open_one == 0) {
		if (setgroups(0, NULL) != 0 || setresgid(64501, 64501, 64501) != 0 ||
			setresuid(ENGINE_USER, ENGINE_USER, ENGINE_USER) != 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		for (;;)
			pause();
	}
	usleep(200000);
	ck_assert(can_be_looked_into(open_one, ENGINE_USER, 64501, 0));
	kill(open_one, SIGKILL);
	waitpid(open_one, NULL, 0);
}
END_TEST

START_TEST(nor_after_an_engine_that_failed)
{
	start_with_a_name();
	pid_t first = engine;
	ck_assert_int_eq(kill(engine, SIGKILL), 0);
	for (unsigned i = 0; i < 1000 && log_has("the engine runs again") == 0; i++)
		usleep(10000);
	ck_assert_int_eq(log_has("the engine runs again"), 1);
	engine = helper_process("s2sd-engine");
	ck_assert_int_gt(engine, 0);
	ck_assert_int_ne(engine, first);
	all_is_given_up();
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* ---------------------------------------------------------------- who may speak */
/* The status of `s2sctl status` as somebody. */
static int status_as(uid_t uid, gid_t gid, char *text, size_t size)
{
	char path[128], u[16], g[16];
	const char *argv[] = { "/usr/bin/setpriv", "--reuid", u, "--regid", g, "--clear-groups", "--no-new-privs",
		program("s2sctl", path), "status", "-r", rundir, NULL };
	snprintf(u, sizeof u, "%u", (unsigned)uid);
	snprintf(g, sizeof g, "%u", (unsigned)gid);
	return run_program(argv, text, size);
}

START_TEST(the_resolver_does_not_command)
{
	char text[4096];
	start_with_a_name();
	ck_assert_msg(status_as(RESOLVER_USER, 64502, text, sizeof text) != 0, "the resolver may ask: %s", text);
	ck_assert_msg(strstr(text, "ermission denied") != NULL, "%s", text);
	ck_assert_msg(status_as(ENGINE_USER, 64501, text, sizeof text) != 0, "the engine's user may ask: %s", text);
	/* Somebody of the group may. */
	ck_assert_msg(status_as(64600, CONTROL_GROUP, text, sizeof text) == 0, "%s", text);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* 64 connections of one user that never asks anything. */
START_TEST(idle_clients_do_not_lock_root_out)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char path[128], text[4096];
	const char *argv[] = { program("s2sctl", path), "status", "-r", rundir, NULL };
	int ready[2];
	start_with_a_name();
	ck_assert_int_eq(pipe(ready), 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", control);
	pid_t idle = fork();
	if (idle == 0) {
		if (setgroups(0, NULL) != 0 || setresgid(CONTROL_GROUP, CONTROL_GROUP, CONTROL_GROUP) != 0 ||
			setresuid(64600, 64600, 64600) != 0)
			_exit(1);
		for (unsigned i = 0; i < 64; i++) {
			if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at) != 0)
				_exit(2);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], text, 1) == 1, "the idle clients do not get in");
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text);
	/* Nor others of the group. */
	ck_assert_msg(status_as(64601, CONTROL_GROUP, text, sizeof text) == 0, "%s", text);
	kill(idle, SIGKILL);
	waitpid(idle, NULL, 0);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("processes");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_place, remove_place);
	tcase_add_test(t, nothing_is_left_of_root);
	tcase_add_test(t, an_ordinary_process_can_be_looked_into);
	tcase_add_test(t, nor_after_an_engine_that_failed);
	tcase_add_test(t, the_resolver_does_not_command);
	tcase_add_test(t, idle_clients_do_not_lock_root_out);
	return unit_run_case("processes", t);
}
