# BGP over a tunnel, with BIRD here and at the endpoint: what explain makes of BIRD's words.
# timeout: 180
# needs: routing
. "$LAB/bgp.sh"
aws_world
aws_start 'routes: []' "$bgp_block"
wait_up aws
ordinary_place bird

bird_of()
{
	exec_in "$1" setsid /usr/sbin/bird -f -c "$W/bird-$1/bird.conf" -s "$W/bird-$1/bird.ctl" -P "$W/bird-$1/pid" >>"$L/bird-$1.log" 2>&1 &
	wait_for $(( 20 * slack )) "BIRD of $1 opens its socket" test -S "$W/bird-$1/bird.ctl"
}

bird()
{
	in_ns "$1" birdc -s "$W/bird-$1/bird.ctl" "${@:2}" >>"$L/birdc" || fail "birdc ${*:2} in $1 fails"
}

# there_bird AS LINE...: the endpoint's session with us, by these lines.
there_bird()
{
	local line

	mkdir -p "$W/bird-aws"
	{
		cat <<-END
			log stderr all;
			router id 169.254.21.1;
			protocol device { scan time 2; }
			protocol static { ipv4; route 10.20.0.0/24 blackhole; route 10.21.0.0/24 blackhole; }
			protocol bgp office {
				local 169.254.21.1 as 64512;
				neighbor 169.254.21.2 as $1;
				hold time 9; connect delay time 1; connect retry time 3; error wait time 2, 4;
		END
		for line in "${@:2}"; do printf '\t%s\n' "$line"; done
		echo '}'
	} >"$W/bird-aws/bird.conf"
}
all='ipv4 { import all; export where source = RTS_STATIC; };'

# here_bird SED: what export writes, changed, and taken.
here_bird()
{
	"$S2SCTL" export bird "$W/s2sd-gw/s2sd.yaml" | sed -e 's/error wait time 5, 60/error wait time 2, 4/; s/connect retry time 10/connect retry time 3/' -e "${1:-}" \
		>"$W/bird-gw/bird.conf"
	[ ! -S "$W/bird-gw/bird.ctl" ] || bird gw configure
}

# Nobody; BIRD without the session; the session, and nobody there.
expect_verdict aws bgp-no-daemon
echo 'router id 10.9.9.9; protocol device {}' >"$W/bird-gw/bird.conf"
bird_of gw
expect_verdict aws bgp-not-configured
expect_words .here 's2sctl export bird'
here_bird
expect_verdict aws bgp-refused
there_bird 65010 "$all"
bird_of aws
expect_bgp_fine

# Shut down here and there.
bird gw disable s2s_aws
expect_first aws bgp-shutdown
mend
expect_bgp_fine
bird aws disable office '"planned work"'
expect_verdict aws bgp-shutdown-there
expect_words '.evidence | join(";")' 'planned work'
bird aws enable office
expect_bgp_fine

# AS numbers.
here_bird 's/neighbor 169.254.21.1 as 64512/neighbor 169.254.21.1 as 64513/'
expect_verdict aws bgp-settings
aws_reload 'routes: []' "${bgp_block/64512/64513}"
expect_verdict aws bgp-peer-as
aws_reload 'routes: []' "$bgp_block"
here_bird
expect_bgp_fine
there_bird 65011 "$all"
bird aws configure
expect_verdict aws bgp-local-as
there_bird 65010 "$all"
bird aws configure
expect_bgp_fine

# Silence.
drop_bgp aws
expect_verdict aws bgp-hold-timer 60
bird gw restart s2s_aws
expect_verdict aws bgp-no-answer
pass_bgp aws
expect_bgp_fine
own_rule gw output 'tcp dport 179 drop; tcp sport 179 drop'
bird gw restart s2s_aws
expect_verdict aws bgp-firewall
in_ns gw nft delete table inet filter
expect_bgp_fine

# Routes: a filter that rejects all, a limit, none sent, none received, one that is not used.
here_bird 's/^\taccept;$/\treject;/; /^filter s2s_aws_out/,/^}/s/reject;$/accept;/'
expect_verdict aws bgp-filtered
expect_words .here 's2s_aws_in'
here_bird
expect_bgp_fine
here_bird 's/import limit 5000 action restart/import limit 1 action disable/'
bird gw restart s2s_aws
expect_verdict aws bgp-limit
expect_words .here 'birdc enable s2s_aws'
here_bird
bird gw enable s2s_aws
expect_bgp_fine
here_bird 's/export filter s2s_aws_out/export none/'
expect_verdict aws bgp-nothing-sent
here_bird
expect_bgp_fine
there_bird 65010 'ipv4 { import all; export none; };'
bird aws configure
bird gw restart s2s_aws
expect_verdict aws bgp-nothing-received
there_bird 65010 "$all"
bird aws configure
expect_bgp_fine
ip -n gw route add 10.20.0.0/24 via 10.1.0.10 dev lan
expect_verdict aws bgp-not-installed
mend
expect_bgp_fine

# BIRD that does not answer; who may not ask.
kill -STOP "$(cat "$W/bird-gw/pid")"
expect_verdict aws bgp-hangs
expect_words .text 'BIRD runs here, but does not answer'
kill -CONT "$(cat "$W/bird-gw/pid")"
chmod 660 "$W/bird-gw/bird.ctl"
in_ns gw setpriv --reuid 65534 --regid 65534 --groups "$(stat -c %g "$W/s2sd-gw/run/control.sock")" --no-new-privs \
	"$S2SCTL" explain aws -r "$W/s2sd-gw/run" >"$L/unprivileged"
grep -q 'not seen: BGP: BIRD may be asked by root and the group bird only' "$L/unprivileged" || fail "explain to somebody without rights: $(cat "$L/unprivileged")"
expect_bgp_fine
kill "$pings"
s2sd_stop
