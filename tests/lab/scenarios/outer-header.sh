# What the outer header of ESP bears: DF cleared, copied or set; the DSCP of the inner packet or one of its own. (Over IPv6: ipv6.)
# timeout: 120
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

# seen FILTER: ESP of ours that the capture has of it.
esp=esp
seen()
{
	count_outside "src host 198.51.100.7 and $esp and $1"
}

# header WHAT PING-OPTION... -- FILTER: all of five such pings leave as ESP to which the filter applies, and are answered.
header()
{
	local what=$1 options=() any all

	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	capture_is_complete
	any=$(seen ip) all=$(seen "$2")
	in_ns gw-host ping -c 5 -i 0.2 -W 2 -q "${options[@]}" 10.20.0.10 >"$L/ping-header" 2>&1 || fail "$what: $(tail -3 "$L/ping-header")"
	grep -q ' 0% packet loss' "$L/ping-header" || fail "$what: $(tail -3 "$L/ping-header")"
	capture_is_complete
	any=$(( $(seen ip) - any )) all=$(( $(seen "$2") - all ))
	[ "$any" -ge 5 ] && [ "$all" -eq "$any" ] || fail "$what: $all of $any packets"
	note "$what: $all of $any packets"
}

with()
{
	local old
	old=$(child_spis aws)
	aws_reload "$@"
	wait_new child aws "$old" 20
}

df='ip[6] & 0x40 != 0' no_df='ip[6] & 0x40 = 0'
header 'clear, DF inside' -M do -Q 0x28 -- "$no_df and ip[1] & 0xfc = 0x28"
header 'clear, no DF inside' -M dont -- "$no_df and ip[1] & 0xfc = 0"
with 'df: copy'
header 'copy, DF inside' -M do -Q 0xb8 -- "$df and ip[1] & 0xfc = 0xb8"
header 'copy, no DF inside' -M dont -- "$no_df and ip[1] & 0xfc = 0"
with 'df: set'
header 'set, no DF inside' -M dont -Q 0x28 -- "$df and ip[1] & 0xfc = 0x28"
with 'dscp: 0'
header 'DSCP 0' -M do -Q 0xb8 -- "$no_df and ip[1] & 0xfc = 0"
with 'dscp: 46'
header 'DSCP 46' -M do -Q 0x28 -- "$no_df and ip[1] & 0xfc = 0xb8"
# ECN (the lower two bits) is the inner packet's all the same.
header 'DSCP 46 and ECN' -Q 0x2a -- "$no_df and ip[1] = 0xba"
with 'df: set' 'dscp: 21'
header 'DF and DSCP 21' -M dont -- "$df and ip[1] & 0xfc = 0x54"
[ "$(in_ns gw nft list chain inet s2sd header | grep -c 'mark')" -eq 13 ] || fail "the rules are not those that were looked for"
with 'encapsulation: udp' 'df: set' 'dscp: 46'
wait_up aws
wait_ping gw-host 10.20.0.10
esp='udp src port 4500 and udp[8:4] != 0'
header 'in UDP' -M dont -Q 0x28 -- "$df and ip[1] & 0xfc = 0xb8"
# Nothing is done to what does not ask for it.
[ "$(count_outside "src host 198.51.100.7 and (udp port 500 or (udp src port 4500 and udp[8:4] = 0)) and ip[1] & 0xfc != 0")" -eq 0 ] || fail "IKE bears a DSCP"
refuse_log s2sd-gw 'kernel-repaired|another program'
s2sd_stop
kernel_is_clean
no_clear_text esp
