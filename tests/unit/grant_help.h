/*
 * grant_help.h - a tunnel as the keeper has it, for the tests of what it grants.
 */
#ifndef UNIT_GRANT_HELP_H
#define UNIT_GRANT_HELP_H

#include <stdlib.h>
#include <string.h>

#include "keeper/grant.h"
#include "unit.h"
#include "wire/ikev2.h"

static uint8_t us[4] = { 198, 51, 100, 7 };
static struct tunnel_conf tunnel;

static inline struct addr ip(const char *text, uint16_t port)
{
	struct addr a;
	ck_assert(addr_parse(&a, text));
	a.port = port;
	return a;
}

static inline struct ts_list net(const char *text)
{
	struct prefix p;
	ck_assert(prefix_parse(&p, text));
	struct ts_list l = { .n = 1 };
	l.v[0] = ts_from_prefix(&p);
	return l;
}

static inline void setup_tunnel(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	memset(&tunnel, 0, sizeof tunnel);
	tunnel.id = 1;
	tunnel.remote = ip("203.0.113.10", 0);
	tunnel.local_id = (struct ident){ ID_IPV4_ADDR, 4, us };
	struct ts_list here = net("10.0.0.0/8"), there = net("0.0.0.0/0");
	tunnel.local_ts = ts_list_keep(&here);
	tunnel.remote_ts = ts_list_keep(&there);
	tunnel.psk = calloc(1, sizeof *tunnel.psk + 8);
	tunnel.psk->len = 8;
}

static inline void teardown(void)
{
	free(tunnel.psk);
	free(tunnel.local_ts);
	free(tunnel.remote_ts);
}

#endif
