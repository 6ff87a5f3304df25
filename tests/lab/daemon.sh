# Our daemon: its configuration, its life, what it says, what it leaves in the kernel. Sourced by lib.sh.
#
#     W, L, S2SD and S2SCTL as in lib.sh: they come from the caller

# key NAME TEXT [NS]: a file under keys/
key()
{
	local dir=$W/s2sd-${3:-gw}/keys

	mkdir -p "$dir"
	(umask 077; printf '%s\n' "$2" >"$dir/$1")
}

# What the kernel of a namespace holds, in words that do not depend on when things were made.
kernel_state()
{
	in_ns "$1" sh -c '
		ip -o -d link | sed "s/^[0-9]*: /link /; s/ qlen [0-9]*//; s/ state [A-Z]*//"
		ip -o addr | sed "s/^[0-9]*: /addr /"
		ip -4 route show table all | sed "s/^/route /"; ip -6 route show table all | sed "s/^/route6 /"
		ip rule | sed "s/^/rule /"; ip -6 rule | sed "s/^/rule6 /"
		ip nexthop | sed "s/^/nexthop /"
		ip xfrm state | sed "s/^/state /"; ip xfrm policy | sed "s/^/policy /"
		nft list ruleset | sed "s/^/nft /"' | sort
}

# Links that still wait for their carrier, addresses that are tentative, links that have no link-local address yet: what the kernel does a moment
# later by itself, one a line.
unsettled()
{
	in_ns "$1" sh -c '
		ip -o link show up | sed -n "/LOWER_UP/!s/^[0-9]*: \([^:@]*\).*/no carrier: \1/p"
		ip -o -6 addr show tentative | sed "s/^/tentative: /"
		for link in $(ip -o link show up type veth | sed "s/^[0-9]*: \([^:@]*\).*/\1/"); do
			[ "$(cat /proc/sys/net/ipv6/conf/$link/disable_ipv6)" = 1 ] || [ -n "$(ip -o -6 addr show dev "$link" scope link)" ] || echo "no link-local address: $link"
		done'
}

# settled NS: waits until the kernel is quiet, which is two equal looks half a second apart and
# nothing under way. A path that is cut never has its carrier, so this has an end. What it saw is in $W/settled-NS.
settled()
{
	local ns=$1 end last='' now

	end=$(( $(now_ms) + 10000 * slack ))
	while :; do
		now=$(kernel_state "$ns")
		if [ "$now" = "$last" ]; then
			[ -n "$(unsettled "$ns")" ] || break
			[ "$(now_ms)" -lt "$end" ] || { note "the kernel of $ns stays unsettled: $(unsettled "$ns" | tr '\n' ';')"; break; }
		fi
		[ "$(now_ms)" -lt $(( end + 10000 * slack )) ] || fail "the kernel of $ns does not come to rest: $(diff <(echo "$last") <(echo "$now") | grep '^[<>]' | head -n 4 | tr '\n' ';')"
		last=$now
		pause 0.5
	done
	echo "$now" >"$W/settled-$ns"
}

# kernel_before NS: what stands there now must stand there after the last stop (kernel_is_clean).
kernel_before()
{
	mkdir -p "$W/s2sd-$1"
	settled "$1"
	mv "$W/settled-$1" "$W/s2sd-$1/before"
}

# The configuration comes on standard input.
s2sd_configure()
{
	local dir=$W/s2sd-${1:-gw}

	mkdir -p "$dir/keys" "$dir/run"
	chmod 700 "$dir/keys"
	# The engine's own user must be able to walk to what it is given.
	chmod 755 "$dir" "$dir/run"
	cat >"$dir/s2sd.yaml.new"
	mv "$dir/s2sd.yaml.new" "$dir/s2sd.yaml"
	cp "$dir/s2sd.yaml" "$L/s2sd-${1:-gw}.yaml"
}

# s2sd_start [NS] <<END ... : write the configuration and start.
s2sd_start()
{
	local ns=${1:-gw}

	s2sd_configure "$ns"
	# What stood there before the first start must stand there after the last stop.
	[ -f "$W/s2sd-$ns/before" ] || kernel_before "$ns"
	s2sd_run "$ns"
}

