/*
 * rules.c - THE table of verdicts: how bad each is, when it holds, and the words; what to do at the other end is in its
 * provider's row (cloud/cloud.h). What stands in {} is filled in by fill.c. Of several rows that hold the heaviest
 * comes first, then the one that stands higher up here.
 */
#include <stdlib.h>

#include "base/util.h"
#include "rules.h"

#define NEIGHBOUR_HERE \
	"check that {a} runs, is on the network of {b}, and that netmask and VLAN fit: `ip neigh show {a} dev {b}`, `arping -I {b} {a}`"

static const struct rule rules[] = {
	/* ------------------------------------------------ nobody tries */
	{ VERDICT_STOPPED, WEIGHT_DOWN, BLAME_OPERATOR, verdict_stopped, "stopped by the operator",
		"start it again: `s2sctl up {name}`" },
	{ VERDICT_IDLE, WEIGHT_DOWN, BLAME_NONE, verdict_idle, "neither end initiates: {a}",
		"'start: initiate' makes this end initiate; `s2sctl up {name}` does it once" },
	/* ------------------------------------------------ nobody answers */
	{ VERDICT_UNRESOLVED, WEIGHT_DOWN, BLAME_NETWORK, verdict_unresolved, "the name resolver has no address for {remote}",
		"check 'remote' and the name servers: `getent ahosts {remote}`" },
	{ VERDICT_NO_ROUTE, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_route, "this machine has no route to the peer {remote}",
		"check the uplink and the default route: `ip route get {peer}`" },
	{ VERDICT_ADDRESS_CHANGED, WEIGHT_DOWN, BLAME_NETWORK, verdict_address_changed,
		"our outside address has changed, and the peer does not accept the new one",
		"use a fixed outside address; 'local-id: {old}' keeps the identity that the peer knows" },
	{ VERDICT_NEIGHBOUR, WEIGHT_DOWN, BLAME_NETWORK, verdict_neighbour_outside,
		"the uplink's router is not reached: {a} on {b}", NEIGHBOUR_HERE },
	{ VERDICT_SOURCE_ROUTE, WEIGHT_DOWN, BLAME_LOCAL, verdict_source_route,
		"our packets leave by the wrong uplink: the tunnel's address {a}", "{b}" },
	{ VERDICT_DEAD_PEER, WEIGHT_DOWN, BLAME_PEER, verdict_dead_peer,
		"the peer {remote} has stopped answering: its liveness checks (DPD) timed out",
		"nothing: {next}. If that does not help, check that UDP 500, UDP 4500 and ESP still get through" },
	{ VERDICT_REVERSE_PATH, WEIGHT_DOWN, BLAME_LOCAL, verdict_reverse_path_outside,
		"this machine drops what the peer answers, for its way back is another (rp_filter): {a}", "{b}" },
	{ VERDICT_NO_ANSWER, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_answer,
		"no answer at all: {remote} does not answer IKE_SA_INIT",
		"check 'remote'; allow UDP 500, UDP 4500 and ESP (IP protocol 50) in both directions; `tcpdump -ni any host "
		"{peer}` shows whether anything comes back" },
	{ VERDICT_FRAGMENTS_LOST, WEIGHT_DOWN, BLAME_NETWORK, verdict_fragments_lost,
		"IKE_SA_INIT is answered, but IKE_AUTH, which is larger than one packet ({a}), is not: the path loses fragments, or carries "
		"less than this machine thinks ({b})",
		"'fragment-size' (now {fragment-size}) has to be what the path carries: `ping -M do -s 1252 {peer}` tries 1280 octets; leave out "
		"of 'certificate' what the peer has itself; allow UDP 4500 and fragments of IP in both directions" },
	{ VERDICT_NO_ANSWER_AUTH, WEIGHT_DOWN, BLAME_NETWORK, verdict_no_answer_auth,
		"the peer answers IKE_SA_INIT, but IKE_AUTH gets no answer",
		"allow UDP 4500 and IP fragments in both directions; 'encapsulation: udp' uses UDP 4500 from the start" },
	/* ------------------------------------------------ proposals */
	{ VERDICT_WEAK_GROUP, WEIGHT_DOWN, BLAME_PEER, verdict_weak_group,
		"the peer offers only weak Diffie-Hellman groups ({a}), and we refuse them",
		"preferably change the peer; or accept the risk: 'allow-weak: {a}' and 'ike-proposals: aes256-sha256-{a}'" },
	{ VERDICT_IKE_PROPOSAL, WEIGHT_DOWN, BLAME_PEER, verdict_ike_proposal,
		"no common IKE proposal: the peer accepts none of ours",
		"set 'ike-proposals' to what the peer accepts (now {ours}); `s2sctl probe {peer}` finds out what that is" },
	/* ------------------------------------------------ who is who */
	{ VERDICT_PSK, WEIGHT_DOWN, BLAME_PEER, verdict_psk, "the pre-shared keys of the two ends differ",
		"copy the peer's key exactly into {key}, then `s2sctl reload`" },
	{ VERDICT_PSK_OR_IDENTITY, WEIGHT_DOWN, BLAME_PEER, verdict_psk_or_identity,
		"the peer rejects our authentication: the pre-shared key differs, or it does not know us as {id}",
		"compare {key} with the peer's key; set 'local-id' to the identity that the peer expects (often our address as it "
		"sees it), then `s2sctl reload`" },
	{ VERDICT_IDENTITY, WEIGHT_DOWN, BLAME_PEER, verdict_identity, "the peer identifies itself as {a}, but we expect {b}",
		"if this is the right peer: 'remote-id: {a}', then `s2sctl reload`" },
	{ VERDICT_CERTIFICATE, WEIGHT_DOWN, BLAME_PEER, verdict_certificate, "the peer's certificate is refused ({b}): {a}",
		"{proof}" },
	{ VERDICT_OTHER_CA, WEIGHT_DOWN, BLAME_PEER, verdict_other_ca,
		"the peer refuses our certificate and wants one of another CA: {a}; ours is of {b}",
		"get a certificate of that CA (`s2sctl certificate request` makes what it signs) and write it into 'certificate' with the CAs "
		"between; `openssl x509 -in CA.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha1sum` shows whether a CA is the one" },
	{ VERDICT_OUR_CERTIFICATE, WEIGHT_DOWN, BLAME_PEER, verdict_our_certificate,
		"the peer refuses our certificate, or does not know us as {a}",
		"`s2sctl certificate check {name}` looks at it: the peer has to trust its CA, to have each CA between or to be sent it in "
		"'certificate', and to expect {a} ('local-id')" },
	{ VERDICT_SIGNATURE_METHOD, WEIGHT_DOWN, BLAME_PEER, verdict_signature_method,
		"the two ends have no signature method in common: {a}",
		"give the tunnel a certificate with a key that the peer can verify; or, for a peer that knows RSA with SHA-1 only, "
		"'allow-weak: [sha1-auth]'" },
	{ VERDICT_PRIVATE_KEY, WEIGHT_DOWN, BLAME_LOCAL, verdict_private_key,
		"the private key of our certificate cannot sign: {a}",
		"see that the token is there and gives user s2sd-token access (TOKENS in s2sd(8)), that its key is the certificate's; "
		"`s2sctl check` looks at files; s2sd keeps trying" },
	/* ------------------------------------------------ the child SA */
	{ VERDICT_SELECTORS, WEIGHT_DOWN, BLAME_PEER, verdict_selectors, "the peer rejects our traffic selectors {a}",
		"set 'local-ts' and 'remote-ts' to what the peer has, or omit both: then the selectors cover all networks, and "
		"'routes' decides what enters the tunnel; for a peer with an SA for each pair of networks write 'children'" },
	{ VERDICT_SELECTORS_MANY, WEIGHT_DOWN, BLAME_LOCAL, verdict_selectors_many,
		"the two ends agree on the traffic selectors, but they are more than a tunnel of ours can have ({a})",
		"write wider prefixes into 'local-ts' and 'remote-ts', or into the peer's selectors: each pair of one here and one "
		"there counts" },
	{ VERDICT_ESP_PROPOSAL, WEIGHT_DOWN, BLAME_PEER, verdict_esp_proposal,
		"no common ESP proposal: the two ends agree on IKE, but not on the child SA",
		"set 'esp-proposals' to what the peer accepts (now {ours})" },
	{ VERDICT_PFS, WEIGHT_TROUBLE, BLAME_PEER, verdict_pfs,
		"PFS differs: the two ends do not agree on the key exchange of a rekey",
		"set 'esp-proposals' to the peer's PFS group, or to no group if it has none, or list both; then `s2sctl rekey "
		"--check {name}` verifies it" },
	/* ------------------------------------------------ other refusals */
	{ VERDICT_PEER_DELETED, WEIGHT_DOWN, BLAME_PEER, verdict_peer_deleted, "the peer has closed the tunnel",
		"nothing: {next}. If it happens again and again, the peer's log has the reason" },
	{ VERDICT_KERNEL, WEIGHT_DOWN, BLAME_LOCAL, verdict_kernel,
		"this machine's kernel or cryptographic library has refused an operation",
		"the evidence names what failed; `s2sctl show algorithms` lists what is supported, `dmesg` may say more" },
	{ VERDICT_REFUSED, WEIGHT_DOWN, BLAME_PEER, verdict_refused, "the peer refuses: {a}",
		"read the peer's log of that time; s2sd keeps trying" },
	{ VERDICT_CONNECTING, WEIGHT_DOWN, BLAME_NONE, verdict_connecting, "still negotiating, nothing has failed yet",
		"ask again in a few seconds" },
	/* ------------------------------------------------ up, and yet */
	{ VERDICT_KERNEL_DIFFERS, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_kernel_differs,
		"another program on this machine interferes with what the tunnel needs in the kernel: {a}",
		"{b}; `s2sctl events` lists what was put back, and who had removed it where that can be told" },
	{ VERDICT_NARROWED, WEIGHT_TROUBLE, BLAME_PEER, verdict_narrowed,
		"up, but the traffic selectors of the child SA do not cover {a}: those packets are dropped",
		"add it to the selectors of both ends, write 'children' when the peer has an SA for each pair of networks, or take it out "
		"of 'local-ts', 'remote-ts' and 'routes'" },
	{ VERDICT_INTERFACE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_interface,
		"the tunnel is up, but its interface {interface} is not",
		"s2sd sets it up again, at most once a second: find out what keeps taking it down (a network manager?) with `ip monitor "
		"link` and `s2sctl events {name}`" },
	{ VERDICT_OWN_ADDRESS, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_own_address,
		"both ends have {a}: its packets stay on this machine or its own network",
		"number one end anew, take the address off this machine if nothing needs it (`ip -br address` lists them), or let one end "
		"translate it (NAT) and put the translated network into 'routes'" },
	{ VERDICT_ROUTE_MISSING, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_route_missing,
		"the tunnel is up, but there is no route to {a}",
		"s2sd puts its own route back when somebody removes it: another route or rule refuses the traffic, see `ip route show "
		"table all` and `ip rule`; `ip monitor route` shows who changes what" },
	{ VERDICT_ROUTE_ELSEWHERE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_route_elsewhere,
		"the tunnel is up, but traffic to {a} leaves through {b}, not through the tunnel",
		"another route is preferred: `ip route show table all` and `ip rule`; lower 'route-metric' (now {metric}) "
		"or remove the other route" },
	{ VERDICT_FOREIGN_POLICY, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_foreign_policy,
		"an XFRM policy of another program takes or blocks the tunnel's traffic: {a}",
		"let the other IPsec program leave these networks out; `ip xfrm policy delete {a}` removes the policy now" },
	{ VERDICT_REVERSE_PATH, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_reverse_path, "the reverse path check (rp_filter) drops {a}",
		"{b}" },
	{ VERDICT_NEIGHBOUR, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_neighbour,
		"nobody answers at {a}, where packets go next on {b}", NEIGHBOUR_HERE },
	{ VERDICT_FIREWALL_IKE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_firewall_ike,
		"this machine's own firewall blocks IKE or ESP: {a}",
		"accept UDP 500, UDP 4500 and ESP from and to {peer}: {commands}; a rule of nft or iptables lasts until its firewall is loaded "
		"again: write it there, too" },
	{ VERDICT_REWRITTEN_IKE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_rewritten_ike,
		"this machine changes {b} of its own IKE or ESP: {a}",
		"except {peer} before that rule: {commands}; flows that are there keep their addresses until nothing is sent for three minutes "
		"(`s2sctl down {name}`, then `up`), or `conntrack -D -d {peer}` ends them; a rule of nft or iptables lasts until its firewall is "
		"loaded again: write it there, too" },
	{ VERDICT_FIREWALL, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_firewall,
		"this machine's own firewall blocks the tunnel's traffic: {a}",
		"accept what comes from and goes to {interface}: {commands}; a rule of nft or iptables lasts until its firewall is loaded "
		"again: write it there, too" },
	{ VERDICT_REWRITTEN, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_rewritten,
		"this machine changes {b} of what goes into the tunnel: {a}",
		"except {interface} before that rule: {commands}; flows that are there keep their addresses until they end; a rule of nft or "
		"iptables lasts until its firewall is loaded again: write it there, too" },
	{ VERDICT_OUTBOUND_ONLY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_outbound_only,
		"no return traffic: packets go out and nothing comes back",
		"allow ESP (IP protocol 50) from {peer}, also at the provider, or use 'encapsulation: udp'; the answers may "
		"also arrive through another tunnel" },
	{ VERDICT_INBOUND_ONLY, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_inbound_only,
		"no outbound traffic: packets come in and none goes out",
		"the route back does not lead into the tunnel, or a host behind this gateway does not answer: `ip route get "
		"ADDRESS` for the sender must say dev {interface}; 'routes' must contain its network" },
	{ VERDICT_MTU, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_mtu,
		"large packets may be lost: the path to the peer has a smaller MTU than the tunnel's interface assumes",
		"'mtu: {a}' and 'mss: {b}', then `s2sctl reload`; until then ESP packets are fragmented on the path, and many "
		"devices drop fragments" },
	{ VERDICT_INTEGRITY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_integrity,
		"packets are damaged on the path, or do not come from the peer: {a} failed their integrity check",
		"find the device that changes ESP packets (broken offloads: `ethtool -K DEVICE gro off`); `s2sctl rekey "
		"{name}` rules out keys that differ" },
	{ VERDICT_REPLAY, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_replay,
		"packets arrive twice or far out of order: {a} were dropped by the replay check",
		"a larger 'replay-window' (now {window}) if the path reorders packets; a path that duplicates them has to be "
		"repaired" },
	{ VERDICT_COLLISIONS, WEIGHT_TROUBLE, BLAME_NONE, verdict_collisions,
		"both ends keep rekeying at the same moment: {a} collisions in ten minutes",
		"let one end rekey clearly earlier: omit 'esp-lifetime' and 'ike-lifetime' to get the profile's values, "
		"which are shorter than the cloud's" },
	{ VERDICT_ADDRESS_FLAPPING, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_address_flapping,
		"outside addresses keep changing: {a} times in ten minutes",
		"find out why the uplink changes its address or the NAT forgets its mappings" },
	{ VERDICT_REKEY_FAILED, WEIGHT_TROUBLE, BLAME_PEER, verdict_rekey_failed, "a rekey failed; the SA in use will expire",
		"`s2sctl rekey {name}` tries again and says why it fails" },
	{ VERDICT_FORWARDING, WEIGHT_SUSPICION, BLAME_LOCAL, verdict_forwarding,
		"this machine does not forward packets between the tunnel and its networks",
		"`sysctl -w {a}=1` and a line in /etc/sysctl.d/, or 'forwarding: yes' under 's2sd:'" },
	{ VERDICT_FIREWALL_MAYBE, WEIGHT_SUSPICION, BLAME_LOCAL, verdict_firewall_maybe,
		"this machine's firewall may stop or change the tunnel's packets: {a}",
		"`nft -a list ruleset` shows the rules before it; this would let the tunnel's packets pass: {commands}" },
	/* ------------------------------------------------ BGP over a tunnel that is up */
	{ VERDICT_INSIDE_APART, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_inside_apart,
		"the inside addresses of the two ends are in different networks: ours is {a}, the peer's {bgp-peer}",
		"compare 'inside' and 'bgp: peer' with what the peer has: both ends are hosts of one network; correct the one that is wrong, then "
		"`s2sctl reload` and export the settings to the routing daemon again" },
	{ VERDICT_INSIDE_RANGE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_inside_range,
		"the cloud does not take an address of the BGP session: {a}",
		"{b}; then `s2sctl reload`, and export the settings to the routing daemon again" },
	{ VERDICT_BGP_NO_DAEMON, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_no_daemon,
		"the tunnel is up, but no routing daemon runs here that could speak BGP with {bgp-peer}",
		"{a}; `s2sctl export frr` or `s2sctl export bird` writes its settings" },
	{ VERDICT_BGP_HANGS, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_hangs, "{a} runs here, but does not answer",
		"`systemctl status {b}` and its log say what it does; `systemctl restart {b}` if it does not recover" },
	{ VERDICT_BGP_NOT_CONFIGURED, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_not_configured,
		"{a} has no BGP session with the peer's inside address {bgp-peer}", "give it the session's settings: {b}" },
	{ VERDICT_BGP_SHUTDOWN, WEIGHT_TROUBLE, BLAME_OPERATOR, verdict_bgp_shutdown,
		"BGP with {bgp-peer} is shut down here, in {a}", "start it again: {b}" },
	{ VERDICT_BGP_LIMIT, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_limit,
		"the peer sends more prefixes than {a} is told to take from {bgp-peer}",
		"see whether they should come, then {b}" },
	{ VERDICT_BGP_SETTINGS, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_settings,
		"{a} has other AS numbers for the session with {bgp-peer} than the tunnel's settings",
		"correct the one that is wrong: under 'bgp:' in the settings, or in {a} by `s2sctl export {b}`" },
	{ VERDICT_BGP_PEER_AS, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_peer_as,
		"the peer {bgp-peer} is not AS {peer-as}, which we expect",
		"{a}'s log has the number that it says: write it into 'bgp: peer-as', `s2sctl reload`, and export the settings to {a} "
		"again" },
	{ VERDICT_BGP_LOCAL_AS, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_local_as,
		"the peer {bgp-peer} does not expect us to be AS {local-as}",
		"nothing if {local-as} is right; else 'bgp: local-as', `s2sctl reload`, and export the settings to {a} again" },
	{ VERDICT_BGP_LIMIT_THERE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_limit_there,
		"the peer has ended BGP because we send it too many prefixes",
		"send fewer, or one that holds them all: the outgoing filter of the session with {bgp-peer} in {a}" },
	{ VERDICT_BGP_SHUTDOWN_THERE, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_shutdown_there,
		"the peer {bgp-peer} has shut BGP down", "nothing: it has to start it again" },
	{ VERDICT_BGP_HOLD_TIMER, WEIGHT_TROUBLE, BLAME_NETWORK, verdict_bgp_hold_timer,
		"BGP was up until nothing was heard from {bgp-peer} for the whole hold time",
		"see whether the tunnel carries anything back: `ping -I {interface} {bgp-peer}`; a filter or a stopped host there is "
		"silent as well" },
	{ VERDICT_BGP_MULTIHOP, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_multihop,
		"{a} keeps to networks of this machine's own: {bgp-peer} is in no network that this machine is connected to",
		"it has to be told that the peer is further away: {b}; 'bgp: multihop' makes `s2sctl export` write it" },
	{ VERDICT_BGP_NO_ROUTE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_no_route,
		"this machine has no way to the peer's BGP address {bgp-peer}",
		"it needs our 'inside' address on {interface}, or a route: 'routes' with {bgp-peer}/32; see `ip route get "
		"{bgp-peer}`" },
	{ VERDICT_BGP_SOURCE, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_source,
		"BGP with {bgp-peer} is to be sent from {a}, which is not an address of this machine",
		"send from our inside address, as without that line: {b}" },
	{ VERDICT_BGP_FIREWALL, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_firewall,
		"this machine's own firewall drops BGP with {bgp-peer}: {a}",
		"accept TCP 179 to and from {bgp-peer} on {interface}, before that rule" },
	{ VERDICT_BGP_PASSWORD, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_password,
		"{bgp-peer} does not answer TCP 179, and TCP MD5 signatures are in use: the passwords of both ends differ, or one has "
		"none",
		"the same password here and there, or none at both ends" },
	{ VERDICT_BGP_NO_ANSWER, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_no_answer,
		"{bgp-peer} does not answer TCP 179: it is not there, or something behind the tunnel drops it",
		"no rule of this machine drops it; `ping -I {interface} {bgp-peer}` shows whether the address is there" },
	{ VERDICT_BGP_REFUSED, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_refused,
		"{bgp-peer} turns BGP away: nothing takes TCP 179 from us there",
		"compare our address of the session with what the peer has: 'bgp: local', or the 'inside' address" },
	{ VERDICT_BGP_STALE, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_stale,
		"the peer's BGP is restarting; its routes are kept meanwhile (graceful restart)",
		"nothing, until the restart time is over: then they are withdrawn" },
	{ VERDICT_BGP_DOWN, WEIGHT_TROUBLE, BLAME_NONE, verdict_bgp_down, "BGP with {bgp-peer} is not up",
		"the evidence is all that {a} tells; its log may say more" },
	{ VERDICT_BGP_POLICY, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_policy,
		"BGP is up, but FRR discards all prefixes {a}: it has no policy for {bgp-peer}",
		"a route-map in and out for the neighbor, as `s2sctl export frr` writes them; or 'no bgp ebgp-requires-policy'" },
	{ VERDICT_BGP_FILTERED, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_filtered,
		"BGP is up, but {a} rejects every prefix that {bgp-peer} sends", "correct what filters them on the way in: {b}" },
	{ VERDICT_BGP_NEXTHOP, WEIGHT_TROUBLE, BLAME_PEER, verdict_bgp_nexthop,
		"BGP is up, but the next hop of what {bgp-peer} sends cannot be reached, so none of it is used",
		"see the next hops with `vtysh -c 'show bgp ipv4 unicast neighbors {bgp-peer} routes'`; a route to them through "
		"{interface} makes them usable" },
	{ VERDICT_BGP_NOT_INSTALLED, WEIGHT_TROUBLE, BLAME_LOCAL, verdict_bgp_not_installed,
		"BGP has brought {a}, but this machine does not use that route", "{b}" },
	{ VERDICT_BGP_TOO_MANY, WEIGHT_SUSPICION, BLAME_LOCAL, verdict_bgp_too_many,
		"we send {a} prefixes, and the peer ends the session at more than {b}",
		"send fewer, or one that holds them all: the outgoing filter of the session with {bgp-peer}" },
	{ VERDICT_BGP_NOTHING_RECEIVED, WEIGHT_SUSPICION, BLAME_PEER, verdict_bgp_nothing_received,
		"BGP is up, but {bgp-peer} sends no prefixes", "nothing: see what the peer announces" },
	{ VERDICT_BGP_NOTHING_SENT, WEIGHT_SUSPICION, BLAME_LOCAL, verdict_bgp_nothing_sent,
		"BGP is up, but {a} sends no prefixes to {bgp-peer}, so nothing comes back by this tunnel",
		"see the outgoing filter and whether the networks are there to be sent; `s2sctl export` writes both" },
	{ VERDICT_BGP_WAITING, WEIGHT_HINT, BLAME_NONE, verdict_bgp_waiting,
		"the tunnel is up, BGP is not yet, and nothing has failed: {b}", "ask again then" },
	/* ------------------------------------------------ nothing is wrong */
	{ VERDICT_UP, WEIGHT_FINE, BLAME_NONE, verdict_up, "nothing is wrong that can be seen from here",
		"`s2sctl check` examines the settings, `s2sctl show {name}` prints all details" },
	{ VERDICT_ONE_WAY, WEIGHT_FINE, BLAME_NONE, verdict_one_way,
		"its traffic goes one way only, {a}: right for log senders and the like, which expect no answer",
		"if an answer is expected, look for one: `tcpdump -ni {interface}` on this machine, and whether ESP (IP protocol 50) "
		"passes from and to {peer}" },
	{ VERDICT_PFS_UNPROVEN, WEIGHT_FINE, BLAME_NONE, verdict_pfs_unproven, "the first rekey is still to come",
		"`s2sctl rekey --check {name}` verifies now that both ends agree on PFS, and does no harm" },
};

