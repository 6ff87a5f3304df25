/* view.c - a view that grows, and what is found in it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parse.h"

/* Room is doubled at each power of two. */
static void *grow(void *v, unsigned n, size_t size)
{
	return (n & (n - 1)) == 0 ? xrealloc_array(v, n == 0 ? 1 : 2 * (size_t)n, size) : v;
}

struct bgp_session *bgp_session_add(struct bgp_view *v)
{
	if (v->n >= BGP_SESSIONS_MAX)
		return NULL;
	v->sessions = grow(v->sessions, v->n, sizeof *v->sessions);
	struct bgp_session *x = &v->sessions[v->n++];
	*x = (struct bgp_session){ .age_s = BGP_NOT_TOLD,
		.received = BGP_NOT_TOLD,
		.accepted = BGP_NOT_TOLD,
		.filtered = BGP_NOT_TOLD,
		.sent = BGP_NOT_TOLD,
		.limit = BGP_NOT_TOLD,
		.retry_s = BGP_NOT_TOLD,
		.retry_every_s = BGP_NOT_TOLD };
	return x;
}

void bgp_session_drop(struct bgp_view *v) { v->n--; }

struct bgp_route *bgp_route_add(struct bgp_view *v)
{
	if (v->n_routes >= BGP_ROUTES_MAX)
		return NULL;
	v->routes = grow(v->routes, v->n_routes, sizeof *v->routes);
	struct bgp_route *r = &v->routes[v->n_routes++];
	*r = (struct bgp_route){ .used = false };
	return r;
}

void bgp_words_set(char *to, size_t size, const char *from, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n && from[i] != 0 && len + 1 < size; i++)
		if (from[i] >= ' ' && from[i] <= '~')
			to[len++] = from[i];
	to[len] = 0;
}

void bgp_release(struct bgp_view *v)
{
	free(v->sessions);
	free(v->routes);
	free(v->sockets);
	*v = (struct bgp_view){ .n = 0 };
}

const struct bgp_session *bgp_session_of(const struct bgp_view *v, const struct addr *peer)
{
	const struct bgp_session *found = NULL;
	for (unsigned i = 0; i < v->n; i++) {
		const struct bgp_session *x = &v->sessions[i];
		if (peer->family != 0 && addr_same_ip(&x->peer, peer) && (found == NULL || found->state != BGP_ESTABLISHED))
			found = x;
	}
	return found;
}

bool bgp_unanswered(const struct bgp_view *v, const struct addr *peer)
{
	for (unsigned i = 0; i < v->n_sockets; i++)
		if (v->sockets[i].unanswered && addr_same_ip(&v->sockets[i].peer, peer))
			return true;
	return false;
}

bool bgp_unknown(const struct bgp_view *v)
{
	for (unsigned i = 0; i < BGP_DAEMONS; i++)
		if (v->reach[i] == BGP_DENIED || v->reach[i] == BGP_HANGS || v->reach[i] == BGP_GARBLED)
			return true;
	return false;
}
