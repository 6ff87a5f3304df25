/* words.c - sessions as words and JSON. */
#include "ctl/bgp.h"

const char *bgp_daemon_name(enum bgp_daemon d) { return d == BGP_FRR ? "FRR" : "BIRD"; }

const char *bgp_daemon_group(enum bgp_daemon d) { return d == BGP_FRR ? "frrvty" : "bird"; }

const char *bgp_state_word(enum bgp_state s)
{
	static const char *const v[] = { "?", "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established" };
	return v[s];
}

static json_t *count(int64_t n) { return n >= 0 ? json_integer(n) : json_null(); }

json_t *bgp_json(const struct bgp_view *v, const struct addr *peer)
{
	const struct bgp_session *x = bgp_session_of(v, peer);
	if (peer->family == 0)
		return json_null();
	json_t *o = json_object();
	json_object_set_new(o, "daemon", x != NULL ? json_string(x->daemon == BGP_FRR ? "frr" : "bird") : json_null());
	json_object_set_new(o, "state",
		x != NULL        ? json_string(bgp_state_word(x->state))
		: bgp_unknown(v) ? json_null()
				 : json_string("none"));
	json_object_set_new(o, "since_s", count(x != NULL ? x->age_s : BGP_NOT_TOLD));
	json_object_set_new(o, "received", count(x != NULL && x->state == BGP_ESTABLISHED ? x->received : BGP_NOT_TOLD));
	json_object_set_new(o, "sent", count(x != NULL && x->state == BGP_ESTABLISHED ? x->sent : BGP_NOT_TOLD));
	return o;
}
