# systemctl restart under a hundred requests a second: none is lost, and nothing is negotiated anew.
# timeout: 60
pid=$(keeper)
dialled=$(dials)
# What earlier scenarios had replaced is gone: an inbound and an outbound SA for each tunnel.
settled()
{
	[ "$(spis | wc -l)" = 4 ]
}
wait_for 20 "four SAs" settled
spis >"$L/spis.before"
ping_begin
for _ in 1 2 3; do systemctl restart s2sd; done
wait_up
ping_end
[ "$(keeper)" != "$pid" ] || fail "the daemon is the same process as before"
[ "$(dials)" = "$dialled" ] || fail "$(( $(dials) - dialled )) IKE SAs were begun anew"
spis | diff "$L/spis.before" - >"$L/spis.diff" || fail "the SAs in the kernel are others: $(head -n 3 "$L/spis.diff")"
no_clear_text
