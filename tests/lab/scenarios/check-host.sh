# What `s2sctl check` says beforehand of this machine, each fault made in two ways on a real kernel, mended with the command that is printed, and silent on
# a healthy machine: rp_filter where answers leave another way, a second uplink without a source rule, IPv6 forwarding on a host that lives from router
# advertisements.
#
#   gw-host --- lan, lan2 --- gw --- out, out2 --- inet --- aws
# timeout: 200
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
peer_start aws aws psk=Abcdefgh.0123456789xyz inside=169.254.21.1/30 routes=10.1.0.0/24
key aws.psk Abcdefgh.0123456789xyz

# checked: the findings are kept; configuration on standard input.
checked()
{
	s2sd_configure
	look
}

look()
{
	in_ns gw "$S2SCTL" check --json "$W/s2sd-gw/s2sd.yaml" >"$W/check.json" || [ -s "$W/check.json" ] || fail "check says nothing"
	[ "$(jq .complete "$W/check.json")" = true ] || fail "the settings cannot be loaded: $(jq -c .findings "$W/check.json")"
	jq -c '.findings[] | [.severity, .rule, .key, .text, .todo]' "$W/check.json" >>"$L/check.txt"
}

# said RULE KEY-REGEX TEXT-REGEX: leaves what is to be done in $todo.
said()
{
	todo=$(jq -r --arg rule "$1" --arg key "$2" --arg text "$3" \
		'.findings[] | select(.rule == $rule and (.key // "" | test($key)) and (.text | test($text))) | .todo' "$W/check.json" | head -n 1)
	[ -n "$todo" ] || fail "check does not say $1 ($3): $(jq -c '[.findings[] | [.rule, .text]]' "$W/check.json")"
	note "check: $1: $todo"
}

silent()
{
	local rule

	look
	for rule; do
		[ "$(jq --arg rule "$rule" '[.findings[] | select(.rule == $rule)] | length' "$W/check.json")" -eq 0 ] ||
			fail "check still says $rule: $(jq -c '[.findings[] | [.rule, .text]]' "$W/check.json")"
	done
}

# mend: the commands that were printed, run as they are.
mend()
{
	local line=${todo%% and a line in*}

	note "mended by: $line"
	in_ns gw sh -ec "$line" >>"$L/mend.txt" 2>&1 || fail "the printed command fails: $line: $(tail -n 1 "$L/mend.txt")"
}

ours='
    remote: 203.0.113.10
    psk-file: aws.psk
    routes: [10.20.0.0/24]'
plain="tunnels:
  aws:$ours"

# ---- a healthy machine ---------------------------------------------------------------------------------------------
checked <<<"$plain"
silent rp-filter uplink router-advertisements forwarding overlap-local no-way-in inside
in_ns gw sh -c 'for f in all default lan out; do echo 1 >/proc/sys/net/ipv4/conf/$f/rp_filter; done'
silent uplink router-advertisements
[ "$(jq '[.findings[] | select(.rule == "rp-filter" and .severity != "hint")] | length' "$W/check.json")" -eq 0 ] || fail "a strict filter that hurts nobody is told"
in_ns gw sh -c 'for f in all default out lan; do echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done'

# ---- rp_filter: the same network at two interfaces; a route of somebody's ------------------------------------------
ip -n gw link add lan2 type veth peer name far2 netns gw-host
ip -n gw -batch - <<-END
	addr add 10.1.0.2/24 dev lan2
	link set lan2 up
END
ip -n gw-host link set far2 up
silent rp-filter
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/lan2/rp_filter'
look
said rp-filter 'rp_filter' 'strict at lan2, and hosts of 10.1.0.0/24 there are reached by lan: '
mend
silent rp-filter
ip -n gw link del lan2
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/lan/rp_filter'
silent rp-filter
ip -n gw route add 10.1.0.240/28 via 198.51.100.1
look
said rp-filter 'rp_filter' 'strict at lan, and hosts of 10.1.0.0/24 there are reached by out: '
mend
silent rp-filter
ip -n gw route del 10.1.0.240/28

# ---- the packet filter: dropped by a policy and by a rule; rewritten by masquerade and by snat -----------------------
silent filter rewritten
filtered_by()
{
	in_ns gw nft -f - <<<"$1"
	look
	said "$2" '' "$3"
	todo=${todo%%; and in the program*}
	mend
	silent filter rewritten
	in_ns gw nft flush ruleset
}
filtered_by 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; }; }' \
	filter 'dropped by the policy drop of chain inet filter forward'
filtered_by 'table ip filter { chain FORWARD { type filter hook forward priority 0; policy accept; iifname "lan" oifname "out" accept; drop; }; }' \
	filter 'by the rule with handle [0-9]+ of chain ip filter FORWARD'
