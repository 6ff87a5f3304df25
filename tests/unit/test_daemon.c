/*
 * test_daemon.c - the programs as a service manager and an operator meet them: a start, the first request, a reload, an end; no kernel behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "config.h"
#include "daemon_help.h"
#include "proc_help.h"
#include "schema_help.h"
#include "unit.h"

#define MANY 3000 /* tunnels, so that a start takes its time */

/* ---------------------------------------------------------------- tests */
/* A start that no repetition heals has a status of its own, for RestartPreventExitStatus. */
START_TEST(unusable_settings_end_with_78)
{
	char path[128], text[4096];
	const char *argv[] = { program("s2sd", path), "-d", "--null-kernel", "-c", settings, "-r", rundir, NULL };
	isolate(false);
	write_settings(1, "    rooutes: [10.0.0.0/8]\n");
	ck_assert_int_eq(run_program(argv, text, sizeof text), 78);
	ck_assert_msg(strstr(text, "s2sd.yaml:7: t0: unknown key 'rooutes'") != NULL, "%s", text);
	ck_assert_int_ne(access(control, F_OK), 0);
}
END_TEST

/* `systemctl start s2sd && s2sctl status`: who comes before the engine has its configuration waits for it. */
START_TEST(first_request_is_answered)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "{\"command\":\"status\",\"tunnels\":[\"t2999\"]}\n", "\"name\":\"t2999\"" },
		{ "{\"command\":\"status\"}\n", "\"name\":\"t0\"" },
		{ "{\"command\":\"down\",\"tunnel\":\"t2999\"}\n", "\"done\":true" },
		{ "{\"command\":\"reload\",\"dry_run\":true}\n", "0 added, 0 changed, 0 removed" },
	};
	char answer[8192];
	isolate(true);
	write_settings(MANY, "");
	start_daemon();
	ask_at_once(rows[_i].request, answer, sizeof answer);
	ck_assert_msg(strstr(answer, rows[_i].answer) != NULL, "%s", answer);
	ck_assert(is_told("READY=1"));
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* ---------------------------------------------------------------- an engine that fails */
/* The sockets' inodes of UDP ports 500 and 4500 on all addresses, IPv4 and IPv6; 0 where there are several or none. */
static void udp_inodes(unsigned long inode[4])
{
	static const struct {
		const char *file, *address;
	} rows[] = { { "/proc/self/net/udp", " 00000000:01F4 " }, { "/proc/self/net/udp", " 00000000:1194 " },
		{ "/proc/self/net/udp6", " 00000000000000000000000000000000:01F4 " },
		{ "/proc/self/net/udp6", " 00000000000000000000000000000000:1194 " } };
	for (unsigned i = 0; i < 4; i++) {
		char line[512];
		unsigned n = 0;
		FILE *f = fopen(rows[i].file, "re");
		inode[i] = 0;
		while (f != NULL && fgets(line, sizeof line, f) != NULL) {
			if (strstr(line, rows[i].address) == NULL)
				continue;
			n++;
			ck_assert_int_eq(sscanf(line, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu", &inode[i]), 1);
		}
		if (f != NULL)
			fclose(f);
		ck_assert_uint_eq(n, 1);
	}
}

static int bind_beside(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)), 0);
	int err = bind(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
	close(fd);
	return err;
}

