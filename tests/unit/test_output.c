/* test_output.c - captures and reports go to files that nobody else reads, and into none that somebody laid there. */
#include "ctl/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char top[64];

static const char *at(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", top, name);
	return p;
}

static void setup(void)
{
	snprintf(top, sizeof top, "/tmp/test_output.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void old_file(const char *name, mode_t mode)
{
	FILE *f = fopen(at(name), "w");
	ck_assert_ptr_nonnull(f);
	fputs("what was there", f);
	fclose(f);
	ck_assert_int_eq(chmod(at(name), mode), 0);
}

static off_t size_of(const char *name)
{
	struct stat st;
	ck_assert_int_eq(stat(at(name), &st), 0);
	return st.st_size;
}

static void refused(const char *name, bool replace, const char *reason)
{
	const char *why = "";
	ck_assert_ptr_null(output_open(at(name), replace, &why));
	ck_assert_msg(strstr(why, reason) != NULL, "%s: %s", name, why);
}

static void taken(const char *name, bool replace)
{
	struct stat st;
	const char *why = "";
	FILE *f = output_open(at(name), replace, &why);
	ck_assert_msg(f != NULL, "%s: %s", name, why);
	fputs("new", f);
	fclose(f);
	ck_assert_int_eq(stat(at(name), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(st.st_size, 3);
}

START_TEST(a_new_file_is_its_owners)
{
	mode_t old = umask(0);
	setup();
	taken("new", false);
	taken("also-new", true);
	umask(old);
	refused("no/such/folder", true, "No such file or directory");
	teardown();
}
END_TEST

START_TEST(what_is_there_is_replaced_only_if_it_is_ours)
{
	setup();
	old_file("ours", 0600);
	refused("ours", false, "File exists");
	ck_assert_int_eq(size_of("ours"), 14);
	taken("ours", true);
	for (mode_t bit = 1; bit < 0100; bit <<= 1) {
		old_file("open", 0600 | bit);
		refused("open", true, "not a file that only we can open");
		ck_assert_int_eq(size_of("open"), 14);
	}
	if (geteuid() == 0) {
		old_file("theirs", 0600);
		ck_assert_int_eq(chown(at("theirs"), 12345, 12345), 0);
		refused("theirs", true, "not a file that only we can open");
		ck_assert_int_eq(size_of("theirs"), 14);
	}
	old_file("two-names", 0600);
	ck_assert_int_eq(link(at("two-names"), at("other-name")), 0);
	refused("two-names", true, "not a file that only we can open");
	ck_assert_int_eq(size_of("two-names"), 14);
	teardown();
}
END_TEST

START_TEST(only_files_are_written)
{
	setup();
	old_file("target", 0600);
	ck_assert_int_eq(symlink("target", at("link")), 0);
	ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
	ck_assert_int_eq(mkfifo(at("pipe"), 0600), 0);
	ck_assert_int_eq(mkdir(at("folder"), 0700), 0);
	refused("link", true, "symbolic link");
	refused("dangling", true, "symbolic link");
	refused("link", false, "File exists");
	refused("pipe", true, "not a regular file");
	refused("folder", true, "directory");
	ck_assert_int_eq(size_of("target"), 14);
	ck_assert_int_ne(access(at("nowhere"), F_OK), 0);
	teardown();
}
END_TEST

UNIT_MAIN("output", a_new_file_is_its_owners, what_is_there_is_replaced_only_if_it_is_ours, only_files_are_written)
