# As hitless, with a peer that dials us from behind a NAT, and a stream of datagrams beside the pings.
#
#   gw-host ---- gw ---------------- inet ---------------- aws  ---- aws-host    10.20.0.10, ESP
#   10.1.0.10    198.51.100.7          '--- branch-nat --- branch -- branch-host 10.23.0.10, ESP in UDP
# timeout: 120
# lasts: HITLESS_SECONDS
# needs: iperf3
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
# iperf3 counts as lost what waits for it until its socket is full. What leaves one host and does not come to the other is ours.
in_ns gw-host nft -f - <<<'table ip lab { chain c { type filter hook output priority 0; udp dport 5201 counter; }; }'
in_ns aws-host nft -f - <<<'table ip lab { chain c { type filter hook prerouting priority -300; udp dport 5201 counter; }; }'
datagrams()
{
	in_ns "$1" nft -j list chain ip lab c | jq '.nftables[].rule.expr[]?.counter.packets // empty'
}
exec_in aws-host iperf3 -s -1 -B 10.20.0.10 >"$L/iperf-server" 2>&1 &
wait_for $(( 10 * slack )) "iperf3 listens" in_ns aws-host sh -c 'ss -Hltn "sport = 5201" | grep 5201 >/dev/null'
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
left=$(datagrams gw-host)
came=$(datagrams aws-host)
full=$(in_ns aws-host awk '$1 == "Udp:" && $2 ~ /[0-9]/ { print $6 }' /proc/net/snmp)
note "$left datagrams left, $came came, $full of them found iperf3's socket full; iperf3 misses $(jq .end.sum.lost_packets "$L/iperf.json")"
[ "$left" -gt 100 ] || fail "iperf3 sent $left datagrams"
[ "$came" = "$left" ] || fail "$left datagrams left gw-host, $came came to aws-host"
