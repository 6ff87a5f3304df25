# IKE in pieces, both ways (RFC 7383): the peer splits all that is longer than 200 octets, we what is longer than the path surely takes.
# Group 18 makes rekeys that long: its public value alone has 1024 octets.
# timeout: 120
aws_sites
esp=aes256-sha256-modp8192,aes128-sha256-modp8192,aes192-sha256-modp8192
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 esp=$esp more="fragmentation = force" charon="fragment_size = 200"

key aws.psk lab-secret-of-both-ends
s2sd_start <<-END
	tunnels:
	  aws:
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	    esp-proposals: [$esp]
END
# The next payload in the header says SKF (53).
fragments()
{
	capture_is_complete
	count_outside "src host $1 and udp port 500 and udp[24] = 53"
}

wait_up aws
wait_ping gw-host 10.20.0.10
[ "$(fragments 203.0.113.10)" -ge 2 ] || fail "the peer's IKE_AUTH did not come in pieces"
note "$(fragments 203.0.113.10) fragments of the peer by now"

ping_begin gw-host 10.20.0.10 0.05
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old" 40
[ "$(fragments 198.51.100.7)" -ge 2 ] || fail "our rekey did not go in pieces"

theirs=$(fragments 203.0.113.10)
old=$(child_spis aws)
swan aws --rekey --child net >>"$L/peer-aws.out" 2>&1
wait_new child aws "$old" 40
[ "$(fragments 203.0.113.10)" -ge $(( theirs + 4 )) ] || fail "the peer's rekey did not come in pieces"
ping_end gw-host
note "$(fragments 198.51.100.7) fragments of ours, $(fragments 203.0.113.10) of the peer"
expect_status aws .state up
no_clear_text esp
