# What this machine's packet filter drops, as explain finds it, in chains of many shapes; each command that it prints is run as it is, and mends the fault.
# timeout: 260
. "$LAB/explain.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

lost() { ! in_ns gw-host ping -c 1 -W 1 -q 10.20.0.10 >/dev/null 2>&1; }

# mend CODE: what is printed, word for word, in the gateway.
mend()
{
	local command n=0

	jq -r '.here_commands[]' "$W/verdict" >"$W/commands"
	while read -r command; do
		note "run: $command"
		jq -e --arg c "\`$command\`" '.here | contains($c)' "$W/verdict" >/dev/null || fail "'$command' is not in the words: $(jq -r .here "$W/verdict")"
		in_ns gw sh -c "$command" || fail "the command fails: $command"
		n=$((n + 1))
	done <"$W/commands"
	[ $n -gt 0 ] || fail "explain prints no command: $(jq -r .here "$W/verdict")"
	expect_gone aws "$1"
}

# broken TABLE..., the rules on stdin: the traffic is lost, explain tells the place, its commands mend it.
broken()
{
	in_ns gw nft -f -
	lost || fail "the ping passes, and should not"
}

# healthy, the rules on stdin: nothing is told, and the ping passes.
healthy()
{
	in_ns gw nft -f -
	wait_ping gw-host 10.20.0.10
	expect_first aws up
}

# Docker's chains: its own one for users, and FORWARD's policy.
broken <<-END
	table ip filter {
		chain DOCKER-USER { }
		chain DOCKER-CT { ct state related,established accept; }
		chain DOCKER-FORWARD { jump DOCKER-CT; iifname "docker0" accept; }
		chain FORWARD { type filter hook forward priority filter; policy drop; jump DOCKER-USER; jump DOCKER-FORWARD; }
	}
END
expect_first aws firewall
expect_words '.evidence[0]' 'what goes into the tunnel: dropped by the policy drop of chain ip filter FORWARD'
expect_words .here 'DOCKER-USER'
mend firewall
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table ip filter

# A reject at the end of a chain that is jumped to, as firewalld has it, in another table.
broken <<-END
	table inet zones {
		chain policies { iifname "lan" oifname "out" accept; reject with icmpx type admin-prohibited; }
		chain ahead { type filter hook forward priority filter + 10; policy accept; ct state { established, related } accept; iifname "lo" accept; ct state invalid drop; jump policies; }
	}
END
expect_first aws firewall
expect_words '.evidence[0]' 'rejected by the rule with handle [0-9]+ of chain inet zones policies, reached from ahead: reject'
mend firewall
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table inet zones

# Two base chains, and a map of verdicts: each has to be mended.
broken <<-END
	table inet one { chain ahead { type filter hook forward priority 0; policy drop; ct state vmap { established : accept, related : accept, invalid : drop }; }; }
	table ip two { chain ahead { type filter hook forward priority 5; policy accept; ip daddr 10.20.0.0-10.20.0.255 drop; }; }
END
expect_first aws firewall
expect_words '.evidence | join(";")' 'chain inet one ahead.*chain ip two ahead: ip daddr 10.20.0.0-10.20.0.255 drop'
mend firewall
wait_ping gw-host 10.20.0.10
in_ns gw nft 'delete table inet one; delete table ip two'

# Only the answers are dropped.
broken <<-END
	table inet f { chain ahead { type filter hook forward priority 0; policy accept; iifname "s2s-*" counter drop; }; }
END
expect_first aws firewall
expect_words '.evidence[0]' 'answers that come out of the tunnel: dropped'
mend firewall
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table inet f

# A condition that cannot be evaluated: told as such, and only while nothing shows that traffic passes.
broken <<-END
	table inet f { chain ahead { type filter hook forward priority 0; policy drop; meta mark 7 accept; }; }
END
expect_verdict aws firewall-maybe 80 # what passed within the last minute shows that it does
expect_words .weight suspicion
mend firewall-maybe
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table inet f

# IKE and ESP: an input chain, and a set.
in_ns gw nft -f - <<-END
	table inet f { chain incoming { type filter hook input priority 0; policy accept; ip protocol esp drop; }; }
END
lost || fail "ESP passes, and should not"
expect_verdict aws firewall-ike
expect_words '.evidence[0]' "the peer's ESP: dropped by the rule with handle [0-9]+ of chain inet f incoming"
mend firewall-ike
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table inet f
in_ns gw nft -f - <<-END
	table inet f {
		set bad { type ipv4_addr; flags interval; elements = { 203.0.113.0/24, 192.0.2.1 }; }
		chain outgoing { type filter hook output priority 0; policy accept; ip daddr @bad counter reject; }
		chain incoming { type filter hook input priority 0; policy accept; ip saddr @bad drop; }
	}
END
lost || fail "ESP passes, and should not"
expect_verdict aws firewall-ike
mend firewall-ike
wait_ping gw-host 10.20.0.10
in_ns gw nft delete table inet f

# Healthy: what is dropped is somebody else's, and a network of ours may be kept out.
healthy <<-END
	table inet f {
		set lans { type ifname; elements = { "lan", "dmz" }; }
		chain ahead { type filter hook forward priority 0; policy drop; ct state vmap { established : accept, related : accept }; iifname @lans oifname { "s2s-aws", "out" } accept; }
		chain incoming { type filter hook input priority 0; policy drop; ct state established,related accept; ip saddr 203.0.113.10 meta l4proto { esp, udp } accept; iifname "lan" accept; iifname "lo" accept; }
		chain ahead2 { type filter hook forward priority 5; ct status dnat accept; tcp dport 25 drop; limit rate over 1000/second drop; ip saddr 10.9.0.0/16 drop; }
	}
END
in_ns gw nft delete table inet f
s2sd_stop
