# From the files of both clouds to four tunnels with four BGP sessions, not a word edited: both clouds and the office reach each other, over
# both tunnels of each cloud, and when one falls silent the other carries on. `make demo` shows this scene.
#
#                                  .-- aws1   203.0.113.10 --.
#                                 /    169.254.60.1  AS 64512 \
#                                /                             >-- aws-host    10.20.0.10
#                               / .-- aws2   203.0.113.20 ----'
#                              / /    169.254.61.1
#   gw-host ---- gw ------ inet +
#   10.1.0.10    198.51.100.7  \ \
#                AS 65010       \ '-- azure1 192.0.2.10 ------.
#                s2sd, FRR       \    169.254.21.2  AS 65515   >-- azure-host  10.30.0.10
#                                 '-- azure2 192.0.2.20 ------'
#                                     169.254.22.2
# timeout: 240
# needs: routing
. "$LAB/clouds.sh"
clouds_stand
note "the clouds stand and have handed out vpn.json (AWS) and azure/*.json"

shown_import()
{
	: >"$L/import.out"
	import "$@"
	cat "$L/import.out"
}
show 's2sctl import aws vpn.json --name aws' shown_import aws "$W/vpn.json" --name aws
show 's2sctl import azure azure/*.json' shown_import azure "$W"/azure/*.json
# All is in conf.d; the main file, which the daemon can do without, is empty.
: >"$W/s2sd-gw/s2sd.yaml"
show 's2sctl check' ctl check "$W/s2sd-gw/s2sd.yaml"
narrate '' '$ s2sd -n && systemctl start s2sd'
imported_start
frr_start gw
narrate '' '$ s2sctl export frr >tunnels.conf && vtysh -f tunnels.conf'
frr_take gw
clouds_are_up

# What export writes for the other routing daemon is read by it, too.
"$S2SCTL" export bird "$W/s2sd-gw/s2sd.yaml" >"$L/bird-gw.conf"
/usr/sbin/bird -p -c "$L/bird-gw.conf" >"$L/bird-gw.out" 2>&1 || fail "BIRD refuses what export writes: $(tail -n 1 "$L/bird-gw.out")"

show 's2sctl status' ctl_seen status
bgp_summary()
{
	frr gw -c 'show bgp ipv4 unicast summary' |
		awk '$1 == "Neighbor" { seen = 1 } seen && NF > 10 { printf "%-14s %6s %8s %8s %9s %12s %7s %s\n", $1, $3, $4, $5, $9, $10, $11, $12 }'
}
show "vtysh -c 'show bgp ipv4 unicast summary'       # some columns of it" bgp_summary
show 'ip route show proto bgp' ip -n gw route show proto bgp

# Everyone reaches everyone.
declare -A host=([gw-host]=10.1.0.10 [aws-host]=10.20.0.10 [azure-host]=10.30.0.10)
matrix()
{
	local from to result

	printf '%-14s%-26s%-26s%-26s\n' '' 'to gw-host' 'to aws-host' 'to azure-host'
	for from in gw-host aws-host azure-host; do
		printf '%-14s' "$from"
		for to in gw-host aws-host azure-host; do
			result='       -'
			[ "$from" = "$to" ] || result=$(answered "$from" "${host[$to]}")
			printf '%-26s' "$result"
		done
		echo
	done
}

answered()
{
	local result

	result=$(in_ns "$1" ping -q -c 20 -i 0.05 -W 2 "$2") || fail "ping from $1 to $2: no answer at all"
	[[ $result == *"20 packets transmitted, 20 received, "* ]] || fail "ping from $1 to $2: expected 20 of 20, saw: $(grep transmitted <<<"$result")"
	echo "20 of 20, $(sed -n 's/^rtt .* = [^/]*\/\([^/]*\)\/.*/\1/p' <<<"$result") ms"
}

for from in "${!host[@]}"; do
	for to in "${!host[@]}"; do
		[ "$from" = "$to" ] || wait_ping "$from" "${host[$to]}" 20
	done
done
show 'ping -c 20                # from each to each; through us also from one cloud to the other' matrix

