/*
 * vty.c - what vtysh does for one daemon of FRR (bgpd when none is named), without building its own tree of commands first, which takes seconds where all
 * is emulated. The daemon's words are printed as they come.
 *
 *     vty [--vty_socket DIR] [-d DAEMON] -c COMMAND...
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CMD_WARNING 1
#define TRAILER 4 /* three zeros and the result end an answer */

static _Noreturn void usage(const char *word)
{
	fprintf(stderr, "vty: %s\n", word);
	exit(255);
}

static int connected(const char *dir, const char *daemon)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s/%s.vty", dir, daemon);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	fputs("Exiting: failed to connect to any daemons.\n", stderr);
	exit(1);
}

/* The command's result; what it says is printed. */
static int run(int fd, const char *command)
{
	static char answer[16 << 20];
	size_t n = 0, size = strlen(command) + 1;
	if (write(fd, command, size) != (ssize_t)size)
		exit(1);
	while (n < TRAILER || memcmp(answer + n - TRAILER, "\0\0", 3) != 0) {
		ssize_t got = n < sizeof answer ? read(fd, answer + n, sizeof answer - n) : 0;
		if (got <= 0)
			exit(1);
		n += (size_t)got;
	}
	fwrite(answer, 1, n - TRAILER, stdout);
	return (unsigned char)answer[n - 1];
}

int main(int argc, char **argv)
{
	const char *dir = "/run/frr", *daemon = "bgpd";
	bool failed = false;
	int fd = -1;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--vty_socket") == 0)
			dir = argv[i + 1];
		else if (strcmp(argv[i], "-d") == 0)
			daemon = argv[i + 1];
		else if (strcmp(argv[i], "-c") != 0)
			usage(argv[i]);
	}
	fd = connected(dir, daemon);
	run(fd, "enable");
	for (int i = 1; i + 1 < argc; i += 2)
		failed |= strcmp(argv[i], "-c") == 0 && run(fd, argv[i + 1]) > CMD_WARNING;
	return fflush(stdout) != 0 || failed;
}
