/*
 * daemon.c - verdicts from what the daemon reports: the last error, the events before it, the settings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cloud/cloud.h"
#include "rules.h"

#define RECENT 600 /* seconds: what is older explains nothing */
#define EVER INT32_MAX
#define OFTEN 3 /* repairs of one kind of object in that time: somebody does it again and again */

/* ---------------------------------------------------------------- evidence */
static const char *age(const struct symptoms *s, int64_t at, char text[TIME_TEXT])
{
	return span_format((s->time > at ? s->time - at : 0) * 1000, text);
}

/* An event as evidence, and whose fault it says it is. */
static void add_event(const struct symptoms *s, struct verdict *v, const struct explain_event *e)
{
	char text[TIME_TEXT];
	if (e == NULL)
		return;
	evidence_add(v, "%s ago: %s", age(s, e->at, text), e->text);
	if (e->blame != BLAME_NONE)
		v->blame = e->blame;
}

static bool error_holds(const struct symptoms *s, struct verdict *v, enum fact_code code)
{
	if (!symptoms_error(s, code))
		return false;
	add_event(s, v, s->error);
	return true;
}

/* The newest event of that code which says what the peer has. */
static const struct explain_event *with_theirs(const struct symptoms *s, enum fact_code code, unsigned protocol)
{
	for (unsigned i = s->n_events; i-- > 0;) {
		const struct explain_event *e = &s->events[i];
		if (e->code == code && e->theirs[0] != 0 && e->protocol == protocol && e->at >= s->time - RECENT)
			return e;
	}
	return NULL;
}

static bool same_text(const struct explain_event *a, const struct explain_event *b) { return strcmp(a->text, b->text) == 0; }

/* ---------------------------------------------------------------- nobody tries */
bool verdict_stopped(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_DOWN || !s->stopped)
		return false;
	add_event(s, v, symptoms_latest(s, FACT_STOPPED, EVER));
	return true;
}

bool verdict_idle(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_DOWN || s->error != NULL || s->conf == NULL || s->conf->start == START_INITIATE)
		return false;
	bool responds = s->conf->start == START_RESPOND;
	verdict_set(v->a, "%s",
		responds ? "this end waits for the peer, and no request for this tunnel has arrived"
			 : "this end waits for `s2sctl up`");
	evidence_add(v, "'start: %s' in the settings", responds ? "respond" : "manual");
	return true;
}

bool verdict_unresolved(const struct symptoms *s, struct verdict *v) { return error_holds(s, v, FACT_RESOLVE_FAILED); }
bool verdict_no_route(const struct symptoms *s, struct verdict *v) { return error_holds(s, v, FACT_NO_ROUTE); }

/* ---------------------------------------------------------------- nobody answers */
static void add_last_heard(const struct symptoms *s, struct verdict *v)
{
	char at[TIME_TEXT], ago[TIME_TEXT];
	const struct explain_event *up = symptoms_latest(s, FACT_UP, EVER);
	if (s->last_heard != 0)
		evidence_add(v, "last heard from at %s, %s ago", wall_format(s->last_heard, at), age(s, s->last_heard, ago));
	else
		evidence_add(v, "nothing was ever received from the peer");
	if (up != NULL)
		evidence_add(v, "last came up at %s", wall_format(up->at, at));
	if (s->unanswered > 0)
		evidence_add(v, "the current request was sent %u times", (unsigned)s->unanswered);
}

bool verdict_dead_peer(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *dead = symptoms_latest(s, FACT_PEER_DEAD, EVER), *up = symptoms_latest(s, FACT_UP, EVER);
	bool given_up = dead != NULL && (up == NULL || dead->at >= up->at), unanswered = symptoms_error(s, FACT_NO_ANSWER);
	if (s->state == TUNNEL_UP || !(symptoms_error(s, FACT_PEER_DEAD) || (unanswered && (given_up || s->error->ours[0] == 0))))
		return false;
	add_event(s, v, dead);
	add_event(s, v, s->error);
	add_last_heard(s, v);
	v->blame = BLAME_PEER;
	return true;
}

bool verdict_address_changed(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *e = symptoms_latest(s, FACT_ADDRESS_CHANGED, 3600);
	bool refused = symptoms_error(s, FACT_NO_ANSWER) || symptoms_error(s, FACT_AUTH_FAILED) ||
		       symptoms_error(s, FACT_NO_PROPOSAL) || symptoms_error(s, FACT_OUR_CERTIFICATE);
	if (s->state == TUNNEL_UP || e == NULL || !refused)
		return false;
	add_event(s, v, e);
	add_event(s, v, s->error);
	v->blame = BLAME_NETWORK;
	return true;
}

