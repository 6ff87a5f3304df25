# Lifetimes of seconds: children and IKE SA are renewed by our own clock, in time, with no packet lost and no hand in it.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 90
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
	    ike-lifetime: 25s
	    esp-lifetime: 12s
END
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
