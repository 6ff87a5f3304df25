/*
 * bench_exchange.c - what it costs that records are kept: two machines in one process with real keys, sealing and stores, one exchange after the other;
 * the same exchanges with and without records, in turns. A line per kind: "KIND WHOLE WITHOUT WITH", microseconds, the best of the rounds; the first of both
 * ends together with the key exchange in it, without what sockets and the other processes cost, the other two of the responder's steps and its store alone.
 */
#include "two_ends.h"

#define ROUNDS 15
#define EXCHANGES 200 /* of a round */

/* Whatever is due until then. */
static void wait_ms(msec ms)
{
	struct mono until = mono_add(now.mono, ms);
	for (;;) {
		run();
		struct mono at = mono_min(ike_next(ends[0].ike), ike_next(ends[1].ike));
		if (at.ms > until.ms)
			break;
		now.mono = at.ms > now.mono.ms ? at : now.mono;
		for (int i = 0; i < 2; i++) {
			struct ike_event in = { .kind = EVENT_TIMER };
			if (mono_due(ike_next(ends[i].ike), now.mono))
				step(i, &in);
		}
	}
	now.mono = until;
}

static void begin_with_store(int end)
{
	static const char text[] =
		"tunnels:\n  t:\n    local: 198.51.100.%d\n    remote: 198.51.100.%d\n    local-id: fqdn:%c.example\n"
		"    remote-id: fqdn:%c.example\n    psk: " PSK "\n    start: %s\n    dpd-interval: 10s\n    dpd-timeout: 60s\n"
		"    ike-proposals: aes256gcm16-prfsha256-x25519\n    esp-proposals: aes256gcm16-x25519\n";
	char settings[512], why[STORE_WHY];
	struct store_bind b;
	snprintf(settings, sizeof settings, text, end + 1, 2 - end, 'a' + end, 'b' - end, end == 0 ? "manual" : "respond");
	if (!store_bind_here(&b, STORE_OF_ENGINE, STORE_ENGINE_RECORDS, why))
		die(why);
	struct store *store = store_create(store_memory("bench"), &b, why);
	if (store == NULL)
		die(why);
	begin(end, settings, store);
}

static void order(enum ike_command_kind kind) { command(kind, ends[0].conf->tunnels[0]->id); }

static void keep(bool wanted)
{
	for (int i = 0; i < 2; i++)
		ike_saves(ends[i].ike, wanted);
}

/* ---------------------------------------------------------------- kinds */
static const struct kind {
	const char *name;
	enum ike_command_kind command;
} kinds[] = {
	{ "handshake", COMMAND_UP },                                       /* without the DELETE of the one before */
	{ "rekey-child", COMMAND_REKEY },                                  /* with the DELETE of the old one */
	{ "rekey-ike", COMMAND_REKEY_IKE }, { "liveness", COMMAND_TRACE }, /* of both ends */
};

/* Microseconds of an exchange: the whole, and the steps alone. */
static void measure(const struct kind *k, double *whole, double *steps)
{
	double all = 0, from;
	*steps = 0;
	for (unsigned i = 0; i < EXCHANGES; i++) {
		if (k->command == COMMAND_UP) {
			order(COMMAND_DOWN);
			wait_ms(3000);
		}
		from = now_ns();
		stepping[1] = 0;
		if (k->command != COMMAND_TRACE)
			order(k->command);
		wait_ms(k->command == COMMAND_TRACE ? 10000 : 3000);
		all += now_ns() - from;
		*steps += stepping[1] / 1e3 / EXCHANGES;
	}
	*whole = all / 1e3 / EXCHANGES;
}

int main(void)
{
	const char *why = NULL;
	if (!alg_init(&why))
		die(why);
	begin_with_store(1);
	begin_with_store(0);
	order(COMMAND_UP);
	wait_ms(5000);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		double best[2] = { 1e9, 1e9 }, whole = 1e9;
		for (unsigned round = 0; round < 2 * ROUNDS; round++) {
			double w, s;
			keep(round % 2 == 1);
			measure(&kinds[i], &w, &s);
			best[round % 2] = s < best[round % 2] ? s : best[round % 2];
			whole = round % 2 == 0 && w < whole ? w : whole;
		}
		printf("%s %.2f %.2f %.2f\n", kinds[i].name, whole, best[0], best[1]);
	}
	return 0;
}
