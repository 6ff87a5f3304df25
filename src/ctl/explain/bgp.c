/*
 * bgp.c - BGP over a tunnel that is up: why there is no session, or what one that is up does not bring. One cause explains a session that is not up, the
 * surest first: what the daemon is told, what either end has said, what this machine does, silence.
 */
#include <inttypes.h>
#include <string.h>

#include "check/check.h"
#include "rules.h"

#define SETTLING_S \
	5 /* a session that has just come up has not counted its routes yet; one that has just ended says nothing yet */

static bool is_wanted(const struct symptoms *s)
{
	return s->bgp != NULL && s->state == TUNNEL_UP && s->conf != NULL && s->conf->bgp.peer.family != 0;
}

static const struct bgp_session *session(const struct symptoms *s) { return bgp_session_of(s->bgp, &s->conf->bgp.peer); }

/* ---------------------------------------------------------------- what this machine does to TCP 179 */
struct block { /* a rule that drops the session's packets */
	const char *what;
	struct packet p;
	struct filter_hit hit;
	struct mend mend;
};

static bool is_dropped(const struct symptoms *s, const struct ruleset *set, const char *const *hooks, struct block *b)
{
	struct filter_hits hits = { .n = 0 };
	filter_walk(set, hooks, &b->p, &hits);
	for (unsigned i = 0; i < hits.n; i++) {
		const struct prefix far = { .addr = s->conf->bgp.peer, .len = s->conf->bgp.peer.family == AF_INET6 ? 128 : 32 };
		if (!hits.hit[i].certain || !filter_drops(hits.hit[i].kind))
			continue;
		b->hit = hits.hit[i];
		filter_mend(set, &b->hit,
			&(struct mend_for){ .interface = s->interface, .far = &far, .p = &b->p, .iptables = s->host->iptables },
			&b->mend);
		return true;
	}
	return false;
}

static bool is_filtered(const struct symptoms *s, struct block *b)
{
	static const char *const out[] = { "output", "postrouting", NULL }, *const in[] = { "prerouting", "input", NULL };
	struct addr peer = s->conf->bgp.peer;
	bool found = false;
	if (s->host == NULL || s->host->rules == NULL)
		return false;
	struct ruleset *set = ruleset_new(s->host->rules);
	*b = (struct block){ .what = "our TCP 179 to the peer",
		.p = { .out = s->interface, .to = peer, .protocol = "tcp", .port = 179, .state = PACKET_NEW } };
	found = is_dropped(s, set, out, b);
	if (!found) {
		*b = (struct block){ .what = "the peer's answers",
			.p = { .in = s->interface, .from = peer, .protocol = "tcp", .state = PACKET_ANSWER } };
		found = is_dropped(s, set, in, b);
	}
	ruleset_free(set);
	return found;
}

static bool is_unanswered(const struct symptoms *s, const struct bgp_session *x)
{
	return bgp_unanswered(s->bgp, &s->conf->bgp.peer) || x->state == BGP_CONNECT || x->error == BGP_UNREACHABLE;
}

/* ---------------------------------------------------------------- the cause */
static enum verdict_code without_session(const struct symptoms *s)
{
	for (unsigned i = 0; i < BGP_DAEMONS; i++)
		if (s->bgp->reach[i] == BGP_HANGS)
			return VERDICT_BGP_HANGS;
	if (bgp_unknown(s->bgp))
		return VERDICT_COUNT;
	for (unsigned i = 0; i < BGP_DAEMONS; i++)
		if (s->bgp->reach[i] == BGP_ANSWERS)
			return VERDICT_BGP_NOT_CONFIGURED;
	return VERDICT_BGP_NO_DAEMON;
}

