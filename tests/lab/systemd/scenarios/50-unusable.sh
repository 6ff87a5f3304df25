# systemctl restart with unusable settings: the unit is failed with status 78, for all to see, and not tried again; what is in the kernel stays, and the
# next start with repaired settings goes on: no request is lost, nothing negotiated anew. So it is after `systemctl start`, too.
# timeout: 60
dialled=$(dials)
echo 'tunnels: {broken: {' >/etc/s2sd/conf.d/lab.yaml
ping_begin
status_of systemctl restart s2sd
[ $status != 0 ] || fail "a restart with unusable settings ends with status 0"
wait_for 10 "the unit is failed" property_is ActiveState failed
expect_property ExecMainStatus 78
[ "$(property NRestarts)" = 0 ] || fail "unusable settings are tried again: NRestarts $(property NRestarts)"
systemctl --failed --no-legend | grep s2sd >/dev/null || fail "systemctl --failed does not name it"
[ "$(spis | wc -l)" -ge 4 ] || fail "the SAs are gone"
sleep 2
rm /etc/s2sd/conf.d/lab.yaml
systemctl start s2sd || fail "the repaired settings are not started"
wait_up
ping_end
[ "$(dials)" = "$dialled" ] || fail "$(( $(dials) - dialled )) IKE SAs were begun anew"
no_clear_text
