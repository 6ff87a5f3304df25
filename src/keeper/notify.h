/*
 * notify.h - telling the service manager (sd_notify(3), the protocol written by hand): READY, RELOADING, STATUS, WATCHDOG, STOPPING; and descriptors
 * that it is to keep for the next run (FDSTORE).
 * Without NOTIFY_SOCKET in the environment every call does nothing.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

#include "base/clock.h"

void notify_open(void); /* reads the environment and removes it from there, so that children stay silent */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "READY=1\nSTATUS=..." */
/* It keeps a duplicate of it under that name until it is told to forget the name; given.h has them at the next start. */
void notify_keep(const char *name, int fd);
void notify_forget(const char *name);
bool notify_keeps(void);    /* it says that it does; before systemd 254 nobody can tell */
msec notify_watchdog(void); /* how often the manager wants to hear from us; 0: it does not */

#endif
