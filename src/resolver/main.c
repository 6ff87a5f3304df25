/*
 * main.c - s2sd-resolver: one look-up of one name, in a process of its own: answers from the network are parsed by the C library here, without a
 * capability, a key or a descriptor worth having.
 */
#include "ipc/resolver.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine.h"
#include "ipc/helper.h"

static void look_up(const struct resolver_ask *ask, struct resolver_answer *out)
{
	struct addrinfo hints = { .ai_family = ask->family, .ai_socktype = SOCK_DGRAM }, *list = NULL;
	out->err = getaddrinfo(ask->name, NULL, &hints, &list);
	if (out->err != 0)
		return;
	for (struct addrinfo *a = list; a != NULL && out->n < RESOLVED_MAX; a = a->ai_next) {
		if (addr_from_sockaddr(&out->v[out->n], a->ai_addr, a->ai_addrlen))
			out->n++;
	}
	freeaddrinfo(list);
}

int main(void)
{
	struct resolver_ask ask;
	struct resolver_answer out;
	const char *why;
	helper_begin(RESOLVER_PROGRAM);
	memset(&out, 0, sizeof out);
	alarm(RESOLVER_SECONDS); /* ends the process */
	if (recv(HELPER_FD, &ask, sizeof ask, 0) != (ssize_t)sizeof ask || memchr(ask.name, 0, sizeof ask.name) == NULL ||
		memchr(ask.root, 0, sizeof ask.root) == NULL) {
		fprintf(stderr, "s2sd-resolver: it is started by s2sd\n");
		return 2;
	}
	if (!resolver_confine(&ask, &why)) {
		fprintf(stderr, "s2sd-resolver: %s\n", why);
		return 1;
	}
	resolver_filter(&why); /* where there can be none, the engine has said so */
	look_up(&ask, &out);
	return send(HELPER_FD, &out, sizeof out, MSG_NOSIGNAL) == (ssize_t)sizeof out ? 0 : 1;
}
