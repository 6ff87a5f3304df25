/* test_given.c - what the service manager keeps for the next run: stores, sockets with all that is in them; and what only bears their names. */
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The kernel's headers come second: they leave out what the C library has defined already. */
#include <netinet/in.h>

#include <linux/udp.h>

#include "base/store.h"
#include "base/util.h"
#include "codes/feature.h"
#include "conf_help.h"
#include "daemon_help.h"
#include "keeper/given.h"
#include "keeper/keeper.h"
#include "keeper/notify.h"
#include "unit.h"

static struct keeper k;
static int file; /* of a store that an earlier run left */

static void setup(void)
{
	char why[STORE_WHY];
	struct store_bind here;
	memset(&k, 0, sizeof k);
	k.ops = &kernel_null;
	k.phase = PHASE_DOWN;
	k.base = event_base_new();
	table_init(&k.tunnels, 1);
	k.conf = conf_good("tunnels:\n  a: { remote: 192.0.2.1, psk-file: a-long-enough-name, routes: 10.1.0.0/16 }\n");
	file = store_memory("test");
	ck_assert(store_bind_here(&here, STORE_OF_KEEPER, STORE_KEEPER_RECORDS, why));
	k.stores.v = store_create(file, &here, why);
	ck_assert_ptr_nonnull(k.stores.v);
	ck_assert(keeper_kernel_open(&k));
}

static void teardown(void)
{
	store_close(k.stores.v);
	keeper_kernel_close(&k);
	event_base_free(k.base);
	conf_free(k.conf);
	close(file);
}

/* sd_listen_fds(3): so many from 3 on, and their names. */
static void gives(const char *number, const char *names)
{
	char pid[16];
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	given_open();
}

START_TEST(descriptors_of_a_manager)
{
	char name[GIVEN_NAME];
	int fd;
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "2", 1);
	given_open();
	ck_assert(!given_take("", name, &fd)); /* meant for another process */
	gives("3", "udp4-500-1:state.keeper:a-name-that-is-much-longer-than-any-of-ours-is");
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert(given_take("state.keeper", name, &fd) && fd == 4 && strcmp(name, "state.keeper") == 0);
	ck_assert(!given_take("state.keeper", name, &fd));
	ck_assert(given_take("udp4-500-", name, &fd) && fd == 3 && strcmp(name, "udp4-500-1") == 0);
	ck_assert(!given_take("udp", name, &fd));
}
END_TEST

static int manager; /* the service manager's end */

static void manage(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[40];
	snprintf(name, sizeof name, "@s2sd-saved-%d", (int)getpid());
	size_t n = strlen(name);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < 9) /* what the manager gives has the lowest numbers */
		continue;
	memcpy(at.sun_path, name, n);
	at.sun_path[0] = 0;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("FDSTORE", "16", 1);
	notify_open();
}

/* Whether the manager keeps something under this name after all that it was told since. */
static bool still_keeps(const char *name)
{
	char text[256], end[64];
	bool yes = true;
	ssize_t n;
	snprintf(end, sizeof end, "FDNAME=%s", name);
	while ((n = recv(manager, text, sizeof text - 1, 0)) >= 0) {
		text[n] = 0;
		const char *at = strstr(text, end);
		if (at != NULL && (at[strlen(end)] == 0 || at[strlen(end)] == '\n'))
			yes = strncmp(text, "FDSTORE=1", 9) == 0;
	}
	return yes;
}

/* A second one of the same name: the manager forgets by name, and the one that is used must not go with the other. */
START_TEST(a_second_descriptor_of_a_name)
{
	int older = store_memory("older"), newer = fcntl(file, F_DUPFD_CLOEXEC, 100);
	struct stat st, of;
	manage();
	older = fcntl(older, F_DUPFD_CLOEXEC, 100);
	usleep(20000);
	ck_assert_int_eq(ftruncate(newer, lseek(newer, 0, SEEK_END)), 0);
	ck_assert_int_eq(fstat(newer, &of), 0);
	ck_assert(dup2(_i == 0 ? older : newer, 30) == 30 && dup2(_i == 0 ? newer : older, 31) == 31);
	gives("29", ":::::::::::::::::::::::::::state.keeper:state.keeper");
	store_close(k.stores.v);
	k.run_dir = -1;
	keeper_stores_open(&k);
	ck_assert(k.stores.found && fstat(k.stores.own, &st) == 0 && st.st_ino == of.st_ino);
	ck_assert(fcntl(_i == 0 ? 30 : 31, F_GETFD) < 0);
	ck_assert(still_keeps("state.keeper"));
}
END_TEST