/* A notification, or what the connection ended with. */
static enum verdict_code by_error(const struct bgp_session *x)
{
	bool peer = x->from == BGP_FROM_PEER;
	switch (x->error) {
	case BGP_BAD_PEER_AS: return peer ? VERDICT_BGP_LOCAL_AS : VERDICT_BGP_PEER_AS;
	case BGP_HOLD_EXPIRED: return VERDICT_BGP_HOLD_TIMER;
	case BGP_PREFIX_LIMIT: return peer ? VERDICT_BGP_LIMIT_THERE : VERDICT_BGP_LIMIT;
	case BGP_SHUTDOWN:
	case BGP_REMOVED: return peer ? VERDICT_BGP_SHUTDOWN_THERE : VERDICT_COUNT;
	case BGP_NO_ROUTE:
	case BGP_LINK: return VERDICT_BGP_NO_ROUTE;
	case BGP_NO_SOURCE: return VERDICT_BGP_SOURCE;
	case BGP_REFUSED: return x->message[0] != 0 ? VERDICT_BGP_SHUTDOWN_THERE : VERDICT_BGP_REFUSED;
	case BGP_OTHER: return VERDICT_BGP_DOWN;
	case BGP_NO_ERROR:
	case BGP_UNREACHABLE: break;
	}
	return VERDICT_COUNT;
}

static bool settings_differ(const struct symptoms *s, const struct bgp_session *x)
{
	const struct bgp_conf *b = &s->conf->bgp;
	return (x->local_as != 0 && b->local_as != 0 && x->local_as != b->local_as) ||
	       (x->peer_as != 0 && b->peer_as != 0 && x->peer_as != b->peer_as);
}

static enum verdict_code by_silence(const struct symptoms *s, const struct bgp_session *x)
{
	if (!is_unanswered(s, x))
		return VERDICT_COUNT;
	if (x->md5 || s->bgp->md5_missing + s->bgp->md5_unexpected + s->bgp->md5_wrong > 0)
		return VERDICT_BGP_PASSWORD;
	return VERDICT_BGP_NO_ANSWER;
}

/* FRR tells when it tries next and how often: the last try was before the tunnel came up, or there was none yet. */
static bool is_before_its_try(const struct symptoms *s, const struct bgp_session *x)
{
	int64_t ago = x->retry_s >= 0 && x->retry_every_s >= x->retry_s ? x->retry_every_s - x->retry_s : BGP_NOT_TOLD;
	return s->since > 0 && (s->time - s->since <= SETTLING_S || (ago >= 0 && s->time - s->since <= ago));
}

static enum verdict_code without_routes(const struct symptoms *s, const struct bgp_session *x)
{
	struct block b;
	enum verdict_code code = VERDICT_COUNT;
	if (x->stale)
		return VERDICT_BGP_STALE;
	if (x->shut)
		return VERDICT_BGP_SHUTDOWN;
	if (x->limit_hit)
		return VERDICT_BGP_LIMIT;
	if (settings_differ(s, x))
		return VERDICT_BGP_SETTINGS;
	/* A rule of our own explains silence and refusals, whatever was seen before it; not what the peer says. */
	bool said = x->error == BGP_BAD_PEER_AS || x->error == BGP_PREFIX_LIMIT || x->error == BGP_SHUTDOWN ||
		    x->error == BGP_REMOVED;
	if (!said && is_filtered(s, &b))
		return VERDICT_BGP_FIREWALL;
	/* How a session ended that went down for another reason is not why the next one does not come up. */
	bool decides = x->error != BGP_REFUSED && x->error != BGP_OTHER;
	if (decides && (code = by_error(x)) != VERDICT_COUNT)
		return code;
	if (x->not_connected)
		return x->multihop ? VERDICT_BGP_NO_ROUTE : VERDICT_BGP_MULTIHOP;
	if ((code = by_silence(s, x)) != VERDICT_COUNT || (code = by_error(x)) != VERDICT_COUNT)
		return code;
	if (x->starting || x->state == BGP_OPENSENT || x->state == BGP_OPENCONFIRM || is_before_its_try(s, x))
		return VERDICT_BGP_WAITING;
	return x->state == BGP_ACTIVE ? VERDICT_BGP_REFUSED : VERDICT_BGP_DOWN;
}

void symptoms_bgp(struct symptoms *s, const struct bgp_view *bgp, const struct bgp_loser *lost)
{
	s->bgp = bgp;
	s->bgp_lost = lost;
	s->bgp_cause = VERDICT_COUNT;
	if (!is_wanted(s))
		return;
	const struct bgp_session *x = session(s);
	if (x == NULL)
		s->bgp_cause = without_session(s);
	else if (x->state != BGP_ESTABLISHED)
		s->bgp_cause = without_routes(s, x);
}

