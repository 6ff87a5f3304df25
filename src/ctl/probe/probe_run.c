/*
 * probe_run.c - asks the questions of the plan over a socket of its own, one at a time and at most five datagrams a second.
 * What is not answered is repeated once.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/system.h"
#include "base/path.h"
#include "probe.h"

#define COOKIES_MAX 2
#define FIRST_TRIES 3
#define TRIES 2
#define MARKER 4 /* RFC 3948 2.2: port 4500 wants to know ESP from IKE */

const struct probe_pace probe_politely = { 200, 1000, 2000 };

struct line {
	int fd;
	const struct probe_pace *pace;
	struct probe_ends ends;
	struct probe_cost *cost;
	struct probe_name name;
	int64_t sent; /* when */
	bool refused;
};

static bool open_line(struct line *l, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss), own = sizeof ss;
	l->fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mark = PEER_MARK;
	if (l->fd < 0)
		return false;
	/* The daemon's way to a peer that lies behind a tunnel; only root may. */
	setsockopt(l->fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	if (connect(l->fd, (struct sockaddr *)&ss, len) != 0 || getsockname(l->fd, (struct sockaddr *)&ss, &own) != 0) {
		close(l->fd);
		return false;
	}
	addr_from_sockaddr(&l->ends.local, (struct sockaddr *)&ss, own);
	l->ends.remote = *to;
	l->cost->local = l->ends.local;
	return true;
}

static void rest(struct line *l)
{
	int64_t left = l->sent + l->pace->gap - system_ms();
	if (l->sent != 0 && left > 0)
		poll(NULL, 0, (int)left);
}

static void send_one(struct line *l, const uint8_t *datagram, size_t n)
{
	uint8_t marked[MARKER + PROBE_DATAGRAM] = { 0 };
	size_t head = l->ends.remote.port == IKE_NATT_PORT ? MARKER : 0;
	rest(l);
	memcpy(marked + head, datagram, n);
	if (send(l->fd, marked, head + n, 0) < 0 && errno == ECONNREFUSED)
		l->refused = true;
	l->sent = system_ms();
	l->cost->datagrams++;
}

/* The answer to this SPI within the time; what is none is read past. */
static bool hear(struct line *l, const uint8_t spi[IKE_SPI_LEN], int wait, struct probe_answer *a)
{
	static uint8_t mem[IKE_MESSAGE_MAX];
	int64_t until = system_ms() + wait;
	for (int64_t left = wait; left > 0 && !l->refused; left = until - system_ms()) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		ssize_t n = recv(l->fd, mem, sizeof mem, 0);
		if (n < 0 && errno == ECONNREFUSED)
			l->refused = true;
		size_t head = l->ends.remote.port == IKE_NATT_PORT ? MARKER : 0;
		if (n > (ssize_t)head && probe_read(bytes_of(mem + head, (size_t)n - head), spi, a))
			return true;
	}
	return false;
}

/* True when it was sent once only. */
static bool ask_once(struct line *l, const struct probe_question *q, bool first, struct probe_answer *a)
{
	uint8_t datagram[PROBE_DATAGRAM];
	size_t n = probe_write(q, &l->ends, &l->name, rng_fill, NULL, datagram);
	for (int i = 0; n > 0 && i < (first ? FIRST_TRIES : TRIES) && !l->refused; i++) {
		send_one(l, datagram, n);
		if (hear(l, l->name.spi, first ? l->pace->first_wait : l->pace->wait, a))
			return i == 0;
	}
	*a = (struct probe_answer){ .kind = PROBE_SILENT, .group = -1 };
	return false;
}

static void new_name(struct line *l)
{
	rng_fill(NULL, &l->name, sizeof l->name);
	l->name.spi[0] |= 1; /* never all zero */
	l->name.n_cookie = 0;
}

/* Who wants cookies is asked under the same name again, so that one cookie lasts; but not when a second answer may be under way. */
static void ask(struct line *l, const struct probe_question *q, bool first, struct probe_answer *a)
{
	if (l->name.n_cookie == 0)
		new_name(l);
	for (int i = 0; i <= COOKIES_MAX; i++) {
		bool once = ask_once(l, q, first, a);
		if (a->kind != PROBE_COOKIE && !once)
			new_name(l);
		if (a->kind != PROBE_COOKIE)
			return;
		l->cost->cookies = true;
		l->name.n_cookie = a->n_cookie;
		memcpy(l->name.cookie, a->cookie, a->n_cookie);
	}
	a->kind = PROBE_SILENT;
	new_name(l);
}

enum probe_end probe_run(struct probe *p, const struct addr *to, const struct probe_pace *pace, struct probe_cost *cost)
{
	struct line l = { .pace = pace, .cost = cost };
	const struct probe_question *q;
	struct probe_answer a;
	int64_t began = system_ms();
	*cost = (struct probe_cost){ 0 };
	if (!open_line(&l, to))
		return PROBE_NO_SOCKET;
	while (!l.refused && (q = probe_next(p)) != NULL) {
		ask(&l, q, !p->answers, &a);
		if (l.refused && a.kind == PROBE_SILENT)
			break;
		probe_take(p, &a);
	}
	close(l.fd);
	cost->ms = system_ms() - began;
	return l.refused ? PROBE_UNREACHABLE : PROBE_ENDED;
}
