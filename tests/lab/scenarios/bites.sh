# The checks themselves: each is led to a case where it must fail. A lab whose checks cannot fail proves nothing.
#
#   west-host ---- west ------ inet ------ east ---- east-host
#   10.1.0.10      198.51.100.7            203.0.113.10   10.20.0.10
# timeout: 60
# peer-only
internet
site west 198.51.100.7 10.1.0
site east 203.0.113.10 10.20.0
watch_outside
kernel_before west

must_fail ping_lossless west 203.0.113.99 2 0.2
in_ns east tc qdisc add dev out root netem loss 30%
ping_begin west 203.0.113.10 0.02
pause 3
must_fail ping_end west
in_ns east tc qdisc del dev out root

must_fail no_clear_text icmp6
ping_lossless west 203.0.113.10 20 0.02
must_fail no_clear_text esp
no_clear_text icmp
in_ns west ping -c 1 -W 1 10.20.0.10 >/dev/null || true
must_fail no_clear_text icmp

kernel_is_clean west
ip -n west route add 10.77.0.0/16 via 198.51.100.1
must_fail kernel_is_clean west
ip -n west route del 10.77.0.0/16 via 198.51.100.1
in_ns west ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x77 mode tunnel \
	aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128
must_fail kernel_is_clean west
in_ns west ip xfrm state flush
in_ns west nft add table inet left-over
must_fail kernel_is_clean west

touch "$L/some.log"
must_fail expect_log some 'never written' 1
must_fail wait_for 1 "the impossible" false
