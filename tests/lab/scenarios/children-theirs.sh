# A policy-based peer that makes its children one by one in our route-based tunnel, two and then five: each is kept and carries its own networks, rekeys
# of all lose nothing; one that the peer takes away is told, and the others do not notice.
# timeout: 240
. "$LAB/children.sh"
children_sites 5
s2sd_start < <(wide_conf 5 'start: respond')
peer_makes()
{
	swan aws --initiate --child "net$1" --timeout 20 >>"$L/peer-aws.out" 2>&1 || fail "the peer cannot make net$1: $(tail -n 1 "$L/peer-aws.out")"
}
for n in 1 2; do peer_makes $n; done
wait_up aws
wait_carried 2
for n in 1 2; do wait_ping gw-host "10.20.$n.10"; done
wait_status aws .reason 'partly: 10.20.3.0/24, 10.20.4.0/24, 10.20.5.0/24 are not covered'
flows_begin 2 0.01
peer_rekeys 2
for n in 3 4 5; do peer_makes $n; done
wait_carried 5
flows_end 2

for n in 1 2 3 4 5; do wait_ping gw-host "10.20.$n.10"; done
flows_begin 5 0.01
peer_rekeys 5
we_rekey 5
flows_end 5

flows_begin 5 0.02
swan aws --terminate --child net3 >>"$L/peer-aws.out" 2>&1 || fail "the peer does not close net3"
wait_status aws .reason 'partly: 10.20.3.0/24 is not covered'
expect_status aws .state up
wait_carried 5 3
pause 3
flows_end 5 3
ctl events aws --json | jq -e '[.events[] | select(.code == "narrowed")] | length > 0' >/dev/null || fail "no event tells that 10.20.3.0/24 is not covered"
s2sd_stop
kernel_is_clean
no_clear_text esp
