/* clients.c - see clients.h. */
#include "clients.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "control.h"
#include "ipc/limit.h"
#include "ipc/loop.h"
#include "places.h"

#define WORK_PER_TURN (16u << 10) /* octets of requests, of all clients together; the last one may be larger */
#define WORK_OF_LINE 256u         /* what the shortest request counts for */
#define READ_WHILE (256 << 10)    /* more than this unread by the client: its next request waits */
#define UNREAD_MAX (8u << 20) /* one client; what grows with the number of tunnels comes in parts, but for the rows of a reload */
#define UNREAD_ALL (32u << 20) /* all of them */
#define STALLED 20             /* seconds without taking a byte of what waits */
#define GROUPS_MAX 256
#define LAST_ANSWER 60   /* seconds a client that says no more may wait */
#define LINES_SPAN 60000 /* ms */
#define LINES_MOST 10    /* about clients that are refused or cut off, in that span */

struct client {
	struct clients *all;
	uint64_t id;
	struct bufferevent *bev;
	struct evbuffer *behind; /* what was sent while a line goes out in parts */
	bool parted;             /* one does */
	bool closing;            /* goes when its output is empty */
	bool skipping;           /* the rest of a line that was too long */
	int64_t ended;           /* mono ms when it shut its writing side; it still gets the answer it waits for */
};

struct clients {
	struct event_base *base;
	struct event *acceptable, *reaper, *again, *pump, *fresh;
	unsigned turn;  /* the place whose client is asked next for a part */
	unsigned work;  /* done for requests in this turn of the loop */
	bool late;      /* a part was due in the turn before, and not made */
	unsigned first; /* the place whose client is listened to first in the next one */
	int listener;
	struct clients_who who;
	struct clients_ops ops;
	void *arg;
	uint64_t next_id;
	struct client *v[PLACES_MAX];
	struct place places[PLACES_MAX];
	struct limit lines;
};

static bool in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof groups;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof groups[0]; i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

/* The file's mode has let them in already; this holds should the file ever be made more generous. */
static bool may_speak(int fd, const struct clients_who *may, struct ucred *who)
{
	socklen_t len = sizeof *who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &len) != 0)
		return false;
	if (who->uid == 0)
		return true;
	if (who->uid == may->never[0] || who->uid == may->never[1])
		return false;
	return who->gid == may->group || in_group(fd, may->group);
}

static void complain(struct clients *all, const char *what)
{
	unsigned lost;
	bool passes = limit_passes(&all->lines, moment_now().mono.ms, LINES_SPAN, LINES_MOST, &lost);
	if (lost > 0)
		log_line(LOG_LEVEL_WARNING, "control: %u more lines about clients were left out", lost);
	if (passes)
		log_line(LOG_LEVEL_WARNING, "control: a client %s", what);
}

static size_t unread(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev)) + evbuffer_get_length(c->behind);
}

static void client_free(struct client *c, bool notify)
{
	struct clients *all = c->all;
	uint64_t id = c->id;
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		if (all->v[i] != c)
			continue;
		all->v[i] = NULL;
		all->places[i].taken = false;
	}
	bufferevent_free(c->bev);
	evbuffer_free(c->behind);
	free(c);
	event_add(all->acceptable, NULL); /* there is a place again */
	if (notify)
		all->ops.gone(all->arg, id);
}

static void soon(struct event *timer)
{
	struct timeval now = { 0, 0 };
	evtimer_add(timer, &now);
}

static void reap_soon(struct clients *all) { soon(all->reaper); }

/* Clients are never freed inside a call that may still hold them. */
static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct clients *all = arg;
	(void)fd, (void)what;
	int64_t now = moment_now().mono.ms;
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		struct client *c = all->v[i];
		if (c == NULL)
			continue;
		bool waited = c->ended != 0 && now - c->ended >= LAST_ANSWER * 1000;
		if (waited || (c->closing && !c->parted && unread(c) == 0))
			client_free(c, true);
	}
}

static struct client *find(struct clients *all, uint64_t id)
{
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		if (all->v[i] != NULL && all->v[i]->id == id)
			return all->v[i];
	}
	return NULL;
}

void clients_close(struct clients *all, uint64_t id)
{
	struct client *c = find(all, id);
	if (c == NULL)
		return;
	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	reap_soon(all);
}

static void disconnect(struct client *c, const char *why)
{
	complain(c->all, why);
	c->closing = true;
	c->parted = false;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	evbuffer_drain(c->behind, SIZE_MAX);
	evbuffer_drain(bufferevent_get_output(c->bev), unread(c));
	reap_soon(c->all);
}

