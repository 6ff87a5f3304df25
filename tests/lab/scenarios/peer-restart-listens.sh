# A peer that only listens loses power and comes back, knowing nothing: we find out by liveness checks and dial again.
# timeout: 80
aws_world
aws_start 'dpd-interval: 3s' 'dpd-timeout: 6s'
wait_up aws
wait_ping gw-host 10.20.0.10
# Interval, timeout, and a few seconds to dial.
old=$(ike_spis aws)
peer_kill aws
peer_run aws
wait_ping gw-host 10.20.0.10 15
wait_new ike aws "$old" 1
wait_up aws 1

# It stays away longer: we keep trying, and say so.
peer_kill aws
wait_status aws .state connecting 15
expect_error aws 'answer|reach|timeout' 'peer|network'
expect_log s2sd-gw 'aws: down: .*(answer|reach|silent|responsive)'
pause 5
peer_run aws
wait_up aws 15
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
