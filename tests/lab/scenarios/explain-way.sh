# The way of a packet through this machine, and what explain says when something takes or refuses it: rules and routes with their input interface, forwarding of
# each interface, the reverse path check, policies of another IPsec program, addresses that both ends have, hosts and routers that do not answer. Each fault is
# made in two ways, mended by the command that explain prints, and not said any more.
# timeout: 240
. "$LAB/explain.sh"
aws_world
aws_start 'local-ts: [10.1.0.0/24, 169.254.21.0/30]' 'remote-ts: [10.20.0.0/24, 169.254.21.0/30]'
wait_up aws
wait_ping gw-host 10.20.0.10

# steps PAIR...: the way of a pair as "leg step fault" lines.
steps()
{
	ctl explain aws --from "$1" --to "$2" --json >"$W/way.json" || fail "explain --from $1 --to $2: $(cat "$W/way.json")"
	jq -r '.way[] | "\(.leg) \(.step) \(.fault)"' "$W/way.json"
}

# expect_step FROM TO LINE
expect_step()
{
	steps "$1" "$2" >"$W/steps"
	grep -qx -- "$3" "$W/steps" || fail "the way of $1 to $2: expected \"$3\", saw $(tr '\n' ';' <"$W/steps")"
}

no_fault()
{
	steps "$1" "$2" >"$W/steps"
	[ -s "$W/steps" ] || fail "no way was walked"
	! grep -qv ' null$' "$W/steps" || fail "the way of $1 to $2 is sound, and explain says $(grep -v ' null$' "$W/steps" | tr '\n' ';')"
}

# --- the healthy way, and what is refused
expect_first aws up
no_fault 10.1.0.10 10.20.0.10
no_fault 10.20.0.10 10.1.0.10
no_fault 10.1.0.1 10.20.0.10
ctl explain aws --from 10.1.0.10 --to 10.20.0.10 >"$L/way.txt"
grep -q '^into the tunnel: 10.1.0.10 to 10.20.0.10$' "$L/way.txt" || fail "the way is not printed: $(head -n 3 "$L/way.txt")"
grep -q 'route: 10.20.0.10: route 10.20.0.0/24 of table main, through s2s-aws$' "$L/way.txt" || fail "the route is not named: $(grep route "$L/way.txt")"
grep -q 'rule: rule 32766: from all lookup main' "$L/way.txt" || fail "the rule is not named: $(grep rule "$L/way.txt")"
for pair in '10.1.0.10 192.0.2.99' '10.20.0.10 10.20.0.11'; do
	read -r from to <<<"$pair"
	! ctl explain aws --from "$from" --to "$to" --json >"$W/refused" 2>&1 || fail "$pair is no pair of this tunnel, and explain takes it"
	[ "$(jq -r .error.code "$W/refused" 2>/dev/null)" = other-pair ] || grep -q other-pair "$W/refused" || fail "$pair: $(cat "$W/refused")"
done
! ctl explain aws --from 10.1.0.10 >"$W/refused" 2>&1 || fail "--from without --to is taken"
! ctl explain aws --from 10.1.0.10 --to fd00::1 >"$W/refused" 2>&1 || fail "a pair of two families is taken"

# advice FILTER: the first command in `here` that fits it, run on the gateway.
advice()
{
	local line

	line=$(jq -r .here "$W/verdict" | grep -oE '`[^`]+`' | tr -d '`' | grep -m 1 -E -- "$1") || fail "no command like $1 in: $(jq -r .here "$W/verdict")"
	note "as explain says: $line"
	# shellcheck disable=SC2086
	in_ns gw $line || fail "what explain prints fails: $line"
}

# --- a rule for what comes by the LAN, which a lookup without the interface does not see
ip -n gw route add 10.20.0.0/24 via 198.51.100.1 table 77
ip -n gw rule add iif lan lookup 77
expect_first aws route-elsewhere
expect_words '.evidence | join(";")' 'route 10.20.0.0/24 of table 77 via 198.51.100.1, through out'
expect_step 10.1.0.10 10.20.0.10 'into route elsewhere'
ip -n gw rule del iif lan lookup 77
ip -n gw route flush table 77
expect_gone aws route-elsewhere
ip -n gw rule add from 10.1.0.0/24 to 10.20.0.0/24 prohibit
expect_first aws route-missing
expect_words '.evidence | join(";")' 'the rule [0-9]+: from 10.1.0.0/24 to 10.20.0.0/24 prohibit refuses'
ip -n gw rule del from 10.1.0.0/24 to 10.20.0.0/24 prohibit
expect_gone aws route-missing

# --- forwarding of one interface: of the LAN, then of the tunnel
for device in lan s2s-aws; do
	in_ns gw sh -c "echo 0 >/proc/sys/net/ipv4/conf/$device/forwarding"
	expect_verdict aws forwarding
	expect_words .text forward
	expect_words '.evidence[0]' "net.ipv4.conf.$device.forwarding is 0"
	advice "sysctl -w"
	expect_gone aws forwarding
	wait_ping gw-host 10.20.0.10
