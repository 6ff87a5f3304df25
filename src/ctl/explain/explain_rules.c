/*
 * explain_rules.c - THE table of verdicts: a code that stays, how bad it is, when it holds, and the words. What stands in {}
 * is filled in by explain_words.c. Of several rows that hold the heaviest comes first, then the one that stands higher up
 * here.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "explain_tests.h"

#define AWS_OPTIONS "VPC console > Site-to-Site VPN connections > Modify VPN tunnel options"
#define AZURE_POLICY "the connection's Configuration > IPsec / IKE policy: Custom"

static const struct rule rules[] = {
	/* ------------------------------------------------ nobody tries */
	{ "stopped", WEIGHT_DOWN, "operator", told_stopped, "stopped by the operator", "`s2sctl up {name}`", NULL, NULL, NULL },
	{ "waits", WEIGHT_DOWN, "none", told_waits, "nobody dials: {a}",
		"'start: initiate' lets us dial, `s2sctl up {name}` does it once",
		"Startup action: Start in " AWS_OPTIONS " (IKEv2 only); with Add, AWS never dials",
		"Connection mode: Default or InitiatorOnly; with ResponderOnly Azure never dials",
		"the peer has to dial {local}" },
	/* ------------------------------------------------ nobody answers */
	{ "name", WEIGHT_DOWN, "network", told_unresolved, "the peer's name has no address",
		"check 'remote' and the name servers: `getent ahosts {remote}`", NULL, NULL, NULL },
	{ "no-way", WEIGHT_DOWN, "network", told_no_route, "this machine has no route to the peer {remote}",
		"check the uplink and the default route: `ip route get {peer}`", NULL, NULL, NULL },
	{ "address-changed", WEIGHT_DOWN, "network", told_moved,
		"our outside address has changed, and the peer does not take us under the new one",
		"a fixed outside address; 'local-id: {old}' keeps the identity as the peer knows it",
		"the customer gateway stands for the old address: create one with {here}, then Actions > Modify VPN "
		"connection > Target: Customer gateway",
		"Local network gateway > Configuration > IP address: {here}, or an FQDN that follows it",
		"allow {here} as the address of this end" },
	{ "dead-peer", WEIGHT_DOWN, "peer", told_dead, "the peer {remote} has stopped answering: liveness checks gave it up",
		"nothing; {next}. If nothing comes of it, see whether UDP 500, UDP 4500 and ESP still pass",
		"Tunnel details > Status and its log (`AWS tunnel DPD timed out`); maintenance replaces one tunnel's "
		"endpoint at a time: have both tunnels configured. "
		"Timeout action Clear waits for us, Restart dials",
		"Resource health and TunnelDiagnosticLog (TunnelDisconnected); resets and maintenance take a gateway "
		"instance away for a minute or two",
		"see whether it runs and whether it has lost its state" },
	{ "no-answer", WEIGHT_DOWN, "network", told_silent_init, "no answer at all: {remote} does not answer IKE_SA_INIT",
		"check 'remote'; let UDP 500, UDP 4500 and ESP (IP protocol 50) pass, both ways; `tcpdump -ni any host "
		"{peer}` shows whether anything comes back",
		"the tunnel's Outside IP address must be {peer}, and the customer gateway's IP address ours as the internet "
		"sees it, {here} or the NAT's; AWS is silent to others",
		"the gateway's public IP address must be {peer}, and Local network gateway > IP address ours as the "
		"internet sees it, {here} or the NAT's. "
		"Network Watcher > VPN troubleshoot says PeerReachability",
		"it has to run, to know our address {here}, and to let UDP 500 in" },
	{ "no-answer-auth", WEIGHT_DOWN, "network", told_silent_auth,
		"the peer answers IKE_SA_INIT and then is silent: IKE_AUTH gets no answer",
		"let UDP 4500 and IP fragments pass, both ways; 'encapsulation: udp' uses UDP 4500 from the start",
		"the log says `AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA` when IKE_AUTH does not reach it",
		"IKEDiagnosticLog shows whether SA_AUTH is [RECEIVED]", "see its log for an IKE_AUTH request from {here}" },
	/* ------------------------------------------------ proposals */
	{ "weak-group", WEIGHT_DOWN, "peer", told_weak_group,
		"the peer offers only weak Diffie-Hellman groups ({a}), and we refuse them",
		"better change the peer; or take the risk knowingly: 'allow-weak: {a}' and 'ike-proposals: aes256-sha256-{a}'",
		"Phase 1 DH group numbers: allow {dh} in " AWS_OPTIONS,
		"Azure's default policy knows DHGroup2 alone. " AZURE_POLICY ", IKE Phase 1 {ike-names}: {policy}",
		"allow {ours}" },
	{ "ike-proposal", WEIGHT_DOWN, "peer", told_ike_proposal, "no common IKE proposal: the peer takes none of ours",
		"write what the peer takes into 'ike-proposals', now {ours}; `s2sctl probe {peer}` finds out what that is",
		"allow in " AWS_OPTIONS
		": Phase 1 encryption algorithms, Phase 1 integrity algorithms, Phase 1 DH group numbers: {ike-names}. Its "
		"log says `No Proposal Match Found`",
		"Azure's default policy knows DHGroup2 alone. " AZURE_POLICY
		", IKE Phase 1 {ike-names}: {policy}. IKEDiagnosticLog says Policy Mismatch, 13868",
		"allow {ours} for IKE" },
	/* ------------------------------------------------ who is who */
	{ "psk", WEIGHT_DOWN, "peer", told_psk, "the pre-shared keys of the two ends differ",
		"put the peer's key into {key}, exactly, then `s2sctl reload`",
		"Pre-shared key in " AWS_OPTIONS
		" (each tunnel has its own: the keys may be swapped). Its log says `AWS tunnel detected a pre-shared key "
		"mismatch with cgw`",
		"the connection's Shared key (PSK). IKEDiagnosticLog says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL), Network "
		"Watcher: Authentication",
		"the key for {id}" },
	{ "psk-or-identity", WEIGHT_DOWN, "peer", told_psk_or_identity,
		"the peer refuses our authentication: the pre-shared key differs, or it does not know us as {id}",
		"compare {key} with the peer's key; set 'local-id' to what the peer expects of us (its idea of our "
		"address), then `s2sctl reload`",
		"Pre-shared key in " AWS_OPTIONS
		" (each tunnel has its own), and the customer gateway's IP address must be {id}. "
		"Its log says `AWS tunnel detected a pre-shared key mismatch with cgw` when it is the key",
		"the connection's Shared key (PSK), and Local network gateway > IP address must be {id}. IKEDiagnosticLog "
		"says 13801 (ERROR_IPSEC_IKE_AUTH_FAIL)",
		"the key for {id}, and that it expects this identity" },
	{ "identity", WEIGHT_DOWN, "peer", told_identity, "the peer calls itself {a}, and we expect {b}",
		"if that is the right peer: 'remote-id: {a}', then `s2sctl reload`",
		"AWS calls itself by the tunnel's Outside IP address: compare it with 'remote'",
		"Azure calls itself by the gateway's public IP address: compare it with 'remote'",
		"its own identity has to be {b}" },
	/* ------------------------------------------------ the child SA */
	{ "selectors", WEIGHT_DOWN, "peer", told_selectors, "the peer refuses our traffic selectors {a}",
		"make 'local-ts' and 'remote-ts' what the peer has, or leave both out: all networks then, and 'routes' decide",
		"Local IPv4 network CIDR is our side, Remote IPv4 network CIDR is AWS's: both 0.0.0.0/0 in Modify VPN "
		"connection options. Its log says TS_UNACCEPTABLE",
		"Use policy based traffic selector: Disable on the connection, and no custom traffic selectors",
		"selectors that hold {a}, seen from this end" },
	{ "esp-proposal", WEIGHT_DOWN, "peer", told_esp_proposal, "no common ESP proposal: IKE is agreed on, the child SA is not",
		"write what the peer takes into 'esp-proposals', now {ours}",
		"allow in " AWS_OPTIONS
		": Phase 2 encryption algorithms, Phase 2 integrity algorithms, Phase 2 DH group numbers: {esp-names}. "
		"Its log says `AWS tunnel Phase 2 was unable to establish while keeping Phase 1`",
		AZURE_POLICY ", IKE Phase 2 (IPsec) {esp-names}: {policy}", "allow {ours} for ESP" },
	{ "pfs", WEIGHT_TROUBLE, "peer", told_pfs, "PFS differs: the ends do not agree about the key exchange of a rekey",
		"'esp-proposals' with the peer's PFS group, or without a group when it has none, or both, one after the "
		"other; then `s2sctl rekey --check {name}` proves it",
		"Phase 2 DH group numbers: {pfs} in " AWS_OPTIONS ". AWS has no setting without PFS",
		"PFS Group: {pfs} in " AZURE_POLICY "; in the default policy Azure's own rekeys have none: {policy}",
		"PFS group {pfs} for ESP" },
	/* ------------------------------------------------ other refusals */
	{ "peer-deleted", WEIGHT_DOWN, "peer", told_deleted, "the peer has closed the tunnel",
		"nothing; {next}. When it happens again and again, the reason is in the peer's log",
		"the log of the tunnel; endpoint replacements and changed options close a tunnel",
		"TunnelDiagnosticLog has the reason in status and stateChangeReason; resets and changed policies close a tunnel",
		"see its log" },
	{ "kernel", WEIGHT_DOWN, "local", told_kernel, "this machine's kernel or cryptographic library refuses its part",
		"the evidence names what is missing; `s2sctl show algorithms` lists what is there, `dmesg` may know more", NULL,
		NULL, NULL },
	{ "refused", WEIGHT_DOWN, "peer", told_refused, "the peer refuses: {a}",
		"see the peer's log at that time; we go on trying", "see the tunnel's log", "see IKEDiagnosticLog",
		"see its log" },
	{ "connecting", WEIGHT_DOWN, "none", told_connecting, "still negotiating, nothing has failed yet",
		"ask again in some seconds", NULL, NULL, NULL },
	/* ------------------------------------------------ up, and yet */
	{ "interface", WEIGHT_TROUBLE, "local", seen_link, "the tunnel is up, its interface {interface} is not",
		"find who took it down (a network manager?); `ip link set {interface} up`, or `s2sctl down {name}` and "
		"`s2sctl up {name}`",
		NULL, NULL, NULL },
	{ "route-missing", WEIGHT_TROUBLE, "local", seen_route_refused, "the tunnel is up, and there is no route to {a}",
		"find who removed it (`ip monitor route`; a network manager may); `s2sctl down {name}` and `s2sctl up "
		"{name}` put it back",
		NULL, NULL, NULL },
	{ "route-elsewhere", WEIGHT_TROUBLE, "local", seen_route_elsewhere,
		"the tunnel is up, and traffic to {a} leaves through {b}, not through the tunnel",
		"another route is preferred: `ip route show table all` and `ip rule`; lower 'route-metric' (now {metric}) "
		"or remove the other one",
		NULL, NULL, NULL },
	{ "outbound-only", WEIGHT_TROUBLE, "network", seen_outbound_only, "one way only: traffic goes out and nothing comes back",
		"let ESP (IP protocol 50) from {peer} in, also at the provider, or use 'encapsulation: udp'; answers may "
		"also come through another tunnel",
		"routes to our networks: VPC route table > Route propagation, or static routes of the connection; security "
		"groups and network ACLs; AWS may answer through the other tunnel",
		"Local network gateway > Address space must hold our networks (or BGP); network security groups and route "
		"tables of the subnet; an active-active gateway may answer through the other instance",
		"ESP must reach us, and its routes to our networks must lead into the tunnel" },
	{ "inbound-only", WEIGHT_TROUBLE, "local", seen_inbound_only, "one way only: traffic comes in and none goes out",
		"the way back is not the tunnel, or a host behind us does not answer: `ip route get ADDRESS` for the sender "
		"must say dev {interface}; 'routes' must hold its network",
		NULL, NULL, NULL },
	{ "firewall-ike", WEIGHT_TROUBLE, "local", seen_firewall_ike,
		"this machine's own firewall is in the way of IKE or ESP: {a}",
		"accept UDP 500, UDP 4500 and ESP from and to {peer}: `nft insert rule inet filter input ip saddr {peer} accept`",
		NULL, NULL, NULL },
	{ "firewall", WEIGHT_TROUBLE, "local", seen_firewall_through,
		"this machine's own firewall is in the way of the tunnel's traffic: {a}",
		"accept what comes from and goes to {interface}: `nft insert rule inet filter forward oifname {interface} "
		"accept`, and iifname alike",
		NULL, NULL, NULL },
	{ "mtu", WEIGHT_TROUBLE, "network", seen_mtu,
		"large packets are at risk: the path to the peer is narrower than the tunnel's interface assumes",
		"'mtu: {a}' and 'mss: {b}', then `s2sctl reload`; until then ESP is fragmented on its way, and many devices "
		"drop fragments",
		"AWS does no path MTU discovery: the smaller MSS above is what helps",
		"Azure clamps to 1350..1360; the smaller MSS above is what helps", "the same MTU at its end" },
	{ "integrity", WEIGHT_TROUBLE, "network", seen_integrity,
		"packets are damaged on the way, or not the peer's: {a} failed their integrity check",
		"find the device that changes ESP packets (broken offloads: `ethtool -K DEVICE gro off`); `s2sctl rekey "
		"{name}` rules out keys that differ",
		NULL, NULL, NULL },
	{ "replay", WEIGHT_TROUBLE, "network", seen_replay,
		"packets come twice or far out of order: {a} were dropped by the replay check",
		"a larger 'replay-window' (now {window}) when the path reorders; a path that duplicates packets has to be mended",
		NULL, NULL, NULL },
	{ "collisions", WEIGHT_TROUBLE, "none", told_collisions,
		"both ends keep rekeying at the same moment: {a} collisions in ten minutes",
		"make one end rekey clearly earlier: leave 'esp-lifetime' and 'ike-lifetime' out for the profile's values, "
		"which are earlier than the cloud's",
		"Phase 1 and Phase 2 lifetime at their defaults (28800, 3600), Rekey margin time 270",
		"the policy's SA lifetime at its default, 27000 seconds and 102400000 KB", "longer lifetimes than ours" },
	{ "moving", WEIGHT_TROUBLE, "network", told_moving, "outside addresses keep changing: {a} times in ten minutes",
		"find out why the uplink changes its address or the NAT forgets its mappings", NULL, NULL, NULL },
	{ "rekey-failed", WEIGHT_TROUBLE, "peer", told_rekey_failed, "a rekey failed; the SA in use will run out",
		"`s2sctl rekey {name}` tries again and says why it fails", "see the tunnel's log", "see IKEDiagnosticLog",
		"see its log" },
	{ "forwarding", WEIGHT_SUSPICION, "local", seen_forwarding,
		"this machine passes nothing on between the tunnel and its networks",
		"`sysctl -w {a}=1` and a line in /etc/sysctl.d/, or 'forwarding: yes' under 's2sd:'", NULL, NULL, NULL },
	/* ------------------------------------------------ nothing is wrong */
	{ "up", WEIGHT_FINE, "none", told_up, "nothing is wrong that can be seen from here",
		"`s2sctl check` judges the settings, `s2sctl show {name}` tells everything", NULL, NULL, NULL },
	{ "pfs-unproven", WEIGHT_FINE, "none", told_pfs_unproven, "the first rekey is still to come",
		"`s2sctl rekey --check {name}` proves now that both ends agree about PFS, and harms nothing", NULL, NULL, NULL },
};

