# The private key is in a TPM 2.0 (swtpm, tpm2-openssl), no file of ours has it; both roles, ECDSA and RSA. Who signs is a user of its own, and its death costs
# nothing. A TPM that hangs, or is gone, fails the next authentication by its name and nothing else; the tunnel comes up when it is back.
# needs: tokens
# timeout: 240
. "$LAB/certs.sh"
. "$LAB/explain.sh"
. "$LAB/tokens.sh"
aws_sites
ca root
certificate peer root /O=Lab/CN=peer
give_ca root
token_member labtss
tpm_start
tpm_key 0x81000001 ecc256
tpm_key 0x81000002 rsa2048
export TPM2OPENSSL_TCTI=$tpm_tcti
by_tpm=(-provider tpm2 -provider default -propquery '?provider=tpm2')
tpm_file gw-file
request gw-file root /O=Lab/CN=gw "$(keys_dir)/gw-file.key" "${by_tpm[@]}"
request gw root /O=Lab/CN=gw handle:0x81000001 "${by_tpm[@]}"
request gw-rsa root /O=Lab/CN=gw handle:0x81000002 "${by_tpm[@]}"

# config CERTIFICATE KEY START
config()
{
	cert_conf "certificate: $1.pem" "private-key: '$2'" 'ca: ca.pem' 'remote-id: O=Lab, CN=peer' "start: $3"
}

peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw"
s2sd_start < <(config gw handle:0x81000001 initiate)
wait_up aws
ping_lossless gw-host 10.20.0.10 5 0.1
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with ECDSA_WITH_SHA256_DER successful"
tokens_alone

signer_killed

# The other role, the other key.
s2sd_reload < <(config gw-rsa handle:0x81000002 respond)
peer_terminate aws
peer_dial aws
wait_status aws '.state + " " + .ike.role' 'up responder'
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with RSA_EMSA_PKCS1_SHA2_256 successful"
ping_lossless gw-host 10.20.0.10 5 0.1

# A file of keys/ that only this TPM can use.
s2sd_reload < <(config gw-file gw-file.key initiate)
peer_terminate aws
wait_status aws '.state + " " + .ike.role' 'up initiator'
ping_lossless gw-host 10.20.0.10 5 0.1

# It hangs: what is up stays, who dials is refused after the token's time.
s2sd_reload < <(config gw-rsa handle:0x81000002 initiate)
kill -STOP "$(cat "$tokens/tpm.pid")"
ping_lossless gw-host 10.20.0.10 5 0.1
peer_terminate aws
expect_verdict aws private-key 60
expect_words .text 'does not answer within 20 s'
kill -CONT "$(cat "$tokens/tpm.pid")"
wait_status aws .state up 60
ping_lossless gw-host 10.20.0.10 5 0.1

# It is gone, and comes back with what it keeps.
tpm_stop
peer_terminate aws
expect_verdict aws private-key 60
expect_words .text 'the TPM does not answer'
tpm_start
wait_status aws .state up 60
ping_lossless gw-host 10.20.0.10 5 0.1
tokens_alone
s2sd_stop
kernel_is_clean
no_clear_text esp
