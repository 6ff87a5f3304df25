# One after the other, each thing that a tunnel has in the kernel is taken away or changed by somebody else. It is put back at once, with one event each,
# and the host behind us notices at most a pause: 1 s, 2 s where new keys are needed. Nothing of it is seen outside.
# timeout: 150
. "$LAB/heal.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
heal_begin gw-host 10.20.0.10

one_sa()
{
	[ "$(kernel_spis gw | grep -c " $1\$")" -eq 1 ]
}

# sa_command in|out: deletes that SA of ours. What a rekey replaced is there for some seconds more.
sa_command()
{
	local src=203.0.113.10 dst=198.51.100.7 spi

	[ "$1" = in ] || { src=198.51.100.7 dst=203.0.113.10; }
	wait_for 20 "a single SA to $dst" one_sa "$dst"
	spi=$(kernel_spis gw | sed -n "s/ $dst\$//p")
	echo "ip xfrm state delete src $src dst $dst proto esp spi $spi"
}

heal aws "outbound SA" 2000 sa "$(sa_command out)"
heal aws "inbound SA" 2000 sa "$(sa_command in)"
heal aws "all SAs" 2000 sa 'ip xfrm state flush'
heal aws "all policies" 1000 policy 'ip xfrm policy flush'
heal aws "inside address" 1000 address 'ip addr del 169.254.21.2/30 dev s2s-aws'
heal aws "route into the tunnel" 1000 route 'ip route del 10.20.0.0/24 dev s2s-aws'
heal aws "blackhole route" 1000 route 'ip route del unreachable 10.20.0.0/24'
heal aws "rule" 1000 rule 'ip rule del priority 32765'
heal aws "nft flush ruleset" 1000 firewall 'nft flush ruleset'
# What systemctl reload nftables does, with Debian's own file.
printf 'flush ruleset\ntable inet filter {\n' >"$W/nftables.conf"
for hook in input forward output; do
	printf '\tchain %s {\n\t\ttype filter hook %s priority filter;\n\t}\n' $hook $hook >>"$W/nftables.conf"
done
echo '}' >>"$W/nftables.conf"
heal aws "nftables reloaded" 1000 firewall "nft -f '$W/nftables.conf'"
nft_has()
{
	in_ns gw nft list table "$@" >/dev/null 2>&1
}
nft_has inet filter || fail "the operator's own table is gone"
heal aws "chains of ours" 1000 firewall 'nft flush table inet s2sd'
heal aws "interface down" 1000 interface 'ip link set s2s-aws down'
heal aws "MTU" 1000 interface 'ip link set s2s-aws mtu 700'
heal aws "interface" 1000 interface 'ip link del s2s-aws'
heal_end
cp "$L/heal.txt" "$W/" && note "$(wc -l <"$L/heal.txt") rows, see heal.txt"
healed
in_ns gw nft delete table inet filter
s2sd_stop
kernel_is_clean
no_clear_text esp
