/* bgp.h - the BGP sessions of tunnels, as metrics: the daemon does not know them, the routing daemons of this machine do. */
#ifndef METRICS_BGP_H
#define METRICS_BGP_H

#include <jansson.h>

/* text: what the daemon exposes, tunnels: its status, after bgp_answer(). The same with the sessions' metrics, to be freed. A session that nobody may ask for has none. */
char *bgp_metrics(const char *text, const json_t *tunnels);

#endif
