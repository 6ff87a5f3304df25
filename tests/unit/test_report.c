/*
 * test_report.c - what is sent to a stranger for help: everything but the keys, in whatever form they might come.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/alg.h"
#include "ctl/ctl.h"
#include "ctl/report/report.h"
#include "unit.h"

#define KEY_ONE "Correct-Horse.Battery_Staple"
#define KEY_TWO "0tHeR.key_in.the.file"
/* The same bytes in other dress. */
#define HEX_ONE "436f72726563742d486f7273652e426174746572795f537461706c65"
#define BASE64_ONE "Q29ycmVjdC1Ib3JzZS5CYXR0ZXJ5X1N0YXBs"

static char dir[64];

static void put_file(const char *name, const char *what, mode_t mode)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(what, f);
	fclose(f);
	chmod(path, mode);
}

static void setup(void)
{
	const char *why;
	char path[128];
	ck_assert(alg_init(&why));
	snprintf(dir, sizeof dir, "/tmp/s2s-report-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/keys", dir);
	mkdir(path, 0700);
	put_file("keys/one.psk", KEY_ONE "\n", 0600);
	put_file("s2sd.yaml",
		"# the key was " KEY_ONE " before\ns2sd: {log-level: debug}\ntunnels:\n"
		"  one: {remote: 203.0.113.10, psk-file: one.psk, routes: [10.0.0.0/8]}\n"
		"  two: {remote: 203.0.113.11, psk: " KEY_TWO "}\n"
		"  three: {remote: 203.0.113.12, psk: " KEY_TWO ", remote-id: 'fqdn:" KEY_ONE "'}\n",
		0600);
}

static void teardown(void)
{
	static const char *const names[] = { "keys/one.psk", "s2sd.yaml", "out.txt" };
	char path[128];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/keys", dir);
	rmdir(path);
	rmdir(dir);
}

/* Runs `s2sctl report` and gives back what it wrote. */
static char *report(const char *json, int *code)
{
	char config[128], out[128];
	snprintf(config, sizeof config, "%s/s2sd.yaml", dir);
	snprintf(out, sizeof out, "%s/out.txt", dir);
	char *argv[] = { "s2sctl", "-r", dir, "report", "-c", config, (char *)(uintptr_t)(json != NULL ? json : out), NULL };
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	if (json != NULL)
		ck_assert_ptr_nonnull(freopen(out, "w", stdout));
	optind = 0; /* getopt begins anew */
	*code = ctl_main(7, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	FILE *f = fopen(out, "r");
	ck_assert_ptr_nonnull(f);
	char *text = xcalloc(1, 1 << 22);
	ck_assert_uint_gt(fread(text, 1, (1 << 22) - 1, f), 0);
	fclose(f);
	return text;
}

static void has_no_key(const char *text)
{
	static const char *const never[] = { KEY_ONE, KEY_TWO, HEX_ONE, BASE64_ONE, "the key was" };
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		ck_assert_msg(strstr(text, never[i]) == NULL, "%s is in it", never[i]);
}

START_TEST(a_report)
{
	struct stat st;
	char out[128];
	int code;
	char *text = report(NULL, &code);
	ck_assert_int_eq(code, CTL_DONE);
	has_no_key(text);
	ck_assert_ptr_nonnull(strstr(text, "  two:\n    cloud: none\n    remote: 203.0.113.11\n"));
	ck_assert_ptr_nonnull(strstr(text, "    psk: (removed)\n"));
	ck_assert_ptr_nonnull(strstr(text, "    psk-file: one.psk\n"));
	ck_assert_ptr_nonnull(strstr(text, "    remote-id: ****************************\n")); /* whoever writes his key there */
	ck_assert_ptr_nonnull(strstr(text, "==== s2sctl status\nthe daemon: No such file or directory\n"));
	ck_assert_ptr_nonnull(strstr(text, "==== /proc/net/dev\n"));
	snprintf(out, sizeof out, "%s/out.txt", dir);
	ck_assert_int_eq(stat(out, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	free(text);
	text = report(NULL, &code); /* what is there is not overwritten */
	ck_assert_int_eq(code, CTL_FAILED);
	free(text);
}
END_TEST

START_TEST(a_report_as_json)
{
	int code;
	char *text = report("--json", &code);
	ck_assert_int_eq(code, CTL_DONE);
	has_no_key(text);
	json_t *o = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "version")), 1);
	ck_assert(json_is_string(json_object_get(json_object_get(o, "sections"), "settings")));
	json_decref(o);
	free(text);
}
END_TEST

/* A file that cannot be parsed is the likeliest to be sent, and nothing knows where in it the keys are. */
START_TEST(a_broken_configuration)
{
	int code;
	put_file("s2sd.yaml", "tunnels:\n  one: {remote: 203.0.113.10, psk: " KEY_ONE "\n  two: [[[\n", 0600);
	char *text = report(NULL, &code);
	has_no_key(text);
	ck_assert_ptr_nonnull(strstr(text, "cannot be loaded"));
	free(text);
}
END_TEST

/* A key that was written where its file's name belongs, or without the blank behind the colon. */
START_TEST(a_key_in_a_wrong_place)
{
	static const char *const tunnels[] = { "psk-file: " KEY_ONE, "psk-file: keys/" KEY_ONE, "psk:" KEY_ONE,
		"local: 203.0.113.7 psk " KEY_ONE };
	for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) {
		char yaml[256];
		int code;
		snprintf(yaml, sizeof yaml, "tunnels:\n  one: {remote: 203.0.113.10, %s}\n", tunnels[i]);
		put_file("s2sd.yaml", yaml, 0600);
		char *text = report("--json", &code);
		has_no_key(text);
		ck_assert_ptr_nonnull(strstr(text, "s2sd.yaml:2: one: "));
		free(text);
	}
}
END_TEST

START_TEST(forms_of_a_key)
{
	static const char plain[] = "x " KEY_ONE " y " HEX_ONE " z " BASE64_ONE "ZQ== \0 " KEY_ONE;
	char text[sizeof plain], upper[] = HEX_ONE;
	struct secrets s = { 0 };
	memcpy(text, plain, sizeof plain);
	secrets_add(&s, KEY_ONE, strlen(KEY_ONE));
	secrets_add(&s, "a", 1); /* would black out every a */
	ck_assert_uint_eq(secrets_remove(&s, text, sizeof text - 1), 4);
	ck_assert_ptr_eq(strstr(text, "x **"), text);
	ck_assert_ptr_null(memmem(text, sizeof text, "Horse", 5));
	for (char *p = upper; *p != 0; p++)
		*p = *p >= 'a' ? (char)(*p - 32) : *p;
	ck_assert_uint_eq(secrets_remove(&s, upper, strlen(upper)), 1);
	secrets_release(&s);
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("report");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_report);
	tcase_add_test(c, a_report_as_json);
	tcase_add_test(c, a_broken_configuration);
	tcase_add_test(c, a_key_in_a_wrong_place);
	tcase_add_test(c, forms_of_a_key);
	return unit_run_case("report", c);
}
