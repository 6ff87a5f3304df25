/*
 * main.c - s2sd-signer: the process with the private keys of certificates. It signs what the keeper has put together, one request after the other; it
 * has no network, and parses nothing but key files that the operator wrote. Keys of tokens (PKCS#11, TPM) are in a second such process, where the code of
 * their providers runs.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "confine.h"
#include "crypto/alg.h"
#include "ipc/helper.h"
#include "ipc/loop.h"
#include "ipc/memory.h"
#include "keys.h"

static void ignore_signals(void)
{
	/* The keeper decides when to end; a terminal or a service manager signals the whole group. */
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT };
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* 1: a message, to be given back; -1: the keeper is gone. */
static int next(struct ipc *ipc, struct ipc_message *m)
{
	struct pollfd p = { .fd = HELPER_FD, .events = POLLIN };
	int got;
	while ((got = ipc_receive(ipc, m)) == 0) {
		p.events = (short)(POLLIN | (ipc_backlog(ipc) > 0 ? POLLOUT : 0));
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -1;
		if (!ipc_flush(ipc))
			return -1;
	}
	return got;
}

static bool receive_setup(struct ipc *ipc, struct signer_setup *s)
{
	struct ipc_message m;
	if (next(ipc, &m) != 1)
		return false;
	bool ok = m.head.kind == SIGNER_SETUP && m.head.size == sizeof *s;
	if (ok)
		memcpy(s, m.body, sizeof *s);
	ipc_done(ipc, &m);
	return ok && s->tokens <= 1 && s->n_groups <= SIGNER_GROUPS_MAX && memchr(s->root, 0, sizeof s->root) != NULL;
}

static bool serve(struct ipc *ipc, const struct ipc_message *m, bool tokens)
{
	struct signer_signature out;
	struct bytes body = bytes_of(m->body, m->head.size);
	switch (m->head.kind) {
	case SIGNER_KEY: return keys_take(body, tokens);
	case SIGNER_FORGET: keys_forget(); return true;
	case SIGNER_SIGN:
		return keys_sign(body, moment_now().mono, &out) &&
		       ipc_send(ipc, SIGNER_SIGNATURE, m->head.ticket, &out, sizeof out);
	}
	return false;
}

int main(void)
{
	struct signer_setup s;
	struct ipc_message m;
	int type = 0;
	socklen_t len = sizeof type;
	const char *why = NULL;
	if (getsockopt(HELPER_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
		fprintf(stderr, SIGNER_PROGRAM ": it is started by s2sd\n");
		return 2;
	}
	helper_begin(SIGNER_PROGRAM);
	ignore_signals();
	bool loaded = alg_init(&why); /* reads files: before the root directory is empty */
	struct ipc *ipc = ipc_new(HELPER_FD);
	if (!receive_setup(ipc, &s))
		return 0; /* the keeper changed its mind */
	memory_lock();
	if (!loaded || !signer_confine(&s, &why)) {
		fprintf(stderr, SIGNER_PROGRAM ": %s\n", why);
		return 1;
	}
	if (!s.tokens)
		signer_filter(&why); /* where there can be none, the engine has said so */
	ipc_cork(ipc);
	while (next(ipc, &m) == 1) {
		bool ok = serve(ipc, &m, s.tokens);
		ipc_done(ipc, &m);
		/* What was asked for together is answered together, but for what a token takes its time for. */
		if (!ok || ((s.tokens || !ipc_has_more(ipc)) && !ipc_flush(ipc)))
			break;
	}
	keys_forget();
	return 0;
}