void clients_send(struct clients *all, uint64_t id, const char *line)
{
	struct client *c = find(all, id);
	size_t len = strlen(line), total = 0;
	if (c == NULL || c->closing)
		return;
	for (unsigned i = 0; i < PLACES_MAX; i++)
		total += all->v[i] != NULL ? unread(all->v[i]) : 0;
	if (unread(c) + len > UNREAD_MAX || total + len > UNREAD_ALL) {
		disconnect(c, "is disconnected: it does not read its answers");
		return;
	}
	struct evbuffer *out = c->parted ? c->behind : bufferevent_get_output(c->bev);
	evbuffer_add(out, line, len);
	evbuffer_add(out, "\n", 1);
}

/* ---------------------------------------------------------------- lines in parts */
static bool wants_part(const struct client *c)
{
	return c != NULL && c->parted && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0;
}

void clients_begin(struct clients *all, uint64_t id)
{
	struct client *c = find(all, id);
	if (c == NULL || (c->closing && !c->parted))
		return;
	c->parted = true;
	soon(all->pump);
}

void clients_part(struct clients *all, uint64_t id, const char *text, size_t len)
{
	struct client *c = find(all, id);
	if (c != NULL && c->parted)
		evbuffer_add(bufferevent_get_output(c->bev), text, len);
}

void clients_end(struct clients *all, uint64_t id)
{
	struct client *c = find(all, id);
	if (c == NULL || !c->parted)
		return;
	c->parted = false;
	evbuffer_add_buffer(bufferevent_get_output(c->bev), c->behind);
	if (c->closing)
		reap_soon(all);
	else /* its next request may be there already, and nothing was sent */
		bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

/* One part in a turn of the loop, whoever it is for. */
static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct clients *all = arg;
	unsigned first = all->turn;
	(void)fd, (void)what;
	all->late = all->work >= WORK_PER_TURN && !all->late;
	if (all->late) { /* requests were enough for this turn; they are not for the next one, too */
		soon(all->pump);
		return;
	}
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		unsigned place = (first + i) % PLACES_MAX;
		if (!wants_part(all->v[place]))
			continue;
		all->turn = place + 1;
		all->ops.more(all->arg, all->v[place]->id);
		soon(all->pump);
		return;
	}
}

static void say_line(struct client *c, const unsigned char *line, size_t len)
{
	for (unsigned i = 0; i < PLACES_MAX; i++)
		c->all->places[i].asked |= c->all->v[i] == c;
	if (c->all->work == 0)
		soon(c->all->fresh);
	c->all->work += WORK_OF_LINE + (unsigned)len;
	c->all->ops.line(c->all->arg, c->id, (const char *)line, len);
}

/* One line, or as much of a long one as has come; what stands before the end of everything is a line, too. False: nothing to do now. */
static bool take_line(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = 0;
	struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, &len, EVBUFFER_EOL_LF);
	size_t waiting = evbuffer_get_length(in);
	size_t line = end.pos < 0 ? waiting : (size_t)end.pos;
	bool last = c->ended != 0 && waiting > 0;
	if (end.pos < 0 && !c->skipping && waiting <= CONTROL_LINE_MAX && !last)
		return false;
	if (!c->skipping && line <= CONTROL_LINE_MAX) {
		const unsigned char *p = evbuffer_pullup(in, (ssize_t)(line + len));
		say_line(c, p, line);
		evbuffer_drain(in, line + len);
		return true;
	}
	if (!c->skipping) /* refused for its length, whatever is in it */
		say_line(c, evbuffer_pullup(in, (ssize_t)line), line);
	c->skipping = end.pos < 0;
	evbuffer_drain(in, end.pos < 0 ? waiting : line + len);
	return end.pos >= 0;
}

/*
 * Answers come in the order of the requests: the next line stays where it is as long as an answer is awaited. The socket is still read, or
 * nobody would see that the client is gone; so what cannot be kept is answered early, mostly with "busy".
 */
static bool must_wait(const struct client *c)
{
	return c->all->ops.waits(c->all->arg, c->id) && evbuffer_get_length(bufferevent_get_input(c->bev)) <= CONTROL_LINE_MAX;
}

/* Who says no more and has got every answer need not stay. */
static void close_if_done(struct client *c)
{
	if (c->ended == 0 || c->parted || unread(c) > 0 || c->all->ops.waits(c->all->arg, c->id))
		return;
	c->closing = true;
	reap_soon(c->all);
}

static bool has_input(const struct client *c) { return evbuffer_get_length(bufferevent_get_input(c->bev)) > 0; }

static void on_input(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	(void)bev;
	while (!c->closing) {
		if (unread(c) > READ_WHILE) {
			bufferevent_disable(c->bev, EV_READ);
			return;
		}
		if (c->all->work >= WORK_PER_TURN && has_input(c))
			return; /* until on_fresh */
		if (must_wait(c) || !take_line(c)) {
			close_if_done(c);
			return;
		}
	}
}

