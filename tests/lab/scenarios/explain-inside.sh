# The inside addresses of the two ends are in different networks: seen from the settings, and from what the peer says of its own; one that the cloud does not take.
# timeout: 150
. "$LAB/explain.sh"
aws_world
ip -n aws addr flush dev tun
ip -n aws addr add 169.254.22.1/30 dev tun
ip -n aws route replace 10.1.0.0/24 dev tun
ip -n aws route add unreachable 169.254.0.0/16 # links of others are nowhere, as in a VPC

# By the settings: the peer's own address, and ours of another link.
aws_start 'bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.22.1}'
wait_up aws
expect_first aws inside-apart
expect_words .text 'ours is 169\.254\.21\.2/30, the peer.s 169\.254\.22\.1'
expect_words .blame local

# An inside network that the cloud keeps for itself, as check says it.
s2sd_stop
aws_start 'inside: 169.254.5.2/30' 'bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.5.1}'
wait_up aws
expect_first aws inside-range
expect_words .text '169\.254\.5\.2/30: AWS keeps 169\.254\.5\.0/30 for itself'
expect_words .blame local

# By what the peer says, asked from an address that it has a way to: both settings are of one link, and the peer's is not that one.
s2sd_stop
aws_start
wait_up aws
expect_first aws up
status=0
ctl ping aws --from 10.1.0.1 --json >"$W/ping.json" 2>"$W/ping.err" || status=$?
jq -c . "$W/ping.json" >"$L/ping.json"
[ "$status" -eq 1 ] || fail "ping: status $status: $(cat "$W/ping.err")"
[ "$(jq -r '.targets[0].result' "$W/ping.json")" = inside-apart ] || fail "ping: $(cat "$W/ping.json")"
jq -r '.targets[0].text' "$W/ping.json" | grep '169\.254\.22\.1, which is not in our inside network 169\.254\.21\.2/30' >/dev/null ||
	fail "the peer's address is not named: $(cat "$W/ping.json")"
s2sd_stop

# What is advised mends it.
aws_start 'inside: 169.254.22.2/30' 'bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.22.1}'
wait_up aws
expect_verdict aws bgp-no-daemon
expect_gone aws inside-apart
ctl ping aws >"$L/mended.txt" || fail "the peer does not answer: $(cat "$L/mended.txt")"
s2sd_stop
