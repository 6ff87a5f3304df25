# A private key in a TPM 2.0 (swtpm, tpm2-openssl): both roles, no key in a file of ours. The signer's death costs nothing; a TPM that hangs or is gone fails the next
# authentication by name, leaves the tunnel that is up alone, and the tunnel comes up when it is back.
# needs: tokens
# timeout: 240
. "$LAB/certs.sh"
. "$LAB/tokens.sh"
aws_sites
ca root
certificate peer root /O=Lab/CN=peer
give_ca root
tpm_start
tpm_key 0x81000001 ecc256
tpm_key 0x81000002 rsa2048
certificate_of_tpm gw root /O=Lab/CN=gw 0x81000001
certificate_of_tpm gw-rsa root /O=Lab/CN=gw 0x81000002
export TPM2OPENSSL_TCTI=$tpm_tcti
config()
{
	cert_conf "certificate: $1.pem" "private-key: 'handle:$2'" 'ca: ca.pem' 'remote-id: O=Lab, CN=peer' "start: $3"
}
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw"
s2sd_start < <(config gw 0x81000001 initiate)
wait_up aws
wait_ping gw-host 10.20.0.10
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with ECDSA_WITH_SHA256_DER successful"
token_signer_is_alone
lab_has_no_key_of gw
