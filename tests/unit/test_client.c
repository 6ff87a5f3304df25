/*
 * test_client.c - s2sctl against daemons that answer, refuse, stall, babble and die: the exit code is what scripts rely on.
 */
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "ctl/ctl.h"
#include "unit.h"

static char dir[64], out_path[96], err_path[96];
static pid_t server;

/* What the made-up daemon does with a connection: the i-th script is for the i-th connection. */
struct script {
	const char *answer; /* NULL: nothing */
	bool stays;         /* does not close */
	size_t padding;     /* spaces before the answer: a large one */
};

static void serve_one(int fd, const struct script *s)
{
	char line[4096];
	size_t len = 0;
	ssize_t n;
	while (len < sizeof line - 1 && (len == 0 || line[len - 1] != '\n') &&
		(n = read(fd, line + len, sizeof line - 1 - len)) > 0)
		len += (size_t)n;
	line[len] = 0;
	/* The request itself is an answer's worth of evidence. */
	FILE *seen = fopen(err_path, "a");
	if (seen != NULL) {
		fputs(line, seen);
		fclose(seen);
	}
	for (size_t i = 0; i < s->padding; i++)
		if (write(fd, " ", 1) != 1)
			break;
	if (s->answer != NULL && write(fd, s->answer, strlen(s->answer)) < 0)
		_exit(1);
	if (!s->stays)
		close(fd); /* else it stays open until this process ends */
}

static void serve(const struct script *scripts, unsigned n)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s/control.sock", dir);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(s, 4), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server != 0) {
		close(s);
		return;
	}
	alarm(20);
	for (unsigned i = 0; i < n; i++) {
		int fd = accept(s, NULL, NULL);
		if (fd < 0)
			_exit(1);
		serve_one(fd, &scripts[i]);
	}
	pause();
	_exit(0);
}

static void setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/s2s-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(out_path, sizeof out_path, "%s/out", dir);
	snprintf(err_path, sizeof err_path, "%s/seen", dir);
	server = 0;
}

static void teardown(void)
{
	char path[128];
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	snprintf(path, sizeof path, "%s/control.sock", dir);
	unlink(path);
	unlink(out_path);
	unlink(err_path);
	rmdir(dir);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);
	if (f != NULL) {
		text[fread(text, 1, 65535, f)] = 0;
		fclose(f);
	}
	return text;
}

/* Runs s2sctl with its stdout in a file; libcheck runs each test in a process of its own, so stdout may go there for good. */
static int call(const char *words)
{
	char *argv[16] = { "s2sctl", "-r", dir }, *copy = strdup(words), *at = copy, *word;
	int argc = 3;
	while ((word = strsep(&at, " ")) != NULL)
		argv[argc++] = word;
	ck_assert_ptr_nonnull(freopen(out_path, "w", stdout));
	int code = ctl_main(argc, argv);
	fflush(stdout);
	free(copy);
	return code;
}

#define UP "{\"version\":1,\"tunnels\":[{\"name\":\"a\",\"state\":\"up\",\"children\":[]}]}\n"
#define STUCK \
	"{\"version\":1,\"tunnels\":[{\"name\":\"a\",\"state\":\"connecting\",\"reason\":\"peer: no\",\"last_error\":{\"text\":\"no\"}}]}\n"
#define REFUSED "{\"version\":1,\"error\":{\"code\":\"unknown-tunnel\",\"text\":\"no tunnel is called 'a'\"}}\n"