/* ---------------------------------------------------------------- evidence */
static void tell(const struct symptoms *s, struct verdict *v, const struct bgp_session *x)
{
	static const char *const by[] = { "", ", sent by us", ", sent by the peer" };
	evidence_add(v, "%s (%s): %s, AS %" PRIu32 " to AS %" PRIu32, bgp_daemon_name(x->daemon), x->name,
		bgp_state_word(x->state), x->local_as, x->peer_as);
	if (x->error_words[0] != 0)
		evidence_add(v, "last error: %s%s", x->error_words, by[x->from]);
	if (x->message[0] != 0)
		evidence_add(v, "the peer's operator says: %s", x->message);
	if (bgp_unanswered(s->bgp, &s->conf->bgp.peer))
		evidence_add(v, "a connection of ours to TCP 179 waits for an answer");
	if (x->bfd_down)
		evidence_add(v, "BFD says that the peer is down");
	if (x->retry_s >= 0)
		evidence_add(v, "the next try is in %" PRId64 " s%s", x->retry_s,
			x->state == BGP_ACTIVE ? "; until then nothing changes, even when the cause is gone" : "");
}

static const char *peer_text(const struct symptoms *s, char text[ADDR_TEXT]) { return addr_format(&s->conf->bgp.peer, text); }

/* A change of a neighbour's line, as a command of its daemon that can be copied. */
static void frr_command(const struct symptoms *s, struct verdict *v, const char *before, const char *after)
{
	char peer[ADDR_TEXT], vrf[80] = "";
	const struct bgp_session *x = session(s);
	if (strcmp(x->name, "default") != 0)
		snprintf(vrf, sizeof vrf, " vrf %.63s", x->name);
	verdict_set(v->b, "`vtysh -c 'configure terminal' -c 'router bgp %" PRIu32 "%s' -c '%sneighbor %s%s'`", x->local_as, vrf,
		before, peer_text(s, peer), after);
}

static bool caused(const struct symptoms *s, struct verdict *v, enum verdict_code code)
{
	if (!is_wanted(s) || s->bgp_cause != code)
		return false;
	const struct bgp_session *x = session(s);
	if (x != NULL) {
		tell(s, v, x);
		verdict_set(v->a, "%s", bgp_daemon_name(x->daemon));
	}
	return true;
}

/* ---------------------------------------------------------------- no session */
/* By the settings alone; a session that is up proves that they are meant so. */
bool verdict_inside_apart(const struct symptoms *s, struct verdict *v)
{
	char text[ADDR_TEXT];
	const struct prefix *ours = is_wanted(s) ? check_inside_apart(s->conf) : NULL;
	const struct bgp_session *x = ours != NULL ? session(s) : NULL;
	if (ours == NULL || (x != NULL && x->state == BGP_ESTABLISHED))
		return false;
	verdict_set(v->a, "%s", prefix_format(ours, text));
	evidence_add(v, "'inside' has %s, 'bgp: peer' is not in that network", v->a);
	if (x != NULL)
		tell(s, v, x);
	return true;
}

/* As check judges the settings, and silent where a session is up. */
bool verdict_inside_range(const struct symptoms *s, struct verdict *v)
{
	struct findings f = { 0 };
	const struct bgp_session *x = is_wanted(s) ? session(s) : NULL;
	if (!is_wanted(s) || (x != NULL && x->state == BGP_ESTABLISHED))
		return false;
	check_cloud_nets(&f, s->conf);
	for (unsigned i = 0; i < f.n; i++)
		evidence_add(v, "'%s': %s", f.v[i].key, f.v[i].text);
	if (f.n > 0) {
		verdict_set(v->a, "%s", f.v[0].text);
		verdict_set(v->b, "%s", f.v[0].advice);
		if (x != NULL)
			tell(s, v, x);
	}
	findings_release(&f);
	return v->n_evidence > 0;
}

bool verdict_bgp_no_daemon(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_NO_DAEMON))
		return false;
	if (s->bgp->zebra) {
		evidence_add(v, "FRR runs here without its bgpd");
		verdict_set(v->a, "set bgpd=yes in /etc/frr/daemons, then `systemctl restart frr`");
	} else {
		evidence_add(v, "neither FRR's bgpd nor BIRD answers");
		verdict_set(v->a, "start FRR (with bgpd=yes in /etc/frr/daemons) or BIRD");
	}
	return true;
}

