/* nl.c - netlink requests over libmnl. */
#include "nl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/mem.h"

#define REQUEST_BUFFER (8 << 20)
#define IN_BYTES 65536

struct mnl_socket *nl_socket(int bus, size_t receive_buffer)
{
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (s == NULL)
		return NULL;
	int fd = mnl_socket_get_fd(s), size = (int)receive_buffer, on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &on, sizeof on);
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof on);
	return s;
}

int nl_open(struct nl *nl, int bus, char *why)
{
	memset(nl, 0, sizeof *nl);
	nl->why = why;
	nl->sock = nl_socket(bus, REQUEST_BUFFER);
	if (nl->sock == NULL)
		return -errno;
	/* The kernel answers within the call. The limit is for the day when an answer was lost. */
	struct timeval limit = { .tv_sec = 10 };
	int on = 1;
	setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (bus == NETLINK_ROUTE)
		mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;
		nl_close(nl);
		return error;
	}
	nl->out = xcalloc(1, NL_BATCH_BYTES);
	nl->in = xcalloc(1, IN_BYTES);
	return 0;
}

uint32_t nl_port(const struct nl *nl) { return nl->sock != NULL ? mnl_socket_get_portid(nl->sock) : 0; }

void nl_close(struct nl *nl)
{
	if (nl->sock != NULL)
		mnl_socket_close(nl->sock);
	if (nl->out != NULL)
		wipe(nl->out, NL_BATCH_BYTES);
	if (nl->in != NULL)
		wipe(nl->in, IN_BYTES);
	free(nl->out);
	free(nl->in);
	memset(nl, 0, sizeof *nl);
}

int nl_fail(const struct nl *nl, int error, const char *what, const char *extra)
{
	bool more = extra != NULL && extra[0] != 0;
	snprintf(nl->why, NL_WHY, "cannot %s: %s%s%s", what, strerror(-error), more ? ": " : "", more ? extra : "");
	return error;
}

/* The kernel's own sentence, behind the (capped) error. */
static const char *extended(const struct nlmsghdr *h)
{
	struct attrs a;
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	size_t fixed = sizeof *e;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		fixed += MNL_ALIGN(e->msg.nlmsg_len) - sizeof e->msg;
	attrs_read(&a, h, fixed);
	return attr_text(&a, NLMSGERR_ATTR_MSG);
}

static int error_of(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlm_fixed(h, sizeof *e);
	return e != NULL ? e->error : -EBADMSG;
}

/* A dump that breaks off says so at its end. What came until then is not all. */
static int error_at_end(const struct nlmsghdr *h)
{
	int error = 0;
	const void *p = nlm_fixed(h, sizeof error);
	if (p != NULL)
		memcpy(&error, p, sizeof error);
	return error < 0 ? error : 0;
}

static ssize_t receive(struct nl *nl)
{
	ssize_t n;
	do
		n = mnl_socket_recvfrom(nl->sock, nl->in, IN_BYTES);
	while (n < 0 && errno == EINTR);
	return n < 0 ? (errno == EAGAIN ? -ETIMEDOUT : -errno) : n;
}

