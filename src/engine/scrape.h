/*
 * scrape.h - metrics-listen: the listener's connections, each one request and one answer, with bounds on all of it.
 */
#ifndef DAEMON_SCRAPE_H
#define DAEMON_SCRAPE_H

#include "metrics.h"

struct event_base;
struct scrape;

struct scrape_ops {
	void (*counters)(void *arg); /* ask for fresh ones; scrape_counted follows */
	void (*text)(void *arg, enum metrics_format format, struct line *l);
};

struct scrape *scrape_new(struct event_base *base, const struct scrape_ops *ops, void *arg);
void scrape_listen(struct scrape *s, int fd); /* takes a listening socket instead of the one before; -1: none */
void scrape_counted(struct scrape *s);        /* answers whoever waits */
void scrape_free(struct scrape *s);

#endif
