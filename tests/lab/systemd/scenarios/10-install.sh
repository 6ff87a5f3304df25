# The package is installed, a cloud's file imported, the unit enabled and started: up, answered from the LAN, nothing in clear.
# timeout: 90
status_of systemctl is-system-running --wait
[ "$said" = running ] || fail "the guest is not in order before anything of ours is in it: $said: $(systemctl --failed --no-legend | tr '\n' ';')"
wait_for 60 "the cloud is ready" test -e /run/lab/cloud/ready
date +%s >/run/lab/networkd-before

DEBIAN_FRONTEND=noninteractive dpkg -i /lab/out/packages/s2sd.deb >"$L/dpkg" 2>&1 || fail "dpkg -i: $(tail -n 1 "$L/dpkg")"
for user in s2sd s2sd-resolver s2sd-signer s2sd-token; do getent passwd $user >/dev/null || fail "the package makes no user $user"; done
status_of systemctl is-enabled s2sd
[ "$said" = disabled ] || fail "an installation without tunnels enables the unit: $said"
expect_property ActiveState inactive
systemd-analyze verify --man=no s2sd.service >"$L/verify" 2>&1 || fail "systemd-analyze verify: $(head -n 1 "$L/verify")"
! grep . "$L/verify" || fail "systemd-analyze verify: $(head -n 1 "$L/verify")"
# networkd has read the drop-in: what is ours is no longer foreign to it.
note "networkd runs since $(systemctl show -p ActiveEnterTimestamp --value systemd-networkd)"

sed -e 1,2d -e s/second.Tunnel_Key_9876543210.xyz/Abc.first_Tunnel_key.0123456789/g /lab/src/tests/golden/import/aws-json-bgp.in >/root/vpn.json
sysctl -q -w net.ipv4.fib_multipath_hash_policy=1
s2sctl import aws --route 10.20.0.0/16 /root/vpn.json >"$L/import" 2>&1 || fail "import: $(tail -n 1 "$L/import")"
status_of s2sctl check
[ $status = 0 ] || fail "s2sctl check of what import wrote: $said"
echo "$said" >"$L/check"
! grep -q 'networkd' "$L/check" || fail "check speaks of networkd after an installation by the package: $(grep networkd "$L/check")"

systemctl enable --now s2sd >"$L/start" 2>&1 || fail "systemctl enable --now: $(cat "$L/start")"
expect_property ActiveState active
wait_up
wait_ping
wait_for 10 "the unit's status says what is up" property_is StatusText "2 of 2 tunnels up"
status_of s2sctl check
[ $status = 0 ] || fail "s2sctl check beside the running daemon: status $status: $said"
[ "$(ps -o comm= -p "$(keeper)")" = s2sd ] || fail "the keeper is called $(ps -o comm= -p "$(keeper)")"
[ -n "$(engine)" ] || fail "no process of the keeper is called engine: $(ps --ppid "$(keeper)" -o args=)"
journalctl -u s2sd -o json --no-pager | jq -se '[.[] | select(.S2S_TUNNEL == "'$aws'-1")] | length > 0' >/dev/null || fail "no line in the journal has the field S2S_TUNNEL"
no_clear_text
