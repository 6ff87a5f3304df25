# The engine dies, the keeper dies, both die, the daemon is restarted, at any moment, also in the middle of rekeys: no packet is lost, no peer is dialled
# anew, no IV, message id or sequence number is used twice. HITLESS_SECONDS=1000 for a long proof.
#
#   gw-host ---- gw ---------------- inet ---------------- aws  ---- aws-host    10.20.0.10, ESP
#   10.1.0.10    198.51.100.7          |------------------ udp  ---- udp-host    10.21.0.10, ESP in UDP
#                                      |------------------ vti  ---- vti-host    10.22.0.10, by a VTI
#                                      '--- branch-nat --- branch -- branch-host 10.23.0.10, behind a NAT, dials us
# timeout: 120
# lasts: HITLESS_SECONDS
# needs: iperf3
. "$LAB/hitless.sh"
aws_sites
site udp 203.0.114.10 10.21.0
site vti 203.0.115.10 10.22.0
nat_site branch 172.16.0.7 192.0.2.77 10.23.0
aws_peer
peer_start udp none inside=169.254.22.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-udp
peer_start vti none inside=169.254.23.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-vti
peer_start branch none inside=169.254.24.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-branch id=branch.example.net
key aws.psk lab-secret-of-both-ends
kernel_before gw
s2sd_configure < <(
	aws_conf
	tunnel_conf udp 203.0.114.10 169.254.22.2/30 10.21.0.0/24 'encapsulation: udp'
	tunnel_conf vti 203.0.115.10 169.254.23.2/30 10.22.0.0/24 'interface-type: vti'
	tunnel_conf branch any 169.254.24.2/30 10.23.0.0/24 'remote-id: branch.example.net' 'start: respond'
)
managed_start
peer_dial branch
names='aws udp vti branch'
declare -A at=([aws]=10.20.0.10 [udp]=10.21.0.10 [vti]=10.22.0.10 [branch]=10.23.0.10)
for name in $names; do
	wait_up "$name"
	wait_ping gw-host "${at[$name]}"
done
expect_status udp .ike.encapsulation udp
expect_status branch .ike.encapsulation udp
dialled=$(dials)
for name in $names; do ping_begin gw-host "${at[$name]}" 0.01 "$name"; done

# Beside the pings 125 datagrams a second, counted by who gets them.
exec_in aws-host iperf3 -s -1 -B 10.20.0.10 >"$L/iperf-server" 2>&1 &
wait_for 10 "iperf3 listens" in_ns aws-host sh -c 'ss -Hltn "sport = 5201" | grep -q 5201'
exec_in gw-host iperf3 -c 10.20.0.10 -u -b 500k -l 500 -t "${HITLESS_SECONDS:-40}" -J >"$L/iperf.json" 2>&1 &
stream=$!

theirs()
{
	peer_rekey "$1" "$2"
}
deaths "$names"
wait "$stream" || fail "iperf3: $(jq -r '.error // "no word"' "$L/iperf.json")"
[ "$(jq .end.sum.lost_packets "$L/iperf.json")" = 0 ] || fail "iperf3: $(jq -c .end.sum "$L/iperf.json")"
note "iperf3: 0 of $(jq .end.sum.packets "$L/iperf.json") datagrams lost"
pause 3
for name in $names; do ping_end "$name"; done
[ "$(dials)" = "$dialled" ] || fail "$dialled messages of IKE_SA_INIT before the deaths, $(dials) after them"
for name in $names; do ping_lossless gw-host "${at[$name]}" 20 0.02; done
managed_stop
kernel_is_clean
wire_is_clean
no_clear_text
