# The keys differ: log and status say so in words, whichever side dials; a mended key needs a reload, no restart.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24 psk=the-right-key

key aws.psk another-key
config='
s2sd: {retry-min: 1s, retry-max: 2s}
tunnels:
  aws:
    cloud: aws
    remote: 203.0.113.10
    psk-file: aws.psk
    inside: 169.254.21.2/30
    routes: [10.20.0.0/24]'
s2sd_start <<<"$config"

expect_error aws 'pre-shared key|authentication'
expect_log s2sd-gw 'aws: .*([Aa]uthentication|AUTHENTICATION_FAILED|pre-shared key)'
expect_status aws '.children | length' 0
refuse_log s2sd-gw 'another-key'
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "a wrong key was let in"; fi
expect_log peer-aws 'AUTH_FAILED|tried .* shared key'
[ "$(kernel_spis gw | wc -l)" -eq 0 ] || fail "there are SAs in the kernel: $(kernel_spis gw)"

key aws.psk the-right-key
s2sd_reload <<<"$config"
wait_up aws
wait_ping gw-host 10.20.0.10 5
s2sd_stop
kernel_is_clean
no_clear_text esp