filtered_by 'table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; ip saddr 10.1.0.0/24 oifname != "docker0" masquerade; }; }' \
	rewritten 'given another address by the rule with handle [0-9]+ of chain ip nat POSTROUTING: .*masquerade'
filtered_by 'table ip nat { chain post { type nat hook postrouting priority 100; ip daddr != 10.1.0.0/24 snat to 198.51.100.7; }; }' \
	rewritten 'given another address by the rule with handle [0-9]+ of chain ip nat post: .*snat'
# Of the uplink alone, as it should be.
in_ns gw nft -f - <<<'table ip nat { chain post { type nat hook postrouting priority 100; oifname "out" masquerade; }; chain forward { type filter hook forward priority 0; policy drop; iifname "lan" accept; oifname "lan" ct state established,related accept; }; }'
silent filter rewritten
in_ns gw nft flush ruleset

# ---- a second uplink: without and with a default route of its own --------------------------------------------------
ip -n inet -batch - <<-END
	link add to-gw2 type veth peer name out2 netns gw
	addr add 192.0.2.1/24 dev to-gw2
	link set to-gw2 up
END
ip -n gw -batch - <<-END
	addr add 192.0.2.77/24 dev out2
	link set out2 up
END
in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv4/conf/out2/rp_filter'
checked <<<"$plain
    local: 192.0.2.77"
said uplink local '192.0.2.77 is the address of out2, but the way to the peer leaves by out'
grep -q 'ip rule add from 192.0.2.77 lookup 200' <<<"$todo" || fail "the rule is not named: $todo"
ip -n gw route add default via 192.0.2.1 dev out2 metric 500
look
said uplink local "leaves by out: a provider drops"
# Each provider drops what has another one's address.
in_ns inet nft -f - <<-'END'
	table ip bcp38 {
		chain f {
			type filter hook prerouting priority -300;
			iifname "to-gw" ip saddr != 198.51.100.0/24 counter drop
			iifname "to-gw2" ip saddr != 192.0.2.0/24 drop
		}
	}
END
peer_edit aws 's/remote_addrs = .*/remote_addrs = 192.0.2.77/; s/id = 198.51.100.7/id = 192.0.2.77/'
s2sd_run
dropped_there() { in_ns inet nft list table ip bcp38 | grep 'packets [1-9]' >/dev/null; }
wait_for 20 "the first uplink's provider drops our IKE" dropped_there
[ "$(tunnel aws .state)" != up ] || fail "the tunnel is up without a rule: the fault is none"
mend
silent uplink
wait_up aws
wait_ping gw-host 10.20.0.10
s2sd_stop
# With the rule a strict filter does no harm; what marks choose, the filter does not see.
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/out2/rp_filter'
silent uplink rp-filter
ip -n gw rule del from 192.0.2.77 lookup 200
ip -n gw rule add fwmark 0x73320000/0xffff0000 lookup 200
look
said rp-filter local 'strict at out2, and the main table.s way from 192.0.2.77 to the peer leaves by out'
mend
silent rp-filter uplink
ip -n gw rule del fwmark 0x73320000/0xffff0000 lookup 200
ip -n gw link del out2

# ---- IPv6 forwarding and router advertisements: what they made, before and after ------------------------------------
six='tunnels:
  aws:
    remote: 203.0.113.10
    psk-file: aws.psk
    routes: ["fd00:2::/64"]'
ip -n gw -6 addr add 2001:db8:1::7/64 dev out
checked <<<"$six"
silent router-advertisements
in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/out/accept_ra'
silent router-advertisements
# A router that announces itself and no prefix: a default route of the kernel's making. The address of the router's interface is the source.
announce()
{
	in_ns inet python3 -c '
import socket
n = socket.if_nametoindex("to-gw")
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, n)
s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8), ("ff02::1", 0, 0, n))'
	ip -n gw -6 route show default | grep 'proto ra' >/dev/null
}
wait_for 20 "a default route of router advertisements" announce
look
said router-advertisements 'accept_ra' '^out has its IPv6 address or default route from router advertisements, which the kernel ignores as soon as'
ip -n gw -6 route flush default
silent router-advertisements
ip -n gw -6 addr add 2001:db8:1::8/64 dev out valid_lft 1800 preferred_lft 1800
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/out/accept_ra'
look
said router-advertisements 'accept_ra' 'which the kernel ignores while IPv6 is forwarded'
mend
silent router-advertisements

# ---- the settings ---------------------------------------------------------------------------------------------------
checked <<<'tunnels:
  aws:
    remote: 203.0.113.10
    psk-file: aws.psk
    inside: 169.254.21.2/30
    bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.22.1}'
said inside inside 'the two ends are in different networks: 169.254.21.2/30 here, 169.254.22.1 there'
checked <<<'tunnels:
  aws: {remote: 203.0.113.10, psk-file: aws.psk}'
said no-way-in routes "neither 'routes' nor 'bgp'"
