/*
 * settings_link.h - which settings the daemon of a run directory reads: a link there, so that `s2sctl -r RUNDIR export` reads the same ones.
 */
#ifndef DAEMON_SETTINGS_LINK_H
#define DAEMON_SETTINGS_LINK_H

#include <stdbool.h>

/* True when the link is there, ours to remove. What stands in its place and is no link, or is the settings themselves, is left alone. */
bool settings_link(int run_dir, const char *file);
void settings_unlink(int run_dir);

#endif
