/*
 * resolve.c - ACTION_RESOLVE: an address becomes a path by the routing table, a name by a resolver child first.
 */
#include "keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "helper.h"
#include "ipc/helper.h"
#include "ipc/privilege.h"
#include "ipc/resolver.h"

#define NO_TICKET ((struct ike_ticket){ 0, 0 })

struct resolver {
	struct resolver *next; /* while waiting for a free place */
	struct keeper *keeper;
	struct msg_resolve ask;
	pid_t pid;
	int fd;
	struct event *readable;
};

static void send_answer(struct keeper *k, const struct msg_resolved *out)
{
	keeper_send(k, MSG_RESOLVED, NO_TICKET, out, sizeof *out);
}

static void add_path(struct keeper *k, const struct msg_resolve *ask, const struct addr *remote, struct msg_resolved *out)
{
	char text[ADDR_TEXT];
	struct addr local = { 0 };
	uint32_t mtu = 0;
	if (out->n >= RESOLVED_MAX || (ask->local.family != 0 && ask->local.family != remote->family))
		return;
	int err = k->ops->path(k->kernel, remote, &local, &mtu);
	if (err != 0) {
		out->no_route = true;
		snprintf(out->why, sizeof out->why, "no route to %s (%s)", addr_format(remote, text), strerror(-err));
		return;
	}
	out->v[out->n++] = (struct ike_path){
		.local = ask->local.family != 0 ? ask->local : local, .remote = *remote, .mtu = mtu
	};
}

/* An answer of DNS is nobody's word: what the configuration forbids is not even dialled. */
static uint32_t permitted(struct keeper *k, struct msg_resolved *out, const struct addr *v, uint32_t n, struct addr *kept)
{
	struct tunnel_run *t = keeper_tunnel(k, out->tunnel);
	char why[CONF_PEER_WHY];
	uint32_t left = 0;
	for (uint32_t i = 0; i < n && t != NULL; i++) {
		if (keeper_peer_permitted(k, t, &v[i], why))
			kept[left++] = v[i];
		else
			snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, why);
	}
	return left;
}

static void answer(struct keeper *k, const struct msg_resolve *ask, const struct addr *v, uint32_t n, const char *why)
{
	struct msg_resolved out;
	memset(&out, 0, sizeof out);
	out.tunnel = ask->tunnel;
	out.query = ask->query;
	snprintf(out.why, sizeof out.why, "%s", why);
	struct addr kept[RESOLVED_MAX];
	if (ask->name[0] != 0) {
		n = permitted(k, &out, v, n, kept);
		v = kept;
	}
	/* The host route is there before the first datagram to it leaves. */
	if (n > 0 && ask->name[0] != 0)
		keeper_tunnel_found(k, ask->tunnel, &v[0]);
	for (uint32_t i = 0; i < n; i++)
		add_path(k, ask, &v[i], &out);
	send_answer(k, &out);
}

static void release(struct keeper *k, struct resolver *r)
{
	for (unsigned i = 0; i < RESOLVERS_MAX; i++) {
		if (k->resolve.v[i] == r)
			k->resolve.v[i] = NULL;
	}
	if (r->readable != NULL)
		event_free(r->readable);
	if (r->fd >= 0)
		close(r->fd);
	/* Nobody else collects children, so the number is still this child's. */
	if (r->pid > 0) {
		privilege_kill(r->pid, k->accounts.resolver.uid);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	free(r);
}

static void start_waiting(struct keeper *k);

/* The child parses what strangers sent: its answer is judged like theirs. */
static bool answer_is_sane(const struct resolver_answer *a)
{
	if (a->n > RESOLVED_MAX)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->v[i].family != AF_INET && a->v[i].family != AF_INET6)
			return false;
	}
	return true;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct keeper *k = r->keeper;
	struct resolver_answer a = { 0 };
	char why[MSG_WHY];
	bool whole = (what & EV_READ) != 0 && recv(fd, &a, sizeof a, MSG_DONTWAIT) == (ssize_t)sizeof a && answer_is_sane(&a);
	if (!whole)
		a.n = 0;
	snprintf(why, sizeof why, "%.100s: %s", r->ask.name,
		!whole       ? "no answer in time"
		: a.err != 0 ? gai_strerror(a.err)
			     : "no usable address");
	answer(k, &r->ask, a.v, a.n, why);
	release(k, r);
	start_waiting(k);
}

static void start(struct keeper *k, struct resolver *r, struct resolver **place)
{
	struct timeval limit = { RESOLVER_SECONDS + 1, 0 };
	const struct account *as = &k->accounts.resolver;
	struct resolver_ask ask = { .uid = as->uid, .gid = as->gid, .family = r->ask.local.family };
	memcpy(ask.name, r->ask.name, sizeof ask.name);
	snprintf(ask.root, sizeof ask.root, "%s/" RESOLVER_ROOT, k->opt.rundir);
	int err = helper_start(k->resolver_program, RESOLVER_PROGRAM, &r->pid, &r->fd);
	if (err != 0 || send(r->fd, &ask, sizeof ask, MSG_NOSIGNAL) != (ssize_t)sizeof ask) {
		if (keeper_may_complain(k))
			log_line(LOG_LEVEL_ERROR, "cannot start the resolver: %s", strerror(err != 0 ? -err : errno));
		answer(k, &r->ask, NULL, 0, "the resolver cannot be started");
		release(k, r);
		return;
	}
	r->readable = event_new(k->base, r->fd, EV_READ, on_answer, r);
	event_add(r->readable, &limit);
	*place = r;
}

static void start_waiting(struct keeper *k)
{
	for (unsigned i = 0; i < RESOLVERS_MAX && k->resolve.waiting != NULL; i++) {
		if (k->resolve.v[i] != NULL)
			continue;
		struct resolver *r = k->resolve.waiting;
		k->resolve.waiting = r->next;
		start(k, r, &k->resolve.v[i]);
	}
}

void keeper_resolve(struct keeper *k, const struct msg_resolve *ask)
{
	if (ask->name[0] == 0) {
		answer(k, ask, &ask->remote, 1, "no path");
		return;
	}
	struct resolver **at = &k->resolve.waiting;
	for (; *at != NULL; at = &(*at)->next) {
		/* One waiting question per tunnel: a newer one takes its place, so the queue is never longer than the configuration. */
		if ((*at)->ask.tunnel == ask->tunnel) {
			(*at)->ask = *ask;
			return;
		}
	}
	struct resolver *r = xcalloc(1, sizeof *r);
	r->keeper = k;
	r->ask = *ask;
	r->fd = -1;
	*at = r;
	start_waiting(k);
}

void keeper_resolve_stop(struct keeper *k)
{
	for (struct resolver *r = k->resolve.waiting, *next; r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	k->resolve.waiting = NULL;
	for (unsigned i = 0; i < RESOLVERS_MAX; i++) {
		if (k->resolve.v[i] != NULL)
			release(k, k->resolve.v[i]);
	}
}