static bool silent(const struct symptoms *s, struct verdict *v, const char *request)
{
	char text[ADDR_TEXT], peer[ADDR_TEXT];
	struct addr remote = s->conf != NULL ? s->conf->remote : (struct addr){ 0 };
	if (!symptoms_error(s, FACT_NO_ANSWER) || strcmp(s->error->ours, request) != 0)
		return false;
	add_event(s, v, s->error);
	if (s->host != NULL && s->host->from.family != 0) {
		addr_format(&s->host->from, text);
		if (addr_is_private(&s->host->from) && !(remote.family != 0 && addr_is_private(&remote)))
			evidence_add(v,
				"our outside address %s is private: there is a NAT, and the peer sees the public address of the NAT",
				text);
		else
			evidence_add(v, "packets to %s leave from %s",
				remote.family != 0 ? addr_format(&remote, peer) : "the peer", text);
	}
	add_last_heard(s, v);
	return true;
}

bool verdict_no_answer(const struct symptoms *s, struct verdict *v) { return silent(s, v, "IKE_SA_INIT"); }
bool verdict_no_answer_auth(const struct symptoms *s, struct verdict *v) { return silent(s, v, "IKE_AUTH"); }

/* Whether it is that or the port, nobody can tell from here: both are said. */
bool verdict_fragments_lost(const struct symptoms *s, struct verdict *v)
{
	if (!symptoms_error(s, FACT_NO_ANSWER) || s->error->now[0] == 0 || !silent(s, v, "IKE_AUTH"))
		return false;
	verdict_set(v->a, "%s", s->error->now);
	verdict_set(v->b, "%s", "its MTU is not known");
	if (s->host != NULL && s->host->path_mtu > 0)
		verdict_set(v->b, "an MTU of %d", s->host->path_mtu);
	return true;
}

/* ---------------------------------------------------------------- proposals */
/* An SA that was made since then takes it back: a tunnel that never went down does not come up again. */
static bool no_proposal(const struct symptoms *s, unsigned protocol)
{
	bool esp = protocol == PROTOCOL_ESP;
	return symptoms_error(s, FACT_NO_PROPOSAL) && s->error->protocol == protocol &&
	       !symptoms_taken_back(s, FACT_NO_PROPOSAL, esp ? FACT_CHILD_ESTABLISHED : FACT_IKE_ESTABLISHED) &&
	       !symptoms_taken_back(s, FACT_NO_PROPOSAL, esp ? FACT_CHILD_REKEYED : FACT_IKE_REKEYED);
}

/* Ours against what the peer was seen to offer, else against what its cloud publishes. */
static void compare(const struct symptoms *s, struct verdict *v, bool esp)
{
	const struct explain_event *seen = with_theirs(s, FACT_NO_PROPOSAL, esp ? PROTOCOL_ESP : PROTOCOL_IKE);
	char words[CLOUD_DEFAULTS];
	const char *ours = s->error->ours, *name = NULL;
	bool published = cloud_defaults(s->cloud, esp, words, &name);
	add_event(s, v, s->error);
	if (seen != NULL && !same_text(seen, s->error))
		add_event(s, v, seen);
	if (seen != NULL) {
		if (compare_proposals(v, s->cloud, esp, ours, seen->theirs))
			evidence_add(v, "both ends support each algorithm, but not together in one proposal");
	} else if (published && !compare_proposals(v, s->cloud, esp, ours, words))
		evidence_add(v, "%s does not accept that; `s2sctl probe` shows what the peer accepts now", name);
	else if (published)
		evidence_add(v, "%s would accept that, so the peer has other settings; `s2sctl probe` shows which", name);
	else {
		compare_proposals(v, s->cloud, esp, ours, "");
		evidence_add(v, "the peer does not say what it accepts; `s2sctl probe` finds out");
	}
}

