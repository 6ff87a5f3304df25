# Tunnels with which nothing is wrong, each time that they might look otherwise: never used, idle for a minute, one way by nature, rekeyed, the daemon
# restarted, the inside address taken away and put back, two tunnels of which each has one way. A true fault in between is named, told once and taken back.
#
#                                       .---- aws1 203.0.113.10 ----.
#   gw-host ---- gw  198.51.100.7 --- inet                           core ---- 10.20.0.10
#   10.1.0.10                           `---- aws2 192.0.2.10 ------'
# timeout: 540
. "$LAB/explain.sh"
. "$LAB/hitless.sh"
internet
site gw 198.51.100.7 10.1.0
site aws1 203.0.113.10 10.51.0
site aws2 192.0.2.10 10.52.0
namespaces core
for n in 1 2; do
	ip -n core link add "to$n" type veth peer name core netns "aws$n"
	ip -n core addr add "10.6$n.0.1/30" dev "to$n"
	ip -n core link set "to$n" up
	ip -n "aws$n" addr add "10.6$n.0.2/30" dev core
	ip -n "aws$n" link set core up
	ip -n "aws$n" route add 10.20.0.0/24 via "10.6$n.0.1"
done
for ns in core aws1 aws2; do
	for where in all default to1 to2 core; do
		[ ! -e "/proc/sys/net/ipv4/conf/$where" ] || in_ns "$ns" sysctl -qw "net.ipv4.conf.$where.rp_filter=0"
	done
done
ip -n core addr add 10.20.0.10/32 dev lo
answers_by()
{
	ip -n core route replace 10.1.0.0/24 via "10.6$1.0.2"
}
answers_by 1
peer_start aws1 aws inside=169.254.21.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-one
peer_start aws2 aws inside=169.254.22.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-two
kernel_before gw
configure()
{
	s2sd_configure < <(
		echo tunnels:
		tunnel_conf one 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'cloud: aws' 'dpd-interval: 3s'
		[ "${two:-no}" = no ] || tunnel_conf two 192.0.2.10 169.254.22.2/30 10.20.0.0/24 'cloud: aws' 'dpd-interval: 3s'
	)
}
configure
managed_start
wait_up one

problem()
{
	ctl metrics | sed -n "s/^s2s_tunnel_problem{tunnel=\"$1\",code=\"$2\"} //p"
}
told()
{
	ctl events --json | jq --arg code "$1" '[.events[] | select(.code == $code and (.was == "outbound-only" or .now == "outbound-only"))] | length'
}
# healthy TUNNEL WHAT [REGEX]: nothing is wrong, and one of what is seen is like that.
healthy()
{
	local answer

	answer=$(ctl explain "$1" --json)
	[ "$(jq -r .verdict.code <<<"$answer")" = up ] || fail "$2: explain $1 says $(jq -c '.verdict | [.code, .evidence]' <<<"$answer")"
	[ "$(jq '[.also[] | select(.weight != "fine")] | length' <<<"$answer")" -eq 0 ] || fail "$2: also $(jq -c .also <<<"$answer")"
	jq -r '.verdict.evidence[]' <<<"$answer" | grep -E -- "${3:-.}" >/dev/null || fail "$2: $(jq -c .verdict.evidence <<<"$answer")"
	expect_status "$1" '.problems | length' 0
	expect_status "$1" .reason null
	[ "$(problem "$1" outbound-only)$(problem "$1" inbound-only)" = 00 ] || fail "$2: s2s_tunnel_problem is not 0"
	note "healthy: $2"
}
# through SECONDS TUNNEL WHAT [REGEX]: all the time.
through()
{
	local end=$(( $(now_ms) + $1 * 1000 ))

	while healthy "${@:2}"; [ "$(now_ms)" -lt "$end" ]; do pause 5; done
}

healthy one "never used" 'idle: no traffic was seen since it came up'
wait_ping gw-host 10.20.0.10
in_ns gw-host ping -c 5 -i 0.2 -W 1 -q 10.20.0.10 >/dev/null
healthy one "just used" '[1-9][0-9]* packets in and [1-9][0-9]* out in the last minute'
through 61 one "idle"
healthy one "idle for a minute" 'idle: no traffic for 1m.*: last in 1m.* ago, at 20.*; last out 1m'

