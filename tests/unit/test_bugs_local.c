/*
 * test_bugs_local.c - what brought other daemons down, tried on ours: the rows about local sockets. tests/README.md holds the table of all rows.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <event2/event.h>

#include "engine/clients.h"
#include "engine/control.h"
#include "unit.h"

static char said[4096];
static void op_send(void *arg, uint64_t client, const char *line)
{
	(void)arg, (void)client, snprintf(said, sizeof said, "%s", line);
}
static void op_close(void *arg, uint64_t client) { (void)arg, (void)client; }
static const struct conf *op_conf(void *arg)
{
	static const struct conf none;
	return (void)arg, &none;
}
static struct moment op_now(void *arg) { return (void)arg, (struct moment){ { 1 }, 1 }; }
static uint32_t op_features(void *arg) { return (void)arg, 0; }

/* strongSwan: a length on a local socket that nobody checked. */
START_TEST(bug_CVE_2018_5388)
{
	static char line[200000];
	static const struct control_ops ops = {
		.conf = op_conf, .send = op_send, .close = op_close, .now = op_now, .features = op_features
	};
	struct control *c = control_new(&ops, NULL);
	memset(line, ' ', sizeof line);
	memcpy(line, "{\"command\":\"ping\"}", 18);
	static const size_t sizes[] = { CONTROL_LINE_MAX + 1, 100000, sizeof line };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		control_request(c, 1, line, sizes[i]);
		ck_assert_ptr_nonnull(strstr(said, "\"error\""));
	}
	control_request(c, 1, line, CONTROL_LINE_MAX);
	ck_assert_ptr_null(strstr(said, "\"error\""));
	control_free(c);
}
END_TEST

static unsigned lines;
static void on_line(void *arg, uint64_t client, const char *line, size_t len)
{
	(void)arg, (void)client, (void)line, (void)len, lines++;
}
static void on_more(void *arg, uint64_t client) { (void)arg, (void)client; }
static bool on_waits(void *arg, uint64_t client)
{
	(void)arg, (void)client;
	return false;
}
static void on_gone(void *arg, uint64_t client) { (void)arg, (void)client; }

/* A stranger connects and says something; his exit code tells whether he was shown the door. */
static pid_t stranger(const char *path)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
		_exit(9);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		_exit(8);
	char c;
	if (write(fd, "{}\n", 3) < 0)
		_exit(0);
	_exit(read(fd, &c, 1) <= 0 ? 0 : 7);
}

/* NetworkManager and its like: requests of any local user were taken. Here who is neither root nor in the group is not heard, whatever the file's mode. */
START_TEST(bug_CVE_2025_9615)
{
	char dir[] = "/tmp/s2sd-bugs-XXXXXX", path[64];
	static const struct clients_ops ops = { on_line, on_waits, on_more, on_gone };
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/sock", dir);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 4) == 0);
	ck_assert(chmod(dir, 0777) == 0 && chmod(path, 0777) == 0);
	struct event_base *base = event_base_new();
	struct clients *all = clients_new(base, listener, &(struct clients_who){ 54321, { 0 } }, &ops, NULL);
	clients_open(all);
	pid_t pid = stranger(path);
	int status = -1;
	for (unsigned i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(20000);
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	ck_assert_uint_eq(lines, 0);
	clients_free(all);
	event_base_free(base);
	unlink(path);
	rmdir(dir);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("control");
	tcase_add_test(t, bug_CVE_2018_5388);
	tcase_add_test(t, bug_CVE_2025_9615);
	return unit_run_case("bugs_local", t);
}
