/*
 * engine.c - an engine that somebody took over. The keeper starts what lies beside it under the engine's name; in a directory made for it (place) that
 * is this program. Each start takes the first line of the file `deeds` and does it, as the engine's own user in the engine's empty root; what came of it
 * goes into the file `told`, line by line, and its end is a failure to the keeper, who starts the next. No line is left: it becomes the program
 * `honest`, the engine as it is built.
 *
 *	requests TUNNEL ADDRESS    everything that the keeper's table has, with contents that do not belong to the tunnel
 *	auth TUNNEL                AUTH for others, in the other role, over anything
 *	storm                      reloads, as many as the keeper takes in two seconds
 *	sockets                    makes the sockets that it was given useless for whoever gets them next
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/alg.h"
#include "ipc/helper.h"
#include "ipc/ipc.h"
#include "ipc/loop.h"
#include "ipc/msg.h"
#include "ipc/privilege.h"
#include "first_message.h"

#define FDS_MAX (1 + UDP_SOCKETS)
#define PATIENCE 20000 /* ms */
#define STORM 2000     /* ms */

static struct ipc *keeper;
static FILE *told;
static struct conf *conf;
static struct msg_setup setup;
static int fds[FDS_MAX], n_fds;

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vfprintf(told, format, ap);
	va_end(ap);
	fputc('\n', told);
	fflush(told);
}

__attribute__((noreturn)) static void give_up(const char *what)
{
	if (told != NULL)
		tell("gave up: %s (%s)", what, strerror(errno));
	exit(3);
}

/* ---------------------------------------------------------------- talking to the keeper */
static void send_body(uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	if (!ipc_send(keeper, kind, ticket, body, size))
		give_up("the keeper does not listen");
}

static bool next_message(struct ipc_message *m, int wait)
{
	struct pollfd p = { .fd = HELPER_FD, .events = POLLIN };
	for (;;) {
		int got = ipc_receive(keeper, m);
		if (got != 0) {
			if (got < 0)
				give_up("the keeper is gone");
			return true;
		}
		if (poll(&p, 1, wait) <= 0)
			return false;
	}
}

static void pong(const struct ipc_message *m) { send_body(MSG_PONG, m->head.ticket, NULL, 0); }

/* Waits for a message of that kind (and ticket, unless 0); others are dropped. */
static void await(uint32_t kind, uint32_t sa, void *body, size_t size)
{
	struct ipc_message m;
	for (;;) {
		if (!next_message(&m, PATIENCE))
			give_up("no answer");
		bool found = m.head.kind == kind && (sa == 0 || m.head.ticket.sa == sa);
		if (m.head.kind == MSG_PING)
			pong(&m);
		if (found)
			memcpy(body, m.body, size < m.head.size ? size : m.head.size);
		ipc_done(keeper, &m);
		if (found)
			return;
	}
}

static void receive_setup(void)
{
	struct ipc_message m;
	if (!next_message(&m, PATIENCE) || m.head.kind != MSG_SETUP || m.head.size != sizeof setup)
		give_up("no setup");
	memcpy(&setup, m.body, sizeof setup);
	for (; n_fds < (int)m.n_fds && n_fds < FDS_MAX; n_fds++) {
		fds[n_fds] = m.fds[n_fds];
		m.fds[n_fds] = -1;
	}
	ipc_done(keeper, &m);
}

static void receive_conf(void)
{
	struct ipc_message m;
	bool got = next_message(&m, PATIENCE);
	while (got && m.head.kind == MSG_HELD) { /* what the one before him has left in the kernel */
		ipc_done(keeper, &m);
		got = next_message(&m, PATIENCE);
	}
	if (!got || m.head.kind != MSG_CONF || m.n_fds != 1)
		give_up("no configuration");
	struct bytes map = ipc_blob_map(m.fds[0]);
	conf = conf_unpack(map);
	ipc_blob_unmap(map);
	ipc_done(keeper, &m);
	if (conf == NULL)
		give_up("the configuration is malformed");
}

