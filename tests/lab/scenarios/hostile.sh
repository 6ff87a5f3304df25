# Somebody has taken over the process that reads what the network sends (tests/hostile/engine.c stands in its place), with a real kernel behind the
# keeper. He asks for SAs, links and a way to a host behind another tunnel, signatures for others, reloads without end, and spoils the sockets. Nothing of a
# host behind us leaves in clear; the engine after him brings the tunnels up.
#
#                                        .--- aws 203.0.113.10 ---- aws-host 10.20.0.10
#   gw-host ---- gw 198.51.100.7 ---- inet
#   10.1.0.10
# timeout: 100
aws_world

hostile=''
for candidate in "${S2SD%/*}/hostile_engine" "${S2SD%/*}/build/hostile_engine"; do
	[ -n "$hostile" ] || ! [ -x "$candidate" ] || hostile=$candidate
done
[ -n "$hostile" ] || fail "hostile_engine is not built beside $S2SD"

# The daemon's programs, with the hostile engine under the honest one's name.
bin=$W/bin
mkdir "$bin"
chmod 755 "$bin"
cp "$S2SD" "${S2SD%/*}/s2sd-resolver" "${S2SD%/*}/s2sd-signer" "$bin/"
cp "${S2SD%/*}/s2sd-engine" "$bin/honest"
cp "$hostile" "$bin/s2sd-engine"
printf '%s\n' 'requests branch 10.20.0.10' 'requests aws 10.20.0.10' 'auth aws' storm sockets >"$bin/deeds"
S2SD=$bin/s2sd

key aws.psk lab-secret-of-both-ends
s2sd_configure < <(
	aws_conf
	tunnel_conf branch any 169.254.22.2/30 10.40.0.0/24 'remote-id: branch.example.net' 'start: respond'
)
kernel_before gw
exec_in gw setsid "$S2SD" -c "$W/s2sd-gw/s2sd.yaml" -r "$W/s2sd-gw/run" -d -v >>"$L/s2sd-gw.log" 2>&1 &
echo $! >"$W/s2sd-gw/pid"
guarded()
{
	[ -n "$(ip -n gw route show 10.20.0.0/24 type unreachable)" ]
}
wait_for 20 "the daemon guards what is behind aws" guarded
exec_in gw-host ping -q -i 0.05 10.20.0.10 >/dev/null 2>&1 &
asks=$!

told()
{
	grep -q -- "$1" "$bin/told"
}
has_told()
{
	told "^$1\$" || fail "the hostile engine: expected \"$1\", told: $(tr '\n' ';' <"$bin/told")"
}

wait_for 30 "he has asked for what is behind another tunnel" told '^asked for all'
for family_way in "10.20.0.10 from 10.1.0.10 iif lan" 10.20.0.10; do
	# shellcheck disable=SC2086
	way=$(ip -n gw route get $family_way 2>&1) || true
	[[ $way != *'dev out'* ]] || fail "the way to $family_way is now: $way"
done
[ "$(in_ns gw ip -o xfrm state | grep -c 10.20.0.10)" -eq 0 ] || fail "an SA with a host behind aws: $(in_ns gw ip -o xfrm state | grep -m 1 10.20.0.10)"
wait_for 60 "he has done all that he can" told '^end sockets'
cp "$bin/told" "$L/told"
for line in 'install inbound, honest: 0' 'install outbound, honest: 0' 'install inbound, foreign: 1' 'install outbound, foreign: 1' 'switch, foreign: 1' \
	'move, foreign: to be rekeyed' 'sign, honest: 0, 32 octets' "sign the peer's message: -[0-9]*, 0 octets" 'sign chosen octets: -[0-9]*, 0 octets'; do
	has_told "$line"
done
note "hostile: $(grep reloads "$bin/told")"
[ "$(grep -c 'reload' "$L/s2sd-gw.log")" -lt 40 ] || fail "$(grep -c 'reload' "$L/s2sd-gw.log") lines about reloads in the log"

note "an honest engine"
wait_for 30 "the daemon answers" ctl status
wait_up aws 30
wait_ping gw-host 10.20.0.10
kill "$asks"
# What he left with the peer of aws goes once the tunnel carries again; branch only answers, and its peer may still be there.
his_are_gone()
{
	[ -z "$(in_ns gw ip -o xfrm state | grep -v '192\.0\.2\.77' | grep 'spi 0x66600')" ]
}
wait_for 20 "no SA of the hostile engine for aws in the kernel" his_are_gone
s2sd_stop
kernel_is_clean
nothing_outside '(src net 10.0.0.0/8 or dst net 10.0.0.0/8) and not arp' 'anything from or to an inside address'
no_clear_text esp
