/*
 * test_hostile.c - the keeper with an engine that somebody took over (tests/hostile/engine.c) in the honest one's place: nothing that it asks for beyond
 * its tunnels is done, and the engine after it works. The kernel behind is the null kernel; the lab's scenario hostile does the same on a real one.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon_help.h"
#include "unit.h"

static char bin[64], path[128], said[16384];

static void copy(const char *from, const char *name)
{
	char to[128], text[256];
	snprintf(to, sizeof to, "%s/%s", bin, name);
	const char *argv[] = { "/bin/cp", from, to, NULL };
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text);
}

static void write_file(const char *name, const char *text)
{
	snprintf(path, sizeof path, "%s/%s", bin, name);
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* All that the hostile engine has told so far. */
static const char *what_it_told(void)
{
	snprintf(path, sizeof path, "%s/told", bin);
	FILE *f = fopen(path, "re");
	said[f != NULL ? fread(said, 1, sizeof said - 1, f) : 0] = 0;
	if (f != NULL)
		fclose(f);
	return said;
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

/* The daemon with a hostile engine that does this, then with an honest one. */
static void taken_over(const char *deed)
{
	const char *build = getenv("BUILD");
	char from[128], end[64];
	isolate(true);
	loopback_up();
	snprintf(bin, sizeof bin, "%s/bin", place);
	ck_assert_int_eq(mkdir(bin, 0755), 0);
	copy(program("s2sd", from), "s2sd");
	copy(program("s2sd-resolver", from), "s2sd-resolver");
	copy(program("s2sd-signer", from), "s2sd-signer");
	copy(program("s2sd-engine", from), "honest");
	snprintf(from, sizeof from, "%s/hostile_engine", build != NULL ? build : "build");
	copy(from, "s2sd-engine");
	write_file("deeds", deed);
	snprintf(path, sizeof path, "%s/s2sd", bin);
	start_daemon_of(path);
	snprintf(end, sizeof end, "end %.*s", (int)strcspn(deed, " \n"), deed);
	for (unsigned i = 0; i < 3000 && strstr(what_it_told(), end) == NULL; i++)
		usleep(10000);
	ck_assert_msg(strstr(said, end) != NULL, "it did not come to its end: %s", said);
}

/* The next engine is an honest one, and does its work. */
static void then_all_is_well(void)
{
	char answer[8192] = "";
	for (unsigned i = 0; i < 1000 && log_has("the engine runs again") == 0; i++)
		usleep(10000);
	ck_assert_int_eq(log_has("the engine runs again"), 1);
	ask_at_once("{\"command\":\"status\"}\n", answer, sizeof answer);
	ck_assert_msg(strstr(answer, "\"name\":\"t0\"") != NULL, "%s", answer);
	ck_assert_int_eq(end_daemon(SIGTERM), 0);
}

static void expect(const char *const *lines)
{
	for (; *lines != NULL; lines++)
		ck_assert_msg(strstr(said, *lines) != NULL, "no \"%s\" in:\n%s", *lines, said);
}

START_TEST(foreign_requests_are_refused)
{
	static const char *const lines[] = { "install inbound, honest: 0\n", "install outbound, honest: 0\n",
		"switch, honest: 0\n", "install inbound, foreign: 1\n", "install outbound, foreign: 1\n",
		"install, no tunnel: 19\n", "switch, foreign: 1\n", "switch, no SA: 3\n", "switch, no tunnel: 19\n",
		"move, foreign: to be rekeyed\n", "asked for all\n", NULL };
	write_settings(2, "    routes: [10.20.0.0/24]\n");
	taken_over("requests t0 192.0.2.66\n");
	expect(lines);
	ck_assert_int_eq(log_has("request refused: link: does not belong to the tunnel"), 1);
	ck_assert_int_eq(log_has("request refused: resolve: does not belong to the tunnel"), 1);
	then_all_is_well();
}
END_TEST

/* A peer that may be anywhere is not behind another tunnel. */
START_TEST(guarded_addresses_are_refused)
{
	static const char *const lines[] = { "install inbound, honest: 0\n", "install outbound, honest: 0\n",
		"install inbound, foreign: 1\n", "install outbound, foreign: 1\n", "switch, foreign: 1\n",
		"move, foreign: to be rekeyed\n", NULL };
	FILE *f;
	write_settings(1, "    routes: [10.20.0.0/24]\n");
	f = fopen(settings, "ae");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
		"  branch:\n    remote: any\n    remote-id: branch.example\n    psk: Wq4.zT8_kLmB2xN6vR9yJ3cF\n    start: respond\n");
	fclose(f);
	taken_over("requests branch 10.20.0.10\n");
	expect(lines);
	ck_assert_int_ge(log_has("10.20.0.10 is not taken as the peer's address: it lies in 10.20.0.0/24 behind tunnel t0"), 1);
	then_all_is_well();
}
END_TEST

