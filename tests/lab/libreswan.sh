# Libreswan as the peer, policy-based as it is by default. Sourced by the scenarios that say "# needs: libreswan"; $LIBRESWAN is where run has unpacked it.
#
#     libreswan_start NS KEY=VALUE...
#         us=SITE  psk=TEXT  ike= esp=   as for peer_start
#         left= right=                   the networks behind it and behind us
#         certs="NAME..." ca=NAME        by certificate (certs.sh): those that it has, the first is shown; the CA that it trusts
#         id=NAME us-id=DN               ... and who both are then. NSS keeps certificates of one subject under one name: it needs a subject for each
#         more="LINE|LINE"               lines of the connection as they are
#     libreswan_edit NS SED-SCRIPT       change its connection; an IKE SA that it has ends

libreswan_start()
{
	local ns=$1 dir=$W/libreswan-$1 pair
	local -A o=([us]=gw [psk]=lab-secret-of-both-ends [ike]='aes256-sha2_256;modp2048' [esp]='aes256-sha2_256;modp2048' [more]='')

	shift
	for pair; do o[${pair%%=*}]=${pair#*=}; done
	mkdir -p "$dir/nss" "$dir/run" "$dir/ipsec.d/policies"
	cat >"$dir/ipsec.conf" <<-END
		conn net
		    left=${site_out[$ns]}
		    right=${site_public[${o[us]}]}
		    leftsubnet=${o[left]}
		    rightsubnet=${o[right]}
		    leftupdown=%disabled
		$(libreswan_proof)
		    ikev2=insist
		    ike=${o[ike]}
		    esp=${o[esp]}
		    replay-window=1024
		    auto=ignore
		$(tr '|' '\n' <<<"${o[more]}" | sed -n 's/^./    &/p')
	END
	cp "$dir/ipsec.conf" "$L/libreswan-$ns.conf"
	(umask 077; echo ": PSK \"${o[psk]}\"" >"$dir/ipsec.secrets")
	# It calls its programs where they would be installed; they come over that folder, here alone.
	[ -x /usr/libexec/ipsec/addconn ] || mount -t overlay -o "lowerdir=$LIBRESWAN/usr/libexec:/usr/libexec" libreswan /usr/libexec
	certutil -N -d "sql:$dir/nss" --empty-password
	libreswan_certificates "$dir"
	exec_in "$ns" setsid /usr/libexec/ipsec/pluto --nofork --stderrlog --config "$dir/ipsec.conf" --ipsecdir "$dir/ipsec.d" --nssdir "$dir/nss" \
		--secretsfile "$dir/ipsec.secrets" --rundir "$dir/run" --dumpdir "$dir" --no-dnssec --nhelpers 1 >"$L/libreswan-$ns.log" 2>&1 &
	wait_for $(( 20 * slack )) "pluto of $ns opens its socket" test -S "$dir/run/pluto.ctl"
	whack "$ns" --listen
	libreswan_load "$ns"
	note "Libreswan of $ns runs"
}

libreswan_load()
{
	local dir=$W/libreswan-$1

	in_ns "$1" /usr/libexec/ipsec/addconn --config "$dir/ipsec.conf" --ctlsocket "$dir/run/pluto.ctl" net >>"$L/libreswan-$1.out" 2>&1 ||
		fail "Libreswan of $1 does not take its connection: $(tail -n 1 "$L/libreswan-$1.out")"
}

libreswan_edit()
{
	sed -i "$2" "$W/libreswan-$1/ipsec.conf"
	cp "$W/libreswan-$1/ipsec.conf" "$L/libreswan-$1.conf"
	whack "$1" --delete --name net || fail "Libreswan of $1 does not give up its connection"
	libreswan_load "$1"
}

# How each end proves itself.
libreswan_proof()
{
	if [ -z "${o[certs]:-}" ]; then
		echo '    authby=secret'
		return
	fi
	printf '    %s\n' authby=rsasig "leftcert=${o[certs]%% *}" leftsendcert=always "leftid=@${o[id]}" "rightid=\"${o[us-id]}\"" rightca=%any
}

# Into the data base of NSS.
libreswan_certificates()
{
	local name

	[ -n "${o[certs]:-}" ] || return 0
	certutil -A -d "sql:$1/nss" -n "${o[ca]}" -t CT,C,C -i "$certs/${o[ca]}.pem" >>"$L/libreswan-nss" 2>&1 || fail "NSS does not take ${o[ca]}"
	for name in ${o[certs]}; do
		ssl pkcs12 -export -in "$certs/$name.pem" -inkey "$certs/$name.key" -name "$name" -passout pass:lab -out "$certs/$name.p12"
		pk12util -i "$certs/$name.p12" -d "sql:$1/nss" -W lab -K '' >>"$L/libreswan-nss" 2>&1 || fail "NSS does not take $name"
	done
}

# whack NS WORD...: its own control program.
whack()
{
	local ns=$1

	shift
	in_ns "$ns" timeout 30 /usr/libexec/ipsec/whack --rundir "$W/libreswan-$ns/run" "$@" >>"$L/libreswan-$ns.out" 2>&1
}