# Start with what is configured.
s2sd_run()
{
	local ns=${1:-gw} dir=$W/s2sd-${1:-gw} end

	[ -x "$S2SD" ] || fail "there is no daemon to test: $S2SD"
	exec_in "$ns" setsid "$S2SD" -c "$dir/s2sd.yaml" -r "$dir/run" -d -v >>"$L/s2sd-$ns.log" 2>&1 &
	echo $! >"$dir/pid"
	end=$(( $(now_ms) + 20000 ))
	until ctl_in "$ns" status >/dev/null 2>&1; do
		s2sd_alive "$ns"
		[ "$(now_ms)" -lt "$end" ] || fail "s2sd in $ns does not answer s2sctl within 20 s: $(tail -n 1 "$L/s2sd-$ns.log")"
		pause 0.1
	done
	note "s2sd in $ns runs"
}

s2sd_pid()
{
	cat "$W/s2sd-${1:-gw}/pid"
}

# All processes of the daemon, by descent.
s2sd_pids()
{
	local pid=$1

	echo "$pid"
	for pid in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do s2sd_pids "$pid"; done
}

# engine_pid [NS]: the process without privileges, a child of the keeper as the resolver is one while it is needed.
engine_pid()
{
	local keeper child

	keeper=$(s2sd_pid "${1:-gw}")
	for child in $(cat /proc/"$keeper"/task/*/children 2>/dev/null); do
		! tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline" | grep resolver >/dev/null || continue
		echo "$child"
		return
	done
	fail "s2sd in ${1:-gw} has no engine"
}

s2sd_alive()
{
	! is_gone "$(s2sd_pid "${1:-gw}")" || fail "s2sd in ${1:-gw} is gone: $(tail -n 1 "$L/s2sd-${1:-gw}.log")"
}

# s2sd_stop [NS [SECONDS]]: SIGTERM; it must be gone in time and say 0.
s2sd_stop()
{
	local ns=${1:-gw} pid status=0

	pid=$(s2sd_pid "$ns")
	kill -TERM "$pid"
	wait_for "${2:-5}" "s2sd in $ns ends after SIGTERM" is_gone "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 0 ] || fail "s2sd in $ns ended with status $status after SIGTERM"
	note "s2sd in $ns ended"
}

is_gone()
{
	[ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

s2sd_kill9()
{
	local ns=${1:-gw} pids pid

	pids=$(s2sd_pids "$(s2sd_pid "$ns")")
	# shellcheck disable=SC2086
	kill -KILL $pids
	for pid in $pids; do wait_for 5 "process $pid gone" is_gone "$pid"; done
	wait "$(s2sd_pid "$ns")" 2>/dev/null || true
	note "s2sd in $ns killed ($(echo "$pids" | wc -w) processes)"
}

s2sd_reload()
{
	s2sd_configure "${1:-gw}"
	kill -HUP "$(s2sd_pid "${1:-gw}")"
}

ctl_in()
{
	local ns=$1

	shift
	in_ns "$ns" "$S2SCTL" "$1" -r "$W/s2sd-$ns/run" "${@:2}"
}

ctl()
{
	ctl_in gw "$@"
}

# tunnel NAME JQ-FILTER [NS]: one fact out of the status, for example: tunnel aws .state
tunnel()
{
	ctl_in "${3:-gw}" status --json | jq -r --arg name "$1" ".tunnels[] | select(.name == \$name) | $2"
}

# expect_status NAME JQ-FILTER VALUE [NS]
expect_status()
{
	local seen

	seen=$(tunnel "$1" "$2" "${4:-gw}") || seen="no answer"
	[ "$seen" = "$3" ] || fail "status of $1: expected $2 to be \"$3\", saw \"$seen\""
}

status_is()
{
	[ "$(tunnel "$1" "$2" "${4:-gw}")" = "$3" ]
}

# wait_status NAME JQ-FILTER VALUE [SECONDS [NS]]
wait_status()
{
	local end=$(( $(now_ms) + ${4:-$(( 20 * slack ))} * 1000 )) seen

	until seen=$(tunnel "$1" "$2" "${5:-gw}") && [ "$seen" = "$3" ]; do
		[ "$(now_ms)" -lt "$end" ] || fail "tunnel $1: expected $2 to be \"$3\" within ${4:-$(( 20 * slack ))} s, saw \"$seen\"" \
			"(last error: $(tunnel "$1" '.last_error.text // "none"' "${5:-gw}"))"
		pause "$between"
	done
	note "tunnel $1: $2 is $3"
}

# wait_up TUNNEL [SECONDS [NS]]
wait_up()
{
	wait_status "$1" .state up "${2:-$(( 20 * slack ))}" "${3:-gw}"
}

# A word that names what a tunnel's keys are at this moment.
child_spis()
{
	tunnel "$1" '[.children[] | .spi_in + "/" + .spi_out] | sort | join(" ")' "${2:-gw}"
}

# A tunnel's counter, summed over its children: packets_in, packets_out, bytes_in, bytes_out.
counter()
{
	tunnel "$1" "[.children[].$2] | add // 0" "${3:-gw}"
}

# expect_error TUNNEL REGEX [BLAME-REGEX]: status says, within 15 s, what is wrong and who has to mend it.
expect_error()
{
	local end=$(( $(now_ms) + 15000 )) seen=

	until seen=$(tunnel "$1" '.last_error | select(. != null) | .blame + ": " + .code + ": " + .text') && grep -Eiq -- "$2" <<<"$seen"; do
		[ "$(now_ms)" -lt "$end" ] || fail "status of $1: expected a last error like /$2/, saw \"$seen\""
		pause "$between"
	done
	[[ ${seen%%:*} =~ ${3:-.} ]] || fail "status of $1: expected the blame on ${3}, saw \"$seen\""
	note "status of $1: $seen"
}

ike_spis()
{
	tunnel "$1" '.ike | .spi_i + "/" + .spi_r' "${2:-gw}"
}

# wait_new child|ike TUNNEL OLD [SECONDS]: until the SPIs differ from OLD, and exactly one child is left.
wait_new()
{
	local what=$1 name=$2 old=$3 end seen

	end=$(( $(now_ms) + ${4:-$(( 15 * slack ))} * 1000 ))
	while :; do
		seen=$("${what}_spis" "$name")
		[[ -z $seen || $seen == "$old" || $seen == "/" || $seen == *" "* || $seen == *null* ]] || break
		[ "$(now_ms)" -lt "$end" ] || fail "tunnel $name: no new $what SA within ${4:-$(( 15 * slack ))} s (old \"$old\", now \"$seen\")"
		pause "$between"
	done
	note "tunnel $name: $what SA $old became $seen"
}

# Nothing of ours is left in the namespace, and nothing that was there before is missing.
kernel_is_clean()
{
	local ns=${1:-gw} difference

	settled "$ns"
	mv "$W/settled-$ns" "$L/kernel-after-$ns"
	difference=$(diff "$W/s2sd-$ns/before" "$L/kernel-after-$ns") || fail "the kernel of $ns is not as before:" \
		"$(echo "$difference" | grep '^[<>]' | head -n 4 | tr '\n' ';')"
	note "the kernel of $ns is as before"
}

# The SAs the kernel of a namespace holds: "0xSPI DESTINATION", one a line.
kernel_spis()
{
	in_ns "$1" ip -o xfrm state list proto esp | sed -n 's/.* dst \([0-9a-f.:]*\).* spi \(0x[0-9a-f]*\) .*/\2 \1/p' | sort
}

# What the kernel carried, from its own counters: packets out of and into the namespace.
kernel_packets()
{
	in_ns "$1" ip -s xfrm state list proto esp | grep -o '[0-9]*(packets)' | tr -d 'a-z()' | { s=0; while read -r n; do s=$((s+n)); done; echo $s; }
}
