# Deaths and restarts that nobody may notice: what the scenarios hitless* share. Sourced by them.
#
# fdkeep stands for systemd: it keeps the daemon's descriptors and starts it again. What the wire shows is read by ivcheck.

programs=$(built_in fdkeep)
"$programs/ivcheck" --test >"$L/ivcheck-test" || fail "ivcheck does not find what it must: $(tail -n 1 "$L/ivcheck-test")"

# managed_start: our daemon in gw with what is configured, by the service manager.
managed_start()
{
	local dir=$W/s2sd-gw

	rm -f "$dir/pid"
	exec_in gw setsid "$programs/fdkeep" "$W/manager" "$dir/pid" "$S2SD" -c "$dir/s2sd.yaml" -r "$dir/run" -d -v >>"$L/s2sd-gw.log" 2>&1 &
	manager=$!
	wait_for $(( 20 * slack )) "s2sd answers" ctl status
}

managed_stop()
{
	local status=0

	kill -TERM "$manager"
	wait_for $(( 10 * slack )) "s2sd ends after SIGTERM" is_gone "$manager"
	wait "$manager" || status=$?
	[ "$status" -eq 0 ] || fail "s2sd ended with status $status after SIGTERM"
	expect_log s2sd-gw '^0 descriptors left'
	[ -z "$(ls "$W/s2sd-gw/run")" ] || fail "left in the run directory: $(ls "$W/s2sd-gw/run")"
}

# death KIND: the engine, the keeper, both at once, or a restart as the unit does it.
death()
{
	local keeper engine

	keeper=$(s2sd_pid)
	engine=$(engine_pid)
	note "$1: keeper $keeper, engine $engine"
	case $1 in
	engine) kill -KILL "$engine" ;;
	keeper) kill -KILL "$keeper" ;;
	both) kill -KILL "$engine" "$keeper" ;;
	restart) kill -USR2 "$manager" ;;
	esac
	[ "$1" = engine ] || wait_for $(( 5 * slack )) "another keeper" other_than "$keeper"
	wait_for $(( 10 * slack )) "s2sd answers after the death of: $1" ctl status
	[ "$1" != engine ] || wait_for $(( 5 * slack )) "another engine" other_engine_than "$engine"
}

other_than()
{
	[ "$(s2sd_pid)" != "$1" ] && ! is_gone "$(s2sd_pid)"
}

other_engine_than()
{
	[ "$(engine_pid)" != "$1" ]
}

# On the wire so far, from us or to us.
dials()
{
	capture_is_complete
	count_outside 'udp port 500 and udp[26] == 34'
}

wire_is_clean()
{
	capture_is_complete
	"$programs/ivcheck" "$L/outside.pcap" "${site_public[gw]}" >"$L/ivcheck" || fail "on the wire: $(head -n 1 "$L/ivcheck")"
	note "on the wire: $(tail -n 1 "$L/ivcheck")"
}

# deaths TUNNELS: of all kinds for HITLESS_SECONDS, while one of the tunnels is rekeyed by us (unless ours=0) or by its peer (theirs TUNNEL child|ike).
deaths()
{
	local names=$1 end kind name asked round=0

	end=$(( $(now_ms) + ${HITLESS_SECONDS:-40} * 1000 ))
	while [ "$(now_ms)" -lt "$end" ]; do
		round=$(( round + 1 ))
		for kind in engine keeper both restart; do
			# shellcheck disable=SC2086
			name=$(shuf -n 1 -e $names)
			case $(( RANDOM % 3 + ( ${ours:-1} == 0 ) )) in
			0) note "we rekey $name"; (trap - ERR; ctl rekey "$name" >/dev/null 2>&1) & ;;
			1) note "$name rekeys"; theirs "$name" child & ;;
			*) note "$name rekeys its IKE SA"; theirs "$name" ike & ;;
			esac
			asked=$!
			pause "0.$(printf '%03d' $(( RANDOM % 150 )))"
			death "$kind"
			wait "$asked" || note "who asked was not told how it ended"
			wait_for $(( 10 * slack )) "all tunnels are up after round $round of: $kind" all_up "$names"
		done
	done
	note "$round rounds"
}

all_up()
{
	local name

	for name in $1; do [ "$(tunnel "$name" .state)" = up ] || return 1; done
}
