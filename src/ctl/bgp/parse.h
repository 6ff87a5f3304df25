/* parse.h - the daemons' answers, read into a view. Pure; a text may be anything. False: it is not what that daemon says. */
#ifndef CTL_BGP_PARSE_H
#define CTL_BGP_PARSE_H

#include "ctl/bgp.h"

#define BGP_SESSIONS_MAX 8192
#define BGP_ROUTES_MAX 32768

/* --- view.c --- */
/* numbers not told, everything else empty; NULL when there are too many */
struct bgp_session *bgp_session_add(struct bgp_view *v);
void bgp_session_drop(struct bgp_view *v); /* the last one */
struct bgp_route *bgp_route_add(struct bgp_view *v);
void bgp_words_set(char *to, size_t size, const char *from, size_t n); /* without what is no printable character; cut */

/* show bgp vrf all neighbors json, then show bgp vrf all summary json */
bool bgp_frr_sessions(struct bgp_view *v, const char *text);
bool bgp_frr_routes(struct bgp_view *v, const char *text);              /* show ip route vrf all bgp json */
bool bgp_bird_sessions(struct bgp_view *v, const char *text);           /* show protocols all */
bool bgp_bird_routes(struct bgp_view *v, const char *text);             /* show route */
void bgp_signs_sockets(struct bgp_view *v, const char *line, bool six); /* a line of /proc/net/tcp */
void bgp_signs_counters(struct bgp_view *v, char *text);                /* /proc/net/netstat */
void bgp_signs_read(struct bgp_view *v);

#endif
