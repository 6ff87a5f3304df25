/* dump.h - IKE messages into the debug log, for `s2sd -v -v`. */
#ifndef DAEMON_DUMP_H
#define DAEMON_DUMP_H

#include "ike/ike.h"

/* An ACTION_TRACE, one line of log for each line of its text. What proves or protects a message was taken out before (src/ike/trace.c). */
void dump(const char *tunnel, const struct ike_action *trace);

#endif