/* The next turn of the loop: whoever was not listened to any more is. */
static void on_fresh(evutil_socket_t fd, short what, void *arg)
{
	struct clients *all = arg;
	bool full = all->work >= WORK_PER_TURN;
	(void)fd, (void)what;
	all->work = 0;
	all->first++;
	for (unsigned i = 0; i < PLACES_MAX && full; i++) {
		struct client *c = all->v[(all->first + i) % PLACES_MAX];
		if (c != NULL && has_input(c))
			bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
	}
}

static void on_drained(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	if (c->parted)
		soon(c->all->pump);
	if (c->closing) {
		reap_soon(c->all);
		return;
	}
	if (c->ended == 0)
		bufferevent_enable(bev, EV_READ);
	bufferevent_trigger(bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

/* Half closed (`echo ... | nc -U -N`) or gone? A socket whose other end is closed hangs up. */
static bool still_reads(const struct client *c)
{
	struct pollfd p = { .fd = bufferevent_getfd(c->bev) };
	return poll(&p, 1, 0) >= 0 && (p.revents & (POLLHUP | POLLERR)) == 0;
}

static void on_trouble(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;
	if ((what & BEV_EVENT_EOF) != 0 && still_reads(c)) {
		struct timeval later = { LAST_ANSWER + 1, 0 };
		c->ended = moment_now().mono.ms;
		evtimer_add(c->all->reaper, &later);
		bufferevent_trigger(bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
		return;
	}
	if ((what & BEV_EVENT_TIMEOUT) != 0) {
		disconnect(c, "is disconnected: it does not read its answers");
		return;
	}
	client_free(c, true);
}

static void client_new(struct clients *all, int fd, int place, uid_t uid)
{
	struct timeval stalled = { STALLED, 0 };
	struct client *c = xcalloc(1, sizeof *c);
	c->all = all;
	c->id = ++all->next_id;
	c->bev = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		close(fd);
		free(c);
		return;
	}
	c->behind = evbuffer_new();
	all->v[place] = c;
	all->places[place] = (struct place){ .taken = true, .uid = uid, .since = moment_now().mono.ms };
	bufferevent_setcb(c->bev, on_input, on_drained, on_trouble, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, CONTROL_LINE_MAX + 4096);
	bufferevent_set_timeouts(c->bev, NULL, &stalled);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void refuse(struct clients *all, int fd, const char *answer, const char *why)
{
	if (answer[0] != 0)
		send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
	complain(all, why);
}

static void admit(struct clients *all, int fd)
{
	static const char busy[] =
		"{\"version\":1,\"error\":{\"code\":\"busy\",\"text\":\"too many connections of this user\"}}\n";
	struct ucred who;
	if (!may_speak(fd, &all->who, &who)) {
		refuse(all, fd, "", "is refused: it is not in the group");
		return;
	}
	int place = place_for(all->places, who.uid, moment_now().mono.ms);
	if (place < 0) {
		refuse(all, fd, busy, "is refused: its user has too many connections");
		return;
	}
	if (all->v[place] != NULL)
		client_free(all->v[place], true);
	client_new(all, fd, place, who.uid);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct clients *all = arg;
	struct timeval soon = { PLACES_IDLE / 1000, PLACES_IDLE % 1000 * 1000 };
	(void)what;
	while (places_left(all->places, moment_now().mono.ms)) {
		int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got < 0)
			return;
		admit(all, got);
	}
	/* All places are taken: who comes now waits in the listener's queue, until somebody leaves or has idled for long enough. */
	event_del(all->acceptable);
	evtimer_add(all->again, &soon);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	clients_open(arg);
}

struct clients *clients_new(
	struct event_base *base, int listener, const struct clients_who *who, const struct clients_ops *ops, void *arg)
{
	struct clients *all = xcalloc(1, sizeof *all);
	*all = (struct clients){ .base = base, .listener = listener, .who = *who, .ops = *ops, .arg = arg };
	all->reaper = evtimer_new(base, on_reap, all);
	all->again = evtimer_new(base, on_again, all);
	all->pump = evtimer_new(base, on_pump, all);
	all->fresh = evtimer_new(base, on_fresh, all);
	all->acceptable = event_new(base, listener, EV_READ | EV_PERSIST, on_acceptable, all);
	return all;
}

void clients_open(struct clients *all) { event_add(all->acceptable, NULL); }

void clients_free(struct clients *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		if (all->v[i] != NULL)
			client_free(all->v[i], false);
	}
	event_free(all->acceptable);
	event_free(all->reaper);
	event_free(all->again);
	event_free(all->pump);
	event_free(all->fresh);
	close(all->listener);
	free(all);
}
