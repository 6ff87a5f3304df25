/* speed.h - what of this machine makes ESP slower than it could be. */
#ifndef CHECK_SPEED_H
#define CHECK_SPEED_H

#include "check/host.h"

void host_read_speed(struct host *h, const struct conf *c, const char *root); /* after the paths and networks are read */

#endif
