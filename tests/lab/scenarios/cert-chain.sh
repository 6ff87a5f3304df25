# Chains of three certificates in both directions, some ten thousand octets in one IKE_AUTH, over a path of 1280 octets: in fragments (RFC 7383). We know
# the root only.
# timeout: 200
. "$LAB/explain.sh"
. "$LAB/certs.sh"
aws_sites
ca root
sub_ca middle root
sub_ca lower middle
certificate gw lower /O=Lab/CN=gw key=rsa big=2000
certificate peer lower /O=Lab/CN=peer key=rsa big=2000
give gw lower middle
give_ca root
for leg in gw aws; do ip -n inet link set "to-$leg" mtu 1280; done
ip -n gw link set out mtu 1280
ip -n aws link set out mtu 1280
config()
{
	cert_conf 'certificate: gw.pem' 'private-key: gw.key' 'ca: ca.pem' "start: $1" 'remote-id: O=Lab, CN=peer'
}
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca="root" send="lower middle" id="O=Lab, CN=peer" us-id="O=Lab, CN=gw" \
	mtu=1200 more="fragmentation = yes"
# A router eats IKE_AUTH (exchange type 35 at octet 18 of the IKE header), also in smaller fragments.
in_ns inet nft -f - <<<'table ip lab { chain f { type filter hook forward priority 0; udp dport 500 @th,208,8 35 drop; }; }'
s2sd_start < <(config initiate)
expect_verdict aws fragments-lost 50
expect_words .text '[1-9][0-9]{3} octets in [0-9]+ packets of up to 576.*an MTU of 1280'
expect_words .here "'fragment-size' \(now auto\)"
expect_words .blame network
in_ns inet nft delete table ip lab
wait_up aws 40
ping_lossless gw-host 10.20.0.10 5 0.1

# The next payload in the header says SKF (53).
fragments()
{
	capture_is_complete
	count_outside "src host $1 and udp port 500 and udp[24] = 53"
}
[ "$(fragments 198.51.100.7)" -ge 3 ] || fail "our IKE_AUTH did not go in pieces"
[ "$(fragments 203.0.113.10)" -ge 3 ] || fail "the peer's IKE_AUTH did not come in pieces"
[ "$(count_outside 'udp and ip[2:2] > 1280')" = 0 ] || fail "something larger than the path went out"
[ "$(count_outside 'ip[6:2] & 0x3fff != 0 and udp')" = 0 ] || fail "IKE went in fragments of IP"
s2sd_reload < <(config respond)
peer_terminate aws
peer_dial aws
wait_status aws '.state + " " + .ike.role' 'up responder'
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_stop
kernel_is_clean
no_clear_text esp
