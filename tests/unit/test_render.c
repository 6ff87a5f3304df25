/*
 * test_render.c - what people read: order, plainness in a pipe, foreign text made harmless, words of s2sctl that need no daemon.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "unit.h"

#define NOW 1795255200 /* 2026-11-21T10:00:00Z */

static char *text;
static size_t text_len;
static FILE *to;

static void setup(void) { to = open_memstream(&text, &text_len); }
static void teardown(void)
{
	if (to != NULL)
		fclose(to);
	free(text);
	text = NULL;
}

static const char *written(void)
{
	fclose(to);
	to = NULL;
	return text;
}

static json_t *parse(const char *source)
{
	json_error_t why;
	json_t *o = json_loads(source, 0, &why);
	ck_assert_msg(o != NULL, "%s", why.text);
	return o;
}

static const char *status(const char *source, bool terminal)
{
	json_t *o = parse(source);
	render_status(o, NOW, to, terminal);
	json_decref(o);
	return written();
}

#define TUNNEL(name, state, more) "{\"name\":\"" name "\",\"state\":\"" state "\"" more "}"
#define TUNNELS(list) "{\"version\":1,\"tunnels\":[" list "]}"

START_TEST(worst_comes_first)
{
	const char *s = status(TUNNELS(TUNNEL("b", "up", "") "," TUNNEL("a", "up", "") "," TUNNEL("d", "down", "") "," TUNNEL(
				       "c", "connecting", "") "," TUNNEL("e", "connecting", ",\"last_error\":{\"text\":\"x\"}")),
		false);
	char order[8] = "";
	unsigned n = 0;
	for (const char *line = s; *line != 0; line = strchr(line, '\n') + 1)
		order[n++] = line[0];
	ck_assert_str_eq(order, "ecdab");
}
END_TEST

START_TEST(plain_line)
{
	ck_assert_str_eq(
		status(TUNNELS(TUNNEL("aws-1", "up",
			       ",\"since\":\"2026-11-21T05:58:00Z\",\"local\":\"198.51.100.7:500\",\"remote\":\"203.0.113.10:500\","
			       "\"children\":[{\"bytes_in\":1000,\"bytes_out\":500},{\"bytes_in\":434,\"bytes_out\":12}],\"reason\":null")),
			false),
		"aws-1 up 4h02m 198.51.100.7:500 203.0.113.10:500 1.4K 512 -\n");
}
END_TEST

START_TEST(plain_line_with_reason)
{
	ck_assert_str_eq(status(TUNNELS(TUNNEL("az", "connecting", ",\"since\":null,\"reason\":\"peer: no proposal\"")), false),
		"az connecting - - - 0 0 peer: no proposal\n");
}
END_TEST

START_TEST(no_tunnels) { ck_assert_str_eq(status(TUNNELS(""), false), ""); }
END_TEST

START_TEST(terminal_has_heading_and_totals)
{
	const char *s = status(TUNNELS(TUNNEL("aws-1", "up", "") "," TUNNEL("b", "down", "")), true);
	ck_assert_ptr_eq(strstr(s, "TUNNEL"), s);
	ck_assert_ptr_nonnull(strstr(s, "2 tunnels: 1 up, 1 down\n"));
}
END_TEST

START_TEST(odd_answers_do_no_harm)
{
	static const char *const odd[] = { "{}", "{\"tunnels\":3}", TUNNELS("3,null,[],\"x\""),
		TUNNELS("{\"name\":5,\"state\":[],\"since\":\"yesterday\",\"children\":7,\"ike\":3,\"config\":\"x\",\"inside\":{}}"),
		TUNNELS("{\"ike\":{},\"children\":[{},7],\"config\":{\"a\":1},\"last_error\":{}}") };
	json_t *o = parse(odd[_i]);
	render_status(o, NOW, to, false);
	render_status(o, NOW, to, true);
	render_show(o, NOW, to, true);
	render_reload(o, to);
	json_decref(o);
	written();
}
END_TEST

