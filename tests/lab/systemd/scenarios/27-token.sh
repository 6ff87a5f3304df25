# A key that its token has made and never gives away (SoftHSM behind PKCS#11) signs under the unit's sandbox: as s2sd(8) says under TOKENS, step by step. strongSwan
# takes the signature. Without the drop-in the token is out of reach, and that is named. The tunnels with pre-shared keys do not notice.
# timeout: 150
tunnel=token
cloud=/run/lab/token
drop=/etc/systemd/system/s2sd.service.d/token.conf
uri='pkcs11:token=gw;object=gw;type=private?pin-source=file:/etc/s2sd/pin'
quietly()
{
	"$@" >>"$L/output-of-tools" 2>&1 || fail "$1: $(tail -n 1 "$L/output-of-tools")"
}

swan()
{
	SWANCTL_DIR=$cloud swanctl "$@" --uri unix:///run/lab/cloud/vici >>"$L/swanctl" 2>&1 || fail "swanctl $1: $(tail -n 1 "$L/swanctl")"
}

of_tunnel()
{
	s2sctl status --json | jq -r ".tunnels[] | select(.name == \"$tunnel\") | $1"
}

is()
{
	[ "$(of_tunnel "$1")" = "$2" ]
}

# part PAGE FROM TO: what a manual has as an example between two lines of its source, as the page shows it: people copy from there. What begins with a dot or
# a quote is for the formatter, and not shown.
part()
{
	sed -n "/^$2/,/^$3/p" "/lab/src/man/$1" | sed -n '/^\.Bd/,/^\.Ed/{/^[.\x27]/!p}' | sed 's/^\\&//; s/\\e$/\\/'
}

mkdir -p "$cloud"/{x509ca,private}
part s2sd.8 'For SoftHSM' 'A module that' >"$L/drop-in"
part s2sd.conf.5 'For a token behind PKCS' 'What' >"$cloud/openssl.cnf"
part s2sd.conf.5 'instead:' '\.Sh SEE ALSO' >"$L/making"
grep -q '^\[Service\]$' "$L/drop-in" && grep -q '^pkcs11-module-path = ' "$cloud/openssl.cnf" && grep -q '^openssl req' "$L/making" ||
	fail "the manuals have not what they had where they had it"

# Whom both believe, and strongSwan's own.
quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$cloud/ca.key" -out "$cloud/x509ca/ca.pem" -subj /O=Lab/CN=ca -days 365 \
	-addext 'keyUsage = critical, keyCertSign, cRLSign'
issue()
{
	printf '%s\n' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' >"$cloud/ext"
	quietly openssl x509 -req -in "$cloud/$1.csr" -CA "$cloud/x509ca/ca.pem" -CAkey "$cloud/ca.key" -days 365 -extfile "$cloud/ext" -out "$2"
}
quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$cloud/private/peer.key" -out "$cloud/peer.csr" -subj /O=Lab/CN=peer
issue peer "$cloud/peer.pem"

# The token: as s2sd(8) and s2sd.conf(5) have it.
(umask 077; echo -n 471147114711 >/etc/s2sd/pin)
chown s2sd-token: /etc/s2sd/pin
quietly softhsm2-util --init-token --free --label gw --pin "$(cat /etc/s2sd/pin)" --so-pin 12345678
sed -i 's|/O=Example/CN=gw.example.com|/O=Lab/CN=gw|' "$L/making"
(cd "$cloud" && OPENSSL_CONF=$cloud/openssl.cnf bash -e "$L/making") >>"$L/output-of-tools" 2>&1 || fail "a key and its request: $(tail -n 1 "$L/output-of-tools")"
issue gw /etc/s2sd/keys/gw.pem
cp "$cloud/x509ca/ca.pem" /etc/s2sd/keys/lab-ca.pem
chmod 600 /etc/s2sd/keys/gw.pem /etc/s2sd/keys/lab-ca.pem
usermod -aG softhsm s2sd-token
chown -R s2sd-token: /var/lib/softhsm/tokens

