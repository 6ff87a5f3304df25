# `s2sctl ping`: a healthy tunnel, ESP dropped on the path, a peer that lets no ping in, a host behind it that is down, this machine's own filter;
# and --mtu: a path that is narrow, and one that loses what is large without a word.
#
#   gw-host --- gw ---------------- inet ---------------- aws --- aws-host      both families inside
# timeout: 240
aws_sites
peer_start aws aws inside="169.254.21.1/30 fd00:f::1/126" routes="10.1.0.0/24 fd00:1::/64" local-ts=0.0.0.0/0,::/0 remote-ts=0.0.0.0/0,::/0
ip -n gw addr add fd00:1::1/64 dev lan
ip -n aws addr add fd00:2::1/64 dev lan
ip -n aws-host addr add fd00:2::10/64 dev out
ip -n aws-host route add default via fd00:2::1
aws_start 'inside: [169.254.21.2/30, "fd00:f::2/126"]' 'routes: [10.20.0.0/24, "fd00:2::/64"]'
wait_up aws

# pinged WANTED-EXIT ARGUMENT...: the answer is kept. By root, or by whom "who" makes of it.
who=()
pinged()
{
	local wanted=$1 status=0

	shift
	in_ns gw ${who[@]+"${who[@]}"} "$S2SCTL" -r "$W/s2sd-gw/run" ping --json "$@" >"$W/ping.json" 2>"$W/ping.err" || status=$?
	jq -c . "$W/ping.json" >>"$L/ping.txt"
	[ "$status" -eq "$wanted" ] || fail "ping $*: status $status: $(cat "$W/ping.json" "$W/ping.err")"
}

expect_ping()
{
	local seen

	seen=$(jq -r "$1" "$W/ping.json")
	[[ $seen == $2 ]] || fail "ping: expected $1 to be like \"$2\", saw \"$seen\": $(jq -c . "$W/ping.json")"
}

legs='[.targets[0].legs[] | .works | tostring] | join(" ")'

# ---- healthy ---------------------------------------------------------------------------------------------------------
pinged 0 aws
for family in 0 1; do expect_ping ".targets[$family].result" answered; done
expect_ping "$legs" 'true true true true'
expect_ping '[.targets[].to] | join(" ")' '169.254.21.1 fd00:f::1'
expect_ping '.targets[0].legs[1].packets >= 3' true
pinged 0 -c 1 aws 10.20.0.10
expect_ping '.targets[0].result' answered
pinged 0 -c 1 aws fd00:2::10
expect_ping '.targets[0].result' answered
expect_ping '.targets[0].from' fd00:f::2
expect_ping '.targets | length' 1
# From the network behind us.
pinged 0 -c 1 --from 10.1.0.1 aws 10.20.0.10
expect_ping '.targets[0].from' 10.1.0.1
pinged 0 -c 1 --from fd00:1::1 aws fd00:2::10
expect_ping '.targets[0].from' fd00:1::1
# By a user who has nothing but the control socket's group: net.ipv4.ping_group_range permits it, or does not.
who=(setpriv --reuid 65534 --regid 65534 --groups "$(stat -c %g "$W/s2sd-gw/run/control.sock")" --inh-caps=-all --no-new-privs)
pinged 0 -c 1 aws
for family in 0 1; do expect_ping ".targets[$family].result" answered; done
pinged 0 -c 1 aws fd00:2::10
expect_ping '.targets[0].result' answered
in_ns gw sysctl -qw net.ipv4.ping_group_range='1 0'
pinged 1 -c 1 aws
grep 'this user may not ping' "$W/ping.json" "$W/ping.err" >/dev/null ||
	fail "a user who may not ping: $(cat "$W/ping.json" "$W/ping.err")"
who=()
# Root needs no leave: its socket is a raw one, which sees the answers of others, too.
pinged 0 -c 2 aws
for family in 0 1; do expect_ping ".targets[$family].result" answered; done
in_ns gw sysctl -qw net.ipv4.ping_group_range='0 2147483647'
in_ns gw "$S2SCTL" -r "$W/s2sd-gw/run" ping -c 2 aws >"$L/ping-words.txt"
grep -Eq '^84 bytes from 169.254.21.1: icmp_seq=1 ttl=64 time=[0-9.]+ ms$' "$L/ping-words.txt" || fail "the words: $(cat "$L/ping-words.txt")"
grep -q '^aws: all were answered: both directions work' "$L/ping-words.txt" || fail "the verdict in words: $(cat "$L/ping-words.txt")"
pinged 1 --from 192.0.2.99 aws
grep -q 'not an address of this machine' "$W/ping.err" || fail "a foreign source: $(cat "$W/ping.err")"

# ---- ESP dropped on the path, each way ---------------------------------------------------------------------------------
for way in 'ip saddr 198.51.100.7' 'ip daddr 198.51.100.7'; do
	in_ns inet nft -f - <<<"table ip lab { chain f { type filter hook forward priority 0; $way ip protocol esp drop; }; }"
	pinged 1 -c 2 aws
	expect_ping '.targets[0].result' no-esp-back
	expect_ping "$legs" 'true true false false'
	expect_ping '.targets[0].text' '2 packets went into the tunnel and left as ESP; nothing came back as ESP: the path or the peer*'
	in_ns inet nft delete table ip lab
