# A newer package over the running one, and the older one back: no request is lost, nothing is negotiated anew.
# timeout: 120
dialled=$(dials)
export DEBIAN_FRONTEND=noninteractive
ping_begin
for package in s2sd-newer s2sd; do
	pid=$(keeper)
	dpkg -i /lab/out/packages/$package.deb >"$L/$package" 2>&1 || fail "dpkg -i $package: $(tail -n 1 "$L/$package")"
	wait_for 20 "the daemon was restarted" eval '[ "$(keeper)" != "'"$pid"'" ]'
	expect_property ActiveState active
	wait_up
done
ping_end
[ "$(dials)" = "$dialled" ] || fail "$(( $(dials) - dialled )) IKE SAs were begun anew"
status_of systemctl is-enabled s2sd
[ "$said" = enabled ] || fail "after the upgrade the unit is $said"

# Settings that the new program refuses: the old one goes on.
pid=$(keeper)
echo 'tunnels: {broken: {' >/etc/s2sd/conf.d/lab.yaml
dpkg -i /lab/out/packages/s2sd-newer.deb >"$L/refused" 2>&1 || fail "dpkg -i with unusable settings: $(tail -n 1 "$L/refused")"
[ "$(keeper)" = "$pid" ] || fail "a package whose program refuses the settings stopped the running one"
grep -q 'lab.yaml' "$L/refused" || fail "the upgrade does not say what is wrong: $(tail -n 3 "$L/refused")"
rm /etc/s2sd/conf.d/lab.yaml
dpkg -i /lab/out/packages/s2sd.deb >"$L/back" 2>&1 || fail "dpkg -i: $(tail -n 1 "$L/back")"
wait_up
