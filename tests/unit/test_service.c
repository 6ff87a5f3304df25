/*
 * test_service.c - what the unit and the package's scripts do around a stop: the texts as they are in etc and contrib/debian, their folders in a place of its own, and
 * in PATH a systemctl and an s2sd that write down what they are called with.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "unit.h"

static char home[32];

static const char *at(const char *name)
{
	static char path[96];
	snprintf(path, sizeof path, "%s/%s", home, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	chmod(at(name), 0755);
}

static char *text_of(const char *path)
{
	static char text[16384];
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f != NULL)
		fclose(f);
	text[n] = 0;
	return text;
}

static const char *calls(void) { return text_of(at("calls")); }

static void replace_all(char *text, size_t size, const char *from, const char *to)
{
	for (char *p = text; (p = strstr(p, from)) != NULL; p += strlen(to)) {
		size_t rest = strlen(p + strlen(from)) + 1;
		ck_assert_uint_lt((size_t)(p - text) + strlen(to) + rest, size);
		memmove(p + strlen(to), p + strlen(from), rest);
		memcpy(p, to, strlen(to));
	}
}

/* systemctl: the states of units are in files of their names, the jobs in `jobs`; without that file it cannot say. s2sd --remove: the lock goes. */
static void setup(void)
{
	strcpy(home, "/tmp/s2s-service-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	static const char *const dirs[] = { "bin", "run", "run/s2sd", "run/systemd", "run/systemd/system",
		"run/systemd/networkd.conf.d" };
	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++)
		ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
	write_file("bin/systemctl", "#!/bin/sh\ncd \"${0%/bin/*}\" && echo \"systemctl $*\" >>calls\n"
				    "for last; do :; done\n"
				    "case \"$*\" in\n*list-jobs*) cat jobs 2>/dev/null ;;\n"
				    "*is-active*) [ \"$(cat \"$last\" 2>/dev/null)\" = active ] ;;\n"
				    "show*) cat \"$last\" 2>/dev/null || echo inactive ;;\nesac\n");
	write_file("bin/deb-systemd-invoke", "#!/bin/sh\ncd \"${0%/bin/*}\" && echo \"invoke $*\" >>calls\n"
					     "[ \"$1\" != stop ] || rm -f s2sd.service\n");
	write_file("bin/s2sd", "#!/bin/sh\ncd \"${0%/bin/*}\" && echo \"s2sd $*\" >>calls && rm -f run/s2sd/lock\n");
	write_file("bin/sleep",
		"#!/bin/sh\ncd \"${0%/bin/*}\" && echo inactive >s2sd-remove.service && [ ! -e removes ] || rm -f run/s2sd/lock\n");
}

static void teardown(void)
{
	char command[64];
	snprintf(command, sizeof command, "rm -rf %s", home);
	ck_assert_int_eq(system(command), 0);
}

