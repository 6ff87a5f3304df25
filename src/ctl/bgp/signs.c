/*
 * signs.c - what the daemons do not say: whether a connection of ours waits for its answer, and whether TCP MD5 signatures do not fit. Seen from here,
 * without a packet. A tunnel's interface has no neighbour entries that could tell more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/system.h"
#include "parse.h"

#define TCP_LINES 65536
#define SOCKETS_MAX 4096
#define BGP_PORT 179
#define SYN_SENT 2

/* /proc writes words of the address in the machine's order. */
static bool hex_address(const char *hex, bool six, struct addr *a)
{
	uint8_t ip[16];
	unsigned n = six ? 4 : 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned w;
		if (sscanf(hex + (size_t)8 * i, "%8x", &w) != 1)
			return false;
		memcpy(ip + (size_t)4 * i, &w, 4);
	}
	return addr_from_bytes(a, bytes_of(ip, (size_t)4 * n));
}

void bgp_signs_sockets(struct bgp_view *v, const char *line, bool six)
{
	char remote[40];
	unsigned port, state;
	struct addr peer;
	if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %39[0-9A-Fa-f]:%x %x", remote, &port, &state) != 3 || port != BGP_PORT ||
		strlen(remote) != (six ? 32 : 8) || v->n_sockets >= SOCKETS_MAX || !hex_address(remote, six, &peer))
		return;
	if ((v->n_sockets & (v->n_sockets - 1)) == 0)
		v->sockets = xrealloc_array(v->sockets, v->n_sockets == 0 ? 1 : 2 * (size_t)v->n_sockets, sizeof *v->sockets);
	v->sockets[v->n_sockets++] = (struct bgp_socket){ .peer = peer, .unanswered = state == SYN_SENT };
}

static void read_sockets(struct bgp_view *v, const char *path, bool six)
{
	char line[512];
	FILE *f = fopen(path, "re");
	for (unsigned i = 0; f != NULL && i < TCP_LINES && fgets(line, sizeof line, f) != NULL; i++)
		bgp_signs_sockets(v, line, six);
	if (f != NULL)
		fclose(f);
}

/* A line of names and one of numbers, each beginning with the group. */
void bgp_signs_counters(struct bgp_view *v, char *text)
{
	char *rest = text, *names, *values, *name, *value;
	while ((names = strsep(&rest, "\n")) != NULL && (values = strsep(&rest, "\n")) != NULL) {
		if (strncmp(names, "TcpExt:", 7) != 0)
			continue;
		while ((name = strsep(&names, " ")) != NULL && (value = strsep(&values, " ")) != NULL) {
			uint64_t n = strtoull(value, NULL, 10);
			if (strcmp(name, "TCPMD5NotFound") == 0)
				v->md5_missing = n;
			else if (strcmp(name, "TCPMD5Unexpected") == 0)
				v->md5_unexpected = n;
			else if (strcmp(name, "TCPMD5Failure") == 0)
				v->md5_wrong = n;
		}
	}
}

void bgp_signs_read(struct bgp_view *v)
{
	static char text[32768];
	read_sockets(v, "/proc/net/tcp", false);
	read_sockets(v, "/proc/net/tcp6", true);
	if (system_file("", "net/netstat", text, sizeof text))
		bgp_signs_counters(v, text);
}
