/* ipc.c - see ipc.h. */
#include "ipc/ipc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define IPC_BATCH 64 /* messages handled before other events get their turn */
#define IPC_SNDBUF (1 << 20)
#define IN_MAX IPC_PADDED(sizeof(struct ipc_head) + IPC_BODY_MAX)
_Static_assert(sizeof(struct ipc_head) % IPC_ALIGN == 0, "what follows a head is aligned as the head is");
_Static_assert(IPC_PACK_MAX <= IN_MAX, "the reader has room for any datagram");

struct pack { /* a datagram that the socket did not take yet */
	struct pack *next;
	unsigned n_fds;
	int fds[IPC_FDS_MAX]; /* duplicates, ours */
	size_t used, room;
	uint8_t data[]; /* messages */
};

struct ipc {
	int fd;
	bool freed; /* ipc_free was called by a handler that is still running */
	bool busy;
	bool corked;
	unsigned held;
	bool lost; /* sending failed for good; reported to the watcher once */
	struct pack *first, *last, *spare;
	size_t backlog;
	struct event *readable, *writable, *more; /* more: of the datagram that is being taken apart */
	struct ipc_watcher watcher;
	struct {
		size_t at, end; /* what was not given out yet */
		uint8_t data[IN_MAX] __attribute__((aligned(IPC_ALIGN)));
	} in;
};

struct ipc *ipc_new(int fd)
{
	struct ipc *c = xcalloc(1, sizeof *c);
	c->fd = fd;
	int size = IPC_SNDBUF;
	/* Without CAP_NET_ADMIN the ordinary option is cut to the system's limit: smaller, not wrong. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return c;
}

static void pack_free(struct pack *p)
{
	for (unsigned i = 0; p != NULL && i < p->n_fds; i++)
		close(p->fds[i]);
	if (p != NULL)
		wipe(p->data, p->used);
	free(p);
}

/* One is kept: in most turns of the loop there is one. */
static struct pack *pack_new(struct ipc *c, size_t size)
{
	struct pack *p = c->spare;
	if (size <= IPC_PACK_MAX && p != NULL) {
		c->spare = NULL;
		return p;
	}
	size_t room = size < IPC_PACK_MAX ? IPC_PACK_MAX : size;
	p = xrealloc_array(NULL, 1, sizeof *p + room); /* not cleared: most of it is never written to */
	*p = (struct pack){ .room = room };
	return p;
}

static void pack_done(struct ipc *c, struct pack *p)
{
	if (c->spare != NULL || p->n_fds > 0 || p->room > IPC_PACK_MAX) {
		pack_free(p);
		return;
	}
	wipe(p->data, p->used);
	p->used = 0;
	p->next = NULL;
	c->spare = p;
}

static void release(struct ipc *c)
{
	wipe(c, sizeof *c);
	free(c);
}

/* Whoever holds it has a message in it. */
static void release_unused(struct ipc *c)
{
	if (c->freed && !c->busy && c->held == 0)
		release(c);
}

void ipc_free(struct ipc *c)
{
	if (c == NULL || c->freed)
		return;
	c->freed = true;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->more != NULL)
		event_free(c->more);
	c->readable = c->writable = c->more = NULL;
	close(c->fd);
	c->fd = -1;
	for (struct pack *p = c->first, *next; p != NULL; p = next) {
		next = p->next;
		pack_free(p);
	}
	pack_free(c->spare);
	c->first = c->last = c->spare = NULL;
	release_unused(c);
}

/* ENOBUFS, ENOMEM and ETOOMANYREFS pass as well: the reader has to catch up. */
static bool passes(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS; }

/* 1 sent, 0 the socket is full, -1 the other end is gone */
static int transmit(int fd, const struct iovec *iov, unsigned n_iov, const int *fds, unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} control;
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n_iov };
	if (n_fds > 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 1;
		if (errno == EINTR)
			continue;
		return passes(errno) ? 0 : -1;
	}
}

/* For the end of a batch, or of the loop's turn. */
static bool waits(const struct ipc *c) { return c->held > 0 || c->corked; }

