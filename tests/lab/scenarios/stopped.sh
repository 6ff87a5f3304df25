# Each process of the daemon is killed, and each is stopped for 20 seconds as a debugger or a full memory would do it, while a host behind us talks without
# pause. The tunnel may pause; nothing of the host leaves in clear, and afterwards it is answered again.
# timeout: 200
aws_sites
name_server
aws_peer
key aws.psk lab-secret-of-both-ends
s2sd_start < <(
	aws_conf 's2sd: {retry-min: 1s, retry-max: 2s}'
	tunnel_conf office never.example.net 169.254.24.2/30 10.60.0.0/24
)
wait_up aws
wait_ping gw-host 10.20.0.10
ping_begin gw-host 10.20.0.10 0.05
exec_in gw-host ping -q -i 0.05 10.60.0.10 >/dev/null 2>&1 &
never=$!

# The resolver waits for a name server that never answers.
resolver_pid()
{
	local child

	for child in $(cat /proc/"$(s2sd_pid)"/task/*/children); do
		[ "$(cat "/proc/$child/comm" 2>/dev/null)" = s2sd-resolver ] || continue
		echo "$child"
		return
	done
	return 1
}

pid_of()
{
	case $1 in
	keeper) s2sd_pid ;;
	engine) engine_pid ;;
	resolver) wait_for 20 "a resolver runs" resolver_pid && resolver_pid ;;
	esac
}

# stopped WHO...: for 20 s
stopped()
{
	local who pids=''

	for who; do pids+=" $(pid_of "$who")"; done
	# shellcheck disable=SC2086
	kill -STOP $pids
	note "$*:$pids stopped"
	pause 20
	# The keeper has ended an engine that does not answer.
	# shellcheck disable=SC2086
	kill -CONT $pids 2>/dev/null || true
	note "$* goes on"
	works
}

works()
{
	wait_for 40 "the daemon answers" ctl status
	wait_up aws 40
	wait_ping gw-host 10.20.0.10 20
}

for who in resolver engine; do
	kill -KILL "$(pid_of $who)"
	note "$who killed"
	works
done
stopped resolver engine
stopped keeper
s2sd_alive
# The keeper last: its children end with it, and a service manager would start it again.
keeper=$(s2sd_pid)
engine=$(engine_pid)
kill -KILL "$keeper"
note "keeper killed"
wait_for 5 "the engine ends with its keeper" is_gone "$engine"
wait "$keeper" 2>/dev/null || true
pause 2
s2sd_run
works
ping_end gw-host 1000000
kill "$never"
s2sd_stop
kernel_is_clean
no_clear_text esp
