/*
 * test_top.c - the live view: rates from counters, lines that fit, plain letters where the terminal has no others; and the terminal as it was when
 * it ends.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/view/top.h"
#include "unit.h"

static struct top top;
static char *text;
static size_t text_len;

static void setup(void) { top = (struct top){ 0 }; }
static void teardown(void)
{
	top_release(&top);
	free(text);
	text = NULL;
}

static void take(const char *source)
{
	json_error_t why;
	json_t *o = json_loads(source, 0, &why);
	ck_assert_msg(o != NULL, "%s", why.text);
	top_take(&top, o);
	json_decref(o);
}

#define ANSWER(clock, list) "{\"version\":1,\"at\":\"2026-11-21T10:00:00Z\",\"clock_ms\":" clock ",\"tunnels\":[" list "]}"
#define UP(name, in, out, more) \
	"{\"name\":\"" name "\",\"state\":\"up\",\"since\":\"2026-11-21T05:58:00Z\",\"bytes_in\":" in ",\"bytes_out\":" out more \
	"}"
#define NOT_UP(name, state, reason) "{\"name\":\"" name "\",\"state\":\"" state "\",\"reason\":\"" reason "\"}"

static const char *frame(unsigned width, unsigned height, bool utf8, bool colour)
{
	struct top_look look = {
		.width = width, .height = height, .utf8 = utf8, .colour = colour, .keys = height > 0, .host = "gw"
	};
	free(text);
	FILE *f = open_memstream(&text, &text_len);
	top_frame(&top, &look, f);
	fclose(f);
	return text;
}

/* The line that begins with the word, 0-terminated, or NULL. */
static const char *line_of(const char *word)
{
	static char line[2048];
	for (const char *p = text; *p != 0; p = strchr(p, '\n') + 1) {
		if (strncmp(p, word, strlen(word)) != 0)
			continue;
		snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
		return line;
	}
	return NULL;
}

static unsigned widest(void)
{
	unsigned most = 0, n = 0;
	for (const char *p = text; *p != 0; p++) {
		n = *p == '\n' ? 0 : n + (((unsigned char)*p & 0xc0) != 0x80);
		most = n > most ? n : most;
	}
	return most;
}

START_TEST(rates)
{
	take(ANSWER(
		"10000", UP("a", "1000", "500",
				 ",\"rekeys\":2,\"ike_rekeys\":1,\"replay_errors\":3,\"integrity_errors\":4,\"retransmits\":6")));
	ck_assert_double_eq(top.v[0].rate[TOP_IN], 0); /* of one look nothing can be said */
	take(ANSWER(
		"12000", UP("a", "21000", "500",
				 ",\"rekeys\":2,\"ike_rekeys\":1,\"replay_errors\":3,\"integrity_errors\":4,\"retransmits\":6")));
	ck_assert_double_eq(top.v[0].rate[TOP_IN], 10000);
	ck_assert_double_eq(top.v[0].rate[TOP_OUT], 0);
	ck_assert_uint_eq(top.v[0].columns[COLUMN_ERRORS], 7);
	ck_assert_uint_eq(top.v[0].columns[COLUMN_RETRANSMITS], 6);
	ck_assert_uint_eq(top.v[0].columns[COLUMN_REKEYS], 3);
	take(ANSWER("13000", UP("a", "5", "900", ""))); /* the daemon began anew */
	ck_assert_double_eq(top.v[0].rate[TOP_IN], 0);
	ck_assert_double_eq(top.v[0].rate[TOP_OUT], 400);
}
END_TEST

START_TEST(tunnels_come_and_go)
{
	take(ANSWER("1000", UP("b", "0", "0", "") "," UP("a", "0", "0", "")));
	take(ANSWER("2000", UP("c", "9", "0", "") "," UP("a", "5", "0", "")));
	ck_assert_uint_eq(top.n, 2);
	ck_assert_str_eq(top.v[0].name, "a");
	ck_assert_str_eq(top.v[1].name, "c");
	ck_assert_double_eq(top.v[0].rate[TOP_IN], 5);
	ck_assert_double_eq(top.v[1].rate[TOP_IN], 0); /* new: what it carried before is no rate */
	take(ANSWER("3000", ""));
	ck_assert_uint_eq(top.n, 0);
	frame(80, 24, true, false);
}
END_TEST