static const struct tunnel_conf *tunnel_named(const char *name)
{
	for (unsigned i = 0; i < conf->n; i++) {
		if (strcmp(conf->tunnels[i]->name, name) == 0)
			return conf->tunnels[i];
	}
	give_up(name);
}

/* ---------------------------------------------------------------- requests */
static uint32_t ticket = 100;

static int asked(uint32_t kind, const void *body, size_t size)
{
	struct msg_result r = { -1, 0 };
	ticket++;
	send_body(kind, (struct ike_ticket){ ticket, 0 }, body, size);
	await(MSG_KERNEL_RESULT, ticket, &r, sizeof r);
	return r.err;
}

/* What was sent before has been judged when this is answered. */
static void settle(void)
{
	static struct msg_counters c;
	send_body(MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0);
	await(MSG_COUNTERS, 0, &c, sizeof c);
}

static struct suite esp_suite(void) { return (struct suite){ .protocol = PROTOCOL_ESP, .encr = ENCR_AES_GCM_16, .keylen = 256 }; }

static struct esp_sa sa_of(uint32_t tunnel, uint8_t dir, const struct addr *local, const struct addr *remote)
{
	struct esp_sa sa;
	memset(&sa, 0, sizeof sa);
	sa.tunnel = tunnel;
	sa.dir = dir;
	sa.spi = 0x66600000u + ticket;
	sa.local = *local;
	sa.remote = *remote;
	sa.suite = esp_suite();
	sa.replay_window = 32;
	sa.encr_key.len = 36;
	return sa;
}

static int install(uint32_t tunnel, uint8_t dir, const struct addr *local, const struct addr *remote, uint32_t *spi)
{
	struct msg_install m;
	memset(&m, 0, sizeof m);
	m.sas.out = sa_of(tunnel, ESP_OUT, local, remote);
	m.sas.in = sa_of(tunnel, ESP_IN, local, remote);
	*spi = dir == ESP_IN ? m.sas.in.spi : m.sas.out.spi;
	return asked(MSG_INSTALL, &m, sizeof m);
}

static int switch_to(uint32_t tunnel, uint32_t spi, const struct addr *local, const struct addr *remote)
{
	struct esp_switch s;
	memset(&s, 0, sizeof s);
	s.tunnel = tunnel;
	s.slot = 1;
	s.spi_out = spi;
	s.local = *local;
	s.remote = *remote;
	return asked(MSG_SWITCH, &s, esp_switch_size(&s));
}

static void link_up(uint32_t tunnel, const struct addr *local, const struct addr *remote)
{
	struct esp_link_state s;
	memset(&s, 0, sizeof s);
	s.tunnel = tunnel;
	s.state = LINK_UP;
	s.suite = esp_suite();
	s.local = *local;
	s.remote = *remote;
	send_body(MSG_LINK, (struct ike_ticket){ 0, 0 }, &s, sizeof s);
}