/* An engine's store that is larger than one can be: nobody would read it, and its memory would never be free again. */
START_TEST(a_store_without_bound)
{
	int own = fcntl(file, F_DUPFD_CLOEXEC, 100), large = fcntl(store_memory("large"), F_DUPFD_CLOEXEC, 100);
	struct stat st;
	manage();
	ck_assert_int_eq(ftruncate(own, lseek(own, 0, SEEK_END)), 0);
	ck_assert_int_eq(ftruncate(large, (off_t)STORE_MAX + _i), 0);
	ck_assert(dup2(own, 30) == 30 && dup2(large, 31) == 31);
	gives("29", ":::::::::::::::::::::::::::state.keeper:state.engine");
	store_close(k.stores.v);
	k.run_dir = -1;
	keeper_stores_open(&k);
	ck_assert(k.stores.found && fstat(k.stores.engine, &st) == 0);
	ck_assert_int_eq(st.st_size, _i == 0 ? (off_t)STORE_MAX : 0);
	ck_assert(still_keeps("state.engine"));
}
END_TEST

/* Sockets of ours with all that is in them; what only bears their name is not taken. */
START_TEST(sockets_go_on)
{
	char text[8] = "";
	struct sockaddr_storage ss;
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	isolate(false);
	manage();
	ck_assert_int_eq(ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &lo), 0);
	memset(k.udp, -1, sizeof k.udp);
	ck_assert(keeper_open_udp(&k));
	int first[UDP_SOCKETS], v4 = k.udp[1], from = socket(AF_INET, SOCK_DGRAM, 0);
	struct addr at = { .family = AF_INET, .port = PORT_NAT, .ip = { 127, 0, 0, 1 } };
	socklen_t len = addr_to_sockaddr(&at, &ss);
	ck_assert_int_eq(sendto(from, "\0\0\0\0wait", 8, 0, (struct sockaddr *)&ss, len), 8);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		first[i] = fcntl(k.udp[i], F_DUPFD_CLOEXEC, 100);
	close(v4);
	for (int i = 0; i < UDP_SOCKETS; i++)
		ck_assert_int_eq(dup2(first[i], 3 + i), 3 + i);
	ck_assert_int_eq(dup2(first[0], 7), 7); /* the older of two */
	ck_assert_int_eq(dup2(from, 8), 8);     /* another port's, with a name that a good one has, too */
	gives("6", "udp4-500-7:udp4-4500-1:udp6-500-1:udp6-4500-1:udp4-500-6:udp6-500-1");
	ck_assert(keeper_open_udp(&k));
	for (int i = 0; i < UDP_SOCKETS; i++)
		ck_assert_int_eq(k.udp[i], 3 + i);
	ck_assert(k.udp_given[0] == 7 && k.udp_given[2] == 1);
	ck_assert_int_eq(recv(k.udp[1], text, sizeof text, MSG_DONTWAIT), 8);
	ck_assert(fcntl(7, F_GETFD) < 0 && fcntl(8, F_GETFD) < 0);
	ck_assert(still_keeps("udp6-500-1"));
}
END_TEST

static const char *release; /* of the kernel, as uname(2) says */
int uname(struct utsname *u)
{
	*u = (struct utsname){ 0 };
	snprintf(u->release, sizeof u->release, "%s", release);
	return 0;
}

static bool directed;
static uint32_t some_features(const struct kernel *of) { return (void)of, directed ? FEATURE_BIT(FEATURE_SA_DIRECTION) : 0; }

static bool batches(void)
{
	int on = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof on;
	memset(k.udp, -1, sizeof k.udp);
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		k.udp[i] = udp_ports[i].family == AF_INET && udp_ports[i].port == PORT_NAT ? fd : -1;
	keeper_find_features(&k);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, &len), 0);
	close(fd);
	ck_assert_int_eq(on != 0, (k.features & FEATURE_BIT(FEATURE_UDP_GRO)) != 0);
	return on != 0;
}

/* ESP that a kernel joins without knowing what it is would be lost: neither sign alone is enough. */
START_TEST(esp_in_batches_where_it_is_safe)
{
	static const struct {
		const char *release;
		bool directed, batches;
	} rows[] = { { "6.10.0", true, true }, { "6.8.12-amd64", true, true }, { "7.0-rc1", true, true },
		{ "6.7.9", true, false }, { "5.14.0-611.el9.x86_64", true, false }, { "6.12.1", false, false },
		{ "", true, false } };
	struct kernel_ops ops = kernel_null;
	ops.features = some_features;
	k.ops = &ops;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		release = rows[i].release;
		directed = rows[i].directed;
		ck_assert_msg(batches() == rows[i].batches, "%s", release);
	}
	k.ops = &kernel_null;
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("given");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, descriptors_of_a_manager);
	tcase_add_loop_test(t, a_second_descriptor_of_a_name, 0, 2);
	tcase_add_loop_test(t, a_store_without_bound, 0, 2);
	tcase_add_test(t, sockets_go_on);
	tcase_add_test(t, esp_in_batches_where_it_is_safe);
	return unit_run_case("given", t);
}