/* What a captured engine did to its sockets ends with it; and nobody can take the ports or the path meanwhile. */
START_TEST(sockets_are_new_after_an_engine_failed)
{
	unsigned long before[4], after[4];
	struct stat old, fresh;
	char answer[512];
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("READY=1"));
	for (unsigned turn = 0; turn < 3; turn++) {
		udp_inodes(before);
		ck_assert_int_eq(stat(control, &old), 0);
		ck_assert_int_eq(kill(helper_process("s2sd-engine"), SIGKILL), 0);
		for (unsigned i = 0; i < 2000; i++) { /* the path leads to a socket at all times */
			ck_assert_int_eq(stat(control, &fresh), 0);
			if (fresh.st_ino != old.st_ino)
				break;
			usleep(1000);
		}
		ck_assert_uint_ne(fresh.st_ino, old.st_ino);
		ck_assert_uint_eq(fresh.st_mode, S_IFSOCK | 0660);
		ask_at_once("{\"command\":\"status\"}\n", answer, sizeof answer); /* waits for the next engine */
		ck_assert_msg(strstr(answer, "\"name\":\"t0\"") != NULL, "%s", answer);
		hear_all();
		udp_inodes(after);
		for (unsigned i = 0; i < 4; i++)
			ck_assert_uint_ne(after[i], before[i]);
		ck_assert_int_eq(bind_beside(500), EADDRINUSE);
		ck_assert_int_eq(bind_beside(4500), EADDRINUSE);
	}
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
	ck_assert_int_eq(rmdir(rundir), 0); /* nothing is left in it */
}
END_TEST

/* The engine is a program of its own: it says its name, and the keeper's arguments, parser and environment are not in it. */
START_TEST(engine_is_a_program)
{
	char path[64], text[256] = "";
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("READY=1"));
	int engine = helper_process("s2sd-engine");
	snprintf(path, sizeof path, "/proc/%d/comm", engine);
	FILE *f = fopen(path, "re");
	ck_assert(f != NULL && fgets(text, sizeof text, f) != NULL);
	fclose(f);
	ck_assert_str_eq(text, "s2sd-engine\n");
	const char *exe = process_link(engine, "exe");
	ck_assert_msg(strcmp(strrchr(exe, '/'), "/s2sd-engine") == 0, "%s", exe);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

static int run_remove_with(const char *option, char *text, size_t size)
{
	char path[128];
	const char *argv[] = { program("s2sd", path), "--remove", "--null-kernel", "-r", rundir, option, NULL };
	return run_program(argv, text, size);
}

static int run_remove(char *text, size_t size) { return run_remove_with(NULL, text, size); }

/* on-exit of the last settings that were used counts after a failure, too, however often somebody removes, until he says that he means all. */
START_TEST(guards_stay_after_a_failure)
{
	char text[4096], path[128], sd[128], note[96];
	const char *alone[] = { program("s2sd", sd), "--all", NULL };
	const char *reload[] = { program("s2sctl", path), "reload", "-r", rundir, NULL };
	ck_assert_int_eq(run_program(alone, text, sizeof text), 2);
	isolate(true);
	snprintf(note, sizeof note, "%s/on-exit", rundir);
	write_settings(1, "s2sd: {on-exit: guard}\n");
	start_daemon();
	ck_assert(is_told("0 of 1 tunnels up"));
	ck_assert_int_eq(access(note, F_OK), 0);
	write_settings(1, "");
	ck_assert_int_eq(run_program(reload, text, sizeof text), 0);
	ck_assert_int_ne(access(note, F_OK), 0);
	write_settings(1, "s2sd: {on-exit: guard}\n");
	ck_assert_int_eq(run_program(reload, text, sizeof text), 0);
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_msg(run_remove(text, sizeof text) == 0, "%s", text);
		ck_assert_msg(strstr(text, "the unreachable routes stay") != NULL, "%s", text);
		ck_assert_int_ne(access(control, F_OK), 0);
	}
	ck_assert_msg(run_remove_with("--all", text, sizeof text) == 0, "%s", text);
	ck_assert_ptr_null(strstr(text, "unreachable"));
	ck_assert_int_ne(access(rundir, F_OK), 0);
}
END_TEST