static const struct {
	const char *words;
	struct script script;
	int code;
	const char *out, *seen; /* must be found there */
} cases[] = {
	{ "status", { UP, false, 0 }, CTL_DONE, "a up - - - 0 0 -\n", "{\"command\":\"status\",\"tunnels\":[]}\n" },
	{ "status a b", { UP, true, 0 }, CTL_DONE, "a up", "\"tunnels\":[\"a\",\"b\"]" },
	{ "--json status", { UP, false, 0 }, CTL_DONE, UP, "status" },
	{ "status", { UP, false, 300000 }, CTL_DONE, "a up", "status" },
	{ "show a", { UP, false, 0 }, CTL_DONE, "a\n  state: up", "\"command\":\"show\"" },
	{ "show a", { REFUSED, false, 0 }, CTL_FAILED, "", "show" },
	{ "--json show a", { REFUSED, false, 0 }, CTL_FAILED, "\"code\":\"unknown-tunnel\"", "show" },
	{ "status", { NULL, false, 0 }, CTL_NO_DAEMON, "", "status" },
	{ "status --timeout 1", { NULL, true, 0 }, CTL_NO_DAEMON, "", "status" },
	{ "status --timeout 1", { "{\"version\":", true, 0 }, CTL_NO_DAEMON, "", "status" },
	{ "--json status --timeout 1", { NULL, true, 0 }, CTL_NO_DAEMON, "\"code\":\"no-daemon\"", "status" },
	{ "status", { "{\"version\":1}", false, 0 }, CTL_NO_DAEMON, "", "status" },
	{ "status", { "hello\n", false, 0 }, CTL_FAILED, "", "status" },
	{ "status", { "[1]\n", false, 0 }, CTL_FAILED, "", "status" },
	{ "status", { "\xff\xfe\n", false, 0 }, CTL_FAILED, "", "status" },
	{ "up a", { "{\"version\":1,\"tunnel\":\"a\",\"done\":true,\"text\":\"up\"}\n", true, 0 }, CTL_DONE, "a: up\n",
		"{\"command\":\"up\",\"tunnels\":[\"a\"]}\n" },
	{ "down a", { "{\"version\":1,\"done\":true,\"text\":null}\n", true, 0 }, CTL_DONE, "a: down\n", "down" },
	{ "rekey --ike a", { "{\"version\":1,\"done\":true,\"text\":null}\n", true, 0 }, CTL_DONE, "a: rekeyed\n",
		"\"ike\":true" },
	{ "rekey a", { REFUSED, true, 0 }, CTL_FAILED, "", "rekey" },
	{ "up a", { NULL, false, 0 }, CTL_NO_DAEMON, "", "up" },
	{ "reload --dry-run", { "{\"version\":1,\"done\":true,\"text\":\"2 tunnels\",\"added\":[\"n\"]}\n", true, 0 }, CTL_DONE,
		"n: added\n2 tunnels\n", "\"dry_run\":true" },
	{ "reload", { "{\"version\":1,\"error\":{\"code\":\"bad\",\"text\":\"1 error\",\"faults\":[]}}\n", true, 0 }, CTL_FAILED,
		"", "reload" },
	{ "events -n 3 a", { "{\"version\":1,\"events\":[{\"at\":\"t\",\"tunnel\":\"a\",\"text\":\"x\"}]}\n", true, 0 }, CTL_DONE,
		"t - a -: x\n", "\"last\":3" },
	{ "events -f",
		{ "{\"version\":1,\"event\":{\"at\":\"t\",\"text\":\"x\"}}\n{\"version\":1,\"event\":{\"at\":\"u\",\"code\":\"y\"}}\n",
			false, 0 },
		CTL_NO_DAEMON, "t - - -: x\nu - - -: y\n", "\"follow\":true" },
	{ "events -f", { REFUSED, true, 0 }, CTL_FAILED, "", "follow" },
	{ "version", { "{\"version\":1,\"release\":\"7.3\"}\n", true, 0 }, CTL_DONE, "s2sd 7.3\n", "version" },
	{ "--json version", { "nonsense\n", true, 0 }, CTL_DONE, "\"s2sd\":null", "version" },
};

START_TEST(exit_codes)
{
	serve(&cases[_i].script, 1);
	ck_assert_int_eq(call(cases[_i].words), cases[_i].code);
	char *out = slurp(out_path), *seen = slurp(err_path);
	ck_assert_msg(strstr(out, cases[_i].out) != NULL, "%s: '%s' is not in '%s'", cases[_i].words, cases[_i].out, out);
	if (cases[_i].out[0] == 0)
		ck_assert_str_eq(out, "");
	ck_assert_msg(strstr(seen, cases[_i].seen) != NULL, "%s: '%s' is not in '%s'", cases[_i].words, cases[_i].seen, seen);
	free(out);
	free(seen);
}
END_TEST

/* The tunnel takes too long but the daemon talks: that is a failure with a reason, not a daemon that is gone. */
START_TEST(late_tunnel_is_told_apart)
{
	static const struct script scripts[] = { { NULL, true, 0 }, { STUCK, true, 0 } };
	serve(scripts, 2);
	ck_assert_int_eq(call("--json up a --timeout 1"), CTL_FAILED);
	char *out = slurp(out_path);
	ck_assert_msg(strstr(out, "\"code\":\"timeout\"") != NULL && strstr(out, "peer: no") != NULL, "%s", out);
	free(out);
}
END_TEST

