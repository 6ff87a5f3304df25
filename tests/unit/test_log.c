/* test_log.c - what reaches the reader: levels, one line each, journal fields, and that foreign text cannot deceive. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "unit.h"

static const char *escaped(const char *src, size_t n, size_t size)
{
	static char text[256];
	memset(text, '#', sizeof text);
	log_escape(text, size, bytes_of(src, n));
	for (size_t i = size; i < sizeof text; i++)
		ck_assert_int_eq(text[i], '#'); /* never past the end */
	ck_assert(memchr(text, 0, size) != NULL);
	return text;
}

START_TEST(escapes_what_deceives)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain text, 1.2.3.4", "plain text, 1.2.3.4" },
		{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
		{ "say \"hi\" \\ it's", "say \\x22hi\\x22 \\x5c it\\x27s" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc3", "\\xc3" },                            /* cut off */
		{ "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong '/' */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },          /* the same in three */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* past U+10FFFF */
		{ "\xc2\x9b", "\\xc2\\x9b" },                   /* C1: another escape introducer */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },          /* right-to-left override */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },          /* line separator */
		{ "\xc3x", "\\xc3x" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(escaped(rows[i].in, strlen(rows[i].in), 200), rows[i].out);
	ck_assert_str_eq(escaped("a\0b", 3, 200), "a\\x00b");
	ck_assert_str_eq(escaped("", 0, 200), "");
}
END_TEST

START_TEST(escape_cuts_between_characters)
{
	ck_assert_str_eq(escaped("abcdefgh", 8, 9), "abcdefgh");
	ck_assert_str_eq(escaped("abcdefghi", 9, 9), "abcde...");
	ck_assert_str_eq(escaped("ab\n\n", 4, 11), "ab\\x0a\\x0a");
	ck_assert_str_eq(escaped("ab\n\n", 4, 10), "ab\\x0a...");
	ck_assert_str_eq(escaped("ab\n\n", 4, 9), "ab...");
	ck_assert_str_eq(escaped("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9, 9), "\xe2\x82\xac...");
	ck_assert_str_eq(escaped("abcdef", 6, 4), "...");
	ck_assert_str_eq(escaped("abcdef", 6, 3), "..");
	ck_assert_str_eq(escaped("abcdef", 6, 1), "");
	char one = 'x';
	log_escape(&one, 0, bytes_of("abc", 3));
	ck_assert_int_eq(one, 'x');
}
END_TEST

START_TEST(level_words)
{
	enum log_level level = LOG_LEVEL_INFO;
	ck_assert(log_level_parse("error", &level) && level == LOG_LEVEL_ERROR);
	ck_assert(log_level_parse("warning", &level) && level == LOG_LEVEL_WARNING);
	ck_assert(log_level_parse("notice", &level) && level == LOG_LEVEL_NOTICE);
	ck_assert(log_level_parse("info", &level) && level == LOG_LEVEL_INFO);
	ck_assert(log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG);
	ck_assert(!log_level_parse("Error", &level) && !log_level_parse("", &level) && !log_level_parse("err", &level));
	ck_assert(level == LOG_LEVEL_DEBUG);
	log_open_stderr(LOG_LEVEL_WARNING);
	ck_assert(log_wants(LOG_LEVEL_ERROR) && log_wants(LOG_LEVEL_WARNING) && !log_wants(LOG_LEVEL_NOTICE));
	log_set_level(LOG_LEVEL_DEBUG);
	ck_assert(log_wants(LOG_LEVEL_DEBUG));
}
END_TEST

/* What went to stderr since the pipe took its place. */
static int stderr_pipe(void)
{
	int fd[2];
	ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
	ck_assert_int_ge(dup2(fd[1], STDERR_FILENO), 0);
	close(fd[1]);
	return fd[0];
}

static const char *read_text(int fd)
{
	static char text[8192];
	ssize_t n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	return text;
}

START_TEST(stderr_lines)
{
	int fd = stderr_pipe();
	log_open_stderr(LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_DEBUG, "not wanted");
	ck_assert_str_eq(read_text(fd), "");
	errno = EDOM;
	log_line(LOG_LEVEL_WARNING, "aws-1: %s\nforged: line", "down");
	ck_assert_int_eq(errno, EDOM);
	const char *text = read_text(fd);
	ck_assert_msg(strlen(text) > 20 && strcmp(text + 20, " warning: aws-1: down?forged: line\n") == 0, "%s", text);
	ck_assert_int_eq(text[10], 'T');
	ck_assert_int_eq(text[19], 'Z');
}
END_TEST

START_TEST(long_lines_are_cut)
{
	int fd = stderr_pipe();
	log_open_stderr(LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "%05000d", 1);
	const char *text = read_text(fd);
	size_t n = strlen(text);
	ck_assert_uint_lt(n, 2200);
	ck_assert_str_eq(text + n - 4, "...\n");
}
END_TEST

static int journal_listen(struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at->sun_path, sizeof at->sun_path, "/tmp/s2s-test-journal-%ld", (long)getpid());
	unlink(at->sun_path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
	return fd;
}

START_TEST(journal_fields)
{
	struct sockaddr_un at;
	int fd = journal_listen(&at);
	ck_assert(log_open_journal(at.sun_path, "s2sd", LOG_DAEMON, LOG_LEVEL_INFO));
	unlink(at.sun_path); /* as after a chroot: the path is gone, the socket stays */
	struct log_fields f = { .tunnel = "aws-1", .event = "up\nS2S_EVIL=1", .peer = NULL };
	log_fielded(LOG_LEVEL_NOTICE, &f, "aws-1: up");

	char want[256];
	snprintf(want, sizeof want,
		"MESSAGE=aws-1: up\nPRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_PID=%ld\nSYSLOG_IDENTIFIER=s2sd\n"
		"S2S_TUNNEL=aws-1\nS2S_EVENT=up?S2S_EVIL=1\n",
		(long)getpid());
	ck_assert_str_eq(read_text(fd), want);
	log_fielded(LOG_LEVEL_DEBUG, &f, "not wanted");
	ck_assert_str_eq(read_text(fd), "");
	log_line(LOG_LEVEL_ERROR, "%s", "bad");
	ck_assert(strstr(read_text(fd), "MESSAGE=bad\nPRIORITY=3\n") != NULL);
}
END_TEST

START_TEST(full_journal_never_blocks_and_tells)
{
	struct sockaddr_un at;
	int fd = journal_listen(&at);
	ck_assert(log_open_journal(at.sun_path, "s2sd", LOG_DAEMON, LOG_LEVEL_INFO));
	unlink(at.sun_path);
	for (int i = 0; i < 20000; i++)
		log_line(LOG_LEVEL_INFO, "line %d", i); /* would hang here, were it to wait */
	int got = 0;
	while (read_text(fd)[0] != 0)
		got++;
	ck_assert_int_gt(got, 0);
	ck_assert_int_lt(got, 20000);
	log_line(LOG_LEVEL_INFO, "room again");
	char want[64];
	snprintf(want, sizeof want, "MESSAGE=%d log lines were lost", 20000 - got);
	ck_assert(strncmp(read_text(fd), want, strlen(want)) == 0);
	ck_assert(strstr(read_text(fd), "MESSAGE=room again\n") != NULL);
}
END_TEST

START_TEST(no_journal_falls_back)
{
	ck_assert(!log_open_journal("/nonexistent/journal", "s2sd", LOG_DAEMON, LOG_LEVEL_INFO));
	log_line(LOG_LEVEL_INFO, "unit test of the syslog way");
	char longer[300];
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	ck_assert(!log_open_journal(longer, "s2sd", LOG_DAEMON, LOG_LEVEL_INFO));
	log_open_stderr(LOG_LEVEL_INFO);
}
END_TEST

UNIT_MAIN("log", escapes_what_deceives, escape_cuts_between_characters, level_words, stderr_lines, long_lines_are_cut,
	journal_fields, full_journal_never_blocks_and_tells, no_journal_falls_back)
