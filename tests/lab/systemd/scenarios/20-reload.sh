# Settings are changed and reloaded, then broken ones: the reload says what is wrong and ends with a fault, the tunnels stay, the unit's status keeps the
# word until a reload succeeds. Not one packet is lost.
# timeout: 60
conf=/etc/s2sd/conf.d/lab.yaml
pid=$(keeper)
dialled=$(dials)
ping_begin
cat >$conf <<-END
	tunnels:
	  third:
	    remote: 203.0.113.30
	    psk-file: third.psk
	    inside: [169.254.62.2/30]
	    routes: [10.30.0.0/16]
	    start: respond
END
(umask 077; s2sctl genpsk >/etc/s2sd/keys/third.psk)
status_of systemctl reload s2sd
[ $status = 0 ] || fail "a good reload: status $status: $said"
[ "$(s2sctl status --json | jq '.tunnels | length')" = 3 ] || fail "the third tunnel is not there after the reload"

journal_mark
sed -i 's/routes:/rooutes:/' $conf
status_of systemctl reload s2sd
[ $status != 0 ] || fail "a broken reload ends with status 0"
expect_property ActiveState active
journal_new >"$L/journal"
grep -q "lab.yaml:6: .*'rooutes'" "$L/journal" || fail "the journal does not say what is wrong: $(head -n 2 "$L/journal")"
[[ $(property StatusText) == *refused* ]] || fail "the unit's status does not tell that the settings on disk are refused: $(property StatusText)"
[ "$(s2sctl status --json | jq '.tunnels | length')" = 3 ] || fail "the broken reload changed something"

rm $conf /etc/s2sd/keys/third.psk
status_of systemctl reload s2sd
[ $status = 0 ] || fail "the repaired settings: status $status: $said"
wait_for 10 "the unit's status is good again" property_is StatusText "2 of 2 tunnels up"
ping_end
[ "$(keeper)" = "$pid" ] || fail "the reload restarted the daemon"
[ "$(dials)" = "$dialled" ] || fail "a reload dialled anew"
