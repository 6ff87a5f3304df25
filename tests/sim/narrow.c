/*
 * narrow.c - paths that have no room for large packets, and drop them without a word: IKE comes up in smaller ones, and goes back to larger ones.
 */
#include "world.h"

static unsigned lost, largest;
static int only; /* what this host sends is looked at; ANY_HOST: all */

static unsigned octets(const struct packet *p)
{
	return (unsigned)p->n + (p->dst.family == AF_INET6 ? 40 : 20) + 8 + (p->marker ? 4 : 0);
}

/* filter_arg: what the path has room for */
static bool too_large(struct world *w, const struct packet *p)
{
	unsigned n = octets(p);
	if (only != ANY_HOST && p->from != only)
		return false;
	largest = n > largest ? n : largest;
	lost += n > (unsigned)w->filter_arg;
	return n > (unsigned)w->filter_arg;
}

static void pair_of(struct world *w, bool six)
{
	if (!six) {
		pair(w);
		return;
	}
	host_add(w, "2001:db8::1");
	host_add(w, "2001:db8:1::2");
	link_add(w, "t", A, B);
}

static void set_both(struct world *w, const char *key, const char *value)
{
	set(w, A, "t", key, value);
	set(w, B, "t", key, value);
}

/* So many selectors that IKE_AUTH and CREATE_CHILD_SA have some 3,500 octets. */
static void many_selectors(struct world *w)
{
	set_prefixes(w, A, "t", "remote-ts", "10.11", 200);
	set_prefixes(w, B, "t", "local-ts", "10.11", 200);
	set_both(w, "ike-proposals", "aes256-sha256-modp2048"); /* nobody can split IKE_SA_INIT */
	set_both(w, "esp-proposals", "aes256-sha256-modp2048");
}

static unsigned rekeyed(struct world *w) { return (unsigned)tunnel_of(w, A, "t")->counters[COUNTER_CHILD_REKEYS]; }

/* It took what it took: the next message is as small from the start. Ten minutes later, on a path that has room again, it is not. */
static void small_until_later(struct world *w, unsigned room, unsigned wanted)
{
	unsigned lost_then = lost, rekeys = rekeyed(w);
	largest = 0;
	order(w, A, COMMAND_REKEY);
	world_run(w, 3 * SECOND);
	expect(w, rekeyed(w) == rekeys + 1 && lost == lost_then && largest <= room, "a rekey in packets that get through");
	w->filter_arg = 9000;
	world_run(w, 11 * MINUTE);
	largest = 0;
	order(w, A, COMMAND_REKEY);
	world_run(w, 3 * SECOND);
	expect(w, rekeyed(w) >= rekeys + 2 && lost == lost_then, "another one");
	expect(w, largest <= wanted && largest > wanted - 64, "... in packets as large as wanted");
}

static void narrow_pair(struct world *w, bool six, int host)
{
	lost = largest = 0;
	only = host;
	pair_of(w, six);
	many_selectors(w);
	w->filter = too_large;
}

static void narrow(struct world *w, const struct params *p)
{
	static const unsigned rooms[] = { 1500, 1400, 1280, 600 };
	unsigned room = rooms[p->seed / 2 % 4], wanted = 1280;
	bool six = p->seed & 1;
	narrow_pair(w, six, ANY_HOST);
	if (room < 1280 && six) { /* no path of IPv6 is like that: somebody must say so */
		wanted = 600;
		set_both(w, "fragment-size", "600");
	} else if (p->seed / 8 & 1) {
		wanted = 1500;
		set_both(w, "fragment-size", "1500");
	}
	w->filter_arg = (int)room;
	begin(w);
	bool first = await_up(w, wanted <= room ? 5 * SECOND : room < 1280 && wanted > 1280 ? 15 * SECOND : 9 * SECOND);
	expect(w, wanted <= room ? lost == 0 : lost > 0, "the path drops what is too large, and nothing else");
	if (first)
		small_until_later(w, room, wanted);
	w->filter = NULL;
	check_converged(w, true);
}

/* Only the way back is narrow. The third repetition of the request brings the answer in smaller packets. */
static void narrow_back(struct world *w, const struct params *p)
{
	(void)p;
	narrow_pair(w, false, B);
	w->filter_arg = 600;
	begin(w);
	await_up(w, 9 * SECOND);
	expect(w, lost > 0, "the answer was too large at first");
	unsigned before = lost;
	order(w, A, COMMAND_REKEY);
	world_run(w, 3 * SECOND);
	expect(w, rekeyed(w) == 1 && lost == before, "the next is as small from the start");
	w->filter = NULL;
	check_converged(w, true);
}

/* Who knows of a narrow path asks in small packets, and is answered in such. */
static void small_asked(struct world *w, const struct params *p)
{
	narrow_pair(w, p->seed & 1, B);
	set(w, A, "t", "fragment-size", "700");
	w->filter_arg = 700;
	begin(w);
	await_up(w, 5 * SECOND);
	expect(w, !lost && largest > 600, "B answers in packets as large as those of A");
	w->filter = NULL;
	check_converged(w, true);
}

const struct scenario scenarios_narrow[] = {
	{ "narrow-path", narrow, 10, "the path drops packets of more than 1500, 1400, 1280 or 600 octets", { 0 } },
	{ "narrow-back", narrow_back, 4, "... only what the peer sends", { 0 } },
	{ "narrow-asked", small_asked, 4, "answers in fragments are made of none larger than those of the request", { 0 } },
	{ 0 },
};
