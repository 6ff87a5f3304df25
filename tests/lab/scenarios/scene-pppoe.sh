# A small office: the uplink is PPPoE with 1454 octets behind the provider's NAT, and both addresses change. TCP goes on, with packets that
# fit: nothing is cut in pieces outside, no transfer stalls, and what was under way when the address changed is completed.
#
#   gw-host ---- gw ---------------- gw-nat ----------- inet ------ azure ---- azure-host
#   10.1.0.10    100.64.0.7  MTU 1454  198.51.100.7                 192.0.2.10  10.30.0.10
#                100.64.0.99 later     198.51.100.77
# timeout: 200
. "$LAB/clouds.sh"
internet
nat_site gw 100.64.0.7 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
ip -n gw link set out mtu 1454
ip -n gw-nat link set in mtu 1454
watch_outside
peer_start azure azure start=listen esp=aes256-sha256-modp2048 inside=169.254.21.2/30 routes=10.1.0.0/24 psk=Lab.Secret_key_of_azure remote=%any \
	us-id=office.example.net

key azure.psk Lab.Secret_key_of_azure
s2sd_start <<-END
	tunnels:
	  azure:
	    cloud: azure
	    remote: 192.0.2.10
	    local-id: office.example.net
	    psk-file: azure.psk
	    inside: 169.254.21.1/30
	    routes: [10.30.0.0/24]
END
wait_up azure
expect_status azure .ike.nat local
wait_ping gw-host 10.30.0.10

# AES-CBC with SHA-256 in UDP: of 1454 octets 1374 are left; without TCP's and IP's headers 1334.
mtu=$(ip -n gw -j link show s2s-azure | jq '.[0].mtu')
[ "$mtu" -eq 1374 ] || fail "MTU of the tunnel is $mtu, 1374 fit"
exec_in azure-host tcpdump -i any -n -v -c 1 -l 'tcp[tcpflags] & tcp-syn != 0' >"$L/syn" 2>&1 &
wait_for 20 "tcpdump listens" grep -q 'listening on' "$L/syn"

# What fits is let through whole; who insists on more is told what fits.
in_ns gw-host ping -M do -s $(( 1374 - 28 )) -c 3 -i 0.2 -W 2 -q 10.30.0.10 >/dev/null || fail "1374 octets with DF set do not pass the tunnel"
too_big=$(in_ns gw-host ping -M do -s $(( 1375 - 28 )) -c 2 -i 0.2 -W 2 10.30.0.10 2>&1 || true)
grep -Eq 'mtu ?= ?1374' <<<"$too_big" || fail "1375 octets with DF set: expected to be told of 1374, saw: $(head -c 300 <<<"$too_big")"

# transfer FROM TO ADDRESS OCTETS SECONDS: complete, and in time.
transfer()
{
	local began

	in_ns "$2" timeout 120 nc -l 5001 >"$W/received" &
	wait_for 10 "nc listens in $2" listens "$2"
	began=$(now_ms)
	head -c "$4" /dev/zero | in_ns "$1" timeout "$(( $5 * 2 ))" nc -N "$3" 5001 || fail "nothing more goes from $1 to $3 after $(stat -c %s "$W/received") octets"
	wait "$!" || true
	[ "$(stat -c %s "$W/received")" -eq "$4" ] || fail "from $1 to $3: $(stat -c %s "$W/received") of $4 octets arrived"
	[ $(( $(now_ms) - began )) -lt $(( $5 * 1000 )) ] || fail "$4 octets from $1 to $3 took $(( $(now_ms) - began )) ms"
	note "$4 octets from $1 to $3 in $(( $(now_ms) - began )) ms"
}

listens()
{
	in_ns "$1" ss -Htln 'sport = 5001' | grep LISTEN >/dev/null
}

transfer gw-host azure-host 10.30.0.10 3000000 30
transfer azure-host gw-host 10.1.0.10 3000000 30
grep -q 'mss 1334' "$L/syn" || fail "MSS of a connection through the tunnel: expected 1334, saw $(grep -o 'mss [0-9]*' "$L/syn")"
capture_is_complete
[ "$(count_outside 'ip[6:2] & 0x3fff != 0')" -eq 0 ] || fail "$(count_outside 'ip[6:2] & 0x3fff != 0') fragments outside"

# Without DF what is too long is cut before it is encrypted. The answer is as long, and how Azure cuts it is Azure's affair.
in_ns gw-host ping -M dont -s 1472 -c 5 -i 0.2 -W 2 -q 10.30.0.10 >/dev/null || fail "1500 octets without DF do not pass the tunnel"
capture_is_complete
[ "$(count_outside 'src net 198.51.100.0/24 and ip[6:2] & 0x3fff != 0')" -eq 0 ] ||
	fail "$(count_outside 'src net 198.51.100.0/24 and ip[6:2] & 0x3fff != 0') fragments of ours outside"

# other_addresses OUTSIDE INSIDE instead of OLD-OUTSIDE OLD-INSIDE
other_addresses()
{
	note "the addresses change"
	changed=$(now_ms)
	ip -n gw-nat -batch - <<-END
		addr del 198.51.100.$3/24 dev out
		addr add 198.51.100.$1/24 dev out
		route add default via 198.51.100.1
	END
	ip -n gw -batch - <<-END
		link set out down
		addr del 100.64.0.$4/24 dev out
		addr add 100.64.0.$2/24 dev out
		link set out up
		route add default via 100.64.0.1
	END
}

# returned TIME: packets go through again, sooner than it takes to give the peer up.
returned()
{
	local ms

	wait_ping gw-host 10.30.0.10 30
	ms=$(( $(now_ms) - changed ))
	echo "addresses change ($1): $ms ms" >>"$L/measured"
	note "after the change packets pass again: $(( ms / 1000 )).$(( ms % 1000 / 100 )) s, fewer than 6 are asked for"
	[ "$ms" -lt 6000 ] || fail "after the addresses changed nothing passed for $ms ms, expected less than 6000"
}

# A steady stream is under way when the provider gives other addresses.
in_ns azure-host timeout 150 nc -l 5001 >"$W/received" &
wait_for 10 "nc listens in azure-host" listens azure-host
stream=$(now_ms)
exec_in gw-host bash -c 'block=$(head -c 10000 /dev/zero | tr "\0" x)
	exec {quiet}<> <(:)
	for ((i = 0; i < 150; i++)); do printf %s "$block"; read -r -t 0.1 -u "$quiet" || true; done' \
	> >(exec nsenter --net=/run/netns/gw-host -- timeout 150 nc -N 10.30.0.10 5001) &
sender=$!
pause 2
other_addresses 77 99 7 7
returned 1
wait_up azure
wait_status azure .local 100.64.0.99:4500
wait "$sender"
received_all()
{
	[ "$(stat -c %s "$W/received")" -eq 1500000 ]
}
wait_for 90 "all of the stream, of which $(stat -c %s "$W/received") octets had arrived" received_all
stream=$(( $(now_ms) - stream ))
note "the stream is complete after $(( stream / 1000 )) s"
[ "$stream" -lt 45000 ] || fail "a stream of 15 s over the change of addresses took $stream ms, expected less than 45000"
transfer gw-host azure-host 10.30.0.10 1000000 30
mtu=$(ip -n gw -j link show s2s-azure | jq '.[0].mtu')
[ "$mtu" -eq 1374 ] || fail "MTU of the tunnel is $mtu after the change, 1374 fit"

# And back again; what was there before is there afterwards.
other_addresses 7 7 77 99
returned 2
wait_status azure .local 100.64.0.7:4500
s2sd_stop
kernel_is_clean
no_clear_text 'udp port 4500'
