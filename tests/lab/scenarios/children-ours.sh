# Several children per tunnel that we make, two and then five, with strongSwan as a policy-based peer: rekeys of all by either end and by both lose
# nothing; a pair that the peer has no more is told, and the others do not notice.
# timeout: 240
. "$LAB/children.sh"
children_sites 5
s2sd_start < <(children_conf 1 2)
wait_up aws
wait_carried 2
for n in 1 2; do wait_ping gw-host "10.20.$n.10"; done
flows_begin 2 0.01
peer_rekeys 2
we_rekey 2
flows_end 2

s2sd_reload < <(children_conf 1 5)
wait_carried 5
for n in 1 2 3 4 5; do wait_ping gw-host "10.20.$n.10"; done
expect_status aws .reason null
flows_begin 5 0.01
peer_rekeys 5
we_rekey 5
both_rekey 5
ike_rekeys 5
flows_end 5

flows_begin 5 0.02
peer_edit aws '/^[[:space:]]*net3 {/,/}/d'
swan aws --terminate --child net3 >>"$L/peer-aws.out" 2>&1 || fail "the peer does not close net3"
wait_status aws .reason 'partly: 10.20.3.0/24 is not covered'
expect_status aws .state up
wait_carried 5 3
pause 5
flows_end 5 3
ctl events aws --json | jq -e '[.events[] | select(.code == "narrowed")] | length > 0' >/dev/null || fail "no event tells that 10.20.3.0/24 is not covered"
s2sd_stop
kernel_is_clean
no_clear_text esp
