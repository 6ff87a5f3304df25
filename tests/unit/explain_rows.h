/*
 * explain_rows.h - the table of test_explain: what is known of a tunnel, the verdict that follows from it, and words that must stand in it. Each verdict has
 * a row, most clouds' words have one.
 */
#ifndef EXPLAIN_ROWS_H
#define EXPLAIN_ROWS_H

#include <stdio.h>
#include <stdlib.h>

#include "ctl/explain/explain.h"
#include "nft_json.h"

#define NOW 1795255200 /* 2026-11-21T10:00:00Z */
#define AT "\"tunnel\":\"t\",\"at\":\"2026-11-21T09:59:00Z\""

struct row {
	const char *code, *cloud, *start, *state, *more; /* more members of the tunnel */
	const char *events;
	void (*machine)(struct host_network *w);
	const char *blame, *title, *here, *there; /* that must stand in the words; NULL = there must be none / not looked at */
	const char *evidence;                     /* in one of them */
};

static void no_link(struct host_network *w) { w->link = w->link_up = false; }
static void route_gone(struct host_network *w) { w->routes[0].end = ROUTE_REFUSED; }
static void route_other(struct host_network *w) { snprintf(w->routes[0].device, sizeof w->routes[0].device, "eth0"); }
static void not_forwarding(struct host_network *w) { w->forward4 = 0; }
static void narrow(struct host_network *w) { w->path_mtu = 1300; }
static void private_side(struct host_network *w) { addr_parse(&w->from, "192.168.1.7"); }
static void no_forward(struct host_network *w) { w->rules = parse(NFT(CHAIN("forward", "drop"))); }
static void masquerades(struct host_network *w)
{
	w->rules = parse(NFT(
		NAT "," RULE("post", MATCH(META("oifname"), "{\"set\":[\"eth0\",\"s2s*\"]}") ",{\"masquerade\":null}") "," RULE(
			"post", "{\"masquerade\":null}")));
}
static void excepted(struct host_network *w)
{
	w->rules = parse(NFT(NAT "," RULE("post", MATCH(META("oifname"), "\"s2s-t\"") ",{\"accept\":null}") "," RULE(
		"post", "{\"masquerade\":null}")));
}
static void translates(struct host_network *w)
{
	w->rules = parse(NFT(NAT "," RULE("post", "{\"snat\":{\"addr\":\"192.0.2.1\"}}")));
}
static void at_eth0(struct host_network *w, const char *rules, const char *masquerade)
{
	w->rules = parse(rules);
	snprintf(w->uplink, sizeof w->uplink, "eth0");
	if (masquerade != NULL)
		addr_parse(&w->masquerade, masquerade);
}
#define AT_ETH0(change) NFT(NAT "," RULE("post", MATCH(META("oifname"), "\"eth0\"") "," change))
#define PRE_NAT(hook) \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"post\",\"handle\":2,\"type\":\"nat\",\"hook\":\"" hook \
	"\",\"prio\":-100}}"
#define TO_US NFT(PRE_NAT("prerouting") "," RULE("post", MATCH(DPORT("udp"), "500") ",{\"dnat\":{\"addr\":\"198.51.100.7\"}}"))
#define TO_PEER NFT(PRE_NAT("output") "," RULE("post", MATCH(DPORT("udp"), "500") ",{\"dnat\":{\"addr\":\"203.0.113.10\"}}"))
static void hides_us(struct host_network *w) { at_eth0(w, AT_ETH0("{\"masquerade\":null}"), "198.51.100.1"); }
static void hides_nothing(struct host_network *w) { at_eth0(w, AT_ETH0("{\"masquerade\":null}"), NULL); }
static void renames_us(struct host_network *w) { at_eth0(w, AT_ETH0("{\"snat\":{\"addr\":\"192.0.2.1\"}}"), NULL); }
static void names_us(struct host_network *w) { at_eth0(w, AT_ETH0("{\"snat\":{\"addr\":\"198.51.100.7\"}}"), NULL); }
static void untracked(struct host_network *w) { at_eth0(w, AT_ETH0("{\"notrack\":null}"), NULL); }
static void to_us(struct host_network *w) { at_eth0(w, TO_US, NULL); }
static void to_peer(struct host_network *w) { at_eth0(w, TO_PEER, NULL); }
static void takes_500(struct host_network *w)
{
	at_eth0(w, NFT(PRE_NAT("prerouting") "," RULE("post", MATCH(DPORT("udp"), "500") ",{\"redirect\":{\"port\":5500}}")),
		NULL);
}
static void marked(struct host_network *w)
{
	w->rules = parse(NFT(CHAIN("forward", "drop") "," RULE("forward", MATCH(META("mark"), "7") ",{\"accept\":null}")));
}

