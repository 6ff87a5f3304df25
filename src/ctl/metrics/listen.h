/*
 * listen.h - where metrics are served: "127.0.0.1:PORT", "[::1]:PORT" or "unix:/PATH". Counters tell how traffic flows: no address that other
 * machines reach is taken.
 */
#ifndef METRICS_LISTEN_H
#define METRICS_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

/* A listening, non-blocking socket or -errno; -EINVAL: `at` is none of these. group: who may connect to a Unix socket besides its owner. */
int listen_open(const char *at, gid_t group);
void listen_close(const char *at); /* removes a Unix socket's file */

#endif
