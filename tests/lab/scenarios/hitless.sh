# The engine dies, the keeper dies, both die, the daemon is restarted, at any moment, also in the middle of rekeys: no packet is lost, no peer is dialled
# anew, no IV, message id or sequence number is used twice. HITLESS_SECONDS=1000 for a long proof.
#
#   gw-host ---- gw ---------------- inet ---------------- aws  ---- aws-host    10.20.0.10, ESP
#   10.1.0.10    198.51.100.7          |------------------ udp  ---- udp-host    10.21.0.10, ESP in UDP
#                                      '------------------ vti  ---- vti-host    10.22.0.10, by a VTI
# timeout: 120
# lasts: HITLESS_SECONDS
. "$LAB/hitless.sh"
aws_sites
site udp 203.0.114.10 10.21.0
site vti 203.0.115.10 10.22.0
aws_peer
peer_start udp none inside=169.254.22.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-udp
peer_start vti none inside=169.254.23.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-vti
key aws.psk lab-secret-of-both-ends
kernel_before gw
s2sd_configure < <(
	aws_conf
	tunnel_conf udp 203.0.114.10 169.254.22.2/30 10.21.0.0/24 'encapsulation: udp'
	tunnel_conf vti 203.0.115.10 169.254.23.2/30 10.22.0.0/24 'interface-type: vti'
)
managed_start
names='aws udp vti'
declare -A at=([aws]=10.20.0.10 [udp]=10.21.0.10 [vti]=10.22.0.10)
for name in $names; do
	wait_up "$name"
	wait_ping gw-host "${at[$name]}"
done
expect_status udp .ike.encapsulation udp
dialled=$(dials)
for name in $names; do ping_begin gw-host "${at[$name]}" 0.01 "$name"; done

theirs()
{
	peer_rekey "$1" "$2"
}
deaths "$names"
pause 3
for name in $names; do ping_end "$name"; done
[ "$(dials)" = "$dialled" ] || fail "$dialled messages of IKE_SA_INIT before the deaths, $(dials) after them"
for name in $names; do ping_lossless gw-host "${at[$name]}" 20 0.02; done
managed_stop
kernel_is_clean
wire_is_clean
no_clear_text
