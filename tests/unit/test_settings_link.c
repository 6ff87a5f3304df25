/* test_settings_link.c - the link in the run directory, and that nobody's file is ever taken for it. */
#include "keeper/settings_link.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char top[64];
static int run_dir;

static const char *at(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", top, name);
	return p;
}

static void write_file(const char *name)
{
	FILE *f = fopen(at(name), "w");
	ck_assert_ptr_nonnull(f);
	fputs("tunnels: {}\n", f);
	fclose(f);
}

static void setup(void)
{
	snprintf(top, sizeof top, "/tmp/test_link.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(mkdir(at("run"), 0755), 0);
	ck_assert_int_eq(mkdir(at("etc"), 0755), 0);
	run_dir = open(at("run"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(run_dir, 0);
}

static void teardown(void)
{
	char command[128];
	close(run_dir);
	snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void is_file(const char *name)
{
	struct stat st;
	ck_assert_int_eq(lstat(at(name), &st), 0);
	ck_assert(S_ISREG(st.st_mode) && st.st_size == 12);
}

static void leads_to(const char *name, const char *end)
{
	char is[PATH_MAX], want[PATH_MAX];
	ssize_t n = readlink(at(name), is, sizeof is - 1);
	ck_assert_int_gt(n, 0);
	is[n] = 0;
	ck_assert_ptr_nonnull(realpath(top, want));
	ck_assert_str_eq(is + strlen(want) + 1, end);
}

START_TEST(leads_to_the_settings_and_goes)
{
	struct stat st;
	setup();
	ck_assert(settings_link(run_dir, at("etc/absent.yaml"))); /* they may come later */
	leads_to("run/s2sd.yaml", "etc/absent.yaml");
	write_file("etc/s2sd.yaml");
	ck_assert(settings_link(run_dir, at("etc/s2sd.yaml"))); /* instead of what an earlier life left */
	leads_to("run/s2sd.yaml", "etc/s2sd.yaml");
	settings_unlink(run_dir);
	ck_assert_int_ne(lstat(at("run/s2sd.yaml"), &st), 0);
	is_file("etc/s2sd.yaml");
	teardown();
}
END_TEST

START_TEST(settings_in_the_run_directory_stay)
{
	char word[256];
	setup();
	write_file("run/s2sd.yaml");
	ck_assert(!settings_link(run_dir, at("run/s2sd.yaml")));
	is_file("run/s2sd.yaml");
	ck_assert(!settings_link(run_dir, at("run/../run/s2sd.yaml")));
	is_file("run/s2sd.yaml");
	ck_assert_ptr_nonnull(getcwd(word, sizeof word));
	ck_assert_int_eq(fchdir(run_dir), 0);
	ck_assert(!settings_link(run_dir, "s2sd.yaml"));
	ck_assert_int_eq(chdir(word), 0);
	is_file("run/s2sd.yaml");
	teardown();
}
END_TEST

START_TEST(another_file_of_that_name_stays)
{
	setup();
	write_file("run/s2sd.yaml");
	write_file("etc/other.yaml");
	ck_assert(!settings_link(run_dir, at("etc/other.yaml")));
	is_file("run/s2sd.yaml");
	teardown();
}
END_TEST

START_TEST(an_operators_own_link_there_stays)
{
	setup();
	write_file("etc/real.yaml");
	ck_assert_int_eq(symlink("../etc/real.yaml", at("run/s2sd.yaml")), 0);
	ck_assert(!settings_link(run_dir, at("run/s2sd.yaml"))); /* never a link to itself */
	is_file("etc/real.yaml");
	ck_assert_int_eq(access(at("run/s2sd.yaml"), R_OK), 0);
	teardown();
}
END_TEST

UNIT_MAIN("settings link", leads_to_the_settings_and_goes, settings_in_the_run_directory_stay, another_file_of_that_name_stays,
	an_operators_own_link_there_stays)
