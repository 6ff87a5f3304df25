/*
 * frr.c - FRR's JSON. Members come and go with its versions (8.4 to 10.3 were looked at), and some texts change where their number does not: numbers are
 * gone by, presence is not, and of a session that is up nothing that is called "last" is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "parse.h"

/* lastResetCode */
enum {
	RESET_RECEIVED = 13,
	RESET_SENT = 14,
	RESET_STALE = 22,
	RESET_BFD = 24,
	RESET_NO_WAY = 27,
	RESET_NO_FAMILY = 30,
	RESET_SOCKET = 34
};

static const char *words(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

static int64_t number(const json_t *o, const char *key)
{
	const json_t *n = json_object_get(o, key);
	return json_is_integer(n) && json_integer_value(n) >= 0 ? json_integer_value(n) : BGP_NOT_TOLD;
}

static int64_t seconds(const json_t *o, const char *key)
{
	int64_t ms = number(o, key);
	return ms >= 0 ? (ms + 999) / 1000 : BGP_NOT_TOLD;
}

static uint32_t as_number(const json_t *o, const char *key)
{
	int64_t n = number(o, key);
	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static bool is_true(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_true(v) || json_integer_value(v) > 0;
}

static void copy(char *to, size_t size, const char *from) { bgp_words_set(to, size, from, strlen(from)); }

static enum bgp_state state_of(const char *word)
{
	for (unsigned i = BGP_IDLE; i <= BGP_ESTABLISHED; i++)
		if (strcmp(bgp_state_word((enum bgp_state)i), word) == 0)
			return (enum bgp_state)i;
	return strncmp(word, "Idle", 4) == 0 ? BGP_IDLE : BGP_UNKNOWN;
}

/* ---------------------------------------------------------------- neighbors */
static enum bgp_error notification(const char *hex)
{
	static const struct {
		const char *code;
		enum bgp_error error;
	} rows[] = { { "0202", BGP_BAD_PEER_AS }, { "0400", BGP_HOLD_EXPIRED }, { "0601", BGP_PREFIX_LIMIT },
		{ "0602", BGP_SHUTDOWN }, { "0603", BGP_REMOVED } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].code, hex) == 0)
			return rows[i].error;
	return hex[0] != 0 ? BGP_OTHER : BGP_NO_ERROR;
}

static void read_reset(struct bgp_session *x, const json_t *o)
{
	int64_t code = number(o, "lastResetCode");
	const char *hex = words(o, "lastErrorCodeSubcode");
	if (code == RESET_SENT || code == RESET_RECEIVED) {
		x->error = notification(hex);
		x->from = code == RESET_SENT ? BGP_FROM_US : BGP_FROM_PEER;
		copy(x->error_words, sizeof x->error_words, words(o, "lastNotificationReason"));
		copy(x->message, sizeof x->message, words(o, "lastShutdownDescription"));
		x->bfd_down = strcmp(hex, "060A") == 0;
	} else if (code == RESET_SOCKET) {
		x->error = BGP_NO_SOURCE;
	}
	/* That no family is activated is said in no other way; left over from before while it tries. */
	if (x->state == BGP_IDLE && code == RESET_NO_FAMILY)
		copy(x->error_words, sizeof x->error_words, words(o, "lastResetDueTo"));
	x->not_connected = code == RESET_NO_WAY;
	x->bfd_down = x->bfd_down || code == RESET_BFD;
	int64_t ago = number(o, "lastResetTimerMsecs");
	x->starting = code < 0 || (x->state == BGP_IDLE && x->error == BGP_NO_ERROR && ago >= 0 && ago < 3000);
}

static void read_families(struct bgp_session *x, const json_t *families)
{
	const char *name;
	json_t *f;
	json_object_foreach ((json_t *)(uintptr_t)families, name, f) {
		int64_t accepted = number(f, "acceptedPrefixCounter"), sent = number(f, "sentPrefixCounter");
		if (accepted >= 0)
			x->accepted = accepted + (x->accepted > 0 ? x->accepted : 0);
		if (sent >= 0)
			x->sent = sent + (x->sent > 0 ? x->sent : 0);
		if (number(f, "prefixAllowedMax") >= 0)
			x->limit = number(f, "prefixAllowedMax");
		x->no_policy_in = x->no_policy_in || words(f, "inboundEbgpRequiresPolicy")[0] != 0;
		x->no_policy_out = x->no_policy_out || words(f, "outboundEbgpRequiresPolicy")[0] != 0;
		int64_t filtered = number(json_object_get(f, "prefixStats"), "inboundFiltered");
		if (filtered > 0)
			x->filtered = filtered;
		if (words(f, "routeMapForIncomingAdvertisements")[0] != 0)
			copy(x->filter, sizeof x->filter, words(f, "routeMapForIncomingAdvertisements"));
	}
}

static void read_neighbor(struct bgp_session *x, const json_t *o)
{
	int64_t hops = number(o, "externalBgpNbrMaxHopsAway");
	x->state = state_of(words(o, "bgpState"));
	x->local_as = as_number(o, "localAs");
	x->peer_as = as_number(o, "remoteAs");
	x->shut = is_true(o, "adminShutDown");
	x->md5 = is_true(o, "authenticationEnabled");
	x->multihop = hops > 1;
	copy(x->source, sizeof x->source, words(o, "updateSource"));
	x->limit_hit = is_true(o, "prefixesConfigExceedMax") || is_true(o, "reducePrefixNumAndClearIpBgp") ||
		       is_true(o, "reducePrefixNumFrom");
	x->stale = strcmp(words(o, "bgpStateIs"), "passiveNSF") == 0;
	x->retry_every_s = number(o, "connectRetryTimer");
	x->retry_s = seconds(o, "nextConnectTimerDueInMsecs");
	if (x->retry_s < 0)
		x->retry_s = seconds(o, "nextStartTimerDueInMsecs");
	read_families(x, json_object_get(o, "addressFamilyInfo"));
	int64_t up = number(o, "bgpTimerUpMsec");
	if (x->state == BGP_ESTABLISHED)
		x->age_s = up >= 0 ? up / 1000 : BGP_NOT_TOLD;
	else
		read_reset(x, o);
}

