/*
 * trace.c - `s2sctl trace`: the messages of a tunnel while they go by, as a diagram in text or as a pcapng file. What the daemon hands out has no
 * keys in it, and the contents of AUTH are zeros; see src/ike/trace.c.
 */
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ctl/client.h"
#include "ctl/answer.h"
#include "ctl/output.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "wire/message.h"

#define PAYLOAD_TEXT 4096

/* ---------------------------------------------------------------- one message */
bool traced_parse(const json_t *trace, struct traced *t)
{
	const char *direction = word_of(trace, "direction"), *hex = word_of(trace, "message");
	*t = (struct traced){ .at_us = (int64_t)count_of(trace, "at_us"), .note = word_of(trace, "note") };
	if (direction == NULL || !addr_port_parse(&t->local, word_of(trace, "local")) ||
		!addr_port_parse(&t->remote, word_of(trace, "remote")) || t->local.family != t->remote.family)
		return false;
	t->out = strcmp(direction, "out") == 0;
	return t->note != NULL || (hex != NULL && text_unhex(hex, IKE_MESSAGE_MAX, &t->message));
}

void traced_release(struct traced *t)
{
	free((void *)(uintptr_t)t->message.p);
	t->message = (struct bytes){ 0 };
}

/* ---------------------------------------------------------------- text */
static void put_payloads(const struct message *m, FILE *to)
{
	char text[PAYLOAD_TEXT];
	for (uint16_t i = 0; i < m->n; i++) {
		payload_format(&m->p[i], text, sizeof text);
		fprintf(to, "    %s\n", text);
	}
	if (m->n == 0)
		fprintf(to, "    (no payload)\n");
}

static void put_spi(const uint8_t spi[IKE_SPI_LEN], FILE *to)
{
	for (unsigned i = 0; i < IKE_SPI_LEN; i++)
		fprintf(to, "%02x", spi[i]);
}

static void put_message(const struct traced *t, FILE *to)
{
	char local[ADDR_TEXT];
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct message *m = arena_alloc(&arena, sizeof *m);
	int err = message_decode(m, t->message, &arena);
	const char *name = ike_exchange_name(m->h.exchange);
	if (name[0] == '?')
		fprintf(to, "exchange %u", m->h.exchange);
	else
		fprintf(to, "%s", name);
	fprintf(to, " %s %u\n    %s %s, IKE SA ", m->h.flags & IKE_FLAG_RESPONSE ? "response" : "request", m->h.message_id,
		t->out ? "from" : "to", addr_port_format(&t->local, local));
	put_spi(m->h.spi_i, to);
	fputc('_', to);
	put_spi(m->h.spi_r, to);
	fputc('\n', to);
	put_payloads(m, to);
	if (err != ERR_OK)
		fprintf(to, "    (what follows is not understood: %s)\n", err_text(err));
	arena_release(&arena);
}

void trace_text(const struct traced *t, FILE *to)
{
	char remote[ADDR_TEXT], clean[512];
	time_t at = (time_t)(t->at_us / 1000000);
	struct tm tm;
	gmtime_r(&at, &tm);
	fprintf(to, "%02d:%02d:%02d.%03d %s %s  ", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(t->at_us / 1000 % 1000),
		t->out ? "-->" : "<--", addr_port_format(&t->remote, remote));
	if (t->note != NULL)
		fprintf(to, "%s\n", escaped(clean, sizeof clean, t->note));
	else
		put_message(t, to);
}

/* ---------------------------------------------------------------- the command */
static volatile sig_atomic_t interrupted;
static void on_signal(int sig) { interrupted = sig; }

struct tracing {
	const struct options *o;
	FILE *packets; /* or NULL */
	char comment[512];
	unsigned n;
};

