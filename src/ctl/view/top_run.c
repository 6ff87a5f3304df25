/*
 * top_run.c - the terminal under `s2sctl top`: one frame a second, a few keys, and everything as it was when it ends.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/client.h"
#include "ctl/answer.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "top.h"

#define EVERY 1000 /* ms */
#define PATIENCE 5 /* seconds for an answer */

static volatile sig_atomic_t told; /* the last signal */
static void on_signal(int sig) { told = sig; }

static json_t *request(void) { return client_request(CONTROL_TOP); }

/* ---------------------------------------------------------------- the terminal */
static struct termios before;

static void put_all(const char *text, size_t n)
{
	while (n > 0) {
		ssize_t k = write(STDOUT_FILENO, text, n);
		if (k < 0 && errno != EINTR)
			return;
		text += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

static void put_text(const char *text) { put_all(text, strlen(text)); }

/* A screen of our own, no cursor, no wrapping; keys come one by one and are not echoed. */
static void enter(void)
{
	struct termios raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	put_text("\033[?1049h\033[?25l\033[?7l\033[2J");
}

static void restore(void)
{
	put_text("\033[?7h\033[?25h\033[?1049l");
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static void catch_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT };
	struct sigaction a = { .sa_handler = on_signal };
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &a, NULL);
}

static void measure(struct top_look *look)
{
	struct winsize w = { 0 };
	look->width = 80;
	look->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
		return;
	look->width = w.ws_col < 400 ? w.ws_col : 400;
	look->height = w.ws_row;
}

/* Each line over the old one; what is left of it and of the old frame is cleared. */
static void paint(const struct top *t, struct top_look *look)
{
	char *text, *line, *rest;
	size_t n;
	FILE *f = open_memstream(&text, &n), *out;
	char *frame;
	size_t frame_n;
	measure(look);
	top_frame(t, look, f);
	fclose(f);
	out = open_memstream(&frame, &frame_n);
	fputs("\033[H", out);
	rest = text;
	for (unsigned i = 0; (line = strsep(&rest, "\n")) != NULL && rest != NULL; i++)
		fprintf(out, "%s%s\033[K", i > 0 ? "\r\n" : "", line);
	fputs("\033[J", out);
	fclose(out);
	put_all(frame, frame_n);
	free(frame);
	free(text);
}

/* ---------------------------------------------------------------- keys and signals */
enum wish { GO_ON, LEAVE };

static void scroll(struct top_look *look, const struct top *t, int by)
{
	unsigned step = (unsigned)abs(by);
	if (by < 0)
		look->skip = look->skip > step ? look->skip - step : 0;
	else if (look->skip + step < t->n)
		look->skip += step;
}

static enum wish take_keys(struct top *t, struct top_look *look)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
	for (ssize_t i = 0; i < n; i++) {
		const char *arrow = i + 2 < n && keys[i] == '\033' && keys[i + 1] == '[' ? &keys[i + 2] : NULL;
		int page = look->height > 4 ? (int)look->height - 3 : 1;
		if (arrow != NULL) {
			scroll(look, t,
				*arrow == 'A'   ? -1
				: *arrow == 'B' ? 1
				: *arrow == '5' ? -page
				: *arrow == '6' ? page
						: 0);
			i += 2;
		} else if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3) {
			return LEAVE;
		} else if (keys[i] == 't') {
			t->by_traffic = !t->by_traffic;
		} else if (keys[i] == 'k' || keys[i] == 'j') {
			scroll(look, t, keys[i] == 'k' ? -1 : 1);
		}
	}
	return n == 0 ? LEAVE : GO_ON; /* 0: the terminal is gone */
}

/* Stopping as the shell expects it: with its terminal back. */
static void stop(void)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL }, ours;
	restore();
	sigaction(SIGTSTP, &fallback, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	enter();
}

static enum wish take_signal(void)
{
	int sig = told;
	told = 0;
	if (sig == SIGTSTP)
		stop();
	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT ? LEAVE : GO_ON;
}

/* Keys and a new size of the window show at once, between two answers. */
static enum wish wait_a_second(struct top *t, struct top_look *look)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t until = system_ms() + EVERY, left;
	enum wish wish = GO_ON;
	while (wish == GO_ON && (left = until - system_ms()) > 0) {
		int ready = told != 0 ? -1 : poll(&p, 1, (int)left);
		if (ready == 0)
			break;
		wish = ready < 0 ? take_signal() : take_keys(t, look);
		top_sort(t);
		paint(t, look);
	}
	return wish;
}

/* ---------------------------------------------------------------- asking */
/* A connection that is kept; one that breaks is made again at the next second. NULL: trouble is set. */
static json_t *ask(struct client *c, const struct options *o, const char **trouble)
{
	json_t *answer = NULL;
	*trouble = "the daemon does not answer; trying again every second";
	if (c->fd < 0 && client_try(c, o) != 0)
		return NULL;
	enum client_result r = client_send(c, request());
	if (r == CLIENT_OK)
		r = client_next(c, PATIENCE, &answer);
	if (r == CLIENT_OK && json_object_get(answer, "error") == NULL) {
		*trouble = NULL;
		return answer;
	}
	if (r == CLIENT_OK)
		*trouble = "the daemon refuses: it may be older than this s2sctl";
	json_decref(answer);
	client_close(c);
	return NULL;
}

static int live(const struct options *o, struct top *t, struct top_look *look)
{
	struct client c = { .fd = -1 };
	int code = client_open(&c, o); /* a daemon that is not there from the start is told as ever */
	if (code != CTL_DONE)
		return code;
	tcgetattr(STDIN_FILENO, &before);
	catch_signals();
	enter();
	do {
		json_t *answer = ask(&c, o, &look->trouble);
		if (answer != NULL)
			top_take(t, answer);
		json_decref(answer);
		paint(t, look);
	} while (wait_a_second(t, look) == GO_ON);
	restore();
	client_close(&c);
	return CTL_DONE;
}

/* Two looks, a second apart: there is no rate without a time. */
static int once(const struct options *o, struct top *t, const struct top_look *look)
{
	struct timespec second = { 1, 0 };
	for (int i = 0; i < 2; i++) {
		int code;
		json_t *answer = client_ask(o, request(), PATIENCE, &code);
		if (answer == NULL)
			return code;
		top_take(t, answer);
		json_decref(answer);
		if (i == 0)
			nanosleep(&second, NULL);
	}
	if (o->json)
		return answer_print(top_json(t));
	top_frame(t, look, stdout);
	return CTL_DONE;
}

int run_top(const struct ctl_command *self, const struct options *o)
{
	char host[64] = "";
	struct top t = { 0 };
	struct top_look look = { .width = 80, .host = host };
	(void)self;
	setlocale(LC_CTYPE, "");
	look.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	gethostname(host, sizeof host - 1);
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	look.colour = look.keys = terminal && !o->once;
	look.colour = look.colour && tinted(stdout);
	int code = terminal && !o->once && !o->json ? live(o, &t, &look) : once(o, &t, &look);
	top_release(&t);
	return code;
}
