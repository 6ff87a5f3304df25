# AWS with a virtual private gateway, which answers through one tunnel whichever the question came by, and Azure active-standby with BGP between
# addresses of its gateway's subnet; the tunnel options and default addresses are as the consoles set them. BIRD routes at our side.
#
#                                  .-- aws1   203.0.113.10 --.
#                                 /    169.254.60.1  AS 64512 \
#   gw-host ---- gw ------ inet -+                             >-- aws-host    10.20.0.10
#   10.1.0.10    198.51.100.7    |\--- aws2   203.0.113.20 ---'    all it sends leaves by aws1
#                10.1.255.1      |     169.254.61.1
#                AS 65010         \
#                s2sd, BIRD        '-- azure1 192.0.2.10 --------- azure-host  10.30.0.10
#                                      10.30.255.30   AS 65515
# timeout: 200
# needs: routing
. "$LAB/clouds.sh"
internet
site gw 198.51.100.7 10.1.0
cloud aws 203.0.113.10 203.0.113.20 10.20.0
cloud azure 192.0.2.10 192.0.2.20 10.30.0
watch_outside
# The instance that stands by does nothing.
ip -n azure2 link set cloud down
only_by aws 1
peer_start aws1 aws inside=169.254.60.1/30 psk=Lab.Secret_key_of_aws_1
peer_start aws2 aws inside=169.254.61.1/30 psk=Lab.Secret_key_of_aws_2
peer_start azure1 azure esp=aes256-sha256-modp2048 inside=10.30.255.30/32 psk=Lab.Secret_key_of_azure
bird_start aws1 64512 169.254.60.2 169.254.60.1 30
bird_start aws2 64512 169.254.61.2 169.254.61.1 30
bird_start azure1 65515 10.1.255.1 10.30.255.30 180 'multihop 4;'

aws_gateway=vgw-0e00000000000001 aws_options=untouched
aws_file "$W/vpn.json" 203.0.113.10 169.254.60 Lab.Secret_key_of_aws_1 203.0.113.20 169.254.61 Lab.Secret_key_of_aws_2
azure_files "$W/azure" azure Lab.Secret_key_of_azure "$azure_policy" 10.1.255.1 192.0.2.10 ''
import aws "$W/vpn.json" --name aws
import azure "$W"/azure/*.json
grep -q 'comes\? back on the other\|may come back on the other' "$L/aws.yaml" || fail "import does not say how a virtual private gateway answers"
grep -q 'peer: 10.30.255.30 ' "$L/azure.yaml" || fail "the BGP peer of Azure is not the address of its subnet: $(grep -m 1 peer: "$L/azure.yaml")"

# What comes back by the other tunnel is dropped by a strict rp_filter; check says so before it happens.
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter'
: >"$W/s2sd-gw/s2sd.yaml"
ctl check "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1 || true
grep -q 'rp_filter' "$L/check" || fail "s2sctl check does not mention the strict rp_filter: $(head -c 300 "$L/check")"
in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter'

imported_start
mkdir -p "$W/bird-gw"
"$S2SCTL" export bird "$W/s2sd-gw/s2sd.yaml" >"$W/bird-gw/bird.conf"
cp "$W/bird-gw/bird.conf" "$L/bird-gw.conf"
bird_run gw
for name in aws-1 aws-2 azure; do wait_up "$name" 40; done

bird_sessions()
{
	in_ns gw birdc -s "$W/bird-gw/ctl" show protocols | grep -c Established
}
bird_sessions_are()
{
	[ "$(bird_sessions)" = "$1" ]
}
wait_bird_sessions()
{
	wait_for "$2" "$1 BGP sessions of gw" bird_sessions_are "$1"
	note "$1 BGP sessions of gw are up"
}
wait_bird_sessions 3 60
wait_ways gw 10.20.0.0/24 "s2s-aws-1 s2s-aws-2" 20
wait_ways gw 10.30.0.0/24 s2s-azure 20
for pair in "gw-host 10.20.0.10" "gw-host 10.30.0.10" "aws-host 10.1.0.10" "aws-host 10.30.0.10" "azure-host 10.1.0.10" "azure-host 10.20.0.10"; do
	# shellcheck disable=SC2086
	wait_ping $pair 20
	# shellcheck disable=SC2086
	ping_lossless $pair 20 0.05
done

# Out by both, back by the first.
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'
before=$(counter aws-2 packets_out)
spread gw-host 10.20.0.10 100
[ $(( $(counter aws-2 packets_out) - before )) -ge 20 ] || fail "of 100 flows $(( $(counter aws-2 packets_out) - before )) left by the second tunnel"
answered=0
for _ in 1 2 3 4 5 6 7 8; do
	# Nobody listens there: the host refuses, and the refusal has come back.
	grep -q refused <<<"$(in_ns gw-host timeout 2 bash -c 'exec 3<>/dev/tcp/10.20.0.10/9' 2>&1 || true)" && answered=$(( answered + 1 ))
done
[ "$answered" -eq 8 ] || fail "of 8 connections to AWS $answered were answered: what comes back by the other tunnel is lost"
note "out by both tunnels, back by the first: 8 of 8 connections were answered"

# AWS replaces the endpoint by which our packets go, without a word.
ping_begin gw-host 10.20.0.10 0.05
way=$(ping_way 10.20.0.0/24)
n=${way##*-}
mute_path "aws$n"
only_by aws $(( 3 - n ))
wait_ways gw 10.20.0.0/24 "s2s-aws-$(( 3 - n ))" 15
wait_ping gw-host 10.20.0.10 10
pause 1
gap=$(ping_gap gw-host)
note "an endpoint of AWS is replaced: nothing was answered for $(( gap / 1000 )).$(printf %03d $(( gap % 1000 ))) s, fewer than 6 are asked for"
echo "an endpoint is replaced: $gap ms" >>"$L/measured"
[ "$gap" -lt 6000 ] || fail "traffic moved after $gap ms, expected less than 6000 ms"
ping_begin gw-host 10.20.0.10 0.02
unmute_path "aws$n"
wait_up "aws-$n" 60
wait_bird_sessions 3 60
wait_ways gw 10.20.0.0/24 "s2s-aws-1 s2s-aws-2" 20
pause 2
ping_end gw-host

pid=$(cat "$W/bird-gw/pid")
kill "$pid"
wait_for 10 "BIRD of gw ends" is_gone "$pid"
s2sd_stop
kernel_is_clean
no_clear_text esp
