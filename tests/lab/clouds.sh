# Whole clouds: endpoints with BGP, one network behind them, and the files that the cloud would hand out for them. Sourced by scenes.
#
#                  .-- azure1 192.0.2.10  --. 10.63.1.0/30
#    gw --- inet --+           | sibling    +-- azure-host, who is the cloud's network: 10.30.0.10
#                  `-- azure2 192.0.2.20  --' 10.63.2.0/30
#
# Both endpoints speak eBGP with us and iBGP with each other, so what arrives at the one that has lost its tunnel leaves by the other. The
# host answers a flow by the way its last packet came; its own flows it spreads over both endpoints by their ports.

our_as=65010

# cloud NAME OUTSIDE-1 OUTSIDE-2 NETWORK: endpoints NAME1 and NAME2, the network is NETWORK.0/24, its host NETWORK.10.
declare -A cloud_net=()
cloud()
{
	local name=$1 net=$4 n

	cloud_net[$name]=$net
	namespaces "${name}1" "${name}2" "$name-host"
	leg "${name}1" "$2" 28
	leg "${name}2" "$3" 28
	for n in 1 2; do
		site_out[$name$n]=${*:n + 1:1}
		site_public[$name$n]=${*:n + 1:1}
		ip -n "$name-host" -batch - <<-END
			link add to$n type veth peer name cloud netns $name$n
			addr add 10.63.$n.1/30 dev to$n
			link set to$n up
		END
		ip -n "$name$n" -batch - <<-END
			addr add 10.63.$n.2/30 dev cloud
			link set cloud up
		END
	done
	ip -n "${name}1" link add sibling type veth peer name sibling netns "${name}2"
	for n in 1 2; do
		ip -n "$name$n" -batch - <<-END
			addr add 10.63.0.$n/30 dev sibling
			link set sibling up
		END
	done
	cloud_host "$name-host" "$net"
}

