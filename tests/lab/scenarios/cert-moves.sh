# A gateway whose address changes, as on LTE or PPPoE, against a peer that checks no address, as AWS with a private CA: the certificate says who we are. Each
# time the tunnel follows, and the peer takes us by our distinguished name.
# timeout: 150
. "$LAB/certs.sh"
aws_sites
ca root
sub_ca lower root
certificate gw lower /O=Lab/CN=gw
certificate peer lower /CN=vpn-0123456789abcdef0.endpoint-0
give gw lower
give_ca root
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca=root send=lower id=CN=vpn-0123456789abcdef0.endpoint-0 us-id="O=Lab, CN=gw" remote=%any
s2sd_start < <(cert_conf 's2sd: {retry-min: 1s, retry-max: 2s}' 'certificate: gw.pem' 'private-key: gw.key' 'ca: ca.pem' \
	'remote-id: CN=vpn-0123456789abcdef0.endpoint-0')
wait_up aws
wait_ping gw-host 10.20.0.10
old=7
for new in 8 9; do
	ip -n gw addr add 198.51.100.$new/24 dev out
	ip -n gw addr del 198.51.100.$old/24 dev out
	ip -n gw addr show dev out | grep "198.51.100.$new" >/dev/null || ip -n gw addr add 198.51.100.$new/24 dev out
	ip -n gw route replace default via 198.51.100.1
	wait_status aws '.local | sub(":[0-9]+$"; "")' 198.51.100.$new 40
	wait_up aws 40
	wait_ping gw-host 10.20.0.10
	old=$new
done
s2sd_stop gw 10
no_clear_text esp