/* A neighbor's key is its address, or its interface. */
static void read_vrf(struct bgp_view *v, const char *vrf, const json_t *neighbors)
{
	const char *key;
	json_t *o;
	struct addr peer;
	json_object_foreach ((json_t *)(uintptr_t)neighbors, key, o) {
		if (!json_is_object(o) || (!addr_parse(&peer, key) && !addr_parse(&peer, words(o, "bgpNeighborAddr"))))
			continue;
		struct bgp_session *x = bgp_session_add(v);
		if (x == NULL)
			return;
		x->daemon = BGP_FRR;
		x->peer = peer;
		copy(x->name, sizeof x->name, vrf);
		read_neighbor(x, o);
	}
}

/* ---------------------------------------------------------------- summary */
/* What only the summary has: prefixes received, whatever became of them. */
static void read_peer(struct bgp_session *x, const json_t *o)
{
	int64_t received = number(o, "pfxRcd"), sent = number(o, "pfxSnt");
	if (received >= 0)
		x->received = received + (x->received > 0 ? x->received : 0);
	if (sent > 0 && x->sent < sent)
		x->sent = sent;
	x->shut = x->shut || strcmp(words(o, "peerState"), "Admin") == 0;
	x->limit_hit = x->limit_hit || strcmp(words(o, "peerState"), "PfxCt") == 0;
	x->stale = x->stale || strcmp(words(o, "peerState"), "NSF passive") == 0;
}

static void read_summary(struct bgp_view *v, unsigned first, const char *vrf, const json_t *families)
{
	const char *family, *key;
	json_t *f, *o;
	struct addr peer;
	json_object_foreach ((json_t *)(uintptr_t)families, family, f)
		json_object_foreach (json_object_get(f, "peers"), key, o) {
			unsigned i = addr_parse(&peer, key) ? first : v->n;
			while (i < v->n && !(addr_same_ip(&v->sessions[i].peer, &peer) && strcmp(v->sessions[i].name, vrf) == 0))
				i++;
			if (i < v->n)
				read_peer(&v->sessions[i], o);
		}
}

/* Two documents one after the other; without any BGP each is {}. */
bool bgp_frr_sessions(struct bgp_view *v, const char *text)
{
	json_error_t e;
	const char *vrf;
	json_t *o;
	unsigned first = v->n;
	size_t n = strlen(text);
	json_t *neighbors = json_loadb(text, n, JSON_DISABLE_EOF_CHECK, &e);
	if (!json_is_object(neighbors)) {
		json_decref(neighbors);
		return false;
	}
	size_t used = e.position > 0 && (size_t)e.position <= n ? (size_t)e.position : n;
	json_t *summary = json_loadb(text + used, n - used, JSON_DISABLE_EOF_CHECK, NULL);
	json_object_foreach (neighbors, vrf, o)
		read_vrf(v, vrf, o);
	json_object_foreach (summary, vrf, o)
		read_summary(v, first, vrf, o);
	json_decref(neighbors);
	json_decref(summary);
	return true;
}

/* ---------------------------------------------------------------- zebra */
static void read_route(struct bgp_view *v, const struct prefix *p, const json_t *o)
{
	bool used = is_true(o, "selected") && is_true(o, "installed");
	const json_t *hops = json_object_get(o, "nexthops");
	for (size_t i = 0; strcmp(words(o, "protocol"), "bgp") == 0 && i < json_array_size(hops); i++) {
		struct addr nexthop;
		if (!addr_parse(&nexthop, words(json_array_get(hops, i), "ip")))
			continue;
		struct bgp_route *r = bgp_route_add(v);
		if (r == NULL)
			return;
		r->prefix = *p;
		r->nexthop = nexthop;
		r->used = used;
		copy(r->device, sizeof r->device, words(json_array_get(hops, i), "interfaceName"));
	}
}

static void read_table(struct bgp_view *v, const json_t *table)
{
	const char *key;
	json_t *list;
	struct prefix p;
	json_object_foreach ((json_t *)(uintptr_t)table, key, list)
		for (size_t i = 0; prefix_parse(&p, key) && i < json_array_size(list); i++)
			read_route(v, &p, json_array_get(list, i));
}

/* A document for each VRF that has routes, or one with a member for each: both forms occur. */
bool bgp_frr_routes(struct bgp_view *v, const char *text)
{
	json_error_t e;
	const char *key;
	json_t *o, *one;
	size_t n = strlen(text), used = 0;
	unsigned documents = 0;
	while ((o = json_loadb(text + used, n - used, JSON_DISABLE_EOF_CHECK, &e)) != NULL && e.position > 0) {
		read_table(v, o);
		json_object_foreach (o, key, one)
			if (json_is_object(one))
				read_table(v, one);
		json_decref(o);
		documents++;
		used += (size_t)e.position;
		if (used >= n)
			return true;
	}
	json_decref(o);
	return documents > 0;
}