static int transmit(struct nl *nl, const void *bytes, size_t n)
{
	ssize_t sent;
	do
		sent = mnl_socket_sendto(nl->sock, bytes, n);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static unsigned take_answers(struct nl *nl, ssize_t n)
{
	unsigned taken = 0;
	int left = (int)n;
	for (const struct nlmsghdr *h = (void *)nl->in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		uint32_t i = h->nlmsg_seq - nl->slot[0].seq;
		if (h->nlmsg_type != NLMSG_ERROR || i >= nl->n || nl->slot[i].done)
			continue;
		int error = error_of(h);
		nl->slot[i].done = true;
		taken++;
		if (error != 0 && -error != nl->slot[i].fine && nl->error == 0)
			nl->error = nl_fail(nl, error, nl->slot[i].what, extended(h));
	}
	return taken;
}

static void send_batch(struct nl *nl)
{
	int error = transmit(nl, nl->out, nl->out_len);
	unsigned missing = error == 0 ? nl->n : 0;
	while (missing > 0 && error == 0) {
		ssize_t n = receive(nl);
		if (n < 0)
			error = (int)n;
		else
			missing -= take_answers(nl, n);
	}
	if (error != 0 && nl->error == 0)
		nl->error = nl_fail(nl, error, nl->slot[0].what, "netlink");
	wipe(nl->out, nl->out_len);
	nl->out_len = 0;
	nl->n = 0;
}

void nl_add(struct nl *nl, struct nlm *m, const char *what, int fine)
{
	if (m->bad) {
		if (nl->error == 0)
			nl->error = nl_fail(nl, -EMSGSIZE, what, "too much for one message");
		return;
	}
	if (nl->silent)
		return;
	size_t size = MNL_ALIGN(m->head.nlmsg_len);
	if (nl->n == NL_BATCH || nl->out_len + size > NL_BATCH_BYTES)
		send_batch(nl);
	m->head.nlmsg_flags |= NLM_F_ACK;
	m->head.nlmsg_seq = ++nl->seq;
	nl->slot[nl->n++] = (struct nl_slot){ .seq = nl->seq, .fine = fine, .what = what };
	memcpy(nl->out + nl->out_len, m->raw, size);
	nl->out_len += size;
}

int nl_flush(struct nl *nl)
{
	if (nl->n > 0)
		send_batch(nl);
	int error = nl->error;
	nl->error = 0;
	return error;
}

int nl_call(struct nl *nl, struct nlm *m, const char *what, int fine)
{
	nl_add(nl, m, what, fine);
	return nl_flush(nl);
}

/* Reads one datagram of an answer; 1 = more to come, 0 = the end. */
static int take_part(struct nl *nl, ssize_t n, bool dump, nl_fn fn, void *arg, bool *changed)
{
	int left = (int)n;
	for (const struct nlmsghdr *h = (void *)nl->in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != nl->seq)
			continue;
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			*changed = true;
		/* Absence is an answer that callers expect: the sentence is theirs to keep or to drop. */
		if (h->nlmsg_type == NLMSG_ERROR && error_of(h) != 0)
			return nl_fail(nl, error_of(h), nl->slot[0].what, extended(h));
		if (h->nlmsg_type == NLMSG_DONE && error_at_end(h) != 0)
			return nl_fail(nl, error_at_end(h), nl->slot[0].what, "");
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return 0;
		if (fn != NULL && h->nlmsg_type >= NLMSG_MIN_TYPE)
			fn(arg, h);
		if (!dump && !(h->nlmsg_flags & NLM_F_MULTI))
			return 0;
	}
	return 1;
}

static int ask(struct nl *nl, struct nlm *m, const char *what, bool dump, nl_fn fn, void *arg)
{
	bool changed = false;
	if (m->bad)
		return nl_fail(nl, -EMSGSIZE, what, NULL);
	m->head.nlmsg_seq = ++nl->seq;
	nl->slot[0].what = what;
	int more = transmit(nl, m->raw, m->head.nlmsg_len);
	if (more < 0)
		return nl_fail(nl, more, what, NULL);
	do {
		ssize_t n = receive(nl);
		if (n < 0)
			return nl_fail(nl, (int)n, what, "netlink");
		more = take_part(nl, n, dump, fn, arg, &changed);
		wipe(nl->in, (size_t)n); /* SAs are dumped with their keys */
	} while (more > 0);
	return more == 0 && changed ? -EINTR : more;
}

int nl_get(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg) { return ask(nl, m, what, false, fn, arg); }

int nl_dump(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg)
{
	m->head.nlmsg_flags |= NLM_F_DUMP;
	return ask(nl, m, what, true, fn, arg);
}

static void take_verdict(struct nl *nl, ssize_t n, const char *what, bool *accepted, int *first)
{
	int left = (int)n;
	for (const struct nlmsghdr *h = (void *)nl->in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_type != NLMSG_ERROR)
			continue;
		if (error_of(h) == 0)
			*accepted = true;
		else if (*first == 0)
			*first = nl_fail(nl, error_of(h), what, extended(h));
	}
}

int nl_transact(struct nl *nl, const void *bytes, size_t n, const char *what)
{
	int error = transmit(nl, bytes, n);
	if (error != 0)
		return nl_fail(nl, error, what, NULL);
	/* All answers are queued by now: one acknowledgement, or errors. */
	bool accepted = false;
	int first = 0;
	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(nl->sock), nl->in, IN_BYTES, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		take_verdict(nl, got, what, &accepted, &first);
	}
	if (first == 0 && !accepted)
		first = nl_fail(nl, -EPROTO, what, "no answer");
	return first;
}
