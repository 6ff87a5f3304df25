# A peer that calls itself as its certificate does not, and has the key of that certificate, of a CA that we believe: Libreswan shows any certificate under any name
# (strongSwan takes the certificate's). It claims the very identity that we expect: a name, a distinguished name, an address, and a name
# that a wildcard would cover. We refuse it in both roles, and event and verdict say whose name it has; what its certificate carries is let in.
# timeout: 300
# needs: libreswan
. "$LAB/libreswan.sh"
. "$LAB/explain.sh"
. "$LAB/certs.sh"
internet
site gw 198.51.100.7 10.1.0
site lsw 203.0.113.10 10.20.0
watch_outside
ca root
certificate gw root /O=Lab/CN=gw key=rsa
certificate lsw root /O=Lab/CN=lsw key=rsa san=DNS:lsw.example,DNS:*.lsw.example
give gw
give_ca root

# config START REMOTE-ID
config()
{
	echo 's2sd: {retry-min: 1s, retry-max: 2s}'
	echo tunnels:
	tunnel_conf lsw 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'local-ts: 10.1.0.0/24' 'remote-ts: 10.20.0.0/24' 'certificate: gw.pem' \
		'private-key: gw.key' 'ca: ca.pem' "start: $1" "remote-id: '$2'" | grep -v psk-file
}

# What it sends is what we expect, so that nothing but the certificate speaks against it.
refused()
{
	wait_status lsw '.last_error | .code + " " + .blame + " " + .ours + " " + .theirs' 'certificate-refused peer name O=Lab, CN=lsw' 40
	[ "$(ctl show lsw --json | jq '[.tunnels[0].children[]?] | length')" = 0 ] || fail "$1: it is refused, and there is a child SA"
	ctl status lsw --json | jq -r '.tunnels[0].last_error.text' >"$W/said"
	grep -qF "does not carry the identity $1: O=Lab, CN=lsw" "$W/said" || fail "$1: the event does not name both: $(cat "$W/said")"
	expect_verdict lsw certificate
	expect_words .text "refused \\(name\\): O=Lab, CN=lsw"
	expect_words .here "calls itself ${2:-$1}"
}

# Libreswan dials when it is told to, and not else.
dialled_since()
{
	[ "$(tunnel lsw .last_error.at)" != "$1" ]
}

# claims LEFTID REMOTE-ID [AS-PRINTED [AS-WRITTEN]]: it dials, then we do.
claims()
{
	local at

	s2sd_reload < <(config respond "$2")
	libreswan_edit lsw "s/leftid=.*/leftid=$1/"
	if whack lsw --initiate --name net; then fail "$1: the peer is let in when it dials"; fi
	refused "${3:-$1}" "${4:-}"
	at=$(tunnel lsw .last_error.at)
	libreswan_edit lsw ''
	s2sd_reload < <(config initiate "$2")
	wait_for 20 "we dial" dialled_since "$at"
	refused "${3:-$1}" "${4:-}"
	note "$1: refused in both roles"
}

libreswan_start lsw left=10.20.0.0/24 right=10.1.0.0/24 certs=lsw ca=root id=lsw.example us-id='O=Lab, CN=gw'
s2sd_start < <(config initiate fqdn:lsw.example)
wait_up lsw 40
claims @bank.example fqdn:bank.example bank.example
claims '"O=Lab, CN=bank"' 'O=Lab, CN=bank' 'O=Lab, CN=bank'
claims 203.0.113.10 203.0.113.10 203.0.113.10
claims @one.lsw.example fqdn:one.lsw.example one.lsw.example

# What it carries, it may say.
libreswan_edit lsw 's/leftid=.*/leftid="O=Lab, CN=lsw"/'
s2sd_reload < <(config initiate 'O=Lab, CN=lsw')
wait_up lsw 40
ping_lossless gw-host 10.20.0.10 5 0.1
s2sd_stop
kernel_is_clean gw
no_clear_text esp
