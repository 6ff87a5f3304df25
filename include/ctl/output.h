/*
 * output.h - files that a command writes for its user alone: captures and reports tell addresses, names and who talks to whom.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* A new file of mode 0600, through no link. With replace also one that is there, if it is a regular file of ours that nobody else can open or has
 * another name for: what somebody laid there beforehand is refused, and not emptied. NULL: *why says why. */
FILE *output_open(const char *path, bool replace, const char **why);

#endif
