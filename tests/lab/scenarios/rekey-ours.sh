# We rekey children and IKE SA, again and again, under a dense flow in both directions: not one packet may be lost.
# timeout: 120
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
ping_begin gw-host 10.20.0.10 0.01
ping_begin aws-host 10.1.0.10 0.01
two_sas()
{
	[ "$(kernel_spis "$1" | wc -l)" -eq 2 ]
}
for round in 1 2 3; do
	note "round $round"
	old=$(child_spis aws)
	ctl rekey aws
	wait_new child aws "$old"
	# strongSwan forgets to remove a replaced child when its delay for that runs into a rekey of the IKE SA.
	wait_for 20 "the replaced child is gone from the peer's kernel" two_sas aws
	old=$(ike_spis aws)
	child=$(child_spis aws)
	ctl rekey --ike aws
	wait_new ike aws "$old"
	[ "$(child_spis aws)" = "$child" ] || fail "an IKE rekey changed the children: $child, now $(child_spis aws)"
done
pause 2
ping_end gw-host
ping_end aws-host
# What was replaced is gone in both kernels, when the grace for late packets is over.
wait_for 20 "exactly two SAs left in our kernel" two_sas gw
wait_for 20 "exactly two SAs left in the peer's kernel" two_sas aws
[ "$(kernel_spis gw)" = "$(kernel_spis aws)" ] || fail "the kernels disagree: $(kernel_spis gw) / $(kernel_spis aws)"
no_clear_text esp
