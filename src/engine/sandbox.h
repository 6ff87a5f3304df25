/*
 * sandbox.h - which system calls the engine may make. The process that reads hostile packets opens nothing, starts nothing, and keeps to
 * the descriptors it was given.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

/* For this thread and those it starts from now on, for good. False: there is no filter, *why says so. */
bool sandbox_enter(const char **why);

#endif