const struct rule *explain_rule(unsigned i) { return i < ARRAY_SIZE(rules) ? &rules[i] : NULL; }

void evidence(struct verdict *v, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < v->n_evidence; i++)
		if (strcmp(v->evidence[i], text) == 0)
			return;
	if (v->n_evidence < EVIDENCE_MAX)
		v->evidence[v->n_evidence++] = xstrdup(text);
}

static void verdict_release(struct verdict *v)
{
	for (unsigned i = 0; i < v->n_evidence; i++)
		free(v->evidence[i]);
	free(v->title);
	free(v->here);
	free(v->there);
	*v = (struct verdict){ 0 };
}

void verdicts_release(struct verdicts *v)
{
	for (unsigned i = 0; i < v->n; i++)
		verdict_release(&v->v[i]);
	v->n = 0;
}

static const char *words_there(const struct sight *s, const struct rule *r)
{
	switch (cloud_of(s)) {
	case CLOUD_AWS: return r->aws;
	case CLOUD_AZURE: return r->azure;
	case CLOUD_NONE: return r->peer;
	}
	return NULL;
}

/* A verdict that one of a kind already explains is left out: the more special row stands higher up. */
static bool covered(const struct verdicts *out, const char *code)
{
	static const struct {
		const char *special, *general;
	} rows[] = { { "weak-group", "ike-proposal" }, { "psk", "psk-or-identity" }, { "address-changed", "no-answer" },
		{ "address-changed", "no-answer-auth" }, { "address-changed", "psk-or-identity" }, { "dead-peer", "no-answer" },
		{ "dead-peer", "no-answer-auth" }, { "firewall-ike", "outbound-only" }, { "route-missing", "inbound-only" },
		{ "route-elsewhere", "inbound-only" }, { "kernel", "refused" }, { "esp-proposal", "pfs" },
		{ "pfs", "pfs-unproven" }, { "pfs", "rekey-failed" } };
	/* What nobody wants up needs no other reason. */
	if (out->n > 0 && strcmp(out->v[0].rule->code, "stopped") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned k = 0; k < out->n && strcmp(rows[i].general, code) == 0; k++)
			if (strcmp(out->v[k].rule->code, rows[i].special) == 0)
				return true;
	return false;
}

