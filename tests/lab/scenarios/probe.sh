# `s2sctl probe` against gateways as Azure has them by default and with a custom policy, as AWS has them by default, and against our own daemon: what
# they accept is found, the policy is named, nothing is left behind but one half-open SA, and nobody is asked too fast.
#
#   gw ---------------- inet ---------------- cloud
#   198.51.100.7                    203.0.113.10
# timeout: 240
internet
site gw 198.51.100.7 10.1.0
site cloud 203.0.113.10 10.20.0
watch_outside
peer_start cloud azure-default inside=169.254.21.1/30 start=listen

# The answer as JSON, kept.
probe()
{
	in_ns gw "$S2SCTL" probe --json "${2:-203.0.113.10}" >"$L/probe-$1.json" || fail "probe of $1 fails: $(cat "$L/probe-$1.json")"
}

expect_probe()
{
	local seen

	seen=$(jq -r "$2" "$L/probe-$1.json")
	[ "$seen" = "$3" ] || fail "probe of $1: expected $2 to be \"$3\", saw \"$seen\""
}

half_open()
{
	swan cloud --list-sas --raw 2>/dev/null | grep -c 'state=CONNECTING' || true
}

probe azure-default
expect_probe azure-default .policy azure-default
expect_probe azure-default '.groups | join(" ")' modp1024
expect_probe azure-default '.encryption | join(" ")' 'aes256 aes128'
expect_probe azure-default '.accepted | length' 4
expect_probe azure-default .complete true
expect_probe azure-default .half_open_left 1
[ "$(half_open)" -le 1 ] || fail "$(half_open) half-open SAs at the peer"
in_ns gw "$S2SCTL" probe 203.0.113.10 >"$L/probe.txt"
grep -q "^203.0.113.10:500: this is Azure's default policy" "$L/probe.txt" || fail "the words are wrong: $(head -n 1 "$L/probe.txt")"
grep -q 'modp1024' "$L/probe.txt" || fail "the group is not named: $(cat "$L/probe.txt")"

# No faster than five a second, and not from port 500.
capture_is_complete
tcpdump -n -tt -r "$L/outside.pcap" 'inbound and src host 198.51.100.7 and udp dst port 500' 2>/dev/null | awk '{ print $1 }' >"$L/times"
[ "$(wc -l <"$L/times")" -gt 20 ] || fail "only $(wc -l <"$L/times") datagrams were seen"
awk 'NR > 5 && $1 - t[NR % 5] < 0.8 { exit 1 } { t[NR % 5] = $1 }' <(sort -n -u "$L/times") || fail "more than five datagrams within a second"
[ "$(count_outside 'src host 198.51.100.7 and src port 500')" -eq 0 ] || fail "it asks from port 500"

peer_edit cloud 's/^\(\s*proposals =\).*/\1 aes256gcm16-prfsha384-ecp384/'
probe azure-custom
expect_probe azure-custom .policy one
expect_probe azure-custom '.accepted | join(" ")' aes256gcm16-prfsha384-ecp384
peer_edit cloud 's/^\(\s*proposals =\).*/\1 aes256-sha256-modp2048/'
in_ns gw "$S2SCTL" probe 203.0.113.10 >"$L/probe.txt"
grep -q 'custom IPsec/IKE policy' "$L/probe.txt" || fail "Azure's custom policy is not named: $(head -n 1 "$L/probe.txt")"
grep -q 'IKE encryption AES256, integrity/PRF SHA256, DH group DHGroup14' "$L/probe.txt" || fail "Azure's words are missing: $(cat "$L/probe.txt")"

groups=modp1024-modp2048-modp3072-modp4096-modp6144-modp8192-ecp256-ecp384-ecp521-modp1024s160-modp2048s224-modp2048s256
peer_edit cloud "s/^\(\s*proposals =\).*/\1 aes128-aes256-sha1-sha256-sha384-sha512-$groups, aes128gcm16-aes256gcm16-prfsha1-prfsha256-prfsha384-prfsha512-$groups/"
probe aws
expect_probe aws .policy aws-default
expect_probe aws '.groups | length' 12
[ "$(jq .datagrams "$L/probe-aws.json")" -le 60 ] || fail "$(jq .datagrams "$L/probe-aws.json") datagrams were sent"

# A tight peer of our own kind.
peer_stop cloud
key t.psk lab-secret-of-both-ends cloud
s2sd_start cloud <<-END
	tunnels:
	  t:
	    remote: 198.51.100.7
	    psk-file: t.psk
	    inside: 169.254.21.1/30
	    start: respond
END
probe ours
expect_probe ours .policy one
expect_probe ours '.accepted | join(" ")' aes256-sha256-modp2048

# Nobody there, and nobody at all.
s2sd_stop cloud
if in_ns gw "$S2SCTL" probe --json 203.0.113.10 >"$L/probe-gone.json"; then fail "a probe of nobody succeeds"; fi
expect_probe gone .policy unreachable
in_ns cloud nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; udp dport 500 drop; }; }'
if in_ns gw "$S2SCTL" probe --json 203.0.113.10 >"$L/probe-silent.json"; then fail "a probe of a silent peer succeeds"; fi
expect_probe silent .policy silent
expect_probe silent .datagrams 3
