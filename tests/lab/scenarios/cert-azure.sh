# A peer that knows neither RFC 7427 nor its notification, as Azure: RSA with SHA-1 (method 1) only where it is allowed, ECDSA by the curve (method 9). Both roles.
# timeout: 200
. "$LAB/explain.sh"
. "$LAB/certs.sh"
aws_sites
ca root
for kind in rsa p256; do
	certificate gw-$kind root /O=Lab/CN=gw key=$kind
	certificate peer-$kind root /O=Lab/CN=peer key=$kind
	give gw-$kind
done
give_ca root
config()
{
	cert_conf "certificate: gw-$1.pem" "private-key: gw-$1.key" 'ca: ca.pem' "start: $2" "remote-id: 'O=Lab, CN=peer'" "${@:3}"
}
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer-rsa ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw" \
	charon="signature_authentication = no"

# Not allowed: nothing is signed with SHA-1, and what the peer signed so is refused.
s2sd_start < <(config rsa initiate)
expect_error aws 'no SIGNATURE_HASH_ALGORITHMS'
expect_verdict aws signature-method
s2sd_reload < <(config rsa respond)
if swan aws --initiate --child net --timeout 10 >>"$L/peer-aws.out" 2>&1; then fail "SHA-1 was believed"; fi
expect_error aws 'SHA-1' peer

# Allowed.
s2sd_reload < <(config rsa initiate 'allow-weak: [sha1-auth]')
wait_status aws '.state + " " + .ike.role' 'up initiator'
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with RSA signature successful"
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_reload < <(config rsa respond 'allow-weak: [sha1-auth]')
peer_terminate aws
peer_dial aws
wait_status aws '.state + " " + .ike.role' 'up responder'
ping_lossless gw-host 10.20.0.10 5 0.1

# ECDSA needs no permission.
peer_certificate aws peer-p256
s2sd_reload < <(config p256 respond)
peer_terminate aws
peer_dial aws
wait_status aws '.state + " " + .ike.role' 'up responder'
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with ECDSA-256 signature successful"
s2sd_reload < <(config p256 initiate)
peer_terminate aws
wait_status aws '.state + " " + .ike.role' 'up initiator'
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_stop
kernel_is_clean
no_clear_text esp