cloud_host()
{
	ip -n "$1" -batch - <<-END
		addr add $2.10/32 dev lo
		route add default src $2.10 nexthop via 10.63.1.2 dev to1 nexthop via 10.63.2.2 dev to2
		route add default via 10.63.1.2 dev to1 src $2.10 table 101
		route add default via 10.63.2.2 dev to2 src $2.10 table 102
		rule add fwmark 1 lookup 101
		rule add fwmark 2 lookup 102
	END
	in_ns "$1" nft -f - <<-END
		table ip lab {
			chain in { type filter hook prerouting priority mangle; iifname "to1" ct mark set 1; iifname "to2" ct mark set 2; }
			chain out { type route hook output priority mangle; ct mark != 0 meta mark set ct mark; }
		}
	END
	# An endpoint whose link is gone gets nothing more.
	in_ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy
		echo 1 | tee /proc/sys/net/ipv4/conf/*/ignore_routes_with_linkdown >/dev/null'
}

# only_by CLOUD N: whatever the cloud sends leaves by this endpoint, whichever way the question came, as a virtual private gateway does it.
only_by()
{
	in_ns "$1-host" nft 'table ip lab {}; flush table ip lab'
	ip -n "$1-host" route replace default via "10.63.$2.2" dev "to$2" src "${cloud_net[$1]}.10"
}

# bird_start NS AS OUR-INSIDE THEIR-INSIDE HOLD [LINE...]: the endpoint's BGP; its lines go into the session with us.
bird_start()
{
	local ns=$1 as=$2 ours=$3 theirs=$4 hold=$5 dir=$W/bird-$1 n=${1: -1} net=${cloud_net[${1%?}]} line

	shift 5
	mkdir -p "$dir"
	{
		cat <<-END
			log stderr all;
			router id ${site_out[$ns]};
			protocol device { scan time 2; }
			protocol direct { ipv4; interface "sibling"; }
			protocol kernel { ipv4 { import none; export where source ~ [RTS_BGP, RTS_STATIC]; }; }
			protocol static { ipv4; route $net.0/24 via 10.63.$n.1; route $ours/32 via "tun"; }
			protocol bgp office {
				local $theirs as $as;
				neighbor $ours as $our_as;
				source address $theirs;
				hold time $hold;
				error wait time 2, 10;
		END
		for line; do printf '\t%s\n' "$line"; done
		cat <<-END
				ipv4 { import all; export where net = $net.0/24; next hop self; };
			}
			protocol bgp sibling {
				local 10.63.0.$n as $as;
				neighbor 10.63.0.$(( 3 - n )) as $as;
				ipv4 { import all; export where source = RTS_BGP; next hop self; };
			}
		END
	} >"$dir/bird.conf"
	cp "$dir/bird.conf" "$L/bird-$ns.conf"
	bird_run "$ns"
}

bird_run()
{
	exec_in "$1" setsid /usr/sbin/bird -f -c "$W/bird-$1/bird.conf" -s "$W/bird-$1/ctl" -P "$W/bird-$1/pid" >>"$L/bird-$1.log" 2>&1 &
	wait_for 20 "BIRD of $1 opens its socket" test -S "$W/bird-$1/ctl"
}

# frr_start NS: zebra, staticd and bgpd with nothing to do yet, as the distribution's package starts them.
frr_start()
{
	local ns=$1 dir=$W/frr-$1 daemon

	mkdir -p "$dir"
	chown frr:frr "$dir"
	for daemon in zebra staticd bgpd; do
		: >"$dir/$daemon.conf"
		exec_in "$ns" setsid "/usr/lib/frr/$daemon" -u frr -g frr --vty_socket "$dir" -z "$dir/zserv.api" -i "$dir/$daemon.pid" \
			-f "$dir/$daemon.conf" -A 127.0.0.1 -P 0 --log stdout >>"$L/frr-$ns-$daemon.log" 2>&1 &
		wait_for $(( 20 * slack )) "$daemon of $ns opens its socket" test -S "$dir/$daemon.vty"
	done
	note "FRR in $ns runs"
}

frr_stop()
{
	local dir=$W/frr-$1 daemon

	for daemon in bgpd staticd zebra; do
		kill "$(cat "$dir/$daemon.pid")"
		wait_for 10 "$daemon of $1 ends" is_gone "$(cat "$dir/$daemon.pid")"
	done
	# Objects for its next hops are what zebra leaves behind.
	ip -n "$1" nexthop flush >/dev/null
	note "FRR in $1 stopped"
}

frr()
{
	local ns=$1

	shift
	in_ns "$ns" vtysh --vty_socket "$W/frr-$ns" "$@"
}

# What FRR is given by our export, as it is written.
frr_take()
{
	"$S2SCTL" export frr "$W/s2sd-$1/s2sd.yaml" >"$L/frr-$1.conf"
	frr "$1" -f "$L/frr-$1.conf" >"$L/frr-$1.out" 2>&1 || fail "FRR refuses what export writes: $(grep -m 1 -i -A 1 error "$L/frr-$1.out")"
	! grep -Ei '% |error|unknown' "$L/frr-$1.out" || fail "FRR refuses what export writes: $(grep -Eim 1 '% |error|unknown' "$L/frr-$1.out")"
}

# sessions NS: how many of its neighbours are Established
sessions()
{
	frr "$1" -c 'show bgp summary json' | jq '[.ipv4Unicast.peers // {} | .[] | select(.state == "Established")] | length'
}

sessions_are()
{
	[ "$(sessions "$1")" = "$2" ]
}

# wait_sessions NS COUNT SECONDS
wait_sessions()
{
	wait_for $(( $3 * slack )) "$2 BGP sessions of $1 (now $(frr "$1" -c 'show bgp summary json' |
		jq -c '[.ipv4Unicast.peers // {} | to_entries[] | .key + " " + .value.state]'))" sessions_are "$1" "$2"
	note "$2 BGP sessions of $1 are up"
}

# The interfaces over which a namespace reaches a network, sorted: "s2s-aws-1 s2s-aws-2"
ways()
{
	ip -n "$1" -j route show "$2" | jq -r '[.[] | .dev, (.nexthops // [])[].dev | select(. != null)] | unique | join(" ")'
}

ways_are()
{
	[ "$(ways "$1" "$2")" = "$3" ]
}

# wait_ways NS PREFIX "INTERFACE..." SECONDS
wait_ways()
{
	local end=$(( $(now_ms) + $4 * 1000 ))

	until ways_are "$1" "$2" "$3"; do
		[ "$(now_ms)" -lt "$end" ] || frr "$1" -c "show bgp ipv4 unicast $2" -c "show ip route $2" -c 'show ip nht' -c 'show interface brief' \
			-c 'show bgp summary' >"$L/frr-state" 2>&1
		[ "$(now_ms)" -lt "$end" ] || fail "ways of $1 to $2: expected \"$3\" within $4 s, saw \"$(ways "$1" "$2")\""
		pause 0.1
	done
	note "$1 reaches $2 by $3"
}

# ping_way PREFIX: the interface by which the flow of pings that runs in gw-host leaves the gateway.
ping_way()
{
	local name most=0 sent way=''
	local -A before=()

	for name in $(ways gw "$1"); do before[$name]=$(sent_by "$name"); done
	pause 1
	for name in "${!before[@]}"; do
		sent=$(( $(sent_by "$name") - ${before[$name]} ))
		[ "$sent" -le "$most" ] || { most=$sent; way=$name; }
	done
	[ "$most" -ge 5 ] || fail "no flow of pings leaves by $(ways gw "$1")"
	echo "$way"
}

sent_by()
{
	ip -n gw -j -s link show dev "$1" | jq '.[0].stats64.tx.packets'
}

# What passes between a site and the internet vanishes without an error to either.
mute_path()
{
	in_ns inet nft -f - <<-END
		table ip mute-$1 {
			chain forward { type filter hook forward priority 0; iifname "to-$1" drop; oifname "to-$1" drop; }
		}
	END
	note "path of $1 muted"
}

unmute_path()
{
	in_ns inet nft delete table ip "mute-$1"
	note "path of $1 is heard again"
}

# An instance is gone with all that runs on it; and a new one takes its place.
instance_dies()
{
	mute_path "$1"
	kill -KILL "$(cat "$W/peer-$1/pid")" "$(cat "$W/bird-$1/pid")"
	ip -n "$1" -batch - <<-END
		link set cloud down
		link set sibling down
	END
	in_ns "$1" sh -c 'ip xfrm state flush; ip xfrm policy flush'
	note "instance $1 died"
}

instance_returns()
{
	ip -n "$1" -batch - <<-END
		link set cloud up
		link set sibling up
	END
	unmute_path "$1"
	rm -f "$W/bird-$1/ctl"
	bird_run "$1"
	peer_run "$1"
}

# ---- the files ------------------------------------------------------------------------------------------------------

# Where the connection of AWS ends, and whether its tunnel options are narrowed to one algorithm each or left as they are.
aws_gateway=tgw-0d00000000000001
aws_options=narrow

# aws_tunnel_xml OUTSIDE INSIDE-NET KEY: as AWS's template has it, algorithms that nobody uses included.
aws_tunnel_xml()
{
	cat <<-END
		<ipsec_tunnel>
		  <customer_gateway>
		    <tunnel_outside_address><ip_address>${site_public[gw]}</ip_address></tunnel_outside_address>
		    <tunnel_inside_address><ip_address>$2.2</ip_address><network_mask>255.255.255.252</network_mask><network_cidr>30</network_cidr></tunnel_inside_address>
		    <bgp><asn>$our_as</asn><hold_time>30</hold_time></bgp>
		  </customer_gateway>
		  <vpn_gateway>
		    <tunnel_outside_address><ip_address>$1</ip_address></tunnel_outside_address>
		    <tunnel_inside_address><ip_address>$2.1</ip_address><network_mask>255.255.255.252</network_mask><network_cidr>30</network_cidr></tunnel_inside_address>
		    <bgp><asn>64512</asn><hold_time>30</hold_time></bgp>
		  </vpn_gateway>
		  <ike><authentication_protocol>sha1</authentication_protocol><encryption_protocol>aes-128-cbc</encryption_protocol>
		    <lifetime>28800</lifetime><perfect_forward_secrecy>group2</perfect_forward_secrecy><mode>main</mode>
		    <pre_shared_key>$3</pre_shared_key></ike>
		  <ipsec><protocol>esp</protocol><authentication_protocol>hmac-sha1-96</authentication_protocol>
		    <encryption_protocol>aes-128-cbc</encryption_protocol><lifetime>3600</lifetime><perfect_forward_secrecy>group2</perfect_forward_secrecy>
		    <mode>tunnel</mode><clear_df_bit>true</clear_df_bit>
		    <fragmentation_before_encryption>true</fragmentation_before_encryption><tcp_mss_adjustment>1379</tcp_mss_adjustment>
		    <dead_peer_detection><interval>10</interval><retries>3</retries></dead_peer_detection></ipsec>
		</ipsec_tunnel>
	END
}

# aws_file FILE OUTSIDE-1 INSIDE-NET-1 KEY-1 OUTSIDE-2 INSIDE-NET-2 KEY-2: what `aws ec2 describe-vpn-connections` prints.
aws_file()
{
	local file=$1 xml

	shift
	xml="<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<vpn_connection id=\"vpn-0a1b2c3d4e5f60001\">
<customer_gateway_id>cgw-0f00000000000001</customer_gateway_id>
<vpn_gateway_id>$(grep '^vgw-' <<<"$aws_gateway" || true)</vpn_gateway_id>
<vpn_connection_type>ipsec.1</vpn_connection_type>
$(aws_tunnel_xml "$1" "$2" "$3")
$(aws_tunnel_xml "$4" "$5" "$6")
</vpn_connection>"
	jq -n --arg xml "$xml" --arg gateway "$aws_gateway" --arg narrow "$aws_options" --args '
		def only(v): [{Value: v}];
		def options(o; i; k): {OutsideIpAddress: o, TunnelInsideCidr: (i + ".0/30"), PreSharedKey: k} + if $narrow != "narrow" then {} else
			{IkeVersions: only("ikev2"),
			Phase1EncryptionAlgorithms: only("AES256"), Phase1IntegrityAlgorithms: only("SHA2-256"), Phase1DHGroupNumbers: only(14),
			Phase2EncryptionAlgorithms: only("AES256"), Phase2IntegrityAlgorithms: only("SHA2-256"), Phase2DHGroupNumbers: only(14)} end;
		$ARGS.positional as $a |
		{VpnConnections: [{VpnConnectionId: "vpn-0a1b2c3d4e5f60001", State: "available", Type: "ipsec.1", Category: "VPN",
			CustomerGatewayId: "cgw-0f00000000000001", CustomerGatewayConfiguration: $xml,
			Options: {EnableAcceleration: false, StaticRoutesOnly: false, LocalIpv4NetworkCidr: "0.0.0.0/0",
				RemoteIpv4NetworkCidr: "0.0.0.0/0", TunnelInsideIpVersion: "ipv4",
				TunnelOptions: [options($a[0]; $a[1]; $a[2]), options($a[3]; $a[4]; $a[5])]},
			Tags: [{Key: "Name", Value: "lab"}], Routes: [], VgwTelemetry: []} +
			if $gateway[:4] == "vgw-" then {VpnGatewayId: $gateway} else {TransitGatewayId: $gateway} end]}' "$@" >"$file"
}

azure_policy='[{"saLifeTimeSeconds": 27000, "saDataSizeKilobytes": 102400000, "ipsecEncryption": "AES256", "ipsecIntegrity": "SHA256",
	"ikeEncryption": "AES256", "ikeIntegrity": "SHA256", "dhGroup": "DHGroup14", "pfsGroup": "PFS2048"}]'

# azure_files DIR NAME KEY POLICY OUR-BGP OUTSIDE INSIDE [OUTSIDE INSIDE]: connection, gateway, local gateway and key, as the az CLI prints
# them; with "" for OUR-BGP there is no BGP, with "" for INSIDE BGP has an address of the gateway's subnet, with two instances the gateway is
# active-active.
azure_files()
{
	local dir=$1 id=/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-lab/providers/Microsoft.Network

	shift
	mkdir -p "$dir"
	jq -n --arg key "$2" '{value: $key}' >"$dir/key.json"
	jq -n --arg id "$id" --arg name "$1" --argjson policy "$3" --arg bgp "$4" --args '
		{name: $name, id: ($id + "/connections/" + $name), resourceGroup: "rg-lab", type: "Microsoft.Network/connections",
		location: "westeurope", provisioningState: "Succeeded", connectionType: "IPsec", connectionProtocol: "IKEv2", connectionMode: "Default",
		virtualNetworkGateway1: {id: ($id + "/virtualNetworkGateways/vng-lab"), resourceGroup: "rg-lab"},
		localNetworkGateway2: {id: ($id + "/localNetworkGateways/lng-lab"), resourceGroup: "rg-lab"},
		routingWeight: 10, dpdTimeoutSeconds: 0, enableBgp: ($bgp != ""), useLocalAzureIpAddress: false,
		usePolicyBasedTrafficSelectors: false, trafficSelectorPolicies: [], ipsecPolicies: $policy,
		gatewayCustomBgpIpAddresses: [if $bgp == "" then empty else
			$ARGS.positional | to_entries[] | select(.key % 2 == 1 and .value != "") |
			{ipConfigurationId: ($id + "/virtualNetworkGateways/vng-lab/ipConfigurations/gw\((.key - 1) / 2)"), customBgpIpAddress: .value} end]
		}' "${@:5}" >"$dir/connection.json"
	jq -n --arg id "$id" --arg bgp "$4" --args '
		($id + "/virtualNetworkGateways/vng-lab") as $me | ([range(0; $ARGS.positional | length; 2) as $i | $ARGS.positional[$i:$i + 2]]) as $instances |
		def subnet: if ($instances | length) > 1 then "10.30.255.\(. + 4)" else "10.30.255.30" end;
		{name: "vng-lab", id: $me, resourceGroup: "rg-lab", type: "Microsoft.Network/virtualNetworkGateways", location: "westeurope",
		gatewayType: "Vpn", vpnType: "RouteBased", sku: {name: "VpnGw2AZ", tier: "VpnGw2AZ", capacity: 2},
		enableBgp: ($bgp != ""), activeActive: ($instances | length > 1), provisioningState: "Succeeded",
		ipConfigurations: [$instances | to_entries[] | {name: "gw\(.key)", id: "\($me)/ipConfigurations/gw\(.key)",
			publicIPAddress: {id: "\($id)/publicIPAddresses/pip-gw\(.key)"}}],
		bgpSettings: {asn: 65515, peerWeight: 0, bgpPeeringAddress: ([$instances | to_entries[] | .key | subnet] | join(",")),
			bgpPeeringAddresses: [$instances | to_entries[] | {ipconfigurationId: "\($me)/ipConfigurations/gw\(.key)",
				defaultBgpIpAddresses: [.key | subnet],
				customBgpIpAddresses: [if $bgp == "" or .value[1] == "" then empty else .value[1] end], tunnelIpAddresses: [.value[0]]}]}
		}' "${@:5}" >"$dir/gateway.json"
	jq -n --arg id "$id" --arg us "${site_public[gw]}" --arg bgp "$4" --argjson asn "$our_as" '
		{name: "lng-lab", id: ($id + "/localNetworkGateways/lng-lab"), resourceGroup: "rg-lab", location: "westeurope",
		type: "Microsoft.Network/localNetworkGateways", provisioningState: "Succeeded", gatewayIpAddress: $us,
		localNetworkAddressSpace: {addressPrefixes: ["10.1.0.0/24"]},
		bgpSettings: (if $bgp == "" then null else {asn: $asn, bgpPeeringAddress: $bgp, peerWeight: 0} end)}' >"$dir/local.json"
}

# import CLOUD WORD...: into the daemon's own folders; what it says is kept.
import()
{
	local dir=$W/s2sd-gw

	mkdir -p "$dir"
	chmod 755 "$dir"
	"$S2SCTL" import "$@" -o "$dir" >>"$L/import.out" 2>&1 || fail "s2sctl import $1: $(tail -n 1 "$L/import.out")"
	cp "$dir"/conf.d/*.yaml "$L"
}

# The configuration that import made, judged by the daemon itself, then started: nobody has touched it.
imported_start()
{
	"$S2SD" -n -c "$W/s2sd-gw/s2sd.yaml" >"$L/s2sd-n.out" 2>&1 || fail "s2sd -n refuses what import wrote: $(tail -n 1 "$L/s2sd-n.out")"
	s2sd_start </dev/null
}

# ---- judging --------------------------------------------------------------------------------------------------------

# spread NS ADDRESS COUNT: so many datagrams, each from a port of its own.
spread()
{
	in_ns "$1" bash -c "for ((i = 0; i < $3; i++)); do echo >/dev/udp/$2/9; done" 2>/dev/null || true
}

# ping_gap NS: ends the flow that ping_begin began; the longest time without an answer in it, in milliseconds.
ping_gap()
{
	local ns=$1

	kill -INT "$(cat "$W/ping-$ns.pid")"
	wait "$(cat "$W/ping-$ns.pid")" || true
	cp "$W/ping-$ns" "$L/ping-$ns"
	awk '/ time=/ && /^\[/ { t = substr($1, 2) + 0; if (last && t - last > gap) gap = t - last; last = t } END { printf "%d\n", gap * 1000 }' \
		"$W/ping-$ns"
}

# moved CLOUD PREFIX ADDRESS HOW LIMIT COMMAND: the endpoint that carries a flow of pings suffers COMMAND; how long nothing is answered.
hit=''
moved()
{
	local cloud=$1 prefix=$2 address=$3 how=$4 limit=$5 way n gap

	ping_begin gw-host "$address" 0.05
	way=$(ping_way "$prefix")
	n=${way##*-}
	hit=$cloud$n
	"$6" "$hit"
	while_silent "$way"
	wait_ways gw "$prefix" "s2s-$cloud-$(( 3 - n ))" 15
	wait_ping gw-host "$address" 10
	pause 1
	gap=$(ping_gap gw-host)
	echo "$how: $gap ms" >>"$L/measured"
	note "$how ($hit): nothing was answered for $(( gap / 1000 )).$(printf %03d $(( gap % 1000 ))) s, fewer than $(( limit / 1000 )) are asked for"
	[ "$gap" -lt "$limit" ] || fail "$how: traffic moved after $gap ms, expected less than $limit ms"
	expect_status "$cloud-$(( 3 - n ))" .state up
}

# A scene that shows what happens meanwhile has its own.
while_silent()
{
	:
}

# wait_ping_by CLOUD N ADDRESS SECONDS: from the host of a cloud, beginning with its endpoint N.
wait_ping_by()
{
	wait_for "$4" "ping from $1-host by way of $1$2 to $3 answered" in_ns "$1-host" ping -m "$2" -c 1 -W 1 -q "$3"
	note "ping from $1-host by way of $1$2 to $3 answered"
}

# returned CLOUD PREFIX ADDRESS COMMAND: all is as before, and nothing was lost on the way. What the cloud sends of its own accord goes into the
# dead tunnel until the cloud itself has noticed, with the hold time of BGP at the latest; that is waited for first.
returned()
{
	wait_ping_by "$1" "${hit: -1}" 10.1.0.10 40
	ping_begin gw-host "$3" 0.02
	ping_begin "$1-host" 10.1.0.10 0.02
	"$4" "$hit"
	wait_up "$1-${hit: -1}" 60
	wait_sessions gw 4 100
	wait_ways gw "$2" "s2s-$1-1 s2s-$1-2" 20
	pause 2
	ping_end gw-host
	ping_end "$1-host"
}

# ---- showing --------------------------------------------------------------------------------------------------------

# narrate TEXT...: lines for whoever looks on, at once and in the report. They are not padded and not cut: they fit 100 columns.
narrate()
{
	printf '%s\n' "$@" | show_lines
}

show_lines()
{
	local text

	text=$(expand | fold -s -w 100 | sed -e "s|$W/s2sd-gw|/etc/s2sd|g" -e 's/ *$//')
	printf '%s\n' "$text" >>"$L/report"
	[ -z "${LAB_PROGRESS:-}" ] || printf '%s\n' "$text" >>"$LAB_PROGRESS"
}

# show WORDS COMMAND...: what an operator types, and what comes of it. The command writes to a terminal of 100 columns.
show()
{
	narrate '' "\$ $1"
	shift
	"$@" 2>&1 | show_lines
}

# Like ctl, but to somebody who looks.
ctl_seen()
{
	in_ns gw env TERM=dumb script -qec "stty cols 100; exec '$S2SCTL' $* -r '$W/s2sd-gw/run'" /dev/null </dev/null | tr -d '\r'
}

# ---- the scene ------------------------------------------------------------------------------------------------------

# Our gateway between AWS (a connection with two tunnels) and Azure (active-active, link-local BGP addresses): from the files of both to four
# tunnels and four BGP sessions. Azure knows us by one BGP address, which is a neighbour to its first instance only.
clouds_stand()
{
	local jobs=() job

	internet
	site gw 198.51.100.7 10.1.0
	cloud aws 203.0.113.10 203.0.113.20 10.20.0
	cloud azure 192.0.2.10 192.0.2.20 10.30.0
	watch_outside
	peer_start aws1 aws inside=169.254.60.1/30 psk=Lab.Secret_key_of_aws_1 & jobs+=($!)
	peer_start aws2 aws inside=169.254.61.1/30 psk=Lab.Secret_key_of_aws_2 & jobs+=($!)
	for job in "${jobs[@]}"; do wait "$job"; done
	jobs=()
	peer_start azure1 azure esp=aes256-sha256-modp2048 inside=169.254.21.2/30 psk=Lab.Secret_key_of_azure & jobs+=($!)
	peer_start azure2 azure esp=aes256-sha256-modp2048 inside=169.254.22.2/32 psk=Lab.Secret_key_of_azure & jobs+=($!)
	for job in "${jobs[@]}"; do wait "$job"; done
	bird_start aws1 64512 169.254.60.2 169.254.60.1 30
	bird_start aws2 64512 169.254.61.2 169.254.61.1 30
	# Azure does not open a session on link-local addresses.
	bird_start azure1 65515 169.254.21.1 169.254.21.2 180 passive\;
	bird_start azure2 65515 169.254.21.1 169.254.22.2 180 passive\; 'multihop 2;'
	aws_file "$W/vpn.json" 203.0.113.10 169.254.60 Lab.Secret_key_of_aws_1 203.0.113.20 169.254.61 Lab.Secret_key_of_aws_2
	azure_files "$W/azure" azure Lab.Secret_key_of_azure "$azure_policy" 169.254.21.1 192.0.2.10 169.254.21.2 192.0.2.20 169.254.22.2
}

clouds_import()
{
	import aws "$W/vpn.json" --name aws
	import azure "$W"/azure/*.json
}

clouds_are_up()
{
	local name

	for name in aws-1 aws-2 azure-1 azure-2; do wait_up "$name" 40; done
	wait_sessions gw 4 60
	wait_ways gw 10.20.0.0/24 "s2s-aws-1 s2s-aws-2" 20
	wait_ways gw 10.30.0.0/24 "s2s-azure-1 s2s-azure-2" 20
}

both_clouds()
{
	clouds_stand
	clouds_import
	imported_start
	frr_start gw
	frr_take gw
	clouds_are_up
}
