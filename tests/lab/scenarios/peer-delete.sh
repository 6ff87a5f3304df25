# The peer deletes the child, then the whole IKE SA: we obey, and dial again by ourselves.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24

key aws.psk lab-secret
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
END
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
