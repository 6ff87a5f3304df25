/*
 * rules.c - THE table of verdicts: how bad each is, when it holds, and the words; what to do at the other end is in its
 * provider's row (cloud/cloud.h). What stands in {} is filled in by fill.c. Of several rows that hold the heaviest
 * comes first, then the one that stands higher up here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "rules.h"

static const struct rule rules[] = {
	/* ------------------------------------------------ nobody tries */
	{ VERDICT_STOPPED, WEIGHT_DOWN, BLAME_OPERATOR, verdict_stopped, "stopped by the operator", "`s2sctl up {name}`" },
	{ VERDICT_IDLE, WEIGHT_DOWN, BLAME_NONE, verdict_idle, "neither end initiates: {a}",
		"'start: initiate' lets us do it, `s2sctl up {name}` does it once" },
	/* ------------------------------------------------ nobody answers */
	{ VERDICT_UNRESOLVED, WEIGHT_DOWN, BLAME_NETWORK, verdict_unresolved, "the peer's name has no address",
		"check 'remote' and the name servers: `getent ahosts {remote}`" },
	{ VERDICT_NO_ROUTE, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_route, "this machine has no route to the peer {remote}",
		"check the uplink and the default route: `ip route get {peer}`" },
	{ VERDICT_ADDRESS_CHANGED, WEIGHT_DOWN, BLAME_NETWORK, verdict_address_changed,
		"our outside address has changed, and the peer does not take us under the new one",
		"a fixed outside address; 'local-id: {old}' keeps the identity as the peer knows it" },
	{ VERDICT_DEAD_PEER, WEIGHT_DOWN, BLAME_PEER, verdict_dead_peer,
		"the peer {remote} has stopped answering: liveness checks gave it up",
		"nothing; {next}. If nothing comes of it, see whether UDP 500, UDP 4500 and ESP still pass" },
	{ VERDICT_NO_ANSWER, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_answer,
		"no answer at all: {remote} does not answer IKE_SA_INIT",
		"check 'remote'; let UDP 500, UDP 4500 and ESP (IP protocol 50) pass, both ways; `tcpdump -ni any host "
		"{peer}` shows whether anything comes back" },
	{ VERDICT_NO_ANSWER_AUTH, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_answer_auth,
		"the peer answers IKE_SA_INIT and then is silent: IKE_AUTH gets no answer",
		"let UDP 4500 and IP fragments pass, both ways; 'encapsulation: udp' uses UDP 4500 from the start" },
	/* ------------------------------------------------ proposals */
	{ VERDICT_WEAK_GROUP, WEIGHT_DOWN, BLAME_PEER, verdict_weak_group,
		"the peer offers only weak Diffie-Hellman groups ({a}), and we refuse them",
		"better change the peer; or take the risk knowingly: 'allow-weak: {a}' and 'ike-proposals: aes256-sha256-{a}'" },
	{ VERDICT_IKE_PROPOSAL, WEIGHT_DOWN, BLAME_PEER, verdict_ike_proposal,
		"no common IKE proposal: the peer takes none of ours",
		"write what the peer takes into 'ike-proposals', now {ours}; `s2sctl probe {peer}` finds out what that is" },
	/* ------------------------------------------------ who is who */
	{ VERDICT_PSK, WEIGHT_DOWN, BLAME_PEER, verdict_psk, "the pre-shared keys of the two ends differ",
		"put the peer's key into {key}, exactly, then `s2sctl reload`" },
	{ VERDICT_PSK_OR_IDENTITY, WEIGHT_DOWN, BLAME_PEER, verdict_psk_or_identity,
		"the peer refuses our authentication: the pre-shared key differs, or it does not know us as {id}",
		"compare {key} with the peer's key; set 'local-id' to what the peer expects of us (its idea of our "
		"address), then `s2sctl reload`" },
	{ VERDICT_IDENTITY, WEIGHT_DOWN, BLAME_PEER, verdict_identity, "the peer calls itself {a}, and we expect {b}",
		"if that is the right peer: 'remote-id: {a}', then `s2sctl reload`" },
	/* ------------------------------------------------ the child SA */
	{ VERDICT_SELECTORS, WEIGHT_DOWN, BLAME_PEER, verdict_selectors, "the peer refuses our traffic selectors {a}",
		"make 'local-ts' and 'remote-ts' what the peer has, or leave both out: all networks then, and 'routes' decide" },
	{ VERDICT_ESP_PROPOSAL, WEIGHT_DOWN, BLAME_PEER, verdict_esp_proposal,
		"no common ESP proposal: IKE is agreed on, the child SA is not",
		"write what the peer takes into 'esp-proposals', now {ours}" },
	{ VERDICT_PFS, WEIGHT_TROUBLE, BLAME_PEER, verdict_pfs,
		"PFS differs: the ends do not agree about the key exchange of a rekey",
		"'esp-proposals' with the peer's PFS group, or without a group when it has none, or both, one after the "
		"other; then `s2sctl rekey --check {name}` proves it" },
	/* ------------------------------------------------ other refusals */
	{ VERDICT_PEER_DELETED, WEIGHT_DOWN, BLAME_PEER, verdict_peer_deleted, "the peer has closed the tunnel",
		"nothing; {next}. When it happens again and again, the reason is in the peer's log" },
	{ VERDICT_KERNEL, WEIGHT_DOWN, BLAME_LOCAL, verdict_kernel,
		"this machine's kernel or cryptographic library refuses its part",
		"the evidence names what is missing; `s2sctl show algorithms` lists what is there, `dmesg` may know more" },
	{ VERDICT_REFUSED, WEIGHT_DOWN, BLAME_PEER, verdict_refused, "the peer refuses: {a}",
		"see the peer's log at that time; we go on trying" },
	{ VERDICT_CONNECTING, WEIGHT_DOWN, BLAME_NONE, verdict_connecting, "still negotiating, nothing has failed yet",
		"ask again in some seconds" },
	/* ------------------------------------------------ up, and yet */
	{ VERDICT_INTERFACE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_interface, "the tunnel is up, its interface {interface} is not",
		"find who took it down (a network manager?); `ip link set {interface} up`, or `s2sctl down {name}` and "
		"`s2sctl up {name}`" },
	{ VERDICT_ROUTE_MISSING, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_route_missing,
		"the tunnel is up, and there is no route to {a}",
		"find who removed it (`ip monitor route`; a network manager may); `s2sctl down {name}` and `s2sctl up "
		"{name}` put it back" },
	{ VERDICT_ROUTE_ELSEWHERE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_route_elsewhere,
		"the tunnel is up, and traffic to {a} leaves through {b}, not through the tunnel",
		"another route is preferred: `ip route show table all` and `ip rule`; lower 'route-metric' (now {metric}) "
		"or remove the other one" },
	{ VERDICT_OUTBOUND_ONLY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_outbound_only,
		"one way only: traffic goes out and nothing comes back",
		"let ESP (IP protocol 50) from {peer} in, also at the provider, or use 'encapsulation: udp'; answers may "
		"also come through another tunnel" },
	{ VERDICT_INBOUND_ONLY, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_inbound_only,
		"one way only: traffic comes in and none goes out",
		"the way back is not the tunnel, or a host behind us does not answer: `ip route get ADDRESS` for the sender "
		"must say dev {interface}; 'routes' must hold its network" },
	{ VERDICT_FIREWALL_IKE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_firewall_ike,
		"this machine's own firewall is in the way of IKE or ESP: {a}",
		"accept UDP 500, UDP 4500 and ESP from and to {peer}: `nft insert rule inet filter input ip saddr {peer} accept`" },
	{ VERDICT_FIREWALL, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_firewall,
		"this machine's own firewall is in the way of the tunnel's traffic: {a}",
		"accept what comes from and goes to {interface}: `nft insert rule inet filter forward oifname {interface} "
		"accept`, and iifname alike" },
	{ VERDICT_MTU, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_mtu,
		"large packets are at risk: the path to the peer is narrower than the tunnel's interface assumes",
		"'mtu: {a}' and 'mss: {b}', then `s2sctl reload`; until then ESP is fragmented on its way, and many devices "
		"drop fragments" },
	{ VERDICT_INTEGRITY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_integrity,
		"packets are damaged on the way, or not the peer's: {a} failed their integrity check",
		"find the device that changes ESP packets (broken offloads: `ethtool -K DEVICE gro off`); `s2sctl rekey "
		"{name}` rules out keys that differ" },
	{ VERDICT_REPLAY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_replay,
		"packets come twice or far out of order: {a} were dropped by the replay check",
		"a larger 'replay-window' (now {window}) when the path reorders; a path that duplicates packets has to be mended" },
	{ VERDICT_COLLISIONS, WEIGHT_TROUBLE, BLAME_NONE, verdict_collisions,
		"both ends keep rekeying at the same moment: {a} collisions in ten minutes",
		"make one end rekey clearly earlier: leave 'esp-lifetime' and 'ike-lifetime' out for the profile's values, "
		"which are earlier than the cloud's" },
	{ VERDICT_ADDRESS_FLAPPING, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_address_flapping,
		"outside addresses keep changing: {a} times in ten minutes",
		"find out why the uplink changes its address or the NAT forgets its mappings" },
	{ VERDICT_REKEY_FAILED, WEIGHT_TROUBLE, BLAME_PEER, verdict_rekey_failed, "a rekey failed; the SA in use will run out",
		"`s2sctl rekey {name}` tries again and says why it fails" },
	{ VERDICT_FORWARDING, WEIGHT_SUSPICION, BLAME_LOCAL, verdict_forwarding,
		"this machine passes nothing on between the tunnel and its networks",
		"`sysctl -w {a}=1` and a line in /etc/sysctl.d/, or 'forwarding: yes' under 's2sd:'" },
	/* ------------------------------------------------ nothing is wrong */
	{ VERDICT_UP, WEIGHT_FINE, BLAME_NONE, verdict_up, "nothing is wrong that can be seen from here",
		"`s2sctl check` judges the settings, `s2sctl show {name}` tells everything" },
	{ VERDICT_PFS_UNPROVEN, WEIGHT_FINE, BLAME_NONE, verdict_pfs_unproven, "the first rekey is still to come",
		"`s2sctl rekey --check {name}` proves now that both ends agree about PFS, and harms nothing" },
};