ip -n cloud addr add 203.0.113.30/32 dev lo
cat >"$cloud/swanctl.conf" <<-END
	connections {
		token {
			version = 2
			mobike = no
			local_addrs = 203.0.113.30
			remote_addrs = 198.51.100.7
			proposals = aes256-sha256-modp2048
			local { auth = pubkey
				certs = $cloud/peer.pem
				id = "O=Lab, CN=peer" }
			remote { auth = pubkey
				id = "O=Lab, CN=gw" }
			children { net {
				local_ts = 0.0.0.0/0
				remote_ts = 0.0.0.0/0
				esp_proposals = aes256-sha256-modp2048
				if_id_in = 43
				if_id_out = 43
			} }
		}
	}
	include /run/lab/cloud/swanctl.conf
END
swan --load-all --file "$cloud/swanctl.conf"
cat >/etc/s2sd/conf.d/token.yaml <<-END
	tunnels:
	  $tunnel:
	    remote: 203.0.113.30
	    certificate: gw.pem
	    private-key: '$uri'
	    ca: lab-ca.pem
	    remote-id: 'O=Lab, CN=peer'
	    ike-proposals: aes256-sha256-modp2048
	    esp-proposals: aes256-sha256-modp2048
	    inside: [169.254.63.2/30]
	    routes: [10.30.0.0/16]
END
chmod 600 /etc/s2sd/conf.d/token.yaml
status_of s2sctl check
[ $status = 0 ] || fail "s2sctl check beside the running daemon: status $status: $said"
[[ $said == *'is in a token and was not looked at'* ]] || fail "s2sctl check does not speak of the key: status $status: $said"
! grep -q "error: $tunnel" <<<"$said" || fail "s2sctl check: $said"

# Without the drop-in.
ping_begin
quietly systemctl reload s2sd
wait_for $(( 40 * slack )) "a token out of reach is named" is .last_error.code signing-failed
note "without the drop-in: $(of_tunnel .last_error.text)"

# With it.
mkdir -p "${drop%/*}"
cp "$L/drop-in" "$drop"
systemctl daemon-reload
quietly systemctl restart s2sd
wait_for $(( 40 * slack )) "the tunnel whose key is in the token is up" is .state up
wait_up 3
grep -q "authentication of 'O=Lab, CN=gw' with ECDSA_WITH_SHA256_DER successful" /lab/out/charon.log || fail "strongSwan did not take a signature of the token's key"
ping_end

# Who signed, and in which world: the token's signer, without capabilities, behind the unit's filter, with its file system, devices and nothing to write but the token.
signer=$(pgrep -P "$(keeper)" -u s2sd-token) || fail "nobody signs as user s2sd-token"
grep -q '^CapEff:[[:blank:]]*0*$' "/proc/$signer/status" || fail "the token's signer has capabilities"
grep -q '^Seccomp:[[:blank:]]*2$' "/proc/$signer/status" || fail "the token's signer is not behind the unit's filter"
! nsenter -t "$signer" -m test -e /dev/mem || fail "the token's signer sees /dev/mem"
nsenter -t "$signer" -m setpriv --reuid s2sd-token --regid s2sd-token --init-groups test -w /var/lib/softhsm/tokens || fail "the token's directory cannot be written"
status_of nsenter -t "$signer" -m touch /var/lib/softhsm/else
[ $status != 0 ] || fail "the drop-in opens more than the token's directory"
! grep -rl 'PRIVATE KEY' /etc/s2sd/keys || fail "there is a private key in a file"

# As it was.
rm "$drop" /etc/s2sd/conf.d/token.yaml /etc/s2sd/keys/gw.pem /etc/s2sd/keys/lab-ca.pem /etc/s2sd/pin
swan --load-all --file /run/lab/cloud/swanctl.conf
systemctl daemon-reload
quietly systemctl restart s2sd
wait_up 2
wait_ping
