# An Azure gateway with a policy without PFS: it dials as we do, rekeys children without a key exchange, and replaces its
# IKE SA by a new one. No packet may be lost in any of it.
#
#   gw-host ------ gw --------------- inet ------------- azure ---- azure-host
#   10.1.0.10      198.51.100.7                 192.0.2.10          10.30.0.10
#                  s2s-azure 169.254.21.6/30 == 169.254.21.5/30
# timeout: 90
# smoke
internet
site gw 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
watch_outside

key azure.psk Lab.Secret_key_of_azure
s2sd_start <<-END
	tunnels:
	  azure:
	    cloud: azure
	    remote: 192.0.2.10
	    psk-file: azure.psk
	    inside: 169.254.21.6/30
	    routes: [10.30.0.0/24]
END
peer_start azure azure inside=169.254.21.5/30 routes=10.1.0.0/24 psk=Lab.Secret_key_of_azure
wait_up azure
wait_ping gw-host 10.30.0.10
# Both may have dialled at once; what is too much must go: ours after 4 s, the peer's after 30.
wait_status azure '.children | length' 1 60
ping_lossless gw-host 10.30.0.10 20 0.05

ping_begin gw-host 10.30.0.10 0.02
old=$(child_spis azure)
peer_rekey azure child
wait_new child azure "$old"
old=$(child_spis azure)
ctl rekey azure
wait_new child azure "$old"
old=$(ike_spis azure)
swan azure --rekey --ike peer --reauth >>"$L/peer-azure.out" 2>&1 || fail "the peer does not start its new IKE SA"
wait_new ike azure "$old"
wait_status azure '.children | length' 1 60
pause 3
expect_status azure .state up
ping_end gw-host

s2sd_stop
kernel_is_clean
no_clear_text esp
