# A peer with twenty prefixes of its own against our selectors that cover everything: it comes up, in one child SA with all of them. With twenty on
# our side, too, the two ends agree on 400 pairs: more than we hold, which is told as our limit, and blames nobody.
# timeout: 90
. "$LAB/explain.sh"
list() # FIRST-TWO-OCTETS: twenty of their prefixes
{
	seq -s , -f "$1.%g.0/24" 0 19
}
aws_world local-ts="$(list 10.20)" remote-ts=0.0.0.0/0
# The last of the twenty is behind the host of the first.
ip -n aws-host addr add 10.20.19.10/32 dev lo
ip -n aws route add 10.20.19.0/24 via 10.20.0.10

often='s2sd: {retry-min: 1s, retry-max: 2s}'
aws_start "$often" 'routes: [10.20.0.0/24, 10.20.19.0/24]'
wait_up aws
expect_status aws '.children | length' 1
ctl show aws --json | jq -e '.tunnels[0].children[0].remote_ts | length == 20' >/dev/null || fail "not all twenty prefixes are covered"
wait_ping gw-host 10.20.19.10
ping_begin gw-host 10.20.0.10 0.02 first
ping_begin gw-host 10.20.19.10 0.02 last
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old"
pause 1
ping_end first
ping_end last
expect_status aws .last_error null

aws_reload "$often" "local-ts: [$(list 10.1)]"
ctl down aws
ctl up aws --timeout 3 || true
expect_first aws selectors-many
expect_words .blame local
expect_words .text '256 pairs'

aws_reload "$often"
wait_up aws
ping_lossless gw-host 10.20.0.10 20 0.02

# It has one network of two: up, and what is missing is told.
aws_reload "$often" 'remote-ts: [10.20.0.0/24, 10.99.0.0/24]'
ctl rekey aws
expect_verdict aws narrowed
expect_words .text 10.99.0.0/24
expect_status aws .state up
expect_status aws .reason 'partly: 10.99.0.0/24 is not covered'
ctl metrics | grep '^s2s_tunnel_uncovered_prefixes{tunnel="aws"} 1$' >/dev/null || fail "no metric tells it"
ping_lossless gw-host 10.20.0.10 20 0.02
s2sd_stop
kernel_is_clean
