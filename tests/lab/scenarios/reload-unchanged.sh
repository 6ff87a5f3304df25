# SIGHUP with one tunnel changed, one new and one gone: the one that is the same keeps its SAs and loses no packet.
#
#   gw-host ---- gw  198.51.100.7 ----- inet --+-- aws   203.0.113.10 ---- aws-host   10.20.0.10
#   10.1.0.10                                  +-- azure 192.0.2.10 ------ azure-host 10.30.0.10
# timeout: 60
# smoke
aws_sites
site azure 192.0.2.10 10.30.0
aws_peer
peer_start azure none inside=169.254.21.5/30 routes=10.1.0.0/24 \
	esp=aes256-sha256-modp2048,aes256gcm16-ecp384

key t.psk lab-secret-of-both-ends
same='
tunnels:
  aws:
    cloud: aws
    remote: 203.0.113.10
    psk-file: t.psk
    inside: 169.254.21.2/30
    routes: [10.20.0.0/24]'
s2sd_start <<<"$same
  azure:
    remote: 192.0.2.10
    psk-file: t.psk
    inside: 169.254.21.6/30
    routes: [10.30.0.0/24, 10.31.0.0/24]
  gone:
    remote: 192.0.2.99
    psk-file: t.psk
    inside: 169.254.21.10/30
    routes: [10.98.0.0/24]"
wait_up aws
wait_up azure
wait_ping gw-host 10.20.0.10
child=$(child_spis aws) ike=$(ike_spis aws)
ping_begin gw-host 10.20.0.10 0.02

s2sd_reload <<<"$same
  azure:
    remote: 192.0.2.10
    psk-file: t.psk
    inside: 169.254.21.6/30
    routes: [10.30.0.0/24, 10.32.0.0/24]
    esp-proposals: aes256gcm16-ecp384
  new:
    remote: 192.0.2.98
    psk-file: t.psk
    inside: 169.254.21.14/30
    routes: [10.99.0.0/24]"
azure_is_new()
{
	[[ $(tunnel azure '.state + " " + (.children[0].proposal // "")') == "up aes256gcm16"* ]]
}
wait_for 15 "azure comes back with its new proposal" azure_is_new
wait_ping gw-host 10.30.0.10
routes=$(ip -n gw route)
grep -q '^10.32.0.0/24 dev s2s-azure' <<<"$routes" || fail "the new route is not there: $routes"
! grep -q '10.31.0.0/24' <<<"$routes" || fail "the old route is still there: $routes"
! grep -q '10.98.0.0/24' <<<"$routes" || fail "the gone tunnel's route is still there: $routes"
grep -q '10.99.0.0/24' <<<"$routes" || fail "the new tunnel's guard is not there: $routes"
[[ $(ctl status) == *new* ]] || fail "status does not know the new tunnel"
! ip -n gw link show s2s-gone >/dev/null 2>&1 || fail "the gone tunnel's interface is still there"

# A configuration with a fault changes nothing.
s2sd_reload <<<"$same
    no-such-word: 1"
expect_log s2sd-gw 'no-such-word'
s2sd_alive
expect_status aws .state up
expect_status azure .state up

ping_end gw-host
[ "$(child_spis aws)" = "$child" ] || fail "the children of aws changed: $child, now $(child_spis aws)"
[ "$(ike_spis aws)" = "$ike" ] || fail "the IKE SA of aws changed: $ike, now $(ike_spis aws)"
s2sd_stop
kernel_is_clean
no_clear_text esp