START_TEST(foreign_text_is_escaped)
{
	json_t *o = parse("{\"at\":\"2026-11-21T10:00:00Z\",\"tunnel\":\"a\",\"text\":\"\\u001b[2Jx\\ny\",\"level\":\"error\"}");
	render_event(o, to, false);
	json_decref(o);
	ck_assert_str_eq(written(), "2026-11-21T10:00:00Z error a -: \\x1b[2Jx\\x0ay\n");
}
END_TEST

static const struct {
	const char *src, *text;
} escapes[] = {
	{ NULL, "-" },
	{ "", "-" },
	{ "did you mean 'x'?", "did you mean 'x'?" },
	{ "once \\xff \"twice\"", "once \\xff \"twice\"" },
	{ "'\033'", "'\\x1b'" },
	{ "\xc2\x9b", "\\xc2\\x9b" }, /* CSI in one character */
	{ "\xff", "\\xff" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
};

START_TEST(escaping)
{
	char clean[64], small[6];
	ck_assert_str_eq(escaped(clean, sizeof clean, escapes[_i].src), escapes[_i].text);
	escaped(small, sizeof small, escapes[_i].src);
	ck_assert_uint_lt(strlen(small), sizeof small);
}
END_TEST

START_TEST(show_escapes_and_tells)
{
	json_t *o = parse(TUNNELS(TUNNEL("aws-1", "up",
		",\"ike\":{\"spi_i\":\"01\",\"spi_r\":\"02\",\"vendor\":\"\\u001b]0;x\\u0007\",\"rekey_at\":\"2026-11-21T10:01:00Z\"},"
		"\"children\":[{\"encaps\":7,\"decaps\":8,\"replay_errors\":3,\"integrity_errors\":4,\"expires_in\":1200,\"bytes_left\":1048576,\"local_ts\":[\"10.0.0.0/8\",\"::/0\"]}],"
		"\"kernel\":{\"as_wanted\":true,\"differs\":null,\"repairs\":2},"
		"\"config\":{\"psk-file\":\"a.psk\",\"ca\":null}")));
	render_show(o, NOW, to, false);
	json_decref(o);
	const char *s = written();
	for (const char *p = s; *p != 0; p++)
		ck_assert(*p == '\n' || (unsigned char)*p >= ' ');
	ck_assert_ptr_nonnull(strstr(s, "aws-1\n  state: up"));
	ck_assert_ptr_nonnull(strstr(s, "  spi: 01_i 02_r\n"));
	ck_assert_ptr_nonnull(strstr(s, "  next rekey: 2026-11-21T10:01:00Z (in 1m00s)\n"));
	ck_assert_ptr_nonnull(strstr(s, "  encaps: 7 packets"));
	ck_assert_ptr_nonnull(strstr(s, "  decaps: 8 packets"));
	ck_assert_ptr_nonnull(strstr(s, "  verify errors: 4\n"));
	ck_assert_ptr_nonnull(strstr(s, "  replay errors: 3\n"));
	ck_assert_ptr_nonnull(strstr(s, "  lifetime left: 20m00s\n"));
	ck_assert_ptr_nonnull(strstr(s, "  bytes left: 1.0M\n"));
	ck_assert_ptr_nonnull(strstr(s, "  local selectors: 10.0.0.0/8 ::/0\n"));
	ck_assert_ptr_nonnull(strstr(s, "  kernel: as wanted\n"));
	ck_assert_ptr_nonnull(strstr(s, "  kernel repairs: 2\n"));
	ck_assert_ptr_nonnull(strstr(s, "  psk-file: a.psk\n"));
	ck_assert_ptr_null(strstr(s, "  ca:"));
}
END_TEST

START_TEST(show_says_what_the_kernel_has_not)
{
	json_t *o = parse(TUNNELS(TUNNEL("aws-1", "up", ",\"kernel\":{\"as_wanted\":false,\"differs\":\"no \\u001b rule\"}")));
	render_show(o, NOW, to, false);
	json_decref(o);
	ck_assert_ptr_nonnull(strstr(written(), "  kernel: no \\x1b rule\n"));
}
END_TEST

START_TEST(reload_tells_changes_and_faults)
{
	json_t *o = parse(
		"{\"added\":[\"n\"],\"changed\":[{\"tunnel\":\"c\",\"key\":\"remote\",\"effect\":\"restart\"}],\"removed\":[\"r\"],"
		"\"faults\":[{\"severity\":\"error\",\"file\":\"/e/s.yaml\",\"line\":3,\"text\":\"bad\"},"
		"{\"severity\":\"warning\",\"file\":\"/e/s.yaml\",\"line\":4,\"text\":\"odd\"}]}");
	render_reload(o, to);
	json_decref(o);
	ck_assert_str_eq(
		written(), "n: added\nc: changed (remote): restart\nr: removed\n/e/s.yaml:3: bad\n/e/s.yaml:4: warning: odd\n");
}
END_TEST

static const struct {
	uint64_t bytes;
	const char *words;
} sizes[] = {
	{ 0, "0" },
	{ 1023, "1023" },
	{ 1024, "1.0K" },
	{ 10239, "9.9K" },
	{ 10240, "10K" },
	{ 1048575, "1023K" },
	{ 1048576, "1.0M" },
	{ 102400000ull * 1024, "97G" },
	{ UINT64_MAX, "15E" },
};

START_TEST(size_in_words)
{
	char buf[SIZE_TEXT];
	ck_assert_str_eq(size_words(sizes[_i].bytes, buf), sizes[_i].words);
}
END_TEST

START_TEST(times)
{
	ck_assert_int_eq(time_parse("2026-11-21T10:00:00Z"), NOW);
	ck_assert_int_eq(time_parse("2026-11-21T10:00:00"), 0);
	ck_assert_int_eq(time_parse("2026-11-21T10:00:00Zx"), 0);
	ck_assert_int_eq(time_parse(NULL), 0);
}
END_TEST

START_TEST(near_words)
{
	static const char *const words[] = { "none", "aws", "azure", NULL };
	ck_assert_str_eq(near_word_in("azrue", words), "azure");
	ck_assert_str_eq(near_word_in("aw", words), "aws");
	ck_assert_ptr_null(near_word_in("zebra-crossing", words));
	ck_assert_ptr_null(near_word_in("xyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy", words));
}
END_TEST

START_TEST(pre_shared_keys)
{
	char key[PSK_LENGTH + 1], other[PSK_LENGTH + 1];
	unsigned seen[256] = { 0 }, kinds = 0;
	for (unsigned round = 0; round < 500; round++) {
		ck_assert(psk_make(key, PSK_LENGTH));
		ck_assert_uint_eq(strlen(key), PSK_LENGTH);
		ck_assert_int_ne(key[0], '0');
		for (const char *p = key; *p != 0; p++)
			seen[(unsigned char)*p]++;
	}
	for (unsigned i = 0; i < 256; i++) {
		if (seen[i] == 0)
			continue;
		kinds++;
		ck_assert((i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z'));
	}
	ck_assert_uint_eq(kinds, 62);
	ck_assert(psk_make(other, PSK_LENGTH));
	ck_assert_str_ne(key, other);
}
END_TEST

/* ---------------------------------------------------------------- the command line */
static int call(const char *const *words)
{
	char *argv[16];
	int argc = 0;
	for (argv[argc++] = "s2sctl"; *words != NULL; words++)
		argv[argc++] = (char *)*words;
	argv[argc] = NULL;
	return ctl_main(argc, argv);
}

static const struct {
	const char *words[6];
	int code;
} calls[] = {
	{ { NULL }, CTL_USAGE },
	{ { "frobnicate", NULL }, CTL_USAGE },
	{ { "up", NULL }, CTL_USAGE },
	{ { "up", "a", "b", NULL }, CTL_USAGE },
	{ { "up", "a", "--dry-run", NULL }, CTL_USAGE },
	{ { "up", "a", "--timeout", "soon", NULL }, CTL_USAGE },
	{ { "up", "a", "--timeout", "0", NULL }, CTL_USAGE },
	{ { "--what", "status", NULL }, CTL_USAGE },
	{ { "-r", NULL }, CTL_USAGE },
	{ { "show", NULL }, CTL_USAGE },
	{ { "show", "profile", NULL }, CTL_USAGE },
	{ { "show", "profile", "awz", NULL }, CTL_FAILED },
	{ { "help", "up", NULL }, CTL_DONE },
	{ { "help", "nothing", NULL }, CTL_USAGE },
	{ { "--help", NULL }, CTL_DONE },
	{ { "status", "--help", NULL }, CTL_DONE },
	{ { "-r", "/nonexistent", "status", NULL }, CTL_NO_DAEMON },
	{ { "-r", "/nonexistent", "rekey", "--ike", "a", NULL }, CTL_NO_DAEMON },
	{ { "-r", "/nonexistent", "events", "-f", NULL }, CTL_NO_DAEMON },
	{ { "-r", "/nonexistent", "version", NULL }, CTL_DONE },
	{ { "-r", "/nonexistent", "--json", "reload", NULL }, CTL_NO_DAEMON },
	{ { "show", "algorithms", NULL }, CTL_DONE },
	{ { "show", "profile", "azure", "--json", NULL }, CTL_DONE },
	{ { "genpsk", NULL }, CTL_DONE },
};

START_TEST(command_line) { ck_assert_int_eq(call(calls[_i].words), calls[_i].code); }
END_TEST

/* Blanks are where lines break; what has none, an identity of a peer, is cut where the line ends, and no character in two. */
START_TEST(lines_fit)
{
	static const struct {
		const char *words, *lines;
		unsigned used, indent, width;
	} cases[] = {
		{ "one two three", "one two\n  three\n", 0, 2, 8 },
		{ "one two three", "one\n    two\n    three\n", 4, 4, 10 },
		{ "abcdefghijklmnop", "abcdefgh\n  ijklmn\n  op\n", 0, 2, 8 },
		{ "ab cdefghijklmnop q", "ab cdefg\n  hijklm\n  nop q\n", 0, 2, 8 },
		{ "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\n\xc3\xb6\xc3\xbc\n", 0,
			0, 4 },
		{ "", "\n", 0, 2, 8 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *seen = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&seen, &size);
		put_wrapped(out, cases[i].words, cases[i].used, cases[i].indent, cases[i].width);
		fclose(out);
		ck_assert_str_eq(seen, cases[i].lines);
		free(seen);
	}
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	TCase *t = tcase_create("render");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, worst_comes_first);
	tcase_add_test(t, plain_line);
	tcase_add_test(t, plain_line_with_reason);
	tcase_add_test(t, no_tunnels);
	tcase_add_test(t, terminal_has_heading_and_totals);
	tcase_add_loop_test(t, odd_answers_do_no_harm, 0, 5);
	tcase_add_test(t, foreign_text_is_escaped);
	tcase_add_loop_test(t, escaping, 0, COUNT(escapes));
	tcase_add_test(t, show_escapes_and_tells);
	tcase_add_test(t, show_says_what_the_kernel_has_not);
	tcase_add_test(t, reload_tells_changes_and_faults);
	tcase_add_loop_test(t, size_in_words, 0, COUNT(sizes));
	tcase_add_test(t, times);
	tcase_add_test(t, lines_fit);
	tcase_add_test(t, near_words);
	tcase_add_test(t, pre_shared_keys);
	tcase_add_loop_test(t, command_line, 0, COUNT(calls));
	return unit_run_case("render", t);
}
