# What somebody else takes away from a tunnel that is up, and how long a host behind us is without answers then. Sourced by the heal scenarios.

# heal_begin NS ADDRESS: a host asks without pause; each answer is written down with the time it came.
heal_begin()
{
	exec_in "$1" ping -D -n -i 0.05 "$2" >"$W/answers" 2>&1 &
	echo $! >"$W/answers.pid"
	wait_for 10 "the first answers" grep -q 'icmp_seq=5 ' "$W/answers"
}

heal_end()
{
	kill "$(cat "$W/answers.pid")"
	cp "$W/answers" "$L/answers"
}

# outage SINCE: from the last answer before the first silence (of 0.3 s or more) after that moment until the first answer after the last one, in ms;
# 0: there was none; then for how long answers have come without a silence.
outage()
{
	awk -v since="$1" -v now="$(now_ms)" -F '[][]' '
		function gap(from, to) {
			if (to <= since || to - from < 300) return
			if (!begun) begun = from
			ended = to
		}
		/bytes from/ { at = int($2 * 1000); if (before) gap(before, at); before = at }
		END { gap(before, now); printf "%d %d\n", ended - begun, now - (ended ? ended : since) }' "$W/answers"
}

# The repairs that were told so far, one a line: SUBJECT TUNNEL TEXT.
repairs()
{
	ctl events --json | jq -r '.events[] | select(.code == "kernel-repaired") | "\(.subject) \(.tunnel) \(.text)"'
}

kernel_as_wanted()
{
	[ "$(ctl show "$1" --json | jq -r '.tunnels[0].kernel.as_wanted')" = true ]
}

# heal TUNNEL WHAT MOST SUBJECT COMMAND: the command is run by a shell in gw. The host must be answered again, and for good, within MOST ms; there
# must be one event, about SUBJECT; and the kernel must be as wanted then. All that is not so is kept for healed: one run shows all rows.
heal()
{
	local tunnel=$1 what=$2 most=$3 subject=$4 before since lost calm told end

	before=$(repairs | wc -l)
	since=$(now_ms)
	in_ns gw sh -ec "$5" >>"$L/heal-commands.log" 2>&1 || fail "$what: the command itself fails: $(tail -n 1 "$L/heal-commands.log")"
	end=$(( since + 12000 ))
	until [ "$(repairs | wc -l)" -gt "$before" ] && kernel_as_wanted "$tunnel"; do
		[ "$(now_ms)" -lt "$end" ] || { heal_failed "$what: 12 s later the kernel is not as wanted, or nothing is told of it"; break; }
		pause 0.1
	done
	until read -r lost calm <<<"$(outage "$since")"; [ "$calm" -ge 1000 ]; do
		[ "$(now_ms)" -lt "$end" ] || break
		pause 0.1
	done
	told=$(repairs | tail -n "+$(( before + 1 ))")
	printf '%-28s %6d ms  %s\n' "$what" "$lost" "$(echo "$told" | tr '\n' ';')" >>"$L/heal.txt"
	note "$what: $lost ms without answers; told: $(echo "$told" | tr '\n' ';')"
	[ "$lost" -le "$most" ] || heal_failed "$what: $lost ms without answers, $most are allowed"
	[[ $told == "$subject "* ]] && [ "$(wc -l <<<"$told")" -eq 1 ] ||
		heal_failed "$what: expected one event, about $subject, saw: $(echo "$told" | tr '\n' ';')"
	[ "$calm" -ge 1000 ] || heal_anew "$tunnel"
}

heal_failures=()
heal_failed()
{
	heal_failures+=("$1")
	note "NOT HEALED: $1"
}

# What has not healed must not hide what comes after it.
heal_anew()
{
	s2sd_stop
	s2sd_run
	wait_up "$1"
	wait_ping gw-host 10.20.0.10
	heal_end 2>/dev/null || true
	heal_begin gw-host 10.20.0.10
}

healed()
{
	[ ${#heal_failures[@]} -eq 0 ] || fail "${#heal_failures[@]} not healed as they should be: $(printf '%s; ' "${heal_failures[@]}")"
}