done

# IPv6 is another way through the same tunnel: what the peer refuses of one family is none of the other's.
in_ns aws nft -f - <<<'table ip6 lab { chain in { type filter hook input priority 0; meta l4proto ipv6-icmp icmpv6 type echo-request drop; }; }'
pinged 1 -c 1 aws
expect_ping '.targets[0].result' answered
expect_ping '.targets[1].result' no-esp-back
in_ns aws nft delete table ip6 lab

# ---- the peer lets no ping in; it answers elsewhere --------------------------------------------------------------------
in_ns aws nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; ip protocol icmp drop; }; }'
pinged 1 -c 1 aws
expect_ping '.targets[0].result' no-esp-back
in_ns aws nft delete table ip lab

# ---- the host behind is down: nobody answers its ARP; and a network that the peer refuses ------------------------------
ip -n aws-host link set out down
ip -n aws neigh flush dev lan
pinged 1 -c 1 aws 10.20.0.10
expect_ping '.targets[0].result' refused-there
expect_ping '.targets[0].text' '*: No route to host'
ip -n aws-host link set out up
ip -n aws-host route replace default via 10.20.0.1
ip -n aws route add unreachable 10.20.0.66
pinged 1 -c 1 aws 10.20.0.66
expect_ping '.targets[0].result' refused-there
ip -n aws route del unreachable 10.20.0.66
ip -n aws route add unreachable fd00:2::66
pinged 1 -c 1 aws fd00:2::66
expect_ping '.targets[0].result' refused-there
ip -n aws route del unreachable fd00:2::66

# ---- this machine: what goes in, what comes out, ESP itself ------------------------------------------------------------
in_ns gw nft -f - <<<'table ip lab { chain out { type filter hook output priority 0; oifname "s2s-aws" drop; }; }'
pinged 1 -c 1 aws
expect_ping '.targets[0].result' filtered
in_ns gw nft delete table ip lab
in_ns gw nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; iifname "s2s-aws" drop; }; }'
pinged 1 -c 2 aws
expect_ping '.targets[0].result' lost-here
expect_ping "$legs" 'true true true false'
in_ns gw nft delete table ip lab
in_ns gw nft -f - <<<'table ip lab { chain out { type filter hook output priority 0; ip protocol esp drop; }; }'
pinged 1 -c 2 aws
expect_ping '.targets[0].result' esp-stopped
in_ns gw nft delete table ip lab
pinged 0 -c 1 aws

# ---- sizes -------------------------------------------------------------------------------------------------------------
most=$(in_ns gw cat /proc/sys/net/ipv4/conf/s2s-aws/mtu 2>/dev/null || ip -n gw -j link show dev s2s-aws | jq '.[0].mtu')
pinged 0 -c 1 --size "$most" aws 169.254.21.1
expect_ping '.targets[0].result' answered
pinged 1 -c 1 --size $(( most + 1 )) aws 169.254.21.1
expect_ping '.targets[0].result' too-big
pinged 0 --mtu aws 169.254.21.1
expect_ping '.targets[0].mtu' "$most"
expect_ping '.targets[0].todo' null

# A link of 1300, whose router fragments ESP, and a firewall that lets no fragment through.
ip -n inet link set to-aws mtu 1300
in_ns aws nft -f - <<<'table ip lab { chain raw { type filter hook prerouting priority -450; ip frag-off & 0x3fff != 0 drop; }; }'
pinged 0 --mtu aws 169.254.21.1
expect_ping '.targets[0].mtu' 1230
expect_ping '.targets[0].todo' "write 'mtu: 1230' and 'mss: 1190' into the tunnel, then s2sctl reload"
ip -n inet link set to-aws mtu 1500
in_ns aws nft delete table ip lab

# What is large is lost without ICMP; and what is written then is all that passes.
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; ip length > 1000 drop; }; }'
pinged 0 --mtu aws 169.254.21.1
small=$(jq '.targets[0].mtu' "$W/ping.json")
[ "$small" -gt 900 ] && [ "$small" -lt 960 ] || fail "a path of 1000 leaves $small inside"
aws_reload "mtu: $small" "mss: $(( small - 40 ))"
wait_up aws
has_mtu() { [ "$(ip -n gw -j link show dev s2s-aws | jq '.[0].mtu')" = "$small" ]; }
wait_for $(( 10 * slack )) "the interface has the MTU" has_mtu
pinged 0 --mtu aws 169.254.21.1
expect_ping '.targets[0].mtu' "$small"
expect_ping '.targets[0].todo' null
in_ns inet nft delete table ip lab

# ---- not up ------------------------------------------------------------------------------------------------------------
ctl down aws
pinged 1 aws
grep -q 'aws is down' "$W/ping.err" || fail "a tunnel that is down: $(cat "$W/ping.err")"
s2sd_stop
