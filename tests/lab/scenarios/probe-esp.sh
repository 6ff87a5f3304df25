# `s2sctl probe --esp`: a healthy tunnel; ESP dropped by a router, one way and both, while IKE passes: it comes back in UDP, and goes on without when the
# trial is over, or its client killed; what it advises is done; a peer that does not answer, tried and not; UDP 4500 dropped as well; everything dropped.
#
#   gw ---------------- inet ---------------- aws
# timeout: 420
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
peer_start aws aws unique=no psk=Abcdefgh.0123456789xyz inside=169.254.21.1/30 routes=10.1.0.0/24
key aws.psk Abcdefgh.0123456789xyz

settings()
{
	s2sd_configure <<-END
		tunnels:
		  aws:
		    cloud: aws
		    remote: 203.0.113.10
		    psk-file: aws.psk
		    inside: 169.254.21.2/30
		    routes: [10.20.0.0/24]
		    $*
	END
}

# probed STATUS VERDICT
probed()
{
	local status=0

	in_ns gw "$S2SCTL" -r "$W/s2sd-gw/run" probe --esp --json aws >"$W/probe.json" 2>"$W/probe.err" || status=$?
	jq -c . "$W/probe.json" >>"$L/probe.txt"
	[ "$(jq -r .verdict "$W/probe.json")" = "$2" ] || fail "probe --esp: expected $2, saw $(cat "$W/probe.json" "$W/probe.err")"
	[ "$status" -eq "$1" ] || fail "probe --esp: status $status for $2"
}

settings
s2sd_run
wait_up aws
plain() { [ "$(tunnel aws .ike.encapsulation)" = none ] && [ "$(tunnel aws .state)" = up ]; }
encapsulated() { [ "$(tunnel aws .ike.encapsulation)" = udp ] && [ "$(tunnel aws .state)" = up ]; }
drop() { in_ns inet nft -f - <<<"table ip lab { chain f { type filter hook forward priority 0; $1 drop; }; }"; }
probed 0 passes
[ "$(jq -r .trial "$W/probe.json")" = null ] || fail "something was tried on a healthy tunnel"
for way in 'ip saddr 198.51.100.7' 'ip daddr 198.51.100.7'; do
	drop "$way ip protocol esp"
	probed 1 udp-helps
	[ "$(jq -r .ike_heard "$W/probe.json")" = true ] || fail "IKE was not heard: $(cat "$W/probe.json")"
	[ "$(jq -r '.trial | "\(.made) \(.back) \(.ping.answered > 0)"' "$W/probe.json")" = "true true true" ] ||
		fail "the trial: $(jq -c .trial "$W/probe.json")"
	jq -r .todo "$W/probe.json" | grep "encapsulation: udp" >/dev/null || fail "the setting is not named"
	plain || fail "ESP still goes in UDP"
	in_ns inet nft delete table ip lab
done
ctl events --json | jq -r .events[].code >"$L/events.txt"
grep -x down "$L/events.txt" >/dev/null && fail "the tunnel went down for a trial"
# Who asked is killed: nobody waits for the minute.
drop 'ip protocol esp'
nsenter --net=/run/netns/gw -- "$S2SCTL" -r "$W/s2sd-gw/run" probe --esp aws >"$L/killed.txt" 2>&1 & # no function: the pid is its own
prober=$!
wait_for 40 "ESP goes in UDP for the trial" encapsulated
kill -9 "$prober"
wait "$prober" && fail "probe --esp was not killed"
wait_for 20 "ESP goes as configured again" plain
# The path carries both, and the peer answers nothing inside.
in_ns inet nft delete table ip lab
in_ns aws nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; ip protocol icmp drop; }; }'
probed 1 udp-no-help
in_ns aws nft delete table ip lab
# It cannot be tried.
drop 'udp dport 4500'
in_ns inet nft add rule ip lab f ip protocol esp drop
probed 1 esp-dropped
[ "$(jq -r '.trial | "\(.made) \(.ping)"' "$W/probe.json")" = "false null" ] || fail "the trial: $(jq -c .trial "$W/probe.json")"
in_ns inet nft delete table ip lab
# The advice mends it.
drop 'ip protocol esp'
settings 'encapsulation: udp'
ctl reload
wait_for 20 "ESP goes in UDP" encapsulated
probed 0 passes
# A peer that answers nothing inside, over a path that carries it.
in_ns aws nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; ip protocol icmp drop; }; }'
probed 1 udp-unanswered
in_ns aws nft delete table ip lab
in_ns inet nft delete table ip lab
# Nothing at all.
drop ''
probed 1 nothing-heard
in_ns inet nft delete table ip lab
s2sd_stop