static void judge_one(const struct sight *s, const struct rule *r, struct verdicts *out)
{
	struct verdict *v = &out->v[out->n];
	if (out->n == VERDICTS_MAX || covered(out, r->code))
		return;
	*v = (struct verdict){ .rule = r };
	if (!r->holds(s, v)) {
		verdict_release(v);
		return;
	}
	if (v->blame[0] == 0)
		memcpy(v->blame, r->blame, strlen(r->blame) + 1);
	v->title = explain_fill(s, v, r->title);
	v->here = explain_fill(s, v, r->here);
	const char *there = words_there(s, r);
	v->there = there != NULL ? explain_fill(s, v, there) : NULL;
	out->n++;
}

/* A tunnel is up, or something keeps it from that: a row must hold. Here none did. */
static const struct rule unknown = { "unknown", WEIGHT_DOWN, "none", NULL, "it is not up, and nothing was told that explains it",
	"`s2sctl events {name}`, and the daemon's log with -v", "see the tunnel's log", "see IKEDiagnosticLog", "see its log" };

void explain_judge(const struct sight *s, struct verdicts *out)
{
	out->n = 0;
	for (int w = WEIGHT_DOWN; w <= WEIGHT_FINE; w++)
		for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
			if ((int)rules[i].weight == w && (w != WEIGHT_FINE || out->n == 0 || strcmp(rules[i].code, "up") != 0))
				judge_one(s, &rules[i], out);
	if (out->n > 0)
		return;
	struct verdict *v = &out->v[out->n++];
	*v = (struct verdict){ .rule = &unknown,
		.blame = "none",
		.title = explain_fill(s, v, unknown.title),
		.here = explain_fill(s, v, unknown.here) };
}
