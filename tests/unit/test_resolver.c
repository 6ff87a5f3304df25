/*
 * test_resolver.c - the program that looks names up, run as the keeper runs it: what it finds, by a file and by servers over IPv4 and IPv6, and what it
 * is meanwhile. In a network and a mount namespace of its own, with a name server of the test's; so it needs root and counts as failed without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/filter.h"
#include "ipc/helper.h"
#include "ipc/resolver.h"
#include "proc_help.h"
#include "unit.h"

#define USER 64002
#define GROUP 64003

static char dir[40];
static pid_t server, child;
static int ours = -1, gate[2]; /* the server answers when it is let: a byte each */

static void write_file(const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "%.39s/%.20s", dir, name);
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* In the place of the machine's own file, for this test only. */
static void put(const char *name, const char *text)
{
	char path[64], etc[64];
	write_file(name, text);
	snprintf(path, sizeof path, "%.39s/%.20s", dir, name);
	snprintf(etc, sizeof etc, "/etc/%.20s", name);
	ck_assert_msg(mount(path, etc, NULL, MS_BIND, NULL) == 0, "%s: %s", etc, strerror(errno));
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags |= IFF_UP;
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

static void no_etc(void) { ck_assert_int_eq(mount("none", "/etc", "tmpfs", 0, NULL), 0); }

/* ---------------------------------------------------------------- a name server */
static size_t answer(uint8_t *m, size_t n)
{
	static const uint8_t v4[] = { 192, 0, 2, 53 }, v6[] = { 0x20, 1, 0xd, 0xb8, [15] = 0x53 };
	size_t at = 12;
	while (at < n && m[at] != 0)
		at += 1u + m[at];
	at += 5; /* the end of the name, type, class */
	bool aaaa = m[at - 3] == 28, known = memcmp(m + 12, "\6office\7example", 15) == 0;
	m[2] = 0x84, m[3] = known ? 0 : 3;
	m[7] = known, m[9] = m[10] = m[11] = 0;
	if (!known)
		return at;
	const uint8_t head[] = { 0xc0, 12, 0, m[at - 3], 0, 1, 0, 0, 0, 0, 0, aaaa ? 16 : 4 };
	memcpy(m + at, head, sizeof head);
	memcpy(m + at + sizeof head, aaaa ? v6 : v4, head[11]);
	return at + sizeof head + head[11];
}

static void serve(int fd)
{
	struct sockaddr_storage from;
	uint8_t m[1024];
	char leave;
	for (;;) {
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(fd, m, sizeof m / 2, 0, (struct sockaddr *)&from, &len);
		if (n < 17 || read(gate[0], &leave, 1) != 1)
			_exit(0);
		sendto(fd, m, answer(m, (size_t)n), 0, (struct sockaddr *)&from, len);
	}
}

static void start_server(int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof v4) : bind(fd, (struct sockaddr *)&v6, sizeof v6), 0);
	server = fork();
	if (server == 0) {
		close(gate[1]);
		serve(fd);
	}
	close(fd);
}

static void let_answer(unsigned times)
{
	while (times-- > 0)
		ck_assert_int_eq(write(gate[1], "x", 1), 1);
}