# Log lines over UDP: nobody answers, and nobody shall. Also over rekeys of both kinds and over a restart.
exec_in gw-host bash -c 'while echo "<13>$(date "+%b %e %T") host sshd[$$]: session $(( ++n )) opened for user operator from 10.1.0.$(( RANDOM % 200 )) port $RANDOM" >/dev/udp/10.20.0.10/514; do sleep 0.2; done' 2>/dev/null &
logs=$!
in_ns core nft -f - <<<'table ip lab { chain in { type filter hook input priority 0; udp dport 514 drop; }; }'
expect_verdict one one-way
expect_words .weight fine
expect_words '.evidence[0]' '[1-9][0-9]* packets went out and none came in'
through 10 one "one way by nature"
ctl rekey one
through 6 one "one way, just rekeyed"
ctl rekey --ike one
through 6 one "one way, IKE SA just rekeyed"
death restart
through 10 one "one way, just restarted" 'packets in and'
death engine
through 10 one "one way, the engine just died"
through 20 one "one way by nature"
kill "$logs"
wait "$logs" 2>/dev/null || [ $? -gt 128 ]
wait_ping gw-host 10.20.0.10
healthy one "both ways again"

# Something takes the inside address away: put back, and then nothing is wrong.
ip -n gw addr del 169.254.21.2/30 dev s2s-one
has_address()
{
	[[ $(ip -n gw -4 addr show dev s2s-one) == *169.254.21.2/30* ]]
}
wait_for 5 "the inside address" has_address
wait_ping gw-host 10.20.0.10
healthy one "the inside address was put back"

# ESP to us is lost on the way while IKE passes: named at once, told within a minute, and taken back when mended; pings first, then connections.
for way in 'ping -i 1 -W 1 -q 10.20.0.10' 'while :; do timeout 8 bash -c "exec 3<>/dev/tcp/10.20.0.10/7"; done'; do
	in_ns inet nft -f - <<<'table ip lab { chain through { type filter hook forward priority 0; ip daddr 198.51.100.7 ip protocol esp drop; }; }'
	before=$(told problem) over=$(told problem-over)
	exec_in gw-host bash -c "$way" >/dev/null 2>&1 &
	sender=$!
	expect_first one outbound-only 20
	expect_words .blame network
	expect_words '.evidence[2]' 'want an answer: they have the size of connection attempts or pings'
	told_once() { [ "$(told problem)" -eq $(( before + 1 )) ]; }
	wait_for 60 "the event problem" told_once
	expect_status one '.problems[0]' outbound-only
	expect_status one .reason 'network: packets go out and nothing comes back'
	[ "$(problem one outbound-only)" = 1 ] || fail "s2s_tunnel_problem is not 1"
	[ "$(told problem-over)" -eq "$over" ] || fail "taken back too early"
	in_ns inet nft delete table ip lab
	mended() { [ "$(told problem-over)" -eq $(( over + 1 )) ]; }
	wait_for 40 "the event problem-over" mended
	expect_gone one outbound-only
	kill "$sender"
	wait "$sender" 2>/dev/null || [ $? -gt 128 ]
	[ "$(told problem)" -eq $(( before + 1 )) ] || fail "told more than once"
	wait_ping gw-host 10.20.0.10
	healthy one "mended"
done

# Two tunnels of equal rank, and the far end answers by the other one than we send by.
two=yes configure
ctl reload
wait_up two
out=two back=1
[[ $(ip -n gw route get 10.20.0.10 from 10.1.0.10 iif lan) == *s2s-two* ]] || { out=one back=2; }
answers_by "$back"
wait_ping gw-host 10.20.0.10
exec_in gw-host ping -i 0.3 -q 10.20.0.10 >/dev/null &
sender=$!
other=one
[ "$out" = two ] || other=two
alone() { [ "$(ctl show "$out" --json | jq '.tunnels[0].recent | .out_10s > 20 and .in_10s == 0')" = true ]; }
wait_for 20 "$out has one way only" alone
through 46 "$out" "asymmetric, the one that sends"
healthy "$out" "asymmetric, the one that sends" 'another tunnel to the same networks has the traffic of the other direction'
healthy "$other" "asymmetric, the one that receives"
kill -INT "$sender"
wait "$sender"
managed_stop
kernel_is_clean
