# A host talks without pause to the other side through everything that can happen: nothing of it may ever be seen outside.
# timeout: 90
# smoke
aws_sites
aws_start 's2sd: {on-exit: guard, retry-min: 1s, retry-max: 2s}' 'dpd-interval: 2s' 'dpd-timeout: 4s'
note "before it was ever up"
ping_begin gw-host 10.20.0.10 0.02
pause 2
aws_peer
wait_up aws
note "rekeys"
ctl rekey aws
ctl rekey --ike aws
peer_rekey aws child
note "by hand down and up"
ctl down aws
pause 1
ctl up aws
note "the peer is gone"
peer_kill aws
wait_status aws .state connecting 15
pause 1
peer_run aws
wait_up aws 15
note "the uplink is lost and returns"
ip -n gw link set out down
pause 1
ip -n gw link set out up
ip -n gw route replace default via 198.51.100.1
wait_up aws 20
wait_ping gw 169.254.21.1 15
note "stopped, the guard stays"
s2sd_stop
pause 2
[[ $(ip -n gw route show 10.20.0.0/24) == *unreachable* ]] || fail "no unreachable route is left: $(ip -n gw route | tr '\n' ' ')"
ping_end gw-host 1000000
no_clear_text esp