bool verdict_weak_group(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *seen = with_theirs(s, FACT_NO_PROPOSAL, PROTOCOL_IKE);
	char groups[PARAM_TEXT];
	if (!no_proposal(s, PROTOCOL_IKE) || seen == NULL || !only_weak_groups(seen->theirs, groups, sizeof groups))
		return false;
	struct verdict aside = { 0 };
	bool group_differs = false;
	compare_proposals(&aside, s->cloud, false, s->error->ours, seen->theirs);
	for (unsigned i = 0; i < aside.n_items; i++)
		group_differs |= strcmp(aside.items[i].what, "group") == 0 && !aside.items[i].common;
	if (!group_differs)
		return false;
	memcpy(v->a, groups, sizeof groups);
	compare(s, v, false);
	return true;
}

bool verdict_ike_proposal(const struct symptoms *s, struct verdict *v)
{
	if (!no_proposal(s, PROTOCOL_IKE))
		return false;
	compare(s, v, false);
	return true;
}

bool verdict_esp_proposal(const struct symptoms *s, struct verdict *v)
{
	if (!no_proposal(s, PROTOCOL_ESP))
		return false;
	compare(s, v, true);
	return true;
}

/* Also on a tunnel that is up: it will not survive its rekey. */
bool verdict_pfs(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *e = symptoms_error(s, FACT_PFS_MISMATCH) ? s->error : NULL;
	if (e == NULL)
		e = symptoms_latest(s, FACT_PFS_MISMATCH, 2 * RECENT);
	if (e == NULL || symptoms_taken_back(s, FACT_PFS_MISMATCH, FACT_CHILD_REKEYED))
		return false;
	const struct explain_event *seen = with_theirs(s, FACT_PFS_MISMATCH, PROTOCOL_ESP);
	add_event(s, v, e);
	compare_proposals(v, s->cloud, true, e->ours, seen != NULL ? seen->theirs : "");
	evidence_add(v, "the first child SA carries no key exchange of its own, so this shows only at a rekey");
	return true;
}

bool verdict_pfs_unproven(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_UP || s->rekeys > 0)
		return false;
	evidence_add(v, "no child SA has been rekeyed yet; only a rekey shows whether both ends agree on PFS");
	return true;
}

/* ---------------------------------------------------------------- who is who */
/* Where the check was ours, no notify of the peer's is in the event: then it is certain. */
static const struct explain_event *our_check_failed(const struct symptoms *s)
{
	if (s->error->notify[0] == 0)
		return s->error;
	for (unsigned i = s->n_events; i-- > 0;) {
		const struct explain_event *e = &s->events[i];
		if (e->code == FACT_AUTH_FAILED && e->notify[0] == 0 && e->at >= s->time - RECENT)
			return e;
	}
	return NULL;
}

bool verdict_psk(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *sure = symptoms_error(s, FACT_AUTH_FAILED) ? our_check_failed(s) : NULL;
	if (sure == NULL)
		return false;
	if (!same_text(sure, s->error))
		add_event(s, v, sure);
	add_event(s, v, s->error);
	return true;
}

bool verdict_psk_or_identity(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_AUTH_FAILED))
		return false;
	verdict_set(v->a, "%s", s->error->ours);
	if (v->a[0] != 0)
		compare_whole(v, "identity", v->a, "");
	return true;
}

bool verdict_certificate(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_CERTIFICATE_REFUSED))
		return false;
	verdict_set(v->a, "%s", s->error->theirs[0] != 0 ? s->error->theirs : "it cannot be read");
	verdict_set(v->b, "%s", s->error->ours);
	return true;
}

bool verdict_other_ca(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_OTHER_CA))
		return false;
	verdict_set(v->a, "%s", s->error->theirs);
	verdict_set(v->b, "%s", s->error->ours[0] != 0 ? s->error->ours : "a CA that cannot be read");
	compare_whole(v, "CA", v->b, v->a);
	return true;
}

bool verdict_our_certificate(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_OUR_CERTIFICATE))
		return false;
	if (s->error->theirs[0] != 0)
		evidence_add(v,
			"it asks for a certificate of %s, and the CA above ours is not in 'ca' here, so that they cannot be compared",
			s->error->theirs);
	verdict_set(v->a, "%s", s->error->ours);
	return true;
}

bool verdict_signature_method(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_NO_SIGNATURE))
		return false;
	verdict_set(v->a, "%s", s->error->text);
	return true;
}

bool verdict_private_key(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_SIGNING_FAILED))
		return false;
	verdict_set(v->a, "%s", s->error->ours);
	return true;
}

bool verdict_identity(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_ID_REFUSED))
		return false;
	verdict_set(v->a, "%s", s->error->theirs);
	verdict_set(v->b, "%s", s->error->ours);
	compare_whole(v, "identity", v->b, v->a);
	return true;
}

