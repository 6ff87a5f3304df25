/*
 * test_privilege.c - what is left of root in each process: seen from outside, in /proc, as an attacker inside would find it.
 *
 * Only root can give anything up, and a user namespace is no help: without a map of several users there is nobody else to
 * become, and groups cannot be dropped. So these tests need root and count as failed without it, lest a ring without root
 * looks as if the privileges had been judged. The lab's scenario engine-crash looks at the same in the running daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/store.h"
#include "ipc/privilege.h"
#include "proc_help.h"
#include "unit.h"

#define USER 64000
#define GROUP 64001

static char root[40];
static pid_t child;
static struct report { /* what only the child itself can ask */
	bool done;
	int dumpable, death, became_root, back, grown, too_large;
	struct rlimit core, fds;
	char why[80];
} told;

/* As on systemd's distributions: with 0, no change of uid makes anything dumpable. For all tests here, one after the other, where it can be set. */
static FILE *suid_file;
static int suid_dumpable = -1, suid_was;

static bool suid_write(int value)
{
	rewind(suid_file);
	return fprintf(suid_file, "%d\n", value) > 0 && fflush(suid_file) == 0;
}

/* Whatever becomes of this test: a process of its own group, which nobody ends, puts back what was there. */
static void suid_guard(void)
{
	int ends[2];
	char none;
	ck_assert_int_eq(pipe(ends), 0);
	pid_t guard = fork();
	if (guard == 0) {
		setpgid(0, 0);
		close(ends[1]);
		if (read(ends[0], &none, 1) == 0)
			suid_write(suid_was);
		_exit(0);
	}
	setpgid(guard, guard);
	close(ends[0]);
}

static void suid_set(int value)
{
	suid_file = fopen("/proc/sys/fs/suid_dumpable", "r+e");
	if (suid_file == NULL || flock(fileno(suid_file), LOCK_EX) != 0 || fscanf(suid_file, "%d", &suid_was) != 1)
		return;
	suid_guard();
	suid_dumpable = suid_write(value) ? value : -1;
}

static void setup(void)
{
	suid_set(2);
	ck_assert_msg(
		geteuid() == 0, "DID NOT RUN: needs root (sudo make check-unit); without it run: tests/lab/run engine-crash");
	snprintf(root, sizeof root, "/tmp/s2sd-privilege-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	child = 0;
}

static void teardown(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	rmdir(root);
}

static void tell(int fd, bool done, const char *why)
{
	struct report r = { .done = done };
	snprintf(r.why, sizeof r.why, "%s", why);
	r.dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_GET_PDEATHSIG, &r.death);
	getrlimit(RLIMIT_CORE, &r.core);
	getrlimit(RLIMIT_NOFILE, &r.fds);
	int store = memfd_create("store", MFD_CLOEXEC);
	r.grown = fallocate(store, 0, STORE_MAX - 4096, 4096);
	r.too_large = fallocate(store, 0, STORE_MAX, 4096) == 0 ? 0 : errno;
	r.became_root = setresuid(0, 0, 0);
	r.back = chroot("..");
	if (write(fd, &r, sizeof r) != (ssize_t)sizeof r)
		_exit(1);
	for (;;)
		pause();
}

/* A child with groups, and as root can be before; then what `give_up` leaves it. */
static void become(bool (*give_up)(const char **why))
{
	static const gid_t groups[] = { 4, 24, GROUP + 1 };
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		const char *why = "";
		struct rlimit core = { 4096, 4096 };
		setrlimit(RLIMIT_CORE, &core);
		prctl(PR_SET_DUMPABLE, 1);
		bool done = setgroups(3, groups) == 0 && give_up(&why);
		tell(ends[1], done, why);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &told, sizeof told), (ssize_t)sizeof told);
	close(ends[0]);
	ck_assert_msg(told.done, "%s", told.why);
}

static bool as_engine(const char **why)
{
	return privilege_user(&(struct ordinary_user){ .uid = USER, .gid = GROUP, .root = root, .max_fds = 64 }, why);
}
static const struct ordinary_user somebody = { .uid = USER, .gid = GROUP, .max_fds = 64 };
static bool as_resolver(const char **why) { return privilege_user(&somebody, why); }
static bool as_token_signer(const char **why)
{
	static const gid_t more[] = { 64010, 64011 };
	return privilege_user(
		&(struct ordinary_user){ .uid = USER, .gid = GROUP, .groups = more, .n_groups = 2, .max_fds = 64 }, why);
}
static bool as_keeper(const char **why) { return privilege_keeper(why); }

