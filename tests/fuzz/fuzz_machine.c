/*
 * fuzz_machine.c - two engines and a peer that has the keys and lies. The bytes say what becomes of each datagram on its way (lost, doubled, held, changed
 * inside and sealed again with the right keys, replaced) and what the operators, the kernel and the clock do in between. No invariant of one end may break,
 * whatever the other says; and once the liar is replaced by an honest peer the tunnel must come up again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world w;
static struct cursor input;
static bool busy; /* what we send ourselves is not changed again */
static struct inside in;

/* Who lies makes keys and selectors that do not fit; that is the liar's loss. */
static bool tolerates(const char *complaint) { return strstr(complaint, "different keys or algorithms for SPI") != NULL; }

static void edit_once(void)
{
	size_t at = in.n ? get_u16(&input) % in.n : 0, n;
	struct bytes raw;
	switch (get_u8(&input) % 8) {
	case 0: in.data[at] = get_u8(&input); break;
	case 1: in.data[at] ^= (uint8_t)(1u << (get_u8(&input) & 7)); break;
	case 2: in.n = at; break;
	case 3: in.first = get_u8(&input); break;
	case 4: in.h.exchange = (uint8_t)(EXCHANGE_IKE_SA_INIT + get_u8(&input) % 12); break;
	case 5: in.h.message_id += (uint32_t)(int8_t)get_u8(&input); break;
	case 6: in.h.flags ^= (uint8_t)(8u << (get_u8(&input) % 3)); break;
	default: /* octets over the rest, or hung on */
		n = get_u8(&input);
		raw = get_view(&input, n < cursor_left(&input) ? n : cursor_left(&input));
		if (raw.n && at + raw.n < sizeof in.data)
			memcpy(in.data + at, raw.p, raw.n);
		in.n = raw.n && at + raw.n < sizeof in.data && at + raw.n > in.n ? at + raw.n : in.n;
	}
}

static bool change(const struct packet *p)
{
	if (!hostile_open(&w, p, &in))
		return false;
	for (unsigned n = 1 + get_u8(&input) % 4; n; n--)
		edit_once();
	uint8_t pieces = get_u8(&input);
	return hostile_send(&w, p->from, &in, in.sealed && pieces > 200 ? pieces & 3 : 0,
		in.sealed && pieces > 200 ? 1 + (pieces >> 2 & 3) : 0);
}

static bool meddle(struct world *world, const struct packet *p)
{
	if (busy || world->quiet || !cursor_left(&input))
		return false;
	bool lost = false;
	busy = true;
	switch (get_u8(&input) % 8) {
	case 1: lost = true; break;
	case 2: /* twice, or the changed one beside the right one */ change(p); break;
	case 3:
	case 4: lost = change(p); break;
	case 5: lost = hostile_open(&w, p, &in) && hostile_send(&w, p->from, &in, 1, 1); break; /* the same as a fragment */
	default: break;
	}
	busy = false;
	return lost;
}

/* A request out of turn of somebody who has the keys: any exchange, any payloads. */
static void ask(int from)
{
	uint8_t exchange = (uint8_t)(EXCHANGE_IKE_AUTH + get_u8(&input) % 10);
	if (!hostile_request(&w, from, "t", exchange, &in))
		return;
	in.first = get_u8(&input);
	struct bytes raw = get_view(&input, cursor_left(&input) < 64 ? cursor_left(&input) : get_u8(&input) % 64);
	if (raw.n)
		memcpy(in.data, raw.p, raw.n);
	in.n = raw.n;
	busy = true;
	hostile_send(&w, from, &in, 0, 0);
	busy = false;
}

static void look(int host)
{
	static struct tunnel_view v;
	if (w.hosts[host].ike && ike_view(w.hosts[host].ike, tunnel_id(&w, host, "t"), &v) && v.n_children > 0 && !v.children)
		abort();
}

