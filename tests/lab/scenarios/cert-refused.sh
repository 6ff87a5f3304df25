# What is wrong with a certificate, one after the other, and that it is said by its cause and on the right side: expired, not valid yet, revoked, of another CA,
# not for signatures; two endpoints that differ in their CN only, swapped; and what the peer does not accept of ours. Mended, the tunnel comes up. (A name
# that its certificate does not carry is nothing that strongSwan can be made to say: it takes the certificate's then. Libreswan says it: cert-name.)
# timeout: 340
. "$LAB/explain.sh"
. "$LAB/certs.sh"
aws_sites
ca root
ca other
certificate gw root /O=Lab/CN=gw
certificate good root /O=Lab/CN=vpn-1.endpoint-0
certificate swapped root /O=Lab/CN=vpn-1.endpoint-1
certificate old root /O=Lab/CN=vpn-1.endpoint-0 to=20261001000000Z
certificate young root /O=Lab/CN=vpn-1.endpoint-0 from=20300101000000Z to=20310101000000Z
certificate revoked root /O=Lab/CN=vpn-1.endpoint-0
certificate foreign other /O=Lab/CN=vpn-1.endpoint-0
certificate usage root /O=Lab/CN=vpn-1.endpoint-0 usage=keyEncipherment
revoke revoked root
give gw
give_ca root
cp "$certs/root.crl" "$(keys_dir)/root.crl"
chmod 600 "$(keys_dir)/root.crl"
config()
{
	cert_conf 's2sd: {retry-min: 1s, retry-max: 2s}' 'certificate: gw.pem' 'private-key: gw.key' 'ca: ca.pem' 'crl: root.crl require' \
		'remote-id: O=Lab, CN=vpn-1.endpoint-0' "$@"
}
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=good ca="root other" id="O=Lab, CN=vpn-1.endpoint-0" us-id="O=Lab, CN=gw"
s2sd_start < <(config)
wait_up aws

# refused CERTIFICATE CAUSE: the peer shows it; we refuse it, by that cause, and blame the peer.
refused()
{
	peer_certificate aws "$1"
	peer_terminate aws
	wait_status aws '.last_error.code + " " + .last_error.blame + " " + .last_error.ours' "certificate-refused peer $2"
	[ "$(tunnel aws '.children | length')" = 0 ] || fail "$1: it is refused, and there is a child SA"
	expect_verdict aws certificate
	peer_certificate aws good
	wait_up aws
}
refused old expired
refused young not-yet-valid
refused revoked revoked
refused foreign untrusted
refused usage usage

# The other endpoint in its place: its certificate is of the same CA, its name is not the one that we ask for. It has no peer for that name; and when it dials
# we say whom we see.
peer_edit aws 's/CN=vpn-1.endpoint-0"/CN=vpn-1.endpoint-1"/'
peer_certificate aws swapped
peer_terminate aws
expect_error aws 'refused our authentication' peer
[ "$(tunnel aws '.children | length')" = 0 ] || fail "the other endpoint was let in"
s2sd_reload < <(config 'start: respond')
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "the other endpoint was let in"; fi
wait_status aws '.last_error | .code + " " + .blame + " " + .theirs + " " + .ours' \
	'id-refused peer O=Lab, CN=vpn-1.endpoint-1 O=Lab, CN=vpn-1.endpoint-0'
expect_verdict aws identity
expect_words .text 'identifies itself as O=Lab, CN=vpn-1.endpoint-1, but we expect O=Lab, CN=vpn-1.endpoint-0'
s2sd_reload < <(config)
peer_edit aws 's/CN=vpn-1.endpoint-1"/CN=vpn-1.endpoint-0"/'
peer_certificate aws good
wait_up aws

# The peer does not accept ours: it has another name for us, then it trusts another CA and says so.
peer_edit aws 's/CN=gw"/CN=stranger"/'
peer_terminate aws
wait_status aws '.last_error | .code + " " + .blame + " " + .ours' 'our-certificate-refused peer O=Lab, CN=gw'
expect_verdict aws our-certificate
expect_words .there 'expect O=Lab, CN=gw'
peer_edit aws 's/CN=stranger"/CN=gw"/'
wait_up aws
trusts()
{
	rm "$W/peer-aws/x509ca/"*
	cp "$certs/$1.pem" "$W/peer-aws/x509ca/"
	SWANCTL_DIR=$W/peer-aws swan aws --load-creds --clear >>"$L/peer-aws.out" 2>&1
	peer_reload aws
}
key_hash()
{
	openssl x509 -in "$certs/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha1sum | cut -d ' ' -f 1
}
trusts other
peer_terminate aws
wait_status aws '.last_error | .code + " " + .blame + " " + .ours' 'other-ca-wanted peer O=Lab, CN=root'
expect_verdict aws other-ca
expect_words .text "wants one of another CA: .*$(key_hash other).*; ours is of O=Lab, CN=root"
expect_words .there 'trust O=Lab, CN=root'
trusts root
wait_up aws
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_stop
kernel_is_clean
no_clear_text esp
