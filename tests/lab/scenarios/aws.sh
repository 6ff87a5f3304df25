# An AWS endpoint as delivered: it waits for us, PFS, one pair of SAs for everything, clears on a dead peer.
# timeout: 60
# smoke
aws_world psk=Lab.Secret_key_of_aws

key aws.psk Lab.Secret_key_of_aws
aws_start
wait_up aws
expect_status aws .local 198.51.100.7:500
expect_status aws .remote 203.0.113.10:500
expect_status aws .interface s2s-aws
expect_status aws '.inside | join(" ")' 169.254.21.2/30
expect_status aws .ike.role initiator
expect_status aws .ike.proposal aes256-sha256-modp2048
expect_status aws .ike.nat none
expect_status aws .ike.encapsulation none
expect_status aws '.children | length' 1
expect_status aws .last_error null
[ "$(kernel_spis gw | tr '\n' ' ')" = \
	"$(tunnel aws '.children[0] | "0x" + .spi_in + " 198.51.100.7", "0x" + .spi_out + " 203.0.113.10"' | sort | tr '\n' ' ')" ] ||
	fail "the kernel has the SAs $(kernel_spis gw | tr '\n' ' '), status shows $(child_spis aws)"

# Host to host, router to router; small, and large enough to be cut in pieces.
ping_lossless gw-host 10.20.0.10 50 0.02
ping_lossless aws-host 10.1.0.10 20 0.02
ping_lossless gw 169.254.21.1 5 0.1
[[ $(in_ns gw-host ping -q -c 10 -i 0.05 -W 2 -s 3000 10.20.0.10) == *" 10 received"* ]] || fail "pings of 3000 bytes are lost"
[ "$(counter aws packets_out)" -ge 75 ] || fail "status counts $(counter aws packets_out) packets out, at least 75 were"
[ "$(counter aws packets_in)" -ge 75 ] || fail "status counts $(counter aws packets_in) packets in, at least 75 were"

# By hand down, it stays down though the peer is there; and up again.
ctl down aws
wait_status aws .state down
expect_log peer-aws 'received DELETE for IKE_SA'
expect_no_ping gw-host 10.20.0.10
ctl up aws
expect_status aws .state up
wait_ping gw-host 10.20.0.10

s2sd_stop
kernel_is_clean
no_clear_text esp
