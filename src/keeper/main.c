/*
 * main.c - s2sd: options, and which of its three processes this one is (s2sd(8); keeper.c, engine.c, resolver.c).
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "crypto/alg.h"
#include "ipc/options.h"

static int usage(FILE *to, int code)
{
	fputs("usage: s2sd [-c FILE] [-r RUNDIR] [-n] [-d] [-v] [-V]\n"
	      "  -c FILE    configuration (" S2S_SYSCONFDIR "/s2sd/s2sd.yaml); conf.d/ and keys/ are beside it\n"
	      "  -r RUNDIR  run directory (" S2S_RUNDIR ")\n"
	      "  -n         check the configuration and leave\n"
	      "  -d         log to stderr\n"
	      "  -v         debug log; -v -v: the messages, too\n"
	      "  -V         version and what is built in\n",
		to);
	return code;
}

#ifdef HAVE_LIBSECCOMP
#define FILTER "seccomp"
#else
#define FILTER "none, built without libseccomp"
#endif

static int version(void)
{
	const struct alg *row;
	printf("s2sd %s\nalgorithms:", S2S_VERSION);
	for (unsigned i = 0; (row = alg_row(i)) != NULL; i++)
		printf(" %s", row->word);
	printf("\nprocesses: keeper, engine, resolver; workers: threads; system call filter: %s\n", FILTER);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = { { "null-kernel", no_argument, NULL, 'N' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };
	struct options o = { .file = S2S_SYSCONFDIR "/s2sd/s2sd.yaml", .rundir = S2S_RUNDIR };
	const char *why;
	bool show_version = false;
	if (argc == 2 && strcmp(argv[1], "--engine") == 0)
		return engine_main();
	if (argc == 2 && strcmp(argv[1], "--resolver") == 0)
		return resolver_main();
	for (int c; (c = getopt_long(argc, argv, "c:r:ndvVh", names, NULL)) != -1;) {
		switch (c) {
		case 'c': o.file = optarg; break;
		case 'r': o.rundir = optarg; break;
		case 'n': o.check = true; break;
		case 'd': o.foreground = true; break;
		case 'v': o.verbose++; break;
		case 'N': o.null_kernel = true; break;
		case 'V': show_version = true; break;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind != argc)
		return usage(stderr, 2);
	if (!show_version && !o.check)
		return keeper_main(&o);
	if (!alg_init(&why)) {
		fprintf(stderr, "s2sd: cryptographic library: %s\n", why);
		return 1;
	}
	return show_version ? version() : keeper_check(&o);
}
