# What the scenarios on a machine with systemd share. Each stands on what those before it left: the package installed, both tunnels up.
#
#     L  logs, kept        LAB  this folder

slack=${LAB_PATIENCE:-1}
aws=vpn-0a1b2c3d4e5f60001

# ---- saying and waiting ----------------------------------------------------------------------------------------------

now_ms()
{
	echo $(( ${EPOCHREALTIME/[.,]/} / 1000 ))
}

note()
{
	printf '%s %s\n' "$(date +%T.%3N)" "$*" >>"$L/scenario.log"
	echo "$NAME: $*" >>/lab/out/progress
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

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for()
{
	local seconds=$1 what=$2 end

	shift 2
	end=$(( $(now_ms) + seconds * 1000 ))
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || fail "$what: not within $seconds s"
		sleep 0.2
	done
}

# status_of COMMAND...: sets status and said.
status_of()
{
	status=0
	said=$("$@" 2>&1) || status=$?
}

in_ns()
{
	local ns=$1

	shift
	nsenter --net=/run/netns/"$ns" -- "$@"
}

# ---- the daemon and its unit ------------------------------------------------------------------------------------------

tunnels_up()
{
	[ "$(s2sctl status --json | jq '[.tunnels[] | select(.state == "up")] | length')" = "${1:-2}" ]
}

wait_up()
{
	wait_for $(( 20 * slack )) "${1:-2} tunnels up" tunnels_up "${1:-2}"
	note "${1:-2} tunnels up"
}

property()
{
	systemctl show -p "$1" --value s2sd
}

property_is()
{
	[ "$(property "$1")" = "$2" ]
}

expect_property()
{
	property_is "$1" "$2" || fail "$1 of s2sd.service: expected $2, saw $(property "$1")"
}

keeper()
{
	property MainPID
}

# The engine is the child of the keeper that runs the program of that name.
engine()
{
	pgrep -P "$(keeper)" -f 's2sd-engine|s2sd: engine'
}

# journal_since CURSOR-FILE: what s2sd said since journal_mark.
journal_mark()
{
	journalctl --sync
	journalctl -n 0 --show-cursor -q | sed -n 's/^-- cursor: //p' >"$L/cursor"
}

journal_new()
{
	journalctl --sync
	journalctl --after-cursor "$(cat "$L/cursor")" -u s2sd -o cat --no-pager
}

# How often an IKE SA was begun anew: what the other end counted.
dials()
{
	grep -c 'parsed IKE_SA_INIT request' /lab/out/charon.log || true
}

spis()
{
	ip xfrm state | sed -n 's/.*spi \(0x[0-9a-f]*\).*/\1/p' | sort
}

# ---- traffic ----------------------------------------------------------------------------------------------------------

wait_ping()
{
	wait_for $(( 15 * slack )) "10.20.0.1 answers the LAN" in_ns lan ping -c 1 -W 1 -q 10.20.0.1
}

# From now on the LAN asks a hundred times a second.
ping_begin()
{
	nsenter --net=/run/netns/lan -- ping -D -n -i 0.01 -W 2 10.20.0.1 >"$L/ping" 2>&1 &
	ping_pid=$!
	sleep 1
}

# ping_end [MOST-THAT-MAY-BE-LOST]: each request is accounted for by its number; only those of the last 0.3 s may be under way.
ping_end()
{
	local sent lost first

	sleep 1
	kill -INT $ping_pid
	wait $ping_pid || true
	read -r sent lost first < <(awk '
		match($0, /icmp_seq=[0-9]+/) && / time=/ { seen[substr($0, RSTART + 9, RLENGTH - 9) + 0] = 1 }
		/packets transmitted/ { sent = $1 }
		END { for (i = 1; i <= sent - 31; i++) if (!(i in seen)) { lost++; if (!first) first = i }
			print sent + 0, lost + 0, first + 0 }' "$L/ping")
	[ "$sent" -gt 50 ] || fail "only $sent requests were sent: $(tail -n 1 "$L/ping")"
	note "ping: $sent sent, $lost lost"
	[ "$lost" -le "${1:-0}" ] || fail "expected at most ${1:-0} of $sent requests lost, saw $lost, the first was number $first"
}

# ---- the witness ------------------------------------------------------------------------------------------------------

witness()
{
	tcpdump -n -r "/lab/out/witness-$(cat /proc/sys/kernel/random/boot_id).pcap" "$@" 2>/dev/null
}

# Our own IKE is no traffic of the inside, even where the kernel names the LAN's address as its source while the uplink has none.
inside='(net 10.0.0.0/8 or net 169.254.0.0/16) and not arp and not udp port 500'

# Since the boot nothing of the inside left in clear, and the witness has seen what it should see.
no_clear_text()
{
	local clear

	sleep 1
	clear=$(witness "$inside" | wc -l)
	[ "$clear" -eq 0 ] || fail "$clear clear packets left by the uplink, the first: $(witness -c 1 "$inside")"
	[ "$(witness esp | wc -l)" -gt 0 ] || fail "the witness saw no ESP: it proves nothing"
}

# Nothing of ours is left in the kernel.
kernel_is_clean()
{
	local left

	left=$(ip xfrm state; ip xfrm policy; ip -o link show type xfrm; ip route show table all proto 213; ip rule | sed -n '/213/p'; nft list tables | sed -n '/s2sd/p')
	[ -z "$left" ] || fail "left in the kernel: $(head -c 300 <<<"$left")"
}