done

# --- reverse path check: the LAN's hosts are routed elsewhere, then nowhere
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/lan/rp_filter'
ip -n gw route add 10.1.0.10/32 via 198.51.100.1
expect_step 10.1.0.10 10.20.0.10 'into arrival null'
ip -n gw route del 10.1.0.10/32 via 198.51.100.1
no_fault 10.1.0.10 10.20.0.10
ip -n gw route add 10.1.0.0/25 via 198.51.100.1 table 78
ip -n gw rule add to 10.1.0.0/25 lookup 78
expect_verdict aws reverse-path
expect_words .text 'packets from 10.1.0.* that arrive on'
ip -n gw rule del to 10.1.0.0/25 lookup 78
expect_gone aws reverse-path
ip -n gw rule add to 10.1.0.0/25 unreachable
expect_verdict aws reverse-path
expect_words '.evidence | join(";")' 'there is no route back to 10.1.0'
ip -n gw rule del to 10.1.0.0/25 unreachable
expect_gone aws reverse-path
in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv4/conf/lan/rp_filter'

# --- policies of another program: one blocks, one takes it for a tunnel of its own
ip -n gw xfrm policy add src 10.1.0.0/24 dst 10.20.0.0/24 dir out action block priority 10
expect_first aws foreign-policy
expect_words '.evidence | join(";")' 'src 10.1.0.0/24 dst 10.20.0.0/24 dir out of another program, priority 10, blocks it'
expect_step 10.1.0.10 10.20.0.10 'into policy policy'
advice 'xfrm policy delete'
expect_gone aws foreign-policy
wait_ping gw-host 10.20.0.10
ip -n gw xfrm policy add src 10.20.0.0/16 dst 10.1.0.0/16 dir out priority 20 tmpl src 198.51.100.7 dst 203.0.113.99 proto esp mode tunnel
expect_first aws foreign-policy
expect_words '.evidence | join(";")' 'takes it for its own tunnel 198.51.100.7 - 203.0.113.99'
advice 'xfrm policy delete'
expect_gone aws foreign-policy
wait_ping gw-host 10.20.0.10
# One for another network, and one that lets pass, are nobody's fault.
ip -n gw xfrm policy add src 10.1.0.0/24 dst 10.99.0.0/24 dir out action block priority 10
ip -n gw xfrm policy add src 10.1.0.0/24 dst 10.20.0.0/24 dir out action allow priority 10
no_fault 10.1.0.10 10.20.0.10
ip -n gw xfrm policy delete src 10.1.0.0/24 dst 10.99.0.0/24 dir out
ip -n gw xfrm policy delete src 10.1.0.0/24 dst 10.20.0.0/24 dir out

# --- both ends have it: a second LAN with the peer's network; one address
ip -n gw link add lan2 type dummy
ip -n gw link set lan2 up
ip -n gw addr add 10.20.0.1/24 dev lan2
expect_first aws own-address
expect_words '.evidence | join(";")' '10.20.0.0/24 of the tunnel, and lan2 has 10.20.0.1/24'
ip -n gw addr del 10.20.0.1/24 dev lan2
expect_gone aws own-address
ip -n gw addr add 10.20.0.10/32 dev lan2
expect_step 10.1.0.10 10.20.0.10 'into route own-address'
[ "$(jq -r .verdict.code "$W/way.json")" = own-address ] || fail "the pair's verdict is $(jq -r .verdict.code "$W/way.json")"
ip -n gw link del lan2
no_fault 10.1.0.10 10.20.0.10

# --- who does not answer: a host of the LAN, the router of the uplink
ip -n gw-host link set out arp off
host_is_given_up() { ip -n gw neigh show 10.1.0.10 dev lan | grep FAILED >/dev/null; }
ip -n gw neigh flush dev lan
in_ns gw ping -c 1 -W 4 10.1.0.10 >/dev/null && fail "the host answers, though not to ARP"
wait_for 10 "the neighbour entry of the host is FAILED" host_is_given_up
expect_step 10.1.0.10 10.20.0.10 'back neighbour neighbour'
[ "$(jq -r .verdict.code "$W/way.json")" = neighbour ] || fail "the pair's verdict is $(jq -r .verdict.code "$W/way.json")"
ip -n gw-host link set out arp on
ip -n gw neigh flush dev lan
wait_ping gw-host 10.20.0.10
no_fault 10.1.0.10 10.20.0.10
ip -n inet link set to-gw arp off
ip -n gw neigh flush dev out
in_ns gw ping -c 1 -W 4 198.51.100.1 >/dev/null && fail "the router answers, though not to ARP"
expect_verdict aws neighbour 30
expect_words .text '198.51.100.1'
ip -n inet link set to-gw arp on
ip -n gw neigh flush dev out
wait_ping gw-host 10.20.0.10
expect_gone aws neighbour 20
s2sd_stop