bool verdict_bgp_hangs(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_HANGS))
		return false;
	bool frr = s->bgp->reach[BGP_FRR] == BGP_HANGS;
	verdict_set(v->a, "%s", frr ? "bgpd of FRR" : "BIRD");
	verdict_set(v->b, "%s", frr ? "frr" : "bird");
	evidence_add(v, "%s was asked and did not answer within 2 s", v->a);
	return true;
}

bool verdict_bgp_not_configured(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_NOT_CONFIGURED))
		return false;
	bool frr = s->bgp->reach[BGP_FRR] == BGP_ANSWERS;
	verdict_set(v->a, "%s", frr ? "FRR" : "BIRD");
	verdict_set(v->b, "%s",
		frr ? "`s2sctl export frr >tunnels.conf`, then `vtysh -f tunnels.conf`"
		    : "`s2sctl export bird >tunnels.conf`, included by bird.conf, then `birdc configure`");
	evidence_add(v, "%s runs, with %u other session%s", v->a, s->bgp->n, s->bgp->n == 1 ? "" : "s");
	return true;
}

bool verdict_bgp_shutdown(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_SHUTDOWN))
		return false;
	if (session(s)->daemon == BGP_FRR)
		frr_command(s, v, "no ", " shutdown");
	else
		verdict_set(v->b, "`birdc enable %s`", session(s)->name);
	return true;
}

bool verdict_bgp_shutdown_there(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_SHUTDOWN_THERE); }

bool verdict_bgp_settings(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_SETTINGS))
		return false;
	const struct bgp_session *x = session(s);
	const struct bgp_conf *b = &s->conf->bgp;
	if (x->peer_as != b->peer_as && x->peer_as != 0)
		evidence_add(v, "%s expects the peer to be AS %" PRIu32 ", 'peer-as' is %" PRIu32, v->a, x->peer_as, b->peer_as);
	if (x->local_as != b->local_as && x->local_as != 0)
		evidence_add(v, "%s is AS %" PRIu32 ", 'local-as' is %" PRIu32, v->a, x->local_as, b->local_as);
	verdict_set(v->b, "%s", x->daemon == BGP_FRR ? "frr" : "bird");
	return true;
}

bool verdict_bgp_peer_as(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_PEER_AS); }
bool verdict_bgp_local_as(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_LOCAL_AS); }
bool verdict_bgp_hold_timer(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_HOLD_TIMER); }
bool verdict_bgp_refused(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_REFUSED); }
bool verdict_bgp_down(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_DOWN); }

bool verdict_bgp_limit(const struct symptoms *s, struct verdict *v)
{
	char peer[ADDR_TEXT];
	const struct bgp_session *x = is_wanted(s) ? session(s) : NULL;
	bool blocked = x != NULL && x->state == BGP_ESTABLISHED && x->limit_hit;
	if (!caused(s, v, VERDICT_BGP_LIMIT) && !blocked)
		return false;
	if (blocked)
		tell(s, v, x);
	verdict_set(v->a, "%s", bgp_daemon_name(x->daemon));
	if (x->limit >= 0)
		evidence_add(v, "the limit is %" PRId64 " prefixes", x->limit);
	if (x->daemon == BGP_FRR)
		verdict_set(v->b, "raise 'maximum-prefix', then `vtysh -c 'clear bgp %s'`", peer_text(s, peer));
	else
		verdict_set(v->b, "raise 'import limit', `birdc configure`, then `birdc enable %s`", x->name);
	return true;
}

bool verdict_bgp_limit_there(const struct symptoms *s, struct verdict *v)
{
	unsigned most = provider_of(s->cloud)->bgp.out;
	if (!caused(s, v, VERDICT_BGP_LIMIT_THERE))
		return false;
	if (most > 0)
		evidence_add(v, "%s takes %u routes: %s", provider_of(s->cloud)->name, most, provider_of(s->cloud)->bgp.why);
	return true;
}

/* ---------------------------------------------------------------- no way to the peer */
static const struct bgp_session *settled(const struct symptoms *s);
static bool established(const struct symptoms *s, struct verdict *v, const struct bgp_session *x);
static bool has_no_next_hop(const struct symptoms *s, const struct bgp_session *x);

