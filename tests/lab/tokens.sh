# Keys in tokens: a TPM 2.0 (swtpm) and SoftHSM behind PKCS#11. Sourced after certs.sh and explain.sh.
#
#     token_member GROUP                  user s2sd-token becomes a member of this group, which is made
#     tpm_start, tpm_stop, tpm_key HANDLE KIND    for group labtss; $tpm_tcti is how to reach it; KIND: ecc256, rsa2048
#     tpm_file NAME                       a key that only this TPM can use, as a file: keys/NAME.key
#     hsm_start, hsm_key NAME KIND ID, hsm_uri NAME   a token of user s2sd-token; $hsm_pin is the file with its PIN
#     request NAME OF SUBJECT URI [OPTION...]     a certificate for the key that is there: openssl asks by OPTION
#     token_signer                        the process number of the signer with the tokens, "" when none runs
#     signer_killed                       another one signs for the next IKE SA
#     tokens_alone                        it is a user of its own, and no file of ours has a key
tokens=$W/tokens
mkdir -p "$tokens"
chmod 755 "$tokens"

token_run()
{
	"$@" >>"$L/tokens" 2>&1 || fail "$1: $(tail -n 1 "$L/tokens")"
}

token_member()
{
	{ cat /etc/group; echo "$1:x:64510:s2sd-token"; } >"$W/group.$1"
	mount --bind "$W/group.$1" /etc/group
}

tpm_start()
{
	tpm_tcti=swtpm:path=$tokens/tpm.socket
	mkdir -p "$tokens/tpm.state"
	swtpm socket --tpm2 --tpmstate dir="$tokens/tpm.state" --server type=unixio,path="$tokens/tpm.socket",mode=0660,uid=0,gid=64510 \
		--ctrl type=unixio,path="$tokens/tpm.socket.ctrl",mode=0660,uid=0,gid=64510 --flags not-need-init,startup-clear \
		>>"$L/swtpm" 2>&1 &
	echo $! >"$tokens/tpm.pid"
	wait_for 20 "the TPM listens" test -S "$tokens/tpm.socket"
	chmod 755 "$tokens"
}

tpm_stop()
{
	kill -KILL "$(cat "$tokens/tpm.pid")"
	wait "$(cat "$tokens/tpm.pid")" 2>/dev/null || true
	rm -f "$tokens/tpm.socket" "$tokens/tpm.socket.ctrl"
}

tpm()
{
	(cd "$tokens" && TPM2TOOLS_TCTI=$tpm_tcti "$@" >>"$L/tokens" 2>&1) || fail "$1: $(tail -n 1 "$L/tokens")"
	# There is no resource manager that would make room for the next object.
	(TPM2TOOLS_TCTI=$tpm_tcti tpm2_flushcontext -Q -t >>"$L/tokens" 2>&1) || fail "tpm2_flushcontext: $(tail -n 1 "$L/tokens")"
}

tpm_key()
{
	[ -f "$tokens/primary" ] || tpm tpm2_createprimary -Q -C o -c primary
	tpm tpm2_create -Q -C primary -G "$2" -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' -u public -r private
	tpm tpm2_load -Q -C primary -u public -r private -c key
	tpm tpm2_evictcontrol -Q -C o -c key "$1"
}

tpm_file()
{
	TPM2OPENSSL_TCTI=$tpm_tcti token_run openssl genpkey "${by_tpm[@]}" -algorithm EC -pkeyopt group:P-256 -out "$(keys_dir)/$1.key"
	chmod 600 "$(keys_dir)/$1.key"
	grep 'BEGIN TSS2 PRIVATE KEY' "$(keys_dir)/$1.key" >/dev/null || fail "what the TPM made is another file: $(head -n 1 "$(keys_dir)/$1.key")"
}

hsm_start()
{
	mkdir -p "$tokens/hsm"
	echo "directories.tokendir = $tokens/hsm" >"$tokens/softhsm2.conf"
	cat >"$tokens/openssl.cnf" <<-END
		openssl_conf = init
		[init]
		providers = all
		[all]
		default = this
		pkcs11 = token
		[this]
		activate = 1
		[token]
		pkcs11-module-path = /usr/lib/softhsm/libsofthsm2.so
	END
	hsm_pin=$tokens/pin
	echo -n 471147114711 >"$hsm_pin"
	export SOFTHSM2_CONF=$tokens/softhsm2.conf
	token_run softhsm2-util --init-token --free --label lab --pin "$(cat "$hsm_pin")" --so-pin 12345678
}

# The key comes from a file that nobody has any more then.
hsm_key()
{
	new_key "$1" "$2"
	ssl pkcs8 -topk8 -nocrypt -in "$certs/$1.key" -out "$tokens/$1.p8"
	token_run softhsm2-util --import "$tokens/$1.p8" --token lab --label "$1" --id "$3" --pin "$(cat "$hsm_pin")"
	rm "$tokens/$1.p8"
	hsm_belongs
}

hsm_belongs()
{
	chown -R 64504:64504 "$tokens/hsm" "$hsm_pin"
	chmod 600 "$hsm_pin"
}

hsm_uri()
{
	echo "pkcs11:token=lab;object=$1;type=private?pin-source=file:$hsm_pin"
}

request()
{
	local name=$1 of=$2 subject=$3 uri=$4

	shift 4
	token_run openssl req -new "$@" -key "$uri" -subj "$subject" -config "$certs/$of.d/conf" -out "$certs/$name.csr"
	printf '%s\n' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' >"$certs/$name.ext"
	ssl ca -batch -notext -config "$certs/$of.d/conf" -in "$certs/$name.csr" -extfile "$certs/$name.ext" -days 365 \
		-out "$certs/$name.pem" >/dev/null
	cp "$certs/$name.pem" "$(keys_dir)/$name.pem"
	chmod 600 "$(keys_dir)/$name.pem"
}

# The one whose user is s2sd-token.
token_signer()
{
	local child

	for child in $(s2sd_pids "$(s2sd_pid)"); do
		[ "$(stat -c %u "/proc/$child")" != 64504 ] || echo "$child"
	done
}

tokens_alone()
{
	local signer

	signer=$(token_signer)
	[ -n "$signer" ] || fail "nobody signs as user s2sd-token"
	[ "$(cat "/proc/$signer/comm")" = s2sd-signer ] || fail "user s2sd-token runs $(cat "/proc/$signer/comm")"
	[ "$(awk '/^CapEff/ { print $2 }' "/proc/$signer/status")" = 0000000000000000 ] || fail "the token signer has capabilities"
	! grep -rlE 'BEGIN ((EC|RSA|ENCRYPTED) )?PRIVATE KEY' "$(keys_dir)" >"$W/found" || fail "there is a private key in $(head -n 1 "$W/found")"
}

signer_killed()
{
	local first old

	first=$(token_signer)
	kill -KILL "$first"
	wait_for 5 "the signer is gone" is_gone "$first"
	old=$(ike_spis aws)
	swan aws --rekey --ike peer --reauth >>"$L/peer-aws.out" 2>&1
	wait_new ike aws "$old" 30
	[ "$(token_signer)" != "$first" ] || fail "no other signer was started"
}
