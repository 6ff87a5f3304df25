/*
 * metrics.c - what the daemon counts: once on stdout, or for scrapers by HTTP. A server of its own, so that the process that holds the keys of
 * IKE SAs listens to no scraper; it is an ordinary client of the control socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/answer.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "listen.h"
#include "server.h"

#define QUICK 10      /* seconds that an answer from memory may take */
#define SCRAPE 5      /* the same for a scraper: Prometheus itself waits 10 */
#define FRESH_MS 1000 /* several scrapers within this time share one answer */

static json_t *request_for(bool classic)
{
	json_t *request = client_request(CONTROL_METRICS);
	json_object_set_new(request, "format", json_string(classic ? "classic" : "open"));
	return request;
}

/* ---------------------------------------------------------------- for scrapers */
struct exporter {
	const struct options *o;
	bool failing; /* told already */
	struct cached {
		int64_t at; /* ms; 0 = never */
		json_t *answer;
		struct exposition e;
	} cached[2];
};

/* NULL after telling why, once until it works again. */
static json_t *fetch(struct exporter *x, bool open)
{
	struct client c;
	json_t *answer = NULL;
	int err = client_try(&c, x->o);
	enum client_result r = err == 0 ? client_send(&c, request_for(!open)) : CLIENT_GONE;
	if (r == CLIENT_OK)
		r = client_next(&c, SCRAPE, &answer);
	if (err == 0)
		client_close(&c);
	bool good = word_of(answer, "metrics") != NULL && word_of(answer, "content_type") != NULL;
	if (!good && !x->failing)
		ctl_fail(x->o, CTL_NO_DAEMON, "no-daemon", "the daemon does not answer: %s",
			err != 0 ? strerror(err) : "no metrics");
	else if (good && x->failing)
		fprintf(stderr, "s2sctl: the daemon answers again\n");
	x->failing = !good;
	if (!good)
		json_decref(answer);
	return good ? answer : NULL;
}

static struct exposition expose(void *arg, bool open)
{
	struct exporter *x = arg;
	struct cached *c = &x->cached[open];
	int64_t now = system_ms();
	if (c->at != 0 && now - c->at < FRESH_MS)
		return c->e;
	json_decref(c->answer);
	c->answer = fetch(x, open);
	c->at = system_ms();
	c->e = (struct exposition){ 503, "text/plain; charset=utf-8", "the daemon does not answer\n" };
	if (c->answer != NULL)
		c->e = (struct exposition){ 200, word_of(c->answer, "content_type"), word_of(c->answer, "metrics") };
	return c->e;
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig, (void)what;
	event_base_loopbreak(arg);
}

static gid_t group_of_control(const struct options *o)
{
	char path[256];
	struct stat st;
	snprintf(path, sizeof path, "%s", o->rundir);
	strncat(path, "/control.sock", sizeof path - strlen(path) - 1);
	return stat(path, &st) == 0 ? st.st_gid : (gid_t)-1;
}

static int serve(const struct options *o)
{
	int fd = listen_open(o->listen, group_of_control(o));
	if (fd == -EINVAL)
		return ctl_usage(o, NULL, "--listen %s: write a loopback address as 127.0.0.1:PORT or [::1]:PORT, or unix:/PATH",
			o->listen);
	if (fd < 0)
		return ctl_fail(o, CTL_FAILED, "listen", "--listen %s: %s", o->listen, strerror(-fd));
	struct exporter x = { .o = o };
	struct event_base *base = event_base_new();
	struct event *ends[] = { evsignal_new(base, SIGTERM, on_signal, base), evsignal_new(base, SIGINT, on_signal, base) };
	signal(SIGPIPE, SIG_IGN);
	event_add(ends[0], NULL);
	event_add(ends[1], NULL);
	struct metrics_server *s = metrics_server_new(base, fd, expose, &x);
	event_base_dispatch(base);
	metrics_server_free(s);
	listen_close(o->listen);
	event_free(ends[0]);
	event_free(ends[1]);
	event_base_free(base);
	json_decref(x.cached[0].answer);
	json_decref(x.cached[1].answer);
	return CTL_DONE;
}

/* ---------------------------------------------------------------- once */
int run_metrics(const struct ctl_command *self, const struct options *o)
{
	int code;
	if (o->listen != NULL && (o->classic || o->json || o->timeout != 0))
		return ctl_usage(o, self, "--listen takes no other option: the scraper chooses the format");
	if (o->listen != NULL)
		return serve(o);
	json_t *answer = client_ask(o, request_for(o->classic), o->timeout > 0 ? o->timeout : QUICK, &code);
	const char *text = word_of(answer, "metrics");
	if (answer == NULL)
		return code;
	if (o->json)
		return answer_print(answer);
	if (text != NULL)
		fputs(text, stdout); /* for machines: as it is, names and words of ours only */
	else
		code = client_fault(o, CLIENT_NONSENSE, 0);
	json_decref(answer);
	return code;
}