/* The walk of the row's tunnel, as far as a row needs one. */
static struct way walked;
static struct way_leg *one_leg(enum way_leg_kind kind, const char *in, const char *out)
{
	walked = (struct way){ .n = 1, .legs = calloc(1, sizeof *walked.legs) };
	walked.legs->kind = kind;
	snprintf(walked.legs->in, sizeof walked.legs->in, "%s", in);
	snprintf(walked.legs->out, sizeof walked.legs->out, "%s", out);
	addr_parse(&walked.legs->from, kind == LEG_BACK ? "10.20.0.1" : "10.1.0.10");
	addr_parse(&walked.legs->to, kind == LEG_BACK ? "10.1.0.10" : "10.20.0.1");
	return walked.legs;
}
static void wrong_uplink(struct host_network *w)
{
	addr_parse(&w->from, "192.0.2.77");
	walked = (struct way){ .uplink = { .wrong = true, .local = w->from, .has = "out2", .takes = "out", .table = 103 } };
	addr_parse(&walked.uplink.router, "192.0.2.1");
}
static void policy_of_others(struct host_network *w)
{
	(void)w;
	way_add(one_leg(LEG_INTO, "lan", "s2s-t"), PART_POLICY, WAY_POLICY, "src 10.0.0.0/8 dst 10.0.0.0/8 dir out",
		"the XFRM policy blocks it");
}
static void reverse_path(struct host_network *w)
{
	(void)w;
	way_add(one_leg(LEG_INTO, "lan", ""), PART_REVERSE, WAY_REVERSE_PATH, "lan", "rp_filter is 1");
}
static void same_network(struct host_network *w)
{
	(void)w;
	walked = (struct way){ .n_overlaps = 1, .overlaps = { { .device = "lan2" } } };
	prefix_parse(&walked.overlaps[0].route, "10.20.0.0/24");
	prefix_parse(&walked.overlaps[0].own, "10.20.0.1/24");
}
static void router_gone(struct host_network *w)
{
	(void)w;
	way_add(one_leg(LEG_OUTSIDE, "", "eth0"), PART_NEIGHBOUR, WAY_NEIGHBOUR, "198.51.100.1",
		"the router 198.51.100.1 does not answer ARP on eth0");
}
static void no_ike(struct host_network *w)
{
	w->rules = parse(NFT(CHAIN("output", "accept") "," RULE("output", MATCH(DPORT("udp"), "500") ",{\"drop\":null}")));
}

#define ERR(code, blame, text, more) \
	"\"last_error\":{" AT ",\"code\":\"" code "\",\"blame\":\"" blame "\",\"text\":\"" text "\"" more "}"
#define EVENT(code, text, more) "{" AT ",\"code\":\"" code "\",\"blame\":\"peer\",\"text\":\"" text "\"" more "}"
/* Of the last minute. */
#define TRAFFIC(in, out, replay, integrity, more) \
	"\"children\":[{\"proposal\":\"aes256-sha256-modp2048\"}],\"since\":\"2026-11-21T09:00:00Z\",\"rekeys\":1," \
	"\"recent\":{\"in_60s\":" #in ",\"out_60s\":" #out ",\"replay_errors_60s\":" #replay \
	",\"integrity_errors_60s\":" #integrity ",\"in_10s\":1,\"out_10s\":2,\"every_ms\":5000" more "}"
