/*
 * engine.h - the process that speaks IKE, seen by its own files only (main.c has the overview).
 *
 * Order of the files, from below: sandbox, net, prove, work, records, places, clients, dump, repeat; control_json, metrics; control*; engine; report; apply; step; settings; message; main.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "clients.h"
#include "control.h"
#include "ike/ike.h"
#include "ipc/ipc.h"
#include "ipc/loop.h"
#include "ipc/msg.h"
#include "net.h"
#include "records.h"
#include "repeat.h"
#include "work.h"

struct event;
struct event_base;

struct names { /* id -> tunnel, counted: facts about a tunnel that is being removed still have its name */
	uint32_t n;
	struct tunnel_conf **v;
};

struct posted { /* an event of our own making, for after the present step */
	struct posted *next;
	struct ike_event in;
	struct ike_job_result *result; /* ours to wipe and free, or NULL */
};

struct engine {
	struct event_base *base;
	struct ipc *ipc;
	struct ike *ike;
	struct arena arena; /* of the step */
	struct ike_actions actions;
	struct net *net;
	uint32_t features; /* bits FEATURE_BIT(enum feature) */
	struct alarm *alarm;
	struct event *udp[UDP_SOCKETS], *soon, *status_timer, *summary_timer, *calm_timer;
	struct clients *clients;
	struct control *control;
	struct work *work;
	struct records *records;
	struct posted *posted, **posted_last;
	const struct conf *conf; /* ike's own; replaced with each EVENT_CONF */
	struct names names, old_names;
	unsigned verbose;
	bool stepping, counting, status_wanted, ready;
	msec status_interval;
	struct limit unknown_peers; /* lines about facts that belong to no tunnel */
	struct {
		uint32_t n;
		struct repeat **v; /* id -> NULL: nothing said */
	} said;
};

/* engine.c */
/* Takes a malloc'd result (or NULL); the event is stepped soon, never inside the caller. */
void engine_post(struct engine *e, const struct ike_event *in, struct ike_job_result *result);
void engine_send(struct engine *e, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size);
void engine_ask_counters(struct engine *e);

/* report.c */
void names_take(struct engine *e, const struct conf *c); /* the former names stay until names_settle */
void names_settle(struct engine *e);
const char *engine_tunnel_name(const struct engine *e, uint32_t id); /* NULL: none */
void report_fact(struct engine *e, const struct fact *f);
void report_status(struct engine *e);  /* one line per tunnel */
void report_summary(struct engine *e); /* how many are up, for the service manager */

/* apply.c */
void engine_apply(struct engine *e, const struct ike_action *a);

/* step.c */
/* One event through the protocol and its actions to their doers; whatever that posts follows before it returns. */
void engine_step(struct engine *e, const struct ike_event *in);
void engine_run_posted(struct engine *e);

/* settings.c */
void engine_configure(struct engine *e, struct conf *c); /* takes c */

/* message.c */
void engine_message(struct engine *e, struct ipc_message *m);

#endif
