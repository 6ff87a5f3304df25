# The peer rekeys children and IKE SA, again and again, under a dense flow in both directions: not one packet may be lost.
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
END
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
