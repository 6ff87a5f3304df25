/*
 * bench_answers.c N - for how long the loop is held while three clients ask about N established tunnels at once: requests by the control socket's own
 * code, over a socket; what a turn of the loop takes is told by the thread's CPU time. A line per request: "WORD LONGEST TOTAL", milliseconds.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/clients.h"
#include "engine/control.h"
#include "two_ends.h"

#define READERS 3

static struct event_base *base;
static struct control *control;
static struct clients *clients;
static struct event *counted;
static unsigned count;

/* ---------------------------------------------------------------- tunnels */
static char *settings_of(int end, unsigned n)
{
	size_t cap = 400 + n * 500ul, at = 0;
	char *text = xcalloc(cap, 1);
	at += (size_t)snprintf(text, cap, "s2sd: {cookie-threshold: 1000000, half-open-limit: 1000000}\ntunnels:\n");
	for (unsigned i = 0; i < n; i++) {
		char there[32];
		snprintf(there, sizeof there, "10.1.%u.%u", i / 256, i % 256);
		at += (size_t)snprintf(text + at, cap - at,
			"  t%05u: {local: %s, remote: %s, local-id: \"fqdn:%c.example\", remote-id: \"fqdn:%c.example\", psk: " PSK
			"%05u, "
			"start: %s, routes: [10.%u.%u.0/24], ike-proposals: aes256-sha256-x25519, esp-proposals: aes256-sha256}\n",
			i, end == 0 ? there : "10.254.0.2", end == 0 ? "10.254.0.2" : there, 'a' + end, 'b' - end, i,
			end == 0 ? "manual" : "respond", 128 + i / 256, i % 256);
	}
	return text;
}

static void establish(unsigned n)
{
	for (int end = 1; end >= 0; end--) {
		char *text = settings_of(end, n);
		begin(end, text, NULL);
		free(text);
	}
	for (unsigned i = 0; i < n; i++)
		command(COMMAND_UP, ends[0].conf->tunnels[i]->id);
	struct ike_totals t;
	ike_totals(ends[1].ike, &t);
	if (t.established != n)
		die("not all tunnels came up");
}

/* ---------------------------------------------------------------- the engine around it */
static const struct ike *op_ike(void *arg) { return (void)arg, ends[1].ike; }
static const struct conf *op_conf(void *arg) { return (void)arg, ends[1].conf; }
static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	(void)arg, (void)kind, (void)tunnel, (void)token;
}
static void op_counters(void *arg)
{
	(void)arg;
	event_active(counted, EV_TIMEOUT, 0);
}
static void op_reload(void *arg, uint64_t token, bool dry_run) { (void)arg, (void)token, (void)dry_run; }
static void op_send(void *arg, uint64_t client, const char *line) { (void)arg, clients_send(clients, client, line); }
static void op_begin(void *arg, uint64_t client) { (void)arg, clients_begin(clients, client); }
static void op_part(void *arg, uint64_t client, const char *text, size_t n) { (void)arg, clients_part(clients, client, text, n); }
static void op_end(void *arg, uint64_t client) { (void)arg, clients_end(clients, client); }
static void op_close(void *arg, uint64_t client) { (void)arg, clients_close(clients, client); }
static struct moment op_now(void *arg) { return (void)arg, now; }
static uint32_t op_features(void *arg) { return (void)arg, 0; }

static void on_counted(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	control_counters(control);
}
static void on_line(void *arg, uint64_t client, const char *line, size_t n)
{
	(void)arg, control_request(control, client, line, n);
}
static bool on_waits(void *arg, uint64_t client) { return (void)arg, control_client_waits(control, client); }
static void on_more(void *arg, uint64_t client) { (void)arg, control_more(control, client); }
static void on_gone(void *arg, uint64_t client) { (void)arg, control_client_gone(control, client); }

