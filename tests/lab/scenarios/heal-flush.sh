# All routes of ours in the main table are flushed at once, the blackhole routes with them, while a host behind us talks 200 times a second: until they are
# back, table s2sd alone keeps its packets off the uplink. Then the peer's own way; and after a flush of the rules, false sources from outside.
# timeout: 80
. "$LAB/heal.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
heal_begin gw-host 10.20.0.10
exec_in gw-host ping -q -i 0.005 10.20.0.20 >/dev/null 2>&1 &
fast=$!
heal aws "all routes of ours in main" 1000 route 'ip route flush proto 213'
kill "$fast"

# Somebody's route for the peer's network leads into the tunnel: the peer then has a way of its own.
ip -n gw route add 203.0.113.0/24 dev s2s-aws
way_to_the_peer()
{
	[ -n "$(ip -n gw route show table 21300 2>/dev/null)" ]
}
wait_for 10 "the peer's own way" way_to_the_peer
heal aws "way to the peer" 1000 route 'ip route flush table 21300'
ip -n gw route del 203.0.113.0/24 dev s2s-aws
heal aws "nft flush ruleset" 1000 firewall 'nft flush ruleset'
heal_end
no_clear_text esp

# Who outside claims to be behind the tunnel does not get to the host.
in_ns gw-host nft -f - <<-END
	table ip lab {
		chain in {
			type filter hook input priority 0;
			ip saddr 10.20.0.99 counter
		}
	}
END
ip -n inet addr add 10.20.0.99/32 dev lo
ip -n inet route add 10.1.0.0/24 via 198.51.100.7
in_ns inet ping -q -c 5 -i 0.1 -W 1 -I 10.20.0.99 10.1.0.10 >/dev/null || true
capture_is_complete
[ "$(count_outside 'src host 10.20.0.99 and dst host 10.1.0.10')" -gt 0 ] || fail "no packet of a false source was sent"
grep -q 'packets 0 ' <<<"$(in_ns gw-host nft list table ip lab)" || fail "packets of a false source get to the host: $(in_ns gw-host nft list table ip lab | grep counter)"
healed
s2sd_stop
kernel_is_clean