/* What a killed daemon leaves in its run directory goes, and the directory; one that runs is named and keeps it all. */
START_TEST(what_a_killed_daemon_left_is_removed)
{
	char text[4096], holder[64];
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("READY=1"));
	ck_assert_int_eq(run_remove(text, sizeof text), 1);
	snprintf(holder, sizeof holder, "another s2sd runs here, process %d", (int)daemon_pid);
	ck_assert_msg(strstr(text, holder) != NULL, "%s", text);
	ck_assert_int_eq(access(control, F_OK), 0);
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	ck_assert_int_eq(access(control, F_OK), 0);
	ck_assert_msg(run_remove(text, sizeof text) == 0, "%s", text);
	ck_assert_int_ne(access(rundir, F_OK), 0);
	ck_assert_msg(run_remove(text, sizeof text) == 0, "%s", text); /* again: there is nothing */
}
END_TEST

/* What a restart would do: with the same program, with settings that it refuses, with a program that cannot read what is saved, with none. */
START_TEST(upgrade_is_judged_before)
{
	char path[128], sd[128], other[64], text[4096];
	const char *argv[] = { program("s2sctl", path), "upgrade-check", "-r", rundir, "--program", program("s2sd", sd), NULL,
		NULL };
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("0 of 1 tunnels up"));
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text);
	ck_assert_msg(strstr(text, "settings: usable\nstate: taken over\nt0: as-now\n") != NULL, "%s", text);
	argv[6] = "--json";
	ck_assert_int_eq(run_program(argv, text, sizeof text), 0);
	schema_check_text("upgrade-check", text);
	argv[6] = NULL;
	write_settings(2, "");
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text);
	ck_assert_msg(strstr(text, "t1: starts\n") != NULL, "%s", text);
	write_settings(1, "    rooutes: [10.0.0.0/8]\n");
	ck_assert_int_eq(run_program(argv, text, sizeof text), 1);
	ck_assert_msg(strstr(text, "settings: refused") != NULL && strstr(text, "rooutes") != NULL, "%s", text);
	snprintf(other, sizeof other, "%s/other", place);
	FILE *f = fopen(other, "we");
	fputs("#!/bin/sh\n[ \"$1\" != -V ] || printf 's2sd 9\\nstores: layout 9\\n'\n", f);
	fclose(f);
	chmod(other, 0755);
	argv[5] = other;
	ck_assert_int_eq(
		run_program(argv, text, sizeof text), 1); /* the running daemon is asked, and refuses these settings, too */
	write_settings(1, "");
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text); /* no tunnel is up that could be lost */
	ck_assert_msg(strstr(text, "on disk: s2sd 9\n") != NULL && strstr(text, "state: not taken over") != NULL, "%s", text);
	argv[5] = "/nonexistent/s2sd";
	ck_assert_int_eq(run_program(argv, text, sizeof text), 1);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
	ck_assert_int_eq(run_program(argv, text, sizeof text), 1);
	argv[5] = sd;
	ck_assert_int_eq(run_program(argv, text, sizeof text), 3);
}
END_TEST

/* A program that has begun and does nothing yet. */
static pid_t stopped_program(const char *path)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	return pid;
}

