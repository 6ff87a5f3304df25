/* test_file.c - settings and key files on a real disk: order, permissions, links, sizes; and the way from there to a configuration. */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/files.h"
#include "unit.h"

static char top[64];

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", top, name);
	return p;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path_of(name), mode), 0);
}

static void setup(void)
{
	snprintf(top, sizeof top, "/tmp/test_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(mkdir(path_of("keys"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("conf.d"), 0755), 0);
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_set_is_read_in_name_order)
{
	struct file_set s;
	char why[FILE_WHY];
	setup();
	ck_assert(file_set_read(&s, path_of("s2sd.yaml"), why)); /* absent is fine */
	ck_assert_uint_eq(s.n, 0);
	file_set_release(&s);

	write_file("s2sd.yaml", "s2sd: {}\n", 0644);
	write_file("conf.d/b.yaml", "# b\n", 0600);
	write_file("conf.d/a.yaml", "# a\n", 0640);
	write_file("conf.d/B.yaml", "# B\n", 0620);
	write_file("conf.d/.hidden.yaml", "x", 0644);
	write_file("conf.d/a.yaml~", "x", 0644);
	write_file("conf.d/.yaml", "x", 0644);
	ck_assert(file_set_read(&s, path_of("s2sd.yaml"), why));
	const char *wanted[] = { "s2sd: {}\n", "# B\n", "# a\n", "# b\n" };
	const bool private_mode[] = { false, false, false, true };
	ck_assert_uint_eq(s.n, 4);
	for (unsigned i = 0; i < s.n; i++) {
		ck_assert_str_eq(s.v[i].text, wanted[i]);
		ck_assert_uint_eq(s.v[i].len, strlen(wanted[i]));
		ck_assert_int_eq(s.v[i].private_mode, private_mode[i]);
	}
	ck_assert_str_eq(s.v[1].path, path_of("conf.d/B.yaml"));
	ck_assert_str_eq(s.key_dir, path_of("keys"));
	file_set_release(&s);
	teardown();
}
END_TEST

START_TEST(names_are_told_harmless)
{
	struct file_set s;
	char why[FILE_WHY];
	setup();
	write_file("conf.d/a\033[31m\n\x9b.yaml", "x", 0644);
	ck_assert(file_set_read(&s, path_of("s2sd.yaml"), why));
	ck_assert_uint_eq(s.n, 1);
	ck_assert_str_eq(s.v[0].text, "x");
	ck_assert_str_eq(s.v[0].path, path_of("conf.d/a\\x1b[31m\\x0a\\x9b.yaml"));
	file_set_release(&s);
	ck_assert_int_eq(mkdir(path_of("conf.d/\033.yaml"), 0755), 0);
	ck_assert(!file_set_read(&s, path_of("s2sd.yaml"), why));
	ck_assert_ptr_nonnull(strstr(why, "conf.d/\\x1b.yaml: not a regular file"));
	teardown();
}
END_TEST

START_TEST(what_cannot_be_read_has_a_name)
{
	struct file_set s;
	char why[FILE_WHY];
	setup();
	ck_assert_int_eq(mkdir(path_of("conf.d/dir.yaml"), 0755), 0);
	ck_assert(!file_set_read(&s, path_of("s2sd.yaml"), why));
	ck_assert_ptr_nonnull(strstr(why, "conf.d/dir.yaml: not a regular file"));
	ck_assert_uint_eq(s.n, 0);
	ck_assert_int_eq(rmdir(path_of("conf.d/dir.yaml")), 0);
	ck_assert_int_eq(symlink("nowhere", path_of("conf.d/x.yaml")), 0);
	ck_assert(!file_set_read(&s, path_of("s2sd.yaml"), why));
	ck_assert_ptr_nonnull(strstr(why, "conf.d/x.yaml: No such file"));
	ck_assert_int_eq(unlink(path_of("conf.d/x.yaml")), 0);
	ck_assert_int_eq(mkfifo(path_of("conf.d/p.yaml"), 0644), 0); /* nobody writes: must not wait */
	ck_assert(!file_set_read(&s, path_of("s2sd.yaml"), why));
	ck_assert_ptr_nonnull(strstr(why, "p.yaml: not a regular file"));
	teardown();
}
END_TEST

START_TEST(sizes_are_bounded)
{
	struct file_text f;
	setup();
	write_file("ten", "0123456789", 0644);
	ck_assert_int_eq(file_read(path_of("ten"), 9, &f), -EFBIG);
	ck_assert_ptr_null(f.text);
	ck_assert_int_eq(file_read(path_of("ten"), 10, &f), 0);
	ck_assert_str_eq(f.text, "0123456789");
	file_text_release(&f);
	ck_assert_int_eq(file_read(path_of("none"), 9, &f), -ENOENT);
	ck_assert_int_eq(truncate(path_of("ten"), (off_t)SETTINGS_FILE_MAX + 1), 0);
	ck_assert_int_eq(file_read(path_of("ten"), SETTINGS_FILE_MAX, &f), -EFBIG);
	teardown();
}
END_TEST

static void key_is(const char *name, const char *wanted)
{
	struct key_fault why = { 0 };
	size_t n = 0;
	uint8_t *p = file_key_read(path_of("keys"), name, KEY_FILE_MAX, &n, &why);
	ck_assert_msg(p != NULL, "%s: %s", name, why.text);
	ck_assert_uint_eq(file_key_line(p, n), strlen(wanted));
	n = strlen(wanted);
	ck_assert_mem_eq(p, wanted, n);
	free(p);
}

/* Only the name of a file that is there may be told: what is none may be a key. */
static void key_judged(const char *name, const char *reason, bool named)
{
	struct key_fault why = { 0 };
	size_t n = 0;
	ck_assert_ptr_null(file_key_read(path_of("keys"), name, KEY_FILE_MAX, &n, &why));
	ck_assert_msg(strstr(why.text, reason) != NULL, "%s: %s", name, why.text);
	ck_assert_int_eq(why.named, named);
}

static void key_refused(const char *name, const char *reason) { key_judged(name, reason, true); }
static void no_key_of(const char *name, const char *reason) { key_judged(name, reason, false); }

START_TEST(keys_lose_one_newline)
{
	setup();
	write_file("keys/lf", "abc\n", 0600);
	write_file("keys/crlf", "abc\r\n", 0600);
	write_file("keys/two", "abc\n\n", 0400);
	write_file("keys/none", "abc", 0600);
	write_file("keys/cr", "abc\r", 0600);
	write_file("keys/empty", "\n", 0600);
	key_is("lf", "abc");
	key_is("crlf", "abc");
	key_is("two", "abc\n");
	key_is("none", "abc");
	key_is("cr", "abc\r");
	key_is("empty", "");
	teardown();
}
END_TEST

START_TEST(keys_are_guarded)
{
	char big[5001];
	setup();
	for (mode_t m = 1; m < 0100; m <<= 1) {
		write_file("keys/open", "abc\n", 0600 | m);
		key_refused("open", "chmod 600");
	}
	write_file("outside", "abc\n", 0600);
	ck_assert_int_eq(symlink("../outside", path_of("keys/link")), 0);
	key_refused("link", "symbolic link");
	no_key_of("../outside", "without a slash");
	no_key_of("..", "without a slash");
	no_key_of("", "without a slash");
	no_key_of("missing", "no such file");
	ck_assert_int_eq(mkdir(path_of("keys/dir"), 0700), 0);
	key_refused("dir", "not a regular file");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	write_file("keys/big", big, 0600);
	key_refused("big", "larger than 4096");
	if (geteuid() == 0) {
		write_file("keys/theirs", "abc\n", 0600);
		ck_assert_int_eq(chown(path_of("keys/theirs"), 12345, 12345), 0);
		key_refused("theirs", "somebody else");
	}
	teardown();
}
END_TEST

START_TEST(from_disk_to_configuration)
{
	struct findings f;
	char why[FILE_WHY];
	const char *text;
	unsigned open = 0;
	setup();
	ck_assert(alg_init(&text));
	write_file("conf.d/a.yaml", "tunnels: {a: {remote: 192.0.2.1, psk-file: a.psk}}\n", 0644);
	write_file("conf.d/b.yaml", "tunnels: {b: {remote: 192.0.2.2, psk: inline.key.of.both.ends}}\n", 0600);
	write_file("keys/a.psk", "from a file of both ends\n", 0600);
	struct conf *c = conf_load_files(path_of("s2sd.yaml"), true, &f, why);
	ck_assert_msg(c != NULL, "%s", f.n > 0 ? f.v[0].text : why);
	ck_assert_uint_eq(c->n, 2);
	ck_assert_uint_eq(c->tunnels[0]->psk->len, 24);
	ck_assert_uint_eq(c->tunnels[1]->psk->len, 23);
	conf_free(c);
	findings_release(&f);

	ck_assert_int_eq(chmod(path_of("keys/a.psk"), 0640), 0);
	ck_assert_int_eq(chmod(path_of("conf.d/b.yaml"), 0604), 0);
	ck_assert_ptr_null(conf_load_files(path_of("s2sd.yaml"), true, &f, why));
	ck_assert_str_eq(why, "");
	ck_assert_uint_eq(f.n, 2);
	ck_assert_ptr_nonnull(strstr(f.v[0].text, "keys/a.psk: group or others"));
	ck_assert_str_eq(f.v[1].key, "psk");
	ck_assert_ptr_nonnull(strstr(f.v[0].advice, "a key that others could read is better replaced"));
	findings_release(&f);

	ck_assert_int_eq(chmod(path_of("conf.d/b.yaml"), 0600), 0);
	/* A certificate is no secret: its mode is wrong, and nothing needs to be replaced. */
	write_file("conf.d/a.yaml",
		"tunnels: {a: {remote: 192.0.2.1, certificate: a.pem, private-key: a.key, ca: a.pem, remote-id: a.example}}\n",
		0644);
	write_file("keys/a.pem", "x", 0644);
	write_file("keys/a.key", "x", 0644);
	ck_assert_ptr_null(conf_load_files(path_of("s2sd.yaml"), true, &f, why));
	for (unsigned i = 0; i < f.n; i++)
		if (f.v[i].code == FINDING_KEY_FILE_OPEN) {
			bool is_key = strcmp(f.v[i].key, "private-key") == 0;
			ck_assert_int_eq(strstr(f.v[i].advice, "better replaced") != NULL, is_key);
			ck_assert_int_eq(strstr(f.v[i].advice, "nothing has to be replaced") == NULL, is_key);
			open++;
		}
	ck_assert_uint_eq(open, 3);
	findings_release(&f);
	teardown();
}
END_TEST

UNIT_MAIN("file", a_set_is_read_in_name_order, names_are_told_harmless, what_cannot_be_read_has_a_name, sizes_are_bounded,
	keys_lose_one_newline, keys_are_guarded, from_disk_to_configuration)
