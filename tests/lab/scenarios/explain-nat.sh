# What this machine's NAT does to what goes into the tunnel. The peer's side answers our network only, as a VPC does. Each command is run as it is printed.
# timeout: 150
. "$LAB/explain.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
in_ns aws nft -f - <<'END'
table ip vpc { chain f { type filter hook forward priority 0; ip saddr 169.254.0.0/16 drop; ip saddr 192.0.2.0/24 drop; }; }
END

lost() { ! in_ns gw-host ping -c 1 -W 1 -q 10.20.0.10 >/dev/null 2>&1; }
send() { in_ns gw-host ping -c 4 -i 0.2 -W 1 -q 10.20.0.10 >/dev/null 2>&1 || note "unanswered"; }
mend()
{
	local command n=0

	jq -r '.here_commands[]' "$W/verdict" >"$W/commands"
	while read -r command; do
		note "run: $command"
		in_ns gw sh -c "$command" || fail "the command fails: $command"
		n=$((n + 1))
	done <"$W/commands"
	[ $n -gt 0 ] || fail "explain prints no command: $(jq -r .here "$W/verdict")"
	expect_gone aws rewritten
	wait_ping gw-host 10.20.0.10
}

# Docker's rule for a network that is ours, or a router's without an outgoing interface.
in_ns gw nft -f - <<'END'
table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; policy accept; ip saddr 10.1.0.0/24 oifname != "docker0" masquerade; }; }
END
ctl rekey aws
lost || fail "the masqueraded ping is answered"
send
expect_first aws rewritten
expect_words .text 'changes the source address of what goes into the tunnel: rule with handle [0-9]+ of chain ip nat POSTROUTING'
expect_words .blame local
! verdict_is aws outbound-only || fail "outbound-only is told beside the reason"
mend
in_ns gw nft delete table ip nat

# Another way: snat, behind a map of interfaces and a named set.
in_ns gw nft -f - <<'END'
table inet home {
	set lans { type ipv4_addr; flags interval; elements = { 10.1.0.0/16 }; }
	chain hide { ip saddr @lans counter snat ip to 192.0.2.9; }
	chain after { type nat hook postrouting priority srcnat; iifname vmap { "lan" : jump hide, "dmz" : accept }; }
}
END
ctl rekey aws
lost || fail "the ping with another source is answered"
send
expect_first aws rewritten
expect_words '.evidence[0]' 'changed \(snat\) by the rule with handle [0-9]+ of chain inet home hide, reached from after: .*snat to 192.0.2.9'
mend
in_ns gw nft delete table inet home

# The destination, before the route is looked up.
in_ns gw nft -f - <<'END'
table ip ports { chain before { type nat hook prerouting priority dstnat; iifname "lan" ip daddr 10.0.0.0/8 dnat to 10.1.0.77; }; }
END
lost || fail "the ping to another destination is answered"
expect_first aws rewritten
expect_words .text 'changes the destination address'
mend
in_ns gw nft delete table ip ports

# Not tracked, and a filter that knows tracked answers only.
in_ns gw nft -f - <<'END'
table ip fast {
	chain before { type filter hook prerouting priority raw; ip daddr 10.20.0.0/24 notrack; ip saddr 10.20.0.0/24 notrack; }
	chain ahead { type filter hook forward priority 0; policy drop; iifname "lan" ct state new accept; ct state established,related accept; }
}
END
lost || fail "the untracked ping is answered"
expect_first aws firewall
expect_words '.evidence | join(";")' 'policy drop of chain ip fast ahead'
jq -r '.here_commands[]' "$W/verdict" >"$W/commands"
while read -r command; do in_ns gw sh -c "$command"; done <"$W/commands"
expect_gone aws firewall
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table ip fast

# Healthy: masquerade where it belongs, our interface left out; the containers' own network; somebody who names our interface and is answered.
in_ns gw nft -f - <<'END'
table ip nat {
	chain POSTROUTING { type nat hook postrouting priority 100; oifname "out" masquerade; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
	chain PREROUTING { type nat hook prerouting priority -100; fib daddr type local tcp dport 80 dnat to 10.1.0.9; }
}
table inet two { chain after { type nat hook postrouting priority 110; oifname "s2s-*" return; masquerade; }; }
END
ctl rekey aws
wait_ping gw-host 10.20.0.10
send
expect_first aws up
in_ns gw nft 'delete table ip nat; delete table inet two'
in_ns gw nft -f - <<'END'
table ip nat { chain after { type nat hook postrouting priority 100; oifname "s2s-aws" ip saddr 10.1.0.0/24 snat to 10.1.0.1; }; }
END
send
wait_ping gw-host 10.20.0.10
expect_first aws up
s2sd_stop
