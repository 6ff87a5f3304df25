# Certificates against strongSwan in both roles, with each kind of key, as RFC 7427 signs (method 14): RSA PKCS#1 and, from the peer, PSS; ECDSA with each
# curve; Ed25519 and Ed448. The identities are distinguished names, and names in subjectAltName. What a reload brings is used by the next IKE SA; the one
# that is up stays.
# timeout: 420
. "$LAB/certs.sh"
aws_sites
ca root
for kind in rsa p256 p384 p521 ed25519 ed448; do
	certificate gw-$kind root /O=Lab/CN=gw key=$kind san=DNS:gw.example
	certificate peer-$kind root /O=Lab/CN=peer key=$kind san=DNS:peer.example
	give gw-$kind
done
give_ca root

# config KIND START REMOTE-ID [LINE...]
config()
{
	cert_conf "certificate: gw-$1.pem" "private-key: gw-$1.key" 'ca: ca.pem' "start: $2" "remote-id: '$3'" "${@:4}"
}

# both_roles KIND REMOTE-ID WITH [LINE...]: the peer dials, then we do; both AUTH are made as WITH says, the peer's as $theirs if that is set.
both_roles()
{
	local theirs=${theirs:-$3}

	s2sd_reload < <(config "$1" respond "$2" "${@:4}")
	peer_terminate aws
	peer_dial aws
	wait_status aws '.state + " " + .ike.role' 'up responder'
	expect_log peer-aws "authentication of '.*gw.*' with $3 successful"
	expect_log peer-aws "authentication of '.*peer.*' \\(myself\\) with $theirs"
	ping_lossless gw-host 10.20.0.10 5 0.1
	s2sd_reload < <(config "$1" initiate "$2" "${@:4}")
	peer_terminate aws
	wait_status aws '.state + " " + .ike.role' 'up initiator'
	ping_lossless gw-host 10.20.0.10 5 0.1
	note "$1: both roles"
}

peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer-rsa ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw"
s2sd_start < <(config rsa respond 'O=Lab, CN=peer')
both_roles rsa 'O=Lab, CN=peer' RSA_EMSA_PKCS1_SHA2_256

for curve in p256=256 p384=384 p521=512; do
	peer_certificate aws "peer-${curve%=*}"
	both_roles "${curve%=*}" 'O=Lab, CN=peer' "ECDSA_WITH_SHA${curve#*=}_DER"
done

# By name: the subject does not count.
peer_certificate aws peer-ed25519
peer_edit aws 's/"O=Lab, CN=peer"/peer.example/; s/"O=Lab, CN=gw"/gw.example/'
both_roles ed25519 fqdn:peer.example ED25519 'local-id: fqdn:gw.example'
peer_certificate aws peer-ed448
both_roles ed448 fqdn:peer.example ED448 'local-id: fqdn:gw.example'

# PSS, as the peer prefers when it is told so; we sign by PKCS#1, which whoever knows PSS verifies, too.
peer_certificate aws peer-rsa
sed -i 's/install_virtual_ip = no/&\n\t\t\trsa_pss = yes/' "$W/peer-aws/strongswan.conf"
SWANCTL_DIR=$W/peer-aws swan aws --reload-settings >>"$L/peer-aws.out" 2>&1
theirs=RSA_EMSA_PSS_SHA2_256 both_roles rsa fqdn:peer.example RSA_EMSA_PKCS1_SHA2_256 'local-id: fqdn:gw.example'

expect_log s2sd-gw 'IKE SA established'
s2sd_stop
kernel_is_clean
no_clear_text esp
