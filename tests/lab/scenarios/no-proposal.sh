# Nothing in common: first for the IKE SA, then for the child. Status and log name what was refused; a mended peer is found.
# timeout: 60
aws_world ike=aes128-sha384-ecp256 esp=aes128gcm16-ecp256
aws_start 's2sd: {retry-min: 1s, retry-max: 2s}'
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
