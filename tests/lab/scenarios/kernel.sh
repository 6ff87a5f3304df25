# The kernel floor alone: both ends are set by our own functions, with keys made up by the test; no IKE.
#
#   west-host ---- west ------ inet ------ east ---- east-host
#   10.1.0.10      198.51.100.7            203.0.113.10   10.20.0.10
#   fd00:1::10     2001:db8:1::7           2001:db8:2::7  fd00:2::10
# timeout: 400
# peer-only
test=''
for candidate in "${S2SD%/*}/kernel_test" "${S2SD%/*}/build/kernel_test"; do
	[ -n "$test" ] || ! [ -x "$candidate" ] || test=$candidate
done
[ -n "$test" ] || fail "kernel_test is not built beside $S2SD"
internet
site west 198.51.100.7 10.1.0
site east 203.0.113.10 10.20.0
also_ipv6 west 2001:db8:1 fd00:1
also_ipv6 east 2001:db8:2 fd00:2
# Each "unreachable" counts, also those that come in bursts.
in_ns west sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
cp "$test" "$W/kernel_test"
"$W/kernel_test" >"$L/kernel_test.log" 2>&1 || fail "$(grep -m 1 FAIL "$L/kernel_test.log" | head -c 400 || tail -n 1 "$L/kernel_test.log")"
