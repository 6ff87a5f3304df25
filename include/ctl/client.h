/* client.h - the other end of the control socket: one request, one answer, or a stream of them. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "codes/control.h"
#include "ctl/ctl.h"

struct client {
	int fd;
	char *data; /* what was read and is not used yet */
	size_t len, cap;
};

enum client_result { CLIENT_OK, CLIENT_GONE, CLIENT_LATE, CLIENT_NONSENSE };

json_t *client_request(enum control_command command);       /* further members are the caller's to add */
int client_try(struct client *c, const struct options *o);  /* 0 or an errno, silently */
int client_open(struct client *c, const struct options *o); /* CTL_DONE, or the exit code after telling why */
void client_close(struct client *c);
enum client_result client_send(struct client *c, json_t *request); /* takes the reference */
/* The next line as JSON; timeout in seconds, -1 = for ever. */
enum client_result client_next(struct client *c, int timeout, json_t **answer);
/* Tells what a result that is not OK means and returns the exit code. */
int client_fault(const struct options *o, enum client_result r, int timeout);
/* Tells what an error answer says, takes the reference, returns the exit code. */
int client_error(const struct options *o, json_t *answer);

/* Open, ask, close. NULL after telling why; then *code is the exit code. Takes the request's reference. An error answer is told too. */
json_t *client_ask(const struct options *o, json_t *request, int timeout, int *code);
/* The same in silence: NULL when there is no answer, which is no failure. */
json_t *client_peek(const struct options *o, json_t *request, int timeout);
/* The same, but an answer that does not come in time is for the caller to tell: *late, and no code. */
json_t *client_ask_for(const struct options *o, json_t *request, int timeout, int *code, bool *late);

#endif
