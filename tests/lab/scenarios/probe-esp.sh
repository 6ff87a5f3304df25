# `s2sctl probe --esp`: a healthy tunnel; ESP dropped by a router, one way and both, while IKE passes, and what it then advises is done; a peer that does not
# answer; everything dropped.
#
#   gw ---------------- inet ---------------- aws
# timeout: 240
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
peer_start aws aws psk=Abcdefgh.0123456789xyz inside=169.254.21.1/30 routes=10.1.0.0/24
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
probed 0 passes
for way in 'ip saddr 198.51.100.7' 'ip daddr 198.51.100.7'; do
	in_ns inet nft -f - <<<"table ip lab { chain f { type filter hook forward priority 0; $way ip protocol esp drop; }; }"
	probed 1 esp-dropped
	[ "$(jq -r .ike_heard "$W/probe.json")" = true ] || fail "IKE was not heard: $(cat "$W/probe.json")"
	jq -r .todo "$W/probe.json" | grep "encapsulation: udp" >/dev/null || fail "the setting is not named"
	in_ns inet nft delete table ip lab
done
# The advice mends it.
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; ip protocol esp drop; }; }'
settings 'encapsulation: udp'
ctl reload
encapsulated() { [ "$(tunnel aws .ike.encapsulation)" = udp ] && [ "$(tunnel aws .state)" = up ]; }
wait_for 20 "ESP goes in UDP" encapsulated
probed 0 passes
# A peer that answers nothing inside, over a path that carries it.
in_ns aws nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; ip protocol icmp drop; }; }'
probed 1 udp-unanswered
in_ns aws nft delete table ip lab
in_ns inet nft delete table ip lab
# Nothing at all.
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; drop; }; }'
probed 1 nothing-heard
in_ns inet nft delete table ip lab
s2sd_stop
