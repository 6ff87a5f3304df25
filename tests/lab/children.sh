# A policy-based peer with several pairs of networks: one child SA for each. Sourced by the scenarios children-*.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.1.10 to 10.20.5.10

# children_sites NUMBER [KEY=VALUE...]: both sites, and strongSwan with so many pairs.
children_sites()
{
	local number=$1 n pairs='' routes=''

	shift
	internet
	site gw 198.51.100.7 10.1.0
	site aws 203.0.113.10 10.20.0
	watch_outside
	for n in $(seq "$number"); do
		ip -n aws-host addr add "10.20.$n.10/32" dev lo
		ip -n aws route add "10.20.$n.0/24" via 10.20.0.10
		pairs+="10.20.$n.0/24=10.1.0.0/24 "
	done
	peer_start aws none psk=secret-of-both-for-aws inside=169.254.21.1/30 routes=10.1.0.0/24 pairs="$pairs" "$@"
}

# children_conf FIRST LAST [LINE...]: our tunnel with a child for each of these pairs.
children_conf()
{
	local n children='' routes=''

	for n in $(seq "$1" "$2"); do
		children+="${children:+, }{local-ts: 10.1.0.0/24, remote-ts: 10.20.$n.0/24}"
		routes+="${routes:+, }10.20.$n.0/24"
	done
	echo tunnels:
	tunnel_conf aws 203.0.113.10 169.254.21.2/30 "$routes" "children: [$children]" "${@:3}"
}

# wide_conf LAST [LINE...]: our tunnel as a route-based one, which takes all that the peer makes.
wide_conf()
{
	echo tunnels:
	tunnel_conf aws 203.0.113.10 169.254.21.2/30 "$(seq -s ', ' -f '10.20.%g.0/24' 1 "$1")" "${@:2}"
}

# carried: the networks behind the peer that have a child, sorted, one that has two twice.
carried()
{
	ctl show aws --json | jq -r '[.tunnels[0].children[].remote_ts[]] | sort | join(" ")'
}

# wait_carried LAST [WITHOUT]: exactly one child for each pair, at both ends. An IKE SA of the peer's that is one too many, and then a child, are given half a
# minute each to be closed by who made them.
wait_carried()
{
	local want

	want=$(seq -f '10.20.%g.0/24' 1 "$1" | { grep -v "^10.20.${2:-x}.0/24$" || true; } | sort | tr '\n' ' ')
	wait_for $(( 65 + 15 * slack )) "exactly one child for each of $want" carried_is "${want% }"
	note "one child for each of $want"
}

carried_is()
{
	[ "$(carried)" = "$1" ] && [ "$(peer_children aws | wc -l)" -eq "$(wc -w <<<"$1")" ]
}

# flows_begin LAST INTERVAL ... flows_end LAST [WITHOUT]: a flow through each pair; the one without a child is not judged.
flows_begin()
{
	local n

	for n in $(seq "$1"); do ping_begin gw-host "10.20.$n.10" "$2" "pair$n"; done
}

flows_end()
{
	local n

	for n in $(seq "$1"); do
		if [ "$n" = "${2:-}" ]; then ping_stop "pair$n"; else ping_end "pair$n"; fi
	done
}

# all_new LAST OLD: one child for each pair, and none of them is one of OLD.
all_new()
{
	local spis

	for spis in $(child_spis aws); do
		[[ " $2 " != *" $spis "* ]] || return 1
	done
	[ "$(child_spis aws | wc -w)" -eq "$1" ] && [ "$(peer_children aws | wc -l)" -eq "$1" ]
}

# How all children, and then the IKE SA, are renewed: peer_rekeys, we_rekey, both_rekey, ike_rekeys LAST.
peer_rekeys()
{
	local n old

	old=$(child_spis aws)
	for n in $(seq "$1"); do swan aws --rekey --child "net$n" >>"$L/peer-aws.out" 2>&1 || fail "the peer refuses to rekey net$n"; done
	wait_for $(( 20 * slack )) "the peer has rekeyed each of $1 children" all_new "$1" "$old"
	note "the peer has rekeyed $1 children"
}

we_rekey()
{
	local old

	old=$(child_spis aws)
	ctl rekey aws
	wait_for $(( 20 * slack )) "we have rekeyed each of $1 children" all_new "$1" "$old"
	note "we have rekeyed $1 children"
}

both_rekey()
{
	local n old

	old=$(child_spis aws)
	for n in $(seq "$1"); do swan aws --rekey --child "net$n" >>"$L/peer-aws.out" 2>&1 & done
	ctl rekey aws || note "one of our rekeys gave way to theirs"
	wait_for $(( 30 * slack )) "both ends have rekeyed each of $1 children at once" all_new "$1" "$old"
	note "both have rekeyed $1 children at once"
}

ike_rekeys()
{
	local old

	old=$(ike_spis aws)
	ctl rekey --ike aws
	wait_for $(( 20 * slack )) "we have rekeyed the IKE SA" ike_is_new "$old"
	wait_carried "$1"
}

ike_is_new()
{
	local seen

	seen=$(ike_spis aws)
	[[ $seen != "$1" && $seen != / && $seen != *null* ]]
}
