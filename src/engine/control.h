/*
 * control.h - the operator's side of the engine: requests as JSON lines in, answers as JSON lines out (s2sctl(8), "CONTROL SOCKET").
 *
 * No socket is touched here: the daemon reads lines, names each client by a number and sends what comes out. Everything a client can make
 * grow is bounded: lines, pending requests, followers, the ring of facts.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "ike/fact.h"
#include "ike/ike.h"
#include "metrics.h"

#define CONTROL_LINE_MAX 65536  /* a request; longer ones are answered with an error and skipped to their end */
#define CONTROL_PENDING_MAX 256 /* requests that wait for counters or for the end of a command */
#define CONTROL_RING 1000       /* facts kept for `events` */

struct control;

struct control_ops {
	const struct ike *(*ike)(void *arg);
	const struct conf *(*conf)(void *arg);
	/* up, down, rekey, trace, encapsulate; the answer comes by control_reply with the token (0: none is wanted) */
	void (*command)(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token);
	void (*counters)(void *arg); /* ask for a dump; control_counters follows in any case */
	/* control_reloaded follows */
	void (*reload)(void *arg, uint64_t token, bool dry_run);
	/* without the line feed; a client that is gone is no error */
	void (*send)(void *arg, uint64_t client, const char *json_line);
	/*
	 * An answer that grows with the number of tunnels comes in slices, so that neither the loop nor memory holds it as a whole: after begin
	 * control_more is to be called, at most once in a turn of the loop and only when the client has read what it got, until end. Each call gives
	 * one part at most; the last one ends with the line feed. What is sent meanwhile comes behind.
	 */
	void (*begin)(void *arg, uint64_t client);
	void (*part)(void *arg, uint64_t client, const char *text, size_t len);
	void (*end)(void *arg, uint64_t client);
	void (*close)(void *arg, uint64_t client); /* the client must go; control_client_gone need not follow */
	struct moment (*now)(void *arg);
	uint32_t (*features)(void *arg); /* bits FEATURE_BIT(enum feature) */
};

struct control *control_new(const struct control_ops *ops, void *arg);
void control_free(struct control *c);
/* one line, with or without its line feed */
void control_request(struct control *c, uint64_t client, const char *line, size_t len);
bool control_client_waits(const struct control *c, uint64_t client); /* for an answer; a stream is none */
void control_client_gone(struct control *c, uint64_t client);
bool control_debug_is_followed(const struct control *c); /* somebody looks for faults */
void control_fact(struct control *c, struct moment now, const struct fact *f);
/* NULL: the kernel has all that is wanted. True: it had not, or the other way round. */
bool control_kernel(struct control *c, uint32_t tunnel, const char *differs);
void control_counters(struct control *c); /* fresh counters are in: every status and show that waits can be answered */
void control_more(struct control *c, uint64_t client);
void control_reply(struct control *c, uint64_t token, bool ok, const char *text);
void control_reloaded(struct control *c, uint64_t token, bool ok, const char *text, struct bytes rows); /* ipc/reloaded.h */
void control_trace(struct control *c, int64_t wall_us, const struct ike_action *a);                     /* ACTION_TRACE */

#endif
