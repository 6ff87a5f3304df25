/*
 * sim.c - runs the scenarios: each in a world of its own per seed; a failure prints its seed and its diagram.
 *
 *	sim [--seeds N] [--seed S] [--scenario NAME] [--first] [--list] [--deaths N] [-v]
 *
 * N worlds are run in all, each from a seed of its own, dealt out to the chosen scenarios by their shares, at least one to each.
 * With --seed exactly that world is run.
 * --deaths: of 1000 steps of an engine so many end in its death, and another one goes on. NAME may end with *; --first stops at the first failure.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define DIAGRAM 70   /* lines of the diagram that a failure shows */
#define SHOWN_MAX 12 /* failures shown in full */

static const struct scenario *const families[] = { scenarios_basic, scenarios_disagree, scenarios_rekey, scenarios_crossing,
	scenarios_trouble, scenarios_moved, scenarios_unwilling, scenarios_refused, scenarios_forged, scenarios_lost,
	scenarios_lives, scenarios_children, scenarios_narrow, scenarios_deaths, scenarios_certified };

static struct options {
	unsigned long seeds, shares;
	uint64_t seed;
	bool one, verbose, list, first;
	const char *scenario;
	unsigned deaths;
} opt = { .seeds = 10000 };

static struct sums {
	uint64_t worlds, failed, datagrams, steps, exchanges, collisions, esp_sent, esp_received, esp_network, garbage;
	msec time;
} sums;

/* What runs now, for the handler of a crash. */
static char running[160];

