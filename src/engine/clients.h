/*
 * clients.h - the control socket's connections: who may speak, lines in, lines out, and bounds on all of it. What is said is control.h's business.
 */
#ifndef DAEMON_CLIENTS_H
#define DAEMON_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct clients;
struct event_base;

struct clients_ops {
	/* len is more than CONTROL_LINE_MAX when the line is too long; then it may be its beginning only */
	void (*line)(void *arg, uint64_t client, const char *line, size_t len);
	bool (*waits)(void *arg, uint64_t client); /* for an answer: its next line is not looked at before that is sent */
	void (*more)(void *arg, uint64_t client);  /* between clients_begin and clients_end: the next part is wanted */
	void (*gone)(void *arg, uint64_t client);
};

/* Whose members may connect besides root; and who may not though he were a member: processes of ours that strangers talk to. */
struct clients_who {
	gid_t group;
	uid_t never[2];
};
/* listener: bound and listening, taken over */
struct clients *clients_new(
	struct event_base *base, int listener, const struct clients_who *who, const struct clients_ops *ops, void *arg);
/* Only now are they let in: until then they and their requests wait in the listener's queue. */
void clients_open(struct clients *c);
void clients_free(struct clients *c);
void clients_send(struct clients *c, uint64_t client, const char *line); /* without its line feed; unknown clients are ignored */
/*
 * A line in parts, its line feed included. `more` is called when the client has read all that it got, for one client in a turn of the loop: whoever reads
 * slowly costs one part's memory, and all of them together one part's time. Lines that are sent before clients_end wait behind it.
 */
void clients_begin(struct clients *c, uint64_t client);
void clients_part(struct clients *c, uint64_t client, const char *text, size_t len);
void clients_end(struct clients *c, uint64_t client);
void clients_close(struct clients *c, uint64_t client); /* after what was sent has left */

#endif
