# ESP in UDP received in batches (UDP_GRO, esp4_offload) against one by one, TCP through the tunnel in the same guest: both carry, batches are opened before the
# packet filter sees a datagram of them, and the ratio is printed.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 200
# needs: iperf3
# needs: ethtool
# kernel: new
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
aws_peer esp=aes256gcm16-modp2048
aws_start 'encapsulation: udp' 'esp-proposals: aes256gcm16-modp2048'
wait_up aws
[ "$(ctl show algorithms | awk '$1 == "udp-gro" { print $2 }')" = yes ] || fail "this kernel is said to take no batches"
expect_status aws .ike.encapsulation udp
wait_ping gw-host 10.20.0.10

exec_in gw-host iperf3 -s >"$L/iperf3-server" 2>&1 &
listens() { in_ns gw-host ss -tlnH 'sport = :5201' | grep LISTEN >/dev/null; }
wait_for 20 "iperf3 listens" listens
# Megabits a second that gw decrypts; the first second is slow start.
throughput()
{
	in_ns aws-host iperf3 -c 10.1.0.10 -t 5 -O 1 -J >"$L/iperf3-$1" || fail "iperf3 $1: $(jq -r .error "$L/iperf3-$1")"
	jq -r '.end.sum_received.bits_per_second / 1e6 * 100 | floor' "$L/iperf3-$1"
}
median() { sort -n | sed -n 2p; }
# Datagrams of ESP in UDP that came through the packet filter: those of a batch are opened before it.
in_ns gw nft -f - <<-END
	table ip ratio {
		counter single { }
		chain pre { type filter hook prerouting priority -300; iifname out udp dport 4500 counter name single; }
	}
END
datagrams() { in_ns gw nft list counter ip ratio single | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
# A veth hands packets over to batches only when they come from a device that does not segment.
in_ns inet ethtool -K to-gw tso off >"$L/ethtool" 2>&1 || fail "TSO of the router: $(xargs <"$L/ethtool")"
batches()
{
	in_ns gw ethtool -K out gro "$1" >"$L/ethtool" 2>&1 || fail "GRO of the uplink: $(xargs <"$L/ethtool")"
}
filtered_single=0 filtered_batches=0
for round in 1 2 3; do
	batches off
	before=$(datagrams)
	throughput "single-$round" >>"$W/single"
	filtered_single=$(( filtered_single + $(datagrams) - before ))
	[ $round -gt 1 ] || load_module esp4_offload || fail "this kernel has no esp4_offload"
	batches on
	before=$(datagrams)
	throughput "batches-$round" >>"$W/batches"
	filtered_batches=$(( filtered_batches + $(datagrams) - before ))
done
note "datagrams through the packet filter: $filtered_single one by one, $filtered_batches in batches"
[ "$filtered_single" -gt 1000 ] || fail "only $filtered_single datagrams one by one: it proves nothing"
[ $(( filtered_batches * 5 )) -lt "$filtered_single" ] || fail "one by one $filtered_single datagrams pass the filter, in batches $filtered_batches: nothing is joined"
ctl show algorithms | grep -E '^esp4-offload (yes|.*yes)' >/dev/null || fail "esp4_offload is loaded and not told: $(ctl show algorithms | grep esp4)"
single=$(median <"$W/single") batched=$(median <"$W/batches")
[ "$single" -gt 0 ] && [ "$batched" -gt 0 ] || fail "nothing passed: $single, $batched"
ratio=$(awk -v a="$batched" -v b="$single" 'BEGIN { printf "%.2f", a / b }')
note "single $(xargs <"$W/single"), in batches $(xargs <"$W/batches") (100 = 1 Mbit/s): ratio of the medians $ratio"
ping_lossless aws-host 10.1.0.10 20 0.02
ping_lossless gw-host 10.20.0.10 20 0.02
for error in XfrmInStateProtoError XfrmInStateSeqError XfrmInHdrError XfrmInBufferError; do
	[ "$(xfrm_error gw "$error")" = 0 ] || fail "$error: $(xfrm_error gw "$error")"
done
in_ns gw nft delete table ip ratio
s2sd_stop
kernel_is_clean
