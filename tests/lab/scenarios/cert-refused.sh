# What is wrong with a certificate, one after the other, and that it is said by its cause and on the right side: expired, not valid yet, revoked, of another CA,
# not for signatures; two endpoints that differ in their CN only, swapped. Mended, the tunnel comes up.
# timeout: 300
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
		'remote-id: O=Lab, CN=vpn-1.endpoint-0'
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

# The other endpoint in its place: its certificate is of the same CA, its name is not the one that we ask for.
peer_edit aws 's/CN=vpn-1.endpoint-0"/CN=vpn-1.endpoint-1"/'
peer_certificate aws swapped
peer_terminate aws
expect_error aws 'refused our authentication|identifies itself as .*endpoint-1' peer
[ "$(tunnel aws '.children | length')" = 0 ] || fail "the other endpoint was let in"
peer_edit aws 's/CN=vpn-1.endpoint-1"/CN=vpn-1.endpoint-0"/'
peer_certificate aws good
wait_up aws
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_stop
kernel_is_clean
no_clear_text esp
