# What the counters of a tunnel that is up show, and what explain says of it: nothing wrong when it is idle, no return traffic, packets twice,
# packets damaged. Each is mended.
# timeout: 250
. "$LAB/explain.sh"
aws_world
aws_start 'dpd-interval: 3s'
wait_up aws
wait_ping gw-host 10.20.0.10

# The peer answers the liveness checks of an idle tunnel: that is no proof that its traffic is lost.
liveness_checks() { ctl show aws --json | jq '.tunnels[0].liveness_checks'; }
checked_since() { [ "$(liveness_checks)" -gt "$1" ]; }
in_ns gw-host ping -c 5 -i 0.2 -W 1 -q 10.20.0.10 >/dev/null
wait_for 20 "an idle tunnel's liveness check" checked_since "$(liveness_checks)"
pause 0.5
expect_first aws up

# One way only, whatever is rekeyed.
in_ns aws-host nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; drop; }; }'
ctl rekey aws
in_ns gw-host ping -c 5 -i 0.8 -W 1 -q 10.20.0.10 >/dev/null || true
expect_verdict aws outbound-only
expect_words '.evidence[0]' '[1-9][0-9]* packets went out and none came in'
expect_words .there 'VPC route table'
in_ns aws-host nft delete table ip lab
wait_ping gw-host 10.20.0.10
expect_gone aws outbound-only
in_ns gw-host nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; drop; }; }'
ctl rekey aws
in_ns aws-host ping -c 5 -i 0.8 -W 1 -q 10.1.0.10 >/dev/null || true
expect_verdict aws inbound-only
expect_words .here 'dev s2s-aws'
in_ns gw-host nft delete table ip lab
wait_ping gw-host 10.20.0.10
expect_gone aws inbound-only

# Twice, and damaged.
in_ns aws tc qdisc add dev out root netem duplicate 50%
in_ns gw-host ping -c 30 -i 0.02 -W 1 -q 10.20.0.10 >/dev/null || true
in_ns aws tc qdisc del dev out root
expect_verdict aws replay
expect_words .text '[1-9][0-9]* were dropped by the replay check'
in_ns aws tc qdisc add dev out root netem corrupt 60%
in_ns gw-host ping -c 40 -i 0.02 -W 1 -q -s 1000 10.20.0.10 >/dev/null || true
in_ns aws tc qdisc del dev out root
expect_verdict aws integrity
expect_words .blame network
ctl rekey aws
wait_ping gw-host 10.20.0.10
expect_gone aws integrity 75
expect_gone aws replay 75
s2sd_stop
