# The daemon starts while the uplink has no carrier: it is ready at once, says what is missing, and both tunnels are up as soon as the cable is there.
# timeout: 90
systemctl stop s2sd
ip -n cloud link set c0 down
wait_for 20 "the carrier is gone" eval 'ip link show up0 | grep NO-CARRIER'
systemctl restart systemd-networkd
begin=$(now_ms)
systemctl start s2sd || fail "without a carrier the daemon does not start"
note "ready after $(( $(now_ms) - begin )) ms without a carrier"
[ -n "$(ip route show 10.20.0.0/16 type unreachable)" ] || fail "there is no unreachable route without a carrier"
wait_for 10 "the unit says that nothing is up" property_is StatusText "0 of 2 tunnels up"
sleep 3
ip -n cloud link set c0 up
wait_up
wait_ping
