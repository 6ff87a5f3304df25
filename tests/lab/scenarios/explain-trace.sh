# Real packets, watched: `explain --trace` names the rule at which they die, by its handle, and what NAT made of them; its table is gone when it ends, however it ends.
# timeout: 200
. "$LAB/explain.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

marks() { in_ns gw nft list tables | grep 's2sctl-' >/dev/null; }
no_marks() { ! marks; }

# watched [PINGS]: what is told while gw-host sends; the answer is in $W/watched.
watched()
{
	ctl explain aws --from 10.1.0.10 --to 10.20.0.10 --trace --seconds 20 --json >"$W/watched" 2>"$W/watched.err" &
	local watcher=$!

	wait_for 10 "the table that marks packets" marks
	in_ns gw-host ping -c "${1:-6}" -i 0.3 -W 1 -q 10.20.0.10 >/dev/null 2>&1 || note "unanswered"
	wait "$watcher" || fail "explain --trace ends $?: $(cat "$W/watched.err" "$W/watched")"
	grep -q 'waiting for packets from 10.1.0.10 to 10.20.0.10' "$W/watched.err" || fail "it does not say what it waits for"
	cat "$W/watched" >>"$L/watched.txt"
	no_marks || fail "the table is there yet"
}

seen() { [ "$(jq -r "$1" "$W/watched")" = "$2" ] || fail "$1 is $(jq -c "$1" "$W/watched"), not $2: $(cat "$W/watched")"; }

# All is well: four legs, no rule stands in the way.
watched
for leg in into esp-out esp-in back; do
	seen ".legs[] | select(.leg == \"$leg\") | .followed > 0 and .packets > 0 and .dropped == 0" true
done
seen .nat.source null # nothing here uses connection tracking: there may be no entry
seen '.interface.packets_out > 0' true
seen .text 'they went through the tunnel, and answers came back'

# A rule in a chain that is jumped to.
in_ns gw nft -f - <<'END'
table inet filter {
	chain sub { ip daddr 10.9.0.0/16 drop; meta mark 5 accept; ip daddr 10.20.0.0/24 icmp type echo-request reject; }
	chain ahead { type filter hook forward priority 0; counter; jump sub; }
}
END
watched
handle=$(in_ns gw nft -j list chain inet filter sub | jq '[.nftables[].rule // empty | select(any(.expr[]; has("reject"))) | .handle][0]')
seen '.legs[0].dropped_by | "\(.family) \(.table) \(.chain) \(.handle)"' "inet filter sub $handle"
seen '.legs[0].rules | any(.target == "sub")' true
seen '.legs[3].followed' 0
in_ns gw nft delete table inet filter

# A base chain's policy, and only the answers.
in_ns gw nft -f - <<'END'
table inet f { chain ahead { type filter hook forward priority 0; policy drop; iifname "lan" accept; }; }
END
watched
seen '.legs[0].dropped' 0
seen '.legs[3].dropped_by | "\(.family) \(.table) \(.chain) \(.policy)"' 'inet f ahead true'
in_ns gw nft delete table inet f

# NAT: in no message of the trace, but in the entry of connection tracking.
in_ns gw nft -f - <<'END'
table ip nat { chain after { type nat hook postrouting priority 100; ip saddr 10.1.0.0/24 oifname != "docker0" masquerade; }; }
END
watched
seen .nat.source 169.254.21.2
seen .nat.answered true
in_ns gw nft delete table ip nat

# The peer's ESP dies here.
in_ns gw nft -f - <<'END'
table inet f { chain incoming { type filter hook input priority 0; ip protocol esp drop; }; }
END
watched
seen '.legs[2].dropped_by.chain' incoming
in_ns gw nft delete table inet f

# Killed, and flushed by others: the first leaves nothing, the second does not stop it.
exec_in gw "$S2SCTL" explain -r "$W/s2sd-gw/run" aws --from 10.1.0.10 --to 10.20.0.10 --trace --seconds 60 >/dev/null 2>&1 &
watcher=$!
wait_for 10 "the table that marks packets" marks
in_ns gw nft flush ruleset
marks || fail "a flush takes the table away"
kill -9 "$watcher"
wait_for 5 "the end of the table" no_marks
ctl explain aws --trace >/dev/null 2>&1 && fail "--trace without a pair is taken"
s2sd_stop
