# Certificates and keys are renewed under traffic, at both ends: a reload touches no SA, the next IKE SA is made with the new ones, beside the old. Rekeys, a killed
# signer, a killed engine. Not a ping is lost.
# timeout: 240
. "$LAB/certs.sh"
aws_sites
ca root
certificate gw root /O=Lab/CN=gw
certificate new root /O=Lab/CN=gw key=rsa
certificate peer root /O=Lab/CN=peer
certificate newer root /O=Lab/CN=peer
give gw
give_ca root
config()
{
	cert_conf 'certificate: gw.pem' 'private-key: gw.key' 'ca: ca.pem' 'remote-id: O=Lab, CN=peer'
}
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 cert=peer ca=root id="O=Lab, CN=peer" us-id="O=Lab, CN=gw"
s2sd_start < <(config)
wait_up aws
wait_ping gw-host 10.20.0.10
ping_begin gw-host 10.20.0.10 0.05

# Who signs is a user of its own, and its death costs nothing.
signer_pid()
{
	local child

	for child in $(s2sd_pids "$(s2sd_pid)"); do
		[ "$(cat "/proc/$child/comm")" != s2sd-signer ] || echo "$child"
	done
}
first=$(signer_pid)
[ -n "$first" ] || fail "nobody has signed"
[ "$(stat -c %U "/proc/$first")" = s2sd-signer ] || fail "the signer is $(stat -c %U "/proc/$first")"

# A rekey needs neither key nor certificate.
old=$(ike_spis aws)
ctl rekey aws --ike
wait_new ike aws "$old"

# The same names, other contents. What is up stays up.
old=$(ike_spis aws)
cp "$certs/new.pem" "$(keys_dir)/gw.pem"
cp "$certs/new.key" "$(keys_dir)/gw.key"
s2sd_reload < <(config)
expect_log s2sd-gw 'reload: 0 added, 1 changed'
[ "$(ike_spis aws)" = "$old" ] || fail "the reload has made another IKE SA"
kill -KILL "$first"
wait_for 5 "the signer is gone" is_gone "$first"

# The peer wants to see us again: strongSwan makes the new IKE SA before it breaks the old one.
peer_certificate aws newer
swan aws --rekey --ike peer --reauth >>"$L/peer-aws.out" 2>&1
wait_new ike aws "$old" 30
expect_log peer-aws "authentication of 'O=Lab, CN=gw' with RSA_EMSA_PKCS1_SHA2_256 successful"
second=$(signer_pid)
[ -n "$second" ] && [ "$second" != "$first" ] || fail "no other signer was started"

# Another engine goes on with the IKE SA, whose rekey proves nothing anew; then it is made anew again.
kill -KILL "$(engine_pid)"
expect_log s2sd-gw 'the engine runs again' 20
wait_up aws
old=$(ike_spis aws)
ctl rekey aws --ike
wait_new ike aws "$old"
old=$(ike_spis aws)
swan aws --rekey --ike peer --reauth >>"$L/peer-aws.out" 2>&1
wait_new ike aws "$old" 30
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
