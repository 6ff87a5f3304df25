# Two strongSwans again, one as Azure does it and the other behind NAT, through a new IKE SA, a power loss and a cut path: the
# words of the lab that the plain pair does not use.
#
#   west-host ---- west ---------- west-nat ------- inet ------- azure ---- azure-host
#   10.1.0.10      172.16.0.7      198.51.100.7              192.0.2.10     10.30.0.10
# timeout: 90
# peer-only
internet
nat_site west 172.16.0.7 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
watch_outside
peer_start azure azure us=west start=listen inside=169.254.21.5/30 routes=10.1.0.0/24 remote=0.0.0.0/0 us-id=198.51.100.7
peer_start west azure us=azure inside=169.254.21.6/30 routes=10.30.0.0/24 id=198.51.100.7 retry=4 dpd=2
wait_peer_up west
wait_ping west-host 10.30.0.10
[[ $(swan west --list-sas) == *4500* ]] || fail "no port 4500: $(swan west --list-sas)"
capture_is_complete
[ "$(count_outside esp)" -eq 0 ] || fail "bare ESP outside, though there is NAT"

old=$(peer_ike west)
swan west --rekey --ike peer --reauth >>"$L/peer-west.out" 2>&1 || fail "the peer does not start its new IKE SA"
another_ike()
{
	[ "$(peer_ike west | wc -l)" -eq 1 ] && [ "$(peer_ike west)" != "$old" ]
}
wait_for 10 "a new IKE SA in the place of the old" another_ike
wait_ping west-host 10.30.0.10

peer_kill azure
expect_no_ping west-host 10.30.0.10
peer_run azure
wait_ping west-host 10.30.0.10 20

cut_path azure
expect_no_ping west-host 10.30.0.10
heal_path azure
wait_ping west-host 10.30.0.10 20

peer_stop west
expect_log peer-azure 'received DELETE for IKE_SA'
no_clear_text 'udp port 4500'
