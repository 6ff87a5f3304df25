# What this machine and the path do to a tunnel that is up, and what explain says of it: a route gone or elsewhere, no forwarding, a firewall,
# a narrow path, an interface down. Each is mended, and is not said any more.
# timeout: 150
. "$LAB/explain.sh"
aws_world
aws_start 'mtu: 1420'
wait_up aws
wait_ping gw-host 10.20.0.10
expect_first aws up
expect_words .text 'nothing is wrong'
expect_verdict aws pfs-unproven
ctl explain aws | grep '^aws: up: nothing is wrong' >/dev/null || fail "the words are not as they should be: $(ctl explain aws | head -n 1)"

# Routes.
ip -n gw route add 10.20.0.0/24 via 198.51.100.1
expect_first aws route-elsewhere
expect_words '.evidence[0]' '10.20.0.1 of 10.20.0.0/24 leaves through out, not through s2s-aws'
expect_words .blame local
ip -n gw route del 10.20.0.0/24 via 198.51.100.1
expect_gone aws route-elsewhere
# Our own would be put back at once.
ip -n gw route add unreachable 10.20.0.0/28
expect_first aws route-missing
expect_words .text 'no route to 10.20.0.0/24'
ip -n gw route del unreachable 10.20.0.0/28
expect_gone aws route-missing

# Forwarding and filters.
in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
expect_first aws forwarding
expect_words .here 'net.ipv4.ip_forward=1'
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
in_ns gw nft -f - <<-END
	table inet filter {
		chain forward { type filter hook forward priority 0; policy drop; iifname "lan" oifname "out" accept; }
		chain output { type filter hook output priority 0; udp dport 500 drop; }
	}
END
expect_verdict aws firewall
expect_words '.evidence[0]' 'what goes into the tunnel: dropped by the policy drop of chain inet filter forward'
expect_words .here 'oifname s2s-aws accept'
expect_verdict aws firewall-ike
expect_words '.evidence | join(";")' 'our IKE on UDP 500: dropped by the rule with handle [0-9]+ of chain inet filter output'
in_ns gw nft add rule inet filter forward 'oifname "s2s-*" accept'
in_ns gw nft add rule inet filter forward 'ct state established,related accept'
expect_gone aws firewall
in_ns gw nft delete table inet filter
expect_gone aws firewall-ike

# The uplink became narrow, and the MTU was written by hand.
ip -n gw link set out mtu 1300
expect_verdict aws mtu
expect_words '.evidence[0]' 'packets of 1300, which leaves 1230 inside; s2s-aws has 1420'
expect_words .here "'mtu: 1230' and 'mss: 1190'"
ip -n gw link set out mtu 1500
expect_gone aws mtu

# It is set up again once a second, and somebody takes it down as often as he can.
exec_in gw sh -c 'while ip link set s2s-aws down; do sleep 0.05; done' &
taker=$!
expect_verdict aws interface
expect_words .here 's2sctl events aws'
expect_first aws kernel-differs
expect_words .text 'interface is removed or changed again and again'
kill "$taker"
expect_gone aws interface
s2sd_stop
