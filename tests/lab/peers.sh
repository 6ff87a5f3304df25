# Peers: strongSwan as an AWS or an Azure gateway would have it, or plain. Sourced by lib.sh.
#
#     peer_start NS PROFILE KEY=VALUE...
#
# The peer makes an XFRM interface with the inside address and routes, as our own daemon does; its policies are route-based.
#     us=SITE             the site of our gateway (its public address is the peer's remote address)
#     cert=NAME ca="NAME..." send="NAME..."   by certificate (certs.sh) instead of a pre-shared key: its own, and the CAs that it trusts and sends from
#     psk=TEXT            inside="ADDRESS/LEN..."   routes="PREFIX..."
#     id=ID us-id=ID      identities, when they are not the outside addresses
#     ike= esp=           proposals           local-ts= remote-ts=
#     pairs="LOCAL=REMOTE..."    a policy-based peer: a child for each pair, net1, net2, ... in place of the one called net
#     start=dial|listen   dpd=SECONDS         retry=SECONDS (the whole time until the peer gives us up, about)
#     child-rekey= child-life= ike-rekey= reauth=   times, 0 for never
#     replay=PACKETS      AWS's default; strongSwan's own is 32, and two processors that are emulated put more than that out of order
#     unique=POLICY       what becomes of other IKE SAs with the same identities (replace)
#     if=NAME             several peers in one namespace need different names
#     more="..."          lines for the connection as they are; charon="..." for the daemon

declare -A peer_defaults=()

profile_none()
{
	peer_defaults=([ike]=aes256-sha256-modp2048 [esp]=aes256-sha256-modp2048 [start]=listen [dpd]=10 [retry]=30
		[child-rekey]=3000s [child-life]=3600s [ike-rekey]=28000s [reauth]=0 [local-ts]=0.0.0.0/0 [remote-ts]=0.0.0.0/0
		[replay]=1024)
}

# An AWS endpoint as delivered: waits for the customer, clears on dead peer, one SA pair, PFS.
profile_aws()
{
	profile_none
	peer_defaults+=([child-rekey]=3300s [child-life]=3600s [ike-rekey]=28300s [dpd-action]=clear)
}

# Azure with a custom policy without PFS: dials and accepts, rekeys children without KE, starts a new IKE SA instead of rekeying.
profile_azure()
{
	profile_none
	peer_defaults+=([esp]=aes256-sha256 [start]=dial [dpd]=15 [child-rekey]=25000s [child-life]=27000s [ike-rekey]=0
		[reauth]=27300s [dpd-action]=restart) # close-action: strongSwan would dial for each SA closed as redundant, though it has another
}

# Azure with no custom policy: its own six proposals for the IKE SA, group 2 only.
profile_azure_default()
{
	profile_azure
	peer_defaults+=([ike]=aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,aes128-sha256-modp1024
		[esp]=aes256gcm16,aes256-sha1,aes256-sha256,aes128-sha1)
}

# peer_child_conf NAME LOCAL REMOTE
peer_child_conf()
{
	cat <<-END
		$1 {
			local_ts = $2
			remote_ts = $3
			esp_proposals = ${o[esp]}
			if_id_in = $if_id
			if_id_out = $if_id
			rekey_time = ${o[child-rekey]}
			life_time = ${o[child-life]}
			rand_time = 0s
			start_action = $([ "${o[start]}" = dial ] && echo start || echo none)
			dpd_action = ${o[dpd-action]:-clear}
			close_action = ${o[close-action]:-none}
			replay_window = ${o[replay]}
			${o[child-more]:-}
		}
	END
}

peer_children_conf()
{
	local pair n=0

	[ -n "${o[pairs]:-}" ] || peer_child_conf net "${o[local-ts]}" "${o[remote-ts]}"
	for pair in ${o[pairs]:-}; do
		n=$(( n + 1 ))
		peer_child_conf "net$n" "${pair%=*}" "${pair#*=}"
	done
}

# How each end proves itself.
peer_proof()
{
	if [ -n "${o[cert]:-}" ]; then
		echo "local { auth = ${o[auth]:-pubkey}"
		echo "certs = $certs/${o[cert]}.pem"
		echo "id = \"${o[id]}\" }"
		echo "remote { auth = pubkey"
		echo "id = \"${o[us-id]}\" }"
	else
		echo "local { auth = psk"
		echo "id = ${o[id]} }"
		echo "remote { auth = psk"
		echo "id = ${o[us-id]} }"
	fi
}

