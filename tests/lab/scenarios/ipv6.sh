# IKE and ESP over IPv6, and both families inside of the one tunnel; with extended sequence numbers.
#
#   gw-host ---- gw ------------------- inet ------------------- peer ---- peer-host
#   10.1.0.10    2001:db8:1::7                      2001:db8:2::7          10.20.0.10
#   fd00:1::10   169.254.21.2/30, fd00:f::2/126     169.254.21.1, fd00:f::1   fd00:2::10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site peer 203.0.113.10 10.20.0
also_ipv6 gw 2001:db8:1 fd00:1
also_ipv6 peer 2001:db8:2 fd00:2
watch_outside
peer_start peer none inside="169.254.21.1/30 fd00:f::1/126" routes="10.1.0.0/24 fd00:1::/64" \
	esp=aes256gcm16-ecp256-esn local-ts=0.0.0.0/0,::/0 remote-ts=0.0.0.0/0,::/0

key peer.psk lab-secret-of-both-ends
s2sd_start <<-END
	tunnels:
	  peer:
	    remote: 2001:db8:2::7
	    psk-file: peer.psk
	    inside: [169.254.21.2/30, fd00:f::2/126]
	    routes: [10.20.0.0/24, fd00:2::/64]
	    esp-proposals: aes256gcm16-ecp256
	    esn: yes
	    dscp: 46
END
wait_up peer
expect_status peer .remote '[2001:db8:2::7]:500'
grep -q 'flag.* esn' <<<"$(in_ns gw ip xfrm state)" || fail "the kernel's SAs have no extended sequence numbers"
ping_lossless gw-host 10.20.0.10 20 0.05
ping_lossless gw-host fd00:2::10 20 0.05
ping_lossless peer-host fd00:1::10 10 0.05
capture_is_complete
[ "$(count_outside 'src host 2001:db8:1::7 and esp')" -ge 30 ] || fail "there is no ESP of ours"
[ "$(count_outside 'src host 2001:db8:1::7 and esp and ip6[0:2] & 0x0fc0 != 0x0b80')" -eq 0 ] || fail "ESP with another DSCP than 46"
ping_begin gw-host fd00:2::10 0.02
old=$(child_spis peer)
ctl rekey peer
wait_new child peer "$old"
old=$(child_spis peer)
peer_rekey peer child
wait_new child peer "$old"
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
