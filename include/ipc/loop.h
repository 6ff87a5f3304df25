/*
 * loop.h - the clock and the one alarm of a process. CLOCK_BOOTTIME counts the time a machine sleeps, so a tunnel wakes up knowing its age.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include "base/clock.h"

struct alarm;
struct event_base;

struct moment moment_now(void);

/* Until event_base_loopbreak(). turn() is called before each wait for events: what was said while they were handled can leave together. */
void loop_run(struct event_base *base, void (*turn)(void *arg), void *arg);

struct alarm *alarm_new(struct event_base *base, void (*fn)(void *arg), void *arg); /* NULL: no timerfd */
void alarm_set(struct alarm *a, struct mono at);                                    /* MONO_NEVER: silent */

/* memory_trim() a moment later, when nobody waits. */
void loop_trim_soon(struct event_base *base);

#endif
