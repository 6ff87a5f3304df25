/*
 * notify.h - telling the service manager (sd_notify(3), the protocol written by hand): READY, RELOADING, STATUS, WATCHDOG, STOPPING.
 * Without NOTIFY_SOCKET in the environment every call does nothing.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "base/clock.h"

void notify_open(void); /* reads the environment and removes it from there, so that children stay silent */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "READY=1\nSTATUS=..." */
msec notify_watchdog(void); /* how often the manager wants to hear from us; 0: it does not */

#endif