bool verdict_selectors(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_TS_REFUSED))
		return false;
	const struct explain_event *seen = with_theirs(s, FACT_TS_REFUSED, 0);
	if (seen != NULL && !same_text(seen, s->error))
		add_event(s, v, seen);
	verdict_set(v->a, "%s", s->error->ours);
	compare_whole(v, "selectors", v->a, seen != NULL ? seen->theirs : "");
	return true;
}

bool verdict_selectors_many(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_TS_LIMIT))
		return false;
	verdict_set(v->a, "%s", s->error->now);
	return true;
}

/* ---------------------------------------------------------------- others */
bool verdict_peer_deleted(const struct symptoms *s, struct verdict *v)
{
	if (!error_holds(s, v, FACT_PEER_DELETED))
		return false;
	evidence_add(v, "%u times in the last hour", symptoms_count(s, FACT_PEER_DELETED, 3600));
	return true;
}

bool verdict_kernel(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *e = symptoms_latest(s, FACT_KERNEL_FAILED, RECENT), *up = symptoms_latest(s, FACT_UP, EVER);
	bool since = e != NULL && (up == NULL || up->at <= e->at);
	if (!error_holds(s, v, FACT_KERNEL_FAILED) && !error_holds(s, v, FACT_CRYPTO_FAILED)) {
		if (!since)
			return false;
		add_event(s, v, e);
	}
	/* What is in the interface's way is an event of the keeper's and no last error. */
	for (unsigned i = s->n_events; i-- > 0 && v->n_evidence < 4;)
		if (s->events[i].code == FACT_KERNEL_FAILED && s->events[i].subject == SUBJECT_INTERFACE)
			add_event(s, v, &s->events[i]);
	return true;
}

/* What was repaired often: its newest event. Once or twice is no trouble: networkd may have started again. */
static const struct explain_event *repaired_again(const struct symptoms *s)
{
	unsigned times[SUBJECT_COUNT] = { 0 };
	const struct explain_event *worst = NULL;
	for (unsigned i = 0; i < s->n_events; i++) {
		const struct explain_event *e = &s->events[i];
		if (e->code == FACT_KERNEL_REPAIRED && e->at >= s->time - RECENT && ++times[e->subject] >= OFTEN &&
			(worst == NULL || times[e->subject] >= times[worst->subject]))
			worst = e;
	}
	return worst;
}

/* A process has fifteen letters of its program's name. */
static const char *advice_against(const struct symptoms *s, const char *by)
{
	static const struct {
		const char *name, *advice;
	} rows[] = {
		{ "systemd-network",
			"networkd.conf.d/s2sd.conf makes systemd-networkd leave other programs' routes and rules alone: install it, "
			"then restart systemd-networkd" },
		{ "NetworkManager", "NetworkManager must leave the interface alone: `nmcli device set DEVICE managed no`" },
		{ "nft", "replace tables one by one instead of the whole ruleset (`flush ruleset`)" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strncmp(by, rows[i].name, strlen(rows[i].name)) == 0)
			return rows[i].advice;
	if (s->differs[0] != 0)
		return "remove what is in the way, or stop the program that makes it";
	return "stop that program from managing the interface, its addresses, routes and policies, and table s2sd of nf_tables";
}

bool verdict_kernel_differs(const struct symptoms *s, struct verdict *v)
{
	const struct explain_event *again = repaired_again(s);
	if (s->differs[0] == 0 && again == NULL)
		return false;
	if (again != NULL)
		verdict_set(v->a, "%s is removed or changed again and again%s%s",
			again->subject == SUBJECT_NONE ? "something" : subject_word(again->subject),
			again->by[0] != 0 ? ", by " : "", again->by);
	if (s->differs[0] != 0) {
		verdict_set(v->a, "%s", s->differs);
		evidence_add(v, "cannot be put back: %s", s->differs);
	}
	for (unsigned i = s->n_events; i-- > 0 && v->n_evidence < 4;)
		if (s->events[i].code == FACT_KERNEL_REPAIRED && s->events[i].at >= s->time - RECENT)
			add_event(s, v, &s->events[i]);
	v->blame = BLAME_LOCAL;
	verdict_set(v->b, "%s", advice_against(s, again != NULL ? again->by : ""));
	return true;
}

bool verdict_narrowed(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_UP || s->uncovered[0] == 0)
		return false;
	const struct explain_event *e = symptoms_latest(s, FACT_NARROWED, EVER);
	if (e != NULL) {
		add_event(s, v, e);
		v->blame = e->blame;
	}
	verdict_set(v->a, "%s", s->uncovered);
	return true;
}

