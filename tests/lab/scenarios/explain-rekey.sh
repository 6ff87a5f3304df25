# Both ends rekey at the same moment, again and again: the tunnel lives, and explain reports the collisions.
# timeout: 180
. "$LAB/explain.sh"
aws_world
aws_start
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
