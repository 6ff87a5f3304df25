# Something of somebody else's has the name of our interface: it is left alone, and explain names it.
# timeout: 90
. "$LAB/explain.sh"
aws_world

ip -n gw link add s2s-aws type dummy
aws_start
expect_verdict aws kernel
expect_words '.evidence | join(";")' 'interface s2s-aws'
expect_words .blame local
ip -n gw -d link show s2s-aws | grep dummy >/dev/null || fail "the foreign interface is gone"
s2sd_stop
ip -n gw link del s2s-aws
s2sd_run
wait_up aws
expect_first aws up
s2sd_stop