const struct rule *explain_rule(unsigned i) { return i < ARRAY_SIZE(rules) ? &rules[i] : NULL; }

/* A verdict that one of a kind already explains is left out: the more special row stands higher up. */
static bool covered(const struct verdicts *out, enum verdict_code code)
{
	static const struct {
		enum verdict_code special, general;
	} rows[] = { { VERDICT_WEAK_GROUP, VERDICT_IKE_PROPOSAL }, { VERDICT_PSK, VERDICT_PSK_OR_IDENTITY },
		{ VERDICT_ADDRESS_CHANGED, VERDICT_NO_ANSWER }, { VERDICT_ADDRESS_CHANGED, VERDICT_NO_ANSWER_AUTH },
		{ VERDICT_ADDRESS_CHANGED, VERDICT_PSK_OR_IDENTITY }, { VERDICT_DEAD_PEER, VERDICT_NO_ANSWER },
		{ VERDICT_DEAD_PEER, VERDICT_NO_ANSWER_AUTH }, { VERDICT_FIREWALL_IKE, VERDICT_OUTBOUND_ONLY },
		{ VERDICT_ROUTE_MISSING, VERDICT_INBOUND_ONLY }, { VERDICT_ROUTE_ELSEWHERE, VERDICT_INBOUND_ONLY },
		{ VERDICT_KERNEL, VERDICT_REFUSED }, { VERDICT_ESP_PROPOSAL, VERDICT_PFS }, { VERDICT_PFS, VERDICT_PFS_UNPROVEN },
		{ VERDICT_PFS, VERDICT_REKEY_FAILED } };
	/* What nobody wants up needs no other reason. */
	if (out->n > 0 && out->v[0].rule->code == VERDICT_STOPPED)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned k = 0; k < out->n && rows[i].general == code; k++)
			if (out->v[k].rule->code == rows[i].special)
				return true;
	return false;
}

