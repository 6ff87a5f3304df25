/*
 * server.h - the connections of `metrics --listen`: one request and one answer each, with bounds on all of it.
 *
 * Order of this folder, from below: http, listen, server, bgp, metrics.
 */
#ifndef METRICS_SERVER_H
#define METRICS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct metrics_server;

struct exposition {
	int status; /* of HTTP: 200, or 503 with a reason as its text */
	const char *type, *text;
};
/* What is served now, valid until the next call; open: as OpenMetrics. */
typedef struct exposition metrics_fn(void *arg, bool open);

/* fd: bound, listening and non-blocking, taken over. */
struct metrics_server *metrics_server_new(struct event_base *base, int fd, metrics_fn *fn, void *arg);
void metrics_server_free(struct metrics_server *s);

#endif
