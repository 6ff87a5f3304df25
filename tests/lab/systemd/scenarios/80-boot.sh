# The machine boots with the unit enabled while a host of the LAN asks without pause: the guards stand before the network does, nothing leaves in clear, and
# the tunnels are up by themselves.
# boot
# timeout: 120
at_boot=yes
wait_for 60 "the cloud is ready" test -e /run/lab/cloud/ready
wait_for 60 "the daemon is active" property_is ActiveState active
wait_up
wait_ping
kill -INT "$(cat /run/lab/ping-at-boot.pid)"
cp /lab/out/ping-at-boot "$L"
[ "$(grep -c 'bytes from' "$L/ping-at-boot")" -gt 0 ] || fail "the LAN was never answered"
no_clear_text
systemd-analyze verify --man=no s2sd.service >"$L/verify" 2>&1
journalctl -b -o cat --no-pager | grep -i 'ordering cycle' >"$L/cycle" && fail "an ordering cycle: $(head -n 1 "$L/cycle")"
[ "$(systemctl is-system-running)" = running ] || fail "after the boot the system is $(systemctl is-system-running): $(systemctl --failed --no-legend | tr '\n' ';')"
systemd-analyze critical-chain s2sd.service >"$L/chain" 2>&1
