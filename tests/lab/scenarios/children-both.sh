# Both ends make the same five children at the same moment: one for each pair is left, and they carry; rekeys lose nothing.
# timeout: 200
. "$LAB/children.sh"
children_sites 5 start=dial
s2sd_start < <(children_conf 1 5)
for n in 1 2 3 4 5; do swan aws --initiate --child "net$n" --timeout 10 >>"$L/peer-aws.out" 2>&1 & done
wait_up aws
wait_carried 5
for n in 1 2 3 4 5; do wait_ping gw-host "10.20.$n.10"; done
flows_begin 5 0.02
both_rekey 5
ike_rekeys 5
pause 2
flows_end 5
s2sd_stop
kernel_is_clean
no_clear_text esp
