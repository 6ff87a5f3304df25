# systemd-networkd configures the uplink anew and is started anew: what is ours stays or comes back, the SAs go on.
# timeout: 90
ours()
{
	ip route show table all proto 213 | sort
	ip rule
}
networkd_done()
{
	networkctl --no-legend list up0 | grep configured && ip route show default | grep 198.51.100.1
}
ours >"$L/ours.before"
clear_before=$(witness "$inside" | wc -l)
for what in "networkctl reconfigure up0" "systemctl restart systemd-networkd" "networkctl reload"; do
	$what
	wait_for 30 "$what: networkd is done" networkd_done
	wait_for 20 "$what: all of ours is there" eval 'ours | diff "$L/ours.before" -'
	wait_ping
	note "$what: healed"
done
wait_up
[ "$(witness "$inside" | wc -l)" = "$clear_before" ] || fail "packets left in clear"