/*
 * FRR takes a connection that such a peer makes, though it makes none itself; of a peer that is one hop away at most it then uses no route, as the
 * next hop is on no network of its own.
 */
static bool is_up_from_afar(const struct symptoms *s)
{
	const struct bgp_session *x = settled(s);
	const struct tunnel_conf *t = s->conf;
	if (x == NULL || x->daemon != BGP_FRR || x->multihop || x->local_as == x->peer_as || t->n_inside == 0)
		return false;
	for (unsigned i = 0; i < t->n_inside; i++)
		if (prefix_contains(&t->inside[i], &t->bgp.peer))
			return false;
	return has_no_next_hop(s, x) || (s->bgp_lost != NULL && s->bgp_lost->none);
}

bool verdict_bgp_multihop(const struct symptoms *s, struct verdict *v)
{
	if (is_up_from_afar(s)) {
		established(s, v, session(s));
		evidence_add(v, "the peer began this session; none of its routes is used");
	} else if (!caused(s, v, VERDICT_BGP_MULTIHOP)) {
		return false;
	}
	if (session(s)->daemon == BGP_FRR)
		frr_command(s, v, "", " ebgp-multihop 4");
	else
		verdict_set(v->b, "'multihop 4;' in protocol %s, then `birdc configure`", session(s)->name);
	return true;
}

bool verdict_bgp_no_route(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_NO_ROUTE); }

bool verdict_bgp_source(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_SOURCE))
		return false;
	const struct bgp_session *x = session(s);
	verdict_set(v->a, "%s", x->source[0] != 0 ? x->source : "its source address");
	if (x->daemon == BGP_FRR)
		frr_command(s, v, "no ", " update-source");
	else
		verdict_set(v->b, "correct 'local' and 'source address' of protocol %s, then `birdc configure`", x->name);
	return true;
}

bool verdict_bgp_firewall(const struct symptoms *s, struct verdict *v)
{
	struct block b;
	char place[FILTER_TEXT];
	if (!caused(s, v, VERDICT_BGP_FIREWALL) || !is_filtered(s, &b))
		return false;
	verdict_set(v->a, "%s", filter_place(&b.hit, place));
	evidence_add(v, "%s: dropped by the %s%s%s", b.what, place, b.hit.rule[0] != 0 ? ": " : "", b.hit.rule);
	for (unsigned i = 0; i < b.mend.n; i++)
		command_add(v, b.mend.command[i]);
	return true;
}

bool verdict_bgp_password(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_PASSWORD))
		return false;
	const struct bgp_view *b = s->bgp;
	evidence_add(v, "%s", session(s)->md5 ? "a password is set here" : "no password is told to be set here");
	if (b->md5_missing > 0)
		evidence_add(v, "%" PRIu64 " segments without a signature came where one is expected, since this machine started",
			b->md5_missing);
	if (b->md5_unexpected > 0)
		evidence_add(v, "%" PRIu64 " signed segments came where none are expected, since this machine started",
			b->md5_unexpected);
	if (b->md5_wrong > 0)
		evidence_add(
			v, "%" PRIu64 " segments came with a signature of another key, since this machine started", b->md5_wrong);
	return true;
}

bool verdict_bgp_no_answer(const struct symptoms *s, struct verdict *v) { return caused(s, v, VERDICT_BGP_NO_ANSWER); }

bool verdict_bgp_stale(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_STALE))
		return false;
	if (session(s)->received > 0)
		evidence_add(v, "%" PRId64 " routes of it are still in use", session(s)->received);
	return true;
}

bool verdict_bgp_waiting(const struct symptoms *s, struct verdict *v)
{
	if (!caused(s, v, VERDICT_BGP_WAITING))
		return false;
	if (session(s)->retry_s >= 0)
		verdict_set(v->b, "the next try is in %" PRId64 " s", session(s)->retry_s);
	else
		verdict_set(v->b, "ask again in a few seconds");
	return true;
}

/* ---------------------------------------------------------------- a session that is up */
static const struct bgp_session *settled(const struct symptoms *s)
{
	const struct bgp_session *x = is_wanted(s) ? session(s) : NULL;
	bool young = x != NULL && x->age_s >= 0 && x->age_s < SETTLING_S;
	return x != NULL && x->state == BGP_ESTABLISHED && !young ? x : NULL;
}

