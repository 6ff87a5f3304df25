# Nothing in common: first for the IKE SA, then for the child. Status and log name what was refused; a mended peer is found.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24 ike=aes128-sha384-ecp256 esp=aes128gcm16-ecp256

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
END
expect_error aws 'proposal'
expect_log s2sd-gw 'aws: .*(proposal|NO_PROPOSAL_CHOSEN)'
expect_error aws 'none of ours .aes256-sha256-modp2048.' peer

# The peer dials: now we are the one that refuses.
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "there is nothing in common, and it came up"; fi
expect_log peer-aws 'NO_PROPOSAL_CHOSEN|NO_PROP'

peer_edit aws 's/aes128-sha384-ecp256/aes256-sha256-modp2048/'
expect_error aws 'esp|child'
expect_status aws '.children | length' 0

peer_edit aws 's/aes128gcm16-ecp256/aes256-sha256-modp2048/'
wait_up aws
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
