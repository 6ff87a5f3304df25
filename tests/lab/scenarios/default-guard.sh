# All traffic goes into the tunnel (routes 0.0.0.0/0 and ::/0), the uplink has a default route of the best metric: the peer is reached beside the
# tunnel, everything else only through it, and nothing leaves in clear while it is down.
#
#   gw-host ---- gw ----------------- inet ---- aws ---- aws-host 10.20.0.10, fd00:2::10
#   10.1.0.10    198.51.100.7                   203.0.113.10
#   fd00:1::10   2001:db8:1::7                  2001:db8:2::7
# timeout: 80
aws_sites
ip -n inet addr add 2001:db8:1::1/64 dev to-gw
ip -n gw -batch - <<-END
	addr add 2001:db8:1::7/64 dev out
	route add default via 2001:db8:1::1
	addr add fd00:1::1/64 dev lan
END
ip -n gw-host -batch - <<-END
	addr add fd00:1::10/64 dev out
	route add default via fd00:1::1
END
ip -n aws addr add fd00:2::1/64 dev lan
ip -n aws-host addr add fd00:2::10/64 dev out
ip -n aws-host route add default via fd00:2::1
# What came through the tunnel for the internet is not sent on from there: outside it would look like a leak of ours.
ip -n aws route add blackhole 192.0.2.99
peer_start aws aws inside="169.254.21.1/30 fd00:f::1/126" routes="10.1.0.0/24 fd00:1::/64" local-ts=0.0.0.0/0,::/0 remote-ts=0.0.0.0/0,::/0
aws_start 's2sd: {retry-min: 1s, retry-max: 2s}' 'inside: [169.254.21.2/30, fd00:f::2/126]' 'routes: [0.0.0.0/0, "::/0"]' 'dpd-interval: 2s' 'dpd-timeout: 4s'
note "before it was up, and while it is up"
ping_begin gw-host 10.20.0.10 0.05
exec_in gw-host ping -q -i 0.1 fd00:2::10 >/dev/null 2>&1 &
others=$!
exec_in gw-host ping -q -i 0.1 192.0.2.99 >/dev/null 2>&1 &
others+=" $!"
wait_up aws
wait_ping gw-host 10.20.0.10
wait_ping gw-host fd00:2::10
[[ $(ip -n gw route get 10.20.0.10) == *s2s-aws* ]] || fail "the way to 10.20.0.10: $(ip -n gw route get 10.20.0.10)"
old=$(ike_spis aws)
ctl rekey --ike aws
wait_new ike aws "$old"

note "the peer is gone"
peer_kill aws
wait_status aws .state connecting 15
pause 2
[[ $(ip -n gw route get 10.20.0.10 2>&1) != *'dev out'* ]] || fail "the way to 10.20.0.10 is the uplink: $(ip -n gw route get 10.20.0.10)"
expect_no_ping gw 192.0.2.1
peer_run aws
wait_up aws 15
wait_ping gw-host 10.20.0.10
ping_end gw-host 1000000
# shellcheck disable=SC2086
kill $others
nothing_outside 'host 192.0.2.99 or src net 10.0.0.0/8 or dst net 10.0.0.0/8 or net fd00::/8' 'traffic of hosts, of either family'
s2sd_stop
kernel_is_clean
no_clear_text esp
