# kill -9 of the engine, of the keeper, of both: no request is lost, nothing is negotiated anew, systemd starts what it has to.
# timeout: 120
dialled=$(dials)
ping_begin
kill -9 "$(engine)"
wait_up
note "the engine was killed"
for who in keeper all; do
	pid=$(keeper)
	if [ $who = keeper ]; then kill -9 "$pid"; else systemctl kill -s KILL --kill-whom=all s2sd; fi
	wait_for 20 "systemd starts the daemon again" eval '[ "$(keeper)" != 0 ] && [ "$(keeper)" != "'"$pid"'" ] && property_is ActiveState active'
	wait_up
	note "$who: killed"
done
ping_end
[ "$(dials)" = "$dialled" ] || fail "$(( $(dials) - dialled )) IKE SAs were begun anew"
no_clear_text