/* The number in the lock is that of a program which others could have written: root does not run it. */
START_TEST(a_strangers_program_is_not_asked)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		const char *says;
	} cases[] = { { 0755, 0, "runs: s2sd " S2S_VERSION "\n" }, { 0775, 0, "runs: s2sd (unknown)\n" },
		{ 0757, 0, "runs: s2sd (unknown)\n" }, { 0755, 65534, "runs: s2sd (unknown)\n" } };
	char path[128], sd[128], copy[64], lock[80], command[256], text[4096];
	const char *argv[] = { program("s2sctl", path), "upgrade-check", "-r", rundir, "--program", program("s2sd", sd), NULL };
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("0 of 1 tunnels up"));
	snprintf(copy, sizeof copy, "%s/s2sd", place);
	snprintf(lock, sizeof lock, "%s/lock", rundir);
	snprintf(command, sizeof command, "cp %s %s", sd, copy);
	ck_assert_int_eq(system(command), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(chown(copy, cases[i].owner, 0), 0);
		ck_assert_int_eq(chmod(copy, cases[i].mode), 0);
		pid_t pid = stopped_program(copy);
		FILE *f = fopen(lock, "we");
		fprintf(f, "%d\n", (int)pid);
		fclose(f);
		run_program(argv, text, sizeof text);
		ck_assert_msg(strncmp(text, cases[i].says, strlen(cases[i].says)) == 0, "%u: %s", i, text);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* What the unit's ExecReload runs: the caller sees the faults, the manager sees that the files and what runs differ. */
START_TEST(refused_reload_fails)
{
	char path[128], text[4096];
	const char *reload[] = { program("s2sctl", path), "reload", "-r", rundir, NULL };
	isolate(true);
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("0 of 1 tunnels up"));
	write_settings(1, "    rooutes: [10.0.0.0/8]\n");
	ck_assert_int_eq(run_program(reload, text, sizeof text), 1);
	ck_assert_msg(strstr(text, "s2sd.yaml:7") != NULL && strstr(text, "rooutes") != NULL, "%s", text);
	ck_assert(is_told("settings on disk are refused"));
	write_settings(2, "");
	ck_assert_int_eq(run_program(reload, text, sizeof text), 0);
	ck_assert(is_told("0 of 2 tunnels up"));
	ck_assert_msg(strstr(told, "refused") == NULL, "%s", told);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}
END_TEST

/* ---------------------------------------------------------------- s2sctl metrics --listen */
static pid_t exporter_pid;
static char exporter_socket[64];

static void start_exporter(void)
{
	char path[128], at[80];
	program("s2sctl", path);
	snprintf(exporter_socket, sizeof exporter_socket, "%s/metrics", place);
	snprintf(at, sizeof at, "unix:%s", exporter_socket);
	exporter_pid = fork();
	if (exporter_pid == 0) {
		dup2(open("/dev/null", O_WRONLY), 2);
		execl(path, path, "metrics", "--listen", at, "-r", rundir, NULL);
		_exit(127);
	}
}

