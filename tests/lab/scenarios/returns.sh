# Two peers lose power at one moment and come back together, only listening: one of ours, one of a strongSwan gateway. Who has traffic first?
#
#   gw-host ---- gw (s2sd) ------ inet ------ aws ---- aws-host        west-host ---- west (strongSwan) ---- inet ---- east ---- east-host
#   10.1.0.10    198.51.100.7            203.0.113.10  10.20.0.10      10.3.0.10      192.0.2.8            198.18.5.11     10.40.0.10
#
# Ours is back within three seconds of the peer's return (the simulator proves that to the millisecond: listens-again). strongSwan, told to
# restart a dead peer's connection and with the same liveness interval, is measured beside it; its figure is shown, and has no limit.
# timeout: 150
aws_sites
site west 192.0.2.8 10.3.0
site east 198.18.5.11 10.40.0
aws_peer
peer_start east aws us=west inside=169.254.22.1/30 routes=10.3.0.0/24
peer_start west none us=east start=dial dpd=10 dpd-action=restart close-action=start inside=169.254.22.2/30 routes=10.40.0.0/24
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
wait_ping west-host 10.40.0.10

# ask NS ADDRESS: a ping each tenth of a second for good; answers are written with the time they came.
ask()
{
	in_ns "$1" ping -D -n -i 0.1 -W 1 "$2" >"$W/answers-$1" 2>&1 &
	echo $! >"$W/ping-$1"
}

# answered NS MOMENT: the first answer after that moment (ms) has come.
answered()
{
	awk -v since="$2" -F '[][]' '/bytes from/ && $2 * 1000 > since { printf "%d\n", $2 * 1000 - since; found = 1; exit } END { exit !found }' \
		"$W/answers-$1" >"$W/took-$1"
}

for away in 6 25; do
	ask gw-host 10.20.0.10
	ask west-host 10.40.0.10
	peer_kill aws
	peer_kill east
	dead=$(now_ms)
	pause "$away"
	peer_run aws
	back_aws=$(now_ms)
	wait_for 30 "traffic of ours after the peer's return" answered gw-host "$dead"
	peer_run east
	back_east=$(now_ms)
	ours=$(( dead + $(cat "$W/took-gw-host") - back_aws ))
	note "away for $away s: our traffic was back $ours ms after the peer listened again (less than 0: while swanctl still told it)"
	[ "$ours" -le 3000 ] || fail "our traffic came back $ours ms after the peer did, 3000 are allowed"
	end=$(( $(now_ms) + 40000 ))
	until answered west-host "$dead" || [ "$(now_ms)" -gt "$end" ]; do pause 0.2; done
	if [ -s "$W/took-west-host" ]; then
		note "away for $away s: strongSwan's traffic was back $(( dead + $(cat "$W/took-west-host") - back_east )) ms after its peer listened again"
	else
		note "away for $away s: strongSwan's traffic was not back 40 s after its peer listened again; it is started anew"
		peer_kill west
		peer_run west
		wait_ping west-host 10.40.0.10
	fi
	kill "$(cat "$W/ping-gw-host")" "$(cat "$W/ping-west-host")"
	wait_up aws
done
s2sd_stop
kernel_is_clean
