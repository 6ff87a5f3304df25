/*
 * control_json.h - views and facts as JSON (s2sctl(8), "CONTROL SOCKET"). Absent values are null, lists are [], times RFC 3339.
 */
#ifndef DAEMON_CONTROL_JSON_H
#define DAEMON_CONTROL_JSON_H

#include <jansson.h>

#include "ike/fact.h"
#include "ike/ike.h"

struct noted { /* a fact with what must outlive the configuration it was made under */
	int64_t at;
	struct fact fact;
	char tunnel[TUNNEL_NAME_MAX + 1]; /* "" = none */
};

struct kernel_note {         /* what the keeper says about a tunnel's objects in the kernel */
	const char *differs; /* NULL: as wanted */
	uint64_t repairs;    /* FACT_KERNEL_REPAIRED since the start */
};

/* Text that grows; what it holds is one JSON line. */
struct line {
	char *data;
	size_t len, cap;
};
void line_put(struct line *l, const char *text, size_t n);
void line_puts(struct line *l, const char *text);
void line_json(struct line *l, json_t *value);                 /* takes the reference */
void line_escaped(struct line *l, const char *text, size_t n); /* as part of a JSON string; UTF-8 */
void line_release(struct line *l);

json_t *json_words(const char *text); /* null when NULL or empty; bytes that are no UTF-8 are escaped */
json_t *json_hex(struct bytes b);
/* One member of "tunnels" */
json_t *json_status(const struct tunnel_view *v, const struct kernel_note *k, int64_t now); /* as `status` tells it */
/* the same and everything else that is known; no secrets */
json_t *json_show(const struct tunnel_view *v, const struct kernel_note *k, int64_t now);
json_t *json_top(const struct tunnel_view *v, const struct kernel_note *k, int64_t now); /* few members, asked for every second */
json_t *json_event(const struct noted *n);

#endif