/* ---------------------------------------------------------------- the program */
static void setup(void)
{
	char path[64];
	ck_assert_msg(geteuid() == 0, "DID NOT RUN: needs root (sudo make check-unit)");
	ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	loopback_up();
	snprintf(dir, sizeof dir, "/tmp/s2sd-resolver-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof path, "%.39s/" RESOLVER_ROOT, dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%.39s/" RESOLVER_ROOT "/etc", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	put("hosts", "127.0.0.1 localhost\n192.0.2.77 gw.example\n2001:db8::77 gw6.example\n");
	put("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n");
}

static void teardown(void)
{
	char command[64];
	if (server > 0)
		kill(server, SIGKILL);
	umount2("/etc", MNT_DETACH);
	umount("/etc/hosts");
	umount("/etc/resolv.conf");
	snprintf(command, sizeof command, "rm -rf %.39s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void start_in(const char *name, int family, const char *root)
{
	const char *bin = getenv("BIN");
	char path[128];
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	snprintf(path, sizeof path, "%s/" RESOLVER_PROGRAM, bin != NULL ? bin : ".");
	child = fork();
	if (child == 0) {
		dup2(pair[1], HELPER_FD);
		close_range(HELPER_FD + 1, ~0u, 0);
		setenv("LSAN_OPTIONS", "detect_leaks=0", 1); /* of a sanitizer's build: it needs /proc and to trace itself */
		execl(path, RESOLVER_PROGRAM, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	ours = pair[0];
	struct resolver_ask ask = { .uid = USER, .gid = GROUP, .family = (uint8_t)family };
	snprintf(ask.name, sizeof ask.name, "%s", name);
	snprintf(ask.root, sizeof ask.root, "%s", root);
	ck_assert_int_eq(send(ours, &ask, sizeof ask, 0), (ssize_t)sizeof ask);
}

static void start(const char *name, int family)
{
	char root[64];
	snprintf(root, sizeof root, "%.39s/" RESOLVER_ROOT, dir);
	start_in(name, family, root);
}

/* Its answer: addresses in a row, or the error's name; and its end. */
static const char *heard(void)
{
	static char text[256];
	char one[ADDR_TEXT];
	struct resolver_answer a;
	int status;
	ssize_t got = recv(ours, &a, sizeof a, 0);
	close(ours);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (got != (ssize_t)sizeof a)
		return WIFEXITED(status) ? "nothing" : "killed";
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	snprintf(text, sizeof text, "%s", a.err != 0 ? gai_strerror(a.err) : "");
	for (uint32_t i = 0; i < a.n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", addr_format(&a.v[i], one));
	return text;
}

START_TEST(a_name_in_a_file)
{
	start("gw.example", AF_UNSPEC);
	ck_assert_str_eq(heard(), "192.0.2.77 ");
	start("gw6.example", AF_INET6);
	ck_assert_str_eq(heard(), "2001:db8::77 ");
	write_file("hosts", "192.0.2.78 gw.example\n"); /* it is read at each look-up */
	start("gw.example", AF_INET);
	ck_assert_str_eq(heard(), "192.0.2.78 ");
}
END_TEST

START_TEST(a_name_of_a_server)
{
	start_server(AF_INET);
	let_answer(4);
	start("office.example", AF_INET);
	ck_assert_str_eq(heard(), "192.0.2.53 ");
	start("office.example", AF_INET6);
	ck_assert_str_eq(heard(), "2001:db8::53 ");
	start("office.example", AF_UNSPEC);
	const char *both = heard();
	ck_assert_msg(strstr(both, "192.0.2.53 ") != NULL && strstr(both, "2001:db8::53 ") != NULL, "%s", both);
}
END_TEST

START_TEST(a_name_of_a_server_over_ipv6)
{
	write_file("resolv.conf", "nameserver ::1\noptions timeout:2 attempts:1\n");
	start_server(AF_INET6);
	let_answer(1);
	start("office.example", AF_INET6);
	ck_assert_str_eq(heard(), "2001:db8::53 ");
}
END_TEST

START_TEST(what_is_not_found_has_a_reason)
{
	start_server(AF_INET);
	let_answer(2);
	start("nowhere.example", AF_INET);
	ck_assert_str_eq(heard(), gai_strerror(EAI_NONAME));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	start("office.example", AF_INET); /* nobody listens: noticed at once, not after the time limit */
	ck_assert_str_eq(heard(), gai_strerror(EAI_AGAIN));
}
END_TEST

/* A copy tells nobody what the original does not. */
START_TEST(a_file_for_root_stays_one)
{
	char path[96];
	struct stat st;
	snprintf(path, sizeof path, "%.39s/hosts", dir);
	ck_assert_int_eq(chmod(path, 0640), 0);
	start("gw.example", AF_INET);
	ck_assert_str_eq(heard(), gai_strerror(EAI_AGAIN)); /* nor by the server, which is not there */
	snprintf(path, sizeof path, "%.39s/" RESOLVER_ROOT "/etc/hosts", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

/* No resolv.conf is a setting as well (RFC 1034's server on this machine), and a copy of an earlier one is none. */
START_TEST(files_that_are_gone)
{
	char path[96];
	struct stat st;
	start("gw.example", AF_INET);
	heard();
	snprintf(path, sizeof path, "%.39s/" RESOLVER_ROOT "/etc/resolv.conf", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	no_etc();
	start("gw.example", AF_INET);
	ck_assert_str_ne(heard(), "192.0.2.77 ");
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

/* ---------------------------------------------------------------- what it is */
START_TEST(it_is_confined)
{
	char want[64];
	start_server(AF_INET);
	start("office.example", AF_INET); /* it waits for the server, which waits for us */
	for (unsigned i = 0; i < 5000 && strncmp(process_status(child, "Uid"), "64002", 5) != 0; i++)
		usleep(1000);
	for (unsigned i = 0; i < 5000 && FILTERS && strcmp(process_status(child, "Seccomp"), "2") != 0; i++)
		usleep(1000);
	ck_assert_str_eq(process_status(child, "Uid"), "64002\t64002\t64002\t64002");
	ck_assert_str_eq(process_status(child, "Gid"), "64003\t64003\t64003\t64003");
	ck_assert_str_eq(process_status(child, "Groups"), "");
	ck_assert_str_eq(process_status(child, "CapPrm"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "CapEff"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "NoNewPrivs"), "1");
#if FILTERS
	ck_assert_str_eq(process_status(child, "Seccomp"), "2");
#endif
	snprintf(want, sizeof want, "%.39s/" RESOLVER_ROOT, dir);
	ck_assert_str_eq(process_link(child, "root"), want);
	let_answer(1);
	ck_assert_str_eq(heard(), "192.0.2.53 ");
}
END_TEST

/* Without its root directory it looks nothing up. */
START_TEST(no_root_no_answer)
{
	no_etc(); /* should it be filled after all, then not the machine's */
	start_in("gw.example", AF_INET, "/nowhere");
	ck_assert_str_eq(heard(), "nothing");
	start_in("gw.example", AF_INET, "");
	ck_assert_str_eq(heard(), "nothing");
	start_in("gw.example", AF_INET, "/");
	ck_assert_str_eq(heard(), "nothing");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("lookups");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_name_in_a_file);
	tcase_add_test(t, a_name_of_a_server);
	tcase_add_test(t, a_name_of_a_server_over_ipv6);
	tcase_add_test(t, what_is_not_found_has_a_reason);
	tcase_add_test(t, a_file_for_root_stays_one);
	tcase_add_test(t, files_that_are_gone);
	tcase_add_test(t, it_is_confined);
	tcase_add_test(t, no_root_no_answer);
	return unit_run_case("resolver", t);
}
