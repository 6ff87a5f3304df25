# A keeper that hangs is ended by systemd's watchdog, an engine that hangs by the keeper; the traffic goes on meanwhile.
# timeout: 200
dialled=$(dials)
journal_mark
pid=$(keeper)
ping_begin
kill -STOP "$pid"
wait_for 90 "the watchdog ends the keeper" eval '[ "$(keeper)" != "'"$pid"'" ] && [ "$(keeper)" != 0 ]'
wait_up
note "the keeper is another"
engine=$(engine)
kill -STOP "$engine"
wait_for 90 "the keeper ends the engine" eval '[ -n "$(engine)" ] && [ "$(engine)" != "'"$engine"'" ]'
wait_up
ping_end
journalctl --after-cursor "$(cat "$L/cursor")" -o cat --no-pager >"$L/journal"
grep -q 'Watchdog timeout' "$L/journal" || fail "it was not the watchdog"
[ "$(dials)" = "$dialled" ] || fail "$(( $(dials) - dialled )) IKE SAs were begun anew"
