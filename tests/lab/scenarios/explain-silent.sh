# Who does not answer, does not listen, or is not asked: explain tells them apart and says who has to do what.
# timeout: 260
. "$LAB/explain.sh"
aws_sites
quick=('s2sd: {retry-min: 1s, retry-max: 2s}' 'dpd-interval: 2s' 'dpd-timeout: 6s')

# Not asked.
aws_start "${quick[@]}" 'start: respond'
expect_first aws idle
expect_words .text 'waits for the peer'
expect_words .there 'Startup action: Start'

# Not there.
aws_reload "${quick[@]}" 'remote: nowhere.invalid'
expect_first aws unresolved
expect_words .here 'getent ahosts nowhere.invalid'
aws_reload "${quick[@]}"
ctl down aws
expect_first aws stopped
expect_words .here 's2sctl up aws'
ctl up aws --timeout 1 || true
expect_first aws no-answer 40
expect_words .text 'no answer at all: 203.0.113.10'
expect_words '.evidence | join(";")' 'leave from 198.51.100.7.*nothing was ever received'
expect_words .there "customer gateway's IP address ours as the internet sees it, 198.51.100.7"
ip -n gw route del default
expect_first aws no-route 40
ip -n gw route add default via 198.51.100.1

# There, but deaf for IKE_AUTH: the router eats it (exchange type 35 at octet 18 of the IKE header).
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; udp dport 500 @th,208,8 35 drop; }; }'
aws_peer
expect_first aws no-answer-auth 40
expect_words .here 'UDP 4500'
in_ns inet nft delete table ip lab
wait_up aws 40

# Gone without a word, gone with one.
peer_kill aws
expect_first aws dead-peer 60
expect_words '.evidence | join(";")' 'last heard from at 20.*last came up at 20'
expect_words .there 'AWS tunnel DPD timed out'
peer_run aws
wait_up aws 40
peer_stop aws
expect_verdict aws peer-deleted 10
expect_words .blame peer
peer_run aws
wait_up aws 40

# Our address changes; the peer knows us by the old one.
peer_edit aws 's/^\(\s*remote_addrs =\).*/\1 198.51.100.7/'
ip -n gw addr add 198.51.100.8/24 dev out
ip -n gw addr del 198.51.100.7/24 dev out
ip -n gw addr show dev out | grep 198.51.100.8 >/dev/null || ip -n gw addr add 198.51.100.8/24 dev out
ip -n gw route replace default via 198.51.100.1 src 198.51.100.8
expect_first aws address-changed 60
expect_words .here 'keeps the identity'
expect_words .there 'create one with 198.51.100.8'
s2sd_stop gw 10
