/*
 * bench_dial.c SOCKET PREFIX FIRST COUNT - tells a daemon to bring up tunnels PREFIX00001 and so on, a few at a time, and waits for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WINDOW 16 /* under way at once: as many as one client may ask for */

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

static void ask(FILE *f, const char *prefix, unsigned i)
{
	dprintf(fileno(f), "{\"command\":\"up\",\"tunnel\":\"%s%05u\"}\n", prefix, i);
}

int main(int argc, char **argv)
{
	char line[4096];
	if (argc != 5) {
		fprintf(stderr, "usage: bench_dial SOCKET PREFIX FIRST COUNT\n");
		return 2;
	}
	unsigned next = (unsigned)atoi(argv[3]), end = next + (unsigned)atoi(argv[4]), failed = 0;
	FILE *f = connect_to(argv[1]);
	unsigned open = 0;
	for (; open < WINDOW && next < end; open++)
		ask(f, argv[2], next++);
	for (; open > 0 && fgets(line, sizeof line, f) != NULL; open--) {
		if (strstr(line, "\"done\":true") == NULL && strstr(line, "\"done\": true") == NULL) {
			fprintf(stderr, "bench_dial: %s", line);
			failed++;
		}
		if (next < end) {
			ask(f, argv[2], next++);
			open++;
		}
	}
	if (open > 0)
		fprintf(stderr, "bench_dial: the daemon closed the connection\n");
	return open > 0 || failed > 0;
}