static void judge_one(const struct symptoms *s, const struct rule *r, struct verdicts *out)
{
	struct verdict *v = &out->v[out->n];
	if (out->n == VERDICTS_MAX || covered(out, r->code))
		return;
	*v = (struct verdict){ .rule = r, .blame = r->blame };
	if (!r->holds(s, v)) {
		verdict_release(v);
		return;
	}
	v->title = explain_fill(s, v, r->title);
	v->here = explain_fill(s, v, r->here);
	const char *there = provider_of(s->cloud)->advice[r->code];
	v->there = there != NULL ? explain_fill(s, v, there) : NULL;
	out->n++;
}

/* A tunnel is up, or something keeps it from that: a row must hold. Here none did. */
static const struct rule unknown = { VERDICT_UNKNOWN, WEIGHT_DOWN, BLAME_NONE, NULL,
	"it is not up, and nothing was told that explains it", "`s2sctl events {name}`, and the daemon's log with -v" };

void explain_judge(const struct symptoms *s, struct verdicts *out)
{
	out->n = 0;
	for (int w = WEIGHT_DOWN; w <= WEIGHT_FINE; w++)
		for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
			if ((int)rules[i].weight == w && (w != WEIGHT_FINE || out->n == 0 || rules[i].code != VERDICT_UP))
				judge_one(s, &rules[i], out);
	if (out->n > 0)
		return;
	struct verdict *v = &out->v[out->n++];
	*v = (struct verdict){ .rule = &unknown,
		.title = explain_fill(s, v, unknown.title),
		.here = explain_fill(s, v, unknown.here),
		.there = explain_fill(s, v, provider_of(s->cloud)->advice[VERDICT_UNKNOWN]) };
}