/* Silence would look like a fault of s2sctl; standard output stays empty for scripts. */
START_TEST(nothing_configured)
{
	static const struct script script = { "{\"version\":1,\"tunnels\":[]}\n", true, 0 };
	char said[96];
	serve(&script, 1);
	snprintf(said, sizeof said, "%s/said", dir);
	ck_assert_ptr_nonnull(freopen(said, "w", stderr));
	ck_assert_int_eq(call("status"), CTL_DONE);
	fflush(stderr);
	char *out = slurp(out_path), *hint = slurp(said);
	unlink(said);
	ck_assert_str_eq(out, "");
	ck_assert_ptr_nonnull(strstr(hint, "no tunnel is configured"));
	free(out);
	free(hint);
}
END_TEST

START_TEST(closed_socket_file)
{
	serve(NULL, 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	ck_assert_int_eq(call("status"), CTL_NO_DAEMON);
}
END_TEST

START_TEST(run_directory_too_long)
{
	char *words = calloc(1, 300);
	snprintf(words, 300, "-r /%0200d status", 7);
	ck_assert_int_eq(call(words), CTL_USAGE);
	free(words);
}
END_TEST

/* The daemon of the run directory says by a link which settings are its own; what is no such link says nothing. */
START_TEST(settings_of_the_run_directory)
{
	static const struct {
		const char *to, *file;
	} rows[] = { { "/srv/blue/s2sd.yaml", "/srv/blue/s2sd.yaml" }, { "elsewhere.yaml", NULL }, { NULL, NULL } };
	struct options o = { .rundir = dir };
	char link[96], path[PATH_MAX];
	snprintf(link, sizeof link, "%s/s2sd.yaml", dir);
	ck_assert(rows[_i].to == NULL || symlink(rows[_i].to, link) == 0);
	const char *file = settings_path(&o, path);
	unlink(link);
	ck_assert_str_eq(file, rows[_i].file != NULL ? rows[_i].file : S2S_SYSCONFDIR "/s2sd/s2sd.yaml");
}
END_TEST

/* What `import -o` wrote has no main file, and neither needs the daemon one. */
START_TEST(settings_without_a_main_file)
{
	char file[96], folder[96];
	snprintf(file, sizeof file, "%s/s2sd.yaml", dir);
	snprintf(folder, sizeof folder, "%s/conf.d", dir);
	ck_assert(!settings_are_at(file));
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert(settings_are_at(file));
	rmdir(folder);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && close(fd) == 0 && settings_are_at(file));
	unlink(file);
}
END_TEST

/* Without a name all tunnels are explained, the worst first; with one the answer is that tunnel's own. */
START_TEST(explain_begins_with_the_worst)
{
	static const struct script scripts[] = {
		{ "{\"version\":1,\"tunnels\":[{\"name\":\"good\",\"state\":\"up\"},{\"name\":\"bad\",\"state\":\"connecting\"}]}\n",
			false, 0 },
		{ "{\"version\":1,\"events\":[]}\n", false, 0 },
		{ "{\"version\":1,\"tunnels\":[]}\n", false, 0 },
		{ "{\"version\":1,\"tunnels\":[{\"name\":\"good\",\"state\":\"up\"}]}\n", false, 0 },
		{ "{\"version\":1,\"events\":[]}\n", false, 0 },
		{ "{\"version\":1,\"tunnels\":[]}\n", false, 0 },
	};
	serve(scripts, 6);
	ck_assert_int_eq(call("--json explain"), CTL_DONE);
	char *text = slurp(out_path);
	json_t *o = json_loads(text, 0, NULL), *list = json_object_get(o, "tunnels");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "version")), 1);
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "tunnel")), "bad");
	json_decref(o);
	free(text);
	optind = 0; /* getopt begins anew */
	ck_assert_int_eq(call("--json explain good"), CTL_DONE);
	text = slurp(out_path);
	o = json_loads(text, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(o, "tunnel")), "good");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "version")), 1);
	json_decref(o);
	free(text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("client");
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, exit_codes, 0, (int)(sizeof cases / sizeof cases[0]));
	tcase_add_test(t, late_tunnel_is_told_apart);
	tcase_add_test(t, nothing_configured);
	tcase_add_test(t, closed_socket_file);
	tcase_add_test(t, run_directory_too_long);
	tcase_add_test(t, explain_begins_with_the_worst);
	tcase_add_loop_test(t, settings_of_the_run_directory, 0, 3);
	tcase_add_test(t, settings_without_a_main_file);
	return unit_run_case("client", t);
}
