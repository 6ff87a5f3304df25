/*
 * request_help.h - a keeper with the null kernel, and the other end of its engine's socket in the hands of a test.
 */
#ifndef UNIT_REQUEST_HELP_H
#define UNIT_REQUEST_HELP_H

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../hostile/first_message.h"
#include "base/log.h"
#include "base/store.h"
#include "conf_help.h"
#include "keeper/keeper.h"
#include "keeper/notify.h"
#include "unit.h"

static struct keeper k;
static struct ipc *engine; /* the evil one's end */
static pid_t victim;       /* stands for its process */

static inline void on_message(void *arg, struct ipc_message *m) { keeper_request(arg, m); }
static inline void on_gone(void *arg) { engine_fail(arg, NULL); }
static inline void on_timer(evutil_socket_t fd, short what, void *arg) { (void)fd, (void)what, (void)arg; }

static inline void setup(void)
{
	static const struct ipc_watcher w = { on_message, on_gone, &k };
	const char *why;
	int pair[2];
	ck_assert_msg(alg_init(&why), "%s", why);
	memset(&k, 0, sizeof k);
	k.ops = &kernel_null;
	k.conf = conf_good("tunnels:\n"
			   "  a: { remote: 192.0.2.1, local-id: 'fqdn:us.example', remote-id: 'fqdn:them.example',"
			   " psk-file: a-long-enough-name, routes: 10.1.0.0/16 }\n");
	conf_adopt(k.conf, NULL);
	k.base = event_base_new();
	k.restart_timer = evtimer_new(k.base, on_timer, &k);
	k.reload_timer = evtimer_new(k.base, keeper_reload_waiting, &k);
	table_init(&k.tunnels, 1);
	ck_assert(keeper_kernel_open(&k));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	victim = fork();
	if (victim == 0)
		for (;;)
			pause();
	k.engine_pid = victim;
	k.accounts.engine.uid = geteuid();
	k.engine = ipc_new(pair[0]);
	engine = ipc_new(pair[1]);
	ipc_watch(k.engine, k.base, &w);
	k.phase = PHASE_RUN;
	k.pong_at = keeper_awake();
	k.set_up = true;
	k.on_request = keeper_request;
	k.stores.engine = k.stores.own = -1;
	k.ready = true;
}

static inline void teardown(void)
{
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	ipc_free(k.engine);
	ipc_free(engine);
	keeper_kernel_close(&k);
	event_free(k.restart_timer);
	event_free(k.reload_timer);
	event_base_free(k.base);
	conf_free(k.conf);
}

static inline void turn(void)
{
	for (unsigned i = 0; i < 5; i++)
		event_base_loop(k.base, EVLOOP_NONBLOCK);
}

/* What came back of that kind; false: nothing. */
static inline bool answered(uint32_t kind, void *body, size_t size)
{
	struct ipc_message m;
	bool found = false;
	turn();
	while (!found && ipc_receive(engine, &m) == 1) {
		found = m.head.kind == kind && m.head.size >= size;
		if (found)
			memcpy(body, m.body, size);
		ipc_done(engine, &m);
	}
	return found;
}

static inline bool engine_lives(void) { return k.engine != NULL && k.engine_pid == victim && kill(victim, 0) == 0; }

static inline struct msg_install pair_of(uint32_t spi_out, uint32_t spi_in)
{
	struct esp_sa sa = { .tunnel = k.conf->tunnels[0]->id,
		.dir = ESP_OUT,
		.spi = spi_out,
		.suite = { PROTOCOL_ESP, ENCR_AES_GCM_16, 128, 0, INTEG_NONE, 0, 0 },
		.encr_key = { .len = 20 } };
	struct msg_install m;
	memset(&m, 0, sizeof m);
	ck_assert(addr_parse(&sa.local, "198.51.100.7") && addr_parse(&sa.remote, "192.0.2.1"));
	m.sas.out = m.sas.in = sa;
	m.sas.in.dir = ESP_IN;
	m.sas.in.spi = spi_in;
	return m;
}

static inline int installed(uint32_t spi_out, uint32_t spi_in)
{
	struct msg_result result = { 0 };
	struct msg_install m = pair_of(spi_out, spi_in);
	ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
	ck_assert(answered(MSG_KERNEL_RESULT, &result, sizeof result));
	return result.err;
}

#endif
