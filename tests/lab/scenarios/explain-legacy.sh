# Rules of iptables-legacy, which nf_tables does not show: explain names them, its commands mend the fault, and --trace tells what they counted.
# timeout: 200
# needs: iptables
. "$LAB/explain.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

old() { in_ns gw iptables-legacy "$@"; }
lost() { ! in_ns gw-host ping -c 1 -W 1 -q 10.20.0.10 >/dev/null 2>&1; }

# mend CODE: what is printed, word for word, in the gateway.
mend()
{
	local command n=0

	jq -r '.here_commands[]' "$W/verdict" >"$W/commands"
	while read -r command; do
		note "run: $command"
		[[ $command == iptables-legacy\ * ]] || fail "a command of another program: $command"
		in_ns gw sh -c "$command" || fail "the command fails: $command"
		n=$((n + 1))
	done <"$W/commands"
	[ $n -gt 0 ] || fail "explain prints no command: $(jq -r .here "$W/verdict")"
	expect_gone aws "$1"
	wait_ping gw-host 10.20.0.10
}

# watched: what --trace tells while gw-host sends.
watched()
{
	ctl explain aws --from 10.1.0.10 --to 10.20.0.10 --trace --seconds 20 --json >"$W/watched" 2>"$W/watched.err" &
	local watcher=$!

	wait_for $(( 10 * slack )) "the table that marks packets" marks
	in_ns gw-host ping -c 6 -i 0.3 -W 1 -q 10.20.0.10 >/dev/null 2>&1 || note "unanswered"
	wait "$watcher" || fail "explain --trace ends $?: $(cat "$W/watched.err" "$W/watched")"
	jq -c . "$W/watched" >>"$L/watched.txt"
}
marks() { in_ns gw nft list tables | grep 's2sctl-' >/dev/null; }
seen() { [ "$(jq -r "$1" "$W/watched")" = "$2" ] || fail "$1 is $(jq -c "$1" "$W/watched"), not $2: $(cat "$W/watched")"; }

# A rule in a chain that is jumped to.
old -N office
old -A office -s 10.1.0.0/24 -j DROP
old -A FORWARD -o wg0 -j ACCEPT
old -A FORWARD -i lan -j office
lost || fail "the ping passes, and should not"
expect_first aws firewall
expect_words '.evidence[0]' 'dropped by the rule 1 of chain ip filter office \(iptables-legacy\), reached from FORWARD'
watched
seen '.legacy_dropped_by | "\(.table) \(.chain) \(.place) \(.rule)"' 'filter office 1 -s 10.1.0.0/24 -j DROP'
seen '.legacy_dropped_by.packets >= 6' true
seen '.text' 'the rule of iptables-legacy named above drops them, or their answers'
mend firewall
watched
seen .legacy_dropped_by null
seen '.text' 'they went through the tunnel, and answers came back'
old -F
old -X

# The policy of FORWARD, as Docker sets it.
old -P FORWARD DROP
old -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
lost || fail "the ping passes, and should not"
expect_first aws firewall
expect_words '.evidence[0]' 'policy drop of chain ip filter FORWARD \(iptables-legacy\)'
watched
seen '.legacy_dropped_by | "\(.chain) \(.place)"' 'FORWARD null'
mend firewall
old -F
old -P FORWARD ACCEPT

# Its masquerade.
old -t nat -A POSTROUTING -s 10.1.0.0/24 ! -o docker0 -j MASQUERADE
expect_verdict aws rewritten
expect_words '.evidence | join(";")' 'POSTROUTING \(iptables-legacy\)'
jq -r '.here_commands[]' "$W/verdict" | grep '^iptables-legacy -t nat -I POSTROUTING 1 -o s2s-aws -j ACCEPT$' >/dev/null ||
	fail "the exception: $(jq -c .here_commands "$W/verdict")"
mend rewritten
s2sd_stop
