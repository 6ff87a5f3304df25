/*
 * scrape.c - see scrape.h.
 */
#include "scrape.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

#define VISITORS_MAX 16
#define VISIT_MAX 30 /* seconds for the whole of a visit: who dribbles or does not read makes room for others */

enum stage { READING, WAITING /* for counters */, ANSWERING };

struct visitor {
	struct scrape *all;
	struct bufferevent *bev;
	struct event *limit;
	enum stage stage;
	bool ended;      /* it shut its writing side */
	uint64_t number; /* counts up */
	struct http_request request;
};

struct scrape {
	struct event_base *base;
	struct scrape_ops ops;
	void *arg;
	int fd;
	struct event *acceptable;
	uint64_t visits;
	struct visitor *v[VISITORS_MAX];
};

static void leave(struct visitor *v)
{
	struct scrape *s = v->all;
	for (unsigned i = 0; i < VISITORS_MAX; i++) {
		if (s->v[i] == v)
			s->v[i] = NULL;
	}
	event_free(v->limit);
	bufferevent_free(v->bev);
	free(v);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	leave(arg);
}

static void answer(struct visitor *v, const char *type, const char *body, size_t n)
{
	char head[512];
	struct evbuffer *out = bufferevent_get_output(v->bev);
	http_head(v->request.status, type, n, head, sizeof head);
	v->stage = ANSWERING;
	evbuffer_add(out, head, strlen(head));
	if (!v->request.head_only)
		evbuffer_add(out, body, n);
}

static void on_input(struct bufferevent *bev, void *arg)
{
	static const char sorry[] = "GET /metrics is all there is.\n";
	struct visitor *v = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);
	if (v->stage != READING) {
		evbuffer_drain(in, n); /* one request per visit */
		return;
	}
	if (http_parse((const char *)evbuffer_pullup(in, -1), n, &v->request) == 0)
		return;
	evbuffer_drain(in, n);
	if (v->request.status != 200) {
		answer(v, "text/plain; charset=utf-8", sorry, sizeof sorry - 1);
		return;
	}
	v->stage = WAITING;
	v->all->ops.counters(v->all->arg);
}

/* Everything is out. The other side closes after reading; what it still says does not cut our answer short. */
static void on_drained(struct bufferevent *bev, void *arg)
{
	struct visitor *v = arg;
	if (v->stage == ANSWERING && v->ended)
		leave(v);
	else if (v->stage == ANSWERING)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_trouble(struct bufferevent *bev, short what, void *arg)
{
	struct visitor *v = arg;
	bool half_closed = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0;
	/* Who shuts his writing side after a request still gets the answer. */
	v->ended |= half_closed;
	if (!half_closed || (v->stage != WAITING && evbuffer_get_length(bufferevent_get_output(bev)) == 0))
		leave(v);
}

static void welcome(struct scrape *s, int fd, struct visitor **place)
{
	struct timeval limit = { VISIT_MAX, 0 };
	struct visitor *v = xcalloc(1, sizeof *v);
	*v = (struct visitor){
		.all = s, .number = ++s->visits, .bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE)
	};
	if (v->bev == NULL) {
		close(fd);
		free(v);
		return;
	}
	v->limit = evtimer_new(s->base, on_limit, v);
	*place = v;
	evtimer_add(v->limit, &limit);
	bufferevent_setcb(v->bev, on_input, on_drained, on_trouble, v);
	bufferevent_setwatermark(v->bev, EV_READ, 0, HTTP_HEAD_MAX);
	bufferevent_enable(v->bev, EV_READ | EV_WRITE);
}

/* A free place, or that of the visitor who has been dribbling his request for the longest. NULL: all have asked and wait for their answer. */
static struct visitor **make_place(struct scrape *s)
{
	struct visitor **slowest = NULL;
	for (unsigned i = 0; i < VISITORS_MAX; i++) {
		struct visitor **v = &s->v[i];
		if (*v == NULL)
			return v;
		if ((*v)->stage == READING && (slowest == NULL || (*v)->number < (*slowest)->number))
			slowest = v;
	}
	if (slowest != NULL)
		leave(*slowest);
	return slowest;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct scrape *s = arg;
	struct visitor **place;
	(void)what;
	for (unsigned i = 0; i < VISITORS_MAX; i++) {
		int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got < 0)
			return;
		if ((place = make_place(s)) == NULL)
			close(got);
		else
			welcome(s, got, place);
	}
}

void scrape_counted(struct scrape *s)
{
	struct line text[2] = { { 0 } };
	for (unsigned i = 0; i < VISITORS_MAX; i++) {
		struct visitor *v = s->v[i];
		if (v == NULL || v->stage != WAITING)
			continue;
		enum metrics_format format = v->request.open ? METRICS_OPEN : METRICS_CLASSIC;
		struct line *l = &text[format];
		if (l->data == NULL)
			s->ops.text(s->arg, format, l);
		answer(v, format == METRICS_OPEN ? METRICS_OPEN_TYPE : METRICS_CLASSIC_TYPE, l->data, l->len);
	}
	line_release(&text[0]);
	line_release(&text[1]);
}

void scrape_listen(struct scrape *s, int fd)
{
	if (s->acceptable != NULL) {
		event_free(s->acceptable);
		close(s->fd);
	}
	s->acceptable = fd >= 0 ? event_new(s->base, fd, EV_READ | EV_PERSIST, on_acceptable, s) : NULL;
	s->fd = fd;
	if (s->acceptable != NULL)
		event_add(s->acceptable, NULL);
}

struct scrape *scrape_new(struct event_base *base, const struct scrape_ops *ops, void *arg)
{
	struct scrape *s = xcalloc(1, sizeof *s);
	*s = (struct scrape){ .base = base, .ops = *ops, .arg = arg, .fd = -1 };
	return s;
}

void scrape_free(struct scrape *s)
{
	if (s == NULL)
		return;
	scrape_listen(s, -1);
	for (unsigned i = 0; i < VISITORS_MAX; i++) {
		if (s->v[i] != NULL)
			leave(s->v[i]);
	}
	free(s);
}
