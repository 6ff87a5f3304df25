# The peer wants other networks than we do: TS_UNACCEPTABLE, named as such, with the networks.
# timeout: 60
aws_world local-ts=10.99.0.0/24 remote-ts=10.1.0.0/24
aws_start 's2sd: {retry-min: 1s, retry-max: 2s}' 'local-ts: 10.1.0.0/24' 'remote-ts: 10.20.0.0/24'
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