static int run(char *text, size_t size, const char *words)
{
	char command[256];
	replace_all(text, size, "/usr/sbin/", at("bin/"));
	replace_all(text, size, " /run/", (snprintf(command, sizeof command, " %s/run/", home), command));
	replace_all(text, size, "=/usr/lib/", (snprintf(command, sizeof command, "=%s/run/", home), command));
	replace_all(text, size, "=/run/", (snprintf(command, sizeof command, "=%s/run/", home), command));
	write_file("script", text);
	snprintf(command, sizeof command, "PATH=%s/bin:/usr/bin:/bin sh %s/script %s >%s/out 2>&1", home, home, words, home);
	int status = system(command);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run_script(const char *path, const char *words)
{
	char text[16384];
	snprintf(text, sizeof text, "%s", text_of(path));
	ck_assert_uint_gt(strlen(text), 0);
	return run(text, sizeof text, words);
}

/* As systemd reads it: `$$` is a dollar. */
static int run_exec_stop(void)
{
	static const char begin[] = "\nExecStop=/bin/sh -c '";
	char text[4096], *from = strstr(text_of("etc/s2sd-remove.service.in"), begin);
	ck_assert_ptr_nonnull(from);
	from += strlen(begin);
	snprintf(text, sizeof text, "%.*s", (int)strcspn(from, "'\n"), from);
	replace_all(text, sizeof text, "@runstatedir@", "/run");
	replace_all(text, sizeof text, "@sbindir@", "/usr/sbin");
	replace_all(text, sizeof text, "$$", "$");
	return run(text, sizeof text, "");
}

/* After a stop all goes; amid a restart nothing, and nothing when systemctl cannot tell which of them it is. */
START_TEST(a_restart_removes_nothing)
{
	static const struct {
		const char *jobs;
		bool lock, goes;
	} cases[] = { { "", true, true }, { "", false, false }, { "7 s2sd.service start waiting\n", true, false },
		{ "7 s2sd.service restart running\n", true, false }, { "7 s2sd.service stop running\n", true, true },
		{ NULL, true, false } };
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		setup();
		if (cases[i].jobs != NULL)
			write_file("jobs", cases[i].jobs);
		if (cases[i].lock)
			write_file("run/s2sd/lock", "");
		ck_assert_int_eq(run_exec_stop(), 0);
		ck_assert_msg((strstr(calls(), "s2sd --remove") != NULL) == cases[i].goes, "%u: %s", i, calls());
		ck_assert_int_eq(strstr(calls(), "reset-failed") != NULL, cases[i].goes);
		teardown();
	}
}
END_TEST

/* dpkg takes the program away when s2sd.prerm ends: until then what a failed daemon left is gone, by the unit's hand or by ours. */
START_TEST(a_removal_after_a_failure_leaves_nothing)
{
	for (unsigned unit_does_it = 0; unit_does_it < 2; unit_does_it++) {
		setup();
		write_file("run/s2sd/lock", "");
		write_file("s2sd.service", "failed");
		write_file("s2sd-remove.service", "active");
		if (unit_does_it)
			write_file("removes", "");
		ck_assert_msg(run_script("contrib/debian/s2sd.prerm", "remove") == 0, "%s", text_of(at("out")));
		ck_assert_int_ne(access(at("run/s2sd/lock"), F_OK), 0);
		ck_assert_msg((strstr(calls(), "s2sd --remove") != NULL) == !unit_does_it, "%s", calls());
		teardown();
	}
	setup(); /* policy-rc.d forbids the stop: the daemon runs on, and keeps what it has */
	write_file("run/s2sd/lock", "");
	write_file("s2sd.service", "active");
	write_file("bin/deb-systemd-invoke", "#!/bin/sh\n");
	ck_assert_int_eq(run_script("contrib/debian/s2sd.prerm", "remove"), 0);
	ck_assert_ptr_null(strstr(calls(), "--remove"));
	teardown();
}
END_TEST

/* An upgrade stops nothing; a removal that is given up starts again what ran, and that only. */
START_TEST(a_removal_given_up_starts_what_ran)
{
	for (unsigned ran = 0; ran < 2; ran++) {
		setup();
		write_file("s2sd.service", ran ? "active" : "failed");
		ck_assert_int_eq(run_script("contrib/debian/s2sd.prerm", "upgrade 2"), 0);
		ck_assert_str_eq(calls(), "");
		ck_assert_int_eq(run_script("contrib/debian/s2sd.prerm", "remove"), 0);
		ck_assert_ptr_null(strstr(calls(), "systemctl start"));
		ck_assert_int_eq(run_script("contrib/debian/s2sd.postinst", "abort-remove"), 0);
		ck_assert_msg((strstr(calls(), "systemctl start s2sd.service") != NULL) == (ran == 1), "%s", calls());
		ck_assert_ptr_null(strstr(calls(), "systemctl start s2sd-metrics"));
		ck_assert_int_ne(access(at("run/s2sd-ran.before"), F_OK), 0);
		teardown();
	}
}
END_TEST

UNIT_MAIN("service", a_restart_removes_nothing, a_removal_after_a_failure_leaves_nothing, a_removal_given_up_starts_what_ran)
