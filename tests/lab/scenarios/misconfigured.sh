# Somebody else's interface has the name that ours would take: said in status, explain and log, nobody is dialled; when it goes the tunnel comes by itself.
# timeout: 60
aws_world

ip -n gw link add s2s-aws type veth peer name other
aws_start
wait_status aws .state misconfigured
expect_error aws 'interface s2s-aws exists and is not ours' local
expect_log s2sd-gw 'aws: interface s2s-aws exists and is not ours'
ctl explain aws >"$L/explain" || true
grep -q 's2s-aws exists and is not ours' "$L/explain" || fail "explain does not name what is in the way: $(cat "$L/explain")"
! ctl up --timeout 5 aws >"$L/up" 2>&1 || fail "up ended 0"
grep -q 'not ours' "$L/up" || fail "up does not say why not: $(cat "$L/up")"
refuse_log peer-aws 'received packet'

knows()
{
	[ "$(tunnel aws .state)" = misconfigured ]
}

# A new engine knows it, too: it dials nobody.
engine=$(engine_pid)
kill -KILL "$engine"
expect_log s2sd-gw 'engine.*(failed|ended)'
wait_for 20 "the new engine knows it" knows
pause 5
refuse_log peer-aws 'received packet'

# What is not ours is not touched, and when it is gone we go on.
grep -q veth <<<"$(ip -n gw -d link show s2s-aws)" || fail "the foreign interface was touched"
ip -n gw link del s2s-aws
wait_up aws 30
wait_ping gw-host 10.20.0.10
s2sd_stop
[ -z "$(kernel_spis gw)" ] && ! ip -n gw link show s2s-aws >/dev/null 2>&1 || fail "something of ours is left"
