# Lifetimes of seconds: children and IKE SA are renewed by our own clock, in time, with no packet lost and no hand in it.
# timeout: 90
aws_world
aws_start 'ike-lifetime: 25s' 'esp-lifetime: 12s'
wait_up aws
wait_ping gw-host 10.20.0.10
ping_begin gw-host 10.20.0.10 0.02
ike=$(ike_spis aws)
for round in 1 2 3; do
	old=$(child_spis aws)
	wait_new child aws "$old" 15
done
wait_new ike aws "$ike" 10
expect_status aws .state up
ping_end gw-host
refuse_log s2sd-gw 'aws: down'
s2sd_stop
kernel_is_clean
no_clear_text esp
