# The keys differ: log and status say so in words, whichever side dials; a mended key needs a reload, no restart.
# timeout: 60
aws_world psk=the-right-key-of-both-ends

key aws.psk another-key-of-one-end
aws_start 's2sd: {retry-min: 1s, retry-max: 2s}'

expect_error aws 'pre-shared key|authentication'
expect_log s2sd-gw 'aws: .*([Aa]uthentication|AUTHENTICATION_FAILED|pre-shared key)'
expect_status aws '.children | length' 0
refuse_log s2sd-gw 'another-key-of-one-end'
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "a wrong key was let in"; fi
expect_log peer-aws 'AUTH_FAILED|tried .* shared key'
[ "$(kernel_spis gw | wc -l)" -eq 0 ] || fail "there are SAs in the kernel: $(kernel_spis gw)"

key aws.psk the-right-key-of-both-ends
aws_reload 's2sd: {retry-min: 1s, retry-max: 2s}'
wait_up aws
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
