# The private key is in a token behind PKCS#11 (SoftHSM, pkcs11-provider), its PIN in a file that user s2sd-token alone can read. Both roles, RSA and ECDSA; the
# signer's death costs nothing. A wrong PIN, a key that is not there, a token that is away: named, and mended without a reload.
# needs: tokens
# timeout: 240
. "$LAB/certs.sh"
. "$LAB/explain.sh"
. "$LAB/tokens.sh"
aws_sites
ca root
certificate peer root /O=Lab/CN=peer
give_ca root
hsm_start
for kind in rsa p256; do
	hsm_key "gw-$kind" "$kind" "0${#kind}"
	certificate "gw-$kind" root /O=Lab/CN=gw
	cp "$certs/gw-$kind.pem" "$(keys_dir)/"
	rm "$certs/gw-$kind.key"
done
chmod 600 "$(keys_dir)"/*.pem
export OPENSSL_CONF=$tokens/openssl.cnf

# config KIND START
config()
{
	cert_conf "certificate: gw-$1.pem" "private-key: '$(hsm_uri "${3:-gw-$1}")'" 'ca: ca.pem' 'remote-id: O=Lab, CN=peer' "start: $2"
}

peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw"
s2sd_start < <(config rsa initiate)
wait_up aws
ping_lossless gw-host 10.20.0.10 5 0.1
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with RSA_EMSA_PKCS1_SHA2_256 successful"
tokens_alone

signer_killed

s2sd_reload < <(config p256 respond)
peer_terminate aws
peer_dial aws
wait_status aws '.state + " " + .ike.role' 'up responder'
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with ECDSA_WITH_SHA256_DER successful"
ping_lossless gw-host 10.20.0.10 5 0.1

# A key that the token has not.
s2sd_reload < <(config p256 initiate gw-nobody)
peer_terminate aws
expect_verdict aws private-key 60
expect_words .text 'the token has no such private key'
s2sd_reload < <(config p256 initiate)
wait_status aws .state up 60

# The token is away, so its module does not start, and comes back.
mv "$tokens/hsm" "$tokens/away"
kill -KILL "$(token_signer)"
peer_terminate aws
expect_verdict aws private-key 60
expect_words .text 'no module of PKCS#11 can be started: .*, and it may miss its token'
mv "$tokens/away" "$tokens/hsm"
wait_status aws .state up 60

# Another PIN is in the file, then the right one again: a token that refused is not asked for minutes, but after a reload.
cp "$hsm_pin" "$tokens/pin.right"
echo -n 000000 >"$hsm_pin"
kill -KILL "$(token_signer)"
peer_terminate aws
expect_verdict aws private-key 60
expect_words .text 'asked again in 5 min'
cat "$tokens/pin.right" >"$hsm_pin"
s2sd_reload < <(config p256 initiate)
wait_status aws .state up 60
ping_lossless gw-host 10.20.0.10 5 0.1
tokens_alone
s2sd_stop
kernel_is_clean
no_clear_text esp
