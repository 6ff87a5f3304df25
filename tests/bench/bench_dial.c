/*
 * bench_dial.c SOCKET PREFIX FIRST COUNT [COMMAND [WINDOW]] - tells a daemon to bring up (or down, or rekey, as COMMAND says) tunnels PREFIX00001 and so on,
 * WINDOW at a time, and waits for each.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WINDOW_MAX 64 /* under way at once: each on a connection of its own, where one is done after the other */

static FILE *connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
		perror(path);
		exit(1);
	}
	return fdopen(fd, "r");
}

static const char *command = "up";

static void ask(FILE *f, const char *prefix, unsigned i)
{
	dprintf(fileno(f), "{\"command\":\"%s\",\"tunnel\":\"%s%05u\"}\n", command, prefix, i);
}

int main(int argc, char **argv)
{
	char line[4096];
	unsigned window = argc == 7 ? (unsigned)atoi(argv[6]) : 16;
	if (argc < 5 || argc > 7 || window < 1 || window > WINDOW_MAX) {
		fprintf(stderr, "usage: bench_dial SOCKET PREFIX FIRST COUNT [COMMAND [WINDOW]]\n");
		return 2;
	}
	if (argc > 5)
		command = argv[5];
	unsigned next = (unsigned)atoi(argv[3]), end = next + (unsigned)atoi(argv[4]), failed = 0, open = 0;
	FILE *f[WINDOW_MAX];
	struct pollfd fds[WINDOW_MAX];
	for (; open < window && next < end; open++) {
		f[open] = connect_to(argv[1]);
		fds[open] = (struct pollfd){ .fd = fileno(f[open]), .events = POLLIN };
		ask(f[open], argv[2], next++);
	}
	for (unsigned busy = open; busy > 0 && poll(fds, open, -1) > 0;) {
		for (unsigned i = 0; i < open; i++) {
			if (fds[i].revents == 0)
				continue;
			bool closed = fgets(line, sizeof line, f[i]) == NULL;
			if (closed || (strstr(line, "\"done\":true") == NULL && strstr(line, "\"done\": true") == NULL)) {
				fprintf(stderr, "bench_dial: %s", closed ? "the daemon closed the connection\n" : line);
				failed++;
			}
			if (!closed && next < end) {
				ask(f[i], argv[2], next++);
			} else {
				fds[i].fd = -1;
				busy--;
			}
		}
	}
	return failed > 0;
}
