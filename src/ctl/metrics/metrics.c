/*
 * metrics.c - what the daemon counts: once on stdout, or for scrapers by HTTP. A server of its own, so that the process that holds the keys of
 * IKE SAs listens to no scraper; it is an ordinary client of the control socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bgp.h"
#include "ctl/answer.h"
#include "ctl/bgp.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "listen.h"
#include "server.h"

#define QUICK 10          /* seconds that an answer from memory may take */
#define SCRAPE 5          /* the same for a scraper: Prometheus itself waits 10 */
#define FRESH_MS 1000     /* several scrapers within this time share one answer */
#define BGP_FRESH_MS 5000 /* the same for what routing daemons say: asking them costs two processes */

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
		char *text;
		struct exposition e;
	} cached[2];
	int64_t bgp_at; /* ms; 0 = never */
	json_t *tunnels;
};

/* Silently; NULL when it does not come. */
static json_t *ask(const struct options *o, json_t *request, int *err)
{
	struct client c;
	json_t *answer = NULL;
	*err = client_try(&c, o);
	if (*err != 0) {
		json_decref(request);
		return NULL;
	}
	if (client_send(&c, request) == CLIENT_OK && client_next(&c, SCRAPE, &answer) != CLIENT_OK)
		answer = NULL;
	client_close(&c);
	return answer;
}

/* NULL after telling why, once until it works again. */
static json_t *fetch(struct exporter *x, bool open)
{
	int err;
	json_t *answer = ask(x->o, request_for(!open), &err);
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

/* The tunnels with their BGP sessions, asked for anew when they are not fresh. */
static char *with_bgp(struct exporter *x, const char *text)
{
	int err;
	int64_t now = system_ms();
	if (x->bgp_at == 0 || now - x->bgp_at >= BGP_FRESH_MS) {
		json_t *status = ask(x->o, client_request(CONTROL_STATUS), &err);
		json_decref(x->tunnels);
		x->tunnels = json_incref(json_object_get(status, "tunnels"));
		json_decref(status);
		bgp_answer(x->tunnels);
		x->bgp_at = system_ms();
	}
	return bgp_metrics(text, x->tunnels);
}

static struct exposition expose(void *arg, bool open)
{
	struct exporter *x = arg;
	struct cached *c = &x->cached[open];
	int64_t now = system_ms();
	if (c->at != 0 && now - c->at < FRESH_MS)
		return c->e;
	json_decref(c->answer);
	free(c->text);
	c->text = NULL;
	c->answer = fetch(x, open);
	c->e = (struct exposition){ 503, "text/plain; charset=utf-8", "the daemon does not answer\n" };
	if (c->answer != NULL) {
		c->text = with_bgp(x, word_of(c->answer, "metrics"));
		c->e = (struct exposition){ 200, word_of(c->answer, "content_type"), c->text };
	}
	c->at = system_ms();
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
	json_decref(x.tunnels);
	free(x.cached[0].text);
	free(x.cached[1].text);
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
	json_t *status = text != NULL ? client_ask(o, client_request(CONTROL_STATUS), QUICK, &code) : NULL;
	if (status != NULL) {
		bgp_answer(json_object_get(status, "tunnels"));
		char *all = bgp_metrics(text, json_object_get(status, "tunnels"));
		json_object_set_new(answer, "metrics", json_string(all));
		free(all);
		json_decref(status);
		text = word_of(answer, "metrics");
	}
	if (o->json)
		return answer_print(answer);
	if (text != NULL)
		fputs(text, stdout); /* for machines: as it is, names and words of ours only */
	else
		code = client_fault(o, CLIENT_NONSENSE, 0);
	json_decref(answer);
	return code;
}