START_TEST(order)
{
	take(ANSWER("1000", UP("quiet", "0", "0", "") "," UP("busy", "0", "0", "") "," NOT_UP("d", "down", "z") "," NOT_UP(
				    "c", "connecting", "x")));
	take(ANSWER("2000", UP("quiet", "0", "0", "") "," UP("busy", "7000", "0", "") "," NOT_UP("d", "down", "z") "," NOT_UP(
				    "c", "connecting", "x")));
	static const char *const worst[] = { "c", "d", "busy", "quiet" };
	for (unsigned i = 0; i < 4; i++)
		ck_assert_str_eq(top.v[i].name, worst[i]);
	top.by_traffic = true;
	top_sort(&top);
	ck_assert_str_eq(top.v[0].name, "busy");
}
END_TEST

START_TEST(a_line_of_80_columns)
{
	take(ANSWER("1000", UP("aws-1", "0", "0", "") "," NOT_UP(
				    "azure", "connecting", "network: no answer from 192.0.2.10:500 to IKE_SA_INIT")));
	take(ANSWER("2000", UP("aws-1", "1258292", "2048", ",\"replay_errors\":1,\"rekeys\":14") "," NOT_UP(
				    "azure", "connecting", "network: no answer from 192.0.2.10:500 to IKE_SA_INIT")));
	frame(80, 24, true, false);
	ck_assert_uint_le(widest(), 80);
	ck_assert_str_eq(line_of("aws-1"), "aws-1           up      4h02m    1.2M        █   2.0K        ▁     1    0    14");
	ck_assert_str_eq(line_of("azure"), "azure           connect -      network: no answer from 192.0.2.10:500 to IKE_SA_");
	ck_assert_ptr_nonnull(strstr(text, "2 tunnels, 1 up, 1 connecting  in 1.2M/s out 2.0K/s\n"));
	ck_assert_ptr_nonnull(line_of("q quit"));
	frame(80, 0, false, false);
	ck_assert_str_eq(line_of("aws-1"), "aws-1           up      4h02m    1.2M        @   2.0K        .     1    0    14");
	for (const char *p = text; *p != 0; p++)
		ck_assert(*p == '\n' || (*p >= ' ' && *p <= '~'));
	ck_assert_ptr_null(line_of("q quit"));
}
END_TEST

START_TEST(all_widths)
{
	char source[4096] = ANSWER("1000", UP("a-name-of-thirty-two-characters-x", "9223372036854775807", "0",
						   ",\"retransmits\":99999999,\"rekeys\":99999999") "," NOT_UP("b", "connecting",
						   "e\xcc\x81 gr\xc3\xbc\xc3\x9f"));
	take(source);
	take(source);
	for (unsigned width = 1; width < 300; width++) {
		frame(width, 24, width % 2 != 0, false);
		ck_assert_msg(widest() <= width, "%u > %u:\n%s", widest(), width, text);
	}
}
END_TEST

START_TEST(a_window_over_many)
{
	char source[16384] = "{\"clock_ms\":1,\"tunnels\":[";
	for (unsigned i = 0; i < 100; i++)
		snprintf(source + strlen(source), sizeof source - strlen(source), "%s{\"name\":\"t%02u\",\"state\":\"up\"}",
			i > 0 ? "," : "", i);
	strcat(source, "]}"); /* room enough: a hundred short rows */
	take(source);
	for (unsigned height = 1; height < 30; height++) {
		unsigned lines = 0;
		frame(80, height, true, false);
		for (const char *p = text; *p != 0; p++)
			lines += *p == '\n';
		ck_assert_uint_le(lines, height < 4 ? 4 : height);
	}
	struct top_look look = { .width = 80, .height = 13, .skip = 95, .keys = true, .host = "gw" };
	free(text);
	FILE *f = open_memstream(&text, &text_len);
	top_frame(&top, &look, f);
	fclose(f);
	ck_assert_ptr_nonnull(line_of("t95"));
	ck_assert_ptr_null(line_of("t94"));
	ck_assert_ptr_nonnull(strstr(text, "(96-100 of 100)"));
}
END_TEST