static void move_to(
	uint32_t tunnel, const uint32_t spi[2], const struct addr *local, const struct addr *from, const struct addr *to)
{
	struct esp_move m;
	memset(&m, 0, sizeof m);
	m.tunnel = tunnel;
	m.spi_in = spi[ESP_IN];
	m.spi_out = spi[ESP_OUT];
	m.old_local = m.new_local = *local;
	m.old_remote = *from;
	m.new_remote = *to;
	send_body(MSG_MOVE, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
}

static void resolve(uint32_t tunnel, const char *name)
{
	struct msg_resolve r;
	memset(&r, 0, sizeof r);
	r.tunnel = tunnel;
	snprintf(r.name, sizeof r.name, "%s", name);
	send_body(MSG_RESOLVE, (struct ike_ticket){ 0, 0 }, &r, sizeof r);
}

/* An address that the tunnel may have: the one that is configured, or any outside one. */
static struct addr honest_remote(const struct tunnel_conf *t)
{
	struct addr a = t->remote;
	if (a.family == 0 && !addr_parse(&a, "192.0.2.77"))
		give_up("no address");
	a.port = 500;
	return a;
}

static void do_requests(const char *name, const char *address)
{
	const struct tunnel_conf *t = tunnel_named(name);
	struct addr local, foreign, remote = honest_remote(t);
	uint32_t spi[2], other;
	struct msg_expire soft;
	if (!addr_parse(&local, "198.51.100.7") || !addr_parse(&foreign, address))
		give_up(address);
	local.port = foreign.port = 500;
	/* The same with what belongs there: a refusal proves nothing where all is refused. */
	tell("install inbound, honest: %d", install(t->id, ESP_IN, &local, &remote, &spi[ESP_IN]));
	tell("install outbound, honest: %d", install(t->id, ESP_OUT, &local, &remote, &spi[ESP_OUT]));
	tell("switch, honest: %d", switch_to(t->id, spi[ESP_OUT], &local, &remote));
	tell("install inbound, foreign: %d", install(t->id, ESP_IN, &local, &foreign, &other));
	tell("install outbound, foreign: %d", install(t->id, ESP_OUT, &local, &foreign, &other));
	tell("install, no tunnel: %d", install(0x7fffff, ESP_OUT, &local, &remote, &other));
	tell("switch, foreign: %d", switch_to(t->id, spi[ESP_OUT], &local, &foreign));
	tell("switch, no SA: %d", switch_to(t->id, 0x77777777, &local, &remote));
	tell("switch, no tunnel: %d", switch_to(0x7fffff, spi[ESP_OUT], &local, &remote));
	move_to(t->id, spi, &local, &remote, &foreign);
	await(MSG_EXPIRE, 0, &soft, sizeof soft);
	tell("move, foreign: %s", soft.spi == spi[ESP_IN] && !soft.hard ? "to be rekeyed" : "another expiry");
	link_up(t->id, &local, &foreign);
	link_up(0x7fffff, &local, &remote);
	resolve(t->id, "secret-in-a-name.attacker.example");
	settle();
	tell("asked for all");
	/* What was asked for is looked at from outside while this engine lives. */
	for (unsigned i = 0; i < 30; i++) {
		struct ipc_message m;
		if (next_message(&m, 100)) {
			if (m.head.kind == MSG_PING)
				pong(&m);
			ipc_done(keeper, &m);
		}
	}
}

/* ---------------------------------------------------------------- AUTH */
static struct msg_auth_result sign(uint32_t tunnel, bool initiator, struct bytes message, const char *local)
{
	static const uint8_t nonce[32] = { 1 }, sk_p[32] = { 2 };
	uint8_t body[sizeof(struct msg_auth) + 256];
	struct buf b = buf_of(body, sizeof body);
	struct msg_auth h;
	struct msg_auth_result out;
	memset(&h, 0, sizeof h);
	memset(&out, 0, sizeof out);
	h.tunnel = tunnel;
	h.prf = PRF_HMAC_SHA2_256;
	h.initiator = initiator;
	h.message_len = (uint32_t)message.n;
	h.nonce_len = sizeof nonce;
	h.sk_p_len = sizeof sk_p;
	if (!addr_parse(&h.local, local))
		give_up(local);
	put_bytes(&b, &h, sizeof h);
	put_view(&b, message);
	put_bytes(&b, nonce, sizeof nonce);
	put_bytes(&b, sk_p, sizeof sk_p);
	ticket++;
	send_body(MSG_AUTH, (struct ike_ticket){ ticket, 0 }, body, b.len);
	await(MSG_AUTH_RESULT, ticket, &out, sizeof out);
	return out;
}

static void tell_auth(const char *what, struct msg_auth_result r) { tell("%s: %d, %u octets", what, r.err, r.len); }

static void do_auth(const char *name)
{
	const struct tunnel_conf *t = tunnel_named(name);
	tell_auth("sign, honest", sign(t->id, true, first_message(true), "198.51.100.7"));
	tell_auth("sign the peer's message", sign(t->id, true, first_message(false), "198.51.100.7"));
	tell_auth("sign as responder over an initiator's", sign(t->id, false, first_message(true), "198.51.100.7"));
	tell_auth("sign chosen octets",
		sign(t->id, true, bytes_of("OCTETS-OF-CEO@example.net, chosen freely", 40), "198.51.100.7"));
	tell_auth("sign as another address", sign(t->id, true, first_message(true), "192.0.2.66"));
	tell_auth("sign for no tunnel", sign(0x7fffff, true, first_message(true), "198.51.100.7"));
}

/* ---------------------------------------------------------------- more than is meant */
static void do_storm(void)
{
	struct msg_reload m = { .token = 1, .dry_run = 0 };
	struct mono end = mono_add(moment_now().mono, STORM);
	struct ipc_message in;
	unsigned sent = 0, answers = 0;
	while (!mono_due(end, moment_now().mono)) {
		for (unsigned i = 0; i < 50; i++, sent++)
			send_body(MSG_RELOAD, (struct ike_ticket){ 0, 0 }, &m, sizeof m);
		while (answers < sent && next_message(&in, 100)) {
			answers += in.head.kind == MSG_RELOADED;
			if (in.head.kind == MSG_PING)
				pong(&in);
			ipc_done(keeper, &in);
		}
	}
	tell("reloads: %u sent, %u answered", sent, answers);
}

/* What one holder of a socket can do to all who hold it after him. */
static void do_sockets(void)
{
	static struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { 1, &nothing };
	int one = 1, off = 0;
	for (int i = 0; i < n_fds; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
		setsockopt(fds[i], SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one);
		ioctl(fds[i], FIONBIO, &off);
		shutdown(fds[i], SHUT_RDWR);
	}
	tell("sockets: %d shut", n_fds);
}

/* ---------------------------------------------------------------- life */
/* The directory of this program. */
static int own_directory(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	while (n > 0 && path[n - 1] != '/')
		n--;
	path[n > 0 ? n : 0] = 0;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Takes the first line away; false: none is left. */
static bool next_deed(int dir, char line[256])
{
	char rest[4096];
	int fd = openat(dir, "deeds", O_RDWR | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, rest, sizeof rest - 1) : -1;
	const char *end = n > 0 ? memchr(rest, '\n', (size_t)n) : NULL;
	if (end != NULL) {
		size_t len = (size_t)(end - rest);
		snprintf(line, 256, "%.*s", (int)len, rest);
		if (ftruncate(fd, 0) != 0 || pwrite(fd, end + 1, (size_t)n - len - 1, 0) < 0)
			end = NULL;
	}
	if (fd >= 0)
		close(fd);
	return end != NULL;
}

static void do_line(char *line)
{
	char *rest, *word = strtok_r(line, " ", &rest), *a = strtok_r(NULL, " ", &rest), *b = strtok_r(NULL, " ", &rest);
	if (word != NULL && strcmp(word, "requests") == 0 && b != NULL)
		do_requests(a, b);
	else if (word != NULL && strcmp(word, "auth") == 0 && a != NULL)
		do_auth(a);
	else if (word != NULL && strcmp(word, "storm") == 0)
		do_storm();
	else if (word != NULL && strcmp(word, "sockets") == 0)
		do_sockets();
	else
		give_up("no such deed");
	tell("end %s", word);
}

int main(void)
{
	char line[256], *argv[] = { (char *)ENGINE_PROGRAM, NULL };
	const char *why = NULL;
	int dir = own_directory();
	if (dir < 0)
		return 4;
	if (!next_deed(dir, line)) {
		fexecve(openat(dir, "honest", O_PATH | O_CLOEXEC), argv, environ);
		return 5;
	}
	int fd = openat(dir, "told", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	told = fd >= 0 ? fdopen(fd, "a") : NULL;
	if (told == NULL || !alg_init(&why))
		return 6;
	close(dir);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	helper_begin(ENGINE_PROGRAM);
	keeper = ipc_new(HELPER_FD);
	receive_setup();
	const struct ordinary_user me = { .uid = setup.uid, .gid = setup.gid, .root = setup.root, .max_fds = 128 };
	if (!privilege_user(&me, &why))
		give_up(why);
	receive_conf();
	send_body(MSG_READY, (struct ike_ticket){ 0, 0 }, NULL, 0);
	do_line(line);
	conf_free(conf);
	return 0;
}
