# A stop after a failure: the kernel state that was left for the next start goes, too.
# timeout: 60
echo 'tunnels: {broken: {' >/etc/s2sd/conf.d/lab.yaml
systemctl restart s2sd >/dev/null 2>&1 || true
wait_for 10 "the unit is failed" property_is ActiveState failed
[ "$(spis | wc -l)" -ge 4 ] || fail "the SAs are gone with the failure"
systemctl stop s2sd
wait_for 20 "nothing is left in the kernel" eval "(kernel_is_clean)"
rm -f "$L/reason"
kernel_is_clean
left=$(find /run/s2sd -mindepth 1 2>/dev/null || true)
[ -z "$left" ] || fail "after the stop there is: $left"

rm /etc/s2sd/conf.d/lab.yaml
systemctl start s2sd
wait_up
wait_ping