START_TEST(nothing_is_signed_for_others)
{
	static const char *const lines[] = { "sign, honest: 0, 32 octets\n", NULL };
	static const char *const refused[] = { "sign the peer's message: ", "sign as responder over an initiator's: ",
		"sign chosen octets: ", "sign for no tunnel: " };
	write_settings(1, "    local-id: us.example\n");
	taken_over("auth t0\n");
	expect(lines);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const char *at = strstr(said, refused[i]);
		ck_assert_msg(at != NULL && strtol(at + strlen(refused[i]), NULL, 10) != 0, "%s", said);
		ck_assert_msg(strncmp(strchr(at, ','), ", 0 octets\n", 11) == 0, "%s", said);
	}
	then_all_is_well();
}
END_TEST

/* Whatever an engine makes the keeper say, it says it a bounded number of times. */
START_TEST(a_storm_does_not_fill_the_log)
{
	write_settings(1, "");
	taken_over("storm\n");
	unsigned sent = 0;
	ck_assert_int_eq(sscanf(strstr(said, "reloads: "), "reloads: %u", &sent), 1);
	ck_assert_uint_gt(sent, 100);
	ck_assert_msg(log_has("") < 60, "%zu lines in the log after %u reloads", log_has(""), sent);
	then_all_is_well();
}
END_TEST

static double seconds_used(pid_t pid)
{
	char file[64], text[1024];
	unsigned long user = 0, sys = 0;
	snprintf(file, sizeof file, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(file, "re");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	ck_assert_int_eq(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys), 2);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* How many datagrams were of another version of IKE, as `s2sctl metrics` tells. */
static unsigned foreign_versions(void)
{
	static const char key[] = "s2s_ike_datagrams_dropped_total{reason=\"version\"} ";
	static char text[65536];
	char name[128];
	const char *argv[] = { program("s2sctl", name), "metrics", "-r", rundir, NULL };
	ck_assert_msg(run_program(argv, text, sizeof text) == 0, "%s", text);
	const char *at = strstr(text, key);
	ck_assert_msg(at != NULL, "%s", text);
	return (unsigned)strtoul(at + strlen(key), NULL, 10);
}

/* Whether the engine reads what comes to that port: a header of version 3. */
static bool is_read(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
	};
	uint8_t message[32] = { 0 };
	size_t marker = port == 4500 ? 4 : 0;
	unsigned before = foreign_versions();
	memcpy(message + marker, (const uint8_t[28]){ [0] = 1, [17] = 0x30, [18] = 34, [19] = 8, [27] = 28 }, 28);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(sendto(fd, message, 28 + marker, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)(28 + marker));
	close(fd);
	for (unsigned i = 0; i < 50; i++) {
		if (foreign_versions() == before + 1)
			return true;
		usleep(100000);
	}
	return false;
}

START_TEST(spoiled_sockets_are_made_anew)
{
	char answer[8192] = "";
	write_settings(1, "");
	taken_over("sockets\n");
	for (unsigned i = 0; i < 1000 && log_has("the engine runs again") == 0; i++)
		usleep(10000);
	ask_at_once("{\"command\":\"status\"}\n", answer, sizeof answer);
	ck_assert_msg(strstr(answer, "\"name\":\"t0\"") != NULL, "%s", answer);
	ck_assert_msg(is_read(500), "nothing is read from UDP 500");
	ck_assert_msg(is_read(4500), "nothing is read from UDP 4500");
	pid_t engine = helper_process("s2sd-engine");
	double before = seconds_used(engine);
	sleep(2);
	ck_assert_msg(seconds_used(engine) - before < 0.3, "the engine spins: %f s in 2 s", seconds_used(engine) - before);
	then_all_is_well();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("hostile");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, make_place, remove_place);
	tcase_add_test(t, foreign_requests_are_refused);
	tcase_add_test(t, guarded_addresses_are_refused);
	tcase_add_test(t, nothing_is_signed_for_others);
	tcase_add_test(t, a_storm_does_not_fill_the_log);
	tcase_add_test(t, spoiled_sockets_are_made_anew);
	return unit_run_case("hostile", t);
}
