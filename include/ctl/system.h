/*
 * system.h - what this machine says of itself: its clock, numbers of /proc, the path that a packet would take. Nothing is changed or sent.
 */
#ifndef CTL_SYSTEM_H
#define CTL_SYSTEM_H

#include "base/addr.h"

#define SYSTEM_UNKNOWN (-1)

int64_t system_ms(void); /* monotonic */
/* ROOT/proc/NAME; root is "" or a folder that stands in for /. False when it cannot be read. */
bool system_file(const char *root, const char *name, char *text, size_t size);
int system_number(const char *root, const char *name); /* SYSTEM_UNKNOWN when there is none */

#endif
