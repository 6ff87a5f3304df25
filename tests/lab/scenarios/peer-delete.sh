# The peer deletes the child, then the whole IKE SA: we obey, and dial again by ourselves.
# timeout: 60
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

old=$(child_spis aws)
swan aws --terminate --child net >>"$L/peer-aws.out" 2>&1 || fail "the peer cannot delete its child"
wait_new child aws "$old"
wait_ping gw-host 10.20.0.10 5

old=$(ike_spis aws)
swan aws --terminate --ike peer >>"$L/peer-aws.out" 2>&1 || fail "the peer cannot delete its IKE SA"
wait_new ike aws "$old"
wait_up aws
wait_ping gw-host 10.20.0.10 5

# It leaves in good order and returns.
peer_stop aws
wait_status aws .state connecting
peer_run aws
wait_up aws
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
