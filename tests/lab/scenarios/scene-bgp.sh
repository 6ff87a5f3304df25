# From the files of both clouds to four tunnels with four BGP sessions, not a word edited: both clouds and the office reach each other, over
# both tunnels of each cloud.
#
#                                  .-- aws1   203.0.113.10 --.
#                                 /    169.254.60.1  AS 64512 \
#                                /                             >-- aws-host    10.20.0.10
#                               / .-- aws2   203.0.113.20 ----'
#                              / /    169.254.61.1
#   gw-host ---- gw ------ inet +
#   10.1.0.10    198.51.100.7  \ \
#                AS 65010       \ '-- azure1 192.0.2.10 ------.
#                FRR             \    169.254.21.2  AS 65515   >-- azure-host  10.30.0.10
#                                 '-- azure2 192.0.2.20 ------'
#                                     169.254.22.2
# timeout: 200
# needs: routing
. "$LAB/clouds.sh"
both_clouds

# Everyone reaches everyone.
for pair in "gw-host 10.20.0.10" "gw-host 10.30.0.10" "aws-host 10.1.0.10" "aws-host 10.30.0.10" "azure-host 10.1.0.10" "azure-host 10.20.0.10"; do
	# shellcheck disable=SC2086
	wait_ping $pair 20
	# shellcheck disable=SC2086
	ping_lossless $pair 20 0.05
done

# Flows are spread over both tunnels of a cloud by their ports, once the kernel is told to; check asks for it until it is.
ctl check "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1 || true
grep -q 'fib_multipath_hash_policy=1' "$L/check" || fail "s2sctl check does not ask for fib_multipath_hash_policy=1: $(head -c 300 "$L/check")"
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'
ctl check "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1 || fail "s2sctl check finds fault with what import made: $(head -c 300 "$L/check")"
[ "$(ctl check "$W/s2sd-gw/s2sd.yaml" --json | jq '[.findings[] | select(.severity != "hint")] | length')" -eq 0 ] ||
	fail "s2sctl check finds fault with what import made: $(head -c 300 "$L/check")"
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
frr gw -c 'show bgp summary' >"$L/bgp-summary"

frr_stop gw
s2sd_stop
kernel_is_clean
no_clear_text esp
