/* daemon_help.c - see daemon_help.h. */
#include "daemon_help.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

char place[32], settings[64], rundir[64], control[80], log_file[64], told[96];
static int manager; /* the service manager's socket */
pid_t daemon_pid;

const char *program(const char *name, char path[128])
{
	const char *bin = getenv("BIN");
	snprintf(path, 128, "%s/%s", bin != NULL ? bin : ".", name);
	return path;
}

void write_settings(unsigned n, const char *more)
{
	FILE *f = fopen(settings, "we");
	ck_assert_ptr_nonnull(f);
	fchmod(fileno(f), 0600);
	fprintf(f, "tunnels:\n");
	for (unsigned i = 0; i < n; i++)
		fprintf(f,
			"  t%u:\n    remote: 192.0.2.%u\n    remote-id: t%u.example\n    psk: Kx7.mQ2_vT9zLw4RbN8sPd3H\n    start: manual\n%s",
			i, i % 250 + 1, i, more);
	fclose(f);
}

/* Runs a program to its end: its status, and what it said in text. */
int run_program(const char *const argv[], char *text, size_t size)
{
	int out[2], status = -1;
	size_t n = 0;
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	for (ssize_t got; n < size - 1 && (got = read(out[0], text + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = 0;
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void make_place(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(place, sizeof place, "/tmp/s2sd-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
	ck_assert_int_eq(chmod(place, 0755), 0);
	snprintf(settings, sizeof settings, "%s/s2sd.yaml", place);
	snprintf(rundir, sizeof rundir, "%s/run", place);
	snprintf(log_file, sizeof log_file, "%s/log", place);
	snprintf(control, sizeof control, "%s/control.sock", rundir);
	snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", place);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at, sizeof at), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	daemon_pid = 0;
}

void remove_place(void)
{
	char text[256];
	const char *argv[] = { "/bin/rm", "-rf", place, NULL };
	if (daemon_pid > 0)
		kill(daemon_pid, SIGKILL);
	run_program(argv, text, sizeof text);
	close(manager);
}

/* Ports and privileges of its own. The engine is a second user, and an ordinary user's namespace has only one. */
void isolate(bool second_user)
{
	unsigned uid = geteuid();
	char map[32];
	if (uid == 0) {
		ck_assert_msg(unshare(CLONE_NEWNET) == 0, "no network namespace (%s): run this test as root with CAP_SYS_ADMIN",
			strerror(errno));
		return;
	}
	ck_assert_msg(!second_user, "the engine needs a user of its own: run this test as root");
	ck_assert_msg(
		unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0, "no user namespace (%s): run this test as root", strerror(errno));
	int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC), n = snprintf(map, sizeof map, "0 %u 1", uid);
	ck_assert_msg(
		write(fd, map, (size_t)n) == n, "no user 0 in the user namespace (%s): run this test as root", strerror(errno));
	close(fd);
}

static void put_over(const char *file, const char *text, bool more)
{
	char own[96], old[65536] = "";
	size_t n = 0;
	snprintf(own, sizeof own, "%s/%s", place, strrchr(file, '/') + 1);
	FILE *f = fopen(file, "re");
	if (f != NULL && more)
		n = fread(old, 1, sizeof old, f);
	if (f != NULL)
		fclose(f);
	f = fopen(own, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(old, 1, n, f), n);
	fputs(text, f);
	fclose(f);
	ck_assert_msg(mount(own, file, NULL, MS_BIND, NULL) == 0, "%s cannot be covered: %s", file, strerror(errno));
}

void isolate_with_users(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	isolate(true);
	ck_assert_msg(
		unshare(CLONE_NEWNS) == 0, "no mount namespace (%s): run this test as root with CAP_SYS_ADMIN", strerror(errno));
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	put_over("/etc/passwd",
		"s2sd:x:64500:64501::/nonexistent:/bin/false\ns2sd-resolver:x:64502:64502::/nonexistent:/bin/false\n"
		"s2sd-signer:x:64503:64503::/nonexistent:/bin/false\ns2sd-token:x:64504:64504::/nonexistent:/bin/false\n",
		true);
	put_over("/etc/group",
		"s2sd:x:64500:\ns2sd-engine:x:64501:\ns2sd-resolver:x:64502:\ns2sd-signer:x:64503:\ns2sd-token:x:64504:\n", true);
	put_over("/etc/resolv.conf", "nameserver 127.0.0.1\n", false);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(ioctl(fd, SIOCSIFFLAGS, &lo) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
}

void start_daemon_of(const char *path)
{
	daemon_pid = fork();
	if (daemon_pid != 0)
		return;
	int log = open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
	/* As a service manager does: nothing else is open. */
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(log, 2);
	close(log);
	close(null);
	execl(path, path, "-d", "--null-kernel", "-c", settings, "-r", rundir, NULL);
	_exit(127);
}

void start_daemon(void)
{
	char path[128];
	start_daemon_of(program("s2sd", path));
}

size_t log_has(const char *words)
{
	char line[4096];
	size_t n = 0;
	FILE *f = fopen(log_file, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		n += strstr(line, words) != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

/* Until the service manager is told a state with these words in it. */
bool is_told(const char *words)
{
	struct pollfd p = { .fd = manager, .events = POLLIN };
	while (poll(&p, 1, 20000) > 0) {
		char text[512];
		ssize_t n = recv(manager, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = 0;
		if (strstr(text, words) != NULL) {
			snprintf(told, sizeof told, "%.95s", text);
			return true;
		}
	}
	return false;
}

void hear_all(void)
{
	char text[512];
	while (recv(manager, text, sizeof text, MSG_DONTWAIT) >= 0)
		continue;
}

/* Connected, as soon as the socket is there. */
int connected(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval limit = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = -1;
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	for (unsigned i = 0; i < 100000 && err != 0; i++) {
		err = connect(fd, (struct sockaddr *)&at, sizeof at);
		if (err != 0)
			usleep(200);
	}
	ck_assert_int_eq(err, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

/* One request; the first piece of its answer. */
void ask_at_once(const char *request, char *answer, size_t size)
{
	int fd = connected(control);
	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	ssize_t n = read(fd, answer, size - 1);
	answer[n > 0 ? n : 0] = 0;
	close(fd);
}

int end_daemon(int sig)
{
	int status = -1;
	kill(daemon_pid, sig);
	ck_assert_int_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool is_called(int pid, const char *name)
{
	char path[64], text[64] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	bool same = fgets(text, sizeof text, f) != NULL && strcspn(text, "\n") == strlen(name) &&
		    strncmp(text, name, strlen(name)) == 0;
	fclose(f);
	return same;
}

static pid_t child_called(const char *name)
{
	char path[64];
	int pid, found = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)daemon_pid, (int)daemon_pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && found == 0 && fscanf(f, "%d", &pid) == 1)
		found = is_called(pid, name) ? pid : 0;
	if (f != NULL)
		fclose(f);
	return found;
}

pid_t helper_process(const char *name)
{
	pid_t pid = 0;
	for (unsigned i = 0; i < 2000 && (pid = child_called(name)) == 0; i++)
		usleep(10000);
	return pid;
}
