# The peer rekeys children and IKE SA, again and again, under a dense flow in both directions: not one packet may be lost.
# timeout: 90
# smoke
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
ping_begin gw-host 10.20.0.10 0.01
ping_begin aws-host 10.1.0.10 0.01
for round in 1 2 3; do
	note "round $round"
	old=$(child_spis aws)
	peer_rekey aws child
	wait_new child aws "$old"
	old=$(ike_spis aws)
	peer_rekey aws ike
	wait_new ike aws "$old"
done
# Both at the same moment: whatever the order, one pair is left (RFC 7296 2.8.1).
old=$(child_spis aws)
swan aws --rekey --child net >>"$L/peer-aws.out" 2>&1 &
ctl rekey aws || note "our rekey gave way to theirs"
wait $! || true
wait_new child aws "$old"
pause 3
expect_status aws '.children | length' 1
ping_end gw-host
ping_end aws-host
no_clear_text esp