static void one_thing(void)
{
	uint8_t what = get_u8(&input), arg = get_u8(&input);
	switch (what % 13) {
	case 0:
	case 1: world_run(&w, arg * 4); break;
	case 2: world_run(&w, arg * SECOND); break;
	case 3:
	case 4: order(&w, arg & 1, COMMAND_UP + (arg >> 1) % 4); break;
	case 5:
	case 6: ask(arg & 1); break;
	case 7: kernel_lose(&w, arg & 1, "t", arg & 2 ? ESP_IN : ESP_OUT); break;
	case 8:
		if (w.hold)
			net_release_held(&w, arg & 1);
		else
			w.hold = true;
		break;
	case 10: /* a reload that changes something, or takes the tunnel away and brings it back */
		settings_of(&w, arg & 1, "t")->absent = arg & 2;
		set(&w, arg & 1, "t", "dpd-interval", arg & 4 ? "5s" : "10s");
		host_load(&w, arg & 1);
		break;
	case 11: look(arg & 1); break;
	default: host_stop(&w, arg & 1); host_start(&w, arg & 1);
	}
}

static void settings(uint8_t way, uint8_t more)
{
	static const char *const suites[] = { "aes256-sha256-modp2048", "aes256gcm16-prfsha384-ecp384" };
	pair(&w);
	for (int i = 0; i < 2; i++) {
		set(&w, i, "t", "ike-proposals", suites[way & 1]);
		set(&w, i, "t", "start", way & 2 ? "initiate" : i ? "respond" : "initiate");
		set(&w, i, "t", "encapsulation", way & 4 ? "udp" : "auto");
		if (way & 8)
			set(&w, i, "t", "esp-proposals", "[aes256-sha256]");
		if (way & 16)
			set(&w, i, "t", "cloud", "azure");
	}
	for (int i = 0; i < 2 && more & 1; i++) { /* known by their addresses */
		set(&w, i, "t", "local-id", "");
		set(&w, i, "t", "remote-id", "");
	}
	for (int i = 0; i < 2 && more & 2; i++) { /* ... or by a name */
		w.dns[w.n_dns] = (struct dns_entry){ .addr = w.hosts[i].addr };
		snprintf(w.dns[w.n_dns].name, sizeof w.dns->name, "%c.example", 'a' + i);
		set(&w, !i, "t", "remote", w.dns[w.n_dns++].name);
		set(&w, !i, "t", "remote-id", i ? "fqdn:t-b.example" : "fqdn:t-a.example");
		set(&w, i, "t", "local-id", i ? "fqdn:t-b.example" : "fqdn:t-a.example");
	}
	if (more & 4) /* A has to change its group */
		set(&w, A, "t", "ike-proposals",
			way & 1 ? "aes256gcm16-prfsha384-ecp256-ecp384" : "aes256-sha256-modp3072-modp2048");
	w.hosts[A].kernel_fail = w.hosts[B].kernel_fail = more & 8 ? 15 : 0;
	w.traffic = false;
	w.tolerates = tolerates;
	w.weather.garbage = way & 32 ? 20 : 0;
	w.weather.replay = way & 64 ? 20 : 0;
	w.filter = way & 128 ? meddle : NULL; /* from the first message on, or once it is up */
}

static void must_recover(void)
{
	net_release_held(&w, false);
	for (int i = 0; i < 2; i++) {
		settings_of(&w, i, "t")->absent = false;
		host_load(&w, i);
		look(i);
	}
	host_stop(&w, A);
	w.traffic = true;
	w.traffic_max = 5 * SECOND;
	w.excuse_until = w.now + 20 * SECOND;
	host_start(&w, A);
	order(&w, A, COMMAND_UP);
	order(&w, B, COMMAND_UP);
	w.quiet = true;
	world_run(&w, SECOND); /* what the kernel refused is over before that counts as a failure */
	check_converged(&w, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why;
	if (size > 4096 || !alg_init(&why))
		return 0;
	input = cursor_of(data, size);
	world_init(&w, 1, getenv("FUZZ_VERBOSE") != NULL);
	uint8_t way = get_u8(&input);
	settings(way, get_u8(&input));
	begin(&w);
	if (!w.filter && !w.hosts[B].kernel_fail)
		await_up(&w, 15 * SECOND);
	w.filter = meddle;
	w.meddled = true; /* its lies take IVs and message ids of the engine's */
	for (unsigned n = 0; cursor_left(&input) && n < 100 && !w.failed; n++)
		one_thing();
	if (!w.failed)
		must_recover();
	if (w.failed) {
		notes_print(&w, 70);
		printf("the state machine: %s\n", w.why);
		fflush(stdout);
		abort();
	}
	world_release(&w);
	return 0;
}
