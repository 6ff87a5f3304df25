/*
 * memory.h - what a process keeps in memory, and where: off the swap, out of dumps, and no more than it needs.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <stdbool.h>

/* Keeps memory off the swap, also what is allocated later. False: the limit does not allow it. */
bool memory_lock(void);
/* Gives back what only the start needed: free heap, and pages of program and libraries, which are read again from their files when used. */
void memory_trim(void);

#endif