/* Descriptors travel alone with one message: the reader knows whose they are. */
static struct pack *pack_for(struct ipc *c, size_t size, unsigned n_fds)
{
	struct pack *last = c->last;
	if (last != NULL && n_fds == 0 && last->n_fds == 0 && size <= last->room - last->used)
		return last;
	struct pack *p = pack_new(c, size);
	if (c->backlog + p->room > IPC_BACKLOG_MAX) {
		pack_done(c, p);
		return NULL;
	}
	c->backlog += p->room;
	if (last != NULL)
		last->next = p;
	else
		c->first = p;
	c->last = p;
	return p;
}

static bool enqueue(struct ipc *c, const struct ipc_head *head, const void *body, const int *fds, unsigned n_fds)
{
	size_t size = IPC_PADDED(sizeof *head + head->size);
	struct pack *p = pack_for(c, size, n_fds);
	if (p == NULL)
		return false;
	memcpy(p->data + p->used, head, sizeof *head);
	if (head->size > 0)
		memcpy(p->data + p->used + sizeof *head, body, head->size);
	memset(p->data + p->used + sizeof *head + head->size, 0, size - sizeof *head - head->size);
	p->used += size;
	for (unsigned i = 0; i < n_fds; i++) {
		p->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (p->fds[i] < 0)
			return false;
		p->n_fds = i + 1;
	}
	if (c->writable != NULL && !waits(c))
		event_add(c->writable, NULL);
	return true;
}

/* The watcher hears of a lost end from the loop, never from inside a call of its own. */
static bool lose(struct ipc *c)
{
	c->lost = true;
	if (c->readable != NULL)
		event_active(c->readable, EV_READ, 0);
	return false;
}

static bool send_any(struct ipc *c, const struct ipc_head *head, const void *body, const int *fds, unsigned n_fds)
{
	if (c->fd < 0 || c->lost)
		return false;
	if (head->size > IPC_BODY_MAX || n_fds > IPC_FDS_MAX)
		return lose(c);
	int sent = 0;
	if (c->first == NULL && !waits(c)) {
		static const uint8_t zero[IPC_ALIGN];
		struct iovec iov[3] = { { (void *)head, sizeof *head }, { (void *)body, head->size },
			{ (void *)zero, IPC_PADDED(head->size) - head->size } };
		sent = transmit(c->fd, iov, head->size > 0 ? 3 : 1, fds, n_fds);
	}
	if (sent > 0)
		return true;
	if (sent < 0 || !enqueue(c, head, body, fds, n_fds))
		return lose(c);
	return true;
}

bool ipc_send(struct ipc *c, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	if (size > IPC_BODY_MAX)
		return lose(c);
	struct ipc_head head = { kind, (uint32_t)size, ticket };
	return send_any(c, &head, body, NULL, 0);
}

bool ipc_send_fds(struct ipc *c, uint32_t kind, const void *body, size_t size, const int *fds, unsigned n)
{
	if (size > IPC_BODY_MAX)
		return lose(c);
	struct ipc_head head = { kind, (uint32_t)size, { 0, 0 } };
	return send_any(c, &head, body, fds, n);
}

bool ipc_flush(struct ipc *c)
{
	if (c->lost || c->freed)
		return false;
	for (struct pack *p; (p = c->first) != NULL;) {
		struct iovec iov = { p->data, p->used };
		int sent = transmit(c->fd, &iov, 1, p->fds, p->n_fds);
		if (sent < 0)
			return lose(c);
		if (sent == 0) {
			if (c->writable != NULL)
				event_add(c->writable, NULL);
			return true;
		}
		c->first = p->next;
		if (c->first == NULL)
			c->last = NULL;
		c->backlog -= p->room;
		pack_done(c, p);
	}
	if (c->writable != NULL)
		event_del(c->writable);
	return true;
}

bool ipc_has_more(const struct ipc *c) { return c->in.at < c->in.end; }
void ipc_cork(struct ipc *c) { c->corked = true; }
void ipc_hold(struct ipc *c) { c->held++; }

void ipc_let_go(struct ipc *c)
{
	if (--c->held == 0 && !waits(c) && c->first != NULL)
		ipc_flush(c);
	release_unused(c);
}

size_t ipc_backlog(const struct ipc *c) { return c->backlog; }

static void take_fds(struct msghdr *msg, struct ipc_message *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && m->n_fds < IPC_FDS_MAX; i++)
			memcpy(&m->fds[m->n_fds++], CMSG_DATA(h) + i * sizeof(int), sizeof(int));
	}
}