const struct rule *explain_rule(unsigned i) { return i < ARRAY_SIZE(rules) ? &rules[i] : NULL; }

/* A verdict that one of a kind already explains is left out: the more special row stands higher up. */
static bool covered(const struct verdicts *out, enum verdict_code code)
{
	static const struct {
		enum verdict_code special, general;
	} rows[] = { { VERDICT_WEAK_GROUP, VERDICT_IKE_PROPOSAL }, { VERDICT_PSK, VERDICT_PSK_OR_IDENTITY },
		{ VERDICT_SOURCE_ROUTE, VERDICT_REVERSE_PATH }, { VERDICT_SOURCE_ROUTE, VERDICT_NO_ANSWER },
		{ VERDICT_SOURCE_ROUTE, VERDICT_NO_ANSWER_AUTH }, { VERDICT_SOURCE_ROUTE, VERDICT_FRAGMENTS_LOST },
		{ VERDICT_NEIGHBOUR, VERDICT_FRAGMENTS_LOST }, { VERDICT_REVERSE_PATH, VERDICT_FRAGMENTS_LOST },
		{ VERDICT_ADDRESS_CHANGED, VERDICT_FRAGMENTS_LOST }, { VERDICT_DEAD_PEER, VERDICT_FRAGMENTS_LOST },
		{ VERDICT_ADDRESS_CHANGED, VERDICT_OUR_CERTIFICATE }, { VERDICT_SOURCE_ROUTE, VERDICT_DEAD_PEER },
		{ VERDICT_SOURCE_ROUTE, VERDICT_CONNECTING }, { VERDICT_NEIGHBOUR, VERDICT_NO_ANSWER },
		{ VERDICT_NEIGHBOUR, VERDICT_NO_ANSWER_AUTH }, { VERDICT_NEIGHBOUR, VERDICT_CONNECTING },
		{ VERDICT_NEIGHBOUR, VERDICT_DEAD_PEER }, { VERDICT_REVERSE_PATH, VERDICT_NO_ANSWER },
		{ VERDICT_REVERSE_PATH, VERDICT_NO_ANSWER_AUTH }, { VERDICT_REVERSE_PATH, VERDICT_CONNECTING },
		{ VERDICT_OWN_ADDRESS, VERDICT_ROUTE_ELSEWHERE }, { VERDICT_FOREIGN_POLICY, VERDICT_INBOUND_ONLY },
		{ VERDICT_NEIGHBOUR, VERDICT_INBOUND_ONLY }, { VERDICT_ADDRESS_CHANGED, VERDICT_NO_ANSWER },
		{ VERDICT_ADDRESS_CHANGED, VERDICT_NO_ANSWER_AUTH }, { VERDICT_ADDRESS_CHANGED, VERDICT_PSK_OR_IDENTITY },
		{ VERDICT_DEAD_PEER, VERDICT_NO_ANSWER }, { VERDICT_DEAD_PEER, VERDICT_NO_ANSWER_AUTH },
		{ VERDICT_FIREWALL_IKE, VERDICT_OUTBOUND_ONLY }, { VERDICT_REWRITTEN_IKE, VERDICT_OUTBOUND_ONLY },
		{ VERDICT_REWRITTEN, VERDICT_OUTBOUND_ONLY }, { VERDICT_FIREWALL, VERDICT_INBOUND_ONLY },
		{ VERDICT_ROUTE_MISSING, VERDICT_INBOUND_ONLY }, { VERDICT_ROUTE_ELSEWHERE, VERDICT_INBOUND_ONLY },
		{ VERDICT_KERNEL, VERDICT_REFUSED }, { VERDICT_KERNEL, VERDICT_KERNEL_DIFFERS },
		{ VERDICT_ESP_PROPOSAL, VERDICT_PFS }, { VERDICT_PFS, VERDICT_PFS_UNPROVEN },
		{ VERDICT_PFS, VERDICT_REKEY_FAILED }, { VERDICT_OUTBOUND_ONLY, VERDICT_BGP_NO_ANSWER },
		{ VERDICT_OUTBOUND_ONLY, VERDICT_BGP_HOLD_TIMER }, { VERDICT_INSIDE_APART, VERDICT_BGP_NO_ROUTE },
		{ VERDICT_INSIDE_APART, VERDICT_BGP_MULTIHOP }, { VERDICT_INSIDE_APART, VERDICT_BGP_NO_ANSWER },
		{ VERDICT_INSIDE_APART, VERDICT_BGP_WAITING }, { VERDICT_BGP_NEXTHOP, VERDICT_BGP_NOT_INSTALLED } };
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
	"the tunnel is not up, and the daemon has reported nothing that explains it",
	"read `s2sctl events {name}`, and the daemon's log with -v" };

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
