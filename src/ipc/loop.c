/*
 * loop.c - see loop.h. libevent's own timers follow CLOCK_MONOTONIC, which stands still during suspend; a timerfd does not.
 */
#include "ipc/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ipc/memory.h"

struct alarm {
	int fd;
	struct mono at; /* what the timerfd is set to */
	struct event *event;
	void (*fn)(void *arg);
	void *arg;
};

struct moment moment_now(void)
{
	struct timespec boot, wall;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct moment){ { (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000 }, wall.tv_sec };
}

void loop_run(struct event_base *base, void (*turn)(void *arg), void *arg)
{
	do
		turn(arg);
	while (event_base_loop(base, EVLOOP_ONCE) == 0 && !event_base_got_break(base));
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
	struct alarm *a = arg;
	uint64_t times;
	(void)what;
	if (read(fd, &times, sizeof times) != (ssize_t)sizeof times && errno == EAGAIN)
		return; /* set anew meanwhile */
	a->at = MONO_NEVER;
	a->fn(a->arg);
}

struct alarm *alarm_new(struct event_base *base, void (*fn)(void *arg), void *arg)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct alarm *a = xcalloc(1, sizeof *a);
	*a = (struct alarm){ .fd = fd, .at = MONO_NEVER, .fn = fn, .arg = arg };
	a->event = event_new(base, fd, EV_READ | EV_PERSIST, on_alarm, a);
	event_add(a->event, NULL);
	return a;
}

void alarm_set(struct alarm *a, struct mono at)
{
	struct itimerspec when = { 0 };
	if (at.ms == a->at.ms)
		return;
	a->at = at;
	if (!mono_is_never(at)) {
		msec ms = at.ms > 0 ? at.ms : 1;
		when.it_value = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	}
	timerfd_settime(a->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_trim(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	memory_trim();
}

void loop_trim_soon(struct event_base *base)
{
	event_base_once(base, -1, EV_TIMEOUT, on_trim, NULL, &(struct timeval){ .tv_usec = 20000 });
}
