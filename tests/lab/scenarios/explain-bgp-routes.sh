# BGP over a tunnel, with FRR at both ends: sessions that cannot find their way, and sessions that are up and do not bring what they should.
# timeout: 240
# needs: routing
. "$LAB/bgp.sh"
aws_world
aws_start 'routes: []' "$bgp_block"
wait_up aws
ordinary_place frr
frr_start gw
frr_take gw
frr_start aws
there_speaks
expect_bgp_fine
wait_sessions gw 1 20
peer=169.254.21.1

# Somebody's route is preferred to the one that was learnt.
ip -n gw route add 10.20.0.0/24 via 10.1.0.10 dev lan
expect_verdict aws bgp-not-installed
expect_words .text 'BGP has brought 10.20.0.0/24'
expect_words '.evidence | join(";")' 'the kernel sends 10.20.0.0/24 by lan'
mend
expect_bgp_fine
ip -n gw route add unreachable 10.21.0.0/24
expect_verdict aws bgp-not-installed
expect_words .text 'BGP has brought 10.21.0.0/24'
ip -n gw route del unreachable 10.21.0.0/24
expect_bgp_fine

# Policies: none, one that denies what comes, one that denies what goes; a peer that announces nothing.
here 'router bgp 65010' 'address-family ipv4 unicast' "no neighbor $peer route-map s2s-aws-in in"
expect_verdict aws bgp-policy
expect_words .text 'discards all prefixes received:'
here 'router bgp 65010' 'address-family ipv4 unicast' "no neighbor $peer route-map s2s-aws-out out"
expect_verdict aws bgp-policy
expect_words .text 'discards all prefixes received and sent'
here 'router bgp 65010' 'address-family ipv4 unicast' "neighbor $peer route-map s2s-aws-in in" "neighbor $peer route-map s2s-aws-out out"
expect_bgp_fine
here 'route-map nothing deny 10' 'router bgp 65010' 'address-family ipv4 unicast' "neighbor $peer route-map nothing in"
frr gw -c 'clear bgp *' >>"$L/frr-gw.out"
expect_verdict aws bgp-nothing-received
expect_words '.evidence | join(";")' 'route-map nothing'
here 'router bgp 65010' 'address-family ipv4 unicast' "neighbor $peer route-map s2s-aws-in in" "neighbor $peer route-map nothing out"
frr gw -c 'clear bgp *' >>"$L/frr-gw.out"
expect_verdict aws bgp-nothing-sent
here 'router bgp 65010' 'address-family ipv4 unicast' "neighbor $peer route-map s2s-aws-out out"
expect_bgp_fine
there 'router bgp 64512' 'address-family ipv4 unicast' 'no network 10.20.0.0/24' 'no network 10.21.0.0/24'
expect_verdict aws bgp-nothing-received
expect_words .there 'route propagation'
there_speaks
expect_bgp_fine

# A next hop that nobody here can reach.
there 'route-map far permit 10' 'set ip next-hop 172.31.0.1' 'router bgp 64512' 'address-family ipv4 unicast' \
	'neighbor 169.254.21.2 route-map far out'
frr aws -c 'clear bgp *' >>"$L/frr-aws.out"
expect_verdict aws bgp-nexthop 40
there 'router bgp 64512' 'address-family ipv4 unicast' 'no neighbor 169.254.21.2 route-map far out'
frr aws -c 'clear bgp *' >>"$L/frr-aws.out"
expect_bgp_fine

# More than AWS takes; more than the peer takes; more than we take.
lines=()
for n in {1..101}; do lines+=("network 10.50.$n.0/24"); done
here 'router bgp 65010' 'no bgp network import-check' 'address-family ipv4 unicast' "no neighbor $peer maximum-prefix-out" "${lines[@]}"
expect_verdict aws bgp-too-many
expect_words .text 'we send 10[0-9] prefixes'
there 'router bgp 64512' 'address-family ipv4 unicast' 'neighbor 169.254.21.2 maximum-prefix 50'
expect_verdict aws bgp-limit-there 40
expect_words '.evidence | join(";")' 'takes 100 routes'
here 'router bgp 65010' 'address-family ipv4 unicast' "${lines[@]/#/no }"
there 'router bgp 64512' 'address-family ipv4 unicast' 'no neighbor 169.254.21.2 maximum-prefix 50'
frr aws -c 'clear bgp *' >>"$L/frr-aws.out"
expect_bgp_fine
here 'router bgp 65010' 'address-family ipv4 unicast' "no neighbor $peer maximum-prefix" "neighbor $peer maximum-prefix 2"
there 'router bgp 64512' 'address-family ipv4 unicast' 'network 10.22.0.0/24' 'network 10.23.0.0/24'
expect_verdict aws bgp-limit
here 'router bgp 65010' 'address-family ipv4 unicast' "neighbor $peer maximum-prefix 20"
mend
expect_bgp_fine

