/*
 * test_outlive.c - two daemons with tunnels up between them; engines die, and nobody negotiates anything anew. No kernel behind: what its SAs do is the
 * lab's business.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon_help.h"
#include "unit.h"
#include "wire/ikev2.h"

/* t0 on port 500, t1 in UDP on port 4500. */
static const char settings_of[] =
	"tunnels:\n"
	"  t0:\n    local: 198.51.100.%u\n    remote: 198.51.100.%u\n    psk: Kx7.mQ2_vT9zLw4RbN8sPd3H\n    start: %s\n"
	"  t1:\n    local: 198.51.100.%u\n    remote: 198.51.100.%u\n    psk: pQ8.sW3_eR5tYu7iO9aLk2J\n    start: %s\n"
	"    encapsulation: udp\n";

static pid_t peer; /* the other daemon, in a network namespace of its own */
static char peer_control[80], peer_log[64];
static int wire;

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...)
{
	char line[512], text[1024];
	const char *argv[] = { "/bin/sh", "-ec", line, NULL };
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s: %s", line, text);
}

static void write_tunnels(const char *path, unsigned ours, const char *start)
{
	unsigned theirs = 3 - ours;
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fchmod(fileno(f), 0600);
	fprintf(f, settings_of, ours, theirs, start, ours + 2, theirs + 2, start);
	fclose(f);
}

