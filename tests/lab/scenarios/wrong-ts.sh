# The peer wants other networks than we do: TS_UNACCEPTABLE, named as such, with the networks.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24 local-ts=10.99.0.0/24 remote-ts=10.1.0.0/24

key aws.psk lab-secret
s2sd_start <<-END
	s2sd: {retry-min: 1s, retry-max: 2s}
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	    local-ts: 10.1.0.0/24
	    remote-ts: 10.20.0.0/24
END
expect_error aws 'selector|TS_UNACCEPTABLE'
expect_log s2sd-gw 'aws: .*([Ss]elector|TS_UNACCEPTABLE)'
[ "$(kernel_spis gw | wc -l)" -eq 0 ] || fail "there are SAs in the kernel: $(kernel_spis gw)"
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "there is no network in common, and it came up"; fi
expect_log peer-aws 'TS_UNACCEPT'

peer_edit aws 's/10.99.0.0/10.20.0.0/'
wait_up aws
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