# Flows are spread over both tunnels of a cloud by their ports, once the kernel is told to; check asks for it until it is.
ctl check "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1 || true
grep -q 'fib_multipath_hash_policy=1' "$L/check" || fail "s2sctl check does not ask for fib_multipath_hash_policy=1: $(head -c 300 "$L/check")"
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'
ctl check "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1 || fail "s2sctl check finds fault with what import made: $(head -c 300 "$L/check")"
[ "$(ctl check "$W/s2sd-gw/s2sd.yaml" --json | jq '[.findings[] | select(.severity != "hint")] | length')" -eq 0 ] ||
	fail "s2sctl check finds fault with what import made: $(head -c 300 "$L/check")"
narrate '' '$ sysctl -w net.ipv4.fib_multipath_hash_policy=1     # as check asks: flows spread by their ports'
for cloud in aws:10.20.0.10 azure:10.30.0.10; do
	name=${cloud%:*}
	before="$(counter "$name-1" packets_out) $(counter "$name-2" packets_out)"
	spread gw-host "${cloud#*:}" 100
	after="$(counter "$name-1" packets_out) $(counter "$name-2" packets_out)"
	read -r first second < <(awk '{ print $3 - $1, $4 - $2 }' <<<"$before $after")
	[ "$first" -ge 20 ] && [ "$second" -ge 20 ] || fail "100 flows to $name: $first by the first tunnel, $second by the second"
	note "100 flows to $name: $first by the first tunnel, $second by the second"
done

# One cloud is told of the other, with us in the path; neither is told of its own networks or of the tunnels'.
told=$(in_ns aws1 birdc -s "$W/bird-aws1/ctl" show route protocol office | grep -o '^[0-9.]*/[0-9]*\|^[0-9.]*/[0-9]* ' | sort | tr -d ' ' | tr '\n' ' ')
[ "$told" = "10.1.0.0/24 10.30.0.0/24 " ] || fail "AWS is told \"$told\", expected 10.1.0.0/24 and 10.30.0.0/24"

# Second by second: how many pings are answered, and which ways there are.
while_silent()
{
	local began last now before seen answers again=0

	narrate '' "Pings from gw-host to 10.20.0.10 leave by $1. What passes between us and ${site_out[$hit]} now" \
		'vanishes without an error:' '' '   after   pings answered per second, of 20   ways to 10.20.0.0/24'
	began=$(now_ms)
	last=$began
	before=$(grep -c ' time=' "$W/ping-gw-host")
	while [ "$again" -lt 2 ] && [ "$last" -lt $(( began + 15000 )) ]; do
		pause 0.4
		seen=$(grep -c ' time=' "$W/ping-gw-host")
		now=$(now_ms)
		answers=$(( (seen - before) * 1000 / (now - last) ))
		before=$seen last=$now
		[ "$last" -lt $(( began + 3000 )) ] || [ "$answers" -lt 5 ] || again=$(( again + 1 ))
		narrate "$(printf '  %2d.%d s   %-34.34s %s' $(( (now - began) / 1000 )) $(( (now - began) % 1000 / 100 )) \
			"$(printf "%$(( answers > 0 ? answers : 1 ))s" '' | tr ' ' "$([ "$answers" -gt 0 ] && echo '#' || echo .)")" "$(ways gw 10.20.0.0/24)")"
	done
	narrate ''
}
moved aws 10.20.0.0/24 10.20.0.10 "a tunnel falls silent" 6000 mute_path
show 's2sctl status' ctl_seen status
show "s2sctl explain aws-${hit: -1}" ctl_seen explain "aws-${hit: -1}"
narrate '' "The path comes back; pings run from our host and from AWS, 50 a second, and none may be lost:"
returned aws 10.20.0.0/24 10.20.0.10 unmute_path
show 's2sctl status' ctl_seen status
show 's2sctl events -n 8' ctl_seen events -n 8

frr_stop gw
s2sd_stop
kernel_is_clean
no_clear_text esp
narrate '' "Outside were $(count_outside esp) ESP packets, $(count_outside 'udp port 500 or udp port 4500') of IKE, none in clear. s2sd left nothing behind."
