/*
 * work.h - key exchanges and peers' certificates: at once in the caller's thread, or on worker threads when there are any and it takes long (not X25519, P-256;
 * what takes less than a millisecond only while others wait: to hand it over and back costs a tenth of that).
 * Results come back through the loop. An SA asks for one thing after the other, so that the order of its results is that of its requests.
 */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

#include "ike/ike.h"

struct event_base;
struct work;

/* The result is the receiver's: wiped and given back with work_result_free. */
typedef void (*work_fn)(void *arg, struct ike_ticket ticket, struct ike_job_result *result);

#define WORKERS_AUTO 0 /* one less than there are processors */

struct work *work_new(struct event_base *base, work_fn fn, void *arg); /* no workers yet */
void work_resize(struct work *w, unsigned workers);                    /* what is queued is finished first */
/* JOB_KE_*, JOB_AUTH_CERT; copies what it needs. alone: nothing else is known to wait for the loop. */
void work_submit(struct work *w, struct ike_ticket ticket, const struct ike_job *job, bool alone);
void work_settle(struct work *w, const struct conf *c); /* what it has prepared of settings that are no more goes */
struct ike_job_result *work_result_new(void);           /* all zero */
void work_result_free(struct ike_job_result *r);

#endif
