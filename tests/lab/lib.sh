# The vocabulary of the lab: a scenario says what stands where, what happens, and what must be seen then.
#
# A scenario runs as the only thing in its own process, mount and network namespaces (see one), so the names below are
# never taken, and all that it starts ends with it. Each check that fails says what was expected and what was seen.
#
#     W  scratch directory, gone afterwards        L  logs, kept
#     our daemon runs in gw unless a function is given another namespace

# Waits without a figure of their own are longer where all is emulated on shared processors; a figure in a scenario is what it measures.
slack=${LAB_PATIENCE:-1}
# Seconds between two looks at what costs a look's worth of processes: there, asking is dearer than waiting.
between=0.2
[ "$slack" = 1 ] || between=0.9

# shellcheck disable=SC2154  # W, L, LAB, S2SD and S2SCTL come from the caller
declare -A site_out=() site_public=()

# ---- saying and waiting --------------------------------------------------------------------------------------------

# Every wait says something: no process is started for it.
note()
{
	local ms=$(( ${EPOCHREALTIME/[.,]/} / 1000 - START_MS )) clock

	printf -v clock '%6s' "$(( ms / 1000 )).$(( ms % 1000 / 100 ))"
	printf '%s %s\n' "$clock" "$*" >>"$L/scenario.log"
	[ -z "${LAB_PROGRESS:-}" ] || printf '%s %s: %s\n' "$clock" "$NAME" "$*" >>"$LAB_PROGRESS"
}

fail()
{
	trap - ERR
	[ -s "$L/reason" ] || printf '%s\n' "$*" >"$L/reason"
	note "FAIL: $*"
	exit 1
}

on_error()
{
	fail "line $1: \"$2\" ended with status $3${4:+ (called from line $4)}"
}

now_ms()
{
	local now=$EPOCHREALTIME

	echo $(( ${now/[.,]/} / 1000 ))
}

# What jq understands, in a sixth of the time: jq 1.6 compiles its own library at each start, half a second under emulation.
jq()
{
	gojq "$@"
}

# A pause costs no process: it is a read that nobody answers.
mkfifo "$W/quiet"
exec {quiet_fd}<>"$W/quiet"
pause()
{
	read -r -t "$1" -u "$quiet_fd" || true
}