static void serve(const struct sockaddr_un *at)
{
	static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part,
		op_end, op_close, op_now, op_features };
	static const struct clients_ops client_ops = { on_line, on_waits, on_more, on_gone };
	const struct clients_who who = { getgid(), { (uid_t)-1, (uid_t)-1 } };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (const struct sockaddr *)at, sizeof *at) != 0 || listen(listener, READERS) != 0)
		die("no socket");
	base = event_base_new();
	control = control_new(&ops, NULL);
	counted = event_new(base, -1, 0, on_counted, NULL);
	clients = clients_new(base, listener, &who, &client_ops, NULL);
	clients_open(clients);
	for (unsigned i = 0; i < CONTROL_RING; i++) {
		struct fact f = { .code = FACT_UP, .tunnel = ends[1].conf->tunnels[i % ends[1].conf->n]->id, .text = "up" };
		control_fact(control, now, &f);
	}
}

/* ---------------------------------------------------------------- readers */
/* "named": the status of as many as a request may name. */
static size_t request_of(const char *word, char *text)
{
	if (strcmp(word, "named") != 0)
		return (size_t)sprintf(text, "{\"command\":\"%s\"}\n", word);
	size_t n = (size_t)sprintf(text, "{\"command\":\"status\",\"tunnels\":[\"t00000\"");
	for (unsigned i = 1; i < count && n < CONTROL_LINE_MAX - 20; i++)
		n += (size_t)sprintf(text + n, ",\"t%05u\"", i);
	return n + (size_t)sprintf(text + n, "]}\n");
}

static int reader(const struct sockaddr_un *at, const char *word)
{
	static char text[1 << 18];
	size_t all = 0, n = request_of(word, text);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 || write(fd, text, n) != (ssize_t)n)
		return 1;
	for (ssize_t got; (got = read(fd, text, sizeof text)) > 0;) {
		all += (size_t)got;
		if (text[got - 1] == '\n')
			return all < 10000; /* an error */
	}
	return 1;
}

/* Begun while this process is small: a fork of it, once it has the tunnels, would have it copy each page that it writes to. */
static int order[2], answer[2];
static void begin_readers(const struct sockaddr_un *at)
{
	const char *word;
	if (pipe(order) != 0 || pipe2(answer, O_NONBLOCK) != 0)
		die("no pipes");
	for (unsigned i = 0; i < READERS; i++) {
		if (fork() != 0)
			continue;
		close(order[1]);
		while (read(order[0], &word, sizeof word) == sizeof word) {
			char failed = (char)reader(at, word);
			if (write(answer[1], &failed, 1) != 1)
				break;
		}
		_exit(0);
	}
}

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void measure(const char *word)
{
	double longest = 0, total = 0;
	for (unsigned i = 0; i < READERS; i++) {
		if (write(order[1], &word, sizeof word) != sizeof word) /* a constant: it is at the same address there */
			die("no readers");
	}
	for (unsigned left = READERS; left > 0;) {
		struct timeval most = { 0, 20000 };
		char failed;
		event_base_loopexit(base, &most);
		double from = cpu_ms();
		event_base_loop(base, EVLOOP_ONCE);
		double took = cpu_ms() - from;
		longest = took > longest ? took : longest;
		total += took;
		while (left > 0 && read(answer[0], &failed, 1) == 1) {
			left--;
			if (failed != 0)
				die("a reader got no answer");
		}
	}
	printf("%s %.2f %.1f\n", word, longest, total / READERS);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "status", "show", "top", "metrics", "events", "named" };
	char dir[] = "/tmp/s2sd-answers-XXXXXX";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *why = NULL;
	if (!alg_init(&why) || mkdtemp(dir) == NULL)
		die(why != NULL ? why : "no folder");
	snprintf(at.sun_path, sizeof at.sun_path, "%s/sock", dir);
	signal(SIGPIPE, SIG_IGN);
	count = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	begin_readers(&at);
	establish(count);
	serve(&at);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		measure(words[i]);
	unlink(at.sun_path);
	rmdir(dir);
	return 0;
}
