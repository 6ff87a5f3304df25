# We stand behind a masquerading router: port 4500, ESP in UDP, and keepalives when all is quiet.
#
#   gw-host ---- gw ------------- gw-nat ------------ inet ------ aws ---- aws-host
#   10.1.0.10    172.16.0.7       198.51.100.7                    203.0.113.10  10.20.0.10
# timeout: 100
internet
nat_site gw 172.16.0.7 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
aws_peer psk=Lab.Secret_key_of_aws dpd=120

key aws.psk Lab.Secret_key_of_aws
aws_start 'local-id: 198.51.100.7' 'dpd-interval: 90s' 'dpd-timeout: 120s'
wait_up aws
expect_status aws .ike.nat local
expect_status aws .ike.encapsulation udp
expect_status aws .local 172.16.0.7:4500
expect_status aws .remote 203.0.113.10:4500
ping_lossless gw-host 10.20.0.10 50 0.02
ping_lossless aws-host 10.1.0.10 20 0.02
old=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$old"
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old"
ping_lossless gw-host 10.20.0.10 20 0.02
capture_is_complete
[ "$(count_outside esp)" -eq 0 ] || fail "bare ESP outside, though there is NAT"

# An engine that failed leaves its sockets to nobody: the next one has new ones, by which the kernel decapsulates as by the old.
udp_sockets() { ip netns exec gw ss -uanH -e 'sport = :4500' | sed -n 's/.* ino:\([0-9]*\).*/\1/p' | sort | xargs; }
sockets=$(udp_sockets) old=$(child_spis aws)
kill -KILL "$(engine_pid)"
wait_for 10 "the daemon answers again" ctl status
wait_up aws
[ "$(child_spis aws)" = "$old" ] || fail "the child SA was $old, it is $(child_spis aws)"
ping_lossless gw-host 10.20.0.10 20 0.02
[ -n "$sockets" ] && [ "$(wc -w <<<"$sockets")" = "$(udp_sockets | wc -w)" ] || fail "UDP sockets of port 4500: $sockets, now $(udp_sockets)"
for socket in $(udp_sockets); do
	grep -qw "$socket" <<<"$sockets" && fail "socket $socket of the engine that failed is still in use"
done

# One byte 0xff from our side, when nothing else was sent for some 20 s (RFC 3948 2.3).
keepalives()
{
	[ "$(count_outside 'src host 198.51.100.7 and dst port 4500 and udp[4:2] == 9 and udp[8] == 0xff')" -gt 0 ]
}
wait_for 40 "a NAT keepalive outside" keepalives
ping_lossless aws-host 10.1.0.10 5 0.1

s2sd_stop
kernel_is_clean
no_clear_text 'udp port 4500'
