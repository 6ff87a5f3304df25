/*
 * control_core.h - what the files of the control module share (control.c tells the story). In order, from below: control_json, control_core;
 * control_query, control_order, control_events, control_trace, control_trial; control.
 */
#ifndef DAEMON_CONTROL_CORE_H
#define DAEMON_CONTROL_CORE_H

#include "base/table.h"
#include "codes/control.h"
#include "control.h"
#include "control_json.h"
#include "metrics.h"

#define FOLLOWERS_MAX 64 /* as many as the daemon has clients at most */
#define TRACERS_MAX 8
#define TRIALS_MAX 4

struct command;

struct pending {
	const struct command *command; /* NULL = free */
	uint64_t client, token;        /* token 0: waits for counters */
	json_t *request;
	char tunnel[TUNNEL_NAME_MAX + 1]; /* up, down, rekey, events */
	/* of an answer in slices */
	bool counted, begun;
	struct metrics_at at;            /* metrics */
	size_t place;                    /* status, show, top: in the request's list */
	char after[TUNNEL_NAME_MAX + 1]; /* ... or by name */
	bool listed;                     /* there is one already */
	bool lines;                      /* events: each a line */
	uint64_t fact, facts;            /* ... the next, and the end */
};

struct follower {
	bool used, debug;
	uint64_t client;
	char tunnel[TUNNEL_NAME_MAX + 1]; /* "" = all */
};

struct tracer {
	bool used;
	uint64_t client;
	uint32_t tunnel;
	char name[TUNNEL_NAME_MAX + 1];
};

struct trial { /* of UDP encapsulation: as long as its client stays */
	bool used;
	uint64_t client;
	uint32_t tunnel;
};

struct differing { /* a tunnel for which the kernel has not what is wanted */
	char tunnel[TUNNEL_NAME_MAX + 1], text[FACT_TEXT];
};

struct kept_fact; /* control_events.c */

struct control {
	struct control_ops ops;
	void *arg;
	uint64_t token; /* the last one given out */
	bool counting;  /* a dump is asked for */
	struct pending pending[CONTROL_PENDING_MAX];
	struct follower followers[FOLLOWERS_MAX];
	struct tracer tracers[TRACERS_MAX];
	struct trial trials[TRIALS_MAX];
	struct metrics *metrics;
	uint64_t facts; /* ever noted; the newest is at (facts - 1) % CONTROL_RING */
	struct kept_fact *ring[CONTROL_RING];
	struct table differs;  /* tunnel id -> struct differing */
	uint16_t index[65536]; /* tunnel id -> its place in the configuration, checked at each use: a reload moves tunnels */
};

struct command {
	void (*handle)(struct control *c, uint64_t client, const struct command *self, json_t *request);
	enum ike_command_kind kind; /* of an order */
	/* for those that wait for counters */
	bool (*slice)(struct control *c, struct pending *p, struct line *l);                      /* false: that was the last */
	json_t *(*tunnel)(const struct tunnel_view *v, const struct kernel_note *k, int64_t now); /* one member of "tunnels" */
};

/* control_core.c */
void control_answer(struct control *c, uint64_t client, json_t *o); /* takes the reference */
json_t *control_versioned(void);
void control_refuse(struct control *c, uint64_t client, enum control_error code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define CONTROL_QUOTE 80
const char *control_quote(const char *word, char text[CONTROL_QUOTE]); /* a client's word, short and harmless */
bool control_get_flag(struct control *c, uint64_t client, const json_t *request, const char *key, bool *flag);
bool control_get_count(struct control *c, uint64_t client, const json_t *request, const char *key, json_int_t max, json_int_t *n);
/* The tunnels that are meant, as an array of words: "tunnels": [...] or "tunnel": "..."; empty = all. */
bool control_get_tunnels(struct control *c, uint64_t client, json_t *request);
void control_name_of(struct control *c, uint32_t id, char name[TUNNEL_NAME_MAX + 1]); /* "" = none */
/* A free place, or NULL after telling the client that there is none. */
struct pending *control_wait(struct control *c, uint64_t client, const struct command *command, json_t *request);
void control_pending_clear(struct pending *p);

/* control_query.c */
void request_counted(struct control *c, uint64_t client, const struct command *self, json_t *request);
bool slice_tunnels(struct control *c, struct pending *p, struct line *l);
bool slice_metrics(struct control *c, struct pending *p, struct line *l);

/* control_order.c */
void request_order(struct control *c, uint64_t client, const struct command *self, json_t *request);
void request_reload(struct control *c, uint64_t client, const struct command *self, json_t *request);

/* control_events.c */
void request_events(struct control *c, uint64_t client, const struct command *self, json_t *request);
bool slice_events(struct control *c, struct pending *p, struct line *l);
void events_client_gone(struct control *c, uint64_t client);
void events_forget(struct control *c);

/* control_trace.c */
void request_trace(struct control *c, uint64_t client, const struct command *self, json_t *request);
void trace_client_gone(struct control *c, uint64_t client);

/* control_trial.c */
void request_encapsulate(struct control *c, uint64_t client, const struct command *self, json_t *request);
void trial_client_gone(struct control *c, uint64_t client);

#endif