bool verdict_refused(const struct symptoms *s, struct verdict *v)
{
	static const enum fact_code codes[] = { FACT_PEER_REFUSED, FACT_NO_CHILD, FACT_KE_REFUSED, FACT_SYNTAX,
		FACT_UNSUPPORTED };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!error_holds(s, v, codes[i]))
			continue;
		verdict_set(v->a, "%s", s->error->notify[0] != 0 ? s->error->notify : s->error->word);
		return true;
	}
	return false;
}

bool verdict_connecting(const struct symptoms *s, struct verdict *v)
{
	if (s->error != NULL || s->state != TUNNEL_CONNECTING)
		return false;
	add_last_heard(s, v);
	return true;
}

/* The error stays until the tunnel comes up again; a rekey of that SA which worked since then, or another SA, takes it back. */
bool verdict_rekey_failed(const struct symptoms *s, struct verdict *v)
{
	bool ike = s->error != NULL && s->error->subject == SUBJECT_IKE_SA;
	return !symptoms_taken_back(s, FACT_REKEY_FAILED, ike ? FACT_IKE_REKEYED : FACT_CHILD_REKEYED) &&
	       !symptoms_taken_back(s, FACT_REKEY_FAILED, FACT_CHILD_ESTABLISHED) && error_holds(s, v, FACT_REKEY_FAILED);
}

bool verdict_collisions(const struct symptoms *s, struct verdict *v)
{
	unsigned n = symptoms_count(s, FACT_COLLISION, RECENT);
	if (n < 3)
		return false;
	add_event(s, v, symptoms_latest(s, FACT_COLLISION, RECENT));
	verdict_set(v->a, "%u", n);
	v->blame = BLAME_NONE;
	return true;
}

bool verdict_address_flapping(const struct symptoms *s, struct verdict *v)
{
	unsigned ours = symptoms_count(s, FACT_ADDRESS_CHANGED, RECENT), theirs = symptoms_count(s, FACT_NAT_CHANGED, RECENT);
	if (ours + theirs < 3)
		return false;
	add_event(s, v, symptoms_latest(s, ours >= theirs ? FACT_ADDRESS_CHANGED : FACT_NAT_CHANGED, RECENT));
	verdict_set(v->a, "%u", ours + theirs);
	return true;
}

/* "3m12s ago, at TIME", or "none" */
static const char *seen_last(const struct symptoms *s, int64_t at, char text[2 * TIME_TEXT + 16])
{
	char ago[TIME_TEXT], when[TIME_TEXT];
	if (at == 0)
		return "none";
	snprintf(text, 2 * TIME_TEXT + 16, "%s ago, at %s", age(s, at, ago), wall_format(at, when));
	return text;
}

static void add_traffic(const struct symptoms *s, struct verdict *v)
{
	char in[2 * TIME_TEXT + 16], out[2 * TIME_TEXT + 16], span[TIME_TEXT];
	int64_t last = s->last_in > s->last_out ? s->last_in : s->last_out;
	if (s->in_60s + s->out_60s > 0)
		evidence_add(v,
			"%" PRIu64 " packets in and %" PRIu64 " out in the last minute, %" PRIu64 " and %" PRIu64
			" of them in the last 10 s; counted every %s",
			s->in_60s, s->out_60s, s->in_10s, s->out_10s, span_format((msec)s->every_ms, span));
	else if (last == 0)
		evidence_add(v, "idle: no traffic was seen since it came up or the daemon began; that is no fault");
	else {
		const char *from = seen_last(s, s->last_in, in), *to = seen_last(s, s->last_out, out);
		evidence_add(v, "idle: no traffic for %s: last in %s; last out %s", age(s, last, span), from, to);
	}
}

bool verdict_up(const struct symptoms *s, struct verdict *v)
{
	char text[TIME_TEXT];
	if (s->state != TUNNEL_UP)
		return false;
	evidence_add(v, "up for %s", age(s, s->since, text));
	add_traffic(s, v);
	if (s->in_alone.elsewhere || s->out_alone.elsewhere)
		evidence_add(v, "another tunnel to the same networks has the traffic of the other direction");
	add_event(s, v, s->error);
	v->blame = BLAME_NONE;
	return true;
}