/* What has not been given out is forgotten, as is the message that stood before it. */
static int refuse(struct ipc *c, struct ipc_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++)
		close(m->fds[i]);
	wipe(c->in.data, c->in.end);
	c->in.at = c->in.end = 0;
	*m = (struct ipc_message){ 0 };
	return -1;
}

static int next_message(struct ipc *c, struct ipc_message *m)
{
	const uint8_t *p = c->in.data + c->in.at;
	size_t rest = c->in.end - c->in.at;
	if (rest < sizeof m->head)
		return refuse(c, m);
	memcpy(&m->head, p, sizeof m->head);
	if (m->head.size > IPC_BODY_MAX)
		return refuse(c, m);
	size_t whole = IPC_PADDED(sizeof m->head + m->head.size);
	bool alone = m->n_fds > 0 || c->in.end > IPC_PACK_MAX;
	if (whole > rest || (alone && whole != rest))
		return refuse(c, m);
	m->body = p + sizeof m->head;
	c->in.at += whole;
	return 1;
}

int ipc_receive(struct ipc *c, struct ipc_message *m)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} control;
	struct iovec iov = { c->in.data, sizeof c->in.data };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	*m = (struct ipc_message){ 0 };
	if (c->in.at < c->in.end)
		return next_message(c, m);
	ssize_t n;
	do
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	take_fds(&msg, m);
	c->in.at = 0;
	c->in.end = (size_t)n;
	return (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 ? next_message(c, m) : refuse(c, m);
}

void ipc_done(struct ipc *c, struct ipc_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++) {
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	}
	m->n_fds = 0;
	if (m->body != NULL)
		wipe((uint8_t *)(uintptr_t)m->body - sizeof m->head, sizeof m->head + m->head.size);
	if (c->in.at == c->in.end)
		c->in.at = c->in.end = 0;
}

/* One datagram a turn at most: there is seldom another one, and other events get their turn. What is left of it comes in the next turn. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct ipc *c = arg;
	(void)fd, (void)what;
	int got = c->lost ? -1 : 1;
	bool left = true;
	c->busy = true;
	ipc_hold(c);
	for (unsigned i = 0; i < IPC_BATCH && got > 0 && left && !c->freed && !c->lost; i++) {
		struct ipc_message m;
		got = ipc_receive(c, &m);
		if (got <= 0)
			break;
		c->watcher.message(c->watcher.arg, &m);
		ipc_done(c, &m);
		left = ipc_has_more(c);
	}
	ipc_let_go(c);
	if (!c->freed && got > 0 && left && !c->lost)
		evtimer_add(c->more, &now);
	if (got < 0 && !c->freed) {
		event_del(c->readable);
		event_del(c->more);
		c->watcher.gone(c->watcher.arg);
	}
	c->busy = false;
	release_unused(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc *c = arg;
	(void)fd, (void)what;
	if (!waits(c)) /* else its turn sends it, in its order */
		ipc_flush(c);
}

void ipc_watch(struct ipc *c, struct event_base *base, const struct ipc_watcher *w)
{
	c->watcher = *w;
	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->more = evtimer_new(base, on_readable, c);
	c->writable = event_new(base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
	event_add(c->readable, NULL);
	if (c->first != NULL)
		event_add(c->writable, NULL);
	if (ipc_has_more(c))
		event_active(c->readable, EV_READ, 0);
}

#define BLOB_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int ipc_blob(const void *data, size_t size)
{
	int fd = memfd_create("s2sd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	for (size_t at = 0; at < size;) {
		ssize_t n = write(fd, (const char *)data + at, size - at);
		if (n <= 0 && errno != EINTR)
			goto failed;
		at += n > 0 ? (size_t)n : 0;
	}
	if (fcntl(fd, F_ADD_SEALS, BLOB_SEALS | F_SEAL_SEAL) == 0)
		return fd;
failed:
	close(fd);
	return -1;
}

struct bytes ipc_blob_map(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	/* Without the seals the sender could change what was checked. */
	if (seals < 0 || (seals & BLOB_SEALS) != BLOB_SEALS || fstat(fd, &st) != 0)
		return bytes_of(NULL, 0);
	if (st.st_size <= 0 || st.st_size > (off_t)IPC_BLOB_MAX)
		return bytes_of(NULL, 0);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? bytes_of(NULL, 0) : bytes_of(p, (size_t)st.st_size);
}

void ipc_blob_unmap(struct bytes map)
{
	if (map.p != NULL)
		munmap((void *)map.p, map.n);
}
