/*
 * explain_told.c - verdicts from what the daemon has told: the last error, the events before it, the settings.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "cloud/algs.h"
#include "explain_tests.h"
#include "ctl/render.h"

#define RECENT 600 /* seconds: what is older explains nothing */

/* ---------------------------------------------------------------- looking */
const char *str(const json_t *o, const char *key)
{
	const char *word = word_of(o, key);
	return word != NULL ? word : "";
}

bool is_up(const struct sight *s) { return strcmp(str(s->tunnel, "state"), "up") == 0; }

const json_t *error_of(const struct sight *s)
{
	const json_t *e = json_object_get(s->tunnel, "last_error");
	return json_is_object(e) ? e : NULL;
}

bool error_is(const struct sight *s, const char *code) { return strcmp(str(error_of(s), "code"), code) == 0; }

const json_t *latest(const struct sight *s, const char *code, int64_t seconds)
{
	for (size_t i = json_array_size(s->events); i-- > 0;) {
		const json_t *e = json_array_get(s->events, i);
		if (strcmp(str(e, "code"), code) == 0)
			return time_parse(word_of(e, "at")) >= s->now - seconds ? e : NULL;
	}
	return NULL;
}

unsigned count_events(const struct sight *s, const char *code, int64_t seconds)
{
	unsigned n = 0;
	for (size_t i = 0; i < json_array_size(s->events); i++) {
		const json_t *e = json_array_get(s->events, i);
		n += strcmp(str(e, "code"), code) == 0 && time_parse(word_of(e, "at")) >= s->now - seconds;
	}
	return n;
}

/* The newest event of that code has been followed by one that takes it back. By order: the times are of seconds. */
static bool overtaken(const struct sight *s, const char *code, const char *by)
{
	for (size_t i = json_array_size(s->events); i-- > 0;) {
		const char *word = str(json_array_get(s->events, i), "code");
		if (strcmp(word, code) == 0 || strcmp(word, by) == 0)
			return strcmp(word, by) == 0;
	}
	return false;
}

/* The newest event of that code which says what the peer has. */
static const json_t *with_theirs(const struct sight *s, const char *code, const char *protocol)
{
	for (size_t i = json_array_size(s->events); i-- > 0;) {
		const json_t *e = json_array_get(s->events, i);
		if (strcmp(str(e, "code"), code) == 0 && str(e, "theirs")[0] != 0 && strcmp(str(e, "protocol"), protocol) == 0 &&
			time_parse(word_of(e, "at")) >= s->now - RECENT)
			return e;
	}
	return NULL;
}

void tell_event(const struct sight *s, struct verdict *v, const json_t *e)
{
	char age[TIME_TEXT];
	const char *blame = word_of(e, "blame");
	if (e == NULL)
		return;
	evidence(v, "%s ago: %s", age_words(json_object_get(e, "at"), s->now, age), str(e, "text"));
	if (blame != NULL)
		snprintf(v->blame, sizeof v->blame, "%s", blame);
}

static bool told(const struct sight *s, struct verdict *v, const char *code)
{
	if (!error_is(s, code))
		return false;
	tell_event(s, v, error_of(s));
	return true;
}

/* ---------------------------------------------------------------- nobody tries */
bool told_stopped(const struct sight *s, struct verdict *v)
{
	if (strcmp(str(s->tunnel, "state"), "down") != 0 || strstr(str(s->tunnel, "reason"), "stopped") == NULL)
		return false;
	tell_event(s, v, latest(s, "stopped", INT32_MAX));
	return true;
}

bool told_waits(const struct sight *s, struct verdict *v)
{
	const char *start = str(json_object_get(s->tunnel, "config"), "start");
	if (strcmp(str(s->tunnel, "state"), "down") != 0 || error_of(s) != NULL || strcmp(start, "initiate") == 0)
		return false;
	snprintf(v->a, sizeof v->a, "%s",
		strcmp(start, "respond") == 0 ? "waits for the peer, who has sent nothing that was for it"
					      : "waits for `s2sctl up`");
	evidence(v, "'start: %s' in the settings", start);
	return true;
}

bool told_unresolved(const struct sight *s, struct verdict *v) { return told(s, v, "resolve-failed"); }
bool told_no_route(const struct sight *s, struct verdict *v) { return told(s, v, "no-route"); }