# The peer restarts, and its routes are kept.
here 'router bgp 65010' 'no bgp graceful-restart-disable'
there 'router bgp 64512' 'bgp graceful-restart'
frr aws -c 'clear bgp *' >>"$L/frr-aws.out"
wait_sessions gw 1 40
expect_bgp_fine
kill -KILL "$(cat "$W/frr-aws/bgpd.pid")"
expect_verdict aws bgp-stale
rm -f "$W/frr-aws/bgpd.vty"
exec_in aws setsid /usr/lib/frr/bgpd -u frr -g frr --vty_socket "$W/frr-aws" -z "$W/frr-aws/zserv.api" -i "$W/frr-aws/bgpd.pid" \
	-f "$W/frr-aws/bgpd.conf" -A 127.0.0.1 -P 0 --log stdout >>"$L/frr-aws-bgpd.log" 2>&1 &
wait_for $(( 20 * slack )) "bgpd of aws opens its socket" test -S "$W/frr-aws/bgpd.vty"
there_speaks
expect_bgp_fine

# From an address that is not here, to a peer that waits for us.
there 'router bgp 64512' 'neighbor 169.254.21.2 passive'
here 'router bgp 65010' "neighbor $peer update-source 192.0.2.99"
frr gw -c 'clear bgp *' >>"$L/frr-gw.out"
expect_verdict aws bgp-source
mend
expect_bgp_fine

# The tunnel comes up between two tries of a peer that waits for us. One is made when the interface comes up: what it leads to would be too fast to be seen.
here 'router bgp 65010' "neighbor $peer timers connect 60"
ctl down aws >/dev/null
wait_for $(( 20 * slack )) "the session of gw ends" sessions_are gw 0
there 'router bgp 64512' 'neighbor 169.254.21.2 shutdown'
ctl up aws >/dev/null
wait_up aws
expect_verdict aws bgp-waiting 30
there 'router bgp 64512' 'no neighbor 169.254.21.2 shutdown'
expect_words .text 'nothing has failed: (the next try is in [0-9]+ s|ask again)'
here 'router bgp 65010' "neighbor $peer timers connect 3"
frr gw -c 'clear bgp *' >>"$L/frr-gw.out"
there 'router bgp 64512' 'no neighbor 169.254.21.2 passive'
expect_bgp_fine

# The peer's address is in the network behind it; a route is all that is missing; then not even that.
s2sd_reload < <(aws_conf 'routes: [10.20.0.1/32]' "${bgp_block/169.254.21.1/10.20.0.1}")
there 'router bgp 64512' 'neighbor 169.254.21.2 passive' 'neighbor 169.254.21.2 ebgp-multihop 4' 'neighbor 169.254.21.2 update-source 10.20.0.1'
here 'router bgp 65010' "no neighbor $peer" 'neighbor 10.20.0.1 remote-as 64512' 'neighbor 10.20.0.1 timers connect 3' 'no bgp ebgp-requires-policy' \
	'address-family ipv4 unicast' 'neighbor 10.20.0.1 activate'
# What the peer waits for is never begun; what it begins comes up all the same, and brings nothing.
expect_verdict aws bgp-multihop 30
expect_words .text '10.20.0.1 is in no network that this machine is connected to'
expect_words '.evidence | join(";")' 'FRR .default.: (Active|Idle|Connect)'
there 'router bgp 64512' 'no neighbor 169.254.21.2 passive'
began_by_the_peer() { expect_verdict aws bgp-multihop 40 && grep 'the peer began this session' "$W/verdict" >/dev/null; }
wait_for $(( 60 * slack )) "explain aws: the session is up, and brings nothing without ebgp-multihop" began_by_the_peer
mend
expect_bgp_fine
s2sd_reload < <(aws_conf 'routes: []' "${bgp_block/169.254.21.1/10.99.0.1}")
here 'router bgp 65010' 'no neighbor 10.20.0.1' 'neighbor 10.99.0.1 remote-as 64512' 'neighbor 10.99.0.1 ebgp-multihop 4'
expect_verdict aws bgp-down
expect_words '.evidence | join(";")' 'No AFI/SAFI activated'
here 'router bgp 65010' 'address-family ipv4 unicast' 'neighbor 10.99.0.1 activate'
expect_verdict aws bgp-no-route
expect_words .here 'ip route get 10.99.0.1'
kill "$pings"
s2sd_stop