static void on_crash(int sig)
{
	char text[256];
	int n = snprintf(text, sizeof text, "\nFAIL crash (signal %d) in: %s\n", sig, running);
	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(3);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_stuck(int sig)
{
	(void)sig;
	char text[256];
	int n = snprintf(text, sizeof text, "\nFAIL stuck: a world takes more than a minute: %s\n0 passed, 1 failed\n", running);
	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(3);
	_exit(1);
}

static void account(const struct world *w, msec began)
{
	sums.worlds++;
	sums.failed += w->failed;
	sums.datagrams += w->datagrams;
	sums.steps += w->steps;
	sums.exchanges += w->exchanges;
	sums.collisions += w->collisions;
	sums.esp_sent += w->esp_sent;
	sums.esp_received += w->esp_received;
	sums.esp_network += w->esp_network;
	sums.garbage += w->garbage;
	sums.time += w->now - began;
}

static void show_failure(const struct world *w, const struct scenario *sc, uint64_t seed)
{
	printf("FAIL %s: %s\n   again: sim --scenario %s --seed %llu -v\n", sc->name, w->why, sc->name, (unsigned long long)seed);
	if (sums.failed <= SHOWN_MAX && !w->verbose)
		notes_print(w, DIAGRAM);
	fflush(stdout);
}

/* These keep pointers into an engine, give it what a keeper would say again, or measure moments that a death makes longer: --deaths leaves them alone. */
static bool is_spared(const char *name)
{
	static const char *const names[] = { "dies-", "unusable-later", "down-in-rekey-", "one-way", "listens-", "delete-follows",
		"delete-waits", "redundant-no-more", "closed-at-once", "refused-all", "ts-too-many", "children-rekey",
		"children-by-traffic", "vanish-", "rekey-check-now", "replacement-given-up", "shutdown-alone-", "odd-requests" };
	bool spared = strstr(name, "lost") !=
		      NULL; /* half a pair that a death left and an SA that somebody took: too much at once */
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		spared |= !strncmp(name, names[i], strlen(names[i]));
	return spared;
}

/* One world. False when it failed. left: blocks of memory that were not there before. */
static bool run_world(const struct scenario *sc, uint64_t seed, bool counts, long *left)
{
	static struct world w;
	long before = memory_blocks();
	struct params params = sc->params;
	params.seed = seed;
	snprintf(running, sizeof running, "--scenario %s --seed %llu", sc->name, (unsigned long long)seed);
	world_init(&w, mix_bytes(seed, sc->name, strlen(sc->name)), opt.verbose);
	w.deaths = is_spared(sc->name) ? 0 : opt.deaths;
	msec began = w.now;
	alarm(60);
	sc->run(&w, &params);
	alarm(0);
	bool failed = w.failed;
	if (counts)
		account(&w, began);
	if (failed && counts)
		show_failure(&w, sc, seed);
	world_release(&w);
	*left = memory_blocks() - before;
	return !failed;
}

/* What stays behind once may be a cache of a library; what grows with every further run of the same world is a leak. */
static bool leaks(const struct scenario *sc, uint64_t seed, long left)
{
	bool verbose = opt.verbose;
	opt.verbose = false;
	for (int i = 0; i < 3 && left > 0; i++)
		run_world(sc, seed, false, &left);
	opt.verbose = verbose;
	if (left <= 0)
		return false;
	printf("FAIL %s: %ld blocks of memory are not given back\n   again: sim --scenario %s --seed %llu\n", sc->name, left,
		sc->name, (unsigned long long)seed);
	return true;
}

static void run_scenario(const struct scenario *sc)
{
	unsigned long runs = opt.one ? 1 : opt.seeds * sc->share / opt.shares;
	uint64_t failed = sums.failed;
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	runs = runs ? runs : 1;
	for (unsigned long i = 0; i < runs && sums.failed - failed < (opt.first ? 1 : 3); i++) {
		uint64_t seed = opt.one ? opt.seed : i + 1;
		long left;
		if (run_world(sc, seed, true, &left) && left > 0 && leaks(sc, seed, left))
			sums.failed++;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	if (opt.verbose || took > 2)
		printf("progress: %-28s %5lu worlds %6.1f s\n", sc->name, runs, took);
	fflush(stdout);
}

static void usage(void)
{
	fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--scenario NAME] [--first] [--list] [--deaths N] [-v]\n");
	exit(2);
}

static void options(int argc, char **argv)
{
	static const struct option words[] = { { "seeds", 1, NULL, 'n' }, { "seed", 1, NULL, 's' }, { "scenario", 1, NULL, 'c' },
		{ "list", 0, NULL, 'l' }, { "first", 0, NULL, 'f' }, { "verbose", 0, NULL, 'v' }, { "deaths", 1, NULL, 'd' },
		{ 0 } };
	for (int c; (c = getopt_long(argc, argv, "n:s:c:lfvd:", words, NULL)) != -1;) {
		switch (c) {
		case 'n': opt.seeds = strtoul(optarg, NULL, 10); break;
		case 's':
			opt.seed = strtoull(optarg, NULL, 10);
			opt.one = true;
			break;
		case 'c': opt.scenario = optarg; break;
		case 'l': opt.list = true; break;
		case 'f': opt.first = true; break;
		case 'v': opt.verbose = true; break;
		case 'd': opt.deaths = (unsigned)strtoul(optarg, NULL, 10); break;
		default: usage();
		}
	}
	if (optind != argc)
		usage();
}

static bool chosen(const struct scenario *sc)
{
	size_t n = opt.scenario ? strlen(opt.scenario) : 0;
	if (!n)
		return true;
	return opt.scenario[n - 1] == '*' ? !strncmp(sc->name, opt.scenario, n - 1) : !strcmp(sc->name, opt.scenario);
}

int main(int argc, char **argv)
{
	options(argc, argv);
	const char *why;
	if (!alg_init(&why)) {
		printf("FAIL no cryptographic library: %s\n0 passed, 1 failed\n", why);
		return 1;
	}
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	signal(SIGALRM, on_stuck);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	unsigned found = 0;
	for (size_t f = 0; f < sizeof families / sizeof *families; f++)
		for (const struct scenario *sc = families[f]; sc->name; sc++)
			opt.shares += chosen(sc) ? sc->share : 0;
	for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
		for (const struct scenario *sc = families[f]; sc->name; sc++) {
			if (!chosen(sc) || (opt.first && sums.failed))
				continue;
			found++;
			if (opt.list)
				printf("%-28s %4u  %s\n", sc->name, sc->share, sc->title);
			else
				run_scenario(sc);
		}
	}
	if (opt.list)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &b);
	double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	double each = 1 / (took > 0 ? took : 1);
	printf("sim: per second: %.0f worlds, %.0f datagrams, %.0f exchanges that made an SA, %.1f crossings\n",
		(double)sums.worlds * each, (double)sums.datagrams * each, (double)sums.exchanges * each,
		(double)sums.collisions * each);
	printf("sim: %llu worlds of %u scenarios, %.0f virtual hours, %.1f s: %llu datagrams, %llu SAs made, %llu crossings; "
	       "%llu packets sent, %llu received, %llu lost by the network; %llu spoiled\n",
		(unsigned long long)sums.worlds, found, (double)sums.time / 3600000, took, (unsigned long long)sums.datagrams,
		(unsigned long long)sums.exchanges, (unsigned long long)sums.collisions, (unsigned long long)sums.esp_sent,
		(unsigned long long)sums.esp_received, (unsigned long long)sums.esp_network, (unsigned long long)sums.garbage);
	if (!found)
		printf("FAIL no such scenario\n");
	printf("%llu passed, %llu failed\n", (unsigned long long)(sums.worlds - sums.failed),
		(unsigned long long)(sums.failed + !found));
	return sums.failed || !found;
}