static bool established(const struct symptoms *s, struct verdict *v, const struct bgp_session *x)
{
	if (x == NULL)
		return false;
	evidence_add(v, "%s (%s): Established; %" PRId64 " prefixes received, %" PRId64 " accepted, %" PRId64 " sent",
		bgp_daemon_name(x->daemon), x->name, x->received, x->accepted, x->sent);
	verdict_set(v->a, "%s", bgp_daemon_name(x->daemon));
	(void)s;
	return true;
}

bool verdict_bgp_policy(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	if (x == NULL || !(x->no_policy_in || x->no_policy_out))
		return false;
	established(s, v, x);
	verdict_set(v->a, "%s",
		x->no_policy_in && x->no_policy_out ? "received and sent"
		: x->no_policy_in                   ? "received"
						    : "sent");
	return true;
}

static bool has_policy(const struct bgp_session *x) { return !x->no_policy_in && !x->limit_hit; }

static bool is_filtered_in(const struct bgp_session *x) { return x->accepted == 0 && x->filtered > 0; }

bool verdict_bgp_filtered(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	if (x == NULL || !has_policy(x) || !is_filtered_in(x))
		return false;
	established(s, v, x);
	verdict_set(v->b, "%s", x->filter[0] != 0 ? x->filter : "the import filter");
	evidence_add(v, "%" PRId64 " prefixes were rejected on the way in", x->filtered);
	return true;
}

/* FRR hands zebra no route whose next hop it cannot resolve. */
static bool has_no_next_hop(const struct symptoms *s, const struct bgp_session *x)
{
	if (x->daemon != BGP_FRR || x->received <= 0 || is_filtered_in(x))
		return false;
	for (unsigned i = 0; i < s->bgp->n_routes; i++)
		if (addr_same_ip(&s->bgp->routes[i].nexthop, &x->peer) || strcmp(s->bgp->routes[i].device, s->interface) == 0)
			return false;
	return s->bgp->zebra;
}

bool verdict_bgp_nexthop(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	return x != NULL && !is_up_from_afar(s) && has_no_next_hop(s, x) && established(s, v, x);
}

bool verdict_bgp_not_installed(const struct symptoms *s, struct verdict *v)
{
	char net[ADDR_TEXT];
	const struct bgp_session *x = settled(s);
	const struct bgp_loser *l = s->bgp_lost;
	if (x == NULL || l == NULL || is_up_from_afar(s))
		return false;
	prefix_format(&l->prefix, net);
	verdict_set(v->a, "%s", net);
	if (l->none) {
		evidence_add(v, "the kernel has no route to %s", net);
		verdict_set(v->b,
			x->daemon == BGP_BIRD ? "BIRD needs a 'protocol kernel' with 'export all'"
					      : "see why with `vtysh -c 'show ip route %s'`",
			net);
	} else {
		evidence_add(v, "the kernel sends %s by %s (protocol %s)", net, l->device, l->by[0] != 0 ? l->by : "unknown");
		verdict_set(v->b,
			"another route is preferred: take it away, `ip route del %s dev %s`, or make it worse with a higher metric",
			net, l->device);
	}
	return true;
}

bool verdict_bgp_nothing_received(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	if (x == NULL || x->received != 0 || !has_policy(x) || is_filtered_in(x))
		return false;
	established(s, v, x);
	if (x->filter[0] != 0 && x->daemon == BGP_FRR)
		evidence_add(v, "what route-map %s denies on the way in is not counted by this FRR", x->filter);
	return true;
}

bool verdict_bgp_nothing_sent(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	return x != NULL && x->sent == 0 && !x->no_policy_out && established(s, v, x);
}

bool verdict_bgp_too_many(const struct symptoms *s, struct verdict *v)
{
	const struct bgp_session *x = settled(s);
	const struct provider *p = provider_of(s->cloud);
	if (x == NULL || p->bgp.out == 0 || x->sent <= (int64_t)p->bgp.out)
		return false;
	established(s, v, x);
	verdict_set(v->a, "%" PRId64, x->sent);
	verdict_set(v->b, "%u", p->bgp.out);
	if (p->bgp.why != NULL)
		evidence_add(v, "%s", p->bgp.why);
	return true;
}
