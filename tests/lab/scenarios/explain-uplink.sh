# Two uplinks: the tunnel's address is on the second, and nothing leads its packets there. explain names it, the right address for the other end, and the commands
# that bring the tunnel up. Once the second uplink has a default route in the main table (behind that of the first), once it has none.
# timeout: 150
. "$LAB/explain.sh"
aws_world
ip -n inet -batch - <<-END
	link add to2-gw type veth peer name out2 netns gw
	addr add 192.0.2.1/24 dev to2-gw
	link set to2-gw up
END
ip -n gw addr add 192.0.2.77/24 dev out2
ip -n gw link set out2 up
# Providers that drop what has not their addresses.
in_ns inet nft -f - <<-END
	table inet bcp38 {
		chain forward {
			type filter hook forward priority 0;
			iifname "to-gw" ip saddr != 198.51.100.0/24 drop
			iifname "to2-gw" ip saddr != 192.0.2.0/24 drop
		}
	}
END
peer_edit aws 's/remote_addrs = .*/remote_addrs = 192.0.2.77/; s/id = 198.51.100.7/id = 192.0.2.77/'
for router in main none; do
	note "the second uplink's default route: $router"
	[ "$router" = none ] || ip -n gw route add default via 192.0.2.1 dev out2 metric 300
	aws_start 'local: 192.0.2.77'
	expect_first aws source-route
	expect_words .text '192.0.2.77 is on out2, but the way to the peer leaves through out$'
	expect_words .blame local
	expect_words .there '192\.0\.2\.77'
	ctl explain aws --json | grep '198\.51\.100\.7' >/dev/null && fail "explain speaks of the other uplink's address"
	jq -r .here "$W/verdict" | grep -oE '`ip [^`]+`' | tr -d '`' >"$W/commands"
	[ "$(wc -l <"$W/commands")" -eq 2 ] || fail "expected two commands: $(cat "$W/commands")"
	if [ "$router" = none ]; then
		grep -q 'via ROUTER-OF-out2' "$W/commands" || fail "the router is not known, and yet it is named: $(cat "$W/commands")"
		sed -i 's/ROUTER-OF-out2/192.0.2.1/' "$W/commands"
	fi
	while read -r line; do
		note "as explain says: $line"
		# shellcheck disable=SC2086
		in_ns gw $line || fail "what explain prints fails: $line"
	done <"$W/commands"
	wait_up aws
	wait_ping gw-host 10.20.0.10
	expect_first aws up
	ctl explain aws --from 10.1.0.10 --to 10.20.0.10 | grep 'table 1[0-9][0-9].* through out2' >/dev/null || fail "the way to the peer is not told"
	s2sd_stop
	ip -n gw rule del from 192.0.2.77
	[ "$router" = none ] || ip -n gw route del default via 192.0.2.1 dev out2 metric 300
	ip -n gw route flush table "$(sed -n 's/.* lookup //p' "$W/commands")"
done

# The reverse path check of the uplink by which the peer's answers come, where the way back is by the other: the first uplink's address, its route taken away.
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/out2/rp_filter'
aws_start 'local: 192.0.2.77'
expect_first aws source-route
s2sd_stop