static const char *scrape(const char *request)
{
	static char answer[65536];
	size_t n = 0;
	int fd = connected(exporter_socket);
	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	for (ssize_t got; n < sizeof answer - 1 && (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0;)
		n += (size_t)got;
	answer[n] = 0;
	close(fd);
	return answer;
}

#define PLAIN "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
#define OPEN "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"

START_TEST(exporter_serves)
{
	struct stat st;
	int idle[20], status = -1;
	isolate(true);
	write_settings(2, "");
	start_daemon();
	ck_assert(is_told("0 of 2 tunnels up"));
	start_exporter();
	const char *a = scrape(PLAIN);
	ck_assert_msg(strstr(a, "HTTP/1.1 200 OK\r\n") == a && strstr(a, "text/plain; version=0.0.4") != NULL, "%s", a);
	ck_assert_ptr_nonnull(strstr(a, "\ns2s_tunnel_up{tunnel=\"t1\"} 0\n"));
	a = scrape(OPEN);
	ck_assert_msg(strstr(a, "application/openmetrics-text") != NULL, "%s", a);
	ck_assert_str_eq(a + strlen(a) - 6, "# EOF\n");
	ck_assert_ptr_nonnull(strstr(scrape("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 "));
	ck_assert(stat(exporter_socket, &st) == 0 && (st.st_mode & 0777) == 0660);
	/* More connections than places, and not one complete request: the slowest makes room. */
	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
		ck_assert_int_eq(write(idle[i] = connected(exporter_socket), "GET", 3), 3);
	ck_assert_ptr_nonnull(strstr(scrape(PLAIN), "HTTP/1.1 200 OK\r\n"));
	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
		close(idle[i]);
	/* Without a daemon it goes on, and says so. */
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
	sleep(1);
	a = scrape(PLAIN);
	ck_assert_msg(strstr(a, "HTTP/1.1 503 ") == a && strstr(a, "the daemon does not answer") != NULL, "%s", a);
	kill(exporter_pid, SIGTERM);
	ck_assert_int_eq(waitpid(exporter_pid, &status, 0), exporter_pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_ne(access(exporter_socket, F_OK), 0);
}
END_TEST

/* Nothing that other machines reach, and nothing half understood. */
START_TEST(exporter_wants_a_local_address)
{
	static const char *const bad[] = { "0.0.0.0:9816", "198.51.100.1:9816", "[::]:9816", "::1:9816", "[127.0.0.1]:9816",
		"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:9816x", "unix:metrics", "9816", "",
		"[]:1" };
	char path[128], text[1024];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *argv[] = { program("s2sctl", path), "metrics", "--listen", bad[i], NULL };
		ck_assert_int_eq(run_program(argv, text, sizeof text), 2);
		ck_assert_msg(strstr(text, "127.0.0.1:PORT or [::1]:PORT, or unix:/PATH") != NULL, "%s", text);
	}
}
END_TEST

START_TEST(unit_file_knows)
{
	static const char *const lines[] = { "\nExecReload=@bindir@/s2sctl reload\n", "\nRestartPreventExitStatus=78\n",
		"\nRestartMaxDelaySec=", "\nBefore=network-pre.target\n",
		"\nFileDescriptorStoreMax=", "\nFileDescriptorStorePreserve=yes\n", "\nRuntimeDirectoryPreserve=yes\n",
		"\nRestartKillSignal=SIGUSR2\n", "\nUMask=0077\n" };
	char text[8192];
	FILE *f = fopen("etc/s2sd.service.in", "re");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "%s", lines[i]);
}
END_TEST

/* ---------------------------------------------------------------- one run after another */
static void expect_private(const char *name)
{
	char path[96];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", rundir, name);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
}

/* Without a manager that keeps descriptors what the next run needs lies in memory, in the run directory; also while settings are refused. */
START_TEST(a_run_goes_on_where_another_was_killed)
{
	int status;
	isolate_with_users();
	mkdir(rundir, 0755);
	ck_assert_int_eq(mount("run", rundir, "tmpfs", 0, "mode=755"), 0);
	write_settings(2, "");
	start_daemon();
	ck_assert(is_told("READY=1"));
	ck_assert_uint_eq(log_has("engine: going on with"), 0);
	expect_private("state.engine");
	expect_private("state.keeper");
	ck_assert_int_eq(kill(daemon_pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
	write_settings(2, "    rooutes: [10.0.0.0/8]\n");
	start_daemon();
	ck_assert_int_eq(end_daemon(0), 78);
	expect_private("state.keeper");
	write_settings(1, "");
	start_daemon();
	ck_assert(is_told("READY=1"));
	ck_assert_uint_eq(log_has("settings since the earlier run: 0 added, 0 changed, 1 removed"), 1);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
	ck_assert_int_eq(umount(rundir), 0);
	ck_assert_int_eq(rmdir(rundir), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("daemon");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_place, remove_place);
	tcase_add_test(t, unusable_settings_end_with_78);
	tcase_add_loop_test(t, first_request_is_answered, 0, 4);
	tcase_add_test(t, engine_is_a_program);
	tcase_add_test(t, sockets_are_new_after_an_engine_failed);
	tcase_add_test(t, what_a_killed_daemon_left_is_removed);
	tcase_add_test(t, guards_stay_after_a_failure);
	tcase_add_test(t, upgrade_is_judged_before);
	tcase_add_test(t, a_strangers_program_is_not_asked);
	tcase_add_test(t, refused_reload_fails);
	tcase_add_test(t, exporter_serves);
	tcase_add_test(t, exporter_wants_a_local_address);
	tcase_add_test(t, unit_file_knows);
	tcase_add_test(t, a_run_goes_on_where_another_was_killed);
	return unit_run_case("daemon", t);
}