/* A note has no bytes of its own: it goes with the next packet. */
static void put_packet(struct tracing *x, const struct traced *t)
{
	char clean[512];
	if (t->note != NULL) {
		snprintf(x->comment, sizeof x->comment, "before this: %s", escaped(clean, sizeof clean - 16, t->note));
		return;
	}
	pcapng_packet(x->packets, t, x->comment);
	x->comment[0] = 0;
}

static int put_one(struct tracing *x, json_t *answer)
{
	struct traced t = { 0 };
	FILE *to = x->packets != NULL ? x->packets : stdout;
	const json_t *trace = json_object_get(answer, "trace");
	if (json_object_get(answer, "error") != NULL)
		return client_error(x->o, answer);
	bool good = !json_is_object(trace) || traced_parse(trace, &t);
	if (json_is_object(trace) && good) {
		x->n++;
		if (x->packets != NULL)
			put_packet(x, &t);
		else if (!x->o->json)
			trace_text(&t, stdout);
	}
	if (x->packets == NULL && x->o->json && json_is_object(trace))
		json_dumpf(answer, stdout, JSON_COMPACT), putchar('\n');
	traced_release(&t);
	json_decref(answer);
	if (!good)
		return ctl_fail(x->o, CTL_FAILED, "nonsense", "cannot parse the daemon's answer");
	return fflush(to) == 0 ? CTL_DONE : ctl_fail(x->o, CTL_FAILED, "output", "cannot write: %s", strerror(errno));
}

/* Until the time is over, a signal comes or the daemon goes. */
static int watch(struct tracing *x)
{
	struct client c;
	json_t *answer;
	int code = client_open(&c, x->o);
	if (code != CTL_DONE)
		return code;
	int64_t end = x->o->seconds > 0 ? system_ms() + (int64_t)x->o->seconds * 1000 : 0;
	json_t *name = json_string(x->o->argv[0]); /* what is no UTF-8 is no tunnel's name either; the daemon says so */
	json_t *request = client_request(CONTROL_TRACE);
	json_object_set_new(request, "tunnel", name != NULL ? name : json_string("?"));
	enum client_result r = client_send(&c, request);
	while (code == CTL_DONE && interrupted == 0 && (r == CLIENT_OK || r == CLIENT_LATE) && (end == 0 || system_ms() < end)) {
		r = client_next(&c, 1, &answer);
		if (r == CLIENT_OK)
			code = put_one(x, answer);
	}
	client_close(&c);
	return code != CTL_DONE || r == CLIENT_OK || r == CLIENT_LATE ? code : client_fault(x->o, r, 0);
}

int run_trace(const struct ctl_command *self, const struct options *o)
{
	struct tracing x = { .o = o };
	struct sigaction a = { .sa_handler = on_signal };
	const char *why = "";
	(void)self;
	if (o->pcapng != NULL)
		x.packets = strcmp(o->pcapng, "-") == 0 ? stdout : output_open(o->pcapng, true, &why);
	if (o->pcapng != NULL && x.packets == NULL)
		return ctl_fail(o, CTL_FAILED, "output", "%s: %s", o->pcapng, why);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	if (x.packets != NULL)
		pcapng_begin(x.packets,
			"s2sctl trace: decrypted IKE messages. The encrypted payload is replaced by its contents, IP and UDP headers are made "
			"from the addresses, the contents of AUTH and EAP are zeros.");
	int code = watch(&x);
	if (x.packets != NULL && fclose(x.packets) != 0 && code == CTL_DONE)
		code = ctl_fail(o, CTL_FAILED, "output", "cannot write: %s", strerror(errno));
	if (o->pcapng != NULL && code == CTL_DONE)
		fprintf(stderr, "s2sctl: %u message%s\n", x.n, x.n == 1 ? "" : "s");
	if (o->pcapng != NULL && o->json && code == CTL_DONE && strcmp(o->pcapng, "-") != 0)
		code = answer_print(json_pack("{sisssi}", "version", 1, "file", o->pcapng, "messages", (int)x.n));
	return code;
}
