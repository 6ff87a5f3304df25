# Two uplinks, one tunnel by each, and both ends have one name each: an IKE SA that is made again by one uplink leaves the other's alone, for we do not
# say INITIAL_CONTACT while another tunnel with the same identities lives, and the peer, who would obey it, does not see it.
#
#                    198.51.100.7
#   gw-host ---- gw ------------ inet ------------ hub ---- hub-host
#   10.1.0.10       `------------'    203.0.113.10          10.20.0.10, 10.21.0.10
#                    192.0.2.7
# timeout: 90
internet
site gw 198.51.100.7 10.1.0
second_uplink gw 192.0.2.7
site hub 203.0.113.10 10.20.0
ip -n hub-host addr add 10.21.0.10/32 dev lo
ip -n hub route add 10.21.0.0/24 via 10.20.0.10
watch_outside

peer_start hub none unique=no inside=169.254.21.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-first \
	remote=198.51.100.7,192.0.2.7 id=hub.example.net us-id=office.example.net
names=('local-id: office.example.net' 'remote-id: hub.example.net' 'local-ts: 10.1.0.0/24')
{
	echo tunnels:
	tunnel_conf first 203.0.113.10 169.254.21.2/30 10.20.0.0/24 "${names[@]}" 'local: 198.51.100.7' 'remote-ts: 10.20.0.0/24'
	tunnel_conf second 203.0.113.10 169.254.22.2/30 10.21.0.0/24 "${names[@]}" 'local: 192.0.2.7' 'remote-ts: 10.21.0.0/24'
} >"$W/conf"
key second.psk secret-of-both-for-first
s2sd_start <"$W/conf"
wait_up first
wait_up second
expect_status first .local 198.51.100.7:500
expect_status second .local 192.0.2.7:500
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.21.0.10
initial_contacts()
{
	grep -c 'parsed IKE_AUTH request.*N(INIT_CONTACT)' "$L/peer-hub.log" || true
}

# again TUNNEL OTHER ADDRESS-OF-OTHER
again()
{
	local old other flow=$2

	old=$(ike_spis "$1")
	other="$(ike_spis "$2") $(child_spis "$2")"
	ping_begin gw-host "$3" 0.01 "$flow"
	ctl down "$1"
	wait_status "$1" .state down
	ctl up "$1"
	wait_up "$1"
	wait_new ike "$1" "$old"
	pause 2
	ping_end "$flow"
	[ "$(ike_spis "$2") $(child_spis "$2")" = "$other" ] || fail "$2 has other SAs: $other, now $(ike_spis "$2") $(child_spis "$2")"
}
# Whether the very first says it depends on who is the first; the second may not.
told=$(initial_contacts)
[ "$told" -le 1 ] || fail "INITIAL_CONTACT was said $told times while the two tunnels came up"
again first second 10.21.0.10
again second first 10.20.0.10
refuse_log peer-hub 'destroying duplicate'
[ "$(initial_contacts)" -eq "$told" ] || fail "INITIAL_CONTACT was said while the other tunnel lived"
ping_lossless gw-host 10.20.0.10 20 0.02
ping_lossless gw-host 10.21.0.10 20 0.02
s2sd_stop
kernel_is_clean
no_clear_text esp
