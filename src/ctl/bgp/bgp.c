/*
 * bgp.c - asks FRR and BIRD, each by its own program, all at once; see bgp.h. Which daemon a program speaks to is always said to it (-d): without that one
 * daemon of FRR that hangs would hang each question.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/util.h"
#include "ctl/spawn.h"
#include "parse.h"

#define PATIENCE_MS 2000
#define SAID_MOST ((size_t)8 << 20) /* 1,000 sessions are 5 MB */
#define ROUTE_MOST ((size_t)65536)
#define FRR_SOCKET "/run/frr/bgpd.vty"
#define BIRD_SOCKET "/run/bird/bird.ctl"

enum { ASK_BGPD, ASK_BIRD, ASK_ZEBRA, ASK_BIRD_ROUTES, QUESTIONS };

/* A program that fails says the same of a daemon that is not there and of one that it may not ask: its socket tells which. */
static enum bgp_reach reach_of(const struct program *p, const char *socket)
{
	if (p->end == PROGRAM_ENDED && p->status == 0)
		return BGP_ANSWERS;
	if (access(socket, W_OK) != 0)
		return errno == EACCES ? BGP_DENIED : BGP_ABSENT; /* however long the program took to notice */
	if (p->end == PROGRAM_LATE)
		return BGP_HANGS;
	return p->end == PROGRAM_TOO_LONG || p->end == PROGRAM_BUSY ? BGP_GARBLED : BGP_ABSENT;
}

/* A time of today in the daemon's, that is this machine's, zone; a date is long ago. */
static void set_ages(struct bgp_view *v)
{
	time_t now = time(NULL);
	struct tm tm;
	localtime_r(&now, &tm);
	for (unsigned i = 0; i < v->n; i++) {
		struct bgp_session *x = &v->sessions[i];
		unsigned h, m, s;
		if (x->daemon != BGP_BIRD || sscanf(x->since, "%2u:%2u:%2u", &h, &m, &s) != 3 || h > 23 || m > 59 || s > 60)
			continue;
		int64_t age = (int64_t)(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) - (int64_t)(h * 3600 + m * 60 + s);
		x->age_s = age >= 0 ? age : age + 86400;
	}
}

static void take(struct bgp_view *v, const struct program *p, bool routes)
{
	v->reach[BGP_FRR] = reach_of(&p[ASK_BGPD], FRR_SOCKET);
	v->reach[BGP_BIRD] = reach_of(&p[ASK_BIRD], BIRD_SOCKET);
	if (v->reach[BGP_FRR] == BGP_ANSWERS && !bgp_frr_sessions(v, p[ASK_BGPD].text))
		v->reach[BGP_FRR] = BGP_GARBLED;
	if (v->reach[BGP_BIRD] == BGP_ANSWERS && !bgp_bird_sessions(v, p[ASK_BIRD].text))
		v->reach[BGP_BIRD] = BGP_GARBLED;
	if (!routes)
		return;
	v->zebra = p[ASK_ZEBRA].end == PROGRAM_ENDED && p[ASK_ZEBRA].status == 0;
	if (v->zebra)
		bgp_frr_routes(v, p[ASK_ZEBRA].text);
	if (p[ASK_BIRD_ROUTES].text != NULL)
		bgp_bird_routes(v, p[ASK_BIRD_ROUTES].text);
}

void bgp_read(struct bgp_view *v, bool routes)
{
	static const char *const bgpd[] = { "vtysh", "-d", "bgpd", "-c", "show bgp vrf all neighbors json", "-c",
		"show bgp vrf all summary json", NULL };
	static const char *const bird[] = { "birdc", "-r", "show", "protocols", "all", NULL };
	static const char *const zebra[] = { "vtysh", "-d", "zebra", "-c", "show ip route vrf all bgp json", NULL };
	static const char *const bird_routes[] = { "birdc", "-r", "show", "route", NULL };
	struct program p[QUESTIONS] = {
		[ASK_BGPD] = { .argv = bgpd, .most = SAID_MOST },
		[ASK_BIRD] = { .argv = bird, .most = SAID_MOST },
		[ASK_ZEBRA] = { .argv = zebra, .most = SAID_MOST },
		[ASK_BIRD_ROUTES] = { .argv = bird_routes, .most = SAID_MOST },
	};
	*v = (struct bgp_view){ .n = 0 };
	programs_run(p, routes ? QUESTIONS : ASK_ZEBRA, PATIENCE_MS);
	take(v, p, routes);
	set_ages(v);
	bgp_signs_read(v);
	for (unsigned i = 0; i < QUESTIONS; i++)
		free(p[i].text);
}

