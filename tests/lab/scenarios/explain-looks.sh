# What every command prints fits a terminal of 80 columns, is plain in a pipe and JSON where asked for, and carries nothing that a terminal obeys: with a
# peer whose identity is made of escape sequences, a settings file whose name is, and a cloud's file that is full of them.
#
#   gw-host ---- gw ---------------- inet ----+----------- aws, a good one
#   10.1.0.10    198.51.100.7                 +----------- evil 203.0.114.10
# timeout: 150
. "$LAB/explain.sh"
aws_sites
site evil 203.0.114.10 10.30.0
aws_peer
# ESC [ 2 J, a line's end, BEL, ESC ] 0 ; x, a right-to-left override, half a character
peer_start evil aws inside=169.254.22.1/30 routes=10.1.0.0/24 id='"fqdn:#1b5b324a0d0a071b5d303b78e280aeff"'

key aws.psk lab-secret-of-both-ends
s2sd_start <<-END
	s2sd: {retry-min: 1s, retry-max: 2s}
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    dpd-interval: 2s
	    inside: 169.254.21.2/30
	    bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.21.1}
	  azure-with-a-name-as-long-as-any:
	    cloud: azure
	    remote: 203.0.114.10
	    psk-file: aws.psk
	    dpd-interval: 2s
	    inside: 169.254.22.2/30
	    routes: [10.30.0.0/24, 10.31.0.0/24, 10.32.0.0/24, 10.33.0.0/24, 10.34.0.0/24, 10.35.0.0/24]
	    ike-proposals: aes256-sha256-modp2048
	    esp-proposals: aes256-sha256-modp2048
END
wait_up aws
evil=azure-with-a-name-as-long-as-any
expect_first "$evil" identity 40
expect_words .text 'identifies itself as fqdn:\\x1b\[2J\\x0d\\x0a\\x07\\x1b\]0;x|identifies itself as \\x1b\[2J\\x0d\\x0a\\x07\\x1b\]0;x'
expect_log s2sd-gw 'id-refused|itself .*x1b\[2J'

cat >"$W/cloud.json" <<-'END'
	{"VpnConnections": [{"VpnConnectionId": "vpn-\u001b[2J\n", "State": "\u001b]0;x\u0007", "CustomerGatewayConfiguration": "\u009b31m",
		"Tags": [{"Key": "Name", "Value": "\u001b[31m\r\n\u202e"}]}]}
END
settings=$W/s2sd-gw/s2sd.yaml

# One line per way to call it. Those marked - write documents, whose lines are as long as they are.
calls()
{
	cat <<-END
		status
		show aws
		show $evil
		show algorithms
		show profile azure
		up aws
		down $evil
		rekey aws
		rekey --ike aws
		rekey --check aws
		reload --dry-run
		check $settings
		- export frr $settings
		- export bird $settings
		events
		top --once
		- metrics
		trace --seconds 6 aws
		ping --count 1 aws
		certificate check $settings
		- report -c $settings
		import aws $W/cloud.json --dry-run
		explain aws
		explain $evil
		probe 203.0.113.10
		genpsk
		version
		- upgrade-check --program $S2SD
		help
	END
}

commands=$(ctl help --json | jq -r '.commands[].command')
for name in $commands; do
	grep -q "^$name\( \|\$\)" <<<"$(calls | sed 's/^- //')" || fail "the command $name is not looked at here"
done

# harmless FILE CALL: nothing but text, lines and tabs
harmless()
{
	! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$1" ||
		fail "$2: it prints what a terminal obeys: $(LC_ALL=C grep -m 1 -P '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$1" | cat -v)"
}

# fits CALL WIDTH: what came to the terminal; colours may be there.
fits()
{
	local wide

	sed 's/\x1b\[[0-9;]*m//g; s/\r*$//' "$W/tty" >"$W/plain"
	[ -s "$W/plain" ] || fail "s2sctl $1 prints nothing on a terminal"
	harmless "$W/plain" "s2sctl $1 on a terminal"
	wide=$(expand "$W/plain" | awk -v most="$2" 'length($0) > most { print; exit }')
	[ -z "$wide" ] || fail "s2sctl $1: wider than $2 columns: $wide"
}

look()
{
	local call=$1 limit=80 status=0

	[ "${call#- }" = "$call" ] || { call=${call#- } limit=99999; }
	note "s2sctl $call"
	in_ns gw env TERM=xterm script -qec "stty cols 80 rows 40; $S2SCTL -r $W/s2sd-gw/run $call" /dev/null </dev/null >"$W/tty" 2>&1 || status=$?
	[ "$status" -lt 2 ] || fail "s2sctl $call ends with $status: $(tail -n 1 "$W/tty")"
	fits "$call" "$limit"
	in_ns gw "$S2SCTL" -r "$W/s2sd-gw/run" $call >"$W/pipe" 2>&1 </dev/null || true
	harmless "$W/pipe" "s2sctl $call in a pipe"
	in_ns gw "$S2SCTL" -r "$W/s2sd-gw/run" --json $call >"$W/json" 2>"$W/err" </dev/null || true
	[ "$(jq -s 'map(type) | unique | join(" ")' "$W/json" 2>&1)" = '"object"' ] || fail "s2sctl --json $call: no JSON objects: $(head -c 200 "$W/json" "$W/err")"
	harmless "$W/json" "s2sctl --json $call"
	harmless "$W/err" "s2sctl --json $call, stderr"
}

printf 'a\033[2Jb\n' >"$W/bad"
must_fail harmless "$W/bad" "this"
printf '%081d\n' 0 >"$W/tty"
must_fail fits "this" 80

while read -r call; do look "$call"; done < <(calls)
in_ns gw env TERM=xterm script -qec "stty cols 80; for c in $(xargs <<<"$commands"); do $S2SCTL help \$c || exit; done" /dev/null </dev/null >"$W/tty" ||
	fail "help on a command fails: $(tail -n 1 "$W/tty")"
fits 'help COMMAND' 80

# A file whose name is hostile, and which is refused.
mkdir -p "$W/s2sd-gw/conf.d"
echo 'tunnels: {x: {no-such-key: "'$'\u009b''31m"}}' >"$W/s2sd-gw/conf.d/"$'\e[31m\n\a.yaml'
for call in "reload --dry-run" reload "check $settings" "export frr $settings" "report -c $settings"; do look "- $call"; done
harmless "$L/s2sd-gw.log" "the daemon's log"
grep -q 'x1b\[31m.*no-such-key' "$L/s2sd-gw.log" || fail "the log does not name the file that is refused"
s2sd_stop
