/* run.c - requests out, answers and refusals in, and the sizes that pass; see ping.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ctl/render.h"
#include "ctl/system.h"
#include "ping.h"

#define EVERY 1000  /* ms between requests */
#define LINGER 2000 /* ms after the last one, when answers came; a host that is not there is told of after 3 s */
#define LINGER_SILENT 4000
#define PROBE_WAIT 800 /* ms for a packet of a size */
#define PROBE_TRIES 3  /* the first that is too big for the path is often lost without a word */
#define SEQ_KEPT 1024

/* ---------------------------------------------------------------- Ctrl-C */
static volatile sig_atomic_t interrupted;
static void note(int sig)
{
	(void)sig;
	interrupted = 1;
}

void ping_catch(void)
{
	struct sigaction a = { .sa_handler = note };
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

bool ping_interrupted(void) { return interrupted != 0; }

/* ---------------------------------------------------------------- a run */
struct run {
	struct ping_facts *f;
	FILE *tell;
	int64_t sent_at[SEQ_KEPT]; /* us; 0 = answered, or not sent */
};

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void answered(struct run *r, const struct ping_event *e)
{
	char text[ADDR_TEXT], ttl[24] = "";
	int64_t *at = &r->sent_at[e->seq % SEQ_KEPT];
	struct ping_facts *f = r->f;
	if (*at == 0)
		return; /* twice */
	double ms = (double)(now_us() - *at) / 1000;
	*at = 0;
	f->least = f->received == 0 || ms < f->least ? ms : f->least;
	f->most = ms > f->most ? ms : f->most;
	f->sum += ms;
	f->received++;
	if (e->ttl >= 0)
		snprintf(ttl, sizeof ttl, " ttl=%d", e->ttl);
	if (r->tell != NULL)
		fprintf(r->tell, "%u bytes from %s: icmp_seq=%u%s time=%.2f ms\n", e->size,
			addr_format(e->from.family != 0 ? &e->from : &f->to, text), e->seq, ttl, ms);
}

static void refused(struct run *r, const struct ping_event *e)
{
	char text[ADDR_TEXT];
	struct ping_facts *f = r->f;
	f->errors++;
	f->error = e->error;
	f->error_own = e->own;
	f->error_from = e->from;
	f->error_mtu = e->mtu > 0 ? e->mtu : f->error_mtu;
	if (r->tell != NULL)
		fprintf(r->tell, "from %s: %s\n", e->own || e->from.family == 0 ? "this machine" : addr_format(&e->from, text),
			strerror(e->error));
}

/* Until it is that late, or, with a request left unanswered no more, as soon as that is so. */
static void listen_until(struct run *r, struct ping_socket *s, int64_t until, bool till_all)
{
	while (!interrupted && !(till_all && r->f->received >= r->f->sent)) {
		struct ping_event e = ping_receive(s, until);
		if (e.kind == PING_NOTHING)
			break;
		if (e.kind == PING_ANSWER)
			answered(r, &e);
		else
			refused(r, &e);
	}
	if (r->tell != NULL)
		fflush(r->tell);
}

static void send_one(struct run *r, struct ping_socket *s, uint16_t seq)
{
	struct ping_facts *f = r->f;
	r->sent_at[seq % SEQ_KEPT] = now_us();
	int err = ping_send(s, &f->to, seq, f->size);
	if (err == 0) {
		f->sent++;
		return;
	}
	r->sent_at[seq % SEQ_KEPT] = 0;
	f->not_sent++;
	f->error = -err;
	if (r->tell != NULL)
		fprintf(r->tell, "not sent: %s\n", strerror(-err));
}

static bool is_wide(const struct options *o) { return o->size > 0; }

int ping_run(const struct ping_plan *p, unsigned pair, unsigned count, unsigned size, FILE *tell, struct ping_facts *f)
{
	struct run r = { .f = f, .tell = tell };
	struct ping_socket s;
	int64_t before = 0, after = 0;
	*f = (struct ping_facts){
		.tunnel = p->tunnel, .interface = p->interface, .from = p->pair[pair].from, .to = p->pair[pair].to
	};
	f->inside = p->pair[pair].inside;
	f->size = size;
	int err = ping_open(&s, p->interface, &f->from, is_wide(p->o) ? PING_DF_ASK : PING_DF_OFF);
	if (err != 0)
		return err;
	ping_count(p->o, p, &f->was, &before);
	int64_t next = system_ms();
	for (unsigned i = 1; i <= count && !interrupted; i++) {
		send_one(&r, &s, (uint16_t)i);
		next += EVERY;
		if (i < count)
			listen_until(&r, &s, next, false);
	}
	if (f->sent > 0)
		listen_until(&r, &s, system_ms() + (f->received > 0 ? LINGER : LINGER_SILENT), true);
	ping_count(p->o, p, &f->is, &after);
	f->is.sa = f->is.sa && f->was.sa;
	f->is.link = f->is.link && f->was.link;
	f->ike_heard = after > before && before > 0;
	f->heard_at = before;
	ping_close(&s);
	return 0;
}

/* ---------------------------------------------------------------- sizes */
struct sizes {
	struct ping_socket s;
	const struct addr *to;
	uint16_t seq;
};

static int passes(void *arg, unsigned size)
{
	struct sizes *z = arg;
	for (unsigned tries = 0; tries < PROBE_TRIES; tries++) {
		uint16_t seq = ++z->seq;
		int err = ping_send(&z->s, z->to, seq, size);
		int64_t until = system_ms() + PROBE_WAIT;
		if (err == -EMSGSIZE)
			return 0;
		for (struct ping_event e; (e = ping_receive(&z->s, until)).kind != PING_NOTHING;) {
			if (e.kind == PING_ANSWER && e.seq == seq && e.size >= size)
				return 1;
			if (e.kind == PING_ERROR && e.error == EMSGSIZE && e.mtu > 0 && e.mtu < size)
				return 0;
		}
		if (interrupted)
			return -1;
	}
	return 0;
}

int ping_measure(const struct ping_plan *p, unsigned pair, struct ping_mtu *m)
{
	struct sizes z = { .to = &p->pair[pair].to };
	unsigned least = z.to->family == AF_INET6 ? PING_LEAST_6 : PING_LEAST_4, most = p->mtu > 0 ? (unsigned)p->mtu : 1500;
	int err = ping_open(&z.s, p->interface, &p->pair[pair].from, PING_DF_PROBE);
	if (err != 0)
		return err;
	ping_bisect(m, most < least ? most : least, most, passes, &z);
	ping_close(&z.s);
	return 0;
}
