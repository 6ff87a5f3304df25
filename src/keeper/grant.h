/*
 * check.h - may the engine ask this? Pure judgement of requests against the configuration; the keeper acts only on CHECK_OK.
 */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "ipc/msg.h"

enum check {
	CHECK_OK,
	CHECK_GONE,   /* the tunnel is not configured any more: an honest race with a reload */
	CHECK_DENIED, /* well-formed, but not this tunnel's: refused, and said in the log */
	CHECK_BROKEN, /* no honest engine sends this: the engine is ended */
};
const char *check_word(enum check c);

/* t: the tunnel the request names, NULL when there is none of that id. */
enum check check_install(const struct tunnel_conf *t, const struct esp_sa *sa);
enum check check_switch(const struct tunnel_conf *t, const struct esp_switch *s);
enum check check_remove(const struct tunnel_conf *t, const struct esp_remove *r);
enum check check_move(const struct tunnel_conf *t, const struct esp_move *m);
enum check check_link(const struct tunnel_conf *t, const struct esp_link_state *s);
enum check check_resolve(const struct tunnel_conf *t, const struct msg_resolve *r);

struct auth_request { /* a msg_auth taken apart: views into the message */
	struct msg_auth head;
	struct ident local_id, remote_id;
	struct bytes octets, auth;
};
bool auth_request_parse(struct auth_request *r, struct bytes body);
enum check check_auth(const struct tunnel_conf *t, const struct auth_request *r);

#endif