static void is_a_user_with(const char *more)
{
	ck_assert_str_eq(process_status(child, "Uid"), "64000\t64000\t64000\t64000");
	ck_assert_str_eq(process_status(child, "Gid"), "64001\t64001\t64001\t64001");
	ck_assert_str_eq(process_status(child, "Groups"), more);
	ck_assert_str_eq(process_status(child, "CapInh"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "CapPrm"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "CapEff"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "CapAmb"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "NoNewPrivs"), "1");
	ck_assert_int_eq(told.dumpable, 0);
	ck_assert_int_eq(told.death, SIGKILL);
	ck_assert_int_ne(told.became_root, 0);
	ck_assert_int_ne(told.back, 0);
	ck_assert_uint_eq(told.core.rlim_max, 0);
	ck_assert_uint_eq(told.fds.rlim_max, 64);
	ck_assert_int_eq(told.grown, 0);
	ck_assert_int_eq(told.too_large, EFBIG);
}

static void is_an_ordinary_user(void) { is_a_user_with(""); }

START_TEST(engine_is_an_ordinary_user_in_an_empty_root)
{
	become(as_engine);
	is_an_ordinary_user();
	ck_assert_str_eq(process_link(child, "root"), root);
	ck_assert_str_eq(process_link(child, "cwd"), root);
}
END_TEST

START_TEST(resolver_is_an_ordinary_user)
{
	become(as_resolver);
	is_an_ordinary_user();
}
END_TEST

/* With those that it is given, and none of root's. */
START_TEST(token_signer_has_its_groups)
{
	become(as_token_signer);
	is_a_user_with("64010 64011");
}
END_TEST

static int dumpable_at_kill = -1; /* the keeper's, while it is somebody else */

/* Stands before the C library's. */
int kill(pid_t pid, int sig)
{
	if (geteuid() != 0)
		dumpable_at_kill = prctl(PR_GET_DUMPABLE);
	return (int)syscall(SYS_kill, pid, sig);
}

static bool kills_a_user(const char **why)
{
	int status;
	if (!privilege_keeper(why))
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		if (!privilege_user(&somebody, why))
			_exit(1);
		for (;;)
			pause();
	}
	for (unsigned i = 0; i < 2000 && kill(pid, 0) == 0; i++)
		usleep(1000); /* until it is another's */
	privilege_kill(pid, USER);
	bool killed = waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	*why = !killed ? "the child was not killed" : geteuid() != 0 ? "it is not root again" : "it was dumpable meanwhile";
	return killed && geteuid() == 0 && dumpable_at_kill == 0;
}

/* The only time that the keeper changes its uid: whoever takes it over then, or makes it crash, finds no memory to read. */
START_TEST(keeper_stays_private_when_it_kills)
{
	ck_assert_msg(suid_dumpable == 2, "DID NOT RUN: fs.suid_dumpable cannot be set to 2");
	become(kills_a_user);
	ck_assert_int_eq(told.dumpable, 0);
	ck_assert_str_ne(process_status(child, "CapEff"), "0000000000000000");
}
END_TEST

START_TEST(keeper_keeps_six_capabilities)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT, CAP_CHOWN };
	unsigned long long want = 0, bounding = 0;
	char text[20];
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		want |= 1ull << kept[i];
	snprintf(text, sizeof text, "%016llx", want);
	become(as_keeper);
	ck_assert_str_eq(process_status(child, "CapPrm"), text);
	ck_assert_str_eq(process_status(child, "CapEff"), text);
	ck_assert_str_eq(process_status(child, "CapInh"), "0000000000000000");
	ck_assert_str_eq(process_status(child, "CapAmb"), "0000000000000000");
	ck_assert_int_eq(sscanf(process_status(child, "CapBnd"), "%llx", &bounding), 1);
	ck_assert_uint_eq(bounding & ~want, 0);
	ck_assert_str_eq(process_status(child, "NoNewPrivs"), "1");
	ck_assert_int_eq(told.dumpable, 0);
	ck_assert_uint_eq(told.core.rlim_max, 0);
}
END_TEST

/* Not without the user that was asked for: no half of it is a success. */
START_TEST(nobody_stays_root)
{
	const char *why = "";
	ck_assert(!privilege_user(&(struct ordinary_user){ .max_fds = 64 }, &why));
	ck_assert_str_eq(why, "cannot become an ordinary user");
	struct ordinary_user nowhere = somebody;
	nowhere.root = "/nowhere/at/all";
	ck_assert(!privilege_user(&nowhere, &why));
	ck_assert_str_eq(why, "cannot enter the empty root directory");
	ck_assert_int_eq(geteuid(), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("processes");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, engine_is_an_ordinary_user_in_an_empty_root);
	tcase_add_test(t, resolver_is_an_ordinary_user);
	tcase_add_test(t, token_signer_has_its_groups);
	tcase_add_test(t, keeper_keeps_six_capabilities);
	tcase_add_test(t, keeper_stays_private_when_it_kills);
	tcase_add_test(t, nobody_stays_root);
	return unit_run_case("privilege", t);
}