# What swanctl loads beside the file.
peer_certificates()
{
	local dir=$1 ca

	mkdir -p "$dir"/{x509,x509ca,x509crl,private}
	[ -n "${o[cert]:-}" ] || return 0
	cp "$certs/${o[cert]}.key" "$dir/private/${o[cert]}"
	# What it is to send of its chain lies among the CAs, too: it knows no other place. What it trusts is said by the connection.
	for ca in ${o[ca]} ${o[send]:-}; do cp "$certs/$ca.pem" "$dir/x509ca/"; done
}

# peer_certificate NS NAME: it shows another one from now on.
peer_certificate()
{
	cp "$certs/$2.key" "$W/peer-$1/private/$2"
	peer_edit "$1" "s|certs = .*|certs = $certs/$2.pem|"
}

# peer_terminate NS: its IKE SAs, if there are any, in good order.
peer_terminate()
{
	swan "$1" --terminate --ike peer >>"$L/peer-$1.out" 2>&1 || note "peer $1 had nothing to terminate"
}

peer_conf()
{
	local dir=$1 name=$2

	cat >"$dir/strongswan.conf" <<-END
		charon-systemd {
			load = random nonce openssl hmac aes sha1 sha2 kdf gcm pem pkcs1 pkcs8 x509 pubkey constraints revocation kernel-netlink socket-default vici updown
			load_modular = no
			install_routes = no
			install_virtual_ip = no
			retransmit_base = 1
			retransmit_tries = 3
			retransmit_timeout = $(( ${o[retry]} / 4 + 1 )).0
			retry_initiate_interval = 3
			make_before_break = yes
			delete_rekeyed_delay = 2
			${o[charon]:-}
			plugins { vici { socket = unix://$dir/vici } }
			filelog {
				log {
					path = $L/peer-$name.log
					append = yes
					flush_line = yes
					time_format = %T
					default = 1
					ike = 2
					cfg = 2
				}
			}
			journal { default = -1 }
		}
	END
	cat >"$dir/swanctl.conf" <<-END
		connections {
			peer {
				version = 2
				mobike = no
				unique = ${o[unique]:-replace}
				keyingtries = 0
				local_addrs = ${o[local]}
				remote_addrs = ${o[remote]}
				proposals = ${o[ike]}
				dpd_delay = ${o[dpd]}s
				rekey_time = ${o[ike-rekey]}
				reauth_time = ${o[reauth]}
				over_time = 600s
				rand_time = 0s
				${o[more]:-}
				$(peer_proof)
				children {
		$(peer_children_conf)
				}
			}
		}
		$([ -n "${o[cert]:-}" ] || echo "secrets { ike { secret = \"${o[psk]}\" } }")
	END
	cp "$dir/swanctl.conf" "$L/peer-$name.conf"
}

peer_start()
{
	local ns=$1 profile=$2 dir=$W/peer-$1 pair address route if_id=42
	local -A o

	shift 2
	"profile_${profile//-/_}"
	for pair in "${!peer_defaults[@]}"; do o[$pair]=${peer_defaults[$pair]}; done
	for pair; do o[${pair%%=*}]=${pair#*=}; done
	# Who only listens does not dial again either.
	[ "${o[start]}" = dial ] || o+=([dpd-action]=clear [close-action]=none)
	: "${o[us]:=gw}" "${o[if]:=tun}"
	: "${o[local]:=${site_out[$ns]}}" "${o[remote]:=${site_public[${o[us]}]}}" "${o[psk]:=lab-secret-of-both-ends}"
	: "${o[id]:=${site_public[$ns]}}" "${o[us-id]:=${o[remote]}}"

	mkdir -p "$dir"
	peer_certificates "$dir"
	peer_conf "$dir" "$ns"
	ip -n "$ns" -batch - <<-END
		link add ${o[if]} type xfrm dev out if_id $if_id
		link set ${o[if]} mtu ${o[mtu]:-1400} up
	END
	for address in ${o[inside]:-}; do ip -n "$ns" addr add "$address" dev "${o[if]}"; done
	for route in ${o[routes]:-}; do ip -n "$ns" route add "$route" dev "${o[if]}"; done
	peer_run "$ns"
}

# Start charon on what is configured, and load it. The log goes on where it was.
peer_run()
{
	local ns=$1 dir=$W/peer-$1

	rm -f "$dir/vici"
	STRONGSWAN_CONF=$dir/strongswan.conf exec_in "$ns" setsid /usr/sbin/charon-systemd >>"$L/peer-$ns.out" 2>&1 &
	echo $! >"$dir/pid"
	wait_for 20 "charon of $ns opens its socket" test -S "$dir/vici"
	peer_reload "$ns"
	note "peer $ns runs"
}

# Load swanctl.conf anew (after a change by peer_edit).
peer_reload()
{
	local dir=$W/peer-$1

	SWANCTL_DIR=$dir STRONGSWAN_CONF=$dir/strongswan.conf /usr/sbin/swanctl --load-all --file "$dir/swanctl.conf" --uri "unix://$dir/vici" \
		>>"$L/peer-$1.out" 2>&1 || fail "swanctl cannot load the configuration of $1: $(tail -n 1 "$L/peer-$1.out")"
}

# peer_edit NS SED-SCRIPT: change the peer's configuration; a running peer takes it for what comes next.
peer_edit()
{
	sed -i "$2" "$W/peer-$1/swanctl.conf"
	cp "$W/peer-$1/swanctl.conf" "$L/peer-$1.conf"
	peer_reload "$1"
}

swan()
{
	local dir=$W/peer-$1

	shift
	STRONGSWAN_CONF=$dir/strongswan.conf timeout 30 /usr/sbin/swanctl "$@" --uri "unix://$dir/vici"
}

peer_dial()
{
	swan "$1" --initiate --child net --timeout "${2:-20}" >>"$L/peer-$1.out" 2>&1 ||
		fail "peer $1 cannot bring up the tunnel: $(tail -n 1 "$L/peer-$1.out")"
}

# The peer's own idea of its children: "spi_in/spi_out" of those INSTALLED, sorted.
peer_children()
{
	swan "$1" --list-sas --raw 2>/dev/null | grep -o 'state=INSTALLED [^}]*' | sed -n 's/.*spi-in=\([0-9a-f]*\).*spi-out=\([0-9a-f]*\).*/\1\/\2/p' | sort
}

peer_ike()
{
	swan "$1" --list-sas --raw 2>/dev/null | sed -n 's/.*state=ESTABLISHED.* initiator-spi=\([0-9a-f]*\) responder-spi=\([0-9a-f]*\).*/\1\/\2/p'
}

peer_has_child()
{
	[ "$(peer_children "$1" | wc -l)" -ge 1 ]
}

wait_peer_up()
{
	wait_for "${2:-20}" "peer $1 has a child SA" peer_has_child "$1"
}

# peer_rekey NS child|ike: ask the peer to rekey, and wait until its SPIs are others.
peer_rekey()
{
	local ns=$1 what=$2 old end seen list=peer_children option="--child net"

	[ "$what" = child ] || { list=peer_ike; option="--ike peer"; }
	old=$($list "$ns")
	# shellcheck disable=SC2086
	swan "$ns" --rekey $option >>"$L/peer-$ns.out" 2>&1 || fail "peer $ns refuses to rekey: $(tail -n 1 "$L/peer-$ns.out")"
	end=$(( $(now_ms) + 15000 ))
	while seen=$($list "$ns"); [ -z "$seen" ] || [ "$seen" = "$old" ]; do
		[ "$(now_ms)" -lt "$end" ] || fail "peer $ns: no new $what SA within 15 s (old $old, now $seen)"
		pause 0.1
	done
	note "peer $ns rekeyed its $what SA: $old, now $seen"
}

# The machine of the peer loses power: charon is gone without a word, and so are its SAs.
peer_kill()
{
	kill -KILL "$(cat "$W/peer-$1/pid")"
	wait "$(cat "$W/peer-$1/pid")" 2>/dev/null || true
	in_ns "$1" sh -c 'ip xfrm state flush; ip xfrm policy flush'
	note "peer $1 killed"
}

# The peer leaves in good order: it deletes its SAs at our side.
peer_stop()
{
	kill -TERM "$(cat "$W/peer-$1/pid")"
	wait "$(cat "$W/peer-$1/pid")" 2>/dev/null || true
	note "peer $1 stopped"
}
