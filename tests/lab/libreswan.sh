# Libreswan as the peer, policy-based as it is by default. Sourced by the scenarios that say "# needs: libreswan"; $LIBRESWAN is where run has unpacked it.
#
#     libreswan_start NS KEY=VALUE...
#         us=SITE  psk=TEXT  ike= esp=   as for peer_start
#         left= right=                   the networks behind it and behind us
#         more="LINE|LINE"               lines of the connection as they are


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
		    authby=secret
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
	exec_in "$ns" setsid /usr/libexec/ipsec/pluto --nofork --stderrlog --config "$dir/ipsec.conf" --ipsecdir "$dir/ipsec.d" --nssdir "$dir/nss" \
		--secretsfile "$dir/ipsec.secrets" --rundir "$dir/run" --dumpdir "$dir" --no-dnssec --nhelpers 1 >"$L/libreswan-$ns.log" 2>&1 &
	wait_for $(( 20 * slack )) "pluto of $ns opens its socket" test -S "$dir/run/pluto.ctl"
	whack "$ns" --listen
	in_ns "$ns" /usr/libexec/ipsec/addconn --config "$dir/ipsec.conf" --ctlsocket "$dir/run/pluto.ctl" net >>"$L/libreswan-$ns.out" 2>&1 ||
		fail "Libreswan of $ns does not take its connection: $(tail -n 1 "$L/libreswan-$ns.out")"
	note "Libreswan of $ns runs"
}

# whack NS WORD...: its own control program.
whack()
{
	local ns=$1

	shift
	in_ns "$ns" timeout 30 /usr/libexec/ipsec/whack --rundir "$W/libreswan-$ns/run" "$@" >>"$L/libreswan-$ns.out" 2>&1
}