# must_fail COMMAND...: a check that is expected to bite.
must_fail()
{
	if (trap - ERR; "$@"); then fail "it must have failed: $*"; fi
	[ -s "$L/reason" ] || fail "it failed without a reason: $*"
	note "it bites: $(cat "$L/reason")"
	rm "$L/reason"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for()
{
	local seconds=$1 what=$2 end

	shift 2
	end=$(( $(now_ms) + seconds * 1000 ))
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || fail "$what: not within $seconds s"
		pause 0.1
	done
}

# built_in NAME: the folder in which a program of the lab's own is.
built_in()
{
	local candidate

	for candidate in "${S2SD%/*}" "${S2SD%/*}/build"; do [ ! -x "$candidate/$1" ] || { echo "$candidate"; return; }; done
	fail "$1 is not built beside $S2SD"
}

# load_module NAME: one that the lab does not load at first; false where this kernel has no such module.
load_module()
{
	[ ! -d "/sys/module/$1" ] || return 0
	if [ -d /usr/lib/lab-modules ]; then
		[ -f "/usr/lib/lab-modules/$1.ko" ] && insmod "/usr/lib/lab-modules/$1.ko"
	else
		modprobe -q "$1"
	fi
}

# ---- topology ------------------------------------------------------------------------------------------------------

in_ns()
{
	local ns=$1

	shift
	nsenter --net=/run/netns/"$ns" -- "$@"
}

namespaces()
{
	local ns

	for ns; do echo "netns add $ns"; done | ip -batch -
	for ns; do
		in_ns "$ns" sh -c 'cd /proc/sys/net; echo 1 >ipv4/ip_forward
			echo 1 >ipv6/conf/all/forwarding; echo 0 >ipv6/conf/default/accept_dad; echo 0 >ipv6/conf/default/router_solicitations
			for f in ipv4/conf/default/rp_filter ipv4/conf/all/rp_filter; do echo 0 >$f; done
			echo "0 2147483647" >ipv4/ping_group_range; ip link set lo up'
	done
}

# For "&": the process number that comes of it is the program's own.
exec_in()
{
	local ns=$1

	shift
	exec nsenter --net=/run/netns/"$ns" -- "$@"
}

# The internet is one router with a leg in every site's network.
internet()
{
	namespaces inet
}

# leg NS ADDRESS [LENGTH]: an outside link from NS to the router, who is the first of the same network, a /24.
leg()
{
	local ns=$1 address=$2 len=${3:-24} router

	router=${2%.*}.$(( (${2##*.} & ~((1 << (32 - len)) - 1)) + 1 ))

	ip -n inet -batch - <<-END
		link add to-$ns type veth peer name out netns $ns
		addr add $router/$len dev to-$ns
		link set to-$ns up
	END
	ip -n "$ns" -batch - <<-END
		addr add $address/$len dev out
		link set out up
		route add default via $router
	END
}

# second_uplink NS ADDRESS: NS has another line to the internet, "out2"; what has that address leaves by it.
second_uplink()
{
	ip -n inet -batch - <<-END
		link add to2-$1 type veth peer name out2 netns $1
		addr add ${2%.*}.1/24 dev to2-$1
		link set to2-$1 up
	END
	ip -n "$1" -batch - <<-END
		addr add $2/24 dev out2
		link set out2 up
		route add default via ${2%.*}.1 table 102
		rule add from $2 lookup 102
	END
}

# lan NS PREFIX: 10.1.0 makes host NS-host 10.1.0.10 behind 10.1.0.1.
lan()
{
	local ns=$1 net=$2

	ip -n "$ns" -batch - <<-END
		link add lan type veth peer name out netns $ns-host
		addr add $net.1/24 dev lan
		link set lan up
	END
	ip -n "$ns-host" -batch - <<-END
		addr add $net.10/24 dev out
		link set out up
		route add default via $net.1
	END
}

# site NS OUTSIDE-ADDRESS LAN-PREFIX
site()
{
	namespaces "$1" "$1-host"
	leg "$1" "$2"
	lan "$1" "$3"
	site_out[$1]=$2
	site_public[$1]=$2
}

# also_ipv6 NS OUTSIDE-PREFIX LAN-PREFIX: with 2001:db8:1 and fd00:1 the site is also 2001:db8:1::7 outside, its host fd00:1::10; peers
# that start after it speak IKE and ESP over IPv6.
also_ipv6()
{
	ip -n inet addr add "$2::1/64" dev "to-$1"
	ip -n "$1" -batch - <<-END
		addr add $2::7/64 dev out
		route add default via $2::1
		addr add $3::1/64 dev lan
	END
	ip -n "$1-host" -batch - <<-END
		addr add $3::10/64 dev out
		route add default via $3::1
	END
	site_out[$1]=$2::7
	site_public[$1]=$2::7
}

# A site behind a masquerading router: nat_site NS PRIVATE-ADDRESS PUBLIC-ADDRESS LAN-PREFIX
nat_site()
{
	namespaces "$1" "$1-host" "$1-nat"
	leg "$1-nat" "$3"
	ip -n "$1-nat" -batch - <<-END
		link add in type veth peer name out netns $1
		addr add ${2%.*}.1/24 dev in
		link set in up
	END
	ip -n "$1" -batch - <<-END
		addr add $2/24 dev out
		link set out up
		route add default via ${2%.*}.1
	END
	in_ns "$1-nat" nft -f - <<-END
		table ip lab {
			chain post { type nat hook postrouting priority 100; oifname "out" masquerade; }
		}
	END
	lan "$1" "$4"
	site_out[$1]=$2
	site_public[$1]=$3
}

# The path between a site and the internet, cut and healed.
cut_path()
{
	note "path of $1 cut"
	ip -n inet link set "to-$1" down
}

heal_path()
{
	note "path of $1 healed"
	ip -n inet link set "to-$1" up
}

# ---- what goes over the wire ---------------------------------------------------------------------------------------

watch_outside()
{
	exec_in inet tcpdump -i any -n -s 200 -U --immediate-mode -w "$L/outside.pcap" >"$W/tcpdump.log" 2>&1 &
	echo $! >"$W/tcpdump.pid"
	wait_for 20 "tcpdump listens" grep -q 'listening on' "$W/tcpdump.log"
}

# Only counted, not printed: printing asks the system for the name of the interface, packet for packet.
count_outside()
{
	tcpdump -n --count -r "$L/outside.pcap" "$@" 2>/dev/null | sed -n 's/ packets\{0,1\}$//p'
}

# The capture is behind what happens. A datagram of our own, to a port used once, shows when it has caught up.
marker=20000
capture_is_complete()
{
	marker=$(( marker + 1 ))
	in_ns inet bash -c "echo marker >/dev/udp/127.0.0.1/$marker" 2>/dev/null || true
	wait_for 20 "the outside capture catches up" marker_is_seen
}

marker_is_seen()
{
	[ "$(count_outside "udp dst port $marker")" -gt 0 ]
}

# Outside there may be nothing from or to an inside address; and the capture must hold what it is expected to hold.
no_clear_text()
{
	local inside='net 10.0.0.0/8 or net 169.254.0.0/16 or net fd00::/8' clear expected=${1:-esp or udp port 4500}

	capture_is_complete
	clear=$(count_outside "($inside) and not arp")
	[ "$clear" -eq 0 ] || fail "$clear clear-text packets outside, the first:" \
		"$(tcpdump -n -r "$L/outside.pcap" -c 1 "($inside) and not arp" 2>/dev/null)"
	[ "$(count_outside "$expected")" -gt 0 ] || fail "the outside capture shows nothing of \"$expected\": it proves nothing"
	note "no clear text among $(count_outside) packets outside"
}

# nothing_outside FILTER WHAT: none of these packets was seen there.
nothing_outside()
{
	local seen

	capture_is_complete
	seen=$(count_outside "$1")
	[ "$seen" -eq 0 ] || fail "$seen packets outside: $2, the first: $(tcpdump -n -r "$L/outside.pcap" -c 1 "$1" 2>/dev/null)"
	[ "$(count_outside)" -gt 0 ] || fail "the outside capture shows nothing: it proves nothing"
	note "not outside: $2"
}

# ---- traffic -------------------------------------------------------------------------------------------------------

# wait_ping NS ADDRESS [SECONDS]
wait_ping()
{
	wait_for "${3:-$(( 10 * slack ))}" "ping from $1 to $2 answered" in_ns "$1" ping -c 1 -W 1 -q "$2"
	note "ping from $1 to $2 answered"
}

expect_no_ping()
{
	! in_ns "$1" ping -c 2 -i 0.2 -W 1 -q "$2" >/dev/null 2>&1 || fail "ping from $1 to $2 was answered; it must not be"
}

# ping_lossless NS ADDRESS COUNT INTERVAL
ping_lossless()
{
	local result

	result=$(in_ns "$1" ping -q -c "$3" -i "$4" -W 2 "$2" | grep transmitted) || result="no answer at all"
	[[ $result == "$3 packets transmitted, $3 received, "* ]] || fail "ping $1 to $2: expected $3 of $3, saw: $result"
	note "ping $1 to $2: $result"
}

# A flow of pings to be judged later: ping_begin NS ADDRESS INTERVAL [FLOW] ... ping_end FLOW [MOST-THAT-MAY-BE-LOST]; a flow is called
# after its namespace unless several leave from there.
ping_begin()
{
	local flow=${4:-$1}

	exec_in "$1" ping -D -i "$3" -W 2 "$2" >"$W/ping-$flow" 2>&1 &
	echo $! >"$W/ping-$flow.pid"
	echo "$3" >"$W/ping-$flow.interval"
	pause 0.5
}

# socket_drops PID: answers that came to this machine and found no room at the ping's own socket, since nobody let it run.
socket_drops()
{
	local inodes

	inodes=$(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' | tr '\n' ' ')
	cat "/proc/$1"/net/{icmp,icmp6,raw,raw6} | awk -v inodes="$inodes" '
		BEGIN { n = split(inodes, list); for (i = 1; i <= n; i++) wanted[list[i]] = 1 }
		$10 in wanted { drops += $NF }
		END { print drops + 0 }'
}

# ping_stop FLOW: sets sent, lost and first_lost. Each request is accounted for by its number; only those of the last 0.3 s may still be under way. What
# came back and was dropped at the ping's own full socket is not lost: first_lost is still the first that ping has not seen. Nor is what a kernel dropped in
# a race of its own: each new policy outdates its cached routes, and a packet on its way by one that another processor replaces meanwhile is counted
# as XfrmFwdHdrError (skb_dst_force() in __xfrm_route_forward()). Where processors are emulated, they stand still at such a place now and then.
ping_stop()
{
	local drops raced spent

	drops=$(socket_drops "$(cat "$W/ping-$1.pid")")
	kill -ALRM "$(cat "$W/ping-$1.pid")"
	wait "$(cat "$W/ping-$1.pid")" || true
	read -r sent lost first_lost < <(awk -v interval="$(cat "$W/ping-$1.interval")" '
		match($0, /icmp_seq=[0-9]+/) && / time=/ { seen[substr($0, RSTART + 9, RLENGTH - 9) + 0] = 1 }
		/packets transmitted/ { sent = $1 }
		END {
			for (i = 1; i <= sent - int(0.3 / interval) - 1; i++)
				if (!(i in seen)) { lost++; if (!first) first = i }
			print sent + 0, lost + 0, first + 0
		}' "$W/ping-$1")
	cp "$W/ping-$1" "$L/ping-$1"
	[ "${sent:-0}" -gt 10 ] || fail "ping of $1: only ${sent:-0} sent: $(tail -n 1 "$W/ping-$1")"
	note "ping of $1: $sent sent, $lost without an answer that ping has seen, $drops came to its socket and found no room"
	lost=$(( lost > drops ? lost - drops : 0 ))
	raced=$(routes_raced)
	spent=$(cat "$W/routes-raced" 2>/dev/null || echo 0)
	if [ "$lost" -gt 0 ] && [ "$raced" -gt "$spent" ]; then
		raced=$(( raced - spent < lost ? raced - spent : lost ))
		echo $(( spent + raced )) >"$W/routes-raced"
		lost=$(( lost - raced ))
		note "ping of $1: $raced of these met a cached route that was just replaced"
	fi
}

# routes_raced: the packets that the kernels of all machines here dropped so; more than three are no accident.
routes_raced()
{
	local ns sum=0 n

	for ns in /run/netns/*; do
		n=$(xfrm_error "${ns##*/}" XfrmFwdHdrError)
		sum=$(( sum + ${n:-0} ))
	done
	echo $(( sum < 3 ? sum : 3 ))
}

ping_end()
{
	ping_stop "$1"
	[ "$lost" -le "${2:-0}" ] || fail "ping of $1: expected at most ${2:-0} lost of $sent, saw $lost, the first number $first_lost; dropped in kernels: $(all_drops)"
}

# all_drops: what IPsec, the queue before the protocols (the second column of softnet_stat) and the interfaces of any machine here dropped.
all_drops()
{
	local ns name dropped queues=0

	for ns in /run/netns/*; do
		name=${ns##*/}
		echo "$name: $(xfrm_errors "$name")$(in_ns "$name" ip -j -s link | jq -r '.[] | select(.stats64.rx.dropped + .stats64.tx.dropped > 0) | "\(.ifname) rx \(.stats64.rx.dropped) tx \(.stats64.tx.dropped)"' | tr '\n' ' ')"
	done | grep ': .' | tr '\n' ';'
	while read -r _ dropped _; do queues=$(( queues + 16#$dropped )); done </proc/net/softnet_stat
	echo " queues: $queues"
}

# xfrm_errors NS: what its kernel could not send or open for want of keys, or opened and found wrong: "COUNTER=VALUE" for each that is not 0.
xfrm_errors()
{
	in_ns "$1" awk '$2 { printf "%s=%s ", $1, $2 }' /proc/net/xfrm_stat
}

# xfrm_error NS COUNTER
xfrm_error()
{
	in_ns "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/xfrm_stat
}

# ---- logs ----------------------------------------------------------------------------------------------------------

# expect_log NAME REGEX [SECONDS]: NAME.log of this scenario has, or gets, a matching line.
expect_log()
{
	local end=$(( $(now_ms) + ${3:-$(( 5 * slack ))} * 1000 ))

	until grep -Eq -- "$2" "$L/$1.log"; do
		[ "$(now_ms)" -lt "$end" ] || fail "$1.log: expected a line /$2/; its last: $(tail -n 1 "$L/$1.log")"
		pause 0.1
	done
	note "$1.log: $(grep -E -m 1 -- "$2" "$L/$1.log")"
}

refuse_log()
{
	! grep -Eq -- "$2" "$L/$1.log" || fail "$1.log: expected no line /$2/, saw: $(grep -E -m 1 -- "$2" "$L/$1.log")"
}

# ---- names ---------------------------------------------------------------------------------------------------------

# name_server: asked by all that starts here from now on; it is at the router, and tells what $W/names has (see names). Asked for anything else it is silent.
name_server()
{
	touch "$W/names"
	echo 'nameserver 198.51.100.1' >"$W/resolv.conf"
	printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$W/nsswitch.conf"
	mount --bind "$W/resolv.conf" /etc/resolv.conf
	mount --bind "$W/nsswitch.conf" /etc/nsswitch.conf
	exec_in inet "$LAB/names" 198.51.100.1 "$W/names" >"$L/names.log" 2>&1 &
	wait_for 20 "the name server" grep -q listening "$L/names.log"
}

# ---- the usual world -----------------------------------------------------------------------------------------------
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
#                s2s-aws 169.254.21.2/30 ======= 169.254.21.1/30

# aws_sites: our gateway and an AWS endpoint's site; what passes between them is captured.
aws_sites()
{
	internet
	site gw 198.51.100.7 10.1.0
	site aws 203.0.113.10 10.20.0
	watch_outside
}

# aws_peer [KEY=VALUE...]: the endpoint itself, see peer_start.
aws_peer()
{
	peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24 "$@"
}

aws_world()
{
	aws_sites
	aws_peer "$@"
}

# aws_conf [LINE...]: the configuration of tunnel aws. A line "s2sd: ..." stands on top, others in the tunnel, in place of the one with the same key.
aws_conf()
{
	local line top='' own=''

	for line; do
		case $line in
		'') ;;
		s2sd:*) top=$line;;
		*) own+="    $line"$'\n';;
		esac
	done
	[ -z "$top" ] || echo "$top"
	printf 'tunnels:\n  aws:\n'
	for line in 'cloud: aws' 'remote: 203.0.113.10' 'psk-file: aws.psk' 'inside: 169.254.21.2/30' 'routes: [10.20.0.0/24]'; do
		[[ $own == *"    ${line%%:*}: "* ]] || echo "    $line"
	done
	printf '%s' "$own"
}

# tunnel_conf NAME REMOTE INSIDE ROUTE [LINE...]: one more tunnel, to be printed after those of aws_conf; its key is written.
tunnel_conf()
{
	key "$1.psk" "secret-of-both-for-$1"
	printf '  %s:\n' "$1"
	printf '    %s\n' "remote: $2" "psk-file: $1.psk" "inside: $3" "routes: [$4]" "${@:5}"
}

# aws_start [LINE...]: our daemon with that, and with the key that peer_start takes unless another was written.
aws_start()
{
	[ -f "$W/s2sd-gw/keys/aws.psk" ] || key aws.psk lab-secret-of-both-ends
	s2sd_start < <(aws_conf "$@")
}

aws_reload()
{
	s2sd_reload < <(aws_conf "$@")
}

# shellcheck source=tests/lab/daemon.sh
. "$LAB/daemon.sh"
# shellcheck source=tests/lab/peers.sh
. "$LAB/peers.sh"