/* ---------------------------------------------------------------- nobody answers */
static void last_seen(const struct sight *s, struct verdict *v)
{
	char age[TIME_TEXT];
	const json_t *heard = json_object_get(s->tunnel, "last_heard"), *up = latest(s, "up", INT32_MAX);
	if (json_is_string(heard))
		evidence(v, "last heard at %s, %s ago", json_string_value(heard), age_words(heard, s->now, age));
	else
		evidence(v, "the peer was never heard");
	if (up != NULL)
		evidence(v, "last came up at %s", str(up, "at"));
	if (count_of(s->tunnel, "unanswered") > 0)
		evidence(v, "the request under way was sent %u times", (unsigned)count_of(s->tunnel, "unanswered"));
}

bool told_dead(const struct sight *s, struct verdict *v)
{
	const json_t *dead = latest(s, "peer-dead", INT32_MAX), *up = latest(s, "up", INT32_MAX);
	bool given_up = dead != NULL && (up == NULL || time_parse(word_of(dead, "at")) >= time_parse(word_of(up, "at")));
	bool silent = error_is(s, "no-answer") && str(error_of(s), "ours")[0] == 0;
	if (is_up(s) || !(error_is(s, "peer-dead") || silent || (given_up && error_is(s, "no-answer"))))
		return false;
	if (dead != NULL && dead != error_of(s))
		tell_event(s, v, dead);
	tell_event(s, v, error_of(s));
	last_seen(s, v);
	snprintf(v->blame, sizeof v->blame, "peer");
	return true;
}

bool told_moved(const struct sight *s, struct verdict *v)
{
	const json_t *e = latest(s, "address-changed", 3600);
	if (is_up(s) || e == NULL || !(error_is(s, "no-answer") || error_is(s, "auth-failed") || error_is(s, "no-proposal")))
		return false;
	tell_event(s, v, e);
	tell_event(s, v, error_of(s));
	snprintf(v->blame, sizeof v->blame, "network");
	return true;
}

static bool silent(const struct sight *s, struct verdict *v, const char *request)
{
	char text[ADDR_TEXT], peer[ADDR_TEXT];
	struct addr remote = s->conf != NULL ? s->conf->remote : (struct addr){ 0 };
	if (!error_is(s, "no-answer") || strcmp(str(error_of(s), "ours"), request) != 0)
		return false;
	tell_event(s, v, error_of(s));
	if (s->ways != NULL && s->ways->from.family != 0) {
		addr_format(&s->ways->from, text);
		if (addr_is_private(&s->ways->from) && !(remote.family != 0 && addr_is_private(&remote)))
			evidence(v, "our outside address %s is private: there is a NAT, and the peer sees its public address",
				text);
		else
			evidence(v, "packets to %s leave from %s", remote.family != 0 ? addr_format(&remote, peer) : "the peer",
				text);
	}
	last_seen(s, v);
	return true;
}

bool told_silent_init(const struct sight *s, struct verdict *v) { return silent(s, v, "IKE_SA_INIT"); }
bool told_silent_auth(const struct sight *s, struct verdict *v) { return silent(s, v, "IKE_AUTH"); }

/* ---------------------------------------------------------------- proposals */
static bool no_proposal(const struct sight *s, const char *protocol)
{
	return error_is(s, "no-proposal") && strcmp(str(error_of(s), "protocol"), protocol) == 0;
}

/* Ours against what the peer was seen to offer, else against what its cloud publishes. */
static const char *hold_against(const struct sight *s, struct verdict *v, const char *code, bool esp)
{
	const json_t *e = error_of(s), *seen = with_theirs(s, code, esp ? "esp" : "ike");
	char words[CLOUD_DEFAULTS];
	const char *ours = str(e, "ours"), *name = NULL;
	bool published = cloud_defaults(cloud_of(s), esp, words, &name);
	tell_event(s, v, e);
	if (seen != NULL && strcmp(str(seen, "text"), str(e, "text")) != 0)
		tell_event(s, v, seen);
	if (seen != NULL) {
		if (compare_proposals(v, cloud_of(s), esp, ours, str(seen, "theirs")))
			evidence(v, "each algorithm is known to both ends, but not together in one proposal");
		return str(seen, "theirs");
	}
	if (published && !compare_proposals(v, cloud_of(s), esp, ours, words))
		evidence(v, "%s does not take that; `s2sctl probe` asks what the peer takes now", name);
	else if (published)
		evidence(v, "%s would take that, so it has others; `s2sctl probe` asks which", name);
	else {
		compare_proposals(v, cloud_of(s), esp, ours, "");
		evidence(v, "the peer does not say what it accepts; `s2sctl probe` asks");
	}
	return "";
}

