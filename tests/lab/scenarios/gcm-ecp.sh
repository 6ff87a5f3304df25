# The modern suite: AES-GCM and P-384 for the IKE SA and for the children, with PFS.
#
#   gw-host ---- gw ---------------- inet ---------------- peer ---- peer-host
#   10.1.0.10    198.51.100.7                    203.0.113.10        10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site peer 203.0.113.10 10.20.0
watch_outside
peer_start peer none inside=169.254.21.1/30 routes=10.1.0.0/24 ike=aes256gcm16-prfsha384-ecp384 esp=aes256gcm16-ecp384

key peer.psk lab-secret-of-both-ends
s2sd_start <<-END
	tunnels:
	  peer:
	    remote: 203.0.113.10
	    psk-file: peer.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	    ike-proposals: aes256gcm16-prfsha384-ecp384
	    esp-proposals: aes256gcm16-ecp384
END
wait_up peer
expect_status peer .ike.proposal aes256gcm16-prfsha384-ecp384
[[ $(tunnel peer '.children[0].proposal') == aes256gcm16* ]] || fail "the child has $(tunnel peer '.children[0].proposal')"
grep -q 'rfc4106(gcm(aes))' <<<"$(in_ns gw ip xfrm state)" || fail "the kernel has no AES-GCM SA"
ping_begin gw-host 10.20.0.10 0.02
old=$(child_spis peer)
peer_rekey peer child
wait_new child peer "$old"
old=$(child_spis peer)
ctl rekey peer
wait_new child peer "$old"
old=$(ike_spis peer)
ctl rekey --ike peer
wait_new ike peer "$old"
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
