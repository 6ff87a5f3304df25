# Libreswan as a policy-based peer: its rekeys lose nothing. It sends by a new child SA as soon as it has answered our request for one, which is before
# we can have the keys: what that costs when we rekey, and how long it lasts, is measured and said.
#
#   gw-host ---- gw ---------------- inet ---------------- lsw ---- lsw-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 120
# needs: libreswan
. "$LAB/libreswan.sh"
internet
site gw 198.51.100.7 10.1.0
site lsw 203.0.113.10 10.20.0
watch_outside

libreswan_start lsw psk=secret-of-both-for-lsw left=10.20.0.0/24 right=10.1.0.0/24
s2sd_start < <(echo tunnels:; tunnel_conf lsw 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'local-ts: 10.1.0.0/24' 'remote-ts: 10.20.0.0/24')
wait_up lsw
wait_ping gw-host 10.20.0.10
wait_ping lsw-host 10.1.0.10

# renewed WHAT COMMAND...: until the tunnel has a new one of these.
renewed()
{
	local what=$1 old

	shift
	old=$("${what}_spis" lsw)
	"$@" || fail "refused: $*: $(tail -n 1 "$L/libreswan-lsw.out")"
	wait_new "$what" lsw "$old"
}

ping_begin gw-host 10.20.0.10 0.01
ping_begin lsw-host 10.1.0.10 0.01
for round in 1 2 3; do
	note "Libreswan rekeys, round $round"
	renewed child whack lsw --rekey-ipsec --name net
	renewed ike whack lsw --rekey-ike --name net
done
pause 2
ping_end gw-host
ping_end lsw-host

# When our kernel gets its SAs, to the microsecond.
exec_in gw stdbuf -oL ip -ts xfrm monitor SA >"$L/xfrm-gw" 2>&1 &
early=$(xfrm_error gw XfrmInNoStates)
ping_begin gw-host 10.20.0.10 0.01
ping_begin lsw-host 10.1.0.10 0.01
rekeys=5
for round in $(seq $rekeys); do
	note "we rekey, round $round"
	renewed child ctl rekey lsw
done
renewed ike ctl rekey --ike lsw
pause 2
all_lost=0
for host in gw lsw; do
	ping_stop $host-host
	all_lost=$(( all_lost + lost ))
done
early=$(( $(xfrm_error gw XfrmInNoStates) - early ))
# For each child that we asked for: how long after the peer's answer had passed the internet our kernel had the inbound SA, and how long after the first
# packet by it. What remains between is the key exchange's second half (Nr and KEr are in the answer), one message to the keeper, one to the kernel.
waits()
{
	{
		tcpdump -n -i any -r "$L/outside.pcap" 'src host 203.0.113.10 and (udp port 500 or esp)' 2>/dev/null | awk '$3 == "In"'
		awk '$2 == "src" && $3 == "203.0.113.10" { at = substr($1, 13, 15) } /spi/ && at { print at, "NEWSA", $4; at = "" }' "$L/xfrm-gw"
	} | sort -s -k 1,1 | awk '
		function ms(t, part) { split(t, part, ":"); return ((part[1] * 60 + part[2]) * 60 + part[3]) * 1000 }
		/isakmp/ { answer = ms($1) }
		match($0, /spi=0x[0-9a-f]+/) { spi = substr($0, RSTART + 4, RLENGTH - 4); if (!(spi in first)) first[spi] = ms($1) }
		$2 == "NEWSA" { done[$3] = ms($1); of[$3] = answer; order[++n] = $3 }
		END {
			for (i = 1; i <= n; i++) {
				spi = order[i]
				printf "%s: the inbound SA stands %.1f ms after the answer, the first packet came %.1f ms after it\n",
					spi, done[spi] - of[spi], first[spi] - of[spi]
			}
		}'
}
capture_is_complete
waits >"$L/waits"
while read -r line; do note "$line"; done <"$L/waits"
[ "$(wc -l <"$L/waits")" -eq $rekeys ] || fail "$(wc -l <"$L/waits") inbound SAs were seen in the kernel, not $rekeys"
awk -v most=$(( 100 * slack )) '$6 > most { exit 1 }' "$L/waits" || fail "an inbound SA is later than $(( 100 * slack )) ms: $(sort -n -k 6 "$L/waits" | tail -n 1)"
note "we rekey $rekeys times: $all_lost packets lost, $early came by a new SA before we had its keys"
[ "$all_lost" -le "$early" ] || fail "$all_lost packets are lost, only $early of them because they came before the keys"
expect_status lsw .state up
s2sd_stop
kernel_is_clean
no_clear_text esp
