# Certificates against Libreswan, whose signatures and chains are NSS's: a second judge beside strongSwan, which shares a library with us. In both roles: RSA by
# RFC 7427 (Libreswan signs with PSS, we by PKCS#1), RSA with SHA-1 (method 1) where it is allowed, ECDSA with two curves. A certificate of another CA is refused
# by each end. (Libreswan 4.10 has neither Ed25519 nor ECDSA by methods 9 to 11; with authby=rsa-sha2 it takes PSS alone, which we do not sign with.)
# timeout: 240
# needs: libreswan
. "$LAB/libreswan.sh"
. "$LAB/certs.sh"
internet
site gw 198.51.100.7 10.1.0
site lsw 203.0.113.10 10.20.0
watch_outside
ca root
ca other
for kind in rsa p256 p384; do
	certificate gw-$kind root /O=Lab/CN=gw key=$kind
	certificate lsw-$kind root /O=Lab/CN=lsw-$kind key=$kind san=DNS:lsw.example
	give gw-$kind
done
certificate gw-other other /O=Lab/CN=gw
certificate lsw-other other /O=Lab/CN=lsw-other san=DNS:lsw.example
give gw-other
give_ca root

# config KIND START [LINE...]
config()
{
	echo tunnels:
	tunnel_conf lsw 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'local-ts: 10.1.0.0/24' 'remote-ts: 10.20.0.0/24' "certificate: gw-$1.pem" \
		"private-key: gw-$1.key" 'ca: ca.pem' "start: $2" 'remote-id: fqdn:lsw.example' "${@:3}" | grep -v psk-file
}

# both_roles KIND AUTHBY OURS THEIRS [LINE...]: Libreswan dials, then we do; by signatures of these kinds each proves itself (which
# hash, Libreswan chooses).
both_roles()
{
	libreswan_edit lsw "s/leftcert=.*/leftcert=lsw-$1/; s/authby=.*/authby=$2/"
	s2sd_reload < <(config "$1" respond "${@:5}")
	wait_status lsw .state down
	whack lsw --initiate --name net || fail "Libreswan cannot bring it up: $(tail -n 1 "$L/libreswan-lsw.out")"
	proven responder "$3" "$4"
	libreswan_edit lsw ''
	s2sd_reload < <(config "$1" initiate "${@:5}")
	proven initiator "$3" "$4"
	note "$1, authby=$2: both roles"
}

# signed OURS THEIRS: expressions.
signed()
{
	seen=$(ctl show lsw --json | jq -r '.tunnels[0].ike // {} | .our_signature + " " + .peer_signature') && [[ $seen =~ ^$1\ $2$ ]]
}

proven()
{
	wait_status lsw '.state + " " + .ike.role' "up $1"
	wait_for 10 "the signatures are $2 and $3" signed "$2" "$3"
	note "signed with $seen"
	ping_lossless gw-host 10.20.0.10 5 0.1
}

libreswan_start lsw left=10.20.0.0/24 right=10.1.0.0/24 certs="lsw-rsa lsw-p256 lsw-p384 lsw-other" ca=root id=lsw.example us-id='O=Lab, CN=gw'
s2sd_start < <(config rsa respond)
both_roles rsa rsasig rsa-sha256 'rsa(-pss)?-sha(256|384|512)'
both_roles rsa rsa-sha1 rsa-sha1-method1 rsa-sha1-method1 'allow-weak: [sha1-auth]'
both_roles p256 ecdsa ecdsa-sha256 'ecdsa-sha(256|384|512)'
both_roles p384 ecdsa ecdsa-sha384 'ecdsa-sha(256|384|512)'

# Of another CA: who sees it says so.
libreswan_edit lsw 's/leftcert=.*/leftcert=lsw-other/'
wait_status lsw '.last_error.code + " " + .last_error.blame + " " + .last_error.ours' 'certificate-refused peer untrusted' 40
libreswan_edit lsw 's/leftcert=.*/leftcert=lsw-p256/'
wait_up lsw 40
s2sd_reload < <(config other initiate)
libreswan_edit lsw ''
wait_status lsw '.last_error.code + " " + .last_error.blame' 'our-certificate-refused peer' 40
s2sd_reload < <(config p256 initiate)
wait_up lsw 40
s2sd_stop
kernel_is_clean gw
no_clear_text esp
