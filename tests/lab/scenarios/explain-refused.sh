# What a peer may refuse, one after the other, and what explain makes of it: proposals item by item, weak groups, keys, identities, selectors,
# PFS at the rekey; in the words of the cloud that the tunnel names. Mended, the tunnel comes up.
#
#   gw-host ---- gw ---------------- inet ---------------- cloud ---- cloud-host
#   10.1.0.10    198.51.100.7                    203.0.113.10         10.20.0.10
# timeout: 400
. "$LAB/explain.sh"
internet
site gw 198.51.100.7 10.1.0
site cloud 203.0.113.10 10.20.0
peer_start cloud azure-default inside=169.254.21.1/30 routes=10.1.0.0/24 psk=the-right-key-of-both-ends id=wrong.example us-id=198.51.100.7 \
	local-ts=10.99.0.0/24 start=listen

key t.psk another-key-of-one-end
config()
{
	cat <<-END
		s2sd: {retry-min: 1s, retry-max: 2s}
		tunnels:
		  t:
		    cloud: $1
		    remote: 203.0.113.10
		    psk-file: t.psk
		    inside: 169.254.21.2/30
		    routes: [10.20.0.0/24]
		    ${2:-}
	END
}
s2sd_start <<<"$(config azure)"

# We dial Azure's default policy, then it dials us.
expect_first t ike-proposal
expect_words .there 'Azure.s default policy knows DHGroup2 alone.*AES256, SHA256, DHGroup14: az network vpn-connection ipsec-policy add'
expect_words '.compared[] | select(.what == "group") | .ours_there + " " + .theirs + " " + (.fits | tostring)' '^DHGroup14 modp1024 false$'
if swan cloud --initiate --child net --timeout 10 >>"$L/peer-cloud.out" 2>&1; then fail "there is nothing in common, and it came up"; fi
expect_first t weak-group
expect_words .text 'only weak Diffie-Hellman groups .modp1024'
expect_words '.compared[] | select(.what == "encryption") | .theirs' 'aes256 aes128'
expect_words .here 'allow-weak: modp1024'

# Another peer, strong but different: its offer is known from its own attempt.
peer_edit cloud 's/^\(\s*proposals =\).*/\1 aes128-sha384-ecp256/; s/^\(\s*esp_proposals =\).*/\1 aes256-sha256/'
s2sd_reload <<<"$(config aws)"
if swan cloud --initiate --child net --timeout 10 >>"$L/peer-cloud.out" 2>&1; then fail "there is nothing in common, and it came up"; fi
expect_first t ike-proposal
expect_words '.compared[] | select(.what == "encryption") | .ours_there + " " + .theirs + " " + (.fits | tostring)' '^AES256 aes128 false$'
expect_words .there 'Phase 1 DH group numbers: AES256, SHA2-256, 14'

# The keys differ. Ours is refused; then it dials, and the check is ours.
peer_edit cloud 's/aes128-sha384-ecp256/aes256-sha256-modp2048/'
expect_first t psk-or-identity
expect_words .here 'keys/t.psk'
expect_words .there 'AWS tunnel detected a pre-shared key mismatch with cgw'
peer_edit cloud 's/wrong.example/203.0.113.10/'
if swan cloud --initiate --child net --timeout 10 >>"$L/peer-cloud.out" 2>&1; then fail "a wrong key was let in"; fi
expect_first t psk
expect_words .text 'pre-shared keys of the two ends differ'

# The identity is not what we expect.
key t.psk the-right-key-of-both-ends
peer_edit cloud 's/id = 203.0.113.10/id = wrong.example/'
s2sd_reload <<<"$(config aws)"
expect_first t identity
expect_words .text 'identifies itself as wrong.example, but we expect 203.0.113.10'
expect_words .here "remote-id: wrong.example"
expect_words '.compared[0] | .ours + " " + .theirs' '^203.0.113.10 wrong.example$'

# The networks, then the child's algorithms.
peer_edit cloud 's/wrong.example/203.0.113.10/'
s2sd_reload <<<"$(config aws 'remote-ts: 10.20.0.0/24')"
ctl down t
ctl up t --timeout 1 || true
expect_first t selectors
expect_words .there 'Local IPv4 network CIDR'
expect_words .text '0.0.0.0/0 === 10.20.0.0/24'
peer_edit cloud 's/10.99.0.0/10.20.0.0/; s/^\(\s*esp_proposals =\).*/\1 aes128gcm16/'
expect_first t esp-proposal 60
expect_words .there 'Phase 2 DH group numbers: AES256, SHA2-256, 14'

# PFS shows at the rekey only. The tunnel is up meanwhile, and it is said.
peer_edit cloud 's/^\(\s*esp_proposals =\).*/\1 aes256-sha256/'
wait_up t
if ctl rekey t --timeout 10; then fail "the rekey succeeds although only one end has PFS"; fi
expect_first t pfs
expect_words .there 'Phase 2 DH group numbers: 14'
expect_words '.compared[] | select(.what == "group") | .ours' 'modp2048'
# The peer goes by its new settings with the next IKE SA.
peer_edit cloud 's/^\(\s*esp_proposals =\).*/\1 aes256-sha256-modp2048/'
ctl down t
ctl up t
ctl rekey t
expect_first t up
expect_gone t pfs
expect_gone t pfs-unproven
s2sd_stop