START_TEST(foreign_text_is_harmless)
{
	take(ANSWER("1", NOT_UP("a\\u001b[2J", "up\\u0007", "\\u001b]0;x\\u0007 \\u202e \\u009b31m\\n")));
	frame(200, 24, true, false);
	for (const char *p = text; *p != 0; p++)
		ck_assert(*p == '\n' || (unsigned char)*p >= ' ');
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
	ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
}
END_TEST

static const char *const odd[] = { "{}", "{\"tunnels\":3}", "{\"tunnels\":[3,null,[],{}]}",
	"{\"clock_ms\":-5,\"at\":7,\"tunnels\":[{\"name\":[],\"state\":{},\"bytes_in\":\"x\",\"bytes_out\":-1}]}" };
START_TEST(odd_answers_do_no_harm)
{
	take(odd[_i]);
	take(odd[_i]);
	frame(80, 24, true, true);
	json_t *o = top_json(&top);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "version")), 1);
	json_decref(o);
}
END_TEST

/* ---------------------------------------------------------------- on a terminal */
static pid_t serve(const char *dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s/control.sock", dir);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(s, 4), 0);
	pid_t pid = fork();
	if (pid != 0) {
		close(s);
		return pid;
	}
	for (unsigned clock = 1000;; clock += 1000) {
		static int c = -1;
		char request[256], answer[512];
		while (c < 0 || read(c, request, sizeof request) <= 0)
			c = accept(s, NULL, NULL);
		snprintf(answer, sizeof answer, ANSWER("%u", UP("aws-1", "%u", "0", "")) "\n", clock, clock * 50);
		if (write(c, answer, strlen(answer)) < 0)
			_exit(1);
	}
}

static bool read_until(int fd, char *seen, size_t size, const char *word)
{
	size_t n = strlen(seen);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (strstr(seen, word) == NULL && n + 1 < size && poll(&p, 1, 5000) > 0) {
		ssize_t k = read(fd, seen + n, size - n - 1);
		if (k <= 0)
			break;
		n += (size_t)k;
		seen[n] = 0;
	}
	return strstr(seen, word) != NULL;
}

/* 0: q; otherwise a signal that ends it. */
static const int endings[] = { 0, SIGINT, SIGTERM };
START_TEST(the_terminal_is_restored)
{
	char dir[] = "/tmp/s2s-top-XXXXXX", path[64], seen[65536] = "";
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int master, status;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	pid_t server = serve(dir), pid = forkpty(&master, NULL, NULL, &size);
	if (pid == 0) {
		char *argv[] = { "s2sctl", "-r", dir, "top", NULL };
		setenv("TERM", "xterm", 1);
		_exit(ctl_main(4, argv));
	}
	ck_assert(read_until(master, seen, sizeof seen, "\033[?1049h"));
	ck_assert(read_until(master, seen, sizeof seen, "48K")); /* 50000 bytes a second, so a second frame */
	struct termios t;
	ck_assert_int_eq(tcgetattr(master, &t), 0);
	ck_assert((t.c_lflag & (ICANON | ECHO)) == 0);
	if (endings[_i] == 0)
		ck_assert_int_eq(write(master, "q", 1), 1);
	else
		kill(pid, endings[_i]);
	ck_assert(read_until(master, seen, sizeof seen, "\033[?1049l"));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == CTL_DONE);
	ck_assert_int_eq(tcgetattr(master, &t), 0);
	ck_assert((t.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO));
	kill(server, SIGKILL);
	waitpid(server, &status, 0);
	snprintf(path, sizeof path, "%s/control.sock", dir);
	unlink(path);
	rmdir(dir);
	close(master);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("top");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, rates);
	tcase_add_test(c, tunnels_come_and_go);
	tcase_add_test(c, order);
	tcase_add_test(c, a_line_of_80_columns);
	tcase_add_test(c, all_widths);
	tcase_add_test(c, a_window_over_many);
	tcase_add_test(c, foreign_text_is_harmless);
	tcase_add_loop_test(c, odd_answers_do_no_harm, 0, (int)(sizeof odd / sizeof odd[0]));
	tcase_add_loop_test(c, the_terminal_is_restored, 0, (int)(sizeof endings / sizeof endings[0]));
	return unit_run_case("top", c);
}
