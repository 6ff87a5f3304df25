# As hitless, with a peer that dials us from behind a NAT, and a stream of datagrams beside the pings.
#
#   gw-host ---- gw ---------------- inet ---------------- aws  ---- aws-host    10.20.0.10, ESP
#   10.1.0.10    198.51.100.7          '--- branch-nat --- branch -- branch-host 10.23.0.10, ESP in UDP
# timeout: 120
# lasts: HITLESS_SECONDS
# needs: iperf3
# open: on a busy emulated machine iperf3 lost 1,476 of 4,996 datagrams, and it is not known where
. "$LAB/hitless.sh"
aws_sites
nat_site branch 172.16.0.7 192.0.2.77 10.23.0
aws_peer
peer_start branch none inside=169.254.24.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-branch id=branch.example.net
key aws.psk lab-secret-of-both-ends
kernel_before gw
s2sd_configure < <(
	aws_conf
	tunnel_conf branch any 169.254.24.2/30 10.23.0.0/24 'remote-id: branch.example.net' 'start: respond'
)
managed_start
peer_dial branch
wait_up aws
wait_up branch
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.23.0.10
expect_status branch .ike.encapsulation udp
dialled=$(dials)
ping_begin gw-host 10.20.0.10 0.01 aws
ping_begin gw-host 10.23.0.10 0.01 branch
exec_in aws-host iperf3 -s -1 -B 10.20.0.10 >"$L/iperf-server" 2>&1 &
wait_for 10 "iperf3 listens" in_ns aws-host sh -c 'ss -Hltn "sport = 5201" | grep 5201 >/dev/null'
exec_in gw-host iperf3 -c 10.20.0.10 -u -b 500k -l 500 -t "${HITLESS_SECONDS:-40}" -J >"$L/iperf.json" 2>&1 &
stream=$!

theirs()
{
	peer_rekey "$1" "$2"
}
deaths 'aws branch'
wait "$stream" || fail "iperf3: $(jq -r '.error // "no word"' "$L/iperf.json")"
pause 3
ping_end aws
ping_end branch
[ "$(dials)" = "$dialled" ] || fail "$dialled messages of IKE_SA_INIT before the deaths, $(dials) after them"
managed_stop
kernel_is_clean
wire_is_clean
[ "$(jq .end.sum.lost_packets "$L/iperf.json")" = 0 ] || fail "iperf3: $(jq -c .end.sum "$L/iperf.json")"
