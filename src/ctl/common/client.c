/*
 * client.c - see client.h. The daemon is trusted less than one might think: its answers are bounded and are data, never terminal control.
 */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/answer.h"
#include "ctl/render.h"
#include "ctl/system.h"

#define SOCKET_NAME "control.sock"
#define ANSWER_MAX ((size_t)512 << 20)

json_t *client_request(enum control_command command) { return json_pack("{ss}", "command", control_command_word(command)); }

int client_try(struct client *c, const struct options *o)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	*c = (struct client){ .fd = -1 };
	int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/" SOCKET_NAME, o->rundir);
	if (n < 0 || (size_t)n >= sizeof to.sun_path)
		return ENAMETOOLONG;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
		return 0;
	int err = errno;
	client_close(c);
	return err;
}

int client_open(struct client *c, const struct options *o)
{
	int err = client_try(c, o);
	if (err == 0)
		return CTL_DONE;
	if (err == ENAMETOOLONG)
		return ctl_fail(o, CTL_USAGE, "usage", "run directory '%s' is too long for a socket's name", o->rundir);
	if (err == EACCES || err == EPERM)
		return ctl_fail(o, CTL_FAILED, "permission",
			"%s/" SOCKET_NAME ": permission denied; only root and the socket's group may connect", o->rundir);
	return ctl_fail(o, CTL_NO_DAEMON, "no-daemon",
		"the daemon does not answer: %s/" SOCKET_NAME ": %s; `systemctl status s2sd` says whether it runs", o->rundir,
		strerror(err));
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->data);
	*c = (struct client){ .fd = -1 };
}

enum client_result client_send(struct client *c, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL)
		return CLIENT_NONSENSE;
	size_t n = strlen(text), done = 0;
	text[n++] = '\n'; /* in the place of the final 0: from here on it is bytes */
	while (done < n) {
		ssize_t k = send(c->fd, text + done, n - done, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			break;
		done += (size_t)k;
	}
	free(text);
	return done == n ? CLIENT_OK : CLIENT_GONE;
}

/* Waits for more bytes and reads them. */
static enum client_result fill(struct client *c, int64_t until)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int wait = -1;
	if (until >= 0) {
		int64_t left = until - system_ms();
		wait = left > 0 ? (int)left : 0;
	}
	int ready = poll(&p, 1, wait);
	if (ready < 0)
		return errno == EINTR ? CLIENT_OK : CLIENT_GONE;
	if (ready == 0)
		return CLIENT_LATE;
	if (c->cap - c->len < 4096) {
		if (c->cap >= ANSWER_MAX)
			return CLIENT_NONSENSE;
		c->cap = c->cap > 0 ? c->cap * 2 : 65536;
		c->data = xrealloc_array(c->data, c->cap, 1);
	}
	ssize_t n = recv(c->fd, c->data + c->len, c->cap - c->len, 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return CLIENT_OK;
	if (n <= 0)
		return CLIENT_GONE;
	c->len += (size_t)n;
	return CLIENT_OK;
}

enum client_result client_next(struct client *c, int timeout, json_t **answer)
{
	int64_t until = timeout < 0 ? -1 : system_ms() + (int64_t)timeout * 1000;
	size_t looked = 0;
	char *end;
	while ((end = c->len > looked ? memchr(c->data + looked, '\n', c->len - looked) : NULL) == NULL) {
		looked = c->len;
		enum client_result r = fill(c, until);
		if (r != CLIENT_OK)
			return r;
	}
	size_t n = (size_t)(end - c->data);
	*answer = json_loadb(c->data, n, 0, NULL);
	c->len -= n + 1;
	memmove(c->data, end + 1, c->len);
	if (json_is_object(*answer))
		return CLIENT_OK;
	json_decref(*answer);
	*answer = NULL;
	return CLIENT_NONSENSE;
}

int client_fault(const struct options *o, enum client_result r, int timeout)
{
	switch (r) {
	case CLIENT_OK: return CTL_DONE;
	case CLIENT_GONE: return ctl_fail(o, CTL_NO_DAEMON, "no-daemon", "the daemon does not answer: it closed the connection");
	case CLIENT_LATE: return ctl_fail(o, CTL_NO_DAEMON, "no-daemon", "the daemon does not answer within %d s", timeout);
	case CLIENT_NONSENSE: return ctl_fail(o, CTL_FAILED, "nonsense", "cannot parse the daemon's answer");
	}
	return CTL_FAILED;
}

int client_error(const struct options *o, json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *text = word_of(error, "text");
	struct options quiet = *o;
	quiet.json = false; /* the daemon's own object says more than ours would */
	render_reload(error, stderr);
	int code = ctl_fail(
		&quiet, CTL_FAILED, "failed", "%s", text != NULL ? text : "it failed, and the daemon gives no reason");
	if (o->json)
		answer_print(answer);
	else
		json_decref(answer);
	return code;
}

json_t *client_ask(const struct options *o, json_t *request, int timeout, int *code)
{
	return client_ask_for(o, request, timeout, code, NULL);
}

json_t *client_peek(const struct options *o, json_t *request, int timeout)
{
	struct client c;
	json_t *answer = NULL;
	if (client_try(&c, o) != 0) {
		json_decref(request);
		return NULL;
	}
	if (client_send(&c, request) == CLIENT_OK && client_next(&c, timeout, &answer) != CLIENT_OK)
		answer = NULL;
	client_close(&c);
	return answer;
}

json_t *client_ask_for(const struct options *o, json_t *request, int timeout, int *code, bool *late)
{
	struct client c;
	json_t *answer = NULL;
	if (late != NULL)
		*late = false;
	*code = client_open(&c, o);
	if (*code != CTL_DONE) {
		json_decref(request);
		return NULL;
	}
	enum client_result r = client_send(&c, request);
	if (r == CLIENT_OK)
		r = client_next(&c, timeout, &answer);
	client_close(&c);
	if (late != NULL && r == CLIENT_LATE) {
		*late = true;
		return NULL;
	}
	*code = client_fault(o, r, timeout);
	if (json_object_get(answer, "error") == NULL)
		return answer;
	*code = client_error(o, answer);
	return NULL;
}
