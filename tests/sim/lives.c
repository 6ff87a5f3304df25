/*
 * lives.c - random lives: settings, weather, orders, cuts and restarts by the seed, for 10 to 60 virtual minutes; then good weather, and all must be well.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const char *pick(struct world *w, const char *const *v, unsigned n) { return v[prng_below(&w->random, n)]; }

static void seconds(struct world *w, int host, const char *name, const char *key, msec low, msec high)
{
	char text[24];
	snprintf(text, sizeof text, "%llds", (long long)prng_between(&w->random, low, high));
	set(w, host, name, key, text);
}

static void random_settings(struct world *w, int link)
{
	static const char *const ike[] = { "aes256-sha256-modp2048", "aes256gcm16-prfsha384-ecp384",
		"[aes256-sha256-ecp256-modp2048]" };
	static const char *const esp[] = { "aes256-sha256-modp2048", "aes256gcm16-ecp384", "[aes256-sha256]",
		"[aes256-sha256-modp2048, aes256-sha256]" };
	struct link *l = &w->links[link];
	const char *one_ike = pick(w, ike, 3), *one_esp = pick(w, esp, 4);
	bool pfs_differs = prng_percent(&w->random, 10);
	w->pfs_differs |= pfs_differs;
	for (int i = 0; i < 2; i++) {
		int host = l->end[i].host;
		const char *name = l->end[i].name;
		set(w, host, name, "ike-proposals", one_ike);
		set(w, host, name, "esp-proposals", pfs_differs ? esp[2 * i] : one_esp);
		seconds(w, host, name, "esp-lifetime", 150, 300);
		seconds(w, host, name, "ike-lifetime", 150, 600);
		seconds(w, host, name, "dpd-interval", 3, 10);
		seconds(w, host, name, "dpd-timeout", 15, 40);
		if (prng_percent(&w->random, 20))
			set(w, host, name, "esp-lifetime-bytes", "200K");
		if (i == 1)
			set(w, host, name, "start", prng_percent(&w->random, 40) ? "initiate" : "respond");
	}
}

/* Pairs at both ends, or at one that meets an end that takes all. */
static void random_children(struct world *w)
{
	unsigned n = (unsigned)prng_between(&w->random, 2, 4), who = prng_below(&w->random, 3);
	if (who != 1)
		set_pairs(w, A, "t", "10.1", "10.11", n);
	if (who != 2)
		set_pairs(w, B, "t", "10.11", "10.1", n);
}

static void random_world(struct world *w)
{
	int hosts = prng_percent(&w->random, 25) ? 3 : 2;
	static const char *const addresses[] = { "192.0.2.1", "198.51.100.2", "198.51.100.3" };
	for (int i = 0; i < hosts; i++)
		host_add(w, addresses[i]);
	if (prng_percent(&w->random, 30))
		nat_place(w, A, "203.0.113.1", true);
	if (prng_percent(&w->random, 15))
		nat_place(w, B, "203.0.113.2", true);
	link_add(w, "t", A, B);
	if (prng_percent(&w->random, 25))
		link_add(w, "second", A, B);
	if (hosts == 3)
		link_add(w, "third", A, C);
	for (int i = 0; i < w->n_links; i++)
		random_settings(w, i);
	if (prng_percent(&w->random, 40))
		random_children(w);
	w->traffic_max = prng_between(&w->random, 100, 2000);
	w->job_max = prng_percent(&w->random, 20) ? 800 : 30;
	w->kernel_max = prng_percent(&w->random, 20) ? 500 : 15;
}

static void random_weather(struct world *w)
{
	static const msec delays[] = { 10, 60, 300, 1000, 3000 };
	w->weather = (struct weather){ .delay_min = 1, .delay_max = delays[prng_below(&w->random, 5)] };
	w->weather.loss = prng_percent(&w->random, 50) ? 0 : prng_below(&w->random, 31);
	w->weather.duplicate = prng_percent(&w->random, 50) ? 0 : prng_below(&w->random, 30);
	w->weather.replay = prng_percent(&w->random, 70) ? 0 : 10;
	w->weather.garbage = prng_percent(&w->random, 70) ? 0 : 10;
	note(w, "    weather: loss %u %%, delay up to %lld ms, doubled %u %%, repeated %u %%, spoiled %u %%", w->weather.loss,
		(long long)w->weather.delay_max, w->weather.duplicate, w->weather.replay, w->weather.garbage);
}

static void end_of_cut(struct world *w, int host, int arg)
{
	(void)host;
	note(w, "    the cut is over");
	w->partition = false;
	if (arg > 10 * SECOND)
		w->excuse_until = w->now +
				  15 * SECOND; /* nobody waits that long with a new SA for a peer that is not to be heard */
}

static void comes_back(struct world *w, int host, int arg)
{
	(void)arg;
	if (!w->hosts[host].ike)
		host_start(w, host);
}

static void something(struct world *w)
{
	int link = (int)prng_below(&w->random, (uint32_t)w->n_links), side = (int)prng_below(&w->random, 2);
	int host = w->links[link].end[side].host;
	const char *name = w->links[link].end[side].name;
	msec cut;
	if (!w->hosts[host].ike)
		return;
	switch (prng_below(&w->random, 18)) {
	case 0:
	case 1:
	case 2: host_order(w, host, name, COMMAND_REKEY); break;
	case 3:
	case 4:
	case 5: host_order(w, host, name, COMMAND_REKEY_IKE); break;
	case 6: kernel_lose(w, host, name, (uint8_t)prng_below(&w->random, 2)); break;
	case 7:
		host_order(w, host, name, COMMAND_DOWN);
		w->excuse_until = w->now +
				  15 * SECOND; /* ordered, and what comes up next may not have been heard of at the other end */
		world_run(w, prng_between(&w->random, 0, 10 * SECOND));
		host_order(w, host, name, COMMAND_UP);
		break;
	case 8:
		note(w, "    a cut");
		w->partition = true;
		cut = prng_between(&w->random, 1, 20 * SECOND);
		world_call(w, cut, end_of_cut, A, (int)cut);
		break;
	case 9:
		host_stop(w, host);
		world_call(w, prng_between(&w->random, 0, 20 * SECOND), comes_back, host, 0);
		break;
	case 10:
		if (w->hosts[host].nat.used)
			nat_forget(w, host, NULL);
		break;
	case 12:
	case 13: kernel_take_some(w, host, name); break;
	case 11: w->hosts[host].kernel_fail = prng_percent(&w->random, 50) ? 20 : 0; break;
	default: random_weather(w); break;
	}
}

static void life(struct world *w, const struct params *p)
{
	(void)p;
	random_world(w);
	random_weather(w);
	begin(w);
	msec end = w->now + prng_between(&w->random, 10 * MINUTE, 60 * MINUTE);
	while (w->now < end && !w->failed) {
		world_run(w, prng_percent(&w->random, 20) ? prng_between(&w->random, 0, 500)
							  : prng_between(&w->random, 0, 2 * MINUTE));
		if (!w->failed)
			something(w);
	}
	/* Held by an operator, or stopped: nobody is, at the end. */
	for (int i = 0; i < w->n_hosts && !w->failed; i++)
		comes_back(w, i, 0);
	for (int i = 0; i < w->n_links && !w->failed; i++)
		for (int k = 0; k < 2; k++)
			host_order(w, w->links[i].end[k].host, w->links[i].end[k].name, COMMAND_UP);
	if (!w->failed)
		check_converged(w, true);
}

const struct scenario scenarios_lives[] = {
	{ "life", life, 500, "a random life", { 0 } },
	{ 0 },
};