static bool peer_of(const json_t *tunnel, struct addr *peer)
{
	const char *text = json_string_value(json_object_get(tunnel, "bgp_peer"));
	*peer = (struct addr){ .family = 0 };
	return text != NULL && addr_parse(peer, text);
}

void bgp_answer(json_t *tunnels)
{
	struct bgp_view v = { .n = 0 };
	struct addr peer;
	bool wanted = false;
	for (size_t i = 0; i < json_array_size(tunnels) && !wanted; i++)
		wanted = peer_of(json_array_get(tunnels, i), &peer);
	if (wanted)
		bgp_read(&v, false);
	for (size_t i = 0; i < json_array_size(tunnels); i++) {
		json_t *t = json_array_get(tunnels, i);
		peer_of(t, &peer);
		if (json_object_get(t, "bgp_peer") != NULL) /* a daemon of before has none */
			json_object_set_new(t, "bgp", bgp_json(&v, &peer));
	}
	bgp_release(&v);
}

/* ---------------------------------------------------------------- routes that are not used */
static bool is_one_of(const char *device, const char *const *devices, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(devices[i], device) == 0)
			return true;
	return false;
}

static bool leaves_by(const json_t *route, const char *const *devices, unsigned n)
{
	const char *dev = json_string_value(json_object_get(route, "dev"));
	const json_t *hops = json_object_get(route, "nexthops");
	if (dev != NULL && is_one_of(dev, devices, n))
		return true;
	for (size_t i = 0; i < json_array_size(hops); i++) {
		dev = json_string_value(json_object_get(json_array_get(hops, i), "dev"));
		if (dev != NULL && is_one_of(dev, devices, n))
			return true;
	}
	return false;
}

static json_int_t metric(const json_t *route) { return json_integer_value(json_object_get(route, "metric")); }

/* The kernel's routes for exactly that network: the one with the lowest metric is used. True: it is not by one of the devices. */
static bool lost(const json_t *routes, const char *const *devices, unsigned n, struct bgp_loser *out)
{
	const json_t *best = NULL;
	for (size_t i = 0; i < json_array_size(routes); i++)
		if (best == NULL || metric(json_array_get(routes, i)) < metric(best))
			best = json_array_get(routes, i);
	out->none = best == NULL;
	if (best != NULL && leaves_by(best, devices, n))
		return false;
	const char *dev = json_string_value(json_object_get(best, "dev")),
		   *by = json_string_value(json_object_get(best, "protocol"));
	const char *type = json_string_value(json_object_get(best, "type"));
	dev = dev != NULL ? dev : type != NULL ? type : "";
	by = by != NULL ? by : "";
	bgp_words_set(out->device, sizeof out->device, dev, strlen(dev));
	bgp_words_set(out->by, sizeof out->by, by, strlen(by));
	return true;
}

static bool ask_kernel(const struct prefix *p, const char *const *devices, unsigned n, struct bgp_loser *out)
{
	char net[ADDR_TEXT];
	struct prefix whole = prefix_mask(p);
	const char *const argv[] = { "ip", whole.addr.family == AF_INET6 ? "-6" : "-4", "-j", "route", "show", "exact",
		prefix_format(&whole, net), NULL };
	int status;
	char *text = program_output(argv, ROUTE_MOST, 1, &status);
	json_t *routes = text != NULL && status == 0 ? json_loads(text[0] != 0 ? text : "[]", 0, NULL) : NULL;
	*out = (struct bgp_loser){ .prefix = whole };
	bool found = json_is_array(routes) && lost(routes, devices, n, out);
	json_decref(routes);
	free(text);
	return found;
}

#define ASKED_PER_SESSION 8

bool bgp_loser_find(const struct bgp_view *v, const struct bgp_session *x, const char *const *devices, unsigned n_devices,
	unsigned *budget, struct bgp_loser *out)
{
	unsigned asked = 0;
	for (unsigned i = 0; i<v->n_routes && * budget> 0 && asked < ASKED_PER_SESSION; i++) {
		const struct bgp_route *r = &v->routes[i];
		bool ours = x->daemon == BGP_FRR ? addr_same_ip(&r->nexthop, &x->peer) : strcmp(r->protocol, x->name) == 0;
		if (!ours || r->used)
			continue;
		asked++;
		--*budget;
		if (ask_kernel(&r->prefix, devices, n_devices, out))
			return true;
	}
	return false;
}