/* Waits for its end of the wire, then is the daemon. */
static _Noreturn void be_the_peer(int ready, int go)
{
	char path[128], mine[80], run[80], c;
	if (unshare(CLONE_NEWNET) != 0 || write(ready, "x", 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	shell("ip link set lo up; ip addr add 198.51.100.2/24 dev vb; ip addr add 198.51.100.4/24 dev vb; ip link set vb up");
	snprintf(mine, sizeof mine, "%s/peer.yaml", place);
	snprintf(run, sizeof run, "%s/peer", place);
	write_tunnels(mine, 2, "respond");
	unsetenv("NOTIFY_SOCKET");
	dup2(open(peer_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), 2);
	program("s2sd", path);
	execl(path, path, "-d", "--null-kernel", "-c", mine, "-r", run, NULL);
	_exit(127);
}

static void start_both(void)
{
	int ready[2], go[2];
	char c;
	isolate(true);
	snprintf(peer_control, sizeof peer_control, "%s/peer/control.sock", place);
	snprintf(peer_log, sizeof peer_log, "%s/peer.log", place);
	ck_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	peer = fork();
	if (peer == 0)
		be_the_peer(ready[1], go[0]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	shell("ip link set lo up; ip link add va type veth peer name vb netns %ld; ip addr add 198.51.100.1/24 dev va;"
	      "ip addr add 198.51.100.3/24 dev va; ip link set va up",
		(long)peer);
	wire = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex("va")
	};
	ck_assert_int_eq(bind(wire, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	write_tunnels(settings, 1, "initiate");
	start_daemon();
	ck_assert(is_told("2 of 2 tunnels up"));
}

/* Those that passed since the last call. */
static unsigned initiations(void)
{
	uint8_t p[2048];
	unsigned n = 0;
	for (ssize_t got; (got = recv(wire, p, sizeof p, 0)) > 0;) {
		size_t at = (size_t)(p[0] & 15) * 4 + 8;
		if (p[0] >> 4 != 4 || p[9] != IPPROTO_UDP || (size_t)got < at + 28)
			continue;
		if (p[at - 5] == 0x94 || p[at - 7] == 0x94) /* a port of 4500 (0x1194): the non-ESP marker */
			at += 4;
		n += p[at + 18] == EXCHANGE_IKE_SA_INIT;
	}
	return n;
}

static void ask(const char *path, const char *request, char *answer, size_t size)
{
	int fd = connected(path);
	size_t n = 0;
	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	for (ssize_t got; n < size - 1 && memchr(answer, '\n', n) == NULL && (got = read(fd, answer + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	answer[n] = 0;
	close(fd);
}

/* All SPIs of both tunnels, in the order of the answer. */
static void spis(const char *path, char text[1024])
{
	static char answer[65536];
	struct text t = text_of(text, 1024);
	text[0] = 0;
	ask(path, "{\"command\":\"show\"}\n", answer, sizeof answer);
	for (const char *p = answer; (p = strstr(p, "\"spi_")) != NULL; p++)
		text_add(&t, "%.*s ", (int)strcspn(p, ",}"), p);
	ck_assert_msg(strstr(text, "spi_out") != NULL, "%s", answer);
}

static void until_up(const char *path)
{
	static char answer[65536];
	for (unsigned i = 0; i < 200; i++) {
		ask(path, "{\"command\":\"status\"}\n", answer, sizeof answer);
		unsigned up = 0;
		for (const char *p = answer; (p = strstr(p, "\"state\":\"up\"")) != NULL; p++)
			up++;
		if (up == 2)
			return;
		usleep(50000);
	}
	ck_abort_msg("not up: %s", answer);
}

/* Kills the engine of ours and waits for the next one. */
static void engine_dies(void)
{
	pid_t old = helper_process("s2sd-engine"), now = old;
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	for (unsigned i = 0; i < 2000 && (now == old || now == 0); i++, usleep(5000))
		now = helper_process("s2sd-engine");
	ck_assert(now > 0 && now != old);
	until_up(control);
}

static void order(const char *path, const char *request)
{
	char answer[2048];
	ask(path, request, answer, sizeof answer);
	ck_assert_msg(strstr(answer, "\"done\":true") != NULL, "%s: %s", request, answer);
}

static void end_both(void)
{
	int status;
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
	kill(peer, SIGTERM);
	ck_assert_int_eq(waitpid(peer, &status, 0), peer);
	ck_assert_int_eq(status, 0);
}

/* The same SAs at both ends, which can still be rekeyed from both: keys, message ids and IVs are known. */
START_TEST(an_engine_is_killed)
{
	static const char *const orders[] = { "{\"command\":\"rekey\",\"tunnel\":\"t0\"}\n",
		"{\"command\":\"rekey\",\"tunnel\":\"t1\",\"ike\":true}\n", "{\"command\":\"rekey\",\"tunnel\":\"t1\"}\n",
		"{\"command\":\"rekey\",\"tunnel\":\"t0\",\"ike\":true}\n" };
	char ours[1024], theirs[1024], now[1024];
	start_both();
	until_up(peer_control);
	ck_assert_uint_gt(initiations(), 0);
	for (unsigned turn = 0; turn < 4; turn++) {
		usleep(1200000); /* what a rekey has replaced is gone */
		spis(control, ours);
		spis(peer_control, theirs);
		engine_dies();
		spis(control, now);
		ck_assert_str_eq(now, ours);
		order(turn % 2 == 0 ? control : peer_control, orders[turn]);
		spis(peer_control, now);
		ck_assert_str_ne(now, theirs);
		ck_assert_uint_eq(initiations(), 0);
	}
	ck_assert_uint_eq(log_has("dials anew"), 0);
	end_both();
}
END_TEST

/* In the middle of whatever a rekey consists of. */
START_TEST(an_engine_is_killed_while_it_rekeys)
{
	static const char *const requests[] = { "{\"command\":\"rekey\",\"tunnel\":\"t0\"}\n",
		"{\"command\":\"rekey\",\"tunnel\":\"t0\",\"ike\":true}\n" };
	start_both();
	until_up(peer_control);
	initiations();
	for (unsigned turn = (unsigned)_i * 4; turn < (unsigned)_i * 4 + 4; turn++) {
		const char *request = requests[turn / 2 % 2];
		int fd = connected(turn % 2 == 0 ? control : peer_control);
		ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
		usleep(turn * 900);
		engine_dies();
		close(fd);
		usleep(1500000); /* a request is repeated, what is replaced goes */
	}
	until_up(peer_control);
	order(control, requests[0]);
	order(peer_control, requests[1]);
	ck_assert_uint_eq(initiations(), 0);
	end_both();
}
END_TEST

/* ---------------------------------------------------------------- looking */
/* Packets that passed and are no IKE between the daemons; neighbour discovery and the like is the kernel's own. */
static unsigned strangers(void)
{
	uint8_t p[2048];
	unsigned n = 0;
	for (ssize_t got; (got = recv(wire, p, sizeof p, 0)) > 0;) {
		size_t at = (size_t)(p[0] & 15) * 4;
		if (p[0] >> 4 != 4 || (size_t)got < at + 4)
			continue;
		unsigned from = (unsigned)p[at] << 8 | p[at + 1], to = (unsigned)p[at + 2] << 8 | p[at + 3];
		n += p[9] != IPPROTO_UDP || from != to || (from != 500 && from != 4500);
	}
	return n;
}

/* "Tcp: ActiveOpens", "Icmp: OutMsgs": a number of this network namespace. */
static unsigned long counted(const char *group, const char *name)
{
	char names[2048], values[2048];
	FILE *f = fopen("/proc/self/net/snmp", "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(names, sizeof names, f) != NULL && fgets(values, sizeof values, f) != NULL) {
		char *more = names, *rest = values, *word, *value;
		if (strncmp(names, group, strlen(group)) != 0)
			continue;
		while ((word = strsep(&more, " \n")) != NULL && (value = strsep(&rest, " \n")) != NULL)
			if (strcmp(word, name) == 0) {
				fclose(f);
				return strtoul(value, NULL, 10);
			}
	}
	ck_abort_msg("no %s %s", group, name);
	return 0;
}

/* explain asks the kernel and other programs; it sends nothing, though the peer, who has BGP, is a hop away. */
START_TEST(explain_sends_nothing)
{
	static const char *const more[][4] = { { "explain", NULL }, { "explain", "t0", NULL },
		{ "explain", "t0", "--json", NULL } };
	char path[128], text[16384];
	start_both();
	shell("sed -i '/remote: 198.51.100.2$/a\\    bgp: {local-as: 65010, peer-as: 64512, peer: 198.51.100.2, local: 198.51.100.1}' %s",
		settings);
	order(control, "{\"command\":\"reload\"}\n");
	until_up(control);
	strangers();
	unsigned long opened = counted("Tcp:", "ActiveOpens"), pinged = counted("Icmp:", "OutMsgs");
	for (unsigned i = 0; i < 3; i++) {
		const char *argv[8] = { program("s2sctl", path), "-r", rundir };
		for (unsigned k = 0; k < 4; k++)
			argv[3 + k] = more[i][k];
		run_program(argv, text, sizeof text);
		ck_assert_msg(strstr(text, "t0") != NULL, "%s", text);
	}
	ck_assert_uint_eq(strangers(), 0);
	ck_assert_uint_eq(counted("Tcp:", "ActiveOpens"), opened);
	ck_assert_uint_eq(counted("Icmp:", "OutMsgs"), pinged);
	end_both();
}
END_TEST

static void remove_both(void)
{
	if (peer > 0)
		kill(peer, SIGKILL);
	close(wire);
	remove_place();
}

int main(void)
{
	TCase *t = tcase_create("outlive");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, make_place, remove_both);
	tcase_add_test(t, an_engine_is_killed);
	tcase_add_loop_test(
		t, an_engine_is_killed_while_it_rekeys, 0, 2); /* the keeper waits ever longer before the next engine */
	tcase_add_test(t, explain_sends_nothing);
	return unit_run_case("outlive", t);
}
