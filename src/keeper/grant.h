/*
 * grant.h - may the engine ask this? Pure judgement of requests against the configuration; the keeper acts only on GRANT_OK.
 */
#ifndef KEEPER_GRANT_H
#define KEEPER_GRANT_H

#include "ipc/msg.h"

enum grant {
	GRANT_OK,
	GRANT_GONE,   /* the tunnel is not configured any more: an honest race with a reload */
	GRANT_DENIED, /* well-formed, but not this tunnel's: refused, and said in the log */
	GRANT_BROKEN, /* no honest engine sends this: the engine is ended */
};
const char *grant_word(enum grant c);

/* t: the tunnel the request names, NULL when there is none of that id. */
enum grant grant_install(const struct tunnel_conf *t, const struct esp_sa *sa);
enum grant grant_switch(const struct tunnel_conf *t, const struct esp_switch *s);
enum grant grant_remove(const struct tunnel_conf *t, const struct esp_remove *r);
enum grant grant_move(const struct tunnel_conf *t, const struct esp_move *m);
enum grant grant_link(const struct tunnel_conf *t, const struct esp_link_state *s);
enum grant grant_resolve(const struct tunnel_conf *t, const struct msg_resolve *r);

struct auth_request { /* a msg_auth taken apart: views into the message */
	struct msg_auth head;
	struct ident local_id, remote_id;
	struct bytes octets, auth;
};
bool auth_request_parse(struct auth_request *r, struct bytes body);
enum grant grant_auth(const struct tunnel_conf *t, const struct auth_request *r);

#endif