bool told_weak_group(const struct sight *s, struct verdict *v)
{
	const json_t *seen = with_theirs(s, "no-proposal", "ike");
	char groups[PARAM_TEXT];
	if (!no_proposal(s, "ike") || seen == NULL || !only_weak_groups(str(seen, "theirs"), groups, sizeof groups))
		return false;
	struct verdict aside = { 0 };
	bool group_differs = false;
	compare_proposals(&aside, CLOUD_NONE, false, str(error_of(s), "ours"), str(seen, "theirs"));
	for (unsigned i = 0; i < aside.n_items; i++)
		group_differs |= strcmp(aside.items[i].what, "group") == 0 && !aside.items[i].common;
	if (!group_differs)
		return false;
	memcpy(v->a, groups, sizeof groups);
	hold_against(s, v, "no-proposal", false);
	return true;
}

bool told_ike_proposal(const struct sight *s, struct verdict *v)
{
	if (!no_proposal(s, "ike"))
		return false;
	hold_against(s, v, "no-proposal", false);
	return true;
}

bool told_esp_proposal(const struct sight *s, struct verdict *v)
{
	if (!no_proposal(s, "esp"))
		return false;
	hold_against(s, v, "no-proposal", true);
	return true;
}

/* Also on a tunnel that is up: it will not survive its rekey. */
bool told_pfs(const struct sight *s, struct verdict *v)
{
	const json_t *e = error_is(s, "pfs-mismatch") ? error_of(s) : NULL;
	if (e == NULL)
		e = latest(s, "pfs-mismatch", 2 * RECENT);
	if (e == NULL || overtaken(s, "pfs-mismatch", "child-rekeyed"))
		return false;
	const json_t *seen = with_theirs(s, "pfs-mismatch", "esp");
	tell_event(s, v, e);
	compare_proposals(v, cloud_of(s), true, str(e, "ours"), str(seen, "theirs"));
	evidence(v, "the first child SA carries no key exchange of its own, so this shows at a rekey only");
	return true;
}

bool told_pfs_unproven(const struct sight *s, struct verdict *v)
{
	if (!is_up(s) || count_of(s->tunnel, "rekeys") > 0)
		return false;
	evidence(v, "no child SA has been rekeyed yet; whether both ends agree about PFS shows only then");
	return true;
}

/* ---------------------------------------------------------------- who is who */
/* Where the check was ours, no notify of the peer's is in the fact: then it is certain. */
static const json_t *our_check_failed(const struct sight *s)
{
	if (str(error_of(s), "notify")[0] == 0)
		return error_of(s);
	for (size_t i = json_array_size(s->events); i-- > 0;) {
		const json_t *e = json_array_get(s->events, i);
		if (strcmp(str(e, "code"), "auth-failed") == 0 && str(e, "notify")[0] == 0 &&
			time_parse(word_of(e, "at")) >= s->now - RECENT)
			return e;
	}
	return NULL;
}

bool told_psk(const struct sight *s, struct verdict *v)
{
	const json_t *sure = error_is(s, "auth-failed") ? our_check_failed(s) : NULL;
	if (sure == NULL)
		return false;
	if (strcmp(str(sure, "text"), str(error_of(s), "text")) != 0)
		tell_event(s, v, sure);
	tell_event(s, v, error_of(s));
	return true;
}

bool told_psk_or_identity(const struct sight *s, struct verdict *v)
{
	if (!told(s, v, "auth-failed"))
		return false;
	snprintf(v->a, sizeof v->a, "%s", str(error_of(s), "ours"));
	if (v->a[0] != 0)
		compare_whole(v, "identity", v->a, "");
	return true;
}

bool told_identity(const struct sight *s, struct verdict *v)
{
	if (!told(s, v, "id-refused"))
		return false;
	snprintf(v->a, sizeof v->a, "%s", str(error_of(s), "theirs"));
	snprintf(v->b, sizeof v->b, "%s", str(error_of(s), "ours"));
	compare_whole(v, "identity", v->b, v->a);
	return true;
}

