/* server.c - see server.h. */
#include "server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "http.h"

#define CLIENTS_MAX 16
#define CLIENT_SECONDS 30 /* from the connection to the last byte of the answer */

struct scraper {
	struct metrics_server *server;
	struct bufferevent *bev;
	struct event *limit;
	bool answered;   /* its answer is under way */
	bool ended;      /* it shut its writing side */
	uint64_t number; /* counts up */
};

struct metrics_server {
	struct event_base *base;
	metrics_fn *fn;
	void *arg;
	int fd;
	struct event *acceptable;
	uint64_t connections;
	struct scraper *v[CLIENTS_MAX];
};

static void scraper_free(struct scraper *c)
{
	struct metrics_server *s = c->server;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (s->v[i] == c)
			s->v[i] = NULL;
	}
	event_free(c->limit);
	bufferevent_free(c->bev);
	free(c);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	scraper_free(arg);
}

static void send_answer(struct scraper *c, const struct http_request *r, const struct exposition *e)
{
	char head[512];
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t n = strlen(e->text);
	http_head(e->status, e->type, n, head, sizeof head);
	c->answered = true;
	evbuffer_add(out, head, strlen(head));
	if (!r->head_only)
		evbuffer_add(out, e->text, n);
}

static void on_input(struct bufferevent *bev, void *arg)
{
	struct scraper *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct http_request r;
	size_t n = evbuffer_get_length(in);
	if (c->answered) {
		evbuffer_drain(in, n); /* one request per connection */
		return;
	}
	if (http_parse((const char *)evbuffer_pullup(in, -1), n, &r) == 0)
		return;
	evbuffer_drain(in, n);
	struct exposition e = { r.status, "text/plain; charset=utf-8", "only GET /metrics is served\n" };
	if (r.status == 200)
		e = c->server->fn(c->server->arg, r.open);
	send_answer(c, &r, &e);
}

/* Everything is out. The other side closes after reading; what it still sends does not cut our answer short. */
static void on_drained(struct bufferevent *bev, void *arg)
{
	struct scraper *c = arg;
	if (c->answered && c->ended)
		scraper_free(c);
	else if (c->answered)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_trouble(struct bufferevent *bev, short what, void *arg)
{
	struct scraper *c = arg;
	bool half_closed = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0;
	/* A client that shuts its writing side after the request still gets the answer. */
	c->ended |= half_closed;
	if (!half_closed || evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		scraper_free(c);
}

static void scraper_new(struct metrics_server *s, int fd, struct scraper **place)
{
	struct timeval limit = { CLIENT_SECONDS, 0 };
	struct bufferevent *bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		close(fd);
		return;
	}
	struct scraper *c = *place = xcalloc(1, sizeof *c);
	*c = (struct scraper){ .server = s, .number = ++s->connections, .bev = bev };
	c->limit = evtimer_new(s->base, on_limit, c);
	evtimer_add(c->limit, &limit);
	bufferevent_setcb(bev, on_input, on_drained, on_trouble, c);
	bufferevent_setwatermark(bev, EV_READ, 0, HTTP_HEAD_MAX);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* A free place, or that of the oldest connection whose request is not complete: the slowest is dropped. NULL: all are being answered. */
static struct scraper **make_place(struct metrics_server *s)
{
	struct scraper **slowest = NULL;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct scraper **c = &s->v[i];
		if (*c == NULL)
			return c;
		if (!(*c)->answered && (slowest == NULL || (*c)->number < (*slowest)->number))
			slowest = c;
	}
	if (slowest != NULL)
		scraper_free(*slowest);
	return slowest;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_server *s = arg;
	struct scraper **place;
	(void)what;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got < 0)
			return;
		if ((place = make_place(s)) == NULL)
			close(got);
		else
			scraper_new(s, got, place);
	}
}

struct metrics_server *metrics_server_new(struct event_base *base, int fd, metrics_fn *fn, void *arg)
{
	struct metrics_server *s = xcalloc(1, sizeof *s);
	*s = (struct metrics_server){ .base = base, .fn = fn, .arg = arg, .fd = fd };
	s->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, s);
	event_add(s->acceptable, NULL);
	return s;
}

void metrics_server_free(struct metrics_server *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (s->v[i] != NULL)
			scraper_free(s->v[i]);
	}
	event_free(s->acceptable);
	close(s->fd);
	free(s);
}