#define CHILD(in, out, replay, integrity) TRAFFIC(in, out, replay, integrity, "")
#define ALONE(way, n, ms, want, elsewhere) \
	",\"" way "_alone\":{\"packets\":" #n ",\"for_ms\":" #ms ",\"want_answers\":" #want ",\"elsewhere\":" #elsewhere "}"
#define IKE_ITEMS(theirs) ",\"protocol\":\"ike\",\"ours\":\"aes256-sha256-modp2048\",\"theirs\":" theirs
#define AZURE_OFFER "\"aes256-sha1-modp1024, aes256-sha256-modp1024\""
#define OFTEN(e) e "," e "," e
#define DIFFERS(text) ",\"kernel\":{\"as_wanted\":false,\"differs\":\"" text "\"}"
#define REPAIRED(subject, by) EVENT("kernel-repaired", "removed and put back", ",\"subject\":\"" subject "\",\"by\":\"" by "\"")
#define AGAIN(subject, by) OFTEN(REPAIRED(subject, by)) "," REPAIRED("address", "ip")

static const struct row rows[] = {
	{ "stopped", "aws", "initiate", "down", "\"stopped\":true", "", NULL, "operator", "stopped", "s2sctl up t", NULL, NULL },
	{ "idle", "aws", "respond", "down", "\"x\":0", "", NULL, "none", "waits for the peer", "start: initiate",
		"Startup action: Start", "'start: respond'" },
	{ "idle", "azure", "manual", "down", "\"x\":0", "", NULL, "none", "waits for `s2sctl up`", "s2sctl up t",
		"Connection mode", NULL },
	{ "unresolved", "none", "initiate", "connecting", ERR("resolve-failed", "network", "x.invalid is not resolved", ""), "",
		NULL, "network", "has no address for", "getent ahosts 203.0.113.10", NULL, "x.invalid" },
	{ "no-route", "aws", "initiate", "connecting", ERR("no-route", "network", "no route", ""), "", NULL, "network",
		"no route to the peer 203.0.113.10", "ip route get 203.0.113.10", NULL, NULL },
	{ "address-changed", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""),
		EVENT("address-changed", "the path has moved", ",\"was\":\"198.51.100.7\",\"now\":\"198.51.100.9\""), NULL,
		"network", "outside address has changed", "198.51.100.7", "create one with 198.51.100.7", "has moved" },
	{ "dead-peer", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\"") ",\"last_heard\":\"2026-11-21T09:58:00Z\"",
		EVENT("up", "up", "") "," EVENT("peer-dead", "peer does not answer since 30s", ""), NULL, "peer",
		"has stopped answering", "we try until it answers", "AWS tunnel DPD timed out",
		"last heard from at 2026-11-21T09:58:00Z, 2m00s ago" },
	{ "source-route", "aws", "initiate", "connecting", "\"x\":0", "", wrong_uplink, "local",
		"192.0.2.77 is on out2, but the way to the peer leaves through out",
		"`ip route add default via 192.0.2.1 dev out2 table 103` and `ip rule add from 192.0.2.77 lookup 103`",
		"customer gateway's IP address must be 192.0.2.77", "dev out" },
	/* These are why the peer is taken for dead. */
	{ "source-route", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\"") ",\"last_heard\":\"2026-11-21T09:58:00Z\"",
		EVENT("up", "up", "") "," EVENT("peer-dead", "peer does not answer since 30s", ""), wrong_uplink, "local",
		"192.0.2.77 is on out2", "table 103", "192.0.2.77", NULL },
	{ "neighbour", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\"") ",\"last_heard\":\"2026-11-21T09:58:00Z\"",
		EVENT("up", "up", "") "," EVENT("peer-dead", "peer does not answer since 30s", ""), router_gone, "network",
		"the uplink's router is not reached", "", NULL, NULL },
	{ "neighbour", "aws", "initiate", "connecting", "\"x\":0", "", router_gone, "network",
		"router is not reached: 198.51.100.1", "ip neigh show 198.51.100.1 dev eth0", NULL, "does not answer ARP" },
	{ "neighbour", "aws", "initiate", "up", CHILD(5, 5, 0, 0), "", router_gone, "network", "nobody answers at 198.51.100.1",
		"arping -I eth0 198.51.100.1", NULL, "does not answer ARP" },
	{ "foreign-policy", "aws", "initiate", "up", CHILD(0, 5, 0, 0), "", policy_of_others, "local", "takes or blocks",
		"`ip xfrm policy delete src 10.0.0.0/8 dst 10.0.0.0/8 dir out`", NULL, "blocks it" },
	{ "reverse-path", "aws", "initiate", "up", CHILD(0, 5, 0, 0), "", reverse_path, "local",
		"packets from 10.1.0.10 that arrive on lan", "net.ipv4.conf.lan.rp_filter=2", NULL, "rp_filter is 1" },
	{ "own-address", "aws", "initiate", "up", CHILD(0, 5, 0, 0), "", same_network, "local", "both ends have 10.20.0.0/24",
		"NAT", NULL, "lan2 has 10.20.0.1/24" },
	{ "no-answer", "aws", "initiate", "connecting", ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""), "",
		NULL, "network", "no answer at all: 203.0.113.10", "UDP 500, UDP 4500 and ESP",
		"customer gateway's IP address ours as the internet sees it, 198.51.100.7", "nothing was ever received" },
	{ "no-answer", "azure", "initiate", "connecting", ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""),
		"", private_side, "network", "no answer at all", "tcpdump", "Local network gateway", "there is a NAT" },
	{ "no-answer-auth", "azure", "initiate", "connecting", ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_AUTH\""),
		"", NULL, "network", "IKE_AUTH gets no answer", "UDP 4500", "IKEDiagnosticLog", NULL },
	{ "fragments-lost", "none", "initiate", "connecting",
		ERR("no-answer", "network", "no answer",
			",\"ours\":\"IKE_AUTH\",\"now\":\"3142 octets in 3 packets of up to 1280\""),
		"", narrow, "network", "larger than one packet (3142 octets in 3 packets of up to 1280)",
		"'fragment-size' (now auto)", "RFC 7383", "no answer" },
	{ "fragments-lost", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer",
			",\"ours\":\"IKE_AUTH\",\"now\":\"2000 octets in 2 packets of up to 1280\""),
		"", narrow, "network", "thinks (an MTU of 1300)", "UDP 4500 and fragments", "un-established", NULL },
	{ "no-answer-auth", "none", "initiate", "connecting",
		ERR("no-answer", "network", "no answer",
			",\"ours\":\"IKE_AUTH\",\"now\":\"3142 octets in 3 packets of up to 1280\""),
		"", NULL, "network", "IKE_AUTH gets no answer", "UDP 4500", "log", NULL },
	{ "weak-group", "azure", "initiate", "connecting",
		ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null") ",\"notify\":\"NO_PROPOSAL_CHOSEN\""),
		EVENT("no-proposal", "the peer offers weak ones", IKE_ITEMS(AZURE_OFFER)), NULL, "peer",
		"only weak Diffie-Hellman groups (modp1024)", "'allow-weak: modp1024'", "--dh-group DHGroup14",
		"offers weak ones" },
	{ "ike-proposal", "azure", "initiate", "connecting",
		ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null")), "", NULL, "peer", "accepts none of ours",
		"s2sctl probe 203.0.113.10", "AES256, SHA256, DHGroup14: az network vpn-connection ipsec-policy add",
		"Azure's default policy does not accept that" },
	{ "ike-proposal", "aws", "initiate", "connecting",
		ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null")), "", NULL, "peer", "accepts none of ours",
		"accepts (now aes256-sha256-modp2048)", "Phase 1 DH group numbers: AES256, SHA2-256, 14",
		"so the peer has other settings" },
	{ "ike-proposal", "none", "initiate", "connecting",
		ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null")), "", NULL, "peer", "accepts none of ours",
		"s2sctl probe", "allow aes256-sha256-modp2048", "does not say" },
	{ "psk", "aws", "initiate", "connecting", ERR("auth-failed", "peer", "the peer's AUTH is wrong", ""), "", NULL, "peer",
		"pre-shared keys of the two ends differ", "keys/t.psk", "each tunnel has its own", "AUTH is wrong" },
	{ "psk", "azure", "initiate", "connecting",
		ERR("auth-failed", "peer", "refused", ",\"notify\":\"AUTHENTICATION_FAILED\""),
		EVENT("auth-failed", "the peer's AUTH is wrong", ""), NULL, "peer", "pre-shared keys", "s2sctl reload", "13801",
		"AUTH is wrong" },
	{ "psk-or-identity", "aws", "initiate", "connecting",
		ERR("auth-failed", "peer", "refused", ",\"notify\":\"AUTHENTICATION_FAILED\",\"ours\":\"198.51.100.7\""), "",
		NULL, "peer", "does not know us as 198.51.100.7", "'local-id'",
		"AWS tunnel detected a pre-shared key mismatch with cgw", NULL },
	{ "identity", "none", "initiate", "connecting",
		ERR("id-refused", "peer", "calls itself", ",\"ours\":\"203.0.113.10\",\"theirs\":\"fqdn:x.example\""), "", NULL,
		"peer", "identifies itself as fqdn:x.example, but we expect 203.0.113.10", "'remote-id: fqdn:x.example'",
		"has to be 203.0.113.10", NULL },
	{ "certificate", "none", "initiate", "connecting",
		ERR("certificate-refused", "peer", "the peer's certificate is refused",
			",\"ours\":\"expired\",\"theirs\":\"O=Example, CN=gw\""),
		"", NULL, "peer", "refused (expired): O=Example, CN=gw", "s2sctl certificate check", NULL, NULL },
	{ "certificate", "none", "initiate", "connecting",
		ERR("certificate-refused", "peer", "the certificate is revoked", ",\"ours\":\"revoked\",\"theirs\":\"CN=gw\""),
		"", NULL, "peer", "refused (revoked): CN=gw", "compare 'ca', 'remote-id', 'crl' and 'cert-pin'", NULL, NULL },
	{ "certificate", "none", "initiate", "connecting",
		ERR("certificate-refused", "peer", "the peer's signature is wrong",
			",\"ours\":\"auth-bad\",\"theirs\":\"CN=gw\""),
		"", NULL, "peer", "refused (auth-bad): CN=gw", "its private key is not that of its certificate", NULL,
		"signature is wrong" },
	{ "other-ca", "none", "initiate", "connecting",
		ERR("other-ca-wanted", "peer", "the peer refused our authentication",
			",\"ours\":\"O=Lab, CN=root\",\"theirs\":\"O=Lab, CN=other\""),
		"", NULL, "peer", "wants one of another CA: O=Lab, CN=other; ours is of O=Lab, CN=root", "certificate request",
		"trust O=Lab, CN=root", "refused our authentication" },
	{ "other-ca", "azure", "initiate", "connecting",
		ERR("other-ca-wanted", "peer", "refused", ",\"ours\":\"CN=root\",\"theirs\":\"CN=other\""), "", NULL, "peer",
		"another CA: CN=other", "sha1sum", "inbound certificate chain must hold CN=root", NULL },
	{ "our-certificate", "none", "initiate", "connecting",
		ERR("our-certificate-refused", "peer", "the peer refused our authentication", ",\"ours\":\"O=Lab, CN=gw\""), "",
		NULL, "peer", "refuses our certificate, or does not know us as O=Lab, CN=gw", "s2sctl certificate check t",
		"expect O=Lab, CN=gw", "refused" },
	{ "our-certificate", "azure", "initiate", "connecting",
		ERR("our-certificate-refused", "peer", "refused", ",\"ours\":\"CN=gw\""), "", NULL, "peer", "know us as CN=gw",
		"local-id", "inbound certificate subject name", NULL },
	{ "our-certificate", "aws", "initiate", "connecting",
		ERR("our-certificate-refused", "peer", "refused", ",\"ours\":\"CN=gw\",\"theirs\":\"CN=root\""), "", NULL, "peer",
		"know us as CN=gw", "local-id", "certificate ARN", "it asks for a certificate of CN=root" },
	{ "signature-method", "none", "initiate", "connecting", ERR("no-signature-method", "peer", "AUTH cannot be signed", ""),
		"", NULL, "peer", "no signature method in common", "sha1-auth", NULL, "cannot be signed" },
	{ "private-key", "none", "initiate", "connecting",
		ERR("signing-failed", "local", "AUTH could not be signed", ",\"ours\":\"no answer within 20 s\""), "", NULL,
		"local", "the private key of our certificate cannot sign: no answer within 20 s", "s2sd-token", NULL,
		"could not be signed" },
	{ "selectors", "aws", "initiate", "connecting",
		ERR("ts-refused", "peer", "refused", ",\"ours\":\"10.1.0.0/24 === 10.20.0.0/24\""),
		EVENT("ts-refused", "theirs", ",\"ours\":\"a\",\"theirs\":\"10.1.0.0/24 === 10.99.0.0/24\""), NULL, "peer",
		"traffic selectors 10.1.0.0/24 === 10.20.0.0/24", "omit both", "Local IPv4 network CIDR", "theirs" },
	{ "selectors-many", "none", "initiate", "connecting",
		ERR("ts-limit", "local", "more than 256 pairs", ",\"subject\":\"policy\",\"now\":\"256 pairs\""), "", NULL,
		"local", "more than a tunnel of ours can have (256 pairs)", "wider prefixes", NULL, NULL },
	{ "esp-proposal", "aws", "initiate", "connecting",
		ERR("no-proposal", "peer", "no ESP", ",\"protocol\":\"esp\",\"ours\":\"aes256-sha256-modp2048\""), "", NULL,
		"peer", "no common ESP proposal", "accepts (now aes256-sha256-modp2048)",
		"Phase 2 DH group numbers: AES256, SHA2-256, 14", NULL },
	{ "pfs", "azure", "initiate", "up",
		ERR("pfs-mismatch", "peer", "none of ours for the rekey",
			",\"protocol\":\"esp\",\"ours\":\"aes256-sha256-modp2048\"") "," CHILD(9, 9, 0, 0),
		"", NULL, "peer", "PFS differs", "s2sctl rekey --check t", "PFS Group: PFS2048", "shows only at a rekey" },
	{ "pfs", "aws", "initiate", "up", CHILD(9, 9, 0, 0),
		EVENT("pfs-mismatch", "offer fits none",
			",\"protocol\":\"esp\",\"ours\":\"aes256-sha256-modp2048\",\"theirs\":\"aes256-sha256\""),
		NULL, "peer", "PFS differs", "to no group if it has none", "Phase 2 DH group numbers: 14", "offer fits none" },
	{ "peer-deleted", "azure", "initiate", "connecting",
		ERR("peer-deleted", "peer", "the peer closed the IKE SA (DELETE)", ""), "", NULL, "peer", "has closed the tunnel",
		"we try until it answers", "TunnelDiagnosticLog", "0 times" },
	{ "peer-deleted", "none", "respond", "down", ERR("peer-deleted", "peer", "the peer closed the IKE SA (DELETE)", ""), "",
		NULL, "peer", "has closed the tunnel", "the peer has to initiate", "log", "0 times" },
	{ "kernel", "aws", "initiate", "connecting", ERR("kernel-failed", "local", "the kernel refused", ""),
		EVENT("kernel-failed", "s2s-t exists and is not ours", ",\"subject\":\"interface\"") "," EVENT(
			"kernel-failed", "the kernel refused", ""),
		NULL, "peer", "kernel or cryptographic library", "dmesg", NULL, "exists and is not ours" },
	{ "kernel", "none", "initiate", "up", CHILD(9, 9, 0, 0),
		"{" AT ",\"code\":\"kernel-failed\",\"blame\":\"local\",\"text\":\"interface s2s-t cannot be made\"}", NULL,
		"local", "kernel or cryptographic library", "the evidence names", NULL, "cannot be made" },
	{ "refused", "aws", "initiate", "connecting", ERR("peer-refused", "peer", "refused", ",\"notify\":\"TEMPORARY_FAILURE\""),
		"", NULL, "peer", "TEMPORARY_FAILURE", "log", "log", NULL },
	{ "connecting", "aws", "initiate", "connecting", "\"unanswered\":2", "", NULL, "none", "still negotiating",
		"a few seconds", NULL, "sent 2 times" },
	{ "kernel-differs", "aws", "initiate", "up", CHILD(9, 9, 0, 0) DIFFERS("route 10.20.0.0/24 is missing: File exists"), "",
		NULL, "local", "interferes with what the tunnel needs in the kernel: route 10.20.0.0/24 is missing: File exists",
		"remove what is in the way", NULL, "cannot be put back: route 10.20.0.0/24" },
	{ "kernel-differs", "aws", "initiate", "up", CHILD(9, 9, 0, 0), AGAIN("route", "systemd-network (pid 7)"), NULL, "local",
		"route is removed or changed again and again, by systemd-network (pid 7)", "restart systemd-networkd", NULL,
		"removed and put back" },
	{ "kernel-differs", "azure", "initiate", "up", CHILD(9, 9, 0, 0), AGAIN("sa", ""), NULL, "local",
		"sa is removed or changed again and again", "stop that program", NULL, NULL },
	{ "narrowed", "none", "initiate", "up", CHILD(9, 9, 0, 0) ",\"uncovered\":\"10.20.1.0/24\"", "", NULL, "peer",
		"do not cover 10.20.1.0/24", "add it to the selectors of both ends", NULL, NULL },
	{ "interface", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", no_link, "local", "its interface s2s-t is not",
		"s2sctl events t", NULL, "no interface s2s-t" },
	{ "route-missing", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", route_gone, "local", "no route to 10.20.0.0/24",
		"ip monitor route", NULL, "no route to 10.20.0.1" },
	{ "route-elsewhere", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", route_other, "local", "leaves through eth0",
		"now 100", NULL, "through eth0, not through s2s-t" },
	{ "outbound-only", "azure", "initiate", "up", TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, true, false)), "", NULL,
		"network", "nothing comes back", "ESP (IP protocol 50) from 203.0.113.10", "Address space",
		"for 9s 9 packets went out and none came in" },
	{ "outbound-only", "aws", "initiate", "up", TRAFFIC(5, 9, 0, 0, ALONE("out", 4, 9000, true, false)), "", NULL, "network",
		"nothing comes back", "ESP", "Route propagation", "in the last minute 9 out, 5 in" },
	{ "inbound-only", "aws", "initiate", "up", TRAFFIC(9, 0, 0, 0, ALONE("in", 9, 9000, true, false)), "", NULL, "local",
		"none goes out", "dev s2s-t", NULL, "9 packets came in" },
	{ "firewall-ike", "aws", "initiate", "connecting", ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""),
		"", no_ike, "local", "rule with handle 7 of chain inet filter output", "203.0.113.10 accept", NULL,
		"our IKE on UDP 500" },
	{ "firewall", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", no_forward, "local",
		"policy drop of chain inet filter forward", "`nft insert rule inet filter forward oifname s2s-t accept`", NULL,
		"what goes into the tunnel: dropped by the policy drop" },
	{ "rewritten", "aws", "initiate", "up", CHILD(0, 9, 0, 0), "", masquerades, "local",
		"changes the source address of what goes into the tunnel: rule with handle 7 of chain inet filter post",
		"`nft insert rule inet filter post handle 7 oifname s2s-t accept`", NULL, "source address changed (masquerade)" },
	{ "rewritten", "azure", "initiate", "up", CHILD(9, 9, 0, 0), "", translates, "local", "changes the source address",
		"oifname s2s-t accept", NULL, "source address changed (snat)" },
	{ "rewritten-ike", "aws", "initiate", "connecting", ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""),
		"", hides_us, "local",
		"changes the source address of its own IKE or ESP: rule with handle 7 of chain inet filter post",
		"`nft insert rule inet filter post handle 7 ip daddr 203.0.113.10 accept`", NULL,
		"masquerading on eth0 makes it 198.51.100.1" },
	{ "rewritten-ike", "azure", "initiate", "up", CHILD(0, 9, 0, 0), "", renames_us, "local", "changes the source address",
		"conntrack -D", NULL, "our ESP: source address changed (snat)" },
	{ "rewritten-ike", "none", "respond", "down", "\"unanswered\":0", "", takes_500, "local",
		"changes the destination address", "handle 7 ip saddr 203.0.113.10 accept", NULL,
		"the peer's IKE on UDP 500: sent to this machine itself" },
	{ "up", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", renames_us, "none", "nothing is wrong", "s2sctl check", NULL,
		NULL },
	{ "up", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", excepted, "none", "nothing is wrong", "s2sctl check", NULL,
		NULL },
	{ "outbound-only", "aws", "initiate", "up", TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, true, false)), "", excepted,
		"network", "no return traffic", "allow ESP", "VPC", NULL },
	{ "up", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", marked, "none", "nothing is wrong", "s2sctl check", NULL, NULL },
	{ "firewall-maybe", "azure", "initiate", "up", CHILD(9, 0, 0, 0), "", marked, "local", "may stop or change",
		"`nft insert rule inet filter forward oifname s2s-t accept`", NULL, "perhaps dropped by the policy drop" },
	{ "mtu", "azure", "initiate", "up", CHILD(9, 9, 0, 0), "", narrow, "network", "large packets may be lost",
		"'mtu: 1230' and 'mss: 1190'", "Azure clamps", "packets of 1300, which leaves 1230" },
	{ "integrity", "aws", "initiate", "up", CHILD(9, 9, 0, 4), "", NULL, "network", "4 failed their integrity check",
		"ethtool", NULL, "9 were good" },
	{ "replay", "aws", "initiate", "up", CHILD(9, 9, 5, 0), "", NULL, "network", "5 were dropped", "now 1024", NULL,
		"arrived twice" },
	{ "collisions", "aws", "initiate", "up", CHILD(9, 9, 0, 0), OFTEN(EVENT("collision", "both ends rekeyed", "")), NULL,
		"none", "3 collisions", "'esp-lifetime'", "Rekey margin time 270", "both ends rekeyed" },
	{ "address-flapping", "aws", "initiate", "up", CHILD(9, 9, 0, 0), OFTEN(EVENT("nat-changed", "moved", "")), NULL, "peer",
		"3 times", "uplink", NULL, "moved" },
	{ "rekey-failed", "aws", "initiate", "up", ERR("rekey-failed", "peer", "refused the rekey", "") "," CHILD(9, 9, 0, 0), "",
		NULL, "peer", "a rekey failed", "s2sctl rekey t", "log", "refused the rekey" },
	{ "forwarding", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", not_forwarding, "local", "does not forward packets",
		"sysctl -w net.ipv4.ip_forward=1", NULL, "is 0" },
	{ "up", "aws", "initiate", "up", CHILD(9, 9, 0, 0), "", NULL, "none", "nothing is wrong", "s2sctl check", NULL,
		"9 packets in and 9 out in the last minute, 1 and 2 of them in the last 10 s; counted every 5s" },
	{ "one-way", "aws", "initiate", "up", TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, false, false)), "", NULL, "none",
		"one way only, out", "tcpdump -ni s2s-t", NULL, "9 packets went out and none came in" },
	{ "pfs-unproven", "aws", "initiate", "up", "\"since\":\"2026-11-21T09:00:00Z\"", "", NULL, "none",
		"first rekey is still to come", "s2sctl rekey --check t", NULL, "no child SA has been rekeyed" },
	{ "unknown", "aws", "initiate", "connecting", ERR("never-heard-of", "peer", "?", ""), "", NULL, "none",
		"has reported nothing", "s2sctl events t", "see the tunnel's log", NULL },
};
#define ROWS (sizeof rows / sizeof *rows)

#endif
