/* daemon_help.h - the daemon as it is built, started in a place of its own: settings, run directory, network namespace, service manager; the null kernel behind. */
#ifndef UNIT_DAEMON_HELP_H
#define UNIT_DAEMON_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

extern char place[32], settings[64], rundir[64], control[80], log_file[64], told[96];
extern pid_t daemon_pid;

void make_place(void); /* fixture: before and after each test */
void remove_place(void);
const char *program(const char *name, char path[128]); /* one that was just built */
/* n tunnels t0, t1, ..., each with these lines more */
void write_settings(unsigned n, const char *more);
void isolate(bool second_user); /* a network namespace; the engine is a second user, which only root can have */

/* Also a mount namespace with these users: s2sd 64500 (group 64501), s2sd-resolver 64502, and the control group s2sd 64500; and a name server that
 * takes questions and never answers. */
void isolate_with_users(void);

int run_program(const char *const argv[], char *text, size_t size); /* to its end: its status, and what it said */
void start_daemon(void);
void start_daemon_of(const char *path); /* another s2sd; its helpers lie beside it */
bool is_told(const char *words); /* until the service manager is told a state with these words in it; the state is in `told` */
void hear_all(void);     /* what was said to the service manager until now; it keeps none of the descriptors that came with it */
int end_daemon(int sig); /* its status */
size_t log_has(const char *words); /* how many lines of its log have these words */

int connected(const char *path);                                  /* as soon as the socket is there */
void ask_at_once(const char *request, char *answer, size_t size); /* one request; the first piece of its answer */

/* A process of the daemon: a child of the keeper's by its name; 0 if it does not come within 20 s. */
pid_t helper_process(const char *name);

#endif
