/*
 * fuzz_control.c - operators' requests, whole or broken, from several clients, with answers, counters and departures in between.
 * Input: lines; the first octet of a line says who speaks or what else happens. Whatever is answered must be one JSON object with a version.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "engine/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ike *ike;
static struct conf *conf;
static struct control *control;
static uint64_t tokens[16];
static unsigned n_tokens;
static bool leave; /* the client is gone while it is answered */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct ike *op_ike(void *arg) { return (void)arg, ike; }
static const struct conf *op_conf(void *arg) { return (void)arg, conf; }
static void op_counters(void *arg) { (void)arg; }
static void op_close(void *arg, uint64_t client) { (void)arg, (void)client; }
static uint32_t op_features(void *arg)
{
	(void)arg;
	return 1;
}

static struct moment op_now(void *arg) { return (void)arg, (struct moment){ { 5000 }, 1795255200 }; }

static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	(void)arg;
	must(kind <= COMMAND_SHUTDOWN && tunnel);
	tokens[n_tokens++ % 16] = token;
}

static void op_reload(void *arg, uint64_t token, bool dry_run)
{
	(void)arg, (void)dry_run;
	tokens[n_tokens++ % 16] = token;
}

static void op_send(void *arg, uint64_t client, const char *line)
{
	(void)arg;
	json_t *answer = json_loads(line, 0, NULL);
	must(answer && json_integer_value(json_object_get(answer, "version")) == 1 && !strchr(line, '\n'));
	json_decref(answer);
	if (leave)
		control_client_gone(control, client);
}

#include "../unit/sliced.h"

static void fill(void *arg, void *out, size_t n)
{
	(void)arg;
	memset(out, 0x5a, n);
}

static void start(void)
{
	static const char text[] =
		"tunnels:\n  aws-1:\n    cloud: aws\n    remote: 203.0.113.10\n    psk: a.secret.that.nobody.else.has\n    inside: 169.254.21.2/30\n"
		"  site:\n    remote: peer.example.net\n    psk: b.secret.that.nobody.else.has\n    start: manual\n    routes: 10.0.0.0/8\n";
	struct conf_text file = { .file = "fuzz.yaml", .text = text, .len = sizeof text - 1, .private_mode = true };
	struct findings faults;
	const char *why;
	must(alg_init(&why) && (conf = conf_load(&file, 1, NULL, NULL, &faults)) != NULL);
	findings_release(&faults);
	conf_adopt(conf, NULL);
	struct bytes packed = conf_pack(conf);
	/* cppcheck-suppress unknownEvaluationOrder */
	struct ike_event e = { .kind = EVENT_CONF, .conf = { .conf = conf_unpack(packed) } };
	free((void *)(uintptr_t)packed.p);
	struct arena a;
	struct ike_actions out;
	arena_init(&a, 1 << 20);
	ike_actions_init(&out, &a);
	ike = ike_new(fill, NULL);
	ike_step(ike, op_now(NULL), &e, &out);
	ike_actions_release(&out);
	arena_release(&a);
}

static void one_line(const char *line, size_t n)
{
	struct fact f = { .code = FACT_UP, .tunnel = n ? (uint8_t)line[0] % 4 : 0 };
	uint8_t what = n ? (uint8_t)line[0] : 0;
	leave = what & 0x40;
	switch (what % 8) {
	case 0: counted(control); break;
	case 1:
		if (n_tokens)
			control_reply(control, tokens[what % 16 % (n_tokens < 16 ? n_tokens : 16)], what & 0x20, "done");
		if (n_tokens && what & 0x80)
			control_reloaded(control, tokens[what % 16 % (n_tokens < 16 ? n_tokens : 16)], what & 0x20, "done",
				bytes_of(line + 1, n - 1));
		break;
	case 2: control_client_gone(control, what >> 4 & 3); break;
	case 3:
		f.code = (enum fact_code)(what % FACT_COUNT);
		memcpy(f.text, line, n < sizeof f.text ? n : sizeof f.text - 1);
		control_fact(control, op_now(NULL), &f);
		break;
	case 7: {
		struct ike_action a = { .kind = ACTION_TRACE,
			.trace = { .tunnel = what & 3,
				.message = { (const uint8_t *)line, n },
				.note = what & 0x20 ? "again" : NULL } };
		control_trace(control, 1795255200000000, &a);
		break;
	}
	default: control_request(control, what >> 4 & 3, line + (n > 0), n - (n > 0)); read_all(control);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part,
		op_end, op_close, op_now, op_features };
	if (!ike)
		start();
	control = control_new(&ops, NULL);
	n_tokens = 0;
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t n = end ? (size_t)(end - data) - at : size - at;
		one_line((const char *)data + at, n);
		at += n + 1;
	}
	control_free(control);
	return 0;
}
