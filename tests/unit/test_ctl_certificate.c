/*
 * test_ctl_certificate.c - `s2sctl certificate check TUNNEL` over the settings of a daemon: what it finds of that tunnel and no other, its certificates, its
 * exit code.
 */
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/ctl.h"
#include "schema_help.h"
#include "unit.h"

#define CERTS "tests/golden/conf/certs/"

static char dir[] = "/tmp/s2s-ctl-certificate-XXXXXX";
static json_t *answer;

static void path_of(char to[PATH_MAX], const char *name) { snprintf(to, PATH_MAX, "%s/%s", dir, name); }

static void put_file(const char *name, const char *data, size_t n)
{
	char path[PATH_MAX];
	path_of(path, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static void copy_key(const char *name)
{
	char from[PATH_MAX], to[PATH_MAX], data[16384];
	snprintf(from, sizeof from, CERTS "%s", name);
	snprintf(to, sizeof to, "keys/%s", name);
	FILE *f = fopen(from, "r");
	ck_assert_msg(f != NULL, "%s", from);
	size_t n = fread(data, 1, sizeof data, f);
	fclose(f);
	put_file(to, data, n);
}

static void setup(void)
{
	static const char *const files[] = { "gw-chain.pem", "gw.pem", "gw.key", "root.pem", "both-ca.pem" };
	static const char settings[] =
		"tunnels:\n"
		"  good: {remote: 192.0.2.1, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: a.example}\n"
		"  bare: {remote: 192.0.2.2, certificate: gw.pem, private-key: gw.key, ca: both-ca.pem, remote-id: b.example}\n"
		"  name: {remote: 192.0.2.3, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: c.example, local-id: x.example}\n"
		"  psk: {remote: 192.0.2.4, psk: abcdefghijklmnopqrstuvwxyz012345}\n";
	char path[PATH_MAX], link[PATH_MAX];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	static const char *const folders[] = { "keys", "run" };
	for (size_t i = 0; i < 2; i++) {
		path_of(path, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		copy_key(files[i]);
	put_file("s2sd.yaml", settings, sizeof settings - 1);
	path_of(path, "s2sd.yaml");
	path_of(link, "run/" S2S_SETTINGS_LINK);
	ck_assert_int_eq(symlink(path, link), 0);
}

static void teardown(void)
{
	char command[PATH_MAX + 16];
	json_decref(answer);
	answer = NULL;
	snprintf(command, sizeof command, "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
	snprintf(dir, sizeof dir, "/tmp/s2s-ctl-certificate-XXXXXX");
}

/* Its exit code; what it answers is in `answer`, as contrib/schema promises. */
static int asked(const char *schema, const char *command, const char *const words[5])
{
	char run[PATH_MAX];
	path_of(run, "run");
	char *argv[12] = { "s2sctl", "-r", run, "--json", "certificate", (char *)(uintptr_t)command };
	int argc = 6;
	for (unsigned i = 0; i < 5 && words[i] != NULL; i++)
		argv[argc++] = (char *)(uintptr_t)words[i];
	char path[PATH_MAX], text[65536] = "";
	path_of(path, "out");
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600), saved = dup(STDOUT_FILENO);
	optind = 0;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	int code = ctl_main(argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	ck_assert_int_gt(pread(fd, text, sizeof text - 1, 0), 0);
	close(fd);
	json_decref(answer);
	answer = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(answer);
	schema_check_text(json_object_get(answer, "error") != NULL ? "error" : schema, text);
	return code;
}

static int check(const char *word) { return asked("certificate.check", "check", (const char *const[5]){ word }); }

static json_t *list(const char *name) { return json_object_get(answer, name); }
static const char *word_at(const char *name, size_t i, const char *member)
{
	const char *s = json_string_value(json_object_get(json_array_get(list(name), i), member));
	return s != NULL ? s : "";
}

/* The certificates of the fixture are good for decades: a finding says something else. */
START_TEST(one_tunnel_alone)
{
	ck_assert_int_eq(check("good"), CTL_DONE);
	ck_assert(json_is_true(json_object_get(answer, "ok")));
	ck_assert_uint_eq(json_array_size(list("findings")), 0);
	ck_assert_uint_eq(json_array_size(list("certificates")), 3); /* leaf, intermediate, CA */
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(word_at("certificates", i, "tunnel"), "good");
	ck_assert_str_eq(word_at("certificates", 0, "use"), "certificate");
	ck_assert_str_eq(word_at("certificates", 0, "subject"), "O=Example, CN=gw");
	ck_assert_str_eq(word_at("certificates", 2, "use"), "ca");
}
END_TEST

START_TEST(what_is_wrong_with_it)
{
	ck_assert_int_eq(check("bare"), CTL_DONE); /* a warning */
	ck_assert_uint_eq(json_array_size(list("findings")), 1);
	ck_assert_str_eq(word_at("findings", 0, "rule"), "certificate-chain");
	ck_assert_str_eq(word_at("findings", 0, "tunnel"), "bare");
	ck_assert_ptr_nonnull(strstr(word_at("findings", 0, "text"), "CN=Example Issuing"));
	ck_assert_int_eq(check("name"), CTL_FAILED); /* an error: no peer takes it */
	ck_assert_uint_eq(json_array_size(list("findings")), 1);
	ck_assert_str_eq(word_at("findings", 0, "rule"), "certificate-name");
	ck_assert_ptr_nonnull(strstr(word_at("findings", 0, "text"), "x.example"));
}
END_TEST

START_TEST(none_and_nobody)
{
	ck_assert_int_eq(check("psk"), CTL_DONE);
	ck_assert_uint_eq(json_array_size(list("certificates")), 0);
	ck_assert_uint_eq(json_array_size(list("findings")), 0);
	ck_assert_int_eq(check("nobody"), CTL_FAILED);
	ck_assert_str_eq(json_string_value(json_object_get(list("error"), "code")), "no-file");
}
END_TEST

/* One file that is none does not hide the others. */
START_TEST(some_files_cannot_be_read)
{
	static const char *const some[5] = { CERTS "gw.pem", CERTS "none.pem", CERTS "gw.key", CERTS "root.pem" };
	static const char *const none[5] = { CERTS "none.pem", CERTS "gw.key" };
	static const char *const all[5] = { CERTS "gw.pem" };
	ck_assert_int_eq(asked("certificate.show", "show", some), CTL_FAILED);
	ck_assert_uint_eq(json_array_size(list("certificates")), 2);
	ck_assert_str_eq(word_at("certificates", 1, "file"), CERTS "root.pem");
	ck_assert_uint_eq(json_array_size(list("unreadable")), 2);
	ck_assert_str_eq(word_at("unreadable", 0, "file"), CERTS "none.pem");
	ck_assert_str_eq(word_at("unreadable", 0, "text"), "No such file or directory");
	ck_assert_str_eq(word_at("unreadable", 1, "file"), CERTS "gw.key");
	ck_assert_int_eq(asked("certificate.show", "show", none), CTL_FAILED);
	ck_assert_str_eq(json_string_value(json_object_get(list("error"), "code")), "unreadable");
	ck_assert_int_eq(asked("certificate.show", "show", all), CTL_DONE);
	ck_assert_uint_eq(json_array_size(list("unreadable")), 0);
}
END_TEST

/* Two ways that exclude each other, and each is whole: what a command prints, the next one reads. */
START_TEST(how_aws_certifies)
{
	char file[PATH_MAX], out[PATH_MAX];
	path_of(out, "");
	const char *const words[5] = { "aws", "O=Example, CN=gw", "--name=aws", "-o", out };
	ck_assert_int_eq(asked("certificate", "request", words), CTL_DONE);
	const char *todo = json_string_value(list("todo")), *other = strstr(todo, ". Or not at all: ");
	ck_assert_msg(strncmp(todo, "either by AWS Private CA", 24) == 0 && other != NULL, "%s", todo);
	const char *fetched = strstr(todo, "aws acm-pca get-certificate");
	ck_assert(fetched != NULL && fetched < other && strstr(todo, "aws acm-pca issue-certificate") < fetched);
	static const char *const commands[] = { "umask 077", "aws acm request-certificate", "printf %s PASSWORD > ",
		"aws acm export-certificate", "jq -r .PrivateKey ", "openssl pkey -passin file:" };
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		other = strstr(other, commands[i]);
		ck_assert_msg(other != NULL, "%s: %s", commands[i], todo);
	}
	path_of(file, "/keys/aws.json"); /* to its end, as one path */
	size_t n = strlen(todo);
	ck_assert_str_eq(todo + n - strlen(file), file);
}
END_TEST

/* NULL: it was made; else what it says. */
static const char *request(const char *cloud, const char *subject, const char *name, const char *force)
{
	char named[64], out[PATH_MAX + 2];
	snprintf(named, sizeof named, "--name=%s", name);
	snprintf(out, sizeof out, "-o%s", dir);
	const char *const words[5] = { cloud, subject, named, out, force };
	int code = asked("certificate", "request", words);
	json_t *error = list("error");
	ck_assert_int_eq(code == CTL_DONE, error == NULL);
	return json_string_value(json_object_get(error, "text"));
}

/* What is asked for by mistake is not made, and not silently something else. */
START_TEST(requests_that_are_meant)
{
	static const struct {
		const char *cloud, *subject, *name, *why;
	} rows[] = { { "none", "CN=gw,", "one", "comma" }, { "azure", "O=Example", "one", "has no CN" },
		{ "azure", "O=Example, OU=a\\, CN=b", "one", "has no CN" }, { "none", "CN=gw", "one.pem", "ending" },
		{ "none", "CN=gw", "one.KEY", "ending" }, { "none", "O=Example", "one", NULL },
		{ "none", "CN=gw", "one", "--force" }, { "azure", "O=Example, CN=gw", "gw.example.com", NULL } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *said = request(rows[i].cloud, rows[i].subject, rows[i].name, NULL), *why = rows[i].why;
		ck_assert_msg(said != NULL ? why != NULL && strstr(said, why) != NULL : why == NULL, "%s, %s: %s",
			rows[i].subject, rows[i].name, said != NULL ? said : "made");
	}
	ck_assert_ptr_null(request("none", "CN=gw", "one", "--force"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("certificate");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_tunnel_alone);
	tcase_add_test(t, what_is_wrong_with_it);
	tcase_add_test(t, none_and_nobody);
	tcase_add_test(t, some_files_cannot_be_read);
	tcase_add_test(t, how_aws_certifies);
	tcase_add_test(t, requests_that_are_meant);
	return unit_run_case("ctl certificate", t);
}
