# Somebody else's interface has the name that ours would take: said in status, explain and log, nobody is dialled; when it goes the tunnel comes by itself.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24

ip -n gw link add s2s-aws type veth peer name other
key aws.psk lab-secret
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
END
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
keeper=$(s2sd_pid)
read -r engine _ <"/proc/$keeper/task/$keeper/children" || true # the line has no end
[ -n "$engine" ] || fail "the daemon has no second process"
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
