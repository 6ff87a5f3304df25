# BGP between our gateway and one endpoint, and what explain must say of it. Sourced by the scenarios that break it.
. "$LAB/clouds.sh"
. "$LAB/explain.sh"

vty=$(built_in vty)/vty
bgp_block='bgp: {local-as: 65010, peer-as: 64512, peer: 169.254.21.1, hold-time: 9s}'

# FRR is spoken with by "vty" where vtysh itself would take seconds; what is loaded from a file is vtysh's to distribute.
frr()
{
	local ns=$1

	shift
	case $1 in
	-f) in_ns "$ns" "$W/vtysh" --vty_socket "$W/frr-$ns" "$@";;
	*) in_ns "$ns" "$vty" --vty_socket "$W/frr-$ns" "$@";;
	esac
}

# expect_verdict of explain.sh with one question for all, as explain takes longer here.
expect_verdict()
{
	local end=$(( $(now_ms) + ${3:-20} * 1000 * slack )) seen=

	while :; do
		ctl explain "$1" --json >"$W/explained"
		jq --arg code "$2" '[.verdict, .also[]] | map(select(.code == $code))[0]' "$W/explained" >"$W/verdict"
		[ "$(jq -r .code "$W/verdict")" != "$2" ] || break
		seen=$(jq -c '[.verdict, .also[]] | map(select(.code != "pfs-unproven") | {code, text, evidence})' "$W/explained")
		[ "$(now_ms)" -lt "$end" ] || fail "explain $1: expected the verdict $2, saw $seen"
		pause 0.3
	done
	cat "$W/verdict" >>"$L/explain.json"
	note "explain $1: $2: $(jq -r .text "$W/verdict")"
}

# The gateway's FRR and BIRD, asked as an operator asks them: their sockets are where the distribution has them, in this scenario's mount namespace alone.
ordinary_place()
{
	mkdir -p "$W/$1-gw" "/run/$1"
	mount --bind "$W/$1-gw" "/run/$1"
	[ -f "$W/vtysh" ] || cp "$(command -v vtysh)" "$W/vtysh"
	mount --bind "$vty" "$(command -v vtysh)"
	# The tunnel itself is well, whatever BGP does.
	exec_in gw ping -q -i 1 -I 169.254.21.2 169.254.21.1 >/dev/null 2>&1 &
	pings=$!
}

# here LINE...: one configuration of our FRR; there LINE...: of the endpoint's.
here()
{
	configure gw "$@"
}

there()
{
	configure aws "$@"
}

configure()
{
	local ns=$1 line words=()

	shift
	for line; do words+=(-c "$line"); done
	frr "$ns" -c 'configure terminal' "${words[@]}" >>"$L/frr-$ns.out" 2>&1 || fail "FRR of $ns refuses: $*"
}

# The endpoint's session with us and two networks; lines that follow belong to it.
there_speaks()
{
	there 'router bgp 64512' 'bgp router-id 169.254.21.1' 'no bgp ebgp-requires-policy' 'no bgp network import-check' \
		'neighbor 169.254.21.2 remote-as 65010' 'neighbor 169.254.21.2 timers 3 9' 'neighbor 169.254.21.2 timers connect 3' \
		'address-family ipv4 unicast' 'network 10.20.0.0/24' 'network 10.21.0.0/24' 'exit-address-family' "$@"
}

# mend: the commands that the verdict prints are run as they stand.
mend()
{
	local command

	command=$(jq -r '.here_commands // [] | join(" && ")' "$W/verdict")
	[ -n "$command" ] || command=$(jq -r .here "$W/verdict" | sed -n 's/^[^`]*`\([^`]*\)`.*/\1/p')
	[ -n "$command" ] || fail "no command in: $(jq -r .here "$W/verdict")"
	in_ns gw sh -ec "$command" >>"$L/mended" 2>&1 || fail "the command that is advised fails: $command"
	note "run: $command"
}

says_no_bgp()
{
	ctl explain aws --json >"$W/explained" && ! grep -q '"bgp-' "$W/explained"
}

# Session up, and explain finds nothing wrong with it.
expect_bgp_fine()
{
	local end=$(( $(now_ms) + ${1:-40} * 1000 * slack ))

	until says_no_bgp; do
		[ "$(now_ms)" -lt "$end" ] || fail "explain aws: expected nothing about BGP, saw $(jq -c '[.verdict, .also[]] | map({code, text, evidence})' "$W/explained")"
		pause 0.3
	done
	note "explain aws: nothing about BGP"
}

# own_rule NS HOOK RULE: the machine's own firewall has one rule, and no other.
own_rule()
{
	in_ns "$1" nft -f - <<-END
		table inet filter
		delete table inet filter
		table inet filter {
			chain $2 { type filter hook $2 priority 0; $3; }
		}
	END
}

# drop_bgp NS / pass_bgp NS: packets of TCP 179 vanish there, both ways.
drop_bgp()
{
	in_ns "$1" nft -f - <<-END
		table ip silence {
			chain in { type filter hook input priority 0; tcp dport 179 drop; tcp sport 179 drop; }
			chain out { type filter hook output priority 0; tcp dport 179 drop; tcp sport 179 drop; }
		}
	END
}

pass_bgp()
{
	in_ns "$1" nft delete table ip silence
}
