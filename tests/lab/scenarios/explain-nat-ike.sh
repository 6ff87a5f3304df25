# What this machine's NAT does to its own IKE and ESP: the tunnel's address is a second one of the uplink, and masquerading makes it the first; snat of all that
# goes to the peer; the peer's IKE is sent to a host behind us. Masquerading as every router has it changes nothing. Each command is run as it is printed.
# timeout: 200
. "$LAB/explain.sh"
aws_world
ip -n gw addr add 198.51.100.77/24 dev out

# The commands are looked at, not how long a flow is remembered: these are seconds. A flow that is still remembered meets no new rule: rules_gone waits for that.
forget_soon() { in_ns gw sh -c 'cd /proc/sys/net/netfilter && for t in udp_timeout udp_timeout_stream generic_timeout; do echo 1 >nf_conntrack_$t; done'; }
rules_gone() { in_ns gw nft delete table "$@" && sleep 2; }
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
	wait_up aws
	expect_gone aws rewritten-ike
	wait_ping gw-host 10.20.0.10
}

# Healthy: masquerading at the uplink, up and while the peer does not answer.
in_ns gw nft -f - <<'END'
table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; oifname "out" masquerade; }; }
END
forget_soon
aws_start
wait_up aws
expect_first aws up
s2sd_stop
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; drop; }; }'
aws_start
expect_verdict aws no-answer 60
verdict_is aws rewritten-ike && fail "masquerading that changes nothing is told"
s2sd_stop
in_ns inet nft delete table ip lab

# The same rule, and a tunnel whose address is not the uplink's first.
peer_edit aws 's/remote_addrs = .*/remote_addrs = 198.51.100.77/; s/id = 198.51.100.7/id = 198.51.100.77/'
aws_start 'local: 198.51.100.77'
expect_verdict aws rewritten-ike 60
expect_words .text 'changes the source address of its own IKE or ESP: rule with handle [0-9]+ of chain ip nat POSTROUTING'
expect_words '.evidence | join(" ")' 'our IKE on UDP 500: source address changed \(masquerade\)'
expect_words '.evidence | join(" ")' 'masquerading on out makes it 198\.51\.100\.7'
expect_words .blame local
mend
s2sd_stop
rules_gone ip nat

# Another way: snat of what goes to the peer, in a chain that is jumped to.
in_ns gw nft -f - <<'END'
table inet home {
	chain hide { ip daddr 203.0.113.0/24 counter snat ip to 198.51.100.7; }
	chain after { type nat hook postrouting priority srcnat; meta l4proto { udp, esp } jump hide; }
}
END
aws_start 'local: 198.51.100.77'
expect_verdict aws rewritten-ike 60
expect_words '.evidence | join(" ")' 'changed \(snat\) by the rule with handle [0-9]+ of chain inet home hide, reached from after'
mend
s2sd_stop
rules_gone inet home

# What comes: the peer is the one to dial, and its IKE ends at a host behind this machine.
in_ns gw nft -f - <<'END'
table ip nat { chain PREROUTING { type nat hook prerouting priority -100; iifname "out" udp dport { 500, 4500 } dnat to 10.1.0.10; }; }
END
aws_start 'local: 198.51.100.77' 'start: respond'
expect_verdict aws rewritten-ike 30
expect_words '.evidence | join(" ")' "the peer's IKE on UDP 500: destination address changed \(dnat\) by the rule"
expect_words '.here_commands | join(";")' 'ip saddr 203\.0\.113\.10 accept'
in_ns gw sh -c "$(jq -r '.here_commands | join("; ")' "$W/verdict")" || fail "the command fails"
expect_gone aws rewritten-ike
s2sd_stop
