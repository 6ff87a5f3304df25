# Two strongSwans, no daemon of ours: what the lab itself can do, and the measure for everything else.
#
#   west-host ---- west ------------- inet ------------- east ---- east-host
#   10.1.0.10      198.51.100.7       .1  .1     203.0.113.10      10.20.0.10
#                  tun 169.254.21.2/30 ========= 169.254.21.1/30
# timeout: 90
# peer-only
internet
site west 198.51.100.7 10.1.0
site east 203.0.113.10 10.20.0
watch_outside

peer_start east aws us=west inside=169.254.21.1/30 routes=10.1.0.0/24
peer_start west none us=east inside=169.254.21.2/30 routes=10.20.0.0/24
peer_dial west
wait_ping west-host 10.20.0.10
ping_lossless west-host 10.20.0.10 50 0.02

ping_begin west-host 10.20.0.10 0.05
peer_rekey west child
peer_rekey east child
peer_rekey west ike
ping_end west-host

[ "$(kernel_packets west)" -gt 0 ] || fail "the kernel's counters are 0: the pings went elsewhere"
no_clear_text esp
