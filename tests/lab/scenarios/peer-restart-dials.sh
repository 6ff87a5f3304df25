# A peer that initiates loses power and comes back: its INITIAL_CONTACT says so at once, no liveness timeout is waited for.
#
#   gw-host ---- gw ---------------- inet ---------------- azure ---- azure-host
#   10.1.0.10    198.51.100.7                    192.0.2.10           10.30.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
watch_outside

key azure.psk lab-secret-of-both-ends
s2sd_start <<-END
	tunnels:
	  azure:
	    cloud: azure
	    remote: 192.0.2.10
	    psk-file: azure.psk
	    inside: 169.254.21.6/30
	    routes: [10.30.0.0/24]
	    start: respond
	    dpd-interval: 120s
	    dpd-timeout: 120s
END
peer_start azure azure inside=169.254.21.5/30 routes=10.1.0.0/24
wait_up azure
wait_ping gw-host 10.30.0.10
old=$(ike_spis azure)
peer_kill azure
expect_no_ping gw-host 10.30.0.10
peer_run azure
wait_new ike azure "$old" 10
wait_ping gw-host 10.30.0.10 5
expect_status azure '.children | length' 1
ping_lossless gw-host 10.30.0.10 20 0.05
s2sd_stop
kernel_is_clean
no_clear_text esp