bool told_selectors(const struct sight *s, struct verdict *v)
{
	if (!error_is(s, "ts-refused"))
		return false;
	const json_t *seen = with_theirs(s, "ts-refused", "");
	tell_event(s, v, error_of(s));
	if (seen != NULL && strcmp(str(seen, "text"), str(error_of(s), "text")) != 0)
		tell_event(s, v, seen);
	snprintf(v->a, sizeof v->a, "%s", str(error_of(s), "ours"));
	compare_whole(v, "selectors", v->a, str(seen, "theirs"));
	return true;
}

/* ---------------------------------------------------------------- others */
bool told_deleted(const struct sight *s, struct verdict *v)
{
	if (!told(s, v, "peer-deleted"))
		return false;
	evidence(v, "%u times in the last hour", count_events(s, "peer-deleted", 3600));
	return true;
}

/* The keeper's own failures, an interface that is in the way, are events and no last error. */
static void tell_interface(const struct sight *s, struct verdict *v)
{
	for (size_t i = json_array_size(s->events); i-- > 0 && v->n_evidence < 4;) {
		const json_t *e = json_array_get(s->events, i);
		if (strcmp(str(e, "code"), "kernel-failed") == 0 && strncmp(str(e, "text"), "interface", 9) == 0)
			tell_event(s, v, e);
	}
}

bool told_kernel(const struct sight *s, struct verdict *v)
{
	const json_t *e = latest(s, "kernel-failed", RECENT), *up = latest(s, "up", INT32_MAX);
	bool since = e != NULL && (up == NULL || time_parse(word_of(up, "at")) <= time_parse(word_of(e, "at")));
	if (!told(s, v, "kernel-failed") && !told(s, v, "crypto-failed")) {
		if (!since)
			return false;
		tell_event(s, v, e);
	}
	tell_interface(s, v);
	return true;
}

bool told_refused(const struct sight *s, struct verdict *v)
{
	static const char *const codes[] = { "peer-refused", "no-child", "ke-refused", "syntax", "unsupported" };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!told(s, v, codes[i]))
			continue;
		snprintf(v->a, sizeof v->a, "%s", str(error_of(s), "notify")[0] != 0 ? str(error_of(s), "notify") : codes[i]);
		return true;
	}
	return false;
}

bool told_connecting(const struct sight *s, struct verdict *v)
{
	if (is_up(s) || error_of(s) != NULL || strcmp(str(s->tunnel, "state"), "connecting") != 0)
		return false;
	last_seen(s, v);
	return true;
}

/* The error stays until the tunnel comes up again; a rekey of that SA which worked since then takes it back. */
bool told_rekey_failed(const struct sight *s, struct verdict *v)
{
	bool ike = strncmp(str(error_of(s), "text"), "the IKE SA", 10) == 0;
	return !overtaken(s, "rekey-failed", ike ? "ike-rekeyed" : "child-rekeyed") && told(s, v, "rekey-failed");
}

bool told_collisions(const struct sight *s, struct verdict *v)
{
	unsigned n = count_events(s, "collision", RECENT);
	if (n < 3)
		return false;
	tell_event(s, v, latest(s, "collision", RECENT));
	snprintf(v->a, sizeof v->a, "%u", n);
	snprintf(v->blame, sizeof v->blame, "none");
	return true;
}

bool told_moving(const struct sight *s, struct verdict *v)
{
	unsigned ours = count_events(s, "address-changed", RECENT), theirs = count_events(s, "nat-changed", RECENT);
	if (ours + theirs < 3)
		return false;
	tell_event(s, v, latest(s, ours >= theirs ? "address-changed" : "nat-changed", RECENT));
	snprintf(v->a, sizeof v->a, "%u", ours + theirs);
	return true;
}

bool told_up(const struct sight *s, struct verdict *v)
{
	char age[TIME_TEXT];
	if (!is_up(s))
		return false;
	evidence(v, "up for %s, %llu packets in, %llu out", age_words(json_object_get(s->tunnel, "since"), s->now, age),
		(unsigned long long)sum_children(s, "packets_in"), (unsigned long long)sum_children(s, "packets_out"));
	if (error_of(s) != NULL)
		tell_event(s, v, error_of(s));
	snprintf(v->blame, sizeof v->blame, "none");
	return true;
}
