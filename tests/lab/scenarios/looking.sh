# What an operator looks at while traffic flows: metrics by HTTP and by hand agree with what was sent and go on over a rekey, a trace is read by
# tcpdump and has neither key nor AUTH in it, top shows rates, events show what was done, a report holds no key.
#
#   gw-host --- gw 198.51.100.7 --- inet --- aws 203.0.113.10 --- aws-host
# timeout: 90
aws_world psk=Lab.Secret_key_of_aws

key aws.psk Lab.Secret_key_of_aws
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	  nobody:
	    remote: 203.0.113.99
	    psk-file: aws.psk
	    inside: 169.254.22.2/30
	    routes: [10.99.0.0/24]
END

# As the unit does it: no root, but the group of the control socket.
exec_in gw setpriv --reuid 65534 --regid 65534 --groups "$(stat -c %g "$W/s2sd-gw/run/control.sock")" --no-new-privs \
	"$S2SCTL" metrics --listen 127.0.0.1:9816 -r "$W/s2sd-gw/run" 2>"$L/exporter.log" &
wait_for 5 'the exporter answers' in_ns gw bash -c 'exec 3<>/dev/tcp/127.0.0.1/9816'

# metric NAME{LABELS}: its value by HTTP
metric()
{
	in_ns gw bash -c 'exec 3<>/dev/tcp/127.0.0.1/9816 && printf "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" >&3 && cat <&3' |
		awk -v name="$1" '{ sub(/\r$/, "") } index($0, name " ") == 1 { print $NF }'
}

# between WHAT LOW VALUE HIGH
between()
{
	[ "$3" -ge "$2" ] && [ "$3" -le "$4" ] || fail "$1 is $3, not $2 to $4"
}

ctl trace aws --pcapng "$W/up.pcapng" --seconds 6 2>"$W/trace.err" &
tracer=$!
pause 0.5
ctl down aws
ctl up aws
wait_up aws
wait "$tracer" || fail "trace ended with $?: $(cat "$W/trace.err")"
tcpdump -n -v -r "$W/up.pcapng" >"$L/trace.txt" 2>&1 || fail "tcpdump does not read the trace: $(tail -n 1 "$L/trace.txt")"
[ "$(grep -c 'ikev2_auth' "$L/trace.txt")" = 2 ] || fail "the trace has $(grep -c 'ikev2_auth' "$L/trace.txt") messages of IKE_AUTH, not 2"
[ "$(grep -c 'v2auth:.*data=(0000000000' "$L/trace.txt")" = 2 ] || fail "the IKE_AUTH of the trace is not open, or its AUTH is no zeros"
[ "$(stat -c %a "$W/up.pcapng")" = 600 ] || fail "the trace has mode $(stat -c %a "$W/up.pcapng")"

# 50 pings each way and back, 20 of them after a rekey: the counters go on.
wait_ping gw-host 10.20.0.10
base_out=$(metric 's2s_tunnel_sent_packets_total{tunnel="aws"}') base_in=$(metric 's2s_tunnel_received_packets_total{tunnel="aws"}')
ping_lossless gw-host 10.20.0.10 30 0.02
ctl rekey aws
ping_lossless gw-host 10.20.0.10 20 0.02
between 'packets sent' 50 $(( $(metric 's2s_tunnel_sent_packets_total{tunnel="aws"}') - base_out )) 60
between 'packets received' 50 $(( $(metric 's2s_tunnel_received_packets_total{tunnel="aws"}') - base_in )) 60
[ "$(metric 's2s_tunnel_up{tunnel="aws"}')" = 1 ] || fail "s2s_tunnel_up of aws is not 1"
[ "$(metric 's2s_tunnel_up{tunnel="nobody"}')" = 0 ] || fail "s2s_tunnel_up of nobody is not 0"
[ "$(metric 's2s_tunnel_child_rekeys_total{tunnel="aws"}')" = 1 ] || fail "one rekey is not counted"
[ "$(ctl metrics | tail -n 1)" = '# EOF' ] || fail "s2sctl metrics does not end with # EOF"
[ "$(ctl metrics --classic | grep -c '^s2s_tunnel_up{')" = 2 ] || fail "not every tunnel has s2s_tunnel_up"

# top while 100 packets a second of 1028 bytes pass, in and out.
in_ns gw-host ping -q -i 0.01 -s 1000 10.20.0.10 >/dev/null &
pinger=$!
pause 1
rate=$(ctl top --json | jq '.tunnels[] | select(.name == "aws") | .bytes_out_per_second')
ctl top --once >"$L/top.txt"
kill "$pinger"
between 'bytes out per second' 50000 "$rate" 150000
grep -qE '^aws +up ' "$L/top.txt" || fail "top --once does not list the tunnel"

ctl events --json | jq -e '[.events[].code] | index("child-rekeyed") and index("stopped") and index("up")' >/dev/null ||
	fail "no events of down, up and rekey"
ctl report -c "$W/s2sd-gw/s2sd.yaml" "$L/report.txt" >/dev/null || fail "no report"
grep -q 'psk-file: aws.psk' "$L/report.txt" || fail "the settings are not in the report"
! grep -q 'Lab.Secret' "$L/report.txt" || fail "the key is in the report"
s2sd_stop
kernel_is_clean
