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

#define IPC_TOGETHER 16 /* messages per system call */
#define IPC_BATCH 64    /* messages handled before other events get their turn */
#define IPC_SNDBUF (1 << 20)

struct waiting { /* a message the socket did not take yet */
	struct waiting *next;
	unsigned n_fds;
	int fds[IPC_FDS_MAX]; /* duplicates, ours */
	size_t size;
	uint8_t data[]; /* head and body */
};

struct ipc {
	int fd;
	bool freed; /* ipc_free was called by a handler that is still running */
	bool busy;
	unsigned held;
	bool lost; /* sending failed for good; reported to the watcher once */
	struct waiting *first, **last;
	size_t backlog;
	struct event *readable, *writable;
	struct ipc_watcher watcher;
	struct {
		struct ipc_head head;
		uint8_t body[IPC_BODY_MAX];
	} __attribute__((aligned(16))) in;
};

struct ipc *ipc_new(int fd)
{
	struct ipc *c = xcalloc(1, sizeof *c);
	c->fd = fd;
	c->last = &c->first;
	int size = IPC_SNDBUF;
	/* Without CAP_NET_ADMIN the ordinary option is cut to the system's limit: smaller, not wrong. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return c;
}

static void waiting_free(struct waiting *w)
{
	for (unsigned i = 0; i < w->n_fds; i++)
		close(w->fds[i]);
	wipe(w->data, w->size);
	free(w);
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
	c->readable = c->writable = NULL;
	close(c->fd);
	c->fd = -1;
	for (struct waiting *w = c->first, *next; w != NULL; w = next) {
		next = w->next;
		waiting_free(w);
	}
	c->first = NULL;
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

static bool enqueue(struct ipc *c, const struct ipc_head *head, const void *body, const int *fds, unsigned n_fds)
{
	if (c->backlog + head->size > IPC_BACKLOG_MAX)
		return false;
	struct waiting *w = xcalloc(1, sizeof *w + sizeof *head + head->size);
	w->size = sizeof *head + head->size;
	memcpy(w->data, head, sizeof *head);
	if (head->size > 0)
		memcpy(w->data + sizeof *head, body, head->size);
	for (unsigned i = 0; i < n_fds; i++) {
		w->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (w->fds[i] < 0) {
			waiting_free(w);
			return false;
		}
		w->n_fds = i + 1;
	}
	*c->last = w;
	c->last = &w->next;
	c->backlog += w->size;
	if (c->writable != NULL && c->held == 0)
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
	if (c->first == NULL && c->held == 0) {
		struct iovec iov[2] = { { (void *)head, sizeof *head }, { (void *)body, head->size } };
		sent = transmit(c->fd, iov, head->size > 0 ? 2 : 1, fds, n_fds);
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

/* How many of those that wait were sent; 0 the socket is full, -1 the other end is gone. Descriptors travel alone. */
static int transmit_some(const struct ipc *c)
{
	struct mmsghdr v[IPC_TOGETHER] = { 0 };
	struct iovec iov[IPC_TOGETHER];
	unsigned n = 0;
	for (const struct waiting *w = c->first; w != NULL && w->n_fds == 0 && n < IPC_TOGETHER; w = w->next) {
		iov[n] = (struct iovec){ (void *)w->data, w->size };
		v[n].msg_hdr.msg_iov = &iov[n];
		v[n].msg_hdr.msg_iovlen = 1;
		n++;
	}
	if (n < 2) {
		iov[0] = (struct iovec){ c->first->data, c->first->size };
		return transmit(c->fd, iov, 1, c->first->fds, c->first->n_fds);
	}
	int sent;
	do
		sent = sendmmsg(c->fd, v, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : passes(errno) ? 0 : -1;
}

bool ipc_flush(struct ipc *c)
{
	while (c->first != NULL) {
		int sent = transmit_some(c);
		if (sent < 0)
			return lose(c);
		if (sent == 0) {
			if (c->writable != NULL)
				event_add(c->writable, NULL);
			return true;
		}
		while (sent-- > 0) {
			struct waiting *w = c->first;
			c->first = w->next;
			c->backlog -= w->size;
			waiting_free(w);
		}
		if (c->first == NULL)
			c->last = &c->first;
	}
	if (c->writable != NULL)
		event_del(c->writable);
	return true;
}

void ipc_hold(struct ipc *c) { c->held++; }

void ipc_let_go(struct ipc *c)
{
	if (--c->held == 0 && c->first != NULL && !c->freed && !c->lost)
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

int ipc_receive(struct ipc *c, struct ipc_message *m)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} control;
	struct iovec iov = { &c->in, sizeof c->in };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	*m = (struct ipc_message){ .body = c->in.body };
	ssize_t n;
	do
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	take_fds(&msg, m);
	bool whole = n >= (ssize_t)sizeof c->in.head && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
	if (whole && (size_t)n == sizeof c->in.head + c->in.head.size) {
		m->head = c->in.head;
		return 1;
	}
	ipc_done(c, m);
	return -1;
}

void ipc_done(struct ipc *c, struct ipc_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++) {
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	}
	m->n_fds = 0;
	wipe(&c->in, sizeof c->in.head + m->head.size);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc *c = arg;
	(void)fd, (void)what;
	int got = c->lost ? -1 : 1;
	c->busy = true;
	ipc_hold(c);
	for (unsigned i = 0; i < IPC_BATCH && got > 0 && !c->freed; i++) {
		struct ipc_message m;
		got = ipc_receive(c, &m);
		if (got <= 0)
			break;
		c->watcher.message(c->watcher.arg, &m);
		ipc_done(c, &m);
	}
	ipc_let_go(c);
	if (got < 0 && !c->freed) {
		event_del(c->readable);
		c->watcher.gone(c->watcher.arg);
	}
	c->busy = false;
	release_unused(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	ipc_flush(arg);
}

void ipc_watch(struct ipc *c, struct event_base *base, const struct ipc_watcher *w)
{
	c->watcher = *w;
	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
	event_add(c->readable, NULL);
	if (c->first != NULL)
		event_add(c->writable, NULL);
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
