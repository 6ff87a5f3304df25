# Both ends rekey at the same moment, again and again: the tunnel lives, and explain tells of the collisions.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 180
. "$LAB/explain.sh"
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
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

# A slow path makes them meet.
in_ns gw tc qdisc add dev out root netem delay 700ms
in_ns aws tc qdisc add dev out root netem delay 700ms
for round in $(seq 30); do
	swan aws --rekey --child net >>"$L/peer-aws.out" 2>&1 &
	ctl rekey aws --timeout 15 >>"$L/ctl.out" 2>&1 || true
	wait $! || true
	pause 2
	verdict_is aws collisions && break
	note "round $round: $(grep -c 'rekeyed child SA .* at once' "$L/s2sd-gw.log" || true) collisions"
done
expect_verdict aws collisions 5
expect_words .text '[3-9] collisions in ten minutes'
expect_words .there 'Rekey margin time 270'
expect_status aws .state up
s2sd_stop gw 15
