/*
 * metrics.h - what the daemon counts, as OpenMetrics text or as the older Prometheus text format. No socket, no clock: views in, text out.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "control_json.h"

struct metrics;

enum metrics_format { METRICS_OPEN, METRICS_CLASSIC };
#define METRICS_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_CLASSIC_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics *metrics_new(int64_t started); /* wall */
void metrics_free(struct metrics *m);
/* Counts the fact; tunnel: its name, "" = none. Memory is bounded by the number of tunnel ids. */
void metrics_fact(struct metrics *m, const char *tunnel, const struct fact *f);
/* How often it was about the tunnel */
void metrics_kernel(struct metrics *m, uint32_t id, const char *tunnel, bool differs); /* from what is wanted */
uint64_t metrics_count(const struct metrics *m, uint32_t id, const char *tunnel, enum fact_code code);
struct metrics_at { /* how far a text is; at its beginning all is 0 but the format */
	enum metrics_format format;
	unsigned kind, row; /* of a table of metrics.c */
	bool begun;
	char after[TUNNEL_NAME_MAX + 1];
};
/*
 * The next slice of the text, behind what is in l: some ten kilobytes, some hundred tunnels. False: that was the last. Between slices tunnels may come
 * and go, and numbers change: no tunnel is in a family twice, one that was there all the time is in each.
 */
bool metrics_more(const struct metrics *m, const struct ike *ike, const struct conf *conf, struct metrics_at *at, struct line *l);

#endif
